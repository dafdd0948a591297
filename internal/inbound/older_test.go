package inbound

import (
	"encoding/json"
	"math"
	"slices"
	"testing"

	"heliograph/internal/carrier"
	"heliograph/internal/store"
)

// older is the entry of a part that waits as it was before there were Keys.
func (r *rig) older(m carrier.Inbound) store.EntryWrite {
	r.Helper()
	p := partOf(&m)
	doc, err := json.Marshal(&p)
	r.must(err)
	return store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: pendingList, Key: olderKey(&p) | int64(p.Number)},
		At: r.clock.now(), Mark: p.mark(), Doc: doc}}
}

// olderDone is what was left then of a message that was made.
func (r *rig) olderDone(parts ...carrier.Inbound) store.EntryWrite {
	r.Helper()
	var w waiting
	for i := range parts {
		w = append(w, partOf(&parts[i]))
	}
	doc, err := json.Marshal(w.marks())
	r.must(err)
	return store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: doneList, Key: olderKey(&w[0]) | 77}, At: r.clock.now(), Doc: doc}}
}

// upgrade puts entries that an older version left, and starts over them.
func (r *rig) upgrade(entries ...store.EntryWrite) {
	r.Helper()
	r.must(r.committer.Commit(&store.Change{Entries: entries}))
	r.crash()
}

// TestOlderParts: parts that wait over the upgrade are put together with those that come
// after it, and are known when they come again.
func TestOlderParts(t *testing.T) {
	r := newRig(t, 1)
	parts, whole := message5(7, "part")
	r.upgrade(r.older(parts[0]), r.older(parts[3]))
	if o := r.take(parts[3]); o.Result != carrier.InboundDuplicate {
		t.Errorf("a part that waits: %+v", o)
	}
	for _, i := range []int{1, 4, 2} {
		r.take(parts[i])
	}
	if got := r.bodies(); !slices.Equal(got, []string{whole}) {
		t.Errorf("published %q", got)
	}
	if parts, _ := r.waiting(); parts != 0 {
		t.Errorf("%d parts wait", parts)
	}
}

// TestOlderPartsLate: an older node that goes on for a while leaves some to the sweep.
func TestOlderPartsLate(t *testing.T) {
	r := newRig(t, 1)
	parts, whole := message5(7, "part")
	for i := range 4 {
		r.take(parts[i])
	}
	unreadable := r.older(pieceOf(1, 2, 9, "x"))
	unreadable.Doc = []byte("{")
	r.must(r.committer.Commit(&store.Change{Entries: []store.EntryWrite{unreadable, r.older(parts[4]), r.older(parts[1])}}))
	r.sweep()
	r.clock.advance(settleTime)
	r.sweep()
	r.clock.advance(ReassemblyTimeout)
	r.sweep()
	if got := r.bodies(); !slices.Equal(got, []string{whole}) {
		t.Errorf("published %q", got)
	}
	if parts, _ := r.waiting(); parts != 0 {
		t.Errorf("%d parts wait", parts)
	}
}

// TestOlderMade: a part that comes again after the upgrade is of the message that was
// made before it.
func TestOlderMade(t *testing.T) {
	r := newRig(t, 1)
	parts, _ := message5(7, "part")
	again, next := message5(7, "part")
	again[4].Text += " of the next"
	next += " of the next"
	r.upgrade(r.olderDone(parts...), r.older(parts[0]))
	for _, p := range parts {
		r.take(p)
	}
	if got := r.bodies(); len(got) != 0 {
		t.Errorf("published again: %q", got)
	}
	for _, p := range again {
		r.take(p)
	}
	r.clock.advance(copyTime)
	r.sweep()
	if got := r.bodies(); !slices.Equal(got, []string{next}) {
		t.Errorf("published %q", got)
	}
}

// TestClearColumns: what the store has in clear of parts does not tell who tries which
// sender and text they are of.
func TestClearColumns(t *testing.T) {
	other, err := NewKeys([]byte("another installation's secret"))
	if err != nil {
		t.Fatal(err)
	}
	p := piece(1, "1234")
	w := waiting{p}
	for name, is := range map[string]bool{
		"sender": other.sender(p.From) == testKeys.sender(p.From), "message": other.message(&p) == testKeys.message(&p),
		"place": other.place(w) == testKeys.place(w), "sender without a secret": testKeys.sender(p.From)&^math.MinInt64 == olderKey(&p)&^(1<<(setBits+partBits)-1),
	} {
		if is {
			t.Errorf("%s: the secret is of no matter", name)
		}
	}

	r := newRig(t, 1)
	r.upgrade(r.older(pieceOf(1, 2, 3, "upgraded")))
	parts, _ := message5(7, "part")
	for _, p := range append(parts, pieceOf(1, 2, 8, "1234")) {
		r.take(p)
	}
	for list, want := range map[int64]int{pendingList: 2, doneList: 1} {
		all, err := r.engine.EntriesAfter(t.Context(), store.EntryScan{List: list, After: math.MinInt64, Limit: 10})
		r.must(err)
		for _, e := range all {
			if e.Mark != 0 || e.Key >= 0 {
				t.Errorf("entry of a digest without a secret: %+v", e)
			}
		}
		if len(all) != want {
			t.Errorf("%d entries, want %d", len(all), want)
		}
	}
}
