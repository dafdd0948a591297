package carriertest

import (
	"errors"
	"sync"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/sms"
)

func testTraits(t *testing.T, h Harness) {
	name, traits := h.Carrier.Name(), h.Carrier.Traits()
	if name == "" {
		t.Error("the name is empty")
	}
	r := started(t, h)
	if r.Carrier.Name() != name || r.Carrier.Traits() != traits {
		t.Error("name or traits changed when the carrier started")
	}
	if s := r.Carrier.State(); s.Detail != "" {
		t.Errorf("state is %+v, want nothing wrong", s)
	}
	if r.changes.Load() == 0 {
		t.Error("the carrier came up and did not call changed")
	}
}

func testOutsideLife(t *testing.T, h Harness) {
	r := newRig(t, h)
	outside := func(when string) {
		t.Helper()
		if o := r.one(r.Delivers); o.Kind != carrier.OtherRoute {
			t.Errorf("%s: outcome is %+v, want OtherRoute", when, o)
		}
		if s := r.Carrier.State(); s.Up || s.Detail == "" {
			t.Errorf("%s: state is %+v, want down with a reason", when, s)
		}
		if n := r.Carrier.Room(); n != 0 {
			t.Errorf("%s: room is %d, want none", when, n)
		}
	}
	outside("before Start")
	r.start()
	r.accepted(r.Delivers)
	r.close(patience)
	outside("after Close")
	r.close(patience) // once more is harmless
}

func testReceipt(t *testing.T, h Harness) {
	r := started(t, h)
	o := r.accepted(r.Delivers)
	if !r.Carrier.Traits().Receipts {
		return
	}
	receipt := r.receipt(o)
	if !receipt.Final || receipt.Status != sms.StatusDelivered {
		t.Errorf("receipt is %+v, want a final DELIVERED", receipt)
	}
	if receipt.Carrier != r.Carrier.Name() || receipt.At.IsZero() {
		t.Errorf("receipt is %+v, want its carrier and a time", receipt)
	}
	if receipt.Destination != "" && !sameNumber(receipt.Destination, r.Delivers) {
		t.Errorf("receipt is about %s, want %s", receipt.Destination, r.Delivers)
	}
}

func testFailureReceipt(t *testing.T, h Harness) {
	r := started(t, h)
	o := r.accepted(r.Fails)
	if !r.Carrier.Traits().Receipts {
		return
	}
	if receipt := r.receipt(o); !receipt.Final || !receipt.Status.Failed() {
		t.Errorf("receipt is %+v, want a final failure", receipt)
	}
}

func testReceiptAgain(t *testing.T, h Harness) {
	if !h.Carrier.Traits().Receipts {
		return
	}
	r := newRig(t, h)
	r.refuse = func(n int) error {
		if n <= 2 {
			return errors.New("the store is busy")
		}
		return nil
	}
	r.start()
	o := r.accepted(r.Delivers)
	r.eventually("the receipt has come three times", func() bool { return len(r.receiptsOf(o)) >= 3 })
	// Kept now. Another part's receipt passes in the meantime, and this one must
	// not come a fourth time.
	r.receipt(r.accepted(r.Delivers))
	time.Sleep(50 * time.Millisecond)
	if n := len(r.receiptsOf(o)); n != 3 {
		t.Errorf("the receipt came %d times, want 3", n)
	}
}

func testConcurrent(t *testing.T, h Harness) {
	const senders, each = 8, 50
	r := started(t, h)
	a := r.answers()
	var mu sync.Mutex
	var accepted []carrier.Outcome
	var wg sync.WaitGroup
	for range senders {
		wg.Go(func() {
			for range each {
				p := r.part(r.Delivers)
				for {
					outcome := make(chan carrier.Outcome, 2)
					r.Carrier.Submit(p, func(o carrier.Outcome) { outcome <- o })
					o := <-outcome
					if o.Kind == carrier.RetryLater {
						time.Sleep(time.Millisecond)
						continue
					}
					mu.Lock()
					accepted = append(accepted, o)
					mu.Unlock()
					a.mu.Lock()
					a.outcomes[p.ID] = append(a.outcomes[p.ID], o)
					a.mu.Unlock()
					break
				}
			}
		})
	}
	wg.Wait()
	a.all(senders * each)
	ids := map[string]bool{}
	for _, o := range accepted {
		if o.Kind != carrier.Accepted {
			t.Fatalf("outcome is %+v, want Accepted", o)
		}
		ids[o.Index()] = true
	}
	if len(ids) != senders*each {
		t.Errorf("%d different ids were given to %d parts", len(ids), senders*each)
	}
	if r.Carrier.Traits().Receipts {
		r.eventually("every part has its receipt", func() bool { return r.receiptCount() >= senders*each })
		for _, o := range accepted {
			if n := len(r.receiptsOf(o)); n != 1 {
				t.Fatalf("part %s has %d receipts, want 1", o.CarrierMessageID, n)
			}
		}
	}
}

