package firehose

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics tell what streams gather and deliver, all of them together: their names are
// the customers'.
type metrics struct {
	records, bytes prometheus.Counter
	objects        *prometheus.CounterVec
}

// What became of a try to deliver a closed file.
const (
	outcomeDelivered = "delivered"
	outcomeFailed    = "failed" // tried again
	outcomeDropped   = "dropped"
)

// newMetrics registers them; oldest is when the oldest record came that is not
// delivered, zero where there is none.
func newMetrics(r prometheus.Registerer, now, oldest func() time.Time) *metrics {
	m := &metrics{
		records: prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_delivery_stream_records_total",
			Help: "Records that embedded delivery streams took and have on disk."}),
		bytes: prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_delivery_stream_bytes_total",
			Help: "Bytes of these records, with the ends of their lines."}),
		objects: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_delivery_stream_objects_total",
			Help: "Files of embedded delivery streams by what became of each try: delivered, failed (tried again) or dropped."}, []string{"outcome"}),
	}
	age := func() float64 {
		if at := oldest(); !at.IsZero() {
			return max(0, now().Sub(at).Seconds())
		}
		return 0
	}
	r.MustRegister(m.records, m.bytes, m.objects, prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "heliograph_delivery_stream_oldest_age_seconds",
		Help: "Age of the oldest record of an embedded delivery stream that is not delivered yet."}, age))
	for _, outcome := range []string{outcomeDelivered, outcomeFailed, outcomeDropped} {
		m.objects.WithLabelValues(outcome)
	}
	return m
}
