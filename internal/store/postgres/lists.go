package postgres

import (
	"context"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

var _ store.Lists = (*Engine)(nil)

// Entries reads entries by their keys.
func (e *Engine) Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error) {
	out := make([]*store.Entry, len(keys))
	if len(keys) == 0 {
		return out, nil
	}
	found := make(map[store.EntryKey]*store.Entry, len(keys))
	var lists, numbers []int64
	for _, k := range keys {
		if _, twice := found[k]; !twice {
			found[k] = nil
			lists, numbers = append(lists, k.List), append(numbers, k.Key)
		}
	}
	if err := e.scan(ctx, e.reads, "entries", "SELECT "+entryColumns+" FROM "+entryKeys+" JOIN entry e USING (list, key)", func(r row) error {
		v, err := e.scanEntry(r)
		found[v.EntryKey] = &v
		return err
	}, lists, numbers); err != nil {
		return nil, err
	}
	for i, k := range keys {
		out[i] = found[k]
	}
	return out, nil
}

// EntriesAfter reads a list in the order of its keys.
func (e *Engine) EntriesAfter(ctx context.Context, scan store.EntryScan) ([]store.Entry, error) {
	columns := entryColumns
	if scan.Bare {
		columns = bareColumns
	}
	sql, args := "SELECT "+columns+" FROM entry WHERE list = $1::bigint AND key > $2::bigint ORDER BY list, key LIMIT $3::bigint",
		[]any{scan.List, scan.After, scan.Limit}
	if len(scan.Marks) > 0 {
		sql = "SELECT " + columns + " FROM entry WHERE list = $1::bigint AND key > $2::bigint AND mark = ANY($4::bigint[]) ORDER BY list, key LIMIT $3::bigint"
		args = append(args, scan.Marks)
	}
	var out []store.Entry
	err := e.scan(ctx, e.reads, "entries of a list", sql, func(r row) error {
		v, err := e.scanEntry(r)
		out = append(out, v)
		return err
	}, args...)
	return out, err
}

func (e *Engine) scanEntry(r row) (v store.Entry, err error) {
	v = store.Entry{EntryKey: store.EntryKey{List: r.int(0), Key: r.int(1)}, At: r.moment(2), Mark: r.int(3), Until: r.moment(4)}
	if !r.null(5) {
		v.Doc, err = e.unsealed(r.blob(5), record.TableEntry, v.List, v.Key)
	}
	return v, err
}

// moment is a time that is zero where the column is null.
func (r row) moment(i int) time.Time {
	if r.null(i) {
		return time.Time{}
	}
	return r.time(i)
}

// LogEvents reads a log group: of each slot what is wanted of it, from where that
// begins.
func (e *Engine) LogEvents(ctx context.Context, scan store.LogScan) ([]store.LogEvent, error) {
	slots := []int64{int64(scan.Slot)}
	if scan.Slot == store.AnySlot {
		slots = slots[:0]
		for slot := range int64(sms.MaxSlot + 1) {
			slots = append(slots, slot)
		}
	}
	var bounds [4][]int64
	for _, slot := range slots {
		of := scan.Of(int(slot))
		for i, v := range []int64{of.AfterAt, of.AfterSeq, of.BeforeAt, of.BeforeSeq} {
			bounds[i] = append(bounds[i], v)
		}
	}
	sql := logForwards
	if scan.Backwards {
		sql = logBackwards
	}
	var out []store.LogEvent
	err := e.scan(ctx, e.reads, "log lines", sql, func(r row) error {
		l := store.LogEvent{Group: scan.Group, At: r.time(0), Slot: int(r.int(1)), Seq: r.int(2)}
		var err error
		if len(r[3]) > 0 {
			l.Message, err = e.unsealed(r.blob(3), record.TableLogLine, scan.Group, r.int(1), r.int(0), r.int(2))
		}
		out = append(out, l)
		return err
	}, scan.Group, scan.Limit, slots, bounds[0], bounds[1], bounds[2], bounds[3])
	return out, err
}

const (
	logForwards = `SELECT l.at, k.slot, l.seq, l.message FROM ` + logBounds + `, LATERAL (SELECT at, seq, message FROM log_line
			WHERE grp = $1::bigint AND slot = k.slot AND (at, seq) > (k.after_at, k.after_seq) AND (at, seq) < (k.before_at, k.before_seq)
			ORDER BY grp, slot, at, seq LIMIT $2::bigint) l
		ORDER BY l.at, k.slot, l.seq LIMIT $2::bigint`
	logBackwards = `SELECT l.at, k.slot, l.seq, l.message FROM ` + logBounds + `, LATERAL (SELECT at, seq, message FROM log_line
			WHERE grp = $1::bigint AND slot = k.slot AND (at, seq) > (k.after_at, k.after_seq) AND (at, seq) < (k.before_at, k.before_seq)
			ORDER BY grp DESC, slot DESC, at DESC, seq DESC LIMIT $2::bigint) l
		ORDER BY l.at DESC, k.slot DESC, l.seq DESC LIMIT $2::bigint`
	logBounds = `unnest($3::bigint[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[]) AS k(slot, after_at, after_seq, before_at, before_seq)`
)

// LogSlots are the slots that have lines in a group.
func (e *Engine) LogSlots(ctx context.Context, group int64) ([]store.LogSlot, error) {
	var out []store.LogSlot
	err := e.scan(ctx, e.reads, "slots of a log group", `SELECT s.slot::bigint, f.at, f.seq, l.at, l.seq FROM generate_series(0, $2::bigint) s(slot),
			LATERAL (SELECT at, seq FROM log_line WHERE grp = $1::bigint AND slot = s.slot ORDER BY grp, slot, at, seq LIMIT 1) f,
			LATERAL (SELECT at, seq FROM log_line WHERE grp = $1::bigint AND slot = s.slot ORDER BY grp DESC, slot DESC, at DESC, seq DESC LIMIT 1) l
		ORDER BY s.slot`, func(r row) error {
		slot := int(r.int(0))
		out = append(out, store.LogSlot{Slot: slot, First: store.LogPlace{At: r.time(1), Slot: slot, Seq: r.int(2)},
			Last: store.LogPlace{At: r.time(3), Slot: slot, Seq: r.int(4)}})
		return nil
	}, group, sms.MaxSlot)
	return out, err
}

// Usage is what was billed in a month, by all nodes.
func (e *Engine) Usage(ctx context.Context, account, month string) ([]store.Usage, error) {
	sql, args := usageSums+" WHERE month = $1::text "+usageGroups, []any{month}
	if account != "" {
		sql, args = usageSums+" WHERE month = $1::text AND account = $2::text "+usageGroups, append(args, account)
	}
	var out []store.Usage
	err := e.scan(ctx, e.reads, "usage", sql, func(r row) error {
		out = append(out, scanUsage(r))
		return nil
	}, args...)
	return out, err
}

const (
	usageSums   = "SELECT account, month, channel, country, route, sum(parts)::bigint, sum(price)::bigint, sum(fee_parts)::bigint, sum(fee)::bigint FROM spend"
	usageGroups = "GROUP BY account, month, channel, country, route ORDER BY account, month, channel, country, route"
)

func scanUsage(r row) store.Usage {
	return store.Usage{UsageKey: store.UsageKey{Account: r.text(0), Month: r.text(1), Channel: r.text(2), Country: r.text(3), Route: r.text(4)},
		Sums: store.Sums{Parts: r.int(5), Price: sms.Money(r.int(6)), FeeParts: r.int(7), Fee: sms.Money(r.int(8))}}
}
