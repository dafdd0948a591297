package storetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// RunPrune runs the suite of engines that are Pruners.
func RunPrune(t *testing.T, open Opener) {
	for _, test := range []struct {
		name string
		run  func(*pruning)
	}{
		{"what has ended goes", testPruneEnded},
		{"what is open stays", testPruneOpen},
		{"texts and numbers go", testRedact},
		{"many texts go", testRedactMany},
		{"texts that had to stay go later", testRedactLeft},
		{"contents of events go", testRedactContents},
		{"what is not published stays", testPruneSpared},
		{"IDs go on", testPruneIDs},
		{"IDs of other events go on", testPruneAppendedIDs},
		{"late receipts", testPruneLate},
		{"parked receipts and spend", testPruneRest},
		{"lists that go", testPruneEntries},
		{"old log lines", testPruneLogs},
		{"many, between commits", testPruneMany},
		{"any lives", testPruneAny},
		{"fence", testPruneFence},
		{"an ended context", testPruneContext},
		{"shrink and sizes", testShrink},
	} {
		t.Run(strings.ReplaceAll(test.name, " ", "-"), func(t *testing.T) {
			s := &suite{T: t, open: open, dir: t.TempDir(), ids: sms.NewIDs(0, 0), now: time.UnixMilli(1_790_000_000_123).UTC()}
			s.Engine = s.reopen()
			s.fence = s.join()
			test.run(&pruning{s})
		})
	}
}

type pruning struct{ *suite }

func (s *pruning) pruner() store.Pruner {
	s.Helper()
	p, ok := s.Engine.(store.Pruner)
	if !ok {
		s.Fatal("the engine is no Pruner")
	}
	return p
}

// pass runs a pass to its end.
func (s *pruning) pass(p store.Pass) store.Pruned {
	s.Helper()
	if p.Within == 0 {
		p.Within = 10 * time.Millisecond
	}
	var sum store.Pruned
	for steps := 0; !p.Done(); steps++ {
		n, err := s.pruner().Prune(s.ctx(), s.fence, &p)
		s.need(err)
		if n.Rows() > 0 && n.Held <= 0 {
			s.Errorf("%+v was pruned in no time", n)
		}
		if steps > 100_000 {
			s.Fatalf("no end: %+v", p)
		}
		n.Held = 0
		sum = sum.Plus(n)
	}
	return sum
}

// before prunes the messages before an ID.
func (s *pruning) before(id sms.ID, messages, events int) {
	s.Helper()
	s.same("pruned", s.pass(store.Pass{Messages: id}), store.Pruned{Messages: messages, Events: events})
}

// end ends messages of one part, which gives each three events.
func (s *pruning) end(messages ...*sms.Message) {
	s.Helper()
	for _, m := range messages {
		s.part(s.update(m, sms.UpdateTaken, 1, ""), store.PartApplied)
		s.part(s.update(m, sms.UpdateReceipt, 1, sms.StatusDelivered), store.PartApplied)
	}
}

// published moves the router's cursor to the end of the log.
func (s *pruning) published() {
	s.Helper()
	s.apply(&store.Change{Cursors: []store.Cursor{{Slot: s.fence.Slot, Seq: s.lastSeq()}}})
}

// wantThere checks which of the messages are there, with how many events.
func (s *pruning) wantThere(messages []*sms.Message, events ...int) {
	s.Helper()
	for i, m := range messages {
		read, err := s.Engine.Messages(s.ctx(), []sms.ID{m.ID})
		s.need(err)
		if there := read[0] != nil; there != (events[i] > 0) {
			s.Errorf("message %d is there: %v", i, there)
		}
		if n := len(s.story(m.ID)); n != events[i] {
			s.Errorf("message %d has %d events, want %d", i, n, events[i])
		}
	}
}

