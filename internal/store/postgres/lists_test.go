//go:build postgres

package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"heliograph/internal/store"
)

func entryOf(key, mark int64) store.EntryWrite {
	return store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: 5, Key: key}, Mark: mark}}
}

// Of nodes that put the same entries where there are none, each key has one that
// succeeds; of the others those changes fail, and nothing else of their batches.
func testSameEntries(t *testing.T, nodes []*node) {
	const rounds, each = 12, 6
	for round := range int64(rounds) {
		tries := make([][]*store.Change, len(nodes))
		var wg sync.WaitGroup
		for at, n := range nodes {
			var batch []*store.Change
			for _, i := range rand.Perm(each) {
				w := entryOf(round*each+int64(i), int64(at+1))
				w.Absent = true
				batch = append(batch, &store.Change{Entries: []store.EntryWrite{w}})
			}
			change, _ := n.accept(1)
			tries[at] = append(batch, change)
			wg.Go(func() {
				if err := n.Apply(t.Context(), n.fence, tries[at]); err != nil || change.Err != nil {
					t.Errorf("%v %v", err, change.Err)
				}
			})
		}
		wg.Wait()
		winners := map[int64]int64{}
		for _, batch := range tries {
			for _, c := range batch[:each] {
				w := c.Entries[0]
				switch {
				case c.Err == nil && winners[w.Key] != 0:
					t.Errorf("entry %d was put by %d and %d", w.Key, winners[w.Key], w.Mark)
				case c.Err == nil:
					winners[w.Key] = w.Mark
				case !errors.Is(c.Err, store.ErrExists):
					t.Error(c.Err)
				}
			}
		}
		for i := range int64(each) {
			key := round*each + i
			found, err := nodes[0].Entries(t.Context(), []store.EntryKey{{List: 5, Key: key}})
			if err != nil || found[0] == nil || found[0].Mark != winners[key] {
				t.Errorf("entry %d is %+v, %v; it was put by %d", key, found[0], err, winners[key])
			}
		}
	}
}

