package api

import (
	"context"

	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func (a *API) createProtectConfiguration(ctx context.Context, c *Call, in *wire.CreateProtectConfigurationRequest) (*wire.CreateProtectConfigurationResult, error) {
	tags, err := newTags(in.Tags, a.limitsOf(c.Account).TagsPerResource)
	if err != nil {
		return nil, err
	}
	id, err := a.newID("protect-")
	if err != nil {
		return nil, err
	}
	request := *in
	request.ClientToken = nil
	token := newClientToken(c, in.ClientToken, &request)
	var made *resources.Item[sms.ProtectConfiguration]
	var accountDefault string
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		accountDefault = settings(tx).DefaultProtectConfiguration
		made, err = create(token, tx, sms.TypeProtectConfiguration, tx.Protect, tags, func() (string, error) {
			if have, most := tx.Protect.Len(), a.limitsOf(c.Account).ProtectConfigurations; have >= most {
				return "", sms.QuotaExceeded(sms.ReasonProtectConfigurationsPerAccount,
					"The account has %d protect configurations; at most %d are allowed.", have, most)
			}
			tx.Protect.Put(id, sms.ProtectConfiguration{ID: id, DeletionProtection: value(in.DeletionProtectionEnabled)})
			return id, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	p := protectInformation(c, made, accountDefault)
	return &wire.CreateProtectConfigurationResult{
		ProtectConfigurationArn: p.ProtectConfigurationArn, ProtectConfigurationId: p.ProtectConfigurationId, CreatedTimestamp: p.CreatedTimestamp,
		AccountDefault: p.AccountDefault, DeletionProtectionEnabled: p.DeletionProtectionEnabled, Tags: wireTags(made.Tags),
	}, nil
}

// protectInformation is a protect configuration as answers have it; accountDefault is
// the id of the account's default.
func protectInformation(c *Call, item *resources.Item[sms.ProtectConfiguration], accountDefault string) wire.ProtectConfigurationInformation {
	return wire.ProtectConfigurationInformation{
		ProtectConfigurationArn: c.arn(sms.TypeProtectConfiguration, item.ID), ProtectConfigurationId: item.ID, CreatedTimestamp: item.Created,
		AccountDefault: item.ID == accountDefault, DeletionProtectionEnabled: item.Value.DeletionProtection,
	}
}

// settings are the account's as they will be.
func settings(tx *resources.Tx) sms.Settings {
	if item := tx.Settings.Get(sms.SettingsID); item != nil {
		return item.Value
	}
	return sms.Settings{}
}

func (a *API) describeProtectConfigurations(_ context.Context, c *Call, in *wire.DescribeProtectConfigurationsRequest) (*wire.DescribeProtectConfigurationsResult, error) {
	found, err := findAll(c, c.Account.Protect, sms.TypeProtectConfiguration, in.ProtectConfigurationIds, "ProtectConfigurationIds")
	if err != nil {
		return nil, err
	}
	filters := make([]filter, len(in.Filters))
	for i, f := range in.Filters {
		filters[i] = filter{name: f.Name, values: f.Values}
	}
	accountDefault := c.Account.Settings().DefaultProtectConfiguration
	if found, err = matchFilters(found, filters, attributes[*resources.Item[sms.ProtectConfiguration]]{
		"account-default":             boolAttribute(func(p *resources.Item[sms.ProtectConfiguration]) bool { return p.ID == accountDefault }),
		"deletion-protection-enabled": boolAttribute(func(p *resources.Item[sms.ProtectConfiguration]) bool { return p.Value.DeletionProtection }),
	}); err != nil {
		return nil, err
	}
	scope := *in
	scope.MaxResults, scope.NextToken = nil, nil
	found, next, err := page(c, found, inOrder, in.MaxResults, in.NextToken, &scope)
	if err != nil {
		return nil, err
	}
	out := &wire.DescribeProtectConfigurationsResult{ProtectConfigurations: make([]wire.ProtectConfigurationInformation, len(found)), NextToken: next}
	for i, p := range found {
		out.ProtectConfigurations[i] = protectInformation(c, p, accountDefault)
	}
	return out, nil
}

// changeProtectConfiguration runs change on the protect configuration that a request
// names and stores it. It gives what is stored, and the account's default.
func (a *API) changeProtectConfiguration(ctx context.Context, c *Call, idOrARN string, change func(*sms.ProtectConfiguration)) (changed *resources.Item[sms.ProtectConfiguration], accountDefault string, err error) {
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		item, err := find(c, tx.Protect, sms.TypeProtectConfiguration, idOrARN, "ProtectConfigurationId")
		if err != nil {
			return err
		}
		p := item.Value
		change(&p)
		changed, accountDefault = tx.Protect.Put(item.ID, p), settings(tx).DefaultProtectConfiguration
		return nil
	})
	return changed, accountDefault, err
}

func (a *API) updateProtectConfiguration(ctx context.Context, c *Call, in *wire.UpdateProtectConfigurationRequest) (*wire.UpdateProtectConfigurationResult, error) {
	changed, accountDefault, err := a.changeProtectConfiguration(ctx, c, in.ProtectConfigurationId, func(p *sms.ProtectConfiguration) {
		if in.DeletionProtectionEnabled != nil {
			p.DeletionProtection = *in.DeletionProtectionEnabled
		}
	})
	if err != nil {
		return nil, err
	}
	p := protectInformation(c, changed, accountDefault)
	return &wire.UpdateProtectConfigurationResult{
		ProtectConfigurationArn: p.ProtectConfigurationArn, ProtectConfigurationId: p.ProtectConfigurationId, CreatedTimestamp: p.CreatedTimestamp,
		AccountDefault: p.AccountDefault, DeletionProtectionEnabled: p.DeletionProtectionEnabled,
	}, nil
}

func (a *API) deleteProtectConfiguration(ctx context.Context, c *Call, in *wire.DeleteProtectConfigurationRequest) (*wire.DeleteProtectConfigurationResult, error) {
	var deleted *resources.Item[sms.ProtectConfiguration]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		if deleted, err = find(c, tx.Protect, sms.TypeProtectConfiguration, in.ProtectConfigurationId, "ProtectConfigurationId"); err != nil {
			return err
		}
		return deleteProtectConfiguration(c, tx, deleted)
	})
	if err != nil {
		return nil, err
	}
	p := protectInformation(c, deleted, "")
	return &wire.DeleteProtectConfigurationResult{
		ProtectConfigurationArn: p.ProtectConfigurationArn, ProtectConfigurationId: p.ProtectConfigurationId, CreatedTimestamp: p.CreatedTimestamp,
		AccountDefault: p.AccountDefault, DeletionProtectionEnabled: p.DeletionProtectionEnabled,
	}, nil
}

