package api

import (
	"context"
	"fmt"

	"heliograph/internal/api/wire"
	"heliograph/internal/numbering"
	"heliograph/internal/optout"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/verification"
)

// typeRCSAgent is the type of resource that verified destination numbers may be tied to;
// no account has any.
const typeRCSAgent sms.ResourceType = "rcs-agent"

// onDefaultList reports whether a number, in E.164, is on the account's Default opt-out
// list.
func (a *API) onDefaultList(ctx context.Context, s *resources.Snapshot, number string) (bool, error) {
	list := s.OptOutLists.Get(sms.DefaultOptOutList)
	if list == nil || a.lists == nil {
		return false, nil
	}
	key, ok := optout.Key(optout.List(s.Account.ID, &list.Value, list.Created), number)
	if !ok {
		return false, nil
	}
	entries, err := a.lists.Entries(ctx, []store.EntryKey{key})
	if err != nil {
		return false, fmt.Errorf("read the opt-out list %s: %w", list.ID, err)
	}
	return optout.OptedOut(entries[0]), nil
}

// createVerifiedDestinationNumber adds a number that is to be verified (guide chapter 3,
// "Verify a destination phone number while in the sandbox").
//
// Errors: those of destinationNumber, ResourceNotFound for an RCS agent, Conflict
// RESOURCE_ALREADY_EXISTS, Validation CANNOT_ADD_OPTED_OUT_NUMBER for a number on the
// Default opt-out list, ServiceQuotaExceeded VERIFIED_DESTINATION_NUMBERS_PER_ACCOUNT.
func (a *API) createVerifiedDestinationNumber(ctx context.Context, c *Call, in *wire.CreateVerifiedDestinationNumberRequest) (*wire.CreateVerifiedDestinationNumberResult, error) {
	tags, err := newTags(in.Tags, a.limitsOf(c.Account).TagsPerResource)
	if err != nil {
		return nil, err
	}
	number, err := destinationNumber(in.DestinationPhoneNumber, "DestinationPhoneNumber")
	if err != nil {
		return nil, err
	}
	if in.RcsAgentId != nil {
		if _, err := resolve(c, typeRCSAgent, *in.RcsAgentId, "RcsAgentId"); err != nil {
			return nil, err
		}
		return nil, sms.NotFound(typeRCSAgent, *in.RcsAgentId)
	}
	optedOut, err := a.onDefaultList(ctx, c.Account, number)
	if err != nil {
		return nil, err
	}
	id, err := a.newID("verified-")
	if err != nil {
		return nil, err
	}
	request := *in
	request.ClientToken = nil
	token := newClientToken(c, in.ClientToken, &request)
	var made *resources.Item[sms.VerifiedNumber]
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		made, err = create(token, tx, sms.TypeVerifiedNumber, tx.VerifiedNumbers, tags, func() (string, error) {
			if there := tx.Snapshot.Verified(number); there != nil {
				return "", sms.Conflict(sms.ReasonResourceAlreadyExists, sms.TypeVerifiedNumber, there.ID, "The number is one of the account's verified destination numbers already.")
			}
			if optedOut {
				return "", sms.Invalid(sms.ReasonCannotAddOptedOutNumber, "DestinationPhoneNumber", "The number is on the opt-out list %s; it takes no messages.", sms.DefaultOptOutList)
			}
			if have, most := tx.VerifiedNumbers.Len(), a.limitsOf(tx.Snapshot).VerifiedDestinationNumbers; have >= most {
				return "", sms.QuotaExceeded(sms.ReasonVerifiedDestinationNumbersPerAccount,
					"The account has %d verified destination numbers; at most %d are allowed.", have, most)
			}
			tx.VerifiedNumbers.Put(id, sms.VerifiedNumber{ID: id, Number: number, Status: sms.VerificationPending})
			return id, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &wire.CreateVerifiedDestinationNumberResult{
		VerifiedDestinationNumberArn: c.arn(sms.TypeVerifiedNumber, made.ID), VerifiedDestinationNumberId: made.ID,
		DestinationPhoneNumber: made.Value.Number, Status: string(made.Value.Status), Tags: wireTags(made.Tags), CreatedTimestamp: made.Created,
	}, nil
}

// destinationNumber reads a number that messages can go to, and gives it in E.164.
//
// Errors: Validation CANNOT_PARSE, DESTINATION_COUNTRY_BLOCKED for a country that is not
// served.
func destinationNumber(given, field string) (string, error) {
	n, err := numbering.Parse(given)
	if err != nil {
		return "", sms.Invalid(sms.ReasonCannotParse, field, "%s cannot be read: %v.", field, err)
	}
	if _, served := numbering.Lookup(n.Country); !served {
		return "", sms.Invalid(sms.ReasonDestinationCountryBlocked, field, "Messages cannot be sent to the country of %s.", field)
	}
	return n.E164, nil
}

var verifiedNumberFilters = attributes[*resources.Item[sms.VerifiedNumber]]{
	"status": enumAttribute(func(n *resources.Item[sms.VerifiedNumber]) []string { return []string{string(n.Value.Status)} },
		wire.VerificationStatusPending, wire.VerificationStatusVerified, wire.VerificationStatusUnsupported),
	"rcs-agent-id": {of: func(*resources.Item[sms.VerifiedNumber]) []string { return nil }},
}

// describeVerifiedDestinationNumbers answers the numbers that are named, by id or by
// themselves, or all.
//
// Errors: Validation PARAMETERS_CANNOT_BE_USED_TOGETHER for both, CANNOT_PARSE;
// ResourceNotFound.
func (a *API) describeVerifiedDestinationNumbers(_ context.Context, c *Call, in *wire.DescribeVerifiedDestinationNumbersRequest) (*wire.DescribeVerifiedDestinationNumbersResult, error) {
	ids, field := in.VerifiedDestinationNumberIds, "VerifiedDestinationNumberIds"
	if len(in.DestinationPhoneNumbers) > 0 {
		if len(ids) > 0 {
			return nil, sms.Invalid(sms.ReasonParametersExclude, "DestinationPhoneNumbers", "DestinationPhoneNumbers cannot be given together with VerifiedDestinationNumberIds.")
		}
		ids = make([]string, len(in.DestinationPhoneNumbers))
		for i, given := range in.DestinationPhoneNumbers {
			number, err := destinationNumber(given, fmt.Sprintf("DestinationPhoneNumbers[%d]", i))
			if err != nil {
				return nil, err
			}
			item := c.Account.Verified(number)
			if item == nil {
				return nil, sms.NotFound(sms.TypeVerifiedNumber, given)
			}
			ids[i] = item.ID
		}
	}
	numbers, err := findAll(c, c.Account.VerifiedNumbers, sms.TypeVerifiedNumber, ids, field)
	if err != nil {
		return nil, err
	}
	filters := make([]filter, len(in.Filters))
	for i, f := range in.Filters {
		filters[i] = filter{name: f.Name, values: f.Values}
	}
	if numbers, err = matchFilters(numbers, filters, verifiedNumberFilters); err != nil {
		return nil, err
	}
	scope := *in
	scope.MaxResults, scope.NextToken = nil, nil
	numbers, next, err := page(c, numbers, inOrder, in.MaxResults, in.NextToken, &scope)
	if err != nil {
		return nil, err
	}
	out := &wire.DescribeVerifiedDestinationNumbersResult{NextToken: next,
		VerifiedDestinationNumbers: make([]wire.VerifiedDestinationNumberInformation, len(numbers))}
	for i, n := range numbers {
		out.VerifiedDestinationNumbers[i] = wire.VerifiedDestinationNumberInformation{
			VerifiedDestinationNumberArn: c.arn(sms.TypeVerifiedNumber, n.ID), VerifiedDestinationNumberId: n.ID,
			DestinationPhoneNumber: n.Value.Number, Status: string(n.Value.Status), CreatedTimestamp: n.Created,
		}
	}
	return out, nil
}

// deleteVerifiedDestinationNumber takes a number away.
//
// Errors: ResourceNotFound, and those of verification.Deletable.
func (a *API) deleteVerifiedDestinationNumber(ctx context.Context, c *Call, in *wire.DeleteVerifiedDestinationNumberRequest) (*wire.DeleteVerifiedDestinationNumberResult, error) {
	var deleted *resources.Item[sms.VerifiedNumber]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		if deleted, err = find(c, tx.VerifiedNumbers, sms.TypeVerifiedNumber, in.VerifiedDestinationNumberId, verifiedNumberID); err != nil {
			return err
		}
		if err := verification.Deletable(deleted.ID, deleted.Created, tx.Now); err != nil {
			return err
		}
		tx.VerifiedNumbers.Delete(deleted.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteVerifiedDestinationNumberResult{
		VerifiedDestinationNumberArn: c.arn(sms.TypeVerifiedNumber, deleted.ID), VerifiedDestinationNumberId: deleted.ID,
		DestinationPhoneNumber: deleted.Value.Number, CreatedTimestamp: deleted.Created,
	}, nil
}

// verifiedNumberID is the member that names a verified destination number.
const verifiedNumberID = "VerifiedDestinationNumberId"

func (a *API) verifiedNumberOperations() []operation {
	one := func(c *Call, idOrARN string) []string { return []string{namedARN(c, sms.TypeVerifiedNumber, idOrARN)} }
	rows := []operation{
		{"CreateVerifiedDestinationNumber", handle(a.createVerifiedDestinationNumber), "sms-voice:CreateVerifiedDestinationNumber",
			on(func(c *Call, _ *wire.CreateVerifiedDestinationNumberRequest) []string { return one(c, "*") })},
		{"DescribeVerifiedDestinationNumbers", handle(a.describeVerifiedDestinationNumbers), "sms-voice:DescribeVerifiedDestinationNumbers",
			on(func(c *Call, in *wire.DescribeVerifiedDestinationNumbersRequest) []string {
				return namedARNs(c, sms.TypeVerifiedNumber, in.VerifiedDestinationNumberIds)
			})},
		{"DeleteVerifiedDestinationNumber", handle(a.deleteVerifiedDestinationNumber), "sms-voice:DeleteVerifiedDestinationNumber",
			on(func(c *Call, in *wire.DeleteVerifiedDestinationNumberRequest) []string {
				return one(c, in.VerifiedDestinationNumberId)
			})},
		{"VerifyDestinationNumber", handle(a.verifyDestinationNumber), "sms-voice:VerifyDestinationNumber",
			on(func(c *Call, in *wire.VerifyDestinationNumberRequest) []string {
				return one(c, in.VerifiedDestinationNumberId)
			})},
	}
	if a.sender == nil {
		return rows
	}
	return append(rows, operation{"SendDestinationNumberVerificationCode", handle(a.sendVerificationCode), "sms-voice:SendDestinationNumberVerificationCode",
		on(verificationCodeResources)})
}
