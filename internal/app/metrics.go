package app

import (
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"heliograph/internal/carrier"
	"heliograph/internal/destination"
	"heliograph/internal/queue"
	"heliograph/internal/receipt"
)

// metrics is what the wiring itself measures; the flows bring their own.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	commits   prometheus.Histogram
	changes   prometheus.Counter
	failures  prometheus.Counter
	published *prometheus.HistogramVec
	inbound   *prometheus.CounterVec
}

func newMetrics() *metrics {
	fast := []float64{.0005, .001, .0025, .005, .01, .02, .05, .1, .25, .5, 1, 2.5}
	m := &metrics{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_api_requests_total", Help: "API requests answered."}, []string{"operation", "code"}),
		latency: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "heliograph_api_request_seconds",
			Help: "Time from a request's headers to its answer.", Buckets: fast}, []string{"operation"}),
		commits: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "heliograph_store_commit_seconds",
			Help: "Time of one transaction, until it was durable.", Buckets: fast}),
		changes:  prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_store_changes_total", Help: "Changes committed, several a transaction."}),
		failures: prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_store_commit_failures_total", Help: "Transactions that failed."}),
		published: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "heliograph_event_publish_delay_seconds",
			Help:    "Time from an event to its publication, of the first event of each batch.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600}}, []string{"destination"}),
		inbound: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_inbound_messages_discarded_total",
			Help: "Messages from handsets that no two-way channel took."}, []string{"carrier"}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests, m.latency, m.commits, m.changes, m.failures, m.published, m.inbound)
	return m
}

func (m *metrics) request(operation, code string, took time.Duration) {
	m.requests.WithLabelValues(operation, code).Inc()
	m.latency.WithLabelValues(operation).Observe(took.Seconds())
}

func (m *metrics) commit(changes int, took time.Duration, err error) {
	if err != nil {
		m.failures.Inc()
		return
	}
	m.commits.Observe(took.Seconds())
	m.changes.Add(float64(changes))
}

func (m *metrics) publish(destination string, _ int, first time.Time, _ time.Duration) {
	m.published.WithLabelValues(destination).Observe(max(time.Since(first), 0).Seconds())
}

// watch registers what is read when it is asked for.
func (m *metrics) watch(q *queue.Queue, r *receipt.Flow, router *destination.Router, all []carrier.Carrier) {
	m.registry.MustRegister(&gauges{q, r, router, all})
}

// gauges reads the state of the flows at the time of a scrape.
type gauges struct {
	queue    *queue.Queue
	receipts *receipt.Flow
	router   *destination.Router
	carriers []carrier.Carrier
}

var (
	queueMessages = prometheus.NewDesc("heliograph_queue_messages", "Messages that wait.", []string{"carrier"}, nil)
	queueParts    = prometheus.NewDesc("heliograph_queue_parts", "Message parts that wait.", []string{"carrier"}, nil)
	queueInFlight = prometheus.NewDesc("heliograph_queue_in_flight_parts", "Message parts handed over, without an outcome.", []string{"carrier"}, nil)
	queueHeld     = prometheus.NewDesc("heliograph_queue_held_messages", "Messages that wait for their recipient's slot or a retry.", []string{"carrier"}, nil)
	queueOldest   = prometheus.NewDesc("heliograph_queue_oldest_age_seconds", "Age of the oldest message that waits.", []string{"carrier"}, nil)
	carrierUp     = prometheus.NewDesc("heliograph_carrier_up", "1 while parts can be handed over.", []string{"carrier"}, nil)
	carrierBound  = prometheus.NewDesc("heliograph_carrier_sessions", "Sessions that are bound.", []string{"carrier"}, nil)
	carrierRoom   = prometheus.NewDesc("heliograph_carrier_window_room_parts", "Message parts that the windows have room for.", []string{"carrier"}, nil)
	awaiting      = prometheus.NewDesc("heliograph_receipts_awaited", "Message parts that wait for their receipt.", nil, nil)
	parked        = prometheus.NewDesc("heliograph_receipts_parked", "Receipts that wait for their message part.", nil, nil)
	eventLag      = prometheus.NewDesc("heliograph_event_destination_lag_events", "Events that a destination has still to get.", []string{"destination"}, nil)
	eventUp       = prometheus.NewDesc("heliograph_event_destination_up", "1 while the destination takes events at once.", []string{"destination"}, nil)
)

func (g *gauges) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{queueMessages, queueParts, queueInFlight, queueHeld, queueOldest, carrierUp, carrierBound, carrierRoom, awaiting, parked, eventLag, eventUp} {
		out <- d
	}
}

func (g *gauges) Collect(out chan<- prometheus.Metric) {
	set := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	now := time.Now()
	for _, d := range g.queue.Depths() {
		set(queueMessages, float64(d.Messages), d.Carrier)
		set(queueParts, float64(d.Parts), d.Carrier)
		set(queueInFlight, float64(d.InFlight), d.Carrier)
		set(queueHeld, float64(d.Held), d.Carrier)
		age := 0.0
		if !d.Oldest.IsZero() {
			age = max(now.Sub(d.Oldest), 0).Seconds()
		}
		set(queueOldest, age, d.Carrier)
	}
	for _, c := range g.carriers {
		state := c.State()
		set(carrierUp, flag(state.Up), c.Name())
		set(carrierBound, float64(state.Sessions), c.Name())
		set(carrierRoom, float64(c.Room()), c.Name())
	}
	waiting, held := g.receipts.Sizes()
	set(awaiting, float64(waiting))
	set(parked, float64(held))
	for _, h := range g.router.Health() {
		set(eventLag, float64(h.Lag), h.Destination)
		set(eventUp, flag(h.Attached), h.Destination)
	}
}

func flag(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

// handler answers scrapes from this machine only: the figures name carriers and
// configuration sets.
func (m *metrics) handler() http.Handler {
	scrape := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		if from, err := netip.ParseAddr(host); err != nil || !from.Unmap().IsLoopback() {
			http.Error(w, "metrics are served to this machine only", http.StatusForbidden)
			return
		}
		scrape.ServeHTTP(w, r)
	})
}
