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
	if got, want := r.take(), "+shard/acme#0 +shard/acme#1 +shard/gone +stream/0 +stream/1 +sweep"; got != want {
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
	if got, want := r.take(), "-shard/acme#0 -shard/acme#1 -shard/gone -shard/sim -sweep last -stream/0 -stream/1"; got != want {
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
