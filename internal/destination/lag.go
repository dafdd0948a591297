package destination

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// drain is one step of a detached feed's worker: it waits until the feed's next
// try, and then publishes one batch of its lag, drops the lag of a destination
// that was deleted, or attaches the feed if it has no lag any more.
func (r *Router) drain(f *feed) {
	if !r.awaitTry(f) {
		return
	}
	r.mu.Lock()
	commits := f.commits
	r.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), 2*r.o.Wait)
	batches, err := r.o.Log.LagBatches(ctx, f.key, r.o.Slot, lagBatches)
	cancel()
	definition, exists := r.definitionOf(f)
	progress := false
	switch {
	case err != nil:
		err = fmt.Errorf("reading the lag: %w", err)
	case len(batches) == 0:
		r.attachOrWait(f, commits, exists)
		return
	case !exists:
		err = r.dropLag(f, batches)
	case !definition.Enabled:
		r.mu.Lock()
		f.paused, f.nextTry = true, time.Now().Add(lookAgain)
		r.mu.Unlock()
		return
	default:
		if !r.loads.take(publishBytes, r.stop) {
			return
		}
		progress, err = r.publishLag(f, batches)
	}
	r.mu.Lock()
	f.paused = false
	if err != nil {
		f.lastErr = err
		f.fail(time.Now(), r.o.RetryFirst, r.o.RetryMost, progress)
	} else {
		f.failures, f.nextTry = 0, time.Time{}
	}
	r.mu.Unlock()
}

// awaitTry waits for the feed's next try, which comes at once when the
// destination was deleted or publishes to somewhere else now. It is false when
// the Router stops.
func (r *Router) awaitTry(f *feed) bool {
	for {
		definition, exists := r.definitionOf(f)
		r.mu.Lock()
		if exists && f.define(definition) || !exists && !f.gone {
			f.failures, f.nextTry = 0, time.Time{}
		}
		f.gone = !exists
		wait := min(time.Until(f.nextTry), lookAgain)
		r.mu.Unlock()
		if wait <= 0 {
			return true
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-r.stop:
			timer.Stop()
			return false
		}
	}
}

func (r *Router) definitionOf(f *feed) (sms.EventDestination, bool) {
	for _, d := range r.o.Destinations(f.account, f.set) {
		if d.Name == f.name {
			return d, true
		}
	}
	return sms.EventDestination{}, false
}

// attachOrWait attaches a feed that had no lag in the store after the given
// number of commits. If lag was committed since, or is being committed, or has
// been waiting for that too long for the cursor to be held by it again, it waits
// for that commit.
func (r *Router) attachOrWait(f *feed, commits int64, exists bool) {
	r.mu.Lock()
	if !exists {
		r.drop(f, len(f.lag)-f.storing)
		r.uncounted.add(f.key, store.EventsDropped, f.lag[f.storing:])
		f.lag = f.lag[:f.storing]
	}
	fresh := len(f.lag) == 0 || time.Since(f.lagSince) < r.o.Wait/2
	if f.storing == 0 && f.commits == commits && fresh {
		r.attach(f, time.Now())
		r.mu.Unlock()
		return
	}
	again := f.commits != commits
	r.mu.Unlock()
	if again {
		return
	}
	timer := time.NewTimer(r.o.CommitEvery)
	defer timer.Stop()
	select {
	case <-f.wake:
	case <-timer.C:
	case <-r.stop:
	}
}

func (r *Router) dropLag(f *feed, batches []store.LagBatch) error {
	change := &store.Change{}
	events := 0
	for _, b := range batches {
		change.LagDone = append(change.LagDone, b.LagKey)
		events += len(b.Seqs)
	}
	change.Losses = r.losses(f, store.EventsDropped, events)
	if err := r.committer.Commit(change); err != nil {
		return fmt.Errorf("dropping the lag: %w", err)
	}
	r.mu.Lock()
	f.stored -= int64(events)
	r.drop(f, events)
	r.mu.Unlock()
	return nil
}

