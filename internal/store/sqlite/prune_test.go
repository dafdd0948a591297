package sqlite

import (
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/storetest"
)

func TestPruneContract(t *testing.T) {
	storetest.RunPrune(t, func(t *testing.T, dir string) store.Engine {
		return open(t, filepath.Join(dir, "heliograph.db"), Options{})
	})
}

// ended is a change that accepts a message and ends it.
func ended(id sms.ID, size int) *store.Change {
	c := accept(id, size)
	c.Parts = []store.PartChange{{Account: "111122223333", Update: sms.PartUpdate{Message: id, Parts: 1, Kind: sms.UpdateUnsentFinal, Status: sms.StatusTTLExpired, At: time.Now()}}}
	return c
}

// pass runs a pass to its end.
func pass(t *testing.T, e *Engine, f store.Fence, before sms.ID) (sum store.Pruned) {
	t.Helper()
	for p := (&store.Pass{Messages: before, Within: 10 * time.Millisecond}); !p.Done(); {
		n, err := e.Prune(t.Context(), f, p)
		if err != nil {
			t.Fatal(err)
		}
		sum.Messages, sum.Events = sum.Messages+n.Messages, sum.Events+n.Events
	}
	return sum
}

// The file gets shorter after pruning while commits go on, and so does not the log
// get longer; what was not pruned is there.
func TestShrinkWhileCommitting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	e, f := joined(t, path, Options{CheckpointPages: 200})
	const old, size = 3000, 2000
	ids := sms.NewIDs(0, 0)
	var last sms.ID
	for range old / 50 {
		var batch []*store.Change
		for range 50 {
			last = ids.Next(time.Now())
			batch = append(batch, ended(last, size))
		}
		if err := e.Apply(t.Context(), f, batch); err != nil {
			t.Fatal(err)
		}
	}
	seq, err := e.LastSeq(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Apply(t.Context(), f, []*store.Change{{Cursors: []store.Cursor{{Seq: seq}}}}); err != nil {
		t.Fatal(err)
	}
	before := sizes(t, e)
	if before.Database+before.Log < old*size {
		t.Fatalf("%+v", before)
	}
	stop := make(chan struct{})
	var running sync.WaitGroup
	var kept []sms.ID
	running.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				if n >= 20 {
					return
				}
			default:
			}
			id := ids.Next(time.Now())
			kept = append(kept, id)
			if err := e.Apply(t.Context(), f, []*store.Change{accept(id, size)}); err != nil {
				t.Error(err)
				return
			}
			if _, err := e.MessageEvents(t.Context(), id); err != nil {
				t.Error(err)
			}
		}
	})
	if n := pass(t, e, f, last+1); n.Messages != old || n.Events != 2*old {
		t.Errorf("pruned: %+v", n)
	}
	free := sizes(t, e).Free
	if free < old*size/2 {
		t.Errorf("%d bytes are free after pruning", free)
	}
	given := int64(0)
	for more := true; more; {
		n, err := e.Shrink(t.Context(), f, time.Millisecond)
		if err != nil {
			t.Fatal(err)
		}
		given, more = given+n.Bytes, n.More
	}
	close(stop)
	running.Wait()
	// The last step has asked for the log to be moved into the file.
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(time.Millisecond) {
		if s := sizes(t, e); s.Database < before.Database/2 {
			break
		} else if time.Now().After(deadline) {
			t.Fatalf("the file had %+v, has %+v; %d bytes were given back", before, s, given)
		}
	}
	if got := count(t, e); got != len(kept) {
		t.Errorf("%d messages of %d are there", got, len(kept))
	}
	if err := e.scan(t.Context(), "check", "PRAGMA integrity_check", nil, func(r row) error {
		if r.text(0) != "ok" {
			t.Error(r.text(0))
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	if n, err := e.Shrink(t.Context(), f, time.Millisecond); err != nil || n != (store.Shrunk{}) {
		t.Errorf("once more: %+v, %v", n, err)
	}
}

func sizes(t *testing.T, e *Engine) store.Sizes {
	t.Helper()
	s, err := e.Sizes(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// A stale node does not shrink the file either.
func TestShrinkFence(t *testing.T) {
	e, f := joined(t, filepath.Join(t.TempDir(), "heliograph.db"), Options{})
	for n := range 10 {
		if err := e.Apply(t.Context(), f, []*store.Change{accept(sms.ID(n+1)<<4, 1<<20)}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := e.writer.exec("DELETE FROM message"); err != nil {
		t.Fatal(err)
	}
	stale := f
	stale.Epoch--
	if n, err := e.Shrink(t.Context(), stale, time.Second); !errors.Is(err, store.ErrFenced) || n != (store.Shrunk{}) {
		t.Errorf("%+v, %v", n, err)
	}
	if n, err := e.Shrink(t.Context(), f, time.Second); err != nil || n.Bytes < 8<<20 || n.Held <= 0 {
		t.Errorf("%+v, %v", n, err)
	}
}

// A file that something else made, and not to be shrunk, is left as it is.
func TestShrinkNever(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE other (v)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	e, f := joined(t, path, Options{})
	if err := e.Apply(t.Context(), f, []*store.Change{accept(16, 8<<20)}); err != nil {
		t.Fatal(err)
	}
	if _, err := e.writer.exec("DELETE FROM message"); err != nil {
		t.Fatal(err)
	}
	if free := sizes(t, e).Free; free < 8<<20 {
		t.Fatalf("%d bytes are free", free)
	}
	if n, err := e.Shrink(t.Context(), f, time.Second); err != nil || n.Bytes != 0 || n.More {
		t.Errorf("%+v, %v", n, err)
	}
}

// A data directory that was made before anything was pruned goes on with its IDs,
// then and after all of it was pruned.
func TestPruneOldDirectory(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	migrateTo(t, path, 2)
	id := sms.FirstID(time.Now().Add(-24*time.Hour)) + 0x50
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"INSERT INTO node VALUES (0, 7, 'before')",
		fmt.Sprintf("INSERT INTO message VALUES (%d, '111122223333', x'')", id),
		fmt.Sprintf("INSERT INTO event VALUES (41, %d, '111122223333', '', 'QUEUED', 0, 0, NULL), (42, %d, '111122223333', '', 'DELIVERED', 0, 1, NULL)", id, id),
		"INSERT INTO router VALUES (0, 42)",
	} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	want := func(e *Engine) {
		t.Helper()
		seq, err := e.LastSeq(t.Context(), 0)
		if err != nil || seq != 42 {
			t.Errorf("last event %d, %v", seq, err)
		}
		last, err := e.LastID(t.Context(), 0)
		if err != nil || last != id {
			t.Errorf("last ID %d, %v", last, err)
		}
	}
	e, f := joined(t, path, Options{})
	if f.Epoch != 8 {
		t.Errorf("epoch %d", f.Epoch)
	}
	want(e)
	if n := pass(t, e, f, id+1); n.Messages != 1 || n.Events != 2 {
		t.Errorf("pruned: %+v", n)
	}
	want(e)
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	e, f = joined(t, path, Options{})
	want(e)
	c := accept(sms.NewIDs(0, id).Next(time.Time{}), 1)
	if err := e.Apply(t.Context(), f, []*store.Change{c}); err != nil || c.Events[0].Seq != 43 {
		t.Errorf("%v %+v", err, c.Events)
	}
}

// migrateTo makes a database as an older version did.
func migrateTo(t *testing.T, path string, version int64) {
	t.Helper()
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", creating(path, Options{}.withDefaults()))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := provider.UpTo(t.Context(), version); err != nil {
		t.Fatal(err)
	}
}

func TestExcess(t *testing.T) {
	for _, c := range []struct{ pages, free, want int64 }{
		{0, 0, 0}, {1000, 300, 0}, {1000, 318, 0}, {1000, 999, 726}, {1_600_000, 100_000, 0}, {1_600_000, 1_000_256, 960_000},
	} {
		got := excess(c.pages, c.free)
		if got != c.want {
			t.Errorf("%d of %d pages are free: %d are too many, want %d", c.free, c.pages, got, c.want)
		}
		if again := excess(c.pages-got, c.free-got); again > 1 {
			t.Errorf("%d of %d pages are free: %d more are too many", c.free, c.pages, again)
		}
	}
}
