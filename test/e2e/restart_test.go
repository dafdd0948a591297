package e2e

import (
	"context"
	"sync"
	"testing"
	"time"
)

// TestRestart kills the server while messages wait and are in flight, several
// times over: each MessageId that it has given out ends in exactly one final
// event, and what arrived twice is counted.
func TestRestart(t *testing.T) {
	t.Parallel()
	centre := newCentre(t, 20*time.Millisecond, 300*time.Millisecond)
	// Lanes that are slower than the load, so that there always is a queue.
	s := start(t, lanesConfiguration(centre.Address, 60, 60, 60))
	leaseLanes(t, s.client(), 3)

	l := newLoad()
	counted := 0.0
	kills := 3
	for run := range kills {
		c := s.client()
		ctx, end := context.WithCancel(t.Context())
		var sending sync.WaitGroup
		sending.Go(func() { l.send(ctx, c, 3, 10, 120, run) })
		arrivals := centre.count()
		time.Sleep(time.Second)
		eventually(t, "parts at the message centre", func() bool { return centre.count() > arrivals })
		counted += s.metric("heliograph_possible_duplicate_parts_total")
		s.kill()
		end()
		sending.Wait()
		s.launch()
	}
	events := l.untilEnded(s)
	copies := l.checkArrivals(t, centre.arrivals())
	l.checkEnds(t, events, "TEXT_DELIVERED")
	counted += s.metric("heliograph_possible_duplicate_parts_total")
	if float64(copies) > counted {
		t.Errorf("%d parts arrived twice, and only %v are counted as possible duplicates", copies, counted)
	}
	t.Logf("killed %d times: %d messages, %d parts arrived twice, %v counted as possible duplicates", kills, len(l.taken), copies, counted)
}
