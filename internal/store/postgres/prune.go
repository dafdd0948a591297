package postgres

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

const (
	// pruneRows is how many rows a step looks at.
	pruneRows = 512
	// pruneChunk is how many messages are deleted between two looks at the clock.
	pruneChunk = 128
)

var _ store.Pruner = (*Engine)(nil)

// Prune does the next step of a pass. What may go is found before its transaction:
// what may go once may go later too.
func (e *Engine) Prune(ctx context.Context, f store.Fence, p *store.Pass) (n store.Pruned, err error) {
	if p.Spared == nil {
		if p.Spared, err = e.spared(ctx); err != nil {
			return n, err
		}
	}
	switch p.Stage {
	case store.PruneMessages:
		n, err = e.pruneMessages(ctx, f, p)
	case store.PruneBodies, store.PruneNumbers:
		n, err = e.redactMessages(ctx, f, p)
	case store.PruneContents:
		n, err = e.redactContents(ctx, f, p)
	case store.PruneStories:
		n, err = e.pruneStories(ctx, f, p)
	case store.PruneReceipts:
		n.Receipts, n.Held, err = e.pruneFew(ctx, f, p, millis(p.Receipts),
			"DELETE FROM receipt_parked WHERE (slot, seq) IN (SELECT slot, seq FROM receipt_parked WHERE at < $1 LIMIT $2)")
	case store.PruneSpend:
		n.Spend, n.Held, err = e.pruneFew(ctx, f, p, p.Month,
			"DELETE FROM spend WHERE (account, month, channel, country, route, slot, n) IN (SELECT account, month, channel, country, route, slot, n FROM spend WHERE month < $1 LIMIT $2)",
			"DELETE FROM allowance WHERE (account, month, channel, slot) IN (SELECT account, month, channel, slot FROM allowance WHERE month < $1 LIMIT $2)")
	case store.PruneEntries:
		n, err = e.pruneEntries(ctx, f, p)
	case store.PruneLogs:
		n, err = e.pruneLogs(ctx, f, p)
	}
	if err != nil {
		return store.Pruned{}, fmt.Errorf("prune: %w", err)
	}
	return n, nil
}

// spared reads what routers have not passed, and what is in the lag. Of a slot that
// has no last commit all is spared: where its log ends is read from its rows.
func (e *Engine) spared(ctx context.Context) (*store.Spared, error) {
	var slots []int
	if err := e.scan(ctx, e.reads, "slots", "SELECT DISTINCT slot FROM last_commit", func(r row) error {
		slots = append(slots, int(r.int(0)))
		return nil
	}); err != nil {
		return nil, err
	}
	cursors, err := e.Cursors(ctx)
	if err != nil {
		return nil, err
	}
	cursors = slices.DeleteFunc(cursors, func(c store.Cursor) bool { return !slices.Contains(slots, c.Slot) })
	var lag []store.LagSpan
	err = e.scan(ctx, e.reads, "lag", "SELECT slot, first, seqs FROM event_lag", func(r row) error {
		seqs, err := record.Keys[int64](r[2])
		span := store.LagSpan{Slot: int(r.int(0)), First: r.int(1), Last: r.int(1)}
		for _, seq := range seqs {
			span.First, span.Last = min(span.First, seq), max(span.Last, seq)
		}
		lag = append(lag, span)
		return err
	})
	return store.Spare(cursors, lag), err
}

// oldMessage is a message that may go, with its events.
type oldMessage struct {
	id     sms.ID
	events []store.SlotSeq
}

func (e *Engine) pruneMessages(ctx context.Context, f store.Fence, p *store.Pass) (n store.Pruned, err error) {
	old, last, err := e.oldMessages(ctx, p)
	if err != nil {
		return n, err
	}
	upto := last
	n.Held, err = e.prune(ctx, f, len(old) > 0, func(tx pgx.Tx, began time.Time) error {
		for len(old) > 0 && (n.Messages == 0 || time.Since(began) < p.Within) {
			chunk := old[:min(pruneChunk, len(old))]
			ids, events := make([]int64, len(chunk)), []store.SlotSeq(nil)
			for i, m := range chunk {
				ids[i], events = int64(m.id), append(events, m.events...)
			}
			if err := deleteEvents(ctx, tx, events); err != nil {
				return err
			}
			if _, err := tx.Exec(ctx, "DELETE FROM message WHERE id = ANY($1::bigint[])", ids); err != nil {
				return err
			}
			n.Messages, n.Events = n.Messages+len(chunk), n.Events+len(events)
			upto, old = chunk[len(chunk)-1].id, old[len(chunk):]
		}
		return nil
	})
	switch {
	case err != nil:
		return store.Pruned{}, err
	case len(old) > 0: // the rest of them is for the next step
		p.After = upto
	case last == 0:
		p.Next()
	default:
		p.After = last
	}
	return n, nil
}

