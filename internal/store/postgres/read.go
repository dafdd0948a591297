package postgres

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

// scan reads what one statement answers. An argument is an int, an int64, a string
// or a slice of int64; the statement says bigint, text or bigint[] of it.
func (e *Engine) scan(ctx context.Context, from *pgxpool.Pool, what, sql string, each func(row) error, args ...any) error {
	if e.isClosed() {
		return store.ErrClosed
	}
	if err := e.query(ctx, from, sql, each, args); err != nil {
		if e.isClosed() {
			return store.ErrClosed
		}
		return fmt.Errorf("read %s: %w", what, classify(ctx, err))
	}
	return nil
}

func (e *Engine) query(ctx context.Context, from *pgxpool.Pool, sql string, each func(row) error, args []any) error {
	c, err := from.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release()
	params, types := encode(args)
	raw := c.Conn().PgConn()
	var r *pgconn.ResultReader
	if e.pooled {
		r = raw.ExecParams(ctx, sql, params, types, binaryFormat, binaryFormat)
	} else {
		prepared, err := c.Conn().Prepare(ctx, sql, sql) // once a connection
		if err != nil {
			return err
		}
		r = raw.ExecStatement(ctx, prepared, params, binaryFormat, binaryFormat)
	}
	err = read(r, each)
	if code := sqlState(err); code == codeStalePlan || code == codeNoStatement {
		_ = c.Conn().Close(ctx) // its statements are of no more use
	}
	return err
}

func encode(args []any) (params [][]byte, types []uint32) {
	for _, v := range args {
		var oid uint32
		var b []byte
		switch v := v.(type) {
		case int:
			oid, b = oidInt, intParam(int64(v))
		case int64:
			oid, b = oidInt, intParam(v)
		case string:
			oid, b = oidText, []byte(v)
		case []int64:
			a := array{oid: oidInts}
			for _, n := range v {
				a.int(n)
			}
			oid, b = oidInts, a.param()
		}
		params, types = append(params, b), append(types, oid)
	}
	return params, types
}

// unsealed is a row's document as it was before it was sealed, or doc itself.
func (e *Engine) unsealed(doc []byte, table record.Table, key ...int64) ([]byte, error) {
	return record.Opened(e.options.Sealer, doc, table, key...)
}

// message reads a message's row.
func (e *Engine) message(id int64, doc []byte) (*sms.Message, error) {
	doc, err := e.unsealed(doc, record.TableMessage, id)
	if err != nil {
		return nil, fmt.Errorf("message %d: %w", id, err)
	}
	return record.Message(sms.ID(id), doc)
}

// number reads the single integer that a statement answers.
func (e *Engine) number(ctx context.Context, what, sql string, args ...any) (n int64, err error) {
	err = e.scan(ctx, e.reads, what, sql, func(r row) error {
		n = r.int(0)
		return nil
	}, args...)
	return n, err
}

// LastSeq is the largest event Seq of a slot, 0 for none; it goes on where events
// were pruned.
func (e *Engine) LastSeq(ctx context.Context, slot int) (int64, error) {
	seq, _, err := e.lastOf(ctx, slot)
	return seq, err
}

// LastID is the largest ID made by a slot, 0 for none; it goes on where
// messages were pruned.
func (e *Engine) LastID(ctx context.Context, slot int) (sms.ID, error) {
	_, id, err := e.lastOf(ctx, slot)
	return id, err
}

func (e *Engine) lastOf(ctx context.Context, slot int) (seq int64, id sms.ID, err error) {
	if e.isClosed() {
		return 0, 0, store.ErrClosed
	}
	if seq, id, err = e.last(ctx, e.reads, slot); err != nil {
		return 0, 0, fmt.Errorf("read last event and message: %w", classify(ctx, err))
	}
	return seq, id, nil
}

