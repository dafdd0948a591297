package e2e

import (
	"context"
	"sync"
	"testing"
	"time"
)

// TestOutage takes the message centre down under load and up again: nothing is
// lost, nothing is sent twice beyond the parts that were in flight, and order is
// kept for each lane and recipient.
func TestOutage(t *testing.T) {
	t.Parallel()
	before, down, after := time.Second, 5*time.Second, time.Second
	if full {
		before, down, after = 5*time.Second, 30*time.Second, 10*time.Second
	}
	centre := newCentre(t, 20*time.Millisecond, 50*time.Millisecond)
	s := start(t, lanesConfiguration(centre.Address, 200, 200, 200, 200))
	c := s.client()
	leaseLanes(t, c, 4)

	l := newLoad()
	ctx, end := context.WithCancel(t.Context())
	var sending sync.WaitGroup
	sending.Go(func() { l.send(ctx, c, 4, 10, 100, 0) })
	time.Sleep(before)
	eventually(t, "parts in flight", func() bool { return centre.count() > 0 })
	centre.stop()
	atStop, open := centre.count(), centre.unanswered()
	time.Sleep(down)
	centre.start()
	time.Sleep(after)
	end()
	sending.Wait()

	events := l.untilEnded(s)
	copies := l.checkArrivals(t, centre.arrivals())
	l.checkEnds(t, events, "TEXT_DELIVERED")
	if copies > window {
		t.Errorf("%d parts arrived twice, and at most %d were in flight", copies, window)
	}
	counted := s.metric("heliograph_possible_duplicate_parts_total")
	if float64(copies) > counted {
		t.Errorf("%d parts arrived twice, and only %v are counted as possible duplicates", copies, counted)
	}
	t.Logf("down for %s: %d messages, %d parts before the stop, %d of them not answered; %d arrived twice, %v counted as possible duplicates",
		down, len(l.taken), atStop, open, copies, counted)
}
