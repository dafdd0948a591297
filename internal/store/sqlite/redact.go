package sqlite

import (
	"context"
	"database/sql/driver"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// redacted is a message that is to lose something.
type redacted struct {
	message *sms.Message
	open    bool
	events  []int64
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
		if !m.open && !sparesAny(p.Spared, m.events) {
			ready = append(ready, m)
		} else {
			stay = append(stay, int64(m.message.ID))
		}
	}
	n.Held, err = e.prune(f, len(ready) > 0, func(began time.Time) error {
		for i, m := range ready {
			if i%pruneChunk == 0 && i > 0 && time.Since(began) >= p.Within/2 {
				last = ready[i-1].message.ID // the rest of them is for the next step
				return nil
			}
			if _, err := e.writer.exec("UPDATE message SET doc = ? WHERE id = ?", e.rows.box.Message([]byte{}, m.message), int64(m.message.ID)); err != nil {
				return err
			}
			n.Redacted++
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
	const messages = `SELECT id, doc, EXISTS (SELECT 1 FROM queued q WHERE q.id = m.id) OR EXISTS (SELECT 1 FROM awaiting a WHERE a.id = m.id)
		FROM message m WHERE id `
	at := map[sms.ID]int{}
	err = e.read(ctx, "messages to redact", func(c *conn) error {
		wanted := newBulk("SELECT msg, key FROM event WHERE msg IN (", "?", ")")
		each := func(r row) error {
			last = sms.ID(r.int(0))
			m, err := e.message(r.int(0), r.blob(1))
			if err != nil || !p.Redact(m) {
				return err
			}
			at[m.ID] = len(todo)
			todo = append(todo, redacted{message: m, open: r.int(2) != 0})
			wanted.add(r.int(0))
			return nil
		}
		if n := len(reach.Again); n > 0 {
			again := newBulk(messages+"IN (", "?", ") ORDER BY id")
			for _, id := range reach.Again {
				again.add(id)
			}
			if err := again.query(ctx, c, each); err != nil {
				return err
			}
			last = sms.ID(reach.Again[n-1]) // also where it is gone
		} else if err := c.query(ctx, messages+"> ? AND id < ? ORDER BY id LIMIT ?", []driver.Value{reach.After, int64(limit), int64(pruneRows)}, each); err != nil {
			return err
		}
		return wanted.query(ctx, c, func(r row) error {
			m := &todo[at[sms.ID(r.int(0))]]
			m.events = append(m.events, r.int(1))
			return nil
		})
	})
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
	rows, last, young := 0, reach.After, limit.Time().UnixMilli()
	var stay []int64
	var todo []store.Event
	each := func(r row) error {
		if len(reach.Again) == 0 && r.int(5) >= young {
			return errEnough // what comes next is younger
		}
		rows, last = rows+1, seqOf(r.int(0))
		if status := sms.Status(r.text(4)); status != store.StatusInbound && status != store.StatusPublication {
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
			todo = append(todo, *v)
		}
		return nil
	}
	if n := len(reach.Again); n > 0 {
		again := newBulk("SELECT "+eventColumns+" FROM event WHERE key IN (", "?", ") ORDER BY key")
		for _, seq := range reach.Again {
			again.add(key(p.Place.Slot, seq))
		}
		err = e.read(ctx, "events to redact", func(c *conn) error { return again.query(ctx, c, each) })
		last = reach.Again[n-1] // also where it is gone
	} else {
		err = e.scan(ctx, "events to redact", "SELECT "+eventColumns+" FROM event WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
			append(keysAfter(p.Place.Slot, reach.After), int64(pruneRows)), each)
	}
	if complete(err) != nil {
		return n, err
	}
	n.Held, err = e.prune(f, len(todo) > 0, func(time.Time) error {
		for i := range todo {
			if _, err := e.writer.exec("UPDATE event SET doc = ? WHERE key = ?", e.rows.box.Detail([]byte{}, &todo[i]), key(todo[i].Slot, todo[i].Seq)); err != nil {
				return err
			}
			n.Redacted++
		}
		return nil
	})
	if err != nil {
		return store.Pruned{}, err
	}
	p.RedactedEventsTo(last, stay, rows < pruneRows)
	return n, nil
}
