package api

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"heliograph/internal/api/wire"
	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func (a *API) senderIDOperations() []operation {
	return []operation{
		{"RequestSenderId", handle(a.requestSenderID), "sms-voice:RequestSenderId", on(func(c *Call, in *wire.RequestSenderIdRequest) []string {
			return senderIDARNs(c, wire.SenderIdAndCountry{SenderId: in.SenderId, IsoCountryCode: in.IsoCountryCode})
		})},
		{"DescribeSenderIds", handle(a.describeSenderIDs), "sms-voice:DescribeSenderIds", on(func(c *Call, in *wire.DescribeSenderIdsRequest) []string {
			return senderIDARNs(c, in.SenderIds...)
		})},
		{"UpdateSenderId", handle(a.updateSenderID), "sms-voice:UpdateSenderId", on(func(c *Call, in *wire.UpdateSenderIdRequest) []string {
			return senderIDARNs(c, wire.SenderIdAndCountry{SenderId: in.SenderId, IsoCountryCode: in.IsoCountryCode})
		})},
		{"ReleaseSenderId", handle(a.releaseSenderID), "sms-voice:ReleaseSenderId", on(func(c *Call, in *wire.ReleaseSenderIdRequest) []string {
			return senderIDARNs(c, wire.SenderIdAndCountry{SenderId: in.SenderId, IsoCountryCode: in.IsoCountryCode})
		})},
	}
}

// senderIDPrice is what a sender ID costs a month in USD: nothing (guide chapter 8).
const senderIDPrice = "0.00"

