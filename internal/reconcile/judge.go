package reconcile

import (
	"fmt"
	"strings"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Kind names what is broken.
type Kind string

const (
	KindNoMessage  Kind = "no_message" // rows speak of a message that is not there
	KindNeither    Kind = "lost"       // neither open nor ended
	KindBoth       Kind = "open_and_ended"
	KindOpenTwice  Kind = "open_twice"  // queued and awaiting
	KindEndedTwice Kind = "ended_twice" // more than one final event
	KindEvents     Kind = "event_order" // not in the order of a message's states
	KindStatus     Kind = "status"      // the final status is not what the parts came to
	KindParts      Kind = "parts"       // parts missing, too many, or in a state they cannot be in
	KindSpend      Kind = "spend"       // the ledger is not what the messages cost
	KindGap        Kind = "log_gap"     // events are missing in a slot's log
	KindCursor     Kind = "cursor"      // the router is further than its log
	KindLag        Kind = "lag"         // a destination waits for events that there are not
	KindMark       Kind = "mark"        // a part is in flight that no message has
)

// Break is one thing that does not add up. Message is the MessageId it is about;
// what is about no message alone has Row.
type Break struct {
	Kind    Kind   `json:"kind"`
	Message string `json:"message_id,omitempty"`
	Row     string `json:"row,omitempty"`
	Why     string `json:"why"`
}

// Messages counts messages by how they stand.
type Messages struct {
	Accepted   int64 `json:"accepted"`
	Delivered  int64 `json:"delivered"`
	Failed     int64 `json:"failed"`
	Expired    int64 `json:"expired"`
	Unknown    int64 `json:"unknown"`
	Successful int64 `json:"successful_without_receipts"`
	Queued     int64 `json:"queued"`
	Awaiting   int64 `json:"awaiting_receipts"` // at least one part was handed over
}

// Unaccounted are the accepted messages that are nowhere, or in two places.
func (m Messages) Unaccounted() int64 {
	return m.Accepted - m.Delivered - m.Failed - m.Expired - m.Unknown - m.Successful - m.Queued - m.Awaiting
}

// Parts counts message parts.
type Parts struct {
	Billed     int64 `json:"billed"`
	HandedOver int64 `json:"handed_over"`       // to a carrier at least once
	Never      int64 `json:"never_handed_over"` // final without that
	Waiting    int64 `json:"not_handed_over_yet"`
	Resent     int64 `json:"sent_again"` // after an outcome was lost
}

// OnTheWire are the parts that left, each as often as it did.
func (p Parts) OnTheWire() int64 { return p.HandedOver + p.Resent }

// Unaccounted are the billed parts of which nothing is known.
func (p Parts) Unaccounted() int64 { return p.Billed - p.HandedOver - p.Never - p.Waiting }

// verdict is what judging one message gives.
type verdict struct {
	messages *Messages
	parts    *Parts
	broken   func(Kind, string)
}

// judge counts a message and names what is broken about it. pruned is the ID below
// which ended messages may have been deleted: a receipt that came later is in the
// story without them.
func (v *verdict) judge(a *store.Audited, pruned sms.ID) {
	if a.Message == nil {
		if !a.Queued && !a.Awaiting && ownContent(a.Events) {
			return // a message from a handset, of which there is the event alone
		}
		if a.ID >= pruned || a.Queued || a.Awaiting || !aside(a.Events) {
			v.broken(KindNoMessage, "the message is not there, but "+rows(a))
		}
		return
	}
	v.messages.Accepted++
	v.parts.Billed += int64(a.Message.Parts)
	final, finals := v.story(a)
	switch open := a.Queued || a.Awaiting; {
	case finals > 1:
		v.broken(KindEndedTwice, fmt.Sprintf("it has %d final events: %s", finals, story(a.Events)))
	case finals == 1 && open:
		v.broken(KindBoth, "it has a final event, "+story(a.Events)+", and "+openRows(a))
	case finals == 0 && !open:
		v.broken(KindNeither, "it has no final event and no open row: "+story(a.Events))
	case a.Queued && a.Awaiting:
		v.broken(KindOpenTwice, openRows(a))
	case finals == 1:
		v.ended(a, final)
	case a.Queued:
		v.messages.Queued++
		v.queued(a)
	default:
		v.messages.Awaiting++
		v.awaiting(a)
	}
}

// ended counts a message by its final event and looks at its parts.
func (v *verdict) ended(a *store.Audited, final *store.AuditedEvent) {
	switch s := final.Status; {
	case s == sms.StatusDelivered:
		v.messages.Delivered++
	case s == sms.StatusSuccessful:
		v.messages.Successful++
	case s == sms.StatusTTLExpired:
		v.messages.Expired++
	case s == sms.StatusUnknown:
		v.messages.Unknown++
	case s.Failed():
		v.messages.Failed++
	}
	if !v.count(a, final.Parts) {
		return
	}
	for i := range final.Parts {
		if p := &final.Parts[i]; p.State != sms.PartFinal {
			v.broken(KindParts, fmt.Sprintf("it has ended, and part %d is %s", i+1, p.State))
			return
		}
	}
	if came := outcome(final.Parts); came != final.Status {
		v.broken(KindStatus, fmt.Sprintf("it ended as %s, and its parts come to %s", final.Status, came))
	}
}

func (v *verdict) queued(a *store.Audited) {
	if a.QueuedParts != a.Message.Parts {
		v.broken(KindParts, fmt.Sprintf("%d parts were billed, and %d are queued", a.Message.Parts, a.QueuedParts))
		return
	}
	v.parts.Waiting += int64(a.Message.Parts)
}

func (v *verdict) awaiting(a *store.Audited) {
	if !v.count(a, a.Parts) {
		return
	}
	unsent, final := 0, 0
	for i := range a.Parts {
		switch a.Parts[i].State {
		case sms.PartUnsent:
			unsent++
		case sms.PartFinal:
			final++
		}
	}
	switch {
	case final == len(a.Parts):
		v.broken(KindParts, "all its parts are final, and it has not ended")
	case unsent == len(a.Parts):
		v.broken(KindParts, "none of its parts was handed over, and it is not queued")
	case unsent > 0 && said(a.Events, sms.StatusSuccessful):
		v.broken(KindParts, "the carrier is said to have taken it, and a part was not handed over")
	}
}

// count adds up parts that are all there and in states that they can be in, and
// says what is wrong with others.
func (v *verdict) count(a *store.Audited, parts []store.AuditedPart) bool {
	if len(parts) != a.Message.Parts {
		v.broken(KindParts, fmt.Sprintf("%d parts were billed, and %d are known of", a.Message.Parts, len(parts)))
		return false
	}
	var n Parts
	for i := range parts {
		p := &parts[i]
		problem := ""
		switch {
		case p.State == sms.PartUnsent:
			n.Waiting++
		case p.State == sms.PartTaken && !p.Sent:
			problem = "was taken without having been handed over"
		case p.State == sms.PartFinal && p.Status == "":
			problem = "is final without a status"
		case p.State == sms.PartFinal && !p.Sent && !p.Status.Failed():
			problem = "is " + string(p.Status) + " without having been handed over"
		case p.State != sms.PartTaken && p.State != sms.PartFinal:
			problem = fmt.Sprintf("is in the state %q", p.State)
		case handedOver(p):
			n.HandedOver++
		default:
			n.Never++
		}
		n.Resent += int64(p.Resent)
		if problem != "" {
			v.broken(KindParts, fmt.Sprintf("part %d %s", i+1, problem))
			return false
		}
	}
	v.parts.HandedOver += n.HandedOver
	v.parts.Never += n.Never
	v.parts.Waiting += n.Waiting
	v.parts.Resent += n.Resent
	return true
}

// notWritable is the code of a part that a carrier's adapter could not put into a
// message for it: it never left.
const notWritable = "not_writable"

func handedOver(p *store.AuditedPart) bool {
	return p.Sent && p.Code != notWritable && !(p.Code == "" && p.Status == sms.StatusInvalidMessage)
}

// outcome is the final status of a message with these parts; see sms.Progress.Fold.
func outcome(parts []store.AuditedPart) sms.Status {
	status := sms.StatusDelivered
	for i := range parts {
		if s := parts[i].Status; s.Failed() {
			return s
		} else if s == sms.StatusSuccessful {
			status = s
		}
	}
	return status
}

// rows says what rows there are.
func rows(a *store.Audited) string {
	var all []string
	if len(a.Events) > 0 {
		all = append(all, fmt.Sprintf("%d of its events are: %s", len(a.Events), story(a.Events)))
	}
	if a.Queued || a.Awaiting {
		all = append(all, openRows(a))
	}
	return strings.Join(all, ", and ")
}

func openRows(a *store.Audited) string {
	switch {
	case a.Queued && a.Awaiting:
		return "it is both queued and awaiting receipts"
	case a.Queued:
		return "it is queued"
	}
	return "it is awaiting receipts"
}
