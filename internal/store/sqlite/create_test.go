package sqlite

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"heliograph/internal/store"
)

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A process that ends while it makes the database leaves files that the next one
// must not take for its own.
func TestNewDatabaseBesideLeftovers(t *testing.T) {
	other := filepath.Join(t.TempDir(), "other.db")
	o, f := joined(t, other, Options{})
	if err := o.Apply(t.Context(), f, []*store.Change{accept(16, 1)}); err != nil {
		t.Fatal(err)
	}
	log, err := os.ReadFile(other + "-wal")
	if err != nil || len(log) == 0 {
		t.Fatal(err)
	}
	for name, left := range map[string]map[string]string{
		"nothing":                            {},
		"an empty file":                      {"": ""},
		"an empty log":                       {"": "", "-wal": ""},
		"a file that nobody finished":        {".new": "SQLite format 3"},
		"a log that nobody finished":         {".new": "", ".new-wal": string(log), ".new-shm": "x"},
		"a journal that nobody finished":     {".new-journal": "x"},
		"a journal of an empty file":         {"": "", "-journal": "x"},
		"the index of a log that is no more": {"-shm": "x"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "heliograph.db")
			for end, text := range left {
				write(t, path+end, text)
			}
			e, f := joined(t, path, Options{})
			if f.Epoch != 1 || count(t, e) != 0 {
				t.Errorf("epoch %d, %d messages", f.Epoch, count(t, e))
			}
			if got := pragma(t, e.writer, "auto_vacuum"); got != int64(2) {
				t.Errorf("auto_vacuum is %v", got)
			}
			if err := e.Close(); err != nil {
				t.Error(err)
			}
			if files := list(t, path); !slices.Equal(files, []string{"heliograph.db", "heliograph.db.ballast"}) {
				t.Errorf("files %q", files)
			}
		})
	}
}

func list(t *testing.T, path string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

// A log without its database holds messages that were accepted: nothing is begun
// anew over it.
func TestDatabaseGoneFromItsLog(t *testing.T) {
	for name, take := range map[string]func(path string) error{
		"removed": os.Remove,
		"emptied": func(path string) error { return os.Truncate(path, 0) },
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "heliograph.db")
			write(t, path, "")
			write(t, path+"-wal", "the log")
			if err := take(path); err != nil {
				t.Fatal(err)
			}
			if _, err := Open(t.Context(), path, Options{}); !errors.Is(err, store.ErrBroken) {
				t.Errorf("open: %v", err)
			}
			if text, err := os.ReadFile(path + "-wal"); err != nil || string(text) != "the log" {
				t.Errorf("the log is %q, %v", text, err)
			}
		})
	}
}

// A file that goes away while it is being opened is missed: SQLite would put an
// empty one in its place, in which there is no table.
func TestDatabaseGoneWhileOpening(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	e := newEngine(path, Options{})
	if err := prepare(t.Context(), path, e.options); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := classify(e.connect(t.Context(), path)); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("connect: %v", err)
	}
	if err := e.release(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("there is a file again: %v", err)
	}
}

// A database that is up to date is opened without a write to it.
func TestOpeningWritesNothing(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	if err := open(t, path, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := open(t, path, Options{}).Close(); err != nil {
		t.Fatal(err)
	}
	if after, err := os.ReadFile(path); err != nil || !slices.Equal(before, after) {
		t.Errorf("the file has changed: %v", err)
	}
}
