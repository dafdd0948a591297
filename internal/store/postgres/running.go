package postgres

import (
	"maps"
	"slices"

	"heliograph/internal/store"
	"heliograph/internal/store/plan"
)

// running is what the rows hold that every commit replaces, as far as it is known:
// what is not makes way without being known, once.
type running struct {
	spend   map[store.UsageKey]total
	cursors map[int]int64

	// Of the commit under way.
	nextSpend   map[store.UsageKey]total
	nextCursors map[int]int64
	n           int64
}

// total is what a slot has billed, and the commit that wrote it.
type total struct {
	n int64
	store.Sums
}

// manyTotals is how many are kept before they are forgotten, with those of months
// gone by.
const manyTotals = 50_000

func newRunning() *running {
	return &running{spend: map[store.UsageKey]total{}, cursors: map[int]int64{},
		nextSpend: map[store.UsageKey]total{}, nextCursors: map[int]int64{}}
}

func (r *running) forget() {
	clear(r.spend)
	clear(r.cursors)
}

// written is called when the commit under way has happened.
func (r *running) written() {
	if len(r.spend) > manyTotals {
		clear(r.spend)
	}
	maps.Copy(r.spend, r.nextSpend)
	maps.Copy(r.cursors, r.nextCursors)
}

// started reads what startSpend answers.
func (r *running) started(v row) error {
	u := scanUsage(v)
	r.nextSpend[u.UsageKey] = total{r.n, u.Sums}
	return nil
}

func (w *writes) gatherCursors(r *running) {
	clear(r.nextCursors)
	for _, slot := range slices.Sorted(maps.Keys(w.cursors)) {
		seq := w.cursors[slot]
		before, known := r.cursors[slot]
		switch {
		case known && before == seq:
			continue
		case known:
			w.dropCursor.key(slot, before)
		default:
			w.dropCursors.cols[0].int(int64(slot))
		}
		w.cursor.key(slot, seq)
		r.nextCursors[slot] = seq
	}
}

func (w *writes) gatherSpend(slot int, b *plan.Batch, r *running, n int64) {
	clear(r.nextSpend)
	r.n = n
	add := func(to *rows, k store.UsageKey, values ...int64) {
		to.cols[0].int(int64(slot))
		for i, v := range []string{k.Account, k.Month, k.Channel, k.Country, k.Route} {
			to.cols[1+i].text(v)
		}
		for i, v := range values {
			to.cols[6+i].int(v)
		}
	}
	put := func(to *rows, k store.UsageKey, s store.Sums) {
		add(to, k, n, s.Parts, int64(s.Price), s.FeeParts, int64(s.Fee))
	}
	for _, k := range slices.SortedFunc(maps.Keys(b.Spend), compareSpend) {
		before, known := r.spend[k]
		if !known {
			put(w.startSpend, k, b.Spend[k])
			continue
		}
		after := total{n, before.Plus(b.Spend[k])}
		add(w.dropSpend, k, before.n)
		put(w.spend, k, after.Sums)
		r.nextSpend[k] = after
	}
}
