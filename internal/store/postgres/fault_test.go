//go:build postgres

package postgres

import (
	"errors"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
)

// scene is a batch that does a bit of everything, and what it finds.
type scene struct {
	queued, awaiting, fresh *sms.Message
	batch                   []*store.Change
	spent                   sms.Money
}

// set prepares a scene.
func (n *node) set() *scene {
	n.t.Helper()
	s := new(scene)
	var first, second, third *store.Change
	first, s.queued = n.accept(1)
	second, s.awaiting = n.accept(2)
	n.apply(first, second, update(s.awaiting, sms.UpdateTaken, 1, ""))
	s.spent = n.spent()
	third, s.fresh = n.accept(1)
	n.seq++
	s.batch = []*store.Change{third, update(s.queued, sms.UpdateTaken, 1, ""), update(s.awaiting, sms.UpdateTaken, 2, ""),
		update(s.awaiting, sms.UpdateReceipt, 1, sms.StatusDelivered), update(s.awaiting, sms.UpdateReceipt, 2, sms.StatusDelivered),
		{Mark: []store.Dispatch{{Seq: n.seq, Shard: "acme", Parts: []sms.PartID{s.fresh.ID.Part(1)}}},
			Cursors: []store.Cursor{{Slot: n.fence.Slot, Seq: int64(s.fresh.ID)}}}}
	return s
}

