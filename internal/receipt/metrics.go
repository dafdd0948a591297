package receipt

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Metrics count receipts.
type Metrics struct {
	Received, Matched, Late, Mismatched, Unmatched *prometheus.CounterVec
	GivenUp                                        prometheus.Counter
	Latency                                        prometheus.Histogram
	Kept                                           prometheus.Histogram
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
		Unmatched:  vec("heliograph_receipts_unmatched_total", "Receipts dropped without their part: after 72 hours, or the oldest of more than 100,000.", "carrier"),
		GivenUp: prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_messages_without_receipt_total",
			Help: "Messages that ended as UNKNOWN for want of a final receipt."}),
		Latency: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "heliograph_receipt_latency_seconds",
			Help:    "Time from acceptance of a message to a final receipt for one of its parts.",
			Buckets: []float64{.01, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 600, 3600, 86400}}),
		Kept: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "heliograph_receipt_kept_seconds",
			Help:    "Time from a receipt's arrival until what it says was durable and could be acknowledged.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}}),
	}
	r.MustRegister(m.GivenUp, m.Latency, m.Kept)
	return m
}

// kept puts down how long new receipts took to be durable.
func (m *Metrics) kept(jobs []job, now time.Time) {
	for i := range jobs {
		if jobs[i].done != nil {
			m.Kept.Observe(max(now.Sub(jobs[i].receipt.At), 0).Seconds())
		}
	}
}
