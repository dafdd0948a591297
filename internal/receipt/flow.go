// Package receipt brings carriers' delivery receipts to the message parts they
// speak of. A receipt is matched by the carrier's id of the part, folded into
// the message's state by the store, and acknowledged only when that is durable.
// One that comes before its part's submit answer was stored is parked, durably,
// and matched when that answer arrives. A message that has no final receipt 72
// hours after its last part was taken ends as UNKNOWN.
//
// The index from carrier ids to parts is in memory, about 50 bytes for each part
// that waits for its receipt, and is built again from the store at start.
package receipt

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
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
	Metrics   *Metrics
	Log       *slog.Logger
	Now       func() time.Time
}

// Flow matches receipts.
type Flow struct {
	o     Options
	index *index
	seq   atomic.Int64 // of the last parked receipt

	mu      sync.Mutex
	pending []job
	wake    chan struct{}
	closed  bool
	running sync.WaitGroup
}

// job is a receipt to match, with who waits for it.
type job struct {
	receipt carrier.Receipt
	done    func(error)
	parked  int64 // Seq of the parked row it came from, 0 for a new one

	mismatched bool // the part that its id names is for another recipient
}

// New makes a Flow. Load and Run have to follow.
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
	f.add(job{receipt: r, done: done})
}

func (f *Flow) add(j job) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.closed {
		if j.done != nil {
			j.done(store.ErrClosed)
		}
		return
	}
	f.pending = append(f.pending, j)
	select {
	case f.wake <- struct{}{}:
	default:
	}
}

// Observe learns the carrier ids of parts that were just taken. It is one of the
// committer's observers and does not wait.
func (f *Flow) Observe(changes []*store.Change) {
	for _, c := range changes {
		for i := range c.Parts {
			if p := &c.Parts[i]; p.Update.Kind == sms.UpdateTaken && p.Result == store.PartApplied {
				f.taken(p.Update.Carrier, indexID(p.Update.IndexID, p.Update.CarrierMessageID), p.Update.Message.Part(p.Update.Number))
			}
		}
	}
}

func indexID(canonical, raw string) string {
	if canonical != "" {
		return canonical
	}
	return raw
}

func (f *Flow) taken(carrierName, id string, part sms.PartID) {
	if id == "" {
		return
	}
	for _, p := range f.index.add(carrier.IndexKey(carrierName, id), part) {
		f.add(job{receipt: p.receipt, parked: p.seq})
	}
}

// Load reads the parts that wait for a receipt, and the receipts that wait for
// their part, before Run.
func (f *Flow) Load(ctx context.Context) error {
	const rows = 10_000
	for after := sms.ID(0); ; {
		open, err := f.o.Engine.AwaitingAfter(ctx, after, rows)
		if err != nil {
			return fmt.Errorf("read parts that wait for receipts: %w", err)
		}
		for i := range open {
			after = open[i].ID
			for n, p := range open[i].Progress.Parts {
				if p.State == sms.PartTaken {
					f.taken(p.Carrier, indexID(p.IndexID, p.CarrierMessageID), open[i].ID.Part(n+1))
				}
			}
		}
		if len(open) < rows {
			break
		}
	}
	slot := f.o.Committer.Fence().Slot
	last, err := f.o.Engine.LastParked(ctx, slot)
	if err != nil {
		return fmt.Errorf("read last parked receipt: %w", err)
	}
	f.seq.Store(last)
	for after := int64(0); ; {
		parked, err := f.o.Engine.ParkedReceipts(ctx, slot, after, rows)
		if err != nil {
			return fmt.Errorf("read parked receipts: %w", err)
		}
		for i := range parked {
			after = parked[i].Seq
			var r carrier.Receipt
			if err := json.Unmarshal(parked[i].Doc, &r); err != nil {
				return fmt.Errorf("read parked receipt %d: %w", parked[i].Seq, err)
			}
			f.park(parkedReceipt{receipt: r, seq: parked[i].Seq, at: parked[i].At})
		}
		if len(parked) < rows {
			return nil
		}
	}
}

// park keeps a receipt in memory until its part turns up; when it has turned up
// meanwhile the receipt is matched again.
func (f *Flow) park(p parkedReceipt) {
	if f.index.park(p) {
		f.add(job{receipt: p.receipt, parked: p.seq})
	}
}

