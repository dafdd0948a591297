package sts

import (
	"context"
	"sync"
	"time"
)

// pause is how long what an issuer has answered holds, and that it has not answered,
// before it is asked again.
const pause = 15 * time.Second

// lately is something that is fetched when it is needed: by one fetch at a time, which
// all who need it wait for, and at most once in a pause.
type lately[V any] struct {
	now   func() time.Time
	fetch func() (V, error) // ends by itself

	mu      sync.Mutex
	running chan struct{} // is closed when the fetch has ended; nil: there is none
	ended   time.Time     // when the last one did
	value   V             // of the last one that succeeded
	there   bool          // one has
	err     error         // of the last one
}

// known is what was fetched last, however long ago.
func (l *lately[V]) known() (V, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value, l.there
}

// newest is it as it is now, or was less than a pause ago.
//
// Errors: those of fetch, also of a fetch less than a pause ago; those of ctx, whose end
// does not end the fetch.
func (l *lately[V]) newest(ctx context.Context) (V, error) {
	l.mu.Lock()
	if l.running == nil {
		if !l.ended.IsZero() && l.now().Sub(l.ended) < pause {
			defer l.mu.Unlock()
			return l.value, l.err
		}
		l.running = make(chan struct{})
		go l.run(l.running)
	}
	running := l.running
	l.mu.Unlock()
	select {
	case <-running:
	case <-ctx.Done():
		var none V
		return none, ctx.Err()
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.value, l.err
}

func (l *lately[V]) run(done chan struct{}) {
	value, err := l.fetch()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err == nil {
		l.value, l.there = value, true
	}
	l.err, l.ended, l.running = err, l.now(), nil
	close(done)
}
