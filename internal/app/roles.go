package app

import (
	"context"
	"strings"

	"heliograph/internal/destination"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// permitted is a Publisher that asks before each batch whether the service may still hand
// events over: a role that was taken away stops them, and they wait as for a destination
// that does not answer.
type permitted struct {
	destination.Publisher
	may func() error
}

// Publish is part of destination.Publisher.
func (p permitted) Publish(ctx context.Context, batch []destination.Item) error {
	if err := p.may(); err != nil {
		return err
	}
	return p.Publisher.Publish(ctx, batch)
}

// checked makes publishers that roles and topics' policies have to allow, unless
// aws.check_roles says that those of this installation do not count.
func (s *service) checked(factory destination.Factory) destination.Factory {
	if !s.cfg.AWS.CheckRoles {
		return factory
	}
	return func(account, set string, d sms.EventDestination) (destination.Publisher, error) {
		p, err := factory(account, set, d)
		if err != nil {
			return nil, err
		}
		name, _, _ := strings.Cut(d.Name, ":") // what follows is a place in an embedded service
		return permitted{p, func() error { return s.mayDeliver(account, set, name) }}, nil
	}
}

// mayDeliver says why events of a set may not go to one of its destinations.
func (s *service) mayDeliver(account, set, name string) error {
	snapshot := s.directory.Account(account)
	if snapshot == nil {
		return nil
	}
	if d := delivery(snapshot, set, name); d != nil {
		return s.authority.MayDeliver(d)
	}
	return nil
}

// delivery is what a destination of a set needs, nil where it needs nobody's leave.
func delivery(s *resources.Snapshot, set, name string) *identity.Delivery {
	kind, id, special := strings.Cut(set, ":")
	switch {
	case !special:
		item := s.ConfigurationSets.Get(set)
		if item == nil {
			return nil
		}
		for i := range item.Value.Destinations {
			if d := &item.Value.Destinations[i]; d.Name == name {
				return identity.EventDelivery(s.Account.ID, s.ARN(sms.TypeConfigurationSet, set), d)
			}
		}
	case kind+":" == twoWaySet:
		item := s.PhoneNumbers.Get(id)
		if item == nil {
			return nil
		}
		sources := []string{s.ARN(sms.TypePhoneNumber, id)}
		if pool := item.Value.PoolID; pool != "" {
			sources = append(sources, s.ARN(sms.TypePool, pool))
		}
		return identity.ChannelDelivery(s.Account.ID, sources, item.Value.TwoWay)
	}
	return nil
}

// mayUseStreamRole says why the role of a delivery stream cannot be used: where a key is
// given, for the object that has it.
func (s *service) mayUseStreamRole(account, arn string, stream sms.DeliveryStream, key string) error {
	u := identity.ServiceUse{Service: iam.FirehosePrincipal, Role: stream.RoleARN, Account: account, Source: arn, ExternalID: account}
	if key != "" {
		u.Action, u.Resource = "s3:PutObject", stream.BucketARN+"/"+key
	}
	return s.authority.Assumable(u)
}