func testPruneEnded(s *pruning) {
	m := s.accept(1, 1, 1)
	s.end(m...)
	s.published()
	perMessage := len(s.story(m[0].ID))
	s.before(0, 0, 0)
	s.before(m[0].ID, 0, 0)
	s.before(m[2].ID, 2, 2*perMessage)
	s.wantThere(m, 0, 0, perMessage)
	of, err := s.Engine.MessagesOf(s.ctx(), account, 0, 10)
	s.need(err)
	if len(of) != 1 || of[0].ID != m[2].ID {
		s.Errorf("the account has %v", of)
	}
	s.before(m[2].ID, 0, 0)
	s.before(m[2].ID+1, 1, perMessage)
	s.same("length of the log", len(s.log()), 0)
}

func testPruneOpen(s *pruning) {
	m := s.accept(1, 2, 1, 2)
	s.part(s.update(m[1], sms.UpdateTaken, 1, ""), store.PartApplied)
	s.end(m[2])
	s.part(s.update(m[3], sms.UpdateTaken, 1, ""), store.PartApplied)
	s.part(s.update(m[3], sms.UpdateTaken, 2, ""), store.PartApplied)
	s.published()
	var events []int
	for i := range m {
		events = append(events, len(s.story(m[i].ID)))
	}
	all := m[3].ID + 1
	s.before(all, 1, events[2])
	s.wantThere(m, events[0], events[1], 0, events[3])
	if q, _ := s.openRow(m[0].ID); q == nil {
		s.Error("a queued message has lost its row")
	}
	if _, a := s.openRow(m[1].ID); a == nil {
		s.Error("a message that waits for a part has lost its row")
	}
	// What stayed goes on as if nothing had been.
	s.end(m[0])
	s.published()
	n := len(s.story(m[0].ID))
	s.before(all, 1, n)
}

func testPruneSpared(s *pruning) {
	m := s.accept(1, 1, 1, 1)
	s.end(m...)
	n := len(s.story(m[0].ID))
	all := m[3].ID + 1
	// No router has ever been there.
	s.before(all, 0, 0)
	last := func(m *sms.Message) int64 {
		events := s.story(m.ID)
		return events[len(events)-1].Seq
	}
	cursor := func(seq int64) { s.apply(&store.Change{Cursors: []store.Cursor{{Slot: s.fence.Slot, Seq: seq}}}) }
	// The last event of a message counts, not its first.
	cursor(last(m[1]) - 1)
	s.before(all, 1, n)
	s.wantThere(m, 0, n, n, n)
	lag := store.LagBatch{LagKey: store.LagKey{Destination: "a/b/c", Slot: s.fence.Slot, First: last(m[1])}, Seqs: []int64{last(m[1]), last(m[2])}}
	other := store.LagBatch{LagKey: store.LagKey{Destination: "a/b/d", Slot: s.fence.Slot, First: last(m[1])}, Seqs: []int64{last(m[1])}}
	s.apply(&store.Change{Lag: []store.LagBatch{lag, other}})
	s.published()
	s.before(all, 1, n)
	s.wantThere(m, 0, n, n, 0)
	got, err := s.Engine.EventsAt(s.ctx(), s.fence.Slot, lag.Seqs)
	s.need(err)
	s.same("events of the lag", len(got), 2)
	rest := lag
	rest.First, rest.Seqs = last(m[2]), []int64{last(m[2])}
	s.apply(&store.Change{LagDone: []store.LagKey{lag.LagKey}, Lag: []store.LagBatch{rest}})
	s.before(all, 0, 0)
	s.apply(&store.Change{LagDone: []store.LagKey{other.LagKey}})
	s.before(all, 1, n)
	s.wantThere(m, 0, 0, n, 0)
	s.apply(&store.Change{LagDone: []store.LagKey{rest.LagKey}})
	s.before(all, 1, n)
	s.same("length of the log", len(s.log()), 0)
}

// The IDs of events that no message has are not made again when these are gone.
func testPruneAppendedIDs(s *pruning) {
	id := s.message(1).ID
	s.apply(&store.Change{Append: []store.Event{{Account: account, Message: id, Status: store.StatusInbound, At: id.Time()}}})
	s.published()
	s.before(sms.FirstID(id.Time().Add(time.Millisecond)), 0, 1)
	s.fence = s.join()
	last, err := s.Engine.LastID(s.ctx(), s.fence.Slot)
	s.need(err)
	s.same("last ID", last, id)
}

