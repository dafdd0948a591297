package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

// redacted is a message that is to lose something.
type redacted struct {
	message *sms.Message
	stays   bool // it is open, or an event of it is spared
}

// redactMessages drops texts or numbers of the next messages that have ended.
func (e *Engine) redactMessages(ctx context.Context, f store.Fence, p *store.Pass) (n store.Pruned, err error) {
	limit, reach := p.ToRedact(pruneRows)
	if limit == 0 {
		p.Next()
		return n, nil
	}
	todo, last, err := e.toRedact(ctx, p, reach, limit)
	if err != nil {
		return n, err
	}
	if last == 0 {
		p.Next()
		return n, nil
	}
	var stay []int64
	var ready []redacted
	for _, m := range todo {
		if m.stays {
			stay = append(stay, int64(m.message.ID))
		} else {
			ready = append(ready, m)
		}
	}
	box := record.Box{Sealer: e.options.Sealer}
	n.Held, err = e.prune(ctx, f, len(ready) > 0, func(tx pgx.Tx, began time.Time) error {
		for len(ready) > 0 {
			if n.Redacted > 0 && time.Since(began) >= p.Within {
				last = ready[0].message.ID - 1 // the rest of them is for the next step
				return nil
			}
			chunk := ready[:min(pruneChunk, len(ready))]
			ids, docs := make([]int64, len(chunk)), make([][]byte, len(chunk))
			for i, m := range chunk {
				ids[i], docs[i] = int64(m.message.ID), box.Message([]byte{}, m.message)
			}
			if _, err := tx.Exec(ctx, "UPDATE message m SET doc = u.doc FROM unnest($1::bigint[], $2::bytea[]) AS u(id, doc) WHERE m.id = u.id", ids, docs); err != nil {
				return err
			}
			n.Redacted, ready = n.Redacted+len(chunk), ready[len(chunk):]
		}
		return nil
	})
	if err != nil {
		return store.Pruned{}, err
	}
	p.RedactedTo(last, stay)
	return n, nil
}

// toRedact finds those of the next messages that have something to lose, as they are to
// be without it, and says which was the last that it looked at, 0 where there was none.
func (e *Engine) toRedact(ctx context.Context, p *store.Pass, reach store.Reach, limit sms.ID) (todo []redacted, last sms.ID, err error) {
	var ids []int64
	at := map[sms.ID]int{}
	each := func(r row) error {
		last = sms.ID(r.int(0))
		m, err := e.message(r.int(0), r[1])
		if err != nil || !p.Redact(m) {
			return err
		}
		at[m.ID] = len(todo)
		todo, ids = append(todo, redacted{message: m}), append(ids, r.int(0))
		return nil
	}
	if n := len(reach.Again); n > 0 {
		err = e.scan(ctx, e.reads, "messages to redact", "SELECT id, doc FROM message WHERE id = ANY($1::bigint[]) ORDER BY id", each, reach.Again)
		last = sms.ID(reach.Again[n-1]) // also where it is gone
	} else {
		err = e.scan(ctx, e.reads, "messages to redact", "SELECT id, doc FROM message WHERE id > $1::bigint AND id < $2::bigint ORDER BY id LIMIT $3::bigint",
			each, reach.After, int64(limit), pruneRows)
	}
	if err != nil || len(ids) == 0 {
		return nil, last, err
	}
	if err := e.scan(ctx, e.reads, "open messages", `SELECT id FROM queued WHERE id = ANY($1::bigint[])
		UNION ALL SELECT id FROM awaiting WHERE id = ANY($1::bigint[])`, func(r row) error {
		todo[at[sms.ID(r.int(0))]].stays = true
		return nil
	}, ids); err != nil {
		return nil, 0, err
	}
	err = e.scan(ctx, e.reads, "events of messages to redact", "SELECT msg, slot, seq FROM event WHERE msg = ANY($1::bigint[])", func(r row) error {
		if p.Spared.Has(int(r.int(1)), r.int(2)) {
			todo[at[sms.ID(r.int(0))]].stays = true
		}
		return nil
	}, ids)
	return todo, last, err
}

// redactContents drops the contents of the next events of a slot's log that are messages
// from handsets or publications.
func (e *Engine) redactContents(ctx context.Context, f store.Fence, p *store.Pass) (n store.Pruned, err error) {
	limit, reach := p.Contents(pruneRows)
	if limit == 0 {
		p.Next()
		return n, nil
	}
	rows, last, young, over := 0, reach.After, limit.Time().UnixMilli(), false
	var stay, slots, seqs []int64
	var docs [][]byte
	box := record.Box{Sealer: e.options.Sealer}
	each := func(r row) error {
		if over = over || len(reach.Again) == 0 && r.int(6) >= young; over {
			return nil // what comes next is younger
		}
		rows, last = rows+1, r.int(1)
		if status := sms.Status(r.text(5)); status != store.StatusInbound && status != store.StatusPublication {
			return nil
		}
		var one []store.Event
		if err := e.collectEvents(&one)(r); err != nil {
			return err
		}
		switch v := &one[0]; {
		case !store.RedactContent(&v.Detail):
		case p.Spared.Has(v.Slot, v.Seq):
			stay = append(stay, v.Seq)
		default:
			slots, seqs, docs = append(slots, int64(v.Slot)), append(seqs, v.Seq), append(docs, box.Detail([]byte{}, v))
		}
		return nil
	}
	if n := len(reach.Again); n > 0 {
		err = e.scan(ctx, e.reads, "events to redact", "SELECT "+eventColumns+" FROM event WHERE slot = $1::bigint AND seq = ANY($2::bigint[]) ORDER BY seq",
			each, p.Place.Slot, reach.Again)
		last = reach.Again[n-1] // also where it is gone
	} else {
		err = e.scan(ctx, e.reads, "events to redact", "SELECT "+eventColumns+" FROM event WHERE slot = $1::bigint AND seq > $2::bigint ORDER BY slot, seq LIMIT $3::bigint",
			each, p.Place.Slot, reach.After, pruneRows)
	}
	if err != nil {
		return n, err
	}
	n.Redacted = len(docs)
	if n.Held, err = e.prune(ctx, f, len(docs) > 0, func(tx pgx.Tx, _ time.Time) error {
		_, err := tx.Exec(ctx, `UPDATE event e SET doc = u.doc FROM unnest($1::bigint[], $2::bigint[], $3::bytea[]) AS u(slot, seq, doc)
			WHERE e.slot = u.slot AND e.seq = u.seq`, slots, seqs, docs)
		return err
	}); err != nil {
		return n, err
	}
	p.RedactedEventsTo(last, stay, rows < pruneRows)
	return n, nil
}
