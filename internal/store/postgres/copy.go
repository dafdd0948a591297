package postgres

import (
	"context"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"

	"heliograph/internal/store/transfer"
)

// stays are the tables that are not moved, and why that leaves nothing out.
var stays = map[string]string{
	goose.DefaultTablename: "there is one in every database",
	"last_commit":          "NodeTable has what it says",
	"holding":              "who sees to what begins anew, as all slots are free",
	"change_count":         "it is watched by those who are there",
	"allowance":            "who is not there gives back what it has not spent",
	"rate":                 "a rate without a row has its whole burst",
	"recipient":            "a recipient without a row is free",
}

// spendTable has rows for each slot and commit, which come to one.
const spendTable = "spend"

// Types of columns that are moved (PostgreSQL, catalog pg_type).
const (
	oidBool     = 16
	oidSmallint = 21
	oidInteger  = 23
)

func kindOfColumn(oid uint32) (transfer.Kind, bool) {
	switch oid {
	case oidBool, oidSmallint, oidInteger, oidInt:
		return transfer.Integer, true
	case oidText:
		return transfer.Text, true
	case oidBytea:
		return transfer.Bytes, true
	}
	return 0, false
}

// copied is a database that is read table by table, in one transaction of a
// connection of its own.
type copied struct {
	conn   *pgx.Conn
	schema transfer.Schema
	types  map[string]map[string]uint32 // of columns, by table
}

// connectCopy connects to a database that fits. What is found out about it comes
// before anything is done there.
func connectCopy(ctx context.Context, url string, o Options) (*copied, server, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, server{}, unreadable(err) // it does not show the password
	}
	base := config.ConnConfig
	if base.ConnectTimeout == 0 {
		base.ConnectTimeout = o.ConnectTimeout
	}
	found, err := probe(ctx, base)
	if err != nil {
		return nil, found, err
	}
	if err := (&Engine{options: o}).check(found); err != nil {
		return nil, found, err
	}
	base = base.Copy()
	base.DefaultQueryExecMode = pgx.QueryExecModeExec // through a pooler too
	name(base, found.pooled)
	conn, err := pgx.ConnectConfig(ctx, base)
	return &copied{conn: conn}, found, err
}

// Schema is what the database holds.
func (c *copied) Schema() transfer.Schema { return c.schema }

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

// version is the version of the database's tables, 0 where it has none.
func (c *copied) version(ctx context.Context) (n int64, err error) {
	there := false
	if err := c.conn.QueryRow(ctx, "SELECT to_regclass($1::text) IS NOT NULL", goose.DefaultTablename).Scan(&there); err != nil || !there {
		return 0, err
	}
	err = c.conn.QueryRow(ctx, "SELECT coalesce(max(version_id), 0) FROM "+goose.DefaultTablename+" WHERE is_applied").Scan(&n)
	return n, err
}

// wrongVersion refuses tables of another version than this program's.
func wrongVersion(found, wanted int64) error {
	return unreadable(fmt.Errorf("its tables are of version %d, and this program has version %d; start the service of this version over it once", found, wanted))
}

// limits has a transaction last as long as it takes, but not wait long for locks.
func (c *copied) limits(ctx context.Context, o Options) error {
	_, err := c.conn.PgConn().Exec(ctx, "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0; SET LOCAL lock_timeout = "+
		milliseconds(o.LockTimeout)).ReadAll()
	return err
}

// serving answers an error where a node's lease runs.
func (c *copied) serving(ctx context.Context) error {
	var names []string
	if err := c.conn.QueryRow(ctx, "SELECT coalesce(array_agg(name ORDER BY slot), '{}') FROM node WHERE until >= clock_timestamp()").Scan(&names); err != nil {
		return err
	}
	if len(names) > 0 {
		return unreadable(fmt.Errorf("the database is in use by node %s: stop it first, or where it is gone wait until its lease has run out", strings.Join(names, ", ")))
	}
	return nil
}

// inUse says what a lock that cannot be had means.
func inUse(err error) error {
	if sqlState(err) == codeLockNotAvailable {
		return fmt.Errorf("the database is in use: %w", err)
	}
	return err
}

// created finds the tables that a migration makes.
var created = regexp.MustCompile(`(?m)^CREATE (?:UNLOGGED )?TABLE (\w+)`)

// made are the tables that this program makes.
func made() (map[string]bool, error) {
	files, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	tables := map[string]bool{goose.DefaultTablename: true}
	for _, name := range files {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		for _, m := range created.FindAllSubmatch(text, -1) {
			tables[string(m[1])] = true
		}
	}
	return tables, nil
}

