package storetest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func testFence(s *suite) {
	m := s.message(1)
	c := &store.Change{Accept: []store.Accepted{s.accepted(m)}}
	for _, f := range []store.Fence{{}, {Slot: s.fence.Slot, Epoch: s.fence.Epoch + 1}, {Slot: s.fence.Slot + 1, Epoch: s.fence.Epoch}} {
		s.wantErr("a fence that nobody gave", s.Engine.Apply(s.ctx(), f, []*store.Change{c}), store.ErrFenced)
	}
	s.same("counts", s.counts(), store.Counts{})
	s.apply(c)
	s.wantStatuses(s.log(), "QUEUED")
}

// testTakeover joins a second process to the slot while the first still runs.
func testTakeover(s *suite) {
	m := s.accept(1)[0]
	mine, lost := s.Engine, s.fence
	s.Engine = s.reopen()
	s.fence = s.join()
	if s.fence.Slot != lost.Slot || s.fence.Epoch <= lost.Epoch {
		s.Fatalf("fence %+v after %+v", s.fence, lost)
	}
	p := s.update(m, sms.UpdateTaken, 1, "")
	stale := &store.Change{Accept: []store.Accepted{s.accepted(s.message(1))}, Parts: []store.PartChange{p}}
	s.wantErr("the old owner", mine.Apply(s.ctx(), lost, []*store.Change{stale}), store.ErrFenced)
	s.same("events of a refused change", len(stale.Events), 0)
	s.same("counts", s.counts(), store.Counts{Queued: 1})

	// The new owner goes on where the old one stood, and the old one if it joins
	// again does so where the new one stood.
	s.wantStatuses(s.part(p, store.PartApplied), "SUCCESSFUL")
	s.accept(1)
	s.Engine = mine
	s.fence = s.join()
	events := s.part(s.update(m, sms.UpdateReceipt, 1, sms.StatusDelivered), store.PartApplied)
	s.same("seq", events[0].Seq, int64(4))
	again := &store.Change{Accept: []store.Accepted{s.accepted(m)}}
	s.try(again)
	s.wantErr("a taken ID", again.Err, store.ErrExists)
}

func testContext(s *suite) {
	ctx, cancel := context.WithCancel(s.ctx())
	cancel()
	m := s.message(1)
	c := &store.Change{Accept: []store.Accepted{s.accepted(m)}}
	s.wantErr("apply", s.Engine.Apply(ctx, s.fence, []*store.Change{c}), context.Canceled)
	_, err := s.Engine.Messages(ctx, []sms.ID{m.ID})
	s.wantErr("messages", err, context.Canceled)
	_, err = s.Engine.QueuedAfter(ctx, shard, store.Place{}, 10)
	s.wantErr("queued", err, context.Canceled)
	_, err = s.Engine.Join(ctx, "node")
	s.wantErr("join", err, context.Canceled)
	s.same("counts", s.counts(), store.Counts{})
	s.apply(c)
}

func testReopen(s *suite) {
	m := s.accept(1, 2, 1)
	s.part(s.update(m[0], sms.UpdateTaken, 1, ""), store.PartApplied)
	s.part(s.update(m[2], sms.UpdateSettled, 1, sms.StatusInvalid), store.PartApplied)
	s.apply(&store.Change{
		Mark:      []store.Dispatch{{Seq: 7, Shard: "acme", Parts: []sms.PartID{m[1].ID.Part(1)}}},
		Park:      []store.ParkedReceipt{{Seq: 9, Carrier: "acme", At: s.now, Doc: []byte("x")}},
		Spend:     []store.SpendDelta{{UsageKey: store.UsageKey{Account: account, Month: "2026-09", Channel: "TEXT"}, Sums: store.Sums{Price: 5}}},
		Cursors:   []store.Cursor{{Slot: s.fence.Slot, Seq: 3}},
		Lag:       []store.LagBatch{{LagKey: store.LagKey{Destination: "a", First: 2}, Seqs: []int64{2, 3}}},
		Resources: []store.ResourceWrite{s.resource(account, "pool", "a", `{}`)},
	})
	type snapshot struct {
		Log       []store.Event
		Messages  []*sms.Message
		Queued    *store.Queued
		Awaiting  *store.Awaiting
		Counts    store.Counts
		Cursors   []store.Cursor
		Lag       []store.LagBatch
		Spend     sms.Money
		Resources []store.Resource
		Last      []int64
	}
	look := func() (v snapshot) {
		var err, first error
		keep := func() {
			if first == nil {
				first = err
			}
		}
		v.Log, v.Counts, v.Resources = s.log(), s.counts(), s.resources(account)
		v.Queued, _ = s.openRow(m[1].ID)
		_, v.Awaiting = s.openRow(m[0].ID)
		v.Messages, err = s.Engine.MessagesOf(s.ctx(), account, 0, 10)
		keep()
		v.Cursors, err = s.Engine.Cursors(s.ctx())
		keep()
		v.Lag, err = s.Engine.LagBatches(s.ctx(), "a", s.fence.Slot, 10)
		keep()
		v.Spend, err = s.Engine.Spend(s.ctx(), account, "2026-09", "TEXT")
		keep()
		id, err := s.Engine.LastID(s.ctx(), s.fence.Slot)
		keep()
		dispatch, err := s.Engine.LastDispatch(s.ctx(), s.fence.Slot)
		keep()
		parked, err := s.Engine.LastParked(s.ctx(), s.fence.Slot)
		keep()
		v.Last = []int64{int64(id), dispatch, parked, s.lastSeq()}
		s.need(first)
		return v
	}
	before := look()
	s.need(s.Engine.Close())
	s.Engine = s.reopen()
	s.same("what was written", look(), before)
	s.same("last rows", before.Last, []int64{int64(m[2].ID), 7, 9, 5})

	// The fence of the process before is still the slot's until somebody joins.
	old := s.fence
	s.fence = s.join()
	if s.fence.Epoch <= old.Epoch {
		s.Errorf("epoch %d after %d", s.fence.Epoch, old.Epoch)
	}
	events := s.part(s.update(m[0], sms.UpdateReceipt, 1, sms.StatusDelivered), store.PartApplied)
	s.same("seq", events[0].Seq, before.Last[3]+1)
	// Nor is anything forgotten with the next commits.
	s.wantStatuses(s.part(s.update(m[1], sms.UpdateTaken, 1, ""), store.PartApplied), "")
	s.wantStatuses(s.part(s.update(m[1], sms.UpdateTaken, 2, ""), store.PartApplied), "SUCCESSFUL")
	again := &store.Change{Accept: []store.Accepted{s.accepted(m[2])}}
	s.try(again)
	s.wantErr("a taken ID", again.Err, store.ErrExists)
}