// IDs and Seqs are never given twice, whatever was pruned.
func testPruneIDs(s *pruning) {
	m := s.accept(1, 1)
	s.end(m...)
	s.published()
	seq := s.lastSeq()
	s.before(m[1].ID+1, 2, len(s.log()))
	want := func(when string, seq int64, id sms.ID) {
		s.Helper()
		s.same("last event "+when, s.lastSeq(), seq)
		got, err := s.Engine.LastID(s.ctx(), s.fence.Slot)
		s.need(err)
		s.same("last ID "+when, got, id)
	}
	want("of all pruned", seq, m[1].ID)
	s.fence = s.join()
	want("after another join", seq, m[1].ID)
	s.need(s.Engine.Close())
	s.Engine = s.reopen()
	want("after another start", seq, m[1].ID)
	s.fence = s.join()
	more := s.accept(1)
	if got := s.log(); len(got) != 1 || got[0].Seq != seq+1 {
		s.Errorf("the log goes on with %+v", got)
	}
	want("of a new message", seq+1, more[0].ID)
	// What is pruned out of order does not take them back.
	s.end(more...)
	old := s.message(1)
	old.ID = m[0].ID
	s.apply(&store.Change{Accept: []store.Accepted{s.accepted(old)}})
	s.end(old)
	s.published()
	seq = s.lastSeq()
	s.before(more[0].ID+1, 2, len(s.log()))
	want("at last", seq, more[0].ID)
}

// A receipt for a message that is gone changes nothing, and what it leaves in
// the story goes later.
func testPruneLate(s *pruning) {
	m := s.accept(1, 1)
	s.end(m...)
	s.published()
	n := len(s.story(m[0].ID))
	s.before(m[1].ID, 1, n)
	late := s.part(s.update(m[0], sms.UpdateReceipt, 1, sms.StatusDelivered), store.PartNoChange)
	s.wantStatuses(late, string(store.StatusLateReceipt))
	s.part(s.update(m[0], sms.UpdateTaken, 1, ""), store.PartNoChange)
	s.part(s.update(m[0], sms.UpdateTakenFinal, 0, sms.StatusUnknown), store.PartNoChange)
	s.part(s.update(m[0], sms.UpdateUnsentFinal, 0, sms.StatusTTLExpired), store.PartNoChange)
	s.apply(&store.Change{Requeue: []store.Requeue{{Queued: s.accepted(m[0]).Queued, Announce: true, At: s.now}}})
	s.same("counts", s.counts(), store.Counts{})
	s.same("rows of the late receipt", len(s.story(m[0].ID)), 1)
	at := late[0].At
	s.same("before its time", s.pass(store.Pass{Messages: sms.FirstID(at)}), store.Pruned{Messages: 1, Events: n})
	// The router has not passed it, so it stays though its time has come.
	s.same("before the router", s.pass(store.Pass{Messages: sms.FirstID(at.Add(time.Second))}), store.Pruned{})
	s.published()
	s.same("after the router", s.pass(store.Pass{Messages: sms.FirstID(at.Add(time.Second))}), store.Pruned{Events: 1})
	s.same("rows of the late receipt then", len(s.story(m[0].ID)), 0)
	s.same("last event", s.lastSeq(), late[0].Seq)
}

