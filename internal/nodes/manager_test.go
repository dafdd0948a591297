package nodes

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/carrier"
	"heliograph/internal/store"
)

// recorder puts down what it is told to do.
type recorder struct {
	mu   sync.Mutex
	said []string
	fail map[string]error
}

func (r *recorder) say(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

// take gives what was put down, those before and after the word last each sorted.
func (r *recorder) take() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	said := r.said
	r.said = nil
	if i := slices.Index(said, "last"); i >= 0 {
		slices.Sort(said[:i])
		slices.Sort(said[i+1:])
	} else {
		slices.Sort(said)
	}
	return strings.Join(said, " ")
}

func (r *recorder) Start(_ context.Context, holding string) error {
	r.mu.Lock()
	err := r.fail[holding]
	r.mu.Unlock()
	if err == nil {
		r.say("+%s", holding)
	}
	return err
}

func (r *recorder) Stop(_ context.Context, holding string) { r.say("-%s", holding) }

func newTestManager(leases store.Leases, f store.Fence, w Work, layout carrier.Layout) *Manager {
	return New(Options{Leases: leases, Fence: f, Asked: Now(), Layout: layout, Work: w,
		Former:  func(context.Context) error { return nil },
		Stored:  func(context.Context) ([]string, error) { return []string{"acme", "gone", "sim"}, nil },
		Metrics: NewMetrics(prometheus.NewRegistry()), Log: slog.New(slog.DiscardHandler)})
}

func TestManagerAlone(t *testing.T) {
	f := store.Fence{Slot: 1, Epoch: 1}
	r := &recorder{fail: map[string]error{}}
	// The database was once shared, and has messages of a carrier that is gone and of
	// another layout.
	m := newTestManager(NewAlone("here", f, []int{0, 1}), f, r, carrier.Layout{"acme": 2, "sim": 1})
	broken := errors.New("broken")
	r.fail["shard/sim"] = broken
	if err := m.Settle(t.Context()); !errors.Is(err, broken) {
		t.Errorf("settle with a shard that does not start: %v", err)
	}
	if got, want := r.take(), "+shard/acme#1of2 +shard/acme#2of2 +shard/gone +stream/0 +stream/1 +sweep"; got != want {
		t.Errorf("started %q, want %q", got, want)
	}
	if m.Holds("shard/sim") || !m.Holds("shard/gone") || m.Several() || !m.MaySend() {
		t.Error("it does not know how it stands")
	}
	r.mu.Lock()
	delete(r.fail, "shard/sim")
	r.mu.Unlock()
	if err := m.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.doing.Wait()
	if got, want := r.take(), "+shard/sim"; got != want {
		t.Errorf("then started %q, want %q", got, want)
	}
	m.Finish(t.Context(), func() { r.say("last") })
	if got, want := r.take(), "-shard/acme#1of2 -shard/acme#2of2 -shard/gone -shard/sim -sweep last -stream/0 -stream/1"; got != want {
		t.Errorf("stopped %q, want %q", got, want)
	}
	if err := m.round(t.Context()); err != nil {
		t.Fatal(err)
	}
	m.doing.Wait()
	if got := r.take(); got != "" {
		t.Errorf("after its end it did %q", got)
	}
}

// shared are leases in memory that a test changes as other nodes would.
type shared struct {
	store.Leases
	nodes []store.Node
	mu    sync.Mutex
	held  map[string]int
	read  func() // after the holdings were read, before they are answered
}

func (f *shared) Lease() time.Duration                                            { return time.Hour }
func (f *shared) Nodes(context.Context) ([]store.Node, error)                     { return f.nodes, nil }
func (f *shared) Claim(context.Context, store.Fence, ...string) ([]string, error) { return nil, nil }

func (f *shared) Holdings(context.Context) ([]store.Holding, error) {
	f.mu.Lock()
	var out []store.Holding
	for name, slot := range f.held {
		out = append(out, store.Holding{Name: name, Slot: slot})
	}
	f.mu.Unlock()
	if f.read != nil {
		f.read()
	}
	return out, nil
}

func (f *shared) HandOver(_ context.Context, _ store.Fence, name string, to int) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.held[name] = to
	return nil
}

// A hand-over that ends while a round has read who holds what does not make the node
// begin again, and what the node does not hold it stops.
func TestManagerKeepsToWhatItHolds(t *testing.T) {
	f := &shared{held: map[string]int{"shard/a": 0, "shard/b": 0}, nodes: []store.Node{{Fence: store.Fence{Slot: 0}, Left: time.Hour}}}
	r := &recorder{}
	m := newTestManager(f, store.Fence{Slot: 0}, r, carrier.Layout{"a": 1, "b": 1})
	m.o.Stored = func(context.Context) ([]string, error) { return nil, nil }
	round := func() {
		t.Helper()
		if err := m.round(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	round()
	m.doing.Wait()
	f.nodes = append(f.nodes, store.Node{Fence: store.Fence{Slot: 1}, Left: time.Hour})
	round() // b goes to the other
	round() // meanwhile, or after
	m.doing.Wait()
	if m.Holds("shard/b") || !m.Holds("shard/a") || f.held["shard/b"] != 1 {
		t.Errorf("after the hand-over: %v, %q", f.held, r.take())
	}
	f.mu.Lock()
	f.held["shard/a"] = 1
	f.mu.Unlock()
	round()
	m.doing.Wait()
	if m.Holds("shard/a") {
		t.Error("it goes on with what another node holds")
	}
}
