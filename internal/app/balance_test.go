package app

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"heliograph/internal/store"
)

// accepts and ends are committed changes.
func accepts(n int) []*store.Change {
	return []*store.Change{{Accept: make([]store.Accepted, n), Events: make([]store.Event, n)}, {Accept: make([]store.Accepted, 3), Err: store.ErrExists}}
}

func ends(n int) []*store.Change {
	c := &store.Change{}
	for range n {
		c.Events = append(c.Events, store.Event{}, store.Event{Final: true})
	}
	return []*store.Change{c}
}

func TestBalance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		open, alone, meanwhile := store.Counts{Queued: 3, Awaiting: 2, Parked: 9}, true, func() {}
		var mu sync.Mutex
		set := func(change func()) {
			mu.Lock()
			defer mu.Unlock()
			change()
		}
		counts := func(context.Context) (store.Counts, error) {
			mu.Lock()
			defer mu.Unlock()
			meanwhile()
			return open, nil
		}
		b := &balance{}
		b.observe(accepts(2)) // as the flows were made
		if err := b.begin(ctx, slog.New(slog.DiscardHandler), counts, func() bool {
			mu.Lock()
			defer mu.Unlock()
			return alone
		}); err != nil {
			t.Fatal(err)
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(b)
		go b.watch(ctx)
		want := func(what string, wrong float64) {
			t.Helper()
			time.Sleep(balanceEvery)
			synctest.Wait()
			got := samples(t, registry)
			if v, there := got["heliograph_messages_unaccounted{}"]; !there || v != wrong {
				t.Errorf("%s: %v, want %v", what, got, wrong)
			}
			if got["heliograph_messages_open{queued}"] != float64(open.Queued) || got["heliograph_messages_open{awaiting}"] != float64(open.Awaiting) {
				t.Errorf("%s: %v of %+v", what, got, open)
			}
		}
		want("at first", 0)
		b.observe(accepts(4))
		b.observe(ends(2))
		set(func() { open.Queued = 5 })
		want("four came and two went", 0)
		set(func() { meanwhile = func() { b.observe(accepts(1)); b.observe(ends(1)) } })
		want("another came and went meanwhile", 0)
		set(func() { meanwhile = func() {} })

		set(func() { open.Awaiting-- })
		want("one is gone, and may be in a commit that is not observed yet", 0)
		want("one is gone", 1)
		set(func() { open.Awaiting += 3 })
		want("two are too many, perhaps", 0)
		want("two are too many", -2)
		set(func() { open.Awaiting -= 2 })
		want("all is well", 0)

		set(func() { alone = false })
		time.Sleep(balanceEvery)
		synctest.Wait()
		set(func() { alone = true })
		time.Sleep(balanceEvery)
		synctest.Wait()
		if got, there := samples(t, registry)["heliograph_messages_unaccounted{}"]; there {
			t.Errorf("others have written, and the metric says %v", got)
		}
	})
}

// A store that does not answer is asked again, and what was known stays.
func TestBalanceOfAStoreThatIsAway(t *testing.T) {
	var away error
	counts := func(context.Context) (store.Counts, error) { return store.Counts{Queued: 1}, away }
	begin := func(b *balance) error {
		return b.begin(t.Context(), slog.New(slog.DiscardHandler), counts, func() bool { return true })
	}
	b := &balance{}
	if err := begin(b); err != nil {
		t.Fatal(err)
	}
	away = store.ErrUnavailable
	if err := b.look(t.Context()); !errors.Is(err, away) || b.open.Queued != 1 || b.wrong != 0 {
		t.Errorf("%v: %+v", err, b.open)
	}
	if err := begin(&balance{}); !errors.Is(err, away) {
		t.Error(err)
	}
}

func TestServiceShowsItsBalance(t *testing.T) {
	got := samples(t, opened(t).metrics.registry)
	for _, name := range []string{"heliograph_messages_unaccounted{}", "heliograph_messages_open{queued}", "heliograph_messages_open{awaiting}"} {
		if v, there := got[name]; !there || v != 0 {
			t.Errorf("%s is %v, and there: %t", name, v, there)
		}
	}
}
