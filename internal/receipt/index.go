package receipt

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// index finds parts by the carrier's id of them, and keeps the receipts whose
// part is not known yet. Parts that had their receipt stay for a while in two
// generations, so that a second receipt is known for what it is.
type index struct {
	mu         sync.Mutex
	open       map[uint64]sms.PartID
	before     map[uint64][]sms.PartID // open too; their ids were used again, newest last
	young, old map[uint64]sms.PartID
	parked     map[store.SlotSeq]parkedReceipt // by place
	waiting    map[uint64][]store.SlotSeq      // places, under each of the receipts' ids
}

// parkedReceipt is a receipt whose part is not known yet.
type parkedReceipt struct {
	receipt carrier.Receipt
	place   store.SlotSeq // in the store; zero for one that is not there
	at      time.Time     // when it was parked
	// late: a part has its id and its recipient, and had its receipt. Unless a
	// part turns up with that id again, this is one more for it.
	late bool
}

// candidate is a part that has one of a receipt's ids.
type candidate struct {
	key     uint64
	part    sms.PartID
	settled bool // it had its receipt
}

const (
	// settledGeneration is how many parts are in a generation.
	settledGeneration = 100_000
	// maxParked bounds the receipts that wait for their part. Where others send
	// through the same account of a carrier, their receipts come here as well.
	maxParked = 100_000
)

func newIndex() *index {
	return &index{open: map[uint64]sms.PartID{}, before: map[uint64][]sms.PartID{}, young: map[uint64]sms.PartID{},
		parked: map[store.SlotSeq]parkedReceipt{}, waiting: map[uint64][]store.SlotSeq{}}
}

// add makes a part known. It gives and forgets the receipts that waited for one
// with its id.
func (x *index) add(key uint64, part sms.PartID) []parkedReceipt {
	x.mu.Lock()
	defer x.mu.Unlock()
	if other, again := x.open[key]; again && other != part {
		x.before[key] = append(x.before[key], other)
	}
	x.open[key] = part
	var waited []parkedReceipt
	for _, place := range slices.Clone(x.waiting[key]) {
		waited = append(waited, x.parked[place])
		x.unpark(place)
	}
	return waited
}

// find gives the parts that a receipt may speak of, the likeliest first: by the
// order of its ids, and for each the newest part that waits before those that
// had their receipt.
func (x *index) find(r carrier.Receipt) []candidate {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.candidates(r)
}

func (x *index) candidates(r carrier.Receipt) (out []candidate) {
	for _, id := range r.CarrierMessageIDs {
		key := carrier.IndexKey(r.Carrier, id)
		if part, ok := x.open[key]; ok {
			out = append(out, candidate{key: key, part: part})
		}
		for _, part := range slices.Backward(x.before[key]) {
			out = append(out, candidate{key: key, part: part})
		}
		for _, parts := range []map[uint64]sms.PartID{x.young, x.old} {
			if part, ok := parts[key]; ok {
				out = append(out, candidate{key: key, part: part, settled: true})
			}
		}
	}
	return out
}

// settle moves a part that had its receipt to the generations.
func (x *index) settle(key uint64, part sms.PartID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.forget(key, part)
	if len(x.young) >= settledGeneration {
		x.young, x.old = map[uint64]sms.PartID{}, x.young
	}
	x.young[key] = part
}

// forget takes a part out of those that wait; the caller holds mu.
func (x *index) forget(key uint64, part sms.PartID) {
	rest := slices.DeleteFunc(x.before[key], func(p sms.PartID) bool { return p == part })
	if n := len(rest); x.open[key] == part {
		delete(x.open, key)
		if n > 0 {
			x.open[key], rest = rest[n-1], rest[:n-1]
		}
	}
	if len(rest) == 0 {
		delete(x.before, key)
	} else {
		x.before[key] = rest
	}
}

// park keeps a receipt until a part with one of its ids is added. It keeps
// nothing, and answers false, where the index has other parts for it than those
// that were seen.
func (x *index) park(p parkedReceipt, seen []candidate) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !slices.Equal(x.candidates(p.receipt), seen) {
		return false
	}
	x.parked[p.place] = p
	for _, id := range p.receipt.CarrierMessageIDs {
		key := carrier.IndexKey(p.receipt.Carrier, id)
		if !slices.Contains(x.waiting[key], p.place) {
			x.waiting[key] = append(x.waiting[key], p.place)
		}
	}
	return true
}

// unpark forgets a parked receipt; the caller holds mu.
func (x *index) unpark(place store.SlotSeq) {
	p := x.parked[place]
	delete(x.parked, place)
	for _, id := range p.receipt.CarrierMessageIDs {
		key := carrier.IndexKey(p.receipt.Carrier, id)
		rest := slices.DeleteFunc(x.waiting[key], func(other store.SlotSeq) bool { return other == place })
		if len(rest) == 0 {
			delete(x.waiting, key)
		} else {
			x.waiting[key] = rest
		}
	}
}

// drop forgets parked receipts.
func (x *index) drop(list []parkedReceipt) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for i := range list {
		x.unpark(list[i].place)
	}
}

// hasRoom reports whether more receipts may be parked than have to be.
func (x *index) hasRoom() bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.parked) < maxParked
}

// late gives and forgets the receipts that were parked before a time and are
// for parts that had theirs.
func (x *index) late(before time.Time) []parkedReceipt {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []parkedReceipt
	for place, p := range x.parked {
		if p.late && p.at.Before(before) {
			out = append(out, p)
			x.unpark(place)
		}
	}
	return sorted(out)
}

// expired gives the receipts that were parked before a time, and the oldest of
// those that are too many. They stay until they are dropped.
func (x *index) expired(before time.Time) []parkedReceipt {
	x.mu.Lock()
	defer x.mu.Unlock()
	var out []parkedReceipt
	for _, p := range x.parked {
		if p.at.Before(before) {
			out = append(out, p)
		}
	}
	if over := len(x.parked) - maxParked; over > len(out) {
		return sorted(slices.Collect(maps.Values(x.parked)))[:over]
	}
	return sorted(out)
}

func sorted(list []parkedReceipt) []parkedReceipt {
	slices.SortFunc(list, func(a, b parkedReceipt) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.place.Slot, b.place.Slot), cmp.Compare(a.place.Seq, b.place.Seq))
	})
	return list
}

// has reports whether a receipt of this place is parked.
func (x *index) has(place store.SlotSeq) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	_, there := x.parked[place]
	return there
}

// dropSlot forgets the receipts that are parked in a slot.
func (x *index) dropSlot(slot int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for place := range x.parked {
		if place.Slot == slot {
			x.unpark(place)
		}
	}
}

// prune forgets parts of messages from before an ID, whose receipts are not
// waited for any more.
func (x *index) prune(before sms.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	gone := func(part sms.PartID) bool { id, _ := part.Split(); return id < before }
	for key, parts := range x.before {
		for _, part := range slices.Clone(parts) {
			if gone(part) {
				x.forget(key, part)
			}
		}
	}
	for key, part := range x.open {
		if gone(part) {
			x.forget(key, part)
		}
	}
}

func (x *index) sizes() (open, parked int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	open = len(x.open)
	for _, parts := range x.before {
		open += len(parts)
	}
	return open, len(x.parked)
}
