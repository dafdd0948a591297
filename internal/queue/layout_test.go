package queue_test

import (
	"context"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/queue"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// under makes messages durable that were accepted under a layout.
func (r *rig) under(l carrier.Layout, messages []*sms.Message) {
	r.t.Helper()
	change := &store.Change{}
	for _, m := range messages {
		now := time.Now()
		m.ID, m.AcceptedAt, m.ExpiresAt = r.ids.Next(now), now.UTC().Truncate(time.Millisecond), now.Add(time.Hour).Truncate(time.Millisecond)
		change.Accept = append(change.Accept, store.Accepted{Message: m, Queued: store.Queued{ID: m.ID, Shard: l.Shard(m.Route.Carrier, m.Route.Lane),
			Lane: m.Route.Lane, Class: store.ClassOf(m.Type), Parts: m.Parts, Due: m.AcceptedAt, Expires: m.ExpiresAt}})
	}
	if err := r.committer.Commit(change); err != nil {
		r.t.Fatal(err)
	}
}

// A queue that was long when its carrier had one shard is taken up by two, with newer
// messages that are stored under their own names: each leaves once, in the order of its
// lane, however long the database takes.
func TestLayoutIsChanged(t *testing.T) {
	old := newScripted("one", nil)
	old.up = false
	r := newRig(t, "", []carrier.Carrier{old}, small)
	const n, lanes = 480, 12
	all := numbered(n, lanes)
	r.under(carrier.Layout{"one": 1}, all[:n/2])
	r.under(carrier.Layout{"one": 2}, all[n/2:])

	a, b := newScripted("one#1of2", nil), newScripted("one#2of2", nil)
	slowly := func([]store.Queued) { time.Sleep(5 * time.Millisecond) }
	again := newRig(t, snapshot(t, r.path), []carrier.Carrier{a, b}, small)
	again.gate.read.Store(&slowly)
	eventually(t, "no row is left", func() bool { return again.counts() == store.Counts{} })
	for _, c := range []*scripted{a, b} {
		if len(c.got()) == 0 {
			t.Errorf("nothing left through %s", c.name)
		}
		inOrder(t, c.got(), lanes)
	}
	if got := len(a.got()) + len(b.got()); got != n {
		t.Errorf("%d parts were handed over, want %d", got, n)
	}
}

// What a node of another layout goes on to accept is taken up when it is looked for.
func TestMessagesOfAFormerLayoutAreTakenUp(t *testing.T) {
	a, b := newScripted("one#1of2", nil), newScripted("one#2of2", nil)
	r := newRig(t, "", []carrier.Carrier{a, b}, small)
	r.under(carrier.Layout{"one": 3}, numbered(60, 12))
	r.under(carrier.Layout{"one": 1}, numbered(60, 12))
	for range 3 {
		if err := r.queue.TakeUp(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	eventually(t, "no row is left", func() bool { return r.counts() == store.Counts{} })
	if got := len(a.got()) + len(b.got()); got != 120 {
		t.Errorf("%d parts were handed over, want 120", got)
	}
}

// Each time that a part may have been sent counts, also those before a crash.
func TestResendsCountAfterARestart(t *testing.T) {
	tries := 0
	lost := newScripted("one", func(carrier.Part) (carrier.Outcome, bool) {
		tries++
		return carrier.Outcome{Kind: carrier.Unknown}, tries < 3 // the third is in flight when the process ends
	})
	r := newRig(t, "", []carrier.Carrier{lost})
	ids := r.send(message(to(1)))
	eventually(t, "it is sent three times", func() bool { return len(lost.got()) == 3 && r.counts().Dispatches == 3 })

	again := newRig(t, snapshot(t, r.path), []carrier.Carrier{newScripted("one", nil)})
	eventually(t, "no row is left", func() bool { return again.counts() == store.Counts{} })
	events, err := again.engine.MessageEvents(context.Background(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	if parts := events[len(events)-1].Detail.Parts; len(parts) != 1 || parts[0].Resent != 3 {
		t.Errorf("the story tells of %+v, want three resends", parts)
	}
}

// Where the carriers of all identities of a pool are down, and each node takes the
// other's to be up, a message does not go to and fro all the time.
func TestMessagesDoNotGoToAndFro(t *testing.T) {
	one, two := newScripted("one", nil), newScripted("two", nil)
	one.up, two.up = false, false
	r := newRig(t, "", []carrier.Carrier{one, two}, func(o *queue.Options) {
		o.Reroute = func(_ *sms.Message, now sms.Route) (sms.Route, bool) {
			other := map[string]string{"one": "two", "two": "one"}[now.Carrier]
			return sms.Route{Identity: "+492", Kind: sms.IdentityPhoneNumber, PoolID: "pool-1", Carrier: other, Lane: other}, true
		}
	})
	ids := r.send(message(to(1), func(m *sms.Message) { m.Route.PoolID = "pool-1" }))
	eventually(t, "it moves", func() bool { return r.statuses(ids[0]) == "QUEUED PENDING MOVED " })
	time.Sleep(1500 * time.Millisecond)
	if got := r.statuses(ids[0]); got != "QUEUED PENDING MOVED " {
		t.Errorf("its story is %q", got)
	}
}
