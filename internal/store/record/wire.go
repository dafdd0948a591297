package record

import (
	"encoding/binary"
	"errors"
	"math"
	"math/bits"
	"time"
)

// ErrMalformed is answered for bytes that are not a record.
var ErrMalformed = errors.New("malformed record")

func appendBytes(b []byte, field int, v string) []byte {
	if v == "" {
		return b
	}
	b = binary.AppendUvarint(b, uint64(field)<<1|1)
	b = binary.AppendUvarint(b, uint64(len(v)))
	return append(b, v...)
}

func appendInt(b []byte, field int, v int64) []byte {
	if v == 0 {
		return b
	}
	b = binary.AppendUvarint(b, uint64(field)<<1)
	return binary.AppendVarint(b, v)
}

func appendBool(b []byte, field int, v bool) []byte {
	if !v {
		return b
	}
	return appendInt(b, field, 1)
}

// appendFloat reverses the bytes, so that short fractions stay short.
func appendFloat(b []byte, field int, v float64) []byte {
	return appendInt(b, field, int64(bits.ReverseBytes64(math.Float64bits(v))))
}

// appendTime writes also the first millisecond of 1970: only the zero time is
// left out.
func appendTime(b []byte, field int, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = binary.AppendUvarint(b, uint64(field)<<1)
	return binary.AppendVarint(b, t.UnixMilli())
}

func appendMap(b []byte, field int, m map[string]string) []byte {
	for k, v := range m {
		var at int
		b, at = begin(b, field)
		b = appendBytes(b, 1, k)
		b = appendBytes(b, 2, v)
		b = end(b, at)
	}
	return b
}

// begin opens a record inside a record; what is appended until end is its
// content.
func begin(b []byte, field int) ([]byte, int) {
	b = binary.AppendUvarint(b, uint64(field)<<1|1)
	return b, len(b)
}

// end puts the length in front of the content that began at at.
func end(b []byte, at int) []byte {
	var length [binary.MaxVarintLen64]byte
	size := len(b) - at
	n := binary.PutUvarint(length[:], uint64(size))
	b = append(b, length[:n]...)
	copy(b[at+n:], b[at:at+size])
	copy(b[at:], length[:n])
	return b
}

// reader walks the fields of a record. Strings that it hands out are parts of
// the record's own.
type reader struct {
	rest  string
	field int
	value int64  // of a field without bytes
	bytes string // of a field with bytes
	err   error
}

// next moves to the next field; false at the end or where err is set.
func (r *reader) next() bool {
	if r.rest == "" || r.err != nil {
		return false
	}
	key := r.uvarint()
	r.field, r.value, r.bytes = int(key>>1), 0, ""
	n := r.uvarint()
	if key&1 == 0 {
		r.value = int64(n>>1) ^ -int64(n&1)
	} else if r.err == nil {
		if n > uint64(len(r.rest)) {
			r.err = ErrMalformed
		} else {
			r.bytes, r.rest = r.rest[:n], r.rest[n:]
		}
	}
	if key>>1 > math.MaxInt32 {
		r.err = ErrMalformed
	}
	return r.err == nil
}

func (r *reader) uvarint() uint64 {
	var v uint64
	for i := 0; i < len(r.rest) && i < binary.MaxVarintLen64; i++ {
		c := r.rest[i]
		if i == binary.MaxVarintLen64-1 && c > 1 {
			break
		}
		v |= uint64(c&0x7f) << (7 * i)
		if c < 0x80 {
			r.rest = r.rest[i+1:]
			return v
		}
	}
	if r.err == nil {
		r.err = ErrMalformed
	}
	return 0
}

func (r *reader) float() float64 {
	return math.Float64frombits(bits.ReverseBytes64(uint64(r.value)))
}

func (r *reader) time() time.Time { return time.UnixMilli(r.value).UTC() }

// entry adds the key and value that the current field holds to m.
func (r *reader) entry(m *map[string]string) {
	var k, v string
	in := reader{rest: r.bytes}
	for in.next() {
		switch in.field {
		case 1:
			k = in.bytes
		case 2:
			v = in.bytes
		}
	}
	if *m == nil {
		*m = map[string]string{}
	}
	(*m)[k] = v
	r.fail(in.err)
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
}
