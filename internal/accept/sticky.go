package accept

import (
	"sync"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/throttle"
)

// sticky remembers which identity of a pool last wrote to a recipient. It is
// bounded: of two generations the older is dropped when the younger is full.
type sticky struct {
	mu         sync.Mutex
	young, old map[stickyKey]string
}

type stickyKey struct{ pool, recipient string }

const stickyGeneration = 100_000

func newSticky() *sticky { return &sticky{young: map[stickyKey]string{}} }

func (s *sticky) put(pool, recipient, identity string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.young) >= stickyGeneration {
		s.young, s.old = map[stickyKey]string{}, s.young
	}
	s.young[stickyKey{pool, recipient}] = identity
}

func (s *sticky) get(pool, recipient string) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := stickyKey{pool, recipient}
	if identity, ok := s.young[key]; ok {
		return identity
	}
	return s.old[key]
}

// dryRunRate is the most message parts a second that may be checked with DryRun
// (model, SendTextMessage).
const dryRunRate = 5

// dryRuns holds each identity to its rate of dry runs.
type dryRuns struct {
	mu    sync.Mutex
	lanes map[string]*throttle.Bucket
}

const dryRunLanes = 10_000

func newDryRuns() *dryRuns { return &dryRuns{lanes: map[string]*throttle.Bucket{}} }

func (d *dryRuns) take(r sms.Route, parts int, now time.Time) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	b := d.lanes[r.Lane]
	if b == nil {
		if len(d.lanes) >= dryRunLanes {
			clear(d.lanes)
		}
		rate := min(dryRunRate, r.PartsPerSecond)
		if rate <= 0 {
			rate = dryRunRate
		}
		fresh := throttle.NewBucket(rate)
		// After a pause a second's worth may come at once: a client checks in bursts.
		fresh.Tolerance = time.Duration((max(rate, 1) - 1) * float64(fresh.Interval))
		b = &fresh
		d.lanes[r.Lane] = b
	}
	if wait, ok := b.Take(now, parts); !ok {
		return sms.Throttled("Dry runs from this origination identity are limited to %d message parts a second, or to its own throughput where that is lower; try again in %d ms.", dryRunRate, wait.Milliseconds()+1)
	}
	return nil
}
