//go:build postgres

package postgres

import (
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"heliograph/internal/store"
)

func (n *node) mark(of ...store.Recipient) []store.Recipient {
	n.t.Helper()
	n.seq++
	d := []store.Dispatch{{Seq: n.seq, Shard: "acme", Recipients: of}}
	n.apply(&store.Change{Mark: d})
	return d[0].Recipients
}

func testRecipients(t *testing.T, nodes []*node) {
	a, b := nodes[0], nodes[1]
	of := func(keys ...uint64) (out []store.Recipient) {
		for _, k := range keys {
			out = append(out, store.Recipient{Key: k, Interval: time.Hour, Wait: 7})
		}
		return out
	}
	check := func(got []store.Recipient, free ...bool) {
		t.Helper()
		for i, r := range got {
			if free[i] != (r.Wait == 0) || r.Wait < 0 || r.Wait > time.Hour || !free[i] && r.Wait < 59*time.Minute {
				t.Errorf("recipient %d waits %v", r.Key, r.Wait)
			}
		}
	}
	// The same one twice in a batch, and in two marks of it.
	check(a.mark(of(9, 3, 9, 1<<63+5)...), true, true, false, true)
	check(b.mark(of(3, 4, 9)...), false, true, false)
	check(a.mark(of(4)...), false)
	free := b.mark(store.Recipient{Key: 9, Wait: 7}) // no interval
	if free[0].Wait != 0 {
		t.Errorf("%v", free[0].Wait)
	}
	// Whose time has come.
	if _, err := a.leads.Exec(t.Context(), "UPDATE recipient SET next = next - 3600 * 1000000::bigint WHERE key = 9"); err != nil {
		t.Fatal(err)
	}
	check(b.mark(of(9, 3)...), true, false)
	check(a.mark(of(9)...), false)
	// The mark is there whatever came of it, and a change that fails asks nothing.
	marks, err := a.Dispatches(t.Context(), a.fence.Slot, 0, 100)
	if err != nil || len(marks) != 3 {
		t.Errorf("%d marks, %v", len(marks), err)
	}
	failing := &store.Change{Mark: []store.Dispatch{{Seq: 100, Shard: "acme", Recipients: of(77)}},
		Resources: []store.ResourceWrite{{Resource: store.Resource{ResourceKey: store.ResourceKey{Kind: "pool", ID: "x"}}, Expect: 5}}}
	if err := a.Apply(t.Context(), a.fence, []*store.Change{failing}); err != nil || !errors.Is(failing.Err, store.ErrVersion) {
		t.Fatal(err, failing.Err)
	}
	check(b.mark(of(77)...), true)
}

// Nodes that want the same recipients, in any order, do not block one another, and
// each recipient goes to one of them.
func testRecipientsTogether(t *testing.T, nodes []*node) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	took := map[uint64]int{}
	for _, n := range nodes {
		wg.Go(func() {
			for range 30 {
				var of []store.Recipient
				for range 40 {
					of = append(of, store.Recipient{Key: rand.Uint64N(300), Interval: time.Hour})
				}
				n.seq++
				change := &store.Change{Mark: []store.Dispatch{{Seq: n.seq, Shard: "acme", Recipients: of}}}
				if err := n.Apply(t.Context(), n.fence, []*store.Change{change}); err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, r := range of {
					if r.Wait == 0 {
						took[r.Key]++
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for key, n := range took {
		if n != 1 {
			t.Errorf("recipient %d was taken %d times", key, n)
		}
	}
	if rows := nodes[0].count("SELECT count(*) FROM recipient"); rows != int64(len(took)) {
		t.Errorf("%d rows, %d recipients", rows, len(took))
	}
}

// Where the connection ends in a commit, a recipient's slot is taken once, and who
// cannot be told so waits.
func testCutRecipients(t *testing.T, r *rig) {
	g := new(gate)
	n := join(t, open(t, r.database(), Options{dial: g.dial, Patience: 10 * time.Millisecond}), "node")
	key := uint64(0)
	ask := func() time.Duration {
		return n.mark(store.Recipient{Key: key, Interval: time.Hour})[0].Wait
	}
	g.arm(observe, 0, false)
	ask()
	points := g.messages()
	untold := 0
	for _, what := range []action{cut, hold, deafen} {
		for at := range points {
			key++
			g.arm(what, at, at%3 == 1)
			first := ask()
			if what == hold {
				g.deliver()
			}
			if first == time.Hour {
				untold++
			} else if first != 0 {
				t.Errorf("interrupted (%d) at message %d of %d: waits %v", what, at, points, first)
			}
			if again := ask(); again < 59*time.Minute {
				t.Errorf("interrupted (%d) at message %d of %d: waits %v and then %v", what, at, points, first, again)
			}
		}
	}
	if untold == 0 {
		t.Error("no answer was lost")
	}
}
