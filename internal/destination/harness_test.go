package destination

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const account = "111122223333"

// house is a store with a router over it. It is used inside a synctest bubble.
type house struct {
	t         *testing.T
	path      string
	engine    *sqlite.Engine
	fence     store.Fence
	committer *store.Committer
	router    *Router
	tune      func(*Options)
	end       context.CancelFunc
	ended     chan error
	ids       *sms.IDs

	mu           sync.Mutex
	destinations map[string][]sms.EventDestination // by configuration set
	sinks        map[string]*sink                  // by target
	veto         error                             // of the router's commits
}

// inHouse runs a test in a bubble with a store and no router yet.
func inHouse(t *testing.T, test func(t *testing.T, h *house)) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "heliograph.db")
	synctest.Test(t, func(t *testing.T) {
		h := &house{t: t, path: path, destinations: map[string][]sms.EventDestination{}, sinks: map[string]*sink{}, ids: sms.NewIDs(0, 1<<40)}
		h.open()
		defer func() {
			if h.end != nil {
				h.stop()
			}
			h.close()
		}()
		test(t, h)
	})
}

func (h *house) open() {
	h.t.Helper()
	engine, err := sqlite.Open(h.t.Context(), h.path, sqlite.Options{Logger: slog.New(slog.DiscardHandler), Readers: 2})
	if err != nil {
		h.t.Fatal(err)
	}
	if h.fence, err = engine.Join(h.t.Context(), "test"); err != nil {
		h.t.Fatal(err)
	}
	h.engine = engine
	options := Options{Slot: h.fence.Slot, Log: engine, Destinations: h.lookup, Messages: engine.Messages,
		MessageID: func(id sms.ID) string { return strconv.FormatInt(int64(id), 10) }, Factory: h.factory}
	if h.tune != nil {
		h.tune(&options)
	}
	h.router = NewRouter(options)
	h.committer = store.NewCommitter(engine, h.fence, store.CommitterOptions{Observers: []func([]*store.Change){h.router.Observe}})
}

func (h *house) close() {
	h.t.Helper()
	h.committer.Close()
	if err := h.engine.Close(); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) start() {
	ctx, cancel := context.WithCancel(context.Background())
	h.end, h.ended = cancel, make(chan error, 1)
	go func() { h.ended <- h.router.Run(ctx, h) }()
}

func (h *house) stop() {
	h.t.Helper()
	h.end()
	h.end = nil
	if err := <-h.ended; err != nil {
		h.t.Fatal(err)
	}
}

// restart ends the router and the store and opens the store again.
func (h *house) restart() {
	h.t.Helper()
	if h.end != nil {
		h.stop()
	}
	h.close()
	h.open()
}

// Commit is what the router commits with.
func (h *house) Commit(c *store.Change) error {
	h.mu.Lock()
	veto := h.veto
	h.mu.Unlock()
	if veto != nil {
		return veto
	}
	return h.committer.Commit(c)
}

// refuse makes the router's commits fail, or succeed again with nil.
func (h *house) refuse(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.veto = err
}

func (h *house) lookup(gotAccount, set string) []sms.EventDestination {
	h.mu.Lock()
	defer h.mu.Unlock()
	if gotAccount != account {
		return nil
	}
	return slices.Clone(h.destinations[set])
}

func (h *house) factory(_, _ string, d sms.EventDestination) (Publisher, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := h.sinks[d.SNS.TopicARN]
	if s == nil {
		return nil, fmt.Errorf("no topic %s", d.SNS.TopicARN)
	}
	return s, nil
}

// sink makes what a topic collects.
func (h *house) sink(topic string) *sink {
	h.mu.Lock()
	defer h.mu.Unlock()
	s := &sink{}
	h.sinks[topic] = s
	return s
}

// destination sets an event destination of a configuration set that publishes to
// the topic of its name.
func (h *house) destination(set, name string, types ...string) *sink {
	h.define(set, sms.EventDestination{Name: name, Enabled: true, EventTypes: types, SNS: &sms.SNSDestination{TopicARN: name}})
	return h.sink(name)
}

func (h *house) define(set string, d sms.EventDestination) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.destinations[set] = append(slices.DeleteFunc(slices.Clone(h.destinations[set]), func(o sms.EventDestination) bool { return o.Name == d.Name }), d)
}

func (h *house) remove(set, name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.destinations[set] = slices.DeleteFunc(slices.Clone(h.destinations[set]), func(o sms.EventDestination) bool { return o.Name == name })
}

