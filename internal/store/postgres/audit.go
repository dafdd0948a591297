package postgres

import (
	"context"
	"fmt"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

var _ store.Auditor = (*Engine)(nil)

// ask reads what a statement answers; see Engine.scan for its arguments.
type ask func(sql string, each func(row) error, args ...any) error

// snapshot runs do with statements that all see the database as it is at one moment.
// They are planned with their arguments, so that those of a short range of a long
// table are planned for that.
func (e *Engine) snapshot(ctx context.Context, what string, do func(ask) error) error {
	if e.isClosed() {
		return store.ErrClosed
	}
	if err := e.inSnapshot(ctx, do); err != nil {
		if e.isClosed() {
			return store.ErrClosed
		}
		return fmt.Errorf("read %s: %w", what, classify(ctx, err))
	}
	return nil
}

func (e *Engine) inSnapshot(ctx context.Context, do func(ask) error) error {
	c, err := e.reads.Acquire(ctx)
	if err != nil {
		return err
	}
	defer c.Release() // closes the connection where its transaction is still open
	raw := c.Conn().PgConn()
	if _, err := raw.Exec(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").ReadAll(); err != nil {
		return err
	}
	if err := do(func(sql string, each func(row) error, args ...any) error {
		params, types := encode(args)
		return read(raw.ExecParams(ctx, sql, params, types, binaryFormat, binaryFormat), each)
	}); err != nil {
		return err
	}
	_, err = raw.Exec(ctx, "COMMIT").ReadAll()
	return err
}

// auditRows is how many rows of a table are read at most for each message of a
// page, so that rows of messages that are not there do not fill the memory.
const auditRows = 16

// AuditMessages reads what there is about the messages from an ID on.
func (e *Engine) AuditMessages(ctx context.Context, from, to sms.ID, limit int, each func(*store.Audited) error) (sms.ID, error) {
	limit = max(limit, 2)
	page := record.NewAuditPage(limit)
	next := to
	err := e.snapshot(ctx, "messages to audit", func(query ask) error {
		scan := func(sql string, most int, add func(row) error) error {
			n, last := 0, sms.ID(0)
			err := query(sql, func(r row) error {
				n, last = n+1, sms.ID(r.int(0))
				return add(r)
			}, int64(from), int64(next-1), most)
			// There may be more, also of the last one.
			if n == most && last > from {
				next = last
			}
			return err
		}
		if err := scan("SELECT id, doc FROM message WHERE id BETWEEN $1::bigint AND $2::bigint ORDER BY id LIMIT $3::bigint", limit, func(r row) error {
			doc, err := e.unsealed(r[1], record.TableMessage, r.int(0))
			if err != nil {
				return fmt.Errorf("message %d: %w", r.int(0), err)
			}
			return page.Message(sms.ID(r.int(0)), doc)
		}); err != nil {
			return err
		}
		most := limit * auditRows
		if err := scan(`SELECT msg, slot, seq, status, final, CASE WHEN final THEN doc END FROM event
			WHERE msg BETWEEN $1::bigint AND $2::bigint ORDER BY msg, slot, seq LIMIT $3::bigint`, most, func(r row) error {
			doc, err := e.unsealed(r[5], record.TableEvent, r.int(1), r.int(2))
			if err != nil {
				return fmt.Errorf("event %d of slot %d: %w", r.int(2), r.int(1), err)
			}
			return page.Event(sms.ID(r.int(0)), store.AuditedEvent{Slot: int(r.int(1)), Seq: r.int(2), Status: sms.Status(r.text(3)), Final: r.int(4) != 0}, doc)
		}); err != nil {
			return err
		}
		if err := scan("SELECT id, parts FROM queued WHERE id BETWEEN $1::bigint AND $2::bigint ORDER BY id LIMIT $3::bigint", most, func(r row) error {
			page.Queued(sms.ID(r.int(0)), int(r.int(1)))
			return nil
		}); err != nil {
			return err
		}
		return scan("SELECT id, doc FROM awaiting WHERE id BETWEEN $1::bigint AND $2::bigint ORDER BY id LIMIT $3::bigint", most, func(r row) error {
			return page.Awaiting(sms.ID(r.int(0)), r[1])
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
	err := e.snapshot(ctx, "spend to audit", func(query ask) error {
		if err := query(usageSums+" "+usageGroups, func(r row) error {
			v := scanUsage(r)
			ledger[v.UsageKey] = v.Sums
			return nil
		}); err != nil {
			return err
		}
		var m store.AuditedMessage
		return query("SELECT id, doc FROM message WHERE id BETWEEN $1::bigint AND $2::bigint", func(r row) error {
			doc, err := e.unsealed(r[1], record.TableMessage, r.int(0))
			if err != nil {
				return fmt.Errorf("message %d: %w", r.int(0), err)
			}
			if err := record.AuditMessage(&m, doc); err != nil {
				return err
			}
			return each(&m)
		}, int64(from), int64(to-1))
	})
	return ledger, err
}

// AuditLogs are the logs that have events or a cursor.
func (e *Engine) AuditLogs(ctx context.Context) ([]store.AuditedLog, error) {
	var out []store.AuditedLog
	err := e.scan(ctx, e.reads, "event logs to audit", `SELECT s.slot::bigint,
			greatest((SELECT c.seq FROM last_commit c WHERE c.slot = s.slot ORDER BY c.epoch DESC, c.n DESC LIMIT 1),
				(SELECT max(v.seq) FROM event v WHERE v.slot = s.slot), 0),
			coalesce((SELECT max(r.seq) FROM router r WHERE r.slot = s.slot), 0)
		FROM generate_series(0, $1::bigint) s(slot) ORDER BY s.slot`, func(r row) error {
		if l := (store.AuditedLog{Slot: int(r.int(0)), Last: r.int(1), Cursor: r.int(2)}); l.Last > 0 || l.Cursor > 0 {
			out = append(out, l)
		}
		return nil
	}, sms.MaxSlot)
	return out, err
}

// AuditLog looks for gaps in a slot's log.
func (e *Engine) AuditLog(ctx context.Context, slot int, after, upto int64, limit int) (store.GapFinder, error) {
	found := store.GapFinder{Next: after}
	err := e.snapshot(ctx, "event log to audit", func(query ask) error {
		// Seqs are taken once, so that as many as there could be leave no gap.
		end := min(upto, after+int64(limit))
		if err := query("SELECT count(*) FROM event WHERE slot = $1::bigint AND seq > $2::bigint AND seq <= $3::bigint", func(r row) error {
			found.Events = r.int(0)
			return nil
		}, slot, after, end); err != nil {
			return err
		}
		if found.Events == end-after {
			found.Next = end
			return nil
		}
		found.Events = 0
		if err := query("SELECT at FROM event WHERE slot = $1::bigint AND seq <= $2::bigint ORDER BY slot DESC, seq DESC LIMIT 1", func(r row) error {
			found.Before = r.time(0)
			return nil
		}, slot, after); err != nil {
			return err
		}
		if err := query("SELECT seq, at FROM event WHERE slot = $1::bigint AND seq > $2::bigint AND seq <= $3::bigint ORDER BY slot, seq LIMIT $4::bigint", func(r row) error {
			found.Event(r.int(0), r.time(1))
			return nil
		}, slot, after, upto, limit); err != nil {
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
	err := e.scan(ctx, e.reads, "lag to audit", `SELECT destination, slot, first, seqs FROM event_lag
		WHERE (destination, slot, first) > ($1::text, $2::bigint, $3::bigint) ORDER BY destination, slot, first LIMIT $4::bigint`, func(r row) error {
		seqs, err := record.Keys[int64](r[3])
		out = append(out, store.LagBatch{LagKey: store.LagKey{Destination: r.text(0), Slot: int(r.int(1)), First: r.int(2)}, Seqs: seqs})
		return err
	}, after.Destination, after.Slot, after.First, limit)
	return out, err
}

// AuditLosses reads what destinations never got.
func (e *Engine) AuditLosses(ctx context.Context) ([]store.Loss, error) {
	var out []store.Loss
	err := e.scan(ctx, e.reads, "event losses", "SELECT destination, slot, kind, events FROM event_loss ORDER BY destination, slot, kind", func(r row) error {
		out = append(out, store.Loss{Destination: r.text(0), Slot: int(r.int(1)), Kind: store.LossKind(r.text(2)), Events: r.int(3)})
		return nil
	})
	return out, err
}
