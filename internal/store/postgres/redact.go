package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

// redactMessages drops texts or numbers of the next messages that have ended.
func (e *Engine) redactMessages(ctx context.Context, f store.Fence, p *store.Pass) (store.Pruned, error) {
	box := record.Box{Sealer: e.options.Sealer}
	return p.RedactMessages(pruneRows, func(reach store.Reach, limit sms.ID) ([]store.Redactable, sms.ID, error) {
		return e.redactable(ctx, p, reach, limit)
	}, func(ready []*sms.Message) (n int, held time.Duration, err error) {
		held, err = e.prune(ctx, f, len(ready) > 0, func(tx pgx.Tx, began time.Time) error {
			for n < len(ready) && (n == 0 || time.Since(began) < p.Within) {
				chunk := ready[n:min(n+pruneChunk, len(ready))]
				ids, docs := make([]int64, len(chunk)), make([][]byte, len(chunk))
				for i, m := range chunk {
					ids[i], docs[i] = int64(m.ID), box.Message([]byte{}, m)
				}
				if _, err := tx.Exec(ctx, "UPDATE message m SET doc = u.doc FROM unnest($1::bigint[], $2::bytea[]) AS u(id, doc) WHERE m.id = u.id", ids, docs); err != nil {
					return err
				}
				n += len(chunk)
			}
			return nil
		})
		return n, held, err
	})
}

// redactable finds those of the next messages that have something to lose, and the last
// that it looked at.
func (e *Engine) redactable(ctx context.Context, p *store.Pass, reach store.Reach, limit sms.ID) (found []store.Redactable, last sms.ID, err error) {
	var ids []int64
	at := map[int64]int{}
	each := func(r row) error {
		last = sms.ID(r.int(0))
		m, err := e.message(r.int(0), r[1])
		if err != nil || !p.Redact(m) {
			return err
		}
		at[r.int(0)] = len(found)
		found, ids = append(found, store.Redactable{Message: m}), append(ids, r.int(0))
		return nil
	}
	if len(reach.Again) > 0 {
		err = e.scan(ctx, e.reads, "messages to redact", "SELECT id, doc FROM message WHERE id = ANY($1::bigint[]) ORDER BY id", each, reach.Again)
	} else {
		err = e.scan(ctx, e.reads, "messages to redact", "SELECT id, doc FROM message WHERE id > $1::bigint AND id < $2::bigint ORDER BY id LIMIT $3::bigint",
			each, reach.After, int64(limit), pruneRows)
	}
	if err != nil || len(ids) == 0 {
		return nil, last, err
	}
	if err := e.scan(ctx, e.reads, "open messages", `SELECT id FROM queued WHERE id = ANY($1::bigint[])
		UNION ALL SELECT id FROM awaiting WHERE id = ANY($1::bigint[])`, func(r row) error {
		found[at[r.int(0)]].Stays = true
		return nil
	}, ids); err != nil {
		return nil, 0, err
	}
	err = e.scan(ctx, e.reads, "events of messages to redact", "SELECT msg, slot, seq FROM event WHERE msg = ANY($1::bigint[])", func(r row) error {
		if p.Spared.Has(int(r.int(1)), r.int(2)) {
			found[at[r.int(0)]].Stays = true
		}
		return nil
	}, ids)
	return found, last, err
}

// redactContents drops the contents of the next events of a slot's log that are messages
// from handsets or publications.
func (e *Engine) redactContents(ctx context.Context, f store.Fence, p *store.Pass) (n store.Pruned, err error) {
	step := p.Contents(pruneRows)
	if step == nil {
		p.Next()
		return n, nil
	}
	each := func(r row) error {
		var one []store.Event
		if wanted, _ := step.Wanted(r.int(1), r.int(6), sms.Status(r.text(5))); !wanted {
			return nil
		} else if err := e.collectEvents(&one)(r); err != nil {
			return err
		}
		step.Take(&one[0])
		return nil
	}
	const events = "SELECT " + eventColumns + " FROM event WHERE slot = $1::bigint AND seq "
	if len(step.Again) > 0 {
		err = e.scan(ctx, e.reads, "events to redact", events+"= ANY($2::bigint[]) ORDER BY seq", each, step.Slot, step.Again)
	} else {
		err = e.scan(ctx, e.reads, "events to redact", events+"> $2::bigint ORDER BY slot, seq LIMIT $3::bigint", each, step.Slot, step.After, pruneRows)
	}
	if err != nil {
		return n, err
	}
	var slots, seqs []int64
	var docs [][]byte
	box := record.Box{Sealer: e.options.Sealer}
	for i := range step.Ready {
		v := &step.Ready[i]
		slots, seqs, docs = append(slots, int64(v.Slot)), append(seqs, v.Seq), append(docs, box.Detail([]byte{}, v))
	}
	if n.Held, err = e.prune(ctx, f, len(docs) > 0, func(tx pgx.Tx, _ time.Time) error {
		_, err := tx.Exec(ctx, `UPDATE event e SET doc = u.doc FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS u(slot, seq, doc)
			WHERE e.slot = u.slot AND e.seq = u.seq`, slots, seqs, docs)
		return err
	}); err != nil {
		return n, err
	}
	n.Redacted = len(docs)
	step.Done()
	return n, nil
}
