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

// tagsOf finds the tags of a resource.
func tagsOf(s *resources.Snapshot, t sms.ResourceType, id string) (tags map[string]string, exists bool) {
	switch t {
	case sms.TypePhoneNumber:
		return itemTags(s.PhoneNumbers.Get(id))
	case sms.TypeSenderID:
		return itemTags(s.SenderIDs.Get(id))
	case sms.TypePool:
		return itemTags(s.Pools.Get(id))
	case sms.TypeConfigurationSet:
		return itemTags(s.ConfigurationSets.Get(id))
	case sms.TypeOptOutList:
		return itemTags(s.OptOutLists.Get(id))
	}
	return nil, false
}

func itemTags[T any](item *resources.Item[T]) (map[string]string, bool) {
	if item == nil {
		return nil, false
	}
	return item.Tags, true
}

// setTags replaces the tags of a resource that tagsOf has found.
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
