package sqlite

import (
	"context"
	"database/sql/driver"
	"encoding/json"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/plan"
	"heliograph/internal/store/record"
)

// statements are the bulk statements of the writing connection, with the rows
// gathered for each.
type statements struct {
	knownMessages, selectQueued, selectAwaiting *bulk
	message, queued, awaiting, event            *bulk
	deleteQueued, deleteAwaiting                *bulk
	dispatch, deleteDispatch                    *bulk
	parked, deleteParked                        *bulk
	storedEntries, entry, deleteEntry, logLine  *bulk

	docs []byte // the records of the rows gathered, one after the other
	box  record.Box
}

// doc is what was appended to docs since it had the length from.
func (s *statements) doc(from int) []byte { return s.docs[from:len(s.docs):len(s.docs)] }

const queuedColumns = "id, shard, lane, class, parts, due, expires, attempts, route"

func newStatements(sealer store.Sealer) *statements {
	return &statements{
		box:            record.Box{Sealer: sealer},
		knownMessages:  newBulk("SELECT id FROM message WHERE id IN (", "?", ")"),
		selectQueued:   newBulk("SELECT "+queuedColumns+" FROM queued WHERE id IN (", "?", ")"),
		selectAwaiting: newBulk("SELECT id, shard, expires, doc FROM awaiting WHERE id IN (", "?", ")"),
		message:        newBulk("INSERT INTO message (id, account, doc) VALUES ", "(?,?,?)", ""),
		queued:         newBulk("REPLACE INTO queued ("+queuedColumns+") VALUES ", "(?,?,?,?,?,?,?,?,?)", ""),
		awaiting:       newBulk("REPLACE INTO awaiting (id, shard, expires, doc) VALUES ", "(?,?,?,?)", ""),
		event:          newBulk("INSERT INTO event ("+eventColumns+") VALUES ", "(?,?,?,?,?,?,?,?)", ""),
		deleteQueued:   newBulk("DELETE FROM queued WHERE id IN (", "?", ")"),
		deleteAwaiting: newBulk("DELETE FROM awaiting WHERE id IN (", "?", ")"),
		dispatch:       newBulk("INSERT INTO dispatch (key, carrier, parts) VALUES ", "(?,?,?)", ""),
		deleteDispatch: newBulk("DELETE FROM dispatch WHERE key IN (", "?", ")"),
		parked:         newBulk("INSERT INTO receipt_parked (key, carrier, at, doc) VALUES ", "(?,?,?,?)", ""),
		deleteParked:   newBulk("DELETE FROM receipt_parked WHERE key IN (", "?", ")"),
		storedEntries:  newBulk("SELECT list, key, at, mark, until FROM entry WHERE (list, key) IN (VALUES ", "(?,?)", ")"),
		entry:          newBulk("REPLACE INTO entry ("+entryColumns+") VALUES ", "(?,?,?,?,?,?)", ""),
		deleteEntry:    newBulk("DELETE FROM entry WHERE (list, key) IN (VALUES ", "(?,?)", ")"),
		logLine:        newBulk("INSERT OR IGNORE INTO log_line (grp, slot, at, seq, message) VALUES ", "(?,?,?,?,?)", ""),
	}
}

// reset forgets rows that a failed transaction left behind.
func (s *statements) reset() {
	for _, b := range []*bulk{s.knownMessages, s.selectQueued, s.selectAwaiting, s.message, s.queued, s.awaiting, s.event,
		s.deleteQueued, s.deleteAwaiting, s.dispatch, s.deleteDispatch, s.parked, s.deleteParked, s.storedEntries, s.entry, s.deleteEntry, s.logLine} {
		b.reset()
	}
	s.docs = s.docs[:0]
}

