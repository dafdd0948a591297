package postgres

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"heliograph/internal/sms"
	"heliograph/internal/store/transfer"
)

// Target is an empty database that everything is written to, in one transaction.
//
// Rows are sent with COPY, which the engine does without: a client that stalls in
// one holds its locks for long. Here nobody waits for them, as no node serves from
// this database, and one that starts has to wait for the end in any case.
type Target struct{ *copied }

var _ transfer.Target = (*Target)(nil)

// OpenTarget opens the database at url and brings its tables up to date. It
// refuses one that is not empty. Until Close, nodes that start wait.
func OpenTarget(ctx context.Context, url string, o Options) (*Target, error) {
	o = o.withDefaults()
	c, found, err := connectCopy(ctx, url, o)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", classify(ctx, err))
	}
	t := &Target{c}
	if err := t.open(ctx, found, o); err != nil {
		c.close()
		return nil, fmt.Errorf("open database: %w", classify(ctx, err))
	}
	return t, nil
}

func (t *Target) open(ctx context.Context, found server, o Options) error {
	wanted, err := schemaVersion()
	if err != nil {
		return err
	}
	switch version, err := t.version(ctx); {
	case err != nil:
		return err
	case version == 0:
		if err := migrate(ctx, t.conn.Config()); err != nil {
			return fmt.Errorf("make the tables: %w", err)
		}
	case version != wanted:
		return wrongVersion(version, wanted)
	}
	if _, err := t.conn.Exec(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"); err != nil {
		return err
	}
	if err := t.limits(ctx, o); err != nil {
		return err
	}
	// Nodes that start wait for this lock before anything else.
	if _, err := t.conn.Exec(ctx, "SELECT pg_advisory_xact_lock($1::bigint)", migrationLock); err != nil {
		return inUse(err)
	}
	if found.synchronousCommit == "off" {
		if _, err := t.conn.Exec(ctx, "SET LOCAL synchronous_commit = on"); err != nil {
			return err
		}
	}
	if err := t.learn(ctx); err != nil {
		return err
	}
	return t.empty(ctx)
}

// empty locks all tables and answers an error where one has rows.
func (t *Target) empty(ctx context.Context) error {
	tables := []string{"last_commit"}
	for _, table := range t.schema.Tables {
		tables = append(tables, table.Name)
	}
	slices.Sort(tables)
	for i := range tables {
		tables[i] = quoted(tables[i])
	}
	if _, err := t.conn.Exec(ctx, "LOCK TABLE "+strings.Join(tables, ", ")+" IN EXCLUSIVE MODE"); err != nil {
		return inUse(err)
	}
	if err := t.serving(ctx); err != nil {
		return err
	}
	for _, table := range tables {
		var rows bool
		if err := t.conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM "+table+")").Scan(&rows); err != nil {
			return err
		}
		if rows {
			return unreadable(fmt.Errorf("the database is not empty: table %s has rows; an empty one is needed", table))
		}
	}
	return nil
}

// Write adds the rows that rows puts to a table.
func (t *Target) Write(ctx context.Context, table transfer.Table, rows func(put func(transfer.Row) error) error) error {
	if table.Name == transfer.NodeTable {
		return classify(ctx, t.writeNodes(ctx, rows))
	}
	types := make([]uint32, 0, len(table.Columns))
	names := make([]string, 0, len(table.Columns))
	for _, column := range table.Columns {
		oid, there := t.types[table.Name][column.Name]
		if !there {
			return unreadable(fmt.Errorf("table %s has no column %s", table.Name, column.Name))
		}
		types, names = append(types, oid), append(names, quoted(column.Name))
	}
	var constant []byte
	extra := 0
	if table.Name == spendTable { // as slot 0 would have spent it
		names = append(names, "slot", "n")
		constant = binary.BigEndian.AppendUint16([]byte{0, 0, 0, 2}, 0)
		constant = binary.BigEndian.AppendUint64(append(constant, 0, 0, 0, lengthOfInt), 0)
		extra = 2
	}
	in, out := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		w := &copyWriter{to: out, table: table, types: types, constant: constant, fields: uint16(len(types) + extra)}
		w.begin()
		err := rows(w.put)
		if err == nil {
			err = w.end()
		}
		_ = out.CloseWithError(err) // of a pipe it is always nil
		ended <- err
	}()
	_, err := t.conn.PgConn().CopyFrom(ctx, in, "COPY "+quoted(table.Name)+" ("+strings.Join(names, ", ")+") FROM STDIN (FORMAT binary)")
	_ = in.CloseWithError(errStopped)
	if own := <-ended; own != nil && !errors.Is(own, errStopped) {
		return own // the server's error tells of it only
	}
	return classify(ctx, err)
}

