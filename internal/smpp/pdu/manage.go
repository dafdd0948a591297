package pdu

// QuerySM asks for the state of a message (SMPP 3.4 section 4.8.1).
type QuerySM struct {
	Header
	MessageID string
	Source    Address // as it was submitted
}

// Command is query_sm.
func (p *QuerySM) Command() CommandID { return CommandQuerySM }

func (p *QuerySM) appendBody(b []byte) ([]byte, *FieldError) {
	w := writer{b: b}
	w.cstring(fieldMessageID, p.MessageID)
	w.address(fieldSource, p.Source)
	return w.b, w.err
}

func (p *QuerySM) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.MessageID = r.cstring(fieldMessageID)
	p.Source = r.address(fieldSource)
	return r.fault
}

// QuerySMResp answers a QuerySM (SMPP 3.4 section 4.8.2).
type QuerySMResp struct {
	Header
	MessageID string
	FinalDate string // empty while the state is not final
	State     MessageState
	ErrorCode uint8 // of the network
}

// Command is query_sm_resp.
func (p *QuerySMResp) Command() CommandID { return CommandQuerySMResp }

func (p *QuerySMResp) appendBody(b []byte) ([]byte, *FieldError) {
	w := writer{b: b}
	w.cstring(fieldMessageID, p.MessageID)
	w.time(fieldFinalDate, p.FinalDate)
	w.uint8(uint8(p.State))
	w.uint8(p.ErrorCode)
	return w.b, w.err
}

func (p *QuerySMResp) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.MessageID = r.cstring(fieldMessageID)
	p.FinalDate = r.cstring(fieldFinalDate)
	p.State = MessageState(r.uint8("message_state"))
	p.ErrorCode = r.uint8("error_code")
	return r.fault
}

// CancelSM withdraws a message, or with an empty MessageID those between two
// addresses (SMPP 3.4 section 4.9.1).
type CancelSM struct {
	Header
	ServiceType string
	MessageID   string
	Source      Address
	Destination Address
}

// Command is cancel_sm.
func (p *CancelSM) Command() CommandID { return CommandCancelSM }

func (p *CancelSM) appendBody(b []byte) ([]byte, *FieldError) {
	w := writer{b: b}
	w.cstring(fieldServiceType, p.ServiceType)
	w.cstring(fieldMessageID, p.MessageID)
	w.address(fieldSource, p.Source)
	w.address(fieldDestination, p.Destination)
	return w.b, w.err
}

func (p *CancelSM) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.ServiceType = r.cstring(fieldServiceType)
	p.MessageID = r.cstring(fieldMessageID)
	p.Source = r.address(fieldSource)
	p.Destination = r.address(fieldDestination)
	return r.fault
}

// ReplaceSM changes a message that has not been delivered (SMPP 3.4 section
// 4.10.1). TLVs are SMPP 5.0's.
type ReplaceSM struct {
	Header
	MessageID          string
	Source             Address
	ScheduleDelivery   string
	ValidityPeriod     string
	RegisteredDelivery RegisteredDelivery
	DefaultMessageID   uint8
	ShortMessage       []byte
	TLVs               TLVs
}

// Command is replace_sm.
func (p *ReplaceSM) Command() CommandID { return CommandReplaceSM }

func (p *ReplaceSM) appendBody(b []byte) ([]byte, *FieldError) {
	w := writer{b: b}
	w.cstring(fieldMessageID, p.MessageID)
	w.address(fieldSource, p.Source)
	w.time(fieldSchedule, p.ScheduleDelivery)
	w.time(fieldValidity, p.ValidityPeriod)
	w.uint8(uint8(p.RegisteredDelivery))
	w.uint8(p.DefaultMessageID)
	w.message(p.ShortMessage, p.TLVs)
	return w.b, w.err
}

func (p *ReplaceSM) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.MessageID = r.cstring(fieldMessageID)
	p.Source = r.address(fieldSource)
	p.ScheduleDelivery = r.cstring(fieldSchedule)
	p.ValidityPeriod = r.cstring(fieldValidity)
	p.RegisteredDelivery = RegisteredDelivery(r.uint8("registered_delivery"))
	p.DefaultMessageID = r.uint8("sm_default_msg_id")
	r.own()
	p.ShortMessage = r.shortMessage()
	p.TLVs = r.tlvs(true)
	return r.fault
}

// AlertNotification tells that a subscriber can be reached again (SMPP 3.4 section
// 4.12.1). It is not answered.
type AlertNotification struct {
	Header
	Source Address // the subscriber
	ESME   Address // the ESME that waited
	TLVs   TLVs
}

// Command is alert_notification.
func (p *AlertNotification) Command() CommandID { return CommandAlertNotification }

func (p *AlertNotification) appendBody(b []byte) ([]byte, *FieldError) {
	w := writer{b: b}
	w.address(fieldLongSource, p.Source)
	w.address(fieldESMEAddr, p.ESME)
	w.tlvs(p.TLVs)
	return w.b, w.err
}

func (p *AlertNotification) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.Source = r.address(fieldLongSource)
	p.ESME = r.address(fieldESMEAddr)
	r.own()
	p.TLVs = r.tlvs(true)
	return r.fault
}
