package receipt

import (
	"context"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const (
	// sweepEvery is how often messages without a final receipt are looked for.
	sweepEvery = time.Minute
	// pruneEvery is how often the index is gone through, which holds up commits
	// meanwhile.
	pruneEvery = time.Hour
	// lateAfter is how long a receipt for a part that had its own is held back: a
	// submit answer that is still to be stored takes less.
	lateAfter = time.Minute
)

func (f *Flow) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := f.Sweep(ctx); err != nil && ctx.Err() == nil {
			f.o.Log.Error("messages without a receipt cannot be ended", "error", err)
		}
	}
}

// Sweep ends, as UNKNOWN, the parts that were taken 72 hours ago and have no
// final receipt, and drops receipts that no part was found for in that time. It
// has late receipts put down that no new part was found for. One Sweep runs at a
// time.
func (f *Flow) Sweep(ctx context.Context) error {
	now := f.o.Now()
	limit := now.Add(-sms.ReceiptWait)
	for _, p := range f.index.late(now.Add(-lateAfter)) {
		f.add(job{parkedReceipt: p, confirmed: true})
	}
	if f.o.Sweeps == nil || f.o.Sweeps() {
		if err := f.giveUp(ctx, limit, now); err != nil {
			return err
		}
	}
	if now.Sub(f.pruned) >= pruneEvery {
		// A message may have waited in the queue as long as for its receipt.
		f.index.prune(sms.FirstID(limit.Add(-sms.ReceiptWait)))
		f.pruned = now
	}
	return f.dropExpired(limit)
}

func (f *Flow) dropExpired(limit time.Time) error {
	list := f.index.expired(limit)
	if len(list) == 0 {
		return nil
	}
	change := &store.Change{}
	for i := range list {
		change.Unpark = append(change.Unpark, list[i].place)
	}
	if err := f.o.Committer.Commit(change); err != nil {
		return err
	}
	f.index.drop(list)
	for i := range list {
		r := &list[i].receipt
		f.o.Metrics.Unmatched.WithLabelValues(r.Carrier).Inc()
		f.o.Log.Warn("no message part was found for a receipt", "carrier", r.Carrier, "ids", r.CarrierMessageIDs, "status", r.Status)
	}
	return nil
}

// giveUp ends the parts that wait for receipts since before limit. Messages that
// were accepted later cannot have any.
func (f *Flow) giveUp(ctx context.Context, limit, now time.Time) error {
	for after, end := sms.ID(0), sms.FirstID(limit); ; {
		open, err := f.o.Engine.AwaitingAfter(ctx, "", after, batchSize)
		if err != nil {
			return err
		}
		var ids []sms.ID
		for i := range open {
			after = open[i].ID
			if after >= end {
				break
			}
			if takenBefore(open[i].Progress, limit) {
				ids = append(ids, after)
			}
		}
		if err := f.endUnknown(ctx, ids, now); err != nil {
			return err
		}
		if len(open) < batchSize || after >= end {
			return nil
		}
	}
}

func (f *Flow) endUnknown(ctx context.Context, ids []sms.ID, now time.Time) error {
	messages, err := f.o.Messages.Fill(ctx, f.o.Engine, ids)
	if err != nil {
		return err
	}
	change := &store.Change{}
	for i, m := range messages {
		if m == nil {
			f.o.Log.Error("open message is not in the store", "message", int64(ids[i]))
			continue
		}
		change.Parts = append(change.Parts, store.PartChange{
			Update: sms.PartUpdate{Message: m.ID, Parts: m.Parts, Kind: sms.UpdateTakenFinal, Status: sms.StatusUnknown,
				Detail: "no final receipt within 72 hours", At: now},
			Account: m.Account, ConfigurationSet: m.ConfigurationSet, Expires: m.ExpiresAt,
		})
	}
	if len(change.Parts) == 0 {
		return nil
	}
	if err := f.o.Committer.Commit(change); err != nil {
		return err
	}
	for i := range change.Parts {
		if change.Parts[i].Result == store.PartApplied {
			f.o.Metrics.GivenUp.Inc()
			f.o.Log.Info("message ends as UNKNOWN: no final receipt within 72 hours", "message", int64(change.Parts[i].Update.Message))
		}
	}
	return nil
}

// takenBefore reports whether parts wait for receipts, all since before limit.
func takenBefore(p sms.Progress, limit time.Time) bool {
	waiting := false
	for i := range p.Parts {
		if p.Parts[i].State != sms.PartTaken {
			continue
		}
		if !p.Parts[i].SentAt.Before(limit) {
			return false
		}
		waiting = true
	}
	return waiting
}
