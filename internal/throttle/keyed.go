package throttle

import (
	"sync"
	"time"
)

// Keyed holds each of many keys, such as the addresses of clients, to a rate of its
// own. What it remembers is bounded: where too many keys come, those that came longest
// ago begin anew. It may be used concurrently and never blocks.
type Keyed struct {
	perSecond float64
	burst     int
	most      int

	mu             sync.Mutex
	recent, before map[string]*Limiter
}

// NewKeyed makes one for a rate in requests a second, of which burst may come at once,
// that remembers most keys at least and twice as many at most.
func NewKeyed(perSecond float64, burst, most int) *Keyed {
	return &Keyed{perSecond: perSecond, burst: burst, most: most, recent: map[string]*Limiter{}}
}

// Allow takes one request of a key if it may pass now. Otherwise it takes nothing and
// says how long until one may.
func (k *Keyed) Allow(key string, now time.Time) (wait time.Duration, ok bool) {
	return k.of(key, now).Allow(now)
}

// GiveBack undoes an Allow that let a request of a key pass, of one that is not to count:
// where only those that fail do, each is taken before its outcome is known.
func (k *Keyed) GiveBack(key string, now time.Time) { k.of(key, now).GiveBack() }

func (k *Keyed) of(key string, now time.Time) *Limiter {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.recent[key]
	if l != nil {
		return l
	}
	if l = k.before[key]; l == nil {
		l = NewLimiter(k.perSecond, k.burst, now)
	}
	if len(k.recent) >= k.most {
		k.recent, k.before = map[string]*Limiter{}, k.recent
	}
	k.recent[key] = l
	return l
}
