package wire

import (
	"encoding/base64"
	"math"
	"strconv"
	"time"
)

// The readers below are what the generated code reads members with. Those that
// return a pointer, slice or map take null for absent and return nil.

func (d *Decoder) text() string {
	if !d.at('"') {
		d.failType("a string")
		return ""
	}
	return d.own(d.scanString())
}

func (d *Decoder) optText() *string {
	if d.null() {
		return nil
	}
	if len(d.slab) == 0 {
		d.slab = make([]string, 8)
	}
	p := &d.slab[0]
	d.slab = d.slab[1:]
	*p = d.text()
	return p
}

// reqText reads a required string; null is absent. An empty string sets bit in
// empty, which is how Validate tells a string sent empty from none.
func reqText[E uint8 | uint16 | uint32](d *Decoder, empty *E, bit E) string {
	*empty &^= bit
	if d.null() {
		return ""
	}
	s := d.text()
	if s == "" {
		*empty |= bit
	}
	return s
}

// plainText reads a required string where nobody asks whether it was absent.
func (d *Decoder) plainText() string {
	if d.null() {
		return ""
	}
	return d.text()
}

func (d *Decoder) boolean() bool {
	switch {
	case d.null(), d.literal("false"):
		return false
	case d.literal("true"):
		return true
	}
	d.failType("a boolean")
	return false
}

func (d *Decoder) optBoolean() *bool {
	if d.null() {
		return nil
	}
	return new(d.boolean())
}

func (d *Decoder) int64() int64 {
	if d.null() {
		return 0
	}
	return d.integer(math.MinInt64, math.MaxInt64)
}

func (d *Decoder) optInt64() *int64 {
	if d.null() {
		return nil
	}
	return new(d.int64())
}

func (d *Decoder) int32() int32 {
	if d.null() {
		return 0
	}
	return int32(d.integer(math.MinInt32, math.MaxInt32))
}

func (d *Decoder) optInt32() *int32 {
	if d.null() {
		return nil
	}
	return new(d.int32())
}

// integer reads a whole number from lo to hi. It may be written with a fraction
// of zero or with an exponent, as some clients write every number.
func (d *Decoder) integer(lo, hi int64) int64 {
	if !d.number() {
		return 0
	}
	start := d.pos
	text, whole := d.scanNumber()
	if d.err != nil {
		return 0
	}
	var n int64
	var err error
	if whole {
		n, err = strconv.ParseInt(text, 10, 64)
	} else {
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		// Beyond 2^53 a float no longer tells neighbouring whole numbers apart.
		if err == nil && (f != math.Trunc(f) || math.Abs(f) > 1<<53) {
			d.pos = start
			d.fail("expected a whole number")
			return 0
		}
		n = int64(f)
	}
	if err != nil || n < lo || n > hi {
		d.pos = start
		d.fail("the number is out of range: from " + strconv.FormatInt(lo, 10) + " to " + strconv.FormatInt(hi, 10) + " is allowed")
		return 0
	}
	return n
}

// Timestamps are held to the years 1 to 9999, in epoch seconds.
const (
	minEpoch = -62135596800
	maxEpoch = 253402300799
)

func (d *Decoder) timestamp() time.Time {
	if d.null() {
		return time.Time{}
	}
	start := d.pos
	f, ok := d.float()
	if !ok {
		return time.Time{}
	}
	if f < minEpoch || f > maxEpoch {
		d.pos = start
		d.fail("the timestamp is out of range: epoch seconds of the years 1 to 9999 are allowed")
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(f * 1000))).UTC()
}

func (d *Decoder) optTimestamp() *time.Time {
	if d.null() {
		return nil
	}
	return new(d.timestamp())
}

func (d *Decoder) blob() []byte {
	if d.null() {
		return nil
	}
	start := d.pos
	if !d.at('"') {
		d.failType("a base64 string")
		return nil
	}
	s := d.scanString()
	if d.err != nil {
		return nil
	}
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		d.pos = start
		d.fail("the string is not base64")
		return nil
	}
	return b
}

// unmarshaler is a pointer to T that reads T.
type unmarshaler[T any] interface {
	*T
	UnmarshalWire(*Decoder)
}

func optStruct[T any, P unmarshaler[T]](d *Decoder) *T {
	if d.null() {
		return nil
	}
	v := new(T)
	P(v).UnmarshalWire(d)
	return v
}

// listOf reads a list with one. It keeps at most keep items, all for keep 0.
func listOf[T any](d *Decoder, keep int, one func(*Decoder) T) []T {
	if d.null() {
		return nil
	}
	key := d.key
	out := []T{}
	for d.list(); d.item(); {
		d.key = key
		if keep > 0 && len(out) == keep {
			d.skip()
			continue
		}
		out = append(out, one(d))
	}
	return out
}

func textList(d *Decoder, keep int) []string {
	return listOf(d, keep, (*Decoder).text)
}

func int64List(d *Decoder, keep int) []int64 {
	return listOf(d, keep, func(d *Decoder) int64 { return d.integer(math.MinInt64, math.MaxInt64) })
}

func structList[T any, P unmarshaler[T]](d *Decoder, keep int) []T {
	return listOf(d, keep, func(d *Decoder) (v T) {
		P(&v).UnmarshalWire(d)
		return v
	})
}

// mapOf reads a map with one; an entry whose value is null is absent. It keeps
// at most keep entries, all for keep 0.
func mapOf[T any](d *Decoder, keep int, one func(*Decoder) T) map[string]T {
	if d.null() {
		return nil
	}
	name := d.key
	out := map[string]T{}
	for d.object(); d.member(); {
		key := d.own(d.key)
		d.key = name
		_, known := out[key]
		switch {
		case d.null():
			delete(out, key)
		case keep > 0 && len(out) == keep && !known:
			d.skip()
		default:
			out[key] = one(d)
		}
	}
	return out
}

func textMap(d *Decoder, keep int) map[string]string {
	return mapOf(d, keep, (*Decoder).text)
}

func structMap[T any, P unmarshaler[T]](d *Decoder, keep int) map[string]T {
	return mapOf(d, keep, func(d *Decoder) (v T) {
		P(&v).UnmarshalWire(d)
		return v
	})
}
