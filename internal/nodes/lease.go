package nodes

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"heliograph/internal/store"
)

// Now is a time by the clock that leases are counted by.
func Now() time.Duration { return sinceBoot() }

// lease is this node's, as it counts it itself: from before it asked.
type lease struct {
	leases store.Leases
	fence  store.Fence
	until  atomic.Int64 // nanoseconds since boot
}

func newLease(leases store.Leases, f store.Fence, asked time.Duration) *lease {
	l := &lease{leases: leases, fence: f}
	l.begin(asked)
	return l
}

func (l *lease) begin(asked time.Duration) { l.until.Store(int64(asked + l.leases.Lease())) }

// left is not above 0 once another node may have taken over.
func (l *lease) left() time.Duration { return time.Duration(l.until.Load()) - sinceBoot() }

// renewals is how many times a lease is renewed in its time.
const renewals = 5

// keep renews the lease until ctx ends or it is lost, which it says. While the
// database is away for all, nobody is fenced off, and the lease goes on when it is
// back.
func (l *lease) keep(ctx context.Context, failing func(error)) (lost error) {
	every := l.leases.Lease() / renewals
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
		asked := sinceBoot()
		renewing, cancel := context.WithTimeout(ctx, 2*every)
		err := l.leases.Renew(renewing, l.fence)
		cancel()
		switch {
		case err == nil:
			l.begin(asked)
		case errors.Is(err, store.ErrFenced):
			return err
		case ctx.Err() == nil:
			failing(err)
		}
	}
}
