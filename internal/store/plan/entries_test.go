package plan

import (
	"errors"
	"slices"
	"testing"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func entry(key int64, absent, gone bool) *store.Change {
	return &store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: store.EntryKey{List: 1, Key: key}}, Absent: absent, Delete: gone}}}
}

// What is to be put where there is none sees what is stored and what came before it; it
// relies on what is stored only where nothing came before.
func TestEntries(t *testing.T) {
	b := New()
	b.Reset(0, 0)
	key := func(n int64) store.EntryKey { return store.EntryKey{List: 1, Key: n} }
	b.Stored[key(1)] = true
	for i, c := range []struct {
		change *store.Change
		fails  bool
	}{
		{entry(1, true, false), true},
		{entry(2, true, false), false},
		{entry(2, true, false), true},
		{entry(1, false, true), false},
		{entry(1, true, false), false},
		{entry(3, false, false), false},
		{entry(3, true, false), true},
		{entry(2, false, true), false},
	} {
		if b.Apply(c.change); (c.change.Err != nil) != c.fails || c.fails && !errors.Is(c.change.Err, store.ErrExists) {
			t.Errorf("change %d: %v", i, c.change.Err)
		}
	}
	if got := b.EntryKeys(); !slices.Equal(got, []store.EntryKey{key(1), key(2), key(3)}) {
		t.Errorf("keys %v", got)
	}
	if b.Entries[key(1)].Delete || !b.Entries[key(2)].Delete || len(b.Relied) != 1 || !b.Relied[key(2)] {
		t.Errorf("%+v, relied on %v", b.Entries, b.Relied)
	}
	// A change that fails has accepted nothing.
	refused := entry(1, true, false)
	refused.Accept = accepted(16).Accept
	if b.Apply(refused); !errors.Is(refused.Err, store.ErrExists) || len(b.Rows) != 0 {
		t.Errorf("%v, %+v", refused.Err, b.Rows)
	}
	again := accepted(16)
	if b.Apply(again); again.Err != nil {
		t.Error(again.Err)
	}
	b.Reset(0, 0)
	if len(b.Entries)+len(b.Stored)+len(b.Relied)+len(b.Spend) != 0 {
		t.Errorf("%+v", b)
	}
}

func TestSpendAndAppend(t *testing.T) {
	b := New()
	b.Reset(2, 7)
	key := store.UsageKey{Account: "a", Month: "2026-09", Channel: "TEXT", Country: "GB", Route: "LONG_CODE"}
	one := store.SpendDelta{UsageKey: key, Sums: store.Sums{Parts: 2, Price: 3, FeeParts: 1, Fee: 4}}
	c := accepted(16)
	c.Spend, c.Append = []store.SpendDelta{one, one}, []store.Event{{Status: store.StatusInbound, Slot: 9, Seq: 9}}
	b.Apply(c)
	b.Apply(&store.Change{Spend: []store.SpendDelta{{UsageKey: key, Sums: store.Sums{Parts: -1}}}})
	if len(b.Spend) != 1 || b.Spend[key] != (store.Sums{Parts: 3, Price: 6, FeeParts: 2, Fee: 8}) {
		t.Errorf("%+v", b.Spend)
	}
	if len(c.Events) != 2 || c.Events[0].Status != sms.StatusQueued || c.Events[1].Status != store.StatusInbound || c.Events[1].Slot != 2 || c.Events[1].Seq != 9 || b.Seq != 9 {
		t.Errorf("%+v", c.Events)
	}
}
