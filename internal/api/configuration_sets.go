package api

import (
	"context"
	"strings"

	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func (a *API) createConfigurationSet(ctx context.Context, c *Call, in *wire.CreateConfigurationSetRequest) (*wire.CreateConfigurationSetResult, error) {
	tags, err := newTags(in.Tags, a.limitsOf(c.Account).TagsPerResource)
	if err != nil {
		return nil, err
	}
	request := *in
	request.ClientToken = nil
	token := newClientToken(c, in.ClientToken, &request)
	name := in.ConfigurationSetName
	var made *resources.Item[sms.ConfigurationSet]
	err = a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		made, err = create(token, tx, sms.TypeConfigurationSet, tx.ConfigurationSets, tags, func() (string, error) {
			if tx.ConfigurationSets.Get(name) != nil {
				return "", sms.Conflict(sms.ReasonResourceAlreadyExists, sms.TypeConfigurationSet, name, "There is a configuration set named %s already.", name)
			}
			if have := tx.ConfigurationSets.Len(); have >= a.limitsOf(c.Account).ConfigurationSets {
				return "", sms.QuotaExceeded(sms.ReasonConfigurationSetsPerAccount,
					"The account has %d configuration sets; at most %d are allowed.", have, a.limitsOf(c.Account).ConfigurationSets)
			}
			tx.ConfigurationSets.Put(name, sms.ConfigurationSet{Name: name})
			return name, nil
		})
		return err
	})
	if err != nil {
		return nil, err
	}
	return &wire.CreateConfigurationSetResult{
		ConfigurationSetArn: new(c.arn(sms.TypeConfigurationSet, name)), ConfigurationSetName: &name,
		Tags: wireTags(made.Tags), CreatedTimestamp: &made.Created,
	}, nil
}

var configurationSetFilters = attributes[*resources.Item[sms.ConfigurationSet]]{
	"event-destination-name": {of: func(s *resources.Item[sms.ConfigurationSet]) []string {
		names := make([]string, len(s.Value.Destinations))
		for i, d := range s.Value.Destinations {
			names[i] = d.Name
		}
		return names
	}},
	"matching-event-types": enumAttribute(func(s *resources.Item[sms.ConfigurationSet]) []string {
		var types []string
		for _, d := range s.Value.Destinations {
			types = append(types, d.EventTypes...)
		}
		return types
	}, eventTypes...),
	"default-message-type": enumAttribute(func(s *resources.Item[sms.ConfigurationSet]) []string {
		return []string{string(s.Value.DefaultMessageType)}
	}, wire.MessageTypeTransactional, wire.MessageTypePromotional),
	"default-sender-id": textAttribute(func(s *resources.Item[sms.ConfigurationSet]) string { return s.Value.DefaultSenderID }),
	"default-message-feedback-enabled": boolAttribute(func(s *resources.Item[sms.ConfigurationSet]) bool {
		return s.Value.DefaultFeedbackEnabled
	}),
	"protect-configuration-id": textAttribute(func(s *resources.Item[sms.ConfigurationSet]) string { return s.Value.ProtectConfigurationID }),
}

func (a *API) describeConfigurationSets(_ context.Context, c *Call, in *wire.DescribeConfigurationSetsRequest) (*wire.DescribeConfigurationSetsResult, error) {
	sets, err := findAll(c, c.Account.ConfigurationSets, sms.TypeConfigurationSet, in.ConfigurationSetNames, "ConfigurationSetNames")
	if err != nil {
		return nil, err
	}
	filters := make([]filter, len(in.Filters))
	for i, f := range in.Filters {
		filters[i] = filter{name: f.Name, values: f.Values}
	}
	if sets, err = matchFilters(sets, filters, configurationSetFilters); err != nil {
		return nil, err
	}
	scope := *in
	scope.MaxResults, scope.NextToken = nil, nil
	sets, next, err := page(c, sets, inOrder, in.MaxResults, in.NextToken, &scope)
	if err != nil {
		return nil, err
	}
	out := &wire.DescribeConfigurationSetsResult{ConfigurationSets: make([]wire.ConfigurationSetInformation, len(sets)), NextToken: next}
	for i, s := range sets {
		out.ConfigurationSets[i] = wire.ConfigurationSetInformation{
			ConfigurationSetArn: c.arn(sms.TypeConfigurationSet, s.ID), ConfigurationSetName: s.ID,
			EventDestinations:  wireDestinations(s.Value.Destinations),
			DefaultMessageType: optional(string(s.Value.DefaultMessageType)), DefaultSenderId: optional(s.Value.DefaultSenderID),
			DefaultMessageFeedbackEnabled: &s.Value.DefaultFeedbackEnabled, CreatedTimestamp: s.Created,
			ProtectConfigurationId: optional(s.Value.ProtectConfigurationID),
		}
	}
	return out, nil
}

