package storetest

import (
	"fmt"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func testAccept(s *suite) {
	m := s.message(2)
	m.Keyword, m.MaxPrice, m.FeedbackEnabled, m.Reference16 = "JOIN", "0.5", true, true
	m.CountryParameters = map[string]string{"IN_ENTITY_ID": "1"}
	m.Type = sms.Promotional
	a := s.accepted(m)
	a.Queued.Attempts, a.Queued.Route = 3, &sms.Route{Identity: "NOTICE", Carrier: "other", PartsPerSecond: 20}
	plain := s.message(1)
	plain.ConfigurationSet, plain.Context = "", nil
	first, second := &store.Change{Accept: []store.Accepted{a}}, &store.Change{Accept: []store.Accepted{s.accepted(plain)}}
	s.apply(first, second)

	got, err := s.Engine.Messages(s.ctx(), []sms.ID{plain.ID, 16, m.ID, plain.ID})
	s.need(err)
	s.same("messages", got, []*sms.Message{plain, nil, m, plain})
	got, err = s.Engine.Messages(s.ctx(), nil)
	s.need(err)
	s.same("no messages", len(got), 0)

	q, awaiting := s.openRow(m.ID)
	s.same("queued", q, &a.Queued)
	if awaiting != nil {
		s.Errorf("awaiting: %+v", awaiting)
	}
	want := []store.Event{
		{Slot: s.fence.Slot, Seq: 1, Message: m.ID, Account: account, ConfigurationSet: "set", Status: sms.StatusQueued, At: m.AcceptedAt},
		{Slot: s.fence.Slot, Seq: 2, Message: plain.ID, Account: account, Status: sms.StatusQueued, At: plain.AcceptedAt},
	}
	s.same("events of the changes", append(first.Events, second.Events...), want)
	s.same("event log", s.log(), want)
	s.same("story", s.story(plain.ID), want[1:])

	last, err := s.Engine.LastID(s.ctx(), 0)
	s.need(err)
	s.same("last ID", last, plain.ID)
	last, err = s.Engine.LastID(s.ctx(), 5)
	s.need(err)
	s.same("last ID of another slot", last, sms.ID(0))
	s.same("counts", s.counts(), store.Counts{Queued: 2})
}

func testAcceptedOnce(s *suite) {
	old := s.accept(1)[0]
	fresh, other, bulk := s.message(1), s.message(1), s.message(1)
	changes := []*store.Change{
		{Accept: []store.Accepted{s.accepted(fresh)}},
		{Accept: []store.Accepted{s.accepted(bulk), s.accepted(old)}, Spend: []store.SpendDelta{{UsageKey: store.UsageKey{Account: account, Month: "2026-09", Channel: "TEXT"}, Sums: store.Sums{Price: 1}}}},
		{Accept: []store.Accepted{s.accepted(fresh)}},
		{Accept: []store.Accepted{s.accepted(other), s.accepted(other)}},
		{Accept: []store.Accepted{s.accepted(other)}},
		{Accept: []store.Accepted{s.accepted(bulk)}},
	}
	s.try(changes...)
	for i, want := range []error{nil, store.ErrExists, store.ErrExists, store.ErrExists, nil, nil} {
		if c := changes[i]; want == nil && c.Err != nil || want != nil && len(c.Events) != 0 {
			s.Errorf("change %d: %v and %d events", i, c.Err, len(c.Events))
		}
		s.wantErr(fmt.Sprint("change ", i), changes[i].Err, want)
	}
	s.same("counts", s.counts(), store.Counts{Queued: 4})
	s.wantStatuses(s.log(), "QUEUED QUEUED QUEUED QUEUED")
	spent, err := s.Engine.Spend(s.ctx(), account, "2026-09", "TEXT")
	s.need(err)
	s.same("spend of a refused change", spent, sms.Money(0))

	// An ID below the largest is as good as any, if it is not taken: callers
	// commit in another order than they made IDs.
	late, later := s.message(1), s.message(1)
	s.apply(&store.Change{Accept: []store.Accepted{s.accepted(later)}})
	s.apply(&store.Change{Accept: []store.Accepted{s.accepted(late)}})
	s.part(s.update(old, sms.UpdateSettled, 1, sms.StatusInvalid), store.PartApplied)
	gone := &store.Change{Accept: []store.Accepted{s.accepted(old)}}
	s.try(gone)
	s.wantErr("a final message's ID", gone.Err, store.ErrExists)
}

func testMessagesOf(s *suite) {
	messages := s.accept(1, 1, 1, 1, 1)
	theirs := s.message(1)
	theirs.Account = "444455556666"
	s.apply(&store.Change{Accept: []store.Accepted{s.accepted(theirs)}})
	got := all(s, 2, func(last *sms.Message, first bool, limit int) ([]*sms.Message, error) {
		if first {
			return s.Engine.MessagesOf(s.ctx(), account, 0, limit)
		}
		return s.Engine.MessagesOf(s.ctx(), account, last.ID, limit)
	})
	s.same("messages", got, []*sms.Message{messages[4], messages[3], messages[2], messages[1], messages[0]})
	got, err := s.Engine.MessagesOf(s.ctx(), "nobody", 0, 10)
	s.need(err)
	s.same("messages of nobody", len(got), 0)
}

func testQueueScan(s *suite) {
	messages := s.accept(1, 2, 1, 1, 1, 1)
	var want []store.Queued
	for _, m := range messages {
		want = append(want, s.accepted(m).Queued)
	}
	// One goes to another shard, one is handed over.
	moved := want[2]
	moved.Shard = "other"
	s.apply(&store.Change{Requeue: []store.Requeue{{Queued: moved}}})
	s.part(s.update(messages[4], sms.UpdateTaken, 1, ""), store.PartApplied)

	read := func(shard string) []store.Queued {
		return all(s, 2, func(last store.Queued, first bool, limit int) ([]store.Queued, error) {
			if first {
				return s.Engine.QueuedAfter(s.ctx(), shard, store.Place{}, limit)
			}
			return s.Engine.QueuedAfter(s.ctx(), shard, last.Place(), limit)
		})
	}
	s.same("queued", read(shard), []store.Queued{want[0], want[1], want[3], want[5]})
	s.same("queued elsewhere", read("other"), []store.Queued{moved})
	s.same("queued nowhere", len(read("none")), 0)
	s.same("counts", s.counts(), store.Counts{Queued: 5, Awaiting: 1})
}

// A shard's queue is read lane by lane and class by class, whatever order its
// messages came in, and a lane can be passed over.
func testQueueLanes(s *suite) {
	want := map[string][]store.Queued{}
	var change store.Change
	for i := range 12 {
		a := s.accepted(s.message(1 + i%2))
		a.Queued.Lane, a.Queued.Class = []string{"lane1", "lane2"}[i%2], store.Class(i/2%2)
		change.Accept = append(change.Accept, a)
		key := fmt.Sprint(a.Queued.Lane, a.Queued.Class)
		want[key] = append(want[key], a.Queued)
	}
	s.apply(&change)
	got := map[string][]store.Queued{}
	for after, last := (store.Place{}), ""; ; {
		rows, err := s.Engine.QueuedAfter(s.ctx(), shard, after, 2)
		s.need(err)
		if len(rows) == 0 {
			break
		}
		for _, q := range rows {
			key := fmt.Sprint(q.Lane, q.Class)
			if key != last && got[key] != nil {
				s.Errorf("lane and class %s came in two pieces", key)
			}
			last, after = key, q.Place()
			got[key] = append(got[key], q)
		}
	}
	s.same("lanes", got, want)
	lengths, err := s.Engine.QueuedLanes(s.ctx(), shard)
	s.need(err)
	s.same("lengths of lanes", lengths, []store.LaneLength{{Lane: "lane1", Class: 0, Messages: 3, Parts: 3}, {Lane: "lane1", Class: 1, Messages: 3, Parts: 3},
		{Lane: "lane2", Class: 0, Messages: 3, Parts: 6}, {Lane: "lane2", Class: 1, Messages: 3, Parts: 6}})
	none, err := s.Engine.QueuedLanes(s.ctx(), "none")
	s.need(err)
	s.same("lanes of no shard", len(none), 0)
	for key, lane := range want { // what comes after a lane is another lane
		rows, err := s.Engine.QueuedAfter(s.ctx(), shard, lane[len(lane)-1].Place(), 1)
		s.need(err)
		if len(rows) > 0 && fmt.Sprint(rows[0].Lane, rows[0].Class) == key {
			s.Errorf("lane %s goes on after its end", key)
		}
	}
}

func testAwaitingScan(s *suite) {
	shards := func() []string {
		names, err := s.Engine.Shards(s.ctx())
		s.need(err)
		return names
	}
	s.same("shards at first", len(shards()), 0)
	messages := s.accept(1, 2, 1, 1, 2, 1)
	var want []store.Awaiting
	for i, m := range messages[:5] {
		p := s.update(m, sms.UpdateTaken, 1, "")
		p.Shard = []string{"b", "a", "b", "c", "b"}[i]
		s.part(p, store.PartApplied)
		progress, _, _ := sms.NewProgress(m.Parts, nil).Fold(p.Update)
		want = append(want, store.Awaiting{ID: m.ID, Shard: p.Shard, Expires: m.ExpiresAt, Progress: progress})
	}
	s.part(s.update(messages[3], sms.UpdateReceipt, 1, sms.StatusDelivered), store.PartApplied)
	got := all(s, 2, func(last store.Awaiting, _ bool, limit int) ([]store.Awaiting, error) {
		return s.Engine.AwaitingAfter(s.ctx(), "", last.ID, limit)
	})
	s.same("awaiting", got, []store.Awaiting{want[0], want[1], want[2], want[4]})
	s.same("shards", shards(), []string{"a", shard, "b"})
	one, err := s.Engine.AwaitingAfter(s.ctx(), "b", want[0].ID, 10)
	s.need(err)
	s.same("awaiting of a shard", one, []store.Awaiting{want[2], want[4]})
}

func testRequeue(s *suite) {
	m := s.accept(1)[0]
	again := s.accepted(m).Queued
	again.Shard, again.Lane, again.Due, again.Attempts = "other", "lane2", s.now.Add(time.Minute), 4
	again.Route = &sms.Route{Identity: "NOTICE", Carrier: "other", Lane: "lane2", Why: "failover"}
	r := store.Requeue{Queued: again, Announce: true, Description: "The carrier is busy.", Account: account, ConfigurationSet: "set", At: s.now}
	c := &store.Change{Requeue: []store.Requeue{r}}
	s.apply(c)
	want := store.Event{Slot: s.fence.Slot, Seq: 2, Message: m.ID, Account: account, ConfigurationSet: "set", Status: sms.StatusPending, At: s.now,
		Detail: store.EventDetail{Description: "The carrier is busy.", Attempts: 4, Route: again.Route}}
	s.same("events", c.Events, []store.Event{want})
	s.same("log", s.log()[1:], []store.Event{want})
	q, _ := s.openRow(m.ID)
	s.same("queued", q, &again)

	// Without Announce nothing is written to the log.
	again.Attempts, again.Route = 5, nil
	s.apply(&store.Change{Requeue: []store.Requeue{{Queued: again}}})
	q, _ = s.openRow(m.ID)
	s.same("queued again", q, &again)
	s.same("last event", s.lastSeq(), int64(2))

	// The route that a message was requeued with goes on with it.
	again.Route = r.Queued.Route
	s.apply(&store.Change{Requeue: []store.Requeue{{Queued: again}}})
	events := s.part(s.update(m, sms.UpdateTaken, 1, ""), store.PartApplied)
	s.same("route of the event", events[0].Detail.Route, again.Route)
	_, a := s.openRow(m.ID)
	s.same("route of the progress", a.Progress.Route, again.Route)

	// What is not queued any more is left alone.
	c = &store.Change{Requeue: []store.Requeue{r}}
	s.apply(c)
	if q, a := s.openRow(m.ID); q != nil || a == nil || len(c.Events) != 0 {
		s.Errorf("an awaiting message was requeued: %+v, events %+v", q, c.Events)
	}
	s.part(s.update(m, sms.UpdateReceipt, 1, sms.StatusDelivered), store.PartApplied)
	c = &store.Change{Requeue: []store.Requeue{r}}
	s.apply(c)
	if q, a := s.openRow(m.ID); q != nil || a != nil || len(c.Events) != 0 {
		s.Errorf("a final message was requeued: %+v %+v, events %+v", q, a, c.Events)
	}
}
