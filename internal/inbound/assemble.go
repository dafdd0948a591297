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

// errNoPlace is why a message cannot be made before it is looked at again: what is left
// of others took all the places.
var errNoPlace = errors.New("there was no place left for a message with this reference")

// assemble puts a part to the others of its message, and makes the message when none is
// missing.
func (f *Flow) assemble(p part) (carrier.InboundOutcome, error) {
	kept := false // by this call
	for range attempts {
		w, before, others, err := f.parts(&p)
		if err != nil {
			return carrier.InboundOutcome{}, err
		}
		switch s := next(&p, w, before, kept); s {
		case stepDuplicate:
			if kept && !p.copied {
				return carrier.InboundOutcome{Result: carrier.InboundKept}, nil
			}
			f.o.Metrics.Duplicates.WithLabelValues(p.Carrier).Inc()
			return carrier.InboundOutcome{Result: carrier.InboundDuplicate}, nil
		case stepRepeated:
			if err = f.drop(w); err == nil {
				f.o.Metrics.Duplicates.WithLabelValues(p.Carrier).Inc()
				return carrier.InboundOutcome{Result: carrier.InboundDuplicate}, nil
			}
		case stepKeep, stepCopy:
			p.copied = s == stepCopy
			if others >= maxSenderParts {
				err = f.makeRoom(p.From)
			} else if err = f.keep(&p); err == nil {
				kept = true
				if w.find(&p, p.copied) == nil {
					f.pending(1)
				}
			}
		case stepStray:
			err = f.drop(w.fresh())
		case stepEnd:
			err = f.conclude(w, before)
		case stepWhole:
			parts := w.fresh()
			if parts.find(&p, false) == nil {
				p.copied = false
				parts = parts.with(p)
			}
			var outcome carrier.InboundOutcome
			if outcome, err = f.make(parts, w, before); err == nil {
				return outcome, nil
			}
		}
		if err != nil && !store.Overtaken(err) && !errors.Is(err, errNoPlace) {
			return carrier.InboundOutcome{}, err
		}
	}
	return carrier.InboundOutcome{}, errContended
}

// pending counts parts that come and go between two looks at all of them, on the node
// that looks.
func (f *Flow) pending(change int) {
	if f.o.Sweeps == nil || f.o.Sweeps() {
		f.o.Metrics.Pending.Add(float64(change))
	}
}

