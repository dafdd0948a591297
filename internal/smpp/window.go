package smpp

import "slices"

// window counts requests without an answer against the most that may be. Those that
// wait for room get it in the order they came. The session's lock guards it.
type window struct {
	size    int
	used    int
	waiters []*waiter
}

type waiter struct {
	ready chan struct{} // closed once room is granted or err is set
	err   error
}

// room is how many requests may go out now.
func (w *window) room() int {
	if len(w.waiters) > 0 {
		return 0
	}
	return max(w.size-w.used, 0)
}

func (w *window) join() *waiter {
	one := &waiter{ready: make(chan struct{})}
	w.waiters = append(w.waiters, one)
	return one
}

// leave takes a waiter out. It reports whether the waiter had still been waiting.
func (w *window) leave(one *waiter) bool {
	i := slices.Index(w.waiters, one)
	if i < 0 {
		return false
	}
	w.waiters = slices.Delete(w.waiters, i, i+1)
	return true
}

// release gives room back, and on to those who wait.
func (w *window) release(n int) {
	w.used -= n
	for w.used < w.size && len(w.waiters) > 0 {
		w.used++
		close(w.waiters[0].ready)
		w.waiters = w.waiters[1:]
	}
}

// fail turns away all who wait.
func (w *window) fail(err error) {
	for _, one := range w.waiters {
		one.err = err
		close(one.ready)
	}
	w.waiters = nil
}
