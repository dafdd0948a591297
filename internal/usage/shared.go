package usage

import (
	"context"
	"fmt"
	"sync"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Allowance is where nodes agree on what each of them may spend; see store.Shared.
type Allowance interface {
	Allow(ctx context.Context, f store.Fence, key store.SpendKey, least, want, limit sms.Money) (sms.Money, error)
}

// NewSharedLedger makes a Ledger for one of several nodes over one store. It asks
// allowance, under the node's fence, for what it may spend, in slices that it
// spends from. A slice lasts for about as long as half a second's messages cost, and
// is no more than an eighth of what is left, so that close to the limit it is one
// message's price; who sends less than one message in two seconds asks for each.
//
// All nodes together never spend more than the limit. A node that stops sending
// keeps the rest of its last slice from the others until it ends.
func NewSharedLedger(engine store.Engine, allowance Allowance, f store.Fence, limit Limit) *Ledger {
	l := NewLedger(engine, limit)
	l.shared = &shared{engine: engine, allowance: allowance, fence: f, purses: map[ledgerKey]*purse{}}
	return l
}

const (
	// A slice that lasts less than often is made twice as large, one that lasts
	// longer than seldom is made as small as can be.
	often  = 500 * time.Millisecond
	seldom = 2 * time.Second
	// mostOfLeft is the part of what is left that a slice is at most.
	mostOfLeft = 8
	// refusalLasts is how long nobody is asked again after a refusal.
	refusalLasts = time.Second
	// askTimeout is how long an answer is waited for, and failureLasts how long nobody
	// asks after there was none: senders are refused meanwhile.
	askTimeout   = 2 * time.Second
	failureLasts = 250 * time.Millisecond
)

type shared struct {
	engine    store.Engine
	allowance Allowance
	fence     store.Fence

	mu     sync.Mutex
	purses map[ledgerKey]*purse
}

// purse is what this node may spend of an account's limit in a month.
type purse struct {
	mu      sync.Mutex
	free    sms.Money     // may be spent and is not
	voided  int           // how often it was sent past the purse, see spendFreely
	limit   sms.Money     // when it was allowed
	slice   sms.Money     // the last one
	asked   time.Time     // when that was
	asking  chan struct{} // closed when the one who asks has an answer; nil: nobody asks
	refusal *refusal
	failure error     // of the last question
	failed  time.Time // when that was
}

// refusal is the answer that no more than least is left.
type refusal struct {
	least, limit, spent sms.Money
	at                  time.Time
}

func (s *shared) purse(d store.SpendDelta) *purse {
	s.mu.Lock()
	defer s.mu.Unlock()
	key := keyOf(d)
	p := s.purses[key]
	if p == nil {
		p = &purse{}
		s.purses[key] = p
	}
	return p
}

// reserve takes d from the purse. Where there is too little in it, one sender at a
// time asks for more, and the others wait for that.
func (s *shared) reserve(ctx context.Context, d store.SpendDelta, limit sms.Money, now time.Time) (Reservation, error) {
	p := s.purse(d)
	if limit < 0 {
		return p.spendFreely(d), nil
	}
	for {
		taken, asking, mine, err := p.take(d, limit, now)
		switch {
		case err != nil:
			return Reservation{}, err
		case asking == nil:
			return taken, nil
		case mine:
			// Others wait for the answer, and what is granted must be known: it is not
			// this sender's to give up.
			p.answered(s.askInTime(context.WithoutCancel(ctx), p, d, limit, now))
			continue
		}
		select {
		case <-asking:
		case <-ctx.Done():
			return Reservation{}, ctx.Err()
		}
	}
}

// spendFreely is what a message takes that no limit holds back: nothing that could be
// given back. The store counts its price against what the node may spend all the same,
// so that it leaves the purse, and what was taken before does not come back to it.
func (p *purse) spendFreely(d store.SpendDelta) Reservation {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = max(p.free-d.Amount(), 0)
	p.voided++
	return Reservation{key: keyOf(d), amount: d.Amount()}
}

// take takes the amount, or says that it is refused, or what to wait for, or that
// the caller is the one to ask. A limit that was lowered makes what is in the purse
// void.
func (p *purse) take(d store.SpendDelta, limit sms.Money, now time.Time) (taken Reservation, asking chan struct{}, mine bool, err error) {
	amount := d.Amount()
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit >= p.limit && p.free >= amount {
		p.free -= amount
		return Reservation{key: keyOf(d), amount: amount, purse: p, limit: p.limit, voided: p.voided}, nil, false, nil
	}
	if p.asking != nil {
		return taken, p.asking, false, nil
	}
	if p.failure != nil && time.Since(p.failed) < failureLasts {
		return taken, nil, false, p.failure
	}
	if r := p.refusal; r != nil && r.limit == limit && amount-p.free >= r.least && now.Sub(r.at).Abs() < refusalLasts {
		return taken, nil, false, exceeded(d, r.spent, limit)
	}
	p.asking = make(chan struct{})
	return taken, p.asking, true, nil
}

// answered lets those go on who wait for the answer.
func (p *purse) answered(err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failure, p.failed = err, time.Now()
	close(p.asking)
	p.asking = nil
}

// askInTime is ask for as long as a sender can wait. What was granted too late to be
// heard of nobody spends until the node joins anew.
func (s *shared) askInTime(ctx context.Context, p *purse, d store.SpendDelta, limit sms.Money, now time.Time) error {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	err := s.ask(ctx, p, d, limit, now)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %w", store.ErrUnavailable, err)
	}
	return err
}

