//go:build postgres

package postgres

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
)

func testMigrations(t *testing.T, r *rig) {
	url := r.Cluster.Database()
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			e, err := Open(t.Context(), url, Options{AllowNoFsync: true})
			if err != nil {
				t.Error(err)
				return
			}
			if _, err := e.Counts(t.Context()); err != nil {
				t.Error(err)
			}
			_ = e.Close()
		})
	}
	wg.Wait()
}

func (e *Engine) show(t *testing.T, name string) (value string) {
	t.Helper()
	e.mu.Lock()
	defer e.mu.Unlock()
	r := e.writer.raw.ExecParams(t.Context(), "SELECT current_setting($1)", [][]byte{[]byte(name)}, nil, nil, nil).Read()
	if r.Err != nil {
		t.Fatal(r.Err)
	}
	return string(r.Rows[0][0])
}

func testSettings(t *testing.T, r *rig) {
	url := r.database()
	r.Exec(url, "ALTER DATABASE "+pgtest.Name(url)+" SET synchronous_commit = off")
	r.Exec(url, "ALTER DATABASE "+pgtest.Name(url)+" SET default_transaction_isolation = 'serializable'")
	var log bytes.Buffer
	n := join(t, open(t, url, Options{Logger: slog.New(slog.NewTextHandler(&log, nil))}), "a")
	for name, want := range map[string]string{"synchronous_commit": "on", "statement_timeout": "5s", "lock_timeout": "3s",
		"idle_in_transaction_session_timeout": "1s", "enable_seqscan": "off", "application_name": "heliograph"} {
		if got := n.show(t, name); got != want {
			t.Errorf("%s is %s, want %s", name, got, want)
		}
	}
	if !strings.Contains(log.String(), "synchronous_commit = off") {
		t.Errorf("log: %s", &log)
	}
	change, _ := n.accept(1)
	n.apply(change)
	// Through a pooler these are the settings of each transaction.
	pooled := open(t, r.Bouncer()(pgtest.Name(url)), Options{})
	c, err := pooled.writerConn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	x := c.exchange(t.Context())
	pooled.begin(x)
	show := &statement{name: "show", sql: "SELECT current_setting('synchronous_commit') || ' ' || current_setting('lock_timeout')"}
	got := ""
	x.add(show, func(r row) error {
		got = r.text(0)
		return nil
	})
	x.add(commit, nil)
	if err := x.sync(); err != nil || got != "on 3s" || !x.end(t.Context()) {
		t.Errorf("%q, %v", got, err)
	}
}

// Whatever the planner knows of the tables, here nothing, rows are found by the
// whole of their key.
func testPlans(t *testing.T, r *rig) {
	e := open(t, r.database(), Options{})
	values := map[uint32]string{oidInt: "1", oidText: "'a'", oidInts: "'{0}'", oidTexts: "'{a}'", oidByteas: `'{"\\x00"}'`}
	shares, err := e.shares.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer shares.Release()
	explained := 0
	for i, s := range append(slices.Clone(all), sharing...) {
		if len(s.types) == 0 {
			continue
		}
		var args []string
		for _, oid := range s.types {
			args = append(args, values[oid])
		}
		on := e.writer.raw
		if i >= len(all) {
			on = shares.Conn().PgConn()
		}
		results, err := on.Exec(t.Context(), `EXPLAIN EXECUTE "`+s.name+`" (`+strings.Join(args, ", ")+")").ReadAll()
		if err != nil {
			t.Fatalf("%s: %v", s.name, err)
		}
		explained++
		for _, line := range results[0].Rows {
			// What is swept are all rows that there are.
			if text := string(line[0]); strings.Contains(text, "Seq Scan") && s != sweepRecipients && s != sweepRates || strings.Contains(text, "Join Filter") || strings.Contains(text, "Materialize") {
				t.Errorf("%s: %s", s.name, text)
			}
		}
	}
	if explained < 30 {
		t.Errorf("%d statements", explained)
	}
}

func testProbe(t *testing.T, r *rig) {
	if _, err := Open(t.Context(), r.database(), Options{}); err == nil || !strings.Contains(err.Error(), "fsync = off") || kindOf(err) != nil {
		t.Errorf("without fsync: %v", err)
	}
	r.Exec(r.template, "CREATE DATABASE latin TEMPLATE template0 ENCODING 'LATIN1'")
	if _, err := Open(t.Context(), r.URL("latin"), Options{AllowNoFsync: true}); err == nil || !strings.Contains(err.Error(), "LATIN1") {
		t.Errorf("another encoding: %v", err)
	}
	for url, want := range map[string]error{
		"postgres://me:secret@127.0.0.1:1/x":               store.ErrUnavailable,
		"postgres://me:secret@127.0.0.1:port/x":            nil,
		strings.Replace(r.URL("none"), "@", ":secret@", 1): nil, // no such database
	} {
		_, err := Open(t.Context(), url, Options{})
		if err == nil || kindOf(err) != want || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
	e := new(Engine)
	e.options = Options{}.withDefaults()
	fine := server{version: 150004, encoding: "UTF8", fsync: "on", fullPageWrites: "on", synchronousCommit: "on"}
	if err := e.check(fine); err != nil {
		t.Error(err)
	}
	old, standby := fine, fine
	old.version, standby.standby = 140010, true
	if err := e.check(old); err == nil || !strings.Contains(err.Error(), "PostgreSQL 14") {
		t.Error(err)
	}
	if err := e.check(standby); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
}

func TestClassify(t *testing.T) {
	pg := func(code, severity string) error { return &pgconn.PgError{Code: code, SeverityUnlocalized: severity} }
	for err, want := range map[error]error{
		pg("53100", "ERROR"):                     store.ErrFull,
		pg("53300", "FATAL"):                     store.ErrUnavailable,
		pg("57P01", "FATAL"):                     store.ErrUnavailable,
		pg("57014", "ERROR"):                     store.ErrUnavailable,
		pg("55P03", "ERROR"):                     store.ErrUnavailable,
		pg("40001", "ERROR"):                     store.ErrUnavailable,
		pg("25006", "ERROR"):                     store.ErrUnavailable,
		pg("25P03", "FATAL"):                     store.ErrUnavailable,
		pg("08006", "FATAL"):                     store.ErrUnavailable,
		pg("58030", "ERROR"):                     store.ErrBroken,
		pg("XX001", "ERROR"):                     store.ErrBroken,
		pg("22021", "ERROR"):                     nil, // text with a zero byte: the change's own
		pg("23505", "ERROR"):                     nil,
		pg("42P01", "ERROR"):                     nil,
		io.ErrUnexpectedEOF:                      store.ErrUnavailable,
		unreadable(errors.New("a row")):          nil,
		store.ErrFenced:                          store.ErrFenced,
		&stepError{commit, pg("53100", "ERROR")}: store.ErrFull,
	} {
		if got := classify(t.Context(), err); kindOf(got) != want || !errors.Is(got, err) {
			t.Errorf("%v became %v", err, got)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := classify(ctx, context.Canceled); got != context.Canceled {
		t.Error(got)
	}
	if classify(ctx, nil) != nil {
		t.Error("no error became one")
	}
	for err, want := range map[error]bool{pg("53100", "ERROR"): true, pg("57P01", "FATAL"): false, pg("XX000", "PANIC"): false, io.EOF: false} {
		if aborted(err) != want {
			t.Errorf("%v: %v", err, !want)
		}
	}
}
