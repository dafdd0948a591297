package usage

import (
	"context"
	"fmt"
	"sync"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// ChannelText is the spend channel of text messages.
const ChannelText = "TEXT"

// Month is the calendar month of t in UTC, as spend is kept: "2026-01".
func Month(t time.Time) string { return t.UTC().Format("2006-01") }

// Ledger holds accounts to their monthly spend limits. What is spent is in the
// store; the ledger keeps the running sums, so that sending reads none. Where
// several nodes send, it keeps what this one may spend instead.
type Ledger struct {
	engine store.Engine
	// limit of an account in USD a month; negative is none.
	limit  func(account string) sms.Money
	shared *shared // nil: this process is the only one that spends

	mu   sync.Mutex
	sums map[ledgerKey]sms.Money
}

type ledgerKey struct{ account, month string }

// NewLedger reads sums from engine when an account first spends in a month.
func NewLedger(engine store.Engine, limit func(account string) sms.Money) *Ledger {
	return &Ledger{engine: engine, limit: limit, sums: map[ledgerKey]sms.Money{}}
}

// Reserve takes amount from what the account may still spend in the month of
// now. The caller commits the returned delta with the message, or calls Return.
// What costs nothing is never refused.
//
// Errors: ServiceQuotaExceeded MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT.
func (l *Ledger) Reserve(ctx context.Context, account string, amount sms.Money, now time.Time) (store.SpendDelta, error) {
	d := delta(account, amount, now)
	if amount == 0 {
		return d, nil
	}
	if l.shared != nil {
		if err := l.shared.reserve(ctx, d, l.limit(account), now); err != nil {
			return store.SpendDelta{}, err
		}
		return d, nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	spent, err := l.check(ctx, d)
	if err != nil {
		return store.SpendDelta{}, err
	}
	l.sums[ledgerKey{account, d.Month}] = spent + amount
	return d, nil
}

func delta(account string, amount sms.Money, now time.Time) store.SpendDelta {
	return store.SpendDelta{UsageKey: store.UsageKey{Account: account, Month: Month(now), Channel: ChannelText}, Sums: store.Sums{Price: amount}}
}

// Check answers as Reserve would and takes nothing.
func (l *Ledger) Check(ctx context.Context, account string, amount sms.Money, now time.Time) error {
	if amount == 0 {
		return nil
	}
	d := delta(account, amount, now)
	if l.shared != nil {
		return l.shared.check(ctx, d, l.limit(account))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.check(ctx, d)
	return err
}

// check gives what was spent before d, if d is within the limit; the caller holds
// mu.
func (l *Ledger) check(ctx context.Context, d store.SpendDelta) (spent sms.Money, err error) {
	key := ledgerKey{d.Account, d.Month}
	spent, known := l.sums[key]
	if !known {
		if spent, err = l.engine.Spend(ctx, d.Account, d.Month, ChannelText); err != nil {
			return 0, fmt.Errorf("read spend of account %s: %w", d.Account, err)
		}
		l.sums[key] = spent
	}
	if limit := l.limit(d.Account); limit >= 0 && spent+d.Amount() > limit {
		return 0, exceeded(spent, limit, d.Amount())
	}
	return spent, nil
}

// Return gives back what Reserve took for a message that was not accepted.
func (l *Ledger) Return(d store.SpendDelta) {
	if d.Amount() == 0 {
		return
	}
	if l.shared != nil {
		l.shared.giveBack(d, l.limit(d.Account))
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sums[ledgerKey{d.Account, d.Month}] -= d.Amount()
}

func exceeded(spent, limit, amount sms.Money) error {
	if spent+amount <= limit {
		return sms.QuotaExceeded(sms.ReasonMonthlySpendLimitReachedForText,
			"The account has spent %s of its %s USD for text messages this month, and what is left is set aside for messages under way; this message costs %s USD.", spent, limit, amount)
	}
	return sms.QuotaExceeded(sms.ReasonMonthlySpendLimitReachedForText,
		"The account has spent %s of its %s USD for text messages this month; this message costs %s USD.", spent, limit, amount)
}

// Spent is what the account has spent this month so far; where several nodes send,
// by all of them and without what is being sent just now.
func (l *Ledger) Spent(ctx context.Context, account string, now time.Time) (sms.Money, error) {
	l.mu.Lock()
	spent, known := l.sums[ledgerKey{account, Month(now)}]
	l.mu.Unlock()
	if known && l.shared == nil {
		return spent, nil
	}
	return l.engine.Spend(ctx, account, Month(now), ChannelText)
}