// look reports whether the batch is in the store: all of it or nothing, and once.
func (n *node) look(s *scene) (landed bool) {
	n.t.Helper()
	t := n.t
	messages, err := n.Messages(t.Context(), []sms.ID{s.fresh.ID})
	if err != nil {
		t.Fatal(err)
	}
	landed = messages[0] != nil
	queued, _, err := n.Open(t.Context(), s.queued.ID)
	if err != nil {
		t.Fatal(err)
	}
	_, awaiting, err := n.Open(t.Context(), s.awaiting.ID)
	if err != nil {
		t.Fatal(err)
	}
	events, err := n.MessageEvents(t.Context(), s.awaiting.ID)
	if err != nil {
		t.Fatal(err)
	}
	spent, finals, seq := s.spent, 0, int64(0)
	for _, e := range events {
		if e.Final {
			finals++
		}
	}
	if landed {
		spent++
	}
	if (queued == nil) != landed || (awaiting == nil) != landed || (finals == 1) != landed || finals > 1 || n.spent() != spent {
		t.Fatalf("landed %v: queued %v, awaiting %v, %d final events, spent %d after %d", landed, queued, awaiting, finals, n.spent(), s.spent)
	}
	// The log stays dense.
	for seq = 0; ; {
		log, err := n.EventsAfter(t.Context(), n.fence.Slot, seq, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range log {
			if seq++; e.Seq != seq {
				t.Fatalf("event %d has the seq %d", seq, e.Seq)
			}
		}
		if len(log) < 1000 {
			break
		}
	}
	if last, err := n.LastSeq(t.Context(), n.fence.Slot); err != nil || last != seq {
		t.Fatalf("the log ends at %d, and is said to at %d (%v)", seq, last, err)
	}
	return landed
}

// points counts the messages of a commit.
func (n *node) points(g *gate) int {
	n.t.Helper()
	s := n.set()
	g.arm(observe, 0, false)
	n.apply(s.batch...)
	points := g.messages()
	if !n.look(s) || points < 30 {
		n.t.Fatalf("%d messages", points)
	}
	return points
}

// A node stops at any point of a commit, another takes its slot over, and then the
// first goes on.
func testStale(t *testing.T, r *rig) {
	url := r.database()
	stale(t, url, url, 1)
}

func testStalePooled(t *testing.T, r *rig) {
	url := r.database()
	stale(t, url, r.Bouncer()(pgtest.Name(url)), 5)
}

// stale has the node at the URL stop, and one that is connected directly take over.
func stale(t *testing.T, direct, url string, step int) {
	g := new(gate)
	o := Options{Patience: 10 * time.Millisecond, dial: g.dial, IdleTimeout: time.Minute}
	a, b := open(t, url, o), open(t, direct, Options{Patience: o.Patience})
	n := join(t, a, "node")
	points := n.points(g)
	landed := 0
	for at := 0; at < points; at += step {
		s := n.set()
		g.arm(stall, at, at%3 == 1)
		reached := g.reached
		answer := make(chan error, 1)
		go func() { answer <- a.Apply(t.Context(), n.fence, s.batch) }()
		<-reached
		began := time.Now()
		successor := join(t, b, "node")
		if took := time.Since(began); took > 5*time.Second {
			t.Errorf("at message %d the takeover took %v", at, took)
		}
		before := successor.look(s)
		successor.ids = sms.NewIDs(successor.fence.Slot, s.fresh.ID)
		change, _ := successor.accept(1)
		successor.apply(change)
		s.spent++
		close(g.release)
		err := <-answer
		if after := successor.look(s); after != before || after != (err == nil) || err != nil && !errors.Is(err, store.ErrFenced) {
			t.Fatalf("at message %d of %d: there at the takeover %v, after it %v, answer %v", at, points, before, after, err)
		}
		if err == nil {
			landed++
		}
		if err := a.Apply(t.Context(), n.fence, s.batch[:1]); !errors.Is(err, store.ErrFenced) {
			t.Fatalf("the stale node's next commit: %v", err)
		}
		n = join(t, a, "node")
	}
	// The last message is the Sync after COMMIT, which the server does not wait for.
	if landed > 1 {
		t.Errorf("%d of %d commits landed", landed, points)
	}
}

// The connection ends at any point of a commit: it happens, and once.
func testCut(t *testing.T, r *rig) {
	g := new(gate)
	n := join(t, open(t, r.database(), Options{dial: g.dial, Patience: 10 * time.Millisecond}), "node")
	points := n.points(g)
	for _, what := range []action{cut, hold, deafen} {
		for at := range points {
			s := n.set()
			g.arm(what, at, at%3 == 1)
			n.apply(s.batch...)
			select {
			case <-g.reached:
			default:
				t.Fatalf("the gate at %d was not reached", at)
			}
			if what == hold {
				g.deliver()
			}
			if !n.look(s) {
				t.Fatalf("the commit that was interrupted (%d) at message %d of %d did not happen", what, at, points)
			}
		}
	}
}

// A commit that reads nothing goes out in one piece.
func testCutOneWay(t *testing.T, r *rig) {
	g := new(gate)
	n := join(t, open(t, r.database(), Options{dial: g.dial, Patience: 10 * time.Millisecond}), "node")
	change, _ := n.accept(1)
	g.arm(observe, 0, false)
	n.apply(change)
	points := g.messages()
	for _, what := range []action{cut, hold, deafen} {
		for at := range points {
			before := n.spent()
			change, _ := n.accept(1)
			g.arm(what, at, at%3 == 1)
			n.apply(change)
			if what == hold {
				g.deliver()
			}
			if after := n.spent(); after != before+1 {
				t.Fatalf("interrupted (%d) at message %d of %d: spent %d after %d", what, at, points, after, before)
			}
		}
	}
}

// A statement that the server refuses leaves nothing, and the next commit goes on.
func testServerErrors(t *testing.T, r *rig) {
	url := r.database()
	n := join(t, open(t, url, Options{}), "a")
	for code, want := range map[string]error{"53100": store.ErrFull, "53200": store.ErrUnavailable, "58030": store.ErrBroken,
		"57014": store.ErrUnavailable, "22021": nil} {
		s := n.set()
		r.Exec(url, "CREATE OR REPLACE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION USING ERRCODE = '"+code+"'; END $$")
		r.Exec(url, "CREATE TRIGGER fail BEFORE INSERT ON event FOR EACH STATEMENT EXECUTE FUNCTION fail()")
		err := n.Apply(t.Context(), n.fence, s.batch)
		if err == nil || sqlState(err) != code || kindOf(err) != want {
			t.Errorf("%s: %v", code, err)
		}
		for _, c := range s.batch {
			if len(c.Events) > 0 || c.Err != nil {
				t.Errorf("%s: events %v, error %v", code, c.Events, c.Err)
			}
		}
		if n.look(s) {
			t.Errorf("%s: it happened", code)
		}
		r.Exec(url, "DROP TRIGGER fail ON event")
		n.apply(s.batch...)
		if !n.look(s) {
			t.Errorf("%s: it did not happen afterwards", code)
		}
	}
	// Another node keeps a row that the commit needs.
	slow := join(t, open(t, url, Options{LockTimeout: 20 * time.Millisecond}), "b")
	s := slow.set()
	tx, err := n.reads.Begin(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tx.Exec(t.Context(), "SELECT FROM queued WHERE id = $1::bigint FOR UPDATE", int64(s.queued.ID)); err != nil {
		t.Fatal(err)
	}
	if err := slow.Apply(t.Context(), slow.fence, s.batch); !errors.Is(err, store.ErrUnavailable) || sqlState(err) != codeLockNotAvailable {
		t.Errorf("%v", err)
	}
	if err := tx.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	slow.apply(s.batch...)
}
