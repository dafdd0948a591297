package sns

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// TestHandshakeIsTriedAgain: an endpoint that does not take the request to confirm gets
// it again later. One that took it gets it again some minutes later, and when it is
// subscribed again.
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

	// Nor does it get it again at once from a node that begins.
	r.setClock(began.Add(askAgain - time.Minute))
	var tries sync.WaitGroup
	NewHandshake(r.handshake.HandshakeOptions).look(t.Context(), make(chan struct{}, 1), &tries)
	tries.Wait()
	if asked.Load() != 3 {
		t.Errorf("asked %d times", asked.Load())
	}
	r.setClock(began.Add(askAgain + time.Second))
	r.handshake.Wake()
	r.eventually("a request some minutes later", func() bool { return taken.Load() == 2 })
	r.eventually("that it is noted", func() bool {
		r.handshake.mu.Lock()
		defer r.handshake.mu.Unlock()
		for _, of := range r.handshake.tries {
			return !of.underway
		}
		return false
	})
	subscribe()
	r.eventually("another request", func() bool { return taken.Load() == 3 && !asks() })
}

func TestNextRequest(t *testing.T) {
	made := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	v := sms.Subscription{TokenUntil: made.Add(tokenTime)}
	if !next(&v).IsZero() {
		t.Error("the first request waits")
	}
	v.Asked = made.Add(time.Second)
	var all []time.Duration
	for v.Asked.Before(v.TokenUntil) {
		v.Asked = next(&v)
		all = append(all, v.Asked.Sub(made).Round(time.Minute))
	}
	if len(all) < 9 || len(all) > 12 || all[0] != askAgain || all[1] != 2*askAgain || all[2] != 4*askAgain {
		t.Errorf("asked again after %v", all)
	}
}

// TestHandshakesInTurn: an account whose endpoints give no answers keeps the places of
// others from nobody.
func TestHandshakesInTurn(t *testing.T) {
	r := newRig(t)
	r.idle.Store(true)
	release := make(chan struct{})
	var mu sync.Mutex
	asked := map[string]int{}
	endpoint := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		mu.Lock()
		asked[strings.Split(q.Header.Get("x-amz-sns-topic-arn"), ":")[4]]++
		mu.Unlock()
		<-release
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer endpoint.Close()
	for id, n := range map[string]int{account: 50, other: 1} {
		if err := r.directory.Change(t.Context(), id, func(tx *resources.Tx) error {
			tx.Topics.Put("events", sms.Topic{Name: "events"})
			for i := range n {
				id := fmt.Sprintf("subscription-%02d", i)
				tx.Subscriptions.Put(id, sms.Subscription{ID: id, Topic: "events", Protocol: "http", Endpoint: endpoint.URL, Token: id, TokenUntil: tx.Now.Add(tokenTime)})
			}
			return nil
		}); err != nil {
			t.Fatal(err)
		}
	}
	h := NewHandshake(r.handshake.HandshakeOptions)
	var tries sync.WaitGroup
	look := func(places int) { h.look(t.Context(), make(chan struct{}, places), &tries) }
	count := func(id string) int {
		mu.Lock()
		defer mu.Unlock()
		return asked[id]
	}
	look(asking)
	r.eventually("the other account's turn", func() bool { return count(other) == 1 && count(account) == askingOfAccount })
	look(asking)
	close(release)
	tries.Wait()
	if n := count(account); n != askingOfAccount {
		t.Errorf("%d endpoints of one account were asked at once", n)
	}

	// Where there is no room, the next look goes on with the other account.
	later := time.Now().Add(time.Hour)
	r.setClock(later)
	before := count(other)
	look(askingOfAccount)
	tries.Wait()
	r.setClock(later.Add(time.Hour))
	look(askingOfAccount)
	tries.Wait()
	if count(other) == before {
		t.Error("the other account has no turn")
	}
	if n := count(account); n < 2*askingOfAccount {
		t.Errorf("%d requests of the account with many", n)
	}
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
