package sqlite

import (
	"context"
	"database/sql/driver"
	"fmt"
	"io/fs"
	"maps"
	"slices"
	"strings"

	"github.com/pressly/goose/v3"

	"heliograph/internal/store/transfer"
)

// stays are the tables that are not moved: there is one of each in every database.
var stays = []string{goose.DefaultTablename}

// packed is the column that slot and seq are kept in together, but for the entries of
// lists, whose keys are their lists' own.
const packed, entryTable = "key", "entry"

// copied is a database that is read table by table.
type copied struct {
	conn   *conn
	schema transfer.Schema
	keyed  map[string]bool // tables with a packed key
}

// Schema is what the database holds.
func (c *copied) Schema() transfer.Schema { return c.schema }

// learn reads which tables there are.
func (c *copied) learn(ctx context.Context) error {
	c.keyed = map[string]bool{}
	tables := map[string][]transfer.Column{transfer.NodeTable: transfer.NodeColumns()}
	err := c.conn.query(ctx, `SELECT t.name, c.name, c.type FROM sqlite_schema t JOIN pragma_table_info(t.name) c
		WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite\_%' ESCAPE '\'`, nil, func(r row) error {
		table, column := r.text(0), transfer.Column{Name: r.text(1)}
		switch kind := r.text(2); {
		case slices.Contains(stays, table), table == transfer.NodeTable:
			return nil
		case column.Name == packed && table != entryTable:
			c.keyed[table] = true
			tables[table] = append(tables[table], transfer.Column{Name: "slot", Kind: transfer.Integer}, transfer.Column{Name: "seq", Kind: transfer.Integer})
			return nil
		case kind == "INTEGER":
			column.Kind = transfer.Integer
		case kind == "TEXT":
			column.Kind = transfer.Text
		case kind == "BLOB":
			column.Kind = transfer.Bytes
		default:
			return fmt.Errorf("table %s: column %s is %s, which cannot be moved", table, column.Name, kind)
		}
		tables[table] = append(tables[table], column)
		return nil
	})
	c.schema = transfer.Schema{}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		slices.SortFunc(tables[name], func(a, b transfer.Column) int { return strings.Compare(a.Name, b.Name) })
		c.schema.Tables = append(c.schema.Tables, transfer.Table{Name: name, Columns: tables[name]})
	}
	return err
}

// Count is the number of a table's rows.
func (c *copied) Count(ctx context.Context, table string) (n int64, err error) {
	err = c.conn.query(ctx, "SELECT count(*) FROM "+quoted(table), nil, func(r row) error {
		n = r.int(0)
		return nil
	})
	return n, classify(err)
}

// Read calls each for the rows of a table, in the order of its key.
func (c *copied) Read(ctx context.Context, t transfer.Table, each func(transfer.Row) error) error {
	sql := c.selection(t)
	if t.Name == transfer.NodeTable {
		sql = readNodes
	}
	out := make(transfer.Row, len(t.Columns))
	var text []byte
	return classify(c.conn.query(ctx, sql, nil, func(r row) error {
		text = text[:0]
		for i, v := range r {
			switch v := v.(type) {
			case nil:
				out[i] = transfer.Value{Null: true}
			case int64:
				out[i] = transfer.Value{Int: v}
			case string:
				// Growing moves what comes next only: what is handed out stays.
				from := len(text)
				text = append(text, v...)
				out[i] = transfer.Value{Bytes: notNil(text[from:len(text):len(text)])}
			case []byte:
				out[i] = transfer.Value{Bytes: notNil(v)}
			default:
				return fmt.Errorf("table %s: column %s holds a %T", t.Name, t.Columns[i].Name, v)
			}
		}
		return each(out)
	}))
}

// readNodes has the columns of NodeTable in their order. The log and the
// IDs of a slot end with the largest there is, or was before it was pruned.
const readNodes = `WITH ids(slot, id) AS (SELECT (id >> 16) & 63, max(id) FROM (SELECT id FROM message UNION ALL SELECT msg FROM event) GROUP BY 1)
	SELECT n.epoch, max(n.id, coalesce(i.id, 0)), n.name, max(n.seq, coalesce(
			(SELECT max(key) FROM event WHERE key BETWEEN n.slot << 56 AND ((n.slot + 1) << 56) - 1) & ((1 << 56) - 1), 0)), n.slot
	FROM node n LEFT JOIN ids i ON i.slot = n.slot ORDER BY n.slot`

// selection reads a table's columns.
func (c *copied) selection(t transfer.Table) string {
	columns := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		switch columns[i] = quoted(column.Name); {
		case c.keyed[t.Name] && column.Name == "slot":
			columns[i] = fmt.Sprintf("key >> %d", slotShift)
		case c.keyed[t.Name] && column.Name == "seq":
			columns[i] = fmt.Sprintf("key & %d", seqOf(-1))
		}
	}
	return "SELECT " + strings.Join(columns, ", ") + " FROM " + quoted(t.Name)
}

func quoted(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

// notNil is b, or what is empty and there.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

// schemaVersion is the newest version of the tables that this program makes.
func schemaVersion() (int64, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return 0, err
	}
	var newest int64
	for _, name := range files {
		n, err := goose.NumericComponent(name)
		if err != nil {
			return 0, err
		}
		newest = max(newest, n)
	}
	return newest, nil
}

// versionOf is the version of a database's tables, 0 where it has none.
func versionOf(ctx context.Context, c *conn) (n int64, err error) {
	tables := int64(0)
	count := func(to *int64) func(row) error {
		return func(r row) error {
			*to = r.int(0)
			return nil
		}
	}
	err = c.query(ctx, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = ?", []driver.Value{goose.DefaultTablename}, count(&tables))
	if err != nil || tables == 0 {
		return 0, err
	}
	err = c.query(ctx, "SELECT coalesce(max(version_id), 0) FROM "+goose.DefaultTablename+" WHERE is_applied", nil, count(&n))
	return n, err
}
