package api

import (
	"context"

	"heliograph/internal/api/wire"
	"heliograph/internal/inventory"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func (a *API) phoneNumberOperations() []operation {
	return []operation{
		{"RequestPhoneNumber", handle(a.requestPhoneNumber), "sms-voice:RequestPhoneNumber", on(func(c *Call, in *wire.RequestPhoneNumberRequest) []string {
			arns := []string{c.arn(sms.TypePhoneNumber, "*")}
			if value(in.PoolId) != "" {
				arns = append(arns, namedARN(c, sms.TypePool, *in.PoolId))
			}
			return arns
		})},
		{"DescribePhoneNumbers", handle(a.describePhoneNumbers), "sms-voice:DescribePhoneNumbers", on(func(c *Call, in *wire.DescribePhoneNumbersRequest) []string {
			return namedARNs(c, sms.TypePhoneNumber, in.PhoneNumberIds)
		})},
		{"UpdatePhoneNumber", handle(a.updatePhoneNumber), "sms-voice:UpdatePhoneNumber", on(func(c *Call, in *wire.UpdatePhoneNumberRequest) []string {
			return append(othersList(c, in.OptOutListName), namedARN(c, sms.TypePhoneNumber, in.PhoneNumberId))
		})},
		{"ReleasePhoneNumber", handle(a.releasePhoneNumber), "sms-voice:ReleasePhoneNumber", on(func(c *Call, in *wire.ReleasePhoneNumberRequest) []string {
			return []string{namedARN(c, sms.TypePhoneNumber, in.PhoneNumberId)}
		})},
	}
}

// requestPhoneNumber leases a number (guide chapter 7, "Request a phone number").
//
// Errors: those of requestedNumber and leaseNumber.
func (a *API) requestPhoneNumber(ctx context.Context, c *Call, in *wire.RequestPhoneNumberRequest) (*wire.RequestPhoneNumberResult, error) {
	wanted, err := requestedNumber(in)
	if err != nil {
		return nil, err
	}
	tags, err := newTags(in.Tags, a.limitsOf(c.Account).TagsPerResource)
	if err != nil {
		return nil, err
	}
	id, err := a.newID("phone-")
	if err != nil {
		return nil, err
	}
	request := *in
	request.ClientToken = nil
	token := newClientToken(c, in.ClientToken, &request)
	var made *resources.Item[sms.PhoneNumber]
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		made, err = create(token, tx, sms.TypePhoneNumber, tx.PhoneNumbers, tags, func() (string, error) {
			if err := a.leaseNumber(c, tx, id, wanted, in); err != nil {
				return "", err
			}
			return id, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	n := numberInformation(c, made)
	out := &wire.RequestPhoneNumberResult{
		PhoneNumberArn: &n.PhoneNumberArn, PhoneNumberId: n.PhoneNumberId, PhoneNumber: &n.PhoneNumber, Status: &n.Status,
		IsoCountryCode: &n.IsoCountryCode, MessageType: &n.MessageType, NumberCapabilities: n.NumberCapabilities,
		NumberType: &n.NumberType, MonthlyLeasingPrice: &n.MonthlyLeasingPrice,
		TwoWayEnabled: n.TwoWayEnabled, TwoWayChannelArn: n.TwoWayChannelArn, TwoWayChannelRole: n.TwoWayChannelRole,
		SelfManagedOptOutsEnabled: n.SelfManagedOptOutsEnabled, OptOutListName: &n.OptOutListName,
		InternationalSendingEnabled: n.InternationalSendingEnabled, DeletionProtectionEnabled: n.DeletionProtectionEnabled,
		PoolId: n.PoolId, RegistrationId: n.RegistrationId, CreatedTimestamp: &n.CreatedTimestamp,
	}
	if len(made.Tags) > 0 {
		out.Tags = wireTags(made.Tags)
	}
	return out, nil
}

// leaseNumber finds a number as wanted and leases it with the settings of the
// request. A number that is requested into a pool starts with the pool's settings.
//
// Errors: ResourceNotFound for an opt-out list, pool or registration that is not
// there, and for phone numbers when none is left; ServiceQuotaExceeded
// PHONE_NUMBERS_PER_ACCOUNT; those of joinPool.
func (a *API) leaseNumber(c *Call, tx *resources.Tx, id string, wanted inventory.Wanted, in *wire.RequestPhoneNumberRequest) error {
	var pool *resources.Item[sms.Pool]
	var err error
	if in.RegistrationId != nil {
		return a.noRegistration(c, *in.RegistrationId)
	}
	if value(in.PoolId) != "" {
		if pool, err = find(c, tx.Pools, sms.TypePool, *in.PoolId, "PoolId"); err != nil {
			return err
		}
	}
	list := ""
	if in.OptOutListName != nil {
		item, err := find(c, tx.OptOutLists, sms.TypeOptOutList, *in.OptOutListName, "OptOutListName")
		if err != nil {
			return err
		}
		list = item.ID
	}
	if have := tx.PhoneNumbers.Len(); have >= a.limitsOf(c.Account).PhoneNumbers {
		return sms.QuotaExceeded(sms.ReasonPhoneNumbersPerAccount, "The account has %d phone numbers; at most %d are allowed.", have, a.limitsOf(c.Account).PhoneNumbers)
	}
	stock, err := a.stock(tx, wanted)
	if err != nil {
		return err
	}
	n := inventory.Lease(tx, stock, inventory.Terms{ID: id, Account: c.AccountID,
		MessageType: sms.MessageType(in.MessageType), Capabilities: wanted.Capabilities})
	n.InternationalSending, n.DeletionProtection = value(in.InternationalSendingEnabled), value(in.DeletionProtectionEnabled)
	if pool != nil {
		n = withPoolSettings(n, pool.Value)
	}
	if list != "" {
		n.OptOutList = list
	}
	item := tx.PhoneNumbers.Put(id, n)
	if pool == nil {
		return nil
	}
	putKeywords(tx, id, ownKeywords(tx.Keywords, pool.ID))
	return joinPool(tx, pool.Value, identity{number: item}, a.limitsOf(c.Account).OriginationIdentitiesPerPool)
}

// noRegistration answers a request that names a registration: no account has any.
func (a *API) noRegistration(c *Call, idOrARN string) error {
	if _, err := resolve(c, sms.TypeRegistration, idOrARN, "RegistrationId"); err != nil {
		return err
	}
	return sms.NotFound(sms.TypeRegistration, idOrARN)
}

func (a *API) describePhoneNumbers(_ context.Context, c *Call, in *wire.DescribePhoneNumbersRequest) (*wire.DescribePhoneNumbersResult, error) {
	if in.Owner != nil && len(in.PhoneNumberIds) > 0 {
		return nil, sms.Invalid(sms.ReasonParametersExclude, "Owner", "Owner cannot be given together with PhoneNumberIds.")
	}
	numbers, err := findAll(c, c.Account.PhoneNumbers, sms.TypePhoneNumber, in.PhoneNumberIds, "PhoneNumberIds")
	if err != nil {
		return nil, err
	}
	var at sharedAt[sms.PhoneNumber]
	if value(in.Owner) == wire.OwnerShared {
		numbers, at = sharedWith(c, sms.TypePhoneNumber, func(s *resources.Snapshot) *resources.Table[sms.PhoneNumber] { return s.PhoneNumbers })
	}
	filters := make([]filter, len(in.Filters))
	for i, f := range in.Filters {
		filters[i] = filter{name: f.Name, values: f.Values}
	}
	if numbers, err = matchFilters(numbers, filters, numberFilters); err != nil {
		return nil, err
	}
	scope := *in
	scope.MaxResults, scope.NextToken = nil, nil
	numbers, next, err := page(c, numbers, at.order, in.MaxResults, in.NextToken, &scope)
	if err != nil {
		return nil, err
	}
	out := &wire.DescribePhoneNumbersResult{PhoneNumbers: make([]wire.PhoneNumberInformation, len(numbers)), NextToken: next}
	for i, n := range numbers {
		out.PhoneNumbers[i] = numberInformation(at.call(c, n), n)
	}
	return out, nil
}

// updatePhoneNumber changes the settings that are given (guide chapter 7, "Modify
// phone number capabilities"). A number in a pool is changed at the pool.
//
// Errors: those of updatedNumber; Conflict PHONE_NUMBER_ASSOCIATED_TO_POOL.
func (a *API) updatePhoneNumber(ctx context.Context, c *Call, in *wire.UpdatePhoneNumberRequest) (*wire.UpdatePhoneNumberResult, error) {
	var changed *resources.Item[sms.PhoneNumber]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		item, err := find(c, tx.PhoneNumbers, sms.TypePhoneNumber, in.PhoneNumberId, "PhoneNumberId")
		if err != nil {
			return err
		}
		if err := outsidePools(item.Value); err != nil {
			return err
		}
		n, err := updatedNumber(c, tx, item.Value, in)
		if err != nil {
			return err
		}
		if in.TwoWayChannelRole != nil {
			if err := a.passNumberRole(c, &n); err != nil {
				return err
			}
		}
		changed = tx.PhoneNumbers.Put(n.ID, n)
		return nil
	})
	if err != nil {
		return nil, err
	}
	n := numberInformation(c, changed)
	return &wire.UpdatePhoneNumberResult{
		PhoneNumberArn: &n.PhoneNumberArn, PhoneNumberId: n.PhoneNumberId, PhoneNumber: &n.PhoneNumber, Status: &n.Status,
		IsoCountryCode: &n.IsoCountryCode, MessageType: &n.MessageType, NumberCapabilities: n.NumberCapabilities,
		NumberType: &n.NumberType, MonthlyLeasingPrice: &n.MonthlyLeasingPrice,
		TwoWayEnabled: n.TwoWayEnabled, TwoWayChannelArn: n.TwoWayChannelArn, TwoWayChannelRole: n.TwoWayChannelRole,
		SelfManagedOptOutsEnabled: n.SelfManagedOptOutsEnabled, OptOutListName: &n.OptOutListName,
		InternationalSendingEnabled: n.InternationalSendingEnabled, DeletionProtectionEnabled: n.DeletionProtectionEnabled,
		RegistrationId: n.RegistrationId, CreatedTimestamp: &n.CreatedTimestamp,
	}, nil
}

// releasePhoneNumber gives a number back for good.
//
// Errors: those of releasable.
func (a *API) releasePhoneNumber(ctx context.Context, c *Call, in *wire.ReleasePhoneNumberRequest) (*wire.ReleasePhoneNumberResult, error) {
	var released *resources.Item[sms.PhoneNumber]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		if released, err = find(c, tx.PhoneNumbers, sms.TypePhoneNumber, in.PhoneNumberId, "PhoneNumberId"); err != nil {
			return err
		}
		if err := releasable(released.Value); err != nil {
			return err
		}
		inventory.Retire(tx, released.Value.Number)
		tx.PhoneNumbers.Delete(released.ID)
		putKeywords(tx, released.ID, nil)
		dropPolicy(tx, sms.TypePhoneNumber, released.ID)
		dropList(tx, store.ListID(sms.ConversationList(c.AccountID, released.Value.Number)...))
		return nil
	})
	if err != nil {
		return nil, err
	}
	n := numberInformation(c, released)
	return &wire.ReleasePhoneNumberResult{
		PhoneNumberArn: &n.PhoneNumberArn, PhoneNumberId: n.PhoneNumberId, PhoneNumber: &n.PhoneNumber, Status: new(wire.NumberStatusDeleted),
		IsoCountryCode: &n.IsoCountryCode, MessageType: &n.MessageType, NumberCapabilities: n.NumberCapabilities,
		NumberType: &n.NumberType, MonthlyLeasingPrice: &n.MonthlyLeasingPrice,
		TwoWayEnabled: n.TwoWayEnabled, TwoWayChannelArn: n.TwoWayChannelArn, TwoWayChannelRole: n.TwoWayChannelRole,
		SelfManagedOptOutsEnabled: n.SelfManagedOptOutsEnabled, OptOutListName: &n.OptOutListName,
		RegistrationId: n.RegistrationId, CreatedTimestamp: &n.CreatedTimestamp,
	}, nil
}

