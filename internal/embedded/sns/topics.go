package sns

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Quotas of an account. They bound what a start reads and memory holds.
const (
	maxTopics        = 1000
	maxSubscriptions = 1000 // of all topics together
)

// createTopic makes a topic, or answers the ARN of the one that is there where nothing
// about it would be different.
func (s *Service) createTopic(ctx context.Context, c *service.Caller, f form) ([]any, error) {
	name := f.get("Name")
	if err := topicName(name); err != nil {
		return nil, err
	}
	if f.get("DataProtectionPolicy") != "" {
		return nil, invalid("DataProtectionPolicy", "data protection policies are not supported")
	}
	given, err := f.dictionary("Attributes")
	if err != nil {
		return nil, err
	}
	attributes := map[string]string{}
	for _, attribute := range slices.Sorted(maps.Keys(given)) {
		if attribute == "FifoTopic" && given[attribute] == "false" {
			continue
		}
		if err := checkTopicAttribute(attribute, given[attribute]); err != nil {
			return nil, err
		}
		attributes[attribute] = given[attribute]
	}
	tags, err := f.pairs("Tags.member", "Key", "Value")
	if err != nil {
		return nil, err
	}
	if err := checkTags(tags); err != nil {
		return nil, err
	}
	err = s.change(ctx, c.AccountID, func(tx *resources.Tx) error {
		if old := tx.Topics.Get(name); old != nil {
			return sameTopic(old, attributes, tags, f.has("Tags.member.1.Key"))
		}
		if tx.Topics.Len() >= maxTopics {
			return exception("TopicLimitExceeded", http.StatusForbidden, "The account has %d topics, the most there can be.", maxTopics)
		}
		tx.Topics.Put(name, sms.Topic{Name: name, Attributes: attributes})
		if len(tags) > 0 {
			tx.Topics.SetTags(name, tags)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return []any{element("TopicArn", s.Place.topicARN(c.AccountID, name))}, nil
}

// sameTopic refuses to make a topic again that has other attributes or tags than are
// asked for.
func sameTopic(old *resources.Item[sms.Topic], attributes, tags map[string]string, tagged bool) error {
	for name, value := range attributes {
		if topicAttribute(&old.Value, name) != value {
			return invalid("Attributes", "Topic already exists with different attributes: "+name)
		}
	}
	if tagged && !maps.Equal(old.Tags, tags) {
		return invalid("Tags", "Topic already exists with different tags")
	}
	return nil
}

// deleteTopic deletes a topic with its subscriptions. One that is not there is not an
// error.
func (s *Service) deleteTopic(ctx context.Context, c *service.Caller, f form) ([]any, error) {
	n, err := s.Place.own(c, "TopicArn", f.get("TopicArn"), false)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, c.AccountID, func(tx *resources.Tx) error {
		if tx.Topics.Get(n.topic) == nil {
			return nil
		}
		tx.Topics.Delete(n.topic)
		for _, item := range tx.Subscriptions.All() {
			if item.Value.Topic == n.topic {
				dropSubscription(tx, c.AccountID, item.ID)
			}
		}
		return nil
	})
}

// dropSubscription deletes a subscription, and has its dead letters deleted.
func dropSubscription(tx *resources.Tx, account, id string) {
	tx.Subscriptions.Delete(id)
	list := DeadLetterList(account, id)
	tx.Dropped.Put(strconv.FormatInt(list, 10), resources.Dropped{List: list})
}

// listTopics lists the topics of the account, by name.
func (s *Service) listTopics(_ context.Context, c *service.Caller, f form) ([]any, error) {
	topics := slices.SortedFunc(slices.Values(c.Account.Topics.All()), func(a, b *resources.Item[sms.Topic]) int {
		return cmp.Compare(a.ID, b.ID)
	})
	of, next, err := paginate(topics, func(i *resources.Item[sms.Topic]) string { return i.ID }, f.get("NextToken"))
	if err != nil {
		return nil, err
	}
	var members []any
	for _, item := range of {
		members = append(members, structure{Fields: []any{element("TopicArn", s.Place.topicARN(c.AccountID, item.ID))}})
	}
	return page([]any{list("Topics", members)}, next), nil
}

// topic finds the topic of an ARN among the caller's.
func (s *Service) topic(c *service.Caller, f form) (*resources.Item[sms.Topic], error) {
	n, err := s.Place.own(c, "TopicArn", f.get("TopicArn"), false)
	if err != nil {
		return nil, err
	}
	item := c.Account.Topics.Get(n.topic)
	if item == nil {
		return nil, notFound("Topic")
	}
	return item, nil
}
