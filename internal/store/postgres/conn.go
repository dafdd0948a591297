package postgres

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// statement is one of the engine's statements, with the types of its parameters.
type statement struct {
	name  string
	sql   string
	types []uint32
}

// conn is the connection that commits are made on. It goes past pgx, whose
// per-value work would cost the hot path more than it does the server.
type conn struct {
	raw      *pgconn.PgConn
	prepared bool
	warned   bool // the server warned while a commit was under way
}

// connect opens a connection and, where its session is the engine's own, prepares
// the statements.
func connect(ctx context.Context, config *pgconn.Config, prepare bool) (*conn, error) {
	c := &conn{prepared: prepare}
	config = config.Copy()
	config.OnNotice = func(_ *pgconn.PgConn, n *pgconn.Notice) {
		if strings.EqualFold(n.SeverityUnlocalized, "WARNING") {
			c.warned = true
		}
	}
	var err error
	if c.raw, err = pgconn.ConnectConfig(ctx, config); err != nil {
		return nil, err
	}
	if !prepare {
		return c, nil
	}
	if err := c.prepare(ctx, all); err != nil {
		c.close()
		return nil, err
	}
	return c, nil
}

func (c *conn) prepare(ctx context.Context, statements []*statement) (err error) {
	p := c.raw.StartPipeline(ctx)
	for _, s := range statements {
		p.SendPrepare(s.name, s.sql, s.types)
	}
	if err = p.Sync(); err == nil {
		for _, s := range statements {
			if _, err = p.GetResults(); err != nil {
				err = fmt.Errorf("prepare %s: %w", s.name, err)
				break
			}
		}
	}
	if closed := p.Close(); err == nil {
		err = closed
	}
	return err
}

func (c *conn) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = c.raw.Close(ctx)
}

// exchange is a run of statements that go out together. Each sync sends what was
// added since the last and waits for the answers.
type exchange struct {
	conn  *conn
	p     *pgconn.Pipeline
	added []sent
}

type sent struct {
	s    *statement
	each func(row) error
}

func (c *conn) exchange(ctx context.Context) *exchange {
	c.warned = false
	return &exchange{conn: c, p: c.raw.StartPipeline(ctx)}
}

var binaryFormat = []int16{1}

// add adds a statement; each, if not nil, is called for the rows of its answer.
func (x *exchange) add(s *statement, each func(row) error, params ...[]byte) {
	if x.conn.prepared {
		x.p.SendQueryPrepared(s.name, params, binaryFormat, binaryFormat)
	} else {
		x.p.SendQueryParams(s.sql, params, s.types, binaryFormat, binaryFormat)
	}
	x.added = append(x.added, sent{s, each})
}

// stepError names the statement that failed.
type stepError struct {
	s *statement
	error
}

func (e *stepError) Error() string { return e.s.name + ": " + e.error.Error() }
func (e *stepError) Unwrap() error { return e.error }

// sync sends what was added and reads the answers. It answers the first error;
// statements after that one were not carried out.
func (x *exchange) sync() error {
	added := x.added
	x.added = added[:0]
	if err := x.p.Sync(); err != nil {
		return err
	}
	var first error
	for i := 0; ; {
		results, err := x.p.GetResults()
		switch r := results.(type) {
		case *pgconn.PipelineSync:
			return first
		case *pgconn.ResultReader:
			err = read(r, added[i].each)
		case nil:
			if err == nil {
				return fmt.Errorf("the answer ends early: %w", first)
			}
		}
		if err != nil && first == nil {
			first = err
			if i < len(added) {
				first = &stepError{added[i].s, err}
			}
		}
		if err != nil && x.conn.raw.IsClosed() {
			return first
		}
		i++
	}
}

func read(r *pgconn.ResultReader, each func(row) error) error {
	var failed error
	for r.NextRow() {
		if failed == nil && each != nil {
			failed = unreadable(each(r.Values()))
		}
	}
	if _, err := r.Close(); err != nil {
		return err
	}
	return failed
}

// end leaves the exchange. A transaction that it has left open is undone, or else
// the connection is closed; it reports whether the connection can be used again.
func (x *exchange) end(ctx context.Context) bool {
	_ = x.p.Close() // its error came with an answer
	raw := x.conn.raw
	if !raw.IsClosed() && raw.TxStatus() != 'I' {
		_, _ = raw.Exec(ctx, "ROLLBACK").ReadAll()
	}
	if raw.IsClosed() || raw.TxStatus() != 'I' {
		x.conn.close()
		return false
	}
	return true
}
