package audit

import "github.com/prometheus/client_golang/prometheus"

// metrics is what the log measures.
type metrics struct {
	records  *prometheus.CounterVec
	failures prometheus.Counter
	behind   *prometheus.GaugeVec
}

func newMetrics(r prometheus.Registerer) *metrics {
	m := &metrics{
		records: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_audit_records_total", Help: "Records of the audit log, by their source."},
			[]string{"source"}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_audit_failures_total",
			Help: "Times that the audit log could not be written. Calls that change something are refused then."}),
		behind: prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: "heliograph_audit_behind_records",
			Help: "Records of the audit log that have not come to where they are looked up, or to the bucket."}, []string{"target"}),
	}
	if r != nil {
		r.MustRegister(m.records, m.failures, m.behind)
	}
	return m
}

func (m *metrics) record(r *Record) { m.records.WithLabelValues(r.EventSource).Inc() }
