package api

import (
	"context"

	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// mostSpend is the largest monthly limit that the model has, in USD; it stands for an
// account without a limit.
const mostSpend = 1_000_000_000

// spendChannel is a channel with a monthly spend limit.
type spendChannel struct {
	channel string
	name    string // of the model
	own     func(*sms.Settings) **int64
}

// spendChannels are in the order of their names.
var spendChannels = [...]spendChannel{
	{sms.ChannelText, wire.SpendLimitNameTextMessageMonthlySpendLimit, func(s *sms.Settings) **int64 { return &s.TextSpendLimit }},
	{sms.ChannelVoice, wire.SpendLimitNameVoiceMessageMonthlySpendLimit, func(s *sms.Settings) **int64 { return &s.VoiceSpendLimit }},
}

// dollars is a monthly limit as the API has it: whole USD, rounded down.
func dollars(limit sms.Money) int64 {
	if limit < 0 || limit > mostSpend*sms.USD {
		return mostSpend
	}
	return int64(limit / sms.USD)
}

// maxSpend is the operator's monthly limit of an account, in USD.
func (a *API) maxSpend(s *resources.Snapshot, channel string) int64 {
	return dollars(s.MaxSpend(channel, a.configuredSpend(channel)))
}

func (a *API) describeSpendLimits(_ context.Context, c *Call, in *wire.DescribeSpendLimitsRequest) (*wire.DescribeSpendLimitsResult, error) {
	all := make([]wire.SpendLimit, len(spendChannels))
	for i, k := range spendChannels {
		all[i] = wire.SpendLimit{Name: k.name, MaxLimit: a.maxSpend(c.Account, k.channel),
			EnforcedLimit: dollars(c.Account.SpendLimit(k.channel, a.configuredSpend(k.channel))),
			Overridden:    c.Account.SpendOverride(k.channel) != nil}
	}
	limits, next, err := page(c, all, func(l wire.SpendLimit) string { return l.Name }, in.MaxResults, in.NextToken, &wire.DescribeSpendLimitsRequest{})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeSpendLimitsResult{SpendLimits: limits, NextToken: next}, nil
}

// overrideSpend sets the account's own monthly limit of a channel, or with nil takes it
// away.
//
// Errors: Validation REQUESTED_SPEND_LIMIT_HIGHER_THAN_SERVICE_LIMIT for one above the
// operator's.
func (a *API) overrideSpend(ctx context.Context, c *Call, k spendChannel, limit *int64) (most int64, err error) {
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		most = a.maxSpend(tx.Snapshot, k.channel)
		if limit != nil && *limit > most {
			return sms.Invalid(sms.ReasonSpendLimitHigherThanServiceLimit, "MonthlyLimit",
				"MonthlyLimit is %d USD; the account may spend at most %d USD a month.", *limit, most)
		}
		settings := tx.Snapshot.Settings()
		if own := k.own(&settings); limit != nil || *own != nil {
			*own = limit
			tx.Settings.Put(sms.SettingsID, settings)
		}
		return nil
	})
	return most, err
}

func (a *API) setTextSpendLimit(ctx context.Context, c *Call, in *wire.SetTextMessageSpendLimitOverrideRequest) (*wire.SetTextMessageSpendLimitOverrideResult, error) {
	if _, err := a.overrideSpend(ctx, c, spendChannels[0], in.MonthlyLimit); err != nil {
		return nil, err
	}
	return &wire.SetTextMessageSpendLimitOverrideResult{MonthlyLimit: in.MonthlyLimit}, nil
}

// deleteTextSpendLimit answers the limit that holds from now on.
func (a *API) deleteTextSpendLimit(ctx context.Context, c *Call, _ *wire.DeleteTextMessageSpendLimitOverrideRequest) (*wire.DeleteTextMessageSpendLimitOverrideResult, error) {
	most, err := a.overrideSpend(ctx, c, spendChannels[0], nil)
	if err != nil {
		return nil, err
	}
	return &wire.DeleteTextMessageSpendLimitOverrideResult{MonthlyLimit: &most}, nil
}

func (a *API) setVoiceSpendLimit(ctx context.Context, c *Call, in *wire.SetVoiceMessageSpendLimitOverrideRequest) (*wire.SetVoiceMessageSpendLimitOverrideResult, error) {
	if _, err := a.overrideSpend(ctx, c, spendChannels[1], in.MonthlyLimit); err != nil {
		return nil, err
	}
	return &wire.SetVoiceMessageSpendLimitOverrideResult{MonthlyLimit: in.MonthlyLimit}, nil
}

// deleteVoiceSpendLimit answers the limit that holds from now on.
func (a *API) deleteVoiceSpendLimit(ctx context.Context, c *Call, _ *wire.DeleteVoiceMessageSpendLimitOverrideRequest) (*wire.DeleteVoiceMessageSpendLimitOverrideResult, error) {
	most, err := a.overrideSpend(ctx, c, spendChannels[1], nil)
	if err != nil {
		return nil, err
	}
	return &wire.DeleteVoiceMessageSpendLimitOverrideResult{MonthlyLimit: &most}, nil
}

func (a *API) spendLimitOperations() []operation {
	return []operation{
		{"DescribeSpendLimits", handle(a.describeSpendLimits), "sms-voice:DescribeSpendLimits", nil},
		{"SetTextMessageSpendLimitOverride", handle(a.setTextSpendLimit), "sms-voice:SetTextMessageSpendLimitOverride", nil},
		{"DeleteTextMessageSpendLimitOverride", handle(a.deleteTextSpendLimit), "sms-voice:DeleteTextMessageSpendLimitOverride", nil},
		{"SetVoiceMessageSpendLimitOverride", handle(a.setVoiceSpendLimit), "sms-voice:SetVoiceMessageSpendLimitOverride", nil},
		{"DeleteVoiceMessageSpendLimitOverride", handle(a.deleteVoiceSpendLimit), "sms-voice:DeleteVoiceMessageSpendLimitOverride", nil},
	}
}
