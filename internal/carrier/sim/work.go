package sim

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/numbering"
	"heliograph/internal/sms"
)

// idLength is the length of a carrier message id: 64 bits in hexadecimal. Ids
// begin at the nanosecond of the start, so that they stay unique over restarts.
const idLength = 16

// owed is a receipt to be given.
type owed struct {
	id          string
	due         time.Time
	status      sms.Status
	destination string
	twice       bool // give it again once it is acknowledged
	refusals    int  // times that the sink could not keep it
}

// answer is a submission and what it is answered with.
type answer struct {
	done    func(carrier.Outcome)
	outcome carrier.Outcome
	receipt *owed // nil if none will come
	part    *DeliveredPart
}

// resume takes up the receipts of an earlier process.
func (c *Carrier) resume(owing []*owed) {
	for _, r := range owing {
		c.all[r] = struct{}{}
		heap.Push(&c.due, r)
		var n uint64
		if _, err := fmt.Sscanf(r.id, "%x", &n); err == nil {
			c.lastID = max(c.lastID, n)
		}
	}
	c.owed = len(owing)
}

// work answers parts and gives receipts until the carrier is stopped.
func (c *Carrier) work() {
	defer close(c.ended)
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		c.answerArrived()
		c.giveReceipts()
		next, ok := c.nextTurn()
		if ok {
			timer.Reset(time.Until(next))
		} else {
			timer.Stop()
		}
		select {
		case <-timer.C:
		case <-c.wake:
		case <-c.stop:
			c.answerArrived()
			return
		}
	}
}

// answerArrived answers the parts whose answer is due and takes in what became
// of receipts. The journal is written once, before the first answer.
func (c *Carrier) answerArrived() {
	now := time.Now()
	c.mu.Lock()
	faults := c.faults
	lost := c.stopped || faults.Down
	n := 0
	for n < len(c.arrived) && (lost || !c.arrived[n].at.Add(faults.SubmitDelay).After(now)) {
		n++
	}
	batch, settled := c.arrived[:n:n], c.settled
	c.arrived, c.settled = append([]submission(nil), c.arrived[n:]...), nil
	c.answering += n
	c.mu.Unlock()
	if n == 0 && len(settled) == 0 {
		return
	}

	var lines []byte
	for _, s := range settled {
		lines = c.settle(lines, s, now)
	}
	answers := make([]answer, n)
	for i, s := range batch {
		if lost {
			answers[i].outcome = carrier.Outcome{Kind: carrier.Unknown, Code: CodeLost, Detail: "the simulator went down before its answer"}
		} else {
			answers[i] = c.decide(s.part, faults, now)
		}
		answers[i].done = s.done
		if r := answers[i].receipt; r != nil {
			lines = appendOwed(lines, r)
			c.all[r] = struct{}{}
		}
	}
	if err := c.keepJournal(lines); err != nil {
		c.takeBack(answers, err)
	}
	for i := range answers {
		if r := answers[i].receipt; r != nil {
			heap.Push(&c.due, r)
		}
	}

	c.mu.Lock()
	c.owed = len(c.all)
	for i := range answers {
		if p := answers[i].part; p != nil {
			c.handset.add(*p)
		}
	}
	c.mu.Unlock()
	for i := range answers {
		answers[i].done(answers[i].outcome)
	}
	c.mu.Lock()
	c.answering -= n
	c.unsettled -= len(settled)
	c.progress.Broadcast()
	c.mu.Unlock()
	c.changed()
}

// decide draws what becomes of a part.
func (c *Carrier) decide(p carrier.Part, f Faults, now time.Time) answer {
	luck := rand.Float64()
	switch {
	case luck < f.RefuseRate:
		status := f.RefuseStatus
		if status == "" {
			status = sms.StatusCarrierBlocked
		}
		return answer{outcome: carrier.Outcome{Kind: carrier.Refused, Status: status, Code: CodeRefused,
			Detail: "refused by a fault that an operator turned on"}}
	case luck < f.RefuseRate+f.ThrottleRate:
		return answer{outcome: carrier.Outcome{Kind: carrier.RetryLater, Code: CodeThrottled,
			Detail: "throttled by a fault that an operator turned on",
			Pause:  orDefault(f.ThrottlePause, defaultThrottlePause)}}
	}
	c.lastID++
	id := fmt.Sprintf("%0*x", idLength, c.lastID)
	a := answer{outcome: carrier.Outcome{Kind: carrier.Accepted, CarrierMessageID: id, Code: CodeAccepted}}
	if luck < f.RefuseRate+f.ThrottleRate+f.UnknownRate {
		a.outcome = carrier.Outcome{Kind: carrier.Unknown, Code: CodeLost, Detail: "answer lost by a fault that an operator turned on"}
	}
	status := f.Status
	if status == "" {
		status = finalStatus(p.Destination)
	}
	if status == sms.StatusDelivered {
		a.part = &DeliveredPart{From: p.Origination, To: p.Destination, Text: p.Text, Encoding: p.Encoding,
			Reference: p.Reference, Number: p.Number, Total: p.Total, At: now}
	}
	if rand.Float64() >= f.LoseReceiptRate {
		due := now.Add(orDefault(f.ReceiptDelay, c.options.ReceiptDelay))
		a.receipt = &owed{id: id, due: due, status: status, destination: p.Destination,
			twice: rand.Float64() < f.DuplicateReceiptRate}
	}
	return a
}

