package store

import (
	"slices"
	"time"

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

// last is the last of the rows that are looked at again, 0 for none.
func (r *Reach) last() int64 {
	if len(r.Again) == 0 {
		return 0
	}
	return r.Again[len(r.Again)-1]
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

// messages is where passes have come to in the stage, whose limit it says, 0 for none.
func (p *Pass) messages() (r *Reached, limit sms.ID) {
	if p.Redacted == nil {
		p.Redacted = NewRedaction()
	}
	if p.Stage == PruneNumbers {
		return &p.Redacted.Numbers, p.Numbers
	}
	return &p.Redacted.Bodies, p.Bodies
}

// Redactable is a message that has something to lose, as it is to be without it.
type Redactable struct {
	*sms.Message
	Stays bool // it is open, or an event of it is spared
}

// RedactMessages does a step of PruneBodies or PruneNumbers. find reads the messages
// within reach with IDs below limit, at most so many rows, and answers those that Redact
// changes, by their IDs, and the last that it read, 0 for none. write writes as many of
// them, from the first, as there is time for.
func (p *Pass) RedactMessages(rows int, find func(reach Reach, limit sms.ID) (found []Redactable, last sms.ID, err error),
	write func(ready []*sms.Message) (n int, held time.Duration, err error)) (n Pruned, err error) {
	r, limit := p.messages()
	if limit == 0 {
		p.Next()
		return n, nil
	}
	reach := p.reach(r, int64(p.After), rows)
	found, last, err := find(reach, limit)
	if err != nil {
		return n, err
	}
	last = max(last, sms.ID(reach.last())) // which may be gone
	if last == 0 {
		p.Next()
		return n, nil
	}
	var ready []*sms.Message
	var stay []int64
	for _, m := range found {
		if m.Stays {
			stay = append(stay, int64(m.ID))
		} else {
			ready = append(ready, m.Message)
		}
	}
	if n.Redacted, n.Held, err = write(ready); err != nil {
		return Pruned{}, err
	}
	if n.Redacted < len(ready) { // the rest of them is for the next step
		last = ready[n.Redacted].ID - 1
	}
	if p.reached(r, int64(last), stay) {
		p.After = last
	}
	return n, nil
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

// Contents is a step of PruneContents: events of the log of a slot lose what they bring
// of their own. The stage has texts and numbers in one.
type Contents struct {
	Slot int
	Reach
	Ready []Event // without it

	pass        *Pass
	reached     *Reached
	rows, wants int
	last, young int64
	over        bool
	stay        []int64
}

// Contents begins a step that looks at so many rows. It is nil where the stage is over.
func (p *Pass) Contents(rows int) *Contents {
	if p.Redacted == nil {
		p.Redacted = NewRedaction()
	}
	limit, slots := max(p.Bodies, p.Numbers), p.Spared.Slots()
	n, _ := slices.BinarySearch(slots, p.Place.Slot)
	if n == len(slots) || limit == 0 {
		return nil
	}
	slot := slots[n]
	r := p.Redacted.Events[slot]
	if r == nil {
		r = &Reached{}
		p.Redacted.Events[slot] = r
	}
	if slot != p.Place.Slot || p.Place.Seq == 0 {
		p.Place, p.again, p.full = SlotSeq{Slot: slot, Seq: r.At}, 0, false
	}
	reach := p.reach(r, p.Place.Seq, rows)
	return &Contents{Slot: slot, Reach: reach, pass: p, reached: r, wants: rows, last: max(reach.After, reach.last()), young: limit.Time().UnixMilli()}
}

// Wanted reports whether the next event, of a time in milliseconds, may have something to
// lose: then it is for Take. What comes after one that is young is not looked at.
func (c *Contents) Wanted(seq, at int64, status sms.Status) (wanted, over bool) {
	if c.over = c.over || c.Again == nil && at >= c.young; c.over {
		return false, true
	}
	c.rows, c.last = c.rows+1, max(c.last, seq)
	return status == StatusInbound || status == StatusPublication, false
}

// Take puts the event to those that are Ready, if it has something to lose and may.
func (c *Contents) Take(e *Event) {
	switch {
	case !RedactContent(&e.Detail):
	case c.pass.Spared.Has(e.Slot, e.Seq):
		c.stay = append(c.stay, e.Seq)
	default:
		c.Ready = append(c.Ready, *e)
	}
}

// Done ends the step when those that are Ready are written.
func (c *Contents) Done() {
	if !c.pass.reached(c.reached, c.last, c.stay) {
		return
	}
	c.pass.Place.Seq = c.last
	if c.rows < c.wants {
		c.pass.Place = SlotSeq{Slot: c.Slot + 1}
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
