package postgres

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/pressly/goose/v3"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/plan"
)

// Options tune an Engine; a zero field has its default.
type Options struct {
	// Lease is how long a node's lease lasts: 5 s.
	Lease time.Duration
	// Patience is how long a takeover waits for the commits of the slot that are
	// under way before it ends their backends: 500 ms.
	Patience time.Duration
	// Poll is how often Watch looks for changes where it cannot be told of them: 1 s.
	// Where it can it looks ten times less often.
	Poll time.Duration
	// StatementTimeout, LockTimeout and IdleTimeout are the server's limits for
	// each statement of a commit (5 s), for waiting for a row that another node has
	// locked (3 s), and for a commit that stops in the middle (1 s).
	StatementTimeout, LockTimeout, IdleTimeout time.Duration
	// CommitTimeout is how long the answers to a commit are waited for before its
	// connection is given up: 10 s. It should be more than StatementTimeout.
	CommitTimeout time.Duration
	// ReadTimeout is the server's limit for a reading statement: 30 s.
	ReadTimeout time.Duration
	// ConnectTimeout, where the URL sets no connect_timeout: 3 s.
	ConnectTimeout time.Duration
	// Readers is the number of reading connections: 8. There are up to ten more, for
	// commits, leases, notifications and what nodes share.
	Readers int
	// AllowNoFsync accepts a server that does not wait for its disk, where what was
	// answered is lost with the machine's power. It is for tests.
	AllowNoFsync bool
	// Logger is told of pooling, settings and commits with an unknown outcome:
	// slog.Default().
	Logger *slog.Logger
	// Sealer encrypts texts of messages, and what else must not be readable in the
	// database; nil: nothing is.
	Sealer store.Sealer

	dial pgconn.DialFunc // of the connections that commits are made on; for tests
}

const (
	// retryPause is how long a database that could not be reached is taken to be
	// away.
	retryPause    = 250 * time.Millisecond
	restless      = time.Second // a connection that was idle for longer is tried first
	closeTimeout  = time.Second
	leaders       = 4 // connections for leases
	sharers       = 4 // connections for what nodes share
	oldestVersion = 150000
)

