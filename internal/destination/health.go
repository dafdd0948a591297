package destination

import (
	"slices"
	"strings"
	"time"
)

// Health is how one event destination stands.
type Health struct {
	Destination string // account/configuration set/event destination name
	Attached    bool   // gets its events directly; otherwise it has lag
	Since       time.Time
	Paused      bool  // it has lag and is disabled
	Pending     int   // events in memory on their way
	Lag         int64 // events kept for later; after a restart at least this many
	Failures    int   // in a row
	LastError   string
	NextTry     time.Time // of the lag; zero: at once
}

// Health lists the destinations that had events since the start or have lag, by
// their names.
func (r *Router) Health() []Health {
	r.mu.Lock()
	defer r.mu.Unlock()
	all := make([]Health, 0, len(r.feeds))
	for _, f := range r.feeds {
		h := Health{Destination: f.key, Attached: f.attached, Since: f.since, Paused: f.paused,
			Pending: len(f.queue) + len(f.inflight), Lag: f.stored + int64(len(f.lag)), Failures: f.failures, NextTry: f.nextTry}
		if f.lastErr != nil {
			h.LastError = f.lastErr.Error()
		}
		all = append(all, h)
	}
	slices.SortFunc(all, func(a, b Health) int { return strings.Compare(a.Destination, b.Destination) })
	return all
}

// Stats are counts since the start. An event for two destinations is published
// twice.
type Stats struct {
	Routed    int64 // events taken from the log
	Published int64
	Detached  int64 // times that a destination was detached
	Lost      int64 // too old, refused for good, or not in the store any more
	Dropped   int64 // lag of deleted destinations

	Uncommitted int64 // events routed beyond the committed cursor
	Cursor      int64 // the committed one
	Pending     int   // events in memory on their way
}

// Stats are the Router's figures at the moment.
func (r *Router) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.stats
	s.Uncommitted, s.Cursor, s.Pending = r.routed-r.committed, r.committed, r.pending
	return s
}
