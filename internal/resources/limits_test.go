package resources

import (
	"testing"

	"heliograph/internal/sms"
)

func TestSpendLimit(t *testing.T) {
	const cent = sms.USD / 100
	for name, c := range map[string]struct {
		tier          Tier
		limits        map[string]int64
		settings      sms.Settings
		channel       string
		configured    sms.Money
		most, enforce sms.Money
	}{
		"the sandbox's":                      {Sandbox, nil, sms.Settings{}, sms.ChannelText, SpendByTier, sms.USD, sms.USD},
		"production's":                       {Production, nil, sms.Settings{}, sms.ChannelText, SpendByTier, -1, -1},
		"voice in the sandbox":               {Sandbox, nil, sms.Settings{}, sms.ChannelVoice, SpendByTier, sms.USD, sms.USD},
		"configured":                         {Sandbox, nil, sms.Settings{}, sms.ChannelText, 50 * cent, 50 * cent, 50 * cent},
		"configured as none, in the sandbox": {Sandbox, nil, sms.Settings{}, sms.ChannelText, -1, -1, -1},
		"the operator's":                     {Production, map[string]int64{LimitTextSpend: 7}, sms.Settings{}, sms.ChannelText, 50 * cent, 7 * sms.USD, 7 * sms.USD},
		"the operator's for the other":       {Production, map[string]int64{LimitTextSpend: 7}, sms.Settings{}, sms.ChannelVoice, 50 * cent, 50 * cent, 50 * cent},
		"the operator's none":                {Sandbox, map[string]int64{LimitVoiceSpend: UnlimitedSpend}, sms.Settings{}, sms.ChannelVoice, 50 * cent, -1, -1},
		"the operator's nothing at all":      {Production, map[string]int64{LimitVoiceSpend: 0}, sms.Settings{}, sms.ChannelVoice, SpendByTier, 0, 0},
		"overridden":                         {Production, nil, sms.Settings{TextSpendLimit: new(int64(3))}, sms.ChannelText, 5 * sms.USD, 5 * sms.USD, 3 * sms.USD},
		"overridden, where there is none":    {Production, nil, sms.Settings{TextSpendLimit: new(int64(3))}, sms.ChannelText, SpendByTier, -1, 3 * sms.USD},
		"overridden, and lowered since":      {Production, nil, sms.Settings{TextSpendLimit: new(int64(3))}, sms.ChannelText, 2 * sms.USD, 2 * sms.USD, 2 * sms.USD},
		"overridden for the other":           {Production, nil, sms.Settings{TextSpendLimit: new(int64(3))}, sms.ChannelVoice, 5 * sms.USD, 5 * sms.USD, 5 * sms.USD},
		"overridden with nothing at all":     {Production, nil, sms.Settings{VoiceSpendLimit: new(int64(0))}, sms.ChannelVoice, 5 * sms.USD, 5 * sms.USD, 0},
		"the most that the API knows":        {Production, nil, sms.Settings{TextSpendLimit: new(int64(1_000_000_000))}, sms.ChannelText, SpendByTier, -1, 1_000_000_000 * sms.USD},
	} {
		s := (&Directory{}).build(customer, tables{settings: []*Item[sms.Settings]{{ID: sms.SettingsID, Value: c.settings}}})
		s.Account.Tier, s.Account.Limits = c.tier, c.limits
		if most := s.MaxSpend(c.channel, c.configured); most != c.most {
			t.Errorf("%s: at most %d, want %d", name, most, c.most)
		}
		if limit := s.SpendLimit(c.channel, c.configured); limit != c.enforce {
			t.Errorf("%s: %d, want %d", name, limit, c.enforce)
		}
	}
}