// publishLag publishes the first of the batches, as many as make one
// publication, and takes what was published out of the store's lag. progress
// reports that it got smaller. It gives the bytes back that were taken of the budget.
func (r *Router) publishLag(f *feed, batches []store.LagBatch) (progress bool, err error) {
	taken := publishBytes
	defer func() { r.loads.give(taken) }()
	ctx, cancel := context.WithTimeout(context.Background(), 2*r.o.Wait)
	defer cancel()
	r.mu.Lock()
	size := f.size
	r.mu.Unlock()
	var seqs []int64
	for i, b := range batches {
		if i > 0 && len(seqs)+len(b.Seqs) > size {
			batches = batches[:i]
			break
		}
		seqs = append(seqs, b.Seqs...)
	}
	remaining := map[int64]bool{}
	if len(seqs) > size {
		for _, seq := range seqs[size:] {
			remaining[seq] = true
		}
		seqs = seqs[:size]
	}
	loaded, through, err := r.loadEvents(ctx, seqs)
	if err != nil {
		return false, err
	}
	seqs = slices.DeleteFunc(seqs, func(seq int64) bool {
		if seq > through {
			remaining[seq] = true
		}
		return seq > through
	})
	bytes := 0
	for _, item := range loaded {
		bytes += len(item.JSON)
	}
	if spare := taken - bytes; spare > 0 { // a destination may take its time for a few
		r.loads.give(spare)
		taken -= spare
	}
	oldest := time.Now().Add(-r.o.MaxLagAge)
	items := make([]Item, 0, len(seqs))
	sent := make([]int64, 0, len(seqs))
	gone, old := 0, 0
	for _, seq := range seqs {
		switch item := loaded[seq]; {
		case item.JSON == nil:
			gone++
		case item.At.Before(oldest):
			old++
		default:
			items, sent = append(items, item), append(sent, seq)
		}
	}
	var retry []int
	var refused []int
	var failure error
	if len(items) > 0 {
		publish, cancel := context.WithTimeout(context.Background(), r.o.Wait)
		retry, refused, failure = r.publish(publish, f, items)
		cancel()
	}
	for _, i := range retry {
		remaining[sent[i]] = true
	}
	if change := shrink(batches, remaining); change != nil {
		change.Losses = r.losses(f, store.EventsLost, gone+old+len(refused))
		if err := r.committer.Commit(change); err != nil {
			return false, fmt.Errorf("taking published events out of the lag: %w", err)
		}
		progress = true
	}
	r.mu.Lock()
	r.lose(f, gone, errGone)
	r.lose(f, old, fmt.Errorf("older than %v", r.o.MaxLagAge))
	r.lose(f, len(refused), failure)
	f.stored = max(f.stored-int64(len(seqs)-len(retry)), 0)
	r.stats.Published += int64(len(sent) - len(retry) - len(refused))
	r.mu.Unlock()
	if len(retry) == 0 {
		failure = nil
	}
	return progress, failure
}

// shrink is the change that leaves only the remaining events in the batches; nil
// where that changes nothing.
func shrink(batches []store.LagBatch, remaining map[int64]bool) *store.Change {
	var change store.Change
	for _, b := range batches {
		var left []int64
		for _, seq := range b.Seqs {
			if remaining[seq] {
				left = append(left, seq)
			}
		}
		if len(left) == len(b.Seqs) {
			continue
		}
		if len(left) == 0 || left[0] != b.First {
			change.LagDone = append(change.LagDone, b.LagKey)
		}
		if len(left) > 0 { // replaces the batch where it begins with the same event
			key := b.LagKey
			key.First = left[0]
			change.Lag = append(change.Lag, store.LagBatch{LagKey: key, Seqs: left})
		}
	}
	if change.LagDone == nil && change.Lag == nil {
		return nil
	}
	return &change
}

// fail sets the time of the next try: after the first pause, twice as long with
// each failure in a row up to the longest one, less up to half of it at random. A
// try that got some of its events through counts as the first.
func (f *feed) fail(now time.Time, first, most time.Duration, progress bool) {
	if progress {
		f.failures = 0
	}
	pause := most
	if f.failures < 32 && first<<f.failures>>f.failures == first {
		pause = min(first<<f.failures, most)
	}
	f.failures++
	f.nextTry = now.Add(pause - rand.N(pause/2+1))
}
