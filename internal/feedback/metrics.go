package feedback

import "github.com/prometheus/client_golang/prometheus"

// Metrics count feedback.
type Metrics struct{ Feedback *prometheus.CounterVec }

// NewMetrics registers the flow's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	m := &Metrics{Feedback: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_message_feedback_total",
		Help: "Feedback of messages that was written, FAILED for want of any included."}, []string{"status"})}
	r.MustRegister(m.Feedback)
	return m
}
