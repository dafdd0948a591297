package throttle

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestLimiter(t *testing.T) {
	l := NewLimiter(2, 25, ms(0))
	for i := range 25 {
		if _, ok := l.Allow(ms(0)); !ok {
			t.Fatalf("request %d refused", i+1)
		}
	}
	if wait, ok := l.Allow(ms(0)); ok || wait != 500*time.Millisecond {
		t.Errorf("after the burst: %v, %v", wait, ok)
	}
	if wait, ok := l.Allow(ms(499)); ok || wait != time.Millisecond {
		t.Errorf("too early: %v, %v", wait, ok)
	}
	if _, ok := l.Allow(ms(500)); !ok {
		t.Error("refused in time")
	}
	if _, ok := l.Allow(ms(500)); ok {
		t.Error("two at once")
	}
	for i := range 25 {
		if _, ok := l.Allow(ms(60_000)); !ok {
			t.Fatalf("request %d after a pause refused", i+1)
		}
	}
	if _, ok := l.Allow(ms(60_000)); ok {
		t.Error("a pause gives more than the burst")
	}
	if _, ok := l.Allow(ms(0)); ok {
		t.Error("a clock that went back gives more")
	}
}

func TestLimiterWithoutLimit(t *testing.T) {
	l := NewLimiter(0, 1, ms(0))
	for range 1000 {
		if _, ok := l.Allow(ms(0)); !ok {
			t.Fatal("refused")
		}
	}
}

func TestLimiterBurstOfNone(t *testing.T) {
	l := NewLimiter(1, 0, ms(0))
	if _, ok := l.Allow(ms(0)); !ok {
		t.Error("the first is refused")
	}
	if wait, ok := l.Allow(ms(0)); ok || wait != time.Second {
		t.Errorf("%v, %v", wait, ok)
	}
}

func TestLimiterConcurrently(t *testing.T) {
	l := NewLimiter(1, 25, ms(0))
	var passed atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 100 {
				if _, ok := l.Allow(ms(0)); ok {
					passed.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if n := passed.Load(); n != 25 {
		t.Errorf("%d passed", n)
	}
}

func TestLimiterProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.IntRange(1, 50).Draw(t, "rate")
		burst := rapid.IntRange(1, 30).Draw(t, "burst")
		l := NewLimiter(float64(rate), burst, epoch)
		now := epoch
		var passed []time.Time
		for range 300 {
			now = now.Add(time.Duration(rapid.IntRange(0, 200_000_000).Draw(t, "pause")))
			wait, ok := l.Allow(now)
			if ok {
				passed = append(passed, now)
			} else if _, ok := l.Allow(now.Add(wait - 1)); ok {
				t.Fatal("passed before the wait was over")
			}
		}
		if most := busiest(passed); most > rate+burst {
			t.Fatalf("%d in one second at %d with a burst of %d", most, rate, burst)
		}
	})
}

func BenchmarkLimiterAllow(b *testing.B) {
	l := NewLimiter(1e6, 25, time.Now())
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			l.Allow(time.Now())
		}
	})
}
