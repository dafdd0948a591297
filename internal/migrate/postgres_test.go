//go:build postgres

package migrate

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"heliograph/internal/datadir"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/postgres"
	"heliograph/internal/store/sqlite"
	"heliograph/internal/store/transfer"
)

var testOptions = Options{Logger: quiet, AllowNoFsync: true}

func openPostgres(t testing.TB, url string) *postgres.Engine {
	t.Helper()
	e, err := postgres.Open(t.Context(), url, postgres.Options{Logger: quiet, AllowNoFsync: true, Lease: 2 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// number asks a database for one figure.
func number(t testing.TB, url, sql string) (n int64) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close(t.Context())
	if err := c.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// nodes fills a database from several nodes, which leave it.
func nodes(t testing.TB, url string, names ...string) contents {
	t.Helper()
	var last *postgres.Engine
	for _, name := range names {
		last = openPostgres(t, url)
		n := join(t, last, name)
		n.now = n.now.Add(time.Duration(n.fence.Slot) * time.Hour)
		n.fill()
		defer func(e *postgres.Engine) {
			if err := e.Leave(context.Background(), n.fence); err != nil {
				t.Error(err)
			}
			_ = e.Close()
		}(last)
	}
	return read(t, last, len(names))
}

func TestPostgres(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{})
	for _, test := range []struct {
		name string
		run  func(*testing.T, *pgtest.Cluster)
	}{
		{"there and back", testThereAndBack},
		{"several nodes", testSeveralNodes},
		{"pruned slots", testPruned},
		{"every table is known", testEveryTableIsKnown},
		{"refusals", testPostgresRefusals},
		{"an expired node", testExpiredNode},
		{"nobody else", testNobodyElse},
		{"broken connections", testConnectionBreaks},
		{"foreign tables", testForeignTables},
	} {
		t.Run(strings.ReplaceAll(test.name, " ", "-"), func(t *testing.T) { test.run(t, cluster) })
	}
}

// Everything goes from a file into PostgreSQL, where the service goes on, and back.
func testThereAndBack(t *testing.T, cluster *pgtest.Cluster) {
	for name, url := range map[string]string{"directly": cluster.Database(), "through a pooler": cluster.Bouncer("default_pool_size = 6")(pgtest.Name(cluster.Database()))} {
		dir, want := filled(t)
		before, err := os.ReadFile(datadir.Database(dir))
		if err != nil {
			t.Fatal(err)
		}
		there, err := ToPostgres(t.Context(), dir, url, testOptions)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		sameFile(t, datadir.Database(dir), before)
		e := openPostgres(t, url)
		if d := cmp.Diff(want, read(t, e, 1)); d != "" {
			t.Errorf("%s: -source +target\n%s", name, d)
		}
		nodes, err := e.Nodes(t.Context())
		if err != nil || len(nodes) != 1 || !nodes[0].Free {
			t.Errorf("%s: nodes %+v, %v", name, nodes, err)
		}

		back := t.TempDir()
		here, err := FromPostgres(t.Context(), url, back, testOptions)
		if err != nil {
			t.Fatalf("%s: and back: %v", name, err)
		}
		if d := cmp.Diff(there.Tables, here.Tables); d != "" {
			t.Errorf("%s: there and back:\n%s", name, d)
		}
		if d := cmp.Diff(want, read(t, openSQLite(t, datadir.Database(back)), 1)); d != "" {
			t.Errorf("%s: -source +after both\n%s", name, d)
		}

		// The service goes on: later IDs, the next event, more spend.
		n := join(t, e, "node")
		m := n.message(1)
		c := accept(m)
		n.apply(c)
		if n.fence.Slot != 0 || c.Events[0].Seq != want.Slots[0].LastSeq+1 || m.ID <= want.Slots[0].LastID {
			t.Errorf("%s: slot %d goes on with event %d and message %d after %d and %d", name, n.fence.Slot, c.Events[0].Seq, m.ID, want.Slots[0].LastSeq, want.Slots[0].LastID)
		}
		_ = e.Close()
	}
}

// What several nodes have written is all there in one file: each slot's log with
// where it ends and how far it was published, their spend as one sum.
func testSeveralNodes(t *testing.T, cluster *pgtest.Cluster) {
	url := cluster.Database()
	want := nodes(t, url, "a", "b", "c")
	dir := t.TempDir()
	there, err := FromPostgres(t.Context(), url, dir, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	e := openSQLite(t, datadir.Database(dir))
	if d := cmp.Diff(want, read(t, e, 3)); d != "" {
		t.Errorf("-source +target\n%s", d)
	}
	if want.Counts.Dispatches != 6 || len(want.Cursors) != 3 || want.Spend[1] != 3*(6451+12+7+9) {
		t.Errorf("the test does not do what it should: %+v, %d cursors, %v", want.Counts, len(want.Cursors), want.Spend)
	}
	_ = e.Close()
	other := cluster.Database()
	here, err := ToPostgres(t.Context(), dir, other, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(there.Tables, here.Tables); d != "" {
		t.Errorf("there and back:\n%s", d)
	}
	again := openPostgres(t, other)
	if d := cmp.Diff(want, read(t, again, 3)); d != "" {
		t.Errorf("-source +after both\n%s", d)
	}
	// A node goes on where the node of its name ended.
	n := join(t, again, "c")
	m := n.message(1)
	c := accept(m)
	n.apply(c)
	if n.fence.Slot != 2 || c.Events[0].Seq != want.Slots[2].LastSeq+1 || m.ID <= want.Slots[2].LastID || n.fence.Epoch <= 1 {
		t.Errorf("%+v goes on with event %d and message %d", n.fence, c.Events[0].Seq, m.ID)
	}
}

// Where a slot's log and IDs end is kept, also where what they ended with is
// pruned.
func testPruned(t *testing.T, cluster *pgtest.Cluster) {
	url := cluster.Database()
	want := nodes(t, url, "a", "b")
	pgtest.Exec(t.Context(), url, "DELETE FROM event WHERE slot = 1; DELETE FROM message WHERE (id >> 16) & 63 = 1")
	dir := t.TempDir()
	if _, err := FromPostgres(t.Context(), url, dir, testOptions); err != nil {
		t.Fatal(err)
	}
	check := func(where string, seq int64, id int64) {
		t.Helper()
		if w := want.Slots[1]; seq != w.LastSeq || id != int64(w.LastID) {
			t.Errorf("%s: the slot ends with event %d and message %d, and not with %d and %d", where, seq, id, w.LastSeq, w.LastID)
		}
	}
	e := openSQLite(t, datadir.Database(dir))
	got := read(t, e, 2).Slots[1]
	check("in the file", got.LastSeq, int64(got.LastID))
	_ = e.Close()
	other := cluster.Database()
	if _, err := ToPostgres(t.Context(), dir, other, testOptions); err != nil {
		t.Fatal(err)
	}
	got = read(t, openPostgres(t, other), 2).Slots[1]
	check("in PostgreSQL", got.LastSeq, int64(got.LastID))
	// Slots that never were have an end too, which nobody has to look for.
	if n := number(t, other, "SELECT count(*) FROM last_commit"); n != 64 {
		t.Errorf("%d slots have an end", n)
	}
}

// A migration knows every table that there is. Where this fails, a table or a column
// is new: it has to be moved, by being the same in both engines, or said to stay.
func testEveryTableIsKnown(t *testing.T, cluster *pgtest.Cluster) {
	url := cluster.Database()
	server, err := postgres.OpenTarget(t.Context(), url, testOptions.server())
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	file, err := sqlite.CreateTarget(t.Context(), datadir.Database(t.TempDir()), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for name, s := range map[string]transfer.Schema{"PostgreSQL": server.Schema(), "SQLite": file.Schema()} {
		if len(s.Foreign) > 0 {
			t.Errorf("%s: the tables %v are taken for somebody else's", name, s.Foreign)
		}
	}
	tables, err := common(server.Schema(), file.Schema())
	if err != nil {
		t.Fatal(err)
	}
	var moved []string
	for _, table := range tables {
		moved = append(moved, table.Name)
	}
	if want := []string{"awaiting", "dispatch", "entry", "event", "event_lag", "event_loss", "log_line", "message", "node", "queued", "receipt_parked", "resource", "router", "spend"}; !slices.Equal(moved, want) {
		t.Errorf("the tables %v are moved, and not %v: see to it that testThereAndBack has rows in them", moved, want)
	}
}
