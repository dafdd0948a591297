package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heliograph/internal/migrate"
)

func TestMigrateUsage(t *testing.T) {
	t.Chdir(t.TempDir())
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{nil, exitUsage, "missing flags: --to=URL or --from=URL"},
		{[]string{"--to", "postgres:///x", "--from", "postgres:///y"}, exitUsage, "--to and --from can't be used together"},
		{[]string{"--to", "postgres://localhost/x"}, exitFailed, "there is no data/heliograph.db to move"},
		{[]string{"--to", "sqlite:other.db"}, exitFailed, "--to has to be the postgres:// URL of a database"},
		{[]string{"--from", "user:secret"}, exitFailed, "--from has to be the postgres:// URL of a database"},
		{[]string{"--from", "postgres:///x?host=" + t.TempDir()}, exitFailed, "source: open database: store is unavailable"},
	} {
		_, problems, code := command(t, "", append([]string{"migrate"}, c.args...)...)
		if code != c.code || !strings.Contains(problems, c.want) {
			t.Errorf("%v: %d: %s", c.args, code, problems)
		}
		if strings.Contains(problems, "secret") {
			t.Errorf("%v: a password is shown: %s", c.args, problems)
		}
	}
	if _, err := os.Stat("data/heliograph.db"); !os.IsNotExist(err) {
		t.Error("a migration that failed has left a database")
	}
}

// A process that serves keeps a migration away.
func TestMigrateWhileServing(t *testing.T) {
	server(t, "")
	if _, problems, code := command(t, "", "migrate", "--to", "postgres:///x"); code != exitFailed || !strings.Contains(problems, "in use by another process") {
		t.Errorf("%d: %s", code, problems)
	}
}

// What is in no database is named, and so is what is missing.
func TestMigrateWhatNow(t *testing.T) {
	dir := t.TempDir()
	now := func(c migrateCommand) string {
		var out bytes.Buffer
		if err := c.whatNow(&session{out: &out}, dir); err != nil {
			t.Fatal(err)
		}
		return out.String()
	}
	if out := now(migrateCommand{From: "postgres:///x"}); !strings.Contains(out, "There is no file keys") || !strings.Contains(out, "set database to sqlite") {
		t.Errorf("%s", out)
	}
	for _, name := range []string{"credentials", "keys", "sim.receipts", "events", "firehose", "streams"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	out := now(migrateCommand{To: "postgres:///x"})
	for _, want := range []string{"  credentials   the root", "  keys          makes", "  sim.receipts  receipts", "  events        the built-in", "  firehose      records that delivery streams took", "  streams       files", "set database to its URL"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is not in\n%s", want, out)
		}
	}
	if strings.Contains(out, "There is no") {
		t.Errorf("%s", out)
	}
}

func TestMigrateProgress(t *testing.T) {
	var out bytes.Buffer
	tell := (&session{err: &out}).progress()
	p := migrate.Progress{Table: "event", Rows: 4096, Of: 9000, Tables: 2, TablesOf: 11, SinceStart: time.Second}
	tell(p)
	p.SinceStart = 6 * time.Second
	tell(p)
	tell(p)
	p.SinceStart, p.Verifying = 12*time.Second, true
	tell(p)
	want := "heliograph: moving table event (3 of 11): 4096 of 9000 rows, 6 s\n" +
		"heliograph: reading back table event (3 of 11): 4096 of 9000 rows, 12 s\n"
	if out.String() != want {
		t.Errorf("%s\nand not\n%s", out.String(), want)
	}
}
