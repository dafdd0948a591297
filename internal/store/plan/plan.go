// Package plan folds the changes of one transaction in memory, in order, over the
// open rows that they speak of. It does no I/O: an engine loads the rows, has the
// changes folded, and writes what the rows came to.
package plan

import (
	"cmp"
	"fmt"
	"maps"
	"slices"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Place is where the row of an open message is.
type Place int8

const (
	Nowhere Place = iota
	InQueued
	InAwaiting
)

// Row is the open row of one message, as it is stored and as the changes so far
// leave it. The engine sets Stored, Now and the row there, and Known where a
// message row with this ID is stored.
type Row struct {
	ID          sms.ID
	Stored, Now Place
	Dirty       bool // Now has to be written: it is not what is stored
	Known       bool // a message with this ID is stored or was accepted
	Queued      store.Queued
	Awaiting    store.Awaiting
}

// Batch folds the changes of one transaction. What they speak of must have been
// loaded before: open rows, known IDs, the versions of resources, and the entries that
// are to be put where there is none, or of which something is expected.
type Batch struct {
	Seq      int64                                // of the last event
	Rows     []Row                                // of the messages that were spoken of
	Versions map[store.ResourceKey]int64          // 0: not there
	Spend    map[store.UsageKey]store.Sums        // sums of what was spent
	Stored   map[store.EntryKey]store.Expected    // entries that are stored, as far as that matters
	Relied   map[store.EntryKey]bool              // entries that must not be stored, for a change to be made
	Entries  map[store.EntryKey]*store.EntryWrite // the last write of each

	slot  int
	index map[sms.ID]int // in Rows
}

// New makes an empty Batch.
func New() *Batch {
	b := &Batch{index: map[sms.ID]int{}, Versions: map[store.ResourceKey]int64{}, Spend: map[store.UsageKey]store.Sums{}}
	b.makeEntries()
	return b
}

// manyEntries is more than there are in a batch that imports none. The maps of one that
// does are not kept: to clear them would take every batch after it as long.
const manyEntries = 2048

func (b *Batch) makeEntries() {
	b.Stored, b.Relied = map[store.EntryKey]store.Expected{}, map[store.EntryKey]bool{}
	b.Entries = map[store.EntryKey]*store.EntryWrite{}
}

// Reset empties the batch for the next transaction, whose events are those of
// slot after seq.
func (b *Batch) Reset(slot int, seq int64) {
	b.slot, b.Seq = slot, seq
	clear(b.index)
	clear(b.Versions)
	clear(b.Spend)
	if len(b.Entries) > manyEntries || len(b.Stored) > manyEntries {
		b.makeEntries()
	}
	clear(b.Stored)
	clear(b.Relied)
	clear(b.Entries)
	clear(b.Rows)
	b.Rows = b.Rows[:0]
}

// Row is the row of id, made where there is none; it is valid until the next
// call.
func (b *Batch) Row(id sms.ID) *Row {
	i, ok := b.index[id]
	if !ok {
		i = len(b.Rows)
		b.index[id] = i
		b.Rows = append(b.Rows, Row{ID: id})
	}
	return &b.Rows[i]
}

// Apply folds one change, or sets its Err and folds nothing of it.
func (b *Batch) Apply(c *store.Change) {
	c.Events = nil
	if c.Err = b.check(c); c.Err != nil {
		return
	}
	for i := range c.Accept {
		b.accept(c, &c.Accept[i])
	}
	for i := range c.Parts {
		b.part(c, &c.Parts[i])
	}
	for i := range c.Requeue {
		b.requeue(c, &c.Requeue[i])
	}
	for _, s := range c.Spend {
		b.Spend[s.UsageKey] = b.Spend[s.UsageKey].Plus(s.Sums)
	}
	for i := range c.Entries {
		if w := &c.Entries[i]; b.Entries[w.EntryKey] == nil && w.Absent {
			b.Relied[w.EntryKey] = true
		}
	}
	for i := range c.Entries {
		b.Entries[c.Entries[i].EntryKey] = &c.Entries[i]
	}
	for _, e := range c.Append {
		b.event(c, e)
	}
	for i := range c.Resources {
		w := &c.Resources[i]
		if w.Delete {
			b.Versions[w.ResourceKey] = 0
			continue
		}
		w.Version = w.Expect + 1
		b.Versions[w.ResourceKey] = w.Version
	}
}

// check finds what keeps the change from being made. The messages that it
// accepts are known from then on.
func (b *Batch) check(c *store.Change) error {
	for i := range c.Entries {
		w := &c.Entries[i]
		if !w.Absent && w.Expect == nil {
			continue
		}
		has, there := b.entry(w.EntryKey)
		if w.Absent && there {
			return fmt.Errorf("%w: entry %d of list %d", store.ErrExists, w.Key, w.List)
		}
		if w.Expect != nil && !(there && has.Same(*w.Expect)) {
			return fmt.Errorf("%w: entry %d of list %d", store.ErrVersion, w.Key, w.List)
		}
	}
	for i := range c.Resources {
		w := &c.Resources[i]
		if has := b.Versions[w.ResourceKey]; has != w.Expect {
			return fmt.Errorf("%w: %s %s has version %d, expected %d", store.ErrVersion, w.Kind, w.ID, has, w.Expect)
		}
	}
	for i := range c.Accept {
		id := c.Accept[i].Message.ID
		if b.Row(id).Known {
			for _, before := range c.Accept[:i] {
				b.Row(before.Message.ID).Known = false
			}
			return fmt.Errorf("%w: message %d", store.ErrExists, id)
		}
		b.Row(id).Known = true
	}
	return nil
}

// entry is an entry after the changes so far, if it is there.
func (b *Batch) entry(key store.EntryKey) (has store.Expected, there bool) {
	if w := b.Entries[key]; w != nil {
		return *w.Expected(), !w.Delete
	}
	has, there = b.Stored[key]
	return has, there
}

// EntryKeys are the keys of Entries, in order.
func (b *Batch) EntryKeys() []store.EntryKey {
	return slices.SortedFunc(maps.Keys(b.Entries), func(a, b store.EntryKey) int {
		return cmp.Or(cmp.Compare(a.List, b.List), cmp.Compare(a.Key, b.Key))
	})
}

func (b *Batch) accept(c *store.Change, a *store.Accepted) {
	m := a.Message
	row := b.Row(m.ID)
	row.Now, row.Dirty = InQueued, true
	row.Queued = a.Queued
	row.Queued.ID = m.ID
	b.event(c, store.Event{Message: m.ID, Account: m.Account, ConfigurationSet: m.ConfigurationSet,
		Status: sms.StatusQueued, At: m.AcceptedAt})
}

func (b *Batch) part(c *store.Change, p *store.PartChange) {
	u := &p.Update
	row := b.Row(u.Message)
	var before sms.Progress
	switch row.Now {
	case InQueued:
		before = sms.NewProgress(row.Queued.Parts, row.Queued.Route)
	case InAwaiting:
		before = row.Awaiting.Progress
	}
	next, follow, changed := before.Fold(*u)
	if !changed {
		p.Result = store.PartNoChange
		if u.Kind == sms.UpdateReceipt {
			b.lateReceipt(c, p)
		}
		return
	}
	p.Result = store.PartApplied
	final := false
	for _, a := range follow {
		final = final || a.Final
		b.event(c, store.Event{Message: u.Message, Account: p.Account, ConfigurationSet: p.ConfigurationSet,
			Status: a.Status, At: u.At, Final: a.Final, Detail: store.EventDetail{Route: next.Route, Parts: next.Parts}})
	}
	if final {
		row.Now = Nowhere
		return
	}
	if len(follow) == 0 && before.Unsent() > 0 && next.Unsent() == 0 {
		b.event(c, store.Event{Message: u.Message, Account: p.Account, Status: store.StatusTaken, At: u.At,
			Detail: store.EventDetail{Route: next.Route, Parts: next.Parts}})
	}
	if row.Now == InQueued {
		row.Now = InAwaiting
		row.Awaiting = store.Awaiting{ID: row.ID, Shard: row.Queued.Shard, Expires: p.Expires}
	}
	// What is still unsent leaves through the shard that the last part went to.
	if p.Shard != "" && (u.Kind == sms.UpdateTaken || u.Kind == sms.UpdateSettled) {
		row.Awaiting.Shard = p.Shard
	}
	row.Awaiting.Progress, row.Dirty = next, true
}

// lateReceipt keeps a receipt that changes nothing any more in the story.
func (b *Batch) lateReceipt(c *store.Change, p *store.PartChange) {
	u := &p.Update
	b.event(c, store.Event{Message: u.Message, Account: p.Account, Status: store.StatusLateReceipt, At: u.At,
		Detail: store.EventDetail{Parts: []sms.PartProgress{{State: sms.PartFinal, Status: u.Status, Carrier: u.Carrier,
			CarrierMessageID: u.CarrierMessageID, IndexID: u.IndexID, Code: u.Code, Detail: u.Detail, DoneAt: u.At}}}})
}

func (b *Batch) requeue(c *store.Change, r *store.Requeue) {
	row := b.Row(r.Queued.ID)
	if row.Now != InQueued {
		return
	}
	q := &row.Queued
	q.Shard, q.Lane, q.Due, q.Attempts, q.Route = r.Queued.Shard, r.Queued.Lane, r.Queued.Due, r.Queued.Attempts, r.Queued.Route
	row.Dirty = true
	if r.Announce {
		b.event(c, store.Event{Message: row.ID, Account: r.Account, ConfigurationSet: r.ConfigurationSet,
			Status: sms.StatusPending, At: r.At,
			Detail: store.EventDetail{Description: r.Description, Route: r.Queued.Route, Attempts: r.Queued.Attempts}})
	}
	if r.Moved {
		b.event(c, store.Event{Message: row.ID, Account: r.Account, Status: store.StatusMoved, At: r.At,
			Detail: store.EventDetail{Route: r.Queued.Route}})
	}
}

func (b *Batch) event(c *store.Change, e store.Event) {
	b.Seq++
	e.Slot, e.Seq = b.slot, b.Seq
	c.Events = append(c.Events, e)
}
