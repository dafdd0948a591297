//go:build postgres

package postgres

import (
	"sync"
	"testing"
	"time"
)

// rate puts a rate's theoretical arrival time so far from the database's time.
func (n *node) rate(name string, from time.Duration) {
	n.t.Helper()
	if _, err := n.leads.Exec(n.t.Context(), `UPDATE rate SET tat = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000 + $2::bigint WHERE name = $1::text`,
		name, int64(from)); err != nil {
		n.t.Fatal(err)
	}
}

func testTake(t *testing.T, nodes []*node) {
	a, b := nodes[0], nodes[1]
	take := func(n *node, ask, want int, least, most time.Duration) {
		t.Helper()
		granted, wait, err := n.Take(t.Context(), "r", 0.01, 5, ask) // one in 100 s
		if err != nil || granted != want || wait < least || wait > most {
			t.Errorf("granted %d, wait %v, %v; want %d, %v to %v", granted, wait, err, want, least, most)
		}
	}
	take(a, 2, 2, 0, 0)
	take(b, 7, 3, 0, 0)
	take(a, 1, 0, 90*time.Second, 100*time.Second)
	take(b, 9, 0, 90*time.Second, 100*time.Second)
	a.rate("r", 450*time.Second) // half of one is there
	take(b, 1, 0, 40*time.Second, 50*time.Second)
	a.rate("r", 350*time.Second) // one and a half
	take(b, 2, 1, 0, 0)
	take(a, 1, 0, 40*time.Second, 50*time.Second)
	a.rate("r", -time.Hour) // a pause gives the burst, and no more
	take(b, 100, 5, 0, 0)
	take(b, 1, 0, 90*time.Second, 100*time.Second)
	a.rate("r", 10*time.Hour) // as after a burst that was larger: no longer than its own
	take(b, 1, 0, 90*time.Second, 100*time.Second)
	if granted, _, err := b.Take(t.Context(), "s", 1000, 25, 25); err != nil || granted != 25 {
		t.Errorf("another rate: %d, %v", granted, err)
	}
	for _, rate := range []float64{0, -1, 1e-9, 1e12} {
		if _, _, err := a.Take(t.Context(), "r", rate, 5, 1); err == nil {
			t.Errorf("%v a second was granted", rate)
		}
	}
}

// What all nodes take together, from slices of any size, is the burst.
func testTakeTogether(t *testing.T, nodes []*node) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for i := range 12 {
		n := nodes[i%len(nodes)]
		wg.Go(func() {
			for range 20 {
				granted, _, err := n.Take(t.Context(), "r", 0.0001, 100, 1+i%4)
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
	if total != 100 {
		t.Errorf("%d were granted of 100", total)
	}
}
