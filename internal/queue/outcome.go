package queue

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// outcome is a carrier's answer to a claim, or the end of an entry whose time to
// live is over (claim.part 0).
type outcome struct {
	claim claim
	carrier.Outcome
	at   time.Time
	hold time.Duration // of a part that was not handed over: not again before
}

// outcomeList gathers outcomes until they are written.
type outcomeList struct {
	mu     sync.Mutex
	list   []outcome
	wake   chan struct{}
	closed bool
}

func (o *outcomeList) add(x outcome) {
	o.mu.Lock()
	o.list = append(o.list, x)
	if !o.closed {
		select {
		case o.wake <- struct{}{}:
		default:
		}
	}
	o.mu.Unlock()
}

func (o *outcomeList) take(spare []outcome) []outcome {
	o.mu.Lock()
	defer o.mu.Unlock()
	list := o.list
	o.list = spare[:0]
	return list
}

func (o *outcomeList) close() {
	o.mu.Lock()
	o.closed = true
	close(o.wake)
	o.mu.Unlock()
}

// expire ends entries whose time to live is over.
func (s *shard) expire(entries []*entry) {
	now := s.q.o.Now()
	for _, e := range entries {
		s.outcomes.add(outcome{claim: claim{entry: e}, at: now})
	}
}

// settle writes outcomes, all that have gathered in one change.
func (s *shard) settle() {
	defer close(s.settled)
	var spare []outcome
	for range s.outcomes.wake {
		spare = s.settleAll(spare)
	}
	s.settleAll(spare)
}

func (s *shard) settleAll(spare []outcome) []outcome {
	for {
		list := s.outcomes.take(spare)
		if len(list) == 0 {
			return list
		}
		s.write(list)
		clear(list)
		spare = list
	}
}

func (s *shard) write(list []outcome) {
	s.fillExpired(list)
	change := &store.Change{}
	s.mu.Lock()
	for i := range list {
		s.fold(change, &list[i])
		s.explain(&list[i])
	}
	s.mu.Unlock()
	if len(change.Parts)+len(change.Requeue)+len(change.Unmark) > 0 {
		s.commit(change)
	}
	s.mu.Lock()
	for i := range list {
		s.after(&list[i])
	}
	s.mu.Unlock()
	s.wake()
}

// commit does not give up: the outcomes are known nowhere else. Until it
// succeeds the parts stay marked as in flight, and no others leave.
func (s *shard) commit(change *store.Change) {
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 5*time.Second) {
		err := s.q.o.Committer.CommitWithin(outcomeSpare, change)
		s.mu.Lock()
		s.stuck = err != nil
		s.mu.Unlock()
		if err == nil {
			return
		}
		s.q.o.Log.Error("outcomes of message parts cannot be written; trying again", "carrier", s.name,
			"parts", len(change.Parts), "pause_ms", pause.Milliseconds(), "error", err)
		if isFatal(err) {
			return
		}
		select {
		case <-time.After(pause):
		case <-s.abandon:
			return
		}
	}
}

// fold adds what an outcome changes in the store.
func (s *shard) fold(change *store.Change, o *outcome) {
	e, m := o.claim.entry, o.claim.entry.message
	if o.claim.part == 0 {
		s.q.o.Metrics.Expired.Inc()
		s.expireLost(change, e, o.at)
		change.Parts = append(change.Parts, s.partChange(m, e, sms.PartUpdate{Kind: sms.UpdateUnsentFinal, Status: sms.StatusTTLExpired,
			Detail: "its time to live ended before it was handed over", At: o.at}))
		return
	}
	s.metrics.outcomes[o.Kind].Inc()
	update := sms.PartUpdate{Number: o.claim.part, CarrierMessageID: o.CarrierMessageID, IndexID: o.IndexID, Code: o.Code, Detail: o.Detail, At: o.at}
	update.Resent = e.times[o.claim.part]
	settled := true
	switch {
	case o.Kind == carrier.Accepted && s.traits.Receipts:
		update.Kind = sms.UpdateTaken
	case o.Kind == carrier.Accepted:
		update.Kind, update.Status = sms.UpdateSettled, sms.StatusSuccessful
	case o.Kind == carrier.Refused:
		update.Kind, update.Status = sms.UpdateSettled, o.Status
	case o.Kind == carrier.Unknown && s.q.policy(e.class) == GiveUp:
		update.Kind, update.Status = sms.UpdateSettled, sms.StatusUnknown
		update.Detail = "the carrier's answer was lost, and the policy is not to send again"
	default:
		settled = false
	}
	if settled {
		e.touched = true
		change.Parts = append(change.Parts, s.partChange(m, e, update))
	} else if o.Kind == carrier.RetryLater && o.Pause == 0 {
		s.requeue(change, e, o)
	}
	if o.Kind == carrier.Unknown && !settled {
		s.lost(e, o)
		return // the mark stays until the part has an outcome
	}
	unmark(change, o.claim.batch, e, o.claim.part)
}

