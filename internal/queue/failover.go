package queue

import (
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// failoverChunk bounds how many messages are looked at in one go.
const failoverChunk = 1_000

// failoverAgain is when a message that no other identity could take, or that was moved
// to one, is looked at again: after twice the time with each try, up to
// failoverAgainMost. A node does not know how the carriers of other nodes stand, so that
// where all are down a message goes to and fro.
const (
	failoverAgain     = 10 * time.Second
	failoverAgainMost = 10 * time.Minute
)

func (e *entry) movesAgain() time.Time {
	if e.movedAt.IsZero() {
		return e.movedAt
	}
	return e.movedAt.Add(min(failoverAgain<<min(e.attempts, 6), failoverAgainMost))
}

// failover picks messages that wait for a carrier which has been down for a
// while, the oldest of each lane first.
func (s *shard) failover(now time.Time) []*entry {
	if s.downSince.IsZero() || now.Sub(s.downSince) < s.q.o.FailoverAfter || now.Before(s.failoverAt) || s.q.o.Reroute == nil {
		return nil
	}
	var picked []*entry
	for _, l := range s.lanes {
		for c := range l.fifo {
			for i := 0; i < l.fifo[c].len() && len(picked) < failoverChunk; i++ {
				if e := l.fifo[c].at(i); e.movable() && !now.Before(e.movesAgain()) {
					e.movedAt = now
					picked = append(picked, e)
				}
			}
		}
	}
	if len(picked) == 0 {
		s.failoverAt = now.Add(time.Second)
	}
	return picked
}

// movable: nothing of it was handed over, so that all parts leave from one
// identity.
func (e *entry) movable() bool { return !e.touched && e.flying == 0 && e.resent == 0 }

// move takes messages to other identities of their pools.
func (s *shard) move(entries []*entry) {
	ids := make([]sms.ID, len(entries))
	for i, e := range entries {
		ids[i] = e.id
	}
	messages, err := s.read(ids)
	if err != nil {
		return
	}
	routes := map[*entry]*sms.Route{}
	for i, e := range entries {
		m := messages[i]
		if m == nil {
			continue
		}
		now := m.Route
		if e.route != nil {
			now = *e.route
		}
		if now.PoolID == "" {
			continue
		}
		if route, ok := s.q.o.Reroute(m, now); ok && s.q.o.Layout[route.Carrier] > 0 {
			routes[e] = &route
		}
	}
	if len(routes) > 0 {
		s.hand(routes, messagesOf(entries, messages))
	}
}

func messagesOf(entries []*entry, messages []*sms.Message) map[*entry]*sms.Message {
	out := make(map[*entry]*sms.Message, len(entries))
	for i, e := range entries {
		out[e] = messages[i]
	}
	return out
}

// hand takes the entries out of this shard, writes their new routes and gives
// them to the shards of those.
func (s *shard) hand(routes map[*entry]*sms.Route, messages map[*entry]*sms.Message) {
	now := s.q.o.Now()
	var leaving []*entry
	s.mu.Lock()
	for _, l := range s.lanes {
		for c := range l.fifo {
			l.fifo[c].filter(func(e *entry) bool {
				if routes[e] == nil || !e.movable() {
					return true
				}
				e.queued = false
				l.parts -= e.parts
				leaving = append(leaving, e)
				return false
			})
		}
	}
	s.mu.Unlock()
	change := &store.Change{}
	for _, e := range leaving {
		m := messages[e]
		change.Requeue = append(change.Requeue, store.Requeue{
			Queued: store.Queued{ID: e.id, Shard: s.q.o.Layout.Shard(routes[e].Carrier, routes[e].Lane), Lane: routes[e].Lane, Class: e.class, Parts: e.parts,
				Due: now, Expires: e.expires, Attempts: e.attempts + 1, Route: routes[e]},
			Moved: true, Announce: !e.announced, Description: "The carrier of the first origination identity is down; another identity of the pool sends the message.",
			Account: m.Account, ConfigurationSet: m.ConfigurationSet, At: now,
		})
		if s.q.o.Moved != nil {
			change.Entries = append(change.Entries, s.q.o.Moved(m, *routes[e], now)...)
		}
	}
	if err := s.q.o.Committer.Commit(change); err != nil {
		s.q.o.Log.Error("messages cannot be moved to another identity", "carrier", s.name, "messages", len(leaving), "error", err)
		s.mu.Lock()
		for _, e := range leaving {
			s.enqueue(e)
		}
		s.mu.Unlock()
		return
	}
	s.q.o.Metrics.Rerouted.Add(float64(len(leaving)))
	s.q.o.Log.Info("messages moved to other identities of their pools", "carrier", s.name, "messages", len(leaving))
	s.mu.Lock()
	for _, e := range leaving {
		s.drop(e)
	}
	s.mu.Unlock()
	for i, e := range leaving {
		// A shard that another node has hears of it by the log.
		if to := s.q.shard(change.Requeue[i].Queued.Shard); to != nil {
			to.accept(&change.Requeue[i].Queued, messages[e], now)
		}
	}
}
