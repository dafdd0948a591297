package queue

import (
	"container/heap"
	"time"

	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

// maxBatch bounds the parts that are claimed and marked together.
const maxBatch = 256

// never is later than any wait.
const never = time.Hour

// stepTime is the least time between two steps of a shard that is told of one
// thing after the other: what comes meanwhile shares the mark, the write to the
// carrier and the commit of the outcomes.
const stepTime = 2 * time.Millisecond

// leasePause is how long a shard waits for its node's lease to run again.
const leasePause = 100 * time.Millisecond

// claim is one part taken out of its lane to be handed over.
type claim struct {
	entry *entry
	part  int
	batch *batch

	ask    bool // other nodes have to agree on the recipient's slot
	first  bool // of the message that is handed over; set with resent when it leaves
	resent bool // it may have been sent before
}

// schedule is the shard's clock: it claims what may leave now and sleeps until
// something changes.
func (s *shard) schedule() {
	defer close(s.stopped)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		began := time.Now()
		s.mu.Lock()
		if s.stopping {
			s.mu.Unlock()
			return
		}
		now := s.q.o.Now()
		expired := s.sweep(now)
		claims, wait := s.step(now)
		unread := s.unread
		s.unread = nil
		moving := s.failover(now)
		s.mu.Unlock()

		s.expire(expired)
		if len(claims) > 0 {
			s.mark(claims)
		}
		if len(unread) > 0 {
			s.readHeads(unread)
			continue
		}
		if len(moving) > 0 {
			s.move(moving)
			continue
		}
		if wait <= 0 {
			continue
		}
		timer.Reset(wait)
		select {
		case <-s.wakeup:
			time.Sleep(min(stepTime, wait) - time.Since(began))
		case <-timer.C:
		}
	}
}

// step claims the parts that may leave now, at most a batch, and says how long
// to sleep when nothing else happens: 0 when more may leave at once.
func (s *shard) step(now time.Time) (claims []claim, wait time.Duration) {
	s.release(now)
	for len(s.waiting) > 0 && !s.waiting[0].next.After(now) {
		l := heap.Pop(&s.waiting).(*lane)
		l.where = laneReady
		s.ready[l.class()].pushBack(l)
	}
	wait = never
	if up := s.carrier.State().Up; !up {
		if s.downSince.IsZero() {
			s.downSince = now
		}
		return nil, time.Second
	}
	s.downSince = time.Time{}
	if s.stuck || s.returning > 0 {
		return nil, never
	}
	if !s.q.maySend() {
		return nil, leasePause
	}
	if pause := s.pausedUntil.Sub(now); pause > 0 {
		return nil, pause
	}
	room := min(s.carrier.Room()-s.claimed, maxBatch)
	for room > 0 {
		l := s.nextLane()
		if l == nil {
			break
		}
		c, bindWait, ok := s.claimFrom(l, now)
		if bindWait > 0 {
			wait = min(wait, bindWait)
			break
		}
		if ok {
			claims = append(claims, c)
			room--
		}
	}
	s.claimed += len(claims)
	s.flying += len(claims)
	if len(s.held) > 0 {
		wait = min(wait, s.held[0].at.Sub(now))
	}
	if len(s.waiting) > 0 {
		wait = min(wait, s.waiting[0].next.Sub(now))
	}
	if !s.nextExpiry.IsZero() {
		wait = min(wait, max(s.nextExpiry.Sub(now), time.Second))
	}
	if len(claims) == maxBatch {
		wait = 0
	}
	return claims, wait
}

// release puts entries whose time has come back into their lanes.
func (s *shard) release(now time.Time) {
	for len(s.held) > 0 && !s.held[0].at.After(now) {
		e := heap.Pop(&s.held).(held).entry
		e.lane.rest[e.class].held--
		s.enqueue(e)
	}
}

func (s *shard) nextLane() *lane {
	transactional, promotional := &s.ready[store.ClassTransactional], &s.ready[store.ClassPromotional]
	s.turns++
	switch {
	case transactional.len() == 0 && promotional.len() == 0:
		return nil
	case promotional.len() > 0 && (transactional.len() == 0 || s.turns%promotionalTurn == 0):
		return promotional.popFront()
	}
	return transactional.popFront()
}

// claimFrom takes one part from a lane whose turn it is and puts the lane where
// it belongs next. bindWait is set when the carrier's own rate has no token.
func (s *shard) claimFrom(l *lane, now time.Time) (c claim, bindWait time.Duration, ok bool) {
	l.where = laneIdle
	defer s.activate(l)
	if l.empty() {
		return claim{}, 0, false
	}
	class := l.class()
	fifo := &l.fifo[class]
	e := fifo.at(0)
	if e.message == nil {
		l.where = laneWaiting
		s.unread = append(s.unread, l)
		return claim{}, 0, false
	}
	if !now.Before(e.expires) {
		// The sweep ends it; until then it must not leave.
		s.nextExpiry = now
		fifo.popFront()
		l.parts -= e.parts
		s.hold(e, now.Add(time.Second))
		return claim{}, 0, false
	}
	if wait := l.bucket.Wait(now); wait > 0 {
		l.where, l.next = laneWaiting, now.Add(wait)
		heap.Push(&s.waiting, l)
		return claim{}, 0, false
	}
	if !e.touched && e.flying == 0 && !e.slotTaken {
		e.slotTaken = true
		if at := s.q.recipients.Reserve(now, throttle.RecipientKey(e.message.Destination)); at.After(now) {
			fifo.popFront()
			l.parts -= e.parts
			s.hold(e, at)
			return claim{}, 0, false
		}
	}
	if at := s.heldBack(e, now); at.After(now) {
		fifo.popFront()
		l.parts -= e.parts
		s.hold(e, at)
		return claim{}, 0, false
	}
	if wait, free := s.bucket.Take(now, 1); !free {
		return claim{}, wait, false
	}
	l.bucket.Take(now, 1)
	l.turns++
	part := first(e.todo)
	e.todo &^= bit(part)
	e.flying |= bit(part)
	if e.todo == 0 {
		fifo.popFront()
		e.queued = false
		l.parts -= e.parts
	}
	return claim{entry: e, part: part, ask: s.asks(e, part)}, 0, true
}

// sweep takes out the entries whose time to live has ended and none of whose
// parts is in flight.
func (s *shard) sweep(now time.Time) []*entry {
	if s.nextExpiry.IsZero() || now.Before(s.nextExpiry) {
		return nil
	}
	var expired []*entry
	next := time.Time{}
	keep := func(e *entry) bool {
		if !now.Before(e.expires) && e.flying == 0 {
			expired = append(expired, e)
			e.queued = false
			return false
		}
		if next.IsZero() || e.expires.Before(next) {
			next = e.expires
		}
		return true
	}
	for _, l := range s.lanes {
		before := len(expired)
		l.fifo[0].filter(keep)
		l.fifo[1].filter(keep)
		for _, e := range expired[before:] {
			l.parts -= e.parts
		}
	}
	rest := s.held[:0]
	for _, h := range s.held {
		if keep(h.entry) {
			rest = append(rest, h)
		} else {
			h.entry.lane.rest[h.entry.class].held--
		}
	}
	clear(s.held[len(rest):])
	s.held = rest
	heap.Init(&s.held)
	if !next.IsZero() && !next.After(now) {
		next = now.Add(time.Second) // one that expired has a part in flight
	}
	s.nextExpiry = next
	return expired
}