// lost puts down that a part may have been sent, and will be again.
func (s *shard) lost(e *entry, o *outcome) {
	part := o.claim.part
	e.resent |= bit(part)
	if e.lost == nil {
		e.lost, e.times = map[int][]*batch{}, map[int]int{}
	}
	e.times[part]++
	e.lost[part] = append(e.lost[part], o.claim.batch)
	s.q.o.Metrics.Duplicates.WithLabelValues(s.of).Inc()
}

// requeue writes that a message is tried again later.
func (s *shard) requeue(change *store.Change, e *entry, o *outcome) {
	e.attempts++
	if e.touched {
		return // it has an awaiting row; the next try is kept in memory alone
	}
	m := e.message
	change.Requeue = append(change.Requeue, store.Requeue{
		Queued: store.Queued{ID: e.id, Shard: s.name, Lane: e.lane.key, Class: e.class, Parts: e.parts,
			Due: o.at, Expires: e.expires, Attempts: e.attempts, Route: e.route},
		Announce: !e.announced, Description: fmt.Sprintf("The carrier did not take the message yet (%s); it is tried again.", o.Code),
		Account: m.Account, ConfigurationSet: m.ConfigurationSet, At: o.at,
	})
	e.announced = true
}

// expireLost ends the parts of an expired entry that may have left: they count as
// handed over, and their marks are of no more use.
func (s *shard) expireLost(change *store.Change, e *entry, at time.Time) {
	for part := 1; part <= e.parts; part++ {
		if e.times[part] == 0 || e.todo&bit(part) == 0 {
			continue
		}
		change.Parts = append(change.Parts, s.partChange(e.message, e, sms.PartUpdate{Number: part, Kind: sms.UpdateSettled, Status: sms.StatusTTLExpired,
			Detail: "the carrier's answer was lost, and its time to live ended before it was sent again", Resent: e.times[part] - 1, At: at}))
		unmark(change, nil, e, part)
	}
}

func unmark(change *store.Change, b *batch, e *entry, part int) {
	done := append(e.lost[part], b)
	delete(e.lost, part)
	for _, b := range done {
		if b == nil {
			continue
		}
		if b.left--; b.left == 0 {
			change.Unmark = append(change.Unmark, store.SlotSeq{Slot: b.slot, Seq: b.seq})
		}
	}
}

// after moves an entry on once its outcome is in the store.
func (s *shard) after(o *outcome) {
	e := o.claim.entry
	if o.claim.part == 0 {
		s.drop(e)
		return
	}
	s.flying--
	if o.Kind == carrier.OtherRoute && o.hold == 0 {
		s.returning--
	}
	e.flying &^= bit(o.claim.part)
	switch o.Kind {
	case carrier.RetryLater, carrier.OtherRoute, carrier.Unknown:
		if o.Kind == carrier.Unknown && s.q.policy(e.class) == GiveUp {
			break
		}
		e.todo |= bit(o.claim.part)
		s.again(e, o)
	}
	switch {
	case e.todo != 0 && !e.queued:
		s.enqueue(e)
	case e.todo == 0 && e.flying == 0:
		s.drop(e)
	}
}

// again decides when a part that came back is tried next.
func (s *shard) again(e *entry, o *outcome) {
	switch {
	case o.Pause > 0:
		s.q.o.Metrics.Throttled.WithLabelValues(s.of).Inc()
		if until := o.at.Add(o.Pause); until.After(s.pausedUntil) {
			s.pausedUntil = until
		}
	case o.hold > 0 && !e.queued:
		s.hold(e, o.at.Add(o.hold))
	case o.Kind == carrier.RetryLater && !e.queued:
		s.hold(e, o.at.Add(backoff(e.attempts)))
	}
}

const (
	firstBackoff = time.Second
	maxBackoff   = 5 * time.Minute
)

// backoff doubles from one second to five minutes, with half of it at random, so
// that what failed together does not come back together.
func backoff(attempts int) time.Duration {
	d := firstBackoff << min(max(attempts-1, 0), 10)
	d = min(d, maxBackoff)
	return d/2 + rand.N(d/2)
}

func (s *shard) partChange(m *sms.Message, e *entry, u sms.PartUpdate) store.PartChange {
	u.Message, u.Parts, u.Carrier = e.id, e.parts, s.of
	return store.PartChange{Update: u, Shard: s.name, Account: m.Account, ConfigurationSet: m.ConfigurationSet, Expires: e.expires}
}

func outcomeName(k carrier.OutcomeKind) string {
	switch k {
	case carrier.Accepted:
		return "accepted"
	case carrier.Refused:
		return "refused"
	case carrier.RetryLater:
		return "retry_later"
	case carrier.OtherRoute:
		return "other_route"
	}
	return "unknown"
}
