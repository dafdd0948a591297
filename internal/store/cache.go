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
// The newest are kept as they are. What these push out is forgotten, or with Pack
// kept as a record: less than half as large, and nothing for the garbage collector
// to follow.
type MessageCache struct {
	mu     sync.Mutex
	ring   []*sms.Message // the newest; put anew over the oldest
	next   int            // in ring
	recent map[sms.ID]*sms.Message
	packed *packedMessages // nil without Pack
}

// NewMessageCache makes a cache of at most limit messages, at least 1.
func NewMessageCache(limit int) *MessageCache {
	limit = max(limit, 1)
	return &MessageCache{ring: make([]*sms.Message, limit), recent: make(map[sms.ID]*sms.Message, limit)}
}

// Pack has the cache keep size octets of records of older messages, and answers
// the cache. It is called before the first use. encode appends a message's record,
// decode reads one (record.AppendMessage, record.Message).
func (c *MessageCache) Pack(size int, encode func([]byte, *sms.Message) []byte, decode func(sms.ID, []byte) (*sms.Message, error)) *MessageCache {
	c.packed = newPackedMessages(size, encode, decode)
	return c
}

// Put keeps m, which must not be changed any more.
func (c *MessageCache) Put(m *sms.Message) {
	c.mu.Lock()
	c.put(m)
	c.mu.Unlock()
}

func (c *MessageCache) put(m *sms.Message) {
	if c.recent[m.ID] != nil {
		return
	}
	if oldest := c.ring[c.next]; oldest != nil {
		delete(c.recent, oldest.ID)
		if c.packed != nil {
			c.packed.add(oldest)
		}
	}
	c.ring[c.next] = m
	c.next = (c.next + 1) % len(c.ring)
	c.recent[m.ID] = m
}

// Get is the message with this ID, nil where it is not in the cache.
func (c *MessageCache) Get(id sms.ID) *sms.Message {
	var one [1]*sms.Message
	c.fill([]sms.ID{id}, one[:])
	return one[0]
}

// fill sets out to the messages that are in the cache.
func (c *MessageCache) fill(ids []sms.ID, out []*sms.Message) {
	var records [][]byte // in the order of ids; nil where there is none
	c.mu.Lock()
	for i, id := range ids {
		if out[i] = c.recent[id]; out[i] != nil || c.packed == nil {
			continue
		}
		if doc := c.packed.find(id); doc != nil {
			if records == nil {
				records = make([][]byte, len(ids))
			}
			records[i] = doc
		}
	}
	c.mu.Unlock()
	if records == nil {
		return
	}
	for i, doc := range records {
		if doc != nil {
			// One that cannot be decoded is as good as not there.
			out[i], _ = c.packed.decode(ids[i], doc)
		}
	}
	// Who asks for a message is soon followed by somebody else who does.
	c.mu.Lock()
	for i, doc := range records {
		if doc != nil && out[i] != nil {
			c.put(out[i])
		}
	}
	c.mu.Unlock()
}

// Fill gives the messages with these ids in their order, reading from the engine
// those that are not in the cache. One that the engine has not is nil.
func (c *MessageCache) Fill(ctx context.Context, e Engine, ids []sms.ID) ([]*sms.Message, error) {
	out := make([]*sms.Message, len(ids))
	c.fill(ids, out)
	var missing []sms.ID
	var places []int // in out, of the missing
	for i, m := range out {
		if m == nil {
			missing, places = append(missing, ids[i]), append(places, i)
		}
	}
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
