package encode

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Lengths in octets of the concatenation headers, the length octet included.
const (
	UDH8Length  = 6 // 8-bit reference
	UDH16Length = 7 // 16-bit reference
)

// Information elements of TS 23.040 section 9.2.3.24.
const (
	ElementConcatenated8  = 0x00
	ElementConcatenated16 = 0x08
)

// ErrUDH is returned for octets that are not a user data header.
var ErrUDH = errors.New("malformed user data header")

// AppendUDH8 appends a user data header of six octets that marks part seq of
// total with an 8-bit reference (TS 23.040 section 9.2.3.24.1). seq counts
// from 1.
func AppendUDH8(dst []byte, ref, total, seq byte) []byte {
	return append(dst, UDH8Length-1, ElementConcatenated8, 3, ref, total, seq)
}

// AppendUDH16 appends a user data header of seven octets that marks part seq of
// total with a 16-bit reference (TS 23.040 section 9.2.3.24.8). seq counts from
// 1. Only parts that were cut with Options.Reference16 fit beside it.
func AppendUDH16(dst []byte, ref uint16, total, seq byte) []byte {
	return append(dst, UDH16Length-1, ElementConcatenated16, 4, byte(ref>>8), byte(ref), total, seq)
}

// Header is a user data header.
type Header struct {
	Length   int       // octets, the length octet included
	Elements []Element // in the order of the header

	// Concatenation says which part of a longer message this is; its Total is
	// 0 where the header does not say.
	Concatenation Concatenation
}

// Element is one information element. Data is a slice of the parsed octets.
type Element struct {
	ID   byte
	Data []byte
}

// Concatenation names one part of a message of several.
type Concatenation struct {
	Reference   uint16
	Reference16 bool // the reference has 16 bits; it never matches one of 8
	Total       byte // parts of the message
	Sequence    byte // this part, from 1 to Total
}

// ParseUDH reads the user data header at the beginning of b and returns it with
// what follows. A header longer than b, or whose elements do not fill it
// exactly, is ErrUDH. As TS 23.040 section 9.2.3.24 asks of receivers, unknown
// elements are passed over, a concatenation whose sequence is 0 or above its
// total is ignored, and of several the last counts.
func ParseUDH(b []byte) (h Header, rest []byte, err error) {
	if len(b) == 0 {
		return Header{}, nil, fmt.Errorf("%w: no octets", ErrUDH)
	}
	h.Length = int(b[0]) + 1
	if h.Length > len(b) {
		return Header{}, nil, fmt.Errorf("%w: %d octets announced, %d there", ErrUDH, h.Length, len(b))
	}
	elements, rest := b[1:h.Length], b[h.Length:]
	for len(elements) > 0 {
		if len(elements) < 2 || len(elements)-2 < int(elements[1]) {
			return Header{}, nil, fmt.Errorf("%w: last element is cut", ErrUDH)
		}
		end := 2 + int(elements[1])
		e := Element{ID: elements[0], Data: elements[2:end:end]}
		h.Elements = append(h.Elements, e)
		if c, ok := e.concatenation(); ok {
			h.Concatenation = c
		}
		elements = elements[end:]
	}
	return h, rest, nil
}

func (e Element) concatenation() (c Concatenation, ok bool) {
	switch {
	case e.ID == ElementConcatenated8 && len(e.Data) == 3:
		c = Concatenation{Reference: uint16(e.Data[0]), Total: e.Data[1], Sequence: e.Data[2]}
	case e.ID == ElementConcatenated16 && len(e.Data) == 4:
		c = Concatenation{Reference: binary.BigEndian.Uint16(e.Data), Reference16: true, Total: e.Data[2], Sequence: e.Data[3]}
	}
	return c, c.Sequence >= 1 && c.Sequence <= c.Total
}
