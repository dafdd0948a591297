package retention

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/store"
)

// Metrics count what is deleted, and say what the database takes up.
type Metrics struct {
	Rows                *prometheus.CounterVec
	Failures            prometheus.Counter
	Held                prometheus.Histogram
	Database, Log, Free prometheus.Gauge
}

// NewMetrics registers the metrics of this package.
func NewMetrics(r prometheus.Registerer) *Metrics {
	gauge := func(name, help string) prometheus.Gauge {
		g := prometheus.NewGauge(prometheus.GaugeOpts{Name: name, Help: help})
		r.MustRegister(g)
		return g
	}
	m := &Metrics{
		Rows:     prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_pruned_rows_total", Help: "Old rows that were deleted."}, []string{"kind"}),
		Failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_prune_failures_total", Help: "Times that old rows could not be deleted."}),
		Held: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "heliograph_prune_held_seconds",
			Help:    "Time that deleting old rows took in one transaction; with SQLite it kept commits waiting.",
			Buckets: []float64{.001, .0025, .005, .01, .02, .05, .1, .25, 1}}),
		Database: gauge("heliograph_store_database_bytes", "Size of the database."),
		Log:      gauge("heliograph_store_log_bytes", "Size of SQLite's write-ahead log."),
		Free:     gauge("heliograph_store_free_bytes", "Unused space in SQLite's file."),
	}
	r.MustRegister(m.Rows, m.Failures, m.Held)
	for _, kind := range []string{"message", "event", "receipt", "spend", "entry", "log_line"} {
		m.Rows.WithLabelValues(kind)
	}
	return m
}

func (m *Metrics) pruned(n store.Pruned) {
	for kind, rows := range map[string]int{"message": n.Messages, "event": n.Events, "receipt": n.Receipts, "spend": n.Spend,
		"entry": n.Entries, "log_line": n.Logs, "redacted": n.Redacted} {
		m.Rows.WithLabelValues(kind).Add(float64(rows))
	}
	m.held(n.Held)
}

func (m *Metrics) held(d time.Duration) {
	if d > 0 {
		m.Held.Observe(d.Seconds())
	}
}

func (m *Metrics) sizes(s store.Sizes) {
	m.Database.Set(float64(s.Database))
	m.Log.Set(float64(s.Log))
	m.Free.Set(float64(s.Free))
}
