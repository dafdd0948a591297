package api

import (
	"context"

	"heliograph/internal/api/wire"
	"heliograph/internal/optout"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// createOptOutList makes an empty list (guide chapter 11, "Create opt-out list").
//
// Errors: Conflict RESOURCE_ALREADY_EXISTS; ServiceQuotaExceeded
// OPT_OUT_LISTS_PER_ACCOUNT, which the Default list counts against; those of newTags.
func (a *API) createOptOutList(ctx context.Context, c *Call, in *wire.CreateOptOutListRequest) (*wire.CreateOptOutListResult, error) {
	tags, err := newTags(in.Tags, a.limitsOf(c.Account).TagsPerResource)
	if err != nil {
		return nil, err
	}
	request := *in
	request.ClientToken = nil
	token := newClientToken(c, in.ClientToken, &request)
	name := in.OptOutListName
	var made *resources.Item[sms.OptOutList]
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		made, err = create(token, tx, sms.TypeOptOutList, tx.OptOutLists, tags, func() (string, error) {
			if tx.OptOutLists.Get(name) != nil {
				return "", sms.Conflict(sms.ReasonResourceAlreadyExists, sms.TypeOptOutList, name, "There is an opt-out list named %s already.", name)
			}
			if have, most := tx.OptOutLists.Len(), a.limitsOf(c.Account).OptOutLists; have >= most {
				return "", sms.QuotaExceeded(sms.ReasonOptOutListsPerAccount, "The account has %d opt-out lists; at most %d are allowed.", have, most)
			}
			tx.OptOutLists.Put(name, sms.OptOutList{Name: name})
			return name, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &wire.CreateOptOutListResult{
		OptOutListArn: new(c.arn(sms.TypeOptOutList, name)), OptOutListName: &name, Tags: wireTags(made.Tags), CreatedTimestamp: &made.Created,
	}, nil
}

func (a *API) describeOptOutLists(_ context.Context, c *Call, in *wire.DescribeOptOutListsRequest) (*wire.DescribeOptOutListsResult, error) {
	if in.Owner != nil && len(in.OptOutListNames) > 0 {
		return nil, sms.Invalid(sms.ReasonParametersExclude, "Owner", "Owner cannot be given together with OptOutListNames.")
	}
	lists, err := findAll(c, c.Account.OptOutLists, sms.TypeOptOutList, in.OptOutListNames, "OptOutListNames")
	if err != nil {
		return nil, err
	}
	var at sharedAt[sms.OptOutList]
	if value(in.Owner) == wire.OwnerShared {
		lists, at = sharedWith(c, sms.TypeOptOutList, func(s *resources.Snapshot) *resources.Table[sms.OptOutList] { return s.OptOutLists })
	}
	scope := *in
	scope.MaxResults, scope.NextToken = nil, nil
	lists, next, err := page(c, lists, at.order, in.MaxResults, in.NextToken, &scope)
	if err != nil {
		return nil, err
	}
	out := &wire.DescribeOptOutListsResult{OptOutLists: make([]wire.OptOutListInformation, len(lists)), NextToken: next}
	for i, l := range lists {
		out.OptOutLists[i] = wire.OptOutListInformation{OptOutListArn: at.call(c, l).arn(sms.TypeOptOutList, l.ID), OptOutListName: l.ID, CreatedTimestamp: l.Created}
	}
	return out, nil
}

// deleteOptOutList deletes a list with its numbers, which retention removes from the
// store.
//
// Errors: ResourceNotFound; Conflict RESOURCE_DELETION_NOT_ALLOWED for the Default list,
// RESOURCE_NOT_EMPTY for one that a phone number or pool uses.
func (a *API) deleteOptOutList(ctx context.Context, c *Call, in *wire.DeleteOptOutListRequest) (*wire.DeleteOptOutListResult, error) {
	var deleted *resources.Item[sms.OptOutList]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		if deleted, err = find(c, tx.OptOutLists, sms.TypeOptOutList, in.OptOutListName, "OptOutListName"); err != nil {
			return err
		}
		if err := unusedList(tx, deleted.ID); err != nil {
			return err
		}
		tx.OptOutLists.Delete(deleted.ID)
		dropPolicy(tx, sms.TypeOptOutList, deleted.ID)
		dropList(tx, listOf(c, deleted))
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteOptOutListResult{
		OptOutListArn: new(c.arn(sms.TypeOptOutList, deleted.ID)), OptOutListName: &deleted.ID, CreatedTimestamp: &deleted.Created,
	}, nil
}

// unusedList refuses to delete a list that something needs.
func unusedList(tx *resources.Tx, name string) error {
	if name == sms.DefaultOptOutList {
		return sms.Conflict(sms.ReasonResourceDeletionNotAllowed, sms.TypeOptOutList, name, "Every account has the opt-out list %s; it cannot be deleted.", name)
	}
	used := func(t sms.ResourceType, id string) error {
		return sms.Conflict(sms.ReasonResourceNotEmpty, sms.TypeOptOutList, name, "Opt-out list %s is that of %s %s; give that another list first.", name, t, id)
	}
	for _, p := range tx.Pools.All() {
		if p.Value.OptOutList == name {
			return used(sms.TypePool, p.ID)
		}
	}
	for _, n := range tx.PhoneNumbers.All() {
		if n.Value.OptOutList == name {
			return used(sms.TypePhoneNumber, n.ID)
		}
	}
	return nil
}

// listOf is the number of an opt-out list in the store.
func listOf(c *Call, item *resources.Item[sms.OptOutList]) int64 {
	return optout.List(c.AccountID, &item.Value, item.Created)
}

func (a *API) optOutListOperations() []operation {
	one := func(c *Call, nameOrARN string) []string { return []string{namedARN(c, sms.TypeOptOutList, nameOrARN)} }
	rows := []operation{
		{"CreateOptOutList", handle(a.createOptOutList), "sms-voice:CreateOptOutList",
			on(func(c *Call, in *wire.CreateOptOutListRequest) []string { return one(c, in.OptOutListName) })},
		{"DescribeOptOutLists", handle(a.describeOptOutLists), "sms-voice:DescribeOptOutLists",
			on(func(c *Call, in *wire.DescribeOptOutListsRequest) []string {
				return namedARNs(c, sms.TypeOptOutList, in.OptOutListNames)
			})},
		{"DeleteOptOutList", handle(a.deleteOptOutList), "sms-voice:DeleteOptOutList",
			on(func(c *Call, in *wire.DeleteOptOutListRequest) []string { return one(c, in.OptOutListName) })},
	}
	if a.lists == nil || a.committer == nil {
		return rows
	}
	return append(rows,
		operation{"PutOptedOutNumber", handle(a.putOptedOutNumber), "sms-voice:PutOptedOutNumber",
			on(func(c *Call, in *wire.PutOptedOutNumberRequest) []string { return one(c, in.OptOutListName) })},
		operation{"DescribeOptedOutNumbers", handle(a.describeOptedOutNumbers), "sms-voice:DescribeOptedOutNumbers",
			on(func(c *Call, in *wire.DescribeOptedOutNumbersRequest) []string { return one(c, in.OptOutListName) })},
		operation{"DeleteOptedOutNumber", handle(a.deleteOptedOutNumber), "sms-voice:DeleteOptedOutNumber",
			on(func(c *Call, in *wire.DeleteOptedOutNumberRequest) []string { return one(c, in.OptOutListName) })})
}