func (r *rig) receiptCount() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.receipts)
}

func testRoom(t *testing.T, h Harness) {
	r := started(t, h)
	room := r.Carrier.Room()
	r.Hold()
	held := r.answers()
	for i := range room {
		if got := r.Carrier.Room(); got != room-i {
			t.Fatalf("room is %d with %d parts out of %d in flight", got, i, room)
		}
		held.submit(r.part(r.Delivers))
	}
	if got := r.Carrier.Room(); got != 0 {
		t.Fatalf("room is %d with all of it in flight", got)
	}
	if o := r.one(r.Delivers); o.Kind != carrier.RetryLater {
		t.Fatalf("outcome beyond room is %+v, want RetryLater", o)
	}
	held.all(0)
	before := r.changes.Load()
	r.Release()
	for _, o := range held.wait(room) {
		if o.Kind != carrier.Accepted {
			t.Fatalf("outcome is %+v, want Accepted", o)
		}
	}
	r.eventually("all room is free again", func() bool { return r.Carrier.Room() == room })
	r.eventually("changed was called", func() bool { return r.changes.Load() > before })
}

func testDown(t *testing.T, h Harness) {
	r := started(t, h)
	r.accepted(r.Delivers)
	before := r.changes.Load()
	r.Down()
	r.eventually("the carrier knows that it is down", func() bool {
		s := r.Carrier.State()
		return !s.Up && s.Sessions == 0
	})
	r.eventually("changed was called", func() bool { return r.changes.Load() > before })
	if s := r.Carrier.State(); s.Detail == "" {
		t.Errorf("state is %+v, want why it is down", s)
	}
	if n := r.Carrier.Room(); n != 0 {
		t.Errorf("room is %d while down", n)
	}
	if o := r.one(r.Delivers); o.Kind != carrier.OtherRoute {
		t.Errorf("outcome while down is %+v, want OtherRoute", o)
	}
	before = r.changes.Load()
	r.Up()
	r.eventually("the carrier is up again", func() bool { return r.Carrier.State().Up && r.Carrier.Room() > 0 })
	r.eventually("changed was called", func() bool { return r.changes.Load() > before })
	r.accepted(r.Delivers)
}

func testCloseDrains(t *testing.T, h Harness) {
	r := started(t, h)
	r.Hold()
	a := r.answers()
	n := min(20, r.Carrier.Room())
	for range n {
		a.submit(r.part(r.Delivers))
	}
	release := time.AfterFunc(50*time.Millisecond, r.Release)
	defer release.Stop()
	r.close(patience)
	for _, o := range a.all(n) {
		if o.Kind != carrier.Accepted {
			t.Errorf("outcome is %+v, want Accepted", o)
		}
	}
}

func testCloseDeadline(t *testing.T, h Harness) {
	r := started(t, h)
	r.Hold()
	a := r.answers()
	n := min(20, r.Carrier.Room())
	for range n {
		a.submit(r.part(r.Delivers))
	}
	r.close(50 * time.Millisecond)
	for _, o := range a.all(n) {
		switch o.Kind {
		case carrier.Unknown, carrier.OtherRoute, carrier.RetryLater:
		default:
			t.Errorf("outcome is %+v, want Unknown, or one of a part not sent", o)
		}
	}
}

func testContextEnds(t *testing.T, h Harness) {
	r := started(t, h)
	r.accepted(r.Delivers)
	r.cancel()
	r.eventually("the carrier is down", func() bool { return !r.Carrier.State().Up })
	if o := r.one(r.Delivers); o.Kind != carrier.OtherRoute {
		t.Errorf("outcome is %+v, want OtherRoute", o)
	}
}
