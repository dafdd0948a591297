package destination

import (
	"fmt"
	"strings"
	"time"

	"heliograph/internal/sms"
)

// feed is one event destination's share of the log. All of it is guarded by the
// Router's mu. While it is attached, events go through queue and inflight and
// hold the cursor; while it is detached, their sequence numbers go to lag, from
// there into the store with the cursor, and its worker publishes them from there.
type feed struct {
	key                string // account/configuration set/name, as in store.LagKey
	account, set, name string

	definition sms.EventDestination
	defined    bool
	publisher  Publisher // of the definition; nil until it is needed

	attached bool
	since    time.Time // of being attached or detached
	running  bool      // a worker is there
	wake     chan struct{}

	size     int // of a batch, as large as its Publisher gets done within Wait
	queue    []entry
	inflight []entry
	started  time.Time // of the publication in flight

	lag      []int64   // ascending, all above the committed cursor
	lagSince time.Time // when the first of the lag was handed to the feed, or the rest of it was left by a commit
	storing  int       // how many of the lag are in a commit now
	commits  int64     // that stored lag
	stored   int64     // events in the store's lag, as far as is known

	failures int // in a row
	nextTry  time.Time
	paused   bool // the destination is disabled
	gone     bool // the destination was deleted
	lastErr  error
}

// entry is an event on its way. JSON is nil where it has still to be rendered.
type entry struct {
	seq    int64
	bytes  int // of its content, as far as is known
	item   Item
	handed time.Time
}

// held is how many bytes of content it has in memory.
func (e *entry) held() int {
	if e.item.Content == nil {
		return 0
	}
	return e.bytes
}

func keyOf(account, set, name string) string { return account + "/" + set + "/" + name }

func makeFeed(account, set, name string) *feed {
	return &feed{key: keyOf(account, set, name), account: account, set: set, name: name, attached: true, since: time.Now(),
		size: firstSize, wake: make(chan struct{}, 1)}
}

// readFeed makes the feed of a key that the store holds.
func readFeed(key string) (*feed, error) {
	fields := strings.Split(key, "/")
	if len(fields) != 3 {
		return nil, fmt.Errorf("%q does not name an event destination: account/configuration set/name is expected", key)
	}
	return makeFeed(fields[0], fields[1], fields[2]), nil
}

// define takes the destination's present definition and reports whether it
// publishes to somewhere else now.
func (f *feed) define(d sms.EventDestination) bool {
	changed := f.defined && !sameTarget(&f.definition, &d)
	if changed || !f.defined {
		f.publisher = nil
	}
	f.definition, f.defined = d, true
	return changed
}

// adapt sets the size of the next batches by how long one took: smaller if it was
// not done in time, larger if it was done quickly.
func (f *feed) adapt(took, wait time.Duration) {
	switch {
	case took >= wait:
		f.size = max(f.size/2, leastSize)
	case took < wait/4:
		f.size = min(f.size*2, publishEvents)
	}
}

func sameTarget(a, b *sms.EventDestination) bool {
	return equal(a.CloudWatchLogs, b.CloudWatchLogs) && equal(a.Firehose, b.Firehose) && equal(a.SNS, b.SNS) &&
		equal(a.Connect, b.Connect) && equal(a.Embedded, b.Embedded)
}

func equal[T comparable](a, b *T) bool { return a == b || a != nil && b != nil && *a == *b }

// first is the oldest event that holds the cursor.
func (f *feed) first() (entry, bool) {
	if len(f.inflight) > 0 {
		return f.inflight[0], true
	}
	if len(f.queue) > 0 {
		return f.queue[0], true
	}
	return entry{}, false
}

// hand gives an event to a feed. The caller holds mu.
func (r *Router) hand(f *feed, e entry) {
	r.feeds[f.key] = f // it may have been tidied away since it was looked up
	if f.attached {
		if r.held+e.held() > queuedBytes {
			e.item = Item{}
		}
		r.held += e.held()
		f.queue = append(f.queue, e)
		r.pending++
	} else {
		if len(f.lag) == 0 {
			f.lagSince = e.handed
		}
		f.lag = append(f.lag, e.seq)
	}
	r.startWorker(f)
}

// leave counts entries off that are queued or in flight no more. The caller holds mu.
func (r *Router) leave(entries []entry) {
	r.pending -= len(entries)
	for i := range entries {
		r.held -= entries[i].held()
	}
}

// full is how many of the entries, of at most limit, make a batch.
func full(entries []entry, limit int) int {
	bytes := 0
	for i := range entries[:min(limit, len(entries))] {
		if bytes += entries[i].bytes; bytes >= publishBytes {
			return i + 1
		}
	}
	return min(limit, len(entries))
}

// detach sends the entries given and after them what is queued to the lag. The
// caller holds mu.
func (r *Router) detach(f *feed, before []entry, why error, now time.Time) {
	lag := make([]int64, 0, len(before)+len(f.queue)+len(f.lag))
	for _, entries := range [][]entry{f.queue, before} {
		if len(entries) > 0 {
			f.lagSince = entries[0].handed
		}
	}
	for _, entries := range [][]entry{before, f.queue} {
		for i := range entries {
			lag = append(lag, entries[i].seq)
		}
	}
	f.lag = append(lag, f.lag...)
	r.leave(f.queue)
	f.queue = nil
	f.lastErr = why
	if f.attached {
		f.attached, f.since = false, now
		r.stats.Detached++
		r.o.Logger.Warn("event destination detached", "destination", f.key, "events", len(f.lag), "error", why)
	}
	token(r.room)
}

// attach makes a feed whose lag in the store is empty get events directly again,
// beginning with the lag that is not in the store yet. The caller holds mu.
func (r *Router) attach(f *feed, now time.Time) {
	f.attached, f.since, f.stored = true, now, 0
	f.failures, f.nextTry, f.lastErr, f.paused = 0, time.Time{}, nil, false
	for _, seq := range f.lag {
		f.queue = append(f.queue, entry{seq: seq, handed: f.lagSince})
	}
	r.pending += len(f.lag)
	f.lag = nil
	r.o.Logger.Info("event destination attached", "destination", f.key)
}

// expire detaches the feeds that do not keep up. The caller holds mu.
func (r *Router) expire(now time.Time) {
	for _, f := range r.feeds {
		if len(f.inflight) > 0 && now.Sub(f.started) > r.o.Wait+patience {
			inflight := f.inflight
			r.leave(inflight)
			f.inflight = nil
			r.detach(f, inflight, fmt.Errorf("no answer within %v", r.o.Wait+patience), now)
		}
		if len(f.queue) > 0 && now.Sub(f.queue[0].handed) > r.o.Wait {
			r.detach(f, nil, fmt.Errorf("events waited longer than %v", r.o.Wait), now)
		}
	}
}

// thin detaches the feeds with most in their queues until what is in memory is
// within its bound. The caller holds mu.
func (r *Router) thin(now time.Time) {
	for r.pending > maxPending {
		var most *feed
		for _, f := range r.feeds {
			if len(f.queue) > 0 && (most == nil || len(f.queue) > len(most.queue)) {
				most = f
			}
		}
		if most == nil {
			return
		}
		r.detach(most, nil, fmt.Errorf("%d events wait in memory for all destinations, %d are allowed", r.pending, maxPending), now)
	}
}
