package queue

import (
	"context"
	"fmt"
	"sync"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Peers is what the queue asks of the nodes that share the database.
type Peers struct {
	store.Shared
	// Several reports whether other nodes are there now.
	Several func() bool
	// MaySend reports whether this node's lease still runs: nothing is handed to a
	// carrier after it.
	MaySend func() bool
	// Taken is told of parts that carriers took from other nodes, with Split
	// carriers only: those whose receipts may come in here.
	Taken func([]store.Event)
	Split bool
}

const (
	followEvery = 20 * time.Millisecond  // while there are other nodes
	followIdle  = 500 * time.Millisecond // otherwise
	slotsEvery  = time.Second            // for new ones
	newsRows    = 2_000
)

// follower reads the logs of other nodes' slots for messages that they put into
// shards of this one. It goes on from where each log ended before any shard was
// loaded, so that between loading and following nothing is missed; what is found by
// both is known by its id.
type follower struct {
	q       *Queue
	base    [sms.MaxSlot + 1]int64 // where each slot's log ended
	after   map[int]int64          // Seq, by slot that is read
	polling sync.Mutex             // held while the logs are read, and while a shard is registered
	stop    context.CancelFunc
	ended   chan struct{}
}

func follow(ctx context.Context, q *Queue) (*follower, error) {
	f := &follower{q: q, after: map[int]int64{}, ended: make(chan struct{})}
	for slot := range f.base {
		var err error
		if f.base[slot], err = q.o.Engine.LastSeq(ctx, slot); err != nil {
			return nil, fmt.Errorf("read the end of a node's log: %w", err)
		}
	}
	if err := f.newSlots(ctx); err != nil {
		return nil, err
	}
	ctx, f.stop = context.WithCancel(context.WithoutCancel(ctx))
	go f.run(ctx)
	return f, nil
}

func (f *follower) close() {
	f.stop()
	<-f.ended
}

func (f *follower) run(ctx context.Context) {
	defer close(f.ended)
	log := f.q.o.Log
	slotsAt := time.Time{}
	for ctx.Err() == nil {
		wait := followIdle
		if f.q.o.Peers.Several() {
			wait = followEvery
		}
		more, err := false, error(nil)
		if time.Since(slotsAt) >= slotsEvery {
			slotsAt = time.Now()
			err = f.newSlots(ctx)
		}
		if err == nil {
			more, err = f.poll(ctx)
		}
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			log.Error("messages that other nodes accepted cannot be read; trying again", "error", err)
			wait = time.Second
		case more:
			continue
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// newSlots finds nodes that came since. Their logs are read from where they ended when
// this node began.
func (f *follower) newSlots(ctx context.Context) error {
	slots, err := f.q.slots(ctx)
	for _, slot := range slots {
		if _, known := f.after[slot]; !known && slot != f.q.slot() {
			f.after[slot] = f.base[slot]
		}
	}
	return err
}

// poll reads what is new once. more is set where there is more at once.
func (f *follower) poll(ctx context.Context) (more bool, err error) {
	f.polling.Lock()
	defer f.polling.Unlock()
	q := f.q
	var names []string
	for _, s := range q.all() {
		names = append(names, s.name)
		s.turn()
	}
	if len(f.after) == 0 {
		return false, nil
	}
	after := make([]store.SlotSeq, 0, len(f.after))
	for slot, seq := range f.after {
		after = append(after, store.SlotSeq{Slot: slot, Seq: seq})
	}
	news, err := q.o.Peers.News(ctx, after, names, q.o.Peers.Split, newsRows)
	if err != nil {
		return false, err
	}
	if len(news.Taken) > 0 && q.o.Peers.Taken != nil {
		q.o.Peers.Taken(news.Taken)
	}
	now := q.o.Now()
	for i := range news.Queued {
		row := &news.Queued[i]
		if s := q.shard(row.Shard); s != nil {
			s.arrive(row, now)
		}
	}
	for _, upto := range news.Upto {
		more = more || upto.Seq-f.after[upto.Slot] >= newsRows
		f.after[upto.Slot] = upto.Seq
	}
	return more, nil
}

// turn begins a new reading of other nodes' logs: what has left the shard before it
// cannot be in what is read.
func (s *shard) turn() {
	s.mu.Lock()
	clear(s.gone)
	s.mu.Unlock()
}

// arrive takes over a message that another node put into this shard.
func (s *shard) arrive(row *store.Queued, now time.Time) {
	s.mu.Lock()
	if s.gone[row.ID] {
		s.mu.Unlock()
		return
	}
	s.take(row, nil, now)
	s.mu.Unlock()
	s.wake()
}

// departed notes that a message has left the shard, whose row may still be among what
// is being read.
func (s *shard) departed(id sms.ID) {
	if s.q.o.Peers != nil {
		s.gone[id] = true
	}
}
