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

// Month is the calendar month of t in UTC, as spend is kept.
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
func (l *Ledger) Reserve(ctx context.Context, account string, amount sms.Money, now time.Time) (store.SpendDelta, error) {
	key := ledgerKey{account, Month(now)}
	l.mu.Lock()
	defer l.mu.Unlock()
	spent, known := l.sums[key]
	if !known {
		stored, err := l.engine.Spend(ctx, account, key.month, ChannelText)
		if err != nil {
			return store.SpendDelta{}, fmt.Errorf("read spend of account %s: %w", account, err)
		}
		spent = stored
	}
	limit := l.limit(account)
	if limit >= 0 && spent+amount > limit {
		l.sums[key] = spent
		return store.SpendDelta{}, sms.QuotaExceeded(sms.ReasonMonthlySpendLimitReachedForText,
			"The account has spent %s of its %s USD for text messages this month; this message costs %s.", spent, limit, amount)
	}
	l.sums[key] = spent + amount
	return store.SpendDelta{Account: account, Month: key.month, Channel: ChannelText, Amount: amount}, nil
}

// Return gives back what Reserve took for a message that was not accepted.
func (l *Ledger) Return(d store.SpendDelta) {
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
