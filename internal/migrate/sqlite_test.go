package migrate

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/datadir"
	"heliograph/internal/store/sqlite"
	"heliograph/internal/store/transfer"
)

func openSQLite(t testing.TB, path string) *sqlite.Engine {
	t.Helper()
	e, err := sqlite.Open(t.Context(), path, sqlite.Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	return e
}

// filled makes a data directory with a database that has something in every table.
func filled(t testing.TB) (dir string, c contents) {
	t.Helper()
	dir = t.TempDir()
	e := openSQLite(t, datadir.Database(dir))
	join(t, e, "node").fill()
	c = read(t, e, 1)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, c
}

func openSource(t *testing.T, path string) *sqlite.Source {
	t.Helper()
	s, err := sqlite.OpenSource(t.Context(), path, sqlite.Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// sameFile fails where a file has other bytes than before.
func sameFile(t *testing.T, path string, before []byte) {
	t.Helper()
	after, err := os.ReadFile(path)
	if err != nil || !slices.Equal(before, after) {
		t.Errorf("%s was changed: %v", path, err)
	}
}

func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// Between two files everything arrives, and digests say so.
func TestMove(t *testing.T) {
	dir, want := filled(t)
	beside := files(t, dir)
	before, err := os.ReadFile(datadir.Database(dir))
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(filepath.Dir(dir)) // names are as people give them
	source := openSource(t, datadir.Database(filepath.Base(dir)))
	path := filepath.Join(t.TempDir(), "new.db")
	target, err := sqlite.CreateTarget(t.Context(), path, sqlite.Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Error("the database is there before it is whole")
	}
	result, err := move(t.Context(), source, target, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := target.Close(); err != nil {
		t.Error(err)
	}
	for _, table := range result.Tables {
		if table.Rows == 0 {
			t.Errorf("the test has nothing in table %s", table.Table)
		}
	}
	sameFile(t, datadir.Database(dir), before)
	if got := files(t, dir); !slices.Equal(got, beside) {
		t.Errorf("the source's directory has %v, and had %v", got, beside)
	}
	if got := files(t, filepath.Dir(path)); !slices.Equal(got, []string{"new.db"}) {
		t.Errorf("the target's directory has %v", got)
	}
	e := openSQLite(t, path)
	if d := cmp.Diff(want, read(t, e, 1)); d != "" {
		t.Errorf("-source +target\n%s", d)
	}
	// The service goes on there: later IDs, the next event.
	n := join(t, e, "node")
	m := n.message(1)
	c := accept(m)
	n.apply(c)
	if c.Events[0].Seq != want.Slots[0].LastSeq+1 || m.ID <= want.Slots[0].LastID {
		t.Errorf("it goes on with event %d and message %d after %d and %d", c.Events[0].Seq, m.ID, want.Slots[0].LastSeq, want.Slots[0].LastID)
	}
}

// What a process that was killed has left in its write-ahead log belongs to the
// database, and reading it changes nothing.
func TestSourceWithWriteAheadLog(t *testing.T) {
	dir := t.TempDir()
	e := openSQLite(t, datadir.Database(dir))
	join(t, e, "node").fill()
	want := read(t, e, 1)
	left := t.TempDir()
	log := map[string][]byte{}
	for _, end := range []string{"", "-wal"} {
		text, err := os.ReadFile(datadir.Database(dir) + end)
		if err == nil {
			err = os.WriteFile(datadir.Database(left)+end, text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
		log[end] = text
	}
	if len(log["-wal"]) == 0 {
		t.Fatal("the log is empty")
	}
	source := openSource(t, datadir.Database(left))
	path := filepath.Join(t.TempDir(), "new.db")
	target, err := sqlite.CreateTarget(t.Context(), path, sqlite.Options{Logger: quiet})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := move(t.Context(), source, target, nil); err != nil {
		t.Fatal(err)
	}
	source.Close()
	for end, before := range log {
		sameFile(t, datadir.Database(left)+end, before)
	}
	if d := cmp.Diff(want, read(t, openSQLite(t, path), 1)); d != "" {
		t.Errorf("-source +target\n%s", d)
	}
}

// faulty is a target that does something wrong.
type faulty struct {
	transfer.Target
	change func(table string, r transfer.Row) bool // false leaves the row out
	fail   string                                  // table that cannot be written
}

var errFaulty = errors.New("this target fails")

func (f faulty) Write(ctx context.Context, t transfer.Table, rows func(func(transfer.Row) error) error) error {
	return f.Target.Write(ctx, t, func(put func(transfer.Row) error) error {
		if t.Name == f.fail {
			return errFaulty
		}
		return rows(func(r transfer.Row) error {
			if f.change != nil && !f.change(t.Name, r) {
				return nil
			}
			return put(r)
		})
	})
}

// What does not arrive as it was is noticed, and nothing is left of it.
func TestNothingIsLeftOfFailures(t *testing.T) {
	dir, _ := filled(t)
	for _, c := range []struct {
		name string
		f    faulty
		want string
	}{
		{"a row less", faulty{change: func(table string, r transfer.Row) bool { return table != "event" || r[6].Int != 3 }}, "table event has"},
		{"another value", faulty{change: func(table string, r transfer.Row) bool {
			if table == "spend" {
				r[3].Int++ // fee
			}
			return true
		}}, "table spend has other rows in the target"},
		{"a table that fails", faulty{fail: "queued"}, "move table queued: this target fails"},
	} {
		to := t.TempDir()
		target, err := sqlite.CreateTarget(t.Context(), datadir.Database(to), sqlite.Options{Logger: quiet})
		if err != nil {
			t.Fatal(err)
		}
		c.f.Target = target
		if _, err := move(t.Context(), openSource(t, datadir.Database(dir)), c.f, nil); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v", c.name, err)
		}
		if err := target.Close(); err != nil {
			t.Error(err)
		}
		if got := files(t, to); len(got) != 0 {
			t.Errorf("%s leaves %v", c.name, got)
		}
	}
}

func TestRefusals(t *testing.T) {
	dir, _ := filled(t)
	path := datadir.Database(dir)
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := sqlite.CreateTarget(t.Context(), path, sqlite.Options{}); err == nil || !strings.Contains(err.Error(), "heliograph.db is there already") {
		t.Errorf("a target that is there: %v", err)
	}
	// A log of another database would be taken for the new one's.
	alone := filepath.Join(t.TempDir(), "heliograph.db")
	write(alone+"-wal", "log")
	if _, err := sqlite.CreateTarget(t.Context(), alone, sqlite.Options{}); err == nil || !strings.Contains(err.Error(), "heliograph.db-wal is there already") {
		t.Errorf("a log that is there: %v", err)
	}
	if got := files(t, filepath.Dir(alone)); !slices.Equal(got, []string{"heliograph.db-wal"}) {
		t.Errorf("a target that was refused leaves %v", got)
	}
	empty := filepath.Join(t.TempDir(), "heliograph.db")
	write(empty, "")
	if _, err := sqlite.OpenSource(t.Context(), empty, sqlite.Options{}); err == nil || !strings.Contains(err.Error(), "no tables of this program") {
		t.Errorf("an empty source: %v", err)
	}
	if _, err := ToPostgres(t.Context(), t.TempDir(), "postgres://localhost/none", Options{}); err == nil || !strings.Contains(err.Error(), "there is no ") {
		t.Errorf("no source: %v", err)
	}
	unlock, err := datadir.Lock(dir)
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	for name, err := range map[string]error{
		"to":   second(ToPostgres(t.Context(), dir, "postgres://localhost/none", Options{})),
		"from": second(FromPostgres(t.Context(), "postgres://localhost/none", dir, Options{})),
	} {
		if err == nil || !strings.Contains(err.Error(), "in use by another process") {
			t.Errorf("%s a directory that is in use: %v", name, err)
		}
	}
}

func second(_ Result, err error) error { return err }

// What an interrupted migration has left does not disturb the next.
func TestLeftOvers(t *testing.T) {
	path := datadir.Database(t.TempDir())
	first, err := sqlite.CreateTarget(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	next, err := sqlite.CreateTarget(t.Context(), path, sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(next.Commit(t.Context()), next.Close()); err != nil {
		t.Fatal(err)
	}
	if err := first.Close(); err != nil {
		t.Error(err)
	}
	if got := files(t, filepath.Dir(path)); !slices.Equal(got, []string{"heliograph.db"}) {
		t.Errorf("the directory has %v", got)
	}
}

func TestCommon(t *testing.T) {
	table := func(name string, columns ...string) transfer.Table {
		t := transfer.Table{Name: name}
		for _, c := range columns {
			t.Columns = append(t.Columns, transfer.Column{Name: c, Kind: transfer.Text})
		}
		return t
	}
	of := func(tables ...transfer.Table) transfer.Schema { return transfer.Schema{Tables: tables} }
	if got, err := common(of(table("a", "x", "y"), table("b")), of(table("a", "x", "y"), table("b"))); err != nil || len(got) != 2 {
		t.Errorf("%v, %v", got, err)
	}
	for want, c := range map[string][2]transfer.Schema{
		"the target has no table b":    {of(table("a"), table("b")), of(table("a"))},
		"the source has no table b":    {of(table("a")), of(table("a"), table("b"))},
		"table a has the columns [{x ": {of(table("a", "x")), of(table("a", "x", "y"))},
	} {
		if _, err := common(c[0], c[1]); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", want, err)
		}
	}
}
