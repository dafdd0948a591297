package retention

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"heliograph/internal/store"
)

// Options are what a Loop is made of. All are needed, but for Drop and Dropped.
type Options struct {
	Pruner store.Pruner
	Fence  store.Fence // of this node
	// Mine reports whether this node is the one that prunes. It is asked before each
	// step, and must not wait.
	Mine func() bool
	Keep Keep
	// Drop says, at the beginning of a pass, which lists of the store go with all their
	// entries, and of which log groups the lines from before a time. Dropped is told of
	// the lists after a pass that has come to its end: nothing is left of them.
	Drop    func() (lists []int64, logs map[int64]time.Time)
	Dropped func(ctx context.Context, lists []int64)
	Metrics *Metrics
	Log     *slog.Logger
	// Now is the wall clock that messages are accepted by. One that was set wrong, and
	// ahead, before Run would let go what is to be kept; a step forward while it
	// runs is followed by no more than an hour.
	Now func() time.Time
}

// Loop prunes again and again. Make it with New and call Run once.
type Loop struct {
	o        Options
	began    time.Time // by the wall clock
	running  time.Time // the same moment, by the clock that nobody sets
	measured time.Time // the sizes, last
	due      time.Time // when the pass that runs should be over
	redacted *store.Redaction
}

// New makes a Loop that does nothing yet.
func New(o Options) *Loop { return &Loop{o: o, redacted: store.NewRedaction()} }

// Run prunes while this node is the one that does, and measures the database on
// every node, until ctx ends or the store is not this node's any more.
func (l *Loop) Run(ctx context.Context) {
	l.began, l.running = l.o.Now(), time.Now()
	for next := time.Now().Add(l.o.Keep.every()); ; {
		l.measure(ctx)
		if !time.Now().Before(next) {
			if l.o.Mine() && !l.prune(ctx) {
				return
			}
			next = time.Now().Add(l.o.Keep.every())
		}
		if !sleep(ctx, min(time.Until(next), measureEvery)) {
			return
		}
	}
}

// prune goes once over the rows and gives space back; it is false where there is
// no sense in trying again.
func (l *Loop) prune(ctx context.Context) bool {
	began := time.Now()
	l.due = began.Add(l.o.Keep.every())
	sum, err := l.pass(ctx)
	var given int64
	if err == nil {
		given, err = l.shrink(ctx)
	}
	if sum.Rows() > 0 || given > 0 {
		l.o.Log.Info("old rows deleted", "messages", sum.Messages, "events", sum.Events, "receipts", sum.Receipts, "spend", sum.Spend,
			"entries", sum.Entries, "log_lines", sum.Logs, "redacted", sum.Redacted, "bytes_given_back", given, "took", time.Since(began).Round(time.Millisecond))
	}
	switch {
	case ctx.Err() != nil:
		return false
	case errors.Is(err, store.ErrFenced), errors.Is(err, store.ErrBroken), errors.Is(err, store.ErrClosed):
		// Whoever commits finds it out too, and ends the process.
		l.o.Log.Warn("old rows are not deleted any more", "error", err)
		return false
	case err != nil:
		l.o.Metrics.Failures.Inc()
		l.o.Log.Warn("old rows cannot be deleted; trying again later", "error", err)
	}
	return true
}

// pass deletes what is old by now, as long as it is for this node to do.
func (l *Loop) pass(ctx context.Context) (sum store.Pruned, err error) {
	p := l.o.Keep.pass(bounded(l.o.Now(), l.began, time.Since(l.running)))
	p.Redacted = l.redacted
	if l.o.Drop != nil {
		p.Lists, p.Logs = l.o.Drop()
	}
	for !p.Done() && l.o.Mine() {
		began := time.Now()
		n, err := l.o.Pruner.Prune(ctx, l.o.Fence, &p)
		if err != nil {
			return sum, err
		}
		l.o.Metrics.pruned(n)
		sum = sum.Plus(n)
		if !l.rest(ctx, began) {
			return sum, ctx.Err()
		}
	}
	if p.Done() && len(p.Lists) > 0 && l.o.Dropped != nil {
		l.o.Dropped(ctx, p.Lists)
	}
	return sum, nil
}

// shrink gives back what space there is to give.
func (l *Loop) shrink(ctx context.Context) (given int64, err error) {
	for more := true; more && l.o.Mine(); {
		began := time.Now()
		n, err := l.o.Pruner.Shrink(ctx, l.o.Fence, within)
		if err != nil {
			return given, err
		}
		l.o.Metrics.held(n.Held)
		given, more = given+n.Bytes, n.More
		if !l.rest(ctx, began) {
			return given, ctx.Err()
		}
	}
	return given, nil
}

// rest leaves the store to others after a step; it is false when ctx has ended.
func (l *Loop) rest(ctx context.Context, began time.Time) bool {
	now := time.Now()
	l.measure(ctx)
	return sleep(ctx, pause(now.Sub(began), now.After(l.due)))
}

// measure looks at the sizes, if that was long ago.
func (l *Loop) measure(ctx context.Context) {
	if !l.measured.IsZero() && time.Since(l.measured) < measureEvery {
		return
	}
	l.measured = time.Now()
	sizes, err := l.o.Pruner.Sizes(ctx)
	switch {
	case err == nil:
		l.o.Metrics.sizes(sizes)
	case ctx.Err() == nil:
		l.o.Log.Warn("the size of the database cannot be read", "error", err)
	}
}

// sleep waits and is false if ctx ended first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(max(d, 0))
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
