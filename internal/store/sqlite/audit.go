package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

var _ store.Auditor = (*Engine)(nil)

// snapshot runs do on a reading connection at one moment.
func (e *Engine) snapshot(ctx context.Context, what string, do func(*conn) error) error {
	return e.read(ctx, what, func(c *conn) error {
		if _, err := c.exec("BEGIN"); err != nil {
			return err
		}
		err := do(c)
		_, ended := c.exec("COMMIT")
		return errors.Join(err, ended)
	})
}

// auditRows is how many rows of a table are read at most for each message of a
// page, so that rows of messages that are not there do not fill the memory.
const auditRows = 16

// AuditMessages reads what there is about the messages from an ID on.
func (e *Engine) AuditMessages(ctx context.Context, from, to sms.ID, limit int, each func(*store.Audited) error) (sms.ID, error) {
	limit = max(limit, 2)
	page := record.NewAuditPage(limit)
	next := to
	err := e.snapshot(ctx, "messages to audit", func(c *conn) error {
		scan := func(sql string, most int, add func(row) error) error {
			n, last := 0, sms.ID(0)
			err := c.query(ctx, sql, []driver.Value{int64(from), int64(next - 1), int64(most)}, func(r row) error {
				n, last = n+1, sms.ID(r.int(0))
				return add(r)
			})
			// There may be more, also of the last one.
			if n == most && last > from {
				next = last
			}
			return err
		}
		if err := scan("SELECT id, doc FROM message WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?", limit, func(r row) error {
			doc, err := e.unsealed(r.blob(1), record.TableMessage, r.int(0))
			if err != nil {
				return fmt.Errorf("message %d: %w", r.int(0), err)
			}
			return page.Message(sms.ID(r.int(0)), doc)
		}); err != nil {
			return err
		}
		most := limit * auditRows
		if err := scan("SELECT msg, key, status, final, CASE WHEN final THEN doc END FROM event WHERE msg BETWEEN ? AND ? ORDER BY msg, key LIMIT ?", most, func(r row) error {
			doc, err := e.unsealed(r.blob(4), record.TableEvent, r.int(1)>>slotShift, seqOf(r.int(1)))
			if err != nil {
				return fmt.Errorf("event %d of slot %d: %w", seqOf(r.int(1)), r.int(1)>>slotShift, err)
			}
			return page.Event(sms.ID(r.int(0)), store.AuditedEvent{Slot: int(r.int(1) >> slotShift), Seq: seqOf(r.int(1)),
				Status: sms.Status(r.text(2)), Final: r.int(3) != 0}, doc)
		}); err != nil {
			return err
		}
		if err := scan("SELECT id, parts FROM queued WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?", most, func(r row) error {
			page.Queued(sms.ID(r.int(0)), int(r.int(1)))
			return nil
		}); err != nil {
			return err
		}
		return scan("SELECT id, doc FROM awaiting WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?", most, func(r row) error {
			return page.Awaiting(sms.ID(r.int(0)), r.blob(1))
		})
	})
	if err != nil {
		return from, err
	}
	return next, page.Each(next, each)
}

// AuditSpend reads what was billed, and what messages cost.
func (e *Engine) AuditSpend(ctx context.Context, from, to sms.ID, each func(*store.AuditedMessage) error) (map[store.UsageKey]store.Sums, error) {
	ledger := map[store.UsageKey]store.Sums{}
	err := e.snapshot(ctx, "spend to audit", func(c *conn) error {
		if err := c.query(ctx, "SELECT "+spendColumns+" FROM spend", nil, func(r row) error {
			v := scanUsage(r)
			ledger[v.UsageKey] = v.Sums
			return nil
		}); err != nil {
			return err
		}
		var m store.AuditedMessage
		return c.query(ctx, "SELECT id, doc FROM message WHERE id BETWEEN ? AND ?", []driver.Value{int64(from), int64(to - 1)}, func(r row) error {
			doc, err := e.unsealed(r.blob(1), record.TableMessage, r.int(0))
			if err != nil {
				return fmt.Errorf("message %d: %w", r.int(0), err)
			}
			if err := record.AuditMessage(&m, doc); err != nil {
				return err
			}
			return each(&m)
		})
	})
	return ledger, err
}

