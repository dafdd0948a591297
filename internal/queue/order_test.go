package queue_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/queue"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// gate is an engine that a test can have refuse commits.
type gate struct {
	store.Engine
	refuse atomic.Pointer[func([]*store.Change) error]
	read   atomic.Pointer[func([]store.Queued)] // told of what was read of a queue
}

func (g *gate) QueuedAfter(ctx context.Context, shard string, after store.Place, limit int) ([]store.Queued, error) {
	rows, err := g.Engine.QueuedAfter(ctx, shard, after, limit)
	if told := g.read.Load(); told != nil {
		(*told)(rows)
	}
	return rows, err
}

func (g *gate) Apply(ctx context.Context, f store.Fence, changes []*store.Change) error {
	if refuse := g.refuse.Load(); refuse != nil {
		if err := (*refuse)(changes); err != nil {
			return err
		}
	}
	return g.Engine.Apply(ctx, f, changes)
}

// Messages whose recipient's slot has come wait for the lane's tokens, and later
// ones to the same recipient come meanwhile.
func TestHeldMessagesKeepTheirOrder(t *testing.T) {
	one := newScripted("one", nil)
	r := newRig(t, "", []carrier.Carrier{one}, func(o *queue.Options) { o.RecipientInterval = 25 * time.Millisecond })
	var all []*sms.Message
	for i := range 60 {
		all = append(all, message(to(i/20), func(m *sms.Message) { m.Body, m.Route.PartsPerSecond = fmt.Sprint(100+i), 100 }))
	}
	r.send(all...)
	eventually(t, "all are handed over", func() bool { return len(one.got()) == 60 })
	last := map[string]string{}
	for _, p := range one.got() {
		if p.Text < last[p.Destination] {
			t.Errorf("to %s, %s came after %s", p.Destination, p.Text, last[p.Destination])
		}
		last[p.Destination] = p.Text
	}
}

// The mark of the first message fails, for instance on a full disk, after the next
// one was claimed; that one does not leave in front of it.
func TestFailedMarkKeepsTheOrder(t *testing.T) {
	one := newScripted("one", nil)
	r := newRig(t, "", []carrier.Carrier{one})
	marks := 0
	refuse := func(changes []*store.Change) error {
		for _, c := range changes {
			if len(c.Mark) == 0 {
				continue
			}
			if marks++; marks == 1 {
				time.Sleep(100 * time.Millisecond) // the second is claimed meanwhile
				return store.ErrFull
			}
		}
		return nil
	}
	r.gate.refuse.Store(&refuse)
	slow := func(m *sms.Message) { m.Route.PartsPerSecond = 20 }
	r.send(message(to(1), slow), message(to(2), slow), message(to(3), slow))
	eventually(t, "all are handed over", func() bool { return len(one.got()) == 3 })
	for i, p := range one.got() {
		if p.Destination != to(i+1) {
			t.Errorf("part %d went to %s", i+1, p.Destination)
		}
	}
	eventually(t, "no row is left", func() bool { return r.counts() == store.Counts{} })
}

// A message that was accepted while the clock was two hours ahead does not wait
// two hours once the clock is right, and what was accepted after it stays behind
// it.
func TestClockSetBackKeepsNothingWaiting(t *testing.T) {
	down := newScripted("one", nil)
	r := newRig(t, "", []carrier.Carrier{down})
	down.setUp(false)
	m := message(to(1))
	ahead := time.Now().Add(2 * time.Hour)
	m.ID, m.AcceptedAt, m.ExpiresAt = r.ids.Next(ahead), ahead.UTC().Truncate(time.Millisecond), ahead.Add(time.Hour)
	accepted := store.Accepted{Message: m, Queued: store.Queued{ID: m.ID, Shard: "one", Lane: "lane", Parts: 1, Due: m.AcceptedAt, Expires: m.ExpiresAt}}
	if err := r.committer.Commit(&store.Change{Accept: []store.Accepted{accepted}}); err != nil {
		t.Fatal(err)
	}
	r.send(message(to(2)))
	r.close()

	one := newScripted("one", nil)
	newRig(t, r.path, []carrier.Carrier{one})
	eventually(t, "both are handed over", func() bool { return len(one.got()) == 2 })
	if got := one.got(); got[0].Destination != to(1) || got[1].Destination != to(2) {
		t.Errorf("handed over to %s, then to %s", got[0].Destination, got[1].Destination)
	}
}

