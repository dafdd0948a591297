package inbound

import "github.com/prometheus/client_golang/prometheus"

// Metrics count messages from handsets.
type Metrics struct {
	Messages       *prometheus.CounterVec
	Duplicates     *prometheus.CounterVec
	Incomplete     *prometheus.CounterVec
	WithoutNumber  *prometheus.CounterVec
	Cut            *prometheus.CounterVec
	RepliesRefused prometheus.Counter
	Pending        prometheus.Gauge
}

// NewMetrics registers the flow's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	vec := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	m := &Metrics{
		Messages: vec("heliograph_inbound_messages_total", "Messages from handsets by what became of them. What is dropped counts each part.", "carrier", "result"),
		Duplicates: vec("heliograph_inbound_duplicate_parts_total",
			"Parts of messages from handsets that had come before.", "carrier"),
		Incomplete: vec("heliograph_inbound_incomplete_total", "Messages from handsets that were made of fewer parts than they had.", "carrier"),
		WithoutNumber: vec("heliograph_inbound_senders_without_number_total",
			"Messages with a keyword that had no effect because their sender is a short code or a name.", "carrier"),
		Cut: vec("heliograph_inbound_cut_parts_total", "Parts of messages from handsets of whose text the end was cut off.", "carrier"),
		RepliesRefused: prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_inbound_replies_refused_total",
			Help: "Keywords that were not answered, for instance because of the spend limit or of two_way.answers_per_hour."}),
		Pending: prometheus.NewGauge(prometheus.GaugeOpts{Name: "heliograph_inbound_parts_pending",
			Help: "Parts of messages from handsets that wait for the others, as the node counts them that ends incomplete ones."}),
	}
	r.MustRegister(m.RepliesRefused, m.Pending)
	return m
}
