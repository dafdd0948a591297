package sns

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Protocols of subscriptions.
const (
	protocolHTTP  = "http"
	protocolHTTPS = "https"
	protocolSMS   = "sms"
)

// tokenTime is how long a token confirms a subscription. One that is not confirmed by
// then is deleted.
const tokenTime = 3 * 24 * time.Hour

// maxEndpoint bounds the URL of an endpoint, in bytes.
const maxEndpoint = 2048

// subscribe makes a subscription. One for HTTP waits for its confirmation, one for text
// messages does not. The same endpoint again has the subscription that it has; where it
// waits still it is asked once more.
func (s *Service) subscribe(ctx context.Context, c *service.Caller, f form) ([]any, error) {
	n, err := s.Place.own(c, "TopicArn", f.get("TopicArn"), false)
	if err != nil {
		return nil, err
	}
	protocol := f.get("Protocol")
	endpoint, err := checkEndpoint(protocol, f.get("Endpoint"))
	if err != nil {
		return nil, err
	}
	attributes, err := f.dictionary("Attributes")
	if err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(attributes)) {
		if err := settable(name); err != nil {
			return nil, err
		}
	}
	var made sms.Subscription
	err = s.change(ctx, c.AccountID, func(tx *resources.Tx) error {
		if tx.Topics.Get(n.topic) == nil {
			return notFound("Topic")
		}
		made = sms.Subscription{ID: newID(), Topic: n.topic, Protocol: protocol, Endpoint: endpoint, Attributes: map[string]string{}}
		for _, item := range tx.Subscriptions.All() {
			if v := &item.Value; v.Topic == n.topic && v.Protocol == protocol && v.Endpoint == endpoint {
				made = item.Value
				return again(tx, &made, attributes)
			}
		}
		for name, value := range attributes {
			made.Attributes = set(made.Attributes, name, value)
		}
		if err := checkSubscription(&made); err != nil {
			return err
		}
		if tx.Subscriptions.Len() >= maxSubscriptions {
			return exception("SubscriptionLimitExceeded", http.StatusForbidden, "The account has %d subscriptions, the most there can be.", maxSubscriptions)
		}
		if made.Confirmed = protocol == protocolSMS; !made.Confirmed {
			made.Token, made.TokenUntil = newToken(), tx.Now.Add(tokenTime)
		}
		tx.Subscriptions.Put(made.ID, made)
		return nil
	})
	if err != nil {
		return nil, err
	}
	if !made.Confirmed {
		s.Handshake.Wake()
		if f.get("ReturnSubscriptionArn") != "true" {
			return []any{element("SubscriptionArn", "pending confirmation")}, nil
		}
	}
	return []any{element("SubscriptionArn", s.Place.subscriptionARN(c.AccountID, made.Topic, made.ID))}, nil
}

// again subscribes an endpoint that has the subscription already.
func again(tx *resources.Tx, old *sms.Subscription, attributes map[string]string) error {
	for name, value := range attributes {
		if subscriptionAttribute(old, name) != value {
			return invalid("Attributes", "Subscription already exists with different attributes: "+clip(name))
		}
	}
	if old.Confirmed {
		return nil
	}
	// The token stays the same: a request to confirm may be on its way with it.
	old.TokenUntil, old.Asked = tx.Now.Add(tokenTime), time.Time{}
	tx.Subscriptions.Put(old.ID, *old)
	return nil
}

// checkEndpoint gives the endpoint as it is kept.
func checkEndpoint(protocol, endpoint string) (string, error) {
	switch protocol {
	case protocolHTTP, protocolHTTPS:
		u, err := url.Parse(endpoint)
		if err != nil || u.Scheme != protocol || u.Host == "" || u.Hostname() == "" {
			return "", invalid("Endpoint", "a URL that begins with "+protocol+":// is needed")
		}
		if len(endpoint) > maxEndpoint {
			return "", invalid("Endpoint", "the URL has more than 2048 bytes")
		}
		return endpoint, nil
	case protocolSMS:
		number, err := numbering.Parse(endpoint)
		if err != nil {
			return "", invalid("Endpoint", err.Error())
		}
		return number.E164, nil
	}
	return "", invalid("Protocol", "Does not support this protocol: "+clip(protocol)+"; http, https and sms are supported")
}

// Shown is an endpoint without the password that its URL may have.
func Shown(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.User == nil {
		return endpoint
	}
	if _, has := u.User.Password(); !has {
		return endpoint
	}
	return strings.Replace(u.Redacted(), ":xxxxx@", ":****@", 1)
}

// unsubscribe ends a subscription. One that is not there is not an error.
func (s *Service) unsubscribe(ctx context.Context, c *service.Caller, f form) ([]any, error) {
	n, err := s.Place.own(c, "SubscriptionArn", f.get("SubscriptionArn"), true)
	if err != nil {
		return nil, err
	}
	if c.Account.Subscriptions.Get(n.subscription) == nil {
		if _, err := s.missed(ctx, n.account, "", true); err != nil {
			return nil, err
		}
	}
	return nil, s.endSubscription(ctx, n, true)
}

func (s *Service) endSubscription(ctx context.Context, n named, signed bool) error {
	return s.change(ctx, n.account, func(tx *resources.Tx) error {
		item := tx.Subscriptions.Get(n.subscription)
		if item == nil || item.Value.Topic != n.topic {
			return nil
		}
		if item.Value.AuthenticateUnsubscribe && !signed {
			return denied("This subscription can be ended by a signed request only")
		}
		dropSubscription(tx, n.account, n.subscription)
		return nil
	})
}

// listSubscriptions lists those of all topics, by id.
func (s *Service) listSubscriptions(_ context.Context, c *service.Caller, f form) ([]any, error) {
	return s.subscriptions(c, c.Account.Subscriptions.All(), f)
}

func (s *Service) listSubscriptionsByTopic(_ context.Context, c *service.Caller, f form) ([]any, error) {
	topic, err := s.topic(c, f)
	if err != nil {
		return nil, err
	}
	var of []*resources.Item[sms.Subscription]
	for _, item := range c.Account.Subscriptions.All() {
		if item.Value.Topic == topic.ID {
			of = append(of, item)
		}
	}
	return s.subscriptions(c, of, f)
}

func (s *Service) subscriptions(c *service.Caller, all []*resources.Item[sms.Subscription], f form) ([]any, error) {
	all = slices.SortedFunc(slices.Values(all), func(a, b *resources.Item[sms.Subscription]) int { return cmp.Compare(a.ID, b.ID) })
	of, next, err := paginate(all, func(i *resources.Item[sms.Subscription]) string { return i.ID }, f.get("NextToken"))
	if err != nil {
		return nil, err
	}
	var members []any
	for _, item := range of {
		v := &item.Value
		arn := "PendingConfirmation"
		if v.Confirmed {
			arn = s.Place.subscriptionARN(c.AccountID, v.Topic, v.ID)
		}
		members = append(members, structure{Fields: []any{
			element("TopicArn", s.Place.topicARN(c.AccountID, v.Topic)), element("Protocol", v.Protocol),
			element("SubscriptionArn", arn), element("Owner", c.AccountID), element("Endpoint", Shown(v.Endpoint)),
		}})
	}
	return page([]any{list("Subscriptions", members)}, next), nil
}
