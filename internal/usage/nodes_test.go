//go:build postgres

package usage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/pgtest"
	"heliograph/internal/store/postgres"
)

// sender is a node that spends: what its ledger lets pass is committed.
type sender struct {
	engine    *postgres.Engine
	fence     store.Fence
	ledger    *Ledger
	committer *store.Committer
}

func newSender(t *testing.T, url, name string, limit Limit) *sender {
	t.Helper()
	e, err := postgres.Open(t.Context(), url, postgres.Options{AllowNoFsync: true, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	f, err := e.Join(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	s := &sender{engine: e, fence: f, ledger: NewSharedLedger(e, e, f, limit), committer: store.NewCommitter(e, f, store.CommitterOptions{})}
	t.Cleanup(func() {
		s.committer.Close()
		_ = e.Close()
	})
	return s
}

// send reports whether the message was within the limit. It may be given up after it
// was reserved.
func (s *sender) send(t *testing.T, amount sms.Money, giveUp bool, at time.Time) bool {
	d, err := reserve(context.Background(), s.ledger, customer, amount, at)
	if err != nil {
		if reason(err) != sms.ReasonMonthlySpendLimitReachedForText {
			t.Error(err)
		}
		return false
	}
	if giveUp {
		s.ledger.Return(d.taken)
		return true
	}
	if err := s.committer.Commit(&store.Change{Spend: []store.SpendDelta{d.SpendDelta}}); err != nil {
		t.Error(err)
	}
	return true
}

// Three nodes hammer one limit. They never spend more than it, and when all of them
// are refused, less than a message's price for each is left.
func TestNodesKeepToALimit(t *testing.T) {
	cluster := pgtest.Start(t, pgtest.Options{})
	for name, prices := range map[string][]sms.Money{"one price": {7_000}, "many prices": {6_450, 7_000, 100, 52_300}} {
		t.Run(name, func(t *testing.T) {
			const limit = 5*sms.USD + 123
			url := cluster.Database()
			var senders []*sender
			for i := range 3 {
				senders = append(senders, newSender(t, url, fmt.Sprint("node", i), limited(limit)))
			}
			month := Month(time.Now())
			spent := func() sms.Money {
				sum, err := senders[0].engine.Spend(t.Context(), customer, month, ChannelText)
				if err != nil {
					t.Fatal(err)
				}
				if sum > limit {
					t.Fatalf("spent %s of %s", sum, sms.Money(limit))
				}
				return sum
			}
			done := make(chan struct{})
			var wg sync.WaitGroup
			for _, s := range senders {
				for range 6 {
					wg.Go(func() {
						for refused := 0; refused < 5; {
							if !s.send(t, prices[rand.IntN(len(prices))], rand.IntN(10) == 0, time.Now()) {
								refused++
							}
						}
					})
				}
			}
			go func() {
				wg.Wait()
				close(done)
			}()
			for waiting := true; waiting; {
				spent()
				select {
				case <-done:
					waiting = false
				case <-time.After(5 * time.Millisecond):
				}
			}
			dearest := prices[0]
			for _, p := range prices {
				dearest = max(dearest, p)
			}
			// What was given up by one after the others were refused is spent by nobody yet.
			for _, s := range senders {
				for _, p := range prices {
					for s.send(t, p, false, time.Now()) {
					}
				}
			}
			if left := limit - spent(); left >= sms.Money(len(senders))*dearest {
				t.Errorf("%s is left of %s", left, sms.Money(limit))
			}
			// Who has ended keeps nothing from the others.
			for _, s := range senders[1:] {
				if err := s.engine.Leave(t.Context(), s.fence); err != nil {
					t.Fatal(err)
				}
			}
			later := time.Now().Add(refusalLasts)
			cheapest := prices[0]
			for _, p := range prices {
				cheapest = min(cheapest, p)
			}
			for senders[0].send(t, cheapest, false, later) {
			}
			if left := limit - spent(); left >= cheapest {
				t.Errorf("%s is left of %s for one node", left, sms.Money(limit))
			}
			if _, err := reserve(t.Context(), senders[1].ledger, customer, dearest, later); !errors.Is(err, store.ErrFenced) {
				t.Errorf("after its end: %v", err)
			}
		})
	}
}
