package destination

import (
	"context"
	"log/slog"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Log is what a Router reads of a store.Engine.
type Log interface {
	EventsAfter(ctx context.Context, slot int, after int64, limit int) ([]store.Event, error)
	EventsAt(ctx context.Context, slot int, seqs []int64) ([]store.Event, error)
	Cursors(ctx context.Context) ([]store.Cursor, error)
	LagBatches(ctx context.Context, destination string, slot, limit int) ([]store.LagBatch, error)
	LagDestinations(ctx context.Context) ([]string, error)
}

// Committer makes a change durable; store.Committer is the one there is.
type Committer interface {
	Commit(change *store.Change) error
}

// Options are what a Router needs to know and to call. All functions are called
// from several goroutines.
type Options struct {
	Slot int // whose event log is followed
	// Foreign: another node wrote the log, so that Observe sees none of it, and it is
	// read again every second.
	Foreign bool
	Log     Log

	// Destinations are the event destinations of a configuration set, none for
	// one that does not exist. It has to be complete before Run: the lag of a
	// destination that it does not name is dropped.
	Destinations func(account, configurationSet string) []sms.EventDestination
	// Messages gives the messages with these ids, in their order, nil for one
	// that is not there.
	Messages func(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	// MessageID renders the MessageId of the API.
	MessageID func(sms.ID) string
	Factory   Factory
	Logger    *slog.Logger

	// Published, if set, is told of each batch that a destination took: when the
	// first of its events happened and how long the destination needed.
	Published func(destination string, events int, first time.Time, took time.Duration)

	Wait        time.Duration // that a publication may take; 0: 2 s
	MaxLagAge   time.Duration // after which lag is dropped and counted; 0: 14 days
	CommitEvery time.Duration // at most, between commits of the cursor; 0: 200 ms
	RetryFirst  time.Duration // pause after the first failure; 0: 1 s
	RetryMost   time.Duration // longest pause between tries; 0: 5 min
}

const (
	// readEvents bounds what is read from the log at once.
	readEvents = 1000
	// publishEvents bounds a batch for one destination, and a lag batch.
	publishEvents = 1000
	// firstSize is the size of a destination's batches until it is known how
	// fast it is, leastSize what they are made smaller to at most.
	firstSize = 250
	leastSize = 10
	// spacing is the least time from the start of one publication to the next
	// one's of the same destination, unless a whole batch waits.
	spacing = 10 * time.Millisecond
	// routeTime is the least time from one routing of new events to the next, so
	// that events that come one by one share the work.
	routeTime = 5 * time.Millisecond
	// commitEvents uncommitted ones make the cursor be committed at once.
	commitEvents = 1000
	// crowded is how many events a destination may be behind before the reading
	// of an old log waits for it.
	crowded = 8192
	// maxPending bounds the events in memory of all destinations together.
	maxPending = 65536
	// publishBytes is how many bytes of content make a batch full, whatever the number
	// of its events.
	publishBytes = store.EventBytes
	// queuedBytes bounds the content in memory that waits for all destinations
	// together, or is on its way to them. Of an event beyond it only the number is
	// kept, and its content is read from the log when its turn comes.
	queuedBytes = 24 << 20
	// loadedBytes bounds what all workers together have read from the log.
	loadedBytes = 24 << 20
	// maxUncommitted bounds how far the router reads ahead of its cursor when
	// the cursor cannot be committed.
	maxUncommitted = 500_000
	// lagBatches is how many lag batches are looked at together.
	lagBatches = 64
	// readAgain is how often the log of a foreign slot is read.
	readAgain = time.Second
	// lookAgain is how often a detached destination's definition is looked at.
	lookAgain = 5 * time.Second
	// patience is what a publication gets beyond Wait before it is given up
	// although its Publisher has not returned.
	patience = time.Second
)

func (o *Options) setDefaults() {
	set := func(d *time.Duration, value time.Duration) {
		if *d <= 0 {
			*d = value
		}
	}
	set(&o.Wait, 2*time.Second)
	set(&o.MaxLagAge, 14*24*time.Hour)
	set(&o.CommitEvery, 200*time.Millisecond)
	set(&o.RetryFirst, time.Second)
	set(&o.RetryMost, 5*time.Minute)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Published == nil {
		o.Published = func(string, int, time.Time, time.Duration) {}
	}
}
