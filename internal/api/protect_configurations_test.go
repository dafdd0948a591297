package api_test

import (
	"slices"
	"strings"
	"testing"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/api"
	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

var noProtect = "protect-" + strings.Repeat("0", 32)

// protect makes a protect configuration and answers its id.
func (c *customer) protect() string {
	c.t.Helper()
	return *must(c.CreateProtectConfiguration(c.t.Context(), &smsvoice.CreateProtectConfigurationInput{}))(c.t).ProtectConfigurationId
}

func (c *customer) protectConfigurations(in smsvoice.DescribeProtectConfigurationsInput) (ids []string) {
	c.t.Helper()
	for _, p := range must(c.DescribeProtectConfigurations(c.t.Context(), &in))(c.t).ProtectConfigurations {
		ids = append(ids, *p.ProtectConfigurationId)
	}
	return ids
}

func TestLifeOfAProtectConfiguration(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	made := must(c.CreateProtectConfiguration(ctx, &smsvoice.CreateProtectConfigurationInput{ClientToken: new("once"),
		DeletionProtectionEnabled: new(true), Tags: tags("Name", "careful")}))(t)
	id, arn := *made.ProtectConfigurationId, c.arn(sms.TypeProtectConfiguration, *made.ProtectConfigurationId)
	if !strings.HasPrefix(id, "protect-") || *made.ProtectConfigurationArn != arn || made.AccountDefault || !made.DeletionProtectionEnabled ||
		len(made.Tags) != 1 || *made.Tags[0].Value != "careful" {
		t.Errorf("CreateProtectConfiguration answers %+v", made)
	}
	again := must(c.CreateProtectConfiguration(ctx, &smsvoice.CreateProtectConfigurationInput{ClientToken: new("once"),
		DeletionProtectionEnabled: new(true), Tags: tags("Name", "careful")}))(t)
	if *again.ProtectConfigurationId != id || !again.CreatedTimestamp.Equal(*made.CreatedTimestamp) {
		t.Errorf("the same request again makes %s", *again.ProtectConfigurationId)
	}
	listed := must(c.ListTagsForResource(ctx, &smsvoice.ListTagsForResourceInput{ResourceArn: &arn}))(t)
	if len(listed.Tags) != 1 || *listed.Tags[0].Key != "Name" {
		t.Errorf("its tags are %v", listed.Tags)
	}
	must(c.TagResource(ctx, &smsvoice.TagResourceInput{ResourceArn: &arn, Tags: tags("Stage", "test")}))(t)
	if have := c.directory.Account(customerAccount).Protect.Get(id).Tags; have["Stage"] != "test" || have["Name"] != "careful" {
		t.Errorf("its tags are %v after another was put", have)
	}

	other := c.protect()
	must(c.SetAccountDefaultProtectConfiguration(ctx, &smsvoice.SetAccountDefaultProtectConfigurationInput{ProtectConfigurationId: &other}))(t)
	for name, test := range map[string]struct {
		in   smsvoice.DescribeProtectConfigurationsInput
		want []string
	}{
		"all":       {smsvoice.DescribeProtectConfigurationsInput{}, []string{id, other}},
		"by ARN":    {smsvoice.DescribeProtectConfigurationsInput{ProtectConfigurationIds: []string{arn}}, []string{id}},
		"default":   {describeProtect("account-default", "true"), []string{other}},
		"others":    {describeProtect("account-default", "false"), []string{id}},
		"protected": {describeProtect("deletion-protection-enabled", "true"), []string{id}},
		"either":    {describeProtect("deletion-protection-enabled", "true", "false"), []string{id, other}},
	} {
		if got := c.protectConfigurations(test.in); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
	}
	var paged []string
	for pages := smsvoice.NewDescribeProtectConfigurationsPaginator(c, &smsvoice.DescribeProtectConfigurationsInput{MaxResults: new(int32(1))}); pages.HasMorePages(); {
		for _, p := range must(pages.NextPage(ctx))(t).ProtectConfigurations {
			paged = append(paged, *p.ProtectConfigurationId)
		}
	}
	if !slices.Equal(paged, []string{id, other}) {
		t.Errorf("page by page: %v", paged)
	}

	if out := must(c.UpdateProtectConfiguration(ctx, &smsvoice.UpdateProtectConfigurationInput{ProtectConfigurationId: &id}))(t); !out.DeletionProtectionEnabled {
		t.Error("an update of nothing takes the deletion protection away")
	}
	out := must(c.UpdateProtectConfiguration(ctx, &smsvoice.UpdateProtectConfigurationInput{ProtectConfigurationId: &arn, DeletionProtectionEnabled: new(false)}))(t)
	if out.DeletionProtectionEnabled || out.AccountDefault || !out.CreatedTimestamp.Equal(*made.CreatedTimestamp) {
		t.Errorf("UpdateProtectConfiguration answers %+v", out)
	}
	if out := must(c.UpdateProtectConfiguration(ctx, &smsvoice.UpdateProtectConfigurationInput{ProtectConfigurationId: &other}))(t); !out.AccountDefault {
		t.Error("UpdateProtectConfiguration does not say that it is the default")
	}
	deleted := must(c.DeleteProtectConfiguration(ctx, &smsvoice.DeleteProtectConfigurationInput{ProtectConfigurationId: &id}))(t)
	if *deleted.ProtectConfigurationArn != arn || deleted.AccountDefault || deleted.DeletionProtectionEnabled {
		t.Errorf("DeleteProtectConfiguration answers %+v", deleted)
	}
	if n := c.directory.Inventory().Dropped.Len(); n != 0 {
		t.Errorf("%d lists are dropped, of a configuration without overrides", n)
	}
	if got := c.protectConfigurations(smsvoice.DescribeProtectConfigurationsInput{}); !slices.Equal(got, []string{other}) {
		t.Errorf("left: %v", got)
	}
}

func describeProtect(filter string, values ...string) smsvoice.DescribeProtectConfigurationsInput {
	return smsvoice.DescribeProtectConfigurationsInput{Filters: []types.ProtectConfigurationFilter{
		{Name: types.ProtectConfigurationFilterName(filter), Values: values}}}
}

type countryRules = map[string]types.ProtectConfigurationCountryRuleSetInformation

func rule(status types.ProtectStatus) types.ProtectConfigurationCountryRuleSetInformation {
	return types.ProtectConfigurationCountryRuleSetInformation{ProtectStatus: status}
}

func TestCountryRules(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	id := c.protect()
	rules := func(capability types.NumberCapability) countryRules {
		out := must(c.GetProtectConfigurationCountryRuleSet(ctx, &smsvoice.GetProtectConfigurationCountryRuleSetInput{
			ProtectConfigurationId: &id, NumberCapability: capability}))(t)
		if *out.ProtectConfigurationId != id || out.NumberCapability != capability {
			t.Errorf("the rules are of %s, %s", *out.ProtectConfigurationId, out.NumberCapability)
		}
		return out.CountryRuleSet
	}
	differ := func(have countryRules) (list []string) {
		for country, r := range have {
			if r.ProtectStatus != types.ProtectStatusAllow {
				list = append(list, country+" "+string(r.ProtectStatus))
			}
		}
		slices.Sort(list)
		return list
	}
	if have := rules(types.NumberCapabilitySms); len(have) != len(numbering.Countries()) || differ(have) != nil {
		t.Errorf("a new configuration has %d rules, other than ALLOW %v", len(have), differ(have))
	}
	update := func(capability types.NumberCapability, updates countryRules) {
		t.Helper()
		out := must(c.UpdateProtectConfigurationCountryRuleSet(ctx, &smsvoice.UpdateProtectConfigurationCountryRuleSetInput{
			ProtectConfigurationId: &id, NumberCapability: capability, CountryRuleSetUpdates: updates}))(t)
		if len(out.CountryRuleSet) != len(updates) || out.NumberCapability != capability {
			t.Errorf("an update of %d countries answers %+v", len(updates), out)
		}
	}
	update(types.NumberCapabilitySms, countryRules{"FR": rule("BLOCK"), "DE": rule("MONITOR"), "ES": rule("FILTER")})
	update(types.NumberCapabilityVoice, countryRules{"GB": rule("BLOCK")})
	update(types.NumberCapabilitySms, countryRules{"FR": rule("ALLOW"), "DE": rule("BLOCK")})
	if got, want := differ(rules(types.NumberCapabilitySms)), []string{"DE BLOCK", "ES FILTER"}; !slices.Equal(got, want) {
		t.Errorf("the rules of SMS are %v, want %v", got, want)
	}
	if got, want := differ(rules(types.NumberCapabilityVoice)), []string{"GB BLOCK"}; !slices.Equal(got, want) {
		t.Errorf("the rules of VOICE are %v, want %v", got, want)
	}
}

func TestAssociationsOfProtectConfigurations(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	c.configurationSet("alerts")
	first, second := c.protect(), c.protect()
	ofSet := func() string {
		out := must(c.DescribeConfigurationSets(ctx, &smsvoice.DescribeConfigurationSetsInput{ConfigurationSetNames: []string{"alerts"}}))(t)
		if id := out.ConfigurationSets[0].ProtectConfigurationId; id != nil {
			return *id
		}
		return ""
	}
	for _, id := range []string{first, second} {
		out := must(c.AssociateProtectConfiguration(ctx, &smsvoice.AssociateProtectConfigurationInput{ProtectConfigurationId: &id, ConfigurationSetName: new("alerts")}))(t)
		if *out.ConfigurationSetArn != c.arn(sms.TypeConfigurationSet, "alerts") || *out.ConfigurationSetName != "alerts" || *out.ProtectConfigurationId != id ||
			*out.ProtectConfigurationArn != c.arn(sms.TypeProtectConfiguration, id) {
			t.Errorf("AssociateProtectConfiguration answers %+v", out)
		}
		if got := ofSet(); got != id {
			t.Errorf("the configuration set has %q, want %s", got, id)
		}
	}
	must(c.DeleteProtectConfiguration(ctx, &smsvoice.DeleteProtectConfigurationInput{ProtectConfigurationId: &first}))(t) // let go by the second
	must(c.DisassociateProtectConfiguration(ctx, &smsvoice.DisassociateProtectConfigurationInput{ProtectConfigurationId: &second, ConfigurationSetName: new(c.arn(sms.TypeConfigurationSet, "alerts"))}))(t)
	if got := ofSet(); got != "" {
		t.Errorf("the configuration set has %q after it was disassociated", got)
	}

	third := c.protect()
	for _, id := range []string{second, third} {
		out := must(c.SetAccountDefaultProtectConfiguration(ctx, &smsvoice.SetAccountDefaultProtectConfigurationInput{ProtectConfigurationId: &id}))(t)
		if *out.DefaultProtectConfigurationId != id || *out.DefaultProtectConfigurationArn != c.arn(sms.TypeProtectConfiguration, id) {
			t.Errorf("SetAccountDefaultProtectConfiguration answers %+v", out)
		}
	}
	if got := c.protectConfigurations(describeProtect("account-default", "true")); !slices.Equal(got, []string{third}) {
		t.Errorf("the default is %v, want %s", got, third)
	}
	c.change(func(tx *resources.Tx) {
		s := tx.Settings.Get(sms.SettingsID).Value
		s.TextSpendLimit = new(int64(5))
		tx.Settings.Put(sms.SettingsID, s)
	})
	out := must(c.DeleteAccountDefaultProtectConfiguration(ctx, &smsvoice.DeleteAccountDefaultProtectConfigurationInput{}))(t)
	if *out.DefaultProtectConfigurationId != third {
		t.Errorf("DeleteAccountDefaultProtectConfiguration answers %+v", out)
	}
	if s := c.directory.Account(customerAccount).Settings(); s.DefaultProtectConfiguration != "" || *s.TextSpendLimit != 5 {
		t.Errorf("the account's settings are %+v", s)
	}
}