// accept commits n messages in as many changes and gives their MessageIds.
func (h *house) accept(set string, n int) []string {
	h.t.Helper()
	var accepted []string
	replies := make(chan error, n)
	for range n {
		m := &sms.Message{ID: h.ids.Next(time.Now()), Account: account, AcceptedAt: time.Now(), ExpiresAt: time.Now().Add(time.Hour),
			Destination: "+14255550156", Country: "US", Route: sms.Route{Identity: "+12065550152", Carrier: "sim", Lane: "l"},
			Type: sms.Transactional, Body: "x", Encoding: "GSM", Parts: 1, ConfigurationSet: set}
		accepted = append(accepted, strconv.FormatInt(int64(m.ID), 10))
		h.committer.Enqueue(&store.Change{Accept: []store.Accepted{{Message: m,
			Queued: store.Queued{ID: m.ID, Shard: "sim", Lane: "l", Parts: 1, Due: time.Now(), Expires: m.ExpiresAt}}}},
			func(err error) { replies <- err })
	}
	for range n {
		if err := <-replies; err != nil {
			h.t.Fatal(err)
		}
	}
	return accepted
}

// part commits what happened to the only part of messages.
func (h *house) part(set string, ids []string, kind sms.UpdateKind, status sms.Status) {
	h.t.Helper()
	change := &store.Change{}
	for _, id := range ids {
		n, err := strconv.ParseInt(id, 10, 64)
		if err != nil {
			h.t.Fatal(err)
		}
		change.Parts = append(change.Parts, store.PartChange{Account: account, ConfigurationSet: set, Shard: "sim", Expires: time.Now().Add(time.Hour),
			Update: sms.PartUpdate{Message: sms.ID(n), Parts: 1, Number: 1, Kind: kind, Status: status, Carrier: "sim", At: time.Now()}})
	}
	if err := h.committer.Commit(change); err != nil {
		h.t.Fatal(err)
	}
}

// settle lets the router work for a while.
func settle(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (h *house) cursor() int64 {
	h.t.Helper()
	cursors, err := h.engine.Cursors(h.t.Context())
	if err != nil {
		h.t.Fatal(err)
	}
	for _, c := range cursors {
		if c.Slot == h.fence.Slot {
			return c.Seq
		}
	}
	return 0
}

func (h *house) health(name string) Health {
	for _, x := range h.router.Health() {
		if strings.HasSuffix(x.Destination, "/"+name) {
			return x
		}
	}
	return Health{}
}

// storedLag counts the events of the store's lag.
func (h *house) storedLag(set, name string) int {
	h.t.Helper()
	batches, err := h.engine.LagBatches(h.t.Context(), account+"/"+set+"/"+name, h.fence.Slot, 100_000)
	if err != nil {
		h.t.Fatal(err)
	}
	n := 0
	for _, b := range batches {
		n += len(b.Seqs)
	}
	return n
}

var errDown = errors.New("connection refused")

// sink collects what was published to a topic.
type sink struct {
	mu      sync.Mutex
	got     []string // MessageId, or MessageId:STATUS for other statuses than QUEUED
	batches int
	tries   int
	answer  func(ctx context.Context, batch []Item) error // nil: takes everything
}

func (s *sink) set(answer func(ctx context.Context, batch []Item) error) {
	s.mu.Lock()
	s.answer = answer
	s.mu.Unlock()
}

func (s *sink) Publish(ctx context.Context, batch []Item) error {
	s.mu.Lock()
	answer := s.answer
	s.tries++
	s.mu.Unlock()
	var err error
	if answer != nil {
		err = answer(ctx, batch)
	}
	retry, refused := outcome(err, len(batch))
	left := map[int]bool{}
	for _, i := range slices.Concat(retry, refused) {
		left[i] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.batches++
	for i := range batch {
		if !left[i] {
			s.got = append(s.got, nameOf(batch[i].JSON))
		}
	}
	return err
}

func nameOf(line []byte) string {
	field := func(name string) string {
		_, rest, _ := bytes.Cut(line, []byte(`"`+name+`":"`))
		value, _, _ := bytes.Cut(rest, []byte(`"`))
		return string(value)
	}
	if status := field("messageStatus"); status != "QUEUED" {
		return field("messageId") + ":" + status
	}
	return field("messageId")
}

func (s *sink) all() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.got)
}

func (s *sink) count() (events, batches, tries int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.got), s.batches, s.tries
}

// has fails the test unless exactly the events were published, in their order.
func (s *sink) has(t *testing.T, want []string) {
	t.Helper()
	if got := s.all(); !slices.Equal(got, want) {
		t.Fatalf("%d events were published, want %d; they differ at %d", len(got), len(want), differ(got, want))
	}
}

func differ(a, b []string) int {
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return i
		}
	}
	return min(len(a), len(b))
}

// down is the answer of a destination that is not there.
func down(context.Context, []Item) error { return errDown }

// hang is the answer of one that takes the connection and says nothing.
func hang(ctx context.Context, _ []Item) error {
	<-ctx.Done()
	return ctx.Err()
}
