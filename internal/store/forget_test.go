package store_test

import (
	"context"
	"errors"
	"math"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// pages are the pages of a list as they are read.
type pages struct {
	store.Lists
	longest int
	after   func(n int) // is called when the n-th was read
	n       int
}

func (p *pages) EntriesAfter(ctx context.Context, scan store.EntryScan) ([]store.Entry, error) {
	page, err := p.Lists.EntriesAfter(ctx, scan)
	p.longest, p.n = max(p.longest, len(page)), p.n+1
	if p.after != nil {
		p.after(p.n)
	}
	return page, err
}

func TestForget(t *testing.T) {
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	fence, err := engine.Join(t.Context(), "node")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{})
	defer committer.Close()
	entry := func(key, mark int64) store.EntryWrite {
		return store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: 5, Key: key}, Mark: mark}}
	}
	write := func(entries ...store.EntryWrite) {
		t.Helper()
		if err := committer.Commit(&store.Change{Entries: entries}); err != nil {
			t.Fatal(err)
		}
	}
	left := func() (keys []int64) {
		t.Helper()
		found, err := engine.EntriesAfter(t.Context(), store.EntryScan{List: 5, After: math.MinInt64, Limit: 10_000})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range found {
			keys = append(keys, e.Key)
		}
		return keys
	}
	odd := func(e *store.Entry) bool { return e.Mark%2 == 1 }
	fill := func(n int64) {
		t.Helper()
		var all []store.EntryWrite
		for key := range n {
			all = append(all, entry(key-10, key))
		}
		write(all...)
	}

	fill(1200)
	lists := &pages{Lists: engine}
	if n, err := store.Forget(t.Context(), lists, committer, 5, odd); n != 600 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if keys := left(); len(keys) != 600 || slices.ContainsFunc(keys, func(k int64) bool { return k%2 != 0 }) || lists.longest > 500 || lists.n != 3 {
		t.Errorf("%d entries are left; %d pages of %d were read", len(keys), lists.n, lists.longest)
	}
	if n, err := store.Forget(t.Context(), engine, committer, 6, odd); n != 0 || err != nil {
		t.Errorf("of an empty list: %d, %v", n, err)
	}

	// What was written since it was read stays, and holds nothing else up.
	fill(1200)
	lists = &pages{Lists: engine, after: func(n int) {
		if n == 1 {
			write(entry(-9, 1000))
		}
	}}
	if n, err := store.Forget(t.Context(), lists, committer, 5, odd); n != 599 || err != nil || !slices.Contains(left(), -9) {
		t.Errorf("%d, %v", n, err)
	}
	// A page that others write all the time is left to the next time.
	fill(1200)
	lists = &pages{Lists: engine, after: func(n int) { write(entry(-9, int64(n)*2+1)) }}
	if n, err := store.Forget(t.Context(), lists, committer, 5, odd); n != 350 || err != nil || lists.n != 6 {
		t.Errorf("%d, %v, %d reads", n, err, lists.n)
	}

	// It ends in the middle when its time is up.
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	lists = &pages{Lists: engine, after: func(int) { stop() }}
	fill(1200)
	if _, err := store.Forget(ctx, lists, committer, 5, odd); !errors.Is(err, context.Canceled) || lists.n != 1 {
		t.Errorf("%v after %d pages", err, lists.n)
	}
}