// deleteProtectConfiguration removes a protect configuration that nothing uses. Its
// number overrides are left to retention.
//
// Errors: Conflict DELETION_PROTECTION_ENABLED, PROTECT_CONFIGURATION_IS_ACCOUNT_DEFAULT,
// PROTECT_CONFIGURATION_ASSOCIATED_WITH_CONFIGURATION_SET.
func deleteProtectConfiguration(c *Call, tx *resources.Tx, item *resources.Item[sms.ProtectConfiguration]) error {
	conflict := func(reason sms.Reason, format string, args ...any) error {
		return sms.Conflict(reason, sms.TypeProtectConfiguration, item.ID, format, args...)
	}
	switch {
	case item.Value.DeletionProtection:
		return conflict(sms.ReasonDeletionProtectionEnabled, "Protect configuration %s is protected from deletion.", item.ID)
	case settings(tx).DefaultProtectConfiguration == item.ID:
		return conflict(sms.ReasonProtectAccountDefault, "Protect configuration %s is the account's default.", item.ID)
	}
	for _, set := range tx.ConfigurationSets.All() {
		if set.Value.ProtectConfigurationID == item.ID {
			return conflict(sms.ReasonProtectAssociatedWithSet, "Protect configuration %s is associated with configuration set %s.", item.ID, set.ID)
		}
	}
	tx.Protect.Delete(item.ID)
	if item.Value.Overrides {
		dropList(tx, store.ListID(sms.OverrideList(c.AccountID, item.ID)...))
	}
	return nil
}

