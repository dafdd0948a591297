package sqlite

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"io/fs"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pressly/goose/v3"

	"heliograph/internal/store"
)

// What was spent before countries were kept is spent still, and the tables can be
// brought back.
func TestSpendBefore(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	migrateTo(t, path, 4)
	db, err := sql.Open("sqlite", upgrading(path, Options{}.withDefaults()))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("INSERT INTO spend VALUES ('a', '2026-09', 'TEXT', 40), ('a', '2026-09', 'VOICE', 2), ('b', '2026-08', 'TEXT', 1)"); err != nil {
		t.Fatal(err)
	}
	e, f := joined(t, path, Options{})
	before := store.UsageKey{Account: "a", Month: "2026-09", Channel: "TEXT"}
	now := before
	now.Country, now.Route = "GB", "LONG_CODE"
	if err := e.Apply(t.Context(), f, []*store.Change{{Spend: []store.SpendDelta{{UsageKey: before, Sums: store.Sums{Price: 3}},
		{UsageKey: now, Sums: store.Sums{Parts: 1, Price: 5, FeeParts: 1, Fee: 6}}}}}); err != nil {
		t.Fatal(err)
	}
	usage, err := e.Usage(t.Context(), "a", "2026-09")
	if err != nil || len(usage) != 3 || usage[0] != (store.Usage{UsageKey: before, Sums: store.Sums{Price: 43}}) || usage[1].UsageKey != now {
		t.Errorf("%+v, %v", usage, err)
	}
	if spent, err := e.Spend(t.Context(), "a", "2026-09", "TEXT"); err != nil || spent != 54 {
		t.Errorf("%d spent, %v", spent, err)
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tables.DownTo(t.Context(), 4); err != nil {
		t.Fatal(err)
	}
	var amount, rows int64
	if err := db.QueryRow("SELECT sum(amount), count(*) FROM spend").Scan(&amount, &rows); err != nil || amount != 57 || rows != 3 {
		t.Errorf("%d in %d rows, %v", amount, rows, err)
	}
}

// However long a list and a log are, an entry, a page of lines and where a slot's lines
// begin are found by their keys.
func TestListsAreSearched(t *testing.T) {
	e, f := joined(t, filepath.Join(t.TempDir(), "heliograph.db"), Options{})
	keys := []store.EntryKey{{List: 1, Key: 1}, {List: 1, Key: 2}}
	pass := store.Pass{Lists: []int64{1}, Logs: map[int64]time.Time{1: time.UnixMilli(7)}, Within: time.Second, Stage: store.PruneEntries}
	put := &store.Change{Logs: []store.LogEvent{{Group: 1, At: time.UnixMilli(1), Seq: 1}}}
	for _, k := range keys {
		put.Entries = append(put.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: k}, Absent: true})
	}
	gone := &store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: keys[0]}, Delete: true}}}
	use := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	use(e.Apply(t.Context(), f, []*store.Change{put}))
	use(e.Apply(t.Context(), f, []*store.Change{gone}))
	for range cap(e.readers) { // each connection has statements of its own
		_, err := e.Entries(t.Context(), keys)
		use(err)
		_, err = e.Entries(t.Context(), keys[:1])
		use(err)
		_, err = e.EntriesAfter(t.Context(), store.EntryScan{List: 1, Marks: []int64{1}, Limit: 1})
		use(err)
		for _, scan := range []store.LogScan{{Group: 1, Slot: store.AnySlot, Limit: 1}, {Group: 1, Slot: 3, Limit: 1, Backwards: true}} {
			_, err = e.LogEvents(t.Context(), scan)
			use(err)
		}
		_, err = e.LogSlots(t.Context(), 1)
		use(err)
		_, err = e.Usage(t.Context(), "a", "2026-01")
		use(err)
	}
	for !pass.Done() {
		_, err := e.Prune(t.Context(), f, &pass)
		use(err)
	}
	explained := 0
	reader := <-e.readers
	defer func() { e.readers <- reader }()
	for _, c := range []*conn{e.writer, reader} {
		for _, text := range slices.Collect(maps.Keys(c.stmts)) {
			if !strings.Contains(text, "entry") && !strings.Contains(text, "log_line") && !strings.Contains(text, "spend") || strings.Contains(text, "INSERT") || strings.Contains(text, "REPLACE") {
				continue
			}
			explained++
			args := make([]driver.Value, strings.Count(strings.ReplaceAll(text, "?1", ""), "?")+min(strings.Count(text, "?1"), 1))
			if err := c.query(t.Context(), "EXPLAIN QUERY PLAN "+text, args, func(r row) error {
				if plan := r.text(3); strings.HasPrefix(plan, "SCAN") && !strings.Contains(plan, "VALUES") && !strings.Contains(plan, "CONSTANT") && plan != "SCAN s" || strings.Contains(plan, "TEMP B-TREE") {
					t.Errorf("%s: %s", text, plan)
				}
				return nil
			}); err != nil {
				t.Errorf("%s: %v", text, err)
			}
		}
	}
	if explained < 12 {
		t.Errorf("%d statements", explained)
	}
}

// On a full disk nothing new is taken: neither messages, nor log lines, nor what
// somebody published. Entries of lists are changed still.
func TestFullDiskTakesNothingNew(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heliograph.db")
	e, f := joined(t, path, Options{Ballast: 1 << 20})
	if !e.ballast.give(time.Now()) {
		t.Fatal("the ballast is not given up")
	}
	e.ballast.path = filepath.Join(path, "nowhere")
	line := &store.Change{Logs: []store.LogEvent{{Group: 1, At: time.UnixMilli(1), Seq: 1}}}
	published := &store.Change{Append: []store.Event{{Status: store.StatusPublication}}}
	entry := &store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: store.EntryKey{List: 1, Key: 1}}}}}
	if err := e.Apply(t.Context(), f, []*store.Change{line, published, entry}); err != nil || !errors.Is(line.Err, store.ErrFull) || !errors.Is(published.Err, store.ErrFull) || entry.Err != nil {
		t.Errorf("%v; %v, %v, %v", err, line.Err, published.Err, entry.Err)
	}
	if found, err := e.Entries(t.Context(), []store.EntryKey{entry.Entries[0].EntryKey}); err != nil || found[0] == nil {
		t.Errorf("%v, %v", found, err)
	}
}