func testPruneRest(s *pruning) {
	park := func(seq int64, age time.Duration) store.ParkedReceipt {
		return store.ParkedReceipt{Seq: seq, Carrier: "acme", At: s.now.Add(-age), Doc: []byte("receipt")}
	}
	delta := func(account, month string) store.SpendDelta {
		return store.SpendDelta{UsageKey: store.UsageKey{Account: account, Month: month, Channel: "TEXT"}, Sums: store.Sums{Price: 7}}
	}
	s.apply(&store.Change{
		Park:  []store.ParkedReceipt{park(1, 2*time.Hour), park(2, time.Minute), park(3, 3*time.Hour)},
		Spend: []store.SpendDelta{delta(account, "2025-08"), delta("other", "2025-08"), delta(account, "2025-09"), delta(account, "2026-09")},
	})
	s.same("nothing is old", s.pass(store.Pass{Receipts: s.now.Add(-4 * time.Hour), Month: "2025-08"}), store.Pruned{})
	s.same("pruned", s.pass(store.Pass{Receipts: s.now.Add(-time.Hour), Month: "2025-09"}), store.Pruned{Receipts: 2, Spend: 2})
	left, err := s.Engine.ParkedReceipts(s.ctx(), s.fence.Slot, 0, 10)
	s.need(err)
	if len(left) != 1 || left[0].Seq != 2 {
		s.Errorf("parked: %+v", left)
	}
	for month, want := range map[string]sms.Money{"2025-08": 0, "2025-09": 7, "2026-09": 7} {
		got, err := s.Engine.Spend(s.ctx(), account, month, "TEXT")
		s.need(err)
		s.same(month, got, want)
	}
	// Who matches a receipt that is gone does not notice.
	s.apply(&store.Change{Unpark: []store.SlotSeq{{Slot: s.fence.Slot, Seq: 1}, {Slot: s.fence.Slot, Seq: 2}}, Spend: []store.SpendDelta{delta(account, "2025-08")}})
	s.same("counts", s.counts(), store.Counts{})
}

func testPruneFence(s *pruning) {
	m := s.accept(1)
	s.end(m...)
	s.published()
	stale := s.fence
	s.fence = s.join()
	s.apply(&store.Change{Park: []store.ParkedReceipt{{Seq: 1, At: s.now}},
		Spend:   []store.SpendDelta{{UsageKey: store.UsageKey{Account: account, Month: "2020-01", Channel: "TEXT"}, Sums: store.Sums{Price: 1}}},
		Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: store.EntryKey{List: 5, Key: 1}}}},
		Logs:    []store.LogEvent{{Group: 9, At: s.now, Seq: 1}}})
	lists, logs := []int64{5}, map[int64]time.Time{9: s.now.Add(time.Hour)}
	for stage := store.PruneMessages; stage < store.PruneDone; stage++ {
		if stage == store.PruneStories || stage == store.PruneContents {
			continue // has nothing to delete here
		}
		_, err := s.pruner().Prune(s.ctx(), stale, &store.Pass{Messages: m[0].ID + 1, Bodies: m[0].ID + 1, Numbers: m[0].ID + 1, Receipts: s.now.Add(time.Hour), Month: "2021-01",
			Lists: lists, Logs: logs, Within: time.Second, Stage: stage})
		s.wantErr("a node that was fenced off prunes", err, store.ErrFenced)
	}
	s.wantThere(m, len(s.log()))
	s.same("under its fence", s.pass(store.Pass{Messages: m[0].ID + 1, Receipts: s.now.Add(time.Hour), Month: "2021-01", Lists: lists, Logs: logs}),
		store.Pruned{Messages: 1, Events: 3, Receipts: 1, Spend: 1, Entries: 1, Logs: 1})
}

func testPruneContext(s *pruning) {
	m := s.accept(1)
	s.end(m...)
	s.published()
	ctx, cancel := context.WithCancel(s.ctx())
	cancel()
	_, err := s.pruner().Prune(ctx, s.fence, &store.Pass{Messages: m[0].ID + 1, Within: time.Second})
	s.wantErr("prune", err, context.Canceled)
	_, err = s.pruner().Sizes(ctx)
	s.wantErr("sizes", err, context.Canceled)
	s.wantThere(m, len(s.log()))
}

func testShrink(s *pruning) {
	sizes, err := s.pruner().Sizes(s.ctx())
	s.need(err)
	if sizes.Database <= 0 || sizes.Log < 0 || sizes.Free < 0 {
		s.Errorf("%+v", sizes)
	}
	n, err := s.pruner().Shrink(s.ctx(), s.fence, time.Second)
	s.need(err)
	s.same("an empty database shrinks", n.More, false)
}