// finalStatus is what the simulator's table says of a recipient; whoever is not
// in it is delivered to.
func finalStatus(destination string) sms.Status {
	if _, success, ok := numbering.Simulator(destination); ok && !success {
		return sms.StatusUnreachable
	}
	return sms.StatusDelivered
}

// takeBack makes nothing of the acceptances that the journal could not keep.
func (c *Carrier) takeBack(answers []answer, err error) {
	for i := range answers {
		if r := answers[i].receipt; r != nil {
			delete(c.all, r)
			answers[i] = answer{done: answers[i].done, outcome: carrier.Outcome{Kind: carrier.RetryLater,
				Code: CodeJournal, Detail: err.Error(), Pause: defaultThrottlePause}}
		}
	}
}

// settle takes in the sink's word on a receipt and adds its journal line.
func (c *Carrier) settle(lines []byte, s settlement, now time.Time) []byte {
	r := s.receipt
	switch {
	case s.err != nil:
		delay := min(c.options.RetryDelay<<min(r.refusals, 10), maxRetryDelay)
		r.refusals++
		r.due = now.Add(delay)
		heap.Push(&c.due, r)
		c.log.Warn("receipt was not kept and will be given again", "id", r.id, "in", delay, "error", s.err)
	case r.twice:
		r.twice = false
		heap.Push(&c.due, r)
	default:
		delete(c.all, r)
		return appendSettled(lines, r.id)
	}
	return lines
}

// keepJournal writes lines, and rewrites the file when most of it is history.
func (c *Carrier) keepJournal(lines []byte) error {
	if c.journal == nil {
		return nil
	}
	err := c.journal.append(lines)
	if err == nil && c.journal.outgrown(len(c.all)) {
		owing := make([]*owed, 0, len(c.all))
		for r := range c.all {
			owing = append(owing, r)
		}
		if err := c.journal.compact(owing); err != nil {
			c.log.Warn("the simulator's journal could not be rewritten and stays long", "error", err)
		}
	}
	if failed := err != nil; failed != c.journalFailed {
		c.journalFailed = failed
		if failed {
			c.log.Error("the simulator accepts nothing while its journal cannot be written", "error", err)
		} else {
			c.log.Info("the simulator's journal can be written again")
		}
	}
	return err
}

// giveReceipts hands the sink what is due, at most Window unacknowledged.
func (c *Carrier) giveReceipts() {
	now := time.Now()
	c.mu.Lock()
	free := 0
	if c.up() {
		free = c.options.Window - c.unsettled
	}
	var ready []*owed
	for len(ready) < free && len(c.due) > 0 && !c.due[0].due.After(now) {
		ready = append(ready, heap.Pop(&c.due).(*owed))
	}
	c.unsettled += len(ready)
	c.mu.Unlock()
	for _, r := range ready {
		c.sink.Receipt(carrier.Receipt{
			Carrier:           c.options.Name,
			CarrierMessageIDs: []string{r.id},
			Destination:       r.destination,
			Final:             true,
			Status:            r.status,
			Detail:            "simulated receipt: " + string(r.status),
			At:                now,
		}, func(err error) {
			c.mu.Lock()
			c.settled = append(c.settled, settlement{receipt: r, err: err})
			c.mu.Unlock()
			c.nudge()
		})
	}
}

// nextTurn is when there will be something to do unless the worker is woken.
func (c *Carrier) nextTurn() (time.Time, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var next time.Time
	if len(c.arrived) > 0 {
		next = c.arrived[0].at.Add(c.faults.SubmitDelay)
	}
	if c.up() && len(c.due) > 0 && c.unsettled < c.options.Window {
		if due := c.due[0].due; next.IsZero() || due.Before(next) {
			next = due
		}
	}
	return next, !next.IsZero()
}

// owedHeap has the receipt that is due first on top.
type owedHeap []*owed

func (h owedHeap) Len() int           { return len(h) }
func (h owedHeap) Less(i, j int) bool { return h[i].due.Before(h[j].due) }
func (h owedHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *owedHeap) Push(x any)        { *h = append(*h, x.(*owed)) }
func (h *owedHeap) Pop() any {
	old := *h
	last := len(old) - 1
	r := old[last]
	old[last] = nil
	*h = old[:last]
	return r
}
