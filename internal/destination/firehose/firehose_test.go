package firehose

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"heliograph/internal/destination"
)

const streamARN = "arn:aws:firehose:eu-west-1:111122223333:deliverystream/events"

type request struct {
	DeliveryStreamName string
	Records            []struct{ Data []byte }
}

// service is the part of Data Firehose that a Publisher speaks to. answer gives
// the error codes of a request's records, or a status and an error type for all.
type service struct {
	t        *testing.T
	requests []request
	regions  []string
	answer   func(n int, r request) (codes []string, status int, failure string)
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if target := r.Header.Get("X-Amz-Target"); target != "Firehose_20150804.PutRecordBatch" {
		s.t.Errorf("target is %q", target)
	}
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		s.t.Error(err)
	}
	s.requests = append(s.requests, in)
	_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=AKID/")
	s.regions = append(s.regions, strings.Split(scope+"//", "/")[1])
	var codes []string
	if s.answer != nil {
		var status int
		var failure string
		if codes, status, failure = s.answer(len(s.requests), in); status != 0 {
			w.Header().Set("X-Amzn-ErrorType", failure)
			w.WriteHeader(status)
			fmt.Fprintf(w, `{"__type":%q,"message":"no"}`, failure)
			return
		}
	}
	out := map[string]any{}
	answers := make([]map[string]string, len(in.Records))
	failed := 0
	for i := range answers {
		answers[i] = map[string]string{"RecordId": fmt.Sprint(i)}
		if i < len(codes) && codes[i] != "" {
			answers[i] = map[string]string{"ErrorCode": codes[i], "ErrorMessage": "Slow down."}
			failed++
		}
	}
	out["FailedPutCount"], out["RequestResponses"] = failed, answers
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if err := json.NewEncoder(w).Encode(out); err != nil {
		s.t.Error(err)
	}
}

func start(t *testing.T, s *service) *Publisher {
	t.Helper()
	s.t = t
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p, err := New(aws.Config{Region: "us-east-1", BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}, streamARN)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func items(n int) []destination.Item {
	all := make([]destination.Item, n)
	for i := range all {
		all[i] = destination.Item{JSON: fmt.Appendf(nil, `{"n":%d}`, i), At: time.UnixMilli(int64(i))}
	}
	return all
}

func TestPublish(t *testing.T) {
	s := &service{}
	if err := start(t, s).Publish(t.Context(), items(1201)); err != nil {
		t.Fatal(err)
	}
	n := 0
	var sizes []int
	for i, r := range s.requests {
		sizes = append(sizes, len(r.Records))
		if r.DeliveryStreamName != "events" || s.regions[i] != "eu-west-1" {
			t.Errorf("stream %q in %q", r.DeliveryStreamName, s.regions[i])
		}
		for _, record := range r.Records {
			if want := fmt.Sprintf("{\"n\":%d}\n", n); string(record.Data) != want {
				t.Fatalf("got %q, want %q", record.Data, want)
			}
			n++
		}
	}
	if !slices.Equal(sizes, []int{500, 500, 201}) {
		t.Errorf("requests have %v records", sizes)
	}
}

// TestPartialFailure: only the records that failed are put again.
func TestPartialFailure(t *testing.T) {
	s := &service{answer: func(n int, r request) ([]string, int, string) {
		switch n {
		case 1:
			return []string{"", "ServiceUnavailableException", "", "ServiceUnavailableException"}, 0, ""
		case 2:
			return []string{"ServiceUnavailableException", ""}, 0, ""
		}
		return nil, 0, ""
	}}
	if err := start(t, s).Publish(t.Context(), items(5)); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range s.requests {
		for _, record := range r.Records {
			got = append(got, strings.TrimSpace(string(record.Data)))
		}
		got = append(got, "|")
	}
	want := `{"n":0} {"n":1} {"n":2} {"n":3} {"n":4} | {"n":1} {"n":3} | {"n":1} |`
	if joined := strings.Join(got, " "); joined != want {
		t.Errorf("got  %s\nwant %s", joined, want)
	}
}

// TestGivesUp: what still failed after the last try, and what follows it, is left
// to be published again.
func TestGivesUp(t *testing.T) {
	s := &service{answer: func(_ int, r request) ([]string, int, string) {
		codes := make([]string, len(r.Records))
		for i := range codes {
			if strings.Contains(string(r.Records[i].Data), ":7}") {
				codes[i] = "ServiceUnavailableException"
			}
		}
		return codes, 0, ""
	}}
	err := start(t, s).Publish(t.Context(), items(502))
	var partial *destination.Partial
	if !errors.As(err, &partial) || !slices.Equal(partial.Retry, []int{7, 500, 501}) || len(partial.Refused) != 0 {
		t.Fatalf("got %v", err)
	}
	if !strings.Contains(err.Error(), "Slow down.") || len(s.requests) != 3 {
		t.Errorf("%d requests, %v", len(s.requests), err)
	}
}

func TestErrors(t *testing.T) {
	s := &service{answer: func(int, request) ([]string, int, string) { return nil, 400, "ResourceNotFoundException" }}
	err := start(t, s).Publish(t.Context(), items(2))
	var partial *destination.Partial
	if !errors.As(err, &partial) || len(partial.Retry) != 2 || !strings.Contains(err.Error(), "ResourceNotFoundException") {
		t.Errorf("got %v", err)
	}
	if len(s.requests) != 1 {
		t.Errorf("%d requests for an error that will not go away", len(s.requests))
	}
}

func TestThrottled(t *testing.T) {
	s := &service{answer: func(n int, _ request) ([]string, int, string) {
		if n == 1 {
			return nil, 400, "ThrottlingException"
		}
		return nil, 0, ""
	}}
	if err := start(t, s).Publish(t.Context(), items(2)); err != nil || len(s.requests) != 2 {
		t.Errorf("%d requests, %v", len(s.requests), err)
	}
}

// TestContextEnds: a service that never answers does not outlast the context.
func TestContextEnds(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	s := &service{answer: func(int, request) ([]string, int, string) {
		cancel()
		return nil, 500, "InternalFailure"
	}}
	if err := start(t, s).Publish(ctx, items(2)); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestARN(t *testing.T) {
	for _, bad := range []string{"", "events", "arn:aws:sns:us-east-1:111122223333:events", "arn:aws:firehose:us-east-1:111122223333:events",
		"arn:aws:firehose::111122223333:deliverystream/events", "arn:aws:firehose:us-east-1:111122223333:deliverystream/"} {
		if _, err := New(aws.Config{}, bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
