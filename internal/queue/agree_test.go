package queue

import (
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

// Messages to one recipient keep their order however the slot is refused: one that was
// refused behind another holds those behind itself, also when the other one has left.
func TestOrderAmongRefused(t *testing.T) {
	const to = "+447700900123"
	now := time.Unix(1_800_000_000, 0)
	key := throttle.RecipientKey(to)
	s := &shard{refused: refusals{}}
	message := func(id sms.ID) *entry { return &entry{id: id, message: &sms.Message{ID: id, Destination: to}} }
	first, second, third := message(1), message(2), message(3)
	refused, granted := store.Recipient{Key: key, Wait: time.Second}, store.Recipient{Key: key}

	s.answered(first, refused, now)
	s.answered(second, granted, now) // in the transaction of the first
	if second.agreed || !second.refused.Equal(first.refused) {
		t.Errorf("the second one may leave before the first: %+v", second)
	}
	s.answered(first, granted, now.Add(time.Second))
	if !first.agreed || !s.heldBack(first, now).IsZero() {
		t.Error("the first one does not leave")
	}
	if s.heldBack(third, now).IsZero() {
		t.Error("the third one may ask while the second is on its way back")
	}
	if got := s.heldBack(second, now); !got.Equal(first.refused) {
		t.Errorf("the second one may ask at %s, want %s", got, first.refused)
	}
	s.answered(third, granted, now)
	if third.agreed {
		t.Error("the third one leaves before the second")
	}
	s.answered(second, granted, now)
	s.answered(third, granted, now)
	if !second.agreed || !third.agreed || len(s.refused) != 0 {
		t.Errorf("left: %v %v, waiting %v", second.agreed, third.agreed, s.refused)
	}

	// One that ends while it waits holds nobody any more.
	s.answered(message(4), refused, now)
	fifth := message(5)
	s.answered(fifth, refused, now)
	for _, e := range s.refused[key] {
		if e.id == 4 {
			s.settleRecipient(e)
			break
		}
	}
	s.answered(fifth, granted, now)
	if !fifth.agreed || len(s.refused) != 0 {
		t.Errorf("the one behind it waits for ever: %v", s.refused)
	}
}

// One that is held behind an earlier one, before it has asked, holds those behind itself,
// also when the earlier one has left.
func TestHeldBackHoldsBack(t *testing.T) {
	now := time.Now()
	s := &shard{refused: refusals{}}
	message := func(id sms.ID) *entry {
		return &entry{id: id, message: &sms.Message{ID: id, Destination: "+447700900123"}}
	}
	key := throttle.RecipientKey("+447700900123")
	first, second, third := message(1), message(2), message(3)
	s.answered(first, store.Recipient{Key: key, Wait: time.Second}, now)
	if at := s.heldBack(second, now); !at.After(now) {
		t.Fatalf("the second may ask at %s, before the first", at)
	}
	s.answered(first, store.Recipient{Key: key}, now)
	if at := s.heldBack(third, now); !at.After(now) {
		t.Errorf("the third may ask at %s, before the second", at)
	}
	s.answered(second, store.Recipient{Key: key}, now)
	s.answered(third, store.Recipient{Key: key}, now)
	if !second.agreed || !third.agreed || len(s.refused) != 0 {
		t.Errorf("second %v, third %v, and waiting are %v", second.agreed, third.agreed, s.refused)
	}
}
