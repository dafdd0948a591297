package postgres

import (
	"time"

	"heliograph/internal/store"
	"heliograph/internal/store/plan"
	"heliograph/internal/store/record"
)

// The statements that write lists and logs. Keys come in ascending order.
var (
	// What is read stays as it is until the commit; of what is not there nothing is
	// known then.
	lockEntries = &statement{"lock-entries", "SELECT e.list, e.key, e.at, e.mark, e.until FROM " + entryKeys +
		" JOIN entry e USING (list, key) ORDER BY e.list, e.key FOR UPDATE OF e", []uint32{oidInts, oidInts}}
	deleteEntry = &statement{"delete-entry", "DELETE FROM entry e USING " + entryKeys + " WHERE e.list = k.list AND e.key = k.key", []uint32{oidInts, oidInts}}
	putEntry    = &statement{"put-entry", insertEntry.sql +
		" ON CONFLICT (list, key) DO UPDATE SET at = excluded.at, mark = excluded.mark, until = excluded.until, doc = excluded.doc", entryTypes}
	// It fails where another node has put one of them since they were looked for.
	insertEntry   = &statement{"insert-entry", "INSERT INTO entry (" + entryColumns + ") SELECT " + unnest(1, 6), entryTypes}
	insertLogLine = &statement{"insert-log-line", "INSERT INTO log_line (grp, slot, at, seq, message) SELECT " + unnest(1, 5) + " ON CONFLICT DO NOTHING",
		[]uint32{oidInts, oidInts, oidInts, oidInts, oidByteas}}

	entryTypes = []uint32{oidInts, oidInts, oidInts, oidInts, oidInts, oidByteas}
)

const (
	entryColumns = "list, key, at, mark, until, doc"
	bareColumns  = "list, key, at, mark, until, NULL::bytea"
	entryKeys    = "unnest($1::bigint[], $2::bigint[]) AS k(list, key)"
)

// gatherEntries writes what became of entries. Those that a change needed not to be
// there are put by a statement that fails where they are by now; one of them that was
// deleted again never was.
func (w *writes) gatherEntries(b *plan.Batch) {
	if len(b.Entries) == 0 {
		return
	}
	for _, k := range b.EntryKeys() {
		v, to := b.Entries[k], w.putEntry
		switch {
		case v.Delete && b.Relied[k]:
			continue
		case v.Delete:
			to = w.deleteEntry
		case b.Relied[k]:
			to = w.insertEntry
		}
		to.cols[0].int(k.List)
		to.cols[1].int(k.Key)
		if v.Delete {
			continue
		}
		to.cols[2].moment(v.At)
		to.cols[3].int(v.Mark)
		to.cols[4].moment(v.Until)
		if len(v.Doc) == 0 {
			to.cols[5].null()
		} else {
			to.cols[5].sealed(&w.box, v.Doc, record.TableEntry, k.List, k.Key)
		}
	}
}

func (w *writes) logs(l *store.LogEvent) {
	cols := w.logLine.cols
	cols[0].int(l.Group)
	cols[1].int(int64(l.Slot))
	cols[2].int(l.At.UnixMilli())
	cols[3].int(l.Seq)
	at := cols[4].begin()
	cols[4].buf = w.box.Bytes(cols[4].buf, l.Message, record.TableLogLine, l.Group, int64(l.Slot), l.At.UnixMilli(), l.Seq)
	cols[4].end(at)
}

// sealed adds the document of a row, nil as a null.
func (a *array) sealed(box *record.Box, doc []byte, table record.Table, key ...int64) {
	if doc == nil {
		a.null()
		return
	}
	at := a.begin()
	a.buf = box.Bytes(a.buf, doc, table, key...)
	a.end(at)
}

// moment adds a time, a zero one as a null.
func (a *array) moment(t time.Time) {
	if t.IsZero() {
		a.null()
		return
	}
	a.int(t.UnixMilli())
}
