package sns

import "github.com/prometheus/client_golang/prometheus"

// Metrics count what became of messages on their way to subscriptions.
type Metrics struct{ deliveries *prometheus.CounterVec }

// NewMetrics registers them.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_sns_deliveries_total",
		Help: "Messages to subscriptions of embedded topics, by what became of each try: delivered, filtered, failed (tried again) or dead_letter."},
		[]string{"protocol", "outcome"})}
	r.MustRegister(m.deliveries)
	return m
}

var outcomeNames = map[outcome]string{delivered: "delivered", filtered: "filtered", failed: "failed", refused: "dead_letter"}

func (m *Metrics) delivery(protocol string, o outcome) {
	m.deliveries.WithLabelValues(protocol, outcomeNames[o]).Inc()
}
