//go:build postgres

package postgres

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
)

// testShared runs what nodes share, with engines that reach the server themselves
// and through a pooler that has fewer connections than they.
func testShared(t *testing.T, r *rig) {
	bounced := r.Bouncer("default_pool_size = 4")
	for _, way := range []struct {
		name string
		url  func() string
	}{
		{"direct", r.database},
		{"pooled", func() string { return bounced(pgtest.Name(r.database())) }},
	} {
		for _, test := range []struct {
			name string
			run  func(*testing.T, []*node)
		}{
			{"news", testNews},
			{"news while nodes commit", testNewsAlong},
			{"take", testTake},
			{"take together", testTakeTogether},
			{"allow", testAllow},
			{"allow together", testAllowTogether},
			{"recipients", testRecipients},
			{"recipients together", testRecipientsTogether},
			{"sweep", testSweep},
		} {
			t.Run(way.name+"/"+test.name, func(t *testing.T) {
				url := way.url()
				var nodes []*node
				for i := range 3 {
					nodes = append(nodes, join(t, open(t, url, Options{Lease: time.Hour}), fmt.Sprint("node", i)))
				}
				test.run(t, nodes)
			})
		}
	}
}

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
	// The head of a log may have been pruned.
	if _, err := a.leads.Exec(t.Context(), "DELETE FROM event WHERE slot = 1 AND seq < 8"); err != nil {
		t.Fatal(err)
	}
	check(c.news([]store.SlotSeq{{Slot: 0, Seq: 3}, {Slot: 1}}, []string{"acme"}, false, 1), []sms.ID{m3.ID}, nil, 3, 8)
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

// rate puts a rate's theoretical arrival time so far from the database's time.
func (n *node) rate(name string, from time.Duration) {
	n.t.Helper()
	if _, err := n.leads.Exec(n.t.Context(), `UPDATE rate SET tat = (extract(epoch FROM clock_timestamp()) * 1000000)::bigint * 1000 + $2::bigint WHERE name = $1::text`,
		name, int64(from)); err != nil {
		n.t.Fatal(err)
	}
}

func testTake(t *testing.T, nodes []*node) {
	a, b := nodes[0], nodes[1]
	take := func(n *node, ask, want int, least, most time.Duration) {
		t.Helper()
		granted, wait, err := n.Take(t.Context(), "r", 0.01, 5, ask) // one in 100 s
		if err != nil || granted != want || wait < least || wait > most {
			t.Errorf("granted %d, wait %v, %v; want %d, %v to %v", granted, wait, err, want, least, most)
		}
	}
	take(a, 2, 2, 0, 0)
	take(b, 7, 3, 0, 0)
	take(a, 1, 0, 90*time.Second, 100*time.Second)
	take(b, 9, 0, 90*time.Second, 100*time.Second)
	a.rate("r", 450*time.Second) // half of one is there
	take(b, 1, 0, 40*time.Second, 50*time.Second)
	a.rate("r", 350*time.Second) // one and a half
	take(b, 2, 1, 0, 0)
	take(a, 1, 0, 40*time.Second, 50*time.Second)
	a.rate("r", -time.Hour) // a pause gives the burst, and no more
	take(b, 100, 5, 0, 0)
	take(b, 1, 0, 90*time.Second, 100*time.Second)
	a.rate("r", 10*time.Hour) // as after a burst that was larger: no longer than its own
	take(b, 1, 0, 90*time.Second, 100*time.Second)
	if granted, _, err := b.Take(t.Context(), "s", 1000, 25, 25); err != nil || granted != 25 {
		t.Errorf("another rate: %d, %v", granted, err)
	}
	for _, rate := range []float64{0, -1, 1e-9, 1e12} {
		if _, _, err := a.Take(t.Context(), "r", rate, 5, 1); err == nil {
			t.Errorf("%v a second was granted", rate)
		}
	}
}

