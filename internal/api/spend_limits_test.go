package api_test

import (
	"context"
	"testing"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// spendLimits are those of text and voice.
func (c *customer) spendLimits() [2]types.SpendLimit {
	c.t.Helper()
	var all [2]types.SpendLimit
	n := 0
	for pages := smsvoice.NewDescribeSpendLimitsPaginator(c, &smsvoice.DescribeSpendLimitsInput{MaxResults: new(int32(1))}); pages.HasMorePages(); n++ {
		out := must(pages.NextPage(c.t.Context()))(c.t).SpendLimits
		if len(out) != 1 || n > 1 {
			c.t.Fatalf("page %d has %d limits", n+1, len(out))
		}
		all[n] = out[0]
	}
	return all
}

func (c *customer) wantSpendLimits(when string, text, voice types.SpendLimit) {
	c.t.Helper()
	text.Name, voice.Name = types.SpendLimitNameTextMessageMonthlySpendLimit, types.SpendLimitNameVoiceMessageMonthlySpendLimit
	if got := c.spendLimits(); got != [2]types.SpendLimit{text, voice} {
		c.t.Errorf("%s: %+v, want %+v and %+v", when, got, text, voice)
	}
}

func TestSpendLimits(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	own := func(most, limit int64) types.SpendLimit {
		return types.SpendLimit{MaxLimit: most, EnforcedLimit: limit, Overridden: true}
	}
	all := func(most int64) types.SpendLimit { return types.SpendLimit{MaxLimit: most, EnforcedLimit: most} }
	operator := func(tier resources.Tier, limits map[string]int64) {
		c.change(func(tx *resources.Tx) {
			a := tx.Snapshot.Account
			a.Tier, a.Limits = tier, limits
			tx.Accounts.Put(a.ID, a)
		})
	}
	c.wantSpendLimits("in the sandbox", all(1), all(1))
	set := must(c.SetTextMessageSpendLimitOverride(ctx, &smsvoice.SetTextMessageSpendLimitOverrideInput{MonthlyLimit: new(int64(0))}))(t)
	c.wantSpendLimits("nothing for text", own(1, 0), all(1))
	operator(resources.Production, nil)
	c.wantSpendLimits("in production", own(1_000_000_000, 0), all(1_000_000_000))
	voice := must(c.SetVoiceMessageSpendLimitOverride(ctx, &smsvoice.SetVoiceMessageSpendLimitOverrideInput{MonthlyLimit: new(int64(1_000_000_000))}))(t)
	if *set.MonthlyLimit != 0 || *voice.MonthlyLimit != 1_000_000_000 {
		t.Errorf("answered %d and %d", *set.MonthlyLimit, *voice.MonthlyLimit)
	}
	c.wantSpendLimits("as much as there is", own(1_000_000_000, 0), own(1_000_000_000, 1_000_000_000))
	operator(resources.Production, map[string]int64{resources.LimitTextSpend: 50, resources.LimitVoiceSpend: 7})
	c.wantSpendLimits("lowered by the operator", own(50, 0), own(7, 7))
	must(c.SetTextMessageSpendLimitOverride(ctx, &smsvoice.SetTextMessageSpendLimitOverrideInput{MonthlyLimit: new(int64(50))}))(t)
	c.wantSpendLimits("all that is allowed", own(50, 50), own(7, 7))
	for range 2 {
		if out := must(c.DeleteTextMessageSpendLimitOverride(ctx, &smsvoice.DeleteTextMessageSpendLimitOverrideInput{}))(t); *out.MonthlyLimit != 50 {
			t.Errorf("the limit without an override is %d", *out.MonthlyLimit)
		}
	}
	if out := must(c.DeleteVoiceMessageSpendLimitOverride(ctx, &smsvoice.DeleteVoiceMessageSpendLimitOverrideInput{}))(t); *out.MonthlyLimit != 7 {
		t.Errorf("the limit without an override is %d", *out.MonthlyLimit)
	}
	c.wantSpendLimits("without overrides", all(50), all(7))
}

// The API's whole dollars are rounded down; what holds is the exact limit.
func TestSpendLimitsOfCents(t *testing.T) {
	c := newCustomerWith(t, func(o *api.Options) {
		o.ConfiguredSpend = func(channel string) sms.Money {
			if channel == sms.ChannelText {
				return 2*sms.USD + sms.USD/2
			}
			return sms.USD / 2
		}
	})
	c.wantSpendLimits("configured", types.SpendLimit{MaxLimit: 2, EnforcedLimit: 2}, types.SpendLimit{})
}

func TestReasonsOfSpendLimits(t *testing.T) {
	provoke(t, roomy, []reason{
		{"SetTextMessageSpendLimitOverride", "above the operator's", func(ctx context.Context, c *customer) error {
			_, err := c.SetTextMessageSpendLimitOverride(ctx, &smsvoice.SetTextMessageSpendLimitOverrideInput{MonthlyLimit: new(int64(2))})
			return err
		}, invalid("REQUESTED_SPEND_LIMIT_HIGHER_THAN_SERVICE_LIMIT", "MonthlyLimit")},
		{"SetVoiceMessageSpendLimitOverride", "above the operator's", func(ctx context.Context, c *customer) error {
			_, err := c.SetVoiceMessageSpendLimitOverride(ctx, &smsvoice.SetVoiceMessageSpendLimitOverrideInput{MonthlyLimit: new(int64(2))})
			return err
		}, invalid("REQUESTED_SPEND_LIMIT_HIGHER_THAN_SERVICE_LIMIT", "MonthlyLimit")},
		{"SetTextMessageSpendLimitOverride", "below nothing", func(ctx context.Context, c *customer) error {
			_, err := c.SetTextMessageSpendLimitOverride(ctx, &smsvoice.SetTextMessageSpendLimitOverrideInput{MonthlyLimit: new(int64(-1))})
			return err
		}, invalid("INVALID_PARAMETER", "MonthlyLimit")},
		{"DescribeSpendLimits", "a forged token", func(ctx context.Context, c *customer) error {
			_, err := c.DescribeSpendLimits(ctx, &smsvoice.DescribeSpendLimitsInput{NextToken: new("AAAA")})
			return err
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},
	})
}
