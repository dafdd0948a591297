package throttle

import (
	"math"
	"time"
)

// Bounds of a bucket's tolerance. Whoever sleeps until a moment is woken some
// time after it, and what is lost so has to be made up for, but no more than
// that.
const (
	minTolerance = 5 * time.Millisecond
	maxTolerance = 50 * time.Millisecond
)

// Bucket lets message parts out at a rate. The zero value has no limit. It is
// not for concurrent use: a lane has one owner.
//
// Parts that are taken one at a time leave evenly. With the tolerance that
// NewBucket sets, no second holds more than one part above a whole rate of up to
// 200, and no more than 0.5 % and one part above a higher one.
type Bucket struct {
	Interval  time.Duration // between parts; 0 is no limit
	Tolerance time.Duration // by which a part may come before its time

	// TAT is the theoretical arrival time of the next part. A lane that moves
	// to another owner takes it along.
	TAT time.Time
}

// NewBucket makes a bucket for a rate in message parts a second, which may be
// below one; 0 or less is no limit. Its tolerance is half an interval within 5
// to 50 ms: a late timer costs no throughput, and of a lane of ten a second,
// parts that the network delays by up to 50 ms still keep to the rate and one
// part where they arrive.
func NewBucket(partsPerSecond float64) Bucket {
	interval := intervalOf(partsPerSecond)
	if interval == 0 {
		return Bucket{}
	}
	return Bucket{Interval: interval, Tolerance: min(max(interval/2, minTolerance), maxTolerance)}
}

// intervalOf is the time between two of a rate a second; 0 for no limit.
func intervalOf(rate float64) time.Duration {
	if !(rate > 0) {
		return 0
	}
	ns := math.Round(float64(time.Second) / rate)
	return time.Duration(min(ns, float64(maxInterval)))
}

// maxInterval keeps sums of intervals inside a time.Duration.
const maxInterval = 30 * 24 * time.Hour

// SetRate changes the rate. What was taken stays taken, but the next part waits
// no longer than one interval of the new rate.
func (b *Bucket) SetRate(now time.Time, partsPerSecond float64) {
	tat := b.TAT
	*b = NewBucket(partsPerSecond)
	if latest := now.Add(b.Interval); tat.After(latest) {
		tat = latest
	}
	b.TAT = tat
}

// Wait is how long from now the next part has to wait; 0 when it may pass.
func (b *Bucket) Wait(now time.Time) time.Duration {
	if b.Interval == 0 {
		return 0
	}
	early := b.TAT.Sub(now)
	if early <= b.Tolerance {
		return 0
	}
	return early - b.Tolerance
}

// Take takes parts at once if the next may pass now. Otherwise it takes nothing
// and says how long to wait. Several parts leave together and the part after
// them waits for all of them; where evenness matters they are taken one by one.
// Taking fewer than one part takes nothing.
func (b *Bucket) Take(now time.Time, parts int) (wait time.Duration, ok bool) {
	if wait := b.Wait(now); wait > 0 {
		return wait, false
	}
	if b.Interval == 0 || parts < 1 {
		return 0, true
	}
	if b.TAT.Before(now) {
		b.TAT = now
	}
	b.TAT = b.TAT.Add(time.Duration(parts) * b.Interval)
	return 0, true
}
