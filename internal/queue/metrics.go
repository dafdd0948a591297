package queue

import (
	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/carrier"
	"heliograph/internal/store"
)

// Metrics count what the queue does.
type Metrics struct {
	Submitted  *prometheus.CounterVec   // parts handed over, by carrier
	Outcomes   *prometheus.CounterVec   // by carrier and outcome
	Duplicates *prometheus.CounterVec   // parts that may have been sent twice, by carrier
	Throttled  *prometheus.CounterVec   // times a carrier asked for a pause
	Rerouted   prometheus.Counter       // messages moved to another identity of their pool
	Expired    prometheus.Counter       // messages whose time to live ended in the queue
	Wait       *prometheus.HistogramVec // seconds from acceptance to hand-over of the first part, by class
	Answer     *prometheus.HistogramVec // seconds from hand-over of a part to its outcome, by carrier
}

// NewMetrics registers the queue's metrics.
func NewMetrics(r prometheus.Registerer) *Metrics {
	counters := func(name, help string, labels ...string) *prometheus.CounterVec {
		c := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
		r.MustRegister(c)
		return c
	}
	counter := func(name, help string) prometheus.Counter {
		c := prometheus.NewCounter(prometheus.CounterOpts{Name: name, Help: help})
		r.MustRegister(c)
		return c
	}
	m := &Metrics{
		Submitted:  counters("heliograph_parts_submitted_total", "Message parts handed to a carrier.", "carrier"),
		Outcomes:   counters("heliograph_part_outcomes_total", "Answers of carriers to message parts.", "carrier", "outcome"),
		Duplicates: counters("heliograph_possible_duplicate_parts_total", "Message parts sent again after their outcome was lost.", "carrier"),
		Throttled:  counters("heliograph_carrier_throttled_total", "Times a carrier asked to be sent less.", "carrier"),
		Rerouted:   counter("heliograph_messages_rerouted_total", "Messages moved to another identity of their pool."),
		Expired:    counter("heliograph_messages_expired_total", "Messages whose time to live ended in the queue."),
		Wait: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "heliograph_queue_wait_seconds",
			Help:    "Time from acceptance to the hand-over of a message's first part.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600}}, []string{"class"}),
		Answer: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "heliograph_carrier_answer_seconds",
			Help:    "Time from the hand-over of a message part to the carrier's answer, or to its loss.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30}}, []string{"carrier"}),
	}
	r.MustRegister(m.Wait, m.Answer)
	return m
}

// shardMetrics are those of a shard's hot path, looked up once.
type shardMetrics struct {
	submitted prometheus.Counter
	outcomes  [carrier.Unknown + 1]prometheus.Counter // by kind
	wait      [2]prometheus.Observer                  // by class
	answer    prometheus.Observer
}

func (m *Metrics) of(name string) shardMetrics {
	s := shardMetrics{submitted: m.Submitted.WithLabelValues(name), answer: m.Answer.WithLabelValues(name)}
	for kind := range s.outcomes {
		s.outcomes[kind] = m.Outcomes.WithLabelValues(name, outcomeName(carrier.OutcomeKind(kind)))
	}
	for class := range s.wait {
		s.wait[class] = m.Wait.WithLabelValues(ClassName(store.Class(class)))
	}
	return s
}

// ClassName is a class as metrics name it.
func ClassName(c store.Class) string {
	if c == store.ClassPromotional {
		return "promotional"
	}
	return "transactional"
}
