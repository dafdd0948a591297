package queue

import (
	"context"
	"errors"
	"sync"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

// markSpare and outcomeSpare are how long marks and outcomes may wait for others to
// share a transaction with. It is far below what carriers take.
const (
	markSpare    = time.Millisecond
	outcomeSpare = 5 * time.Millisecond
)

// batch is a dispatch row: parts marked as in flight together. left counts those
// without an outcome; it is guarded by the shard's mutex.
type batch struct {
	slot int
	seq  int64
	left int
}

// workList holds marked batches until the shard hands them over.
type workList struct {
	mu     sync.Mutex
	list   [][]claim
	wake   chan struct{}
	closed bool
}

func (w *workList) add(claims []claim) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return false
	}
	w.list = append(w.list, claims)
	select {
	case w.wake <- struct{}{}:
	default:
	}
	return true
}

func (w *workList) take() [][]claim {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := w.list
	w.list = nil
	return list
}

func (w *workList) close() {
	w.mu.Lock()
	w.closed = true
	close(w.wake)
	w.mu.Unlock()
}

// mark writes that parts are about to be handed over; only then they are.
func (s *shard) mark(claims []claim) {
	b := &batch{slot: s.q.slot(), seq: s.q.dispatch.Add(1), left: len(claims)}
	d := store.Dispatch{Seq: b.seq, Shard: s.name, Parts: make([]sms.PartID, len(claims))}
	for i := range claims {
		claims[i].batch = b
		d.Parts[i] = claims[i].entry.id.Part(claims[i].part)
		if claims[i].ask {
			d.Recipients = append(d.Recipients, store.Recipient{
				Key: throttle.RecipientKey(claims[i].entry.message.Destination), Interval: s.q.o.RecipientInterval})
		}
	}
	change := &store.Change{Mark: []store.Dispatch{d}}
	s.q.o.Committer.EnqueueWithin(markSpare, change, func(err error) {
		if err == nil {
			claims = s.agree(claims, change.Mark[0].Recipients)
		}
		switch {
		case err != nil:
			s.q.o.Log.Error("message parts cannot be marked as in flight; they wait", "carrier", s.name, "parts", len(claims), "error", err)
			s.unclaim(claims, err)
		case s.overtakes(b):
			s.takeBack(claims...)
		case !s.work.add(claims):
			s.unclaim(claims, nil)
		}
	})
}

// overtakes: a batch that was claimed before this one could not be marked, so this
// one would leave in front of it.
func (s *shard) overtakes(b *batch) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return b.seq <= s.unmarked
}

// takeBack ends claims that are marked and are not handed over.
func (s *shard) takeBack(claims ...claim) {
	for i := range claims {
		s.ended(claims[i], carrier.Outcome{Kind: carrier.OtherRoute, Detail: "it waits for parts in front of it that were not handed over"})
		s.release1()
	}
}

// ended takes a claim's outcome. While parts that were not handed over are on their
// way back to their lanes, no others leave: those behind would pass them.
func (s *shard) ended(c claim, o carrier.Outcome) {
	if o.Kind == carrier.OtherRoute {
		s.mu.Lock()
		s.returning++
		s.mu.Unlock()
	}
	s.outcomes.add(outcome{claim: c, Outcome: o, at: s.q.o.Now()})
}

func (s *shard) mustWait() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.returning > 0
}

// unclaim puts claims back that were never handed over. After a failed mark the
// shard pauses, so that a store that is down is not asked in a tight loop.
func (s *shard) unclaim(claims []claim, err error) {
	s.mu.Lock()
	s.claimed -= len(claims)
	s.flying -= len(claims)
	for i := range claims {
		e := claims[i].entry
		e.flying &^= bit(claims[i].part)
		e.todo |= bit(claims[i].part)
		if !e.queued {
			s.enqueue(e)
		}
	}
	if err != nil {
		s.pausedUntil = s.q.o.Now().Add(time.Second)
		s.unmarked = s.q.dispatch.Load()
	}
	s.mu.Unlock()
	s.wake()
}

// handOver submits marked batches, each lane in its order and at its rate.
func (s *shard) handOver() {
	var d departures
	timer := time.NewTimer(never)
	defer timer.Stop()
	wake := s.work.wake
	for {
		s.plan(&d, s.work.take(), s.q.o.Now())
		for c, ok := d.next(s.q.o.Now()); ok; c, ok = d.next(s.q.o.Now()) {
			s.submit(c)
		}
		if wake == nil && len(d.waiting) == 0 {
			return
		}
		timer.Reset(d.wait(s.q.o.Now()))
		select {
		case _, open := <-wake:
			if !open {
				wake = nil // what is left still leaves at its time
			}
		case <-timer.C:
		}
	}
}

