package api

import (
	"context"

	"heliograph/internal/api/wire"
)

func (a *API) describeAccountAttributes(_ context.Context, c *Call, in *wire.DescribeAccountAttributesRequest) (*wire.DescribeAccountAttributesResult, error) {
	all := []wire.AccountAttribute{{Name: wire.AccountAttributeNameAccountTier, Value: string(c.Account.Account.Tier)}}
	if id := c.Account.Settings().DefaultProtectConfiguration; id != "" {
		all = append(all, wire.AccountAttribute{Name: wire.AccountAttributeNameDefaultProtectConfigurationID, Value: id})
	}
	attributes, next, err := page(c, all, func(a wire.AccountAttribute) string { return a.Name }, in.MaxResults, in.NextToken,
		&wire.DescribeAccountAttributesRequest{})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeAccountAttributesResult{AccountAttributes: attributes, NextToken: next}, nil
}

// describeAccountLimits answers every limit that the model names, in the order of
// their names. Resources of which the service keeps none yet are used by nobody.
func (a *API) describeAccountLimits(_ context.Context, c *Call, in *wire.DescribeAccountLimitsRequest) (*wire.DescribeAccountLimitsResult, error) {
	limit := func(name string, used, most int) wire.AccountLimit {
		return wire.AccountLimit{Name: name, Used: int64(used), Max: int64(most)}
	}
	s, l := c.Account, a.limitsOf(c.Account)
	all := []wire.AccountLimit{
		limit(wire.AccountLimitNameConfigurationSets, s.ConfigurationSets.Len(), l.ConfigurationSets),
		limit(wire.AccountLimitNameOptOutLists, s.OptOutLists.Len(), l.OptOutLists),
		limit(wire.AccountLimitNamePhoneNumbers, s.PhoneNumbers.Len(), l.PhoneNumbers),
		limit(wire.AccountLimitNamePools, s.Pools.Len(), l.Pools),
		limit(wire.AccountLimitNameRegistrations, 0, l.Registrations),
		limit(wire.AccountLimitNameRegistrationAttachments, 0, l.RegistrationAttachments),
		limit(wire.AccountLimitNameSenderIDs, s.SenderIDs.Len(), l.SenderIDs),
		limit(wire.AccountLimitNameVerifiedDestinationNumbers, s.VerifiedNumbers.Len(), l.VerifiedDestinationNumbers),
	}
	limits, next, err := page(c, all, func(l wire.AccountLimit) string { return l.Name }, in.MaxResults, in.NextToken,
		&wire.DescribeAccountLimitsRequest{})
	if err != nil {
		return nil, err
	}
	return &wire.DescribeAccountLimitsResult{AccountLimits: limits, NextToken: next}, nil
}

func (a *API) accountOperations() []operation {
	return []operation{
		{"DescribeAccountAttributes", handle(a.describeAccountAttributes), "sms-voice:DescribeAccountAttributes", nil},
		{"DescribeAccountLimits", handle(a.describeAccountLimits), "sms-voice:DescribeAccountLimits", nil},
	}
}
