package storetest

import (
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func testOnePart(s *suite) {
	m := s.accept(1)[0]
	taken := s.update(m, sms.UpdateTaken, 1, "")
	events := s.part(taken, store.PartApplied)
	s.wantStatuses(events, "SUCCESSFUL")
	progress, _, _ := sms.NewProgress(1, nil).Fold(taken.Update)
	s.same("event", events[0], store.Event{Slot: s.fence.Slot, Seq: 2, Message: m.ID, Account: account, ConfigurationSet: "set",
		Status: sms.StatusSuccessful, At: taken.Update.At, Detail: store.EventDetail{Parts: progress.Parts}})
	q, a := s.openRow(m.ID)
	if q != nil {
		s.Errorf("still queued: %+v", q)
	}
	s.same("awaiting", a, &store.Awaiting{ID: m.ID, Shard: shard, Expires: m.ExpiresAt, Progress: progress})
	s.same("counts", s.counts(), store.Counts{Awaiting: 1})

	// The carrier's answer to a part that is sent twice.
	s.same("events of a repeated answer", len(s.part(taken, store.PartNoChange)), 0)

	receipt := s.update(m, sms.UpdateReceipt, 1, sms.StatusDelivered)
	events = s.part(receipt, store.PartApplied)
	s.wantStatuses(events, "DELIVERED.")
	progress, _, _ = progress.Fold(receipt.Update)
	s.same("parts of the final event", events[0].Detail.Parts, progress.Parts)
	if q, a := s.openRow(m.ID); q != nil || a != nil {
		s.Errorf("a final message is open: %+v %+v", q, a)
	}
	s.same("counts", s.counts(), store.Counts{})
	s.wantStatuses(s.story(m.ID), "QUEUED SUCCESSFUL DELIVERED.")
	s.same("story", s.story(m.ID)[2], events[0])
}

func testSeveralParts(s *suite) {
	m := s.accept(3)[0]
	s.wantStatuses(s.part(s.update(m, sms.UpdateTaken, 2, ""), store.PartApplied), "")
	_, a := s.openRow(m.ID)
	if a == nil || a.Progress.Unsent() != 2 || a.Progress.Parts[1].State != sms.PartTaken {
		s.Fatalf("awaiting %+v", a)
	}
	// What is left may go through another carrier.
	elsewhere := s.update(m, sms.UpdateTaken, 1, "")
	elsewhere.Shard = "other"
	s.wantStatuses(s.part(elsewhere, store.PartApplied), "")
	if _, a = s.openRow(m.ID); a.Shard != "other" {
		s.Errorf("shard %q", a.Shard)
	}
	receipt := s.update(m, sms.UpdateReceipt, 2, sms.StatusUnreachable)
	s.wantStatuses(s.part(receipt, store.PartApplied), "")
	if _, a = s.openRow(m.ID); a.Shard != "other" {
		s.Errorf("a receipt moved the message to shard %q", a.Shard)
	}
	s.wantStatuses(s.part(s.update(m, sms.UpdateTaken, 3, ""), store.PartApplied), "TAKEN")
	// All in one batch, in one change and in several.
	last := &store.Change{Parts: []store.PartChange{s.update(m, sms.UpdateReceipt, 3, sms.StatusDelivered), s.update(m, sms.UpdateReceipt, 3, sms.StatusDelivered)}}
	final := &store.Change{Parts: []store.PartChange{s.update(m, sms.UpdateReceipt, 1, sms.StatusDelivered)}}
	s.apply(last, final)
	s.same("results", []store.PartResult{last.Parts[0].Result, last.Parts[1].Result, final.Parts[0].Result},
		[]store.PartResult{store.PartApplied, store.PartNoChange, store.PartApplied})
	s.wantStatuses(last.Events, "LATE_RECEIPT")
	s.wantStatuses(final.Events, "UNREACHABLE.")
	s.wantStatuses(s.story(m.ID), "QUEUED TAKEN LATE_RECEIPT UNREACHABLE.")
}

func testSettled(s *suite) {
	m := s.accept(1, 2, 1)
	s.wantStatuses(s.part(s.update(m[0], sms.UpdateSettled, 1, sms.StatusSuccessful), store.PartApplied), "SUCCESSFUL.")
	s.wantStatuses(s.part(s.update(m[2], sms.UpdateSettled, 1, sms.StatusCarrierBlocked), store.PartApplied), "CARRIER_BLOCKED.")
	s.wantStatuses(s.part(s.update(m[1], sms.UpdateSettled, 2, sms.StatusSuccessful), store.PartApplied), "")
	if _, a := s.openRow(m[1].ID); a == nil {
		s.Error("a message with an unsent part is not open")
	}
	s.wantStatuses(s.part(s.update(m[1], sms.UpdateSettled, 1, sms.StatusSuccessful), store.PartApplied), "SUCCESSFUL.")
	s.same("counts", s.counts(), store.Counts{})
}

func testUnsentFinal(s *suite) {
	m := s.accept(2, 2)
	// Of a queued message all parts are unsent.
	events := s.part(s.update(m[0], sms.UpdateUnsentFinal, 0, sms.StatusTTLExpired), store.PartApplied)
	s.wantStatuses(events, "TTL_EXPIRED.")
	for _, p := range events[0].Detail.Parts {
		if p.Status != sms.StatusTTLExpired {
			s.Errorf("part %+v", p)
		}
	}
	// One part was taken: its receipt is still awaited.
	s.part(s.update(m[1], sms.UpdateTaken, 1, ""), store.PartApplied)
	s.wantStatuses(s.part(s.update(m[1], sms.UpdateUnsentFinal, 0, sms.StatusTTLExpired), store.PartApplied), "TAKEN")
	s.wantStatuses(s.part(s.update(m[1], sms.UpdateReceipt, 1, sms.StatusDelivered), store.PartApplied), "TTL_EXPIRED.")
	s.same("events of a message that is gone", len(s.part(s.update(m[1], sms.UpdateUnsentFinal, 0, sms.StatusTTLExpired), store.PartNoChange)), 0)
}

func testTakenFinal(s *suite) {
	m := s.accept(1, 2)
	s.same("events of a queued message", len(s.part(s.update(m[0], sms.UpdateTakenFinal, 0, sms.StatusUnknown), store.PartNoChange)), 0)
	if q, _ := s.openRow(m[0].ID); q == nil {
		s.Error("the message left the queue")
	}
	s.part(s.update(m[1], sms.UpdateTaken, 1, ""), store.PartApplied)
	s.part(s.update(m[1], sms.UpdateTaken, 2, ""), store.PartApplied)
	s.wantStatuses(s.part(s.update(m[1], sms.UpdateTakenFinal, 0, sms.StatusUnknown), store.PartApplied), "UNKNOWN.")
	s.same("counts", s.counts(), store.Counts{Queued: 1})
}

func testLateReceipts(s *suite) {
	m := s.accept(1)[0]
	s.part(s.update(m, sms.UpdateTaken, 1, ""), store.PartApplied)
	s.part(s.update(m, sms.UpdateTakenFinal, 0, sms.StatusUnknown), store.PartApplied)
	late := s.update(m, sms.UpdateReceipt, 1, sms.StatusDelivered)
	late.Update.IndexID = "index"
	events := s.part(late, store.PartNoChange)
	u := late.Update
	want := store.Event{Slot: s.fence.Slot, Seq: 4, Message: m.ID, Account: account, Status: store.StatusLateReceipt, At: u.At,
		Detail: store.EventDetail{Parts: []sms.PartProgress{{State: sms.PartFinal, Status: sms.StatusDelivered, Carrier: u.Carrier,
			CarrierMessageID: u.CarrierMessageID, IndexID: "index", Code: u.Code, Detail: u.Detail, DoneAt: u.At}}}}
	s.same("events", events, []store.Event{want})
	s.same("story", s.story(m.ID)[3:], []store.Event{want})
	if q, a := s.openRow(m.ID); q != nil || a != nil {
		s.Errorf("a late receipt opened the message: %+v %+v", q, a)
	}
}

func testWholeLifeInOneBatch(s *suite) {
	old := s.accept(1)[0]
	m, stays := s.message(2), s.message(1)
	accept := &store.Change{Accept: []store.Accepted{s.accepted(m), s.accepted(stays)}}
	requeued := s.accepted(m).Queued
	requeued.Attempts = 1
	changes := []*store.Change{
		accept,
		{Requeue: []store.Requeue{{Queued: requeued, Announce: true, Account: account, ConfigurationSet: "set", At: s.now}}},
		{Mark: []store.Dispatch{{Seq: 1, Shard: "acme", Parts: []sms.PartID{m.ID.Part(1), m.ID.Part(2)}}}},
		{Parts: []store.PartChange{s.update(m, sms.UpdateTaken, 1, ""), s.update(old, sms.UpdateTaken, 1, "")}},
		{Parts: []store.PartChange{s.update(m, sms.UpdateTaken, 2, "")}, Unmark: []store.SlotSeq{{Slot: s.fence.Slot, Seq: 1}}},
		{Parts: []store.PartChange{s.update(m, sms.UpdateReceipt, 1, sms.StatusDelivered), s.update(old, sms.UpdateReceipt, 1, sms.StatusDelivered)}},
		{Parts: []store.PartChange{s.update(m, sms.UpdateReceipt, 2, sms.StatusDelivered)}},
	}
	s.apply(changes...)
	s.wantStatuses(s.story(m.ID), "QUEUED PENDING SUCCESSFUL DELIVERED.")
	s.wantStatuses(s.story(old.ID), "QUEUED SUCCESSFUL DELIVERED.")
	s.same("counts", s.counts(), store.Counts{Queued: 1})
	// Events come in the order of the changes, whatever message they are about.
	s.wantStatuses(s.log(), "QUEUED QUEUED QUEUED PENDING SUCCESSFUL SUCCESSFUL DELIVERED. DELIVERED.")
	var told []store.Event
	for _, c := range changes {
		told = append(told, c.Events...)
	}
	s.same("events of the changes", told, s.log()[1:])
}

// A message may end in the change that accepts it, among others that do not.
func testAcceptedAndEnded(s *suite) {
	ends := func(m *sms.Message) *store.Change {
		p := s.update(m, sms.UpdateUnsentFinal, 0, sms.StatusProtectBlocked)
		p.Shard, p.Update.Carrier, p.Update.CarrierMessageID = "", "", ""
		a := s.accepted(m)
		a.Queued.Shard = ""
		return &store.Change{Accept: []store.Accepted{a}, Parts: []store.PartChange{p}}
	}
	// The younger one is written first, as happens where callers come at once.
	older, younger, waits := s.message(2), s.message(1), s.message(1)
	changes := []*store.Change{ends(younger), {Accept: []store.Accepted{s.accepted(waits)}}, ends(older)}
	s.apply(changes...)
	again := s.message(1)
	s.apply(&store.Change{Accept: []store.Accepted{s.accepted(again)}})
	for i, m := range map[int]*sms.Message{0: younger, 2: older} {
		c := changes[i]
		s.same("result", c.Parts[0].Result, store.PartApplied)
		s.wantStatuses(c.Events, "QUEUED PROTECT_BLOCKED.")
		s.wantStatuses(s.story(m.ID), "QUEUED PROTECT_BLOCKED.")
		s.same("parts of the final event", len(c.Events[1].Detail.Parts), m.Parts)
		if q, a := s.openRow(m.ID); q != nil || a != nil {
			s.Errorf("it has ended, and is open: %+v %+v", q, a)
		}
	}
	s.same("counts", s.counts(), store.Counts{Queued: 2})
}
