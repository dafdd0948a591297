package postgres

import (
	"strings"

	"heliograph/internal/store"
	"heliograph/internal/store/plan"
	"heliograph/internal/store/record"
)

// rows are those gathered for one statement: an array for each of its parameters
// that is one, in their order.
type rows struct {
	s    *statement
	cols []array
}

func newRows(s *statement) *rows {
	r := &rows{s: s}
	for _, oid := range s.types {
		if oid != oidInt {
			r.cols = append(r.cols, array{oid: oid})
		}
	}
	return r
}

func (r *rows) empty() bool { return r.cols[0].n == 0 }

// add adds the statement to x, if there are rows for it, and forgets them. The
// scalars come before the arrays.
func (r *rows) add(x *exchange, each func(row) error, scalars ...[]byte) {
	if r.empty() {
		return
	}
	params := scalars
	for i := range r.cols {
		params = append(params, r.cols[i].param())
	}
	x.add(r.s, each, params...)
	r.reset()
}

func (r *rows) reset() {
	for i := range r.cols {
		r.cols[i].reset()
	}
}

// writes gathers the rows of a transaction.
type writes struct {
	message, insertQueued, updateQueued, deleteQueued *rows
	insertAwaiting, updateAwaiting, deleteAwaiting    *rows
	dispatch, deleteDispatch, parked, deleteParked    *rows
	event, lag, deleteLag, loss                       *rows
	dropCursor, dropCursors, cursor                   *rows
	dropSpend, spend, startSpend                      *rows
	deleteEntry, putEntry, insertEntry, logLine       *rows
	insertResource, updateResource, deleteResource    *rows
	tell                                              *rows

	box     record.Box
	all     []*rows
	lags    map[store.LagKey]*store.LagBatch // nil: done
	losses  map[lossKey]int64
	cursors map[int]int64
	// The last write of each resource in the batch.
	resources map[store.ResourceKey]*store.ResourceWrite
}

func newWrites(sealer store.Sealer) *writes {
	w := &writes{box: record.Box{Sealer: sealer}, lags: map[store.LagKey]*store.LagBatch{}, losses: map[lossKey]int64{}, cursors: map[int]int64{},
		resources: map[store.ResourceKey]*store.ResourceWrite{}}
	use := func(s *statement) *rows {
		r := newRows(s)
		w.all = append(w.all, r)
		return r
	}
	w.message = use(insertMessage)
	w.deleteQueued, w.updateQueued, w.insertQueued = use(deleteQueued), use(updateQueued), use(insertQueued)
	w.deleteAwaiting, w.updateAwaiting, w.insertAwaiting = use(deleteAwaiting), use(updateAwaiting), use(insertAwaiting)
	w.dispatch, w.deleteDispatch = use(insertDispatch), use(deleteDispatch)
	w.parked, w.deleteParked = use(insertParked), use(deleteParked)
	w.event, w.deleteLag, w.lag, w.loss = use(insertEvent), use(deleteLag), use(putLag), use(addLoss)
	w.dropCursor, w.dropCursors, w.cursor = use(dropCursor), use(dropCursors), use(putCursor)
	w.dropSpend, w.spend, w.startSpend = use(dropSpend), use(putSpend), use(startSpend)
	w.deleteResource, w.updateResource, w.insertResource = use(deleteResource), use(updateResource), use(insertResource)
	w.deleteEntry, w.putEntry, w.insertEntry = use(deleteEntry), use(putEntry), use(insertEntry)
	w.logLine = use(insertLogLine)
	w.tell = use(tell)
	return w
}

// reset forgets what a transaction that failed has left.
func (w *writes) reset() {
	for _, r := range w.all {
		r.reset()
	}
	clear(w.lags)
	clear(w.losses)
	clear(w.cursors)
	clear(w.resources)
}

// gather turns what the batch came to into rows. stored are the resources that
// the database has, n is the number of the commit.
func (w *writes) gather(f store.Fence, n int64, changes []*store.Change, b *plan.Batch, stored map[store.ResourceKey]bool, r *running) error {
	w.reset()
	for _, c := range changes {
		if c.Err == nil {
			w.change(f.Slot, c)
		}
	}
	for i := range b.Rows {
		w.open(&b.Rows[i])
	}
	w.gatherCursors(r)
	w.gatherSpend(f.Slot, b, r, n)
	w.gatherEntries(b)
	w.gatherLag()
	w.gatherLosses()
	return w.gatherResources(stored)
}

