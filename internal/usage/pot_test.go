package usage

import (
	"context"
	"testing"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// pot is what nodes agree on, in memory: what each has and what they have spent.
type pot struct {
	spends
	allowed map[int]sms.Money // by slot
	asked   []sms.Money       // each want
	gate    chan struct{}     // nil: open; each question takes one from it
	err     error
}

func (p *pot) Allow(ctx context.Context, f store.Fence, _ store.SpendKey, least, want, limit sms.Money) (sms.Money, error) {
	if p.gate != nil {
		select {
		case <-p.gate:
		case <-ctx.Done():
			return 0, ctx.Err()
		}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.err != nil {
		return 0, p.err
	}
	p.asked = append(p.asked, want)
	left := limit
	for _, a := range p.allowed {
		left -= a
	}
	switch {
	case want < 0:
	case left < least:
		want = 0
	default:
		want = min(want, left)
	}
	p.allowed[f.Slot] += want
	return want, nil
}

// commit is the store's part of a send.
func (p *pot) commit(d store.SpendDelta) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.sums[[3]string{d.Account, d.Month, d.Channel}] += d.Amount()
}

func newPot() *pot {
	return &pot{spends: spends{sums: map[[3]string]sms.Money{}}, allowed: map[int]sms.Money{}}
}

func (p *pot) ledger(slot int, limit Limit) *Ledger {
	return NewSharedLedger(p, p, store.Fence{Slot: slot, Epoch: 1}, limit)
}

func (p *pot) spent() sms.Money {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.sums[[3]string{customer, "2026-11", ChannelText}]
}

// send reserves and commits.
func send(t *testing.T, p *pot, l *Ledger, amount sms.Money, at time.Time) bool {
	t.Helper()
	d, err := reserve(t.Context(), l, customer, amount, at)
	if err != nil {
		if reason(err) != sms.ReasonMonthlySpendLimitReachedForText || d != (reserved{}) {
			t.Fatalf("%+v, %v", d, err)
		}
		return false
	}
	p.commit(d.SpendDelta)
	return true
}
