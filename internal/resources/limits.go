package resources

import (
	"math"

	"heliograph/internal/sms"
)

// Names of the monthly spend limits in Account.Limits, in USD; UnlimitedSpend is none.
const (
	LimitTextSpend  = "text_monthly_spend_usd"
	LimitVoiceSpend = "voice_monthly_spend_usd"
)

// UnlimitedSpend in Account.Limits is no limit.
const UnlimitedSpend = -1

// SpendByTier is what a configuration that names no spend limit asks for: the limit of
// the account's present tier, which is 1.00 USD a month in the sandbox (guide chapter 3,
// "SMS sandbox") and none in production.
const SpendByTier sms.Money = math.MinInt64

// MaxSpend is the operator's monthly limit for a channel of the account: Account.Limits',
// else the configured one, which may be SpendByTier. Negative is none.
func (s *Snapshot) MaxSpend(channel string, configured sms.Money) sms.Money {
	name := LimitTextSpend
	if channel == sms.ChannelVoice {
		name = LimitVoiceSpend
	}
	dollars, changed := s.Account.Limits[name]
	switch {
	case changed && dollars < 0:
		return UnlimitedSpend
	case changed:
		return sms.Money(dollars) * sms.USD
	case configured != SpendByTier:
		return configured
	case s.Account.Tier == Production:
		return UnlimitedSpend
	}
	return sms.USD
}

// SpendLimit is what the account may spend on a channel in a month: its own override,
// but never more than MaxSpend. Negative is no limit.
func (s *Snapshot) SpendLimit(channel string, configured sms.Money) sms.Money {
	most := s.MaxSpend(channel, configured)
	own := s.SpendOverride(channel)
	if own == nil {
		return most
	}
	if limit := sms.Money(*own) * sms.USD; most < 0 || limit < most {
		return limit
	}
	return most
}

// SpendOverride is the limit of a channel that the account set itself, in USD; nil where
// it set none.
func (s *Snapshot) SpendOverride(channel string) *int64 {
	if channel == sms.ChannelVoice {
		return s.Settings().VoiceSpendLimit
	}
	return s.Settings().TextSpendLimit
}
