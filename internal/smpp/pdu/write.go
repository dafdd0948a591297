package pdu

import (
	"encoding/binary"
	"fmt"
	"strings"
)

// writer appends a PDU's body to b. The first fault stays.
type writer struct {
	b   []byte
	err *FieldError
}

func (w *writer) fail(name, reason string) {
	if w.err == nil {
		w.err = &FieldError{Field: name, Reason: reason}
	}
}

func (w *writer) uint8(v uint8)   { w.b = append(w.b, v) }
func (w *writer) uint32(v uint32) { w.b = binary.BigEndian.AppendUint32(w.b, v) }

func (w *writer) cstring(f *field, s string) {
	if len(s) >= f.write {
		w.fail(f.name, fmt.Sprintf("%d characters, at most %d are allowed", len(s), f.write-1))
		return
	}
	if strings.IndexByte(s, 0) >= 0 {
		w.fail(f.name, "holds a NUL character")
		return
	}
	w.b = append(w.b, s...)
	w.b = append(w.b, 0)
}

// time writes a time field, which is empty or has exactly sixteen characters.
func (w *writer) time(f *field, s string) {
	if s != "" && len(s) != timeLength {
		w.fail(f.name, fmt.Sprintf("%q is not a time of %d characters", s, timeLength))
		return
	}
	w.cstring(f, s)
}

func (w *writer) address(f *field, a Address) {
	w.uint8(uint8(a.TON))
	w.uint8(uint8(a.NPI))
	w.cstring(f, a.Addr)
}

// message writes sm_length and short_message, then the optional parameters. A body
// that sm_length cannot count goes into message_payload instead.
func (w *writer) message(body []byte, list TLVs) {
	if len(body) <= maxShortMessage {
		w.uint8(uint8(len(body)))
		w.b = append(w.b, body...)
		w.tlvs(list)
		return
	}
	if _, has := list.Get(TagMessagePayload); has {
		w.fail("short_message", fmt.Sprintf("%d octets, at most %d are allowed beside message_payload", len(body), maxShortMessage))
		return
	}
	w.uint8(0)
	w.tlv(TLV{Tag: TagMessagePayload, Value: body})
	w.tlvs(list)
}

func (w *writer) tlvs(list TLVs) {
	for _, t := range list {
		w.tlv(t)
	}
}

func (w *writer) tlv(t TLV) {
	if len(t.Value) > 0xFFFF {
		w.fail(t.Tag.String(), fmt.Sprintf("%d octets, at most 65535 are allowed", len(t.Value)))
		return
	}
	w.b = binary.BigEndian.AppendUint16(w.b, uint16(t.Tag))
	w.b = binary.BigEndian.AppendUint16(w.b, uint16(len(t.Value)))
	w.b = append(w.b, t.Value...)
}