// load reads the rows that the changes speak of into the batch. IDs above every
// stored one have no rows.
func (e *Engine) load(changes []*store.Change) error {
	b, s, ctx := e.batch, e.rows, context.Background()
	for _, c := range changes {
		for i := range c.Accept {
			if id := c.Accept[i].Message.ID; id <= e.maxID {
				b.Row(id)
				s.knownMessages.add(int64(id))
			}
		}
		for i := range c.Parts {
			switch u := &c.Parts[i].Update; {
			case u.Message > e.maxID:
			case u.Kind == sms.UpdateReceipt, u.Kind == sms.UpdateTakenFinal:
				// These change nothing of a queued message, so it is as good as gone.
				s.selectAwaiting.add(int64(u.Message))
			default:
				s.selectQueued.add(int64(u.Message))
			}
		}
		for i := range c.Requeue {
			if id := c.Requeue[i].Queued.ID; id <= e.maxID {
				s.selectQueued.add(int64(id))
			}
		}
		for i := range c.Entries {
			if w := &c.Entries[i]; w.Absent || w.Expect != nil {
				s.storedEntries.add(w.List, w.Key)
			}
		}
		for i := range c.Resources {
			if err := e.loadVersion(c.Resources[i].ResourceKey); err != nil {
				return err
			}
		}
	}
	if err := s.knownMessages.query(ctx, e.writer, func(r row) error {
		b.Row(sms.ID(r.int(0))).Known = true
		return nil
	}); err != nil {
		return err
	}
	if err := s.storedEntries.query(ctx, e.writer, func(r row) error {
		b.Stored[store.EntryKey{List: r.int(0), Key: r.int(1)}] = store.Expected{At: r.moment(2), Mark: r.int(3), Until: r.moment(4)}
		return nil
	}); err != nil {
		return err
	}
	return e.loadOpen(ctx)
}

// loadOpen reads the open rows that load asked for. What was looked for in
// queued and is not there may be in awaiting.
func (e *Engine) loadOpen(ctx context.Context) error {
	b, s := e.batch, e.rows
	wanted := len(s.selectQueued.values)
	ids := append(e.ids[:0], s.selectQueued.values...)
	e.ids = ids
	if err := s.selectQueued.query(ctx, e.writer, func(r row) error {
		q, err := scanQueued(r)
		if err != nil {
			return err
		}
		row := b.Row(q.ID)
		row.Stored, row.Now, row.Queued = plan.InQueued, plan.InQueued, q
		wanted--
		return nil
	}); err != nil {
		return err
	}
	if wanted > 0 {
		for _, id := range ids {
			if b.Row(sms.ID(id.(int64))).Stored == plan.Nowhere {
				s.selectAwaiting.add(id)
			}
		}
	}
	return s.selectAwaiting.query(ctx, e.writer, func(r row) error {
		a, err := scanAwaiting(r)
		if err != nil {
			return err
		}
		row := b.Row(a.ID)
		row.Stored, row.Now, row.Awaiting = plan.InAwaiting, plan.InAwaiting, a
		return nil
	})
}

func (e *Engine) loadVersion(key store.ResourceKey) error {
	e.batch.Versions[key] = 0
	return e.writer.query(context.Background(), "SELECT version FROM resource WHERE account = ? AND kind = ? AND id = ?",
		[]driver.Value{key.Account, key.Kind, key.ID}, func(r row) error {
			e.batch.Versions[key] = r.int(0)
			return nil
		})
}