// learn reads which tables there are.
func (c *copied) learn(ctx context.Context) error {
	own, err := made()
	if err != nil {
		return err
	}
	c.schema, c.types = transfer.Schema{}, map[string]map[string]uint32{}
	tables := map[string][]transfer.Column{transfer.NodeTable: transfer.NodeColumns()}
	rows, err := c.conn.Query(ctx, `SELECT t.relname::text, a.attname::text, a.atttypid::bigint, format_type(a.atttypid, a.atttypmod)
		FROM pg_class t JOIN pg_attribute a ON a.attrelid = t.oid WHERE t.relkind IN ('r', 'p') AND NOT t.relispartition
		AND t.relnamespace = current_schema()::regnamespace AND a.attnum > 0 AND NOT a.attisdropped ORDER BY t.relname, a.attname COLLATE "C"`)
	if err != nil {
		return err
	}
	var table, column, kind string
	var oid int64
	if _, err := pgx.ForEachRow(rows, []any{&table, &column, &oid, &kind}, func() error {
		if !own[table] {
			c.schema.Foreign = append(c.schema.Foreign, table)
			return nil
		}
		if _, stay := stays[table]; stay || table == transfer.NodeTable || table == spendTable && (column == "slot" || column == "n") {
			return nil
		}
		k, known := kindOfColumn(uint32(oid))
		if !known {
			return unreadable(fmt.Errorf("table %s: column %s is %s, which cannot be moved", table, column, kind))
		}
		if c.types[table] == nil {
			c.types[table] = map[string]uint32{}
		}
		c.types[table][column] = uint32(oid)
		tables[table] = append(tables[table], transfer.Column{Name: column, Kind: k})
		return nil
	}); err != nil {
		return err
	}
	c.schema.Foreign = slices.Compact(c.schema.Foreign)
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		c.schema.Tables = append(c.schema.Tables, transfer.Table{Name: name, Columns: tables[name]})
	}
	return nil
}

// ordered are tables whose rows are read in another order than that of their seq or
// ID.
var ordered = map[string]string{"entry": " ORDER BY list, key", "log_line": " ORDER BY grp, slot, at, seq"}

// Count is the number of a table's rows.
func (c *copied) Count(ctx context.Context, table string) (n int64, err error) {
	from := quoted(table)
	if table == spendTable {
		from = "(SELECT FROM spend GROUP BY account, month, channel, country, route) AS s"
	}
	err = c.conn.QueryRow(ctx, "SELECT count(*) FROM "+from).Scan(&n)
	return n, classify(ctx, err)
}

// Read calls each for the rows of a table. Rows that have a slot and a seq, or an
// ID, come in their order, which is the order that they lie in elsewhere.
func (c *copied) Read(ctx context.Context, t transfer.Table, each func(transfer.Row) error) error {
	out := make(transfer.Row, len(t.Columns))
	r := c.conn.PgConn().ExecParams(ctx, c.selection(t), nil, nil, nil, binaryFormat)
	err := read(r, func(v row) error {
		for i := range v {
			switch {
			case v.null(i):
				out[i] = transfer.Value{Null: true}
			case t.Columns[i].Kind == transfer.Integer:
				out[i] = transfer.Value{Int: v.int(i)}
			default:
				out[i] = transfer.Value{Bytes: v[i]}
			}
		}
		return each(out)
	})
	return classify(ctx, err)
}

func (c *copied) selection(t transfer.Table) string {
	switch t.Name {
	case transfer.NodeTable:
		return `SELECT n.epoch, coalesce(l.id, 0), n.name, coalesce(l.seq, 0), n.slot FROM node n LEFT JOIN LATERAL
			(SELECT seq, id FROM last_commit WHERE slot = n.slot ORDER BY epoch DESC, n DESC LIMIT 1) l ON true ORDER BY n.slot`
	case spendTable:
		return `SELECT account, channel, country, sum(fee)::bigint, sum(fee_parts)::bigint, month, sum(parts)::bigint, sum(price)::bigint, route
			FROM spend GROUP BY account, month, channel, country, route`
	}
	names, order := make([]string, len(t.Columns)), ordered[t.Name]
	for i, column := range t.Columns {
		switch names[i] = quoted(column.Name); {
		case order != "":
		case column.Name == "seq":
			order = " ORDER BY slot, seq"
		case column.Name == "id" && column.Kind == transfer.Integer:
			order = " ORDER BY id"
		}
	}
	return "SELECT " + strings.Join(names, ", ") + " FROM " + quoted(t.Name) + order
}

func quoted(name string) string { return pgx.Identifier{name}.Sanitize() }

// close ends the transaction with the connection.
func (c *copied) close() {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	_ = c.conn.Close(ctx)
}
