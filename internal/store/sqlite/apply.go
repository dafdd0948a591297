package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"time"

	driversqlite "modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Join takes slot 0, the only one of a single node.
func (e *Engine) Join(ctx context.Context, node string) (store.Fence, error) {
	if err := ctx.Err(); err != nil {
		return store.Fence{}, err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	var f store.Fence
	err := e.transact(func() error {
		return e.writer.query(context.Background(), `INSERT INTO node (slot, epoch, name) VALUES (0, 1, ?)
			ON CONFLICT DO UPDATE SET epoch = epoch + 1, name = excluded.name RETURNING epoch`,
			[]driver.Value{node}, func(r row) error {
				f.Epoch = r.int(0)
				return nil
			})
	})
	if err != nil {
		return store.Fence{}, fmt.Errorf("join as node %q: %w", node, err)
	}
	return f, nil
}

// Apply writes the changes in one transaction. ctx is looked at before it
// begins; from then on it ends either way, so that the answer is sure. When the disk
// is full, changes that take new messages fail first; see Options.Ballast.
func (e *Engine) Apply(ctx context.Context, f store.Fence, changes []*store.Change) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	full := !e.ballast.there && !e.ballast.take(time.Now())
	var err error
	if !full {
		err = e.apply(f, changes)
		full = errors.Is(err, store.ErrFull) && e.ballast.give(time.Now())
	}
	if full {
		err = e.applyRest(f, changes)
	}
	if err != nil {
		for _, c := range changes {
			c.Events, c.Err = nil, nil
		}
		return fmt.Errorf("commit %d changes: %w", len(changes), err)
	}
	return nil
}

// apply is one transaction, under mu.
func (e *Engine) apply(f store.Fence, changes []*store.Change) error {
	newest := sms.ID(0)
	err := e.transact(func() error {
		if err := e.check(f); err != nil {
			return err
		}
		e.batch.Reset(f.Slot, e.seq)
		if err := e.load(changes); err != nil {
			return err
		}
		for _, c := range changes {
			e.batch.Apply(c)
			for i := range c.Accept {
				newest = max(newest, c.Accept[i].Message.ID)
			}
		}
		return e.write(changes)
	})
	if err != nil {
		return err
	}
	e.seq, e.maxID = e.batch.Seq, max(e.maxID, newest)
	return nil
}

// check reads whether the fence still holds, and for a new one where its slot's
// event log ends.
func (e *Engine) check(f store.Fence) error {
	held := false
	if err := e.writer.query(context.Background(), "SELECT epoch FROM node WHERE slot = ?", []driver.Value{int64(f.Slot)}, func(r row) error {
		held = r.int(0) == f.Epoch
		return nil
	}); err != nil {
		return err
	}
	if !held {
		return fmt.Errorf("%w: slot %d, epoch %d", store.ErrFenced, f.Slot, f.Epoch)
	}
	if e.fence == f {
		return nil
	}
	// Whoever had the slot before may have written since this engine last read.
	err := e.writer.query(context.Background(), `SELECT
			(SELECT coalesce(max(id), 0) FROM message),
			(SELECT coalesce(max(key), 0) FROM event WHERE key BETWEEN ? AND ?),
			(SELECT coalesce(max(seq), 0) FROM node WHERE slot = ?)`,
		append(keysOf(f.Slot), int64(f.Slot)), func(r row) error {
			e.maxID, e.seq = sms.ID(r.int(0)), max(seqOf(r.int(1)), r.int(2))
			return nil
		})
	if err == nil {
		e.fence = f
	}
	return err
}

// transact runs do in a transaction that is durable when it returns nil, and
// has left nothing when it does not.
func (e *Engine) transact(do func() error) error {
	if e.closed {
		return store.ErrClosed
	}
	if e.broken.Load() {
		return store.ErrBroken
	}
	_, err := e.writer.exec("BEGIN IMMEDIATE")
	if err != nil {
		return e.failed(err)
	}
	if err = do(); err == nil {
		_, err = e.writer.exec("COMMIT")
	}
	if err == nil {
		e.mover.committed()
		return nil
	}
	e.rows.reset()
	err = e.failed(err)
	// Some errors have rolled back already; ROLLBACK then fails with the plain
	// SQLITE_ERROR and there is nothing left to do.
	var code *driversqlite.Error
	if _, failed := e.writer.exec("ROLLBACK"); failed != nil && !(errors.As(failed, &code) && code.Code() == sqlite3.SQLITE_ERROR) {
		e.broken.Store(true)
		err = fmt.Errorf("%w: %w: rollback: %w", store.ErrBroken, err, failed)
	}
	return err
}

// failed classifies an error. After one that is ErrBroken no transaction is
// begun any more.
func (e *Engine) failed(err error) error {
	err = classify(err)
	if errors.Is(err, store.ErrBroken) {
		e.broken.Store(true)
	}
	return err
}
