package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"fmt"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

// read runs do on a reading connection.
func (e *Engine) read(ctx context.Context, what string, do func(*conn) error) error {
	select {
	case <-e.closing:
		return store.ErrClosed
	default:
	}
	var c *conn
	select {
	case c = <-e.readers:
	case <-ctx.Done():
		return ctx.Err()
	case <-e.closing:
		return store.ErrClosed
	}
	err := do(c)
	e.readers <- c
	if err != nil {
		return fmt.Errorf("read %s: %w", what, e.failed(err))
	}
	return nil
}

// scan reads what one statement answers.
func (e *Engine) scan(ctx context.Context, what, sql string, args []driver.Value, each func(row) error) error {
	return e.read(ctx, what, func(c *conn) error { return c.query(ctx, sql, args, each) })
}

// unsealed is a row's document as it was before it was sealed.
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
func (e *Engine) number(ctx context.Context, what, sql string, args ...driver.Value) (n int64, err error) {
	err = e.scan(ctx, what, sql, args, func(r row) error {
		n = r.int(0)
		return nil
	})
	return n, err
}

// LastSeq is the largest event Seq of a slot, 0 for none; it goes on where events
// were pruned.
func (e *Engine) LastSeq(ctx context.Context, slot int) (int64, error) {
	var last int64
	err := e.scan(ctx, "last event", `SELECT coalesce((SELECT max(key) FROM event WHERE key BETWEEN ? AND ?), 0),
		coalesce((SELECT seq FROM node WHERE slot = ?), 0)`, append(keysOf(slot), int64(slot)), func(r row) error {
		last = max(seqOf(r.int(0)), r.int(1))
		return nil
	})
	return last, err
}

// LastID is the largest ID made by a slot, 0 for none; it goes on where
// messages were pruned.
func (e *Engine) LastID(ctx context.Context, slot int) (sms.ID, error) {
	n, err := e.number(ctx, "last message", `SELECT max(coalesce((SELECT id FROM message WHERE (id >> 16) & 63 = ?1 ORDER BY id DESC LIMIT 1), 0),
		coalesce((SELECT msg FROM event WHERE (msg >> 16) & 63 = ?1 ORDER BY msg DESC LIMIT 1), 0),
		coalesce((SELECT id FROM node WHERE slot = ?1), 0))`, int64(slot))
	return sms.ID(n), err
}

// LastDispatch is the largest Seq of a slot's dispatches, 0 for none.
func (e *Engine) LastDispatch(ctx context.Context, slot int) (int64, error) {
	n, err := e.number(ctx, "last dispatch", "SELECT coalesce(max(key), 0) FROM dispatch WHERE key BETWEEN ? AND ?", keysOf(slot)...)
	return seqOf(n), err
}

// LastParked is the largest Seq of a slot's parked receipts, 0 for none.
func (e *Engine) LastParked(ctx context.Context, slot int) (int64, error) {
	n, err := e.number(ctx, "last parked receipt", "SELECT coalesce(max(key), 0) FROM receipt_parked WHERE key BETWEEN ? AND ?", keysOf(slot)...)
	return seqOf(n), err
}

// QueuedAfter reads a shard's queue after a place in it.
func (e *Engine) QueuedAfter(ctx context.Context, shard string, after store.Place, limit int) ([]store.Queued, error) {
	var out []store.Queued
	err := e.scan(ctx, "queued messages", "SELECT "+queuedColumns+` FROM queued WHERE shard = ? AND (lane, class, id) > (?, ?, ?)
		ORDER BY shard, lane, class, id LIMIT ?`,
		[]driver.Value{shard, after.Lane, int64(after.Class), int64(after.ID), int64(limit)}, func(r row) error {
			q, err := scanQueued(r)
			out = append(out, q)
			return err
		})
	return out, err
}