// write makes the tables what the batch came to.
func (e *Engine) write(changes []*store.Change) error {
	s, slot := e.rows, e.fence.Slot
	s.docs = s.docs[:0]
	for _, c := range changes {
		if c.Err != nil {
			continue
		}
		for i := range c.Accept {
			m, from := c.Accept[i].Message, len(s.docs)
			s.docs = s.box.Message(s.docs, m)
			s.message.add(int64(m.ID), m.Account, s.doc(from))
		}
		for i := range c.Mark {
			d := &c.Mark[i]
			s.dispatch.add(key(slot, d.Seq), d.Shard, record.AppendKeys([]byte{}, d.Parts))
		}
		for _, v := range c.Unmark {
			s.deleteDispatch.add(key(v.Slot, v.Seq))
		}
		for i := range c.Park {
			p, doc := &c.Park[i], c.Park[i].Doc
			if from := len(s.docs); len(doc) > 0 {
				s.docs = s.box.Bytes(s.docs, doc, record.TableParked, int64(slot), p.Seq)
				doc = s.doc(from)
			}
			s.parked.add(key(slot, p.Seq), p.Carrier, p.At.UnixMilli(), doc)
		}
		for _, v := range c.Unpark {
			s.deleteParked.add(key(v.Slot, v.Seq))
		}
		for i := range c.Events {
			s.addEvent(&c.Events[i])
		}
		for i := range c.Logs {
			l, from := &c.Logs[i], len(s.docs)
			s.docs = s.box.Bytes(s.docs, l.Message, record.TableLogLine, l.Group, int64(l.Slot), l.At.UnixMilli(), l.Seq)
			s.logLine.add(l.Group, int64(l.Slot), l.At.UnixMilli(), l.Seq, notNil(s.doc(from)))
		}
		if err := e.writeRest(c); err != nil {
			return err
		}
	}
	e.gatherOpen()
	e.gatherEntries()
	for _, b := range []*bulk{s.message, s.deleteQueued, s.deleteAwaiting, s.queued, s.awaiting,
		s.dispatch, s.deleteDispatch, s.parked, s.deleteParked, s.event, s.deleteEntry, s.entry, s.logLine} {
		if err := b.exec(e.writer); err != nil {
			return err
		}
	}
	return e.writeSpend()
}

// gatherOpen turns what became of the open rows into rows to delete and write.
func (e *Engine) gatherOpen() {
	s := e.rows
	for i := range e.batch.Rows {
		r := &e.batch.Rows[i]
		if r.Stored != r.Now {
			switch r.Stored {
			case plan.InQueued:
				s.deleteQueued.add(int64(r.ID))
			case plan.InAwaiting:
				s.deleteAwaiting.add(int64(r.ID))
			}
		}
		switch {
		case !r.Dirty:
		case r.Now == plan.InQueued:
			q := &r.Queued
			var route driver.Value
			if q.Route != nil {
				route = record.AppendRoute([]byte{}, q.Route)
			}
			s.queued.add(int64(r.ID), q.Shard, q.Lane, int64(q.Class), int64(q.Parts), q.Due.UnixMilli(), q.Expires.UnixMilli(),
				int64(q.Attempts), route)
		case r.Now == plan.InAwaiting:
			a, from := &r.Awaiting, len(s.docs)
			s.docs = record.AppendProgress(s.docs, &a.Progress)
			s.awaiting.add(int64(r.ID), a.Shard, a.Expires.UnixMilli(), s.doc(from))
		}
	}
}

func (s *statements) addEvent(v *store.Event) {
	final := int64(0)
	if v.Final {
		final = 1
	}
	var doc driver.Value // NULL for an empty detail
	from := len(s.docs)
	if s.docs = s.box.Detail(s.docs, v); len(s.docs) > from {
		doc = s.doc(from)
	}
	s.event.add(key(v.Slot, v.Seq), int64(v.Message), v.Account, v.ConfigurationSet, string(v.Status), v.At.UnixMilli(), final, doc)
}

