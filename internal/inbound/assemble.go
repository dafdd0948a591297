package inbound

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"heliograph/internal/carrier"
	"heliograph/internal/store"
)

// attempts is how often a part is looked at again because another node, or the sweep,
// was quicker.
const attempts = 16

// errContended has a carrier send a part again that others were always quicker with.
var errContended = errors.New("a message part was changed by others again and again")

// assemble puts a part to the others of its message, and makes the message when none is
// missing.
func (f *Flow) assemble(p part) (carrier.InboundOutcome, error) {
	kept := false // by this call
	for range attempts {
		w, before, others, err := f.parts(&p)
		if err != nil {
			return carrier.InboundOutcome{}, err
		}
		switch next(&p, w, before) {
		case stepDuplicate:
			if kept {
				return carrier.InboundOutcome{Result: carrier.InboundKept}, nil
			}
			f.o.Metrics.Duplicates.WithLabelValues(p.Carrier).Inc()
			return carrier.InboundOutcome{Result: carrier.InboundDuplicate}, nil
		case stepKeep:
			if others >= maxSenderParts {
				err = f.makeRoom(p.From)
			} else if err = f.keep(&p); err == nil {
				kept = true
				f.o.Metrics.Pending.Inc()
			}
		case stepStray:
			err = f.drop(w)
		case stepEnd:
			_, err = f.make(w, before)
		case stepWhole:
			if !slices.ContainsFunc(w, func(q part) bool { return q.Number == p.Number }) {
				w = w.with(p)
			}
			var outcome carrier.InboundOutcome
			if outcome, err = f.make(w, before); err == nil {
				return outcome, nil
			}
		}
		if err != nil && !errors.Is(err, store.ErrExists) {
			return carrier.InboundOutcome{}, err
		}
	}
	return carrier.InboundOutcome{}, errContended
}

// parts reads the parts of p's message that wait, what is left of messages with its key
// that were made, and how many parts wait of p's sender. What is left is read first: of
// parts that are found after it, no message was made before.
func (f *Flow) parts(p *part) (w waiting, before made, others int, err error) {
	key := messageKey(p)
	if before, err = f.made(key); err != nil {
		return nil, nil, 0, err
	}
	all, err := f.ofSender(p.From)
	if err != nil {
		return nil, nil, 0, err
	}
	for i := range all {
		if messageOf(all[i].Key) == key {
			w = append(w, f.partIn(&all[i]))
		}
	}
	return w, before, len(all), nil
}

// madeRows is how much of doneList is read at once: there is seldom more than one entry
// with a key.
const madeRows = 8

// made reads what is left of messages with a key.
func (f *Flow) made(key int64) (made, error) {
	ctx, cancel := read()
	defer cancel()
	all := made{}
	for after := key - 1; ; {
		page, err := f.o.Lists.EntriesAfter(ctx, store.EntryScan{List: doneList, After: after, Limit: madeRows})
		if err != nil {
			return nil, wrap("read which messages were made", err)
		}
		for i := range page {
			if after = page[i].Key; messageOf(after) != key {
				return all, nil
			}
			d := done{}
			if err := json.Unmarshal(page[i].Doc, &d); err != nil {
				f.o.Log.Error("what is left of a message from a handset cannot be read", "error", err)
			}
			all[after] = d
		}
		if len(page) < madeRows {
			return all, nil
		}
	}
}

// ofSender reads the parts that wait of a sender, as many as are looked at.
func (f *Flow) ofSender(from string) ([]store.Entry, error) {
	ctx, cancel := read()
	defer cancel()
	first := senderKey(from)
	all, err := f.o.Lists.EntriesAfter(ctx, store.EntryScan{List: pendingList, After: first, Limit: maxSenderParts})
	if err != nil {
		return nil, wrap("read message parts", err)
	}
	last := afterSender(first)
	return slices.DeleteFunc(all, func(e store.Entry) bool { return e.Key > last }), nil
}

// partIn is the part of an entry. One that cannot be read is of no message.
func (f *Flow) partIn(e *store.Entry) part {
	p, err := readPart(e)
	if err != nil {
		f.o.Log.Error("part of a message from a handset is lost", "error", err)
	}
	return p
}

// keep writes a part that was not there.
func (f *Flow) keep(p *part) error {
	e, err := p.entry()
	if err != nil {
		return err
	}
	return f.o.Committer.Commit(&store.Change{Entries: []store.EntryWrite{{Entry: e, Absent: true}}})
}

