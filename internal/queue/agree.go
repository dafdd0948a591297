package queue

import (
	"slices"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

// One message a second to a recipient is a promise of all nodes together. While
// there are several, the first part of a message asks for the recipient's slot in the
// transaction that marks it. Where another node has the slot, the message is held
// until the next one and asks again.

// asks reports whether a part that was just claimed has to ask. The caller holds mu.
func (s *shard) asks(e *entry, part int) bool {
	first := !e.touched && e.flying == bit(part) && e.resent == 0
	return first && !e.agreed && s.q.o.RecipientInterval > 0 && (s.q.several() || !e.refused.IsZero())
}

func (q *Queue) several() bool { return q.o.Peers != nil && q.o.Peers.Several() }

// maySend: while this node cannot be sure of its place, another may have taken it.
func (q *Queue) maySend() bool { return q.o.Peers == nil || q.o.Peers.MaySend() }

// agree takes in what was answered about recipients, in the order in which the claims
// asked, and gives the claims that may leave. The others are on their way back.
func (s *shard) agree(claims []claim, answers []store.Recipient) []claim {
	if len(answers) == 0 && !s.anyRefused(claims) {
		return claims
	}
	now := s.q.o.Now()
	var back []outcome
	leaving := claims[:0:0]
	s.mu.Lock()
	for _, c := range claims {
		e := c.entry
		if c.ask {
			s.answered(e, answers[0], now)
			answers = answers[1:]
		}
		if e.agreed || e.refused.IsZero() {
			leaving = append(leaving, c)
			continue
		}
		back = append(back, outcome{claim: c, at: now, hold: max(e.refused.Sub(now), time.Millisecond),
			Outcome: carrier.Outcome{Kind: carrier.OtherRoute, Detail: "another node has its recipient's slot"}})
	}
	s.mu.Unlock()
	for _, o := range back {
		s.outcomes.add(o)
	}
	s.mu.Lock()
	s.claimed -= len(back) // last: a shard that is closed waits for it before it stops to write outcomes
	s.mu.Unlock()
	return leaving
}

// answered takes in what became of a message's question. Where an earlier message to
// the recipient was refused meanwhile, this one stays behind it, and those that come
// later stay behind this one. The caller holds mu.
func (s *shard) answered(e *entry, r store.Recipient, now time.Time) {
	before := s.refused.before(r.Key, e)
	switch {
	case before != nil:
		e.refused = before.refused
	case r.Wait <= 0:
		e.agreed = true
		s.settleRecipient(e)
		return
	default:
		e.refused = now.Add(r.Wait)
	}
	e.recipient = r.Key
	s.refused.add(e)
}

// settleRecipient lets those behind a message that was refused ask. The caller holds
// mu.
func (s *shard) settleRecipient(e *entry) {
	if !e.refused.IsZero() {
		s.refused.remove(e)
	}
}

// heldBack is when a message may ask for its recipient's slot: that other nodes have
// it now, or that an earlier message waits for it. The caller holds mu.
func (s *shard) heldBack(e *entry, now time.Time) time.Time {
	if e.agreed || len(s.refused) == 0 {
		return time.Time{}
	}
	key := throttle.RecipientKey(e.message.Destination)
	before := s.refused.before(key, e)
	if before == nil {
		return e.refused
	}
	until := latest(before.refused, now).Add(behindFor)
	if !e.touched && e.flying == 0 && e.resent == 0 { // it will ask; until then those behind it wait too
		e.refused, e.recipient = until, key
		s.refused.add(e)
	}
	return until
}

// refusals are the messages that wait for a recipient's slot, by its key: those that
// another node was before, and those that are behind them. Nearly always it is one.
type refusals map[uint64][]*entry

// before is the earliest message to the recipient that waits and is earlier than e, nil
// where there is none.
func (r refusals) before(recipient uint64, e *entry) (first *entry) {
	for _, w := range r[recipient] {
		if w.id < e.id && (first == nil || w.id < first.id) {
			first = w
		}
	}
	return first
}

func (r refusals) add(e *entry) {
	if !slices.Contains(r[e.recipient], e) {
		r[e.recipient] = append(r[e.recipient], e)
	}
}

func (r refusals) remove(e *entry) {
	rest := slices.DeleteFunc(r[e.recipient], func(w *entry) bool { return w == e })
	if len(rest) == 0 {
		delete(r, e.recipient)
		return
	}
	r[e.recipient] = rest
}

// behindFor is how long a message gives an earlier one to the same recipient to get
// its answer.
const behindFor = 5 * time.Millisecond

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func (s *shard) anyRefused(claims []claim) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range claims {
		if e := claims[i].entry; !e.agreed && !e.refused.IsZero() {
			return true
		}
	}
	return false
}
