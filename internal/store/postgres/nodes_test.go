//go:build postgres

package postgres

import (
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// cluster joins so many nodes to a database.
func (r *rig) nodes(t *testing.T, n int, o Options) (nodes []*node) {
	t.Helper()
	url := r.database()
	for i := range n {
		nodes = append(nodes, join(t, open(t, url, o), fmt.Sprint("node", i)))
	}
	return nodes
}

// Nodes write to logs of their own, and do not stand in one another's way.
func testSeveralNodes(t *testing.T, r *rig) {
	nodes := r.nodes(t, 3, Options{})
	const each = 50
	var wg sync.WaitGroup
	for _, n := range nodes {
		wg.Go(func() {
			for range each {
				change, m := n.accept(1)
				for _, c := range []*store.Change{change, update(m, sms.UpdateTaken, 1, ""), update(m, sms.UpdateReceipt, 1, sms.StatusDelivered)} {
					if err := n.Apply(t.Context(), n.fence, []*store.Change{c}); err != nil || c.Err != nil {
						t.Errorf("%v %v", err, c.Err)
					}
				}
			}
		})
	}
	wg.Wait()
	for i, n := range nodes {
		if n.fence.Slot != i {
			t.Errorf("node %d has slot %d", i, n.fence.Slot)
		}
		log, err := nodes[0].EventsAfter(t.Context(), n.fence.Slot, 0, 1000)
		if err != nil || len(log) != 3*each {
			t.Fatalf("%d events, %v", len(log), err)
		}
		for i, e := range log {
			if e.Seq != int64(i+1) || e.Message.Slot() != n.fence.Slot {
				t.Fatalf("event %d of slot %d: %+v", i, n.fence.Slot, e)
			}
		}
		if last, err := nodes[0].LastID(t.Context(), i); err != nil || last != log[len(log)-1].Message {
			t.Errorf("last ID of slot %d: %d, %v", i, last, err)
		}
	}
	if n := nodes[0]; n.spent() != 3*each || n.counts() != (store.Counts{}) {
		t.Errorf("spent %d, %+v", n.spent(), n.counts())
	}
}

// Messages of several parts, whose receipts come in at all nodes at the same time,
// each of them twice.
func testFinality(t *testing.T, r *rig) {
	nodes := r.nodes(t, 3, Options{})
	const count, parts = 40, 3
	owner := nodes[0]
	var messages []*sms.Message
	for range count {
		change, m := owner.accept(parts)
		messages = append(messages, m)
		owner.apply(change, update(m, sms.UpdateTaken, 1, ""), update(m, sms.UpdateTaken, 2, ""))
	}
	one, m := owner.accept(1)
	owner.apply(one, update(m, sms.UpdateTaken, 1, ""))
	messages = append(messages, m)
	var wg sync.WaitGroup
	for at, n := range nodes {
		wg.Go(func() {
			for i := range messages {
				m := messages[i]
				if at == 1 { // from the other end
					m = messages[len(messages)-1-i]
				}
				var batch []*store.Change
				if at == 0 && m.Parts > 1 {
					batch = append(batch, update(m, sms.UpdateTaken, 3, ""))
				}
				for part := range m.Parts {
					batch = append(batch, update(m, sms.UpdateReceipt, part+1, sms.StatusDelivered))
				}
				if err := n.Apply(t.Context(), n.fence, batch); err != nil {
					t.Errorf("node %d: %v", at, err)
				}
			}
		})
	}
	wg.Wait()
	for _, m := range messages { // what came before the last part was taken came too early
		owner.apply(update(m, sms.UpdateReceipt, m.Parts, sms.StatusDelivered))
	}
	for _, m := range messages {
		events, err := owner.MessageEvents(t.Context(), m.ID)
		if err != nil {
			t.Fatal(err)
		}
		finals := 0
		for _, e := range events {
			if e.Final {
				finals++
			}
		}
		if finals != 1 {
			t.Errorf("%d final events: %+v", finals, events)
		}
	}
	if c := owner.counts(); c != (store.Counts{}) {
		t.Errorf("%+v", c)
	}
}

// What an engine knows of the rows before, others may replace: another engine under
// the same fence all of them, another node the cursor of a log that it took over.
func testKnownRows(t *testing.T, r *rig) {
	url := r.database()
	a := join(t, open(t, url, Options{}), "a")
	same := &node{Engine: open(t, url, Options{}), t: t, fence: a.fence, ids: a.ids}
	b := join(t, open(t, url, Options{}), "b")
	for i := range 10 {
		for j, n := range []*node{a, same, b, b} {
			change, _ := n.accept(1)
			change.Cursors = []store.Cursor{{Slot: a.fence.Slot, Seq: int64(10*i + j)}}
			n.apply(change)
		}
	}
	if a.spent() != 40 || a.count("SELECT count(*) FROM spend") != 2 || a.count("SELECT count(*) FROM last_commit") != 2 {
		t.Errorf("spent %d, by %d rows, %d last commits", a.spent(), a.count("SELECT count(*) FROM spend"), a.count("SELECT count(*) FROM last_commit"))
	}
	if c, err := a.Cursors(t.Context()); err != nil || !slices.Equal(c, []store.Cursor{{Slot: 0, Seq: 93}}) || a.count("SELECT count(*) FROM router") != 1 {
		t.Errorf("cursors %v, %v", c, err)
	}
	for slot, want := range []int64{20, 20} {
		if seq, err := a.LastSeq(t.Context(), slot); err != nil || seq != want {
			t.Errorf("the log of slot %d ends at %d, %v", slot, seq, err)
		}
	}
	again := join(t, a.Engine, "a")
	change, _ := again.accept(1)
	again.apply(change)
	if a.spent() != 41 {
		t.Errorf("spent %d", a.spent())
	}
}

func testSameResource(t *testing.T, r *rig) {
	nodes := r.nodes(t, 2, Options{})
	for i := range 20 {
		made := make([]*store.Change, len(nodes))
		var wg sync.WaitGroup
		for at, n := range nodes {
			change, _ := n.accept(1)
			made[at] = &store.Change{Resources: []store.ResourceWrite{{Resource: store.Resource{
				ResourceKey: store.ResourceKey{Account: account, Kind: "pool", ID: fmt.Sprint(i)}, Doc: []byte(n.Engine.options.Lease.String())}}}}
			wg.Go(func() {
				if err := n.Apply(t.Context(), n.fence, []*store.Change{made[at], change}); err != nil || change.Err != nil {
					t.Errorf("%v %v", err, change.Err)
				}
			})
		}
		wg.Wait()
		a, b := made[0].Err, made[1].Err
		if (a == nil) == (b == nil) || a != nil && !errors.Is(a, store.ErrVersion) || b != nil && !errors.Is(b, store.ErrVersion) {
			t.Errorf("%v, %v", a, b)
		}
	}
}

func testSlots(t *testing.T, r *rig) {
	e := open(t, r.database(), Options{})
	var last *node
	for i := range sms.MaxSlot + 1 {
		last = join(t, e, fmt.Sprint("node", i))
		if last.fence != (store.Fence{Slot: i, Epoch: 1}) {
			t.Fatalf("node %d has %+v", i, last.fence)
		}
	}
	if _, err := e.Join(t.Context(), "one more"); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("no slot is left: %v", err)
	}
	change, _ := last.accept(1)
	last.apply(change)
	// A name has its slot again, and a slot that was left is anybody's.
	again := join(t, e, "node7")
	if again.fence != (store.Fence{Slot: 7, Epoch: 2}) {
		t.Errorf("%+v", again.fence)
	}
	if err := e.Leave(t.Context(), again.fence); err != nil {
		t.Fatal(err)
	}
	if err := e.Leave(t.Context(), again.fence); !errors.Is(err, store.ErrFenced) {
		t.Errorf("twice: %v", err)
	}
	if next := join(t, e, "one more"); next.fence != (store.Fence{Slot: 7, Epoch: 4}) {
		t.Errorf("%+v", next.fence)
	}
	nodes, err := e.Nodes(t.Context())
	if err != nil || len(nodes) != sms.MaxSlot+1 || nodes[7].Name != "one more" || nodes[7].Free || nodes[7].Left <= 0 || nodes[7].Left > e.Lease() {
		t.Errorf("%+v %v", nodes[7], err)
	}
}

