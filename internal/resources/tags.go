package resources

import "heliograph/internal/sms"

// TagsOf are the tags of a resource of the API's own, and whether there is such a one.
func (s *Snapshot) TagsOf(t sms.ResourceType, id string) (tags map[string]string, exists bool) {
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
	case sms.TypeVerifiedNumber:
		return itemTags(s.VerifiedNumbers.Get(id))
	case sms.TypeProtectConfiguration:
		return itemTags(s.Protect.Get(id))
	}
	return nil, false
}

func itemTags[T any](item *Item[T]) (map[string]string, bool) {
	if item == nil {
		return nil, false
	}
	return item.Tags, true
}
