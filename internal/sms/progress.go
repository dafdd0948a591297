package sms

import "time"

// PartState is where one message part stands.
type PartState string

const (
	PartUnsent PartState = "unsent" // not handed to a carrier, or handed back
	PartTaken  PartState = "taken"  // the carrier took it; a receipt is awaited
	PartFinal  PartState = "final"
)

// PartProgress is what is known of one message part.
type PartProgress struct {
	State            PartState `json:"state"`
	Status           Status    `json:"status,omitempty"`             // of a final part
	Carrier          string    `json:"carrier,omitempty"`            // that took or refused it
	CarrierMessageID string    `json:"carrier_message_id,omitempty"` // as the carrier wrote it
	IndexID          string    `json:"index_id,omitempty"`           // the form that receipts are found by, where it differs
	Code             string    `json:"code,omitempty"`               // the carrier's answer, for instance ESME_ROK
	Detail           string    `json:"detail,omitempty"`             // in words, or the receipt's text
	SentAt           time.Time `json:"sent_at,omitzero"`
	DoneAt           time.Time `json:"done_at,omitzero"`
	Resent           int       `json:"resent,omitempty"` // times it was sent again after an unknown outcome
}

// Progress is what is known of an open message of which at least one part was
// handed over. Route is set where it differs from the message's own.
type Progress struct {
	Route *Route         `json:"route,omitempty"`
	Parts []PartProgress `json:"parts"`
}

// Unsent counts the parts that still have to be handed over.
func (p Progress) Unsent() int { return p.count(PartUnsent) }

func (p Progress) count(s PartState) int {
	n := 0
	for i := range p.Parts {
		if p.Parts[i].State == s {
			n++
		}
	}
	return n
}

// NewProgress is the progress of a message of which nothing was handed over.
func NewProgress(parts int, route *Route) Progress {
	p := Progress{Route: route, Parts: make([]PartProgress, parts)}
	for i := range p.Parts {
		p.Parts[i].State = PartUnsent
	}
	return p
}

// UpdateKind says what happened to a part, or to all parts it may apply to.
type UpdateKind int

const (
	// UpdateTaken: the carrier took part Number and a receipt is awaited.
	UpdateTaken UpdateKind = iota + 1
	// UpdateSettled: part Number is final with Status, without a receipt (refused
	// for good, or taken on a route that gives no receipts).
	UpdateSettled
	// UpdateReceipt: a final receipt for part Number came in. Status is DELIVERED
	// or a failure.
	UpdateReceipt
	// UpdateUnsentFinal ends every unsent part with Status, a failure (expired,
	// given up).
	UpdateUnsentFinal
	// UpdateTakenFinal ends every part that waits for a receipt with Status, a
	// failure.
	UpdateTakenFinal
)

// PartUpdate is one thing that happened to a part of a message. Number counts
// from 1 and is 0 for the kinds that speak of all parts.
type PartUpdate struct {
	Message          ID
	Parts            int // of the message
	Number           int
	Kind             UpdateKind
	Status           Status
	Carrier          string
	CarrierMessageID string
	IndexID          string
	Code             string
	Detail           string
	Resent           int
	At               time.Time
}

// Announcement is an event that a change of state calls for. Final is true for
// exactly one announcement in a message's life.
type Announcement struct {
	Status Status
	Final  bool
}

// Fold applies u to p and says which events follow. changed is false for an
// update that comes too late or twice: the progress stays as it was.
//
// SUCCESSFUL is announced when the last part was taken. A message is final once
// all its parts are: DELIVERED where every part is, SUCCESSFUL where every part
// was taken on a route without receipts, else the status of the first part that
// failed.
func (p Progress) Fold(u PartUpdate) (next Progress, out []Announcement, changed bool) {
	next = Progress{Route: p.Route, Parts: append([]PartProgress(nil), p.Parts...)}
	wasUnsent := p.Unsent()
	switch u.Kind {
	case UpdateTaken, UpdateSettled, UpdateReceipt:
		if u.Number < 1 || u.Number > len(next.Parts) {
			return p, nil, false
		}
		changed = next.Parts[u.Number-1].apply(u)
	case UpdateUnsentFinal, UpdateTakenFinal:
		from := PartUnsent
		if u.Kind == UpdateTakenFinal {
			from = PartTaken
		}
		for i := range next.Parts {
			if next.Parts[i].State == from {
				changed = next.Parts[i].apply(u) || changed
			}
		}
	}
	if !changed {
		return p, nil, false
	}
	if status, final := next.outcome(); final {
		return next, append(next.taken(wasUnsent, status), Announcement{Status: status, Final: true}), true
	}
	return next, next.taken(wasUnsent, ""), true
}

// taken announces SUCCESSFUL when the last unsent part has just been taken and
// no part failed; final is the status that ends the message in the same step.
// Where a part is final as SUCCESSFUL, the message can end no better than that:
// its final event will say so, and saying it twice would be one too many.
func (p Progress) taken(wasUnsent int, final Status) []Announcement {
	if wasUnsent == 0 || p.Unsent() > 0 || final == StatusSuccessful {
		return nil
	}
	for i := range p.Parts {
		if p.Parts[i].State == PartFinal && p.Parts[i].Status != StatusDelivered {
			return nil
		}
	}
	return []Announcement{{Status: StatusSuccessful}}
}

// outcome is the final status of the message, once there is one.
func (p Progress) outcome() (Status, bool) {
	if p.count(PartFinal) < len(p.Parts) {
		return "", false
	}
	status := StatusDelivered
	for i := range p.Parts {
		if s := p.Parts[i].Status; s.Failed() {
			return s, true
		} else if s == StatusSuccessful {
			status = StatusSuccessful
		}
	}
	return status, true
}

// apply changes a part that is in the state that u is about. What happens to a
// part that was taken is its receipt's to say, whatever a second submission of it
// was answered.
func (p *PartProgress) apply(u PartUpdate) bool {
	about := PartUnsent
	if u.Kind == UpdateReceipt || u.Kind == UpdateTakenFinal {
		about = PartTaken
	}
	if p.State != about {
		return false
	}
	if u.Kind == UpdateTaken || u.Kind == UpdateSettled {
		p.SentAt = u.At
	}
	if p.State = PartTaken; u.Kind != UpdateTaken {
		p.State, p.Status, p.DoneAt = PartFinal, u.Status, u.At
	}
	if u.Carrier != "" {
		p.Carrier = u.Carrier
	}
	if u.CarrierMessageID != "" && u.Kind != UpdateReceipt {
		p.CarrierMessageID, p.IndexID = u.CarrierMessageID, u.IndexID
	}
	if u.Code != "" {
		p.Code = u.Code
	}
	if u.Detail != "" {
		p.Detail = u.Detail
	}
	p.Resent += u.Resent
	return true
}
