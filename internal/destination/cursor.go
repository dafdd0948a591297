package destination

import (
	"time"

	"heliograph/internal/store"
)

// tidyEvery is how often feeds of deleted destinations are looked for.
const tidyEvery = time.Minute

// keep commits the cursor at intervals while there is something to commit, and
// at once when much was routed, until the Router stops.
func (r *Router) keep() {
	timer := time.NewTimer(tidyEvery)
	defer timer.Stop()
	var tried time.Time
	tidied := time.Now()
	for {
		select {
		case <-timer.C:
		case <-r.kick:
		case <-r.stop:
			return
		}
		now := time.Now()
		r.mu.Lock()
		r.expire(now)
		due := r.routed-r.committed >= commitEvents || now.Sub(tried) >= r.o.CommitEvery
		r.mu.Unlock()
		if due {
			r.commit()
			tried = now
		}
		if now.Sub(tidied) >= tidyEvery {
			r.tidy()
			tidied = now
		}
		next := tidyEvery
		r.mu.Lock()
		if r.routed > r.committed || r.pending > 0 {
			next = r.o.CommitEvery
		}
		r.mu.Unlock()
		timer.Reset(next)
	}
}

// commit writes the cursor, behind which every event was published or is lag,
// together with the lag and the losses up to it.
func (r *Router) commit() {
	r.mu.Lock()
	cursor := r.routed
	for _, f := range r.feeds {
		if e, holds := f.first(); holds {
			cursor = min(cursor, e.seq-1)
		}
	}
	if cursor <= r.committed {
		r.mu.Unlock()
		return
	}
	change := &store.Change{Cursors: []store.Cursor{{Slot: r.o.Slot, Seq: cursor}}}
	change.Losses = r.uncounted.upto(r.o.Slot, cursor)
	var storing []*feed
	for _, f := range r.feeds {
		for f.storing < len(f.lag) && f.lag[f.storing] <= cursor {
			n := f.storing
			for n < len(f.lag) && n < f.storing+publishEvents && f.lag[n] <= cursor {
				n++
			}
			seqs := append([]int64(nil), f.lag[f.storing:n]...)
			change.Lag = append(change.Lag, store.LagBatch{
				LagKey: store.LagKey{Destination: f.key, Slot: r.o.Slot, First: seqs[0]}, Seqs: seqs})
			f.storing = n
		}
		if f.storing > 0 {
			storing = append(storing, f)
		}
	}
	r.mu.Unlock()

	err := r.committer.Commit(change)

	r.mu.Lock()
	for _, f := range storing {
		if err == nil {
			f.lag = append([]int64(nil), f.lag[f.storing:]...)
			f.lagSince = time.Now()
			f.stored += int64(f.storing)
			f.commits++
		}
		f.storing = 0
		token(f.wake)
	}
	if err == nil {
		r.committed = cursor
		r.uncounted.forget(cursor)
	}
	news := err != nil && !r.unsaved
	r.unsaved = err != nil
	r.mu.Unlock()
	if news {
		r.o.Logger.Error("the event cursor was not committed", "cursor", cursor, "error", err)
	}
	token(r.room)
}

// tidy forgets feeds that have nothing to do and whose destination was deleted.
func (r *Router) tidy() {
	var idle []*feed
	r.mu.Lock()
	for _, f := range r.feeds {
		if f.attached && !f.running {
			idle = append(idle, f)
		}
	}
	r.mu.Unlock()
	for _, f := range idle {
		if _, exists := r.definitionOf(f); exists {
			continue
		}
		r.mu.Lock()
		if f.attached && !f.running {
			delete(r.feeds, f.key)
		}
		r.mu.Unlock()
	}
}
