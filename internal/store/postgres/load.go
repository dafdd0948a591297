package postgres

import (
	"maps"
	"slices"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/plan"
)

// want says what of an open message a batch has to read. What is going to leave
// its table is taken: reading and deleting are one statement. What may stay is
// locked, so that another node that waits for the row finds it changed and not
// gone.
type want uint8

const (
	wantTakeQueued want = 1 << iota
	wantLockQueued
	wantTakeAwaiting
	wantLockAwaiting
)

// wants says what an update has to see. A message of one part that awaits its
// receipt has that part taken, so that only a receipt or the part's end changes it,
// and both end the message.
func wants(u *sms.PartUpdate) want {
	several := u.Parts != 1
	inRange := u.Number >= 1 && u.Number <= u.Parts
	takeQueued, takeAwaiting := wantTakeQueued, wantTakeAwaiting
	if several || !inRange && u.Kind != sms.UpdateTakenFinal {
		takeAwaiting = wantLockAwaiting
	}
	if !inRange && u.Kind != sms.UpdateUnsentFinal {
		takeQueued = wantLockQueued
	}
	switch u.Kind {
	case sms.UpdateReceipt, sms.UpdateTakenFinal:
		// These change nothing of a queued message, so it is as good as gone.
		return takeAwaiting
	default:
		if several {
			return takeQueued | wantLockAwaiting
		}
		return takeQueued
	}
}

// loader asks for what a batch has to read and puts the answers into it.
type loader struct {
	wanted    map[sms.ID]want
	resources map[store.ResourceKey]bool // whether the database has them
	keys      [4]array                   // IDs, by bit of want
	known     array
	names     [3]array // of resources
	entries   [2]array // lists and keys of entries that must not be there, or must be as expected
}

func newLoader() *loader {
	l := &loader{wanted: map[sms.ID]want{}, resources: map[store.ResourceKey]bool{}, known: array{oid: oidInts}}
	for i := range l.keys {
		l.keys[i].oid = oidInts
	}
	for i := range l.names {
		l.names[i].oid = oidTexts
	}
	for i := range l.entries {
		l.entries[i].oid = oidInts
	}
	return l
}

// collect finds out what the changes have to see, and whether that is anything.
// IDs of the slot above newest are not in the store. Whether an ID is taken is asked
// only where strict: as a rule the insert finds out.
func (l *loader) collect(f store.Fence, changes []*store.Change, newest sms.ID, strict bool) bool {
	clear(l.wanted)
	clear(l.resources)
	l.known.reset()
	l.entries[0].reset()
	l.entries[1].reset()
	want := func(id sms.ID, w want) {
		if id <= newest || id.Slot() != f.Slot {
			l.wanted[id] |= w
		}
	}
	for _, c := range changes {
		if strict {
			for i := range c.Accept {
				l.known.int(int64(c.Accept[i].Message.ID))
			}
		}
		for i := range c.Parts {
			u := &c.Parts[i].Update
			want(u.Message, wants(u))
		}
		for i := range c.Requeue {
			want(c.Requeue[i].Queued.ID, wantLockQueued)
		}
		for i := range c.Entries {
			if w := &c.Entries[i]; w.Absent || w.Expect != nil {
				l.entries[0].int(w.List)
				l.entries[1].int(w.Key)
			}
		}
		for i := range c.Resources {
			l.resources[c.Resources[i].ResourceKey] = false
		}
	}
	return len(l.wanted) > 0 || len(l.resources) > 0 || l.known.n > 0 || l.entries[0].n > 0
}

// send adds the reading statements. Queued comes before awaiting: a message moves
// that way only, so that it is found whichever moment another node moves it at.
func (l *loader) send(x *exchange, b *plan.Batch) {
	for i := range l.keys {
		l.keys[i].reset()
	}
	for _, id := range slices.Sorted(maps.Keys(l.wanted)) {
		w := l.wanted[id]
		if w&wantLockQueued != 0 {
			w &^= wantTakeQueued
		}
		if w&wantLockAwaiting != 0 {
			w &^= wantTakeAwaiting
		}
		for i := range l.keys {
			if w&(1<<i) != 0 {
				l.keys[i].int(int64(id))
			}
		}
	}
	for i, s := range []*statement{takeQueued, lockQueued, takeAwaiting, lockAwaiting} {
		each := readQueued(b, s == takeQueued)
		if s == takeAwaiting || s == lockAwaiting {
			each = readAwaiting(b, s == takeAwaiting)
		}
		if l.keys[i].n > 0 {
			x.add(s, each, l.keys[i].param())
		}
	}
	if l.known.n > 0 {
		x.add(known, func(r row) error {
			b.Row(sms.ID(r.int(0))).Known = true
			return nil
		}, l.known.param())
	}
	if l.entries[0].n > 0 {
		x.add(lockEntries, func(r row) error {
			b.Stored[store.EntryKey{List: r.int(0), Key: r.int(1)}] = store.Expected{At: r.moment(2), Mark: r.int(3), Until: r.moment(4)}
			return nil
		}, l.entries[0].param(), l.entries[1].param())
	}
	l.sendResources(x, b)
}

func (l *loader) sendResources(x *exchange, b *plan.Batch) {
	if len(l.resources) == 0 {
		return
	}
	for i := range l.names {
		l.names[i].reset()
	}
	for _, k := range slices.SortedFunc(maps.Keys(l.resources), compareResources) {
		l.names[0].text(k.Account)
		l.names[1].text(k.Kind)
		l.names[2].text(k.ID)
	}
	x.add(lockResource, func(r row) error {
		k := store.ResourceKey{Account: r.text(0), Kind: r.text(1), ID: r.text(2)}
		b.Versions[k] = r.int(3)
		l.resources[k] = true
		return nil
	}, l.names[0].param(), l.names[1].param(), l.names[2].param())
}

// readQueued puts a row into the batch. One that was taken is not stored any
// more: should it stay in the queue, it is written anew.
func readQueued(b *plan.Batch, taken bool) func(row) error {
	return func(r row) error {
		q, err := scanQueued(r)
		if err != nil {
			return err
		}
		row := b.Row(q.ID)
		row.Stored, row.Now, row.Dirty, row.Queued = plan.InQueued, plan.InQueued, taken, q
		if taken {
			row.Stored = plan.Nowhere
		}
		return nil
	}
}

func readAwaiting(b *plan.Batch, taken bool) func(row) error {
	return func(r row) error {
		a, err := scanAwaiting(r)
		if err != nil {
			return err
		}
		row := b.Row(a.ID)
		row.Stored, row.Now, row.Dirty, row.Awaiting = plan.InAwaiting, plan.InAwaiting, taken, a
		if taken {
			row.Stored = plan.Nowhere
		}
		return nil
	}
}
