package app

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/store"
)

// balance is the equation of messages as a metric: open at the start + accepted -
// ended = open. What is open is counted in the store, now and then and not at each
// scrape; the rest is what the committer has made durable since the start.
//
// It needs the database for itself: what other nodes accept and end is not counted
// here. Then, and for everything else that has to add up, there is heliograph
// reconcile.
type balance struct {
	accepted, ended atomic.Int64

	log    *slog.Logger
	counts func(context.Context) (store.Counts, error)
	alone  func() bool // nobody else writes
	began  int64       // messages that were open at the start

	mu    sync.Mutex
	open  store.Counts
	wrong int64 // accepted messages that are nowhere; below 0, open ones that were not accepted or have ended
	last  int64 // what the last look came to
	shown bool
}

const (
	// balanceEvery is the time from one count of open messages to the next.
	balanceEvery = 15 * time.Second
	// balanceRest is how many times as long as a count took none follows it.
	balanceRest = 50
)

var (
	messagesOpen = gauge("heliograph_messages_open", "Messages that have not ended, as counted in the database of late.", "state")
	unaccounted  = gauge("heliograph_messages_unaccounted", "Messages open at the start + accepted - ended - open now: anything but 0 is a message that is lost or counted twice. Only while no other node shares the database.")
)

// observe counts what was committed. It is one of the committer's observers.
func (b *balance) observe(changes []*store.Change) {
	accepted, ended := 0, 0
	for _, c := range changes {
		if c.Err != nil {
			continue
		}
		accepted += len(c.Accept)
		for i := range c.Events {
			if c.Events[i].Final {
				ended++
			}
		}
	}
	// A message is counted as accepted before it can be counted as ended.
	b.accepted.Add(int64(accepted))
	b.ended.Add(int64(ended))
}

// begin counts what is open while nothing is written. Where others write by then,
// nothing is compared ever.
func (b *balance) begin(ctx context.Context, log *slog.Logger, counts func(context.Context) (store.Counts, error), alone func() bool) error {
	n, err := counts(ctx)
	if err != nil {
		return fmt.Errorf("count open messages: %w", err)
	}
	b.log, b.counts, b.alone = log, counts, alone
	b.began = n.Queued + n.Awaiting - b.accepted.Load() + b.ended.Load()
	b.open, b.shown = n, alone()
	return nil
}

// watch looks again and again until ctx ends.
func (b *balance) watch(ctx context.Context) {
	for wait := balanceEvery; ; {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		began := time.Now()
		if err := b.look(ctx); err != nil && ctx.Err() == nil {
			b.log.Warn("open messages cannot be counted", "error", err)
		}
		wait = max(balanceEvery, balanceRest*time.Since(began))
	}
}

// look counts and compares once. What was committed while it counted may be in the
// count or not.
func (b *balance) look(ctx context.Context) error {
	accepted, ended := b.accepted.Load(), b.ended.Load()
	n, err := b.counts(ctx)
	if err != nil {
		return err
	}
	// Ended is read first: who is counted in it is counted as accepted by then.
	endedSince := b.ended.Load()
	acceptedSince := b.accepted.Load()
	least, most := b.began+accepted-endedSince, b.began+acceptedSince-ended
	found := int64(0)
	switch open := n.Queued + n.Awaiting; {
	case open < least:
		found = least - open
	case open > most:
		found = most - open
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.open = n
	b.shown = b.shown && b.alone()
	was := b.wrong
	b.wrong = nearer(b.last, found)
	b.last = found
	if b.shown && b.wrong != was {
		b.log.Error("messages do not add up; heliograph reconcile names them", "unaccounted", b.wrong)
	}
	return nil
}

// nearer is what two looks have in common: a commit may be durable a moment before
// it is observed, so one look by itself says nothing.
func nearer(a, b int64) int64 {
	switch {
	case a > 0 && b > 0:
		return min(a, b)
	case a < 0 && b < 0:
		return max(a, b)
	}
	return 0
}

// Describe describes nothing: what there is depends on the other nodes.
func (b *balance) Describe(chan<- *prometheus.Desc) {}

// Collect answers what the last look has found.
func (b *balance) Collect(out chan<- prometheus.Metric) {
	b.mu.Lock()
	defer b.mu.Unlock()
	out <- prometheus.MustNewConstMetric(messagesOpen.desc, messagesOpen.kind, float64(b.open.Queued), "queued")
	out <- prometheus.MustNewConstMetric(messagesOpen.desc, messagesOpen.kind, float64(b.open.Awaiting), "awaiting")
	if b.shown {
		out <- prometheus.MustNewConstMetric(unaccounted.desc, unaccounted.kind, float64(b.wrong))
	}
}

// alone reports whether no other node has a slot of the database.
func (s *service) alone(ctx context.Context) bool {
	if s.place.shared == nil {
		return true
	}
	nodes, err := s.place.leases.Nodes(ctx)
	for _, n := range nodes {
		if !n.Free && n.Slot != s.place.fence.Slot {
			return false
		}
	}
	return err == nil
}
