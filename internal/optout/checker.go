package optout

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"heliograph/internal/store"
)

// Reader is the part of store.Lists that a Checker reads with.
type Reader interface {
	Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error)
}

const (
	// maxBatch bounds the rows that are read at once.
	maxBatch = 256
	// maxReads bounds the reads that take place at the same time: while these are
	// under way, those who come next are gathered for the next one.
	maxReads = 2
	// readLimit bounds one read, for which nobody may wait any more.
	readLimit = 10 * time.Second
)

// Checker looks up whether numbers are on opt-out lists. Those who ask while others
// read share the next read; one who is alone reads at once. It has nothing to be closed.
type Checker struct {
	lists Reader
	rows  atomic.Int64

	mu      sync.Mutex
	reading int // reads under way
	waiting []lookup
}

type lookup struct {
	key    store.EntryKey
	answer chan<- answer
}

type answer struct {
	optedOut bool
	err      error
}

// NewChecker makes a Checker that reads with lists.
func NewChecker(lists Reader) *Checker { return &Checker{lists: lists} }

// RowsRead is how many rows were asked for: one a lookup.
func (c *Checker) RowsRead() int64 { return c.rows.Load() }

// OptedOut reports whether a number, in E.164, is on a list (see List). What is not such
// a number is on none. The error is ctx's, or the store's for all that were read at
// once.
func (c *Checker) OptedOut(ctx context.Context, list int64, number string) (bool, error) {
	key, ok := Key(list, number)
	if !ok {
		return false, nil
	}
	if err := ctx.Err(); err != nil {
		return false, err
	}
	result := make(chan answer, 1)
	c.ask(lookup{key, result})
	select {
	case a := <-result:
		return a.optedOut, a.err
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// ask has a lookup read now if there may be another read, and with the next one
// otherwise.
func (c *Checker) ask(l lookup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, l)
	if c.reading < maxReads {
		c.reading++
		go c.read()
	}
}

// read reads what waits, batch by batch, until nothing does.
func (c *Checker) read() {
	for batch := c.next(); len(batch) > 0; batch = c.next() {
		c.readBatch(batch)
	}
}

// next takes a batch. Where there is none the read is over.
func (c *Checker) next() []lookup {
	c.mu.Lock()
	defer c.mu.Unlock()
	n := min(len(c.waiting), maxBatch)
	batch := c.waiting[:n:n]
	if c.waiting = c.waiting[n:]; len(c.waiting) == 0 {
		c.waiting = nil
	}
	if n == 0 {
		c.reading--
	}
	return batch
}

func (c *Checker) readBatch(batch []lookup) {
	ctx, cancel := context.WithTimeout(context.Background(), readLimit)
	defer cancel()
	keys := make([]store.EntryKey, len(batch))
	for i, l := range batch {
		keys[i] = l.key
	}
	c.rows.Add(int64(len(keys)))
	entries, err := c.lists.Entries(ctx, keys)
	if err != nil {
		err = fmt.Errorf("read opt-out lists: %w", err)
	}
	for i, l := range batch {
		if err != nil {
			l.answer <- answer{err: err}
			continue
		}
		l.answer <- answer{optedOut: OptedOut(entries[i])}
	}
}
