package trace_test

import (
	"compress/gzip"
	"context"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	commonpb "go.opentelemetry.io/proto/slim/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"heliograph/internal/sms"
	"heliograph/internal/trace"
)

// collector is a collector of OTLP over HTTP.
type collector struct {
	*httptest.Server
	t        *testing.T
	mu       sync.Mutex
	spans    []*tracepb.Span
	resource map[string]string
	headers  http.Header
}

func newCollector(t *testing.T) *collector {
	c := &collector{t: t}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" {
		c.t.Errorf("%s %s, %s", r.Method, r.URL, r.Header.Get("Content-Type"))
	}
	plain, err := gzip.NewReader(r.Body)
	if err != nil {
		c.t.Error(err)
		return
	}
	body, err := io.ReadAll(plain)
	if err != nil {
		c.t.Error(err)
	}
	var request collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil {
		c.t.Error(err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.headers = r.Header
	for _, resource := range request.ResourceSpans {
		c.resource = texts(resource.Resource.Attributes)
		for _, scope := range resource.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

// tracer makes a Tracer that sends here, and a function that ends it and gives
// the spans that came.
func (c *collector) tracer(edit func(*trace.Options)) (*trace.Tracer, func() []*tracepb.Span) {
	c.t.Helper()
	ids, err := sms.NewMessageIDs([]byte("0123456789abcdef"))
	if err != nil {
		c.t.Fatal(err)
	}
	o := trace.Options{Endpoint: c.URL, SampleRatio: 1, Node: "one", Version: "1.2.3", Key: []byte("0123456789abcdef"),
		MessageID: ids.Format, Log: slog.New(slog.DiscardHandler)}
	if edit != nil {
		edit(&o)
	}
	tracer, err := trace.New(o)
	if err != nil {
		c.t.Fatal(err)
	}
	end := func() []*tracepb.Span {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		tracer.Close(ctx)
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.spans
	}
	c.t.Cleanup(func() { end() })
	return tracer, end
}

func texts(attributes []*commonpb.KeyValue) map[string]string {
	out := map[string]string{}
	for _, a := range attributes {
		switch v := a.Value.Value.(type) {
		case *commonpb.AnyValue_StringValue:
			out[a.Key] = v.StringValue
		case *commonpb.AnyValue_IntValue:
			out[a.Key] = fmt.Sprint(v.IntValue)
		}
	}
	return out
}

// tree renders the spans of one trace, each below its parent, in the order in
// which they began: name, attributes, and where times is set the milliseconds
// after it from which and to which it lasted.
func tree(t *testing.T, spans []*tracepb.Span, from time.Time) string {
	t.Helper()
	children := map[string][]*tracepb.Span{}
	ids := map[string]bool{}
	for _, s := range spans {
		if len(s.TraceId) != 16 || len(s.SpanId) != 8 || ids[string(s.SpanId)] {
			t.Fatalf("trace %x, span %x: wrong, or there twice", s.TraceId, s.SpanId)
		}
		if string(s.TraceId) != string(spans[0].TraceId) {
			t.Errorf("%s is in another trace", s.Name)
		}
		ids[string(s.SpanId)] = true
		children[string(s.ParentSpanId)] = append(children[string(s.ParentSpanId)], s)
	}
	for id, below := range children {
		if id != "" && !ids[id] {
			t.Errorf("%s is below a span that is not there: %x", below[0].Name, id)
		}
		slices.SortStableFunc(below, func(a, b *tracepb.Span) int {
			if a.StartTimeUnixNano != b.StartTimeUnixNano {
				return int(int64(a.StartTimeUnixNano) - int64(b.StartTimeUnixNano))
			}
			return strings.Compare(line(a, from), line(b, from))
		})
	}
	if len(children[""]) != 1 {
		t.Errorf("%d roots", len(children[""]))
	}
	var out strings.Builder
	var write func(id, indent string)
	write = func(id, indent string) {
		for _, s := range children[id] {
			out.WriteString(indent + line(s, from) + "\n")
			write(string(s.SpanId), indent+"  ")
		}
	}
	write("", "")
	return out.String()
}

func line(s *tracepb.Span, from time.Time) string {
	at := func(nano uint64) string {
		return fmt.Sprint(time.Unix(0, int64(nano)).Sub(from).Milliseconds())
	}
	text := fmt.Sprintf("%s %s-%s", s.Name, at(s.StartTimeUnixNano), at(s.EndTimeUnixNano))
	attributes := texts(s.Attributes)
	delete(attributes, "messaging.message.id")
	var names []string
	for name := range attributes {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		text += " " + strings.TrimPrefix(name, "heliograph.") + "=" + attributes[name]
	}
	if s.Status.GetCode() == tracepb.Status_STATUS_CODE_ERROR {
		text += " FAILED " + s.Status.Message
	}
	for _, l := range s.Links {
		text += " link=" + hex.EncodeToString(l.TraceId)
	}
	return text
}
