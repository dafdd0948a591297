package queue

import (
	"container/heap"
	"context"
	"sync"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

// shard is a carrier's share of sessions and rate, with the lanes that leave through
// them.
type shard struct {
	q       *Queue
	carrier carrier.Carrier
	name    string
	of      string   // the carrier's name
	names   []string // its own, and those that its lanes may have been stored under
	traits  carrier.Traits
	metrics shardMetrics

	mu          sync.Mutex
	loading     bool      // what comes in is kept in arrived
	arrived     []arrival // while loading
	known       map[sms.ID]*entry
	refused     refusals        // messages that wait for a recipient's slot that another node had
	gone        map[sms.ID]bool // see turn
	short       []place         // lanes that have to be read on
	left        map[sms.ID]bool // while the queue of a former layout is read again: what has left since
	lanes       map[string]*lane
	waiting     laneHeap
	ready       [2]deque[*lane]
	turns       int
	held        heldHeap
	heldOrder   int64
	unread      []*lane // lanes whose head has to be read before it can be claimed
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

	running  sync.WaitGroup
	wakeup   chan struct{}
	fills    chan struct{} // holds a token when short is not empty
	stopped  chan struct{} // no more claims
	settled  chan struct{} // every outcome is written
	abandon  chan struct{} // stop trying to write outcomes
	work     workList
	outcomes outcomeList
}

// arrival is a message that came in while the shard was loaded.
type arrival struct {
	row     store.Queued
	message *sms.Message
}

func newShard(q *Queue, name string, c carrier.Carrier) *shard {
	traits, of := c.Traits(), carrier.OfShard(name)
	s := &shard{q: q, carrier: c, name: name, of: of, traits: traits, metrics: q.o.Metrics.of(of),
		loading: true, known: map[sms.ID]*entry{}, refused: refusals{}, gone: map[sms.ID]bool{}, lanes: map[string]*lane{},
		bucket: throttle.NewBucket(traits.PartsPerSecond), wakeup: make(chan struct{}, 1), fills: make(chan struct{}, 1),
		stopped: make(chan struct{}), settled: make(chan struct{}), abandon: make(chan struct{})}
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

func (s *shard) start() {
	s.running.Go(s.schedule)
	s.running.Go(s.handOver)
	s.running.Go(s.settle)
	s.running.Go(s.fill)
	s.running.Go(s.countBehind)
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
	s.running.Wait()
}

// clear forgets every message, for the queue's sums.
func (s *shard) clear() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.known {
		s.q.forget(e)
	}
	s.q.entries.Add(-int64(len(s.known)))
	clear(s.known)
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
func (s *shard) accept(row *store.Queued, m *sms.Message, now time.Time) {
	s.mu.Lock()
	s.take(row, m, now)
	s.mu.Unlock()
	s.wake()
}

// take takes a message in, unless it is known already or its lane is too long for
// memory. m may be nil. The caller holds mu.
func (s *shard) take(row *store.Queued, m *sms.Message, now time.Time) {
	switch {
	case s.loading:
		s.arrived = append(s.arrived, arrival{*row, m})
		return
	case s.known[row.ID] != nil || !s.admits(s.lane(row.Lane), row):
		return
	}
	e := s.newEntry(row)
	if m != nil {
		s.q.keep(e, m)
		rate := m.Route.PartsPerSecond
		if row.Route != nil {
			rate = row.Route.PartsPerSecond
		}
		e.lane.setRate(now, rate)
	}
	s.admit(e, row.Due, now)
}

// newEntry makes a message known. The caller holds mu.
func (s *shard) newEntry(w *store.Queued) *entry {
	e := &entry{id: w.ID, lane: s.lane(w.Lane), route: w.Route, expires: w.Expires, parts: w.Parts,
		attempts: w.Attempts, announced: w.Attempts > 0, class: w.Class, todo: allParts(w.Parts)}
	if w.Route != nil {
		e.movedAt = s.q.o.Now()
	}
	return s.know(e)
}

func (s *shard) know(e *entry) *entry {
	s.known[e.id] = e
	s.q.entries.Add(1)
	e.lane.rest[e.class].known++
	e.lane.last[e.class] = max(e.lane.last[e.class], e.id)
	return e
}

// drop forgets a message that has ended, or has left the shard. The caller holds mu.
func (s *shard) drop(e *entry) {
	s.q.forget(e)
	if s.known[e.id] != e {
		return
	}
	delete(s.known, e.id)
	if s.left != nil {
		s.left[e.id] = true
	}
	s.settleRecipient(e)
	s.departed(e.id)
	s.q.entries.Add(-1)
	r := &e.lane.rest[e.class]
	if r.known--; r.reading != nil {
		r.reading.left = append(r.reading.left, e.id)
	}
	s.hungry(e.lane, e.class)
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
	r := &e.lane.rest[e.class]
	r.held++
	s.hungry(e.lane, e.class)
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
	return l.parts + int(l.rest[0].parts+l.rest[1].parts), l.rate, true
}

func (s *shard) depth() Depth {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := Depth{Carrier: s.of, Shards: 1, InFlight: s.flying, Lanes: len(s.lanes), Held: len(s.held), InMemory: len(s.known)}
	for class := range d.Classes {
		d.Classes[class].Class = ClassName(store.Class(class))
	}
	see := func(e *entry, messages int) {
		c := &d.Classes[e.class]
		c.Messages += messages
		c.Oldest = earlier(c.Oldest, e.id.Time())
	}
	for _, l := range s.lanes {
		d.Parts += l.parts
		for c := range l.fifo {
			if n := l.fifo[c].len(); n > 0 {
				see(l.fifo[c].at(0), n)
			}
			d.Classes[c].Messages += int(l.rest[c].behind)
			d.Parts += int(l.rest[c].parts)
		}
	}
	for _, h := range s.held {
		d.Parts += h.entry.parts
		see(h.entry, 1)
	}
	for _, c := range d.Classes {
		d.Messages += c.Messages
		d.Oldest = earlier(d.Oldest, c.Oldest)
	}
	return d
}
