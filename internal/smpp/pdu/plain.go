package pdu

// plain is a PDU that has a header only. Octets after it are ignored.
type plain struct{}

func (plain) appendBody(b []byte) ([]byte, *FieldError) { return b, nil }
func (plain) readBody([]byte) *DecodeError              { return nil }

// Unbind ends a session in order (SMPP 3.4 section 4.2.1).
type Unbind struct {
	Header
	plain
}

// Command is unbind.
func (p *Unbind) Command() CommandID { return CommandUnbind }

// UnbindResp answers an Unbind (SMPP 3.4 section 4.2.2).
type UnbindResp struct {
	Header
	plain
}

// Command is unbind_resp.
func (p *UnbindResp) Command() CommandID { return CommandUnbindResp }

// GenericNack refuses a PDU whose header was not understood (SMPP 3.4 section 4.3).
type GenericNack struct {
	Header
	plain
}

// Command is generic_nack.
func (p *GenericNack) Command() CommandID { return CommandGenericNack }

// EnquireLink asks whether the peer is alive (SMPP 3.4 section 4.11.1).
type EnquireLink struct {
	Header
	plain
}

// Command is enquire_link.
func (p *EnquireLink) Command() CommandID { return CommandEnquireLink }

// EnquireLinkResp answers an EnquireLink (SMPP 3.4 section 4.11.2).
type EnquireLinkResp struct {
	Header
	plain
}

// Command is enquire_link_resp.
func (p *EnquireLinkResp) Command() CommandID { return CommandEnquireLinkResp }

// CancelSMResp answers a CancelSM (SMPP 3.4 section 4.9.2).
type CancelSMResp struct {
	Header
	plain
}

// Command is cancel_sm_resp.
func (p *CancelSMResp) Command() CommandID { return CommandCancelSMResp }

// ReplaceSMResp answers a ReplaceSM (SMPP 3.4 section 4.10.2).
type ReplaceSMResp struct {
	Header
	plain
}

// Command is replace_sm_resp.
func (p *ReplaceSMResp) Command() CommandID { return CommandReplaceSMResp }
