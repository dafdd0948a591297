package pdu

import (
	"bytes"
	"encoding/binary"
)

// reader takes a PDU's body apart from the front. The first fault stays; after it
// every read gives zero values.
type reader struct {
	b     []byte
	fault *DecodeError
}

func (r *reader) fail(name string, status Status, nack bool, reason string) {
	if r.fault == nil {
		r.fault = &DecodeError{Status: status, Field: name, Reason: reason, Nack: nack}
	}
	r.b = nil
}

// truncated is a body that ends before its last mandatory field: its
// command_length cannot be right.
func (r *reader) truncated(name string) {
	r.fail(name, RInvCmdLen, true, "the PDU ends before it")
}

func (r *reader) uint8(name string) uint8 {
	if len(r.b) < 1 {
		r.truncated(name)
		return 0
	}
	v := r.b[0]
	r.b = r.b[1:]
	return v
}

func (r *reader) uint32(name string) uint32 {
	if len(r.b) < 4 {
		r.truncated(name)
		return 0
	}
	v := binary.BigEndian.Uint32(r.b)
	r.b = r.b[4:]
	return v
}

func (r *reader) cstring(f *field) string {
	if r.fault != nil {
		return ""
	}
	end := bytes.IndexByte(r.b, 0)
	switch {
	case end >= f.read, end < 0 && len(r.b) >= f.read:
		r.fail(f.name, f.status, false, "longer than any peer needs")
		return ""
	case end < 0:
		r.truncated(f.name)
		return ""
	}
	s := string(r.b[:end])
	r.b = r.b[end+1:]
	return s
}

// lastCString reads a C-octet string that may end with the body instead of a NUL.
func (r *reader) lastCString(f *field) string {
	if r.fault == nil && len(r.b) < f.read && bytes.IndexByte(r.b, 0) < 0 {
		s := string(r.b)
		r.b = nil
		return s
	}
	return r.cstring(f)
}

func (r *reader) address(f *field) Address {
	return Address{TON: TON(r.uint8(f.name + "_ton")), NPI: NPI(r.uint8(f.name + "_npi")), Addr: r.cstring(f)}
}

// own copies what is left of the body, so that octets and tlvs may keep parts of
// it. Without it they would alias the caller's frame.
func (r *reader) own() {
	if len(r.b) > 0 {
		r.b = bytes.Clone(r.b)
	}
}

// shortMessage reads sm_length and short_message.
func (r *reader) shortMessage() []byte {
	n := int(r.uint8("sm_length"))
	if n > len(r.b) {
		r.fail("sm_length", RInvMsgLen, false, "more than the PDU holds")
	}
	if n == 0 || r.fault != nil {
		return nil
	}
	m := r.b[:n:n]
	r.b = r.b[n:]
	return m
}

// tlvs reads optional parameters to the end of the body. Where strict is false, a
// parameter that does not fit and what follows it are dropped: the mandatory part
// of a response is worth more than a complaint that nobody could be sent.
func (r *reader) tlvs(strict bool) TLVs {
	if len(r.b) == 0 {
		return nil
	}
	count := 0
	for rest := r.b; len(rest) >= tlvHeader; count++ {
		n := int(binary.BigEndian.Uint16(rest[2:]))
		if n > len(rest)-tlvHeader {
			break
		}
		rest = rest[tlvHeader+n:]
	}
	var list TLVs
	if count > 0 {
		list = make(TLVs, 0, count)
	}
	for range count {
		n := int(binary.BigEndian.Uint16(r.b[2:]))
		end := tlvHeader + n
		list = append(list, TLV{Tag: Tag(binary.BigEndian.Uint16(r.b)), Value: r.b[tlvHeader:end:end]})
		r.b = r.b[end:]
	}
	if strict && len(r.b) > 0 {
		r.fail("optional parameters", RInvOptParStream, false, "a parameter is longer than the PDU")
	}
	return list
}
