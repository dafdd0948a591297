package usage

import (
	"context"
	"fmt"
	"sync"
	"time"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// The spend channels: text messages and voice messages have a ledger and a limit each.
const (
	ChannelText  = sms.ChannelText
	ChannelVoice = sms.ChannelVoice
)

// Channels are all of them.
var Channels = [...]string{ChannelText, ChannelVoice}

// Month is the calendar month of t in UTC, as spend is kept: "2026-01".
func Month(t time.Time) string { return t.UTC().Format("2006-01") }

// Limit is what an account may spend on a channel a month, in USD; negative is no limit.
// It is asked with every message, so that a limit that was changed counts at once.
type Limit func(account, channel string) sms.Money

// Ledger holds accounts to their monthly spend limits, one for each channel. What is
// spent is in the store; the ledger keeps the running sums, so that sending reads none.
// Where several nodes send, it keeps what this one may spend instead.
type Ledger struct {
	engine store.Engine
	limit  Limit
	shared *shared // nil: this process is the only one that spends

	mu   sync.Mutex
	sums map[ledgerKey]sms.Money
}

type ledgerKey struct{ account, month, channel string }

func keyOf(d store.SpendDelta) ledgerKey { return ledgerKey{d.Account, d.Month, d.Channel} }

// NewLedger reads sums from engine when an account first spends in a month.
func NewLedger(engine store.Engine, limit Limit) *Ledger {
	return &Ledger{engine: engine, limit: limit, sums: map[ledgerKey]sms.Money{}}
}

// Bill is what parts of a message are billed in the month of now. Their Price and Fee
// are those of all parts; Parts counts them where they cost nothing too.
func Bill(account, channel, country, route string, parts int, price, fee sms.Money, now time.Time) store.SpendDelta {
	d := store.SpendDelta{UsageKey: store.UsageKey{Account: account, Month: Month(now), Channel: channel, Country: country, Route: route},
		Sums: store.Sums{Parts: int64(parts), Price: price, Fee: fee}}
	if fee > 0 {
		d.FeeParts = d.Parts
	}
	return d
}

// Reservation is what Reserve took, and where from. That of what costs nothing is the
// zero one.
type Reservation struct {
	key    ledgerKey
	amount sms.Money
	purse  *purse    // of a shared ledger; nil: it was taken from none
	limit  sms.Money // under which it was taken from the purse
	voided int       // how often the purse had been made void by then
}

// Reserve takes the amount of d from what its account may still spend on its channel in
// its month. The caller commits d with the message, or calls Return. What costs nothing
// is never refused.
//
// Errors: ServiceQuotaExceeded MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT or ..._FOR_VOICE.
func (l *Ledger) Reserve(ctx context.Context, d store.SpendDelta, now time.Time) (Reservation, error) {
	if d.Amount() == 0 {
		return Reservation{}, nil
	}
	if l.shared != nil {
		return l.shared.reserve(ctx, d, l.limit(d.Account, d.Channel), now)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	spent, err := l.check(ctx, d)
	if err != nil {
		return Reservation{}, err
	}
	l.sums[keyOf(d)] = spent + d.Amount()
	return Reservation{key: keyOf(d), amount: d.Amount()}, nil
}

// Check answers as Reserve would and takes nothing.
func (l *Ledger) Check(ctx context.Context, d store.SpendDelta) error {
	if d.Amount() == 0 {
		return nil
	}
	if l.shared != nil {
		return l.shared.check(ctx, d, l.limit(d.Account, d.Channel))
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	_, err := l.check(ctx, d)
	return err
}

// check gives what was spent before d, if d is within the limit; the caller holds
// mu.
func (l *Ledger) check(ctx context.Context, d store.SpendDelta) (spent sms.Money, err error) {
	key := keyOf(d)
	spent, known := l.sums[key]
	if !known {
		if spent, err = l.engine.Spend(ctx, d.Account, d.Month, d.Channel); err != nil {
			return 0, fmt.Errorf("read spend of account %s: %w", d.Account, err)
		}
		l.sums[key] = spent
	}
	if limit := l.limit(d.Account, d.Channel); limit >= 0 && spent+d.Amount() > limit {
		return 0, exceeded(d, spent, limit)
	}
	return spent, nil
}

// Return gives back what Reserve took for a message that was not accepted, to where it
// was taken from, whatever the limit is by now.
func (l *Ledger) Return(r Reservation) {
	switch {
	case r.amount == 0:
	case l.shared == nil:
		l.mu.Lock()
		defer l.mu.Unlock()
		l.sums[r.key] -= r.amount
	case r.purse != nil:
		r.purse.giveBack(r)
	}
}

func exceeded(d store.SpendDelta, spent, limit sms.Money) error {
	reason, what := sms.ReasonMonthlySpendLimitReachedForText, "text"
	if d.Channel == ChannelVoice {
		reason, what = sms.ReasonMonthlySpendLimitReachedForVoice, "voice"
	}
	if spent+d.Amount() <= limit {
		return sms.QuotaExceeded(reason,
			"The account has spent %s of its %s USD for %s messages this month, and what is left is set aside for messages under way; this message costs %s USD.", spent, limit, what, d.Amount())
	}
	return sms.QuotaExceeded(reason,
		"The account has spent %s of its %s USD for %s messages this month; this message costs %s USD.", spent, limit, what, d.Amount())
}

// Spent is what the account has spent on a channel this month so far; where several
// nodes send, by all of them and without what is being sent just now.
func (l *Ledger) Spent(ctx context.Context, account, channel string, now time.Time) (sms.Money, error) {
	month := Month(now)
	l.mu.Lock()
	spent, known := l.sums[ledgerKey{account, month, channel}]
	l.mu.Unlock()
	if known && l.shared == nil {
		return spent, nil
	}
	return l.engine.Spend(ctx, account, month, channel)
}
