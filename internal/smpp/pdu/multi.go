package pdu

import "fmt"

// maxDestinations is how many destinations number_of_dests can count.
const maxDestinations = 255

// MultiDestination is one destination of a SubmitMulti: a distribution list where
// List is set, else an address.
type MultiDestination struct {
	Address Address
	List    string
}

const (
	destinationAddress = 1
	destinationList    = 2
)

// SubmitMulti hands one message for several destinations to the message centre
// (SMPP 3.4 section 4.5.1). Its other fields are SubmitSM's.
type SubmitMulti struct {
	Header
	ServiceType        string
	Source             Address
	Destinations       []MultiDestination
	ESMClass           ESMClass
	ProtocolID         uint8
	Priority           uint8
	ScheduleDelivery   string
	ValidityPeriod     string
	RegisteredDelivery RegisteredDelivery
	ReplaceIfPresent   uint8
	DataCoding         DataCoding
	DefaultMessageID   uint8
	ShortMessage       []byte
	TLVs               TLVs
}

// Command is submit_multi.
func (p *SubmitMulti) Command() CommandID { return CommandSubmitMulti }

func (p *SubmitMulti) appendBody(b []byte) ([]byte, *FieldError) {
	w := writer{b: b}
	w.cstring(fieldServiceType, p.ServiceType)
	w.address(fieldSource, p.Source)
	if n := len(p.Destinations); n == 0 || n > maxDestinations {
		w.fail("number_of_dests", fmt.Sprintf("%d destinations, 1 to %d are allowed", n, maxDestinations))
	}
	w.uint8(uint8(len(p.Destinations)))
	for _, d := range p.Destinations {
		if d.List != "" {
			w.uint8(destinationList)
			w.cstring(fieldDLName, d.List)
			continue
		}
		w.uint8(destinationAddress)
		w.address(fieldDestination, d.Address)
	}
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

func (p *SubmitMulti) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.ServiceType = r.cstring(fieldServiceType)
	p.Source = r.address(fieldSource)
	n := int(r.uint8("number_of_dests"))
	if n == 0 {
		r.fail("number_of_dests", RInvNumDests, false, "no destination")
	}
	for range n {
		if r.fault != nil {
			break
		}
		var d MultiDestination
		switch r.uint8("dest_flag") {
		case destinationAddress:
			d.Address = r.address(fieldDestination)
		case destinationList:
			d.List = r.cstring(fieldDLName)
			if d.List == "" {
				r.fail("dl_name", RInvDLName, false, "empty")
			}
		default:
			r.fail("dest_flag", RInvDestFlag, false, "neither 1 nor 2")
		}
		p.Destinations = append(p.Destinations, d)
	}
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

// Unsuccessful is a destination of a SubmitMulti that was refused.
type Unsuccessful struct {
	Address Address
	Status  Status
}

// SubmitMultiResp answers a SubmitMulti (SMPP 3.4 section 4.5.2).
type SubmitMultiResp struct {
	Header
	MessageID    string
	Unsuccessful []Unsuccessful
	TLVs         TLVs
}

// Command is submit_multi_resp.
func (p *SubmitMultiResp) Command() CommandID { return CommandSubmitMultiResp }

func (p *SubmitMultiResp) appendBody(b []byte) ([]byte, *FieldError) {
	w := writer{b: b}
	w.cstring(fieldMessageID, p.MessageID)
	if n := len(p.Unsuccessful); n > maxDestinations {
		w.fail("no_unsuccess", fmt.Sprintf("%d destinations, at most %d are allowed", n, maxDestinations))
	}
	w.uint8(uint8(len(p.Unsuccessful)))
	for _, u := range p.Unsuccessful {
		w.address(fieldDestination, u.Address)
		w.uint32(uint32(u.Status))
	}
	w.tlvs(p.TLVs)
	return w.b, w.err
}

func (p *SubmitMultiResp) readBody(b []byte) *DecodeError {
	r := reader{b: b}
	p.MessageID = r.cstring(fieldMessageID)
	for range r.uint8("no_unsuccess") {
		if r.fault != nil {
			break
		}
		u := Unsuccessful{Address: r.address(fieldDestination)}
		u.Status = Status(r.uint32("error_status_code"))
		p.Unsuccessful = append(p.Unsuccessful, u)
	}
	r.own()
	p.TLVs = r.tlvs(false)
	return r.fault
}
