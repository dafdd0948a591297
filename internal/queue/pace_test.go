package queue

import (
	"math/rand/v2"
	"testing"
	"time"
)

// TestPaceHoldsTheRateThroughStalls claims parts evenly and stalls at random: no
// second sees more than the rate and one, and what was held up catches up.
func TestPaceHoldsTheRateThroughStalls(t *testing.T) {
	for _, rate := range []float64{1, 3, 10, 50, 200} {
		random := rand.New(rand.NewPCG(1, uint64(rate)))
		p := newPace(rate)
		began := time.Now()
		interval := time.Duration(float64(time.Second) / rate)
		var left []time.Time
		stalled := began
		for i := range int(rate) * 60 {
			claimed := began.Add(time.Duration(i) * interval)
			if random.IntN(int(rate)*5) == 0 {
				stalled = claimed.Add(time.Duration(random.IntN(300)) * time.Millisecond)
			}
			if claimed.Before(stalled) {
				claimed = stalled
			}
			left = append(left, p.reserve(claimed))
		}
		for i := range left {
			if i > 0 && left[i].Before(left[i-1]) {
				t.Fatalf("rate %v: part %d leaves before part %d", rate, i, i-1)
			}
			if n := int(rate) + 1; i >= n && left[i].Sub(left[i-n]) <= time.Second {
				t.Fatalf("rate %v: %d parts leave within %s", rate, n+1, left[i].Sub(left[i-n]))
			}
		}
		ideal := began.Add(time.Duration(len(left)-1) * interval)
		if late := left[len(left)-1].Sub(ideal); late > 600*time.Millisecond {
			t.Errorf("rate %v: the last of 60 s of parts leaves %s late", rate, late)
		}
	}
}

func TestPaceLeavesOtherRatesAlone(t *testing.T) {
	for _, rate := range []float64{0, 0.25, 1000} {
		p := newPace(rate)
		now := time.Now()
		for range 3000 {
			if at := p.reserve(now); !at.Equal(now) {
				t.Fatalf("rate %v: a part is held until %s", rate, at.Sub(now))
			}
		}
	}
}

func TestPaceForgetsAClockThatWasSetBack(t *testing.T) {
	p := newPace(10)
	now := time.Now().Round(0)
	for i := range 20 {
		p.reserve(now.Add(time.Duration(i) * 100 * time.Millisecond))
	}
	before := now.Add(-time.Hour)
	if at := p.reserve(before); !at.Equal(before) {
		t.Errorf("a part waits %s for the old time", at.Sub(before))
	}
}
