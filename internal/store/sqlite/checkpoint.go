package sqlite

import (
	"context"
	"errors"
	"sync"

	driversqlite "modernc.org/sqlite"

	"heliograph/internal/store"
)

// mover moves the write-ahead log into the database file while commits go on.
//
// A log under steady writes is never caught up with from beside them, and one
// that is not caught up with grows without end. So each round moves the bulk
// first, then holds commits back for the little that came in meanwhile; the next
// commit begins the log anew.
type mover struct {
	engine *Engine
	conn   *conn
	wake   chan struct{} // holds a token while a round is wanted
	quit   chan struct{}
	done   chan struct{}
	ending sync.Once

	moved int // pages that the writer had written at the last round; under Engine.mu
}

func newMover(e *Engine, c *conn) *mover {
	return &mover{engine: e, conn: c, wake: make(chan struct{}, 1), quit: make(chan struct{}), done: make(chan struct{})}
}

// committed is called after each commit, under Engine.mu.
func (m *mover) committed() {
	if m.engine.pagesWritten()-m.moved < m.engine.options.CheckpointPages {
		return
	}
	m.ask()
}

// ask asks for a round.
func (m *mover) ask() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *mover) run() {
	defer close(m.done)
	for {
		select {
		case <-m.quit:
			return
		case <-m.wake:
			m.round()
		}
	}
}

func (m *mover) round() {
	_, err := checkpoint(m.conn, "PASSIVE")
	m.engine.mu.Lock()
	defer m.engine.mu.Unlock()
	if err == nil {
		_, err = checkpoint(m.conn, "PASSIVE")
	}
	// A reader may have kept part of the log from being moved, or the disk is
	// full: the next round comes after as many pages again.
	m.moved = m.engine.pagesWritten()
	if err = classify(err); err != nil {
		m.engine.options.Logger.Error("database checkpoint failed", "err", err)
	}
	if errors.Is(err, store.ErrBroken) {
		m.engine.broken.Store(true)
	}
}

func (m *mover) stop() {
	m.ending.Do(func() { close(m.quit) })
	<-m.done
}

// pagesWritten counts the pages that the writing connection has put into the
// log. It wraps around after 2^31 pages, as SQLite's counter does.
func (e *Engine) pagesWritten() int {
	n, _, err := e.writer.raw.(driversqlite.DBStatus).Status(driversqlite.DBStatusCacheWrite, false)
	if err != nil {
		return 0
	}
	return n
}

// checkpoint moves the log as far as mode allows and reports whether all of it
// was moved.
func checkpoint(c *conn, mode string) (complete bool, err error) {
	err = c.query(context.Background(), "PRAGMA wal_checkpoint("+mode+")", nil, func(r row) error {
		complete = r.int(0) == 0 && r.int(1) == r.int(2)
		return nil
	})
	return complete, err
}