// A part that was sent twice and is in flight again when the process ends has two
// marks. Both go with its outcome.
func TestRestartRemovesEveryMarkOfAPart(t *testing.T) {
	var answers atomic.Int32
	one := newScripted("one", func(carrier.Part) (carrier.Outcome, bool) {
		return carrier.Outcome{Kind: carrier.Unknown}, answers.Add(1) == 1
	})
	r := newRig(t, "", []carrier.Carrier{one})
	ids := r.send(message(to(1)))
	eventually(t, "it is in flight again", func() bool { return len(one.got()) == 2 && r.counts().Dispatches == 2 })

	again := newRig(t, snapshot(t, r.path), []carrier.Carrier{newScripted("one", nil)})
	eventually(t, "it is final", func() bool { return again.statuses(ids[0]) == "QUEUED SUCCESSFUL. " })
	eventually(t, "no row is left", func() bool { return again.counts() == store.Counts{} })
}

// While outcomes cannot be written, for instance on a full disk, nothing more is
// handed over: a crash would send all of it twice.
func TestNothingLeavesWhileOutcomesCannotBeWritten(t *testing.T) {
	one := newScripted("one", nil)
	r := newRig(t, "", []carrier.Carrier{one})
	var refused atomic.Int32
	refuse := func(changes []*store.Change) error {
		for _, c := range changes {
			if len(c.Parts) > 0 {
				refused.Add(1)
				return store.ErrFull
			}
		}
		return nil
	}
	r.gate.refuse.Store(&refuse)
	r.send(message(to(1)))
	eventually(t, "the outcome is refused", func() bool { return refused.Load() > 0 })
	r.send(message(to(2)), message(to(3)))
	eventually(t, "it is tried again", func() bool { return refused.Load() > 2 })
	if got := one.got(); len(got) != 1 {
		t.Errorf("%d parts were handed over", len(got))
	}
	r.gate.refuse.Store(nil)
	eventually(t, "all are handed over", func() bool { return len(one.got()) == 3 && r.counts() == store.Counts{} })
}

// A part that could not be handed over, for instance because the session was
// ending, is on its way back to its lane while the next one may leave.
func TestPartsThatComeBackAreNotPassed(t *testing.T) {
	var submitted atomic.Int32
	one := newScripted("one", func(carrier.Part) (carrier.Outcome, bool) {
		if submitted.Add(1) == 1 {
			return carrier.Outcome{Kind: carrier.OtherRoute}, true
		}
		return carrier.Outcome{Kind: carrier.Accepted}, true
	})
	r := newRig(t, "", []carrier.Carrier{one})
	refuse := func(changes []*store.Change) error {
		if submitted.Load() == 1 {
			time.Sleep(100 * time.Millisecond) // the next would be claimed meanwhile
		}
		return nil
	}
	r.gate.refuse.Store(&refuse)
	slow := func(m *sms.Message) { m.Route.PartsPerSecond = 50 }
	r.send(message(to(1), slow), message(to(2), slow), message(to(3), slow))
	eventually(t, "all are handed over", func() bool { return len(one.got()) == 4 })
	for i, p := range one.got() {
		if want := to(max(i, 1)); p.Destination != want {
			t.Errorf("submission %d went to %s, want %s", i+1, p.Destination, want)
		}
	}
	eventually(t, "no row is left", func() bool { return r.counts() == store.Counts{} })
}
