package pdu

import (
	"bytes"
	"encoding/binary"
)

// tlvHeader is the size of a parameter's tag and length in octets.
const tlvHeader = 4

// TLV is one optional parameter. Value is kept as received, known tag or not.
type TLV struct {
	Tag   Tag
	Value []byte
}

// TLVs are the optional parameters of a PDU in the order of the wire. A tag may
// come more than once, as callback_num does in submit_multi.
type TLVs []TLV

// Get is the value of the first parameter with this tag.
func (l TLVs) Get(tag Tag) ([]byte, bool) {
	for i := range l {
		if l[i].Tag == tag {
			return l[i].Value, true
		}
	}
	return nil, false
}

// All are the values of every parameter with this tag.
func (l TLVs) All(tag Tag) [][]byte {
	var values [][]byte
	for i := range l {
		if l[i].Tag == tag {
			values = append(values, l[i].Value)
		}
	}
	return values
}

// Uint is the value of an integer parameter of one to four octets. Its size need
// not be the specification's: peers send two octets for one and the reverse.
func (l TLVs) Uint(tag Tag) (uint32, bool) {
	v, ok := l.Get(tag)
	if !ok || len(v) == 0 || len(v) > 4 {
		return 0, false
	}
	var n uint32
	for _, b := range v {
		n = n<<8 | uint32(b)
	}
	return n, true
}

// Text is the value of a C-octet string parameter, up to its NUL where it has one.
func (l TLVs) Text(tag Tag) (string, bool) {
	v, ok := l.Get(tag)
	if !ok {
		return "", false
	}
	if end := bytes.IndexByte(v, 0); end >= 0 {
		v = v[:end]
	}
	return string(v), true
}

// Set replaces every parameter with this tag by one, or appends it.
func (l *TLVs) Set(tag Tag, value []byte) {
	kept := (*l)[:0:0]
	for _, t := range *l {
		if t.Tag != tag {
			kept = append(kept, t)
		}
	}
	*l = append(kept, TLV{Tag: tag, Value: value})
}

// SetUint8 sets an integer parameter of one octet.
func (l *TLVs) SetUint8(tag Tag, v uint8) { l.Set(tag, []byte{v}) }

// SetUint16 sets an integer parameter of two octets.
func (l *TLVs) SetUint16(tag Tag, v uint16) { l.Set(tag, binary.BigEndian.AppendUint16(nil, v)) }

// SetUint32 sets an integer parameter of four octets.
func (l *TLVs) SetUint32(tag Tag, v uint32) { l.Set(tag, binary.BigEndian.AppendUint32(nil, v)) }

// SetText sets a C-octet string parameter, adding its NUL.
func (l *TLVs) SetText(tag Tag, s string) { l.Set(tag, append([]byte(s), 0)) }

// ReceiptedMessageID is the message a receipt is about (section 5.3.2.12).
func (l TLVs) ReceiptedMessageID() (string, bool) { return l.Text(TagReceiptedMessageID) }

// MessageState is the state a receipt reports (section 5.3.2.35).
func (l TLVs) MessageState() (MessageState, bool) {
	n, ok := l.Uint(TagMessageState)
	return MessageState(n), ok && n <= 0xFF
}

// MessagePayload is a body too long for short_message (section 5.3.2.32).
func (l TLVs) MessagePayload() ([]byte, bool) { return l.Get(TagMessagePayload) }

// The network types of a NetworkErrorCode (section 5.3.2.31).
const (
	NetworkANSI136 uint8 = 1
	NetworkIS95    uint8 = 2
	NetworkGSM     uint8 = 3
)

// NetworkErrorCode is an error as the mobile network gave it (section 5.3.2.31).
type NetworkErrorCode struct {
	Network uint8
	Code    uint16
}

// NetworkErrorCode is the network's error, where there is one of the right size.
func (l TLVs) NetworkErrorCode() (NetworkErrorCode, bool) {
	v, ok := l.Get(TagNetworkErrorCode)
	if !ok || len(v) != 3 {
		return NetworkErrorCode{}, false
	}
	return NetworkErrorCode{Network: v[0], Code: binary.BigEndian.Uint16(v[1:])}, true
}

// SetNetworkErrorCode sets network_error_code.
func (l *TLVs) SetNetworkErrorCode(e NetworkErrorCode) {
	l.Set(TagNetworkErrorCode, binary.BigEndian.AppendUint16([]byte{e.Network}, e.Code))
}

// Segment is a message part's place in its message by the sar parameters
// (sections 5.3.2.22 to 5.3.2.24). Number counts from 1.
type Segment struct {
	Reference uint16
	Total     uint8
	Number    uint8
}

// Segment is the place told by the three sar parameters. It is false where one of
// them is missing or the place is not within the message.
func (l TLVs) Segment() (Segment, bool) {
	ref, ok1 := l.Uint(TagSarMsgRefNum)
	total, ok2 := l.Uint(TagSarTotalSegments)
	number, ok3 := l.Uint(TagSarSegmentSeqnum)
	if !ok1 || !ok2 || !ok3 || ref > 0xFFFF || total == 0 || total > 0xFF || number == 0 || number > total {
		return Segment{}, false
	}
	return Segment{Reference: uint16(ref), Total: uint8(total), Number: uint8(number)}, true
}

// SetSegment sets the three sar parameters.
func (l *TLVs) SetSegment(s Segment) {
	l.SetUint16(TagSarMsgRefNum, s.Reference)
	l.SetUint8(TagSarTotalSegments, s.Total)
	l.SetUint8(TagSarSegmentSeqnum, s.Number)
}
