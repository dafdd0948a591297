package nodes

import "github.com/prometheus/client_golang/prometheus"

// Metrics count what passes between nodes.
type Metrics struct {
	Changes *prometheus.CounterVec
}

// NewMetrics registers the metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{Changes: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_lease_changes_total",
		Help: "Shards, event logs and the like that this node claimed or handed over, nodes that it took over from, and the times that it lost its own lease."},
		[]string{"change"})}
	for _, change := range []string{"claimed", "handed_over", "taken_over", "lost"} {
		m.Changes.WithLabelValues(change)
	}
	r.MustRegister(m.Changes)
	return m
}
