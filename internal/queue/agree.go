package queue

import (
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/store"
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
			wait := answers[0].Wait
			answers = answers[1:]
			if e.agreed = wait <= 0; !e.agreed {
				e.refused = now.Add(wait)
			}
		}
		if e.agreed || e.refused.IsZero() {
			leaving = append(leaving, c)
			continue
		}
		back = append(back, outcome{claim: c, at: now, hold: max(e.refused.Sub(now), time.Millisecond),
			Outcome: carrier.Outcome{Kind: carrier.OtherRoute, Detail: "another node has its recipient's slot"}})
	}
	s.claimed -= len(back)
	s.mu.Unlock()
	for _, o := range back {
		s.outcomes.add(o)
	}
	return leaving
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
