//go:build postgres

package pgtest

import (
	"context"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

func value(t *testing.T, url, sql string) (v string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	if err := conn.QueryRow(t.Context(), sql, pgx.QueryExecModeSimpleProtocol).Scan(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

func TestCluster(t *testing.T) {
	c := Start(t, Options{Settings: []string{"work_mem = '7MB'"}})
	a, b := c.Database(), c.Database()
	c.Exec(a, "CREATE TABLE kept (v text); INSERT INTO kept VALUES ('yes')")
	for sql, want := range map[string]string{"SHOW work_mem": "7MB", "SHOW fsync": "off", "SELECT v FROM kept": "yes"} {
		if got := value(t, a, sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
	if err := Exec(t.Context(), b, "SELECT FROM kept"); err == nil {
		t.Error("the databases are one")
	}
	copied := c.Copy(a)
	if got := value(t, copied, "SELECT v FROM kept"); got != "yes" || Name(copied) == Name(a) {
		t.Errorf("the copy %s holds %q", Name(copied), got)
	}
	before := c.CPU()
	if value(t, a, "SELECT count(*)::text FROM generate_series(1, 1000000)"); c.CPU() <= before {
		t.Errorf("the server has used %v, and %v after more work", before, c.CPU())
	}
	for _, end := range []func(){c.Stop, c.Kill} {
		end()
		if err := Exec(t.Context(), a, "SELECT 1"); err == nil {
			t.Error("it answers after its end")
		}
		c.Start()
		if got := value(t, a, "SELECT v FROM kept"); got != "yes" {
			t.Errorf("%q", got)
		}
	}
	bounced := c.Bouncer("default_pool_size = 3")("test1")
	if got := value(t, bounced, "SELECT v FROM kept"); got != "yes" || strings.Contains(bounced, c.sockets) {
		t.Errorf("through PgBouncer: %q", got)
	}
}

func TestFsync(t *testing.T) {
	if got := value(t, Start(t, Options{Fsync: true}).Database(), "SHOW fsync"); got != "on" {
		t.Errorf("fsync is %s", got)
	}
}
