package trace

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// wire answers requests to the collector without a network, so that time can be
// made to pass.
type wire func(r *http.Request) (*http.Response, error)

func (w wire) RoundTrip(r *http.Request) (*http.Response, error) { return w(r) }

func answer(status int, headers ...string) *http.Response {
	h := http.Header{}
	for i := 0; i+1 < len(headers); i += 2 {
		h.Set(headers[i], headers[i+1])
	}
	return &http.Response{StatusCode: status, Header: h, Body: io.NopCloser(strings.NewReader("no room for you"))}
}

func spansIn(t *testing.T, r *http.Request) int {
	t.Helper()
	z, err := gzip.NewReader(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(z)
	if err != nil {
		t.Fatal(err)
	}
	var request collectorpb.ExportTraceServiceRequest
	if err := proto.Unmarshal(body, &request); err != nil {
		t.Fatal(err)
	}
	return len(request.ResourceSpans[0].ScopeSpans[0].Spans)
}

// inTime runs a test of an exporter whose requests w answers.
func inTime(t *testing.T, w wire, test func(t *testing.T, e *exporter, log *bytes.Buffer)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		var log bytes.Buffer
		e, err := newExporter(Options{Endpoint: "http://collector.example/here?key=secret", Headers: map[string]string{"authorization": "Bearer secret"},
			Registerer: prometheus.NewRegistry(), Log: slog.New(slog.NewTextHandler(&log, nil))})
		if err != nil {
			t.Fatal(err)
		}
		e.client.http.Transport = w
		test(t, e, &log)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		e.close(ctx)
		if strings.Contains(log.String(), "secret") {
			t.Errorf("the log tells a secret: %s", log.String())
		}
	})
}

// figures are the spans that were exported, and dropped by reason.
func (e *exporter) figures() (out [4]float64) {
	registry := prometheus.NewRegistry()
	registry.MustRegister(e.exported, e.dropped)
	families, err := registry.Gather()
	if err != nil {
		panic(err)
	}
	for _, f := range families {
		for _, m := range f.Metric {
			at := 0
			if f.GetName() == "heliograph_trace_spans_dropped_total" {
				at = 1 + slices.Index([]string{dropFull, dropRefused, dropUnreachable}, m.Label[0].GetValue())
			}
			out[at] = m.Counter.GetValue()
		}
	}
	return out
}

func some() *tracepb.Span { return &tracepb.Span{Name: "some"} }

// Spans are sent a second after the first of them, or at once when there are many.
func TestBatches(t *testing.T) {
	var sizes []int
	var at []time.Duration
	var began time.Time
	inTime(t, func(r *http.Request) (*http.Response, error) {
		if r.URL.Path != "/here" || r.Header.Get("Authorization") != "Bearer secret" || r.Header.Get("Content-Type") != "application/x-protobuf" {
			t.Errorf("%s %v", r.URL, r.Header)
		}
		sizes, at = append(sizes, spansIn(t, r)), append(at, time.Since(began))
		return answer(http.StatusOK), nil
	}, func(t *testing.T, e *exporter, _ *bytes.Buffer) {
		began = time.Now()
		for range maxBatch + 3 {
			e.add(some())
		}
		time.Sleep(gatherTime / 2)
		synctest.Wait()
		e.add(some())
		time.Sleep(gatherTime)
		synctest.Wait()
		if got, want := e.figures(), [4]float64{maxBatch + 4, 0, 0, 0}; got != want {
			t.Errorf("figures %v, want %v", got, want)
		}
		e.add(some())
		synctest.Wait()
	})
	if len(sizes) != 3 || sizes[0] != maxBatch || sizes[1] != 4 || sizes[2] != 1 {
		t.Errorf("batches of %d spans", sizes)
	}
	if len(at) != 3 || at[0] != 0 || at[1] != gatherTime || at[2] >= 2*gatherTime {
		t.Errorf("batches after %v", at)
	}
}

