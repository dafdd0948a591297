//go:build postgres

package migrate

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"heliograph/internal/datadir"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/postgres"
	"heliograph/internal/store/transfer"
)

func testPostgresRefusals(t *testing.T, cluster *pgtest.Cluster) {
	dir, _ := filled(t)
	url := cluster.Database()
	e := openPostgres(t, url)
	n := join(t, e, "busy")

	refused := func(what, want string, err error) {
		t.Helper()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, and not %q", what, err, want)
		}
	}
	to := func(url string) error { return second(ToPostgres(t.Context(), dir, url, testOptions)) }
	from := func(url string) error {
		t.Helper()
		dir := t.TempDir()
		err := second(FromPostgres(t.Context(), url, dir, testOptions))
		if got := files(t, dir); !slices.Equal(got, []string{"lock"}) {
			t.Errorf("a migration that was refused leaves %v", got)
		}
		return err
	}
	refused("to a database that is served from", `in use by node busy`, to(url))
	refused("from a database that is served from", `in use by node busy`, from(url))
	refused("from an empty database", "no tables of this program", from(cluster.Database()))
	n.fill()
	if err := e.Leave(t.Context(), n.fence); err != nil {
		t.Fatal(err)
	}
	refused("to a database that is not empty", `is not empty`, to(url))

	newer := cluster.Database()
	if err := openPostgres(t, newer).Close(); err != nil {
		t.Fatal(err)
	}
	cluster.Exec(newer, "INSERT INTO goose_db_version (version_id, is_applied) VALUES (999, true)")
	refused("to a newer version", "its tables are of version 999", to(newer))
	refused("from a newer version", "its tables are of version 999", from(newer))

	refused("a URL that is none", "cannot parse", to("postgres://user:secret@host:notaport/x"))
	if err := to("postgres://user:secret@host:notaport/x"); strings.Contains(err.Error(), "secret") {
		t.Errorf("the password is shown: %v", err)
	}
}

// A node whose lease has run out is fenced off: it must not go on after the move.
func testExpiredNode(t *testing.T, cluster *pgtest.Cluster) {
	url := cluster.Database()
	e := openPostgres(t, url)
	n := join(t, e, "paused")
	n.fill()
	cluster.Exec(url, "UPDATE node SET until = clock_timestamp() - interval '1 s'")
	if _, err := FromPostgres(t.Context(), url, t.TempDir(), testOptions); err != nil {
		t.Fatal(err)
	}
	if err := e.Renew(t.Context(), n.fence); err == nil || !strings.Contains(err.Error(), "fence is lost") {
		t.Errorf("the node's lease goes on: %v", err)
	}
	nodes, err := e.Nodes(t.Context())
	if err != nil || len(nodes) != 1 || !nodes[0].Free {
		t.Errorf("nodes %+v, %v", nodes, err)
	}
}

// While a source is read no node joins it; while a target is written no node sees
// anything of it, and where the connection breaks nothing is left.
func testNobodyElse(t *testing.T, cluster *pgtest.Cluster) {
	url := cluster.Database()
	nodes(t, url, "a")
	source, err := postgres.OpenSource(t.Context(), url, testOptions.server())
	if err != nil {
		t.Fatal(err)
	}
	starts := func(url string) error {
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		e, err := postgres.Open(ctx, url, postgres.Options{Logger: quiet, AllowNoFsync: true})
		if err == nil {
			_ = e.Close()
		}
		return err
	}
	if err := starts(url); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a node starts while the database is read: %v", err)
	}
	source.Close()
	join(t, openPostgres(t, url), "b")

	dir, _ := filled(t)
	empty := cluster.Database()
	target, err := postgres.OpenTarget(t.Context(), empty, testOptions.server())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := postgres.OpenTarget(t.Context(), empty, postgres.Options{Logger: quiet, AllowNoFsync: true, LockTimeout: 100 * time.Millisecond}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("a second migration into the same database: %v", err)
	}
	if err := starts(empty); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a node starts while the database is written: %v", err)
	}
	broken := faulty{Target: target, fail: "spend"} // the last of all
	if _, err := move(t.Context(), openSource(t, datadir.Database(dir)), broken, nil); !errors.Is(err, errFaulty) {
		t.Errorf("%v", err)
	}
	if err := target.Close(); err != nil {
		t.Error(err)
	}
	for _, table := range []string{"message", "event", "node", "last_commit"} {
		if n := number(t, empty, "SELECT count(*) FROM "+table); n != 0 {
			t.Errorf("table %s has %d rows after a migration that failed", table, n)
		}
	}
	if _, err := ToPostgres(t.Context(), dir, empty, testOptions); err != nil {
		t.Errorf("the migration cannot be made again: %v", err)
	}
}

// The server ends the connection in the middle.
func testConnectionBreaks(t *testing.T, cluster *pgtest.Cluster) {
	dir, _ := filled(t)
	url := cluster.Database()
	target, err := postgres.OpenTarget(t.Context(), url, testOptions.server())
	if err != nil {
		t.Fatal(err)
	}
	breaking := faulty{Target: target, change: func(table string, r transfer.Row) bool {
		if table == "message" {
			cluster.Exec(cluster.URL("postgres"), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'heliograph'")
		}
		return true
	}}
	if _, err := move(t.Context(), openSource(t, datadir.Database(dir)), breaking, nil); err == nil || !strings.Contains(err.Error(), "table message") {
		t.Errorf("%v", err)
	}
	if err := target.Close(); err != nil {
		t.Error(err)
	}
	interrupted, interrupt := context.WithCancel(t.Context())
	if target, err = postgres.OpenTarget(t.Context(), url, testOptions.server()); err != nil {
		t.Fatal(err)
	}
	interrupting := faulty{Target: target, change: func(table string, r transfer.Row) bool {
		if table == "message" {
			interrupt()
		}
		return true
	}}
	if _, err := move(interrupted, openSource(t, datadir.Database(dir)), interrupting, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("a migration that is interrupted: %v", err)
	}
	if err := target.Close(); err != nil {
		t.Error(err)
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := ToPostgres(ended, dir, url, testOptions); !errors.Is(err, context.Canceled) {
		t.Errorf("a migration that is not wanted any more: %v", err)
	}
	if _, err := ToPostgres(t.Context(), dir, url, testOptions); err != nil {
		t.Errorf("the migration cannot be made again: %v", err)
	}
	if _, err := FromPostgres(ended, url, t.TempDir(), testOptions); !errors.Is(err, context.Canceled) {
		t.Errorf("a migration that is not wanted any more: %v", err)
	}
}

// Tables that somebody else has in the same database are left alone.
func testForeignTables(t *testing.T, cluster *pgtest.Cluster) {
	dir, _ := filled(t)
	url := cluster.Database()
	cluster.Exec(url, "CREATE TABLE geometry (shape polygon, id bigint); CREATE TABLE other (id bigint); CREATE VIEW shapes AS SELECT * FROM geometry")
	result, err := ToPostgres(t.Context(), dir, url, testOptions)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(result.LeftAlone, []string{"geometry", "other"}) {
		t.Errorf("left alone: %v", result.LeftAlone)
	}
}
