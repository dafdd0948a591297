package plan

import (
	"errors"
	"slices"
	"testing"
	"time"

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
	b.Stored[key(1)] = store.Expected{}
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

// What is expected of an entry is held against what is stored and what came before it,
// to the millisecond; two writes of one change are both held against what was there.
func TestExpectedEntries(t *testing.T) {
	at := time.UnixMilli(1_800_000_000_123)
	key := store.EntryKey{List: 1, Key: 1}
	stored := store.Entry{EntryKey: key, At: at, Mark: 1}
	over := func(old *store.Entry, to store.Entry, gone bool) store.EntryWrite {
		return store.EntryWrite{Entry: to, Delete: gone}.Over(old)
	}
	put := func(mark int64) store.Entry {
		return store.Entry{EntryKey: key, At: at.Add(time.Microsecond), Mark: mark, Until: at}
	}
	read := func(e store.Entry) *store.Entry { return &e }
	b := New()
	b.Reset(0, 0)
	b.Stored[key] = *stored.Expected()
	for i, c := range []struct {
		writes []store.EntryWrite
		want   error
	}{
		{[]store.EntryWrite{over(read(put(1)), put(2), false)}, store.ErrVersion},
		{[]store.EntryWrite{over(&store.Entry{EntryKey: key, At: at.Add(time.Millisecond), Mark: 1}, put(2), false)}, store.ErrVersion},
		{[]store.EntryWrite{over(&store.Entry{EntryKey: key, Mark: 1}, put(2), true)}, store.ErrVersion},
		{[]store.EntryWrite{over(nil, put(2), false)}, store.ErrExists},
		{[]store.EntryWrite{over(&stored, put(2), false)}, nil},
		{[]store.EntryWrite{over(&stored, put(3), false)}, store.ErrVersion},
		{[]store.EntryWrite{over(&stored, put(3), true)}, store.ErrVersion},
		{[]store.EntryWrite{over(&store.Entry{EntryKey: key, At: at, Until: at.Add(900 * time.Microsecond), Mark: 2}, put(3), true)}, nil},
		{[]store.EntryWrite{over(read(put(3)), put(4), false)}, store.ErrVersion},
		{[]store.EntryWrite{over(nil, put(4), false)}, nil},
		{[]store.EntryWrite{{Entry: put(5)}, over(read(put(4)), put(6), false)}, nil},
		{[]store.EntryWrite{over(read(put(6)), put(7), false), over(read(put(7)), put(8), false)}, store.ErrVersion},
		{[]store.EntryWrite{over(read(put(6)), put(7), false)}, nil},
	} {
		change := &store.Change{Entries: c.writes}
		if b.Apply(change); !errors.Is(change.Err, c.want) || (change.Err == nil) != (c.want == nil) || store.Overtaken(change.Err) != (c.want != nil) {
			t.Errorf("change %d: %v, want %v", i, change.Err, c.want)
		}
	}
	if b.Entries[key].Mark != 7 || len(b.Relied) != 0 {
		t.Errorf("%+v, relied on %v", b.Entries[key], b.Relied)
	}
	// The second write relies on what the first one does not mind.
	other := store.EntryKey{List: 1, Key: 2}
	c := &store.Change{Entries: []store.EntryWrite{{Entry: store.Entry{EntryKey: other}}, {Entry: store.Entry{EntryKey: other}, Absent: true}}}
	if b.Apply(c); c.Err != nil || !b.Relied[other] {
		t.Errorf("%v, relied on %v", c.Err, b.Relied)
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
