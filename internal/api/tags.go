package api

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// reservedTagPrefix begins the tag keys that AWS keeps to itself.
const reservedTagPrefix = "aws:"

// taggedTypes are the types of resource that the model gives tags.
var taggedTypes = []sms.ResourceType{
	sms.TypePhoneNumber, sms.TypeSenderID, sms.TypePool, sms.TypeConfigurationSet, sms.TypeOptOutList,
	sms.TypeProtectConfiguration, sms.TypeRegistration, sms.TypeVerifiedNumber,
	"registration-attachment", "notify-configuration", "rcs-agent",
}

// setTags replaces the tags of a resource that has been found by TagsOf.
func setTags(tx *resources.Tx, t sms.ResourceType, id string, tags map[string]string) {
	switch t {
	case sms.TypePhoneNumber:
		tx.PhoneNumbers.SetTags(id, tags)
	case sms.TypeSenderID:
		tx.SenderIDs.SetTags(id, tags)
	case sms.TypePool:
		tx.Pools.SetTags(id, tags)
	case sms.TypeConfigurationSet:
		tx.ConfigurationSets.SetTags(id, tags)
	case sms.TypeOptOutList:
		tx.OptOutLists.SetTags(id, tags)
	case sms.TypeVerifiedNumber:
		tx.VerifiedNumbers.SetTags(id, tags)
	case sms.TypeProtectConfiguration:
		tx.Protect.SetTags(id, tags)
	}
}

// requestTags reads the Tags of a request: keys are unique and none begins with
// the reserved prefix.
func requestTags(list []wire.Tag) (map[string]string, error) {
	tags := make(map[string]string, len(list))
	for i, t := range list {
		field := fmt.Sprintf("Tags[%d].Key", i)
		if err := checkTagKey(field, t.Key); err != nil {
			return nil, err
		}
		if _, twice := tags[t.Key]; twice {
			return nil, sms.Invalid(sms.ReasonInvalidParameter, field, "The tag key is given twice; every key of a resource is unique.")
		}
		tags[t.Key] = t.Value
	}
	return tags, nil
}

func checkTagKey(field, key string) error {
	if len(key) >= len(reservedTagPrefix) && strings.EqualFold(key[:len(reservedTagPrefix)], reservedTagPrefix) {
		return sms.Invalid(sms.ReasonInvalidParameter, field, "The tag key begins with %q, which is reserved.", reservedTagPrefix)
	}
	return nil
}

// newTags reads the Tags of a request that creates a resource. Within their quota
// they are what the resource gets.
func newTags(list []wire.Tag, limit int) (map[string]string, error) {
	tags, err := requestTags(list)
	if err != nil {
		return nil, err
	}
	return tags, withinTagQuota(tags, limit)
}

func withinTagQuota(tags map[string]string, limit int) error {
	if len(tags) > limit {
		return sms.QuotaExceeded(sms.ReasonTagsPerResource,
			"The resource would have %d tags; at most %d are allowed.", len(tags), limit)
	}
	return nil
}

// wireTags lists tags by key. It is never nil.
func wireTags(tags map[string]string) []wire.Tag {
	list := make([]wire.Tag, 0, len(tags))
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, wire.Tag{Key: key, Value: tags[key]})
	}
	return list
}

// taggedResource reads the ResourceArn of a request: a resource of a type that has
// tags.
func taggedResource(c *Call, arn string) (t sms.ResourceType, id string, err error) {
	a, ok := sms.ParseARN(arn)
	if !ok || !slices.Contains(taggedTypes, a.Type) {
		return "", "", sms.Invalid(sms.ReasonInvalidARN, "ResourceArn", "ResourceArn is not the ARN of a resource of this service that can have tags.")
	}
	id, err = resolve(c, a.Type, arn, "ResourceArn")
	return a.Type, id, err
}

// changeTags runs change on a copy of a resource's tags and stores them.
func (a *API) changeTags(ctx context.Context, c *Call, arn string, change func(map[string]string) error) error {
	t, id, err := taggedResource(c, arn)
	if err != nil {
		return err
	}
	return a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		old, exists := tx.Snapshot.TagsOf(t, id)
		if !exists {
			return sms.NotFound(t, arn)
		}
		tags := make(map[string]string, len(old))
		maps.Copy(tags, old)
		if err := change(tags); err != nil {
			return err
		}
		if !maps.Equal(tags, old) {
			setTags(tx, t, id, tags)
		}
		return nil
	})
}

func (a *API) tagResource(ctx context.Context, c *Call, in *wire.TagResourceRequest) (*wire.TagResourceResult, error) {
	added, err := requestTags(in.Tags)
	if err != nil {
		return nil, err
	}
	err = a.changeTags(ctx, c, in.ResourceArn, func(tags map[string]string) error {
		maps.Copy(tags, added)
		return withinTagQuota(tags, a.limitsOf(c.Account).TagsPerResource)
	})
	if err != nil {
		return nil, err
	}
	return &wire.TagResourceResult{}, nil
}

// untagResource removes the tags that are there; keys that no tag has are no
// mistake.
func (a *API) untagResource(ctx context.Context, c *Call, in *wire.UntagResourceRequest) (*wire.UntagResourceResult, error) {
	for i, key := range in.TagKeys {
		if err := checkTagKey(fmt.Sprintf("TagKeys[%d]", i), key); err != nil {
			return nil, err
		}
	}
	err := a.changeTags(ctx, c, in.ResourceArn, func(tags map[string]string) error {
		for _, key := range in.TagKeys {
			delete(tags, key)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.UntagResourceResult{}, nil
}

func (a *API) listTagsForResource(_ context.Context, c *Call, in *wire.ListTagsForResourceRequest) (*wire.ListTagsForResourceResult, error) {
	t, id, err := taggedResource(c, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	tags, exists := c.Account.TagsOf(t, id)
	if !exists {
		return nil, sms.NotFound(t, in.ResourceArn)
	}
	return &wire.ListTagsForResourceResult{ResourceArn: &in.ResourceArn, Tags: wireTags(tags)}, nil
}

func (a *API) tagOperations() []operation {
	return []operation{
		{"TagResource", handle(a.tagResource), "sms-voice:TagResource",
			on(func(_ *Call, in *wire.TagResourceRequest) []string { return []string{in.ResourceArn} })},
		{"UntagResource", handle(a.untagResource), "sms-voice:UntagResource",
			on(func(_ *Call, in *wire.UntagResourceRequest) []string { return []string{in.ResourceArn} })},
		{"ListTagsForResource", handle(a.listTagsForResource), "sms-voice:ListTagsForResource",
			on(func(_ *Call, in *wire.ListTagsForResourceRequest) []string { return []string{in.ResourceArn} })},
	}
}
