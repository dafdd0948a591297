package migrate

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"

	"heliograph/internal/datadir"
	"heliograph/internal/store/postgres"
	"heliograph/internal/store/sqlite"
)

// Options of a migration; a zero field has its default.
type Options struct {
	// Progress is told now and then how far it is.
	Progress func(Progress)
	// Logger is told what is unusual about a server: slog.Default().
	Logger *slog.Logger
	// AllowNoFsync accepts a server that does not wait for its disk. It is for
	// tests.
	AllowNoFsync bool
}

func (o Options) server() postgres.Options {
	return postgres.Options{Logger: o.Logger, AllowNoFsync: o.AllowNoFsync}
}

// ToPostgres moves the database in a data directory into an empty PostgreSQL
// database. It refuses a directory in which a process works, and databases whose
// tables are of another version than this program's.
func ToPostgres(ctx context.Context, dir, url string, o Options) (r Result, err error) {
	path := datadir.Database(dir)
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return Result{}, fmt.Errorf("there is no %s to move", path)
	}
	unlock, err := datadir.Lock(dir)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	source, err := sqlite.OpenSource(ctx, path, sqlite.Options{Logger: o.Logger})
	if err != nil {
		return Result{}, fmt.Errorf("source: %w", err)
	}
	defer source.Close()
	target, err := postgres.OpenTarget(ctx, url, o.server())
	if err != nil {
		return Result{}, fmt.Errorf("target: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	return move(ctx, source, target, o.Progress)
}

// FromPostgres moves a PostgreSQL database into a data directory, which must have
// no database. It refuses one that a node serves from, a directory in which a
// process works, and tables of another version than this program's.
func FromPostgres(ctx context.Context, url, dir string, o Options) (r Result, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return Result{}, fmt.Errorf("make the data directory: %w", err)
	}
	unlock, err := datadir.Lock(dir)
	if err != nil {
		return Result{}, err
	}
	defer unlock()
	target, err := sqlite.CreateTarget(ctx, datadir.Database(dir), sqlite.Options{Logger: o.Logger})
	if err != nil {
		return Result{}, fmt.Errorf("target: %w", err)
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	source, err := postgres.OpenSource(ctx, url, o.server())
	if err != nil {
		return Result{}, fmt.Errorf("source: %w", err)
	}
	defer source.Close()
	return move(ctx, source, target, o.Progress)
}