// QueuedLanes counts what waits in each lane of a shard.
func (e *Engine) QueuedLanes(ctx context.Context, shard string) ([]store.LaneLength, error) {
	var out []store.LaneLength
	err := e.scan(ctx, "lengths of lanes", "SELECT lane, class, count(*), sum(parts) FROM queued WHERE shard = ? GROUP BY lane, class ORDER BY lane, class",
		[]driver.Value{shard}, func(r row) error {
			out = append(out, store.LaneLength{Lane: r.text(0), Class: store.Class(r.int(1)), Messages: r.int(2), Parts: r.int(3)})
			return nil
		})
	return out, err
}

func scanQueued(r row) (store.Queued, error) {
	q := store.Queued{ID: sms.ID(r.int(0)), Shard: r.text(1), Lane: r.text(2), Class: store.Class(r.int(3)), Parts: int(r.int(4)),
		Due: r.time(5), Expires: r.time(6), Attempts: int(r.int(7))}
	var err error
	if r[8] != nil {
		q.Route, err = record.Route(r.blob(8))
	}
	return q, err
}

// Shards are the shards of open messages, in order.
func (e *Engine) Shards(ctx context.Context) ([]string, error) {
	var out []string
	// From one shard to the next by the index, past the messages of each.
	err := e.scan(ctx, "shards", `WITH RECURSIVE s(shard) AS (SELECT min(shard) FROM queued
			UNION ALL SELECT (SELECT min(q.shard) FROM queued q WHERE q.shard > s.shard) FROM s WHERE s.shard IS NOT NULL)
		SELECT shard FROM s WHERE shard IS NOT NULL UNION SELECT shard FROM awaiting ORDER BY shard`, nil, func(r row) error {
		out = append(out, r.text(0))
		return nil
	})
	return out, err
}

// AwaitingAfter reads the awaiting messages after an ID, of one shard or with "" of
// all.
func (e *Engine) AwaitingAfter(ctx context.Context, shard string, after sms.ID, limit int) ([]store.Awaiting, error) {
	var out []store.Awaiting
	err := e.scan(ctx, "awaiting messages", "SELECT id, shard, expires, doc FROM awaiting WHERE id > ? AND (? = '' OR shard = ?) ORDER BY id LIMIT ?",
		[]driver.Value{int64(after), shard, shard, int64(limit)}, func(r row) error {
			a, err := scanAwaiting(r)
			out = append(out, a)
			return err
		})
	return out, err
}

func scanAwaiting(r row) (store.Awaiting, error) {
	a := store.Awaiting{ID: sms.ID(r.int(0)), Shard: r.text(1), Expires: r.time(2)}
	var err error
	a.Progress, err = record.Progress(r.blob(3))
	return a, err
}

// Dispatches reads a slot's marks after a Seq.
func (e *Engine) Dispatches(ctx context.Context, slot int, after int64, limit int) ([]store.Dispatch, error) {
	var out []store.Dispatch
	err := e.scan(ctx, "dispatches", "SELECT key, carrier, parts FROM dispatch WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
		append(keysAfter(slot, after), int64(limit)), func(r row) error {
			parts, err := record.Keys[sms.PartID](r.blob(2))
			out = append(out, store.Dispatch{Seq: seqOf(r.int(0)), Shard: r.text(1), Parts: parts})
			return err
		})
	return out, err
}

// ParkedReceipts reads a slot's parked receipts after a Seq.
func (e *Engine) ParkedReceipts(ctx context.Context, slot int, after int64, limit int) ([]store.ParkedReceipt, error) {
	var out []store.ParkedReceipt
	err := e.scan(ctx, "parked receipts", "SELECT key, carrier, at, doc FROM receipt_parked WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
		append(keysAfter(slot, after), int64(limit)), func(r row) error {
			doc, err := e.unsealed(r.blob(3), record.TableParked, int64(slot), seqOf(r.int(0)))
			out = append(out, store.ParkedReceipt{Seq: seqOf(r.int(0)), Carrier: r.text(1), At: r.time(2), Doc: doc})
			return err
		})
	return out, err
}

