package store

import (
	"slices"

	"heliograph/internal/sms"
)

// Redaction is where passes have come to in dropping what is kept for less long than
// its row. It is kept in memory, and begins anew with the process: what was dropped is
// marked, and is not written again.
type Redaction struct {
	Bodies, Numbers Reached
	Events          map[int]*Reached // by slot
}

// NewRedaction is at the beginning.
func NewRedaction() *Redaction { return &Redaction{Events: map[int]*Reached{}} }

// Reached is an ID, or a Seq. What is to be dropped is above it, or had to stay: then it
// is Left, in ascending order, and looked at again in each pass.
type Reached struct {
	At   int64
	Left []int64
}

// maxLeft bounds Left. Where more has to stay, At is below the first of it.
const maxLeft = 100_000

// Reach is what a step looks at: only the rows Again, where there are any, or those
// above After.
type Reach struct {
	After int64
	Again []int64
}

// reach is that of the next step, of so many rows.
func (p *Pass) reach(r *Reached, after int64, rows int) Reach {
	if again := r.Left[p.again:]; len(again) > 0 {
		return Reach{Again: again[:min(rows, len(again))]}
	}
	return Reach{After: max(after, r.At)}
}

// reached notes that a step looked at its rows up to to, of which those in stay, in
// ascending order, may not lose yet what they have to. It reports whether the step went
// on from where the pass was.
func (p *Pass) reached(r *Reached, to int64, stay []int64) (onward bool) {
	n, _ := slices.BinarySearch(stay, to+1)
	stay = stay[:n]
	if p.again < len(r.Left) {
		end, _ := slices.BinarySearch(r.Left, to+1)
		r.Left = slices.Replace(r.Left, p.again, end, stay...)
		p.again += len(stay)
		return false
	}
	if p.full {
		return true
	}
	if room := maxLeft - len(r.Left); room < len(stay) {
		to, stay, p.full = stay[room]-1, stay[:room], true
	}
	r.At, r.Left = max(r.At, to), append(r.Left, stay...)
	p.again = len(r.Left)
	return true
}

// ToRedact says what the stage drops of messages, of those with IDs below limit, 0 for
// none, and what a step of so many rows looks at.
func (p *Pass) ToRedact(rows int) (limit sms.ID, r Reach) {
	limit = p.Bodies
	if p.Stage == PruneNumbers {
		limit = p.Numbers
	}
	return limit, p.reach(p.messages(), int64(p.After), rows)
}

// messages is where passes have come to in the stage.
func (p *Pass) messages() *Reached {
	if p.Redacted == nil {
		p.Redacted = NewRedaction()
	}
	if p.Stage == PruneNumbers {
		return &p.Redacted.Numbers
	}
	return &p.Redacted.Bodies
}

// RedactedTo notes that the messages of ToRedact up to an ID were looked at, of which
// those in stay, in ascending order, have something to drop and may not lose it yet.
func (p *Pass) RedactedTo(to sms.ID, stay []int64) {
	if p.reached(p.messages(), int64(to), stay) {
		p.After = to
	}
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

// Contents says which events lose what they bring of their own, those from before the
// time of limit, 0 for none, and what a step of so many rows looks at of the log of
// p.Place.Slot. The stage has texts and numbers in one.
func (p *Pass) Contents(rows int) (limit sms.ID, r Reach) {
	if p.Redacted == nil {
		p.Redacted = NewRedaction()
	}
	slots := p.Spared.Slots()
	n, _ := slices.BinarySearch(slots, p.Place.Slot)
	if n == len(slots) {
		return 0, r
	}
	if slots[n] != p.Place.Slot || p.Place.Seq == 0 {
		p.Place.Slot, p.again, p.full = slots[n], 0, false
		p.Place.Seq = p.events().At
	}
	return max(p.Bodies, p.Numbers), p.reach(p.events(), p.Place.Seq, rows)
}

// events is where passes have come to in the log of p.Place.Slot.
func (p *Pass) events() *Reached {
	r := p.Redacted.Events[p.Place.Slot]
	if r == nil {
		r = &Reached{}
		p.Redacted.Events[p.Place.Slot] = r
	}
	return r
}

// RedactedEventsTo is RedactedTo for the events of Contents, by Seq. last says that there
// are none above them: then the next slot's follow.
func (p *Pass) RedactedEventsTo(to int64, stay []int64, last bool) {
	if !p.reached(p.events(), to, stay) {
		return
	}
	p.Place.Seq = to
	if last {
		p.Place = SlotSeq{Slot: p.Place.Slot + 1}
	}
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
