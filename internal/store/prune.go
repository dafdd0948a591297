package store

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"sort"
	"time"

	"heliograph/internal/sms"
)

// Pruner is what an engine offers besides Engine: it deletes what is old, while
// the service goes on. One node at a time should do it.
//
// It is no part of a Change: nobody waits for it, so it must not make the
// transactions longer that callers do wait for. Its own are short, come between
// those, and hold the fence like any other.
type Pruner interface {
	// Prune does the next step of a pass: it looks at some hundred rows and deletes
	// those that may go in one transaction. ErrFenced, and nothing deleted, where
	// there was something to delete and f is not its slot's fence any more.
	Prune(ctx context.Context, f Fence, p *Pass) (Pruned, error)
	// Shrink gives space that deleted rows left in the database's file back to the
	// system, within about the time given, and reports whether more should be given
	// back. An engine whose database does that by itself has nothing to do.
	Shrink(ctx context.Context, f Fence, within time.Duration) (Shrunk, error)
	// Sizes are what the database takes up on disk.
	Sizes(ctx context.Context) (Sizes, error)
}

// Pass goes once over what may be deleted. The caller sets what is above Stage;
// what has its zero value there is not deleted. The rest is the engine's: where the
// pass stands. It may be given up at any step.
type Pass struct {
	// Messages that have smaller IDs and have ended go, with all their events, but for
	// those with an event that is spared. So do story rows from before the
	// time of this ID that were written when their message was gone.
	Messages sms.ID
	// Bodies and Numbers: messages that have smaller IDs and have ended lose their texts,
	// or the numbers that they went to, but for those with an event that is spared. So
	// do messages from handsets and publications of before the time of the larger one.
	Bodies, Numbers sms.ID
	// Redacted is where earlier passes have come to with that; nil: nowhere.
	Redacted *Redaction
	// Receipts that were parked before go.
	Receipts time.Time
	// Month is the first, "2006-01", whose spend is kept.
	Month string
	// Lists go with all their entries.
	Lists []int64
	// Logs are lines of log groups that go, those from before a time.
	Logs map[int64]time.Time
	// Within is about how long a step may keep other transactions waiting.
	Within time.Duration

	Stage  PruneStage
	Spared *Spared // read once, at the first step
	Place  SlotSeq // of the last row that was looked at, in stages of the log
	After  sms.ID  // the last message that was looked at
	Nth    int     // of Lists, or of the groups of Logs in order
	again  int     // how many of Reached.Left were looked at in this stage and stay
	full   bool    // there is no room in Reached.Left for what has to stay
}

// Groups are the groups of Logs, in order.
func (p *Pass) Groups() []int64 { return slices.Sorted(maps.Keys(p.Logs)) }

// PruneStage is what a Pass goes over, one after the other.
type PruneStage int

const (
	PruneMessages PruneStage = iota // with their events
	PruneBodies                     // texts of messages
	PruneNumbers                    // numbers that messages went to
	PruneContents                   // what events bring of their own
	PruneStories                    // rows of messages that are gone
	PruneReceipts                   // parked ones
	PruneSpend
	PruneEntries
	PruneLogs
	PruneDone
)

// Done reports that the pass is over.
func (p *Pass) Done() bool { return p.Stage >= PruneDone }

// Next begins the next stage.
func (p *Pass) Next() {
	p.Stage, p.Place, p.After, p.Nth, p.again, p.full = p.Stage+1, SlotSeq{}, 0, 0, 0, false
}

// Pruned counts the rows that were deleted, or written without what was dropped, and
// says how long others were kept waiting.
type Pruned struct {
	Messages, Events, Receipts, Spend, Entries, Logs int
	Redacted                                         int
	Held                                             time.Duration
}

// Rows are all of them.
func (p Pruned) Rows() int {
	return p.Messages + p.Events + p.Receipts + p.Spend + p.Entries + p.Logs + p.Redacted
}

// Plus adds up what steps have pruned.
func (p Pruned) Plus(q Pruned) Pruned {
	return Pruned{p.Messages + q.Messages, p.Events + q.Events, p.Receipts + q.Receipts, p.Spend + q.Spend, p.Entries + q.Entries, p.Logs + q.Logs, p.Redacted + q.Redacted, p.Held + q.Held}
}

// Shrunk tells what came of Shrink.
type Shrunk struct {
	Bytes int64 // given back
	More  bool
	Held  time.Duration // how long others were kept waiting
}

// Sizes are in bytes. Log is a write-ahead log beside the database, and Free is
// what the database's file has of unused space, where the engine knows of them.
type Sizes struct{ Database, Log, Free int64 }

// Spared are the events that a Pass has to leave: those that a router has not
// passed, and those from the first to the last of a lag batch. An event that is not
// spared once never will be: what comes into the lag is above the cursor.
type Spared struct {
	cursors map[int]int64
	lag     map[int][]LagSpan // by slot, ascending, apart from one another
}

// LagSpan is from the first to the last event of a LagBatch.
type LagSpan struct {
	Slot        int
	First, Last int64
}

// Spare makes a Spared of what is stored. The cursors have to be read before
// the lag.
func Spare(cursors []Cursor, lag []LagSpan) *Spared {
	s := &Spared{cursors: map[int]int64{}, lag: map[int][]LagSpan{}}
	for _, c := range cursors {
		s.cursors[c.Slot] = c.Seq
	}
	slices.SortFunc(lag, func(a, b LagSpan) int { return cmp.Or(cmp.Compare(a.Slot, b.Slot), cmp.Compare(a.First, b.First)) })
	for _, l := range lag {
		of := s.lag[l.Slot]
		if n := len(of); n > 0 && l.First <= of[n-1].Last+1 {
			of[n-1].Last = max(of[n-1].Last, l.Last)
			continue
		}
		s.lag[l.Slot] = append(of, l)
	}
	return s
}

// Slots are those that have a cursor, in order: of others everything is spared.
func (s *Spared) Slots() []int { return slices.Sorted(maps.Keys(s.cursors)) }

// Has reports whether an event is spared.
func (s *Spared) Has(slot int, seq int64) bool {
	cursor, known := s.cursors[slot]
	if !known || seq > cursor {
		return true
	}
	of := s.lag[slot]
	i := sort.Search(len(of), func(i int) bool { return of[i].Last >= seq })
	return i < len(of) && of[i].First <= seq
}
