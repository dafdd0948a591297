package receipt

import (
	"context"
	"encoding/json"
	"strings"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

const batchSize = 512

// matchTime is the least time from one matching to the next: receipts that come
// meanwhile share their reads and their commit, which may wait receiptSpare for
// others.
const (
	matchTime    = 2 * time.Millisecond
	receiptSpare = 5 * time.Millisecond
)

// outOfServiceTime bounds how long receipts wait until it is written that numbers are
// out of service.
const outOfServiceTime = 10 * time.Second

// retryAfter is when parked receipts are looked at again that could not be
// written: nobody will send them again.
const retryAfter = 250 * time.Millisecond

func (f *Flow) matchAll() {
	for {
		f.mu.Lock()
		list := f.pending
		f.pending = nil
		f.mu.Unlock()
		if len(list) == 0 {
			return
		}
		for start := 0; start < len(list); start += batchSize {
			f.match(list[start:min(start+batchSize, len(list))])
		}
	}
}

// matched is a receipt with the part it speaks of.
type matched struct {
	job
	candidate
	message *sms.Message
}

// unmatched is a receipt with the parts that have its id and are not its own.
type unmatched struct {
	job
	seen []candidate
}

// match finds the parts of receipts and writes what they say in one change.
func (f *Flow) match(jobs []job) {
	found, rest, err := f.find(jobs)
	if err != nil {
		f.o.Log.Error("messages of receipts cannot be read", "receipts", len(jobs), "error", err)
		f.failed(jobs, err)
		return
	}
	if err := f.outOfService(found); err != nil {
		f.o.Log.Error("numbers out of service are not reported; carriers are asked to send the receipts again", "error", err)
		f.failed(jobs, err)
		return
	}
	change := &store.Change{}
	for i := range found {
		change.Parts = append(change.Parts, partChange(&found[i]))
		if place := found[i].place; place.Seq != 0 {
			change.Unpark = append(change.Unpark, place)
		}
	}
	for i := range rest {
		p := &rest[i].parkedReceipt
		if p.place.Seq != 0 {
			continue
		}
		doc, err := json.Marshal(p.receipt)
		if err != nil {
			f.o.Log.Error("receipt cannot be parked", "carrier", p.receipt.Carrier, "error", err)
			f.failed(jobs, err)
			return
		}
		p.place, p.at = store.SlotSeq{Slot: f.slot(), Seq: f.seq.Add(1)}, f.o.Now()
		change.Park = append(change.Park, store.ParkedReceipt{Seq: p.place.Seq, Carrier: p.receipt.Carrier, At: p.at, Doc: doc})
	}
	if len(change.Parts)+len(change.Park) > 0 {
		if err := f.o.Committer.CommitWithin(receiptSpare, change); err != nil {
			f.o.Log.Error("receipts cannot be written; their carriers are asked to send them again", "receipts", len(jobs), "error", err)
			f.failed(jobs, err)
			return
		}
	}
	for i := range found {
		f.settled(&found[i], change.Parts[i].Result)
	}
	for i := range rest {
		f.park(rest[i].parkedReceipt, rest[i].seen)
	}
	f.o.Metrics.kept(jobs, f.o.Now())
	answer(jobs, nil)
}

// outOfService tells of recipients whose numbers are out of service. The number is the
// message's: carriers write the one of a receipt in many ways. A message that has lost its
// number has none to tell of.
func (f *Flow) outOfService(found []matched) error {
	var numbers []string
	for i := range found {
		if m := found[i].message; found[i].receipt.Deactivated && !m.NumberRedacted && f.o.OutOfService != nil {
			numbers = append(numbers, m.Destination)
		}
	}
	if len(numbers) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), outOfServiceTime)
	defer cancel()
	return f.o.OutOfService(ctx, numbers)
}

