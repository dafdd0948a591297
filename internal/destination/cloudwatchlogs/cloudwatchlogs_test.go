package cloudwatchlogs

import (
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

const groupARN = "arn:aws:logs:eu-west-1:111122223333:log-group:/sms/events:*"

type event struct {
	Message   string
	Timestamp int64
}

type request struct {
	LogGroupName, LogStreamName string
	LogEvents                   []event
}

// service is the part of CloudWatch Logs that a Publisher speaks to.
type service struct {
	t       *testing.T
	group   bool // it exists
	streams map[string][]event
	calls   []string
	reject  map[string]int
	fail    func(call int) (status int, failure string)
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		s.t.Error(err)
	}
	_, operation, _ := strings.Cut(r.Header.Get("X-Amz-Target"), ".")
	s.calls = append(s.calls, operation)
	if in.LogGroupName != "/sms/events" || !strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/logs/") {
		s.t.Errorf("request is %+v", in)
	}
	refuse := func(status int, failure string) {
		w.Header().Set("X-Amzn-ErrorType", failure)
		w.WriteHeader(status)
		fmt.Fprintf(w, `{"__type":%q,"message":"no"}`, failure)
	}
	if s.fail != nil {
		if status, failure := s.fail(len(s.calls)); status != 0 {
			refuse(status, failure)
			return
		}
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	_, exists := s.streams[in.LogStreamName]
	switch {
	case !s.group, operation == "PutLogEvents" && !exists:
		refuse(400, "ResourceNotFoundException")
	case operation == "CreateLogStream" && exists:
		refuse(400, "ResourceAlreadyExistsException")
	case operation == "CreateLogStream":
		s.streams[in.LogStreamName] = []event{}
	default:
		s.put(w, in)
	}
}

func (s *service) put(w http.ResponseWriter, in request) {
	size := 0
	for i, e := range in.LogEvents {
		size += len(e.Message) + 26
		if i > 0 && e.Timestamp < in.LogEvents[i-1].Timestamp {
			s.t.Error("events are not sorted by time")
		}
	}
	span := in.LogEvents[len(in.LogEvents)-1].Timestamp - in.LogEvents[0].Timestamp
	if len(in.LogEvents) > 10_000 || size > 1_048_576 || span >= (24*time.Hour).Milliseconds() {
		s.t.Errorf("a request of %d events, %d bytes, %d ms", len(in.LogEvents), size, span)
	}
	s.streams[in.LogStreamName] = append(s.streams[in.LogStreamName], in.LogEvents...)
	out := map[string]any{"nextSequenceToken": "1"}
	if s.reject != nil {
		out["rejectedLogEventsInfo"] = s.reject
	}
	if err := json.NewEncoder(w).Encode(out); err != nil {
		s.t.Error(err)
	}
}

