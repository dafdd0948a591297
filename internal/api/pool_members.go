package api

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// longestSenderID is the most characters of a sender ID (the model's SenderId).
const longestSenderID = 11

// findIdentity finds the phone number or sender ID that the members
// OriginationIdentity and IsoCountryCode of a request name: an id or ARN, a sender
// ID, or the digits of a number or short code (guide chapter 6, "Add a phone
// number or sender ID to a pool").
//
// Errors: those of resolve; ResourceNotFound; Validation MISSING_PARAMETER where a
// sender ID is held for several countries and none is given, COUNTRY_CODE_MISMATCH
// where the one given is another than the identity's.
func findIdentity(c *Call, s *resources.Snapshot, idOrARN string, country *string) (identity, error) {
	found, err := namedIdentity(c, s, idOrARN, country)
	if err == nil && country != nil && *country != found.country() {
		return identity{}, sms.Invalid(reasonCountryMismatch, "IsoCountryCode",
			"IsoCountryCode is %s, and OriginationIdentity is of %s.", *country, found.country())
	}
	return found, err
}

func namedIdentity(c *Call, s *resources.Snapshot, idOrARN string, country *string) (identity, error) {
	const field = "OriginationIdentity"
	if sms.IsARN(idOrARN) {
		if a, ok := sms.ParseARN(idOrARN); ok && a.Type == sms.TypeSenderID {
			item, err := find(c, s.SenderIDs, sms.TypeSenderID, idOrARN, field)
			return identity{sender: item}, err
		}
		item, err := find(c, s.PhoneNumbers, sms.TypePhoneNumber, idOrARN, field)
		return identity{number: item}, err
	}
	if c.shared() {
		_, err := resolve(c, sms.TypePhoneNumber, idOrARN, field)
		return identity{}, err
	}
	senders := s.SenderIDsNamed(idOrARN)
	if country != nil {
		senders = slices.DeleteFunc(slices.Clone(senders), func(i *resources.Item[sms.SenderID]) bool { return i.Value.Country != *country })
	}
	switch {
	case len(senders) == 1:
		return identity{sender: senders[0]}, nil
	case len(senders) > 1:
		return identity{}, sms.Invalid(sms.ReasonMissingParameter, "IsoCountryCode",
			"Sender ID %s is held for several countries; IsoCountryCode has to say which.", idOrARN)
	}
	if number := cmp.Or(s.Number("+"+idOrARN), s.Number(idOrARN)); number != nil {
		return identity{number: number}, nil
	}
	if len(idOrARN) <= longestSenderID && !strings.ContainsAny(idOrARN, ":/") {
		return identity{}, sms.NotFound(sms.TypeSenderID, idOrARN)
	}
	item, err := find(c, s.PhoneNumbers, sms.TypePhoneNumber, idOrARN, field)
	return identity{number: item}, err
}

func (a *API) associateOriginationIdentity(ctx context.Context, c *Call, in *wire.AssociateOriginationIdentityRequest) (*wire.AssociateOriginationIdentityResult, error) {
	request := *in
	request.ClientToken = nil
	token := newClientToken(c, in.ClientToken, &request)
	pool, member, err := a.changeMember(ctx, c, token, in.PoolId, in.OriginationIdentity, in.IsoCountryCode,
		func(tx *resources.Tx, pool sms.Pool, member identity) error {
			return joinPool(tx, pool, member, a.limitsOf(c.Account).OriginationIdentitiesPerPool)
		})
	if err != nil {
		return nil, err
	}
	return &wire.AssociateOriginationIdentityResult{
		PoolArn: new(c.arn(sms.TypePool, pool)), PoolId: &pool,
		OriginationIdentityArn: new(c.arn(member.resourceType(), member.id())),
		OriginationIdentity:    new(member.name()), IsoCountryCode: new(member.country()),
	}, nil
}

func (a *API) disassociateOriginationIdentity(ctx context.Context, c *Call, in *wire.DisassociateOriginationIdentityRequest) (*wire.DisassociateOriginationIdentityResult, error) {
	request := *in
	request.ClientToken = nil
	token := newClientToken(c, in.ClientToken, &request)
	pool, member, err := a.changeMember(ctx, c, token, in.PoolId, in.OriginationIdentity, in.IsoCountryCode,
		func(tx *resources.Tx, pool sms.Pool, member identity) error { return leavePool(tx, pool.ID, member) })
	if err != nil {
		return nil, err
	}
	return &wire.DisassociateOriginationIdentityResult{
		PoolArn: new(c.arn(sms.TypePool, pool)), PoolId: &pool,
		OriginationIdentityArn: new(c.arn(member.resourceType(), member.id())),
		OriginationIdentity:    new(member.name()), IsoCountryCode: new(member.country()),
	}, nil
}

