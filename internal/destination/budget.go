package destination

import (
	"sync"

	"heliograph/internal/store"
)

// budget is how many bytes may be read of the log at once by all workers together.
type budget struct {
	mu      sync.Mutex
	free    int
	changed chan struct{} // closed when bytes were given back
}

func newBudget(bytes int) *budget { return &budget{free: bytes, changed: make(chan struct{})} }

// take waits for bytes, which have to be given back. It is false where stop was closed
// before there were so many.
func (b *budget) take(bytes int, stop <-chan struct{}) bool {
	for {
		b.mu.Lock()
		if b.free >= bytes {
			b.free -= bytes
			b.mu.Unlock()
			return true
		}
		changed := b.changed
		b.mu.Unlock()
		select {
		case <-changed:
		case <-stop:
			return false
		}
	}
}

func (b *budget) give(bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.free += bytes
	close(b.changed)
	b.changed = make(chan struct{})
}

// contentBytes is the length of what an event brings with it; 0 for one of a text
// message, of which many are small alike and bounded by their number.
func contentBytes(e *store.Event) int {
	c := e.Detail.Content
	if c == nil {
		return 0
	}
	n := len(c.Body) + len(c.Subject)
	for name, value := range c.Attributes {
		n += len(name) + len(value)
	}
	return n
}
