package pdu

// SubmitSM hands a message to the message centre (SMPP 3.4 section 4.4.1).
//
// A ShortMessage of more than 254 octets is written as message_payload.
type SubmitSM struct {
	Header
	ServiceType        string
	Source             Address
	Destination        Address
	ESMClass           ESMClass
	ProtocolID         uint8
	Priority           uint8
	ScheduleDelivery   string // empty, or as FormatTime or FormatRelative write it
	ValidityPeriod     string // empty, or as FormatTime or FormatRelative write it
	RegisteredDelivery RegisteredDelivery
	ReplaceIfPresent   uint8
	DataCoding         DataCoding
	DefaultMessageID   uint8 // sm_default_msg_id, a message kept at the message centre
	ShortMessage       []byte
	TLVs               TLVs
}

// Command is submit_sm.
func (p *SubmitSM) Command() CommandID { return CommandSubmitSM }

// Body is the message's octets: short_message, or message_payload where that is
// what the message came with.
func (p *SubmitSM) Body() []byte {
	if len(p.ShortMessage) == 0 {
		payload, _ := p.TLVs.MessagePayload()
		return payload
	}
	return p.ShortMessage
}

func (p *SubmitSM) appendBody(b []byte) ([]byte, *FieldError) {
	w := writer{b: b}
	w.cstring(fieldServiceType, p.ServiceType)
	w.address(fieldSource, p.Source)
	w.address(fieldDestination, p.Destination)
	w.uint8(uint8(p.ESMClass))
	w.uint8(p.ProtocolID)
	w.uint8(p.Priority)
	w.time(fieldSchedule, p.ScheduleDelivery)
	w.time(fieldValidity, p.ValidityPeriod)
	w.uint8(uint8(p.RegisteredDelivery))
	w.uint8(p.ReplaceIfPresent)
	w.uint8(uint8(p.DataCoding))
	w.uint8(p.DefaultMessageID)
	w.message(p.ShortMessage, p.TLVs)
	return w.b, w.err
}

func (p *SubmitSM) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.ServiceType = r.cstring(fieldServiceType)
	p.Source = r.address(fieldSource)
	p.Destination = r.address(fieldDestination)
	p.ESMClass = ESMClass(r.uint8("esm_class"))
	p.ProtocolID = r.uint8("protocol_id")
	p.Priority = r.uint8("priority_flag")
	p.ScheduleDelivery = r.cstring(fieldSchedule)
	p.ValidityPeriod = r.cstring(fieldValidity)
	p.RegisteredDelivery = RegisteredDelivery(r.uint8("registered_delivery"))
	p.ReplaceIfPresent = r.uint8("replace_if_present_flag")
	p.DataCoding = DataCoding(r.uint8("data_coding"))
	p.DefaultMessageID = r.uint8("sm_default_msg_id")
	r.own()
	p.ShortMessage = r.shortMessage()
	p.TLVs = r.tlvs(true)
	return r.fault
}

// SubmitSMResp answers a SubmitSM (SMPP 3.4 section 4.4.2). TLVs are SMPP 5.0's.
type SubmitSMResp struct {
	Header
	MessageID string
	TLVs      TLVs
}

// Command is submit_sm_resp.
func (p *SubmitSMResp) Command() CommandID { return CommandSubmitSMResp }

func (p *SubmitSMResp) appendBody(b []byte) ([]byte, *FieldError) {
	return appendMessageResp(b, p.Status, p.MessageID, p.TLVs)
}

func (p *SubmitSMResp) readBody(b []byte) (fault *DecodeError) {
	p.MessageID, p.TLVs, fault = readMessageResp(b)
	return fault
}

// DeliverSM hands a message or a receipt to the ESME (SMPP 3.4 section 4.6.1). Its
// fields are SubmitSM's; ScheduleDelivery, ValidityPeriod, ReplaceIfPresent and
// DefaultMessageID are empty in what message centres send.
type DeliverSM SubmitSM

// Command is deliver_sm.
func (p *DeliverSM) Command() CommandID { return CommandDeliverSM }

