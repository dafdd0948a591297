package sns

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"heliograph/internal/destination"
)

const topicARN = "arn:aws:sns:eu-west-1:111122223333:events"

// service is the part of SNS that a Publisher speaks to. answer gives the code
// with which a message fails, or one that fails the request it is in; both empty
// take it.
type service struct {
	t      *testing.T
	answer func(message string, before int) (entry, request string)

	mu       sync.Mutex
	requests [][]string
	tries    map[string]int
	taken    []string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := r.ParseForm(); err != nil {
		s.t.Error(err)
	}
	if r.Form.Get("Action") != "PublishBatch" || r.Form.Get("TopicArn") != topicARN ||
		!strings.Contains(r.Header.Get("Authorization"), "/eu-west-1/sns/") {
		s.t.Errorf("request is %v", r.Form)
	}
	var messages []string
	var successful, failed strings.Builder
	var taken []string
	for i := 1; r.Form.Has(member(i, "Id")); i++ {
		id, message := r.Form.Get(member(i, "Id")), r.Form.Get(member(i, "Message"))
		messages = append(messages, message)
		var entry, request string
		if s.answer != nil {
			entry, request = s.answer(message, s.tries[message])
		}
		s.tries[message]++
		switch {
		case request != "":
			s.requests = append(s.requests, messages)
			w.WriteHeader(http.StatusBadRequest)
			fmt.Fprintf(w, `<ErrorResponse><Error><Type>Sender</Type><Code>%s</Code><Message>no</Message></Error></ErrorResponse>`, request)
			return
		case entry != "":
			fmt.Fprintf(&failed, `<member><Id>%s</Id><Code>%s</Code><Message>no</Message><SenderFault>false</SenderFault></member>`, id, entry)
		default:
			fmt.Fprintf(&successful, `<member><Id>%s</Id><MessageId>%d</MessageId></member>`, id, i)
			taken = append(taken, message)
		}
	}
	s.requests = append(s.requests, messages)
	s.taken = append(s.taken, taken...)
	fmt.Fprintf(w, `<PublishBatchResponse><PublishBatchResult><Successful>%s</Successful><Failed>%s</Failed></PublishBatchResult></PublishBatchResponse>`,
		successful.String(), failed.String())
}

func member(i int, name string) string {
	return fmt.Sprintf("PublishBatchRequestEntries.member.%d.%s", i, name)
}

func start(t *testing.T, s *service) *Publisher {
	t.Helper()
	s.t, s.tries = t, map[string]int{}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p, err := New(aws.Config{BaseEndpoint: &server.URL,
		Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}, topicARN)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func text(i int) string { return fmt.Sprintf(`{"n":"%d é & <"}`, i) }

func items(n int) []destination.Item {
	all := make([]destination.Item, n)
	for i := range all {
		all[i] = destination.Item{JSON: []byte(text(i)), At: time.UnixMilli(int64(i))}
	}
	return all
}

func TestPublish(t *testing.T) {
	s := &service{}
	if err := start(t, s).Publish(t.Context(), items(203)); err != nil {
		t.Fatal(err)
	}
	if len(s.requests) != 21 || len(s.taken) != 203 {
		t.Errorf("%d messages in %d requests", len(s.taken), len(s.requests))
	}
	for i := range 203 {
		if s.tries[text(i)] != 1 {
			t.Errorf("%s was published %d times", text(i), s.tries[text(i)])
		}
	}
	for _, r := range s.requests {
		if !slices.IsSortedFunc(r, func(a, b string) int { return len(a) - len(b) }) {
			t.Errorf("out of order: %v", r)
		}
	}
}

// TestLargeMessages: a request has at most 256 KiB.
func TestLargeMessages(t *testing.T) {
	s := &service{}
	batch := items(4)
	for i := range batch {
		batch[i].JSON = fmt.Appendf(nil, "%d%s", i, strings.Repeat("x", 100<<10))
	}
	if err := start(t, s).Publish(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if len(s.requests) != 2 || len(s.taken) != 4 {
		t.Errorf("%d messages in %d requests", len(s.taken), len(s.requests))
	}
}

// TestPartialFailure: only the messages that failed are published again, and
// what still fails is told.
func TestPartialFailure(t *testing.T) {
	s := &service{answer: func(message string, before int) (string, string) {
		if message == text(3) && before < 2 || message == text(15) {
			return "InternalError", ""
		}
		return "", ""
	}}
	err := start(t, s).Publish(t.Context(), items(25))
	var partial *destination.Partial
	if !errors.As(err, &partial) || !slices.Equal(partial.Retry, []int{15}) || len(partial.Refused) != 0 {
		t.Fatalf("got %v", err)
	}
	if s.tries[text(3)] != 3 || s.tries[text(15)] != 3 || s.tries[text(4)] != 1 || len(s.taken) != 24 {
		t.Errorf("tries %v", s.tries)
	}
}

// TestTopicGone: after a request that failed altogether the others are not made.
func TestTopicGone(t *testing.T) {
	s := &service{answer: func(string, int) (string, string) { return "", "NotFound" }}
	err := start(t, s).Publish(t.Context(), items(1000))
	var partial *destination.Partial
	if !errors.As(err, &partial) || len(partial.Retry) != 1000 || !strings.Contains(err.Error(), "NotFound") {
		t.Fatalf("got %v", err)
	}
	if len(s.requests) > 3*parallel {
		t.Errorf("%d requests", len(s.requests))
	}
}

func TestThrottled(t *testing.T) {
	s := &service{answer: func(_ string, before int) (string, string) {
		if before == 0 {
			return "", "Throttling"
		}
		return "", ""
	}}
	if err := start(t, s).Publish(t.Context(), items(1)); err != nil || len(s.requests) != 2 {
		t.Errorf("%d requests, %v", len(s.requests), err)
	}
}

func TestARN(t *testing.T) {
	for _, bad := range []string{"", "events", "arn:aws:sqs:us-east-1:111122223333:events", "arn:aws:sns::111122223333:events", "arn:aws:sns:us-east-1:111122223333:"} {
		if _, err := New(aws.Config{}, bad); err == nil {
			t.Errorf("%q was taken", bad)
		}
	}
}
