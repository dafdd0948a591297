package sqlite

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"

	"github.com/pressly/goose/v3"

	"heliograph/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// prepare leaves a database file with all tables at path. A new one is built under
// another name and gets its own when it is whole and on disk.
func prepare(ctx context.Context, path string, o Options) error {
	absent, err := missing(path)
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if !absent {
		return migrate(ctx, upgrading(path, o))
	}
	unlogged, err := missing(path + "-wal")
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if !unlogged {
		return fmt.Errorf("%w: the database file is gone or empty, and its write-ahead log %s-wal is not: put both back, or take the log away to begin anew", store.ErrBroken, path)
	}
	return build(ctx, path, o)
}

// missing reports whether there is no such file, or an empty one: a database that
// was never written.
func missing(path string) (bool, error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return true, nil
	}
	return err == nil && info.Size() == 0, err
}

// beside are the files that SQLite may keep beside a database, by what their names
// end in. It would take one that was left by another database for this one's.
var beside = []string{"-journal", "-wal", "-shm"}

// build makes a database of its own beside path and renames it.
func build(ctx context.Context, path string, o Options) error {
	unfinished := path + ".new"
	for _, name := range append([]string{""}, beside...) {
		if err := remove(unfinished + name); err != nil {
			return err
		}
	}
	for _, name := range beside {
		if err := remove(path + name); err != nil {
			return err
		}
	}
	file, err := os.OpenFile(unfinished, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	if err := migrate(ctx, creating(unfinished, o)); err != nil {
		return err
	}
	// Closing it has moved the log into the file, and made the file durable.
	moved, err := missing(unfinished + "-wal")
	if err == nil && !moved {
		err = errors.New("its write-ahead log was not moved into it")
	}
	if err != nil {
		return fmt.Errorf("%w: make the database: %w", store.ErrUnavailable, err)
	}
	if err := errors.Join(os.Rename(unfinished, path), syncDirectory(filepath.Dir(path))); err != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}

func remove(name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return nil
}

func syncDirectory(name string) error {
	d, err := os.Open(name)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// creating names a file for the connection that makes the tables. auto_vacuum
// counts only while the file is empty.
func creating(path string, o Options) string {
	return dsn(path, o, o.CacheSize, url.Values{
		"mode":          {"rw"},
		"_auto_vacuum":  {"INCREMENTAL"},
		"_journal_mode": {"WAL"},
		"_synchronous":  {"FULL"},
	})
}

// upgrading names a file for the connection that brings its tables up to date.
func upgrading(path string, o Options) string {
	return dsn(path, o, o.CacheSize, url.Values{"mode": {"rw"}, "_journal_mode": {"WAL"}, "_synchronous": {"FULL"}})
}

func migrate(ctx context.Context, dsn string) (err error) {
	db, err := sql.Open("sqlite", dsn)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	db.SetMaxOpenConns(1)
	files, err := fs.Sub(migrations, "migrations")
	if err != nil {
		return err
	}
	provider, err := goose.NewProvider(goose.DialectSQLite3, db, files, goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return err
	}
	_, err = provider.Up(ctx)
	return err
}
