package app

import (
	"context"
	"time"

	"heliograph/internal/nodes"
)

// expireEvery is how often old deactivation reports are looked for.
const expireEvery = time.Hour

// expireReports lets go of old deactivation reports until ctx ends, on the one node
// that sees to what is old.
func (s *service) expireReports(ctx context.Context) {
	tick := time.NewTicker(expireEvery)
	defer tick.Stop()
	for {
		if s.manager.Holds(nodes.Sweep) {
			if err := s.deactivations.Expire(ctx); err != nil && ctx.Err() == nil {
				s.log.Error("old deactivation reports are still there", "error", err)
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}
