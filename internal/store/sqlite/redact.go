package sqlite

import (
	"context"
	"database/sql/driver"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// redactMessages drops texts or numbers of the next messages that have ended.
func (e *Engine) redactMessages(ctx context.Context, f store.Fence, p *store.Pass) (store.Pruned, error) {
	return p.RedactMessages(pruneRows, func(reach store.Reach, limit sms.ID) ([]store.Redactable, sms.ID, error) {
		return e.redactable(ctx, p, reach, limit)
	}, func(ready []*sms.Message) (n int, held time.Duration, err error) {
		held, err = e.prune(f, len(ready) > 0, func(began time.Time) error {
			for n = range ready {
				if n%pruneChunk == 0 && n > 0 && time.Since(began) >= p.Within/2 {
					return nil
				}
				if _, err := e.writer.exec("UPDATE message SET doc = ? WHERE id = ?", e.rows.box.Message([]byte{}, ready[n]), int64(ready[n].ID)); err != nil {
					return err
				}
			}
			n = len(ready)
			return nil
		})
		return n, held, err
	})
}

// redactable finds those of the next messages that have something to lose, and the last
// that it looked at.
func (e *Engine) redactable(ctx context.Context, p *store.Pass, reach store.Reach, limit sms.ID) (found []store.Redactable, last sms.ID, err error) {
	const messages = `SELECT id, doc, EXISTS (SELECT 1 FROM queued q WHERE q.id = m.id) OR EXISTS (SELECT 1 FROM awaiting a WHERE a.id = m.id)
		FROM message m WHERE id `
	at := map[int64]int{}
	err = e.read(ctx, "messages to redact", func(c *conn) error {
		wanted := newBulk("SELECT msg, key FROM event WHERE msg IN (", "?", ")")
		each := func(r row) error {
			last = sms.ID(r.int(0))
			m, err := e.message(r.int(0), r.blob(1))
			if err != nil || !p.Redact(m) {
				return err
			}
			at[r.int(0)] = len(found)
			found = append(found, store.Redactable{Message: m, Stays: r.int(2) != 0})
			wanted.add(r.int(0))
			return nil
		}
		if len(reach.Again) > 0 {
			again := newBulk(messages+"IN (", "?", ") ORDER BY id")
			for _, id := range reach.Again {
				again.add(id)
			}
			if err := again.query(ctx, c, each); err != nil {
				return err
			}
		} else if err := c.query(ctx, messages+"> ? AND id < ? ORDER BY id LIMIT ?", []driver.Value{reach.After, int64(limit), int64(pruneRows)}, each); err != nil {
			return err
		}
		return wanted.query(ctx, c, func(r row) error {
			if p.Spared.Has(slotOf(r.int(1)), seqOf(r.int(1))) {
				found[at[r.int(0)]].Stays = true
			}
			return nil
		})
	})
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
		wanted, over := step.Wanted(seqOf(r.int(0)), r.int(5), sms.Status(r.text(4)))
		if over {
			return errEnough
		}
		var one []store.Event
		if !wanted {
			return nil
		} else if err := e.collectEvents(&one)(r); err != nil {
			return err
		}
		step.Take(&one[0])
		return nil
	}
	const events = "SELECT " + eventColumns + " FROM event WHERE key "
	if len(step.Again) > 0 {
		again := newBulk(events+"IN (", "?", ") ORDER BY key")
		for _, seq := range step.Again {
			again.add(key(step.Slot, seq))
		}
		err = e.read(ctx, "events to redact", func(c *conn) error { return again.query(ctx, c, each) })
	} else {
		err = e.scan(ctx, "events to redact", events+"BETWEEN ? AND ? ORDER BY key LIMIT ?", append(keysAfter(step.Slot, step.After), int64(pruneRows)), each)
	}
	if complete(err) != nil {
		return n, err
	}
	if n.Held, err = e.prune(f, len(step.Ready) > 0, func(time.Time) error {
		for i := range step.Ready {
			v := &step.Ready[i]
			if _, err := e.writer.exec("UPDATE event SET doc = ? WHERE key = ?", e.rows.box.Detail([]byte{}, v), key(v.Slot, v.Seq)); err != nil {
				return err
			}
		}
		return nil
	}); err != nil {
		return n, err
	}
	n.Redacted = len(step.Ready)
	step.Done()
	return n, nil
}