// drop deletes parts that wait.
func (f *Flow) drop(w waiting) error {
	deletes, kept := w.deletes()
	if err := f.o.Committer.Commit(&store.Change{Entries: deletes}); err != nil {
		return err
	}
	f.o.Metrics.Pending.Sub(float64(kept))
	return nil
}

// deletes are the writes that delete the parts that are in the store.
func (w waiting) deletes() (writes []store.EntryWrite, kept int) {
	for i := range w {
		if w[i].place != 0 {
			kept++
			writes = append(writes, store.EntryWrite{Delete: true, Entry: store.Entry{EntryKey: store.EntryKey{List: pendingList, Key: w[i].place}}})
		}
	}
	return writes, kept
}

// makeRoom makes the oldest message of a sender of the parts that there are.
func (f *Flow) makeRoom(from string) error {
	all, err := f.ofSender(from)
	if err != nil {
		return err
	}
	var oldest waiting
	for _, w := range f.group(all) {
		if oldest == nil || w.since().Before(oldest.since()) {
			oldest = w
		}
	}
	if oldest == nil {
		return nil
	}
	return f.end(messageOf(oldest[0].place), func(waiting) bool { return true })
}

// group puts the parts of each message together. Entries are in the order of their keys.
func (f *Flow) group(entries []store.Entry) []waiting {
	var groups []waiting
	last := int64(-1)
	for i := range entries {
		if key := messageOf(entries[i].Key); key != last {
			groups, last = append(groups, nil), key
		}
		n := len(groups) - 1
		groups[n] = append(groups[n], f.partIn(&entries[i]))
	}
	return groups
}

// end makes the message with this key of the parts that there are, if it is due.
func (f *Flow) end(key int64, due func(waiting) bool) error {
	before, err := f.made(key)
	if err != nil {
		return err
	}
	ctx, cancel := read()
	defer cancel()
	entries, err := f.o.Lists.EntriesAfter(ctx, store.EntryScan{List: pendingList, After: key, Limit: 1 << partBits})
	if err != nil {
		return wrap("read message parts", err)
	}
	groups := f.group(entries)
	if len(groups) == 0 || messageOf(groups[0][0].place) != key || !due(groups[0]) {
		return nil
	}
	if before.hasAll(groups[0]) {
		return f.drop(groups[0])
	}
	if _, err = f.make(groups[0], before); errors.Is(err, store.ErrExists) {
		return nil
	}
	return err
}

// make commits the message that these parts make, and takes them out of the list. Its
// error is store.ErrExists where another has done so.
func (f *Flow) make(w waiting, before made) (carrier.InboundOutcome, error) {
	w = slices.DeleteFunc(slices.Clone(w), func(p part) bool { return !p.same(&w[0]) })
	first := &w[0]
	doc, err := json.Marshal(w.done())
	if err != nil {
		return carrier.InboundOutcome{}, fmt.Errorf("encode what is left of a message: %w", err)
	}
	key := messageKey(first)
	if first.place != 0 {
		key = messageOf(first.place)
	}
	claim, ok := before.claim(key, w)
	if !ok {
		return carrier.InboundOutcome{}, errContended
	}
	deletes, kept := w.deletes()
	change := &store.Change{Entries: append(deletes, store.EntryWrite{Absent: true,
		Entry: store.Entry{EntryKey: store.EntryKey{List: doneList, Key: claim}, At: f.o.Now(), Doc: doc}})}
	in := carrier.Inbound{Carrier: first.Carrier, From: first.From, To: first.To}
	account, number := f.find(&in)
	var outcome carrier.InboundOutcome
	if number == nil { // it was released meanwhile
		outcome = carrier.InboundOutcome{Result: carrier.InboundUnknown}
		err = f.o.Committer.Commit(change)
	} else {
		outcome, err = f.finish(message{carrier: first.Carrier, from: first.From, text: w.text(), beginning: first.Number == 1,
			account: account, number: number}, change)
	}
	if err != nil {
		return carrier.InboundOutcome{}, err
	}
	f.o.Metrics.Pending.Sub(float64(kept))
	if !w.whole() {
		f.o.Metrics.Incomplete.WithLabelValues(first.Carrier).Inc()
		f.o.Log.Warn("message from a handset is incomplete", "carrier", first.Carrier, "account", outcome.Account,
			"phone_number", outcome.PhoneNumber, "parts", len(w), "of", first.Total)
	}
	return outcome, nil
}
