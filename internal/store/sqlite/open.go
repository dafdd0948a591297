package sqlite

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/plan"
)

// Options tune an Engine; a zero field has its default.
type Options struct {
	// BusyTimeout is how long a lock that another process holds is waited for
	// before ErrUnavailable: 5 s.
	BusyTimeout time.Duration
	// Readers is the number of reading connections: 4.
	Readers int
	// CheckpointPages is the number of pages of 4 KiB in the write-ahead log at
	// which they are moved into the database file: 4,000.
	CheckpointPages int
	// Logger is told of checkpoints that fail: slog.Default().
	Logger *slog.Logger
	// CacheSize is the page cache of the writing connection in bytes: 4 MiB, since
	// keys ascend and what is written is at the ends of the tables.
	// Each reader has an eighth of it.
	CacheSize int
	// Ballast is the size in bytes of a file that takes room beside the database:
	// 32 MiB; a negative size is none. On a full disk it is removed, so that receipts
	// and other outcomes are written still, and new messages are refused with ErrFull
	// until there is room for it again.
	Ballast int64
	// Sealer encrypts texts of messages, and what else must not be readable in the file;
	// nil: nothing is.
	Sealer store.Sealer
}

func (o Options) withDefaults() Options {
	if o.BusyTimeout == 0 {
		o.BusyTimeout = 5 * time.Second
	}
	if o.Readers == 0 {
		o.Readers = 4
	}
	if o.CheckpointPages == 0 {
		o.CheckpointPages = 4000
	}
	if o.CacheSize == 0 {
		o.CacheSize = 4 << 20
	}
	if o.Ballast == 0 {
		o.Ballast = 32 << 20
	}
	if o.Logger == nil {
		o.Logger = slog.Default()
	}
	return o
}

// Engine is a store.Engine over one SQLite file.
type Engine struct {
	options Options
	readers chan *conn // those not in use
	opened  int        // readers
	mover   *mover
	closing chan struct{}
	broken  atomic.Bool

	mu     sync.Mutex // guards what follows: the writing connection and its transaction
	writer *conn
	batch  *plan.Batch
	rows   *statements
	ids    []driver.Value // scratch of load
	fence  store.Fence    // that seq is known for; none where Epoch is 0
	seq    int64          // last event of the fence's slot
	maxID  sms.ID         // no message row has a larger one
	closed bool

	ballast ballast
}

// Open opens the database file at path, making it where there is none, brings
// its tables up to date and moves what the write-ahead log holds into it. The
// directory must exist. The file is readable by its owner only. Open may be ended
// at any moment: the next one finds no file or a whole one.
//
// Errors are those of the contract: ErrUnavailable where the file cannot be
// opened or is locked, ErrBroken where it is damaged, no database, or gone from
// beside its write-ahead log.
func Open(ctx context.Context, path string, o Options) (*Engine, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	e := newEngine(path, o)
	if err = e.open(ctx, path); errors.Is(classify(err), store.ErrFull) && e.ballast.give(time.Now()) {
		e.release()
		e = newEngine(path, o)
		err = e.open(ctx, path)
	}
	if err != nil {
		e.release()
		return nil, fmt.Errorf("open database %s: %w", path, classify(err))
	}
	e.ballast.take(time.Now())
	go e.mover.run()
	return e, nil
}

func newEngine(path string, o Options) *Engine {
	o = o.withDefaults()
	return &Engine{options: o, batch: plan.New(), rows: newStatements(o.Sealer), closing: make(chan struct{}),
		ballast: ballast{path: path + ".ballast", bytes: max(0, o.Ballast)}}
}

func (e *Engine) open(ctx context.Context, path string) error {
	if err := prepare(ctx, path, e.options); err != nil {
		return err
	}
	return e.connect(ctx, path)
}

// connect opens the connections to a file that prepare has left. None of them makes
// a file: one that went away is missed, and not replaced by an empty one.
func (e *Engine) connect(ctx context.Context, path string) (err error) {
	if e.writer, err = connect(ctx, writing(path, e.options, e.options.CacheSize)); err != nil {
		return err
	}
	// Before anything is served: what the last process wrote to the log must be
	// readable and fit into the file.
	if _, err := checkpoint(e.writer, "TRUNCATE"); err != nil {
		return err
	}
	e.readers = make(chan *conn, e.options.Readers)
	for range e.options.Readers {
		c, err := connect(ctx, reading(path, e.options))
		if err != nil {
			return err
		}
		e.readers <- c
		e.opened++
	}
	c, err := connect(ctx, writing(path, e.options, 1<<20))
	if err != nil {
		return err
	}
	e.mover = newMover(e, c)
	return nil
}

// writing names the file for a connection that may write. The mover does all
// checkpoints, so that no commit waits for one that it happened to fall on, and
// so that their errors are seen.
func writing(path string, o Options, cache int) string {
	return dsn(path, o, cache, url.Values{"mode": {"rw"}, "_synchronous": {"FULL"}}, "wal_autocheckpoint(0)", "journal_size_limit(67108864)")
}

// reading names the file for a connection that only reads.
func reading(path string, o Options) string {
	return dsn(path, o, o.CacheSize/8, url.Values{"mode": {"ro"}})
}

func dsn(path string, o Options, cache int, q url.Values, pragmas ...string) string {
	q.Set("_busy_timeout", fmt.Sprint(o.BusyTimeout.Milliseconds()))
	q.Set("_foreign_keys", "off")
	q.Set("_dqs", "false")
	q["_pragma"] = append(pragmas, fmt.Sprintf("cache_size(-%d)", cache>>10), "temp_store(MEMORY)")
	u := url.URL{Scheme: "file", Path: path, RawQuery: q.Encode()}
	return u.String()
}

// Close waits for the transaction in progress, moves the write-ahead log into
// the file and closes it. A broken database is left exactly as it is: only the
// next start may read it again.
func (e *Engine) Close() error {
	e.mu.Lock()
	closed := e.closed
	if e.closed = true; !closed {
		close(e.closing)
	}
	e.mu.Unlock()
	if closed {
		return nil
	}
	e.mover.stop()
	if e.broken.Load() {
		return store.ErrBroken
	}
	_, err := checkpoint(e.writer, "TRUNCATE")
	return errors.Join(classify(err), e.release())
}

// release closes the connections, waiting for reads in progress.
func (e *Engine) release() error {
	var errs []error
	if e.mover != nil {
		errs = append(errs, e.mover.conn.close())
	}
	for range e.opened {
		errs = append(errs, (<-e.readers).close())
	}
	if e.writer != nil {
		errs = append(errs, e.writer.close())
	}
	return errors.Join(errs...)
}
