package plan

import (
	"errors"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func accepted(id sms.ID) *store.Change {
	return &store.Change{Accept: []store.Accepted{{Message: &sms.Message{ID: id, Parts: 1}, Queued: store.Queued{Parts: 1, Shard: "acme"}}}}
}

func update(id sms.ID, kind sms.UpdateKind, status sms.Status) *store.Change {
	return &store.Change{Parts: []store.PartChange{{Shard: "acme",
		Update: sms.PartUpdate{Message: id, Parts: 1, Number: 1, Kind: kind, Status: status, At: time.UnixMilli(1)}}}}
}

// What an engine has to write is the difference between Stored and Now.
func TestRows(t *testing.T) {
	b := New()
	b.Reset(3, 10)
	loaded := b.Row(16)
	loaded.Stored, loaded.Now, loaded.Queued = InQueued, InQueued, store.Queued{ID: 16, Parts: 1, Shard: "acme"}
	loaded = b.Row(32)
	loaded.Stored, loaded.Now = InAwaiting, InAwaiting
	loaded.Awaiting = store.Awaiting{ID: 32, Progress: sms.Progress{Parts: []sms.PartProgress{{State: sms.PartTaken}}}}
	untouched := b.Row(48)
	untouched.Stored, untouched.Now = InQueued, InQueued
	changes := []*store.Change{
		accepted(64), accepted(80),
		update(16, sms.UpdateTaken, ""), update(32, sms.UpdateReceipt, sms.StatusDelivered),
		update(80, sms.UpdateTaken, ""), update(80, sms.UpdateReceipt, sms.StatusDelivered),
	}
	for _, c := range changes {
		if b.Apply(c); c.Err != nil {
			t.Fatal(c.Err)
		}
	}
	type outcome struct {
		id          sms.ID
		stored, now Place
		dirty       bool
	}
	var got []outcome
	for _, r := range b.Rows {
		got = append(got, outcome{r.ID, r.Stored, r.Now, r.Dirty})
	}
	for i, want := range []outcome{{16, InQueued, InAwaiting, true}, {32, InAwaiting, Nowhere, false}, {48, InQueued, InQueued, false},
		{64, Nowhere, InQueued, true}, {80, Nowhere, Nowhere, true}} {
		if got[i] != want {
			t.Errorf("row %d: %+v, want %+v", i, got[i], want)
		}
	}
	seq := int64(10)
	for _, c := range changes {
		for _, e := range c.Events {
			if seq++; e.Slot != 3 || e.Seq != seq {
				t.Errorf("event %d/%d, want 3/%d", e.Slot, e.Seq, seq)
			}
		}
	}
	if seq != 16 || b.Seq != seq {
		t.Errorf("%d events, the last is %d", seq-10, b.Seq)
	}
}

// A change that fails leaves nothing, and does not stand in a later one's way.
func TestFailedChange(t *testing.T) {
	b := New()
	b.Reset(0, 0)
	b.Row(16).Known = true
	key := store.ResourceKey{Kind: "pool", ID: "a"}
	b.Versions[key] = 2
	both := accepted(32)
	both.Accept = append(both.Accept, accepted(16).Accept...)
	both.Spend = []store.SpendDelta{{UsageKey: store.UsageKey{Account: "a"}, Sums: store.Sums{Price: 1}}}
	stale := accepted(48)
	stale.Resources = []store.ResourceWrite{{Resource: store.Resource{ResourceKey: key}, Expect: 1}}
	for c, want := range map[*store.Change]error{both: store.ErrExists, stale: store.ErrVersion} {
		if b.Apply(c); !errors.Is(c.Err, want) || len(c.Events) != 0 {
			t.Errorf("%v and %d events, want %v", c.Err, len(c.Events), want)
		}
	}
	if b.Seq != 0 || len(b.Spend) != 0 || b.Versions[key] != 2 {
		t.Errorf("seq %d, spend %v, versions %v", b.Seq, b.Spend, b.Versions)
	}
	for _, id := range []sms.ID{32, 48} {
		c := accepted(id)
		if b.Apply(c); c.Err != nil {
			t.Errorf("message %d afterwards: %v", id, c.Err)
		}
	}
	again := &store.Change{Resources: []store.ResourceWrite{{Resource: store.Resource{ResourceKey: key}, Expect: 2}}}
	if b.Apply(again); again.Err != nil || again.Resources[0].Version != 3 {
		t.Errorf("%v, version %d", again.Err, again.Resources[0].Version)
	}
}