// AuditLogs are the logs that have events or a cursor.
func (e *Engine) AuditLogs(ctx context.Context) ([]store.AuditedLog, error) {
	var out []store.AuditedLog
	err := e.scan(ctx, "event logs to audit", `WITH RECURSIVE slots(slot) AS (SELECT 0 UNION ALL SELECT slot + 1 FROM slots WHERE slot < ?)
		SELECT slot, coalesce((SELECT max(key) FROM event WHERE key BETWEEN slot << ? AND ((slot + 1) << ?) - 1), 0),
			coalesce((SELECT seq FROM router WHERE router.slot = slots.slot), 0),
			coalesce((SELECT seq FROM node WHERE node.slot = slots.slot), 0), coalesce((SELECT id FROM node WHERE node.slot = slots.slot), 0) FROM slots`,
		[]driver.Value{int64(sms.MaxSlot), int64(slotShift), int64(slotShift)}, func(r row) error {
			l := store.AuditedLog{Slot: int(r.int(0)), Last: max(seqOf(r.int(1)), r.int(3)), Cursor: r.int(2), Pruned: r.int(3), PrunedID: sms.ID(r.int(4))}
			if l.Last > 0 || l.Cursor > 0 {
				out = append(out, l)
			}
			return nil
		})
	return out, err
}

// AuditLog looks for gaps in a slot's log.
func (e *Engine) AuditLog(ctx context.Context, slot int, after, upto int64, limit int) (store.GapFinder, error) {
	found := store.GapFinder{Next: after}
	err := e.snapshot(ctx, "event log to audit", func(c *conn) error {
		// Keys are taken once, so that as many as there are Seqs leave no gap.
		end := min(upto, after+int64(limit))
		if err := c.query(ctx, "SELECT count(*) FROM event WHERE key BETWEEN ? AND ?", []driver.Value{key(slot, after+1), key(slot, end)}, func(r row) error {
			found.Events = r.int(0)
			return nil
		}); err != nil {
			return err
		}
		if found.Events == end-after {
			found.Next = end
			return nil
		}
		found.Events = 0
		if err := c.query(ctx, "SELECT at FROM event WHERE key BETWEEN ? AND ? ORDER BY key DESC LIMIT 1",
			[]driver.Value{key(slot, 0), key(slot, after)}, func(r row) error {
				found.Before = r.time(0)
				return nil
			}); err != nil {
			return err
		}
		if err := c.query(ctx, "SELECT key, at FROM event WHERE key BETWEEN ? AND ? ORDER BY key LIMIT ?",
			[]driver.Value{key(slot, after+1), key(slot, upto), int64(limit)}, func(r row) error {
				found.Event(seqOf(r.int(0)), r.time(1))
				return nil
			}); err != nil {
			return err
		}
		if found.Events < int64(limit) {
			found.Upto(upto)
		}
		return nil
	})
	return found, err
}

// AuditLag reads lag batches after a key.
func (e *Engine) AuditLag(ctx context.Context, after store.LagKey, limit int) ([]store.LagBatch, error) {
	var out []store.LagBatch
	err := e.scan(ctx, "lag to audit", `SELECT destination, slot, first, seqs FROM event_lag WHERE (destination, slot, first) > (?, ?, ?)
		ORDER BY destination, slot, first LIMIT ?`, []driver.Value{after.Destination, int64(after.Slot), after.First, int64(limit)}, func(r row) error {
		seqs, err := record.Keys[int64](r.blob(3))
		out = append(out, store.LagBatch{LagKey: store.LagKey{Destination: r.text(0), Slot: int(r.int(1)), First: r.int(2)}, Seqs: seqs})
		return err
	})
	return out, err
}

// AuditLosses reads what destinations never got.
func (e *Engine) AuditLosses(ctx context.Context) ([]store.Loss, error) {
	var out []store.Loss
	err := e.scan(ctx, "event losses", "SELECT destination, slot, kind, events FROM event_loss ORDER BY destination, slot, kind", nil, func(r row) error {
		out = append(out, store.Loss{Destination: r.text(0), Slot: int(r.int(1)), Kind: store.LossKind(r.text(2)), Events: r.int(3)})
		return nil
	})
	return out, err
}
