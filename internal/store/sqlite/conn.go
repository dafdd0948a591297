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
	return c.execPrepared(s, args)
}

func (c *conn) execPrepared(s *stmt, args []driver.Value) (int64, error) {
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
	return c.queryPrepared(ctx, s, args, each)
}

func (c *conn) queryPrepared(ctx context.Context, s *stmt, args []driver.Value, each func(row) error) error {
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
	values                []driver.Value

	on    *conn                // that the statements are prepared on
	stmts [len(bulkRows)]*stmt // nil until they are needed
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

// statement is the one for bulkRows[i] rows. A bulk is used on one connection for
// long, so its long texts are not looked up each time.
func (b *bulk) statement(c *conn, i int) (*stmt, error) {
	if b.on != c {
		b.on = c
		clear(b.stmts[:])
	}
	if b.stmts[i] == nil {
		s, err := c.prepare(b.prefix + strings.Repeat(b.group+",", bulkRows[i]-1) + b.group + b.suffix)
		if err != nil {
			return nil, err
		}
		b.stmts[i] = s
	}
	return b.stmts[i], nil
}

// exec writes the rows that were added and forgets them.
func (b *bulk) exec(c *conn) error {
	return b.each(c, func(s *stmt, values []driver.Value) error {
		_, err := c.execPrepared(s, values)
		return err
	})
}

// query asks for the rows that were added and forgets them.
func (b *bulk) query(ctx context.Context, c *conn, each func(row) error) error {
	return b.each(c, func(s *stmt, values []driver.Value) error {
		return c.queryPrepared(ctx, s, values, each)
	})
}

func (b *bulk) each(c *conn, run func(s *stmt, values []driver.Value) error) error {
	defer b.reset()
	rest := b.values
	for i := 0; len(rest) > 0; {
		n := b.width * bulkRows[i]
		if len(rest) < n {
			i++
			continue
		}
		s, err := b.statement(c, i)
		if err == nil {
			err = run(s, rest[:n])
		}
		if err != nil {
			return err
		}
		rest = rest[n:]
	}
	return nil
}
