package destination

import (
	"context"
	"errors"
	"slices"
	"time"

	"heliograph/internal/store"
)

// startWorker makes sure that somebody works for the feed. The caller holds mu.
func (r *Router) startWorker(f *feed) {
	if f.running || r.stopping {
		return
	}
	f.running = true
	r.workers.Add(1)
	go r.work(f)
}

// work publishes for one feed, one batch after the other, until it is attached
// and has nothing to do.
func (r *Router) work(f *feed) {
	defer r.workers.Done()
	for {
		r.gather(f)
		r.mu.Lock()
		if r.stopping || f.attached && len(f.queue) == 0 {
			f.running = false
			r.mu.Unlock()
			return
		}
		attached := f.attached
		var batch []entry
		if attached {
			n := full(f.queue, f.size)
			batch = f.queue[:n:n]
			f.queue = f.queue[n:]
			f.inflight, f.started = batch, time.Now()
		}
		r.mu.Unlock()
		if attached {
			r.publishBatch(f, batch)
		} else {
			r.drain(f)
		}
	}
}

// gather lets events come together for an attached feed whose last publication
// began a moment ago, unless they already fill a batch.
func (r *Router) gather(f *feed) {
	r.mu.Lock()
	wait := spacing - time.Since(f.started)
	if !f.attached || len(f.queue) >= f.size || r.stopping {
		wait = 0
	}
	r.mu.Unlock()
	if wait <= 0 {
		return
	}
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.stop:
	}
}

// errGone is why an event cannot be rendered.
var errGone = errors.New("the message or the event is not in the store any more")

// publishBatch publishes what was taken from an attached feed's queue and
// detaches the feed if that fails.
func (r *Router) publishBatch(f *feed, batch []entry) {
	var seqs []int64 // to be read
	for i := range batch {
		if batch[i].item.JSON == nil {
			seqs = append(seqs, batch[i].seq)
		}
	}
	if len(seqs) > 0 {
		if !r.loads.take(publishBytes, r.stop) {
			return // they hold the cursor
		}
		defer r.loads.give(publishBytes)
		r.mu.Lock()
		abandoned := f.inflight == nil // while it waited
		r.mu.Unlock()
		if abandoned {
			return
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), r.o.Wait)
	defer cancel()
	sent, lost, rest, err := r.fill(ctx, batch, seqs)
	if len(rest) > 0 {
		batch = batch[:len(batch)-len(rest)]
		r.mu.Lock()
		if f.inflight != nil {
			f.inflight, f.queue = batch, slices.Concat(rest, f.queue)
		}
		r.mu.Unlock()
	}
	var retry []entry
	var refused []int64
	if err != nil {
		retry = batch
	} else if len(sent) > 0 {
		items := make([]Item, len(sent))
		for i := range sent {
			items[i] = sent[i].item
		}
		var again, never []int
		again, never, err = r.publish(ctx, f, items)
		for _, i := range again {
			retry = append(retry, sent[i])
		}
		for _, i := range never {
			refused = append(refused, sent[i].seq)
		}
	}

	now := time.Now()
	r.mu.Lock()
	abandoned := f.inflight == nil
	if !abandoned {
		f.inflight = nil
		r.leave(batch)
		r.lose(f, len(lost), errGone)
		r.lose(f, len(refused), err)
		r.uncounted.add(f.key, store.EventsLost, lost)
		r.uncounted.add(f.key, store.EventsLost, refused)
		r.stats.Published += int64(len(sent) - len(retry) - len(refused))
		if len(retry) > 0 {
			f.fail(now, r.o.RetryFirst, r.o.RetryMost, true)
			r.detach(f, retry, err, now)
		} else if f.attached {
			f.failures, f.lastErr = 0, nil
		}
	}
	r.mu.Unlock()
	token(r.room)
}

// fill renders the entries of a batch that have no JSON yet, and leaves out those that
// are lost. rest is the end of the batch, from the first entry that was not read because
// those before it have bytes enough.
func (r *Router) fill(ctx context.Context, batch []entry, seqs []int64) (filled []entry, lost []int64, rest []entry, err error) {
	if len(seqs) == 0 {
		return batch, nil, nil, nil
	}
	loaded, through, err := r.loadEvents(ctx, seqs)
	if err != nil {
		return nil, nil, nil, err
	}
	filled = make([]entry, 0, len(batch))
	for i, e := range batch {
		if e.item.JSON == nil {
			if e.seq > through {
				return filled, lost, batch[i:], nil
			}
			e.item = loaded[e.seq]
		}
		if e.item.JSON == nil {
			lost = append(lost, e.seq)
			continue
		}
		filled = append(filled, e)
	}
	return filled, lost, nil, nil
}

// loadEvents reads and renders events of the log, as many as make a batch: those up to
// through. One of these that is not there has no item, or one without JSON.
func (r *Router) loadEvents(ctx context.Context, seqs []int64) (loaded map[int64]Item, through int64, err error) {
	if !slices.IsSorted(seqs) {
		seqs = slices.Sorted(slices.Values(seqs))
	}
	events, err := r.o.Log.EventsAt(ctx, r.o.Slot, seqs)
	if err != nil {
		return nil, 0, err
	}
	items, err := r.render(ctx, events)
	if err != nil {
		return nil, 0, err
	}
	loaded = make(map[int64]Item, len(events))
	for i := range events {
		loaded[events[i].Seq] = items[i]
	}
	through = seqs[len(seqs)-1]
	if len(events) > 0 { // what comes after the last may be there, and was not read
		through = events[len(events)-1].Seq
	}
	return loaded, through, nil
}

// publish hands items to the feed's publisher. refused are those that the
// destination will never take; err is why, for these and for those to retry.
func (r *Router) publish(ctx context.Context, f *feed, items []Item) (retry, refused []int, err error) {
	r.mu.Lock()
	publisher, definition := f.publisher, f.definition
	r.mu.Unlock()
	if publisher == nil {
		if publisher, err = r.o.Factory(f.account, f.set, definition); err == nil {
			r.mu.Lock()
			if sameTarget(&f.definition, &definition) {
				f.publisher = publisher
			}
			r.mu.Unlock()
		}
	}
	began := time.Now()
	if err == nil {
		err = publisher.Publish(ctx, items)
	}
	took := time.Since(began)
	r.mu.Lock()
	f.adapt(took, r.o.Wait)
	r.mu.Unlock()
	retry, refused = outcome(err, len(items))
	if taken := len(items) - len(retry) - len(refused); taken > 0 {
		r.o.Published(f.key, taken, items[0].At, took)
	}
	return retry, refused, err
}
