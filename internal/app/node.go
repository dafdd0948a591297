package app

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heliograph/internal/config"
	"heliograph/internal/datadir"
	"heliograph/internal/nodes"
	"heliograph/internal/retention"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/postgres"
	"heliograph/internal/store/sqlite"
)

// leaveTime bounds how long an ordered end waits for the database to hear of it.
const leaveTime = 3 * time.Second

// place is this node's in the database.
type place struct {
	fence   store.Fence
	asked   time.Duration // nodes.Now from before it was asked for
	leases  store.Leases
	shared  store.Shared  // nil where no other node can share the database
	watcher store.Watcher // likewise
	pruner  store.Pruner
}

// openStore opens the database and takes a slot in it.
func (s *service) openStore(ctx context.Context) error {
	if s.cfg.Database == config.SQLite {
		return s.openOwn(ctx)
	}
	engine, err := postgres.Open(ctx, s.cfg.Database, postgres.Options{Logger: s.log, Sealer: s.sealer})
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	s.engine = engine
	s.lists = engine
	s.place = place{leases: engine, shared: engine, watcher: engine, pruner: engine}
	return s.join(ctx)
}

// openOwn opens the embedded database, which this node has for itself.
func (s *service) openOwn(ctx context.Context) error {
	engine, err := sqlite.Open(ctx, datadir.Database(s.cfg.DataDir), sqlite.Options{Logger: s.log, Sealer: s.sealer})
	if err != nil {
		return fmt.Errorf("open the database: %w", err)
	}
	s.engine, s.place.pruner = engine, engine
	s.lists = engine
	if err := s.join(ctx); err != nil {
		return err
	}
	var slots []int // that were used where the database was once shared
	for slot := range sms.MaxSlot + 1 {
		last, err := engine.LastSeq(ctx, slot)
		if err != nil {
			return fmt.Errorf("read the logs of slots: %w", err)
		}
		if last > 0 {
			slots = append(slots, slot)
		}
	}
	s.place.leases = nodes.NewAlone(s.cfg.Node, s.place.fence, slots)
	return nil
}

func (s *service) join(ctx context.Context) (err error) {
	if err := s.loadKeys(ctx); err != nil {
		return err
	}
	s.place.asked = nodes.Now()
	if s.place.fence, err = s.engine.Join(ctx, s.cfg.Node); err != nil {
		return fmt.Errorf("take the node's slot: %w", err)
	}
	return nil
}

// newManager makes what keeps the node's place and its share of the work.
func (s *service) newManager() *nodes.Manager {
	return nodes.New(nodes.Options{Leases: s.place.leases, Watcher: s.place.watcher, Fence: s.place.fence, Asked: s.place.asked,
		Layout: s.layout, Stored: s.engine.Shards, Work: s.work, Lost: s.failed,
		Changed: s.refresh, Former: func(ctx context.Context) error { return s.queue.TakeUp(ctx) }, Metrics: nodes.NewMetrics(s.metrics.registry), Log: s.log})
}

// retention deletes what is older than is kept, on the node that sweeps.
func (s *service) retention() *retention.Loop {
	return retention.New(retention.Options{Pruner: s.place.pruner, Fence: s.place.fence,
		Mine:    func() bool { return s.manager.Holds(nodes.Sweep) },
		Keep:    retention.Keep{Messages: s.cfg.Retention.Messages, Receipts: s.cfg.Retention.Receipts, Bodies: s.cfg.Retention.Bodies, Numbers: s.cfg.Retention.Numbers},
		Drop:    s.drop,
		Dropped: s.dropped,
		Metrics: retention.NewMetrics(s.metrics.registry), Log: s.log, Now: now})
}

// keepPlace renews the node's lease from now on, until it is left.
func (s *service) keepPlace(ctx context.Context) {
	keeping, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.manager.Keep(keeping)
	}()
	s.lapse = func() {
		cancel()
		<-ended
	}
}

// maySend reports whether the node's lease runs. Before there is a lease nothing is
// sent.
func (s *service) maySend() bool { return s.manager != nil && s.manager.MaySend() }

// leave gives the slot up, so that others need not wait for the end of its lease.
func (s *service) leave(ctx context.Context) {
	if s.lapse != nil {
		s.lapse()
	}
	if s.place.leases == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	if err := s.place.leases.Leave(ctx, s.committer.Fence()); err != nil && !errors.Is(err, store.ErrFenced) {
		s.log.Warn("the node's slot was not given up; it is free when its lease runs out", "error", err)
	}
}

// failed ends the service for a store that cannot be trusted or is not its own
// any more.
func (s *service) failed(err error) {
	select {
	case s.fatal <- err:
	default:
	}
}
