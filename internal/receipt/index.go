package receipt

import (
	"sync"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
)

// index finds parts by the carrier's id of them. Where a carrier used an id
// again, the newest part wins. Parts that had their receipt stay for a while in
// two generations, so that a second receipt is known for what it is.
type index struct {
	mu         sync.Mutex
	open       map[uint64]sms.PartID
	young, old map[uint64]sms.PartID
	parked     map[uint64][]parkedReceipt // under each of their candidate ids
	parkedN    int
}

// parkedReceipt is a receipt whose part is not known yet.
type parkedReceipt struct {
	receipt carrier.Receipt
	seq     int64
	at      time.Time
	// mismatched: its id is that of a part for another recipient, so only a part
	// that is still to come can be its own.
	mismatched bool
}

const settledGeneration = 100_000

func newIndex() *index {
	return &index{open: map[uint64]sms.PartID{}, young: map[uint64]sms.PartID{}, parked: map[uint64][]parkedReceipt{}}
}

// add makes a part known and gives the receipts that waited for it.
func (x *index) add(key uint64, part sms.PartID) []parkedReceipt {
	x.mu.Lock()
	defer x.mu.Unlock()
	x.open[key] = part
	waited := x.parked[key]
	for _, p := range waited {
		x.unpark(p)
	}
	return waited
}

func (x *index) find(r carrier.Receipt) (key uint64, part sms.PartID, ok bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.lookup(r)
}

func (x *index) lookup(r carrier.Receipt) (key uint64, part sms.PartID, ok bool) {
	for _, parts := range []map[uint64]sms.PartID{x.open, x.young, x.old} {
		for _, id := range r.CarrierMessageIDs {
			key = carrier.IndexKey(r.Carrier, id)
			if part, ok = parts[key]; ok {
				return key, part, true
			}
		}
	}
	return 0, 0, false
}

// settle moves a part that had its receipt to the generations.
func (x *index) settle(key uint64) {
	x.mu.Lock()
	defer x.mu.Unlock()
	part, ok := x.open[key]
	if !ok {
		return
	}
	delete(x.open, key)
	if len(x.young) >= settledGeneration {
		x.young, x.old = map[uint64]sms.PartID{}, x.young
	}
	x.young[key] = part
}

// park keeps a receipt until its part is added. It answers true, and keeps
// nothing, when the part is known by now.
func (x *index) park(p parkedReceipt) (known bool) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if _, _, ok := x.lookup(p.receipt); ok && !p.mismatched {
		return true
	}
	for _, id := range p.receipt.CarrierMessageIDs {
		key := carrier.IndexKey(p.receipt.Carrier, id)
		x.parked[key] = append(x.parked[key], p)
	}
	x.parkedN++
	return false
}

// unpark forgets a parked receipt; the caller holds mu.
func (x *index) unpark(p parkedReceipt) {
	for _, id := range p.receipt.CarrierMessageIDs {
		key := carrier.IndexKey(p.receipt.Carrier, id)
		var rest []parkedReceipt
		for _, other := range x.parked[key] {
			if other.seq != p.seq {
				rest = append(rest, other)
			}
		}
		if len(rest) == 0 {
			delete(x.parked, key)
		} else {
			x.parked[key] = rest
		}
	}
	x.parkedN--
}

// expired gives and forgets the receipts that were parked before a time.
func (x *index) expired(before time.Time) []parkedReceipt {
	x.mu.Lock()
	defer x.mu.Unlock()
	seen := map[int64]parkedReceipt{}
	for _, list := range x.parked {
		for _, p := range list {
			if p.at.Before(before) {
				seen[p.seq] = p
			}
		}
	}
	out := make([]parkedReceipt, 0, len(seen))
	for _, p := range seen {
		x.unpark(p)
		out = append(out, p)
	}
	return out
}

// prune forgets parts of messages from before an ID, whose receipts are not
// waited for any more.
func (x *index) prune(before sms.ID) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for key, part := range x.open {
		if id, _ := part.Split(); id < before {
			delete(x.open, key)
		}
	}
}

func (x *index) sizes() (open, parked int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	return len(x.open), x.parkedN
}
