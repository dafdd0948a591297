package sns

import (
	"context"
	"encoding/json"
	"maps"
	"strconv"
	"unicode/utf8"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Attributes of a topic that can be set.
const (
	attributeDisplayName      = "DisplayName"
	attributePolicy           = "Policy"
	attributeDeliveryPolicy   = "DeliveryPolicy" // kept; tries follow the event destinations' own rule
	attributeSignatureVersion = "SignatureVersion"
	attributeTracing          = "TracingConfig"
)

// Bounds of attributes: characters of a display name, bytes of a policy.
const (
	maxDisplayName = 100
	maxPolicy      = 30 << 10
)

// checkTopicAttribute says what is wrong with an attribute that is to be set.
func checkTopicAttribute(name, value string) error {
	switch name {
	case attributeDisplayName:
		if utf8.RuneCountInString(value) > maxDisplayName {
			return invalid(name, "it has more than "+strconv.Itoa(maxDisplayName)+" characters")
		}
	case attributePolicy:
		return checkPolicy(name, value)
	case attributeDeliveryPolicy:
		return checkObject(name, value)
	case attributeSignatureVersion:
		if value != "1" && value != "2" {
			return invalid(name, strconv.Quote(clip(value))+" is neither 1 nor 2")
		}
	case attributeTracing:
		if value != "PassThrough" && value != "Active" {
			return invalid(name, strconv.Quote(clip(value))+" is neither PassThrough nor Active")
		}
	case "FifoTopic", "ContentBasedDeduplication", "FifoThroughputScope", "ArchivePolicy":
		return invalid("Attributes", name+" is of FIFO topics, which are not supported")
	case "KmsMasterKeyId":
		if value != "" {
			return invalid(name, "topics are not encrypted by keys of their own")
		}
	default:
		return invalid("AttributeName", strconv.Quote(clip(name))+
			" is not one of DisplayName, Policy, DeliveryPolicy, SignatureVersion and TracingConfig")
	}
	return nil
}

// checkObject wants a JSON object, or nothing, which takes the attribute back.
func checkObject(name, value string) error {
	var object map[string]json.RawMessage
	if len(value) > maxPolicy {
		return invalid(name, "it is larger than "+strconv.Itoa(maxPolicy)+" bytes")
	}
	if value != "" && (json.Unmarshal([]byte(value), &object) != nil || object == nil) {
		return invalid(name, "it is not a JSON object")
	}
	return nil
}

// checkPolicy wants an access policy that can be evaluated, or nothing, which takes the
// attribute back.
func checkPolicy(name, value string) error {
	if err := checkObject(name, value); err != nil || value == "" {
		return err
	}
	if _, err := iam.Parse(value, iam.ResourcePolicy); err != nil {
		return invalid(name, "Policy Error: "+err.Error())
	}
	return nil
}

// topicAttribute is what an attribute that can be set has, its default where it was
// not.
func topicAttribute(t *sms.Topic, name string) string {
	if value := t.Attributes[name]; value != "" {
		return value
	}
	switch name {
	case attributeSignatureVersion:
		return "2"
	case attributeTracing:
		return "PassThrough"
	}
	return ""
}

func (s *Service) getTopicAttributes(_ context.Context, c *service.Caller, f form) ([]any, error) {
	item, err := s.topic(c, f)
	if err != nil {
		return nil, err
	}
	arn := s.Place.topicARN(c.AccountID, item.ID)
	confirmed, pending := 0, 0
	for _, other := range c.Account.Subscriptions.All() {
		switch v := &other.Value; {
		case v.Topic != item.ID:
		case v.Confirmed:
			confirmed++
		default:
			pending++
		}
	}
	attributes := map[string]string{
		"TopicArn": arn, "Owner": c.AccountID, "Policy": s.ownersPolicy(c.AccountID, arn),
		"DisplayName": "", attributeSignatureVersion: topicAttribute(&item.Value, attributeSignatureVersion),
		attributeTracing:         topicAttribute(&item.Value, attributeTracing),
		"SubscriptionsConfirmed": strconv.Itoa(confirmed), "SubscriptionsPending": strconv.Itoa(pending), "SubscriptionsDeleted": "0",
	}
	for name, value := range item.Value.Attributes {
		if value != "" {
			attributes[name] = value
		}
	}
	return []any{dictionary("Attributes", attributes)}, nil
}

// ownersPolicy is the access policy of a topic that has no other: its account may do
// everything.
func (s *Service) ownersPolicy(account, arn string) string {
	type document struct {
		Version   string
		Statement []map[string]any
	}
	text, _ := json.Marshal(document{"2012-10-17", []map[string]any{{
		"Sid": "Owner", "Effect": "Allow", "Principal": map[string]string{"AWS": "arn:" + s.Place.Partition + ":iam::" + account + ":root"},
		"Action": "sns:*", "Resource": arn,
	}}})
	return string(text)
}

func (s *Service) setTopicAttributes(ctx context.Context, c *service.Caller, f form) ([]any, error) {
	n, err := s.Place.own(c, "TopicArn", f.get("TopicArn"), false)
	if err != nil {
		return nil, err
	}
	name, err := f.required("AttributeName")
	if err != nil {
		return nil, err
	}
	value := f.get("AttributeValue")
	if err := checkTopicAttribute(name, value); err != nil {
		return nil, err
	}
	return nil, s.change(ctx, c.AccountID, func(tx *resources.Tx) error {
		item := tx.Topics.Get(n.topic)
		if item == nil {
			return notFound("Topic")
		}
		topic := item.Value
		topic.Attributes = set(topic.Attributes, name, value)
		tx.Topics.Put(n.topic, topic)
		return nil
	})
}

// set is a copy with a value set, or with an empty one taken out.
func set(of map[string]string, name, value string) map[string]string {
	changed := maps.Clone(of)
	if changed == nil {
		changed = map[string]string{}
	}
	if changed[name] = value; value == "" {
		delete(changed, name)
	}
	return changed
}
