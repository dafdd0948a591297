package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/sns"
)

// hook is a web hook: it confirms its subscription and keeps what it gets.
type hook struct {
	*httptest.Server
	t *testing.T

	mu       sync.Mutex
	down     bool
	messages []notification
}

// notification is what Amazon SNS posts to an http subscriber.
type notification struct {
	Type, MessageId, TopicArn, Message, SubscribeURL, Token string
}

func newHook(t *testing.T) *hook {
	h := &hook{t: t}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

func (h *hook) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var n notification
	body, err := io.ReadAll(r.Body)
	if err == nil {
		err = json.Unmarshal(body, &n)
	}
	if err != nil {
		h.t.Errorf("the hook was sent %q: %v", body, err)
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.down {
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}
	switch n.Type {
	case "SubscriptionConfirmation":
		go func() {
			response, err := http.Get(n.SubscribeURL)
			if err != nil || response.StatusCode != http.StatusOK {
				h.t.Errorf("confirm the subscription: %v, %v", response, err)
				return
			}
			response.Body.Close()
		}()
	case "Notification":
		h.messages = append(h.messages, n)
	default:
		h.t.Errorf("the hook was sent a %q", n.Type)
	}
}

// await gives the messages once there are n of them.
func (h *hook) await(n int) []notification {
	h.t.Helper()
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		h.mu.Lock()
		got := append([]notification(nil), h.messages...)
		h.mu.Unlock()
		if len(got) >= n {
			return got
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("the hook has %d messages, want %d: %+v", len(got), n, got)
		}
	}
}

func (h *hook) setDown(down bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.down = down
}

// topics is the AWS SDK's client of Amazon SNS with the server's own credentials.
func (s *server) topics() *sns.Client {
	s.t.Helper()
	accessKey, secret := s.keys()
	return sns.NewFromConfig(aws.Config{Region: region, BaseEndpoint: aws.String(s.url),
		Credentials: credentials.NewStaticCredentialsProvider(accessKey, secret, "")})
}

// subscribe makes a topic whose messages the hook gets.
func (h *hook) subscribe(c *sns.Client, name string) (topicARN string) {
	h.t.Helper()
	topic := must(c.CreateTopic(h.t.Context(), &sns.CreateTopicInput{Name: &name}))(h.t)
	must(c.Subscribe(h.t.Context(), &sns.SubscribeInput{TopicArn: topic.TopicArn, Protocol: aws.String("http"), Endpoint: &h.URL}))(h.t)
	for deadline := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		list := must(c.ListSubscriptionsByTopic(h.t.Context(), &sns.ListSubscriptionsByTopicInput{TopicArn: topic.TopicArn}))(h.t)
		if len(list.Subscriptions) == 1 && *list.Subscriptions[0].SubscriptionArn != "PendingConfirmation" {
			return *topic.TopicArn
		}
		if time.Now().After(deadline) {
			h.t.Fatalf("the subscription is not confirmed: %+v", list.Subscriptions)
		}
	}
}
