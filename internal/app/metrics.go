package app

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"heliograph/internal/queue"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// metrics is what the wiring itself measures; the flows bring their own.
type metrics struct {
	registry  *prometheus.Registry
	requests  *prometheus.CounterVec
	latency   *prometheus.HistogramVec
	commits   prometheus.Histogram
	changes   prometheus.Counter
	failures  prometheus.Counter
	batch     prometheus.Histogram
	accepted  *prometheus.CounterVec
	events    *prometheus.CounterVec
	final     *prometheus.CounterVec
	delay     *prometheus.HistogramVec
	publish   *prometheus.HistogramVec
	published *prometheus.CounterVec
	protected *prometheus.CounterVec
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
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{Name: "heliograph_store_commit_changes",
			Help: "Changes in one transaction.", Buckets: []float64{1, 2, 4, 8, 16, 32, 64, 128, 256, 512}}),
		accepted: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_messages_accepted_total",
			Help: "Messages that were accepted and are durable."}, []string{"carrier", "class"}),
		events: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_message_events_total",
			Help: "Events of messages that were written, those included that nobody asked for."}, []string{"status"}),
		final: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_messages_ended_total",
			Help: "Messages that came to their final status."}, []string{"status"}),
		delay: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "heliograph_event_publish_delay_seconds",
			Help:    "Time from an event to its publication, of the first event of each batch.",
			Buckets: []float64{.005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 60, 600, 3600}}, []string{"destination"}),
		publish: prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: "heliograph_event_publish_seconds",
			Help: "Time that a destination took for a batch of events.", Buckets: fast}, []string{"destination"}),
		published: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_events_published_total",
			Help: "Events that a destination took."}, []string{"destination"}),
		protected: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_protect_messages_total",
			Help: "Messages that a protect configuration did not simply allow, by what it did: block, monitor or filter."}, []string{"account", "country", "action"}),
	}
	m.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		m.requests, m.latency, m.commits, m.changes, m.failures, m.batch, m.accepted, m.events, m.final,
		m.delay, m.publish, m.published, m.protected)
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
	m.batch.Observe(float64(changes))
	m.changes.Add(float64(changes))
}

// observe counts what the committer has just made durable. It is one of its
// observers.
func (m *metrics) observe(changes []*store.Change) {
	type where struct {
		carrier string
		class   store.Class
	}
	accepted, events, final := map[where]int{}, map[sms.Status]int{}, map[sms.Status]int{}
	for _, c := range changes {
		if c.Err != nil {
			continue
		}
		for i := range c.Accept {
			q := &c.Accept[i].Queued
			accepted[where{q.Shard, q.Class}]++
		}
		for i := range c.Events {
			e := &c.Events[i]
			if e.Status == store.StatusInbound || e.Status == store.StatusPublication {
				continue // it is of no message that was accepted
			}
			events[e.Status]++
			if e.Final {
				final[e.Status]++
			}
		}
	}
	for at, n := range accepted {
		m.accepted.WithLabelValues(at.carrier, queue.ClassName(at.class)).Add(float64(n))
	}
	for status, n := range events {
		m.events.WithLabelValues(string(status)).Add(float64(n))
	}
	for status, n := range final {
		m.final.WithLabelValues(string(status)).Add(float64(n))
	}
}

func (m *metrics) publication(destination string, events int, first time.Time, took time.Duration) {
	m.delay.WithLabelValues(destination).Observe(max(time.Since(first), 0).Seconds())
	m.publish.WithLabelValues(destination).Observe(took.Seconds())
	m.published.WithLabelValues(destination).Add(float64(events))
}

// protect counts a message that a protect configuration did not simply allow.
func (m *metrics) protect(account, country string, s sms.ProtectStatus) {
	m.protected.WithLabelValues(account, country, strings.ToLower(string(s))).Inc()
}

// handler answers scrapes from this machine only: the figures name carriers and
// configuration sets. What a proxy on this machine passes on is from elsewhere.
func (m *metrics) handler() http.Handler {
	scrape := promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, _, _ := net.SplitHostPort(r.RemoteAddr)
		if from, err := netip.ParseAddr(host); err != nil || !from.Unmap().IsLoopback() || forwarded(r.Header) {
			http.Error(w, "metrics are served to this machine only", http.StatusForbidden)
			return
		}
		scrape.ServeHTTP(w, r)
	})
}

// forwarded reports whether a proxy says that it passes a request on.
func forwarded(h http.Header) bool {
	return slices.ContainsFunc([]string{"Forwarded", "Via", "X-Forwarded-For", "X-Real-Ip"}, func(name string) bool {
		return len(h.Values(name)) > 0
	})
}
