package queue

// deque is a double-ended queue over a ring that grows and shrinks by halves.
type deque[T any] struct {
	ring []T
	head int
	n    int
}

const dequeSmallest = 2

func (d *deque[T]) len() int { return d.n }

func (d *deque[T]) at(i int) T { return d.ring[(d.head+i)%len(d.ring)] }

func (d *deque[T]) pushBack(v T) {
	d.fit()
	d.ring[(d.head+d.n)%len(d.ring)] = v
	d.n++
}

// insert puts v before place i, moving what stands on the shorter side.
func (d *deque[T]) insert(i int, v T) {
	d.fit()
	if i < d.n-i {
		d.head = (d.head + len(d.ring) - 1) % len(d.ring)
		for j := range i {
			d.ring[(d.head+j)%len(d.ring)] = d.ring[(d.head+j+1)%len(d.ring)]
		}
	} else {
		for j := d.n; j > i; j-- {
			d.ring[(d.head+j)%len(d.ring)] = d.ring[(d.head+j-1)%len(d.ring)]
		}
	}
	d.ring[(d.head+i)%len(d.ring)] = v
	d.n++
}

func (d *deque[T]) popFront() T {
	var zero T
	v := d.ring[d.head]
	d.ring[d.head] = zero
	d.head = (d.head + 1) % len(d.ring)
	d.n--
	if len(d.ring) > dequeSmallest && d.n < len(d.ring)/4 {
		d.resize(len(d.ring) / 2)
	}
	return v
}

// filter keeps what keep says, in order. keep is called once for each.
func (d *deque[T]) filter(keep func(T) bool) {
	kept := 0
	for i := range d.n {
		v := d.at(i)
		if keep(v) {
			d.ring[(d.head+kept)%len(d.ring)] = v
			kept++
		}
	}
	var zero T
	for i := kept; i < d.n; i++ {
		d.ring[(d.head+i)%len(d.ring)] = zero
	}
	d.n = kept
}

func (d *deque[T]) fit() {
	if d.n == len(d.ring) {
		d.resize(max(2*len(d.ring), dequeSmallest))
	}
}

func (d *deque[T]) resize(size int) {
	ring := make([]T, size)
	for i := range d.n {
		ring[i] = d.at(i)
	}
	d.ring, d.head = ring, 0
}