// Nodes count up, each over what it has read: no step of any of them is lost, whether
// an entry is put over, deleted or put where there is none. Another node's lock on the
// row, in a batch of several, is waited for and seen.
func testExpectedEntries(t *testing.T, nodes []*node) {
	const keys, steps = 2, 40
	var mu sync.Mutex
	made := map[int64]int64{} // by key
	var wg sync.WaitGroup
	for at, n := range nodes {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(5, uint64(at)))
			for done := 0; done < steps; {
				key := r.Int64N(keys)
				// Who counts puts both entries in one change, the count being that of key;
				// what the other one has is only written again.
				read, err := n.Entries(t.Context(), []store.EntryKey{{List: 6, Key: key}, {List: 6, Key: 1 - key}})
				if err != nil {
					t.Error(err)
					return
				}
				w := entryOf(key, 1)
				if w.List = 6; read[0] != nil {
					w.Mark = read[0].Mark + 1
				}
				change := &store.Change{Entries: []store.EntryWrite{w.Over(read[0])}}
				if other := read[1]; other != nil {
					again := store.EntryWrite{Entry: *other}.Over(other)
					change.Entries = append(change.Entries, again)
				}
				beside, _ := n.accept(1)
				if err := n.Apply(t.Context(), n.fence, []*store.Change{beside, change}); err != nil || beside.Err != nil {
					t.Errorf("%v, %v", err, beside.Err)
					return
				}
				if change.Err != nil {
					if !store.Overtaken(change.Err) {
						t.Error(change.Err)
						return
					}
					runtime.Gosched()
					continue
				}
				done++
				mu.Lock()
				made[key]++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for key := range int64(keys) {
		found, err := nodes[0].Entries(t.Context(), []store.EntryKey{{List: 6, Key: key}})
		if err != nil || found[0] == nil || found[0].Mark != made[key] {
			t.Errorf("entry %d is %+v, %v; %d steps were made", key, found[0], err, made[key])
			continue
		}
		// Of deletions of what all have read, one is made.
		gone := make([]*store.Change, len(nodes))
		for at, n := range nodes {
			gone[at] = &store.Change{Entries: []store.EntryWrite{store.EntryWrite{Entry: *found[0], Delete: true}.Over(found[0])}}
			wg.Go(func() {
				if err := n.Apply(t.Context(), n.fence, []*store.Change{gone[at]}); err != nil {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		succeeded := 0
		for _, c := range gone {
			if c.Err == nil {
				succeeded++
			} else if !errors.Is(c.Err, store.ErrVersion) {
				t.Error(c.Err)
			}
		}
		if succeeded != 1 {
			t.Errorf("%d nodes deleted what they had read", succeeded)
		}
	}
}

// Nodes that write the same few entries in every way do not block one another, and what
// was put where there was none was not put over anything: with each success the entry
// is deleted by who has it before anybody else succeeds.
func testAnyEntries(t *testing.T, nodes []*node) {
	const keys = 3
	var mu sync.Mutex
	held := map[int64]int64{} // by key: who says that it has the entry
	var wg sync.WaitGroup
	for at, n := range nodes {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(3, uint64(at)))
			for range 60 {
				key, mine := r.Int64N(keys), int64(at+1)
				w := entryOf(key, mine)
				w.Absent = true
				put := &store.Change{Entries: []store.EntryWrite{w}}
				beside := &store.Change{Entries: []store.EntryWrite{entryOf(100+r.Int64N(keys), mine), entryOf(100+r.Int64N(keys), mine)}}
				gone := &store.Change{Entries: []store.EntryWrite{entryOf(100+r.Int64N(keys), mine)}}
				gone.Entries[0].Delete = true
				if err := n.Apply(t.Context(), n.fence, []*store.Change{beside, put, gone}); err != nil || beside.Err != nil || gone.Err != nil {
					t.Errorf("%v, %v, %v", err, beside.Err, gone.Err)
					return
				}
				if put.Err != nil {
					continue
				}
				mu.Lock()
				if held[key] != 0 {
					t.Errorf("entry %d was put by %d while %d had it", key, mine, held[key])
				}
				held[key] = mine
				mu.Unlock()
				runtime.Gosched()
				mu.Lock()
				delete(held, key)
				mu.Unlock()
				w.Absent, w.Delete = false, true
				n.apply(&store.Change{Entries: []store.EntryWrite{w}})
			}
		})
	}
	wg.Wait()
	left, err := nodes[0].EntriesAfter(t.Context(), store.EntryScan{List: 5, After: -1, Limit: 100})
	if err != nil || slices.ContainsFunc(left, func(e store.Entry) bool { return e.Key < keys }) {
		t.Errorf("%+v, %v", left, err)
	}
}

// What several nodes bill adds up, also where one takes another's slot; lines of
// several slots come in one order.
func testUsageAndLogs(t *testing.T, nodes []*node) {
	key := func(country string) store.UsageKey {
		return store.UsageKey{Account: account, Month: month, Channel: "TEXT", Country: country, Route: "LONG_CODE"}
	}
	one := store.Sums{Parts: 2, Price: 30, FeeParts: 1, Fee: 4}
	for round := range 3 {
		for _, n := range nodes {
			n.apply(&store.Change{Spend: []store.SpendDelta{{UsageKey: key("GB"), Sums: one}},
				Logs: []store.LogEvent{{Group: 1, At: now.Add(time.Duration(round) * time.Second), Slot: n.fence.Slot, Seq: int64(round), Message: fmt.Appendf(nil, "%d/%d", round, n.fence.Slot)}}})
		}
		nodes[1].apply(&store.Change{Spend: []store.SpendDelta{{UsageKey: key("FR"), Sums: one}}})
		nodes[0] = join(t, nodes[0].Engine, "node0")
	}
	usage, err := nodes[0].Usage(t.Context(), "", month)
	if err != nil {
		t.Fatal(err)
	}
	want := []store.Usage{{UsageKey: key("FR"), Sums: store.Sums{Parts: 6, Price: 90, FeeParts: 3, Fee: 12}}, {UsageKey: key("GB"), Sums: store.Sums{Parts: 18, Price: 270, FeeParts: 9, Fee: 36}}}
	if d := cmp.Diff(want, usage); d != "" {
		t.Error(d)
	}
	if rows := nodes[0].count("SELECT count(*) FROM spend"); rows != 4 || nodes[0].spent() != 408 {
		t.Errorf("%d rows, %d spent", rows, nodes[0].spent())
	}
	lines, err := nodes[0].LogEvents(t.Context(), store.LogScan{Group: 1, Slot: store.AnySlot, Limit: 5, From: now.Add(time.Second)})
	var got []string
	for _, l := range lines {
		got = append(got, string(l.Message))
	}
	if err != nil || !slices.Equal(got, []string{"1/0", "1/1", "1/2", "2/0", "2/1"}) {
		t.Errorf("%v, %v", got, err)
	}
}

// What was spent before countries were kept is spent still, and the tables can be
// brought back.
func testSpendBefore(t *testing.T, r *rig) {
	url := r.Cluster.Database()
	config, err := pgx.ParseConfig(url)
	if err != nil {
		t.Fatal(err)
	}
	db := stdlib.OpenDB(*config)
	defer db.Close()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		t.Fatal(err)
	}
	tables, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := tables.UpTo(t.Context(), 11); err != nil {
		t.Fatal(err)
	}
	exec(t, db, "INSERT INTO spend (account, month, channel, slot, n, amount) VALUES ($1, $2, 'TEXT', 0, 5, 40), ($1, $2, 'TEXT', 1, 9, 2)", account, month)
	e := open(t, url, Options{})
	n := join(t, e, "a")
	key := store.UsageKey{Account: account, Month: month, Channel: "TEXT"}
	n.apply(&store.Change{Spend: []store.SpendDelta{{UsageKey: key, Sums: store.Sums{Price: 3}}}})
	key.Country = "GB"
	n.apply(&store.Change{Spend: []store.SpendDelta{{UsageKey: key, Sums: store.Sums{Parts: 1, Price: 5, FeeParts: 1, Fee: 6}}}})
	usage, err := e.Usage(t.Context(), account, month)
	if err != nil || len(usage) != 2 || usage[0].Sums != (store.Sums{Price: 45}) || usage[0].Country != "" || n.spent() != 56 {
		t.Errorf("%+v, %v; %d spent", usage, err, n.spent())
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := tables.DownTo(t.Context(), 11); err != nil {
		t.Fatal(err)
	}
	var amount, rows int64
	if err := db.QueryRowContext(t.Context(), "SELECT sum(amount), count(*) FROM spend").Scan(&amount, &rows); err != nil || amount != 56 || rows != 2 {
		t.Errorf("%d in %d rows, %v", amount, rows, err)
	}
}

func exec(t *testing.T, db *sql.DB, statement string, args ...any) {
	t.Helper()
	if _, err := db.ExecContext(context.Background(), statement, args...); err != nil {
		t.Fatal(err)
	}
}
