package postgres

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/store"
)

// Lease is the time from Join or Renew to the end of a lease.
func (e *Engine) Lease() time.Duration { return e.options.Lease }

// Renew has the lease begin anew.
func (e *Engine) Renew(ctx context.Context, f store.Fence) error {
	if e.isClosed() {
		return store.ErrClosed
	}
	tag, err := e.leads.Exec(ctx, `UPDATE node SET since = CASE WHEN until < clock_timestamp() THEN clock_timestamp() ELSE since END,
			until = clock_timestamp() + $3::bigint * interval '1 ms' WHERE slot = $1::int AND epoch = $2::bigint`,
		f.Slot, f.Epoch, e.options.Lease.Milliseconds())
	if err == nil && tag.RowsAffected() == 0 {
		err = fenced(f)
	}
	if err != nil {
		return fmt.Errorf("renew lease: %w", classify(ctx, err))
	}
	e.sweep()
	return nil
}

func fenced(f store.Fence) error {
	return fmt.Errorf("%w: slot %d, epoch %d", store.ErrFenced, f.Slot, f.Epoch)
}

// Leave gives up the slot and all that the node holds. Nothing is committed under f
// afterwards.
func (e *Engine) Leave(ctx context.Context, f store.Fence) error {
	err := e.lead(ctx, func(tx pgx.Tx) error {
		found, err := e.fenceOff(ctx, tx, f, "")
		if err == nil && !found {
			err = fenced(f)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("leave: %w", err)
	}
	return nil
}

// fenceOff frees a slot, if its epoch still is that of f and the condition holds.
func (e *Engine) fenceOff(ctx context.Context, tx pgx.Tx, f store.Fence, condition string) (found bool, err error) {
	err = e.clearing(ctx, tx, func() error {
		tag, err := tx.Exec(ctx, "UPDATE node SET epoch = epoch + 1, until = NULL, since = NULL WHERE slot = $1::int AND epoch = $2::bigint"+condition,
			f.Slot, f.Epoch)
		found = tag.RowsAffected() > 0
		return err
	})
	if err != nil || !found {
		return found, err
	}
	return true, e.drop(ctx, tx, f.Slot)
}

// Nodes are the slots that were ever taken, in order.
func (e *Engine) Nodes(ctx context.Context) ([]store.Node, error) {
	var out []store.Node
	err := e.scan(ctx, e.leads, "nodes", `SELECT slot, epoch, name, (extract(epoch FROM until - clock_timestamp()) * 1000)::bigint FROM node ORDER BY slot`,
		func(r row) error {
			n := store.Node{Fence: store.Fence{Slot: int(r.int(0)), Epoch: r.int(1)}, Name: r.text(2), Free: r.null(3)}
			if !n.Free {
				n.Left = time.Duration(r.int(3)) * time.Millisecond
			}
			out = append(out, n)
			return nil
		})
	return out, err
}

// FenceOff takes their slots, and what they hold, from nodes whose leases have run
// out.
func (e *Engine) FenceOff(ctx context.Context, f store.Fence) ([]store.Node, error) {
	var out []store.Node
	nodes, err := e.Nodes(ctx)
	if err != nil {
		return nil, err
	}
	if !slices.ContainsFunc(nodes, func(n store.Node) bool { return n.Fence == f && !n.Free }) {
		return nil, fmt.Errorf("fence off: %w", fenced(f))
	}
	for _, n := range nodes {
		if n.Free || n.Left > 0 || n.Slot == f.Slot {
			continue
		}
		err := e.lead(ctx, func(tx pgx.Tx) error {
			// Where the database was away for all, all leases have run out, and the
			// first to come back has no right to the others' work.
			steady := false
			err := tx.QueryRow(ctx, `SELECT until > clock_timestamp() AND since < clock_timestamp() - $3::bigint * interval '1 ms'
				FROM node WHERE slot = $1::int AND epoch = $2::bigint FOR SHARE`, f.Slot, f.Epoch, e.options.Lease.Milliseconds()).Scan(&steady)
			if errors.Is(err, pgx.ErrNoRows) {
				return fenced(f)
			}
			if err != nil || !steady {
				return err
			}
			found, err := e.fenceOff(ctx, tx, n.Fence, " AND until < clock_timestamp()")
			if found {
				n.Free = true
			}
			return err
		})
		if err != nil {
			return out, fmt.Errorf("fence off node %q: %w", n.Name, err)
		}
		if n.Free {
			out = append(out, n)
		}
	}
	return out, nil
}

// Holdings are all names that were ever claimed, in order.
func (e *Engine) Holdings(ctx context.Context) ([]store.Holding, error) {
	var out []store.Holding
	err := e.scan(ctx, e.leads, "holdings", "SELECT name, slot FROM holding ORDER BY name", func(r row) error {
		h := store.Holding{Name: r.text(0), Slot: store.Nobody}
		if !r.null(1) {
			h.Slot = int(r.int(1))
		}
		out = append(out, h)
		return nil
	})
	return out, err
}

// Claim takes those of the names that nobody holds, and answers the ones that it
// took.
func (e *Engine) Claim(ctx context.Context, f store.Fence, names ...string) (took []string, err error) {
	names = slices.Compact(slices.Sorted(slices.Values(names)))
	err = e.under(ctx, f, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `INSERT INTO holding AS h (name, slot) SELECT name, $1::int FROM unnest($2::text[]) AS name
			ON CONFLICT (name) DO UPDATE SET slot = excluded.slot WHERE h.slot IS NULL RETURNING name`, f.Slot, names)
		if err != nil {
			return err
		}
		if took, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil || len(took) == 0 {
			return err
		}
		return e.tell(ctx, tx, holdingsTopic)
	})
	if err != nil {
		return nil, fmt.Errorf("claim: %w", err)
	}
	slices.Sort(took)
	return took, nil
}

// HandOver gives a name that this node holds to another node that is there, or to
// Nobody.
func (e *Engine) HandOver(ctx context.Context, f store.Fence, name string, to int) error {
	err := e.under(ctx, f, func(tx pgx.Tx) error {
		var slot *int
		if to != store.Nobody {
			slot = &to
			var there bool
			if err := tx.QueryRow(ctx, "SELECT true FROM node WHERE slot = $1::int AND until > clock_timestamp() FOR SHARE", to).Scan(&there); errors.Is(err, pgx.ErrNoRows) {
				return fmt.Errorf("%w: no node has slot %d", store.ErrNotFound, to)
			} else if err != nil {
				return err
			}
		}
		tag, err := tx.Exec(ctx, "UPDATE holding SET slot = $3::int WHERE name = $1::text AND slot = $2::int", name, f.Slot, slot)
		if err == nil && tag.RowsAffected() == 0 {
			err = fmt.Errorf("%w: slot %d does not hold it", store.ErrNotFound, f.Slot)
		}
		if err != nil {
			return err
		}
		return e.tell(ctx, tx, holdingsTopic)
	})
	if err != nil {
		return fmt.Errorf("hand over %q: %w", name, err)
	}
	return nil
}

// under runs do in a transaction that the fence holds through.
func (e *Engine) under(ctx context.Context, f store.Fence, do func(pgx.Tx) error) error {
	return e.lead(ctx, func(tx pgx.Tx) error {
		var held bool
		err := tx.QueryRow(ctx, "SELECT true FROM node WHERE slot = $1::int AND epoch = $2::bigint FOR SHARE", f.Slot, f.Epoch).Scan(&held)
		if errors.Is(err, pgx.ErrNoRows) {
			return fenced(f)
		}
		if err != nil {
			return err
		}
		return do(tx)
	})
}
