package smpp

import "sync"

// queue passes items from the reader to a goroutine that may be slow.
type queue[T any] struct {
	mu     sync.Mutex
	filled sync.Cond
	items  []T
	closed bool
}

func newQueue[T any]() *queue[T] {
	q := &queue[T]{}
	q.filled.L = &q.mu
	return q
}

// put appends items and returns how many of them fit below limit.
func (q *queue[T]) put(limit int, items []T) int {
	if len(items) == 0 {
		return 0
	}
	q.mu.Lock()
	n := min(len(items), max(limit-len(q.items), 0))
	q.items = append(q.items, items[:n]...)
	q.mu.Unlock()
	q.filled.Signal()
	return n
}

// take waits for items and gives all of them; reuse becomes the room for the next
// ones. It gives none once the queue is closed and empty.
func (q *queue[T]) take(reuse []T) []T {
	q.mu.Lock()
	defer q.mu.Unlock()
	for len(q.items) == 0 && !q.closed {
		q.filled.Wait()
	}
	items := q.items
	clear(reuse)
	q.items = reuse[:0]
	return items
}

func (q *queue[T]) close() {
	q.mu.Lock()
	q.closed = true
	q.mu.Unlock()
	q.filled.Broadcast()
}
