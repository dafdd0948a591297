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
// store; the ledger keeps the running sums, so that sending reads none.
type Ledger struct {
	engine store.Engine
	// limit of an account in USD a month; negative is none.
	limit func(account string) sms.Money

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
	d := store.SpendDelta{Account: account, Month: Month(now), Channel: ChannelText, Amount: amount}
	if amount == 0 {
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

// Check answers as Reserve would and takes nothing.
func (l *Ledger) Check(ctx context.Context, account string, amount sms.Money, now time.Time) error {
	if amount == 0 {
		return nil
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.check(ctx, store.SpendDelta{Account: account, Month: Month(now), Amount: amount})
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
	if limit := l.limit(d.Account); limit >= 0 && spent+d.Amount > limit {
		return 0, sms.QuotaExceeded(sms.ReasonMonthlySpendLimitReachedForText,
			"The account has spent %s of its %s USD for text messages this month; this message costs %s USD.", spent, limit, d.Amount)
	}
	return spent, nil
}

// Return gives back what Reserve took for a message that was not accepted.
func (l *Ledger) Return(d store.SpendDelta) {
	if d.Amount == 0 {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sums[ledgerKey{d.Account, d.Month}] -= d.Amount
}

// Spent is what the account has spent this month so far.
func (l *Ledger) Spent(ctx context.Context, account string, now time.Time) (sms.Money, error) {
	l.mu.Lock()
	spent, known := l.sums[ledgerKey{account, Month(now)}]
	l.mu.Unlock()
	if known {
		return spent, nil
	}
	return l.engine.Spend(ctx, account, Month(now), ChannelText)
}
