package api_test

import (
	"testing"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func TestAccountAttributes(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	for _, tier := range []resources.Tier{resources.Sandbox, resources.Production} {
		if err := c.directory.EnsureAccount(ctx, customerAccount, tier); err != nil {
			t.Fatal(err)
		}
		out := must(c.DescribeAccountAttributes(ctx, &smsvoice.DescribeAccountAttributesInput{}))(t)
		same(t, "attributes", out.AccountAttributes, []types.AccountAttribute{{Name: types.AccountAttributeNameAccountTier, Value: new(string(tier))}})
	}
	c.change(func(tx *resources.Tx) {
		tx.Settings.Put(sms.SettingsID, sms.Settings{DefaultProtectConfiguration: "protect-1"})
	})
	out := must(c.DescribeAccountAttributes(ctx, &smsvoice.DescribeAccountAttributesInput{}))(t)
	same(t, "attributes", out.AccountAttributes, []types.AccountAttribute{{Name: types.AccountAttributeNameAccountTier, Value: new("PRODUCTION")},
		{Name: types.AccountAttributeNameDefaultProtectConfigurationId, Value: new("protect-1")}})
}

func TestAccountLimits(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	c.pool(c.number())
	c.number()
	c.senderID("HELIO", "GB")
	c.configurationSet("alerts")
	c.optOutList("Alerts")
	must(c.CreateVerifiedDestinationNumber(ctx, &smsvoice.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: new("+12065550142")}))(t)
	limit := func(name types.AccountLimitName, used, most int64) types.AccountLimit {
		return types.AccountLimit{Name: name, Used: used, Max: most}
	}
	want := []types.AccountLimit{
		limit("CONFIGURATION_SETS", 1, 25), limit("OPT_OUT_LISTS", 2, 25), limit("PHONE_NUMBERS", 2, 25), limit("POOLS", 1, 25),
		limit("REGISTRATIONS", 0, 25), limit("REGISTRATION_ATTACHMENTS", 0, 25), limit("SENDER_IDS", 1, 25), limit("VERIFIED_DESTINATION_NUMBERS", 1, 10),
	}
	if names := types.AccountLimitName("").Values(); len(names) != len(want) {
		t.Errorf("the model has %d limits: %v", len(names), names)
	}
	for _, size := range []*int32{nil, new(int32(3))} {
		var got []types.AccountLimit
		for pages := smsvoice.NewDescribeAccountLimitsPaginator(c, &smsvoice.DescribeAccountLimitsInput{MaxResults: size}); pages.HasMorePages(); {
			got = append(got, must(pages.NextPage(ctx))(t).AccountLimits...)
		}
		same(t, "limits", got, want)
	}
}
