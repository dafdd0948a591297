package nodes

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"heliograph/internal/store"
)

// handOverTime bounds how long what is in flight is waited for when a holding goes
// to another node that is there.
const handOverTime = 30 * time.Second

// drop stops what this node does not hold any more, however that came about.
func (m *Manager) drop(ctx context.Context, held map[string]bool) {
	m.mu.Lock()
	var lost []string
	for name, at := range m.work {
		if at == running && !held[name] {
			lost = append(lost, name)
		}
	}
	m.mu.Unlock()
	for _, name := range lost {
		if !m.enter(name, stopping, running) {
			continue
		}
		m.o.Log.Error("this node has lost what it saw to", "holding", name)
		m.doing.Go(func() {
			ended, cancel := context.WithCancel(ctx)
			cancel()
			m.o.Work.Stop(ended, name)
			m.mu.Lock()
			delete(m.work, name)
			m.mu.Unlock()
		})
	}
}

// give finishes with a holding and hands it over.
func (m *Manager) give(ctx context.Context, g Gift) {
	was := running
	if !m.enter(g.Name, stopping, running) {
		if was = 0; !m.enter(g.Name, stopping, 0) {
			return
		}
	}
	m.doing.Go(func() {
		if was == running {
			stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), handOverTime)
			m.o.Work.Stop(stop, g.Name)
			cancel()
		}
		m.handOver(context.WithoutCancel(ctx), g)
	})
}

func (m *Manager) handOver(ctx context.Context, g Gift) {
	m.rounds.Lock() // or a round would begin again with what it read before
	defer m.rounds.Unlock()
	ctx, cancel := context.WithTimeout(ctx, handOverTime)
	defer cancel()
	err := m.o.Leases.HandOver(ctx, m.o.Fence, g.Name, g.To)
	if errors.Is(err, store.ErrNotFound) { // the other has gone meanwhile
		err = m.o.Leases.HandOver(ctx, m.o.Fence, g.Name, store.Nobody)
	}
	m.mu.Lock()
	delete(m.work, g.Name)
	m.mu.Unlock()
	switch {
	case errors.Is(err, store.ErrNotFound): // it was free by then, or another's
		return
	case err != nil:
		m.o.Log.Error("what this node has finished with was not handed over", "holding", g.Name, "to", g.To, "error", err)
		return
	}
	m.o.Metrics.Changes.WithLabelValues("handed_over").Inc()
	m.o.Log.Info("handed over", "holding", g.Name, "to", g.To)
}

// enter moves a holding from one phase to another; it is false where it is in
// neither.
func (m *Manager) enter(name string, to, from phase) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.work[name] != from || m.leaving && to == starting {
		return false
	}
	m.work[name] = to
	return true
}

// Finish stops everything and hands it over to the nodes that are there, until ctx
// ends: first the shards, then, after last has written what it has still to write, the
// event logs. The lease has to be kept meanwhile.
func (m *Manager) Finish(ctx context.Context, last func()) {
	m.mu.Lock()
	m.leaving = true
	m.mu.Unlock()
	m.doing.Wait()
	s, err := m.read(ctx)
	if err != nil {
		m.o.Log.Warn("what this node held was not handed over; others take it when it has left", "error", err)
	}
	to := map[string]int{}
	for _, g := range Farewell(s) {
		to[g.Name] = g.To
	}
	m.mu.Lock()
	names := slices.Collect(maps.Keys(m.work))
	m.mu.Unlock()
	for _, streams := range []bool{false, true} {
		if streams {
			last()
		}
		var finishing sync.WaitGroup
		for _, name := range names {
			if strings.HasPrefix(name, streamPrefix) != streams {
				continue
			}
			finishing.Go(func() {
				m.o.Work.Stop(ctx, name)
				if slot, ok := to[name]; ok {
					m.handOver(context.WithoutCancel(ctx), Gift{name, slot})
				}
			})
		}
		finishing.Wait()
	}
}
