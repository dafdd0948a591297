package storetest

import (
	"slices"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func (s *suite) auditor() store.Auditor {
	s.Helper()
	a, ok := s.Engine.(store.Auditor)
	if !ok {
		s.Fatal("the engine is no store.Auditor")
	}
	return a
}

// auditLives commits messages that stand in different ways, with what they cost.
func (s *suite) auditLives() []*sms.Message {
	s.Helper()
	messages := s.accept(1, 2, 1, 3, 1, 2)
	update := func(m *sms.Message, kind sms.UpdateKind, number int, status sms.Status) {
		s.part(s.update(m, kind, number, status), store.PartApplied)
	}
	update(messages[1], sms.UpdateTaken, 2, "")
	update(messages[2], sms.UpdateTaken, 1, "")
	update(messages[2], sms.UpdateReceipt, 1, sms.StatusDelivered)
	s.part(s.update(messages[2], sms.UpdateReceipt, 1, sms.StatusDelivered), store.PartNoChange)
	for n := 1; n <= 3; n++ {
		p := s.update(messages[3], sms.UpdateTaken, n, "")
		p.Update.Resent = n - 1
		s.part(p, store.PartApplied)
	}
	update(messages[5], sms.UpdateTaken, 1, "")
	update(messages[5], sms.UpdateUnsentFinal, 0, sms.StatusTTLExpired)
	update(messages[5], sms.UpdateReceipt, 1, sms.StatusDelivered)
	return messages
}

func auditParts(parts []sms.PartProgress) (out []store.AuditedPart) {
	for i := range parts {
		p := &parts[i]
		out = append(out, store.AuditedPart{State: p.State, Status: p.Status, Sent: !p.SentAt.IsZero(), Code: p.Code, Resent: p.Resent})
	}
	return out
}

// audited is what AuditMessages has to tell of a message.
func (s *suite) audited(m *sms.Message) store.Audited {
	s.Helper()
	a := store.Audited{ID: m.ID, Message: &store.AuditedMessage{Account: m.Billed(), AcceptedAt: m.AcceptedAt, Parts: m.Parts, Price: m.Price, CarrierFee: m.CarrierFee,
		Country: m.Country, Route: m.Route.PriceKind()}}
	q, w := s.openRow(m.ID)
	if q != nil {
		a.Queued, a.QueuedParts = true, q.Parts
	}
	if w != nil {
		a.Awaiting, a.Parts = true, auditParts(w.Progress.Parts)
	}
	for _, e := range s.story(m.ID) {
		v := store.AuditedEvent{Slot: e.Slot, Seq: e.Seq, Status: e.Status, Final: e.Final}
		if e.Final {
			v.Parts = auditParts(e.Detail.Parts)
		}
		a.Events = append(a.Events, v)
	}
	return a
}

func testAuditMessages(s *suite) {
	var want []store.Audited
	for _, m := range s.auditLives() {
		want = append(want, s.audited(m))
	}
	read := func(from, to sms.ID, limit int) (got []store.Audited) {
		for at := from; at < to; {
			next, err := s.auditor().AuditMessages(s.ctx(), at, to, limit, func(a *store.Audited) error {
				c := *a
				if a.Message != nil {
					m := *a.Message
					c.Message = &m
				}
				c.Parts = append([]store.AuditedPart(nil), a.Parts...)
				c.Events = nil
				for _, e := range a.Events {
					e.Parts = append([]store.AuditedPart(nil), e.Parts...)
					c.Events = append(c.Events, e)
				}
				got = append(got, c)
				return nil
			})
			s.need(err)
			if next <= at || next > to {
				s.Fatalf("from %d below %d it goes on at %d", at, to, next)
			}
			at = next
		}
		return got
	}
	end := want[len(want)-1].ID + 1000
	for _, limit := range []int{1, 2, 3, 5, 100} {
		s.same("all messages", read(1, end, limit), want)
		s.same("those between two", read(want[1].ID, want[4].ID, limit), want[1:4])
	}
	s.same("none", read(1, want[0].ID, 10), []store.Audited(nil))
}

func testAuditSpend(s *suite) {
	messages := s.auditLives()
	key := func(month, country string) store.UsageKey {
		return store.UsageKey{Account: account, Month: month, Channel: "TEXT", Country: country, Route: "LONG_CODE"}
	}
	delta := func(month, country string, amount sms.Money) store.SpendDelta {
		return store.SpendDelta{UsageKey: key(month, country), Sums: store.Sums{Parts: 2, Price: amount, FeeParts: 1, Fee: 3}}
	}
	s.apply(&store.Change{Spend: []store.SpendDelta{delta("2026-09", "GB", 5), delta("2026-09", "FR", 2), delta("2026-10", "GB", 2)}})
	s.apply(&store.Change{Spend: []store.SpendDelta{delta("2026-09", "GB", 7)}})
	var got []store.AuditedMessage
	ledger, err := s.auditor().AuditSpend(s.ctx(), messages[1].ID, messages[3].ID, func(m *store.AuditedMessage) error {
		got = append(got, *m)
		return nil
	})
	s.need(err)
	s.same("ledger", ledger, map[store.UsageKey]store.Sums{key("2026-09", "GB"): {Parts: 4, Price: 12, FeeParts: 2, Fee: 6},
		key("2026-09", "FR"): {Parts: 2, Price: 2, FeeParts: 1, Fee: 3}, key("2026-10", "GB"): {Parts: 2, Price: 2, FeeParts: 1, Fee: 3}})
	s.same("messages", got, []store.AuditedMessage{*s.audited(messages[1]).Message, *s.audited(messages[2]).Message})
}

func testAuditLog(s *suite) {
	s.auditLives()
	slot, last := s.fence.Slot, s.lastSeq()
	s.apply(&store.Change{Cursors: []store.Cursor{{Slot: slot, Seq: 4}}})
	logs, err := s.auditor().AuditLogs(s.ctx())
	s.need(err)
	if i := slices.IndexFunc(logs, func(l store.AuditedLog) bool { return l.Slot == slot }); i < 0 || logs[i] != (store.AuditedLog{Slot: slot, Last: last, Cursor: 4}) {
		s.Errorf("logs %+v, the last event is %d", logs, last)
	}
	for _, limit := range []int{1, 3, 1000} {
		events := int64(0)
		for after := int64(2); after < last-1; {
			g, err := s.auditor().AuditLog(s.ctx(), slot, after, last-1, limit)
			s.need(err)
			if len(g.Gaps) != 0 || g.Next <= after || g.Next > last-1 {
				s.Fatalf("after %d: %+v", after, g)
			}
			events += g.Events
			after = g.Next
		}
		s.same("events", events, last-3)
	}
	// A Seq that was never given is not there.
	g, err := s.auditor().AuditLog(s.ctx(), slot, last-1, last+5, 1000)
	s.need(err)
	s.same("events up to the end", g.Events, int64(1))
	if len(g.Gaps) != 1 || g.Gaps[0].First != last+1 || g.Gaps[0].Last != last+5 || g.Gaps[0].Before.IsZero() || g.Next != last+5 {
		s.Errorf("behind the end: %+v", g)
	}
}

func testAuditLag(s *suite) {
	key := func(destination string, first int64) store.LagKey {
		return store.LagKey{Destination: destination, Slot: s.fence.Slot, First: first}
	}
	want := []store.LagBatch{{LagKey: key("a", 3), Seqs: []int64{3, 4, 9}}, {LagKey: key("a", 10), Seqs: []int64{10}},
		{LagKey: key("b", 2), Seqs: []int64{2, 1 << 40}}}
	s.apply(&store.Change{Lag: want})
	s.same("lag", all(s, 2, func(last store.LagBatch, _ bool, limit int) ([]store.LagBatch, error) {
		return s.auditor().AuditLag(s.ctx(), last.LagKey, limit)
	}), want)
}

// Losses add up, over changes of one batch, over commits and over openings.
func testLosses(s *suite) {
	losses := func() []store.Loss {
		s.Helper()
		l, err := s.auditor().AuditLosses(s.ctx())
		s.need(err)
		return l
	}
	slot := s.fence.Slot
	loss := func(destination string, slot int, kind store.LossKind, events int64) store.Loss {
		return store.Loss{Destination: destination, Slot: slot, Kind: kind, Events: events}
	}
	s.same("losses at first", len(losses()), 0)
	s.apply(
		&store.Change{Cursors: []store.Cursor{{Slot: slot, Seq: 7}}, Losses: []store.Loss{loss("b", slot, store.EventsLost, 2), loss("a", slot+1, store.EventsLost, 1)}},
		&store.Change{Losses: []store.Loss{loss("b", slot, store.EventsLost, 3), loss("b", slot, store.EventsDropped, 1<<40), loss("b", slot, store.EventsLost, 4)}},
	)
	want := []store.Loss{loss("a", slot+1, store.EventsLost, 1), loss("b", slot, store.EventsDropped, 1<<40), loss("b", slot, store.EventsLost, 9)}
	s.same("losses", losses(), want)

	// A change that fails loses nothing.
	failing := &store.Change{Resources: []store.ResourceWrite{{Resource: store.Resource{ResourceKey: store.ResourceKey{Account: account, Kind: "pool", ID: "1"}}, Expect: 5}},
		Losses: []store.Loss{loss("b", slot, store.EventsLost, 100)}}
	s.try(failing, &store.Change{LagDone: []store.LagKey{{Destination: "b", Slot: slot, First: 1}}, Losses: []store.Loss{loss("a", slot+1, store.EventsLost, 1)}})
	s.wantErr("a change that fails", failing.Err, store.ErrVersion)
	want[0].Events = 2
	s.same("losses then", losses(), want)

	s.need(s.Engine.Close())
	s.Engine = s.reopen()
	s.fence = s.join()
	s.same("losses after all was opened again", losses(), want)
	s.apply(&store.Change{Losses: []store.Loss{loss("b", slot, store.EventsLost, 1)}})
	want[2].Events = 10
	s.same("losses in the end", losses(), want)
}
