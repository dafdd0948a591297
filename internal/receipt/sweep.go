package receipt

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// sweepEvery is how often messages without a final receipt are looked for.
const sweepEvery = time.Minute

func (f *Flow) sweep(ctx context.Context) {
	ticker := time.NewTicker(sweepEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		if err := f.Sweep(ctx); err != nil {
			f.o.Log.Error("messages without a receipt cannot be ended", "error", err)
		}
	}
}

// Sweep ends, as UNKNOWN, the parts that were taken 72 hours ago and have no
// final receipt, and drops receipts that no part was found for in that time.
func (f *Flow) Sweep(ctx context.Context) error {
	now := f.o.Now()
	limit := now.Add(-sms.ReceiptWait)
	if err := f.giveUp(ctx, limit, now); err != nil {
		return err
	}
	// A message may have waited in the queue as long as for its receipt.
	f.index.prune(sms.FirstID(limit.Add(-sms.ReceiptWait)))
	dropped := &store.Change{}
	for _, p := range f.index.expired(limit) {
		dropped.Unpark = append(dropped.Unpark, p.seq)
		f.o.Metrics.Unmatched.WithLabelValues(p.receipt.Carrier).Inc()
		f.o.Log.Warn("no message part was found for a receipt", "carrier", p.receipt.Carrier, "ids", p.receipt.CarrierMessageIDs, "status", p.receipt.Status)
	}
	if len(dropped.Unpark) == 0 {
		return nil
	}
	return f.o.Committer.Commit(dropped)
}

func (f *Flow) giveUp(ctx context.Context, limit, now time.Time) error {
	for after, end := sms.ID(0), sms.FirstID(limit); ; {
		open, err := f.o.Engine.AwaitingAfter(ctx, after, batchSize)
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
		messages, err := f.o.Messages.Fill(ctx, f.o.Engine, ids)
		if err != nil {
			return err
		}
		change := &store.Change{}
		for _, m := range messages {
			if m == nil {
				continue
			}
			change.Parts = append(change.Parts, store.PartChange{
				Update: sms.PartUpdate{Message: m.ID, Parts: m.Parts, Kind: sms.UpdateTakenFinal, Status: sms.StatusUnknown,
					Detail: "no final receipt within 72 hours", At: now},
				Shard: m.Route.Carrier, Account: m.Account, ConfigurationSet: m.ConfigurationSet, Expires: m.ExpiresAt,
			})
		}
		if len(change.Parts) > 0 {
			if err := f.o.Committer.Commit(change); err != nil {
				return err
			}
			f.o.Metrics.GivenUp.Add(float64(len(change.Parts)))
		}
		if len(open) < batchSize || after >= end {
			return nil
		}
	}
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

// Sizes are how many parts wait for a receipt and how many receipts for a part.
func (f *Flow) Sizes() (waiting, parked int) { return f.index.sizes() }

// Metrics count receipts.
type Metrics struct {
	Received, Matched, Late, Mismatched, Unmatched *prometheus.CounterVec
	GivenUp                                        prometheus.Counter
	Latency                                        prometheus.Histogram
}

// NewMetrics registers the flow's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	m := &Metrics{
		Received:   vec("heliograph_receipts_received_total", "Receipts that carriers sent, the intermediate ones too.", "carrier"),
		Matched:    vec("heliograph_receipts_matched_total", "Final receipts that changed a message part.", "carrier", "status"),
		Late:       vec("heliograph_receipts_late_total", "Receipts for parts that were final already.", "carrier"),
		Mismatched: vec("heliograph_receipts_mismatched_total", "Receipts whose id belongs to a part for another recipient.", "carrier"),
		Unmatched:  vec("heliograph_receipts_unmatched_total", "Receipts dropped after 72 hours without their part.", "carrier"),
		GivenUp: prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_messages_without_receipt_total",
			Help: "Messages that ended as UNKNOWN for want of a final receipt."}),
		Latency: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "heliograph_receipt_latency_seconds",
			Help:    "Time from acceptance of a message to a final receipt for one of its parts.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 600, 3600, 86400}}),
	}
	r.MustRegister(m.GivenUp, m.Latency)
	return m
}
