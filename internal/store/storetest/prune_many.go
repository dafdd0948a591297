package storetest

import (
	"math/rand/v2"
	"slices"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// A long pass is many short steps; what is committed in between is not touched.
func testPruneMany(s *pruning) {
	var messages []*sms.Message
	for range 30 {
		batch := make([]int, 50)
		for i := range batch {
			batch[i] = 1
		}
		accepted := s.accept(batch...)
		var changes []*store.Change
		for _, m := range accepted {
			changes = append(changes, &store.Change{Parts: []store.PartChange{s.update(m, sms.UpdateTaken, 1, ""),
				s.update(m, sms.UpdateReceipt, 1, sms.StatusDelivered)}})
		}
		s.apply(changes...)
		messages = append(messages, accepted...)
	}
	s.published()
	events := len(s.log())
	p := store.Pass{Messages: messages[len(messages)-1].ID, Within: time.Nanosecond}
	var sum store.Pruned
	var kept []*sms.Message
	steps := 0
	for ; !p.Done(); steps++ {
		n, err := s.pruner().Prune(s.ctx(), s.fence, &p)
		s.need(err)
		sum.Messages, sum.Events = sum.Messages+n.Messages, sum.Events+n.Events
		if steps < 20 {
			kept = append(kept, s.accept(1)...)
		}
	}
	perMessage := events / len(messages)
	s.same("pruned", sum, store.Pruned{Messages: len(messages) - 1, Events: events - perMessage})
	if steps < 5 {
		s.Errorf("%d steps", steps)
	}
	s.same("counts", s.counts(), store.Counts{Queued: int64(len(kept))})
	s.same("length of the log", len(s.log()), perMessage+len(kept))
}

// Whatever became of messages, cursor and lag: a message that may go goes with all
// its events, and any other keeps all of them.
func testPruneAny(s *pruning) {
	const seed = 7
	r := rand.New(rand.NewPCG(seed, seed))
	for round := range 8 {
		var messages []*sms.Message
		for range 25 {
			messages = append(messages, s.accept(1+r.IntN(3))...)
			m := messages[r.IntN(len(messages))]
			for number := range m.Parts {
				if r.IntN(3) > 0 {
					s.apply(&store.Change{Parts: []store.PartChange{s.update(m, sms.UpdateTaken, number+1, "")}})
				}
				if r.IntN(3) > 0 {
					s.apply(&store.Change{Parts: []store.PartChange{s.update(m, sms.UpdateReceipt, number+1, sms.StatusDelivered)}})
				}
			}
		}
		last := s.lastSeq()
		cursor := last - r.Int64N(40)
		var lag []int64
		for seq := last - 100; seq <= cursor; seq++ {
			if seq > 0 && r.IntN(15) == 0 {
				lag = append(lag, seq)
			}
		}
		change := &store.Change{Cursors: []store.Cursor{{Slot: s.fence.Slot, Seq: cursor}}}
		for _, seq := range lag {
			change.Lag = append(change.Lag, store.LagBatch{LagKey: store.LagKey{Destination: "a/b/c", Slot: s.fence.Slot, First: seq}, Seqs: []int64{seq}})
		}
		s.apply(change)
		limit := messages[r.IntN(len(messages))].ID
		var keep, gone []sms.ID
		stories := map[sms.ID][]store.Event{}
		all, err := s.Engine.MessagesOf(s.ctx(), account, 0, 1000)
		s.need(err)
		for _, m := range all {
			story := s.story(m.ID)
			stories[m.ID] = story
			q, a := s.openRow(m.ID)
			stays := m.ID >= limit || q != nil || a != nil ||
				slices.ContainsFunc(story, func(e store.Event) bool { return e.Seq > cursor || slices.Contains(lag, e.Seq) })
			if stays {
				keep = append(keep, m.ID)
			} else {
				gone = append(gone, m.ID)
			}
		}
		s.pass(store.Pass{Messages: limit, Within: time.Microsecond})
		for _, id := range keep {
			if got, err := s.Engine.Messages(s.ctx(), []sms.ID{id}); err != nil || got[0] == nil {
				s.Errorf("seed %d, round %d: message %d is gone (%v)", seed, round, id, err)
			}
			s.same("story of a message that stays", s.story(id), stories[id])
		}
		for _, id := range gone {
			if got, err := s.Engine.Messages(s.ctx(), []sms.ID{id}); err != nil || got[0] != nil {
				s.Errorf("seed %d, round %d: message %d is there (%v)", seed, round, id, err)
			}
			s.same("events of a message that is gone", len(s.story(id)), 0)
		}
		if round > 0 && (len(keep) == 0 || len(gone) == 0) {
			s.Errorf("seed %d, round %d: %d stay, %d go", seed, round, len(keep), len(gone))
		}
		s.same("last event", s.lastSeq(), last)
		// The lag is got in the end.
		done := &store.Change{}
		for _, l := range change.Lag {
			done.LagDone = append(done.LagDone, l.LagKey)
		}
		s.apply(done)
	}
}
