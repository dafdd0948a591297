package destination

import (
	"sync"

	"heliograph/internal/store"
)

// tail is the newest end of a slot's event log, in memory: one run of events
// without a gap. What does not fit is read from the engine instead.
type tail struct {
	slot int
	wake chan struct{} // holds a token after events came in

	mu     sync.Mutex
	events []store.Event
	head   int // of events, the first not yet taken
}

// tailEvents bounds what a tail holds.
const tailEvents = 16384

func newTail(slot int) *tail { return &tail{slot: slot, wake: make(chan struct{}, 1)} }

// add takes a committed batch. It never waits: when the tail is full it begins
// anew with this batch.
func (t *tail) add(changes []*store.Change) {
	added := false
	t.mu.Lock()
	t.compact()
	for _, c := range changes {
		if c.Err != nil {
			continue
		}
		for i := range c.Events {
			e := &c.Events[i]
			if e.Slot != t.slot {
				continue
			}
			held := len(t.events) - t.head
			if held >= tailEvents || held > 0 && t.events[len(t.events)-1].Seq+1 != e.Seq {
				t.reset()
			}
			t.events = append(t.events, *e)
			added = true
		}
	}
	t.mu.Unlock()
	if added {
		select {
		case t.wake <- struct{}{}:
		default:
		}
	}
}

// take appends to dst at most limit events from seq next on. behind reports that
// next is older than the tail, so that the engine has to be asked.
func (t *tail) take(dst []store.Event, next int64, limit int) (out []store.Event, behind bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.head < len(t.events) && t.events[t.head].Seq < next {
		t.head++
	}
	held := t.events[t.head:]
	if len(held) == 0 {
		t.reset()
		return dst, false
	}
	if held[0].Seq > next {
		return dst, true
	}
	n := min(limit, len(held))
	dst = append(dst, held[:n]...)
	t.head += n
	if t.head == len(t.events) {
		t.reset()
	}
	return dst, false
}

func (t *tail) reset() {
	clear(t.events)
	t.events, t.head = t.events[:0], 0
}

// compact frees what was taken once it is the larger half.
func (t *tail) compact() {
	if t.head > len(t.events)/2 {
		n := copy(t.events, t.events[t.head:])
		clear(t.events[n:])
		t.events, t.head = t.events[:n], 0
	}
}
