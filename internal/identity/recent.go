package identity

import "sync"

// recent keeps what was asked for lately, of each of two generations at most as many as
// it is made for: what nobody asks for is gone once that many others were.
type recent[K comparable, V any] struct {
	most int

	mu         sync.RWMutex
	young, old map[K]V
}

func newRecent[K comparable, V any](most int) *recent[K, V] {
	return &recent[K, V]{most: most, young: map[K]V{}}
}

func (r *recent[K, V]) get(key K) (V, bool) {
	r.mu.RLock()
	v, ok := r.young[key]
	var aged bool
	if !ok {
		v, aged = r.old[key]
	}
	r.mu.RUnlock()
	if aged {
		r.put(key, v)
	}
	return v, ok || aged
}

func (r *recent[K, V]) put(key K, v V) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, there := r.young[key]; !there && len(r.young) >= r.most {
		r.young, r.old = map[K]V{}, r.young
	}
	r.young[key] = v
}