func (f *Flow) settled(m *matched, result store.PartResult) {
	f.index.settle(m.key, m.part)
	if result == store.PartApplied {
		f.o.Metrics.Matched.WithLabelValues(m.receipt.Carrier, string(m.receipt.Status)).Inc()
		f.o.Metrics.Latency.Observe(max(f.o.Now().Sub(m.message.AcceptedAt), 0).Seconds())
	} else {
		f.o.Metrics.Late.WithLabelValues(m.receipt.Carrier).Inc()
	}
}

// failed has carriers send their receipts again, and tries again those that
// were parked before.
func (f *Flow) failed(jobs []job, err error) {
	answer(jobs, err)
	var parked []job
	for _, j := range jobs {
		if j.done == nil {
			parked = append(parked, j)
		}
	}
	if len(parked) > 0 {
		time.AfterFunc(retryAfter, func() { f.add(parked...) })
	}
}

func answer(jobs []job, err error) {
	for i := range jobs {
		if jobs[i].done != nil {
			jobs[i].done(err)
		}
	}
}

// find looks receipts up in the index and holds the parts it has against the
// recipients of their messages.
func (f *Flow) find(jobs []job) (found []matched, rest []unmatched, err error) {
	all := make([][]candidate, len(jobs))
	var ids []sms.ID
	for i := range jobs {
		all[i] = f.index.find(jobs[i].receipt)
		for _, c := range all[i] {
			id, _ := c.part.Split()
			ids = append(ids, id)
		}
	}
	messages, err := f.o.Messages.Fill(context.Background(), f.o.Engine, ids)
	if err != nil {
		return nil, nil, err
	}
	for i, j := range jobs {
		n := choose(j.receipt.Destination, messages[:len(all[i])])
		switch {
		case n < 0:
			if len(all[i]) > 0 && j.place.Seq == 0 {
				f.o.Metrics.Mismatched.WithLabelValues(j.receipt.Carrier).Inc()
			}
			j.late = false
			rest = append(rest, unmatched{job: j, seen: all[i]})
		case all[i][n].settled && !j.confirmed && f.index.hasRoom():
			j.late = true
			rest = append(rest, unmatched{job: j, seen: all[i]})
		default:
			found = append(found, matched{job: j, candidate: all[i][n], message: messages[n]})
		}
		messages = messages[len(all[i]):]
	}
	return found, rest, nil
}

// choose is the place of the first message that a receipt for this recipient may
// be about, -1 where there is none. Some carriers do not turn the addresses of a
// receipt round: then it names the identity that the message was sent from.
func choose(recipient string, messages []*sms.Message) int {
	for i, m := range messages {
		if m != nil && (sameNumber(recipient, m.Destination) || sameNumber(recipient, m.Route.Identity)) {
			return i
		}
	}
	return -1
}

func partChange(m *matched) store.PartChange {
	id, n := m.part.Split()
	return store.PartChange{
		Update: sms.PartUpdate{Message: id, Parts: m.message.Parts, Number: n, Kind: sms.UpdateReceipt, Status: m.receipt.Status,
			Carrier: m.receipt.Carrier, Code: m.receipt.Code, Detail: m.receipt.Detail, At: m.receipt.At},
		Account: m.message.Account, ConfigurationSet: m.message.ConfigurationSet, Expires: m.message.ExpiresAt,
	}
}

// comparedDigits is how many digits from the end tell two recipients apart.
const comparedDigits = 8

// sameNumber compares the number that a receipt names with a message's. Carriers
// write it with and without plus sign, prefix, country code and the digit that
// some countries put before mobile numbers, so the last digits that both have
// decide. What is no number, such as one that is masked, may be any.
func sameNumber(named, number string) bool {
	named = separators.Replace(named)
	if named == "" || strings.Trim(named, "0123456789") != "" {
		return true
	}
	if number == "" {
		return false
	}
	named, number = strings.TrimLeft(named, "0"), strings.TrimPrefix(number, "+")
	n := min(len(named), len(number), comparedDigits)
	return named[len(named)-n:] == number[len(number)-n:]
}

var separators = strings.NewReplacer("+", "", " ", "", "-", "", ".", "", "(", "", ")", "")