// writeRest writes what comes seldom: once for many messages, or by hand.
func (e *Engine) writeRest(c *store.Change) error {
	run := func(sql string, args ...driver.Value) error {
		_, err := e.writer.exec(sql, args...)
		return err
	}
	for i := range c.Resources {
		if err := e.writeResource(&c.Resources[i], run); err != nil {
			return err
		}
	}
	for _, v := range c.Cursors {
		if err := run("REPLACE INTO router (slot, seq) VALUES (?,?)", int64(v.Slot), v.Seq); err != nil {
			return err
		}
	}
	for i := range c.Lag {
		l := &c.Lag[i]
		if err := run("REPLACE INTO event_lag (destination, slot, first, seqs) VALUES (?,?,?,?)",
			l.Destination, int64(l.Slot), l.First, record.AppendKeys([]byte{}, l.Seqs)); err != nil {
			return err
		}
	}
	for i := range c.LagDone {
		l := &c.LagDone[i]
		if err := run("DELETE FROM event_lag WHERE destination = ? AND slot = ? AND first = ?",
			l.Destination, int64(l.Slot), l.First); err != nil {
			return err
		}
	}
	for i := range c.Losses {
		l := &c.Losses[i]
		if err := run(`INSERT INTO event_loss (destination, slot, kind, events) VALUES (?,?,?,?)
			ON CONFLICT DO UPDATE SET events = events + excluded.events`, l.Destination, int64(l.Slot), string(l.Kind), l.Events); err != nil {
			return err
		}
	}
	return nil
}

func (e *Engine) writeResource(w *store.ResourceWrite, run func(string, ...driver.Value) error) error {
	if w.Delete {
		return run("DELETE FROM resource WHERE account = ? AND kind = ? AND id = ?", w.Account, w.Kind, w.ID)
	}
	var tags driver.Value
	if len(w.Tags) > 0 {
		text, err := json.Marshal(w.Tags)
		if err != nil {
			return err
		}
		tags = string(text)
	}
	return run("REPLACE INTO resource (account, kind, id, version, created, tags, doc) VALUES (?,?,?,?,?,?,?)",
		w.Account, w.Kind, w.ID, w.Version, w.Created.UnixMilli(), tags, w.Doc)
}

// gatherEntries turns what became of entries into rows to write and delete, in the
// order of their keys: a long import then writes each page once.
func (e *Engine) gatherEntries() {
	if len(e.batch.Entries) == 0 {
		return
	}
	s := e.rows
	for _, k := range e.batch.EntryKeys() {
		w := e.batch.Entries[k]
		if w.Delete {
			s.deleteEntry.add(k.List, k.Key)
			continue
		}
		var doc driver.Value // NULL for an empty one
		if from := len(s.docs); len(w.Doc) > 0 {
			s.docs = s.box.Bytes(s.docs, w.Doc, record.TableEntry, k.List, k.Key)
			doc = s.doc(from)
		}
		s.entry.add(k.List, k.Key, moment(w.At), w.Mark, moment(w.Until), doc)
	}
}

// moment is a time as an entry has it: NULL where it is zero.
func moment(t time.Time) driver.Value {
	if t.IsZero() {
		return nil
	}
	return t.UnixMilli()
}

func (e *Engine) writeSpend() error {
	for k, v := range e.batch.Spend {
		if _, err := e.writer.exec("INSERT INTO spend ("+spendColumns+`) VALUES (?,?,?,?,?,?,?,?,?)
			ON CONFLICT DO UPDATE SET parts = parts + excluded.parts, price = price + excluded.price,
				fee_parts = fee_parts + excluded.fee_parts, fee = fee + excluded.fee`,
			k.Account, k.Month, k.Channel, k.Country, k.Route, v.Parts, int64(v.Price), v.FeeParts, int64(v.Fee)); err != nil {
			return err
		}
	}
	return nil
}

const slotShift = 56

// key is the rowid of what a slot numbers by seq.
func key(slot int, seq int64) int64 { return int64(slot)<<slotShift | seq }

// keysOf is the smallest and the largest key of a slot, for BETWEEN.
func keysOf(slot int) []driver.Value { return keysAfter(slot, -1) }

// keysAfter is the range of the keys of a slot with a seq above after.
func keysAfter(slot int, after int64) []driver.Value {
	return []driver.Value{key(slot, after+1), key(slot+1, 0) - 1}
}

// seqOf is the seq in a key.
func seqOf(key int64) int64 { return key & (1<<slotShift - 1) }
