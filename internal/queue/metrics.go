package queue

import "github.com/prometheus/client_golang/prometheus"

// Metrics count what the queue does.
type Metrics struct {
	Submitted  *prometheus.CounterVec // parts handed over, by carrier
	Outcomes   *prometheus.CounterVec // by carrier and outcome
	Duplicates *prometheus.CounterVec // parts that may have been sent twice, by carrier
	Throttled  *prometheus.CounterVec // times a carrier asked for a pause
	Rerouted   prometheus.Counter     // messages moved to another identity of their pool
	Expired    prometheus.Counter     // messages whose time to live ended in the queue
	Wait       prometheus.Histogram   // seconds from acceptance to hand-over of the first part
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
		Wait: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "heliograph_queue_wait_seconds",
			Help:    "Time from acceptance to the hand-over of a message's first part.",
			Buckets: []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600}}),
	}
	r.MustRegister(m.Wait)
	return m
}
