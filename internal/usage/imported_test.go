package usage

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// shelf keeps entries as a store does.
type shelf struct {
	mu   sync.Mutex
	rows map[store.EntryKey]*store.Entry
	err  error
}

func (s *shelf) Entries(_ context.Context, keys []store.EntryKey) ([]*store.Entry, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	out := make([]*store.Entry, len(keys))
	for i, k := range keys {
		out[i] = s.rows[k]
	}
	return out, s.err
}

func (s *shelf) Commit(c *store.Change) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err != nil {
		return s.err
	}
	for _, w := range c.Entries {
		if delete(s.rows, w.EntryKey); !w.Delete {
			s.rows[w.EntryKey] = &w.Entry
		}
	}
	return nil
}

func open(t *testing.T, s *shelf) *Prices {
	t.Helper()
	p, err := OpenPrices(t.Context(), s, s, read(t, "*,*,0.01,0\n"))
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func costs(t *testing.T, p *Prices, want sms.Money) {
	t.Helper()
	if got := p.Price("GB", string(sms.LongCode), november); got.Part != want {
		t.Errorf("a part costs %s, want %s", got.Part, want)
	}
}

func TestImportedPrices(t *testing.T) {
	s := &shelf{rows: map[store.EntryKey]*store.Entry{}}
	here, there := open(t, s), open(t, s)
	costs(t, here, 10_000)
	rows, err := here.Import([]byte(header+"*,*,0.02,0\nUS,*,1,0\n"), november)
	if err != nil || rows != 2 {
		t.Fatalf("%d rows, %v", rows, err)
	}
	costs(t, here, 20_000)
	costs(t, there, 10_000)
	costs(t, open(t, s), 20_000) // after a start
	if err := there.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	costs(t, there, 20_000)
	if _, at := there.Book(); !at.Equal(november) {
		t.Errorf("imported %v", at)
	}
	if _, err := there.Import([]byte(header+"*,*,0.03,0\n"), november.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if err := here.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	costs(t, here, 30_000)

	// A book that cannot be used changes nothing.
	for name, c := range map[string]struct{ book, says string }{
		"unreadable": {header + "*,*,0.03,0\nUS,*,free,0\n", "line 3, price_per_part"},
		"too large":  {header + strings.Repeat("#", MaxBook), "octets"},
	} {
		_, err := here.Import([]byte(c.book), november)
		if e, ok := sms.AsError(err); !ok || e.Reason != sms.ReasonInvalidParameter || !strings.Contains(e.Message, c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
	costs(t, here, 30_000)

	if err := here.Clear(); err != nil {
		t.Fatal(err)
	}
	costs(t, here, 10_000)
	if err := there.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	costs(t, there, 10_000)
	if _, at := there.Book(); !at.IsZero() {
		t.Errorf("imported %v", at)
	}
}

// Of two books that are imported in one millisecond all nodes have the later one.
func TestImportedInOneMillisecond(t *testing.T) {
	s := &shelf{rows: map[store.EntryKey]*store.Entry{}}
	here, there := open(t, s), open(t, s)
	for i, p := range []*Prices{here, there} {
		if _, err := p.Import([]byte(header+[]string{"*,*,0.02,0\n", "*,*,0.03,0\n"}[i]), november); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range []*Prices{here, there} {
		if err := p.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		costs(t, p, 30_000)
	}
}

func TestPricesWhileTheStoreIsAway(t *testing.T) {
	s := &shelf{rows: map[store.EntryKey]*store.Entry{}}
	p := open(t, s)
	s.err = store.ErrUnavailable
	if _, err := p.Import([]byte(header+"*,*,0.02,0\n"), november); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
	if err := p.Clear(); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
	if err := p.Refresh(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
	costs(t, p, 10_000)
	if _, err := OpenPrices(t.Context(), s, s, p.configured); !errors.Is(err, store.ErrUnavailable) {
		t.Error(err)
	}
}

// What another node imported is in force after a while.
func TestPricesOfAnotherNode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &shelf{rows: map[store.EntryKey]*store.Entry{}}
		here, there := open(t, s), open(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		go there.Run(ctx, slog.New(slog.DiscardHandler))
		if _, err := here.Import([]byte(header+"*,*,0.02,0\n"), november); err != nil {
			t.Fatal(err)
		}
		time.Sleep(RefreshEvery)
		synctest.Wait()
		costs(t, there, 20_000)
		cancel()
	})
}