func (a *API) protectOperations() []operation {
	one := func(c *Call, idOrARN string) []string {
		return []string{namedARN(c, sms.TypeProtectConfiguration, idOrARN)}
	}
	both := func(c *Call, protect, set string) []string {
		return []string{namedARN(c, sms.TypeProtectConfiguration, protect), namedARN(c, sms.TypeConfigurationSet, set)}
	}
	rows := []operation{
		{"CreateProtectConfiguration", handle(a.createProtectConfiguration), "sms-voice:CreateProtectConfiguration",
			on(func(c *Call, _ *wire.CreateProtectConfigurationRequest) []string { return one(c, "*") })},
		{"DescribeProtectConfigurations", handle(a.describeProtectConfigurations), "sms-voice:DescribeProtectConfigurations",
			on(func(c *Call, in *wire.DescribeProtectConfigurationsRequest) []string {
				return namedARNs(c, sms.TypeProtectConfiguration, in.ProtectConfigurationIds)
			})},
		{"UpdateProtectConfiguration", handle(a.updateProtectConfiguration), "sms-voice:UpdateProtectConfiguration",
			on(func(c *Call, in *wire.UpdateProtectConfigurationRequest) []string {
				return one(c, in.ProtectConfigurationId)
			})},
		{"DeleteProtectConfiguration", handle(a.deleteProtectConfiguration), "sms-voice:DeleteProtectConfiguration",
			on(func(c *Call, in *wire.DeleteProtectConfigurationRequest) []string {
				return one(c, in.ProtectConfigurationId)
			})},
		{"GetProtectConfigurationCountryRuleSet", handle(a.getCountryRuleSet), "sms-voice:GetProtectConfigurationCountryRuleSet",
			on(func(c *Call, in *wire.GetProtectConfigurationCountryRuleSetRequest) []string {
				return one(c, in.ProtectConfigurationId)
			})},
		{"UpdateProtectConfigurationCountryRuleSet", handle(a.updateCountryRuleSet), "sms-voice:UpdateProtectConfigurationCountryRuleSet",
			on(func(c *Call, in *wire.UpdateProtectConfigurationCountryRuleSetRequest) []string {
				return one(c, in.ProtectConfigurationId)
			})},
		{"AssociateProtectConfiguration", handle(a.associateProtectConfiguration), "sms-voice:AssociateProtectConfiguration",
			on(func(c *Call, in *wire.AssociateProtectConfigurationRequest) []string {
				return both(c, in.ProtectConfigurationId, in.ConfigurationSetName)
			})},
		{"DisassociateProtectConfiguration", handle(a.disassociateProtectConfiguration), "sms-voice:DisassociateProtectConfiguration",
			on(func(c *Call, in *wire.DisassociateProtectConfigurationRequest) []string {
				return both(c, in.ProtectConfigurationId, in.ConfigurationSetName)
			})},
		{"SetAccountDefaultProtectConfiguration", handle(a.setAccountDefaultProtectConfiguration), "sms-voice:SetAccountDefaultProtectConfiguration",
			on(func(c *Call, in *wire.SetAccountDefaultProtectConfigurationRequest) []string {
				return one(c, in.ProtectConfigurationId)
			})},
		{"DeleteAccountDefaultProtectConfiguration", handle(a.deleteAccountDefaultProtectConfiguration),
			"sms-voice:DeleteAccountDefaultProtectConfiguration", nil},
	}
	if a.lists == nil {
		return rows
	}
	return append(rows,
		operation{"PutProtectConfigurationRuleSetNumberOverride", handle(a.putNumberOverride), "sms-voice:PutProtectConfigurationRuleSetNumberOverride",
			on(func(c *Call, in *wire.PutProtectConfigurationRuleSetNumberOverrideRequest) []string {
				return one(c, in.ProtectConfigurationId)
			})},
		operation{"DeleteProtectConfigurationRuleSetNumberOverride", handle(a.deleteNumberOverride), "sms-voice:DeleteProtectConfigurationRuleSetNumberOverride",
			on(func(c *Call, in *wire.DeleteProtectConfigurationRuleSetNumberOverrideRequest) []string {
				return one(c, in.ProtectConfigurationId)
			})},
		operation{"ListProtectConfigurationRuleSetNumberOverrides", handle(a.listNumberOverrides), "sms-voice:ListProtectConfigurationRuleSetNumberOverrides",
			on(func(c *Call, in *wire.ListProtectConfigurationRuleSetNumberOverridesRequest) []string {
				return one(c, in.ProtectConfigurationId)
			})},
	)
}
