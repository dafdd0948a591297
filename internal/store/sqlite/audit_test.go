package sqlite

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// What somebody deleted by hand is missed, and rows of messages that are not there
// are told of.
func TestAuditOfBrokenRows(t *testing.T) {
	e := open(t, filepath.Join(t.TempDir(), "heliograph.db"), Options{})
	f, err := e.Join(t.Context(), "node")
	if err != nil {
		t.Fatal(err)
	}
	ids := sms.NewIDs(0, 0)
	now := time.UnixMilli(1_790_000_000_000).UTC()
	var all []sms.ID
	change := &store.Change{}
	for i := range 100 {
		at := now.Add(time.Duration(i) * time.Second)
		m := &sms.Message{ID: ids.Next(at), Account: "1", AcceptedAt: at, Parts: 1}
		all = append(all, m.ID)
		change.Accept = append(change.Accept, store.Accepted{Message: m, Queued: store.Queued{ID: m.ID, Parts: 1}})
	}
	if err := e.Apply(t.Context(), f, []*store.Change{change}); err != nil {
		t.Fatal(err)
	}
	for _, sql := range []string{"DELETE FROM event WHERE key IN (1, 5, 6, 9)", "DELETE FROM message"} {
		if _, err := e.writer.exec(sql); err != nil {
			t.Fatal(err)
		}
	}
	for _, limit := range []int{1, 4, 7, 100} {
		var got store.GapFinder
		for got.Next < 100 {
			g, err := e.AuditLog(t.Context(), 0, got.Next, 100, limit)
			if err != nil {
				t.Fatal(err)
			}
			got.Events, got.Next, got.Gaps = got.Events+g.Events, g.Next, append(got.Gaps, g.Gaps...)
		}
		want := []store.SeqGap{{First: 1, Last: 1}, {First: 5, Last: 6, Before: now.Add(3 * time.Second)}, {First: 9, Last: 9, Before: now.Add(7 * time.Second)}}
		if diff := cmp.Diff(want, got.Gaps); diff != "" || got.Events != 96 {
			t.Errorf("limit %d: %d events, %s", limit, got.Events, diff)
		}
	}
	// A page is cut where rows without their messages are many.
	var orphans []sms.ID
	for at := sms.ID(1); at < all[99]+1; {
		next, err := e.AuditMessages(t.Context(), at, all[99]+1, 1, func(a *store.Audited) error {
			if a.Message != nil || !a.Queued {
				t.Errorf("%+v", a)
			}
			orphans = append(orphans, a.ID)
			return nil
		})
		if err != nil || next <= at {
			t.Fatalf("%d after %d, %v", next, at, err)
		}
		at = next
	}
	if diff := cmp.Diff(all, orphans); diff != "" {
		t.Error(diff)
	}
}
