//go:build postgres

package postgres

import (
	"fmt"
	"testing"
	"time"

	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
)

// testShared runs what nodes share, with engines that reach the server themselves
// and through a pooler that has fewer connections than they.
func testShared(t *testing.T, r *rig) {
	bounced := r.Bouncer("default_pool_size = 4")
	for _, way := range []struct {
		name string
		url  func() string
	}{
		{"direct", r.database},
		{"pooled", func() string { return bounced(pgtest.Name(r.database())) }},
	} {
		for _, test := range []struct {
			name string
			run  func(*testing.T, []*node)
		}{
			{"news", testNews},
			{"news while nodes commit", testNewsAlong},
			{"take", testTake},
			{"take together", testTakeTogether},
			{"allow", testAllow},
			{"allow together", testAllowTogether},
			{"recipients", testRecipients},
			{"recipients together", testRecipientsTogether},
			{"sweep", testSweep},
			{"the same entries", testSameEntries},
			{"entries as they were read", testExpectedEntries},
			{"any entries of several nodes", testAnyEntries},
			{"usage and logs", testUsageAndLogs},
		} {
			t.Run(way.name+"/"+test.name, func(t *testing.T) {
				url := way.url()
				var nodes []*node
				for i := range 3 {
					nodes = append(nodes, join(t, open(t, url, Options{Lease: time.Hour}), fmt.Sprint("node", i)))
				}
				test.run(t, nodes)
			})
		}
	}
}

// Rows of no more use are cleared, in the background of Renew too.
func testSweep(t *testing.T, nodes []*node) {
	a := nodes[0]
	a.mark(store.Recipient{Key: 1, Interval: time.Hour}, store.Recipient{Key: 2, Interval: time.Microsecond})
	for _, name := range []string{"old", "new"} {
		if _, _, err := a.Take(t.Context(), name, 1, 25, 1); err != nil {
			t.Fatal(err)
		}
	}
	a.rate("old", -2*time.Hour)
	if err := a.Renew(t.Context(), a.fence); err != nil {
		t.Fatal(err)
	}
	a.sweeps.Wait()
	if keys, names := a.count("SELECT sum(key)::bigint FROM recipient"), a.count("SELECT count(*) FROM rate WHERE name = 'new'"); keys != 1 || names != 1 ||
		a.count("SELECT count(*) FROM rate") != 1 {
		t.Errorf("recipients %d, rates %d", keys, names)
	}
}
