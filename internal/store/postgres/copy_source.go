package postgres

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"heliograph/internal/store/transfer"
)

var _ transfer.Source = (*Source)(nil)

// Source is a database that everything is read from.
type Source struct{ *copied }

// OpenSource opens the database at url. It refuses one that a node serves from, or
// whose tables are not of this program's version. Nodes whose leases have run out
// are fenced off, so that none comes back; nothing else is written. Until Close
// nodes that start wait; one that tries to join without a new start ends the reading.
func OpenSource(ctx context.Context, url string, o Options) (*Source, error) {
	o = o.withDefaults()
	o.AllowNoFsync = true // nothing that counts is written here
	c, _, err := connectCopy(ctx, url, o)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", classify(ctx, err))
	}
	s := &Source{c}
	if err := s.open(ctx, o); err != nil {
		c.close()
		return nil, fmt.Errorf("open database: %w", classify(ctx, err))
	}
	return s, nil
}

func (s *Source) open(ctx context.Context, o Options) error {
	wanted, err := schemaVersion()
	if err != nil {
		return err
	}
	found, err := s.version(ctx)
	switch {
	case err != nil:
		return err
	case found == 0:
		return unreadable(errors.New("it has no tables of this program"))
	case found != wanted:
		return wrongVersion(found, wanted)
	}
	if err := s.clear(ctx, o); err != nil {
		return err
	}
	if _, err := s.conn.Exec(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY"); err != nil {
		return err
	}
	if err := s.keepOut(ctx, o); err != nil {
		return err
	}
	if err := s.learn(ctx); err != nil {
		return err
	}
	var names []string
	for _, table := range s.schema.Tables {
		names = append(names, quoted(table.Name))
	}
	// From here on it stands still, and each table is read as it stands now.
	if _, err := s.conn.Exec(ctx, "LOCK TABLE "+strings.Join(names, ", ")+" IN SHARE MODE"); err != nil {
		return inUse(err)
	}
	// Rows lie about in the order of their keys as far as that matters; sorting
	// them all would take the server's disk.
	_, err = s.conn.Exec(ctx, "SET LOCAL enable_sort = off")
	return err
}

// clear fences off the nodes whose leases have run out.
func (s *Source) clear(ctx context.Context, o Options) error {
	tx, err := s.conn.Begin(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback(ctx) }() // nothing, after a commit
	if err := s.keepOut(ctx, o); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, "UPDATE node SET epoch = epoch + 1, until = NULL, since = NULL WHERE until IS NOT NULL RETURNING slot::int")
	if err != nil {
		return err
	}
	slots, err := pgx.CollectRows(rows, pgx.RowTo[int])
	if err != nil {
		return err
	}
	for _, slot := range slots {
		if err := (*Engine)(nil).drop(ctx, tx, slot); err != nil {
			return err
		}
	}
	return tx.Commit(ctx)
}

// keepOut sees to it, until the transaction ends, that no node is there. Those that
// start wait for the first lock, and every commit for the second.
func (s *Source) keepOut(ctx context.Context, o Options) error {
	if err := s.limits(ctx, o); err != nil {
		return err
	}
	if _, err := s.conn.Exec(ctx, "SELECT pg_advisory_xact_lock($1::bigint)", migrationLock); err != nil {
		return inUse(err)
	}
	if _, err := s.conn.Exec(ctx, "LOCK TABLE node IN EXCLUSIVE MODE"); err != nil {
		return inUse(err)
	}
	return s.serving(ctx)
}

// Close ends the transaction.
func (s *Source) Close() { s.close() }
