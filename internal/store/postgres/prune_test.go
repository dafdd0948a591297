//go:build postgres

package postgres

import (
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/storetest"
)

func TestPruneContract(t *testing.T) {
	r := newRig(t)
	storetest.RunPrune(t, func(t *testing.T, dir string) store.Engine { return open(t, r.of(dir), Options{}) })
}

func TestPruneContractThroughPgBouncer(t *testing.T) {
	r := newRig(t)
	bounced := r.Bouncer("default_pool_size = 3", "server_idle_timeout = 2")
	storetest.RunPrune(t, func(t *testing.T, dir string) store.Engine {
		return open(t, bounced(pgtest.Name(r.of(dir))), Options{})
	})
}

// One node prunes what all have written; a slot's log goes on where it ended, whoever
// has it next and however often it changed hands.
func TestPruneNodes(t *testing.T) {
	r := newRig(t)
	nodes := r.nodes(t, 2, Options{})
	a, b := nodes[0], nodes[1]
	var last sms.ID
	for range 10 {
		for _, n := range nodes {
			change, m := n.accept(1)
			n.apply(change, update(m, sms.UpdateTaken, 1, ""))
			// The receipt comes in at the other node.
			nodes[1-n.fence.Slot].apply(update(m, sms.UpdateReceipt, 1, sms.StatusDelivered))
			last = max(last, m.ID)
		}
	}
	prune := func(p store.Pass) (sum store.Pruned) {
		t.Helper()
		for p.Within = time.Second; !p.Done(); {
			n, err := a.Prune(t.Context(), a.fence, &p)
			if err != nil {
				t.Fatal(err)
			}
			sum.Messages, sum.Events, sum.Spend = sum.Messages+n.Messages, sum.Events+n.Events, sum.Spend+n.Spend
		}
		return sum
	}
	all := store.Pass{Messages: last + 1}
	a.apply(&store.Change{Cursors: []store.Cursor{{Slot: a.fence.Slot, Seq: 30}}})
	if n := prune(all); n != (store.Pruned{}) {
		t.Errorf("%+v was pruned, though one router has passed nothing", n)
	}
	b.apply(&store.Change{Cursors: []store.Cursor{{Slot: b.fence.Slot, Seq: 30}}})
	if n := prune(all); n != (store.Pruned{Messages: 20, Events: 60}) {
		t.Errorf("pruned: %+v", n)
	}
	id, err := b.LastID(t.Context(), b.fence.Slot)
	if err != nil {
		t.Fatal(err)
	}
	for range 7 { // more often than last commits are kept
		b = join(t, b.Engine, "node1")
	}
	again, err := b.LastID(t.Context(), b.fence.Slot)
	if err != nil || again != id {
		t.Errorf("last ID %d, then %d, %v", id, again, err)
	}
	change, m := b.accept(1)
	b.apply(change)
	if e := change.Events[0]; e.Seq != 31 || m.ID <= id {
		t.Errorf("goes on with %+v", e)
	}
	// Spend of all slots goes, with what they might have spent, and who spends goes on.
	for _, at := range []string{month, "2026-10"} {
		if _, err := a.Allow(t.Context(), a.fence, store.SpendKey{Account: account, Month: at, Channel: "TEXT"}, 1, 5, 100); err != nil {
			t.Fatal(err)
		}
	}
	if n := prune(store.Pass{Month: "2026-10"}); n.Spend != 2 {
		t.Errorf("spend: %+v", n)
	}
	if n := a.count("SELECT count(*) FROM allowance WHERE month = '2026-09'"); n != 0 {
		t.Errorf("%d allowances are left", n)
	}
	if n := a.count("SELECT count(*) FROM allowance"); n == 0 {
		t.Error("allowances of later months are gone")
	}
	for _, n := range []*node{a, b} {
		change, _ := n.accept(1)
		n.apply(change)
	}
	if a.spent() != 2 {
		t.Errorf("spent %d", a.spent())
	}
}

// Where the log of a slot ends that nobody has had yet is read from its rows: they
// stay until somebody has had it.
func TestPruneForeignSlot(t *testing.T) {
	r := newRig(t)
	a := r.nodes(t, 1, Options{})[0]
	change, m := a.accept(1)
	a.apply(change, update(m, sms.UpdateTaken, 1, ""))
	a.apply(update(m, sms.UpdateReceipt, 1, sms.StatusDelivered))
	id := sms.NewIDs(5, 0).Next(now)
	for _, sql := range []string{
		"INSERT INTO message SELECT account, $1::bigint, doc FROM message",
		"INSERT INTO event SELECT 5, 77, $1::bigint, account, cset, status, at, final, doc FROM event WHERE final",
	} {
		if _, err := a.leads.Exec(t.Context(), sql, int64(id)); err != nil {
			t.Fatal(err)
		}
	}
	a.apply(&store.Change{Cursors: []store.Cursor{{Slot: 0, Seq: 10}, {Slot: 5, Seq: 77}}})
	p := store.Pass{Messages: id + 1<<30, Within: time.Second}
	for !p.Done() {
		if _, err := a.Prune(t.Context(), a.fence, &p); err != nil {
			t.Fatal(err)
		}
	}
	if n := a.count("SELECT count(*) FROM message"); n != 1 {
		t.Errorf("%d messages are left", n)
	}
	if seq, err := a.LastSeq(t.Context(), 5); err != nil || seq != 77 {
		t.Errorf("last event %d, %v", seq, err)
	}
}

// BenchmarkPrune prunes messages that had a whole life, with their events.
func BenchmarkPrune(bm *testing.B) {
	cluster := durable(bm)
	b := newBench(bm, cluster, cluster.Database(), Options{})
	const each, within = 256, 10 * time.Millisecond
	var messages, steps int
	var held time.Duration
	for b.Loop() {
		b.StopTimer()
		used, server := cpuTime(b.B), cluster.CPU()
		for range 400 {
			changes, ids := b.accept(each)
			b.apply(append(changes, b.mark(ids))...)
			b.apply(b.outcome(ids, sms.UpdateTaken)...)
			b.apply(b.outcome(ids, sms.UpdateReceipt)...)
		}
		last, err := b.e.LastSeq(b.Context(), 0)
		if err != nil {
			b.Fatal(err)
		}
		b.apply(&store.Change{Cursors: []store.Cursor{{Seq: last}}})
		b.cpu, b.server = b.cpu+cpuTime(b.B)-used, b.server+cluster.CPU()-server
		b.longest = 0
		b.StartTimer()
		for p := (&store.Pass{Messages: sms.FirstID(time.Now().Add(time.Hour)), Within: within}); !p.Done(); steps++ {
			n, err := b.e.Prune(b.Context(), b.f, p)
			if err != nil {
				b.Fatal(err)
			}
			messages, held, b.longest = messages+n.Messages, held+n.Held, max(b.longest, n.Held)
		}
	}
	b.ReportMetric(float64(held.Microseconds())/1000/float64(steps), "ms-held/step")
	b.report(messages)
}
