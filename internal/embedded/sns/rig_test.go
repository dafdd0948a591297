package sns

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/api/service"
	"heliograph/internal/destination"
	"heliograph/internal/egress"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const (
	account  = "111122223333"
	other    = "444455556666"
	topicARN = "arn:aws:sns:us-east-1:111122223333:events"
	patience = 30 * time.Second
)

// rig is a Service with all that is around it: a store, a router over its log, and the
// API's port as far as subscribers see it.
type rig struct {
	t           *testing.T
	engine      *sqlite.Engine
	committer   *store.Committer
	directory   *resources.Directory
	signer      *Signer
	service     *Service
	subscribers *Subscribers
	handshake   *Handshake
	port        *httptest.Server
	registry    *prometheus.Registry
	idle        atomic.Bool // the handshake does nothing

	mu      sync.Mutex
	clock   time.Time // of the directory, the handshake and the service; zero: the real one
	texts   []TextMessage
	refuses error // of the sender
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, registry: prometheus.NewRegistry()}
	ctx := t.Context()
	log := slog.New(slog.DiscardHandler)
	var err error
	if r.engine, err = sqlite.Open(ctx, filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{Logger: log}); err != nil {
		t.Fatal(err)
	}
	fence, err := r.engine.Join(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	var router *destination.Router
	r.committer = store.NewCommitter(r.engine, fence, store.CommitterOptions{Observers: []func([]*store.Change){
		func(changes []*store.Change) {
			if router != nil {
				router.Observe(changes)
			}
		}}})
	if r.directory, err = resources.Open(ctx, r.engine, r.committer, "aws", "us-east-1", r.now); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{account, other} {
		if err := r.directory.EnsureAccount(ctx, id, resources.Production); err != nil {
			t.Fatal(err)
		}
	}
	r.port = httptest.NewServer(http.HandlerFunc(r.public))
	secret := []byte("0123456789abcdef")
	ids, err := NewMessageIDs(secret)
	if err != nil {
		t.Fatal(err)
	}
	place := Place{"aws", "us-east-1"}
	r.signer = NewSigner(r.engine, r.committer, secret, time.Now, log)
	client := NewClient(egress.New([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}))
	r.handshake = NewHandshake(HandshakeOptions{Place: place, PublicURL: r.port.URL, Directory: r.directory, Signer: r.signer,
		Client: client, Mine: func() bool { return !r.idle.Load() }, Log: log, Now: r.now})
	r.service = New(Options{Place: place, Directory: r.directory, Committer: r.committer, Sender: r, Signer: r.signer,
		IDs: ids, Handshake: r.handshake, Now: r.now})
	r.subscribers = NewSubscribers(SubscribersOptions{Place: place, PublicURL: r.port.URL, Directory: r.directory, Committer: r.committer,
		Sender: r, Signer: r.signer, IDs: ids, Client: client, Metrics: NewMetrics(r.registry), Log: log, Now: r.now})
	router = destination.NewRouter(destination.Options{Slot: fence.Slot, Log: r.engine, Destinations: r.destinations,
		Messages: r.engine.Messages, MessageID: func(sms.ID) string { return "" }, Logger: log,
		Factory: func(account, _ string, d sms.EventDestination) (destination.Publisher, error) {
			return r.subscribers.Publisher(account, d.Embedded.ID), nil
		},
		Wait: 500 * time.Millisecond, RetryFirst: 10 * time.Millisecond, RetryMost: 100 * time.Millisecond, CommitEvery: 20 * time.Millisecond})
	running, stop := context.WithCancel(context.Background())
	var loops sync.WaitGroup
	loops.Go(func() { r.handshake.Run(running) })
	loops.Go(func() {
		if err := router.Run(running, r.committer); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		stop()
		loops.Wait()
		r.port.Close()
		r.committer.Close()
		if err := r.engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return r
}

func (r *rig) now() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.clock.IsZero() {
		return time.Now()
	}
	return r.clock
}

func (r *rig) setClock(at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.clock = at
}

// destinations are the confirmed subscriptions of a topic's event set.
func (r *rig) destinations(account, set string) (all []sms.EventDestination) {
	topic, _ := strings.CutPrefix(set, TopicSet)
	for _, item := range r.directory.Account(account).Subscriptions.All() {
		if v := &item.Value; v.Topic == topic && v.Confirmed {
			all = append(all, sms.EventDestination{Name: v.ID, Enabled: true, EventTypes: []string{"ALL"},
				Embedded: &sms.EmbeddedDestination{Service: "sns", ID: v.ID}})
		}
	}
	return all
}

// public answers what needs no signature.
func (r *rig) public(w http.ResponseWriter, q *http.Request) {
	request := &service.Request{Method: q.Method, Host: q.Host, Path: q.URL.Path, Query: q.URL.Query(), Header: q.Header}
	if !r.service.Unsigned(request) {
		http.Error(w, "signature needed", http.StatusForbidden)
		return
	}
	answer, err := r.service.AnswerPublic(q.Context(), request)
	if err != nil {
		answer = r.service.Fault(err, "request")
	}
	if answer.Status != 0 {
		w.WriteHeader(answer.Status)
	}
	w.Write(answer.Body)
}

// Send is the Sender's.
func (r *rig) Send(_ context.Context, _ *resources.Snapshot, m TextMessage) (string, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.refuses != nil {
		return "", r.refuses
	}
	r.texts = append(r.texts, m)
	return "message-id", nil
}

func (r *rig) refuse(err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.refuses = err
}

func (r *rig) sent() []TextMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]TextMessage(nil), r.texts...)
}

