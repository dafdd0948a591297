package api

import (
	"context"
	"fmt"

	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func (a *API) createPool(ctx context.Context, c *Call, in *wire.CreatePoolRequest) (*wire.CreatePoolResult, error) {
	tags, err := newTags(in.Tags, a.limitsOf(c.Account).TagsPerResource)
	if err != nil {
		return nil, err
	}
	id, err := a.newID("pool-")
	if err != nil {
		return nil, err
	}
	request := *in
	request.ClientToken = nil
	token := newClientToken(c, in.ClientToken, &request)
	var made *resources.Item[sms.Pool]
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		made, err = create(token, tx, sms.TypePool, tx.Pools, tags, func() (string, error) {
			first, err := findIdentity(c, tx.Snapshot, in.OriginationIdentity, in.IsoCountryCode)
			if err != nil {
				return "", err
			}
			if have := tx.Pools.Len(); have >= a.limitsOf(c.Account).Pools {
				return "", sms.QuotaExceeded(sms.ReasonPoolsPerAccount, "The account has %d pools; at most %d are allowed.", have, a.limitsOf(c.Account).Pools)
			}
			pool, err := foundPool(id, first, sms.MessageType(in.MessageType))
			if err != nil {
				return "", err
			}
			pool.DeletionProtection = value(in.DeletionProtectionEnabled)
			tx.Pools.Put(id, pool)
			if first.number != nil {
				putKeywords(tx, id, ownKeywords(tx.Keywords, first.number.ID))
			}
			return id, joinPool(tx, pool, first, a.limitsOf(c.Account).OriginationIdentitiesPerPool)
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	p := poolInformation(c, made)
	return &wire.CreatePoolResult{
		PoolArn: &p.PoolArn, PoolId: &p.PoolId, Status: &p.Status, MessageType: &p.MessageType,
		TwoWayEnabled: p.TwoWayEnabled, TwoWayChannelArn: p.TwoWayChannelArn, TwoWayChannelRole: p.TwoWayChannelRole,
		SelfManagedOptOutsEnabled: p.SelfManagedOptOutsEnabled, OptOutListName: &p.OptOutListName,
		SharedRoutesEnabled: p.SharedRoutesEnabled, DeletionProtectionEnabled: p.DeletionProtectionEnabled,
		Tags: wireTags(made.Tags), CreatedTimestamp: &p.CreatedTimestamp,
	}, nil
}

var poolFilters = attributes[*resources.Item[sms.Pool]]{
	"status": enumAttribute(func(p *resources.Item[sms.Pool]) []string { return []string{string(p.Value.Status)} },
		wire.PoolStatusCreating, wire.PoolStatusActive, wire.PoolStatusDeleting),
	"message-type": enumAttribute(func(p *resources.Item[sms.Pool]) []string { return []string{string(p.Value.MessageType)} },
		wire.MessageTypeTransactional, wire.MessageTypePromotional),
	"two-way-enabled":               boolAttribute(func(p *resources.Item[sms.Pool]) bool { return p.Value.TwoWay.Enabled }),
	"two-way-channel-arn":           textAttribute(func(p *resources.Item[sms.Pool]) string { return p.Value.TwoWay.ChannelARN }),
	"self-managed-opt-outs-enabled": boolAttribute(func(p *resources.Item[sms.Pool]) bool { return p.Value.SelfManagedOptOuts }),
	"opt-out-list-name":             textAttribute(func(p *resources.Item[sms.Pool]) string { return p.Value.OptOutList }),
	"shared-routes-enabled":         boolAttribute(func(p *resources.Item[sms.Pool]) bool { return p.Value.SharedRoutes }),
	"deletion-protection-enabled":   boolAttribute(func(p *resources.Item[sms.Pool]) bool { return p.Value.DeletionProtection }),
}

func (a *API) describePools(_ context.Context, c *Call, in *wire.DescribePoolsRequest) (*wire.DescribePoolsResult, error) {
	if in.Owner != nil && len(in.PoolIds) > 0 {
		return nil, sms.Invalid(sms.ReasonParametersExclude, "Owner", "Owner cannot be given together with PoolIds.")
	}
	pools, err := findAll(c, c.Account.Pools, sms.TypePool, in.PoolIds, "PoolIds")
	if err != nil {
		return nil, err
	}
	var at sharedAt[sms.Pool]
	if value(in.Owner) == wire.OwnerShared {
		pools, at = sharedWith(c, sms.TypePool, func(s *resources.Snapshot) *resources.Table[sms.Pool] { return s.Pools })
	}
	filters := make([]filter, len(in.Filters))
	for i, f := range in.Filters {
		filters[i] = filter{name: f.Name, values: f.Values}
	}
	if pools, err = matchFilters(pools, filters, poolFilters); err != nil {
		return nil, err
	}
	scope := *in
	scope.MaxResults, scope.NextToken = nil, nil
	pools, next, err := page(c, pools, at.order, in.MaxResults, in.NextToken, &scope)
	if err != nil {
		return nil, err
	}
	out := &wire.DescribePoolsResult{Pools: make([]wire.PoolInformation, len(pools)), NextToken: next}
	for i, p := range pools {
		out.Pools[i] = poolInformation(at.call(c, p), p)
	}
	return out, nil
}

func poolInformation(c *Call, item *resources.Item[sms.Pool]) wire.PoolInformation {
	p := item.Value
	return wire.PoolInformation{
		PoolArn: c.arn(sms.TypePool, p.ID), PoolId: p.ID, Status: string(p.Status), MessageType: string(p.MessageType),
		TwoWayEnabled: p.TwoWay.Enabled, TwoWayChannelArn: optional(p.TwoWay.ChannelARN), TwoWayChannelRole: optional(p.TwoWay.ChannelRole),
		SelfManagedOptOutsEnabled: p.SelfManagedOptOuts, OptOutListName: p.OptOutList,
		SharedRoutesEnabled: p.SharedRoutes, DeletionProtectionEnabled: p.DeletionProtection, CreatedTimestamp: item.Created,
	}
}

func (a *API) updatePool(ctx context.Context, c *Call, in *wire.UpdatePoolRequest) (*wire.UpdatePoolResult, error) {
	var changed *resources.Item[sms.Pool]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		item, err := find(c, tx.Pools, sms.TypePool, in.PoolId, "PoolId")
		if err != nil {
			return err
		}
		pool, err := updatedPool(c, tx, item.Value, in)
		if err != nil {
			return err
		}
		if in.TwoWayChannelRole != nil {
			if err := a.passPoolRole(c, tx, &pool); err != nil {
				return err
			}
		}
		if err := putPool(tx, pool); err != nil {
			return err
		}
		changed = tx.Pools.Get(pool.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	p := poolInformation(c, changed)
	return &wire.UpdatePoolResult{
		PoolArn: &p.PoolArn, PoolId: &p.PoolId, Status: &p.Status, MessageType: &p.MessageType,
		TwoWayEnabled: p.TwoWayEnabled, TwoWayChannelArn: p.TwoWayChannelArn, TwoWayChannelRole: p.TwoWayChannelRole,
		SelfManagedOptOutsEnabled: p.SelfManagedOptOutsEnabled, OptOutListName: &p.OptOutListName,
		SharedRoutesEnabled: p.SharedRoutesEnabled, DeletionProtectionEnabled: p.DeletionProtectionEnabled,
		CreatedTimestamp: &p.CreatedTimestamp,
	}, nil
}

// updatedPool gives the settings of a pool as the request wants them.
func updatedPool(c *Call, tx *resources.Tx, pool sms.Pool, in *wire.UpdatePoolRequest) (sms.Pool, error) {
	change := twoWayChange{enabled: in.TwoWayEnabled, channelARN: in.TwoWayChannelArn, channelRole: in.TwoWayChannelRole,
		selfManagedOptOuts: in.SelfManagedOptOutsEnabled}
	err := c.ownersTwoWay(change, in.DeletionProtectionEnabled)
	if err != nil {
		return pool, err
	}
	if pool.TwoWay, pool.SelfManagedOptOuts, err = change.apply(pool.TwoWay, pool.SelfManagedOptOuts); err != nil {
		return pool, err
	}
	if in.OptOutListName != nil {
		list, err := find(c, tx.OptOutLists, sms.TypeOptOutList, *in.OptOutListName, "OptOutListName")
		if err != nil {
			return pool, err
		}
		pool.OptOutList = list.ID
	}
	if in.SharedRoutesEnabled != nil {
		pool.SharedRoutes = *in.SharedRoutesEnabled
	}
	if in.DeletionProtectionEnabled != nil {
		pool.DeletionProtection = *in.DeletionProtectionEnabled
	}
	return pool, nil
}

func (a *API) deletePool(ctx context.Context, c *Call, in *wire.DeletePoolRequest) (*wire.DeletePoolResult, error) {
	var deleted *resources.Item[sms.Pool]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		if deleted, err = find(c, tx.Pools, sms.TypePool, in.PoolId, "PoolId"); err != nil {
			return err
		}
		dropPolicy(tx, sms.TypePool, deleted.ID)
		return deletePool(tx, deleted.Value)
	})
	if err != nil {
		return nil, err
	}
	p := poolInformation(c, deleted)
	return &wire.DeletePoolResult{
		PoolArn: &p.PoolArn, PoolId: &p.PoolId, Status: new(wire.PoolStatusDeleting), MessageType: &p.MessageType,
		TwoWayEnabled: p.TwoWayEnabled, TwoWayChannelArn: p.TwoWayChannelArn, TwoWayChannelRole: p.TwoWayChannelRole,
		SelfManagedOptOutsEnabled: p.SelfManagedOptOutsEnabled, OptOutListName: &p.OptOutListName,
		SharedRoutesEnabled: p.SharedRoutesEnabled, CreatedTimestamp: &p.CreatedTimestamp,
	}, nil
}

// findAll gives the resources that the ids of a request name, each once, or all
// of them where it names none, oldest first.
func findAll[T any](c *Call, table *resources.Table[T], t sms.ResourceType, ids []string, field string) ([]*resources.Item[T], error) {
	if len(ids) == 0 {
		return table.All(), nil
	}
	named := make(map[string]bool, len(ids))
	for i, id := range ids {
		item, err := find(c, table, t, id, fmt.Sprintf("%s[%d]", field, i))
		if err != nil {
			return nil, err
		}
		named[item.ID] = true
	}
	found := make([]*resources.Item[T], 0, len(named))
	for _, item := range table.All() {
		if named[item.ID] {
			found = append(found, item)
		}
	}
	return found, nil
}
