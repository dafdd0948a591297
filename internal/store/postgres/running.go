package postgres

import (
	"maps"
	"slices"

	"heliograph/internal/sms"
	"heliograph/internal/store/plan"
)

// running is what the rows hold that every commit replaces, as far as it is known:
// what is not makes way without being known, once.
type running struct {
	spend   map[plan.SpendKey]total
	cursors map[int]int64

	// Of the commit under way.
	nextSpend   map[plan.SpendKey]total
	nextCursors map[int]int64
	n           int64
}

// total is what a slot has spent, and the commit that wrote it.
type total struct {
	n      int64
	amount sms.Money
}

// manyTotals is how many are kept before they are forgotten, with those of months
// gone by.
const manyTotals = 10_000

func newRunning() *running {
	return &running{spend: map[plan.SpendKey]total{}, cursors: map[int]int64{},
		nextSpend: map[plan.SpendKey]total{}, nextCursors: map[int]int64{}}
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
	r.nextSpend[plan.SpendKey{Account: v.text(0), Month: v.text(1), Channel: v.text(2)}] = total{r.n, sms.Money(v.int(3))}
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
	add := func(to *rows, k plan.SpendKey, values ...int64) {
		to.cols[0].int(int64(slot))
		to.cols[1].text(k.Account)
		to.cols[2].text(k.Month)
		to.cols[3].text(k.Channel)
		for i, v := range values {
			to.cols[4+i].int(v)
		}
	}
	for _, k := range slices.SortedFunc(maps.Keys(b.Spend), compareSpend) {
		before, known := r.spend[k]
		if !known {
			add(w.startSpend, k, n, int64(b.Spend[k]))
			continue
		}
		after := total{n, before.amount + b.Spend[k]}
		add(w.dropSpend, k, before.n)
		add(w.spend, k, after.n, int64(after.amount))
		r.nextSpend[k] = after
	}
}
