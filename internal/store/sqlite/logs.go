package sqlite

import (
	"context"
	"database/sql/driver"

	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

// LogEvents reads a log group. The lines of each slot are read by themselves.
func (e *Engine) LogEvents(ctx context.Context, scan store.LogScan) ([]store.LogEvent, error) {
	var out []store.LogEvent
	err := e.snapshot(ctx, "log lines", func(c *conn) error {
		slots := []int{scan.Slot}
		if scan.Slot == store.AnySlot {
			var err error
			if slots, err = logSlots(ctx, c, scan.Group); err != nil {
				return err
			}
		}
		for _, slot := range slots {
			if err := e.logLines(ctx, c, &scan, slot, &out); err != nil {
				return err
			}
		}
		if len(slots) > 1 {
			out = scan.Merge(out)
		}
		return nil
	})
	return out, err
}

// logSlots are the slots that have lines in a group, found from one to the next, past
// the lines of each.
func logSlots(ctx context.Context, c *conn, group int64) (slots []int, err error) {
	err = c.query(ctx, `WITH RECURSIVE s(slot) AS (SELECT min(slot) FROM log_line WHERE grp = ?1
			UNION ALL SELECT (SELECT min(l.slot) FROM log_line l WHERE l.grp = ?1 AND l.slot > s.slot) FROM s WHERE s.slot IS NOT NULL)
		SELECT slot FROM s WHERE slot IS NOT NULL`, []driver.Value{group}, func(r row) error {
		slots = append(slots, int(r.int(0)))
		return nil
	})
	return slots, err
}

func (e *Engine) logLines(ctx context.Context, c *conn, scan *store.LogScan, slot int, out *[]store.LogEvent) error {
	order := "at, seq"
	if scan.Backwards {
		order = "at DESC, seq DESC"
	}
	of := scan.Of(slot)
	return c.query(ctx, "SELECT at, seq, message FROM log_line WHERE grp = ? AND slot = ? AND (at, seq) > (?,?) AND (at, seq) < (?,?) ORDER BY "+order+" LIMIT ?",
		[]driver.Value{scan.Group, int64(slot), of.AfterAt, of.AfterSeq, of.BeforeAt, of.BeforeSeq, int64(scan.Limit)}, func(r row) error {
			text, err := e.unsealed(r.blob(2), record.TableLogLine, scan.Group, int64(slot), r.int(0), r.int(1))
			*out = append(*out, store.LogEvent{Group: scan.Group, At: r.time(0), Slot: slot, Seq: r.int(1), Message: text})
			return err
		})
}

// LogSlots are the slots that have lines in a group.
func (e *Engine) LogSlots(ctx context.Context, group int64) ([]store.LogSlot, error) {
	var out []store.LogSlot
	err := e.snapshot(ctx, "slots of a log group", func(c *conn) error {
		slots, err := logSlots(ctx, c, group)
		if err != nil {
			return err
		}
		for _, slot := range slots {
			s := store.LogSlot{Slot: slot}
			for order, place := range map[string]*store.LogPlace{"at, seq": &s.First, "at DESC, seq DESC": &s.Last} {
				if err := c.query(ctx, "SELECT at, seq FROM log_line WHERE grp = ? AND slot = ? ORDER BY "+order+" LIMIT 1",
					[]driver.Value{group, int64(slot)}, func(r row) error {
						*place = store.LogPlace{At: r.time(0), Slot: slot, Seq: r.int(1)}
						return nil
					}); err != nil {
					return err
				}
			}
			out = append(out, s)
		}
		return nil
	})
	return out, err
}
