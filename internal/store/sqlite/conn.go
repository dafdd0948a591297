package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"io"
	"strings"
	"time"

	driversqlite "modernc.org/sqlite"
)

// conn is a driver's connection with the statements prepared on it. It goes
// past database/sql, whose per-call work would cost the hot path more than
// SQLite does. One goroutine uses it at a time.
type conn struct {
	raw   driver.Conn
	stmts map[string]*stmt
	named []driver.NamedValue // scratch, Ordinal set
}

type stmt struct {
	close func() error
	exec  driver.StmtExecContext
	query driver.StmtQueryContext
}

func connect(ctx context.Context, dsn string) (*conn, error) {
	connector, err := driversqlite.NewConnector(dsn)
	if err != nil {
		return nil, err
	}
	raw, err := connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &conn{raw: raw, stmts: map[string]*stmt{}}, nil
}

func (c *conn) close() error {
	var errs []error
	for _, s := range c.stmts {
		errs = append(errs, s.close())
	}
	return errors.Join(append(errs, c.raw.Close())...)
}

func (c *conn) prepare(sql string) (*stmt, error) {
	if s := c.stmts[sql]; s != nil {
		return s, nil
	}
	prepared, err := c.raw.(driver.ConnPrepareContext).PrepareContext(context.Background(), sql)
	if err != nil {
		return nil, err
	}
	s := &stmt{close: prepared.Close, exec: prepared.(driver.StmtExecContext), query: prepared.(driver.StmtQueryContext)}
	c.stmts[sql] = s
	return s, nil
}

func (c *conn) bind(args []driver.Value) []driver.NamedValue {
	for len(c.named) < len(args) {
		c.named = append(c.named, driver.NamedValue{Ordinal: len(c.named) + 1})
	}
	named := c.named[:len(args)]
	for i, v := range args {
		named[i].Value = v
	}
	return named
}

// exec runs a statement that answers no rows and says how many it changed.
func (c *conn) exec(sql string, args ...driver.Value) (int64, error) {
	s, err := c.prepare(sql)
	if err != nil {
		return 0, err
	}
	result, err := s.exec.ExecContext(context.Background(), c.bind(args))
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

// query runs a statement and calls each for its rows. The row is reused.
func (c *conn) query(ctx context.Context, sql string, args []driver.Value, each func(row) error) error {
	s, err := c.prepare(sql)
	if err != nil {
		return err
	}
	rows, err := s.query.QueryContext(ctx, c.bind(args))
	if err != nil {
		return err
	}
	values := make(row, len(rows.Columns()))
	for err == nil {
		if err = rows.Next(values); err == nil {
			err = each(values)
		}
		if err == nil {
			err = ctx.Err()
		}
	}
	if closed := rows.Close(); err == io.EOF {
		err = closed
	}
	return err
}

// row is a result row. The tables are STRICT, so a column's type is known.
type row []driver.Value

func (r row) int(i int) int64 {
	v, _ := r[i].(int64)
	return v
}

func (r row) text(i int) string {
	v, _ := r[i].(string)
	return v
}

// blob is the caller's to keep.
func (r row) blob(i int) []byte {
	v, _ := r[i].([]byte)
	return v
}

func (r row) time(i int) time.Time { return time.UnixMilli(r.int(i)).UTC() }

// bulk is a statement for many rows at once: prefix, a group for each row with
// commas between, suffix. A run of rows is split into few lengths, so that few
// statements serve every length and a short run takes one.
type bulk struct {
	prefix, group, suffix string
	width                 int // values in a group
	sql                   [len(bulkRows)]string
	values                []driver.Value
}

// bulkRows are the lengths that there are statements for.
var bulkRows = [...]int{64, 32, 16, 12, 10, 8, 7, 6, 5, 4, 3, 2, 1}

func newBulk(prefix, group, suffix string) *bulk {
	return &bulk{prefix: prefix, group: group, suffix: suffix, width: strings.Count(group, "?")}
}

func (b *bulk) add(values ...driver.Value) { b.values = append(b.values, values...) }

func (b *bulk) reset() {
	clear(b.values)
	b.values = b.values[:0]
}

func (b *bulk) statement(i int) string {
	if b.sql[i] == "" {
		b.sql[i] = b.prefix + strings.Repeat(b.group+",", bulkRows[i]-1) + b.group + b.suffix
	}
	return b.sql[i]
}

// exec writes the rows that were added and forgets them.
func (b *bulk) exec(c *conn) error {
	defer b.reset()
	return b.each(func(sql string, values []driver.Value) error {
		_, err := c.exec(sql, values...)
		return err
	})
}

// query asks for the rows that were added and forgets them.
func (b *bulk) query(ctx context.Context, c *conn, each func(row) error) error {
	defer b.reset()
	return b.each(func(sql string, values []driver.Value) error {
		return c.query(ctx, sql, values, each)
	})
}

func (b *bulk) each(run func(sql string, values []driver.Value) error) error {
	rest := b.values
	for i := 0; len(rest) > 0; {
		n := b.width * bulkRows[i]
		if len(rest) < n {
			i++
			continue
		}
		if err := run(b.statement(i), rest[:n]); err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}
