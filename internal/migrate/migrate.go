// Package migrate moves everything that is in one database into another one, of the
// other kind: from the file in a data directory into PostgreSQL, and back.
//
// What is moved are the tables that both have, as they stand in both: which ones,
// and with which columns, is read from the databases themselves. The source stays
// as it is, and nobody may use it meanwhile. The target is empty before, and again
// after anything that fails; what was written there is read back and held against
// what was read before it counts.
package migrate

import (
	"context"
	"fmt"
	"slices"
	"time"

	"heliograph/internal/store/transfer"
)

// Moved tells of a table that was moved.
type Moved struct {
	Table  string
	Rows   int64
	Digest string // of the rows, the same wherever they are
}

// Progress tells how far a table is.
type Progress struct {
	Table      string
	Verifying  bool // it is read back
	Rows, Of   int64
	Tables     int // that are done, in this pass
	TablesOf   int
	SinceStart time.Duration
}

// Result is what was done.
type Result struct {
	Tables    []Moved
	LeftAlone []string // tables that others have in the PostgreSQL database
	Took      time.Duration
}

// Rows are all that were moved.
func (r *Result) Rows() (n int64) {
	for _, t := range r.Tables {
		n += t.Rows
	}
	return n
}

// reportRows is how many rows pass between two looks at the clock.
const reportRows = 4096

// common are the tables of both databases. A table that only one of them has must
// not get lost, so it is an error.
func common(source, target transfer.Schema) ([]transfer.Table, error) {
	find := func(s transfer.Schema, name string) (transfer.Table, bool) {
		i := slices.IndexFunc(s.Tables, func(t transfer.Table) bool { return t.Name == name })
		if i < 0 {
			return transfer.Table{}, false
		}
		return s.Tables[i], true
	}
	for _, t := range source.Tables {
		other, there := find(target, t.Name)
		if !there {
			return nil, fmt.Errorf("the target has no table %s", t.Name)
		}
		if !slices.Equal(t.Columns, other.Columns) {
			return nil, fmt.Errorf("table %s has the columns %v in the source, and %v in the target", t.Name, t.Columns, other.Columns)
		}
	}
	for _, t := range target.Tables {
		if _, there := find(source, t.Name); !there {
			return nil, fmt.Errorf("the source has no table %s", t.Name)
		}
	}
	return source.Tables, nil
}

// mover moves one database.
type mover struct {
	source   transfer.Source
	target   transfer.Target
	tables   []transfer.Table
	digests  []transfer.Digest // of what was read from the source
	counts   []int64
	began    time.Time
	progress func(Progress)
}

// move moves everything and makes it count.
func move(ctx context.Context, source transfer.Source, target transfer.Target, progress func(Progress)) (Result, error) {
	m := &mover{source: source, target: target, began: time.Now(), progress: progress}
	var err error
	if m.tables, err = common(source.Schema(), target.Schema()); err != nil {
		return Result{}, err
	}
	m.digests, m.counts = make([]transfer.Digest, len(m.tables)), make([]int64, len(m.tables))
	for i, t := range m.tables {
		if m.counts[i], err = source.Count(ctx, t.Name); err != nil {
			return Result{}, fmt.Errorf("count table %s: %w", t.Name, err)
		}
	}
	for i := range m.tables {
		if err := m.copy(ctx, i); err != nil {
			return Result{}, err
		}
	}
	for i := range m.tables {
		if err := m.verify(ctx, i); err != nil {
			return Result{}, err
		}
	}
	if err := target.Commit(ctx); err != nil {
		return Result{}, err
	}
	r := Result{LeftAlone: slices.Concat(source.Schema().Foreign, target.Schema().Foreign), Took: time.Since(m.began)}
	for i, t := range m.tables {
		r.Tables = append(r.Tables, Moved{Table: t.Name, Rows: m.digests[i].Rows(), Digest: m.digests[i].String()})
	}
	return r, nil
}

// copy moves a table.
func (m *mover) copy(ctx context.Context, i int) error {
	table := m.tables[i]
	err := m.target.Write(ctx, table, func(put func(transfer.Row) error) error {
		return m.source.Read(ctx, table, func(r transfer.Row) error {
			m.digests[i].Add(r)
			m.report(i, false, m.digests[i].Rows())
			return put(r)
		})
	})
	if err != nil {
		return fmt.Errorf("move table %s: %w", table.Name, err)
	}
	return nil
}

// verify reads back what was written.
func (m *mover) verify(ctx context.Context, i int) error {
	table := m.tables[i]
	var found transfer.Digest
	if err := m.target.Read(ctx, table, func(r transfer.Row) error {
		found.Add(r)
		m.report(i, true, found.Rows())
		return nil
	}); err != nil {
		return fmt.Errorf("read back table %s: %w", table.Name, err)
	}
	switch want := &m.digests[i]; {
	case found.Rows() != want.Rows() || want.Rows() != m.counts[i]:
		return fmt.Errorf("table %s has %d rows in the source, of which %d were read, and %d in the target", table.Name, m.counts[i], want.Rows(), found.Rows())
	case !found.Same(want):
		return fmt.Errorf("table %s has other rows in the target than in the source: digest %s, and not %s", table.Name, &found, want)
	}
	return nil
}

func (m *mover) report(i int, verifying bool, rows int64) {
	if m.progress != nil && rows%reportRows == 0 {
		m.progress(Progress{Table: m.tables[i].Name, Verifying: verifying, Rows: rows, Of: m.counts[i], Tables: i, TablesOf: len(m.tables), SinceStart: time.Since(m.began)})
	}
}
