package store

import (
	"context"
	"sync"

	"heliograph/internal/sms"
)

// MessageCache keeps messages that were accepted or read of late, so that what
// follows a message seldom reads it again. Messages never change, so nothing in
// it goes stale. It is safe for concurrent use.
//
// It has two generations: what is put or asked for goes into the younger, and
// when that is full the older is dropped and the younger takes its place.
type MessageCache struct {
	mu    sync.Mutex
	half  int
	young map[sms.ID]*sms.Message
	old   map[sms.ID]*sms.Message
}

// NewMessageCache makes a cache of at most limit messages, at least 2.
func NewMessageCache(limit int) *MessageCache {
	return &MessageCache{half: max(limit/2, 1), young: map[sms.ID]*sms.Message{}}
}

// Put keeps m, which must not be changed any more.
func (c *MessageCache) Put(m *sms.Message) {
	c.mu.Lock()
	c.put(m)
	c.mu.Unlock()
}

func (c *MessageCache) put(m *sms.Message) {
	if _, there := c.young[m.ID]; !there && len(c.young) >= c.half {
		c.old, c.young = c.young, make(map[sms.ID]*sms.Message, c.half)
	}
	c.young[m.ID] = m
}

// Get is the message with this ID, nil where it is not in the cache.
func (c *MessageCache) Get(id sms.ID) *sms.Message {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.get(id)
}

func (c *MessageCache) get(id sms.ID) *sms.Message {
	if m := c.young[id]; m != nil {
		return m
	}
	m := c.old[id]
	if m != nil {
		delete(c.old, id)
		c.put(m)
	}
	return m
}

// Fill gives the messages with these ids in their order, reading from the engine
// those that are not in the cache. One that the engine has not is nil.
func (c *MessageCache) Fill(ctx context.Context, e Engine, ids []sms.ID) ([]*sms.Message, error) {
	out := make([]*sms.Message, len(ids))
	var missing []sms.ID
	var places []int // in out, of the missing
	c.mu.Lock()
	for i, id := range ids {
		if out[i] = c.get(id); out[i] == nil {
			missing, places = append(missing, id), append(places, i)
		}
	}
	c.mu.Unlock()
	if len(missing) == 0 {
		return out, nil
	}
	read, err := e.Messages(ctx, missing)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for i, m := range read {
		if m != nil {
			out[places[i]] = m
			c.put(m)
		}
	}
	return out, nil
}