func TestAnswers(t *testing.T) {
	partial, err := proto.Marshal(&collectorpb.ExportTraceServiceResponse{PartialSuccess: &collectorpb.ExportTracePartialSuccess{RejectedSpans: 1, ErrorMessage: "x"}})
	if err != nil {
		t.Fatal(err)
	}
	const two = 2 // spans
	for name, c := range map[string]struct {
		answers []func() (*http.Response, error)
		want    [4]float64 // exported, and dropped: full, refused, unreachable
		least   time.Duration
		most    time.Duration
		log     string
	}{
		"taken": {[]func() (*http.Response, error){ok}, [4]float64{two}, 0, 0, ""},
		"taken in part": {[]func() (*http.Response, error){func() (*http.Response, error) {
			a := answer(200, "Content-Type", "application/x-protobuf")
			a.Body = io.NopCloser(bytes.NewReader(partial))
			return a, nil
		}}, [4]float64{1, 0, 1, 0}, 0, 0, "rejected=1"},
		"an answer that is no protobuf": {[]func() (*http.Response, error){is(200, "Content-Type", "application/x-protobuf")}, [4]float64{two}, 0, 0, ""},
		"refused":                       {[]func() (*http.Response, error){is(400, "Content-Type", "text/plain")}, [4]float64{0, 0, two, 0}, 0, 0, "the collector answers 400: no room for you"},
		"sent elsewhere":                {[]func() (*http.Response, error){is(307, "Location", "http://elsewhere.example/")}, [4]float64{0, 0, two, 0}, 0, 0, "answers 307"},
		"again, as asked":               {[]func() (*http.Response, error){is(429, "Retry-After", "7"), is(503, "Retry-After", "3600"), ok}, [4]float64{two}, 37 * time.Second, 37 * time.Second, ""},
		"again, not asked":              {[]func() (*http.Response, error){is(502), is(504, "Retry-After", "soon"), ok}, [4]float64{two}, 1500 * time.Millisecond, 3 * time.Second, ""},
		"away":                          {[]func() (*http.Response, error){away}, [4]float64{0, 0, 0, two}, 7500 * time.Millisecond, 15 * time.Second, "no route"},
		"away for a moment":             {[]func() (*http.Response, error){away, away, ok}, [4]float64{two}, 1500 * time.Millisecond, 3 * time.Second, ""},
	} {
		t.Run(name, func(t *testing.T) {
			var first, last time.Time
			calls := 0
			inTime(t, func(r *http.Request) (*http.Response, error) {
				if n := spansIn(t, r); n != two {
					t.Errorf("%d spans", n)
				}
				last = time.Now()
				if calls++; calls == 1 {
					first = last
				}
				return c.answers[min(calls, len(c.answers))-1]()
			}, func(t *testing.T, e *exporter, log *bytes.Buffer) {
				e.add(some())
				e.add(some())
				time.Sleep(5 * time.Minute)
				synctest.Wait()
				if got := e.figures(); got != c.want {
					t.Errorf("figures %v, want %v", got, c.want)
				}
				if took := last.Sub(first); took < c.least || took > c.most {
					t.Errorf("the tries took %v, %v to %v were expected", took, c.least, c.most)
				}
				if got := log.String(); !strings.Contains(got, c.log) || (c.log == "") != (got == "") {
					t.Errorf("the log says %q", got)
				}
			})
			if max := len(c.answers); name == "away" && calls != maxTries || name != "away" && calls != max {
				t.Errorf("%d tries", calls)
			}
		})
	}
}

func ok() (*http.Response, error)   { return answer(http.StatusOK), nil }
func away() (*http.Response, error) { return nil, errors.New("no route") }
func is(status int, headers ...string) func() (*http.Response, error) {
	return func() (*http.Response, error) { return answer(status, headers...), nil }
}

// A collector that hangs holds nobody up: what does not fit is dropped and counted,
// and what is said of it is said once.
func TestCollectorThatHangs(t *testing.T) {
	var free atomic.Bool
	inTime(t, func(r *http.Request) (*http.Response, error) {
		if !free.Load() {
			<-r.Context().Done()
			return nil, r.Context().Err()
		}
		return ok()
	}, func(t *testing.T, e *exporter, log *bytes.Buffer) {
		for range maxBatch {
			e.add(some())
		}
		synctest.Wait() // the first batch is with the collector
		began := time.Now()
		for range maxWaiting + 10 {
			e.add(some())
		}
		if took := time.Since(began); took != 0 {
			t.Errorf("adding took %v", took)
		}
		if got, want := e.figures(), [4]float64{0, 10, 0, 0}; got != want {
			t.Errorf("figures %v, want %v", got, want)
		}
		time.Sleep(3 * time.Minute) // two batches are given up
		free.Store(true)
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		got := e.figures()
		if got[3] < 2*maxBatch || got[0]+got[3] != maxBatch+maxWaiting {
			t.Errorf("figures %v", got)
		}
		if text := log.String(); strings.Count(text, "level=WARN") != 1 || strings.Count(text, "takes spans again") != 1 {
			t.Errorf("the log says %s", text)
		}
	})
}

