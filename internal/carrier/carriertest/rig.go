package carriertest

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
	"heliograph/internal/sms"
)

// patience is how long anything may take that must come. It is only waited for
// in full when a test fails.
const patience = 20 * time.Second

// rig is a started carrier with a sink that writes down what comes.
type rig struct {
	Harness
	t       *testing.T
	cancel  context.CancelFunc
	changes atomic.Int64
	next    atomic.Int64 // parts made

	mu       sync.Mutex
	cond     *sync.Cond
	receipts []carrier.Receipt
	refuse   func(n int) error // what to answer the n-th receipt, from 1; nil keeps all
}

func newRig(t *testing.T, h Harness) *rig {
	t.Helper()
	r := &rig{Harness: h, t: t}
	r.cond = sync.NewCond(&r.mu)
	t.Cleanup(func() { r.close(time.Second) })
	return r
}

// started starts the carrier and waits until it is up.
func started(t *testing.T, h Harness) *rig {
	t.Helper()
	r := newRig(t, h)
	r.start()
	return r
}

func (r *rig) start() {
	r.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	r.cancel = cancel
	r.t.Cleanup(cancel)
	if err := r.Carrier.Start(ctx, r, r.changed); err != nil {
		r.t.Fatalf("Start: %v", err)
	}
	r.eventually("the carrier is up and has room", func() bool {
		s := r.Carrier.State()
		return s.Up && s.Sessions == r.Sessions && r.Carrier.Room() > 0
	})
}

func (r *rig) close(within time.Duration) {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	if err := r.Carrier.Close(ctx); err != nil {
		r.t.Errorf("Close: %v", err)
	}
}

func (r *rig) changed() {
	r.changes.Add(1)
	r.mu.Lock()
	r.cond.Broadcast()
	r.mu.Unlock()
}

// Receipt implements carrier.Sink. It answers from another goroutine.
func (r *rig) Receipt(receipt carrier.Receipt, done func(error)) {
	r.mu.Lock()
	r.receipts = append(r.receipts, receipt)
	n, refuse := len(r.receipts), r.refuse
	r.cond.Broadcast()
	r.mu.Unlock()
	var err error
	if refuse != nil {
		err = refuse(n)
	}
	go done(err)
}

// Inbound implements carrier.Sink; the suite sends nothing in.
func (r *rig) Inbound(m carrier.Inbound, done func(error)) {
	r.t.Errorf("an inbound message came that nobody sent: %d of %d", m.Number, m.Total)
	go done(nil)
}

// eventually waits for ok, which is tried again after every change.
func (r *rig) eventually(what string, ok func() bool) {
	r.t.Helper()
	deadline := time.Now().Add(patience)
	for !ok() {
		if time.Now().After(deadline) {
			r.t.Fatalf("waited %s and it is not so: %s", patience, what)
		}
		r.mu.Lock()
		wake := time.AfterFunc(10*time.Millisecond, r.cond.Broadcast)
		r.cond.Wait()
		r.mu.Unlock()
		wake.Stop()
	}
}

// receiptsOf are the receipts that came for the part accepted with outcome.
func (r *rig) receiptsOf(o carrier.Outcome) []carrier.Receipt {
	key := carrier.IndexKey(r.Carrier.Name(), o.Index())
	r.mu.Lock()
	defer r.mu.Unlock()
	var found []carrier.Receipt
	for _, receipt := range r.receipts {
		for _, id := range receipt.CarrierMessageIDs {
			if carrier.IndexKey(receipt.Carrier, id) == key {
				found = append(found, receipt)
				break
			}
		}
	}
	return found
}

// receipt waits for the first receipt of the part accepted with outcome.
func (r *rig) receipt(o carrier.Outcome) carrier.Receipt {
	r.t.Helper()
	r.eventually("a receipt comes for "+o.CarrierMessageID, func() bool { return len(r.receiptsOf(o)) > 0 })
	return r.receiptsOf(o)[0]
}

// part makes a part that differs from every other.
func (r *rig) part(destination string) carrier.Part {
	n := r.next.Add(1)
	id := sms.FirstID(time.Now()) + sms.ID(n)<<4
	return carrier.Part{
		ID: id.Part(1), Number: 1, Total: 1, Reference: uint16(n),
		Origination: "+12065550183", Kind: sms.IdentityPhoneNumber, NumberType: sms.TenDLC,
		Destination: destination, Country: "US",
		Text: fmt.Sprintf("part %d", n), Encoding: encode.GSM,
		Expires: time.Now().Add(time.Hour),
	}
}

// answers collects the outcomes of one or more submissions.
type answers struct {
	r        *rig
	mu       sync.Mutex
	outcomes map[sms.PartID][]carrier.Outcome
	total    atomic.Int64
}

func (r *rig) answers() *answers {
	return &answers{r: r, outcomes: map[sms.PartID][]carrier.Outcome{}}
}

// submit hands p over and fails the test if that waits.
func (a *answers) submit(p carrier.Part) {
	returned := make(chan struct{})
	watch := time.AfterFunc(patience, func() {
		select {
		case <-returned:
		default:
			panic("carriertest: Submit waits")
		}
	})
	a.r.Carrier.Submit(p, func(o carrier.Outcome) {
		a.mu.Lock()
		a.outcomes[p.ID] = append(a.outcomes[p.ID], o)
		a.mu.Unlock()
		a.total.Add(1)
		a.r.mu.Lock()
		a.r.cond.Broadcast()
		a.r.mu.Unlock()
	})
	close(returned)
	watch.Stop()
}

// wait waits for n answers and checks that no part has two.
func (a *answers) wait(n int) []carrier.Outcome {
	a.r.t.Helper()
	a.r.eventually(fmt.Sprintf("%d answers have come", n), func() bool { return a.total.Load() >= int64(n) })
	return a.all(n)
}

// all are the answers so far, which must be n, each for another part.
func (a *answers) all(n int) []carrier.Outcome {
	a.r.t.Helper()
	a.mu.Lock()
	defer a.mu.Unlock()
	var out []carrier.Outcome
	for id, of := range a.outcomes {
		if len(of) != 1 {
			a.r.t.Fatalf("part %d has %d outcomes: %v", id, len(of), of)
		}
		out = append(out, of[0])
	}
	if len(out) != n {
		a.r.t.Fatalf("%d parts have an outcome, want %d", len(out), n)
	}
	return out
}

// one submits a part to destination and waits for its outcome.
func (r *rig) one(destination string) carrier.Outcome {
	r.t.Helper()
	a := r.answers()
	a.submit(r.part(destination))
	return a.wait(1)[0]
}

// accepted submits a part to destination, which has to be accepted.
func (r *rig) accepted(destination string) carrier.Outcome {
	r.t.Helper()
	o := r.one(destination)
	if o.Kind != carrier.Accepted || o.Index() == "" {
		r.t.Fatalf("outcome is %+v, want Accepted with an id", o)
	}
	return o
}

func sameNumber(a, b string) bool { return strings.TrimPrefix(a, "+") == strings.TrimPrefix(b, "+") }