func (w *writes) change(slot int, c *store.Change) {
	for i := range c.Accept {
		m := c.Accept[i].Message
		cols := w.message.cols
		cols[0].text(m.Account)
		cols[1].int(int64(m.ID))
		at := cols[2].begin()
		cols[2].buf = w.box.Message(cols[2].buf, m)
		cols[2].end(at)
	}
	for i := range c.Mark {
		d, cols := &c.Mark[i], w.dispatch.cols
		cols[0].int(d.Seq)
		cols[1].text(d.Shard)
		at := cols[2].begin()
		cols[2].buf = record.AppendKeys(cols[2].buf, d.Parts)
		cols[2].end(at)
	}
	for i := range c.Park {
		p, cols := &c.Park[i], w.parked.cols
		cols[0].int(p.Seq)
		cols[1].text(p.Carrier)
		cols[2].int(p.At.UnixMilli())
		cols[3].sealed(&w.box, p.Doc, record.TableParked, int64(slot), p.Seq)
	}
	for _, v := range c.Unmark {
		w.deleteDispatch.key(v.Slot, v.Seq)
	}
	for _, v := range c.Unpark {
		w.deleteParked.key(v.Slot, v.Seq)
	}
	for i := range c.Events {
		w.events(&c.Events[i])
	}
	for i := range c.Logs {
		w.logs(&c.Logs[i])
	}
	for _, v := range c.Cursors {
		w.cursors[v.Slot] = v.Seq
	}
	for i := range c.Lag {
		w.lags[c.Lag[i].LagKey] = &c.Lag[i]
	}
	for _, k := range c.LagDone {
		w.lags[k] = nil
	}
	for i := range c.Losses {
		l := &c.Losses[i]
		w.losses[lossKey{l.Destination, l.Slot, l.Kind}] += l.Events
	}
	for i := range c.Resources {
		w.resources[c.Resources[i].ResourceKey] = &c.Resources[i]
	}
}

func (r *rows) key(slot int, seq int64) {
	r.cols[0].int(int64(slot))
	r.cols[1].int(seq)
}

func (w *writes) events(e *store.Event) {
	final := int64(0)
	if e.Final {
		final = 1
	}
	cols := w.event.cols
	cols[0].int(e.Seq)
	cols[1].int(int64(e.Message))
	cols[2].text(e.Account)
	cols[3].text(e.ConfigurationSet)
	cols[4].text(string(e.Status))
	cols[5].int(e.At.UnixMilli())
	cols[6].int(final)
	doc := &cols[7]
	at := doc.begin()
	if doc.buf = w.box.Detail(doc.buf, e); len(doc.buf) > at {
		doc.end(at)
	} else {
		doc.undo()
		doc.null()
	}
}

// open writes what became of an open row. One that was taken when it was read is
// not stored any more.
func (w *writes) open(r *plan.Row) {
	if r.Stored != r.Now {
		switch r.Stored {
		case plan.InQueued:
			w.deleteQueued.cols[0].int(int64(r.ID))
		case plan.InAwaiting:
			w.deleteAwaiting.cols[0].int(int64(r.ID))
		}
	}
	if !r.Dirty {
		return
	}
	switch r.Now {
	case plan.InQueued:
		to := w.insertQueued
		if r.Stored == plan.InQueued {
			to = w.updateQueued
		}
		q, cols := &r.Queued, to.cols
		cols[0].int(int64(r.ID))
		cols[1].text(q.Shard)
		cols[2].text(q.Lane)
		cols[3].int(int64(q.Class))
		cols[4].int(int64(q.Parts))
		cols[5].int(q.Due.UnixMilli())
		cols[6].int(q.Expires.UnixMilli())
		cols[7].int(int64(q.Attempts))
		if q.Route == nil {
			cols[8].null()
			return
		}
		at := cols[8].begin()
		cols[8].buf = record.AppendRoute(cols[8].buf, q.Route)
		cols[8].end(at)
	case plan.InAwaiting:
		to := w.insertAwaiting
		if r.Stored == plan.InAwaiting {
			to = w.updateAwaiting
		}
		a, cols := &r.Awaiting, to.cols
		cols[0].int(int64(r.ID))
		cols[1].text(a.Shard)
		cols[2].int(a.Expires.UnixMilli())
		at := cols[3].begin()
		cols[3].buf = record.AppendProgress(cols[3].buf, &a.Progress)
		cols[3].end(at)
	}
}

// send adds the statements that have rows.
func (w *writes) send(x *exchange, slot int, run *running) {
	of := intParam(int64(slot))
	for _, r := range w.all {
		switch {
		case r == w.startSpend:
			r.add(x, run.started)
		case len(r.cols) < len(r.s.types):
			r.add(x, nil, of)
		default:
			r.add(x, nil)
		}
	}
}

func compareSpend(a, b store.UsageKey) int {
	return compareKeys(a.Account, b.Account, a.Month, b.Month, a.Channel, b.Channel, a.Country, b.Country, a.Route, b.Route)
}

func compareResources(a, b store.ResourceKey) int {
	return compareKeys(a.Account, b.Account, a.Kind, b.Kind, a.ID, b.ID)
}

// compareKeys compares pairs of texts, the first that differs decides.
func compareKeys(pairs ...string) int {
	for i := 0; i < len(pairs); i += 2 {
		if n := strings.Compare(pairs[i], pairs[i+1]); n != 0 {
			return n
		}
	}
	return 0
}
