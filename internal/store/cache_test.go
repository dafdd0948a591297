package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"heliograph/internal/sms"
)

// messages is an engine that has the messages listed and counts what is read.
type messages struct {
	Engine
	has  []sms.ID
	read []sms.ID
	err  error
}

func (e *messages) Messages(_ context.Context, ids []sms.ID) ([]*sms.Message, error) {
	e.read = append(e.read, ids...)
	out := make([]*sms.Message, len(ids))
	for i, id := range ids {
		if slices.Contains(e.has, id) {
			out[i] = &sms.Message{ID: id}
		}
	}
	return out, e.err
}

func TestMessageCacheIsBounded(t *testing.T) {
	c := NewMessageCache(10)
	for id := range sms.ID(100) {
		c.Put(&sms.Message{ID: id})
		c.Put(&sms.Message{ID: id}) // again
		if n := len(c.recent); n > 10 {
			t.Fatalf("%d messages after %d", n, id)
		}
		if c.Get(id) == nil {
			t.Fatalf("message %d was not kept", id)
		}
	}
	if c.Get(0) != nil {
		t.Error("the oldest message is still there")
	}
}

// encodeBody makes a record of the body alone.
func encodeBody(b []byte, m *sms.Message) []byte { return append(b, m.Body...) }

func decodeBody(id sms.ID, doc []byte) (*sms.Message, error) {
	if string(doc) == "broken" {
		return nil, errors.New("broken")
	}
	return &sms.Message{ID: id, Body: string(doc)}, nil
}

func body(id sms.ID) string { return fmt.Sprintf("the body of message %04d", id) }

func TestMessageCachePacksWhatIsOld(t *testing.T) {
	const each = 24 + packedHead // octets of a packed message
	c := NewMessageCache(10).Pack(packedBlocks*4*each, encodeBody, decodeBody)
	for id := range sms.ID(1000) {
		c.Put(&sms.Message{ID: id, Body: body(id)})
		if len(c.recent) > 10 || len(c.packed.blocks) > packedBlocks || len(c.packed.index) > 4*packedBlocks {
			t.Fatalf("%d messages, %d blocks, %d records after %d", len(c.recent), len(c.packed.blocks), len(c.packed.index), id)
		}
	}
	for id := range sms.ID(1000 - 10) {
		doc := c.packed.find(id)
		if kept := id >= 1000-10-4*(packedBlocks-1); kept && string(doc) != body(id) {
			t.Errorf("record of message %d: %q", id, doc)
		} else if id < 1000-10-4*packedBlocks && doc != nil {
			t.Errorf("message %d is still there", id)
		}
	}
	oldest := sms.ID(1000 - 10 - 4*(packedBlocks-1))
	if m := c.Get(oldest); m == nil || m.ID != oldest || m.Body != body(oldest) {
		t.Errorf("message %d: %+v", oldest, m)
	}
	if c.Get(0) != nil {
		t.Error("the first message is still there")
	}
}

func TestMessageCacheKeepsWhatIsAskedFor(t *testing.T) {
	c := NewMessageCache(10).Pack(packedBlocks*100, encodeBody, decodeBody)
	for id := range sms.ID(10_000) {
		c.Put(&sms.Message{ID: id, Body: body(id)})
		if m := c.Get(0); m == nil || m.Body != body(0) {
			t.Fatalf("message 0 was dropped at %d: %+v", id, m)
		}
	}
}

// A message that does not fit or cannot be read is one that is not there.
func TestMessageCacheWithoutSomeRecords(t *testing.T) {
	c := NewMessageCache(1).Pack(packedBlocks*100, encodeBody, decodeBody)
	for id, text := range []string{"broken", strings.Repeat("x", 89), strings.Repeat("x", 88), "", "the newest"} {
		c.Put(&sms.Message{ID: sms.ID(id), Body: text})
	}
	for id, want := range []bool{false, false, true, true, true} {
		if m := c.Get(sms.ID(id)); (m != nil) != want {
			t.Errorf("message %d: %v", id, m)
		}
	}
}

// Readers and writers at once, for the race detector.
func TestMessageCacheConcurrently(t *testing.T) {
	c := NewMessageCache(10).Pack(packedBlocks*100, encodeBody, decodeBody)
	var group sync.WaitGroup
	for worker := range 4 {
		group.Go(func() {
			for n := range sms.ID(2000) {
				id := n*4 + sms.ID(worker)
				c.Put(&sms.Message{ID: id, Body: body(id)})
				if m := c.Get(n); m != nil && m.Body != body(n) {
					t.Errorf("message %d: %+v", n, m)
				}
			}
		})
	}
	group.Wait()
}

func TestMessageCacheFill(t *testing.T) {
	e := &messages{has: []sms.ID{2, 3}}
	c := NewMessageCache(10)
	c.Put(&sms.Message{ID: 1})
	for range 2 {
		got, err := c.Fill(t.Context(), e, []sms.ID{3, 1, 9, 2, 3})
		if err != nil {
			t.Fatal(err)
		}
		var ids []sms.ID
		for _, m := range got {
			if m == nil {
				m = &sms.Message{}
			}
			ids = append(ids, m.ID)
		}
		if !slices.Equal(ids, []sms.ID{3, 1, 0, 2, 3}) {
			t.Fatalf("filled in %v", ids)
		}
	}
	if !slices.Equal(e.read, []sms.ID{3, 9, 2, 3, 9}) {
		t.Errorf("read %v: only what was missing should be", e.read)
	}
	e.err = errors.New("no")
	if _, err := c.Fill(t.Context(), e, []sms.ID{77}); !errors.Is(err, e.err) {
		t.Errorf("answered %v", err)
	}
}
