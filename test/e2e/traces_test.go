package e2e

import (
	"compress/gzip"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// collector takes spans by OTLP over HTTP.
type collector struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span
}

func startCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var request collectorpb.ExportTraceServiceRequest
		z, err := gzip.NewReader(r.Body)
		if err == nil {
			var body []byte
			if body, err = io.ReadAll(z); err == nil {
				err = proto.Unmarshal(body, &request)
			}
		}
		if err != nil || r.URL.Path != "/v1/traces" || r.Header.Get("X-Scope") != "tests" {
			t.Errorf("%s %v: %v", r.URL, r.Header, err)
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				c.spans = append(c.spans, scope.Spans...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// trees are the spans by trace: of each the names that are right below its root,
// the root's own first.
func (c *collector) trees(t *testing.T) map[string][]string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	out := map[string][]string{}
	for _, root := range c.spans {
		if root.Name != "message" {
			continue
		}
		id, below := "", []string{}
		for _, a := range root.Attributes {
			if a.Key == "messaging.message.id" {
				id = a.Value.GetStringValue()
			}
		}
		for _, s := range c.spans {
			if string(s.TraceId) != string(root.TraceId) || s == root {
				continue
			}
			if string(s.ParentSpanId) == string(root.SpanId) {
				below = append(below, s.Name)
			}
			if s.EndTimeUnixNano < s.StartTimeUnixNano {
				t.Errorf("%s ends before it begins", s.Name)
			}
		}
		slices.Sort(below)
		if _, twice := out[id]; twice || id == "" {
			t.Errorf("message %q has two roots", id)
		}
		out[id] = append([]string{root.Name}, below...)
	}
	return out
}

// TestTraces sends messages of which each is one trace, also where the program is
// restarted between the submission and the receipt.
func TestTraces(t *testing.T) {
	t.Parallel()
	to := startCollector(t)
	s := start(t, "tracing: {endpoint: \""+to.URL+"\", sample_ratio: 1, headers: {x-scope: tests}}\ncarriers: [{name: sim, sim: {receipt_delay: 2s}}]\n")
	c := s.client()
	number := lease(t, c, "US", types.RequestableNumberTypeSimulator)
	loggingSet(t, c, "Traced")
	want := map[string][]string{}
	for _, m := range []struct{ body, to string }{{"A traced message.", successUS}, {strings.Repeat("Two parts. ", 20), failureUS}} {
		id := send(t, c, &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(m.to), OriginationIdentity: number.PhoneNumberId,
			ConfigurationSetName: aws.String("Traced"), MessageBody: aws.String(m.body)})
		want[id] = []string{"message", "SendTextMessage", "publish", "publish", "publish", "queue", "receipt", "submit"}
		if m.to == failureUS {
			want[id] = append(want[id][:7:7], "receipt", "submit", "submit")
		}
	}
	eventually(t, "both messages are with the carrier", func() bool {
		taken := 0
		for _, e := range s.events("--configuration-set", "Traced") {
			if e.Type == "TEXT_SUCCESSFUL" {
				taken++
			}
		}
		return taken == len(want)
	})
	s.stop()
	s.launch()
	s.untilFinal(len(want), "--configuration-set", "Traced")
	s.stop()
	got := to.trees(t)
	if len(got) != len(want) {
		t.Errorf("there are %d traces of messages", len(got))
	}
	for _, id := range slices.Sorted(maps.Keys(want)) {
		if !slices.Equal(got[id], want[id]) {
			t.Errorf("message %s is told as %q, want %q", id, got[id], want[id])
		}
	}
}
