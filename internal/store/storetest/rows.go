package storetest

import (
	"math/rand/v2"
	"slices"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func testDispatches(s *suite) {
	const base = sms.ID(1 << 40)
	var want []store.Dispatch
	for seq := int64(1); seq <= 5; seq++ {
		d := store.Dispatch{Seq: seq, Shard: "acme"}
		for n := sms.ID(0); n < 3; n++ {
			d.Parts = append(d.Parts, (base - n*16).Part(int(n)+1))
		}
		want = append(want, d)
	}
	// What is marked and unmarked in one batch is gone.
	s.apply(&store.Change{Mark: want[:2]}, &store.Change{Mark: want[2:]}, &store.Change{Unmark: []store.SlotSeq{{Slot: s.fence.Slot, Seq: 2}}})
	s.apply(&store.Change{Unmark: []store.SlotSeq{{Slot: s.fence.Slot, Seq: 4}, {Slot: s.fence.Slot, Seq: 99}}})
	read := func() []store.Dispatch {
		return all(s, 2, func(last store.Dispatch, _ bool, limit int) ([]store.Dispatch, error) {
			return s.Engine.Dispatches(s.ctx(), s.fence.Slot, last.Seq, limit)
		})
	}
	s.same("dispatches", read(), []store.Dispatch{want[0], want[2], want[4]})
	s.same("counts", s.counts(), store.Counts{Dispatches: 3})
	last, err := s.Engine.LastDispatch(s.ctx(), s.fence.Slot)
	s.need(err)
	s.same("last dispatch", last, int64(5))
	last, err = s.Engine.LastDispatch(s.ctx(), s.fence.Slot+1)
	s.need(err)
	s.same("last dispatch of another slot", last, int64(0))
	// Of a slot that was taken over; a Seq is one slot's only.
	s.apply(&store.Change{Unmark: []store.SlotSeq{{Slot: s.fence.Slot + 1, Seq: 3}, {Slot: s.fence.Slot, Seq: 1}}})
	s.same("dispatches then", read(), []store.Dispatch{want[2], want[4]})
	s.apply(&store.Change{Unmark: []store.SlotSeq{{Slot: s.fence.Slot, Seq: 3}, {Slot: s.fence.Slot, Seq: 5}}})
	s.same("dispatches at last", len(read()), 0)
}

func testParked(s *suite) {
	var want []store.ParkedReceipt
	for seq := int64(1); seq <= 3; seq++ {
		want = append(want, store.ParkedReceipt{Seq: seq, Carrier: "acme", At: s.now, Doc: []byte{0, byte(seq), 255}})
	}
	s.apply(&store.Change{Park: want}, &store.Change{Unpark: []store.SlotSeq{{Slot: s.fence.Slot, Seq: 2}}})
	read := func() []store.ParkedReceipt {
		return all(s, 1, func(last store.ParkedReceipt, _ bool, limit int) ([]store.ParkedReceipt, error) {
			return s.Engine.ParkedReceipts(s.ctx(), s.fence.Slot, last.Seq, limit)
		})
	}
	s.same("parked", read(), []store.ParkedReceipt{want[0], want[2]})
	s.same("counts", s.counts(), store.Counts{Parked: 2})
	last, err := s.Engine.LastParked(s.ctx(), s.fence.Slot)
	s.need(err)
	s.same("last parked", last, int64(3))
	s.apply(&store.Change{Unpark: []store.SlotSeq{{Slot: s.fence.Slot + 1, Seq: 3}, {Slot: s.fence.Slot, Seq: 1}}})
	s.same("parked then", read(), []store.ParkedReceipt{want[2]})
	s.apply(&store.Change{Unpark: []store.SlotSeq{{Slot: s.fence.Slot, Seq: 3}}})
	s.same("parked at last", len(read()), 0)
}

func testEventLog(s *suite) {
	s.same("last event of an empty log", s.lastSeq(), int64(0))
	parts := make([]int, 20)
	for i := range parts {
		parts[i] = 1
	}
	messages := s.accept(parts...)
	log := s.log()
	s.same("length of the log", len(log), len(messages))
	for i, e := range log {
		if e.Seq != int64(i+1) || e.Message != messages[i].ID {
			s.Fatalf("event %d is %+v", i+1, e)
		}
	}
	s.same("last event", s.lastSeq(), int64(20))
	some, err := s.Engine.EventsAt(s.ctx(), s.fence.Slot, []int64{2, 3, 5, 20, 21})
	s.need(err)
	s.same("events at", some, []store.Event{log[1], log[2], log[4], log[19]})
	other, err := s.Engine.EventsAfter(s.ctx(), s.fence.Slot+1, 0, 10)
	s.need(err)
	s.same("events of another slot", len(other), 0)
	n, err := s.Engine.LastSeq(s.ctx(), s.fence.Slot+1)
	s.need(err)
	s.same("last event of another slot", n, int64(0))
}

// testLargeEvents: one read gives about store.EventBytes, and what is left is read on.
func testLargeEvents(s *suite) {
	const events, bytes = 40, 256 << 10
	body := make([]byte, bytes)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range body {
		body[i] = byte(r.Uint32())
	}
	var seqs []int64
	for i := range events {
		s.apply(&store.Change{Append: []store.Event{{Account: account, ConfigurationSet: "topic:t", Status: store.StatusPublication, At: s.now,
			Detail: store.EventDetail{Content: &store.EventContent{Body: body}}}}})
		seqs = append(seqs, int64(i+1))
	}
	seqs = append(seqs, events+1)
	reads := map[string]func(after int64) ([]store.Event, error){
		"events after": func(after int64) ([]store.Event, error) {
			return s.Engine.EventsAfter(s.ctx(), s.fence.Slot, after, 1000)
		},
		"events at": func(after int64) ([]store.Event, error) {
			return s.Engine.EventsAt(s.ctx(), s.fence.Slot, seqs[after:])
		},
	}
	for what, read := range reads {
		after := int64(0)
		for {
			got, err := read(after)
			s.need(err)
			if len(got) == 0 {
				break
			}
			if n := len(got) * bytes; n > store.EventBytes+bytes {
				s.Fatalf("%s: one read has %d bytes", what, n)
			}
			for _, e := range got {
				if after++; e.Seq != after || !slices.Equal(e.Detail.Content.Body, body) {
					s.Fatalf("%s: event %d is %d, of %d bytes", what, after, e.Seq, len(e.Detail.Content.Body))
				}
			}
		}
		s.same(what, after, int64(events))
	}
}

func testCursorsAndLag(s *suite) {
	cursors := func() []store.Cursor {
		c, err := s.Engine.Cursors(s.ctx())
		s.need(err)
		return c
	}
	s.same("cursors at first", len(cursors()), 0)
	key := func(destination string, first int64) store.LagKey {
		return store.LagKey{Destination: destination, Slot: s.fence.Slot, First: first}
	}
	batches := []store.LagBatch{{LagKey: key("a", 3), Seqs: []int64{3, 4, 9}}, {LagKey: key("a", 10), Seqs: []int64{10}},
		{LagKey: key("a", 200), Seqs: []int64{200, 1 << 40}}}
	s.apply(
		&store.Change{Cursors: []store.Cursor{{Slot: s.fence.Slot, Seq: 5}}, Lag: batches[:2]},
		&store.Change{Lag: []store.LagBatch{batches[2], {LagKey: key("b", 7), Seqs: []int64{7}}}},
		&store.Change{Cursors: []store.Cursor{{Slot: s.fence.Slot, Seq: 9}}},
	)
	s.same("cursors", cursors(), []store.Cursor{{Slot: s.fence.Slot, Seq: 9}})
	lag := func(destination string, limit int) []store.LagBatch {
		b, err := s.Engine.LagBatches(s.ctx(), destination, s.fence.Slot, limit)
		s.need(err)
		return b
	}
	destinations := func() []string {
		d, err := s.Engine.LagDestinations(s.ctx())
		s.need(err)
		return d
	}
	s.same("lag of a", lag("a", 10), batches)
	s.same("oldest lag of a", lag("a", 2), batches[:2])
	s.same("destinations", destinations(), []string{"a", "b"})
	// What is left of a batch may take its place; done means gone.
	rest := store.LagBatch{LagKey: key("a", 3), Seqs: []int64{9}}
	s.apply(&store.Change{Lag: []store.LagBatch{rest}, LagDone: []store.LagKey{key("a", 10), key("b", 7), key("c", 1)}})
	s.same("lag of a then", lag("a", 10), []store.LagBatch{rest, batches[2]})
	s.same("destinations then", destinations(), []string{"a"})
}

func testSpend(s *suite) {
	spend := func(account, month, channel string) sms.Money {
		m, err := s.Engine.Spend(s.ctx(), account, month, channel)
		s.need(err)
		return m
	}
	delta := func(account, month, channel string, amount sms.Money) store.SpendDelta {
		return store.SpendDelta{UsageKey: store.UsageKey{Account: account, Month: month, Channel: channel}, Sums: store.Sums{Price: amount}}
	}
	s.apply(
		&store.Change{Spend: []store.SpendDelta{delta(account, "2026-09", "TEXT", 40_000), delta(account, "2026-09", "TEXT", 2),
			delta(account, "2026-09", "VOICE", 7)}},
		&store.Change{Spend: []store.SpendDelta{delta(account, "2026-09", "TEXT", 1), delta(account, "2026-10", "TEXT", 5),
			delta("other", "2026-09", "TEXT", 6)}},
	)
	s.apply(&store.Change{Spend: []store.SpendDelta{delta(account, "2026-09", "TEXT", -3)}})
	s.same("spend", []sms.Money{spend(account, "2026-09", "TEXT"), spend(account, "2026-09", "VOICE"), spend(account, "2026-10", "TEXT"),
		spend("other", "2026-09", "TEXT"), spend("other", "2026-09", "VOICE")}, []sms.Money{40_000, 7, 5, 6, 0})
}