// requestSenderID makes a sender ID the account's (guide chapter 8, "Manage sender
// IDs"). Where MessageTypes is not given it serves both.
//
// Errors: those of checkRequestedSenderID; Conflict RESOURCE_ALREADY_EXISTS;
// ServiceQuotaExceeded SENDER_IDS_PER_ACCOUNT.
func (a *API) requestSenderID(ctx context.Context, c *Call, in *wire.RequestSenderIdRequest) (*wire.RequestSenderIdResult, error) {
	tags, err := newTags(in.Tags, a.limitsOf(c.Account).TagsPerResource)
	if err != nil {
		return nil, err
	}
	wanted := sms.SenderID{
		SenderID: in.SenderId, Country: in.IsoCountryCode, MessageTypes: requestedTypes(in.MessageTypes),
		MonthlyLeasingPrice: senderIDPrice, DeletionProtection: value(in.DeletionProtectionEnabled),
	}
	request := *in
	request.ClientToken = nil
	token := newClientToken(c, in.ClientToken, &request)
	var made *resources.Item[sms.SenderID]
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		made, err = create(token, tx, sms.TypeSenderID, tx.SenderIDs, tags, func() (string, error) {
			s, err := atCarrier(tx, wanted)
			if err != nil {
				return "", err
			}
			if tx.SenderIDs.Get(s.Key()) != nil {
				return "", sms.Conflict(sms.ReasonResourceAlreadyExists, sms.TypeSenderID, s.Key(), "The account has sender ID %s for %s already.", s.SenderID, s.Country)
			}
			if have := tx.SenderIDs.Len(); have >= a.limitsOf(c.Account).SenderIDs {
				return "", sms.QuotaExceeded(sms.ReasonSenderIDsPerAccount, "The account has %d sender IDs; at most %d are allowed.", have, a.limitsOf(c.Account).SenderIDs)
			}
			tx.SenderIDs.Put(s.Key(), s)
			return s.Key(), nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	s := senderIDInformation(c, made)
	out := &wire.RequestSenderIdResult{
		SenderIdArn: s.SenderIdArn, SenderId: s.SenderId, IsoCountryCode: s.IsoCountryCode, MessageTypes: s.MessageTypes,
		MonthlyLeasingPrice: s.MonthlyLeasingPrice, DeletionProtectionEnabled: s.DeletionProtectionEnabled, Registered: s.Registered,
	}
	if len(made.Tags) > 0 {
		out.Tags = wireTags(made.Tags)
	}
	return out, nil
}

// requestedTypes are the message types that a sender ID is asked for, each once.
func requestedTypes(given []string) []sms.MessageType {
	var types []sms.MessageType
	for _, t := range given {
		if t := sms.MessageType(t); !slices.Contains(types, t) {
			types = append(types, t)
		}
	}
	if len(types) == 0 {
		types = []sms.MessageType{sms.Transactional, sms.Promotional}
	}
	return types
}

// atCarrier checks a sender ID that is asked for and gives it its carrier. One that
// the operator has registered at a carrier is registered, whatever its country asks
// for; any other takes the country's default route.
//
// Errors: Validation INVALID_PARAMETER for its form, SENDER_ID_NOT_SUPPORTED,
// SENDER_ID_REQUIRES_REGISTRATION.
func atCarrier(tx *resources.Tx, s sms.SenderID) (sms.SenderID, error) {
	promotional := !slices.Contains(s.MessageTypes, sms.Transactional)
	check := numbering.CheckSenderIDRequest
	stock := tx.InventorySenderIDs.Get(s.Key())
	if stock != nil {
		check = numbering.CheckSenderID
	}
	var refused *numbering.SenderIDError
	if err := check(s.SenderID, s.Country, promotional); errors.As(err, &refused) {
		return s, refusedSenderID(refused)
	} else if err != nil {
		return s, fmt.Errorf("check sender ID: %w", err)
	}
	s.PartsPerSecond = numbering.DefaultPartsPerSecond(sms.IdentitySenderID, "", s.Country)
	if stock != nil {
		s.Registered, s.Carrier = true, stock.Value.Carrier
		if stock.Value.PartsPerSecond > 0 {
			s.PartsPerSecond = stock.Value.PartsPerSecond
		}
	}
	return s, nil
}

func refusedSenderID(e *numbering.SenderIDError) error {
	switch e.Reason {
	case numbering.SenderIDRegistrationRequired:
		return sms.Invalid(sms.ReasonSenderIDRequiresRegistration, "IsoCountryCode", "Sender ID %s for %s: %s.", e.SenderID, e.Country, e.Text)
	case numbering.SenderIDNotSupported, numbering.SenderIDCountryNotServed:
		return sms.Invalid(sms.ReasonSenderIDNotSupported, "IsoCountryCode", "Sender ID %s for %s: %s.", e.SenderID, e.Country, e.Text)
	}
	return sms.Invalid(sms.ReasonInvalidParameter, "SenderId", "Sender ID %s for %s: %s.", e.SenderID, e.Country, e.Text)
}

func (a *API) describeSenderIDs(_ context.Context, c *Call, in *wire.DescribeSenderIdsRequest) (*wire.DescribeSenderIdsResult, error) {
	if in.Owner != nil && len(in.SenderIds) > 0 {
		return nil, sms.Invalid(sms.ReasonParametersExclude, "Owner", "Owner cannot be given together with SenderIds.")
	}
	senders, err := namedSenderIDs(c, in.SenderIds)
	if err != nil {
		return nil, err
	}
	var at sharedAt[sms.SenderID]
	if value(in.Owner) == wire.OwnerShared {
		senders, at = sharedWith(c, sms.TypeSenderID, func(s *resources.Snapshot) *resources.Table[sms.SenderID] { return s.SenderIDs })
	}
	filters := make([]filter, len(in.Filters))
	for i, f := range in.Filters {
		filters[i] = filter{name: f.Name, values: f.Values}
	}
	if senders, err = matchFilters(senders, filters, senderIDFilters); err != nil {
		return nil, err
	}
	scope := *in
	scope.MaxResults, scope.NextToken = nil, nil
	senders, next, err := page(c, senders, at.order, in.MaxResults, in.NextToken, &scope)
	if err != nil {
		return nil, err
	}
	out := &wire.DescribeSenderIdsResult{SenderIds: make([]wire.SenderIdInformation, len(senders)), NextToken: next}
	for i, s := range senders {
		out.SenderIds[i] = senderIDInformation(at.call(c, s), s)
	}
	return out, nil
}

// namedSenderIDs are the sender IDs that a request names, each once, or all of them
// where it names none, oldest first.
func namedSenderIDs(c *Call, ids []wire.SenderIdAndCountry) ([]*resources.Item[sms.SenderID], error) {
	if len(ids) == 0 {
		return c.Account.SenderIDs.All(), nil
	}
	named := make(map[string]bool, len(ids))
	for i, id := range ids {
		at := fmt.Sprintf("SenderIds[%d].", i)
		item, err := findSenderID(c, c.Account.SenderIDs, id.SenderId, id.IsoCountryCode, at)
		if err != nil {
			return nil, err
		}
		named[item.ID] = true
	}
	var found []*resources.Item[sms.SenderID]
	for _, item := range c.Account.SenderIDs.All() {
		if named[item.ID] {
			found = append(found, item)
		}
	}
	return found, nil
}

// findSenderID gets the sender ID that a request names beside its country; at is
// the way to the two members.
func findSenderID(c *Call, table getter[sms.SenderID], senderIDOrARN, country, at string) (*resources.Item[sms.SenderID], error) {
	key, err := resolveSenderID(c, senderIDOrARN, country, at+"SenderId", at+"IsoCountryCode")
	if err != nil {
		return nil, err
	}
	item := table.Get(key)
	if item == nil {
		return nil, sms.NotFound(sms.TypeSenderID, key)
	}
	return item, nil
}

func (a *API) updateSenderID(ctx context.Context, c *Call, in *wire.UpdateSenderIdRequest) (*wire.UpdateSenderIdResult, error) {
	var changed *resources.Item[sms.SenderID]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		if changed, err = findSenderID(c, tx.SenderIDs, in.SenderId, in.IsoCountryCode, ""); err != nil || in.DeletionProtectionEnabled == nil {
			return err
		}
		s := changed.Value
		s.DeletionProtection = *in.DeletionProtectionEnabled
		changed = tx.SenderIDs.Put(s.Key(), s)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := senderIDInformation(c, changed)
	return &wire.UpdateSenderIdResult{
		SenderIdArn: s.SenderIdArn, SenderId: s.SenderId, IsoCountryCode: s.IsoCountryCode, MessageTypes: s.MessageTypes,
		MonthlyLeasingPrice: s.MonthlyLeasingPrice, DeletionProtectionEnabled: s.DeletionProtectionEnabled,
		Registered: s.Registered, RegistrationId: s.RegistrationId,
	}, nil
}

// releaseSenderID gives a sender ID back.
//
// Errors: Conflict DELETION_PROTECTION_ENABLED, SENDER_ID_ASSOCIATED_TO_POOL.
func (a *API) releaseSenderID(ctx context.Context, c *Call, in *wire.ReleaseSenderIdRequest) (*wire.ReleaseSenderIdResult, error) {
	var released *resources.Item[sms.SenderID]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		if released, err = findSenderID(c, tx.SenderIDs, in.SenderId, in.IsoCountryCode, ""); err != nil {
			return err
		}
		s := released.Value
		switch {
		case s.DeletionProtection:
			return sms.Conflict(sms.ReasonDeletionProtectionEnabled, sms.TypeSenderID, s.Key(), "Sender ID %s for %s is protected from deletion.", s.SenderID, s.Country)
		case len(s.PoolIDs) > 0:
			return sms.Conflict(sms.ReasonSenderIDAssociatedToPool, sms.TypeSenderID, s.Key(), "Sender ID %s for %s is associated with pool %s.", s.SenderID, s.Country, s.PoolIDs[0])
		}
		tx.SenderIDs.Delete(released.ID)
		dropPolicy(tx, sms.TypeSenderID, released.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	s := senderIDInformation(c, released)
	return &wire.ReleaseSenderIdResult{
		SenderIdArn: s.SenderIdArn, SenderId: s.SenderId, IsoCountryCode: s.IsoCountryCode, MessageTypes: s.MessageTypes,
		MonthlyLeasingPrice: s.MonthlyLeasingPrice, Registered: s.Registered, RegistrationId: s.RegistrationId,
	}, nil
}

func senderIDInformation(c *Call, item *resources.Item[sms.SenderID]) wire.SenderIdInformation {
	s := item.Value
	return wire.SenderIdInformation{
		SenderIdArn: c.arn(sms.TypeSenderID, s.Key()), SenderId: s.SenderID, IsoCountryCode: s.Country, MessageTypes: texts(s.MessageTypes),
		MonthlyLeasingPrice: s.MonthlyLeasingPrice, DeletionProtectionEnabled: s.DeletionProtection,
		Registered: s.Registered, RegistrationId: optional(s.RegistrationID),
	}
}

var senderIDFilters = attributes[*resources.Item[sms.SenderID]]{
	"sender-id":        textAttribute(func(s *resources.Item[sms.SenderID]) string { return s.Value.SenderID }),
	"iso-country-code": textAttribute(func(s *resources.Item[sms.SenderID]) string { return s.Value.Country }),
	"message-type": enumAttribute(func(s *resources.Item[sms.SenderID]) []string { return texts(s.Value.MessageTypes) },
		wire.MessageTypeTransactional, wire.MessageTypePromotional),
	"deletion-protection-enabled": boolAttribute(func(s *resources.Item[sms.SenderID]) bool { return s.Value.DeletionProtection }),
	"registered":                  boolAttribute(func(s *resources.Item[sms.SenderID]) bool { return s.Value.Registered }),
}
