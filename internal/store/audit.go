package store

import (
	"context"
	"time"

	"heliograph/internal/sms"
)

// Auditor is what an engine offers besides Engine so that its rows can be held
// against each other while the service goes on. Each call reads at one moment: what
// one commit wrote is seen whole or not at all.
type Auditor interface {
	// AuditMessages calls each with what there is about the messages that have IDs
	// from from on and below to, in the order of their IDs, and answers from where
	// to go on: to where nothing is left. limit is about how many it reads. The
	// Audited is used again for the next one.
	AuditMessages(ctx context.Context, from, to sms.ID, limit int, each func(*Audited) error) (next sms.ID, err error)
	// AuditSpend reads what all accounts were billed, and calls each with the messages
	// that have IDs from from on and below to, which are in that by then.
	AuditSpend(ctx context.Context, from, to sms.ID, each func(*AuditedMessage) error) (map[UsageKey]Sums, error)
	// AuditLogs are the event logs of the slots that have one, in order.
	AuditLogs(ctx context.Context) ([]AuditedLog, error)
	// AuditLog counts a slot's events after a Seq up to another, about limit of them,
	// and finds the gaps between them.
	AuditLog(ctx context.Context, slot int, after, upto int64, limit int) (GapFinder, error)
	// AuditLag reads lag batches of all destinations after a key, at most limit.
	AuditLag(ctx context.Context, after LagKey, limit int) ([]LagBatch, error)
	// AuditLosses are the sums of all losses that were ever committed, one for each
	// destination, slot and kind that has any, ordered by these.
	AuditLosses(ctx context.Context) ([]Loss, error)
}

// Audited is what an engine has about one message.
type Audited struct {
	ID          sms.ID
	Message     *AuditedMessage // nil: other rows speak of a message that is not there
	Queued      bool            // it has a queued row
	QueuedParts int             // that the queued row counts
	Awaiting    bool            // it has an awaiting row
	Parts       []AuditedPart   // in the awaiting row
	Events      []AuditedEvent  // by slot and Seq
}

// AuditedMessage is what of an accepted message has to add up.
type AuditedMessage struct {
	Account    string // that is billed: sms.Message.Billed
	AcceptedAt time.Time
	Parts      int
	Price      sms.Money // of all parts
	CarrierFee sms.Money // of all parts
	Country    string    // of the destination
	Route      string    // sms.Route.PriceKind
}

// AuditedEvent is one row of a message's story.
type AuditedEvent struct {
	Slot   int
	Seq    int64
	Status sms.Status
	Final  bool
	Parts  []AuditedPart // of a final event
}

// AuditedPart is what of a message part's progress has to add up.
type AuditedPart struct {
	State  sms.PartState
	Status sms.Status // of a final part
	Sent   bool       // it has a time at which it was handed over
	Code   string     // the carrier's answer
	Resent int        // times it was sent again after an unknown outcome
}

// AuditedLog is a slot's event log: the Seq of the last event that was written,
// and how far the router has come.
type AuditedLog struct {
	Slot         int
	Last, Cursor int64
	// Pruned is the largest Seq that is known to have been deleted with an old
	// message, and PrunedID the largest ID of such a message that the slot made.
	Pruned   int64
	PrunedID sms.ID
}

// SeqGap is a run of Seqs that no event has. Before is when the last event in front
// of it happened, zero where there is none.
type SeqGap struct {
	First, Last int64
	Before      time.Time
}

// GapFinder finds the gaps in a log whose events it is told of in order.
type GapFinder struct {
	Events int64
	Gaps   []SeqGap
	Next   int64     // the Seq up to which it came
	Before time.Time // when the last event happened; set at first where one is known
}

// Event takes the next event.
func (g *GapFinder) Event(seq int64, at time.Time) {
	g.Upto(seq - 1)
	g.Events++
	g.Next, g.Before = seq, at
}

// Upto says that there is no further event up to a Seq.
func (g *GapFinder) Upto(seq int64) {
	if seq > g.Next {
		g.Gaps = append(g.Gaps, SeqGap{First: g.Next + 1, Last: seq, Before: g.Before})
		g.Next = seq
	}
}
