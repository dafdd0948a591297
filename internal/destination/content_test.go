package destination

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const contentLength = 256 << 10

// publication commits n events that bring much content, and gives their names.
func (h *house) publication(set string, n int) (names []string) {
	h.t.Helper()
	replies := make(chan error, n)
	for range n {
		name := strconv.FormatInt(int64(h.ids.Next(time.Now())), 10)
		names = append(names, name)
		body := fmt.Sprintf(`{"messageId":"%s","messageStatus":"QUEUED","text":"%s"}`, name, strings.Repeat("x", contentLength))
		h.committer.Enqueue(&store.Change{Append: []store.Event{{Account: account, ConfigurationSet: set, Status: store.StatusPublication,
			At: time.Now(), Detail: store.EventDetail{Content: &store.EventContent{Body: []byte(body)}}}}}, func(err error) { replies <- err })
	}
	for range n {
		if err := <-replies; err != nil {
			h.t.Fatal(err)
		}
	}
	return names
}

// load watches how many bytes are being published at once.
type load struct {
	mu                  sync.Mutex
	bytes, most, widest int
}

// slowly takes a batch after a while.
func (l *load) slowly(took time.Duration) func(context.Context, []Item) error {
	return func(_ context.Context, batch []Item) error {
		bytes := 0
		for i := range batch {
			bytes += len(batch[i].JSON)
		}
		l.mu.Lock()
		l.bytes += bytes
		l.most, l.widest = max(l.most, l.bytes), max(l.widest, bytes)
		l.mu.Unlock()
		time.Sleep(took)
		l.mu.Lock()
		l.bytes -= bytes
		l.mu.Unlock()
		return nil
	}
}

const slack = contentLength + 1024 // one event beyond a bound

// TestLagWithMuchContent is read bit by bit, whoever else catches up at the time, also
// after a restart.
func TestLagWithMuchContent(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		const destinations, events = 8, 60
		var sinks []*sink
		for i := range destinations {
			s := h.destination("topic:t", fmt.Sprintf("d%d", i), "ALL")
			s.set(down)
			sinks = append(sinks, s)
		}
		h.start()
		names := h.publication("topic:t", events/2)
		settle(time.Minute)
		names = append(names, h.publication("topic:t", events/2)...)
		settle(time.Minute)
		if got := h.storedLag("topic:t", "d0"); got != events {
			t.Fatalf("%d events are kept for later, want %d", got, events)
		}
		h.restart()
		var l load
		for _, s := range sinks {
			s.set(l.slowly(100 * time.Millisecond))
		}
		h.start()
		settle(time.Minute)
		for _, s := range sinks {
			s.has(t, names)
		}
		if l.widest > publishBytes+slack || l.most > loadedBytes+loadedBytes/publishBytes*slack {
			t.Errorf("%d bytes were published at once, %d in one batch", l.most, l.widest)
		}
		if h.router.loads.free != loadedBytes {
			t.Errorf("%d bytes were not given back", loadedBytes-h.router.loads.free)
		}
	})
}

// TestQueuesWithMuchContent keep what they may, and read the rest again in its turn.
func TestQueuesWithMuchContent(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		var l load
		var sinks []*sink
		for i := range 4 {
			s := h.destination("topic:t", fmt.Sprintf("d%d", i), "ALL")
			s.set(l.slowly(100 * time.Millisecond))
			sinks = append(sinks, s)
		}
		h.start()
		names := h.publication("topic:t", 80)
		held := func() int {
			h.router.mu.Lock()
			defer h.router.mu.Unlock()
			return h.router.held
		}
		most := 0
		for range 200 {
			settle(10 * time.Millisecond)
			most = max(most, held())
		}
		for _, s := range sinks {
			s.has(t, names)
		}
		if most == 0 || most > queuedBytes || held() != 0 {
			t.Errorf("%d bytes were held, and %d in the end", most, held())
		}
		if s := h.router.Stats(); s.Detached != 0 || s.Pending != 0 || s.Published != 4*80 {
			t.Errorf("stats are %+v", s)
		}
		if l.widest > publishBytes+slack || l.most > queuedBytes+loadedBytes {
			t.Errorf("%d bytes were published at once, %d in one batch", l.most, l.widest)
		}
	})
}

// TestHeldContentIsCountedOff when destinations are detached, too.
func TestHeldContentIsCountedOff(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		for i := range 3 {
			h.destination("topic:t", fmt.Sprintf("d%d", i), "ALL").set(hang)
		}
		h.start()
		h.publication("topic:t", 40)
		settle(time.Minute)
		if r := h.router; r.held != 0 || r.pending != 0 || r.stats.Detached != 3 {
			t.Errorf("%d bytes and %d events are held, stats %+v", r.held, r.pending, r.stats)
		}
	})
}

// TestGoneEventsAfterMuchContent: what was not read for its size is told from what is
// not there.
func TestGoneEventsAfterMuchContent(t *testing.T) {
	inHouse(t, func(t *testing.T, h *house) {
		d := h.destination("topic:t", "d", "ALL")
		d.set(down)
		h.tune = func(o *Options) { o.Log = &forgetful{o.Log, 35} }
		h.restart()
		h.start()
		names := h.publication("topic:t", 40)
		settle(10 * time.Second)
		d.set(nil)
		settle(time.Hour)
		d.has(t, names[:35])
		if lost := h.router.Stats().Lost; lost != 5 {
			t.Errorf("%d events were lost, want 5", lost)
		}
	})
}

// forgetful is a log that does not have the events after one any more.
type forgetful struct {
	Log
	after int64
}

func (f *forgetful) EventsAt(ctx context.Context, slot int, seqs []int64) ([]store.Event, error) {
	var known []int64
	for _, seq := range seqs {
		if seq <= f.after {
			known = append(known, seq)
		}
	}
	return f.Log.EventsAt(ctx, slot, known)
}

func TestTailOfMuchContent(t *testing.T) {
	tail := newTail(1)
	body := make([]byte, contentLength)
	bytes := func() (n int) {
		for i := range tail.events {
			n += contentBytes(&tail.events[i])
		}
		return n
	}
	next := int64(1)
	add := func() {
		e := store.Event{Slot: 1, Seq: next, Message: sms.ID(next), Detail: store.EventDetail{Content: &store.EventContent{Body: body}}}
		tail.add([]*store.Change{{Events: []store.Event{e}}})
		next++
	}
	for range 300 {
		add()
		if n := bytes(); n != tail.bytes || n > tailBytes+contentLength {
			t.Fatalf("it holds %d bytes, and knows of %d", n, tail.bytes)
		}
	}
	if _, behind := tail.take(nil, 1, readEvents); !behind {
		t.Error("all of them are held")
	}
	tail.take(nil, next, readEvents) // which leaves nothing
	from := next
	for next < from+40 {
		add()
	}
	events, behind := tail.take(nil, from, readEvents)
	if n := len(events) * contentLength; behind || n < publishBytes || n >= publishBytes+contentLength || bytes() != tail.bytes {
		t.Errorf("%d events are taken, and %d bytes held of %d", len(events), bytes(), tail.bytes)
	}
	for i, e := range events {
		if e.Seq != from+int64(i) || len(e.Detail.Content.Body) != contentLength {
			t.Fatalf("event %d is %d", i, e.Seq)
		}
	}
}
