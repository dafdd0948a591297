package sqlite

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"heliograph/internal/store"
	"heliograph/internal/store/transfer"
)

// Target is a new database file that everything is written to. It has another
// name until Commit, so that no process takes what is half there for a database.
type Target struct {
	copied
	path, building string
	done           bool
}

var _ transfer.Target = (*Target)(nil)

// CreateTarget makes a database that Commit puts at path, where there must be none,
// nor a write-ahead log. What an interrupted one has left is removed; the caller sees to it that
// there is no other at work.
func CreateTarget(ctx context.Context, path string, o Options) (*Target, error) {
	t, err := createTarget(ctx, path, o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("make database %s: %w", path, classify(err))
	}
	return t, nil
}

func createTarget(ctx context.Context, path string, o Options) (*Target, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	// A write-ahead log would be taken for that of the new file.
	for _, name := range []string{path, path + "-wal"} {
		absent, err := missing(name)
		if err != nil {
			return nil, err
		}
		if !absent {
			return nil, fmt.Errorf("%s is there already; move %s away, and with it -wal and -shm", filepath.Base(name), filepath.Base(path))
		}
	}
	t := &Target{path: path, building: path + ".migrating"}
	if err := t.remove(); err != nil {
		return nil, err
	}
	file, err := os.OpenFile(t.building, os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	if err := file.Close(); err != nil {
		return nil, err
	}
	if err := t.create(ctx, o); err != nil {
		return nil, errors.Join(err, t.Close())
	}
	return t, nil
}

// create makes the tables, and one transaction for all that follows. Nobody else
// has the file, and it is thrown away where anything fails, so nothing is written
// twice nor waited for before Commit.
func (t *Target) create(ctx context.Context, o Options) error {
	if err := migrate(ctx, creating(t.building, o)); err != nil {
		return err
	}
	var err error
	if t.conn, err = connect(ctx, dsn(t.building, o, o.CacheSize, url.Values{"mode": {"rw"}, "_journal_mode": {"OFF"}, "_synchronous": {"OFF"}}, "locking_mode(EXCLUSIVE)")); err != nil {
		return err
	}
	if err := t.learn(ctx); err != nil {
		return err
	}
	_, err = t.conn.exec("BEGIN IMMEDIATE")
	return err
}

// Write adds the rows that rows puts to a table.
func (t *Target) Write(ctx context.Context, table transfer.Table, rows func(put func(transfer.Row) error) error) error {
	if table.Name == transfer.NodeTable {
		return classify(t.writeNodes(rows))
	}
	var names []string
	slot, seq := -1, -1
	for i, column := range table.Columns {
		switch {
		case t.keyed[table.Name] && column.Name == "slot":
			slot = i
		case t.keyed[table.Name] && column.Name == "seq":
			seq = i
		default:
			names = append(names, quoted(column.Name))
		}
	}
	if slot >= 0 {
		names = append(names, packed)
	}
	insert := newBulk("INSERT INTO "+quoted(table.Name)+" ("+strings.Join(names, ", ")+") VALUES ", "(?"+strings.Repeat(",?", len(names)-1)+")", "")
	full := bulkRows[0] * insert.width
	err := rows(func(r transfer.Row) error {
		for i := range r {
			switch v := &r[i]; {
			case i == slot || i == seq:
			case v.Null:
				insert.add(nil)
			case table.Columns[i].Kind == transfer.Text:
				insert.add(string(v.Bytes))
			case table.Columns[i].Kind == transfer.Bytes:
				// Values wait until there are enough, and the row is used again.
				insert.add(append([]byte{}, v.Bytes...))
			default:
				insert.add(v.Int)
			}
		}
		if slot >= 0 {
			insert.add(key(int(r[slot].Int), r[seq].Int))
		}
		if len(insert.values) < full {
			return nil
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		return insert.exec(t.conn)
	})
	if err == nil {
		err = insert.exec(t.conn)
	}
	return classify(err)
}

// writeNodes keeps for each slot where its log and IDs end, whether the rows that
// they end with are there or not.
func (t *Target) writeNodes(rows func(put func(transfer.Row) error) error) error {
	return rows(func(r transfer.Row) error {
		_, err := t.conn.exec("INSERT INTO node (epoch, id, name, seq, slot) VALUES (?,?,?,?,?)",
			r[0].Int, r[1].Int, string(r[2].Bytes), r[3].Int, r[4].Int)
		return err
	})
}

// Commit makes the file durable and gives it its name.
func (t *Target) Commit(ctx context.Context) error {
	err := t.commit(ctx)
	if err != nil {
		return fmt.Errorf("finish database %s: %w", t.path, classify(err))
	}
	return nil
}

func (t *Target) commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if _, err := t.conn.exec("COMMIT"); err != nil {
		return err
	}
	// Kept in the file: who opens it next finds it as Open makes one.
	mode := ""
	if err := t.conn.query(ctx, "PRAGMA journal_mode = WAL", nil, func(r row) error {
		mode = r.text(0)
		return nil
	}); err != nil {
		return err
	}
	if mode != "wal" {
		return fmt.Errorf("%w: the journal cannot be a write-ahead log but is %q", store.ErrBroken, mode)
	}
	err := t.conn.close()
	t.conn = nil
	if err != nil {
		return err
	}
	if err := syncFile(t.building); err != nil {
		return err
	}
	for _, end := range beside { // they are empty, or of no use without theirs
		if err := remove(t.path + end); err != nil {
			return err
		}
	}
	if err := os.Rename(t.building, t.path); err != nil {
		return err
	}
	t.done = true
	return syncDirectory(filepath.Dir(t.path))
}

// syncFile waits until what any connection wrote to a file is on disk.
func syncFile(name string) error {
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}

// Close removes the file, unless Commit came first.
func (t *Target) Close() error {
	var err error
	if t.conn != nil {
		err = t.conn.close()
		t.conn = nil
	}
	if t.done {
		return err
	}
	return t.remove()
}

func (t *Target) remove() error {
	var errs []error
	for _, end := range append([]string{""}, beside...) {
		errs = append(errs, remove(t.building+end))
	}
	return errors.Join(errs...)
}
