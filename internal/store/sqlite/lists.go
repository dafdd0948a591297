package sqlite

import (
	"context"
	"database/sql/driver"
	"strings"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/record"
)

var _ store.Lists = (*Engine)(nil)

const (
	entryColumns = "list, key, at, mark, until, doc"
	bareColumns  = "list, key, at, mark, until, NULL"
	spendColumns = "account, month, channel, country, route, parts, price, fee_parts, fee"
)

// Entries reads entries by their keys, each by one search of the table.
func (e *Engine) Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error) {
	out := make([]*store.Entry, len(keys))
	var err error
	switch len(keys) {
	case 0:
	case 1:
		// By far the most are asked for alone.
		err = e.scan(ctx, "entry", "SELECT "+entryColumns+" FROM entry WHERE list = ? AND key = ?", []driver.Value{keys[0].List, keys[0].Key}, func(r row) error {
			v, err := e.scanEntry(r)
			out[0] = &v
			return err
		})
	default:
		err = e.entries(ctx, keys, out)
	}
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (e *Engine) entries(ctx context.Context, keys []store.EntryKey, out []*store.Entry) error {
	wanted := newBulk("SELECT "+entryColumns+" FROM entry WHERE (list, key) IN (VALUES ", "(?,?)", ")")
	found := make(map[store.EntryKey]*store.Entry, len(keys))
	for _, k := range keys {
		if _, twice := found[k]; !twice {
			found[k] = nil
			wanted.add(k.List, k.Key)
		}
	}
	if err := e.read(ctx, "entries", func(c *conn) error {
		return wanted.query(ctx, c, func(r row) error {
			v, err := e.scanEntry(r)
			found[v.EntryKey] = &v
			return err
		})
	}); err != nil {
		return err
	}
	for i, k := range keys {
		out[i] = found[k]
	}
	return nil
}

// EntriesAfter reads a list in the order of its keys.
func (e *Engine) EntriesAfter(ctx context.Context, scan store.EntryScan) ([]store.Entry, error) {
	marks, args := "", []driver.Value{scan.List, scan.After}
	if n := len(scan.Marks); n > 0 {
		marks = "AND mark IN (?" + strings.Repeat(",?", n-1) + ") "
		for _, mark := range scan.Marks {
			args = append(args, mark)
		}
	}
	columns := entryColumns
	if scan.Bare {
		columns = bareColumns
	}
	var out []store.Entry
	err := e.scan(ctx, "entries of a list", "SELECT "+columns+" FROM entry WHERE list = ? AND key > ? "+marks+"ORDER BY key LIMIT ?",
		append(args, int64(scan.Limit)), func(r row) error {
			v, err := e.scanEntry(r)
			out = append(out, v)
			return err
		})
	return out, err
}

func (e *Engine) scanEntry(r row) (store.Entry, error) {
	doc, err := e.unsealed(r.blob(5), record.TableEntry, r.int(0), r.int(1))
	return store.Entry{EntryKey: store.EntryKey{List: r.int(0), Key: r.int(1)}, At: r.moment(2), Mark: r.int(3), Until: r.moment(4), Doc: doc}, err
}

// moment is a time that is zero where the column is NULL.
func (r row) moment(i int) time.Time {
	if r[i] == nil {
		return time.Time{}
	}
	return r.time(i)
}

// Usage is what was billed in a month.
func (e *Engine) Usage(ctx context.Context, account, month string) ([]store.Usage, error) {
	sql, args := "SELECT "+spendColumns+" FROM spend WHERE month = ? ORDER BY account, month, channel, country, route", []driver.Value{month}
	if account != "" {
		sql, args = "SELECT "+spendColumns+" FROM spend WHERE account = ? AND month = ? ORDER BY account, month, channel, country, route", []driver.Value{account, month}
	}
	var out []store.Usage
	err := e.scan(ctx, "usage", sql, args, func(r row) error {
		out = append(out, scanUsage(r))
		return nil
	})
	return out, err
}

func scanUsage(r row) store.Usage {
	return store.Usage{UsageKey: store.UsageKey{Account: r.text(0), Month: r.text(1), Channel: r.text(2), Country: r.text(3), Route: r.text(4)},
		Sums: store.Sums{Parts: r.int(5), Price: sms.Money(r.int(6)), FeeParts: r.int(7), Fee: sms.Money(r.int(8))}}
}