// pass has time pass for the leases of the nodes.
func (n *node) pass(d time.Duration, slots ...int) {
	n.t.Helper()
	for _, slot := range slots {
		if _, err := n.leads.Exec(n.t.Context(), "UPDATE node SET until = until - $2::bigint * interval '1 ms', since = since - $2::bigint * interval '1 ms' WHERE slot = $1::int",
			slot, d.Milliseconds()); err != nil {
			n.t.Fatal(err)
		}
	}
}

func testLeases(t *testing.T, r *rig) {
	nodes := r.nodes(t, 3, Options{Lease: time.Hour})
	a, b, c := nodes[0], nodes[1], nodes[2]
	if took, err := a.Claim(t.Context(), b.fence, "theirs"); err != nil || len(took) != 1 {
		t.Fatal(took, err)
	}
	none := func(n *node) {
		t.Helper()
		if off, err := n.FenceOff(t.Context(), n.fence); err != nil || len(off) != 0 {
			t.Errorf("%+v, %v", off, err)
		}
	}
	none(a)
	// All leases ran out, as when the database was away: who comes back first leaves
	// the others alone, until it was there for the time of a lease.
	a.pass(61*time.Minute, 0, 1, 2)
	if err := a.Renew(t.Context(), a.fence); err != nil {
		t.Fatal(err)
	}
	none(a)
	a.pass(59*time.Minute, 0)
	none(a)
	if err := b.Renew(t.Context(), b.fence); err != nil {
		t.Fatal(err)
	}
	if err := a.Renew(t.Context(), a.fence); err != nil {
		t.Fatal(err)
	}
	a.pass(2*time.Minute, 0)
	off, err := a.FenceOff(t.Context(), a.fence)
	if err != nil || len(off) != 1 || off[0].Fence != c.fence || off[0].Name != "node2" {
		t.Fatalf("%+v, %v", off, err)
	}
	change, _ := c.accept(1)
	for what, err := range map[string]error{"renew": c.Renew(t.Context(), c.fence), "apply": c.Apply(t.Context(), c.fence, []*store.Change{change}),
		"leave": c.Leave(t.Context(), c.fence), "hand over": c.HandOver(t.Context(), c.fence, "x", 0)} {
		if !errors.Is(err, store.ErrFenced) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := c.Claim(t.Context(), c.fence, "x"); !errors.Is(err, store.ErrFenced) {
		t.Errorf("claim: %v", err)
	}
	if _, err := c.FenceOff(t.Context(), c.fence); !errors.Is(err, store.ErrFenced) {
		t.Errorf("fence off: %v", err)
	}
	// b came back in time and keeps what it holds.
	if h, err := a.Holdings(t.Context()); err != nil || !slices.Equal(h, []store.Holding{{Name: "theirs", Slot: 1}}) {
		t.Errorf("%v %v", h, err)
	}
	change, _ = b.accept(1)
	b.apply(change)
	c = join(t, c.Engine, "node2")
	change, _ = c.accept(1)
	c.apply(change)
}

// A node that hangs in a commit cannot hold on to its slot.
func testFenceOffStalled(t *testing.T, r *rig) {
	g := new(gate)
	url := r.database()
	o := Options{Patience: 10 * time.Millisecond, Lease: time.Hour}
	b := join(t, open(t, url, o), "b")
	o.dial = g.dial
	a := join(t, open(t, url, o), "a")
	if _, err := a.Claim(t.Context(), a.fence, "x"); err != nil {
		t.Fatal(err)
	}
	point := a.points(g) / 2
	// b has kept up its lease for long, a has not.
	a.pass(61*time.Minute, a.fence.Slot)
	if _, err := b.leads.Exec(t.Context(), "UPDATE node SET since = since - interval '2 hours' WHERE slot = $1::int", b.fence.Slot); err != nil {
		t.Fatal(err)
	}
	s := a.set()
	g.arm(stall, point, true)
	answer := make(chan error)
	go func() { answer <- a.Apply(t.Context(), a.fence, s.batch) }()
	<-g.reached
	off, err := b.FenceOff(t.Context(), b.fence)
	if err != nil || len(off) != 1 || off[0].Fence != a.fence {
		t.Fatalf("%+v, %v", off, err)
	}
	if took, err := b.Claim(t.Context(), b.fence, "x"); err != nil || len(took) != 1 {
		t.Errorf("%v, %v", took, err)
	}
	close(g.release)
	if err := <-answer; !errors.Is(err, store.ErrFenced) {
		t.Errorf("%v", err)
	}
	if a.look(s) {
		t.Error("the stale node's commit landed")
	}
	// Another node sees to the marks and receipts that it has left.
	b.apply(&store.Change{Unmark: []store.SlotSeq{{Slot: a.fence.Slot, Seq: 1}}})
}

func testHoldings(t *testing.T, r *rig) {
	nodes := r.nodes(t, 3, Options{Lease: time.Hour})
	a, b, c := nodes[0], nodes[1], nodes[2]
	claim := func(n *node, names, want string) {
		t.Helper()
		took, err := n.Claim(t.Context(), n.fence, split(names)...)
		if err != nil || !slices.Equal(took, split(want)) {
			t.Errorf("claim %s: %v, %v", names, took, err)
		}
	}
	holdings := func(want ...store.Holding) {
		t.Helper()
		if h, err := a.Holdings(t.Context()); err != nil || !slices.Equal(h, want) {
			t.Errorf("%v, want %v (%v)", h, want, err)
		}
	}
	claim(a, "x y x", "x y")
	claim(b, "y z", "z")
	claim(b, "y", "")
	claim(b, "", "")
	holdings(store.Holding{Name: "x", Slot: 0}, store.Holding{Name: "y", Slot: 0}, store.Holding{Name: "z", Slot: 1})
	over := func(n *node, name string, to int, want error) {
		t.Helper()
		if err := n.HandOver(t.Context(), n.fence, name, to); !errors.Is(err, want) {
			t.Errorf("hand over %s to %d: %v", name, to, err)
		}
	}
	over(a, "x", 1, nil)
	over(a, "x", 1, store.ErrNotFound)
	over(a, "none", 1, store.ErrNotFound)
	over(a, "y", 9, store.ErrNotFound)
	over(b, "z", store.Nobody, nil)
	holdings(store.Holding{Name: "x", Slot: 1}, store.Holding{Name: "y", Slot: 0}, store.Holding{Name: "z", Slot: store.Nobody})
	claim(c, "x y z", "z")
	// Who leaves, or comes anew, holds nothing.
	if err := c.Leave(t.Context(), c.fence); err != nil {
		t.Fatal(err)
	}
	over(a, "y", 2, store.ErrNotFound)
	join(t, b.Engine, "node1")
	holdings(store.Holding{Name: "x", Slot: store.Nobody}, store.Holding{Name: "y", Slot: 0}, store.Holding{Name: "z", Slot: store.Nobody})
	// Of all that want one name at once, one has it.
	var wg sync.WaitGroup
	var mu sync.Mutex
	var took []int
	for i := range 8 {
		wg.Go(func() {
			got, err := a.Claim(t.Context(), a.fence, "w", fmt.Sprint("v", i))
			mu.Lock()
			defer mu.Unlock()
			if took = append(took, len(got)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if slices.Sort(took); !slices.Equal(took, []int{1, 1, 1, 1, 1, 1, 1, 2}) {
		t.Errorf("%v", took)
	}
}
