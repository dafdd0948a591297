package store

import "heliograph/internal/sms"

// Redaction is where passes have come to in dropping what is kept for less long than
// its row: nothing that they drop is left below. It is kept in memory, and begins anew
// with the process: what was dropped is marked, and is not written again.
type Redaction struct {
	Bodies, Numbers sms.ID
	Events          map[int]int64 // by slot
}

// NewRedaction is at the beginning.
func NewRedaction() *Redaction { return &Redaction{Events: map[int]int64{}} }

// Redacting says what the stage drops of messages: those with IDs below limit, 0 for
// none, and from where on.
func (p *Pass) Redacting() (limit, after sms.ID) {
	if p.Redacted == nil {
		p.Redacted = NewRedaction()
	}
	limit, after = p.Bodies, p.Redacted.Bodies
	if p.Stage == PruneNumbers {
		limit, after = p.Numbers, p.Redacted.Numbers
	}
	return limit, max(p.After, after)
}

// Redact drops from m what the stage drops, and reports whether there was anything: the
// text with what the sender added to it, or the number that it went to.
func (p *Pass) Redact(m *sms.Message) bool {
	if p.Stage == PruneNumbers {
		if m.NumberRedacted {
			return false
		}
		m.Destination, m.NumberRedacted = "", true
		return true
	}
	if m.BodyRedacted {
		return false
	}
	m.Body, m.Context, m.CountryParameters, m.BodyRedacted = "", nil, nil, true
	return true
}

// RedactedTo notes that messages up to an ID were looked at, of which left, 0 for none,
// is the first that had something to drop and may not lose it yet.
func (p *Pass) RedactedTo(to, left sms.ID) {
	p.After = to
	if p.left {
		return
	}
	if left != 0 && left <= to {
		to, p.left = left-1, true
	}
	at := &p.Redacted.Bodies
	if p.Stage == PruneNumbers {
		at = &p.Redacted.Numbers
	}
	*at = max(*at, to)
}

// Contents is the limit of the stage that drops what events bring of their own: it has
// texts and numbers in one.
func (p *Pass) Contents() sms.ID {
	if p.Redacted == nil {
		p.Redacted = NewRedaction()
	}
	return max(p.Bodies, p.Numbers)
}

// RedactedEventsTo is RedactedTo for the events of the slot of p.Place, by Seq.
func (p *Pass) RedactedEventsTo(to, left int64) {
	p.Place.Seq = to
	if p.left {
		return
	}
	if left != 0 && left <= to {
		to, p.left = left-1, true
	}
	p.Redacted.Events[p.Place.Slot] = max(p.Redacted.Events[p.Place.Slot], to)
}

// NextSlot goes on with the events of another slot.
func (p *Pass) NextSlot(slot int) {
	p.Place, p.left = SlotSeq{Slot: slot, Seq: p.Redacted.Events[slot]}, false
}

// RedactContent drops what an event brings of its own, and reports whether there was
// anything.
func RedactContent(d *EventDetail) bool {
	if d.Content == nil || len(d.Content.Body) == 0 && d.Content.Subject == "" && len(d.Content.Attributes) == 0 {
		return false
	}
	d.Content = &EventContent{}
	return true
}
