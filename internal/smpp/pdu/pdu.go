package pdu

import (
	"encoding/binary"
	"fmt"
)

// HeaderLength is the size of a PDU's header in octets (SMPP 3.4 section 3.2).
const HeaderLength = 16

// maxShortMessage is the largest short_message in octets (section 5.2.21).
const maxShortMessage = 254

// Header is what every PDU has beside its length and command.
type Header struct {
	Status   Status // of responses; 0 in requests
	Sequence uint32
}

// Head gives access to the header of any PDU.
func (h *Header) Head() *Header { return h }

// PDU is one of this package's types, by pointer.
type PDU interface {
	Command() CommandID
	Head() *Header

	appendBody(b []byte) ([]byte, *FieldError)
	readBody(b []byte) *DecodeError
}

// Append writes p after dst. Where a field does not fit it returns dst as it was
// and a [*FieldError].
func Append(dst []byte, p PDU) ([]byte, error) {
	start := len(dst)
	command, head := p.Command(), p.Head()
	b := append(dst, 0, 0, 0, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(command))
	b = binary.BigEndian.AppendUint32(b, uint32(head.Status))
	b = binary.BigEndian.AppendUint32(b, head.Sequence)
	b, fault := p.appendBody(b)
	if fault != nil {
		fault.Command = command
		return dst, fault
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b, nil
}

// Decode reads a frame: one whole PDU with its header. The result shares no memory
// with frame. Every error is a [*DecodeError].
func Decode(frame []byte) (PDU, error) {
	if len(frame) < HeaderLength || uint64(binary.BigEndian.Uint32(frame)) != uint64(len(frame)) {
		return nil, &DecodeError{Status: RInvCmdLen, Field: "command_length", Reason: "not the length of the PDU", Nack: true, Fatal: true}
	}
	command := CommandID(binary.BigEndian.Uint32(frame[4:]))
	head := Header{
		Status:   Status(binary.BigEndian.Uint32(frame[8:])),
		Sequence: binary.BigEndian.Uint32(frame[12:]),
	}
	p := alloc(command)
	if p == nil {
		return nil, &DecodeError{
			Command: command, Sequence: head.Sequence, Status: RInvCmdID,
			Field: "command_id", Reason: "unknown", Nack: true,
		}
	}
	*p.Head() = head
	body := frame[HeaderLength:]
	if len(body) == 0 && command.IsResponse() {
		return p, nil // a refusal has no body, and some peers leave it out of others
	}
	fault := p.readBody(body)
	if fault != nil && command.IsResponse() && head.Status != ROK {
		return p, nil // nor need the body of a refusal be whole
	}
	if fault != nil {
		fault.Command, fault.Sequence = command, head.Sequence
		return nil, fault
	}
	return p, nil
}

// alloc makes an empty PDU for a command, or nil for an unknown one.
func alloc(c CommandID) PDU {
	switch c {
	case CommandSubmitSM:
		return new(SubmitSM)
	case CommandSubmitSMResp:
		return new(SubmitSMResp)
	case CommandDeliverSM:
		return new(DeliverSM)
	case CommandDeliverSMResp:
		return new(DeliverSMResp)
	case CommandEnquireLink:
		return new(EnquireLink)
	case CommandEnquireLinkResp:
		return new(EnquireLinkResp)
	case CommandBindReceiver, CommandBindTransmitter, CommandBindTransceiver:
		return &Bind{Type: BindType(c)}
	case CommandBindReceiverResp, CommandBindTransmitterResp, CommandBindTransceiverResp:
		return &BindResp{Type: BindType(c &^ responseBit)}
	case CommandOutbind:
		return new(Outbind)
	case CommandUnbind:
		return new(Unbind)
	case CommandUnbindResp:
		return new(UnbindResp)
	case CommandGenericNack:
		return new(GenericNack)
	case CommandDataSM:
		return new(DataSM)
	case CommandDataSMResp:
		return new(DataSMResp)
	case CommandSubmitMulti:
		return new(SubmitMulti)
	case CommandSubmitMultiResp:
		return new(SubmitMultiResp)
	case CommandQuerySM:
		return new(QuerySM)
	case CommandQuerySMResp:
		return new(QuerySMResp)
	case CommandCancelSM:
		return new(CancelSM)
	case CommandCancelSMResp:
		return new(CancelSMResp)
	case CommandReplaceSM:
		return new(ReplaceSM)
	case CommandReplaceSMResp:
		return new(ReplaceSMResp)
	case CommandAlertNotification:
		return new(AlertNotification)
	}
	return nil
}

// NewResponse makes the response to a request of this command and sequence number,
// or nil where the command has none or is unknown.
func NewResponse(request CommandID, sequence uint32, status Status) PDU {
	if !request.HasResponse() {
		return nil
	}
	p := alloc(request.Response())
	if p == nil {
		return nil
	}
	*p.Head() = Header{Status: status, Sequence: sequence}
	return p
}

// ResponseTo makes the response to p, or nil where p has none.
func ResponseTo(p PDU, status Status) PDU {
	return NewResponse(p.Command(), p.Head().Sequence, status)
}

// BindType is the way a session is bound, by the command that binds it.
type BindType CommandID

// The ways to bind.
const (
	Receiver    = BindType(CommandBindReceiver)
	Transmitter = BindType(CommandBindTransmitter)
	Transceiver = BindType(CommandBindTransceiver)
)

// String is receiver, transmitter or transceiver.
func (t BindType) String() string {
	switch t {
	case Receiver:
		return "receiver"
	case Transmitter:
		return "transmitter"
	case Transceiver:
		return "transceiver"
	}
	return fmt.Sprintf("bind type %d", uint32(t))
}

// Transmits reports whether the ESME may submit in such a session.
func (t BindType) Transmits() bool { return t == Transmitter || t == Transceiver }

// Receives reports whether the ESME may be delivered to in such a session.
func (t BindType) Receives() bool { return t == Receiver || t == Transceiver }