func (o Options) withDefaults() Options {
	for _, d := range []struct {
		field *time.Duration
		value time.Duration
	}{
		{&o.Lease, 5 * time.Second}, {&o.Patience, 500 * time.Millisecond}, {&o.Poll, time.Second},
		{&o.StatementTimeout, 5 * time.Second}, {&o.LockTimeout, 3 * time.Second}, {&o.IdleTimeout, time.Second},
		{&o.CommitTimeout, 10 * time.Second}, {&o.ReadTimeout, 30 * time.Second}, {&o.ConnectTimeout, 3 * time.Second},
	} {
		if *d.field == 0 {
			*d.field = d.value
		}
	}
	if o.Readers == 0 {
		o.Readers = 8
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Engine is a store.Engine, store.Leases, store.Watcher and store.Shared over one
// PostgreSQL database.
type Engine struct {
	options  Options
	pooled   bool            // sessions are not the engine's own
	config   *pgconn.Config  // of the connection that commits
	watching *pgx.ConnConfig // of the connection that listens
	settings [2][]byte       // names and values, of each transaction where pooled
	reads    *pgxpool.Pool
	leads    *pgxpool.Pool     // leases do not wait for reads
	shares   *pgxpool.Pool     // nor does what is shared
	writing  map[string]string // settings of connections that write
	closing  chan struct{}
	closed   sync.Once

	sweeping sync.Mutex // guards swept, and sweeps until closing
	swept    time.Time
	sweeps   sync.WaitGroup

	mu        sync.Mutex // guards what follows
	writer    *conn      // nil: none
	used      time.Time  // when it was asked for last
	away      error      // why there is none, until awayUntil
	awayUntil time.Time
	batch     *plan.Batch
	loader    *loader
	writes    *writes
	asked     *recipients
	running   *running    // of the fence
	fence     store.Fence // that commits, seq and maxID are known for; none where Epoch is 0
	commits   int64       // number of the last commit
	seq       int64       // last event of the slot
	maxID     sms.ID      // largest ID made by the slot, of a message or of another event
	next      int64       // number of the commit under way
	newest    sms.ID      // maxID after it
}

var (
	_ store.Engine  = (*Engine)(nil)
	_ store.Leases  = (*Engine)(nil)
	_ store.Watcher = (*Engine)(nil)
	_ store.Shared  = (*Engine)(nil)
)

//go:embed migrations/*.sql
var migrations embed.FS

// Open connects to the database at url (postgres://...), makes sure that what it
// answers is durable, and brings the tables up to date, which several nodes may do
// at once. Parameters of the URL are those of libpq; several hosts with
// target_session_attrs=read-write follow a failover.
//
// Errors: ErrUnavailable where the database cannot be reached. One that is
// reached and does not fit says why.
func Open(ctx context.Context, url string, o Options) (*Engine, error) {
	e := &Engine{options: o.withDefaults(), batch: plan.New(), loader: newLoader(), writes: newWrites(o.Sealer), asked: newRecipients(), running: newRunning(), closing: make(chan struct{})}
	if err := e.open(ctx, url); err != nil {
		e.release()
		return nil, fmt.Errorf("open database: %w", classify(ctx, err))
	}
	return e, nil
}

func (e *Engine) open(ctx context.Context, url string) error {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return unreadable(err) // it does not show the password
	}
	if config.ConnConfig.ConnectTimeout == 0 {
		config.ConnConfig.ConnectTimeout = e.options.ConnectTimeout
	}
	server, err := probe(ctx, config.ConnConfig)
	if err != nil {
		return err
	}
	if err := e.check(server); err != nil {
		return err
	}
	e.pooled = server.pooled
	if err := migrate(ctx, config.ConnConfig); err != nil {
		return err
	}
	e.configure(config.ConnConfig, server)
	if e.reads, err = e.pool(ctx, config, e.options.Readers, e.reading(), nil); err != nil {
		return err
	}
	if e.leads, err = e.pool(ctx, config, leaders, e.reading(), nil); err != nil {
		return err
	}
	if e.shares, err = e.pool(ctx, config, sharers, e.writing, sharing); err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	_, err = e.writerConn(ctx)
	return err
}

// migrate brings the tables up to date. Nodes that start together do it one after
// the other: the lock is a transaction's, so that it works through a pooler too and
// ends with the process.
func migrate(ctx context.Context, base *pgx.ConnConfig) (err error) {
	config := base.Copy()
	config.DefaultQueryExecMode = pgx.QueryExecModeExec
	lock, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, lock.Close(ctx)) }()
	tx, err := lock.Begin(ctx)
	if err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SELECT set_config('idle_in_transaction_session_timeout', '0', true), set_config('statement_timeout', '0', true)"); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, "SELECT pg_advisory_xact_lock($1::bigint)", migrationLock); err != nil {
		return err
	}
	db := stdlib.OpenDB(*config)
	defer func() { err = errors.Join(err, db.Close()) }()
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectPostgres, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	if _, err := provider.Up(ctx); err != nil {
		return err
	}
	return tx.Rollback(ctx)
}

// migrationLock is the key of the advisory lock: "helio" in ASCII.
const migrationLock int64 = 0x68656c696f

// Close waits for the transaction in progress and closes the connections. A node
// that ends in order calls Leave before.
func (e *Engine) Close() error {
	e.closed.Do(func() {
		e.sweeping.Lock()
		close(e.closing)
		e.sweeping.Unlock()
		e.release()
		e.sweeps.Wait()
	})
	return nil
}

func (e *Engine) isClosed() bool {
	select {
	case <-e.closing:
		return true
	default:
		return false
	}
}

func (e *Engine) release() {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.writer != nil {
		e.writer.close()
		e.writer = nil
	}
	for _, p := range []*pgxpool.Pool{e.reads, e.leads, e.shares} {
		if p != nil {
			p.Close()
		}
	}
}
