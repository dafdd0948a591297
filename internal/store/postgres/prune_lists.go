package postgres

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/store"
)

// pruneTogether is how many rows that lie together a step deletes.
const pruneTogether = 4096

// pruneEntries deletes the next entries of the lists that go.
func (e *Engine) pruneEntries(ctx context.Context, f store.Fence, p *store.Pass) (n store.Pruned, err error) {
	for looks := 0; p.Nth < len(p.Lists) && looks < pruneRows; looks++ {
		list, rows, last := p.Lists[p.Nth], int64(0), int64(0)
		if err := e.scan(ctx, e.reads, "entries of a list that goes", `SELECT count(*), coalesce(max(key), 0)
			FROM (SELECT key FROM entry WHERE list = $1::bigint ORDER BY list, key LIMIT $2::bigint) l`, func(r row) error {
			rows, last = r.int(0), r.int(1)
			return nil
		}, list, pruneTogether); err != nil {
			return n, err
		}
		n.Entries, n.Held, err = e.pruneRange(ctx, f, rows > 0, "DELETE FROM entry WHERE list = $1 AND key <= $2", list, last)
		if err != nil {
			return n, err
		}
		if rows < pruneTogether {
			p.Nth++
		}
		if rows > 0 {
			return n, nil
		}
	}
	if p.Nth == len(p.Lists) {
		p.Next()
	}
	return n, nil
}

// pruneLogs deletes the next old lines of log groups, of one slot after the other.
func (e *Engine) pruneLogs(ctx context.Context, f store.Fence, p *store.Pass) (n store.Pruned, err error) {
	groups := p.Groups()
	for looks := 0; p.Nth < len(groups) && looks < pruneRows; looks++ {
		group, slot := groups[p.Nth], p.Place.Slot
		rows, at, seq := 0, int64(0), int64(0)
		if err := e.scan(ctx, e.reads, "old log lines", `SELECT at, seq FROM log_line WHERE grp = $1::bigint AND slot = $2::bigint AND at < $3::bigint
			ORDER BY grp, slot, at, seq LIMIT $4::bigint`, func(r row) error {
			rows, at, seq = rows+1, r.int(0), r.int(1)
			return nil
		}, group, slot, p.Logs[group].UnixMilli(), pruneTogether); err != nil {
			return n, err
		}
		n.Logs, n.Held, err = e.pruneRange(ctx, f, rows > 0, "DELETE FROM log_line WHERE grp = $1 AND slot = $2 AND (at, seq) <= ($3, $4)", group, slot, at, seq)
		if err != nil {
			return n, err
		}
		if rows < pruneTogether {
			next, err := e.number(ctx, "slots of a log group", "SELECT coalesce(min(slot), -1)::bigint FROM log_line WHERE grp = $1::bigint AND slot > $2::bigint", group, slot)
			if err != nil {
				return n, err
			}
			if p.Place = (store.SlotSeq{Slot: int(next)}); next < 0 {
				p.Place, p.Nth = store.SlotSeq{}, p.Nth+1
			}
		}
		if rows > 0 {
			return n, nil
		}
	}
	if p.Nth == len(groups) {
		p.Next()
	}
	return n, nil
}

// pruneRange deletes what lies together in a transaction of its own.
func (e *Engine) pruneRange(ctx context.Context, f store.Fence, wanted bool, sql string, args ...any) (rows int, held time.Duration, err error) {
	held, err = e.prune(ctx, f, wanted, func(tx pgx.Tx, _ time.Time) error {
		tag, err := tx.Exec(ctx, sql, args...)
		rows = int(tag.RowsAffected())
		return err
	})
	return rows, held, err
}