// Run starts matching. It returns at once; Close ends it.
func (f *Flow) Run(ctx context.Context) {
	f.running.Go(func() {
		for range f.wake {
			f.matchAll()
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

const batchSize = 512

func (f *Flow) matchAll() {
	for {
		f.mu.Lock()
		list := f.pending
		f.pending = nil
		f.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for start := 0; start < len(list); start += batchSize {
			f.match(list[start:min(start+batchSize, len(list))])
		}
	}
}

// matched is a job with the part it speaks of.
type matched struct {
	job
	key     uint64
	part    sms.PartID
	message *sms.Message
}

// match finds the parts of receipts and writes what they say in one change.
func (f *Flow) match(jobs []job) {
	found, unmatched, err := f.find(jobs)
	if err != nil {
		f.o.Log.Error("messages of receipts cannot be read", "receipts", len(jobs), "error", err)
		answer(jobs, err)
		f.retry(jobs)
		return
	}
	change := &store.Change{}
	for _, m := range found {
		change.Parts = append(change.Parts, partChange(m))
		if m.parked != 0 {
			change.Unpark = append(change.Unpark, m.parked)
		}
	}
	var park []parkedReceipt
	for _, j := range unmatched {
		if j.parked != 0 {
			park = append(park, parkedReceipt{receipt: j.receipt, seq: j.parked, at: j.receipt.At, mismatched: j.mismatched})
			continue
		}
		doc, err := json.Marshal(j.receipt)
		if err != nil { // a struct of strings and times always encodes
			f.o.Log.Error("receipt cannot be parked", "error", err)
			continue
		}
		p := parkedReceipt{receipt: j.receipt, seq: f.seq.Add(1), at: f.o.Now(), mismatched: j.mismatched}
		park = append(park, p)
		change.Park = append(change.Park, store.ParkedReceipt{Seq: p.seq, Carrier: j.receipt.Carrier, At: p.at, Doc: doc})
	}
	if len(change.Parts)+len(change.Park)+len(change.Unpark) > 0 {
		err = f.o.Committer.Commit(change)
	}
	if err != nil {
		f.o.Log.Error("receipts cannot be written; their carriers are asked to send them again", "receipts", len(jobs), "error", err)
		answer(jobs, err)
		f.retry(jobs)
		return
	}
	for i := range found {
		f.settled(&found[i], change.Parts[i].Result)
	}
	answer(jobs, nil)
	for _, p := range park {
		f.park(p)
	}
}

func (f *Flow) settled(m *matched, result store.PartResult) {
	f.index.settle(m.key)
	if result == store.PartApplied {
		f.o.Metrics.Matched.WithLabelValues(m.receipt.Carrier, string(m.receipt.Status)).Inc()
		f.o.Metrics.Latency.Observe(max(f.o.Now().Sub(m.message.AcceptedAt), 0).Seconds())
	} else {
		f.o.Metrics.Late.WithLabelValues(m.receipt.Carrier).Inc()
	}
}

// retry keeps parked receipts whose part has come: nobody will send them again.
func (f *Flow) retry(jobs []job) {
	for _, j := range jobs {
		if j.parked != 0 {
			time.AfterFunc(time.Second, func() { f.add(j) })
		}
	}
}

func answer(jobs []job, err error) {
	for i := range jobs {
		if jobs[i].done != nil {
			jobs[i].done(err)
		}
	}
}

// find looks receipts up in the index and checks them against the recipient of
// the message: carriers use ids again.
func (f *Flow) find(jobs []job) (found []matched, unmatched []job, err error) {
	var ids []sms.ID
	for _, j := range jobs {
		key, part, ok := f.index.find(j.receipt)
		if !ok {
			unmatched = append(unmatched, j)
			continue
		}
		id, _ := part.Split()
		found = append(found, matched{job: j, key: key, part: part})
		ids = append(ids, id)
	}
	messages, err := f.o.Messages.Fill(context.Background(), f.o.Engine, ids)
	if err != nil {
		return nil, nil, err
	}
	kept := found[:0]
	for i, m := range found {
		m.message = messages[i]
		if m.message == nil || !sameNumber(m.receipt.Destination, m.message.Destination) {
			f.o.Metrics.Mismatched.WithLabelValues(m.receipt.Carrier).Inc()
			m.mismatched = true
			unmatched = append(unmatched, m.job)
			continue
		}
		kept = append(kept, m)
	}
	return kept, unmatched, nil
}

func partChange(m matched) store.PartChange {
	id, n := m.part.Split()
	return store.PartChange{
		Update: sms.PartUpdate{Message: id, Parts: m.message.Parts, Number: n, Kind: sms.UpdateReceipt, Status: m.receipt.Status,
			Carrier: m.receipt.Carrier, Code: m.receipt.Code, Detail: m.receipt.Detail, At: m.receipt.At},
		Shard: m.receipt.Carrier, Account: m.message.Account, ConfigurationSet: m.message.ConfigurationSet, Expires: m.message.ExpiresAt,
	}
}

// sameNumber compares the recipient that a receipt names with the message's.
// Carriers write it with and without plus sign, prefix and country code, so the
// digits that both have decide.
func sameNumber(named, destination string) bool {
	named = strings.TrimLeft(strings.TrimPrefix(named, "+"), "0")
	destination = strings.TrimPrefix(destination, "+")
	return named == "" || strings.HasSuffix(destination, named) || strings.HasSuffix(named, destination)
}
