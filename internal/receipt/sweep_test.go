package receipt_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const unknown = "QUEUED SUCCESSFUL UNKNOWN."

func TestSweepEndsMessagesWithoutReceipt(t *testing.T) {
	r := newRig(t)
	silent := r.accept(to(1), 1)
	r.taken(silent, 1, 1, "1")
	half := r.accept(to(2), 2) // one of its parts had its receipt
	r.taken(half, 1, 2, "2")
	r.taken(half, 2, 2, "3")
	r.delivered(to(2), "3")
	slow := r.accept(to(3), 2) // its second part was taken an hour later
	r.taken(slow, 1, 2, "4")
	queued := r.accept(to(4), 1)
	r.clock.advance(time.Hour)
	r.taken(slow, 2, 2, "5")

	r.clock.advance(sms.ReceiptWait - time.Hour)
	r.sweep()
	r.want(silent, "QUEUED SUCCESSFUL") // to the millisecond
	r.clock.advance(time.Millisecond)
	r.sweep()
	r.want(silent, unknown)
	r.want(half, unknown)
	r.want(slow, "QUEUED SUCCESSFUL")
	r.want(queued, "QUEUED")
	r.clock.advance(time.Hour)
	r.sweep()
	r.want(slow, unknown)
	r.want(queued, "QUEUED")
	if got := r.count("messages_without_receipt_total"); got != 3 {
		t.Errorf("%d messages were counted, want 3", got)
	}
	events, err := r.engine.MessageEvents(context.Background(), silent)
	if err != nil {
		t.Fatal(err)
	}
	last := events[len(events)-1]
	if p := last.Detail.Parts[0]; p.Detail != "no final receipt within 72 hours" || last.Account != "111122223333" || last.ConfigurationSet != "set" {
		t.Errorf("the final event is %+v", last)
	}

	r.delivered(to(1), "1") // too late
	r.want(silent, unknown+" LATE_RECEIPT")
}

func TestSweepEndsMoreThanOneBatch(t *testing.T) {
	r := newRig(t)
	const n = 1100
	var all []sms.ID
	change := &store.Change{}
	for i := range n {
		m := r.accept(to(i), 1)
		all = append(all, m)
		change.Parts = append(change.Parts, takenChange(m, 1, 1, to(i), r.clock.now()).Parts...)
	}
	if err := r.committer.Commit(change); err != nil {
		t.Fatal(err)
	}
	r.clock.advance(sms.ReceiptWait + time.Minute)
	young := r.accept(alice, 1)
	r.taken(young, 1, 1, "young")
	r.sweep()
	for _, m := range all {
		if got := r.events(m); got != unknown {
			t.Fatalf("events are %q, want %q", got, unknown)
		}
	}
	r.want(young, "QUEUED SUCCESSFUL")
}

func TestSweepDropsReceiptsWithoutPart(t *testing.T) {
	r := newRig(t)
	r.delivered(alice, "nobody's")
	r.delivered(alice) // no id at all
	m := r.accept(bob, 1)
	r.taken(m, 1, 1, "bob's")
	r.delivered(alice, "bob's")
	r.parked(3)
	r.clock.advance(sms.ReceiptWait)
	r.sweep()
	r.parked(3)
	r.clock.advance(time.Hour)
	r.delivered(alice, "younger")
	r.restart() // what was parked when is not forgotten
	r.parked(4)
	r.sweep()
	r.parked(1)
	if got := r.count("receipts_unmatched_total"); got != 3 {
		t.Errorf("%d receipts were counted, want 3", got)
	}
}

// The carrier's clock does not decide how long a receipt waits.
func TestReceiptWaitsFromItsParking(t *testing.T) {
	r := newRig(t)
	m := r.accept(bob, 1)
	r.taken(m, 1, 1, "7")
	old := word(sms.StatusDelivered, alice, "7")
	r.clock.advance(-100 * 24 * time.Hour)
	answer := make(chan error)
	old.At = r.clock.now()
	r.clock.advance(100 * 24 * time.Hour)
	r.flow.Receipt(old, func(err error) { answer <- err })
	if err := <-answer; err != nil {
		t.Fatal(err)
	}
	r.parked(1)
	m = r.accept(bob, 1) // once more for somebody else: the receipt is looked at again
	r.taken(m, 1, 1, "7")
	r.sweep()
	r.parked(1)
	m = r.accept(alice, 1)
	r.taken(m, 1, 1, "7")
	r.want(m, delivered)
	r.parked(0)
}

func TestSweepThatCannotBeWritten(t *testing.T) {
	r := newRig(t)
	m := r.accept(bob, 1)
	r.taken(m, 1, 1, "1")
	r.delivered(alice, "nobody's")
	r.parked(1)
	r.clock.advance(sms.ReceiptWait + time.Minute)
	r.engine.commits.Store(1)
	if err := r.flow.Sweep(context.Background()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("the sweep answered %v", err)
	}
	r.want(m, "QUEUED SUCCESSFUL")
	r.parked(1)
	r.sweep()
	r.want(m, unknown)
	r.parked(0)

	r.delivered(alice, "nobody's")
	r.parked(1)
	r.clock.advance(sms.ReceiptWait + time.Minute)
	r.engine.commits.Store(1)
	if err := r.flow.Sweep(context.Background()); !errors.Is(err, store.ErrUnavailable) {
		t.Fatalf("the sweep answered %v", err)
	}
	r.parked(1)
	// Its part comes after all.
	m = r.accept(alice, 1)
	r.taken(m, 1, 1, "nobody's")
	r.want(m, delivered)
	r.sweep()
	r.parked(0)
}

// A late receipt is acknowledged before it is put down, so it must not be lost.
func TestLateReceiptThatCannotBeWritten(t *testing.T) {
	r := newRig(t)
	m := r.accept(alice, 1)
	r.taken(m, 1, 1, "1")
	r.delivered(alice, "1")
	r.delivered(alice, "1")
	r.parked(1)
	r.clock.advance(2 * time.Minute)
	r.engine.commits.Store(1)
	r.sweep()
	r.want(m, delivered+" LATE_RECEIPT")
	r.parked(0)
}

// A receipt and the end of its waiting at the same time: one of them is final.
func TestSweepAgainstReceipts(t *testing.T) {
	r := newRig(t)
	const n = 100
	var all []sms.ID
	for i := range n {
		m := r.accept(to(i), 1)
		r.taken(m, 1, 1, to(i))
		all = append(all, m)
	}
	r.clock.advance(sms.ReceiptWait + time.Minute)
	together(func() {
		for i := range n {
			if err := r.give(word(sms.StatusDelivered, to(i), to(i))); err != nil {
				t.Error(err)
			}
		}
	}, func() {
		if err := r.flow.Sweep(context.Background()); err != nil {
			t.Error(err)
		}
	})
	r.settle()
	for _, m := range all {
		if got := r.events(m); got != delivered && got != unknown+" LATE_RECEIPT" {
			t.Errorf("events are %q", got)
		}
	}
}

// Run sweeps by itself.
func TestRunSweeps(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{tester: t, clock: newClock(), path: dir + "/receipts.db", ids: sms.NewIDs(0, 0)}
		r.open()
		r.start()
		m := r.accept(alice, 1)
		r.taken(m, 1, 1, "1")
		r.clock.advance(sms.ReceiptWait + time.Minute)
		time.Sleep(61 * time.Second)
		synctest.Wait()
		if got := r.events(m); got != unknown {
			t.Errorf("events are %q, want %q", got, unknown)
		}
		r.end()
		r.shut()
	})
}
