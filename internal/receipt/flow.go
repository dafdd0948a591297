// Package receipt brings carriers' delivery receipts to the message parts they
// speak of. A receipt is matched by the carrier's id of the part, folded into
// the message's state by the store, and acknowledged only when that is durable.
// One that comes before its part's submit answer was stored is parked, durably,
// and matched when that answer arrives. A message that has no final receipt 72
// hours after its last part was taken ends as UNKNOWN.
//
// Carriers use ids again and write them in more ways than one, so an id alone
// proves nothing: the recipient has to agree, the newest part comes first, and a
// receipt for a part that had its own is held back for a while, in case it is
// the early one of a part that gets the same id.
//
// The index from carrier ids to parts is in memory, about 50 bytes for each part
// that waits for its receipt, and is built again from the store at start.
package receipt

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Options are what a Flow is made of.
type Options struct {
	Engine    store.Engine
	Committer *store.Committer
	Messages  *store.MessageCache
	// Sweeps reports whether this node ends messages without receipts, which one
	// does for all; nil where there is one only.
	Sweeps func() bool
	// OutOfService is told of the recipients of receipts which say that their numbers
	// are out of service, before those receipts are written; with an error they are
	// not, and their carriers send them again. nil: nobody wants to know.
	OutOfService func(ctx context.Context, numbers []string) error
	Metrics      *Metrics
	Log          *slog.Logger
	Now          func() time.Time
}

// Flow matches receipts.
type Flow struct {
	o      Options
	index  *index
	seq    atomic.Int64 // of the last parked receipt
	pruned time.Time    // the sweep's own

	mu      sync.Mutex
	pending []job
	wake    chan struct{}
	closed  bool
	running sync.WaitGroup
}

// job is a receipt to match, with who waits for it. One that was parked keeps
// its place in the store until it is matched or dropped.
type job struct {
	parkedReceipt             // without a place where it is new
	done          func(error) // nil for one that was parked
	confirmed     bool        // it has waited long enough to be a late one
}

// New makes a Flow. Open and Run have to follow.
func New(o Options) *Flow {
	return &Flow{o: o, index: newIndex(), wake: make(chan struct{}, 1)}
}

// Receipt takes a receipt in; see carrier.Sink.
func (f *Flow) Receipt(r carrier.Receipt, done func(error)) {
	f.o.Metrics.Received.WithLabelValues(r.Carrier).Inc()
	if !r.Final {
		done(nil)
		return
	}
	if !f.add(job{parkedReceipt: parkedReceipt{receipt: r}, done: done}) {
		done(store.ErrClosed)
	}
}

// add queues receipts to be matched. After Close it takes none: parked ones are
// in the store, and the others are not acknowledged.
func (f *Flow) add(jobs ...job) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		return false
	}
	f.pending = append(f.pending, jobs...)
	select {
	case f.wake <- struct{}{}:
	default:
	}
	return true
}

// Observe learns the carrier ids of parts that were just taken. It is one of the
// committer's observers and does not wait.
func (f *Flow) Observe(changes []*store.Change) {
	for _, c := range changes {
		if c.Err != nil {
			continue
		}
		for i := range c.Parts {
			// A part that was final by now is known all the same: the store finds
			// its receipt to be late.
			if u := &c.Parts[i].Update; u.Kind == sms.UpdateTaken {
				f.taken(partKey(u.Carrier, u.CarrierMessageID, u.IndexID), u.Message.Part(u.Number))
			}
		}
	}
}

// partKey is the key of a part by its carrier's id of it, see carrier.IndexKey;
// 0 where the carrier gave none.
func partKey(name, raw, canonical string) uint64 {
	id := carrier.Outcome{CarrierMessageID: raw, IndexID: canonical}.Index()
	if id == "" {
		return 0
	}
	return carrier.IndexKey(name, id)
}

func (f *Flow) taken(key uint64, part sms.PartID) {
	if key == 0 {
		return
	}
	for _, p := range f.index.add(key, part) {
		f.add(job{parkedReceipt: p})
	}
}

const loadRows = 10_000

func (f *Flow) slot() int { return f.o.Committer.Fence().Slot }

// Open reads where this node's parked receipts end, before Run.
func (f *Flow) Open(ctx context.Context) error {
	last, err := f.o.Engine.LastParked(ctx, f.slot())
	if err != nil {
		return fmt.Errorf("read the last parked receipt: %w", err)
	}
	f.seq.Store(last)
	return nil
}

