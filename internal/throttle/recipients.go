package throttle

import (
	"sync"
	"time"
)

// Recipients spaces the messages to each single recipient: one a second by the
// guide's quota (chapter 17). It holds back the messages to one telephone and
// nobody else's. It may be used concurrently.
//
// Memory is bounded. What is remembered of a recipient is the next free slot,
// and that is forgotten once it lies in the past. It is kept in two generations
// of a map: the older one is dropped, but for slots still to come, when the
// younger is full or old enough. Where more recipients than half the limit have
// slots to come at once, some are forgotten early and Forgotten counts them; a
// limit of eight times the recipients of one interval leaves ample room.
type Recipients struct {
	mu         sync.Mutex
	interval   int64 // nanoseconds
	half       int   // entries of one generation at most
	start      time.Time
	turned     int64 // when the generations were last turned, nanoseconds after start
	young, old map[uint64]int64
	forgotten  uint64
}

// generation is how long a generation lasts at least, in intervals.
const generation = 2

// NewRecipients makes the table. interval is the time between two messages to
// one recipient, 0 or less for no limit; limit is the most recipients that are
// remembered, at least two. Its time begins at now.
func NewRecipients(interval time.Duration, limit int, now time.Time) *Recipients {
	return &Recipients{
		interval: int64(interval),
		half:     max(limit, 2) / 2,
		start:    now,
		young:    map[uint64]int64{},
	}
}

// RecipientKey gives the key of a number in E.164 format: its digits as a
// number, so that no two numbers share a key.
func RecipientKey(e164 string) uint64 {
	var key uint64
	for i := range len(e164) {
		if c := e164[i]; c >= '0' && c <= '9' {
			key = key*10 + uint64(c-'0')
		}
	}
	return key
}

// Reserve takes the next slot of a recipient and returns its time: now, or an
// interval after the slot that was taken last. It is called once a message,
// whatever its parts, in the order in which messages are to leave.
func (r *Recipients) Reserve(now time.Time, key uint64) time.Time {
	if r.interval <= 0 {
		return now
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	at := int64(now.Sub(r.start))
	next, known := r.young[key]
	if !known {
		next = r.old[key]
		if len(r.young) >= r.half || at-r.turned >= generation*r.interval {
			r.turn(at)
		}
	}
	slot := max(next, at)
	r.young[key] = slot + r.interval
	return now.Add(time.Duration(slot - at))
}

// turn makes the young generation the old one. Of the old one only slots still
// to come are carried over, into half of the new generation at most, so that it
// cannot be full at once.
func (r *Recipients) turn(at int64) {
	fresh := make(map[uint64]int64, len(r.young)/2)
	for key, next := range r.old {
		if next <= at {
			continue
		}
		if _, newer := r.young[key]; newer {
			continue
		}
		if len(fresh) >= r.half/2 {
			r.forgotten++
			continue
		}
		fresh[key] = next
	}
	r.old, r.young, r.turned = r.young, fresh, at
}

// Forgotten counts slots still to come that were given up to keep the bound:
// each may have let a message go early.
func (r *Recipients) Forgotten() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.forgotten
}

// Len is the number of entries that are remembered.
func (r *Recipients) Len() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.young) + len(r.old)
}
