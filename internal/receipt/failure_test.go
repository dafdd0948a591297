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

// The number of a recipient that is out of service is the message's, however the carrier
// writes it, and is told of before the receipt is acknowledged.
func TestRecipientsOutOfService(t *testing.T) {
	r := newRig(t)
	var told []string
	down := true
	r.outOfService = func(numbers []string) error {
		if down {
			return store.ErrUnavailable
		}
		told = append(told, numbers...)
		return nil
	}
	m := r.accept(alice, 1)
	r.taken(m, 1, 1, "id-1")
	gone := word(sms.StatusUnreachable, alice[len(alice)-10:], "id-1")
	gone.Deactivated = true
	if err := r.give(gone); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("answered %v while the report cannot be written", err)
	}
	r.want(m, "QUEUED SUCCESSFUL")
	down = false
	r.receipt(gone)
	r.want(m, "QUEUED SUCCESSFUL UNREACHABLE.")
	if len(told) != 1 || told[0] != alice {
		t.Errorf("out of service are %q, want %s", told, alice)
	}
}

// A receipt that comes when its message has lost its number is put down, and nobody is
// told of a number.
func TestRecipientOutOfServiceAfterItsNumberWasDropped(t *testing.T) {
	r := newRig(t)
	r.outOfService = func(numbers []string) error { return fmt.Errorf("told of %q", numbers) }
	m := r.accept(alice, 1)
	r.taken(m, 1, 1, "id-1")
	r.delivered(alice, "id-1")
	r.want(m, delivered)
	r.dropNumbers()
	r.restart() // the message is read anew
	gone := word(sms.StatusUnreachable, "", "id-1")
	gone.Deactivated = true
	r.receipt(gone)
	r.settle()
	r.want(m, delivered+" LATE_RECEIPT")
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