// changeMember finds a pool and an identity and makes a change to their
// membership, unless an earlier request with the same ClientToken made it.
func (a *API) changeMember(ctx context.Context, c *Call, token clientToken, poolIDOrARN, identityIDOrARN string, country *string,
	change func(*resources.Tx, sms.Pool, identity) error) (poolID string, member identity, err error) {
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		pool, err := find(c, tx.Pools, sms.TypePool, poolIDOrARN, "PoolId")
		if err != nil {
			return err
		}
		poolID = pool.ID
		if member, err = findIdentity(c, tx.Snapshot, identityIDOrARN, country); err != nil {
			return err
		}
		earlier, err := token.resource(tx, sms.TypePool)
		if err != nil || earlier != "" {
			return err
		}
		token.remember(tx, poolID)
		return change(tx, pool.Value, member)
	})
	return poolID, member, err
}

// poolMember is a member of a pool as ListPoolOriginationIdentities answers it.
type poolMember struct {
	key  string // of the page
	wire wire.OriginationIdentityMetadata
}

var poolMemberFilters = attributes[poolMember]{
	"iso-country-code": textAttribute(func(m poolMember) string { return m.wire.IsoCountryCode }),
	"number-capability": enumAttribute(func(m poolMember) []string { return m.wire.NumberCapabilities },
		wire.NumberCapabilitySMS, wire.NumberCapabilityVoice, wire.NumberCapabilityMMS, wire.NumberCapabilityRCS),
}

func (a *API) listPoolOriginationIdentities(_ context.Context, c *Call, in *wire.ListPoolOriginationIdentitiesRequest) (*wire.ListPoolOriginationIdentitiesResult, error) {
	pool, err := find(c, c.Account.Pools, sms.TypePool, in.PoolId, "PoolId")
	if err != nil {
		return nil, err
	}
	filters := make([]filter, len(in.Filters))
	for i, f := range in.Filters {
		filters[i] = filter{name: f.Name, values: f.Values}
	}
	members, err := matchFilters(membersOf(c, pool.ID), filters, poolMemberFilters)
	if err != nil {
		return nil, err
	}
	scope := *in
	scope.MaxResults, scope.NextToken = nil, nil
	members, next, err := page(c, members, func(m poolMember) string { return m.key }, in.MaxResults, in.NextToken, &scope)
	if err != nil {
		return nil, err
	}
	out := &wire.ListPoolOriginationIdentitiesResult{
		PoolArn: new(c.arn(sms.TypePool, pool.ID)), PoolId: &pool.ID, NextToken: next,
		OriginationIdentities: make([]wire.OriginationIdentityMetadata, len(members)),
	}
	for i, m := range members {
		out.OriginationIdentities[i] = m.wire
	}
	return out, nil
}

// membersOf lists the members of a pool by the age of the identity.
func membersOf(c *Call, pool string) []poolMember {
	var members []poolMember
	for _, item := range c.Account.PoolNumbers(pool) {
		n := item.Value
		members = append(members, poolMember{key: inOrder(item), wire: wire.OriginationIdentityMetadata{
			OriginationIdentityArn: c.arn(sms.TypePhoneNumber, n.ID), OriginationIdentity: n.ID, IsoCountryCode: n.Country,
			NumberCapabilities: texts(n.Capabilities), PhoneNumber: &n.Number,
		}})
	}
	for _, item := range c.Account.PoolSenderIDs(pool) {
		s := item.Value
		members = append(members, poolMember{key: inOrder(item), wire: wire.OriginationIdentityMetadata{
			OriginationIdentityArn: c.arn(sms.TypeSenderID, s.Key()), OriginationIdentity: s.SenderID, IsoCountryCode: s.Country,
			NumberCapabilities: []string{wire.NumberCapabilitySMS},
		}})
	}
	slices.SortFunc(members, func(x, y poolMember) int { return cmp.Compare(x.key, y.key) })
	return members
}
