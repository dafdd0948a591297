package sqlite

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"

	"heliograph/internal/store"
)

// replace puts another file behind every descriptor that the process has open on
// name, and gives back what was there when restore is called.
func replace(t *testing.T, name, by string) (restore func()) {
	t.Helper()
	other, err := os.OpenFile(by, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	var fds []int // all before the first is copied, which makes new ones
	for _, entry := range entries {
		if target, _ := os.Readlink("/proc/self/fd/" + entry.Name()); target == name {
			fd, err := strconv.Atoi(entry.Name())
			if err != nil {
				t.Fatal(err)
			}
			fds = append(fds, fd)
		}
	}
	if len(fds) == 0 {
		t.Fatalf("%s is not open", name)
	}
	saved := map[int]int{}
	for _, fd := range fds {
		if saved[fd], err = syscall.Dup(fd); err != nil {
			t.Fatal(err)
		}
		if err := syscall.Dup3(int(other.Fd()), fd, syscall.O_CLOEXEC); err != nil {
			t.Fatal(err)
		}
	}
	return func() {
		for fd, was := range saved {
			if err := errors.Join(syscall.Dup3(was, fd, syscall.O_CLOEXEC), syscall.Close(was)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// /dev/full answers every write with ENOSPC.
func TestDiskFull(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	e, f := joined(t, path, Options{})
	if err := e.Apply(t.Context(), f, []*store.Change{accept(16, 1)}); err != nil {
		t.Fatal(err)
	}
	restore := replace(t, path+"-wal", "/dev/full")
	c := accept(32, 1)
	if err := e.Apply(t.Context(), f, []*store.Change{c}); !errors.Is(err, store.ErrFull) || c.Events != nil {
		t.Errorf("apply: %v, events %v", err, c.Events)
	}
	restore()
	if err := e.Apply(t.Context(), f, []*store.Change{c}); err != nil || c.Events[0].Seq != 2 {
		t.Errorf("with room: %v, events %v", err, c.Events)
	}
	if n := count(t, e); n != 2 {
		t.Errorf("%d messages", n)
	}
}

// /dev/null takes every write and fails every fsync.
func TestFailingSync(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	e, f := joined(t, path, Options{})
	if err := e.Apply(t.Context(), f, []*store.Change{accept(16, 1)}); err != nil {
		t.Fatal(err)
	}
	restore := replace(t, path+"-wal", "/dev/null")
	c := accept(32, 1)
	if err := e.Apply(t.Context(), f, []*store.Change{c}); !errors.Is(err, store.ErrBroken) || c.Events != nil {
		t.Errorf("apply: %v, events %v", err, c.Events)
	}
	// SQLite would carry on; the engine does not.
	restore()
	if err := e.Apply(t.Context(), f, []*store.Change{accept(48, 1)}); !errors.Is(err, store.ErrBroken) {
		t.Errorf("afterwards: %v", err)
	}
	if _, err := e.Join(t.Context(), "again"); !errors.Is(err, store.ErrBroken) {
		t.Errorf("join: %v", err)
	}
	if err := e.Close(); !errors.Is(err, store.ErrBroken) {
		t.Errorf("close: %v", err)
	}
	// The next process finds what was answered.
	after := open(t, path, Options{})
	if n := count(t, after); n != 1 {
		t.Errorf("%d messages", n)
	}
}

// A checkpoint that fails does not fail a commit, so nobody would hear of it.
func TestFailingCheckpoint(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	e, f := joined(t, path, Options{Logger: slog.New(slog.DiscardHandler)})
	if err := e.Apply(t.Context(), f, []*store.Change{accept(16, 1)}); err != nil {
		t.Fatal(err)
	}
	// A pipe: it can be neither read nor written at an offset.
	pipe := filepath.Join(t.TempDir(), "pipe")
	if err := syscall.Mkfifo(pipe, 0o600); err != nil {
		t.Fatal(err)
	}
	e.mover.stop() // rounds by hand
	restore := replace(t, path, pipe)
	e.mover.round()
	restore()
	if err := e.Apply(t.Context(), f, []*store.Change{accept(32, 1)}); !errors.Is(err, store.ErrBroken) {
		t.Errorf("apply after a failed checkpoint: %v", err)
	}
}
