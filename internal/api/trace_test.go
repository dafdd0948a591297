package api_test

import (
	"compress/gzip"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	collectorpb "go.opentelemetry.io/proto/slim/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"heliograph/internal/api"
	"heliograph/internal/sms"
	"heliograph/internal/trace"
)

// collect starts a collector of traces. The function ends the tracer and gives
// each span's name and attributes that are texts.
func collect(t *testing.T) (*trace.Tracer, func() []map[string]string) {
	t.Helper()
	var mu sync.Mutex
	var got []map[string]string
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		z, err := gzip.NewReader(r.Body)
		if err != nil {
			t.Error(err)
			return
		}
		body, err := io.ReadAll(z)
		var request collectorpb.ExportTraceServiceRequest
		if err != nil || proto.Unmarshal(body, &request) != nil {
			t.Errorf("%d octets cannot be read: %v", len(body), err)
			return
		}
		mu.Lock()
		defer mu.Unlock()
		for _, s := range request.ResourceSpans[0].ScopeSpans[0].Spans {
			span := map[string]string{"name": s.Name}
			for _, a := range s.Attributes {
				span[a.Key] = a.Value.GetStringValue()
			}
			got = append(got, span)
		}
	}))
	t.Cleanup(server.Close)
	tracer, err := trace.New(trace.Options{Endpoint: server.URL, SampleRatio: 0, Key: []byte("0123456789abcdef"),
		MessageID: func(sms.ID) string { return sentID }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	end := func() []map[string]string {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		tracer.Close(ctx)
		mu.Lock()
		defer mu.Unlock()
		return got
	}
	t.Cleanup(func() { end() })
	return tracer, end
}

// A client that sends a traceparent decides whether its request is traced, if it
// has proved who it is.
func TestTracedRequests(t *testing.T) {
	tracer, end := collect(t)
	sender := &recorder{}
	url, _ := startServer(t, func(o *api.Options) { o.Sender, o.Tracer = sender, tracer })
	const parent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-"
	call := func(flags, secret string) error {
		client := smsvoice.New(smsvoice.Options{Region: customerRegion, BaseEndpoint: &url, Retryer: aws.NopRetryer{},
			Credentials: credentials.NewStaticCredentialsProvider(rootAccessKey, secret, ""),
			HTTPClient: &http.Client{Transport: roundTripper(func(r *http.Request) (*http.Response, error) {
				if flags != "" {
					r.Header.Set("Traceparent", parent+flags)
				}
				return http.DefaultTransport.RoundTrip(r)
			})}})
		_, err := client.SendTextMessage(t.Context(), &smsvoice.SendTextMessageInput{DestinationPhoneNumber: aws.String("+12065550199"), MessageBody: aws.String("hello")})
		return err
	}
	for flags, traced := range map[string]bool{"": false, "00": false, "01": true} {
		if err := call(flags, rootSecret); err != nil || (sender.request.Trace != nil) != traced {
			t.Errorf("flags %q: traced %v, %v", flags, sender.request.Trace != nil, err)
		}
	}
	calls := sender.calls
	if err := call("01", "a wrong secret"); err == nil || sender.calls != calls {
		t.Errorf("a wrong signature: %v", err)
	}
	sender.err = sms.Throttled("not now")
	if err := call("01", rootSecret); err == nil {
		t.Error("the sender's error is not told")
	}
	var told []string
	for _, s := range end() {
		if s["aws.request_id"] == "" || s["heliograph.account"] != customerAccount {
			t.Errorf("%v", s)
		}
		told = append(told, s["name"]+" "+s["error.type"])
	}
	slices.Sort(told)
	if want := []string{"SendTextMessage ", "SendTextMessage ThrottlingException"}; !slices.Equal(told, want) {
		t.Errorf("spans %q, want %q", told, want)
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
