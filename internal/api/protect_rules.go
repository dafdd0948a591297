package api

import (
	"context"
	"maps"
	"slices"

	"heliograph/internal/api/wire"
	"heliograph/internal/numbering"
	"heliograph/internal/protect"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

type ruleSet = map[string]wire.ProtectConfigurationCountryRuleSetInformation

// getCountryRuleSet answers the rule of every country that is served.
func (a *API) getCountryRuleSet(_ context.Context, c *Call, in *wire.GetProtectConfigurationCountryRuleSetRequest) (*wire.GetProtectConfigurationCountryRuleSetResult, error) {
	item, err := find(c, c.Account.Protect, sms.TypeProtectConfiguration, in.ProtectConfigurationId, "ProtectConfigurationId")
	if err != nil {
		return nil, err
	}
	rules := ruleSet{}
	for _, country := range numbering.Countries() {
		rules[country.ISO2] = wire.ProtectConfigurationCountryRuleSetInformation{
			ProtectStatus: string(protect.Rule(&item.Value, country.ISO2, sms.Capability(in.NumberCapability)))}
	}
	return &wire.GetProtectConfigurationCountryRuleSetResult{
		ProtectConfigurationArn: c.arn(sms.TypeProtectConfiguration, item.ID), ProtectConfigurationId: item.ID,
		NumberCapability: in.NumberCapability, CountryRuleSet: rules,
	}, nil
}

// updateCountryRuleSet answers the rules that it was given.
func (a *API) updateCountryRuleSet(ctx context.Context, c *Call, in *wire.UpdateProtectConfigurationCountryRuleSetRequest) (*wire.UpdateProtectConfigurationCountryRuleSetResult, error) {
	updates := make(map[string]sms.ProtectStatus, len(in.CountryRuleSetUpdates))
	for _, country := range slices.Sorted(maps.Keys(in.CountryRuleSetUpdates)) {
		if _, served := numbering.Lookup(country); !served {
			return nil, sms.Invalid(sms.ReasonCountryNotEnabled, "CountryRuleSetUpdates", "CountryRuleSetUpdates names %s, which is none of the countries that messages can be sent to.", country)
		}
		updates[country] = sms.ProtectStatus(in.CountryRuleSetUpdates[country].ProtectStatus)
	}
	changed, _, err := a.changeProtectConfiguration(ctx, c, in.ProtectConfigurationId, func(p *sms.ProtectConfiguration) {
		p.Rules = protect.Update(p.Rules, sms.Capability(in.NumberCapability), updates)
	})
	if err != nil {
		return nil, err
	}
	return &wire.UpdateProtectConfigurationCountryRuleSetResult{
		ProtectConfigurationArn: c.arn(sms.TypeProtectConfiguration, changed.ID), ProtectConfigurationId: changed.ID,
		NumberCapability: in.NumberCapability, CountryRuleSet: in.CountryRuleSetUpdates,
	}, nil
}

// associateProtectConfiguration puts a protect configuration in the place of the one
// that the configuration set had.
//
// Errors: ResourceNotFound; Conflict RESOURCE_ALREADY_ASSOCIATED.
func (a *API) associateProtectConfiguration(ctx context.Context, c *Call, in *wire.AssociateProtectConfigurationRequest) (*wire.AssociateProtectConfigurationResult, error) {
	id, name, err := a.changeAssociation(ctx, c, in.ProtectConfigurationId, in.ConfigurationSetName, func(id string, set *sms.ConfigurationSet) error {
		if set.ProtectConfigurationID == id {
			return sms.Conflict(sms.ReasonResourceAlreadyAssociated, sms.TypeConfigurationSet, set.Name,
				"Configuration set %s is associated with protect configuration %s already.", set.Name, id)
		}
		set.ProtectConfigurationID = id
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.AssociateProtectConfigurationResult{
		ConfigurationSetArn: c.arn(sms.TypeConfigurationSet, name), ConfigurationSetName: name,
		ProtectConfigurationArn: c.arn(sms.TypeProtectConfiguration, id), ProtectConfigurationId: id,
	}, nil
}

// disassociateProtectConfiguration undoes an association.
//
// Errors: ResourceNotFound; Conflict PROTECT_CONFIGURATION_NOT_ASSOCIATED_WITH_CONFIGURATION_SET.
func (a *API) disassociateProtectConfiguration(ctx context.Context, c *Call, in *wire.DisassociateProtectConfigurationRequest) (*wire.DisassociateProtectConfigurationResult, error) {
	id, name, err := a.changeAssociation(ctx, c, in.ProtectConfigurationId, in.ConfigurationSetName, func(id string, set *sms.ConfigurationSet) error {
		if set.ProtectConfigurationID != id {
			return sms.Conflict(sms.ReasonProtectNotAssociatedWithSet, sms.TypeProtectConfiguration, id,
				"Protect configuration %s is not associated with configuration set %s.", id, set.Name)
		}
		set.ProtectConfigurationID = ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.DisassociateProtectConfigurationResult{
		ConfigurationSetArn: c.arn(sms.TypeConfigurationSet, name), ConfigurationSetName: name,
		ProtectConfigurationArn: c.arn(sms.TypeProtectConfiguration, id), ProtectConfigurationId: id,
	}, nil
}

// changeAssociation runs change on a configuration set and the id of a protect
// configuration. It gives their id and name.
func (a *API) changeAssociation(ctx context.Context, c *Call, configuration, set string, change func(id string, set *sms.ConfigurationSet) error) (id, name string, err error) {
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		p, err := find(c, tx.Protect, sms.TypeProtectConfiguration, configuration, "ProtectConfigurationId")
		if err != nil {
			return err
		}
		item, err := find(c, tx.ConfigurationSets, sms.TypeConfigurationSet, set, "ConfigurationSetName")
		if err != nil {
			return err
		}
		s := item.Value
		if err := change(p.ID, &s); err != nil {
			return err
		}
		tx.ConfigurationSets.Put(item.ID, s)
		id, name = p.ID, item.ID
		return nil
	})
	return id, name, err
}

func (a *API) setAccountDefaultProtectConfiguration(ctx context.Context, c *Call, in *wire.SetAccountDefaultProtectConfigurationRequest) (*wire.SetAccountDefaultProtectConfigurationResult, error) {
	var id string
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		item, err := find(c, tx.Protect, sms.TypeProtectConfiguration, in.ProtectConfigurationId, "ProtectConfigurationId")
		if err != nil {
			return err
		}
		s := settings(tx)
		s.DefaultProtectConfiguration, id = item.ID, item.ID
		tx.Settings.Put(sms.SettingsID, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.SetAccountDefaultProtectConfigurationResult{
		DefaultProtectConfigurationArn: c.arn(sms.TypeProtectConfiguration, id), DefaultProtectConfigurationId: id}, nil
}

// deleteAccountDefaultProtectConfiguration answers the one that was the account's
// default.
//
// Errors: ResourceNotFound where there is none.
func (a *API) deleteAccountDefaultProtectConfiguration(ctx context.Context, c *Call, _ *wire.DeleteAccountDefaultProtectConfigurationRequest) (*wire.DeleteAccountDefaultProtectConfigurationResult, error) {
	var id string
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		s := settings(tx)
		if id = s.DefaultProtectConfiguration; id == "" {
			return &sms.Error{Kind: sms.KindNotFound, ResourceType: sms.TypeProtectConfiguration, ResourceID: "default",
				Message: "The account has no default protect configuration."}
		}
		s.DefaultProtectConfiguration = ""
		tx.Settings.Put(sms.SettingsID, s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteAccountDefaultProtectConfigurationResult{
		DefaultProtectConfigurationArn: c.arn(sms.TypeProtectConfiguration, id), DefaultProtectConfigurationId: id}, nil
}
