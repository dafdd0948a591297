package api

import (
	"cmp"
	"fmt"
	"slices"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// sharedTypes are the types of resource that their owner can share with other accounts
// by a resource policy (the model's PutResourcePolicy).
var sharedTypes = []sms.ResourceType{sms.TypePhoneNumber, sms.TypeSenderID, sms.TypePool, sms.TypeOptOutList}

// atOwner are the operations that another account can be allowed on what is shared with
// it: they are carried out in the account of its owner. Each has the member that is
// named where a request names resources of several accounts.
//
// Whatever a resource policy says, no other account may do anything else, but for
// sending (senders): what makes, releases and deletes resources, what changes their tags
// and policies.
var atOwner = map[string]string{
	"DescribePhoneNumbers": "PhoneNumberIds", "UpdatePhoneNumber": "OptOutListName",
	"DescribeSenderIds": "SenderIds", "UpdateSenderId": "SenderId",
	"DescribePools": "PoolIds", "UpdatePool": "OptOutListName", "ListPoolOriginationIdentities": "PoolId",
	"AssociateOriginationIdentity": "OriginationIdentity", "DisassociateOriginationIdentity": "OriginationIdentity",
	"DescribeOptOutLists": "OptOutListNames",
	"PutOptedOutNumber":   "OptOutListName", "DescribeOptedOutNumbers": "OptOutListName", "DeleteOptedOutNumber": "OptOutListName",
	"DescribeKeywords": "OriginationIdentity", "PutKeyword": "OriginationIdentity", "DeleteKeyword": "OriginationIdentity",
	"ListTagsForResource": "ResourceArn",
}

// senders send by an identity of another account, in the sender's.
var senders = map[string]bool{"SendTextMessage": true, "SendDestinationNumberVerificationCode": true}

// shared reports whether the call is carried out in an account that is not the caller's.
func (c *Call) shared() bool { return c.caller != "" }

// acting is the call as it is carried out: in the account of what the request names,
// where that is another one's. What the request names has been authorized.
//
// Errors: AccessDenied for an operation that is the owner's alone; Validation
// INVALID_REQUEST for resources of several accounts.
func (s *session) acting(e *endpoint, in any) (*Call, error) {
	c := &s.call
	if s.api.authority == nil || senders[e.name] {
		return c, nil
	}
	accounts, first := named(c, e.resources(c, in))
	if !slices.ContainsFunc(accounts, func(account string) bool { return account != c.AccountID }) {
		return c, nil
	}
	member, can := atOwner[e.name]
	owner := s.api.directory.Account(accounts[0])
	switch {
	case !can || owner == nil:
		return nil, &sms.Error{Kind: sms.KindAccessDenied, Message: fmt.Sprintf(
			"User: %s is not authorized to perform: %s on resource: %s because only its owner can be allowed the %s action", c.Principal, e.action, first, e.action)}
	case len(accounts) > 1:
		return nil, sms.Invalid(sms.ReasonInvalidRequest, member,
			"The request names resources of several accounts; all of them have to be of one, and those of another account are named by their full ARNs.")
	}
	return c.in(owner), nil
}

// in is the call as it is carried out in another account.
func (c *Call) in(owner *resources.Snapshot) *Call {
	at := *c
	at.Account, at.AccountID, at.caller = owner, owner.Account.ID, c.AccountID
	return &at
}

// named are the accounts of ARNs, each once, and the first ARN that is of another one
// than the caller's. What is no ARN of this service here, the operation refuses.
func named(c *Call, arns []string) (accounts []string, other string) {
	for _, arn := range arns {
		a, ok := sms.ParseARN(arn)
		if !ok || a.Partition != c.Partition || a.Region != c.Region {
			continue
		}
		if !slices.Contains(accounts, a.Account) {
			accounts = append(accounts, a.Account)
		}
		if other == "" && a.Account != c.AccountID {
			other = arn
		}
	}
	return accounts, other
}

// othersList is the ARN of an opt-out list of another account that a request gives to a
// phone number or a pool: the list has to be shared with the caller too.
func othersList(c *Call, list *string) []string {
	a, ok := sms.ParseARN(value(list))
	if !ok || a.Account == c.AccountID {
		return nil
	}
	return []string{*list}
}

// lender is the account of the origination identity that a send names by the ARN of
// another account's, which has been authorized; nil where it is the caller's own, or of
// an account that there is not.
func (a *API) lender(c *Call, identity *string) *resources.Snapshot {
	arn, ok := sms.ParseARN(value(identity))
	if !ok || a.authority == nil || arn.Account == c.AccountID {
		return nil
	}
	return a.directory.Account(arn.Account)
}

// ownersMember refuses a member that is the owner's to change.
func (c *Call) ownersMember(field string, given bool) error {
	if !given || !c.shared() {
		return nil
	}
	return sms.Invalid(sms.ReasonInvalidRequest, field, "%s of another account's resource is for its owner to change.", field)
}

// ownersTwoWay refuses what decides where the messages go that come in, and whether the
// resource can be deleted: that is the owner's, whoever may update the rest.
func (c *Call) ownersTwoWay(change twoWayChange, deletionProtection *bool) error {
	for _, m := range []struct {
		field string
		given bool
	}{
		{"TwoWayChannelRole", change.channelRole != nil}, {"TwoWayChannelArn", change.channelARN != nil}, {"TwoWayEnabled", change.enabled != nil},
		{"SelfManagedOptOutsEnabled", change.selfManagedOptOuts != nil}, {"DeletionProtectionEnabled", deletionProtection != nil},
	} {
		if err := c.ownersMember(m.field, m.given); err != nil {
			return err
		}
	}
	return nil
}

// sharedAt says which call an item is of that a Describe operation with the Owner SHARED
// lists. The zero one is for the caller's own.
type sharedAt[T any] map[*resources.Item[T]]*Call

func (s sharedAt[T]) call(c *Call, item *resources.Item[T]) *Call {
	if at := s[item]; at != nil {
		return at
	}
	return c
}

// order is the page key of an item: ids of several accounts may be the same.
func (s sharedAt[T]) order(item *resources.Item[T]) string {
	if at := s[item]; at != nil {
		return inOrder(item) + " " + at.AccountID
	}
	return inOrder(item)
}

// sharedWith lists what other accounts let the caller describe by the resource policies
// of resources of a type, oldest first.
func sharedWith[T any](c *Call, t sms.ResourceType, table func(*resources.Snapshot) *resources.Table[T]) ([]*resources.Item[T], sharedAt[T]) {
	at := sharedAt[T]{}
	if c.session == nil || c.session.api.authority == nil {
		return nil, at
	}
	var items []*resources.Item[T]
	for _, owner := range c.session.api.directory.Accounts() {
		if owner.Account.ID == c.AccountID {
			continue
		}
		var there *Call
		for _, policy := range owner.ResourcePolicies.All() {
			a, ok := sms.ParseARN(policy.Value.ARN)
			if !ok || a.Type != t {
				continue
			}
			item := table(owner).Get(a.ID)
			if item == nil || c.Authorize("sms-voice:"+c.Operation, policy.Value.ARN, nil) != nil {
				continue
			}
			if there == nil {
				there = c.in(owner)
			}
			items = append(items, item)
			at[item] = there
		}
	}
	slices.SortFunc(items, func(x, y *resources.Item[T]) int { return cmp.Compare(at.order(x), at.order(y)) })
	return items, at
}