// Open is the open row of a message, read at one moment.
func (e *Engine) Open(ctx context.Context, id sms.ID) (q *store.Queued, a *store.Awaiting, err error) {
	err = e.read(ctx, "open message", func(c *conn) error {
		// One statement is one snapshot: the message cannot move in between.
		return c.query(ctx, "SELECT "+queuedColumns+", NULL FROM queued WHERE id = ?1 UNION ALL "+
			"SELECT id, shard, '', 0, 0, 0, expires, 0, NULL, doc FROM awaiting WHERE id = ?1", []driver.Value{int64(id)}, func(r row) error {
			if r[9] == nil {
				row, err := scanQueued(r)
				q = &row
				return err
			}
			row, err := scanAwaiting(row{r[0], r[1], r[6], r[9]})
			a = &row
			return err
		})
	})
	return q, a, err
}

// Cursors are the router's positions.
func (e *Engine) Cursors(ctx context.Context) ([]store.Cursor, error) {
	var out []store.Cursor
	err := e.scan(ctx, "cursors", "SELECT slot, seq FROM router ORDER BY slot", nil, func(r row) error {
		out = append(out, store.Cursor{Slot: int(r.int(0)), Seq: r.int(1)})
		return nil
	})
	return out, err
}

// LagBatches are a destination's batches of a slot, from the oldest.
func (e *Engine) LagBatches(ctx context.Context, destination string, slot, limit int) ([]store.LagBatch, error) {
	var out []store.LagBatch
	err := e.scan(ctx, "lag batches", "SELECT slot, first, seqs FROM event_lag WHERE destination = ? AND slot = ? ORDER BY first LIMIT ?",
		[]driver.Value{destination, int64(slot), int64(limit)}, func(r row) error {
			seqs, err := record.Keys[int64](r.blob(2))
			out = append(out, store.LagBatch{LagKey: store.LagKey{Destination: destination, Slot: int(r.int(0)), First: r.int(1)}, Seqs: seqs})
			return err
		})
	return out, err
}

// LagDestinations are the destinations that have batches, in order.
func (e *Engine) LagDestinations(ctx context.Context) ([]string, error) {
	var out []string
	err := e.scan(ctx, "lag destinations", "SELECT DISTINCT destination FROM event_lag ORDER BY destination", nil, func(r row) error {
		out = append(out, r.text(0))
		return nil
	})
	return out, err
}

// Spend is what an account spent in a month on a channel.
func (e *Engine) Spend(ctx context.Context, account, month, channel string) (sms.Money, error) {
	n, err := e.number(ctx, "spend", "SELECT coalesce(sum(price + fee), 0) FROM spend WHERE account = ? AND month = ? AND channel = ?", account, month, channel)
	return sms.Money(n), err
}

// Resources reads every resource of an account, by kind and ID.
func (e *Engine) Resources(ctx context.Context, account string) ([]store.Resource, error) {
	var out []store.Resource
	err := e.scan(ctx, "resources", "SELECT kind, id, version, created, tags, doc FROM resource WHERE account = ? ORDER BY kind, id",
		[]driver.Value{account}, func(r row) error {
			v := store.Resource{ResourceKey: store.ResourceKey{Account: account, Kind: r.text(0), ID: r.text(1)},
				Version: r.int(2), Created: r.time(3), Doc: r.blob(5)}
			if r[4] != nil {
				if err := json.Unmarshal([]byte(r.text(4)), &v.Tags); err != nil {
					return fmt.Errorf("tags of %s %s: %w", v.Kind, v.ID, err)
				}
			}
			out = append(out, v)
			return nil
		})
	return out, err
}

// Counts counts the open rows.
func (e *Engine) Counts(ctx context.Context) (store.Counts, error) {
	var n store.Counts
	err := e.scan(ctx, "counts", `SELECT (SELECT count(*) FROM queued), (SELECT count(*) FROM awaiting),
		(SELECT count(*) FROM dispatch), (SELECT count(*) FROM receipt_parked)`, nil, func(r row) error {
		n = store.Counts{Queued: r.int(0), Awaiting: r.int(1), Dispatches: r.int(2), Parked: r.int(3)}
		return nil
	})
	return n, err
}
