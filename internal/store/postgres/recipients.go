package postgres

import (
	"cmp"
	"context"
	"slices"
	"time"

	"heliograph/internal/store"
)

// recipients are those of a transaction, in the order of their keys, which all
// nodes keep to, so that no two wait for one another.
type recipients struct {
	asked  []*store.Recipient
	keys   array
	pauses array // microseconds
}

func newRecipients() *recipients {
	return &recipients{keys: array{oid: oidInts}, pauses: array{oid: oidInts}}
}

// gather collects the recipients of the changes. Until the database says otherwise
// each of them has to wait: should its answer be lost, the slot may be taken.
func (p *recipients) gather(changes []*store.Change) {
	p.asked = p.asked[:0]
	p.keys.reset()
	p.pauses.reset()
	for _, c := range changes {
		if c.Err != nil {
			continue
		}
		for i := range c.Mark {
			of := c.Mark[i].Recipients
			for j := range of {
				of[j].Wait = max(of[j].Interval, 0)
				if of[j].Interval > 0 {
					p.asked = append(p.asked, &of[j])
				}
			}
		}
	}
	slices.SortStableFunc(p.asked, compareRecipients)
	for i, r := range p.asked {
		if i == 0 || p.asked[i-1].Key != r.Key {
			p.keys.int(int64(r.Key))
			p.pauses.int(r.Interval.Microseconds())
		}
	}
}

func compareRecipients(a, b *store.Recipient) int { return cmp.Compare(int64(a.Key), int64(b.Key)) }

// send adds the statement, where there is anything to ask.
func (p *recipients) send(x *exchange) {
	if len(p.asked) > 0 {
		x.add(takeRecipients, p.answer, p.keys.param(), p.pauses.param())
	}
}

// answer reads what came of one key. Of those with the same key the first has the
// slot, and the others wait for the next.
func (p *recipients) answer(r row) error {
	key := &store.Recipient{Key: uint64(r.int(0))}
	wait := time.Duration(r.int(2)) * time.Microsecond
	at, _ := slices.BinarySearchFunc(p.asked, key, compareRecipients)
	for i := at; i < len(p.asked) && p.asked[i].Key == key.Key; i++ {
		p.asked[i].Wait = wait
	}
	if r.int(1) == 0 {
		p.asked[at].Wait = 0
	}
	return nil
}

// Clearing of rows that are of no more use to anybody: they are only seen where
// they stand in the way of a page.
const (
	sweepPause = time.Second
	sweepLimit = 50_000 // rows at a time
)

// sweep clears old rows of what nodes share, in the background, if that was not done
// just now.
func (e *Engine) sweep() {
	e.sweeping.Lock()
	defer e.sweeping.Unlock()
	if e.isClosed() || time.Since(e.swept) < sweepPause {
		return
	}
	e.swept = time.Now()
	e.sweeps.Go(func() {
		ctx, cancel := context.WithTimeout(context.Background(), e.options.CommitTimeout)
		defer cancel()
		if err := e.sweepNow(ctx); err != nil && !e.isClosed() {
			e.options.Logger.Warn("cannot clear old rows of recipients and rates", "err", err)
		}
	})
}

func (e *Engine) sweepNow(ctx context.Context) error {
	return e.share(ctx, "clear recipients and rates", false, func(x *exchange) {
		x.add(sweepRecipients, nil, intParam(sweepLimit))
		x.add(sweepRates, nil, intParam(sweepLimit))
	})
}
