package postgres

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const joinAttempts = 5

// errTaken: another node took the slot first.
var errTaken = errors.New("the slot was taken by another node")

// Join takes the slot that had the name node before, or else one that nobody has,
// or else one whose lease has run out. Names have to differ: the later of two nodes
// with one name takes the slot over from the first. When Join returns, no commit
// of the slot's former owner is under way and none will happen. ErrUnavailable
// where all slots are taken.
func (e *Engine) Join(ctx context.Context, node string) (f store.Fence, err error) {
	for range joinAttempts {
		if err = e.lead(ctx, func(tx pgx.Tx) error {
			f, err = e.join(ctx, tx, node)
			return err
		}); !errors.Is(err, errTaken) {
			break
		}
	}
	if err != nil {
		return store.Fence{}, fmt.Errorf("join as node %q: %w", node, err)
	}
	return f, nil
}

func (e *Engine) join(ctx context.Context, tx pgx.Tx, node string) (store.Fence, error) {
	var f store.Fence
	err := tx.QueryRow(ctx, `SELECT s.slot FROM generate_series(0, $2::int) AS s(slot) LEFT JOIN node n USING (slot)
		WHERE n.slot IS NULL OR n.name = $1::text OR n.until IS NULL OR n.until < clock_timestamp()
		ORDER BY coalesce(n.name = $1::text, false) DESC, n.until IS NOT NULL, s.slot LIMIT 1`, node, sms.MaxSlot).Scan(&f.Slot)
	if errors.Is(err, pgx.ErrNoRows) {
		return f, fmt.Errorf("%w: all %d node slots are taken", store.ErrUnavailable, sms.MaxSlot+1)
	}
	if err != nil {
		return f, err
	}
	if err := e.clearing(ctx, tx, func() error {
		return tx.QueryRow(ctx, `INSERT INTO node AS n (slot, epoch, name, until, since)
			VALUES ($1::int, 1, $2::text, clock_timestamp() + $3::bigint * interval '1 ms', clock_timestamp())
			ON CONFLICT (slot) DO UPDATE SET epoch = n.epoch + 1, name = excluded.name, until = excluded.until, since = excluded.since
			WHERE n.name = excluded.name OR n.until IS NULL OR n.until < clock_timestamp() RETURNING epoch`,
			f.Slot, node, e.options.Lease.Milliseconds()).Scan(&f.Epoch)
	}); errors.Is(err, pgx.ErrNoRows) {
		return f, errTaken
	} else if err != nil {
		return f, err
	}
	// What nobody can spend any more.
	if _, err := tx.Exec(ctx, "DELETE FROM allowance WHERE month < to_char(clock_timestamp() - interval '62 days', 'YYYY-MM')"); err != nil {
		return f, err
	}
	// The last commits of former owners are kept, for they may want to know.
	if _, err := tx.Exec(ctx, "DELETE FROM last_commit WHERE slot = $1::int AND epoch < $2::bigint - 4", f.Slot, f.Epoch); err != nil {
		return f, err
	}
	seq, id, err := e.last(ctx, tx, f.Slot)
	if err != nil {
		return f, err
	}
	if _, err := tx.Exec(ctx, "INSERT INTO last_commit (slot, epoch, n, seq, id) VALUES ($1::int, $2::bigint, 0, $3::bigint, $4::bigint)",
		f.Slot, f.Epoch, seq, int64(id)); err != nil {
		return f, err
	}
	return f, e.drop(ctx, tx, f.Slot)
}

// drop lets go of what a slot holds, and gives back what it may spend and has not.
func (e *Engine) drop(ctx context.Context, tx pgx.Tx, slot int) error {
	if _, err := tx.Exec(ctx, "DELETE FROM allowance WHERE slot = $1::int", slot); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "UPDATE holding SET slot = NULL WHERE slot = $1::int", slot); err != nil {
		return err
	}
	return e.tell(ctx, tx, holdingsTopic)
}

// tell has those who watch told when the transaction commits.
func (e *Engine) tell(ctx context.Context, tx pgx.Tx, topic string) error {
	_, err := tx.Exec(ctx, tell.sql, []string{topic})
	return err
}

// lead runs do in a transaction of its own, under the server's limits for commits.
func (e *Engine) lead(ctx context.Context, do func(pgx.Tx) error) error {
	if e.isClosed() {
		return store.ErrClosed
	}
	err := pgx.BeginTxFunc(ctx, e.leads, pgx.TxOptions{IsoLevel: pgx.ReadCommitted, AccessMode: pgx.ReadWrite}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SELECT set_config('statement_timeout', $1::text, true), set_config('lock_timeout', $2::text, true),
			set_config('idle_in_transaction_session_timeout', $3::text, true)`,
			milliseconds(e.options.StatementTimeout), milliseconds(e.options.LockTimeout), milliseconds(e.options.IdleTimeout)); err != nil {
			return err
		}
		return do(tx)
	})
	return classify(ctx, err)
}

// clearing is clearingWay for a transaction.
func (e *Engine) clearing(ctx context.Context, tx pgx.Tx, do func() error) error {
	var pid int64
	if err := tx.QueryRow(ctx, "SELECT pg_backend_pid()::bigint").Scan(&pid); err != nil {
		return err
	}
	return e.clearingWay(ctx, pid, do)
}

// clearingWay runs do, which waits for locks on the backend pid, and after
// Patience ends the backends that it waits for: a process that was stopped, or cut
// off, may hold its locks for ever. Those that themselves wait for a lock are left
// alone; they wait for the same.
func (e *Engine) clearingWay(ctx context.Context, pid int64, do func() error) error {
	ctx, cancel := context.WithCancel(ctx)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for wait := e.options.Patience; ; wait = e.options.Patience / 5 {
			select {
			case <-ctx.Done():
				return
			case <-time.After(wait):
			}
			var n int
			err := e.leads.QueryRow(ctx, `SELECT count(pg_terminate_backend(a.pid)) FROM pg_stat_activity a
				WHERE a.pid = ANY(pg_blocking_pids($1::bigint::int)) AND a.wait_event_type IS DISTINCT FROM 'Lock'`, pid).Scan(&n)
			switch {
			case ctx.Err() != nil:
			case err != nil:
				e.options.Logger.Error("cannot end the transactions of a slot that is taken over", "err", err)
			case n > 0:
				e.options.Logger.Warn("ended transactions that kept a slot from being taken over", "transactions", n)
			}
		}
	}()
	err := do()
	cancel()
	<-ended
	return err
}