var errStopped = errors.New("the server takes no more rows")

// writeNodes makes all slots free. What the last commit of each has left is said
// for those too that never were: it would be looked for among all messages.
func (t *Target) writeNodes(ctx context.Context, rows func(put func(transfer.Row) error) error) error {
	known := map[int64]bool{}
	add := func(slot, epoch, seq, id int64) error {
		_, err := t.conn.Exec(ctx, "INSERT INTO last_commit (slot, epoch, n, seq, id) VALUES ($1::int, $2::bigint, 0, $3::bigint, $4::bigint)", slot, epoch, seq, id)
		return err
	}
	err := rows(func(r transfer.Row) error {
		epoch, id, name, seq, slot := r[0].Int, r[1].Int, string(r[2].Bytes), r[3].Int, r[4].Int
		known[slot] = true
		if _, err := t.conn.Exec(ctx, "INSERT INTO node (slot, epoch, name) VALUES ($1::int, $2::bigint, $3::text)", slot, epoch, name); err != nil {
			return err
		}
		return add(slot, epoch, seq, id)
	})
	for slot := int64(0); slot <= sms.MaxSlot && err == nil; slot++ {
		if !known[slot] {
			err = add(slot, 0, 0, 0)
		}
	}
	return err
}

// Commit makes durable what was written. Statistics come with it, so that the
// first to read does not go by those of an empty database.
func (t *Target) Commit(ctx context.Context) error {
	names := []string{"last_commit"}
	for _, table := range t.schema.Tables {
		names = append(names, quoted(table.Name))
	}
	if _, err := t.conn.Exec(ctx, "ANALYZE "+strings.Join(names, ", ")); err != nil {
		return fmt.Errorf("make statistics: %w", classify(ctx, err))
	}
	if _, err := t.conn.Exec(ctx, "COMMIT"); err != nil {
		return fmt.Errorf("commit, of which the outcome is unknown where the connection broke: %w", classify(ctx, err))
	}
	return nil
}

// Close undoes what was written, unless Commit came first.
func (t *Target) Close() error {
	t.close()
	return nil
}

// copyWriter writes rows in the binary format of COPY (PostgreSQL, chapter "SQL
// Commands", COPY, "Binary Format").
type copyWriter struct {
	to       io.Writer
	table    transfer.Table
	types    []uint32
	constant []byte // fields that end each row, with their lengths
	fields   uint16
	buf      bytes.Buffer
}

// copyChunk is how much is handed on at once.
const copyChunk = 64 << 10

func (w *copyWriter) begin() {
	w.buf.WriteString("PGCOPY\n\xff\r\n\x00")
	w.buf.Write(make([]byte, 8)) // flags, and the length of an extension
}

func (w *copyWriter) put(r transfer.Row) error {
	b := binary.BigEndian.AppendUint16(w.buf.AvailableBuffer(), w.fields)
	for i := range r {
		var err error
		if b, err = w.field(b, i, &r[i]); err != nil {
			return err
		}
	}
	w.buf.Write(append(b, w.constant...))
	if w.buf.Len() < copyChunk {
		return nil
	}
	_, err := w.buf.WriteTo(w.to)
	return err
}

func (w *copyWriter) field(b []byte, i int, v *transfer.Value) ([]byte, error) {
	if v.Null {
		return binary.BigEndian.AppendUint32(b, nullElement), nil
	}
	limit, length := int64(math.MaxInt64), uint32(lengthOfInt)
	switch w.types[i] {
	case oidText, oidBytea:
		return append(binary.BigEndian.AppendUint32(b, uint32(len(v.Bytes))), v.Bytes...), nil
	case oidBool:
		limit, length = 1, 1
	case oidSmallint:
		limit, length = math.MaxInt16, 2
	case oidInteger:
		limit, length = math.MaxInt32, 4
	}
	if v.Int > limit || v.Int < -limit-1 || length == 1 && v.Int < 0 {
		return nil, unreadable(fmt.Errorf("table %s, column %s: %d is more than the database takes there", w.table.Name, w.table.Columns[i].Name, v.Int))
	}
	b = binary.BigEndian.AppendUint32(b, length)
	for shift := 8 * (int(length) - 1); shift >= 0; shift -= 8 {
		b = append(b, byte(v.Int>>shift))
	}
	return b, nil
}

func (w *copyWriter) end() error {
	w.buf.Write([]byte{0xff, 0xff})
	_, err := w.buf.WriteTo(w.to)
	return err
}
