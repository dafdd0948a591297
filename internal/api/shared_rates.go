package api

import (
	"context"
	"sync"
	"time"
)

// Taker is where nodes agree on how many requests each of them may let through;
// see store.Shared.
type Taker interface {
	Take(ctx context.Context, name string, perSecond float64, burst, n int) (granted int, wait time.Duration, err error)
}

const (
	// slicesPerSecond is how many slices a second's requests make: of a rate of up to
	// that many a second each request is asked for, of a larger one that part of a
	// second's requests at a time.
	slicesPerSecond = 20
	// sliceLasts is how long a slice can be taken from.
	sliceLasts = time.Second
	// takeTimeout is how long an answer is waited for, and takePause how long after a
	// failure nobody asks. Requests are refused meanwhile.
	takeTimeout = time.Second
	takePause   = 250 * time.Millisecond
)

// sharedRate is an account's rate of requests to one operation, at all nodes
// together. One request at a time asks for a slice, and others wait for its answer.
type sharedRate struct {
	from      Taker
	name      string
	perSecond float64
	slice     int
	burst     int

	mu     sync.Mutex
	left   int           // of the last slice
	lapses time.Time     // when the slice does
	none   time.Time     // until when there is nothing to take
	failed error         // of the last question
	pause  time.Time     // until when nobody asks, after a failure
	asking chan struct{} // closed when the answer is there; nil: nobody asks
}

func newSharedRate(from Taker, name string, perSecond float64) *sharedRate {
	slice := max(1, int(perSecond/slicesPerSecond))
	// Two slices may come at once, so that a node that asks a little late for the
	// second loses nothing.
	return &sharedRate{from: from, name: name, perSecond: perSecond, slice: slice, burst: max(burst, 2*slice)}
}

// take counts one request. An error says that nobody knows.
func (r *sharedRate) take(now time.Time) (passed bool, err error) {
	for {
		r.mu.Lock()
		switch {
		case r.left > 0 && now.Before(r.lapses):
			r.left--
			r.mu.Unlock()
			return true, nil
		case now.Before(r.none):
			r.mu.Unlock()
			return false, nil
		case r.failed != nil && time.Now().Before(r.pause):
			defer r.mu.Unlock()
			return false, r.failed
		case r.asking == nil:
			r.asking = make(chan struct{})
			r.mu.Unlock()
			r.ask(now)
		default:
			asking := r.asking
			r.mu.Unlock()
			<-asking // no longer than takeTimeout
		}
	}
}

// ask asks for a slice. It does not end with the request that asks: what it is
// answered is for the others too.
func (r *sharedRate) ask(now time.Time) {
	ctx, cancel := context.WithTimeout(context.Background(), takeTimeout)
	defer cancel()
	granted, wait, err := r.from.Take(ctx, r.name, r.perSecond, r.burst, r.slice)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failed = err
	switch {
	case err != nil:
		r.pause = time.Now().Add(takePause)
	case granted > 0:
		r.left, r.lapses = granted, now.Add(sliceLasts)
	default:
		r.none = now.Add(max(wait, time.Millisecond))
	}
	close(r.asking)
	r.asking = nil
}
