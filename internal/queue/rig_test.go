package queue_test

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/carrier"
	"heliograph/internal/queue"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// scripted is a carrier that answers as a test says and remembers what it got.
type scripted struct {
	name   string
	answer func(p carrier.Part) (carrier.Outcome, bool) // false: answer later, or never

	mu      sync.Mutex
	up      bool
	parts   []carrier.Part
	at      []time.Time
	pending []func(carrier.Outcome)
	changed func()
}

func newScripted(name string, answer func(carrier.Part) (carrier.Outcome, bool)) *scripted {
	if answer == nil {
		answer = func(carrier.Part) (carrier.Outcome, bool) { return carrier.Outcome{Kind: carrier.Accepted}, true }
	}
	return &scripted{name: name, answer: answer, up: true}
}

func (c *scripted) Name() string           { return c.name }
func (c *scripted) Traits() carrier.Traits { return carrier.Traits{} }
func (c *scripted) Room() int              { return 100 }
func (c *scripted) Start(_ context.Context, _ carrier.Sink, changed func()) error {
	c.changed = changed
	return nil
}

func (c *scripted) State() carrier.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return carrier.State{Up: c.up, Sessions: 1}
}

func (c *scripted) setUp(up bool) {
	c.mu.Lock()
	c.up = up
	c.mu.Unlock()
	c.changed()
}

func (c *scripted) Submit(p carrier.Part, done func(carrier.Outcome)) {
	c.mu.Lock()
	c.parts, c.at = append(c.parts, p), append(c.at, time.Now())
	o, now := c.answer(p)
	if !now {
		c.pending = append(c.pending, done)
	}
	c.mu.Unlock()
	if now {
		done(o)
	}
}

// Close answers what is open as lost.
func (c *scripted) Close(context.Context) error {
	c.mu.Lock()
	pending := c.pending
	c.pending = nil
	c.mu.Unlock()
	for _, done := range pending {
		done(carrier.Outcome{Kind: carrier.Unknown, Detail: "closed"})
	}
	return nil
}

func (c *scripted) got() []carrier.Part {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.parts)
}

// rig is a queue over a real store.
type rig struct {
	t         *testing.T
	path      string
	engine    store.Engine
	committer *store.Committer
	gate      *gate
	queue     *queue.Queue
	ids       *sms.IDs
	stop      context.CancelFunc
}

type options func(*queue.Options)

func newRig(t *testing.T, path string, carriers []carrier.Carrier, edit ...options) *rig {
	t.Helper()
	if path == "" {
		path = filepath.Join(t.TempDir(), "queue.db")
	}
	ctx, stop := context.WithCancel(context.Background())
	r := &rig{t: t, path: path, stop: stop}
	var err error
	if r.engine, err = sqlite.Open(ctx, path, sqlite.Options{}); err != nil {
		t.Fatal(err)
	}
	fence, err := r.engine.Join(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	r.gate = &gate{Engine: r.engine}
	r.committer = store.NewCommitter(r.gate, fence, store.CommitterOptions{
		Observers: []func([]*store.Change){func(c []*store.Change) { r.queue.Observe(c) }}})
	last, err := r.engine.LastID(ctx, fence.Slot)
	if err != nil {
		t.Fatal(err)
	}
	r.ids = sms.NewIDs(fence.Slot, last)
	o := queue.Options{Engine: r.gate, Committer: r.committer, Messages: store.NewMessageCache(1000),
		Layout: carrier.Layout{}, Carrier: func(shard string) (carrier.Carrier, error) { return named(carriers, shard), nil },
		TransactionalPolicy: queue.Resend, PromotionalPolicy: queue.GiveUp, FailoverAfter: 50 * time.Millisecond,
		Metrics: queue.NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.NewTextHandler(t.Output(), nil)), Now: time.Now}
	for _, c := range carriers {
		o.Layout[carrier.OfShard(c.Name())]++
	}
	for _, f := range edit {
		f(&o)
	}
	r.queue = queue.New(o)
	if err := r.queue.Open(ctx); err != nil {
		t.Fatal(err)
	}
	shards := o.Layout.All()
	stored, err := r.engine.Shards(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range stored {
		if o.Layout[carrier.OfShard(name)] == 0 {
			shards = append(shards, name)
		}
	}
	for _, name := range shards {
		if err := r.queue.Start(ctx, name); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(r.close)
	return r
}

func named(all []carrier.Carrier, name string) carrier.Carrier {
	return all[slices.IndexFunc(all, func(c carrier.Carrier) bool { return c.Name() == name })]
}

func (r *rig) close() {
	if r.stop == nil {
		return
	}
	r.queue.Close(context.Background())
	r.committer.Close()
	if err := r.engine.Close(); err != nil {
		r.t.Error(err)
	}
	r.stop()
	r.stop = nil
}

func message(to string, edit ...func(*sms.Message)) *sms.Message {
	m := &sms.Message{Account: "111122223333", Destination: to, Country: "DE", Type: sms.Transactional, Body: "hello", Encoding: "GSM",
		Parts: 1, ConfigurationSet: "set", Route: sms.Route{Identity: "+491555", Kind: sms.IdentityPhoneNumber, Carrier: "one", Lane: "lane"}}
	for _, f := range edit {
		f(m)
	}
	return m
}

// send makes messages durable, all in one change so that their order is known.
func (r *rig) send(messages ...*sms.Message) []sms.ID {
	r.t.Helper()
	change := &store.Change{}
	var ids []sms.ID
	for _, m := range messages {
		now := time.Now()
		m.ID, m.AcceptedAt = r.ids.Next(now), now.UTC().Truncate(time.Millisecond)
		if m.ExpiresAt.IsZero() {
			m.ExpiresAt = m.AcceptedAt.Add(time.Hour)
		}
		ids = append(ids, m.ID)
		change.Accept = append(change.Accept, store.Accepted{Message: m, Queued: store.Queued{ID: m.ID, Shard: m.Route.Carrier,
			Lane: m.Route.Lane, Class: store.ClassOf(m.Type), Parts: m.Parts, Due: m.AcceptedAt, Expires: m.ExpiresAt}})
	}
	if err := r.committer.Commit(change); err != nil {
		r.t.Fatal(err)
	}
	return ids
}

func eventually(t *testing.T, what string, f func() bool) {
	t.Helper()
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		if f() {
			return
		}
	}
	t.Fatalf("it did not happen: %s", what)
}

// statuses are the events of a message in order; the final one has a dot.
func (r *rig) statuses(id sms.ID) string {
	events, err := r.engine.MessageEvents(context.Background(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	out := ""
	for _, e := range events {
		out += string(e.Status)
		if e.Final {
			out += "."
		}
		out += " "
	}
	return out
}

func (r *rig) counts() store.Counts {
	c, err := r.engine.Counts(context.Background())
	if err != nil {
		r.t.Fatal(err)
	}
	return c
}

func to(i int) string { return fmt.Sprintf("+49170%07d", i) }
