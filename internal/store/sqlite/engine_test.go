package sqlite

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	driversqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func joined(t *testing.T, path string, o Options) (*Engine, store.Fence) {
	t.Helper()
	e := open(t, path, o)
	f, err := e.Join(t.Context(), "node")
	if err != nil {
		t.Fatal(err)
	}
	return e, f
}

func accept(id sms.ID, size int) *store.Change {
	m := &sms.Message{ID: id, Account: "111122223333", Parts: 1, Body: strings.Repeat("x", size)}
	return &store.Change{Accept: []store.Accepted{{Message: m, Queued: store.Queued{Shard: "acme", Parts: 1}}}}
}

// count is the number of messages, by the engine's own reading connection.
func count(t *testing.T, e *Engine) int {
	t.Helper()
	n, err := e.number(context.Background(), "count", "SELECT count(*) FROM message")
	if err != nil {
		t.Fatal(err)
	}
	return int(n)
}

func pragma(t *testing.T, c *conn, name string) (value any) {
	t.Helper()
	if err := c.query(t.Context(), "PRAGMA "+name, nil, func(r row) error {
		value = r[0]
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return value
}

func TestSettings(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a dir with #, ? and %41", "heliograph.db")
	if err := os.Mkdir(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	e, _ := joined(t, path, Options{})
	for name, want := range map[string]any{"auto_vacuum": int64(2), "journal_mode": "wal", "synchronous": int64(2), "foreign_keys": int64(0),
		"busy_timeout": int64(5000), "wal_autocheckpoint": int64(0), "cache_size": int64(-4096)} {
		if got := pragma(t, e.writer, name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
	for _, name := range []string{path, path + "-wal", path + "-shm"} {
		if info, err := os.Stat(name); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v %v", info, err)
		}
	}
	if err := e.scan(t.Context(), "nothing", "DELETE FROM node", nil, func(row) error { return nil }); err == nil {
		t.Error("a reading connection writes")
	}
	if err := e.Close(); !errors.Is(err, store.ErrBroken) {
		t.Errorf("after an attempt to write: %v", err)
	}
}

func TestOpenErrors(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no database\n", 100)), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]error{
		filepath.Join(dir, "none", "heliograph.db"): store.ErrUnavailable,
		dir:  store.ErrUnavailable,
		text: store.ErrBroken,
	} {
		if e, err := Open(t.Context(), path, Options{}); !errors.Is(err, want) {
			t.Errorf("%s: %v, %v", path, e, err)
		} else if !strings.Contains(err.Error(), path) {
			t.Errorf("the error does not name the file: %v", err)
		}
	}
}

func TestClassify(t *testing.T) {
	e := open(t, filepath.Join(t.TempDir(), "heliograph.db"), Options{})
	_, err := e.writer.exec("nonsense")
	var plain *driversqlite.Error
	if !errors.As(err, &plain) || plain.Code() != sqlite3.SQLITE_ERROR {
		t.Fatalf("%v", err)
	}
	for _, err := range []error{err, io.EOF, nil} {
		if classify(err) != err {
			t.Errorf("%v became %v", err, classify(err))
		}
	}
}

// A lock that another process holds is waited for, and then nothing is written.
func TestBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	e, f := joined(t, path, Options{BusyTimeout: 10 * time.Millisecond})
	other := open(t, path, Options{})
	if _, err := other.writer.exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	err := e.Apply(t.Context(), f, []*store.Change{accept(16, 1)})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("apply: %v", err)
	}
	if n := count(t, e); n != 0 {
		t.Errorf("%d messages", n)
	}
	if _, err := other.writer.exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	if err := e.Apply(t.Context(), f, []*store.Change{accept(16, 1)}); err != nil {
		t.Errorf("after the lock: %v", err)
	}
}

// A full database refuses the batch, answers reads, and goes on once there is
// room.
func TestFull(t *testing.T) {
	e, f := joined(t, filepath.Join(t.TempDir(), "heliograph.db"), Options{})
	if err := e.Apply(t.Context(), f, []*store.Change{accept(16, 1)}); err != nil {
		t.Fatal(err)
	}
	pragma(t, e.writer, "max_page_count = 60")
	large := accept(32, 1<<20)
	if err := e.Apply(t.Context(), f, []*store.Change{large}); !errors.Is(err, store.ErrFull) || len(large.Events) != 0 {
		t.Fatalf("apply: %v, events %v", err, large.Events)
	}
	if n := count(t, e); n != 1 {
		t.Errorf("%d messages", n)
	}
	small := accept(48, 1)
	if err := e.Apply(t.Context(), f, []*store.Change{small}); err != nil || small.Events[0].Seq != 2 {
		t.Errorf("a change that fits: %v, events %v", err, small.Events)
	}
	pragma(t, e.writer, "max_page_count = 1000000")
	if err := e.Apply(t.Context(), f, []*store.Change{large}); err != nil {
		t.Errorf("with room: %v", err)
	}
}

// What fails in the middle of a transaction leaves nothing of it.
func TestRollback(t *testing.T) {
	e, f := joined(t, filepath.Join(t.TempDir(), "heliograph.db"), Options{})
	mark := func() *store.Change { return &store.Change{Mark: []store.Dispatch{{Seq: 1, Shard: "acme"}}} }
	if err := e.Apply(t.Context(), f, []*store.Change{mark()}); err != nil {
		t.Fatal(err)
	}
	good := accept(16, 1)
	err := e.Apply(t.Context(), f, []*store.Change{good, mark()})
	if err == nil || errors.Is(err, store.ErrBroken) || good.Events != nil {
		t.Fatalf("a Seq given twice: %v, events %v", err, good.Events)
	}
	if n := count(t, e); n != 0 {
		t.Errorf("%d messages", n)
	}
	if err := e.Apply(t.Context(), f, []*store.Change{good}); err != nil || good.Events[0].Seq != 1 {
		t.Errorf("afterwards: %v, events %v", err, good.Events)
	}
	if n, err := e.Counts(t.Context()); err != nil || n != (store.Counts{Queued: 1, Dispatches: 1}) {
		t.Errorf("counts %+v, %v", n, err)
	}
}

// A commit asks for a checkpoint once the log has so many pages; the commit after
// it begins the log anew, so the log does not grow with what is written.
func TestCheckpoints(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	const pages, size = 100, 4000
	e, f := joined(t, path, Options{CheckpointPages: pages})
	e.mover.stop() // rounds by hand
	id := sms.ID(0)
	write := func() {
		t.Helper()
		id += 16
		if err := e.Apply(t.Context(), f, []*store.Change{accept(id, size)}); err != nil {
			t.Fatal(err)
		}
	}
	var sizes []int64
	for round := range 5 {
		commits := 0
		for ; len(e.mover.wake) == 0; commits++ {
			write()
		}
		if commits < 5 || commits > pages {
			t.Errorf("round %d was asked for after %d commits", round, commits)
		}
		<-e.mover.wake
		e.mover.round()
		info, err := os.Stat(path + "-wal")
		if err != nil {
			t.Fatal(err)
		}
		sizes = append(sizes, info.Size())
	}
	// The first round counts also what the tables' making and Join wrote.
	if sizes[4] != sizes[1] || sizes[4] < pages*4096 || sizes[4] > 2*pages*4096 {
		t.Errorf("the log had %v bytes after each round", sizes)
	}
	if info, err := os.Stat(path); err != nil || info.Size() < int64(id)/16*size {
		t.Errorf("the file has not got what was written: %v %v", info, err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path + "-wal"); err == nil && info.Size() > 0 {
		t.Errorf("the log has %d bytes after Close", info.Size())
	}
}

// What was answered is there after the process has died: the files are copied
// as they are, log and all, and opened.
func TestCrash(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	e, f := joined(t, path, Options{Logger: slog.New(slog.DiscardHandler)})
	for n := range sms.ID(20) {
		if err := e.Apply(t.Context(), f, []*store.Change{accept((n+1)*16, 10)}); err != nil {
			t.Fatal(err)
		}
		copied := filepath.Join(t.TempDir(), "heliograph.db")
		for _, suffix := range []string{"", "-wal"} {
			b, err := os.ReadFile(path + suffix)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(copied+suffix, b, 0o600); err != nil {
				t.Fatal(err)
			}
		}
		after := open(t, copied, Options{})
		if got := count(t, after); got != int(n+1) {
			t.Fatalf("%d messages after %d commits", got, n+1)
		}
		if info, err := os.Stat(copied + "-wal"); err != nil || info.Size() != 0 {
			t.Fatalf("the log was not moved at the start: %v %v", info, err)
		}
		if err := after.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
