package connect

import (
	"encoding/json"
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

const number = "arn:aws:sms-voice:us-east-1:111122223333:phone-number/phone-1"

// request is a SendChatIntegrationEvent as it arrives.
type request struct {
	SourceId, DestinationId, Subtype string
	Event                            struct{ Type, ContentType, Content string }
}

// service records requests. Those with a text in fails are answered with the error named.
type service struct {
	t     *testing.T
	fails map[string]string

	mu  sync.Mutex
	got []request
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost || r.URL.Path != "/chat-integration-event" || !strings.Contains(r.Header.Get("Authorization"), "/eu-west-2/connect/") {
		s.t.Errorf("%s %s, %s", r.Method, r.URL.Path, r.Header.Get("Authorization"))
	}
	var in request
	if err := json.NewDecoder(r.Body).Decode(&in); err != nil {
		s.t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if code := s.fails[in.Event.Content]; code != "" {
		w.Header().Set("X-Amzn-Errortype", code)
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"Message":"no"}`)
		return
	}
	s.got = append(s.got, in)
	fmt.Fprint(w, `{"InitialContactId":"11111111-2222-3333-4444-555555555555","NewChatCreated":true}`)
}

func start(t *testing.T, s *service) *Publisher {
	t.Helper()
	s.t = t
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p, err := New(aws.Config{BaseEndpoint: &server.URL, Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", ""),
		Retryer: func() aws.Retryer { return aws.NopRetryer{} }}, "connect.eu-west-2.amazonaws.com", number)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func item(from, body string) destination.Item {
	text, err := json.Marshal(map[string]string{"originationNumber": from, "destinationNumber": "+12065550183", "messageKeyword": "", "messageBody": body,
		"inboundMessageId": "0190b7a0-0000-7000-8000-000000000001", "previousPublishedMessageId": ""})
	if err != nil {
		panic(err)
	}
	return destination.Item{JSON: text, At: time.Now()}
}

func TestRequest(t *testing.T) {
	s := &service{}
	p := start(t, s)
	if err := p.Publish(t.Context(), []destination.Item{item("+14255550168", "Is it \"there\" & 😀?")}); err != nil {
		t.Fatal(err)
	}
	want := request{SourceId: "+14255550168", DestinationId: number, Subtype: "connect:sms"}
	want.Event.Type, want.Event.ContentType, want.Event.Content = "MESSAGE", "text/plain", "Is it \"there\" & 😀?"
	if len(s.got) != 1 || s.got[0] != want {
		t.Errorf("got %+v, want %+v", s.got, want)
	}
}

func TestOrderOfASender(t *testing.T) {
	s := &service{}
	p := start(t, s)
	var batch []destination.Item
	for i := range 120 {
		batch = append(batch, item(fmt.Sprintf("+1425555%04d", i%30), fmt.Sprint(i/30)))
	}
	if err := p.Publish(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	texts := map[string]string{}
	for _, r := range s.got {
		texts[r.SourceId] += r.Event.Content
	}
	if len(texts) != 30 {
		t.Errorf("%d senders", len(texts))
	}
	for from, text := range texts {
		if text != "0123" {
			t.Errorf("%s wrote %q", from, text)
		}
	}
}

func TestLongMessage(t *testing.T) {
	s := &service{}
	p := start(t, s)
	body := strings.Repeat("é", 2*maxContent) + "!"
	if err := p.Publish(t.Context(), []destination.Item{item("+14255550168", body)}); err != nil {
		t.Fatal(err)
	}
	joined := ""
	for _, r := range s.got {
		joined += r.Event.Content
	}
	if len(s.got) != 3 || joined != body {
		t.Errorf("%d requests, the text is whole: %t", len(s.got), joined == body)
	}
}

func TestFailures(t *testing.T) {
	s := &service{fails: map[string]string{"bad": "InvalidRequestException", "busy": "ThrottlingException"}}
	p := start(t, s)
	a, b := "+14255550168", "+14255550169"
	err := p.Publish(t.Context(), []destination.Item{item(a, "one"), item(a, "bad"), item(b, "busy"), item(a, "two"), item(b, "three"), item(a, ""),
		{JSON: []byte("{")}, item(b, "four")})
	var partial *destination.Partial
	if !errors.As(err, &partial) || !slices.Equal(partial.Retry, []int{2, 4, 7}) || !slices.Equal(partial.Refused, []int{1, 5, 6}) {
		t.Fatalf("got %+v", err)
	}
	if len(s.got) != 2 || s.got[0].Event.Content != "one" || s.got[1].Event.Content != "two" {
		t.Errorf("taken %+v", s.got)
	}
	if text := err.Error(); strings.Contains(text, a) || strings.Contains(text, "secret") {
		t.Errorf("the error is %s", text)
	}
}

func TestChannels(t *testing.T) {
	for channel, region := range map[string]string{
		"connect.us-east-1.amazonaws.com":                                           "us-east-1",
		"connect.cn-north-1.amazonaws.com.cn":                                       "cn-north-1",
		"arn:aws:connect:us-west-2:111122223333:instance/8d8b2c0b-0000-0000-000000": "us-west-2",
		"connect.amazonaws.com":                                                     "",
		"connect.us-east-1.example.com":                                             "",
		"arn:aws:sns:us-west-2:111122223333:topic":                                  "",
		"": "",
	} {
		if m := regionOf.FindStringSubmatch(channel); m != nil && m[1]+m[2] != region {
			t.Errorf("%q is of region %s", channel, m[1]+m[2])
		}
		if _, err := New(aws.Config{}, channel, number); (err == nil) != (region != "") {
			t.Errorf("%q: %v", channel, err)
		}
	}
}
