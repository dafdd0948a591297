//go:build postgres

package queue_test

import (
	"context"
	"fmt"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/carrier"
	"heliograph/internal/queue"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/postgres"
)

// node is a queue over a database that others share.
type node struct {
	*rig
	lapsed atomic.Bool // its lease
}

// newNode joins and starts these shards.
func newNode(t *testing.T, url, name string, carriers map[string]carrier.Carrier, layout carrier.Layout, edit ...options) *node {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	engine, err := postgres.Open(ctx, url, postgres.Options{})
	if err != nil {
		t.Fatal(err)
	}
	fence, err := engine.Join(ctx, name)
	if err != nil {
		t.Fatal(err)
	}
	n := &node{rig: &rig{t: t, engine: engine, stop: stop}}
	n.committer = store.NewCommitter(engine, fence, store.CommitterOptions{
		Observers: []func([]*store.Change){func(c []*store.Change) { n.queue.Observe(c) }}})
	n.ids = sms.NewIDs(fence.Slot, 0)
	o := queue.Options{Engine: engine, Committer: n.committer, Messages: store.NewMessageCache(1000), Layout: layout,
		Carrier: func(shard string) (carrier.Carrier, error) { return carriers[shard], nil },
		Slots: func(ctx context.Context) (slots []int, err error) {
			nodes, err := engine.Nodes(ctx)
			for _, node := range nodes {
				slots = append(slots, node.Slot)
			}
			return slots, err
		},
		Peers:               &queue.Peers{Shared: engine, Several: func() bool { return true }, MaySend: func() bool { return !n.lapsed.Load() }},
		TransactionalPolicy: queue.Resend, PromotionalPolicy: queue.Resend, FailoverAfter: 50 * time.Millisecond,
		Metrics: queue.NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: time.Now}
	for _, f := range edit {
		f(&o)
	}
	n.queue = queue.New(o)
	if err := n.queue.Open(ctx); err != nil {
		t.Fatal(err)
	}
	for shard := range carriers {
		if err := n.queue.Start(ctx, shard); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(n.close)
	return n
}

func database(t *testing.T) string { return pgtest.Start(t, pgtest.Options{Fsync: true}).Database() }

// What one node accepts for a carrier of another leaves there, in the order of
// acceptance of each, once.
func TestMessagesAcceptedElsewhere(t *testing.T) {
	url, layout := database(t), carrier.Layout{"one": 1, "two": 1}
	one, two := newScripted("one", nil), newScripted("two", nil)
	a := newNode(t, url, "a", map[string]carrier.Carrier{"one": one}, layout)
	b := newNode(t, url, "b", map[string]carrier.Carrier{"two": two}, layout)
	const n = 200
	other := func(m *sms.Message) { m.Route.Carrier = "two" }
	for i := 0; i < n; i += 20 {
		a.send(numbered(n, 2, other)[i : i+20]...)
		b.send(numbered(n, 2)[i : i+20]...)
	}
	eventually(t, "all are handed over", func() bool { return len(one.got()) >= n && len(two.got()) >= n })
	eventually(t, "no row is left", func() bool { return a.counts() == store.Counts{} })
	if len(one.got()) != n || len(two.got()) != n {
		t.Errorf("%d and %d parts, want %d each", len(one.got()), len(two.got()), n)
	}
	inOrder(t, one.got(), 2)
	inOrder(t, two.got(), 2)
}

// A shard that goes from one node to the other under load has all of its messages
// sent once, in order, wherever they are accepted.
func TestShardGoesToAnotherNode(t *testing.T) {
	url, layout := database(t), carrier.Layout{"one": 1}
	first, second := newScripted("one", nil), newScripted("one", nil)
	a := newNode(t, url, "a", map[string]carrier.Carrier{"one": first}, layout, small)
	b := newNode(t, url, "b", nil, layout, small, func(o *queue.Options) {
		o.Carrier = func(string) (carrier.Carrier, error) { return second, nil }
	})
	const n, lanes = 300, 3
	all := numbered(n, lanes, func(m *sms.Message) { m.Route.PartsPerSecond = 400 })
	handed := make(chan struct{})
	for i := 0; i < n; i += 10 {
		if i == n/2 {
			go func() {
				defer close(handed)
				a.queue.Stop(context.Background(), "one")
				if err := b.queue.Start(context.Background(), "one"); err != nil {
					t.Error(err)
				}
			}()
		}
		if i%20 == 0 {
			a.send(all[i : i+10]...)
		} else {
			b.send(all[i : i+10]...)
		}
	}
	<-handed
	eventually(t, "all are handed over", func() bool { return len(first.got())+len(second.got()) >= n })
	eventually(t, "no row is left", func() bool { return a.counts() == store.Counts{} })
	seen := map[string]int{}
	for _, p := range append(first.got(), second.got()...) {
		seen[p.Text]++
	}
	for text, times := range seen {
		if times != 1 {
			t.Errorf("message %s was handed over %d times", text, times)
		}
	}
	if len(seen) != n || len(first.got()) == 0 || len(second.got()) == 0 {
		t.Errorf("%d messages, %d from the first node and %d from the second", len(seen), len(first.got()), len(second.got()))
	}
}

// One message at a time to a recipient is a promise of all nodes together.
func TestRecipientOfSeveralNodes(t *testing.T) {
	const interval, messages = 150 * time.Millisecond, 6
	url, layout := database(t), carrier.Layout{"one": 1, "two": 1}
	one, two := newScripted("one", nil), newScripted("two", nil)
	spaced := func(o *queue.Options) { o.RecipientInterval = interval }
	a := newNode(t, url, "a", map[string]carrier.Carrier{"one": one}, layout, spaced)
	b := newNode(t, url, "b", map[string]carrier.Carrier{"two": two}, layout, spaced)
	for i := range messages / 2 {
		text := func(m *sms.Message) { m.Body = fmt.Sprint(i) }
		a.send(message(to(1), text))
		b.send(message(to(1), text, func(m *sms.Message) { m.Route.Carrier = "two" }))
	}
	a.send(message(to(2)))
	eventually(t, "all are handed over", func() bool { return len(one.got())+len(two.got()) == messages+1 })
	for _, c := range []*scripted{one, two} {
		last := ""
		for _, p := range c.got() {
			if p.Destination == to(1) && p.Text < last {
				t.Errorf("%s came after %s", p.Text, last)
			} else if p.Destination == to(1) {
				last = p.Text
			}
		}
	}
	// Their slots in the database are an interval apart; from there to the carrier
	// takes a little while, of which not much may be lost or gained.
	var times []time.Time
	for _, c := range []*scripted{one, two} {
		c.mu.Lock()
		for i, p := range c.parts {
			if p.Destination == to(1) {
				times = append(times, c.at[i])
			}
		}
		c.mu.Unlock()
	}
	first, last := times[0], times[0]
	for _, at := range times {
		if at.Before(first) {
			first = at
		}
		if at.After(last) {
			last = at
		}
	}
	if took := last.Sub(first); took < (messages-1)*interval-interval/2 {
		t.Errorf("%d messages to one recipient left within %v", messages, took)
	}
}

// After the end of its lease a node hands nothing over.
func TestNothingLeavesWithoutALease(t *testing.T) {
	url, layout := database(t), carrier.Layout{"one": 1}
	one := newScripted("one", nil)
	a := newNode(t, url, "a", map[string]carrier.Carrier{"one": one}, layout)
	a.lapsed.Store(true)
	a.send(message(to(1)), message(to(2)))
	time.Sleep(200 * time.Millisecond)
	if got := one.got(); len(got) != 0 {
		t.Errorf("%d parts were handed over", len(got))
	}
	a.lapsed.Store(false)
	eventually(t, "they leave with the next one", func() bool { return len(one.got()) == 2 })
}

// Messages of a pool that wait for a carrier which is down move to the shard of
// another node.
func TestMessagesMoveToAnotherNode(t *testing.T) {
	url, layout := database(t), carrier.Layout{"one": 1, "two": 1}
	one, two := newScripted("one", nil), newScripted("two", nil)
	one.up = false
	a := newNode(t, url, "a", map[string]carrier.Carrier{"one": one}, layout, func(o *queue.Options) {
		o.Reroute = func(*sms.Message, sms.Route) (sms.Route, bool) {
			return sms.Route{Identity: "+492", Kind: sms.IdentityPhoneNumber, PoolID: "pool-1", Carrier: "two", Lane: "other"}, true
		}
	})
	newNode(t, url, "b", map[string]carrier.Carrier{"two": two}, layout)
	ids := a.send(message(to(1), func(m *sms.Message) { m.Route.PoolID = "pool-1" }))
	eventually(t, "it leaves from the other node", func() bool { return a.statuses(ids[0]) == "QUEUED PENDING MOVED SUCCESSFUL. " })
	if got := two.got(); len(got) != 1 || got[0].Origination != "+492" {
		t.Errorf("handed over %+v", got)
	}
}
