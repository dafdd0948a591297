package reconcile

import (
	"cmp"
	"slices"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Page is what one Step found. Pages add up in any order.
type Page struct {
	Messages Messages `json:"messages,omitzero"`
	Parts    Parts    `json:"parts,omitzero"`
	Cost     []Amount `json:"cost,omitempty"`   // of messages
	Ledger   []Amount `json:"ledger,omitempty"` // all that was spent; with the last cost
	Logs     []Log    `json:"logs,omitempty"`
	Waiting  []Wait   `json:"waiting,omitempty"`
	Losses   []Loss   `json:"losses,omitempty"`
	InFlight int64    `json:"in_flight,omitempty"`
	Breaks   []Break  `json:"breaks,omitempty"`

	// Pruned is the ID below which ended messages may have been deleted.
	Pruned sms.ID `json:"pruned,omitempty"`
}

// Amount is what an account is billed in a month on a channel for parts to a country by
// a kind of route: how many parts, and in millionths of a US dollar what they cost.
type Amount struct {
	Account  string    `json:"account"`
	Month    string    `json:"month"`
	Channel  string    `json:"channel"`
	Country  string    `json:"country"` // with Route empty in rows from before these were kept
	Route    string    `json:"route"`
	Parts    int64     `json:"parts"`
	Price    sms.Money `json:"price"`
	FeeParts int64     `json:"fee_parts"`
	Fee      sms.Money `json:"fee"`
	Free     int64     `json:"free,omitempty"` // parts of messages that cost nothing
}

// Log is the event log of a slot, or the part of it that is in the window.
type Log struct {
	Slot    int   `json:"slot"`
	Written int64 `json:"written"` // events that got a place in the log
	There   int64 `json:"there"`   // of them, that are in the log
	Pruned  int64 `json:"pruned"`  // of them, that are gone with the messages they were about
	Behind  int64 `json:"behind"`  // the router's cursor: published, or waiting for a destination
	Ahead   int64 `json:"ahead"`   // of the cursor: to be published
}

// Wait is what a destination has still to get of the events behind the cursors.
type Wait struct {
	Destination string `json:"destination"`
	Events      int64  `json:"events"`
}

// Loss is how many events a destination never got, and never gets, of all logs and
// since the database was made. They are behind the cursors, and wait no more.
type Loss struct {
	Destination string `json:"destination"`
	Lost        int64  `json:"lost"`    // refused for good, too old, or not in the database any more
	Dropped     int64  `json:"dropped"` // they waited for it when it was deleted
}

// Spend is an account's month, held against its messages.
type Spend struct {
	Account  string `json:"account"`
	Month    string `json:"month"`
	Channel  string `json:"channel"`
	Ledger   string `json:"ledger_usd"`
	Messages string `json:"messages_usd"` // price and carrier fee of those there are
	// Parts are those that the ledger has. They and the amounts are compared by country
	// and kind of route, or in a month of which the ledger has rows from before it kept
	// these, the amounts of the whole month.
	Parts int64 `json:"ledger_parts"`
	// Compared is exactly, at_most where messages of the month may have been
	// pruned, or not_whole where the window has only a part of the month.
	Compared string `json:"compared"`
}

// Report adds pages up. Make it with NewReport.
type Report struct {
	From time.Time `json:"from,omitzero"`
	To   time.Time `json:"to"`

	Messages            Messages `json:"messages"`
	MessagesUnaccounted int64    `json:"messages_unaccounted"`
	Parts               Parts    `json:"parts"`
	PartsOnTheWire      int64    `json:"parts_on_the_wire"`
	PartsInFlight       int64    `json:"parts_marked_in_flight"`
	PartsUnaccounted    int64    `json:"parts_unaccounted"`
	Logs                []Log    `json:"event_logs"`
	Waiting             []Wait   `json:"events_waiting"`
	Losses              []Loss   `json:"events_never_published"`
	Spend               []Spend  `json:"spend"`
	Broken              int64    `json:"broken"`
	Holds               bool     `json:"holds"`

	cost, ledger map[store.UsageKey]billed
	pruned       sms.ID
	open         bool // the window has no end
}

// NewReport is an empty report of a window; a zero time is no bound.
func NewReport(from, to, now time.Time) *Report {
	r := &Report{From: from, To: to, open: to.IsZero(), Logs: []Log{}, Waiting: []Wait{}, Losses: []Loss{},
		cost: map[store.UsageKey]billed{}, ledger: map[store.UsageKey]billed{}}
	if r.open {
		r.To = now
	}
	return r
}

// Add adds a page.
func (r *Report) Add(p *Page) {
	r.Messages = sum(r.Messages, p.Messages)
	r.Parts = Parts{r.Parts.Billed + p.Parts.Billed, r.Parts.HandedOver + p.Parts.HandedOver, r.Parts.Never + p.Parts.Never,
		r.Parts.Waiting + p.Parts.Waiting, r.Parts.Resent + p.Parts.Resent}
	r.PartsInFlight += p.InFlight
	add(r.cost, p.Cost)
	add(r.ledger, p.Ledger)
	for _, l := range p.Logs {
		i, known := slices.BinarySearchFunc(r.Logs, l.Slot, func(l Log, slot int) int { return cmp.Compare(l.Slot, slot) })
		if !known {
			r.Logs = slices.Insert(r.Logs, i, Log{Slot: l.Slot})
		}
		has := &r.Logs[i]
		has.Written, has.There, has.Pruned = has.Written+l.Written, has.There+l.There, has.Pruned+l.Pruned
		has.Behind, has.Ahead = has.Behind+l.Behind, has.Ahead+l.Ahead
	}
	for _, w := range p.Waiting {
		i, known := slices.BinarySearchFunc(r.Waiting, w.Destination, func(w Wait, name string) int { return cmp.Compare(w.Destination, name) })
		if !known {
			r.Waiting = slices.Insert(r.Waiting, i, Wait{Destination: w.Destination})
		}
		r.Waiting[i].Events += w.Events
	}
	for _, l := range p.Losses {
		i, known := slices.BinarySearchFunc(r.Losses, l.Destination, func(l Loss, name string) int { return cmp.Compare(l.Destination, name) })
		if !known {
			r.Losses = slices.Insert(r.Losses, i, Loss{Destination: l.Destination})
		}
		r.Losses[i].Lost += l.Lost
		r.Losses[i].Dropped += l.Dropped
	}
	r.pruned = max(r.pruned, p.Pruned)
	r.Broken += int64(len(p.Breaks))
}

func sum(a, b Messages) Messages {
	return Messages{a.Accepted + b.Accepted, a.Delivered + b.Delivered, a.Failed + b.Failed, a.Expired + b.Expired, a.Unknown + b.Unknown,
		a.Successful + b.Successful, a.Queued + b.Queued, a.Awaiting + b.Awaiting}
}

// channelText is what text messages are spent on.
const channelText = "TEXT"

// How a month can be compared.
const (
	exactly  = "exactly"
	atMost   = "at_most"
	notWhole = "not_whole"
)

// compared says how much of a month the window has.
func (r *Report) compared(month string) string {
	begin, end, err := monthOf(month)
	switch {
	case err != nil:
		return exactly // nothing is accepted in it
	case begin.Before(r.From) || !r.open && end.After(r.To):
		return notWhole
	case r.pruned > idAt(begin):
		return atMost
	}
	return exactly
}

func monthOf(month string) (begin, end time.Time, err error) {
	begin, err = time.Parse("2006-01", month)
	return begin, begin.AddDate(0, 1, 0), err
}

// finish compares what can only be compared in the end, and answers what broke.
func (r *Report) finish() []Break {
	var out []Break
	for _, u := range r.unequal() {
		out = append(out, Break{Kind: KindSpend, Row: u.row(), Why: u.why()})
	}
	r.Spend = []Spend{}
	for _, m := range r.months() {
		ledger, cost := whole(r.ledger, m.keys), whole(r.cost, m.keys)
		r.Spend = append(r.Spend, Spend{Account: m.Account, Month: m.Month, Channel: m.Channel,
			Ledger: ledger.Amount().String(), Messages: cost.Amount().String(), Parts: ledger.Parts, Compared: r.compared(m.Month)})
	}
	r.Broken += int64(len(out))
	r.PartsOnTheWire = r.Parts.OnTheWire()
	r.MessagesUnaccounted, r.PartsUnaccounted = r.Messages.Unaccounted(), r.Parts.Unaccounted()
	r.Holds = r.Broken == 0 && r.MessagesUnaccounted == 0 && r.PartsUnaccounted == 0
	return out
}