func (a *API) deleteConfigurationSet(ctx context.Context, c *Call, in *wire.DeleteConfigurationSetRequest) (*wire.DeleteConfigurationSetResult, error) {
	var deleted *resources.Item[sms.ConfigurationSet]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) (err error) {
		if deleted, err = find(c, tx.ConfigurationSets, sms.TypeConfigurationSet, in.ConfigurationSetName, "ConfigurationSetName"); err != nil {
			return err
		}
		tx.ConfigurationSets.Delete(deleted.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteConfigurationSetResult{
		ConfigurationSetArn: new(c.arn(sms.TypeConfigurationSet, deleted.ID)), ConfigurationSetName: &deleted.ID,
		EventDestinations:  wireDestinations(deleted.Value.Destinations),
		DefaultMessageType: optional(string(deleted.Value.DefaultMessageType)), DefaultSenderId: optional(deleted.Value.DefaultSenderID),
		DefaultMessageFeedbackEnabled: &deleted.Value.DefaultFeedbackEnabled, CreatedTimestamp: &deleted.Created,
	}, nil
}

// changeConfigurationSet runs change on the configuration set that a request names
// and stores it. It gives the set's name.
func (a *API) changeConfigurationSet(ctx context.Context, c *Call, nameOrARN string, change func(*sms.ConfigurationSet) error) (string, error) {
	var name string
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		item, err := find(c, tx.ConfigurationSets, sms.TypeConfigurationSet, nameOrARN, "ConfigurationSetName")
		if err != nil {
			return err
		}
		set := item.Value
		if err := change(&set); err != nil {
			return err
		}
		name = item.ID
		tx.ConfigurationSets.Put(name, set)
		return nil
	})
	return name, err
}

