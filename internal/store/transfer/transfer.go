// Package transfer is what an engine of the store offers so that all it has can be
// moved into another engine: its tables in a shape that does not depend on how the
// engine keeps them.
//
// A table has a name, and columns of three kinds. What one engine packs into a key
// is taken apart, and what it adds up is added up, so that a table that was moved
// reads the same in both. Contents are passed on as they are: what is in a record
// (package record) is the same in all engines.
package transfer

import "context"

// Kind is what a column holds.
type Kind uint8

const (
	Integer Kind = iota + 1 // 64 bits; a boolean is 0 or 1
	Text                    // UTF-8
	Bytes
)

func (k Kind) String() string {
	switch k {
	case Integer:
		return "integer"
	case Text:
		return "text"
	case Bytes:
		return "bytes"
	}
	return "unknown"
}

// Column is a column of a table.
type Column struct {
	Name string
	Kind Kind
}

// Table is a table and its columns, ordered by name.
type Table struct {
	Name    string
	Columns []Column
}

// Value is a value of a row.
type Value struct {
	Null  bool
	Int   int64  // of an Integer
	Bytes []byte // of Text and Bytes
}

// Row has a value for each column of its table, in their order. Who passes one on
// uses it again.
type Row []Value

// Schema is what a database holds.
type Schema struct {
	Tables  []Table  // ordered by name
	Foreign []string // tables that others have in the same database
}

// Reader reads a database as it stood at one moment.
type Reader interface {
	Schema() Schema
	// Count is the number of a table's rows.
	Count(ctx context.Context, table string) (int64, error)
	// Read calls each for the rows of a table.
	Read(ctx context.Context, t Table, each func(Row) error) error
}

// Source is a database that nobody writes to, until it is closed.
type Source interface {
	Reader
	Close()
}

// Target is an empty database that nobody else sees into before Commit.
type Target interface {
	Reader // of what was written so far
	// Write adds the rows that rows puts to a table.
	Write(ctx context.Context, t Table, rows func(put func(Row) error) error) error
	// Commit makes all that was written durable, and the database one that a
	// service can start with.
	Commit(ctx context.Context) error
	// Close leaves nothing of what was written, unless Commit came first.
	Close() error
}

// NodeTable is the table of node slots. Its columns are slot, epoch, name, and
// where the slot's log and its message IDs end: seq and id. Who had a slot and
// until when is not moved: all slots are free in a new place.
const NodeTable = "node"

// NodeColumns are the columns of NodeTable.
func NodeColumns() []Column {
	return []Column{{"epoch", Integer}, {"id", Integer}, {"name", Text}, {"seq", Integer}, {"slot", Integer}}
}