// What all nodes take together, from slices of any size, is the burst.
func testTakeTogether(t *testing.T, nodes []*node) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := 0
	for i := range 12 {
		n := nodes[i%len(nodes)]
		wg.Go(func() {
			for range 20 {
				granted, _, err := n.Take(t.Context(), "r", 0.0001, 100, 1+i%4)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				total += granted
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if total != 100 {
		t.Errorf("%d were granted of 100", total)
	}
}

func (n *node) allow(key store.SpendKey, least, want, limit, grant sms.Money) {
	n.t.Helper()
	got, err := n.Allow(n.t.Context(), n.fence, key, least, want, limit)
	if err != nil || got != grant {
		n.t.Errorf("slot %d may spend %d more of %d, %v; want %d", n.fence.Slot, got, want, err, grant)
	}
}

func testAllow(t *testing.T, nodes []*node) {
	a, b, c := nodes[0], nodes[1], nodes[2]
	key := store.SpendKey{Account: account, Month: month, Channel: "TEXT"}
	spend := func(n *node, amount sms.Money) {
		t.Helper()
		n.apply(&store.Change{Spend: []store.SpendDelta{{UsageKey: store.UsageKey{Account: account, Month: month, Channel: "TEXT"}, Sums: store.Sums{Price: amount}}}})
	}
	spend(a, 10) // before anybody asked
	a.allow(key, 5, 40, 100, 40)
	b.allow(key, 5, 40, 100, 40)
	b.allow(key, 5, 40, 100, 10) // 10 and 80 of 100
	b.allow(key, 1, 40, 100, 0)
	b.allow(key, 0, 0, 100, 0)
	spend(a, 30)
	spend(b, 50)
	a.allow(key, 1, 1, 100, 0) // spending what one may changes nothing
	a.allow(key, 15, 20, 110, 0)
	a.allow(key, 10, 20, 110, 10)
	other := key
	other.Channel = "VOICE"
	a.allow(other, 1, 1, 0, 0)
	a.allow(other, 1, 200, 100, 100)
	// a has spent 40 of 60. It keeps what it says, but not less than it has spent.
	a.allow(key, 0, -5, 110, -5)
	b.allow(key, 5, 5, 110, 5)
	a.allow(key, 0, -100, 110, -15)
	a.allow(key, 0, -1, 110, 0)
	b.allow(key, 1, 100, 110, 15)
	// b has spent 50 of 70: who leaves gives the rest back.
	if err := b.Leave(t.Context(), b.fence); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Allow(t.Context(), b.fence, key, 1, 1, 1000); !errors.Is(err, store.ErrFenced) {
		t.Errorf("%v", err)
	}
	a.allow(key, 1, 100, 110, 20)
	a.allow(key, 1, 100, 110, 0)
	// So does who joins anew, and who is fenced off.
	a = join(t, a.Engine, "node0")
	c.allow(key, 1, 100, 110, 20)
	if _, err := a.leads.Exec(t.Context(), "UPDATE node SET until = until - interval '2 hours' WHERE slot = 2"); err != nil {
		t.Fatal(err)
	}
	if _, err := a.leads.Exec(t.Context(), "UPDATE node SET since = since - interval '2 hours' WHERE slot = 0"); err != nil {
		t.Fatal(err)
	}
	if off, err := a.FenceOff(t.Context(), a.fence); err != nil || len(off) != 1 {
		t.Fatal(off, err)
	}
	a.allow(key, 1, 100, 110, 20)
	if n := a.count("SELECT count(*) FROM allowance WHERE slot >= 0"); n != 1 {
		t.Errorf("%d rows", n)
	}
}

// However the nodes ask, they never may spend more than there is, and all of it is
// given.
func testAllowTogether(t *testing.T, nodes []*node) {
	key := store.SpendKey{Account: account, Month: month, Channel: "TEXT"}
	const limit = 10_000
	nodes[1].apply(&store.Change{Spend: []store.SpendDelta{{UsageKey: store.UsageKey{Account: account, Month: month, Channel: "TEXT"}, Sums: store.Sums{Price: 500}}}})
	var wg sync.WaitGroup
	var mu sync.Mutex
	total := sms.Money(500)
	for i := range 9 {
		n := nodes[i%len(nodes)]
		wg.Go(func() {
			for j := range sms.Money(25) {
				granted, err := n.Allow(t.Context(), n.fence, key, 1, 1+j*7, limit)
				if err != nil {
					t.Error(err)
				}
				mu.Lock()
				total += granted
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if total != limit {
		t.Errorf("%d were allowed of %d", total, limit)
	}
}

func (n *node) mark(of ...store.Recipient) []store.Recipient {
	n.t.Helper()
	n.seq++
	d := []store.Dispatch{{Seq: n.seq, Shard: "acme", Recipients: of}}
	n.apply(&store.Change{Mark: d})
	return d[0].Recipients
}

func testRecipients(t *testing.T, nodes []*node) {
	a, b := nodes[0], nodes[1]
	of := func(keys ...uint64) (out []store.Recipient) {
		for _, k := range keys {
			out = append(out, store.Recipient{Key: k, Interval: time.Hour, Wait: 7})
		}
		return out
	}
	check := func(got []store.Recipient, free ...bool) {
		t.Helper()
		for i, r := range got {
			if free[i] != (r.Wait == 0) || r.Wait < 0 || r.Wait > time.Hour || !free[i] && r.Wait < 59*time.Minute {
				t.Errorf("recipient %d waits %v", r.Key, r.Wait)
			}
		}
	}
	// The same one twice in a batch, and in two marks of it.
	check(a.mark(of(9, 3, 9, 1<<63+5)...), true, true, false, true)
	check(b.mark(of(3, 4, 9)...), false, true, false)
	check(a.mark(of(4)...), false)
	free := b.mark(store.Recipient{Key: 9, Wait: 7}) // no interval
	if free[0].Wait != 0 {
		t.Errorf("%v", free[0].Wait)
	}
	// Whose time has come.
	if _, err := a.leads.Exec(t.Context(), "UPDATE recipient SET next = next - 3600 * 1000000::bigint WHERE key = 9"); err != nil {
		t.Fatal(err)
	}
	check(b.mark(of(9, 3)...), true, false)
	check(a.mark(of(9)...), false)
	// The mark is there whatever came of it, and a change that fails asks nothing.
	marks, err := a.Dispatches(t.Context(), a.fence.Slot, 0, 100)
	if err != nil || len(marks) != 3 {
		t.Errorf("%d marks, %v", len(marks), err)
	}
	failing := &store.Change{Mark: []store.Dispatch{{Seq: 100, Shard: "acme", Recipients: of(77)}},
		Resources: []store.ResourceWrite{{Resource: store.Resource{ResourceKey: store.ResourceKey{Kind: "pool", ID: "x"}}, Expect: 5}}}
	if err := a.Apply(t.Context(), a.fence, []*store.Change{failing}); err != nil || !errors.Is(failing.Err, store.ErrVersion) {
		t.Fatal(err, failing.Err)
	}
	check(b.mark(of(77)...), true)
}

// Nodes that want the same recipients, in any order, do not block one another, and
// each recipient goes to one of them.
func testRecipientsTogether(t *testing.T, nodes []*node) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	took := map[uint64]int{}
	for _, n := range nodes {
		wg.Go(func() {
			for range 30 {
				var of []store.Recipient
				for range 40 {
					of = append(of, store.Recipient{Key: rand.Uint64N(300), Interval: time.Hour})
				}
				n.seq++
				change := &store.Change{Mark: []store.Dispatch{{Seq: n.seq, Shard: "acme", Recipients: of}}}
				if err := n.Apply(t.Context(), n.fence, []*store.Change{change}); err != nil {
					t.Error(err)
				}
				mu.Lock()
				for _, r := range of {
					if r.Wait == 0 {
						took[r.Key]++
					}
				}
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	for key, n := range took {
		if n != 1 {
			t.Errorf("recipient %d was taken %d times", key, n)
		}
	}
	if rows := nodes[0].count("SELECT count(*) FROM recipient"); rows != int64(len(took)) {
		t.Errorf("%d rows, %d recipients", rows, len(took))
	}
}

// Rows of no more use are cleared, in the background of Renew too.
func testSweep(t *testing.T, nodes []*node) {
	a := nodes[0]
	a.mark(store.Recipient{Key: 1, Interval: time.Hour}, store.Recipient{Key: 2, Interval: time.Microsecond})
	for _, name := range []string{"old", "new"} {
		if _, _, err := a.Take(t.Context(), name, 1, 25, 1); err != nil {
			t.Fatal(err)
		}
	}
	a.rate("old", -2*time.Hour)
	if err := a.Renew(t.Context(), a.fence); err != nil {
		t.Fatal(err)
	}
	a.sweeps.Wait()
	if keys, names := a.count("SELECT sum(key)::bigint FROM recipient"), a.count("SELECT count(*) FROM rate WHERE name = 'new'"); keys != 1 || names != 1 ||
		a.count("SELECT count(*) FROM rate") != 1 {
		t.Errorf("recipients %d, rates %d", keys, names)
	}
}

// Where the connection ends in a commit, a recipient's slot is taken once, and who
// cannot be told so waits.
func testCutRecipients(t *testing.T, r *rig) {
	g := new(gate)
	n := join(t, open(t, r.database(), Options{dial: g.dial, Patience: 10 * time.Millisecond}), "node")
	key := uint64(0)
	ask := func() time.Duration {
		return n.mark(store.Recipient{Key: key, Interval: time.Hour})[0].Wait
	}
	g.arm(observe, 0, false)
	ask()
	points := g.messages()
	untold := 0
	for _, what := range []action{cut, hold, deafen} {
		for at := range points {
			key++
			g.arm(what, at, at%3 == 1)
			first := ask()
			if what == hold {
				g.deliver()
			}
			if first == time.Hour {
				untold++
			} else if first != 0 {
				t.Errorf("interrupted (%d) at message %d of %d: waits %v", what, at, points, first)
			}
			if again := ask(); again < 59*time.Minute {
				t.Errorf("interrupted (%d) at message %d of %d: waits %v and then %v", what, at, points, first, again)
			}
		}
	}
	if untold == 0 {
		t.Error("no answer was lost")
	}
}
