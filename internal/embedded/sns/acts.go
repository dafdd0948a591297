package sns

import (
	"heliograph/internal/api/service"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

var _ service.Acting = (*Service)(nil)

// Acts is part of service.Acting. What is done to a topic its policy decides too; one
// without a policy of its own has that of Amazon SNS, with which its account may do
// everything.
func (s *Service) Acts(c *service.Caller, r *service.Request) service.Act {
	action, arns := s.Operation(r)
	act := service.Act{Action: action, Resources: arns}
	f, err := parseForm(r)
	if err != nil || action == "" {
		return act
	}
	if action == "sns:CreateTopic" {
		act.Resources = []string{s.Place.topicARN(c.AccountID, f.get("Name"))}
	}
	// What cannot be read is refused by the operation.
	if tags, err := f.pairs("Tags.member", "Key", "Value"); err == nil && len(tags) > 0 {
		act.RequestTags = tags
	}
	if keys, err := f.list("TagKeys"); err == nil && len(keys) > 0 {
		act.TagKeys = keys
	}
	for _, arn := range act.Resources {
		if topic := s.acted(arn); topic != nil {
			act.ResourceTags, act.Policy = topic.Tags, topic.Value.Attributes[attributePolicy]
		}
	}
	return act
}

// acted is the topic of the ARN of a topic or subscription, of whichever account; nil
// where there is none.
func (s *Service) acted(arn string) *resources.Item[sms.Topic] {
	n, err := s.Place.parse("", arn, false)
	if err != nil {
		if n, err = s.Place.parse("", arn, true); err != nil {
			return nil
		}
	}
	owner := s.Directory.Account(n.account)
	if owner == nil {
		return nil
	}
	return owner.Topics.Get(n.topic)
}