// ask makes a signed request of account with these parameters, names and values in
// turn, and gives the document of the answer and its status.
func (r *rig) ask(action string, parameters ...string) (string, int) {
	r.t.Helper()
	values := url.Values{"Action": {action}, "Version": {version}}
	for i := 0; i < len(parameters); i += 2 {
		values.Add(parameters[i], parameters[i+1])
	}
	return r.request(values.Encode())
}

func (r *rig) request(body string) (string, int) {
	r.t.Helper()
	c := &service.Caller{AccountID: account, Account: r.directory.Account(account), Principal: "arn:aws:iam::" + account + ":root",
		RequestID: "00000000-0000-4000-8000-000000000000", Now: r.now()}
	answer, err := r.service.Answer(r.t.Context(), c, &service.Request{Method: http.MethodPost, Path: "/", Body: []byte(body)})
	if err != nil {
		answer = r.service.Fault(err, c.RequestID)
	}
	if answer.Status == 0 {
		answer.Status = http.StatusOK
	}
	return string(answer.Body), answer.Status
}

// must is ask for what has to succeed.
func (r *rig) must(action string, parameters ...string) string {
	r.t.Helper()
	body, status := r.ask(action, parameters...)
	if status != http.StatusOK {
		r.t.Fatalf("%s: %d %s", action, status, body)
	}
	return body
}

// between is the text of the first element with a name.
func between(document, name string) string {
	_, rest, _ := strings.Cut(document, "<"+name+">")
	value, _, _ := strings.Cut(rest, "</"+name+">")
	return value
}

// attribute is the value of a dictionary's entry.
func attribute(document, name string) string {
	_, rest, _ := strings.Cut(document, "<key>"+name+"</key><value>")
	value, _, _ := strings.Cut(rest, "</value>")
	return value
}

// topic makes the topic of topicARN.
func (r *rig) topic(parameters ...string) {
	r.t.Helper()
	r.must("CreateTopic", append([]string{"Name", "events"}, parameters...)...)
}

// confirmed subscribes an endpoint and gives the ARN once it is confirmed.
func (r *rig) confirmed(protocol, endpoint string, parameters ...string) (arn string) {
	r.t.Helper()
	arn = between(r.must("Subscribe", append([]string{"TopicArn", topicARN, "Protocol", protocol, "Endpoint", endpoint, "ReturnSubscriptionArn", "true"},
		parameters...)...), "SubscriptionArn")
	r.eventually("the confirmation", func() bool {
		return attribute(r.must("GetSubscriptionAttributes", "SubscriptionArn", arn), "PendingConfirmation") == "false"
	})
	return arn
}

// publish publishes a text to the topic.
func (r *rig) publish(text string, parameters ...string) (id string) {
	r.t.Helper()
	return between(r.must("Publish", append([]string{"TopicArn", topicARN, "Message", text}, parameters...)...), "MessageId")
}

// deliveries is what the metric counts of an outcome.
func (r *rig) deliveries(outcome string) (n float64) {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			for _, label := range m.GetLabel() {
				if label.GetName() == "outcome" && label.GetValue() == outcome {
					n += m.GetCounter().GetValue()
				}
			}
		}
	}
	return n
}

func (r *rig) eventually(what string, happened func() bool) {
	r.t.Helper()
	for end := time.Now().Add(patience); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			r.t.Fatalf("waited %v in vain for %s", patience, what)
		}
	}
}

// hook is a subscriber's HTTP server. It confirms what it is asked to.
type hook struct {
	*httptest.Server
	t *testing.T

	mu     sync.Mutex
	answer func(received) int // of notifications; nil: 200
	all    []received
}

// received is a request that a hook got.
type received struct {
	header http.Header
	body   string
}

func (r received) kind() string { return r.header.Get("X-Amz-Sns-Message-Type") }

func newHook(t *testing.T) *hook {
	h := &hook{t: t}
	h.Server = httptest.NewServer(h)
	t.Cleanup(h.Close)
	return h
}

var subscribeURL = regexp.MustCompile(`"SubscribeURL":"([^"]+)"`)

func (h *hook) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	r := received{q.Header, string(body)}
	h.mu.Lock()
	answer := h.answer
	h.mu.Unlock()
	if r.kind() == kindConfirmation {
		found := subscribeURL.FindStringSubmatch(r.body)
		if found == nil {
			h.t.Errorf("no SubscribeURL in %s", r.body)
			return
		}
		response, err := http.Get(found[1])
		if err != nil || response.StatusCode != http.StatusOK {
			h.t.Errorf("GET %s: %v %v", found[1], response, err)
		}
		if err == nil {
			response.Body.Close()
		}
	} else if answer != nil {
		if status := answer(r); status != http.StatusOK {
			w.WriteHeader(status)
			if status >= 300 {
				return
			}
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = append(h.all, r)
}

// take is what was taken of a kind.
func (h *hook) take(kind string) (of []received) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, r := range h.all {
		if r.kind() == kind {
			of = append(of, r)
		}
	}
	return of
}

func (h *hook) answers(f func(received) int) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answer = f
}
