package sqlite

import (
	"fmt"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// place is where the row of an open message is.
type place int8

const (
	nowhere place = iota
	inQueued
	inAwaiting
)

// openRow is the open row of one message, as it is stored and as the changes of
// the batch so far leave it.
type openRow struct {
	id          sms.ID
	stored, now place
	dirty       bool // now differs from what is stored, or was never stored
	known       bool // a message row with this ID is stored or was accepted
	queued      store.Queued
	awaiting    store.Awaiting
}

// batch folds the changes of one transaction over the rows that they speak of,
// which must have been loaded. It does no I/O.
type batch struct {
	slot     int
	seq      int64 // of the last event
	index    map[sms.ID]int
	open     []openRow
	versions map[store.ResourceKey]int64 // 0: not there
	spend    map[spendKey]sms.Money
}

type spendKey struct{ account, month, channel string }

func newBatch() *batch {
	return &batch{index: map[sms.ID]int{}, versions: map[store.ResourceKey]int64{}, spend: map[spendKey]sms.Money{}}
}

func (b *batch) reset(slot int, seq int64) {
	b.slot, b.seq = slot, seq
	clear(b.index)
	clear(b.versions)
	clear(b.spend)
	clear(b.open)
	b.open = b.open[:0]
}

// row is the row of id, valid until the next call.
func (b *batch) row(id sms.ID) *openRow {
	i, ok := b.index[id]
	if !ok {
		i = len(b.open)
		b.index[id] = i
		b.open = append(b.open, openRow{id: id})
	}
	return &b.open[i]
}

// apply folds one change, or sets its Err and folds nothing of it.
func (b *batch) apply(c *store.Change) {
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
		b.spend[spendKey{s.Account, s.Month, s.Channel}] += s.Amount
	}
	for i := range c.Resources {
		w := &c.Resources[i]
		if w.Delete {
			b.versions[w.ResourceKey] = 0
			continue
		}
		w.Version = w.Expect + 1
		b.versions[w.ResourceKey] = w.Version
	}
}

// check finds what keeps the change from being made. The messages that it
// accepts are known from then on.
func (b *batch) check(c *store.Change) error {
	for i := range c.Resources {
		w := &c.Resources[i]
		if has := b.versions[w.ResourceKey]; has != w.Expect {
			return fmt.Errorf("%w: %s %s has version %d, expected %d", store.ErrVersion, w.Kind, w.ID, has, w.Expect)
		}
	}
	for i := range c.Accept {
		id := c.Accept[i].Message.ID
		if b.row(id).known {
			for _, before := range c.Accept[:i] {
				b.row(before.Message.ID).known = false
			}
			return fmt.Errorf("%w: message %d", store.ErrExists, id)
		}
		b.row(id).known = true
	}
	return nil
}

func (b *batch) accept(c *store.Change, a *store.Accepted) {
	m := a.Message
	row := b.row(m.ID)
	row.now, row.dirty = inQueued, true
	row.queued = a.Queued
	row.queued.ID = m.ID
	b.event(c, store.Event{Message: m.ID, Account: m.Account, ConfigurationSet: m.ConfigurationSet,
		Status: sms.StatusQueued, At: m.AcceptedAt})
}

func (b *batch) part(c *store.Change, p *store.PartChange) {
	u := &p.Update
	row := b.row(u.Message)
	var before sms.Progress
	switch row.now {
	case inQueued:
		before = sms.NewProgress(row.queued.Parts, row.queued.Route)
	case inAwaiting:
		before = row.awaiting.Progress
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
		row.now = nowhere
		return
	}
	if row.now == inQueued {
		row.now = inAwaiting
		row.awaiting = store.Awaiting{ID: row.id, Shard: row.queued.Shard, Expires: p.Expires}
	}
	// What is still unsent leaves through the shard that the last part went to.
	if p.Shard != "" && (u.Kind == sms.UpdateTaken || u.Kind == sms.UpdateSettled) {
		row.awaiting.Shard = p.Shard
	}
	row.awaiting.Progress, row.dirty = next, true
}

// lateReceipt keeps a receipt that changes nothing any more in the story.
func (b *batch) lateReceipt(c *store.Change, p *store.PartChange) {
	u := &p.Update
	b.event(c, store.Event{Message: u.Message, Account: p.Account, Status: store.StatusLateReceipt, At: u.At,
		Detail: store.EventDetail{Parts: []sms.PartProgress{{State: sms.PartFinal, Status: u.Status, Carrier: u.Carrier,
			CarrierMessageID: u.CarrierMessageID, IndexID: u.IndexID, Code: u.Code, Detail: u.Detail, DoneAt: u.At}}}})
}

func (b *batch) requeue(c *store.Change, r *store.Requeue) {
	row := b.row(r.Queued.ID)
	if row.now != inQueued {
		return
	}
	q := &row.queued
	q.Shard, q.Lane, q.Due, q.Attempts, q.Route = r.Queued.Shard, r.Queued.Lane, r.Queued.Due, r.Queued.Attempts, r.Queued.Route
	row.dirty = true
	if r.Announce {
		b.event(c, store.Event{Message: row.id, Account: r.Account, ConfigurationSet: r.ConfigurationSet,
			Status: sms.StatusPending, At: r.At,
			Detail: store.EventDetail{Description: r.Description, Route: r.Queued.Route, Attempts: r.Queued.Attempts}})
	}
}

func (b *batch) event(c *store.Change, e store.Event) {
	b.seq++
	e.Slot, e.Seq = b.slot, b.seq
	c.Events = append(c.Events, e)
}
