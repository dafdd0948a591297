package record

import (
	"fmt"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// AuditMessage reads into m what of a message's record has to add up.
func AuditMessage(m *store.AuditedMessage, doc []byte) error {
	*m = store.AuditedMessage{}
	r := reader{rest: string(doc)}
	for r.next() {
		switch r.field {
		case 1:
			m.Account = r.bytes
		case 2:
			m.AcceptedAt = r.time()
		case 5:
			m.Country = r.bytes
		case 6:
			r.fail(r.auditRoute(&m.Route))
		case 10:
			m.Parts = int(r.value)
		case 17:
			m.Price = sms.Money(r.value)
		case 18:
			m.CarrierFee = sms.Money(r.value)
		case 21: // behind the sender's
			m.Account = r.bytes
		}
	}
	if r.err != nil {
		return fmt.Errorf("message: %w", r.err)
	}
	return nil
}

// auditRoute sets kind to what the price depends on of the route that the current
// field holds.
func (r *reader) auditRoute(kind *string) error {
	var route sms.Route
	in := reader{rest: r.bytes}
	for in.next() {
		switch in.field {
		case 2:
			route.Kind = sms.IdentityKind(in.bytes)
		case 3:
			route.NumberType = sms.NumberType(in.bytes)
		}
	}
	*kind = route.PriceKind()
	return in.err
}

// AuditParts appends to parts what of the parts has to add up that the record of a
// progress or of an event's detail tells of.
func AuditParts(parts []store.AuditedPart, doc []byte) ([]store.AuditedPart, error) {
	r := reader{rest: string(doc)}
	for r.next() {
		if r.field == 2 {
			parts = append(parts, r.auditPart())
		}
	}
	if r.err != nil {
		return parts, fmt.Errorf("parts: %w", r.err)
	}
	return parts, nil
}

func (r *reader) auditPart() (p store.AuditedPart) {
	in := reader{rest: r.bytes}
	for in.next() {
		switch in.field {
		case 1:
			p.State = sms.PartState(in.bytes)
		case 2:
			p.Status = sms.Status(in.bytes)
		case 5:
			p.Code = in.bytes
		case 7:
			p.Sent = true // only the zero time is left out
		case 9:
			p.Resent = int(in.value)
		}
	}
	r.fail(in.err)
	return p
}
