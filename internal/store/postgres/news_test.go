//go:build postgres

package postgres

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func (n *node) news(after []store.SlotSeq, shards []string, taken bool, limit int) store.News {
	n.t.Helper()
	got, err := n.News(n.t.Context(), after, shards, taken, limit)
	if err != nil {
		n.t.Fatal(err)
	}
	return got
}

func ids(queued []store.Queued) (out []sms.ID) {
	for _, q := range queued {
		out = append(out, q.ID)
	}
	return out
}

func testNews(t *testing.T, nodes []*node) {
	a, b, c := nodes[0], nodes[1], nodes[2]
	after := []store.SlotSeq{{Slot: 0, Seq: 0}, {Slot: 1, Seq: 0}}
	check := func(got store.News, queued []sms.ID, taken []sms.ID, upto ...int64) {
		t.Helper()
		var took []sms.ID
		for _, e := range got.Taken {
			if took = append(took, e.Message); e.Status != sms.StatusSuccessful && !e.Final || len(e.Detail.Parts) == 0 || e.Detail.Parts[0].CarrierMessageID == "" {
				t.Errorf("%+v", e)
			}
		}
		if !slices.Equal(ids(got.Queued), queued) || !slices.Equal(took, taken) {
			t.Errorf("queued %v, taken %v, want %v and %v", ids(got.Queued), took, queued, taken)
		}
		for i, seq := range upto {
			if got.Upto[i] != (store.SlotSeq{Slot: after[i].Slot, Seq: seq}) {
				t.Errorf("upto %v, want %v", got.Upto, upto)
			}
		}
	}
	check(c.news(after, []string{"acme"}, true, 100), nil, nil, 0, 0)

	// a's log: m1, m2 for acme, m3 for other; b's: m4 for acme.
	c1, m1 := a.accept(1)
	c2, m2 := a.accept(1)
	c3, m3 := a.accept(1)
	c2.Accept[0].Queued.Class, c2.Accept[0].Queued.Attempts = store.ClassPromotional, 3
	c2.Accept[0].Queued.Route = &sms.Route{Identity: "+447700900001", Carrier: "acme"}
	c3.Accept[0].Queued.Shard = "other"
	a.apply(c1, c2, c3)
	c4, m4 := b.accept(2)
	b.apply(c4)
	got := c.news(after, []string{"acme"}, true, 100)
	check(got, []sms.ID{m1.ID, m2.ID, m4.ID}, nil, 3, 1)
	if q := got.Queued[1]; q.Shard != "acme" || q.Lane != "lane" || q.Class != store.ClassPromotional || q.Attempts != 3 || !q.Due.Equal(now) ||
		!q.Expires.Equal(now.Add(time.Hour)) || q.Route == nil || q.Route.Identity != "+447700900001" {
		t.Errorf("%+v", q)
	}
	if got.Queued[2].Parts != 2 {
		t.Errorf("%+v", got.Queued[2])
	}
	check(c.news(after, []string{"other", "none"}, true, 100), []sms.ID{m3.ID}, nil, 3, 1)
	check(c.news(after, nil, true, 100), nil, nil, 3, 1)
	check(c.news([]store.SlotSeq{after[1]}, []string{"acme"}, true, 100), []sms.ID{m4.ID}, nil)
	// A page at a time; it says how far it came.
	check(c.news(after, []string{"acme", "other"}, true, 2), []sms.ID{m1.ID, m2.ID, m4.ID}, nil, 2, 1)
	after[0].Seq, after[1].Seq = 2, 1
	check(c.news(after, []string{"acme", "other"}, true, 2), []sms.ID{m3.ID}, nil, 3, 1)
	after[0].Seq = 3
	check(c.news(after, []string{"acme", "other"}, true, 2), nil, nil, 3, 1)

	// What does not wait any more is not told; what was taken is, where it is asked
	// for; what was moved is told to who has the new shard.
	taken := update(m1, sms.UpdateTaken, 1, "")
	taken.Parts[0].Update.CarrierMessageID = "0a1b"
	b.apply(taken, update(m4, sms.UpdateTaken, 1, ""))
	move := func(n *node, m *sms.Message, shard string) {
		t.Helper()
		n.apply(&store.Change{Requeue: []store.Requeue{{Queued: store.Queued{ID: m.ID, Shard: shard, Lane: "lane", Parts: 1, Due: now, Expires: m.ExpiresAt},
			Moved: true, Announce: true, Account: account, At: now}}})
	}
	move(b, m3, "acme")
	check(c.news(after, []string{"acme"}, true, 100), []sms.ID{m3.ID}, []sms.ID{m1.ID}, 3, 4)
	check(c.news(after, []string{"acme"}, false, 100), []sms.ID{m3.ID}, nil, 3, 4)
	check(c.news(after, []string{"other"}, false, 100), nil, nil, 3, 4)
	// To and fro, in one go: told once, as it is now.
	move(b, m3, "other")
	move(b, m3, "acme")
	check(c.news([]store.SlotSeq{{Slot: 0}, {Slot: 1}}, []string{"acme"}, false, 100), []sms.ID{m2.ID, m3.ID}, nil, 3, 8)
	// Whatever the order of the log, and of the rows as they are found.
	c5, m5 := a.accept(1)
	c6, m6 := a.accept(1)
	a.apply(c6)
	a.apply(c5)
	check(c.news([]store.SlotSeq{{Slot: 0, Seq: 3}, {Slot: 1, Seq: 8}}, []string{"acme"}, false, 100), []sms.ID{m5.ID, m6.ID}, nil, 5, 8)
	// The head of a log may have been pruned.
	if _, err := a.leads.Exec(t.Context(), "DELETE FROM event WHERE slot = 1 AND seq < 8"); err != nil {
		t.Fatal(err)
	}
	check(c.news([]store.SlotSeq{{Slot: 0, Seq: 5}, {Slot: 1}}, []string{"acme"}, false, 1), []sms.ID{m3.ID}, nil, 5, 8)
}

// Two nodes accept while a third follows them page by page: it hears of every
// message, once, in the order of each log.
func testNewsAlong(t *testing.T, nodes []*node) {
	const each = 300
	reader := nodes[2]
	var wg sync.WaitGroup
	want := make([][]sms.ID, 2)
	for at, n := range nodes[:2] {
		wg.Go(func() {
			for len(want[at]) < each {
				var batch []*store.Change
				for range 1 + rand.IntN(6) {
					change, m := n.accept(1)
					batch, want[at] = append(batch, change), append(want[at], m.ID)
				}
				if err := n.Apply(t.Context(), n.fence, batch); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() {
		wg.Wait()
		close(done)
	}()
	after := []store.SlotSeq{{Slot: 0}, {Slot: 1}}
	heard := make([][]sms.ID, 2)
	for last := false; ; {
		n := reader.news(after, []string{"acme"}, false, 10)
		for _, q := range n.Queued {
			heard[q.ID.Slot()] = append(heard[q.ID.Slot()], q.ID)
		}
		quiet := slices.Equal(n.Upto, after)
		if after = n.Upto; quiet && last {
			break
		}
		select {
		case <-done:
			last = true
		default:
		}
	}
	for i := range want {
		if !slices.Equal(heard[i], want[i]) {
			t.Errorf("slot %d: heard of %d messages of %d", i, len(heard[i]), len(want[i]))
		}
	}
}
