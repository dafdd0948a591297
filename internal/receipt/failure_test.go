package receipt_test

import (
	"errors"
	"fmt"
	"sync/atomic"
	"testing"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestReceiptThatCannotBeWritten(t *testing.T) {
	for name, fail := range map[string]func(r *rig){
		"the commit fails":              func(r *rig) { r.engine.commits.Store(1) },
		"the message cannot be read":    func(r *rig) { r.engine.reads.Store(1) },
		"the commit fails, then a read": func(r *rig) { r.engine.commits.Store(1); r.engine.reads.Store(1) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t)
			m := r.accept(alice, 1)
			r.taken(m, 1, 1, "id-1")
			fail(r)
			if err := r.give(word(sms.StatusDelivered, alice, "id-1")); !errors.Is(err, store.ErrUnavailable) {
				t.Errorf("answered %v, want %v", err, store.ErrUnavailable)
			}
			r.want(m, "QUEUED SUCCESSFUL")
			r.engine.commits.Store(0)
			r.engine.reads.Store(0)
			r.delivered(alice, "id-1")
			r.want(m, delivered)
			r.parked(0)
		})
	}
}

func TestParkingThatCannotBeWritten(t *testing.T) {
	r := newRig(t)
	m := r.accept(alice, 1)
	r.engine.commits.Store(1)
	if err := r.give(word(sms.StatusDelivered, alice, "id-1")); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("answered %v, want %v", err, store.ErrUnavailable)
	}
	r.parked(0)
	r.delivered(alice, "id-1")
	r.parked(1)
	r.taken(m, 1, 1, "id-1")
	r.want(m, delivered)
	r.parked(0)
}

// The carrier had its acknowledgement: nobody sends this receipt again.
func TestParkedReceiptIsTriedUntilItIsWritten(t *testing.T) {
	r := newRig(t)
	m := r.accept(alice, 1)
	r.delivered(alice, "id-1")
	r.parked(1)
	r.engine.reads.Store(1)
	r.taken(m, 1, 1, "id-1")
	r.want(m, delivered)
	r.parked(0)
}

func TestReceiptAfterClose(t *testing.T) {
	r := newRig(t)
	m := r.accept(alice, 1)
	r.taken(m, 1, 1, "id-1")
	r.end()
	if err := r.give(word(sms.StatusDelivered, alice, "id-1")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("answered %v, want %v", err, store.ErrClosed)
	}
	r.flow.Close() // once more
	r.start()
	r.want(m, "QUEUED SUCCESSFUL")
	r.delivered(alice, "id-1")
	r.want(m, delivered)
}

// Close answers what came in before it.
func TestCloseFinishesWhatCameIn(t *testing.T) {
	r := newRig(t)
	const n = 300
	var messages []sms.ID
	for i := range n {
		m := r.accept(to(i), 1)
		r.taken(m, 1, 1, fmt.Sprint(i))
		messages = append(messages, m)
	}
	var answered atomic.Int64
	for i := range n {
		in := word(sms.StatusDelivered, to(i), fmt.Sprint(i))
		in.At = r.clock.now()
		r.flow.Receipt(in, func(err error) {
			if err != nil {
				t.Error(err)
			}
			answered.Add(1)
		})
	}
	r.end()
	if got := answered.Load(); got != n {
		t.Errorf("%d receipts were answered, want %d", got, n)
	}
	for _, m := range messages {
		if got := r.events(m); got != delivered {
			t.Fatalf("events are %q", got)
		}
	}
	r.start()
}
