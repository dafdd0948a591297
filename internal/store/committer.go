package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Committer is group commit: it gathers the changes that callers hand in while
// the last transaction is being made durable, and applies them in the next one.
// Changes are applied in the order they were handed in. While many callers come, it
// lets some more of them gather before each transaction; one that is alone never
// waits for that. A change that nobody outside of the process waits for may be
// handed in with some time to spare: it goes along with the next one that has none.
type Committer struct {
	engine  Engine
	fence   Fence
	observe []func([]*Change)
	fatal   func(error) // nil once it was called
	stats   func(changes int, took time.Duration, err error)
	limit   time.Duration
	last    int // changes in the last transaction; of the goroutine that runs
	hurried int // those of them that had no time to spare

	mu      sync.Mutex
	wake    chan struct{} // holds a token while there is something to do
	pending []request
	urgent  bool        // pending is to be applied now
	due     time.Time   // where pending is not urgent: when it will be
	timer   *time.Timer // until due
	turn    int64       // counts the beginnings and ends of transactions
	stalled bool        // the transaction in progress has taken longer than limit
	closed  bool
	done    chan struct{}
}

type request struct {
	change *Change
	reply  func(error)
	spare  time.Duration // that it may wait for others
}

// ErrClosed is answered after Close.
var ErrClosed = errors.New("store is closed")

var errStalled = fmt.Errorf("%w: a transaction has not ended for too long", ErrUnavailable)

// maxBatch bounds one transaction, so that its latency stays bounded.
const maxBatch = 512

// After a transaction with crowd callers or more who had no time to spare, the next
// one begins gatherTime later: what a transaction costs by itself (pages, a sync of
// the disk or a round trip) is then shared by more, which is worth more to all of
// them than the wait.
const (
	crowd      = 3
	gatherTime = 500 * time.Microsecond
)

// CommitterOptions are a Committer's callbacks.
type CommitterOptions struct {
	// Observers are called with each committed batch, in commit order, from the
	// committer's goroutine, before the callers are answered. They must not wait,
	// and pass over changes whose Err is set.
	Observers []func([]*Change)
	// Fatal is called once when the engine answers ErrBroken or ErrFenced.
	Fatal func(error)
	// Stats, if set, is told of each transaction.
	Stats func(changes int, took time.Duration, err error)
	// Limit, if not 0, is how long a transaction may take before changes that are not
	// part of it are refused with ErrUnavailable, until it ends. What is part of it is
	// answered when it ends: only then is it known whether it was written.
	Limit time.Duration
}

// NewCommitter starts group commit over an engine.
func NewCommitter(engine Engine, fence Fence, o CommitterOptions) *Committer {
	c := &Committer{engine: engine, fence: fence, observe: o.Observers, fatal: o.Fatal, stats: o.Stats, limit: o.Limit,
		wake: make(chan struct{}, 1), done: make(chan struct{})}
	if c.stats == nil {
		c.stats = func(int, time.Duration, error) {}
	}
	c.timer = time.AfterFunc(time.Hour, c.ripen)
	c.timer.Stop()
	go c.run()
	return c
}

// Fence is the fence that commits are made under.
func (c *Committer) Fence() Fence { return c.fence }

// Commit writes the change and returns when it is durable or has failed. There
// is no giving up: what was handed in is written, and the caller must know.
func (c *Committer) Commit(change *Change) error { return c.CommitWithin(0, change) }

// CommitWithin is Commit for a change that may wait this long for others to share
// their transaction, because nobody outside of the process waits for it.
func (c *Committer) CommitWithin(spare time.Duration, change *Change) error {
	answer := make(chan error, 1)
	c.EnqueueWithin(spare, change, func(err error) { answer <- err })
	return <-answer
}

// Enqueue hands a change in and returns at once; reply is called when the change
// is durable or has failed, from the committer's goroutine, or at once where it is
// refused. It must not wait.
func (c *Committer) Enqueue(change *Change, reply func(error)) { c.EnqueueWithin(0, change, reply) }

// EnqueueWithin is to Enqueue what CommitWithin is to Commit.
func (c *Committer) EnqueueWithin(spare time.Duration, change *Change, reply func(error)) {
	if err := c.hand(request{change, reply, spare}); err != nil {
		reply(err)
	}
}

