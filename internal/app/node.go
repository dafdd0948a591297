package app

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"heliograph/internal/config"
	"heliograph/internal/datadir"
	"heliograph/internal/store"
	"heliograph/internal/store/postgres"
	"heliograph/internal/store/sqlite"
)

// servingNode is the slot's name of the one process that serves over a shared
// database. Others stand by for it.
const servingNode = "heliograph"

// standByPoll is how often a process that stands by looks for its turn.
const standByPoll = 500 * time.Millisecond

// leaveTime bounds how long an ordered end waits for the database to hear of it.
const leaveTime = 3 * time.Second

// openStore opens the database and takes the node's slot in it. Over a shared
// database it waits until no other process serves.
func (s *service) openStore(ctx context.Context) (store.Fence, error) {
	if s.cfg.Database == config.SQLite {
		engine, err := sqlite.Open(ctx, datadir.Database(s.cfg.DataDir), sqlite.Options{Logger: s.log})
		if err != nil {
			return store.Fence{}, fmt.Errorf("open the database: %w", err)
		}
		s.engine = engine
		host, _ := os.Hostname()
		return s.join(ctx, host)
	}
	engine, err := postgres.Open(ctx, s.cfg.Database, postgres.Options{Logger: s.log})
	if err != nil {
		return store.Fence{}, fmt.Errorf("open the database: %w", err)
	}
	s.engine, s.leases = engine, engine
	if err := s.standBy(ctx); err != nil {
		return store.Fence{}, err
	}
	return s.join(ctx, servingNode)
}

func (s *service) join(ctx context.Context, name string) (store.Fence, error) {
	fence, err := s.engine.Join(ctx, name)
	if err != nil {
		return fence, fmt.Errorf("take the node's slot: %w", err)
	}
	return fence, nil
}

// standBy waits until no other process serves: it left, or its lease has run out.
func (s *service) standBy(ctx context.Context) error {
	for said := false; ; {
		serving, err := s.served(ctx)
		switch {
		case err != nil && !errors.Is(err, store.ErrUnavailable):
			return fmt.Errorf("look who serves: %w", err)
		case err != nil:
			s.log.Warn("standing by: the database does not answer", "error", err)
		case !serving:
			return nil
		case !said:
			said = true
			s.log.Info("standing by: another process serves over this database")
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(standByPoll):
		}
	}
}

func (s *service) served(ctx context.Context) (bool, error) {
	nodes, err := s.leases.Nodes(ctx)
	for _, n := range nodes {
		if n.Name == servingNode && !n.Free && n.Left > 0 {
			return true, nil
		}
	}
	return false, err
}

// keepLease renews the node's lease until ctx ends. Losing it ends the process:
// another one serves. While the database is away for all, nothing can be marked as
// in flight, so nothing is sent either, and the lease goes on when it is back.
func (s *service) keepLease(ctx context.Context) {
	if s.leases == nil {
		return
	}
	ticker := time.NewTicker(s.leases.Lease() / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		err := s.leases.Renew(ctx, s.committer.Fence())
		switch {
		case errors.Is(err, store.ErrFenced):
			s.failed(err)
			return
		case err != nil && ctx.Err() == nil:
			s.log.Warn("the lease of this node cannot be renewed; trying again", "error", err)
		}
	}
}

// leave lets another process serve at once.
func (s *service) leave(ctx context.Context) {
	if s.leases == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), leaveTime)
	defer cancel()
	if err := s.leases.Leave(ctx, s.committer.Fence()); err != nil {
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