type querier interface {
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// last is what the slot's last commit has left. A slot that never committed may
// have rows all the same, where they were brought in from elsewhere.
func (e *Engine) last(ctx context.Context, q querier, slot int) (seq int64, id sms.ID, err error) {
	err = q.QueryRow(ctx, "SELECT seq, id FROM last_commit WHERE slot = $1::bigint ORDER BY epoch DESC, n DESC LIMIT 1", slot).Scan(&seq, &id)
	if errors.Is(err, pgx.ErrNoRows) {
		err = q.QueryRow(ctx, `SELECT coalesce((SELECT max(seq) FROM event WHERE slot = $1::bigint), 0),
			greatest((SELECT id FROM message WHERE (id >> 16) & 63 = $1::bigint ORDER BY id DESC LIMIT 1),
				(SELECT msg FROM event WHERE (msg >> 16) & 63 = $1::bigint ORDER BY msg DESC LIMIT 1), 0)`, slot).Scan(&seq, &id)
	}
	return seq, id, err
}

// LastDispatch is the largest Seq of a slot's dispatches, 0 for none.
func (e *Engine) LastDispatch(ctx context.Context, slot int) (int64, error) {
	return e.number(ctx, "last dispatch", "SELECT coalesce(max(seq), 0) FROM dispatch WHERE slot = $1::bigint", slot)
}

// LastParked is the largest Seq of a slot's parked receipts, 0 for none.
func (e *Engine) LastParked(ctx context.Context, slot int) (int64, error) {
	return e.number(ctx, "last parked receipt", "SELECT coalesce(max(seq), 0) FROM receipt_parked WHERE slot = $1::bigint", slot)
}

// QueuedAfter reads a shard's queue after a place in it.
func (e *Engine) QueuedAfter(ctx context.Context, shard string, after store.Place, limit int) ([]store.Queued, error) {
	var out []store.Queued
	err := e.scan(ctx, e.reads, "queued messages", "SELECT "+queuedColumns+` FROM queued
		WHERE shard = $1::text AND (lane, class, id) > ($2::text, $3::bigint, $4::bigint) ORDER BY shard, lane, class, id LIMIT $5::bigint`,
		func(r row) error {
			q, err := scanQueued(r)
			out = append(out, q)
			return err
		}, shard, after.Lane, int64(after.Class), int64(after.ID), limit)
	return out, err
}

// QueuedLanes counts what waits in each lane of a shard.
func (e *Engine) QueuedLanes(ctx context.Context, shard string) ([]store.LaneLength, error) {
	var out []store.LaneLength
	err := e.scan(ctx, e.reads, "lengths of lanes", `SELECT lane, class::bigint, count(*), sum(parts)::bigint FROM queued
		WHERE shard = $1::text GROUP BY lane, class ORDER BY lane, class`, func(r row) error {
		out = append(out, store.LaneLength{Lane: r.text(0), Class: store.Class(r.int(1)), Messages: r.int(2), Parts: r.int(3)})
		return nil
	}, shard)
	return out, err
}

func scanQueued(r row) (store.Queued, error) {
	q := store.Queued{ID: sms.ID(r.int(0)), Shard: r.text(1), Lane: r.text(2), Class: store.Class(r.int(3)), Parts: int(r.int(4)),
		Due: r.time(5), Expires: r.time(6), Attempts: int(r.int(7))}
	var err error
	if !r.null(8) {
		q.Route, err = record.Route(r[8])
	}
	return q, err
}

// AwaitingAfter reads the awaiting messages after an ID, of one shard or with "" of
// all.
func (e *Engine) AwaitingAfter(ctx context.Context, shard string, after sms.ID, limit int) ([]store.Awaiting, error) {
	var out []store.Awaiting
	err := e.scan(ctx, e.reads, "awaiting messages", "SELECT "+awaitingColumns+` FROM awaiting
		WHERE id > $2::bigint AND ($1::text = '' OR shard = $1::text) ORDER BY id LIMIT $3::bigint`,
		func(r row) error {
			a, err := scanAwaiting(r)
			out = append(out, a)
			return err
		}, shard, int64(after), limit)
	return out, err
}

func scanAwaiting(r row) (store.Awaiting, error) {
	a := store.Awaiting{ID: sms.ID(r.int(0)), Shard: r.text(1), Expires: r.time(2)}
	var err error
	a.Progress, err = record.Progress(r[3])
	return a, err
}

// Dispatches reads a slot's marks after a Seq.
func (e *Engine) Dispatches(ctx context.Context, slot int, after int64, limit int) ([]store.Dispatch, error) {
	var out []store.Dispatch
	err := e.scan(ctx, e.reads, "dispatches", "SELECT seq, carrier, parts FROM dispatch WHERE slot = $1::bigint AND seq > $2::bigint ORDER BY slot, seq LIMIT $3::bigint",
		func(r row) error {
			parts, err := record.Keys[sms.PartID](r[2])
			out = append(out, store.Dispatch{Seq: r.int(0), Shard: r.text(1), Parts: parts})
			return err
		}, slot, after, limit)
	return out, err
}

// ParkedReceipts reads a slot's parked receipts after a Seq.
func (e *Engine) ParkedReceipts(ctx context.Context, slot int, after int64, limit int) ([]store.ParkedReceipt, error) {
	var out []store.ParkedReceipt
	err := e.scan(ctx, e.reads, "parked receipts", "SELECT seq, carrier, at, doc FROM receipt_parked WHERE slot = $1::bigint AND seq > $2::bigint ORDER BY slot, seq LIMIT $3::bigint",
		func(r row) error {
			doc, err := e.unsealed(r.blob(3), record.TableParked, int64(slot), r.int(0))
			out = append(out, store.ParkedReceipt{Seq: r.int(0), Carrier: r.text(1), At: r.time(2), Doc: doc})
			return err
		}, slot, after, limit)
	return out, err
}

// Shards are the shards that have queued or awaiting messages, in order.
func (e *Engine) Shards(ctx context.Context) ([]string, error) {
	var out []string
	// From one shard to the next by the index, past the messages of each.
	err := e.scan(ctx, e.reads, "shards", `WITH RECURSIVE s(shard) AS (
			(SELECT shard FROM queued ORDER BY shard LIMIT 1)
			UNION ALL SELECT (SELECT q.shard FROM queued q WHERE q.shard > s.shard ORDER BY q.shard LIMIT 1) FROM s WHERE s.shard IS NOT NULL)
		SELECT shard FROM s WHERE shard IS NOT NULL UNION SELECT shard FROM awaiting ORDER BY shard`,
		func(r row) error {
			out = append(out, r.text(0))
			return nil
		})
	return out, err
}

// Open is the open row of a message, read at one moment.
func (e *Engine) Open(ctx context.Context, id sms.ID) (q *store.Queued, a *store.Awaiting, err error) {
	// One statement is one snapshot: the message cannot move in between.
	err = e.scan(ctx, e.reads, "open message", "SELECT "+queuedColumns+", NULL::bytea FROM queued WHERE id = $1::bigint UNION ALL "+
		"SELECT id, shard, '', 0, 0, 0, expires, 0, NULL, doc FROM awaiting WHERE id = $1::bigint", func(r row) error {
		if r.null(9) {
			v, err := scanQueued(r)
			q = &v
			return err
		}
		v, err := scanAwaiting(row{r[0], r[1], r[6], r[9]})
		a = &v
		return err
	}, int64(id))
	return q, a, err
}

// Cursors are the router's positions.
func (e *Engine) Cursors(ctx context.Context) ([]store.Cursor, error) {
	var out []store.Cursor
	err := e.scan(ctx, e.reads, "cursors", "SELECT slot, max(seq) FROM router GROUP BY slot ORDER BY slot", func(r row) error {
		out = append(out, store.Cursor{Slot: int(r.int(0)), Seq: r.int(1)})
		return nil
	})
	return out, err
}

// LagBatches are a destination's batches of a slot, from the oldest.
func (e *Engine) LagBatches(ctx context.Context, destination string, slot, limit int) ([]store.LagBatch, error) {
	var out []store.LagBatch
	err := e.scan(ctx, e.reads, "lag batches", "SELECT slot, first, seqs FROM event_lag WHERE destination = $1::text AND slot = $2::bigint ORDER BY first LIMIT $3::bigint",
		func(r row) error {
			seqs, err := record.Keys[int64](r[2])
			out = append(out, store.LagBatch{LagKey: store.LagKey{Destination: destination, Slot: int(r.int(0)), First: r.int(1)}, Seqs: seqs})
			return err
		}, destination, slot, limit)
	return out, err
}

// LagDestinations are the destinations that have batches, in order.
func (e *Engine) LagDestinations(ctx context.Context) ([]string, error) {
	var out []string
	err := e.scan(ctx, e.reads, "lag destinations", "SELECT DISTINCT destination FROM event_lag ORDER BY destination", func(r row) error {
		out = append(out, r.text(0))
		return nil
	})
	return out, err
}

// Spend is what an account spent in a month on a channel, by all nodes.
func (e *Engine) Spend(ctx context.Context, account, month, channel string) (sms.Money, error) {
	n, err := e.number(ctx, "spend", "SELECT coalesce(sum(price + fee), 0)::bigint FROM spend WHERE account = $1::text AND month = $2::text AND channel = $3::text",
		account, month, channel)
	return sms.Money(n), err
}

// Resources reads every resource of an account, by kind and ID.
func (e *Engine) Resources(ctx context.Context, account string) ([]store.Resource, error) {
	from := e.reads
	if account == "" {
		from = e.leads // a data key is looked for while all that read may be waiting for it
	}
	var out []store.Resource
	err := e.scan(ctx, from, "resources", "SELECT kind, id, version, created, tags, doc FROM resource WHERE account = $1::text ORDER BY kind, id",
		func(r row) error {
			v := store.Resource{ResourceKey: store.ResourceKey{Account: account, Kind: r.text(0), ID: r.text(1)},
				Version: r.int(2), Created: r.time(3), Doc: r.blob(5)}
			if !r.null(4) {
				if err := json.Unmarshal(r[4], &v.Tags); err != nil {
					return fmt.Errorf("tags of %s %s: %w", v.Kind, v.ID, err)
				}
			}
			out = append(out, v)
			return nil
		}, account)
	return out, err
}

// Counts counts the open rows.
func (e *Engine) Counts(ctx context.Context) (store.Counts, error) {
	var n store.Counts
	err := e.scan(ctx, e.reads, "counts", `SELECT (SELECT count(*) FROM queued), (SELECT count(*) FROM awaiting),
		(SELECT count(*) FROM dispatch), (SELECT count(*) FROM receipt_parked)`, func(r row) error {
		n = store.Counts{Queued: r.int(0), Awaiting: r.int(1), Dispatches: r.int(2), Parked: r.int(3)}
		return nil
	})
	return n, err
}
