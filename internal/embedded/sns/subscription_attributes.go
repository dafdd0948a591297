package sns

import (
	"context"
	"maps"
	"strconv"

	"heliograph/internal/api/service"
	"heliograph/internal/embedded/sns/filter"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Attributes of a subscription that can be set, besides DeliveryPolicy.
const (
	attributeRaw         = "RawMessageDelivery"
	attributeFilter      = "FilterPolicy"
	attributeFilterScope = "FilterPolicyScope"
)

// settable says whether an attribute of a subscription can be set.
func settable(name string) error {
	switch name {
	case attributeRaw, attributeFilter, attributeFilterScope, attributeDeliveryPolicy:
		return nil
	case "RedrivePolicy":
		return invalid(name, "there are no queues to send dead letters to: they are kept by the service itself")
	}
	return invalid("AttributeName", strconv.Quote(clip(name))+
		" is not one of RawMessageDelivery, FilterPolicy, FilterPolicyScope and DeliveryPolicy")
}

// checkSubscription says what is wrong with the attributes that a subscription is to
// have.
func checkSubscription(v *sms.Subscription) error {
	raw := subscriptionAttribute(v, attributeRaw)
	if raw != "true" && raw != "false" {
		return invalid(attributeRaw, strconv.Quote(clip(raw))+" is neither true nor false")
	}
	if raw == "true" && v.Protocol == protocolSMS {
		return invalid(attributeRaw, "Delivery protocol [sms] does not support raw message delivery")
	}
	if _, err := policyOf(v); err != nil {
		return invalid("Attributes", err.Error())
	}
	return checkObject(attributeDeliveryPolicy, v.Attributes[attributeDeliveryPolicy])
}

// policyOf is the filter policy of a subscription, nil where it has none.
func policyOf(v *sms.Subscription) (*filter.Policy, error) {
	scope := filter.Scope(subscriptionAttribute(v, attributeFilterScope))
	text := v.Attributes[attributeFilter]
	if text == "" {
		_, err := filter.Parse("{}", scope)
		return nil, err
	}
	return filter.Parse(text, scope)
}

// subscriptionAttribute is what an attribute that can be set has, its default where it
// was not.
func subscriptionAttribute(v *sms.Subscription, name string) string {
	if value := v.Attributes[name]; value != "" {
		return value
	}
	switch name {
	case attributeRaw:
		return "false"
	case attributeFilterScope:
		return string(filter.Attributes)
	}
	return ""
}

func (s *Service) getSubscriptionAttributes(_ context.Context, c *service.Caller, f form) ([]any, error) {
	n, err := s.Place.own(c, "SubscriptionArn", f.get("SubscriptionArn"), true)
	if err != nil {
		return nil, err
	}
	item := c.Account.Subscriptions.Get(n.subscription)
	if item == nil || item.Value.Topic != n.topic {
		return nil, notFound("Subscription")
	}
	v := &item.Value
	attributes := map[string]string{
		"SubscriptionArn": s.Place.subscriptionARN(c.AccountID, v.Topic, v.ID), "TopicArn": s.Place.topicARN(c.AccountID, v.Topic),
		"Owner": c.AccountID, "Protocol": v.Protocol, "Endpoint": Shown(v.Endpoint),
		"PendingConfirmation": strconv.FormatBool(!v.Confirmed), "ConfirmationWasAuthenticated": strconv.FormatBool(v.Authenticated),
		"SubscriptionPrincipal": "arn:" + s.Place.Partition + ":iam::" + c.AccountID + ":root",
		attributeRaw:            subscriptionAttribute(v, attributeRaw),
	}
	if v.Attributes[attributeFilter] != "" {
		attributes[attributeFilterScope] = subscriptionAttribute(v, attributeFilterScope)
	}
	maps.Copy(attributes, v.Attributes)
	return []any{dictionary("Attributes", attributes)}, nil
}

func (s *Service) setSubscriptionAttributes(ctx context.Context, c *service.Caller, f form) ([]any, error) {
	n, err := s.Place.own(c, "SubscriptionArn", f.get("SubscriptionArn"), true)
	if err != nil {
		return nil, err
	}
	name, err := f.required("AttributeName")
	if err != nil {
		return nil, err
	}
	value := f.get("AttributeValue")
	if err := settable(name); err != nil {
		return nil, err
	}
	if name == attributeFilter && value == "{}" {
		value = "" // takes the policy back
	}
	return nil, s.change(ctx, c.AccountID, func(tx *resources.Tx) error {
		item := tx.Subscriptions.Get(n.subscription)
		if item == nil || item.Value.Topic != n.topic {
			return notFound("Subscription")
		}
		v := item.Value
		v.Attributes = set(v.Attributes, name, value)
		if err := checkSubscription(&v); err != nil {
			return err
		}
		tx.Subscriptions.Put(v.ID, v)
		return nil
	})
}
