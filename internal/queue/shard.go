package queue

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

// shard is a carrier with the lanes that leave through it.
type shard struct {
	q       *Queue
	carrier carrier.Carrier
	name    string
	traits  carrier.Traits
	metrics shardMetrics

	mu          sync.Mutex
	lanes       map[string]*lane
	waiting     laneHeap
	ready       [2]deque[*lane]
	turns       int
	held        heldHeap
	heldOrder   int64
	loading     []*lane // lanes whose head has to be read before it can be claimed
	bucket      throttle.Bucket
	claimed     int // not yet given to Submit
	flying      int // claimed or given to Submit, without an outcome in the store
	pausedUntil time.Time
	stuck       bool      // outcomes cannot be written: nothing more leaves, or a crash would send all of it twice
	returning   int       // parts that were not handed over and are not back in their lanes yet
	unmarked    int64     // Seq of the last batch that was claimed before a mark failed
	nextExpiry  time.Time // no entry that waits expires before
	downSince   time.Time
	failoverAt  time.Time
	stopping    bool

	wakeup   chan struct{}
	stopped  chan struct{} // no more claims
	settled  chan struct{} // every outcome is written
	abandon  chan struct{} // stop trying to write outcomes
	work     workList
	outcomes outcomeList
}

func newShard(q *Queue, c carrier.Carrier) *shard {
	traits := c.Traits()
	s := &shard{q: q, carrier: c, name: c.Name(), traits: traits, metrics: q.o.Metrics.of(c.Name()), lanes: map[string]*lane{},
		bucket: throttle.NewBucket(traits.PartsPerSecond), wakeup: make(chan struct{}, 1), stopped: make(chan struct{}),
		settled: make(chan struct{}), abandon: make(chan struct{})}
	s.work.wake = make(chan struct{}, 1)
	s.outcomes.wake = make(chan struct{}, 1)
	return s
}

func (s *shard) wake() {
	select {
	case s.wakeup <- struct{}{}:
	default:
	}
}

func (s *shard) start(running *sync.WaitGroup) {
	running.Go(s.schedule)
	running.Go(s.handOver)
	running.Go(s.settle)
}

// close stops claiming, lets the carrier finish and writes every outcome. What
// cannot be written until ctx ends stays marked as in flight.
func (s *shard) close(ctx context.Context) {
	s.mu.Lock()
	s.stopping = true
	s.mu.Unlock()
	s.wake()
	<-s.stopped
	s.awaitHandOver(ctx)
	s.work.close()
	if err := s.carrier.Close(ctx); err != nil {
		s.q.o.Log.Warn("carrier did not close in order", "carrier", s.name, "error", err)
	}
	s.outcomes.close()
	select {
	case <-s.settled:
	case <-ctx.Done():
	}
	close(s.abandon)
}

// awaitHandOver waits until nothing is marked that was not handed over: such
// parts would count as possibly sent at the next start.
func (s *shard) awaitHandOver(ctx context.Context) {
	for ctx.Err() == nil {
		s.mu.Lock()
		claimed := s.claimed
		s.mu.Unlock()
		if claimed == 0 {
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// accept takes over a message that was just made durable.
func (s *shard) accept(a *store.Accepted, now time.Time) {
	s.mu.Lock()
	e := s.newEntry(&a.Queued)
	s.q.keep(e, a.Message)
	e.lane.setRate(now, a.Message.Route.PartsPerSecond)
	s.enqueue(e)
	s.mu.Unlock()
	s.wake()
}

func (s *shard) newEntry(w *store.Queued) *entry {
	return &entry{id: w.ID, lane: s.lane(w.Lane), route: w.Route, expires: w.Expires, parts: w.Parts,
		attempts: w.Attempts, announced: w.Attempts > 0, class: w.Class, todo: allParts(w.Parts)}
}

func (s *shard) lane(key string) *lane {
	l := s.lanes[key]
	if l == nil {
		l = &lane{key: key, bucket: throttle.NewBucket(0)}
		s.lanes[key] = l
	}
	return l
}

// enqueue puts an entry into its lane, or back into it.
func (s *shard) enqueue(e *entry) {
	e.lane.push(e)
	e.lane.parts += e.parts
	if s.nextExpiry.IsZero() || e.expires.Before(s.nextExpiry) {
		s.nextExpiry = e.expires
	}
	s.activate(e.lane)
}

func (s *shard) activate(l *lane) {
	if l.where == laneIdle && !l.empty() {
		l.where = laneReady
		s.ready[l.class()].pushBack(l)
	}
}

// hold sets an entry aside until a time.
func (s *shard) hold(e *entry, until time.Time) {
	e.queued = true
	s.heldOrder++
	heap.Push(&s.held, held{at: until, order: s.heldOrder, entry: e})
	if s.nextExpiry.IsZero() || e.expires.Before(s.nextExpiry) {
		s.nextExpiry = e.expires
	}
}

func (s *shard) backlog(key string) (parts int, rate float64, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	l := s.lanes[key]
	if l == nil {
		return 0, 0, false
	}
	return l.parts, l.rate, true
}

func (s *shard) depth() Depth {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := Depth{Carrier: s.name, InFlight: s.flying, Lanes: len(s.lanes), Held: len(s.held)}
	for class := range d.Classes {
		d.Classes[class].Class = ClassName(store.Class(class))
	}
	see := func(e *entry, messages int) {
		c := &d.Classes[e.class]
		c.Messages += messages
		if at := e.id.Time(); c.Oldest.IsZero() || at.Before(c.Oldest) {
			c.Oldest = at
		}
	}
	for _, l := range s.lanes {
		d.Parts += l.parts
		for c := range l.fifo {
			if n := l.fifo[c].len(); n > 0 {
				see(l.fifo[c].at(0), n)
			}
		}
	}
	for _, h := range s.held {
		d.Parts += h.entry.parts
		see(h.entry, 1)
	}
	for _, c := range d.Classes {
		d.Messages += c.Messages
		if d.Oldest.IsZero() || !c.Oldest.IsZero() && c.Oldest.Before(d.Oldest) {
			d.Oldest = c.Oldest
		}
	}
	return d
}
