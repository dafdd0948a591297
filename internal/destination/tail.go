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
	bytes  int // of the content of those not yet taken
}

// tailEvents bounds what a tail holds, tailBytes its events' content besides the last.
const (
	tailEvents = 16384
	tailBytes  = 16 << 20
)

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
			if held >= tailEvents || t.bytes >= tailBytes || held > 0 && t.events[len(t.events)-1].Seq+1 != e.Seq {
				t.reset()
			}
			t.events = append(t.events, *e)
			t.bytes += contentBytes(e)
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

// take appends to dst at most limit events from seq next on, and no more after
// publishBytes of content. behind reports that
// next is older than the tail, so that the engine has to be asked.
func (t *tail) take(dst []store.Event, next int64, limit int) (out []store.Event, behind bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.head < len(t.events) && t.events[t.head].Seq < next {
		t.pass()
	}
	held := t.events[t.head:]
	if len(held) == 0 {
		t.reset()
		return dst, false
	}
	if held[0].Seq > next {
		return dst, true
	}
	for bytes := t.bytes; t.head < len(t.events) && len(dst) < limit && bytes-t.bytes < publishBytes; t.pass() {
		dst = append(dst, t.events[t.head])
	}
	if t.head == len(t.events) {
		t.reset()
	}
	return dst, false
}

// pass is over with the first event, and keeps nothing of its content.
func (t *tail) pass() {
	e := &t.events[t.head]
	t.bytes -= contentBytes(e)
	e.Detail.Content = nil
	t.head++
}

func (t *tail) reset() {
	clear(t.events)
	t.events, t.head, t.bytes = t.events[:0], 0, 0
}

// compact frees what was taken once it is the larger half.
func (t *tail) compact() {
	if t.head > len(t.events)/2 {
		n := copy(t.events, t.events[t.head:])
		clear(t.events[n:])
		t.events, t.head = t.events[:n], 0
	}
}