func testClose(s *suite) {
	s.accept(1)
	s.need(s.Engine.Close())
	s.need(s.Engine.Close())
	s.wantErr("apply", s.Engine.Apply(s.ctx(), s.fence, []*store.Change{{}}), store.ErrClosed)
	_, err := s.Engine.Join(s.ctx(), "node")
	s.wantErr("join", err, store.ErrClosed)
	_, err = s.Engine.LastSeq(s.ctx(), 0)
	s.wantErr("last event", err, store.ErrClosed)
}

// testGroupCommit has many callers commit at once through a Committer, while
// others read.
func testGroupCommit(s *suite) {
	const callers, each = 16, 20
	type told struct {
		seq    int64
		status sms.Status
	}
	var observed []told
	transactions := 0
	c := store.NewCommitter(s.Engine, s.fence, store.CommitterOptions{
		Observers: []func([]*store.Change){func(changes []*store.Change) {
			for _, one := range changes {
				for _, e := range one.Events {
					observed = append(observed, told{e.Seq, e.Status})
				}
			}
		}},
		Fatal: func(err error) { s.Error(err) },
		Stats: func(int, time.Duration, error) { transactions++ },
	})
	var messages [callers][]*sms.Message
	for i := range messages {
		for range each {
			messages[i] = append(messages[i], s.message(1))
		}
	}
	s.apply(&store.Change{Resources: []store.ResourceWrite{s.resource(account, "counter", "a", `0`)}})
	var wg sync.WaitGroup
	conflicts := make([]int, callers)
	for i := range messages {
		wg.Go(func() {
			for _, m := range messages[i] {
				accept := store.Change{Accept: []store.Accepted{s.accepted(m)}}
				if err := c.Commit(&accept); err != nil || len(accept.Events) != 1 {
					s.Errorf("accept: %v, events %v", err, accept.Events)
				}
				// It is there as soon as Commit has answered.
				if q, a, err := s.Engine.Open(s.ctx(), m.ID); err != nil || q == nil || a != nil {
					s.Errorf("message %d after its commit: %v %v %v", m.ID, q, a, err)
				}
				u := sms.PartUpdate{Message: m.ID, Parts: 1, Number: 1, Kind: sms.UpdateSettled, Status: sms.StatusSuccessful, At: m.AcceptedAt}
				if err := c.Commit(&store.Change{Parts: []store.PartChange{{Update: u, Account: account}}}); err != nil {
					s.Errorf("settle: %v", err)
				}
			}
			// All write version 2 of one resource; one of them can.
			w := s.resource(account, "counter", "a", `1`)
			w.Expect = 1
			if err := c.Commit(&store.Change{Resources: []store.ResourceWrite{w}}); errors.Is(err, store.ErrVersion) {
				conflicts[i] = 1
			} else if err != nil {
				s.Errorf("resource: %v", err)
			}
		})
	}
	wg.Wait()
	c.Close()
	s.same("conflicts", slices.Index(conflicts, 0) >= 0 && sum(conflicts) == callers-1, true)
	s.same("counts", s.counts(), store.Counts{})
	log := s.log()
	s.same("events", len(log), 2*callers*each)
	s.same("observed", len(observed), len(log))
	for i, e := range log {
		if e.Seq != int64(i+1) || observed[i] != (told{e.Seq, e.Status}) {
			s.Fatalf("event %d of the log is %+v, observed as %+v", i+1, e, observed[i])
		}
	}
	if transactions >= 2*callers*each {
		s.Errorf("%d transactions: nothing was gathered", transactions)
	}
}

func sum(v []int) (n int) {
	for _, x := range v {
		n += x
	}
	return n
}
