package api

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/sms"
)

// agreement is what nodes share rates by, in memory; by the theoretical arrival
// time, as the store's engines do it.
type agreement struct {
	mu    sync.Mutex
	tat   map[string]time.Time
	asked []int         // each n
	takes time.Duration // each answer
	err   error
}

func (a *agreement) Take(ctx context.Context, name string, perSecond float64, burst, n int) (granted int, wait time.Duration, err error) {
	select {
	case <-time.After(a.takes):
	case <-ctx.Done():
		return 0, 0, ctx.Err()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.asked = append(a.asked, n); a.err != nil {
		return 0, 0, a.err
	}
	if a.tat == nil {
		a.tat = map[string]time.Time{}
	}
	interval, now := time.Duration(float64(time.Second)/perSecond), time.Now()
	tat := a.tat[name]
	if tat.Before(now) {
		tat = now
	}
	granted = min(n, int((time.Duration(burst)*interval-tat.Sub(now))/interval))
	a.tat[name] = tat.Add(time.Duration(granted) * interval)
	return granted, tat.Sub(now) - time.Duration(burst-1)*interval, nil
}

const someone = "111122223333"

// try makes so many requests at once and says how many passed.
func try(t *testing.T, l *limiter, account string, requests int) (passed int) {
	t.Helper()
	var mu sync.Mutex
	var wg sync.WaitGroup
	for range requests {
		wg.Go(func() {
			err := l.take(account, time.Now())
			if e, _ := sms.AsError(err); err != nil && e.Kind != sms.KindThrottled {
				t.Error(err)
			}
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				passed++
			}
		})
	}
	wg.Wait()
	return passed
}

func TestSharedRates(t *testing.T) {
	for _, tt := range []struct {
		rate    float64
		atOnce  int // pass at most, after a pause
		slice   int
		seconds int
	}{
		{1, 25, 1, 10}, {0.5, 25, 1, 10}, {20, 25, 1, 3}, {39, 25, 1, 3}, {50, 25, 2, 3}, {1000, 100, 50, 1},
	} {
		synctest.Test(t, func(t *testing.T) {
			a := &agreement{takes: 2 * time.Millisecond}
			rates := Rates{"CreatePool": tt.rate}
			var nodes []*limiter
			for range 3 {
				nodes = append(nodes, rates.newLimiter("CreatePool", a))
			}
			passed, began := 0, time.Now()
			for _, l := range nodes {
				passed += try(t, l, someone, 3*tt.atOnce)
			}
			// The answers took their time, in which more could pass.
			if most := tt.atOnce + int(tt.rate*time.Since(began).Seconds()); passed < tt.atOnce || passed > most {
				t.Errorf("%v a second: %d passed at once, not %d to %d", tt.rate, passed, tt.atOnce, most)
			}
			a.asked = nil
			time.Sleep(2 * time.Second)
			passed, began = 0, time.Now()
			for time.Since(began) < time.Duration(tt.seconds)*time.Second {
				for _, l := range nodes {
					passed += try(t, l, someone, 4)
				}
				time.Sleep(5 * time.Millisecond)
			}
			want := tt.rate * (time.Since(began).Seconds())
			most := want + min(float64(tt.atOnce), 2*tt.rate) + 1 // what two seconds' pause has left
			if least := 0.9*want - 2*float64(tt.slice); float64(passed) < least || float64(passed) > most {
				t.Errorf("%v a second: %d passed in %d s, not %.0f to %.0f", tt.rate, passed, tt.seconds, least, most)
			}
			for _, n := range a.asked {
				if n != tt.slice {
					t.Errorf("%v a second: asked for %d, not %d", tt.rate, n, tt.slice)
				}
			}
		})
	}
}

// A request that is refused is not asked for until there is one, an account has
// nothing to do with another, and an operation without a limit asks nobody.
func TestSharedRatesAskSeldom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &agreement{}
		rates := Rates{"CreatePool": 1, "DeletePool": 0}
		l := rates.newLimiter("CreatePool", a)
		if n := try(t, l, someone, 100); n != 25 || len(a.asked) != 26 {
			t.Errorf("%d passed, %d questions", n, len(a.asked))
		}
		if n := try(t, l, "444455556666", 1); n != 1 {
			t.Error("another account was refused")
		}
		time.Sleep(999 * time.Millisecond)
		if n := try(t, l, someone, 10); n != 0 || len(a.asked) != 27 {
			t.Errorf("%d passed, %d questions", n, len(a.asked))
		}
		time.Sleep(time.Millisecond)
		if n := try(t, l, someone, 10); n != 1 {
			t.Errorf("%d passed", n)
		}
		a.asked = nil
		if n := try(t, rates.newLimiter("DeletePool", a), someone, 50); n != 50 || len(a.asked) != 0 {
			t.Errorf("%d passed without a limit, %d questions", n, len(a.asked))
		}
		// A slice that nobody takes from lapses.
		l = Rates{"UpdatePool": 200}.newLimiter("UpdatePool", a)
		if try(t, l, someone, 1); l.shared != a || len(a.asked) != 1 || a.asked[0] != 10 {
			t.Errorf("questions %v", a.asked)
		}
		time.Sleep(sliceLasts)
		if n := try(t, l, someone, 1); n != 1 || len(a.asked) != 2 {
			t.Errorf("%d passed, questions %v", n, a.asked)
		}
	})
}

// While there is no answer nothing passes, and nobody waits for long.
func TestSharedRatesFail(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		away := errors.New("the database is away")
		a := &agreement{err: away}
		l := Rates{"CreatePool": 10}.newLimiter("CreatePool", a)
		err := l.take(someone, time.Now())
		if e, _ := sms.AsError(err); e == nil || e.Kind != sms.KindThrottled || !errors.Is(err, away) {
			t.Errorf("%v", err)
		}
		if n := try(t, l, someone, 50); n != 0 || len(a.asked) != 1 {
			t.Errorf("%d passed, %d questions", n, len(a.asked))
		}
		time.Sleep(takePause)
		a.takes = time.Minute // it hangs
		began := time.Now()
		if n := try(t, l, someone, 50); n != 0 || time.Since(began) != takeTimeout {
			t.Errorf("%d passed after %v", n, time.Since(began))
		}
		time.Sleep(takePause)
		a.takes, a.err = 0, nil
		if n := try(t, l, someone, 50); n != 25 {
			t.Errorf("%d passed when it was back", n)
		}
	})
}
