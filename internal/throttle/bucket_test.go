package throttle

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var epoch = time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)

// ms is a moment in milliseconds after the epoch.
func ms(n float64) time.Time {
	return epoch.Add(time.Duration(n * float64(time.Millisecond)))
}

func TestBucketTake(t *testing.T) {
	type step struct {
		at    float64 // milliseconds
		parts int
		wait  float64 // milliseconds; 0 is taken
	}
	tests := []struct {
		name  string
		rate  float64
		steps []step
	}{
		{"ten a second", 10, []step{{0, 1, 0}, {0, 1, 50}, {49, 1, 1}, {50, 1, 0}, {50, 1, 100}, {150, 1, 0}, {250, 1, 0}}},
		{"a pause gives no burst", 10, []step{{0, 1, 0}, {5000, 1, 0}, {5000, 1, 50}, {5050, 1, 0}, {5100, 1, 50}}},
		{"parts together", 10, []step{{0, 3, 0}, {0, 1, 250}, {250, 1, 0}}},
		{"one in two seconds", 0.5, []step{{0, 1, 0}, {1949, 1, 1}, {1950, 1, 0}, {1950, 1, 2000}, {3950, 1, 0}}},
		{"no parts", 10, []step{{0, 0, 0}, {0, -1, 0}, {0, 1, 0}, {0, 0, 50}}},
		{"no limit", 0, []step{{0, 1000, 0}, {0, 1000, 0}}},
		{"nonsense is no limit", math.NaN(), []step{{0, 1000, 0}, {0, 1000, 0}}},
		{"late timers of a fast lane", 1000, []step{{0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 0}, {0, 1, 1}, {1, 1, 0}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := NewBucket(tt.rate)
			for i, s := range tt.steps {
				want := time.Duration(s.wait * float64(time.Millisecond))
				if got := b.Wait(ms(s.at)); got != want {
					t.Fatalf("step %d: Wait %v, want %v", i, got, want)
				}
				before := b
				wait, ok := b.Take(ms(s.at), s.parts)
				if wait != want || ok != (want == 0) {
					t.Fatalf("step %d: %v, %v, want %v", i, wait, ok, want)
				}
				if !ok && b != before {
					t.Fatalf("step %d: refused and changed", i)
				}
			}
		})
	}
}

func TestBucketSetRate(t *testing.T) {
	b := NewBucket(0.001)
	b.Take(ms(0), 1)
	if w := b.Wait(ms(0)); w != 1000*time.Second-50*time.Millisecond {
		t.Errorf("waits %v", w)
	}
	b.SetRate(ms(0), 10)
	if w := b.Wait(ms(0)); w != 50*time.Millisecond {
		t.Errorf("faster: waits %v", w)
	}
	b.SetRate(ms(0), 1)
	if w := b.Wait(ms(0)); w != 50*time.Millisecond {
		t.Errorf("slower: waits %v", w)
	}
	b.SetRate(ms(0), 0)
	if _, ok := b.Take(ms(0), 1000); !ok || b.Wait(ms(0)) != 0 {
		t.Error("no limit, yet it waits")
	}
}

func TestBucketExtremeRates(t *testing.T) {
	slow := NewBucket(1e-12)
	slow.Take(ms(0), 10)
	if w := slow.Wait(ms(0)); w <= 0 {
		t.Errorf("slow waits %v", w)
	}
	fast := NewBucket(1e12)
	if _, ok := fast.Take(ms(0), 1000); !ok {
		t.Error("fast waits")
	}
	if b := NewBucket(math.Inf(1)); b.Interval != 0 {
		t.Errorf("infinite rate has %v", b.Interval)
	}
}

// drain sends n parts through a bucket from a loop whose timer is late by up to
// late, and returns when each left.
func drain(b Bucket, n int, late time.Duration, rng *rand.Rand) []time.Time {
	now := epoch
	var left []time.Time
	for len(left) < n {
		wait, ok := b.Take(now, 1)
		if ok {
			left = append(left, now)
			continue
		}
		now = now.Add(wait + time.Duration(rng.Int64N(int64(late)+1)))
	}
	return left
}

// busiest is the most of times, which are in order, in any second.
func busiest(times []time.Time) int {
	most, first := 0, 0
	for i, t := range times {
		for t.Sub(times[first]) >= time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

func TestLanesKeepTheirRate(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for _, tt := range []struct {
		rate float64
		n    int
		late time.Duration
		most int
	}{
		{10, 600, 20 * time.Millisecond, 11},
		{1, 60, 20 * time.Millisecond, 2},
		{3, 180, 20 * time.Millisecond, 4},
		{0.25, 15, 20 * time.Millisecond, 1},
		{100, 6000, 4 * time.Millisecond, 101},
		{200, 12000, 4 * time.Millisecond, 201},
		{1000, 60000, 4 * time.Millisecond, 1006},
		{5000, 300000, 4 * time.Millisecond, 5026},
	} {
		left := drain(NewBucket(tt.rate), tt.n, tt.late, rng)
		took := left[len(left)-1].Sub(left[0]).Seconds()
		want := float64(tt.n-1) / tt.rate
		if took < want*0.99 || took > want*1.01 {
			t.Errorf("%v a second: %d parts took %.2f s, want %.2f", tt.rate, tt.n, took, want)
		}
		if most := busiest(left); most > tt.most {
			t.Errorf("%v a second: %d in one second", tt.rate, most)
		}
	}
}

func TestTenASecondAfterTheNetwork(t *testing.T) {
	// Parts that are up to 40 ms on their way, in order, still arrive as at most
	// eleven in any second.
	rng := rand.New(rand.NewPCG(3, 4))
	arrived := drain(NewBucket(10), 600, 20*time.Millisecond, rng)
	for i := range arrived {
		arrived[i] = arrived[i].Add(time.Duration(rng.Int64N(int64(40 * time.Millisecond))))
		if i > 0 && arrived[i].Before(arrived[i-1]) {
			arrived[i] = arrived[i-1]
		}
	}
	if most := busiest(arrived); most > 11 {
		t.Errorf("%d in one second", most)
	}
}

func TestBucketProperties(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		rate := rapid.IntRange(1, 200).Draw(t, "rate")
		b := NewBucket(float64(rate))
		now := epoch
		var left []time.Time
		for range rapid.IntRange(1, 600).Draw(t, "attempts") {
			pause := rapid.OneOf(rapid.Just(0), rapid.IntRange(0, 3_000_000), rapid.IntRange(0, 3_000_000_000)).Draw(t, "pause")
			now = now.Add(time.Duration(pause))
			wait, ok := b.Take(now, 1)
			if ok {
				left = append(left, now)
			} else if wait <= 0 {
				t.Fatal("refused without a wait")
			} else if _, ok := b.Take(now.Add(wait-1), 1); ok {
				t.Fatal("taken before the wait was over")
			} else if rapid.Bool().Draw(t, "patient") {
				now = now.Add(wait)
				if _, ok := b.Take(now, 1); !ok {
					t.Fatal("refused after the wait")
				}
				left = append(left, now)
			}
		}
		if most := busiest(left); most > rate+1 {
			t.Fatalf("%d in one second at %d a second", most, rate)
		}
	})
}

func BenchmarkBucketTake(b *testing.B) {
	bucket := NewBucket(1000)
	now := time.Now()
	for b.Loop() {
		now = now.Add(time.Millisecond)
		bucket.Take(now, 1)
	}
}
