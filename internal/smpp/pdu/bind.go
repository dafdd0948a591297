package pdu

// Bind is bind_receiver, bind_transmitter or bind_transceiver (SMPP 3.4 section 4.1).
type Bind struct {
	Header
	Type             BindType
	SystemID         string
	Password         string
	SystemType       string
	InterfaceVersion uint8
	AddressRange     Address // Addr is a regular expression of the ESME's addresses
}

// Command follows from the Type.
func (p *Bind) Command() CommandID { return CommandID(p.Type) }

func (p *Bind) appendBody(b []byte) ([]byte, *FieldError) {
	w := writer{b: b}
	w.cstring(fieldSystemID, p.SystemID)
	w.cstring(fieldPassword, p.Password)
	w.cstring(fieldSystemType, p.SystemType)
	w.uint8(p.InterfaceVersion)
	w.address(fieldAddressRange, p.AddressRange)
	return w.b, w.err
}

func (p *Bind) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.SystemID = r.cstring(fieldSystemID)
	p.Password = r.cstring(fieldPassword)
	p.SystemType = r.cstring(fieldSystemType)
	p.InterfaceVersion = r.uint8("interface_version")
	p.AddressRange = r.address(fieldAddressRange)
	return r.fault
}

// BindResp answers a Bind of the same Type (SMPP 3.4 section 4.1).
type BindResp struct {
	Header
	Type     BindType
	SystemID string // of the message centre
	TLVs     TLVs
}

// Command follows from the Type.
func (p *BindResp) Command() CommandID { return CommandID(p.Type).Response() }

// InterfaceVersion is the version that the message centre says it speaks.
func (p *BindResp) InterfaceVersion() (uint8, bool) {
	n, ok := p.TLVs.Uint(TagSCInterfaceVersion)
	return uint8(n), ok && n <= 0xFF
}

func (p *BindResp) appendBody(b []byte) ([]byte, *FieldError) {
	if p.Status != ROK {
		return b, nil
	}
	w := writer{b: b}
	w.cstring(fieldSystemID, p.SystemID)
	w.tlvs(p.TLVs)
	return w.b, w.err
}

func (p *BindResp) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.SystemID = r.lastCString(fieldSystemID)
	r.own()
	p.TLVs = r.tlvs(false)
	return r.fault
}

// Outbind asks an ESME to bind as a receiver (SMPP 3.4 section 4.1.7).
type Outbind struct {
	Header
	SystemID string
	Password string
}

// Command is outbind.
func (p *Outbind) Command() CommandID { return CommandOutbind }

func (p *Outbind) appendBody(b []byte) ([]byte, *FieldError) {
	w := writer{b: b}
	w.cstring(fieldSystemID, p.SystemID)
	w.cstring(fieldPassword, p.Password)
	return w.b, w.err
}

func (p *Outbind) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.SystemID = r.cstring(fieldSystemID)
	p.Password = r.cstring(fieldPassword)
	return r.fault
}
