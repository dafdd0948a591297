package sns

import (
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// TestHandshakeIsTriedAgain: an endpoint that does not take the request to confirm gets
// it again later, and one that took it does not, unless it is subscribed again.
func TestHandshakeIsTriedAgain(t *testing.T) {
	r := newRig(t)
	r.topic()
	var asked, taken atomic.Int64
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if q.Header.Get("x-amz-sns-message-type") != kindConfirmation || q.Header.Get("x-amz-sns-subscription-arn") != "" {
			t.Errorf("headers %v", q.Header)
		}
		if asked.Add(1) <= 2 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		taken.Add(1)
	}))
	defer endpoint.Close()
	began := time.Now()
	subscribe := func() {
		r.must("Subscribe", "TopicArn", topicARN, "Protocol", "http", "Endpoint", endpoint.URL)
	}
	subscribe()
	asks := func() bool {
		for _, item := range r.directory.Account(account).Subscriptions.All() {
			return item.Value.Asked.IsZero()
		}
		return true
	}
	// later is a time after the endpoint was asked n times, its answers counted.
	later := func(n int64, pause time.Duration) {
		t.Helper()
		r.eventually("a try", func() bool {
			r.handshake.mu.Lock()
			defer r.handshake.mu.Unlock()
			for _, of := range r.handshake.tries {
				return asked.Load() == n && !of.underway && int64(of.failures) == n
			}
			return false
		})
		began = began.Add(pause)
		r.setClock(began)
		r.handshake.Wake()
	}
	later(1, pauses[0]+time.Minute)
	later(2, pauses[1]+time.Minute)
	r.eventually("that it is taken", func() bool { return taken.Load() == 1 && !asks() })

	// Nor does it get it again from a node that begins.
	r.setClock(began.Add(time.Hour))
	var tries sync.WaitGroup
	NewHandshake(r.handshake.HandshakeOptions).look(t.Context(), make(chan struct{}, 1), &tries)
	tries.Wait()
	if asked.Load() != 3 {
		t.Errorf("asked %d times", asked.Load())
	}
	subscribe()
	r.eventually("another request", func() bool { return taken.Load() == 2 && !asks() })
}

func TestPublicURL(t *testing.T) {
	for _, c := range [][3]string{
		{"https://sms.example.com/", "http://127.0.0.1:7670", "https://sms.example.com"},
		{"https://example.com/sms", "http://127.0.0.1:7670", "https://example.com/sms"},
		{"", "http://127.0.0.1:7670", "http://127.0.0.1:7670"},
		{"", "https://10.1.2.3:443", "https://10.1.2.3:443"},
		{"", "http://0.0.0.0:80", "http://127.0.0.1:80"},
		{"", "http://[::]:80", "http://localhost:80"},
	} {
		if got := PublicURL(c[0], c[1]); got != c[2] {
			t.Errorf("%q, %q: %q, want %q", c[0], c[1], got, c[2])
		}
	}
}