// Body is the message's octets: short_message, or message_payload where that is
// what the message came with.
func (p *DeliverSM) Body() []byte { return (*SubmitSM)(p).Body() }

func (p *DeliverSM) appendBody(b []byte) ([]byte, *FieldError) { return (*SubmitSM)(p).appendBody(b) }
func (p *DeliverSM) readBody(b []byte) *DecodeError            { return (*SubmitSM)(p).readBody(b) }

// DeliverSMResp answers a DeliverSM (SMPP 3.4 section 4.6.2). MessageID is unused in
// SMPP 3.4; TLVs are SMPP 5.0's.
type DeliverSMResp struct {
	Header
	MessageID string
	TLVs      TLVs
}

// Command is deliver_sm_resp.
func (p *DeliverSMResp) Command() CommandID { return CommandDeliverSMResp }

// appendBody writes a body whatever the status: the specification has no refused
// deliver_sm_resp without one.
func (p *DeliverSMResp) appendBody(b []byte) ([]byte, *FieldError) {
	return appendMessageResp(b, ROK, p.MessageID, p.TLVs)
}

func (p *DeliverSMResp) readBody(b []byte) (fault *DecodeError) {
	p.MessageID, p.TLVs, fault = readMessageResp(b)
	return fault
}

// DataSM is the short form of both submit and deliver (SMPP 3.4 section 4.7.1). The
// message itself is the message_payload parameter.
type DataSM struct {
	Header
	ServiceType        string
	Source             Address
	Destination        Address
	ESMClass           ESMClass
	RegisteredDelivery RegisteredDelivery
	DataCoding         DataCoding
	TLVs               TLVs
}

// Command is data_sm.
func (p *DataSM) Command() CommandID { return CommandDataSM }

// Body is the message's octets.
func (p *DataSM) Body() []byte {
	payload, _ := p.TLVs.MessagePayload()
	return payload
}

func (p *DataSM) appendBody(b []byte) ([]byte, *FieldError) {
	w := writer{b: b}
	w.cstring(fieldServiceType, p.ServiceType)
	w.address(fieldLongSource, p.Source)
	w.address(fieldLongDest, p.Destination)
	w.uint8(uint8(p.ESMClass))
	w.uint8(uint8(p.RegisteredDelivery))
	w.uint8(uint8(p.DataCoding))
	w.tlvs(p.TLVs)
	return w.b, w.err
}

func (p *DataSM) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.ServiceType = r.cstring(fieldServiceType)
	p.Source = r.address(fieldLongSource)
	p.Destination = r.address(fieldLongDest)
	p.ESMClass = ESMClass(r.uint8("esm_class"))
	p.RegisteredDelivery = RegisteredDelivery(r.uint8("registered_delivery"))
	p.DataCoding = DataCoding(r.uint8("data_coding"))
	r.own()
	p.TLVs = r.tlvs(true)
	return r.fault
}

// DataSMResp answers a DataSM (SMPP 3.4 section 4.7.2).
type DataSMResp struct {
	Header
	MessageID string
	TLVs      TLVs
}

// Command is data_sm_resp.
func (p *DataSMResp) Command() CommandID { return CommandDataSMResp }

// appendBody writes a body whatever the status: why a message failed is told in its
// optional parameters.
func (p *DataSMResp) appendBody(b []byte) ([]byte, *FieldError) {
	return appendMessageResp(b, ROK, p.MessageID, p.TLVs)
}

func (p *DataSMResp) readBody(b []byte) (fault *DecodeError) {
	p.MessageID, p.TLVs, fault = readMessageResp(b)
	return fault
}

func appendMessageResp(b []byte, status Status, id string, list TLVs) ([]byte, *FieldError) {
	if status != ROK {
		return b, nil
	}
	w := writer{b: b}
	w.cstring(fieldMessageID, id)
	w.tlvs(list)
	return w.b, w.err
}

func readMessageResp(b []byte) (string, TLVs, *DecodeError) {
	r := reader{b: b}
	id := r.lastCString(fieldMessageID)
	r.own()
	return id, r.tlvs(false), r.fault
}
