package sqlite

import (
	"context"
	"database/sql/driver"
	"time"

	"heliograph/internal/store"
)

// pruneEntries deletes the next entries of the lists that go.
func (e *Engine) pruneEntries(ctx context.Context, f store.Fence, p *store.Pass) (store.Pruned, error) {
	for looks := 0; p.Nth < len(p.Lists) && looks < pruneRows; looks++ {
		list, rows, last := p.Lists[p.Nth], 0, int64(0)
		if err := e.scan(ctx, "entries of a list that goes", "SELECT key FROM entry WHERE list = ? ORDER BY key LIMIT ?",
			[]driver.Value{list, int64(pruneRows)}, func(r row) error {
				rows, last = rows+1, r.int(0)
				return nil
			}); err != nil {
			return store.Pruned{}, err
		}
		n, held, err := e.pruneRange(f, rows > 0, "DELETE FROM entry WHERE list = ? AND key <= ?", list, last)
		if err != nil {
			return store.Pruned{}, err
		}
		if rows < pruneRows {
			p.Nth++
		}
		if rows > 0 {
			return store.Pruned{Entries: n, Held: held}, nil
		}
	}
	if p.Nth == len(p.Lists) {
		p.Next()
	}
	return store.Pruned{}, nil
}

// pruneLogs deletes the next old lines of log groups, of one slot after the other.
func (e *Engine) pruneLogs(ctx context.Context, f store.Fence, p *store.Pass) (store.Pruned, error) {
	groups := p.Groups()
	for looks := 0; p.Nth < len(groups) && looks < pruneRows; looks++ {
		group := groups[p.Nth]
		limit := p.Logs[group].UnixMilli()
		rows, at, seq := 0, int64(0), int64(0)
		if err := e.scan(ctx, "old log lines", "SELECT at, seq FROM log_line WHERE grp = ? AND slot = ? AND at < ? ORDER BY at, seq LIMIT ?",
			[]driver.Value{group, int64(p.Place.Slot), limit, int64(pruneRows)}, func(r row) error {
				rows, at, seq = rows+1, r.int(0), r.int(1)
				return nil
			}); err != nil {
			return store.Pruned{}, err
		}
		n, held, err := e.pruneRange(f, rows > 0, "DELETE FROM log_line WHERE grp = ? AND slot = ? AND (at, seq) <= (?,?)", group, int64(p.Place.Slot), at, seq)
		if err != nil {
			return store.Pruned{}, err
		}
		if rows < pruneRows {
			next, err := e.number(ctx, "slots of a log group", "SELECT coalesce(min(slot), -1) FROM log_line WHERE grp = ? AND slot > ?", group, int64(p.Place.Slot))
			if err != nil {
				return store.Pruned{}, err
			}
			if p.Place = (store.SlotSeq{Slot: int(next)}); next < 0 {
				p.Place, p.Nth = store.SlotSeq{}, p.Nth+1
			}
		}
		if rows > 0 {
			return store.Pruned{Logs: n, Held: held}, nil
		}
	}
	if p.Nth == len(groups) {
		p.Next()
	}
	return store.Pruned{}, nil
}

// pruneRange deletes what lies together in a transaction of its own.
func (e *Engine) pruneRange(f store.Fence, wanted bool, sql string, args ...driver.Value) (rows int, held time.Duration, err error) {
	held, err = e.prune(f, wanted, func(time.Time) error {
		n, err := e.writer.exec(sql, args...)
		rows = int(n)
		return err
	})
	return rows, held, err
}
