package throttle

import (
	"sync/atomic"
	"time"
)

// Limiter lets requests through at a rate, with a burst after a pause. It may
// be used concurrently and never blocks.
type Limiter struct {
	interval  int64 // nanoseconds between requests; 0 is no limit
	tolerance int64 // nanoseconds
	start     time.Time
	tat       atomic.Int64 // theoretical arrival time, nanoseconds after start
}

// NewLimiter makes a limiter for a rate in requests a second, 0 or less for no
// limit, of which burst may come at once, at least one. Its time begins at now,
// with the whole burst to give.
func NewLimiter(perSecond float64, burst int, now time.Time) *Limiter {
	interval := intervalOf(perSecond)
	l := &Limiter{start: now, interval: int64(interval)}
	l.tolerance = int64(max(burst, 1)-1) * l.interval
	return l
}

// Allow takes one request if it may pass now. Otherwise it takes nothing and
// says how long until one may.
func (l *Limiter) Allow(now time.Time) (wait time.Duration, ok bool) {
	if l.interval == 0 {
		return 0, true
	}
	at := int64(now.Sub(l.start))
	for {
		tat := l.tat.Load()
		if early := tat - at - l.tolerance; early > 0 {
			return time.Duration(early), false
		}
		if l.tat.CompareAndSwap(tat, max(tat, at)+l.interval) {
			return 0, true
		}
	}
}

// GiveBack undoes an Allow that let a request pass, of one that is not to count.
func (l *Limiter) GiveBack() { l.tat.Add(-l.interval) }