func (s *shard) submit(c claim) {
	if s.mustWait() || !s.q.maySend() {
		s.takeBack(c)
		return
	}
	e, m := c.entry, c.entry.message
	part, err := s.part(m, c)
	if err != nil {
		s.release1()
		s.ended(c, carrier.Outcome{Kind: carrier.Refused, Status: sms.StatusInvalidMessage, Detail: err.Error()})
		return
	}
	began := s.q.o.Now()
	if c.first {
		s.metrics.wait[e.class].Observe(max(began.Sub(m.AcceptedAt), 0).Seconds())
	}
	s.metrics.submitted.Inc()
	s.carrier.Submit(part, func(o carrier.Outcome) {
		s.metrics.answer.Observe(max(s.q.o.Now().Sub(began), 0).Seconds())
		s.ended(c, o)
	})
	s.release1()
}

// release1 gives the place of one claimed part back: it now counts in the
// carrier's own Room.
func (s *shard) release1() {
	s.mu.Lock()
	s.claimed--
	s.mu.Unlock()
}

// part cuts a claimed part out of its message as it was cut when it was billed.
func (s *shard) part(m *sms.Message, c claim) (carrier.Part, error) {
	e, n := c.entry, c.part
	route := &m.Route
	if e.route != nil {
		route = e.route
	}
	text, err := encode.SplitWith(m.Body, encode.Options{Reference16: m.Reference16, Alphabet: s.traits.Alphabet})
	if err != nil {
		return carrier.Part{}, err
	}
	if len(text.Parts) != m.Parts {
		return carrier.Part{}, errCut
	}
	return carrier.Part{
		ID: e.id.Part(n), Number: n, Total: m.Parts, Reference: m.Reference,
		Origination: route.Identity, Kind: route.Kind, NumberType: route.NumberType,
		Destination: m.Destination, Country: m.Country, Text: text.Parts[n-1].Text, Encoding: text.Encoding, Reference16: text.Reference16,
		Expires: e.expires, CountryParameters: m.CountryParameters, Resent: c.resent,
	}, nil
}

var errCut = errors.New("the carrier's alphabet has changed since the message was accepted, and its parts with it")

// isFatal tells failures that end the process from those that pass.
func isFatal(err error) bool {
	return errors.Is(err, store.ErrBroken) || errors.Is(err, store.ErrFenced) || errors.Is(err, store.ErrClosed)
}

// readHeads reads the messages at the heads of lanes.
func (s *shard) readHeads(lanes []*lane) {
	const ahead = 64
	var entries []*entry
	var ids []sms.ID
	s.mu.Lock()
	for _, l := range lanes {
		for c := range l.fifo {
			for i := range min(l.fifo[c].len(), ahead) {
				if e := l.fifo[c].at(i); e.message == nil {
					entries, ids = append(entries, e), append(ids, e.id)
				}
			}
		}
	}
	s.mu.Unlock()
	messages, err := s.read(ids)
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.q.o.Now()
	if err != nil {
		s.pausedUntil = now.Add(time.Second)
	}
	missing := map[*entry]bool{}
	for i := range messages {
		s.attach(entries[i], messages[i], now)
		if messages[i] == nil {
			missing[entries[i]] = true
		}
	}
	for _, l := range lanes {
		s.dropMissing(l, missing)
		l.where = laneIdle
		s.activate(l)
	}
}

// dropMissing takes out of a lane what has no message in the store any more, so
// that it does not block what stands behind it.
func (s *shard) dropMissing(l *lane, missing map[*entry]bool) {
	for c := range l.fifo {
		for l.fifo[c].len() > 0 && missing[l.fifo[c].at(0)] {
			e := l.fifo[c].popFront()
			l.parts -= e.parts
			s.drop(e)
			s.q.o.Log.Error("queued message is not in the store", "carrier", s.name, "message", int64(e.id))
		}
	}
}

func (s *shard) attach(e *entry, m *sms.Message, now time.Time) {
	if m == nil || e.message != nil {
		return
	}
	s.q.inMemory.Add(1)
	e.message = m
	if e.route != nil {
		e.lane.setRate(now, e.route.PartsPerSecond)
	} else {
		e.lane.setRate(now, m.Route.PartsPerSecond)
	}
}

func (s *shard) read(ids []sms.ID) ([]*sms.Message, error) {
	messages, err := s.q.o.Messages.Fill(context.Background(), s.q.o.Engine, ids)
	if err != nil {
		s.q.o.Log.Error("messages in the queue cannot be read; trying again", "carrier", s.name, "messages", len(ids), "error", err)
	}
	return messages, err
}

// fillExpired reads the messages of entries that end without having been read.
func (s *shard) fillExpired(list []outcome) {
	var entries []*entry
	var ids []sms.ID
	for i := range list {
		if e := list[i].claim.entry; e.message == nil {
			entries, ids = append(entries, e), append(ids, e.id)
		}
	}
	for len(ids) > 0 {
		messages, err := s.read(ids)
		if err != nil {
			if isFatal(err) {
				return
			}
			select {
			case <-time.After(time.Second):
				continue
			case <-s.abandon:
				return
			}
		}
		for i, e := range entries {
			s.q.inMemory.Add(1)
			if e.message = messages[i]; e.message == nil {
				s.q.o.Log.Error("expired message is not in the store", "carrier", s.name, "message", int64(e.id))
				e.message = &sms.Message{ID: e.id, Parts: e.parts}
			}
		}
		return
	}
}