func (a *API) setDefaultMessageType(ctx context.Context, c *Call, in *wire.SetDefaultMessageTypeRequest) (*wire.SetDefaultMessageTypeResult, error) {
	name, err := a.changeConfigurationSet(ctx, c, in.ConfigurationSetName, func(set *sms.ConfigurationSet) error {
		set.DefaultMessageType = sms.MessageType(in.MessageType)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.SetDefaultMessageTypeResult{
		ConfigurationSetArn: new(c.arn(sms.TypeConfigurationSet, name)), ConfigurationSetName: &name, MessageType: &in.MessageType,
	}, nil
}

// deleteDefaultMessageType answers the type that was deleted, none where there was
// none.
func (a *API) deleteDefaultMessageType(ctx context.Context, c *Call, in *wire.DeleteDefaultMessageTypeRequest) (*wire.DeleteDefaultMessageTypeResult, error) {
	var deleted sms.MessageType
	name, err := a.changeConfigurationSet(ctx, c, in.ConfigurationSetName, func(set *sms.ConfigurationSet) error {
		deleted, set.DefaultMessageType = set.DefaultMessageType, ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteDefaultMessageTypeResult{
		ConfigurationSetArn: new(c.arn(sms.TypeConfigurationSet, name)), ConfigurationSetName: &name, MessageType: optional(string(deleted)),
	}, nil
}

func (a *API) setDefaultSenderID(ctx context.Context, c *Call, in *wire.SetDefaultSenderIdRequest) (*wire.SetDefaultSenderIdResult, error) {
	if err := checkDefaultSenderID(in.SenderId); err != nil {
		return nil, err
	}
	name, err := a.changeConfigurationSet(ctx, c, in.ConfigurationSetName, func(set *sms.ConfigurationSet) error {
		set.DefaultSenderID = in.SenderId
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.SetDefaultSenderIdResult{
		ConfigurationSetArn: new(c.arn(sms.TypeConfigurationSet, name)), ConfigurationSetName: &name, SenderId: &in.SenderId,
	}, nil
}

// checkDefaultSenderID refuses what is a sender ID in no country: one without a
// letter, but for the six digits of India's promotional ones (guide chapter 8).
// What a recipient's country allows is seen when a message is sent.
func checkDefaultSenderID(id string) error {
	letters := strings.ContainsFunc(id, func(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' })
	digits := !strings.ContainsFunc(id, func(r rune) bool { return r < '0' || r > '9' })
	if letters || digits && len(id) == 6 {
		return nil
	}
	return sms.Invalid(sms.ReasonInvalidParameter, "SenderId", "SenderId has no letter; a sender ID needs at least one.")
}

// deleteDefaultSenderID answers the sender ID that was deleted, none where there
// was none.
func (a *API) deleteDefaultSenderID(ctx context.Context, c *Call, in *wire.DeleteDefaultSenderIdRequest) (*wire.DeleteDefaultSenderIdResult, error) {
	var deleted string
	name, err := a.changeConfigurationSet(ctx, c, in.ConfigurationSetName, func(set *sms.ConfigurationSet) error {
		deleted, set.DefaultSenderID = set.DefaultSenderID, ""
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteDefaultSenderIdResult{
		ConfigurationSetArn: new(c.arn(sms.TypeConfigurationSet, name)), ConfigurationSetName: &name, SenderId: optional(deleted),
	}, nil
}

func (a *API) configurationSetOperations() []operation {
	one := func(c *Call, nameOrARN string) []string {
		return []string{namedARN(c, sms.TypeConfigurationSet, nameOrARN)}
	}
	return []operation{
		{"CreateConfigurationSet", handle(a.createConfigurationSet), "sms-voice:CreateConfigurationSet",
			on(func(c *Call, in *wire.CreateConfigurationSetRequest) []string { return one(c, in.ConfigurationSetName) })},
		{"DescribeConfigurationSets", handle(a.describeConfigurationSets), "sms-voice:DescribeConfigurationSets",
			on(func(c *Call, in *wire.DescribeConfigurationSetsRequest) []string {
				return namedARNs(c, sms.TypeConfigurationSet, in.ConfigurationSetNames)
			})},
		{"DeleteConfigurationSet", handle(a.deleteConfigurationSet), "sms-voice:DeleteConfigurationSet",
			on(func(c *Call, in *wire.DeleteConfigurationSetRequest) []string { return one(c, in.ConfigurationSetName) })},
		{"SetDefaultMessageType", handle(a.setDefaultMessageType), "sms-voice:SetDefaultMessageType",
			on(func(c *Call, in *wire.SetDefaultMessageTypeRequest) []string { return one(c, in.ConfigurationSetName) })},
		{"DeleteDefaultMessageType", handle(a.deleteDefaultMessageType), "sms-voice:DeleteDefaultMessageType",
			on(func(c *Call, in *wire.DeleteDefaultMessageTypeRequest) []string {
				return one(c, in.ConfigurationSetName)
			})},
		{"SetDefaultSenderId", handle(a.setDefaultSenderID), "sms-voice:SetDefaultSenderId",
			on(func(c *Call, in *wire.SetDefaultSenderIdRequest) []string { return one(c, in.ConfigurationSetName) })},
		{"DeleteDefaultSenderId", handle(a.deleteDefaultSenderID), "sms-voice:DeleteDefaultSenderId",
			on(func(c *Call, in *wire.DeleteDefaultSenderIdRequest) []string { return one(c, in.ConfigurationSetName) })},
	}
}