func numberInformation(c *Call, item *resources.Item[sms.PhoneNumber]) wire.PhoneNumberInformation {
	n := item.Value
	return wire.PhoneNumberInformation{
		PhoneNumberArn: c.arn(sms.TypePhoneNumber, n.ID), PhoneNumberId: &n.ID, PhoneNumber: n.Number, Status: string(n.Status),
		IsoCountryCode: n.Country, MessageType: string(n.MessageType), NumberCapabilities: texts(n.Capabilities),
		NumberType: string(n.Type), MonthlyLeasingPrice: n.MonthlyLeasingPrice,
		TwoWayEnabled: n.TwoWay.Enabled, TwoWayChannelArn: optional(n.TwoWay.ChannelARN), TwoWayChannelRole: optional(n.TwoWay.ChannelRole),
		SelfManagedOptOutsEnabled: n.SelfManagedOptOuts, OptOutListName: n.OptOutList,
		InternationalSendingEnabled: n.InternationalSending, DeletionProtectionEnabled: n.DeletionProtection,
		PoolId: optional(n.PoolID), RegistrationId: optional(n.RegistrationID), CreatedTimestamp: item.Created,
	}
}

var numberFilters = attributes[*resources.Item[sms.PhoneNumber]]{
	"status": enumAttribute(func(n *resources.Item[sms.PhoneNumber]) []string { return []string{string(n.Value.Status)} },
		wire.NumberStatusPending, wire.NumberStatusActive, wire.NumberStatusAssociating, wire.NumberStatusDisassociating, wire.NumberStatusDeleted),
	"iso-country-code": textAttribute(func(n *resources.Item[sms.PhoneNumber]) string { return n.Value.Country }),
	"message-type": enumAttribute(func(n *resources.Item[sms.PhoneNumber]) []string { return []string{string(n.Value.MessageType)} },
		wire.MessageTypeTransactional, wire.MessageTypePromotional),
	"number-capability": enumAttribute(func(n *resources.Item[sms.PhoneNumber]) []string { return texts(n.Value.Capabilities) },
		wire.NumberCapabilitySMS, wire.NumberCapabilityVoice, wire.NumberCapabilityMMS, wire.NumberCapabilityRCS),
	"number-type": enumAttribute(func(n *resources.Item[sms.PhoneNumber]) []string { return []string{string(n.Value.Type)} },
		wire.NumberTypeShortCode, wire.NumberTypeLongCode, wire.NumberTypeTollFree, wire.NumberTypeTenDLC, wire.NumberTypeSimulator),
	"two-way-enabled":               boolAttribute(func(n *resources.Item[sms.PhoneNumber]) bool { return n.Value.TwoWay.Enabled }),
	"self-managed-opt-outs-enabled": boolAttribute(func(n *resources.Item[sms.PhoneNumber]) bool { return n.Value.SelfManagedOptOuts }),
	"opt-out-list-name":             textAttribute(func(n *resources.Item[sms.PhoneNumber]) string { return n.Value.OptOutList }),
	"deletion-protection-enabled":   boolAttribute(func(n *resources.Item[sms.PhoneNumber]) bool { return n.Value.DeletionProtection }),
	"two-way-channel-arn":           textAttribute(func(n *resources.Item[sms.PhoneNumber]) string { return n.Value.TwoWay.ChannelARN }),
}
