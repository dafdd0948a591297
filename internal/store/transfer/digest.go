package transfer

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/bits"
)

// Digest tells whether two readings of a table found the same rows, in whatever
// order: it is the sum, in 128 bits, of a SHA-256 of each row.
type Digest struct {
	rows    int64
	hi, lo  uint64
	scratch []byte
}

// Add adds a row.
func (d *Digest) Add(r Row) {
	b := d.scratch[:0]
	for i := range r {
		switch v := &r[i]; {
		case v.Null:
			b = append(b, 0)
		case v.Bytes != nil:
			b = binary.AppendUvarint(append(b, 1), uint64(len(v.Bytes)))
			b = append(b, v.Bytes...)
		default:
			b = binary.AppendVarint(append(b, 2), v.Int)
		}
	}
	d.scratch = b
	sum := sha256.Sum256(b)
	var carry uint64
	d.lo, carry = bits.Add64(d.lo, binary.BigEndian.Uint64(sum[8:]), 0)
	d.hi, _ = bits.Add64(d.hi, binary.BigEndian.Uint64(sum[:]), carry)
	d.rows++
}

// Rows is the number of rows that were added.
func (d *Digest) Rows() int64 { return d.rows }

// Same reports whether both have the same rows.
func (d *Digest) Same(other *Digest) bool {
	return d.rows == other.rows && d.hi == other.hi && d.lo == other.lo
}

// String is the sum in hexadecimal.
func (d *Digest) String() string {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], d.hi)
	binary.BigEndian.PutUint64(b[8:], d.lo)
	return hex.EncodeToString(b[:])
}