// oldMessages finds those of the next messages of the pass that may go, and says
// which was the last that it looked at, 0 where there was none.
func (e *Engine) oldMessages(ctx context.Context, p *store.Pass) (old []oldMessage, last sms.ID, err error) {
	var ids []int64
	if err := e.scan(ctx, e.reads, "old messages", "SELECT id FROM message WHERE id > $1::bigint AND id < $2::bigint ORDER BY id LIMIT $3::bigint", func(r row) error {
		ids = append(ids, r.int(0))
		return nil
	}, int64(p.After), int64(p.Messages), pruneRows); err != nil || len(ids) == 0 {
		return nil, 0, err
	}
	last = sms.ID(ids[len(ids)-1])
	at := make(map[sms.ID]int, len(ids))
	for i, id := range ids {
		old = append(old, oldMessage{id: sms.ID(id)})
		at[sms.ID(id)] = i
	}
	// One statement is one snapshot: a message that moves is seen in one place. The
	// IDs are given to it, for a planner that may choose reads all of a long queue.
	open := map[sms.ID]bool{}
	if err := e.scan(ctx, e.reads, "open messages", `SELECT id FROM queued WHERE id = ANY($1::bigint[])
		UNION ALL SELECT id FROM awaiting WHERE id = ANY($1::bigint[])`, func(r row) error {
		open[sms.ID(r.int(0))] = true
		return nil
	}, ids); err != nil {
		return nil, 0, err
	}
	if err := e.scan(ctx, e.reads, "events of old messages", "SELECT msg, slot, seq FROM event WHERE msg = ANY($1::bigint[])", func(r row) error {
		m := &old[at[sms.ID(r.int(0))]]
		m.events = append(m.events, store.SlotSeq{Slot: int(r.int(1)), Seq: r.int(2)})
		return nil
	}, ids); err != nil {
		return nil, 0, err
	}
	return slices.DeleteFunc(old, func(m oldMessage) bool {
		return open[m.id] || slices.ContainsFunc(m.events, func(v store.SlotSeq) bool { return p.Spared.Has(v.Slot, v.Seq) })
	}), last, nil
}

// deleteEvents deletes the rows that were looked at, and no others that have
// come since.
func deleteEvents(ctx context.Context, tx pgx.Tx, events []store.SlotSeq) error {
	slots, seqs := make([]int64, len(events)), make([]int64, len(events))
	for i, v := range events {
		slots[i], seqs[i] = int64(v.Slot), v.Seq
	}
	_, err := tx.Exec(ctx, "DELETE FROM event e USING "+slotSeqs+" WHERE e.slot = k.slot AND e.seq = k.seq", slots, seqs)
	return err
}

// pruneStories deletes old rows from the beginning of each log whose message was
// gone when they were written.
func (e *Engine) pruneStories(ctx context.Context, f store.Fence, p *store.Pass) (n store.Pruned, err error) {
	slots := p.Spared.Slots()
	for len(slots) > 0 && slots[0] < p.Place.Slot {
		slots = slots[1:]
	}
	if len(slots) == 0 || p.Messages == 0 {
		p.Next()
		return n, nil
	}
	if slots[0] != p.Place.Slot {
		p.Place = store.SlotSeq{Slot: slots[0]}
	}
	// The messages of old events, which may be gone.
	old := map[store.SlotSeq]int64{}
	limit, rows := p.Messages.Time().UnixMilli(), 0
	if err := e.scan(ctx, e.reads, "old events", "SELECT seq, at, msg FROM event WHERE slot = $1::bigint AND seq > $2::bigint ORDER BY slot, seq LIMIT $3::bigint",
		func(r row) error {
			rows++
			p.Place.Seq = r.int(0)
			if r.int(1) < limit {
				old[p.Place] = r.int(2)
			}
			return nil
		}, p.Place.Slot, p.Place.Seq, pruneRows); err != nil {
		return n, err
	}
	there := map[int64]bool{}
	if err := e.scan(ctx, e.reads, "messages of old events", "SELECT id FROM message WHERE id = ANY($1::bigint[])", func(r row) error {
		there[r.int(0)] = true
		return nil
	}, slices.Collect(maps.Values(old))); err != nil {
		return n, err
	}
	var gone []store.SlotSeq
	for at, message := range old {
		if !there[message] && !p.Spared.Has(at.Slot, at.Seq) {
			gone = append(gone, at)
		}
	}
	n.Events = len(gone)
	if n.Held, err = e.prune(ctx, f, len(gone) > 0, func(tx pgx.Tx, _ time.Time) error { return deleteEvents(ctx, tx, gone) }); err != nil {
		return n, err
	}
	if rows < pruneRows || len(old) == 0 { // what comes next is younger
		p.Place = store.SlotSeq{Slot: p.Place.Slot + 1}
	}
	return n, nil
}

// pruneFew deletes from tables that have few rows at any time, and counts the rows
// of the first.
func (e *Engine) pruneFew(ctx context.Context, f store.Fence, p *store.Pass, limit any, deletes ...string) (rows int, held time.Duration, err error) {
	more := false
	held, err = e.prune(ctx, f, true, func(tx pgx.Tx, _ time.Time) error {
		for i, sql := range deletes {
			tag, err := tx.Exec(ctx, sql, limit, pruneRows)
			if err != nil {
				return err
			}
			if i == 0 {
				rows = int(tag.RowsAffected())
			}
			more = more || tag.RowsAffected() == pruneRows
		}
		return nil
	})
	if err == nil && !more {
		p.Next()
	}
	return rows, held, err
}

// prune runs do in a transaction under the fence, if there is anything to do, and
// says how long that took. It need not be on the disk when it ends: what a crash
// brings back is pruned again.
func (e *Engine) prune(ctx context.Context, f store.Fence, wanted bool, do func(tx pgx.Tx, began time.Time) error) (time.Duration, error) {
	if !wanted {
		return 0, nil
	}
	began := time.Now()
	err := e.under(ctx, f, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, "SET LOCAL synchronous_commit = off"); err != nil {
			return err
		}
		return do(tx, began)
	})
	return time.Since(began), err
}

// millis is t as it is stored; nothing is older than the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// Shrink has nothing to do: room that was vacuumed is used again, and only empty
// pages at the end of a table are given back, by autovacuum.
func (e *Engine) Shrink(context.Context, store.Fence, time.Duration) (store.Shrunk, error) {
	return store.Shrunk{}, nil
}

// Sizes is that of the database, with its indexes.
func (e *Engine) Sizes(ctx context.Context) (store.Sizes, error) {
	n, err := e.number(ctx, "size", "SELECT pg_database_size(current_database())")
	return store.Sizes{Database: n}, err
}