func (c *Committer) hand(r request) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.closed:
		return ErrClosed
	case c.stalled:
		return errStalled
	}
	c.pending = append(c.pending, r)
	if c.urgent {
		return nil
	}
	if r.spare <= 0 {
		c.hurry()
		return nil
	}
	if due := time.Now().Add(r.spare); len(c.pending) == 1 || due.Before(c.due) {
		c.due = due
		c.timer.Reset(r.spare)
	}
	return nil
}

// hurry has pending applied now. The caller holds mu, and the committer is open.
func (c *Committer) hurry() {
	c.urgent = true
	c.timer.Stop()
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// ripen is called when a change has waited for as long as it may.
func (c *Committer) ripen() {
	c.mu.Lock()
	defer c.mu.Unlock()
	// What the timer ran for may have gone along with something urgent.
	if !c.closed && !c.urgent && len(c.pending) > 0 && !time.Now().Before(c.due) {
		c.hurry()
	}
}

// Close writes what was handed in and stops.
func (c *Committer) Close() {
	c.mu.Lock()
	if !c.closed {
		c.closed, c.urgent = true, true
		c.timer.Stop()
		close(c.wake)
	}
	c.mu.Unlock()
	<-c.done
}

func (c *Committer) run() {
	defer close(c.done)
	var spare []request
	for range c.wake {
		spare = c.drain(spare)
	}
	c.drain(spare)
}

func (c *Committer) drain(spare []request) []request {
	for {
		if c.hurried >= crowd && c.last < maxBatch {
			time.Sleep(gatherTime)
		}
		c.mu.Lock()
		if !c.urgent {
			c.mu.Unlock()
			c.last, c.hurried = 0, 0
			return spare
		}
		batch := c.pending
		c.pending, c.urgent = spare[:0], c.closed
		if len(batch) > maxBatch {
			c.pending, c.urgent = append(c.pending, batch[maxBatch:]...), true
			clear(batch[maxBatch:])
			batch = batch[:maxBatch]
		}
		c.mu.Unlock()
		c.last, c.hurried = len(batch), 0
		for i := range batch {
			if batch[i].spare <= 0 {
				c.hurried++
			}
		}
		if len(batch) == 0 {
			return batch
		}
		c.apply(batch)
		clear(batch)
		spare = batch
	}
}

// begin starts the clock of a transaction; end stops it.
func (c *Committer) begin() (end func()) {
	if c.limit == 0 {
		return func() {}
	}
	c.mu.Lock()
	c.turn++
	turn := c.turn
	c.mu.Unlock()
	timer := time.AfterFunc(c.limit, func() { c.refuse(turn) })
	return func() {
		timer.Stop()
		c.mu.Lock()
		c.turn++
		c.stalled = false
		c.mu.Unlock()
	}
}

// refuse answers what waits for the transaction of this turn, if it has not ended.
func (c *Committer) refuse(turn int64) {
	c.mu.Lock()
	if c.turn != turn {
		c.mu.Unlock()
		return
	}
	c.stalled = true
	waiting := c.pending
	c.pending = nil
	c.mu.Unlock()
	for i := range waiting {
		waiting[i].reply(errStalled)
	}
}

func (c *Committer) apply(batch []request) {
	changes := make([]*Change, len(batch))
	for i := range batch {
		changes[i] = batch[i].change
	}
	passPoint("before", changes)
	began, end := time.Now(), c.begin()
	err := c.engine.Apply(context.Background(), c.fence, changes)
	end()
	c.stats(len(changes), time.Since(began), err)
	if c.fatal != nil && (errors.Is(err, ErrBroken) || errors.Is(err, ErrFenced)) {
		c.fatal(err)
		c.fatal = nil
	}
	// An error that is not the database's is about one of the changes. Each is
	// tried by itself, so that it fails nobody else's.
	if err != nil && len(batch) > 1 && !wholesale(err) {
		for i := range batch {
			c.apply(batch[i : i+1])
		}
		return
	}
	if err == nil {
		passPoint("after", changes)
		for _, f := range c.observe {
			f(changes)
		}
	}
	for i := range batch {
		if err != nil {
			batch[i].reply(err)
		} else {
			batch[i].reply(batch[i].change.Err)
		}
	}
	if err == nil {
		passPoint("answered", changes)
	}
}

// wholesale tells the errors that any batch would meet.
func wholesale(err error) bool {
	for _, kind := range []error{ErrFull, ErrUnavailable, ErrFenced, ErrUnknown, ErrBroken, ErrClosed} {
		if errors.Is(err, kind) {
			return true
		}
	}
	return false
}
