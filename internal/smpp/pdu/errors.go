package pdu

import "fmt"

// DecodeError says why a frame is not a valid PDU and what SMPP 3.4 (sections 3.4
// and 4.3) wants answered.
type DecodeError struct {
	Command  CommandID // as received; 0 when the header could not be read
	Sequence uint32    // as received; 0 when the header could not be read
	Status   Status    // what to answer
	Field    string    // the field that was wrong, by its name in the specification
	Reason   string
	// Nack is true where the answer is a generic_nack and false where it is the
	// command's own response.
	Nack bool
	// Fatal is true where the end of the frame is not known, so that nothing after
	// it in the stream can be read.
	Fatal bool
}

// Error describes the fault.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("smpp: malformed %s, sequence %d: %s: %s (%s)", e.Command, e.Sequence, e.Field, e.Reason, e.Status)
}

// Answer is the PDU to send back, or nil where nothing may be answered: a
// malformed response is never answered, or two peers could go on for ever.
func (e *DecodeError) Answer() PDU {
	if e.Command.IsResponse() {
		return nil
	}
	if e.Nack {
		return &GenericNack{Header: Header{Status: e.Status, Sequence: e.Sequence}}
	}
	return NewResponse(e.Command, e.Sequence, e.Status)
}

// FieldError is a PDU that cannot be written because a field of it does not fit.
type FieldError struct {
	Command CommandID
	Field   string
	Reason  string
}

// Error names the field and its fault.
func (e *FieldError) Error() string {
	return fmt.Sprintf("smpp: %s: %s: %s", e.Command, e.Field, e.Reason)
}
