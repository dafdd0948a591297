package postgres

import (
	"bytes"
	"encoding/binary"
	"time"
)

// OIDs of the types that parameters have (PostgreSQL, catalog pg_type).
const (
	oidInt       = 20 // bigint
	oidText      = 25
	oidInts      = 1016
	oidTexts     = 1009
	oidByteas    = 1001
	oidBytea     = 17
	arrayHeader  = 20 // bytes, of an array with one dimension
	emptyArray   = 12
	nullElement  = 0xffffffff
	lengthOfInt  = 8
	lengthPrefix = 4
)

// array is a parameter with a value for each row of a statement, in the binary
// format: dimensions, whether there are nulls, the element's type, length, lower
// bound, and then each element with its length in front.
type array struct {
	oid   uint32 // of the array
	n     int
	nulls bool
	buf   []byte
}

func (a *array) reset() { a.n, a.nulls, a.buf = 0, false, a.buf[:0] }

// begin adds an element; what is appended to buf until end is its value.
func (a *array) begin() int {
	if a.n == 0 {
		a.buf = append(a.buf[:0], make([]byte, arrayHeader)...) // set by param
	}
	a.n++
	a.buf = append(a.buf, 0, 0, 0, 0)
	return len(a.buf)
}

func (a *array) end(at int) {
	binary.BigEndian.PutUint32(a.buf[at-lengthPrefix:], uint32(len(a.buf)-at))
}

// undo takes back the element that was begun last.
func (a *array) undo() {
	a.n--
	a.buf = a.buf[:len(a.buf)-lengthPrefix]
}

func (a *array) int(v int64) {
	at := a.begin()
	a.buf = binary.BigEndian.AppendUint64(a.buf, uint64(v))
	a.end(at)
}

func (a *array) text(v string) {
	at := a.begin()
	a.buf = append(a.buf, v...)
	a.end(at)
}

// bytes adds nil as a null.
func (a *array) bytes(v []byte) {
	if v == nil {
		a.null()
		return
	}
	at := a.begin()
	a.buf = append(a.buf, v...)
	a.end(at)
}

func (a *array) null() {
	at := a.begin()
	binary.BigEndian.PutUint32(a.buf[at-lengthPrefix:], nullElement)
	a.nulls = true
}

// param is the whole array.
func (a *array) param() []byte {
	element := uint32(oidInt)
	switch a.oid {
	case oidTexts:
		element = oidText
	case oidByteas:
		element = oidBytea
	}
	if a.n == 0 {
		a.buf = append(a.buf[:0], make([]byte, emptyArray)...)
		binary.BigEndian.PutUint32(a.buf[8:], element)
		return a.buf
	}
	nulls := uint32(0)
	if a.nulls {
		nulls = 1
	}
	for i, v := range []uint32{1, nulls, element, uint32(a.n), 1} {
		binary.BigEndian.PutUint32(a.buf[i*4:], v)
	}
	return a.buf
}

func intParam(v int64) []byte { return binary.BigEndian.AppendUint64(nil, uint64(v)) }

// row is a result row in the binary format, valid until the next one is read. The
// statements say which type each column has.
type row [][]byte

// int is a smallint, an integer, a bigint or a boolean.
func (r row) int(i int) int64 {
	switch b := r[i]; len(b) {
	case 1:
		return int64(b[0])
	case 2:
		return int64(int16(binary.BigEndian.Uint16(b)))
	case 4:
		return int64(int32(binary.BigEndian.Uint32(b)))
	case lengthOfInt:
		return int64(binary.BigEndian.Uint64(b))
	default:
		return 0
	}
}

func (r row) text(i int) string { return string(r[i]) }

// blob is the caller's to keep.
func (r row) blob(i int) []byte { return bytes.Clone(r[i]) }

func (r row) null(i int) bool { return r[i] == nil }

func (r row) time(i int) time.Time { return time.UnixMilli(r.int(i)).UTC() }
