package app

import (
	"context"
	"time"

	"heliograph/internal/nodes"
)

// expireEvery is how often what is old is looked for: deactivation reports, and dead
// letters where they are not kept for less.
const expireEvery = time.Hour

// expire calls let at once and then every so often, until ctx ends, on the one node that
// sees to what is old. still says what is there if it fails.
func (s *service) expire(ctx context.Context, still string, every time.Duration, let func(context.Context) error) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	for {
		if s.manager.Holds(nodes.Sweep) {
			if err := let(ctx); err != nil && ctx.Err() == nil {
				s.log.Error(still, "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// expireReports lets go of old deactivation reports.
func (s *service) expireReports(ctx context.Context) {
	s.expire(ctx, "old deactivation reports are still there", expireEvery, s.deactivations.Expire)
}
