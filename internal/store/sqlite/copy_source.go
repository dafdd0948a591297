package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"

	"heliograph/internal/store/transfer"
)

// Source is a database file that everything is read from. Nothing is written to
// it.
type Source struct{ copied }

var _ transfer.Source = (*Source)(nil)

// OpenSource opens the database file at path. The caller sees to it that no
// process has it open. Its tables have to be of this program's version.
func OpenSource(ctx context.Context, path string, o Options) (*Source, error) {
	s, err := openSource(ctx, path, o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open database %s: %w", path, classify(err))
	}
	return s, nil
}

func openSource(ctx context.Context, path string, o Options) (*Source, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(path); err != nil {
		return nil, err
	}
	q := url.Values{"mode": {"ro"}}
	// What a write-ahead log holds is read from there. Without one no other file is
	// needed, nor left beside this one.
	switch unlogged, err := missing(path + "-wal"); {
	case err != nil:
		return nil, err
	case unlogged:
		q.Set("immutable", "1")
	}
	c, err := connect(ctx, dsn(path, o, o.CacheSize, q))
	if err != nil {
		return nil, err
	}
	s := &Source{copied{conn: c}}
	if err := s.begin(ctx); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return s, nil
}

// begin starts the transaction that everything is read in.
func (s *Source) begin(ctx context.Context) error {
	wanted, err := schemaVersion()
	if err != nil {
		return err
	}
	if _, err := s.conn.exec("BEGIN"); err != nil {
		return err
	}
	found, err := versionOf(ctx, s.conn)
	switch {
	case err != nil:
		return err
	case found == 0:
		return errors.New("it has no tables of this program")
	case found != wanted:
		return fmt.Errorf("its tables are of version %d, and this program has version %d; start the service of this version over it once", found, wanted)
	}
	return s.learn(ctx)
}

// Close closes the file.
func (s *Source) Close() { _ = s.conn.close() } // nothing was written