// Closing sends what waits, tries nothing twice, and ends when it has to.
func TestClose(t *testing.T) {
	for name, c := range map[string]struct {
		answer wire
		most   time.Duration
		want   [4]float64
	}{
		"taken":   {func(*http.Request) (*http.Response, error) { return ok() }, 0, [4]float64{maxBatch + 1, 1, 0, 0}},
		"away":    {func(*http.Request) (*http.Response, error) { return away() }, 0, [4]float64{0, 1, 0, maxBatch + 1}},
		"hanging": {func(r *http.Request) (*http.Response, error) { <-r.Context().Done(); return nil, r.Context().Err() }, 3 * time.Second, [4]float64{0, 1, 0, maxBatch + 1}},
	} {
		t.Run(name, func(t *testing.T) {
			inTime(t, c.answer, func(t *testing.T, e *exporter, _ *bytes.Buffer) {
				for range maxBatch + 1 {
					e.add(some())
				}
				began := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
				defer cancel()
				e.close(ctx)
				if took := time.Since(began); took > c.most {
					t.Errorf("closing took %v", took)
				}
				e.add(some())
				if got := e.figures(); got != c.want {
					t.Errorf("figures %v, want %v", got, c.want)
				}
			})
		})
	}
}

func TestEndpoint(t *testing.T) {
	for text, want := range map[string]string{
		"http://127.0.0.1:4318":         "http://127.0.0.1:4318/v1/traces",
		"https://collector.example/":    "https://collector.example/v1/traces",
		"https://collector.example/a/b": "https://collector.example/a/b",
		"http://collector.example?x=y":  "http://collector.example/v1/traces?x=y",
		"collector:4318":                "",
		"grpc://collector:4317":         "",
		"http://":                       "",
		"http://me:secret@collector":    "",
		"http://collector/#a":           "",
		"http://a b":                    "",
	} {
		u, err := Endpoint(text)
		if (err == nil) != (want != "") || err == nil && u.String() != want {
			t.Errorf("%q: %v, %v", text, u, err)
		}
		if err != nil && strings.Contains(err.Error(), "secret") {
			t.Errorf("%v", err)
		}
	}
	if _, err := New(Options{Endpoint: "collector:4318"}); err == nil {
		t.Error("a tracer was made of no URL")
	}
}

// What is not traced costs no allocation, whether tracing is off or on.
func TestNoAllocations(t *testing.T) {
	off, err := New(Options{})
	if off != nil || err != nil {
		t.Fatalf("%v, %v", off, err)
	}
	on, err := New(Options{Endpoint: "http://127.0.0.1:1", SampleRatio: 0, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer on.Close(t.Context())
	off.Close(t.Context())
	now := time.Now()
	id := sms.NewIDs(0, 0).Next(now)
	m := &sms.Message{ID: id}
	changes := []*store.Change{{
		Accept: []store.Accepted{{Message: m, Queued: store.Queued{ID: id}}},
		Mark:   []store.Dispatch{{Seq: 1, Parts: []sms.PartID{id.Part(1), id.Part(2)}}},
		Parts:  []store.PartChange{{Update: sms.PartUpdate{Message: id, Kind: sms.UpdateTaken, Number: 1}}},
		Unmark: []store.SlotSeq{{Seq: 1}}, Requeue: []store.Requeue{{Queued: store.Queued{ID: id}}},
		Events: []store.Event{{Message: id, Final: true}},
	}}
	client := http.Header{"Traceparent": {strings.Replace(clientParent, "-01", "-00", 1)}}
	for name, tracer := range map[string]*Tracer{"off": off, "on": on} {
		if n := testing.AllocsPerRun(100, func() {
			r := tracer.Request(client, now)
			if r == nil {
				r = tracer.Request(http.Header(nil), now)
			}
			r.Accepted(m, now, now, now)
			tracer.Observe(changes)
			r.Done(Answer{Operation: "SendTextMessage", Code: "OK", Status: 200}, now)
		}); n != 0 {
			t.Errorf("tracing is %s: %v allocations a message that is not traced", name, n)
		}
	}
}

// What is remembered of messages is bounded, also of those that end elsewhere.
func TestJourneysAreBounded(t *testing.T) {
	ids, now := sms.NewIDs(0, 0), time.Now()
	var j journeys
	first := ids.NextTraced(now)
	j.begin(first).fly(1, 1, now)
	for i := range int64(10 * maxGeneration) {
		id := ids.NextTraced(now)
		j.begin(id).fly(1, i, now)
		j.mark(i, id.Part(1))
		if i < 5*maxGeneration && j.begin(first).tries[0] != 1 {
			t.Fatal("a message that is spoken of was forgotten")
		}
	}
	if n := len(j.young.of) + len(j.old.of); n > 2*maxGeneration {
		t.Errorf("%d messages are remembered", n)
	}
	if n := len(j.young.marks) + len(j.old.marks); n > 2*maxGeneration {
		t.Errorf("%d dispatches are remembered", n)
	}
	if j.get(first) != nil {
		t.Error("a message that nobody spoke of is remembered")
	}
}
