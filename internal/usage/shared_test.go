package usage

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestSharedSlices(t *testing.T) {
	p := newPot()
	l := p.ledger(0, limited(100_000))
	at := november.Add(-time.Hour)
	steps := func(n int, every time.Duration, want ...sms.Money) {
		t.Helper()
		p.asked = nil
		for range n {
			at = at.Add(every)
			if !send(t, p, l, 100, at) {
				t.Error("refused")
			}
		}
		if len(p.asked) != len(want) {
			t.Fatalf("asked for %v, want %v", p.asked, want)
		}
		for i := range want {
			if p.asked[i] != want[i] {
				t.Errorf("asked for %v, want %v", p.asked, want)
			}
		}
	}
	steps(3, 3*time.Second, 100, 100, 100)                                // now and then
	steps(15, time.Millisecond, 200, 400, 800, 1600)                      // more and more
	steps(15, 100*time.Millisecond)                                       // from the last slice
	steps(1, time.Millisecond, 1600)                                      // it lasted for 1.5 s
	steps(15+1, 300*time.Millisecond, 100)                                // and this one for 4.5 s
	steps(200, time.Microsecond, 200, 400, 800, 1600, 3200, 6400, 10_300) // up to an eighth of what is left
	for send(t, p, l, 100, at) {
		at = at.Add(time.Microsecond)
	}
	if last := p.asked[len(p.asked)-2:]; last[0] != 100 || last[1] != 100 || p.spent() != 100_000 {
		t.Errorf("asked for %v at last, spent %d", last, p.spent())
	}
}

// On one node nothing is left over, whatever messages cost.
func TestSharedOnOneNodeIsExact(t *testing.T) {
	p := newPot()
	l := p.ledger(0, limited(10_007))
	at := november.Add(-time.Hour)
	for i := range sms.Money(2000) {
		at = at.Add(time.Millisecond)
		send(t, p, l, 30+i%11, at)
	}
	for amount := sms.Money(40); amount > 0; amount-- {
		at = at.Add(2 * time.Second) // no refusal is remembered
		for send(t, p, l, amount, at) {
		}
	}
	if p.spent() != 10_007 {
		t.Errorf("spent %d", p.spent())
	}
	if _, err := reserve(t.Context(), l, customer, 0, at); err != nil {
		t.Errorf("what costs nothing: %v", err)
	}
	if spent, err := l.Spent(t.Context(), customer, ChannelText, at); err != nil || spent != 10_007 {
		t.Errorf("spent %d, %v", spent, err)
	}
}

func TestSharedRefusals(t *testing.T) {
	p := newPot()
	limit := sms.Money(100)
	l := p.ledger(0, func(string, string) sms.Money { return limit })
	at := november.Add(-time.Hour)
	p.allowed[1] = 50 // another node's, unspent
	d, err := reserve(t.Context(), l, customer, 30, at)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := reserve(t.Context(), l, customer, 30, at); reason(err) != sms.ReasonMonthlySpendLimitReachedForText {
		t.Errorf("%v", err)
	}
	// For a second nobody is asked again for as much, nor for more.
	asked := len(p.asked)
	for _, amount := range []sms.Money{30, 31} {
		if send(t, p, l, amount, at.Add(999*time.Millisecond)) {
			t.Error("not refused")
		}
	}
	if len(p.asked) != asked {
		t.Error("asked again")
	}
	if !send(t, p, l, 20, at) {
		t.Error("less is left, and refused")
	}
	// What is returned can be spent, and so can what another node gave back.
	l.Return(d.taken)
	if !send(t, p, l, 30, at.Add(time.Millisecond)) {
		t.Error("what was returned is refused")
	}
	if send(t, p, l, 30, at) {
		t.Error("nothing is left")
	}
	delete(p.allowed, 1)
	if send(t, p, l, 30, at.Add(999*time.Millisecond)) || !send(t, p, l, 30, at.Add(time.Second)) {
		t.Error("a refusal lasts for a second")
	}
	// 80 of 100 are spent. A new limit counts at once.
	if send(t, p, l, 30, at.Add(time.Second)) {
		t.Error("above the limit")
	}
	if limit = 200; !send(t, p, l, 30, at.Add(time.Second)) {
		t.Error("the limit was raised")
	}
	if limit = -1; !send(t, p, l, 1e9, at) {
		t.Error("there is no limit")
	}
}

func TestSharedCheck(t *testing.T) {
	p := newPot()
	l := p.ledger(0, limited(100))
	want := func(amount sms.Money, ok bool) {
		t.Helper()
		err := check(t.Context(), l, customer, amount, november)
		if ok != (err == nil) || !ok && reason(err) != sms.ReasonMonthlySpendLimitReachedForText {
			t.Errorf("%d: %v", amount, err)
		}
	}
	want(0, true)
	want(100, true)
	want(101, false)
	p.commit(store.SpendDelta{UsageKey: store.UsageKey{Account: customer, Month: "2026-11", Channel: ChannelText}, Sums: store.Sums{Price: 60}})
	want(40, true)
	want(41, false)
	if len(p.asked) != 0 {
		t.Errorf("asked for %v", p.asked)
	}
	if err := check(t.Context(), p.ledger(0, limited(-1)), customer, 1e9, november); err != nil {
		t.Error(err)
	}
	p.spends.err = store.ErrUnavailable
	if err := check(t.Context(), l, customer, 1, november); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

// While the store does not answer nothing passes and nobody waits for long, and then
// all goes on.
func TestSharedStoreFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPot()
		l := p.ledger(0, limited(100))
		refused := func(after time.Duration) {
			t.Helper()
			began := time.Now()
			var wg sync.WaitGroup
			for range 10 {
				wg.Go(func() {
					if d, err := reserve(t.Context(), l, customer, 10, november); !errors.Is(err, store.ErrUnavailable) || d != (reserved{}) {
						t.Errorf("%+v, %v", d, err)
					}
				})
			}
			if wg.Wait(); time.Since(began) != after {
				t.Errorf("refused after %v, not %v", time.Since(began), after)
			}
		}
		p.err = store.ErrUnavailable
		refused(0)
		time.Sleep(failureLasts)
		p.gate = make(chan struct{}) // it hangs
		refused(askTimeout)
		refused(0)
		time.Sleep(failureLasts)
		p.gate, p.err = nil, nil
		if !send(t, p, l, 10, november) {
			t.Error("refused")
		}
	})
}

// One question at a time for an account: the others wait for it, each as long as
// it likes, and those of another account do not.
func TestSharedOneQuestionAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPot()
		p.gate = make(chan struct{})
		l := p.ledger(0, limited(1000))
		var wg sync.WaitGroup
		impatient, leave := context.WithCancel(t.Context())
		for i := range 20 {
			wg.Go(func() {
				ctx := t.Context()
				if i%2 == 0 {
					ctx = impatient
				}
				_, _ = reserve(ctx, l, customer, 10, november)
			})
		}
		wg.Go(func() { _, _ = reserve(t.Context(), l, "444455556666", 10, november) })
		synctest.Wait()
		for range 2 { // one question of each account is under way
			p.gate <- struct{}{}
		}
		synctest.Wait()
		p.mu.Lock()
		if len(p.asked) != 2 {
			t.Errorf("%d questions", len(p.asked))
		}
		p.mu.Unlock()
		leave() // who waits may go, whose question is under way stays
		close(p.gate)
		wg.Wait()
		if d, err := reserve(impatient, l, customer, 10, november); err != nil || d.Amount() != 10 {
			t.Errorf("what is in the purse needs no patience: %v", err)
		}
	})
}
