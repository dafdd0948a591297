package inbound

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"

	"heliograph/internal/store"
)

const (
	// sweepMost and sweepLeast bound how often messages are looked for whose parts do
	// not come: ten times in Options.Timeout, if that is between them.
	sweepMost  = time.Minute
	sweepLeast = 100 * time.Millisecond
	// scanRows is how many entries are read at once.
	scanRows = 1000
	// settleTime is how long a message of which every part is there is left to those
	// who put the last one.
	settleTime = 5 * time.Second
	// copyTime is how long a message of which every part is there, but some as copies
	// only, is left to others in their place.
	copyTime = 30 * time.Second
	// maxErrors is how many errors of a sweep are told.
	maxErrors = 10
)

func (f *Flow) sweep(ctx context.Context) {
	ticker := time.NewTicker(max(min(f.o.Timeout/10, sweepMost), sweepLeast))
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if f.o.Sweeps != nil && !f.o.Sweeps() {
			f.o.Metrics.Pending.Set(0)
			continue
		}
		if err := f.Sweep(ctx); err != nil && ctx.Err() == nil {
			f.o.Log.Error("incomplete messages from handsets cannot be ended", "error", err)
		}
	}
}

// Sweep makes messages of the parts that have waited for the others for the whole
// Timeout, of those whose last part came to a node that went away then, and of those that
// are whole with copies. It deletes what is left of messages that were made that long
// ago. A message that cannot be ended does not keep it from the others: the error says
// what came of all of them.
func (f *Flow) Sweep(ctx context.Context) error {
	now := f.o.Now()
	errs := []error{f.forgetOld(ctx, now), f.renew(ctx)}
	failed, parts := 0, 0
	err := f.scan(ctx, pendingList, math.MinInt64, func(page []store.Entry, full bool) (read int, err error) {
		groups := f.group(page)
		if full && len(groups) > 1 {
			groups = groups[:len(groups)-1] // the rest of it is on the next page
		}
		due := func(w waiting) bool { return w.due(now, f.o.Timeout) }
		for _, w := range groups {
			read += len(w)
			if !due(w) {
				parts += len(w)
				continue
			}
			if err := f.end(messageOf(w[0].place), due); err != nil {
				parts += len(w)
				if failed++; failed <= maxErrors {
					errs = append(errs, err)
				}
			}
		}
		return read, ctx.Err()
	})
	if failed > maxErrors {
		errs = append(errs, fmt.Errorf("%d more messages", failed-maxErrors))
	}
	if err == nil {
		f.o.Metrics.Pending.Set(float64(parts))
	}
	return errors.Join(append(errs, err)...)
}

// due reports whether a message is made of the parts that there are.
func (w waiting) due(now time.Time, timeout time.Duration) bool {
	settled := now.Sub(w.last())
	return now.Sub(w.since()) >= timeout || w.fresh().whole() && settled >= settleTime || w.merged().whole() && settled >= copyTime
}

// forgetOld deletes what is left of messages that were made a Timeout ago.
func (f *Flow) forgetOld(ctx context.Context, now time.Time) error {
	return f.scan(ctx, doneList, math.MinInt64, func(page []store.Entry, _ bool) (int, error) {
		change := &store.Change{}
		for i := range page {
			if now.Sub(page[i].At) >= f.o.Timeout {
				change.Entries = append(change.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: page[i].EntryKey}, Delete: true})
			}
		}
		if len(change.Entries) == 0 {
			return len(page), nil
		}
		return len(page), f.o.Committer.Commit(change)
	})
}

// scan reads a list page by page, after a key. see answers how many of a page's entries it has seen
// to; the others come again.
func (f *Flow) scan(ctx context.Context, list, after int64, see func(page []store.Entry, full bool) (int, error)) error {
	for {
		page, err := f.o.Lists.EntriesAfter(ctx, store.EntryScan{List: list, After: after, Limit: scanRows})
		if err != nil {
			return wrap("read messages from handsets", err)
		}
		if len(page) == 0 {
			return nil
		}
		seen, err := see(page, len(page) == scanRows)
		if err != nil {
			return err
		}
		if after = page[seen-1].Key; len(page) < scanRows {
			return nil
		}
	}
}