// ask asks for a slice that d can be taken from.
func (s *shared) ask(ctx context.Context, p *purse, d store.SpendDelta, limit sms.Money, now time.Time) error {
	key := store.SpendKey{Account: d.Account, Month: d.Month, Channel: d.Channel}
	if back := p.lower(limit); back > 0 {
		if _, err := s.allowance.Allow(ctx, s.fence, key, 0, -back, limit); err != nil {
			return fmt.Errorf("give back spend of account %s: %w", d.Account, err)
		}
	}
	spent, err := s.engine.Spend(ctx, d.Account, d.Month, d.Channel)
	if err != nil {
		return fmt.Errorf("read spend of account %s: %w", d.Account, err)
	}
	need, want := p.want(d.Amount(), limit-spent, now)
	if need <= 0 { // somebody has given back meanwhile
		return nil
	}
	granted, err := s.allowance.Allow(ctx, s.fence, key, need, want, limit)
	if err != nil {
		return fmt.Errorf("ask for spend of account %s: %w", d.Account, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free += granted
	p.refusal = nil
	if granted == 0 {
		p.refusal = &refusal{least: need, limit: limit, spent: spent, at: now}
	}
	return nil
}

// lower empties the purse where the limit is lower than it was, and says how much
// there is to give back.
func (p *purse) lower(limit sms.Money) (back sms.Money) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if limit < p.limit && p.free > 0 {
		back, p.free = p.free, 0
	}
	p.limit = limit
	return back
}

// want says how much is needed for the amount, and how much to ask for.
func (p *purse) want(amount, left sms.Money, now time.Time) (need, want sms.Money) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.slice = nextSlice(p.slice, now.Sub(p.asked), amount, left)
	p.asked = now
	need = amount - p.free
	return need, need + p.slice - amount
}

// nextSlice is the size of a slice, a multiple of the price of the message that it
// is asked for, after one that lasted so long.
func nextSlice(before sms.Money, lasted time.Duration, amount, left sms.Money) sms.Money {
	next := before
	switch {
	case lasted > seldom || lasted < 0:
		next = 0
	case lasted < often:
		next *= 2
	}
	next = min(next, left/mostOfLeft)
	return max(next/amount, 1) * amount
}

// check answers as reserve would, as far as that is known without taking anything:
// what other nodes may spend and have not is left out of it.
func (s *shared) check(ctx context.Context, d store.SpendDelta, limit sms.Money) error {
	if limit < 0 {
		return nil
	}
	p := s.purse(d)
	p.mu.Lock()
	enough := limit >= p.limit && p.free >= d.Amount()
	p.mu.Unlock()
	if enough {
		return nil
	}
	spent, err := s.engine.Spend(ctx, d.Account, d.Month, d.Channel)
	if err != nil {
		return fmt.Errorf("read spend of account %s: %w", d.Account, err)
	}
	if spent+d.Amount() > limit {
		return exceeded(d, spent, limit)
	}
	return nil
}

// giveBack puts what was taken into the purse again. Where the limit was lowered
// meanwhile, the next sender gives it back to all.
func (p *purse) giveBack(r Reservation) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if r.voided == p.voided {
		p.free += r.amount
		p.limit = max(p.limit, r.limit)
	}
}
