package queue

import (
	"container/heap"
	"time"
)

// A lane's token is taken when a part is claimed, before the part is marked in the
// store. A commit that takes long would let parts of several tokens leave at once,
// so the rate is held a second time where it counts, at the hand-over: of a lane of
// r parts a second no more than r+1 leave within any second. Parts that a stall has
// held up follow as fast as that allows.

// pacedRate is the highest rate that is held at the hand-over. Above it one part
// more is within half a per cent.
const pacedRate = 200

// pace remembers when the last parts of a lane left or will leave.
type pace struct {
	span   time.Duration // that the parts in recent must spread over
	recent []time.Time   // a ring, the oldest at next
	next   int
}

func newPace(rate float64) pace {
	if rate < 1 || rate > pacedRate {
		return pace{}
	}
	// A little more than a second leaves room for what the network adds, and less
	// than r+1 intervals, so that an even flow is never held up.
	interval := time.Duration(float64(time.Second) / rate)
	return pace{span: time.Second + min(20*time.Millisecond, interval/2), recent: make([]time.Time, int(rate)+1)}
}

// reserve gives the time at which the next part may leave: now, or later.
func (p *pace) reserve(now time.Time) time.Time {
	if len(p.recent) == 0 {
		return now
	}
	newest := p.recent[(p.next+len(p.recent)-1)%len(p.recent)]
	if newest.Sub(now) > time.Minute { // the clock was set back
		clear(p.recent)
		newest = time.Time{}
	}
	at := now
	if oldest := p.recent[p.next]; !oldest.IsZero() && oldest.Add(p.span).After(at) {
		at = oldest.Add(p.span)
	}
	if newest.After(at) {
		at = newest
	}
	p.recent[p.next] = at
	p.next = (p.next + 1) % len(p.recent)
	return at
}

// due is a claim that waits for its time to leave.
type due struct {
	at    time.Time
	order int64
	claim claim
}

type dueHeap []due

func (h dueHeap) Len() int { return len(h) }
func (h dueHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].order < h[j].order
	}
	return h[i].at.Before(h[j].at)
}
func (h dueHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *dueHeap) Push(x any)   { *h = append(*h, x.(due)) }
func (h *dueHeap) Pop() any {
	old := *h
	v := old[len(old)-1]
	old[len(old)-1] = due{}
	*h = old[:len(old)-1]
	return v
}

// departures are the claims of marked batches, by the time at which they may leave.
type departures struct {
	waiting dueHeap
	order   int64
}

// plan takes marked batches in and gives each claim its time.
func (s *shard) plan(d *departures, batches [][]claim, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, claims := range batches {
		for _, c := range claims {
			d.order++
			c.first = !c.entry.touched && c.part == 1
			c.resent = c.entry.resent&bit(c.part) != 0
			heap.Push(&d.waiting, due{at: c.entry.lane.pace.reserve(now), order: d.order, claim: c})
		}
	}
}

// next takes out a claim whose time has come.
func (d *departures) next(now time.Time) (claim, bool) {
	if len(d.waiting) == 0 || d.waiting[0].at.After(now) {
		return claim{}, false
	}
	return heap.Pop(&d.waiting).(due).claim, true
}

// wait is how long from now the next claim has to wait.
func (d *departures) wait(now time.Time) time.Duration {
	if len(d.waiting) == 0 {
		return never
	}
	return max(d.waiting[0].at.Sub(now), 0)
}