// parts reads the parts of p's message that wait, what is left of messages with its key
// that were made, and how many parts wait of p's sender. What is left is read first: of
// parts that are found after it, no message was made before.
func (f *Flow) parts(p *part) (w waiting, before made, others int, err error) {
	key := f.o.Keys.message(p)
	if before, err = f.madeOf(p); err != nil {
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

// madeRows is how much of doneList is read at first: there is seldom more than one entry
// with a key. Where there is, the second read is of all.
const madeRows = 8

// made reads what is left of messages with a key.
func (f *Flow) made(key int64) (made, error) {
	ctx, cancel := read()
	defer cancel()
	all := made{}
	after := key - 1
	for _, limit := range [...]int{madeRows, 1 << partBits} {
		page, err := f.o.Lists.EntriesAfter(ctx, store.EntryScan{List: doneList, After: after, Limit: limit})
		if err != nil {
			return nil, wrap("read which messages were made", err)
		}
		for i := range page {
			if after = page[i].Key; messageOf(after) != key {
				return all, nil
			}
			d := done{at: page[i].At}
			if err := json.Unmarshal(page[i].Doc, &d.marks); err != nil {
				f.o.Log.Error("what is left of a message from a handset cannot be read", "error", err)
			}
			all[after] = d
		}
		if len(page) < limit {
			break
		}
	}
	return all, nil
}

// ofSender reads the parts that wait of a sender, as many as are looked at.
func (f *Flow) ofSender(from string) ([]store.Entry, error) {
	ctx, cancel := read()
	defer cancel()
	first := f.o.Keys.sender(from)
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

// keep writes a part that was not there. A copy takes the place of another one, which is
// of a message that was made too.
func (f *Flow) keep(p *part) error {
	e, err := p.entry(f.o.Keys)
	if err != nil {
		return err
	}
	return f.o.Committer.Commit(&store.Change{Entries: []store.EntryWrite{{Entry: e, Absent: !p.copied}}})
}

// drop deletes parts that wait.
func (f *Flow) drop(w waiting) error {
	deletes, kept := w.deletes()
	if err := f.o.Committer.Commit(&store.Change{Entries: deletes}); err != nil {
		return err
	}
	f.pending(-kept)
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
	for range attempts {
		before, err := f.made(key)
		if err != nil {
			return err
		}
		ctx, cancel := read()
		entries, err := f.o.Lists.EntriesAfter(ctx, store.EntryScan{List: pendingList, After: key, Limit: 1 << partBits})
		cancel()
		if err != nil {
			return wrap("read message parts", err)
		}
		groups := f.group(entries)
		if len(groups) == 0 || messageOf(groups[0][0].place) != key || !due(groups[0]) {
			return nil
		}
		switch err = f.conclude(groups[0], before); {
		case store.Overtaken(err):
			return nil
		case !errors.Is(err, errNoPlace):
			return err
		}
	}
	return errContended
}

// conclude makes a message of the parts that wait, or deletes them where they are of
// messages that were made.
func (f *Flow) conclude(w waiting, before made) error {
	if fresh := w.fresh(); len(fresh) == 0 || before.hasAll(fresh) {
		return f.drop(w)
	}
	_, err := f.make(w.merged(), w, before)
	return err
}

// make commits the message that these parts make, and takes all that wait out of the
// list. Its error is one of being overtaken (store.Overtaken) where another has made it
// or has changed the opt-out list, and errNoPlace where it is to be tried again.
func (f *Flow) make(w, all waiting, before made) (carrier.InboundOutcome, error) {
	foreign := func(p part) bool { return !p.same(&w[0]) }
	all = slices.DeleteFunc(slices.Clone(all), foreign)
	w = slices.DeleteFunc(slices.Clone(w), foreign)
	first := &w[0]
	doc, err := json.Marshal(w.marks())
	if err != nil {
		return carrier.InboundOutcome{}, fmt.Errorf("encode what is left of a message: %w", err)
	}
	key := f.o.Keys.message(first)
	if first.place != 0 {
		key = messageOf(first.place)
	}
	claim, ok := before.claim(f.o.Keys, key, w)
	if !ok {
		return carrier.InboundOutcome{}, f.forget(before.oldest())
	}
	deletes, kept := all.deletes()
	change := &store.Change{Entries: append(deletes, store.EntryWrite{Absent: true,
		Entry: store.Entry{EntryKey: store.EntryKey{List: doneList, Key: claim}, At: f.o.Now(), Doc: doc}})}
	in := carrier.Inbound{Carrier: first.Carrier, From: first.From, To: first.To}
	account, number := f.find(&in)
	var outcome carrier.InboundOutcome
	if number == nil { // it was released meanwhile
		outcome = carrier.InboundOutcome{Result: carrier.InboundUnknown}
		err = f.o.Committer.Commit(change)
	} else {
		outcome, err = f.finish(message{carrier: first.Carrier, from: first.From, text: cut(w.text(), maxTextOctets), beginning: first.Number == 1,
			account: account, number: number}, change)
	}
	if err != nil {
		return carrier.InboundOutcome{}, err
	}
	f.pending(-kept)
	if !w.whole() {
		f.o.Metrics.Incomplete.WithLabelValues(first.Carrier).Inc()
		f.o.Log.Warn("message from a handset is incomplete", "carrier", first.Carrier, "account", outcome.Account,
			"phone_number", outcome.PhoneNumber, "parts", len(w), "of", first.Total)
	}
	return outcome, nil
}

// forget deletes what is left of messages, to make room for others. All has to be read
// again after it, because another node may do the same, and go on.
func (f *Flow) forget(keys []int64) error {
	change := &store.Change{}
	for _, key := range keys {
		change.Entries = append(change.Entries, store.EntryWrite{Delete: true, Entry: store.Entry{EntryKey: store.EntryKey{List: doneList, Key: key}}})
	}
	if err := f.o.Committer.Commit(change); err != nil {
		return err
	}
	return errNoPlace
}
