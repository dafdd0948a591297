package trace

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/slim/otlp/common/v1"
	resourcepb "go.opentelemetry.io/proto/slim/otlp/resource/v1"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"
)

// Bounds of what waits and of what is sent at once.
const (
	maxWaiting = 4096 // spans
	maxBatch   = 512  // spans of one request
	gatherTime = time.Second
)

// Reasons for which spans are dropped.
const (
	dropFull        = "queue_full"  // too many waited
	dropRefused     = "refused"     // the collector does not want them
	dropUnreachable = "unreachable" // the collector did not take them for too long
)

// exporter sends spans in batches, from one goroutine.
type exporter struct {
	client   *client
	spans    chan *tracepb.Span
	resource *resourcepb.Resource
	scope    *commonpb.InstrumentationScope
	log      *slog.Logger
	exported prometheus.Counter
	dropped  *prometheus.CounterVec
	full     prometheus.Counter
	failing  bool

	stop   chan struct{}
	once   sync.Once
	done   chan struct{}
	cancel context.CancelFunc
}

func newExporter(o Options) (*exporter, error) {
	endpoint, err := Endpoint(o.Endpoint)
	if err != nil {
		return nil, err
	}
	e := &exporter{
		spans: make(chan *tracepb.Span, maxWaiting), log: o.Log, stop: make(chan struct{}), done: make(chan struct{}),
		resource: &resourcepb.Resource{Attributes: present(text(attrService, "heliograph"), text(attrVersion, o.Version), text(attrInstance, o.Node))},
		scope:    &commonpb.InstrumentationScope{Name: "heliograph", Version: o.Version},
		exported: prometheus.NewCounter(prometheus.CounterOpts{Name: "heliograph_trace_spans_exported_total",
			Help: "Spans that the collector took."}),
		dropped: prometheus.NewCounterVec(prometheus.CounterOpts{Name: "heliograph_trace_spans_dropped_total",
			Help: "Spans that the collector never gets."}, []string{"reason"}),
	}
	for _, reason := range []string{dropFull, dropRefused, dropUnreachable} {
		e.dropped.WithLabelValues(reason)
	}
	e.full = e.dropped.WithLabelValues(dropFull)
	if o.Registerer != nil {
		o.Registerer.MustRegister(e.exported, e.dropped)
	}
	var ctx context.Context
	ctx, e.cancel = context.WithCancel(context.Background())
	e.client = newClient(endpoint, o.Headers, e.stop)
	go e.run(ctx)
	return e, nil
}

// Endpoint checks the URL of a collector and gives the one that spans are posted
// to (OTLP specification, "OTLP/HTTP Request": the default path is /v1/traces).
func Endpoint(text string) (*url.URL, error) {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.Fragment != "" {
		// What it holds is not repeated: it may have a secret.
		return nil, fmt.Errorf("it is no URL with http or https, such as http://127.0.0.1:4318")
	}
	if u.Path == "" || u.Path == "/" {
		u.Path = "/v1/traces"
	}
	return u, nil
}

// add hands a finished span over, which must not be changed any more.
func (e *exporter) add(s *tracepb.Span) {
	select {
	case <-e.stop:
		e.full.Inc()
		return
	default:
	}
	select {
	case e.spans <- s:
	default:
		e.full.Inc()
	}
}

// close sends what waits, until ctx ends.
func (e *exporter) close(ctx context.Context) {
	e.once.Do(func() { close(e.stop) })
	select {
	case <-e.done:
	case <-ctx.Done():
	}
	e.cancel()
	<-e.done
}

func (e *exporter) run(ctx context.Context) {
	defer close(e.done)
	defer e.client.close()
	for stopping := false; !stopping; {
		var batch []*tracepb.Span
		batch, stopping = e.gather()
		e.send(ctx, batch)
	}
	for batch := e.rest(); len(batch) > 0; batch = e.rest() {
		e.send(ctx, batch)
	}
}

// gather takes the next batch: what comes within gatherTime of its first span.
func (e *exporter) gather() (batch []*tracepb.Span, stopping bool) {
	select {
	case s := <-e.spans:
		batch = append(batch, s)
	case <-e.stop:
		return nil, true
	}
	timer := time.NewTimer(gatherTime)
	defer timer.Stop()
	for len(batch) < maxBatch {
		select {
		case s := <-e.spans:
			batch = append(batch, s)
		case <-timer.C:
			return batch, false
		case <-e.stop:
			return batch, true
		}
	}
	return batch, false
}

// rest takes what waits at the end.
func (e *exporter) rest() (batch []*tracepb.Span) {
	for len(batch) < maxBatch {
		select {
		case s := <-e.spans:
			batch = append(batch, s)
		default:
			return batch
		}
	}
	return batch
}

// send posts a batch, counts what came of it, and logs when that changes.
func (e *exporter) send(ctx context.Context, batch []*tracepb.Span) {
	if len(batch) == 0 {
		return
	}
	request := &collectorpb.ExportTraceServiceRequest{ResourceSpans: []*tracepb.ResourceSpans{{
		Resource: e.resource, ScopeSpans: []*tracepb.ScopeSpans{{Scope: e.scope, Spans: batch}}}}}
	rejected, err := e.client.send(ctx, request)
	rejected = min(max(rejected, 0), len(batch))
	switch {
	case err == nil:
		e.exported.Add(float64(len(batch) - rejected))
		e.dropped.WithLabelValues(dropRefused).Add(float64(rejected))
	case isRefusal(err):
		e.dropped.WithLabelValues(dropRefused).Add(float64(len(batch)))
	default:
		e.dropped.WithLabelValues(dropUnreachable).Add(float64(len(batch)))
	}
	if failing := err != nil || rejected > 0; failing != e.failing {
		e.failing = failing
		if failing {
			e.log.Warn("the collector of traces does not take spans; they are dropped", "spans", len(batch), "rejected", rejected, "error", err)
		} else {
			e.log.Info("the collector of traces takes spans again")
		}
	}
}

// defaultHeaders are of every request to the collector.
func defaultHeaders(given map[string]string) http.Header {
	h := http.Header{}
	for name, value := range given {
		h.Set(name, value)
	}
	h.Set("Content-Type", "application/x-protobuf")
	h.Set("Content-Encoding", "gzip")
	h.Set("User-Agent", "heliograph")
	return h
}
