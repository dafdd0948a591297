package api_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/sms"
)

func TestReasonsOfProtectConfigurations(t *testing.T) {
	var id, used, set string
	ready := func(c *customer) {
		if id == "" {
			id, used, set = c.protect(), c.protect(), "alerts"
			c.configurationSet(set)
			must(c.AssociateProtectConfiguration(c.t.Context(), &smsvoice.AssociateProtectConfigurationInput{ProtectConfigurationId: &used, ConfigurationSetName: &set}))(c.t)
		}
	}
	reasons := []reason{
		{"CreateProtectConfiguration", "a reserved tag key", func(ctx context.Context, c *customer) error {
			_, err := c.CreateProtectConfiguration(ctx, &smsvoice.CreateProtectConfigurationInput{Tags: tags("aws:x", "1")})
			return err
		}, invalid("INVALID_PARAMETER", "Tags[0].Key")},
		{"CreateProtectConfiguration", "more tags than a resource may have", func(ctx context.Context, c *customer) error {
			_, err := c.CreateProtectConfiguration(ctx, &smsvoice.CreateProtectConfigurationInput{Tags: manyTags(51)})
			return err
		}, quota("TAGS_PER_RESOURCE")},
		{"DescribeProtectConfigurations", "one that there is not", func(ctx context.Context, c *customer) error {
			_, err := c.DescribeProtectConfigurations(ctx, &smsvoice.DescribeProtectConfigurationsInput{ProtectConfigurationIds: []string{id, noProtect}})
			return err
		}, notFound(sms.TypeProtectConfiguration, noProtect)},
		{"DescribeProtectConfigurations", "the id of a pool", func(ctx context.Context, c *customer) error {
			_, err := c.DescribeProtectConfigurations(ctx, &smsvoice.DescribeProtectConfigurationsInput{ProtectConfigurationIds: []string{noPool}})
			return err
		}, invalid("INVALID_ARN", "ProtectConfigurationIds[0]")},
		{"DescribeProtectConfigurations", "an impossible filter value", func(ctx context.Context, c *customer) error {
			_, err := c.DescribeProtectConfigurations(ctx, new(describeProtect("account-default", "maybe")))
			return err
		}, invalid("INVALID_FILTER_VALUES", "Filters[0].Values[0]")},
		{"DescribeProtectConfigurations", "a forged token", func(ctx context.Context, c *customer) error {
			_, err := c.DescribeProtectConfigurations(ctx, &smsvoice.DescribeProtectConfigurationsInput{NextToken: new("forged")})
			return err
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},
		{"UpdateProtectConfiguration", "none", func(ctx context.Context, c *customer) error {
			_, err := c.UpdateProtectConfiguration(ctx, &smsvoice.UpdateProtectConfigurationInput{ProtectConfigurationId: &noProtect})
			return err
		}, notFound(sms.TypeProtectConfiguration, noProtect)},
		{"DeleteProtectConfiguration", "none", func(ctx context.Context, c *customer) error {
			_, err := c.DeleteProtectConfiguration(ctx, &smsvoice.DeleteProtectConfigurationInput{ProtectConfigurationId: &noProtect})
			return err
		}, notFound(sms.TypeProtectConfiguration, noProtect)},
		{"GetProtectConfigurationCountryRuleSet", "none", func(ctx context.Context, c *customer) error {
			_, err := c.GetProtectConfigurationCountryRuleSet(ctx, &smsvoice.GetProtectConfigurationCountryRuleSetInput{ProtectConfigurationId: &noProtect, NumberCapability: "SMS"})
			return err
		}, notFound(sms.TypeProtectConfiguration, noProtect)},
		{"UpdateProtectConfigurationCountryRuleSet", "none", func(ctx context.Context, c *customer) error {
			_, err := c.UpdateProtectConfigurationCountryRuleSet(ctx, &smsvoice.UpdateProtectConfigurationCountryRuleSetInput{ProtectConfigurationId: &noProtect,
				NumberCapability: "SMS", CountryRuleSetUpdates: countryRules{"FR": rule("BLOCK")}})
			return err
		}, notFound(sms.TypeProtectConfiguration, noProtect)},
		{"UpdateProtectConfigurationCountryRuleSet", "a country that is not served", func(ctx context.Context, c *customer) error {
			_, err := c.UpdateProtectConfigurationCountryRuleSet(ctx, &smsvoice.UpdateProtectConfigurationCountryRuleSetInput{ProtectConfigurationId: &id,
				NumberCapability: "SMS", CountryRuleSetUpdates: countryRules{"FR": rule("BLOCK"), "ZZ": rule("BLOCK")}})
			if have := c.directory.Account(customerAccount).Protect.Get(id).Value.Rules; len(have) > 0 {
				c.t.Errorf("what was refused has changed the rules: %v", have)
			}
			return err
		}, invalid("COUNTRY_NOT_ENABLED", "CountryRuleSetUpdates")},
		{"AssociateProtectConfiguration", "no configuration set", func(ctx context.Context, c *customer) error {
			_, err := c.AssociateProtectConfiguration(ctx, &smsvoice.AssociateProtectConfigurationInput{ProtectConfigurationId: &id, ConfigurationSetName: new("none")})
			return err
		}, notFound(sms.TypeConfigurationSet, "none")},
		{"AssociateProtectConfiguration", "no protect configuration", func(ctx context.Context, c *customer) error {
			_, err := c.AssociateProtectConfiguration(ctx, &smsvoice.AssociateProtectConfigurationInput{ProtectConfigurationId: &noProtect, ConfigurationSetName: &set})
			return err
		}, notFound(sms.TypeProtectConfiguration, noProtect)},
		{"AssociateProtectConfiguration", "for the second time", func(ctx context.Context, c *customer) error {
			_, err := c.AssociateProtectConfiguration(ctx, &smsvoice.AssociateProtectConfigurationInput{ProtectConfigurationId: &used, ConfigurationSetName: &set})
			return err
		}, conflict("RESOURCE_ALREADY_ASSOCIATED", sms.TypeConfigurationSet, "alerts")},
		{"DisassociateProtectConfiguration", "none", func(ctx context.Context, c *customer) error {
			_, err := c.DisassociateProtectConfiguration(ctx, &smsvoice.DisassociateProtectConfigurationInput{ProtectConfigurationId: &noProtect, ConfigurationSetName: &set})
			return err
		}, notFound(sms.TypeProtectConfiguration, noProtect)},
		{"SetAccountDefaultProtectConfiguration", "none", func(ctx context.Context, c *customer) error {
			_, err := c.SetAccountDefaultProtectConfiguration(ctx, &smsvoice.SetAccountDefaultProtectConfigurationInput{ProtectConfigurationId: &noProtect})
			return err
		}, notFound(sms.TypeProtectConfiguration, noProtect)},
		{"DeleteAccountDefaultProtectConfiguration", "there is none", func(ctx context.Context, c *customer) error {
			_, err := c.DeleteAccountDefaultProtectConfiguration(ctx, &smsvoice.DeleteAccountDefaultProtectConfigurationInput{})
			return err
		}, notFound(sms.TypeProtectConfiguration, "default")},
		{"PutProtectConfigurationRuleSetNumberOverride", "none", func(ctx context.Context, c *customer) error {
			return putOverride(c, noProtect, "+447946000001", nil)
		}, notFound(sms.TypeProtectConfiguration, noProtect)},
		{"PutProtectConfigurationRuleSetNumberOverride", "no number", func(ctx context.Context, c *customer) error {
			return putOverride(c, id, "+44794600", nil)
		}, invalid("CANNOT_PARSE", "DestinationPhoneNumber")},
		{"PutProtectConfigurationRuleSetNumberOverride", "an end that is past", func(ctx context.Context, c *customer) error {
			return putOverride(c, id, "+447946000001", new(time.Now().Add(-time.Minute)))
		}, invalid("INVALID_PARAMETER", "ExpirationTimestamp")},
		{"DeleteProtectConfigurationRuleSetNumberOverride", "no number", func(ctx context.Context, c *customer) error {
			return deleteOverride(c, id, "+44794600")
		}, invalid("CANNOT_PARSE", "DestinationPhoneNumber")},
		{"DeleteProtectConfigurationRuleSetNumberOverride", "none", func(ctx context.Context, c *customer) error {
			return deleteOverride(c, noProtect, "+447946000001")
		}, notFound(sms.TypeProtectConfiguration, noProtect)},
		{"ListProtectConfigurationRuleSetNumberOverrides", "none", func(ctx context.Context, c *customer) error {
			return listOverrides(c, noProtect, "", "")
		}, notFound(sms.TypeProtectConfiguration, noProtect)},
		{"ListProtectConfigurationRuleSetNumberOverrides", "a forged token", func(ctx context.Context, c *customer) error {
			_, err := c.ListProtectConfigurationRuleSetNumberOverrides(ctx, &smsvoice.ListProtectConfigurationRuleSetNumberOverridesInput{ProtectConfigurationId: &id, NextToken: new("forged")})
			return err
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},
	}
	for filter, value := range map[string]string{"iso-country-code": "France", "destination-phone-number-begins-with": "+44x", "action": "MONITOR",
		"expires-before": "tomorrow", "expires-after": "-1", "created-before": "2026-13-01", "created-after": "1.5"} {
		reasons = append(reasons, reason{"ListProtectConfigurationRuleSetNumberOverrides", filter + " " + value, func(ctx context.Context, c *customer) error {
			return listOverrides(c, id, filter, value)
		}, invalid("INVALID_FILTER_VALUES", "Filters[0].Values[0]")})
	}
	for i := range reasons {
		call := reasons[i].call
		reasons[i].call = func(ctx context.Context, c *customer) error {
			ready(c)
			return call(ctx, c)
		}
	}
	limits := roomy
	limits.ProtectConfigurations = 1000
	provoke(t, limits, reasons)
}

// What names a configuration that was made for the test alone.
func TestConflictsOfProtectConfigurations(t *testing.T) {
	limits := roomy
	limits.ProtectConfigurations = 3
	c := newCustomer(t, limits)
	ctx := t.Context()
	c.configurationSet("alerts")
	protected := *must(c.CreateProtectConfiguration(ctx, &smsvoice.CreateProtectConfigurationInput{ClientToken: new("t"), DeletionProtectionEnabled: new(true)}))(t).ProtectConfigurationId
	byDefault, ofSet := c.protect(), c.protect()
	must(c.SetAccountDefaultProtectConfiguration(ctx, &smsvoice.SetAccountDefaultProtectConfigurationInput{ProtectConfigurationId: &byDefault}))(t)
	must(c.AssociateProtectConfiguration(ctx, &smsvoice.AssociateProtectConfigurationInput{ProtectConfigurationId: &ofSet, ConfigurationSetName: new("alerts")}))(t)
	remove := func(id string) error {
		_, err := c.DeleteProtectConfiguration(ctx, &smsvoice.DeleteProtectConfigurationInput{ProtectConfigurationId: &id})
		return err
	}
	for name, test := range map[string]struct {
		call func() error
		want refusal
	}{
		"a ClientToken with other parameters": {func() error {
			_, err := c.CreateProtectConfiguration(ctx, &smsvoice.CreateProtectConfigurationInput{ClientToken: new("t")})
			return err
		}, conflict("RESOURCE_ALREADY_EXISTS", sms.TypeProtectConfiguration, protected)},
		"protected":   {func() error { return remove(protected) }, conflict("DELETION_PROTECTION_ENABLED", sms.TypeProtectConfiguration, protected)},
		"the default": {func() error { return remove(byDefault) }, conflict("PROTECT_CONFIGURATION_IS_ACCOUNT_DEFAULT", sms.TypeProtectConfiguration, byDefault)},
		"of a set":    {func() error { return remove(ofSet) }, conflict("PROTECT_CONFIGURATION_ASSOCIATED_WITH_CONFIGURATION_SET", sms.TypeProtectConfiguration, ofSet)},
		"too many": {func() error {
			_, err := c.CreateProtectConfiguration(ctx, &smsvoice.CreateProtectConfigurationInput{})
			return err
		}, quota("PROTECT_CONFIGURATIONS_PER_ACCOUNT")},
		"no override": {func() error { return deleteOverride(c, ofSet, "+447946000001") }, notFound(sms.TypeProtectConfiguration, ofSet)},
		"not of a set": {func() error {
			_, err := c.DisassociateProtectConfiguration(ctx, &smsvoice.DisassociateProtectConfigurationInput{ProtectConfigurationId: &protected, ConfigurationSetName: new("alerts")})
			return err
		}, conflict("PROTECT_CONFIGURATION_NOT_ASSOCIATED_WITH_CONFIGURATION_SET", sms.TypeProtectConfiguration, protected)},
	} {
		if got := refused(t, test.call()); fmt.Sprint(got) != fmt.Sprint(test.want) {
			t.Errorf("%s: %+v, want %+v", name, got, test.want)
		}
	}
}

func putOverride(c *customer, id, number string, expires *time.Time) error {
	_, err := c.PutProtectConfigurationRuleSetNumberOverride(c.t.Context(), &smsvoice.PutProtectConfigurationRuleSetNumberOverrideInput{
		ProtectConfigurationId: &id, DestinationPhoneNumber: &number, Action: "BLOCK", ExpirationTimestamp: expires})
	return err
}

func deleteOverride(c *customer, id, number string) error {
	_, err := c.DeleteProtectConfigurationRuleSetNumberOverride(c.t.Context(), &smsvoice.DeleteProtectConfigurationRuleSetNumberOverrideInput{
		ProtectConfigurationId: &id, DestinationPhoneNumber: &number})
	return err
}

func listOverrides(c *customer, id, filter, value string) error {
	in := &smsvoice.ListProtectConfigurationRuleSetNumberOverridesInput{ProtectConfigurationId: &id}
	if filter != "" {
		in.Filters = []types.ProtectConfigurationRuleSetNumberOverrideFilterItem{{Name: types.ProtectConfigurationRuleSetNumberOverrideFilterName(filter), Values: []string{value}}}
	}
	_, err := c.ListProtectConfigurationRuleSetNumberOverrides(c.t.Context(), in)
	return err
}