func start(t *testing.T, s *service) *Publisher {
	t.Helper()
	s.t = t
	if s.streams == nil {
		s.streams = map[string][]event{}
	}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p, err := New(aws.Config{BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}, groupARN, 3)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

var noon = time.Date(2026, 2, 3, 12, 0, 0, 0, time.UTC)

func item(text string, at time.Time) destination.Item {
	return destination.Item{JSON: []byte(text), At: at}
}

func (s *service) only(t *testing.T) []event {
	t.Helper()
	if len(s.streams) != 1 {
		t.Fatalf("%d streams", len(s.streams))
	}
	for name, events := range s.streams {
		if !strings.HasPrefix(name, "heliograph/20") || !strings.HasSuffix(name, "/3") {
			t.Errorf("stream is named %q", name)
		}
		return events
	}
	return nil
}

// TestPublish: the stream is made once, events come sorted by time.
func TestPublish(t *testing.T) {
	s := &service{group: true}
	p := start(t, s)
	if err := p.Publish(t.Context(), []destination.Item{item("b", noon.Add(2)), item("c", noon.Add(time.Second)), item("a", noon)}); err != nil {
		t.Fatal(err)
	}
	if err := p.Publish(t.Context(), []destination.Item{item("d", noon)}); err != nil {
		t.Fatal(err)
	}
	at := noon.UnixMilli()
	want := []event{{"a", at}, {"b", at}, {"c", at + 1000}, {"d", at}}
	if got := s.only(t); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if calls := strings.Join(s.calls, " "); calls != "PutLogEvents CreateLogStream PutLogEvents PutLogEvents" {
		t.Errorf("calls were %s", calls)
	}
}

// TestLimits: the service in this file refuses requests that are too large or
// span a day.
func TestLimits(t *testing.T) {
	s := &service{group: true}
	p := start(t, s)
	var batch []destination.Item
	for range 12_000 {
		batch = append(batch, item(strings.Repeat("x", 20), noon))
	}
	for i := range 5 {
		batch = append(batch, item(strings.Repeat("y", 300_000), noon.Add(time.Duration(i)*12*time.Hour)))
	}
	if err := p.Publish(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if got := len(s.only(t)); got != len(batch) {
		t.Errorf("%d events of %d", got, len(batch))
	}
}

func TestRejected(t *testing.T) {
	s := &service{group: true, reject: map[string]int{"tooOldLogEventEndIndex": 1, "expiredLogEventEndIndex": 2, "tooNewLogEventStartIndex": 4}}
	err := start(t, s).Publish(t.Context(), []destination.Item{item("new", noon.Add(4)), item("a", noon), item("b", noon.Add(1)), item("c", noon.Add(2)), item("d", noon.Add(3))})
	var partial *destination.Partial
	if !errors.As(err, &partial) || !slices.Equal(partial.Refused, []int{1, 2}) || !slices.Equal(partial.Retry, []int{0}) {
		t.Errorf("got %#v", partial)
	}
}

func TestGroupMissing(t *testing.T) {
	s := &service{}
	err := start(t, s).Publish(t.Context(), []destination.Item{item("a", noon), item("b", noon.Add(48*time.Hour))})
	var partial *destination.Partial
	if !errors.As(err, &partial) || !slices.Equal(partial.Retry, []int{0, 1}) || !strings.Contains(err.Error(), "/sms/events") {
		t.Errorf("got %v", err)
	}
	if calls := strings.Join(s.calls, " "); calls != "PutLogEvents CreateLogStream" {
		t.Errorf("calls were %s", calls)
	}
}

// TestStreamMadeMeanwhile: that another process made the stream is no failure.
func TestStreamMadeMeanwhile(t *testing.T) {
	s := &service{group: true}
	s.fail = func(call int) (int, string) {
		if call == 1 {
			s.streams["heliograph/"+time.Now().UTC().Format(time.DateOnly)+"/3"] = []event{}
			return 400, "ResourceNotFoundException"
		}
		return 0, ""
	}
	if err := start(t, s).Publish(t.Context(), []destination.Item{item("a", noon)}); err != nil {
		t.Fatal(err)
	}
}

// TestFailsBetween: what was put before a failure is not put again.
func TestFailsBetween(t *testing.T) {
	s := &service{group: true}
	s.fail = func(call int) (int, string) {
		if call == 4 {
			return 400, "AccessDeniedException"
		}
		return 0, ""
	}
	err := start(t, s).Publish(t.Context(), []destination.Item{item("c", noon.Add(48*time.Hour)), item("a", noon), item("b", noon.Add(72*time.Hour))})
	var partial *destination.Partial
	if !errors.As(err, &partial) || !slices.Equal(partial.Retry, []int{0, 2}) {
		t.Errorf("got %v", err)
	}
}

func TestThrottled(t *testing.T) {
	s := &service{group: true}
	s.fail = func(call int) (int, string) {
		if call == 1 {
			return 400, "ThrottlingException"
		}
		return 0, ""
	}
	if err := start(t, s).Publish(t.Context(), []destination.Item{item("a", noon)}); err != nil {
		t.Fatal(err)
	}
}

func TestARN(t *testing.T) {
	for _, good := range []string{"arn:aws:logs:us-east-1:111122223333:log-group:events", "arn:aws:logs:us-east-1:111122223333:log-group:/a/b.c:*"} {
		if _, err := New(aws.Config{}, good, 0); err != nil {
			t.Error(err)
		}
	}
	for _, bad := range []string{"", "events", "arn:aws:logs:us-east-1:111122223333:events", "arn:aws:logs:us-east-1:111122223333:log-group:",
		"arn:aws:logs:us-east-1:111122223333:log-group:a:log-stream:b", "arn:aws:logs::111122223333:log-group:events"} {
		if _, err := New(aws.Config{}, bad, 0); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