// AddSlot takes up the receipts that wait for their part in a slot, of this node or
// of one whose log it sees to, and the parts whose messages ended of late there.
func (f *Flow) AddSlot(ctx context.Context, slot int) error {
	if err := f.loadSettled(ctx, slot); err != nil {
		return fmt.Errorf("read parts that had their receipts: %w", err)
	}
	if err := f.loadParked(ctx, slot); err != nil {
		return fmt.Errorf("read parked receipts: %w", err)
	}
	return nil
}

// DropSlot forgets the receipts that wait in a slot: another node sees to them.
func (f *Flow) DropSlot(slot int) { f.index.dropSlot(slot) }

// AddShard takes up the parts of a shard that wait for a receipt, before the shard's
// carrier is started.
func (f *Flow) AddShard(ctx context.Context, shard string) error {
	if err := f.loadAwaiting(ctx, shard); err != nil {
		return fmt.Errorf("read parts of %s that wait for receipts: %w", shard, err)
	}
	return nil
}

// Learn takes up parts that other nodes handed to a carrier whose receipts may come
// in here.
// Those of messages that have ended are let go of.
func (f *Flow) Learn(taken []store.Event) {
	for _, final := range []bool{false, true} { // of several logs, which are in no order
		for i := range taken {
			if taken[i].Final == final {
				f.loadParts(taken[i].Message, taken[i].Detail.Parts)
			}
		}
	}
}

// loadSettled reads the ids of parts whose messages ended of late: a carrier
// that missed the answer to their receipts sends them again.
func (f *Flow) loadSettled(ctx context.Context, slot int) error {
	last, err := f.o.Engine.LastSeq(ctx, slot)
	if err != nil {
		return err
	}
	for after := max(last-loadRows, 0); after < last; {
		events, err := f.o.Engine.EventsAfter(ctx, slot, after, loadRows)
		if err != nil || len(events) == 0 {
			return err
		}
		for i := range events {
			e := &events[i]
			if after = e.Seq; e.Final {
				f.loadParts(e.Message, e.Detail.Parts)
			}
		}
	}
	return nil
}

func (f *Flow) loadAwaiting(ctx context.Context, shard string) error {
	for after := sms.ID(0); ; {
		open, err := f.o.Engine.AwaitingAfter(ctx, shard, after, loadRows)
		if err != nil {
			return err
		}
		for i := range open {
			after = open[i].ID
			f.loadParts(after, open[i].Progress.Parts)
		}
		if len(open) < loadRows {
			return nil
		}
	}
}

func (f *Flow) loadParts(message sms.ID, parts []sms.PartProgress) {
	for i := range parts {
		p := &parts[i]
		key := partKey(p.Carrier, p.CarrierMessageID, p.IndexID)
		switch {
		case key == 0:
		case p.State == sms.PartTaken:
			f.taken(key, message.Part(i+1))
		case p.State == sms.PartFinal:
			f.index.settle(key, message.Part(i+1))
		}
	}
}

func (f *Flow) loadParked(ctx context.Context, slot int) error {
	for after := int64(0); ; {
		rows, err := f.o.Engine.ParkedReceipts(ctx, slot, after, loadRows)
		if err != nil {
			return err
		}
		for i := range rows {
			after = rows[i].Seq
			p := parkedReceipt{place: store.SlotSeq{Slot: slot, Seq: after}, at: rows[i].At}
			if f.index.has(p.place) {
				continue // it came in here
			}
			if err := json.Unmarshal(rows[i].Doc, &p.receipt); err != nil {
				// The sweep drops it in the end.
				f.o.Log.Error("parked receipt cannot be read", "receipt", after, "carrier", rows[i].Carrier, "error", err)
				p.receipt = carrier.Receipt{Carrier: rows[i].Carrier}
			}
			f.park(p, nil)
		}
		if len(rows) < loadRows {
			return nil
		}
	}
}

// park keeps a receipt in memory until its part turns up. Where one has turned
// up since the receipt was looked at, it is looked at again.
func (f *Flow) park(p parkedReceipt, seen []candidate) {
	if !f.index.park(p, seen) {
		f.add(job{parkedReceipt: p})
	}
}

// Run starts matching. It returns at once; Close ends it.
func (f *Flow) Run(ctx context.Context) {
	f.running.Go(func() {
		for range f.wake {
			began := time.Now()
			f.matchAll()
			time.Sleep(matchTime - time.Since(began))
		}
		f.matchAll()
	})
	f.running.Go(func() { f.sweep(ctx) })
}

// Close matches what came in and stops. The context of Run has to have ended.
func (f *Flow) Close() {
	f.mu.Lock()
	if !f.closed {
		f.closed = true
		close(f.wake)
	}
	f.mu.Unlock()
	f.running.Wait()
}

// Sizes are how many parts wait for a receipt and how many receipts for a part.
func (f *Flow) Sizes() (waiting, parked int) { return f.index.sizes() }
