//go:build postgres

package postgres

import (
	"errors"
	"sync"
	"testing"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func (n *node) allow(key store.SpendKey, least, want, limit, grant sms.Money) {
	n.t.Helper()
	got, err := n.Allow(n.t.Context(), n.fence, key, least, want, limit)
	if err != nil || got != grant {
		n.t.Errorf("slot %d may spend %d more of %d, %v; want %d", n.fence.Slot, got, want, err, grant)
	}
}

func testAllow(t *testing.T, nodes []*node) {
	a, b, c := nodes[0], nodes[1], nodes[2]
	key := store.SpendKey{Account: account, Month: month, Channel: "TEXT"}
	spend := func(n *node, amount sms.Money) {
		t.Helper()
		key := store.UsageKey{Account: account, Month: month, Channel: "TEXT"}
		other := key
		other.Country, other.Route = "GB", "LONG_CODE"
		n.apply(&store.Change{Spend: []store.SpendDelta{{UsageKey: key, Sums: store.Sums{Parts: 1, Price: amount - 7}},
			{UsageKey: other, Sums: store.Sums{Parts: 9, Price: 4, FeeParts: 9, Fee: 3}}}})
	}
	spend(a, 10) // before anybody asked
	a.allow(key, 5, 40, 100, 40)
	b.allow(key, 5, 40, 100, 40)
	b.allow(key, 5, 40, 100, 10) // 10 and 80 of 100
	b.allow(key, 1, 40, 100, 0)
	b.allow(key, 0, 0, 100, 0)
	spend(a, 30)
	spend(b, 50)
	a.allow(key, 1, 1, 100, 0) // spending what one may changes nothing
	a.allow(key, 15, 20, 110, 0)
	a.allow(key, 10, 20, 110, 10)
	other := key
	other.Channel = "VOICE"
	a.allow(other, 1, 1, 0, 0)
	a.allow(other, 1, 200, 100, 100)
	// a has spent 40 of 60. It keeps what it says, but not less than it has spent.
	a.allow(key, 0, -5, 110, -5)
	b.allow(key, 5, 5, 110, 5)
	a.allow(key, 0, -100, 110, -15)
	a.allow(key, 0, -1, 110, 0)
	b.allow(key, 1, 100, 110, 15)
	// b has spent 50 of 70: who leaves gives the rest back.
	if err := b.Leave(t.Context(), b.fence); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Allow(t.Context(), b.fence, key, 1, 1, 1000); !errors.Is(err, store.ErrFenced) {
		t.Errorf("%v", err)
	}
	a.allow(key, 1, 100, 110, 20)
	a.allow(key, 1, 100, 110, 0)
	// So does who joins anew, and who is fenced off.
	a = join(t, a.Engine, "node0")
	c.allow(key, 1, 100, 110, 20)
	if _, err := a.leads.Exec(t.Context(), "UPDATE node SET until = until - interval '2 hours' WHERE slot = 2"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.leads.Exec(t.Context(), "UPDATE node SET since = since - interval '2 hours' WHERE slot = 0"); err != nil {
		t.Fatal(err)
	}
	if off, err := a.FenceOff(t.Context(), a.fence); err != nil || len(off) != 1 {
		t.Fatal(off, err)
	}
	a.allow(key, 1, 100, 110, 20)
	if n := a.count("SELECT count(*) FROM allowance WHERE slot >= 0"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// However the nodes ask, they never may spend more than there is, and all of it is
// given.
func testAllowTogether(t *testing.T, nodes []*node) {
	key := store.SpendKey{Account: account, Month: month, Channel: "TEXT"}
	const limit = 10_000
	nodes[1].apply(&store.Change{Spend: []store.SpendDelta{{UsageKey: store.UsageKey{Account: account, Month: month, Channel: "TEXT"}, Sums: store.Sums{Price: 500}}}})
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := sms.Money(500)
	for i := range 9 {
		n := nodes[i%len(nodes)]
		wg.Go(func() {
			for j := range sms.Money(25) {
				granted, err := n.Allow(t.Context(), n.fence, key, 1, 1+j*7, limit)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				total += granted
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if total != limit {
		t.Errorf("%d were allowed of %d", total, limit)
	}
}
