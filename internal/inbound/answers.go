package inbound

import (
	"fmt"
	"sync"
	"time"
)

// maxAnswered bounds the pairs of a sender and a number whose answers are counted.
const maxAnswered = 1 << 16

// answers counts the answers that senders got from numbers in the hour that it is, so
// that what one handset writes does not use up what an account may spend.
type answers struct {
	limit int // 0 is none
	mu    sync.Mutex
	hour  int64
	given map[pair]int
}

// pair is a sender and the id of the phone number that it wrote to.
type pair struct{ from, number string }

// refuse is why a sender gets no answer, nil where it gets one.
func (a *answers) refuse(p pair, now time.Time) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.limit == 0 || hourOf(now) != a.hour || a.given[p] < a.limit {
		return nil
	}
	return fmt.Errorf("the sender was answered %d times by this number in this hour", a.limit)
}

// add counts an answer. Those of more pairs than there is room for are not counted.
func (a *answers) add(p pair, now time.Time) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if hour := hourOf(now); hour != a.hour {
		a.hour, a.given = hour, map[pair]int{}
	}
	if n, there := a.given[p]; a.limit > 0 && (there || len(a.given) < maxAnswered) {
		a.given[p] = n + 1
	}
}

func hourOf(t time.Time) int64 { return t.Unix() / int64(time.Hour/time.Second) }
