package nodes

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/store"
)

// Work is what the node does with a holding that it has.
type Work interface {
	// Start begins to see to it. Nobody else does.
	Start(ctx context.Context, holding string) error
	// Stop finishes what is in flight until ctx ends, so that another node can begin.
	Stop(ctx context.Context, holding string)
}

// Options are what a Manager is made of.
type Options struct {
	Leases  store.Leases
	Watcher store.Watcher // nil where nobody else writes to the database
	Fence   store.Fence
	Asked   time.Duration // Now from before the slot was asked for
	Layout  carrier.Layout
	Stored  func(context.Context) ([]string, error) // shards that have open messages
	Work    Work
	// Former is called now and then while there are open messages in shards that a
	// configured carrier has in another layout.
	Former func(context.Context) error
	// Changed is told of an account, "" for the installation, whose resources another
	// node may have written. It is told again until it succeeds.
	Changed func(ctx context.Context, account string) error
	// Lost is told once that the slot is not this node's any more, or that the
	// database cannot be trusted.
	Lost    func(error)
	Metrics *Metrics
	Log     *slog.Logger
}

// Manager keeps the node's lease and sees that it does what it should.
type Manager struct {
	o      Options
	lease  *lease
	wake   chan struct{}
	rounds sync.Mutex // one at a time
	doing  sync.WaitGroup

	storedAt time.Time // of the goroutine whose round it is
	stray    []string  // shards of carriers that are not configured

	mu      sync.Mutex
	state   State
	work    map[string]phase
	failed  error // of the last start that failed
	leaving bool
}

type phase int

const (
	starting phase = iota + 1
	running
	stopping
)

// roundEvery is how often a node looks whether it does what it should, besides when
// it is told of a change.
const roundEvery = time.Second

// storedEvery is how often the store is asked which shards have messages.
const storedEvery = time.Minute

// New makes a manager of a slot that was just taken.
func New(o Options) *Manager {
	return &Manager{o: o, lease: newLease(o.Leases, o.Fence, o.Asked), wake: make(chan struct{}, 1), work: map[string]phase{}}
}

// MaySend reports whether the lease runs: after it nothing is handed to a carrier.
func (m *Manager) MaySend() bool { return m.lease.left() > 0 }

// LeaseLeft is the time to the end of the lease.
func (m *Manager) LeaseLeft() time.Duration { return m.lease.left() }

// Several reports whether other nodes are there.
func (m *Manager) Several() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.state.live()) > 1
}

// State is what was last read of nodes and holdings.
func (m *Manager) State() State {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.state
}

// Holds reports whether this node sees to a holding now.
func (m *Manager) Holds(holding string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.work[holding] == running
}

// Slots are all that were ever taken.
func (m *Manager) Slots(ctx context.Context) ([]int, error) {
	nodes, err := m.o.Leases.Nodes(ctx)
	var slots []int
	for _, n := range nodes {
		slots = append(slots, n.Slot)
	}
	return slots, err
}

// Keep renews the lease until ctx ends.
func (m *Manager) Keep(ctx context.Context) {
	lost := m.lease.keep(ctx, func(err error) {
		m.o.Log.Warn("the lease of this node cannot be renewed; trying again", "left_ms", m.lease.left().Milliseconds(), "error", err)
	})
	if lost != nil {
		m.o.Metrics.Changes.WithLabelValues("lost").Inc()
		m.o.Lost(lost)
	}
}

// Settle claims what is this node's by the rule and begins with it. It returns when
// all of it is started, or with what could not be.
func (m *Manager) Settle(ctx context.Context) error {
	if err := m.round(ctx); err != nil {
		return err
	}
	m.doing.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.failed
}

// Run does what the rule says until ctx ends.
func (m *Manager) Run(ctx context.Context) {
	var watching sync.WaitGroup
	defer watching.Wait()
	if m.o.Watcher != nil {
		watching.Go(func() {
			err := m.o.Watcher.Watch(ctx, store.Watching{Resources: func(account string) { m.changed(ctx, account) }, Holdings: m.look})
			if err != nil && ctx.Err() == nil {
				m.o.Log.Error("changes by other nodes are not heard of any more", "error", err)
			}
		})
	}
	ticker := time.NewTicker(roundEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-m.wake:
		}
		if err := m.round(ctx); err != nil && ctx.Err() == nil {
			m.o.Log.Warn("what this node should see to cannot be looked up; trying again", "error", err)
		}
	}
}

func (m *Manager) changed(ctx context.Context, account string) {
	for ctx.Err() == nil {
		err := m.o.Changed(ctx, account)
		if err == nil {
			return
		}
		m.o.Log.Error("resources that another node changed cannot be read; trying again", "account", account, "error", err)
		select {
		case <-ctx.Done():
		case <-time.After(roundEvery):
		}
	}
}

func (m *Manager) look() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

