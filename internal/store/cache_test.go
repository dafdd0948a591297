package store

import (
	"context"
	"errors"
	"slices"
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
		if n := len(c.young) + len(c.old); n > 10 {
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

func TestMessageCacheKeepsWhatIsAskedFor(t *testing.T) {
	c := NewMessageCache(10)
	for id := range sms.ID(100) {
		c.Put(&sms.Message{ID: id})
		if c.Get(0) == nil {
			t.Fatalf("message 0 was dropped at %d", id)
		}
		if n := len(c.young) + len(c.old); n > 10 {
			t.Fatalf("%d messages after %d", n, id)
		}
	}
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
