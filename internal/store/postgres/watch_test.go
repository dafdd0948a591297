//go:build postgres

package postgres

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
)

// split is the words of a text, nil for none.
func split(words string) []string {
	if words == "" {
		return nil
	}
	return strings.Fields(words)
}

// watched collects what is told.
type watched struct {
	t    *testing.T
	told chan string
	end  context.CancelFunc
	err  chan error
}

func watch(t *testing.T, e *Engine) *watched {
	ctx, end := context.WithCancel(t.Context())
	w := &watched{t: t, told: make(chan string, 100), end: end, err: make(chan error, 1)}
	go func() {
		w.err <- e.Watch(ctx, store.Watching{Resources: func(account string) { w.told <- "resources of " + account }, Holdings: func() { w.told <- "holdings" }})
	}()
	return w
}

// want waits until all of these were told, in any order, and nothing else.
func (w *watched) want(what ...string) {
	w.t.Helper()
	open := map[string]bool{}
	for _, s := range what {
		open[s] = true
	}
	for len(open) > 0 {
		select {
		case s := <-w.told:
			if !open[s] {
				w.t.Errorf("told of %s, still waiting for %v", s, open)
			}
			delete(open, s)
		case <-time.After(20 * time.Second):
			w.t.Fatalf("not told of %v", open)
		}
	}
}

func put(account, id string) *store.Change {
	return &store.Change{Resources: []store.ResourceWrite{{Resource: store.Resource{ResourceKey: store.ResourceKey{Account: account, Kind: "pool", ID: id}}}}}
}

func testWatch(t *testing.T, r *rig) {
	// Nothing is found by polling here.
	nodes := r.nodes(t, 2, Options{Poll: time.Hour})
	a, b := nodes[0], nodes[1]
	a.apply(put("one", "a"))
	if _, err := a.leads.Exec(t.Context(), "INSERT INTO resource (account, kind, id, version, created) VALUES ('', 'number', '1', 1, 0)"); err != nil {
		t.Fatal(err)
	}
	w := watch(t, b.Engine)
	w.want("resources of one", "resources of ", "holdings")
	a.apply(put("one", "b"), put("two", "c"))
	w.want("resources of one", "resources of two")
	b.apply(put("three", "d"))
	w.want("resources of three")
	stale := put("three", "d")
	if err := a.Apply(t.Context(), a.fence, []*store.Change{stale}); err != nil || !errors.Is(stale.Err, store.ErrVersion) {
		t.Fatal(err, stale.Err)
	}
	if _, err := a.Claim(t.Context(), a.fence, "x"); err != nil {
		t.Fatal(err)
	}
	w.want("holdings")
	if err := a.HandOver(t.Context(), a.fence, "x", b.fence.Slot); err != nil {
		t.Fatal(err)
	}
	w.want("holdings")
	w.end()
	if err := <-w.err; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

// What happens while there is no connection is found when there is one again.
func testWatchPooled(t *testing.T, r *rig) {
	url := r.database()
	bounced := r.Bouncer()(pgtest.Name(url))
	a, b := join(t, open(t, url, Options{}), "a"), open(t, bounced, Options{Poll: 10 * time.Millisecond})
	w := watch(t, b)
	w.want("holdings")
	a.apply(put("one", "a"))
	w.want("resources of one")
	// Direct, with the connection that listens ended.
	listening := watch(t, open(t, url, Options{Poll: 10 * time.Millisecond}))
	listening.want("holdings", "resources of one")
	for range 5 {
		if _, err := a.leads.Exec(t.Context(), "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'LISTEN%'"); err != nil {
			t.Fatal(err)
		}
		a.apply(put("two", time.Now().String()))
		w.want("resources of two")
		listening.want("resources of two")
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-w.err; !errors.Is(err, store.ErrClosed) {
		t.Error(err)
	}
}