// round looks once and begins what there is to do.
func (m *Manager) round(ctx context.Context) error {
	m.rounds.Lock()
	defer m.rounds.Unlock()
	s, err := m.read(ctx)
	if err != nil {
		return err
	}
	m.mu.Lock()
	m.state = s
	leaving := m.leaving
	m.mu.Unlock()
	if leaving {
		return nil
	}
	d := Decide(s)
	if len(d.Claim) > 0 {
		took, err := m.o.Leases.Claim(ctx, m.o.Fence, d.Claim...)
		if err != nil {
			return err
		}
		for _, name := range took {
			m.o.Metrics.Changes.WithLabelValues("claimed").Inc()
			s.Holdings = hold(s.Holdings, name, s.Self)
		}
		m.mu.Lock()
		m.state = s
		m.mu.Unlock()
	}
	given := map[string]bool{}
	for _, g := range d.Give {
		given[g.Name] = true
		m.give(ctx, g)
	}
	held := map[string]bool{}
	for _, h := range s.Holdings {
		if h.Slot != s.Self {
			continue
		}
		held[h.Name] = true
		if !given[h.Name] {
			m.begin(ctx, h.Name, s)
		}
	}
	m.drop(ctx, held)
	return nil
}

func hold(all []store.Holding, name string, slot int) []store.Holding {
	all = slices.DeleteFunc(slices.Clone(all), func(h store.Holding) bool { return h.Name == name })
	all = append(all, store.Holding{Name: name, Slot: slot})
	slices.SortFunc(all, func(a, b store.Holding) int { return strings.Compare(a.Name, b.Name) })
	return all
}

// read reads what the rule decides by. Nodes whose lease has run out are fenced off
// first.
func (m *Manager) read(ctx context.Context) (s State, err error) {
	s.Self = m.o.Fence.Slot
	if s.Shards, err = m.shards(ctx); err != nil {
		return s, err
	}
	if s.Nodes, err = m.o.Leases.Nodes(ctx); err != nil {
		return s, err
	}
	if slices.ContainsFunc(s.Nodes, func(n store.Node) bool { return !n.Free && n.Left <= 0 && n.Slot != s.Self }) {
		gone, err := m.o.Leases.FenceOff(ctx, m.o.Fence)
		if err != nil {
			return s, err
		}
		for _, n := range gone {
			m.o.Metrics.Changes.WithLabelValues("taken_over").Inc()
			m.o.Log.Warn("a node's lease has run out; its work is taken over", "node", n.Name, "slot", n.Slot)
		}
		if s.Nodes, err = m.o.Leases.Nodes(ctx); err != nil {
			return s, err
		}
	}
	s.Holdings, err = m.o.Leases.Holdings(ctx)
	return s, err
}

// shards are those of the layout, and those in which messages of carriers are that
// are configured no more. Shards of a carrier's former layout are seen to by its
// shards of now.
func (m *Manager) shards(ctx context.Context) ([]string, error) {
	if now := time.Now(); now.Sub(m.storedAt) >= storedEvery {
		stored, err := m.o.Stored(ctx)
		if err != nil {
			return nil, fmt.Errorf("read shards: %w", err)
		}
		m.storedAt = now
		if slices.ContainsFunc(stored, m.former) {
			m.takeUp(ctx)
		}
		m.stray = slices.DeleteFunc(stored, func(shard string) bool { return m.o.Layout[carrier.OfShard(shard)] > 0 })
	}
	return append(m.o.Layout.All(), m.stray...), nil
}

func (m *Manager) former(shard string) bool {
	return m.o.Layout[carrier.OfShard(shard)] > 0 && !m.o.Layout.Has(shard)
}

func (m *Manager) takeUp(ctx context.Context) {
	m.doing.Go(func() {
		if err := m.o.Former(ctx); err != nil && ctx.Err() == nil {
			m.o.Log.Warn("messages of another layout cannot be looked for; trying again", "error", err)
		}
	})
}

// begin starts what this node holds, unless that was done.
func (m *Manager) begin(ctx context.Context, name string, s State) {
	if shard, ok := Shard(name); ok {
		if other := Conflict(shard, s, m.o.Layout); other != "" {
			m.o.Log.Warn("a shard waits: another node has a different number of shards for its carrier", "shard", shard, "other", other)
			return
		}
	}
	if !m.enter(name, starting, 0) {
		return
	}
	m.doing.Go(func() {
		err := m.o.Work.Start(ctx, name)
		m.mu.Lock()
		defer m.mu.Unlock()
		if err != nil {
			delete(m.work, name)
			m.failed = err
			if ctx.Err() != nil {
				return // the node ends
			}
			m.o.Log.Error("cannot begin with what this node holds; trying again", "holding", name, "error", err)
			return
		}
		m.work[name] = running
		m.o.Log.Info("this node sees to it now", "holding", name)
	})
}
