package queue

import (
	"container/heap"
	"sort"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

// entry is an open message with parts to hand over. Bit n-1 of a mask stands for
// part n.
type entry struct {
	id       sms.ID
	lane     *lane
	message  *sms.Message // nil: read it when it is claimed
	route    *sms.Route   // where it differs from the message's own
	expires  time.Time
	parts    int
	attempts int
	class    store.Class

	todo      uint16    // to be handed over
	flying    uint16    // claimed or handed over, without an outcome
	resent    uint16    // sent before, with an outcome that was lost
	touched   bool      // a part was handed over: the message has an awaiting row
	queued    bool      // stands in its lane or among the held
	slotTaken bool      // the recipient's slot is its own, on this node
	agreed    bool      // and on all nodes
	refused   time.Time // another node had the slot: it is asked for again then
	recipient uint64    // its key, where it was refused
	announced bool      // PENDING was written
	movedAt   time.Time // last looked at for another identity

	lost  map[int][]*batch // marks of parts sent again, by part number
	times map[int]int      // how many outcomes of a part were lost, by part number
}

func bit(part int) uint16 { return 1 << (part - 1) }

func allParts(n int) uint16 { return 1<<n - 1 }

// first is the lowest part of a mask.
func first(mask uint16) int {
	for n := 1; ; n++ {
		if mask&bit(n) != 0 {
			return n
		}
	}
}

// lane is one origination identity: its order and its throughput.
type lane struct {
	key    string
	rate   float64 // message parts a second; 0 is no limit
	bucket throttle.Bucket
	pace   pace
	fifo   [2]deque[*entry] // by class, ascending by id
	rest   [2]rest          // by class
	last   [2]sms.ID        // largest that is or was in memory, by class
	parts  int              // waiting
	turns  int

	where laneState
	next  time.Time // while waiting for a token
	index int       // in the heap
}

type laneState int

const (
	laneIdle laneState = iota
	laneWaiting
	laneReady
)

// promotionalTurn is the share of turns that PROMOTIONAL keeps while
// TRANSACTIONAL waits too: one in this many.
const promotionalTurn = 8

func (l *lane) setRate(now time.Time, rate float64) {
	if l.rate != rate {
		l.rate = rate
		l.bucket.SetRate(now, rate)
		l.pace = newPace(rate)
	}
}

func (l *lane) empty() bool { return l.fifo[0].len() == 0 && l.fifo[1].len() == 0 }

// class is whose turn it is in the lane.
func (l *lane) class() store.Class {
	if l.fifo[store.ClassTransactional].len() == 0 {
		return store.ClassPromotional
	}
	if l.fifo[store.ClassPromotional].len() > 0 && l.turns%promotionalTurn == promotionalTurn-1 {
		return store.ClassPromotional
	}
	return store.ClassTransactional
}

// push puts an entry into its place: a lane is in the order of acceptance, also for
// what comes back to it.
func (l *lane) push(e *entry) {
	e.queued = true
	fifo := &l.fifo[e.class]
	place := fifo.len()
	if place > 0 && fifo.at(place-1).id > e.id {
		place = sort.Search(place, func(i int) bool { return fifo.at(i).id > e.id })
	}
	fifo.insert(place, e)
}

// laneHeap orders lanes by when they may send next.
type laneHeap []*lane

func (h laneHeap) Len() int           { return len(h) }
func (h laneHeap) Less(i, j int) bool { return h[i].next.Before(h[j].next) }
func (h laneHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *laneHeap) Push(x any) { l := x.(*lane); l.index = len(*h); *h = append(*h, l) }
func (h *laneHeap) Pop() any {
	old := *h
	l := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return l
}

// held is an entry that waits for a time: its recipient's slot, or a retry.
type held struct {
	at    time.Time
	order int64 // first held, first out, among equals
	entry *entry
}

type heldHeap []held

func (h heldHeap) Len() int { return len(h) }
func (h heldHeap) Less(i, j int) bool {
	if h[i].at.Equal(h[j].at) {
		return h[i].order < h[j].order
	}
	return h[i].at.Before(h[j].at)
}
func (h heldHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *heldHeap) Push(x any)   { *h = append(*h, x.(held)) }
func (h *heldHeap) Pop() any {
	old := *h
	v := old[len(old)-1]
	old[len(old)-1] = held{}
	*h = old[:len(old)-1]
	return v
}

var (
	_ heap.Interface = (*laneHeap)(nil)
	_ heap.Interface = (*heldHeap)(nil)
)
