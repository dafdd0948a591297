package sns

import (
	"context"
	"errors"
	"fmt"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/destination"
	"heliograph/internal/embedded/sns/filter"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// target is a subscription with what is around it.
type target struct {
	account      *resources.Snapshot
	subscription *sms.Subscription
	topic        *sms.Topic
	policy       *filter.Policy // nil: it gets everything
}

// deliver delivers one message. What is refused for good is a dead letter, kept before
// this returns.
func (p *subscriber) deliver(ctx context.Context, to target, item *destination.Item) (outcome, error) {
	m := published(item.JSON, item.Content)
	v := to.subscription
	text := m.textFor(v.Protocol)
	result, err := filtered, error(nil)
	if to.policy == nil || to.policy.Matches(m.attributes, text) {
		result, err = p.hand(ctx, to, item, &m)
	}
	at := placeOf(item)
	if result == failed && p.struggled(at) {
		result, err = refused, fmt.Errorf("given up, while others were taken: %w", err)
	}
	if result == refused {
		if keeping := p.bury(to, item, &m, err); keeping != nil {
			result, err = failed, keeping
		}
	}
	if result != failed {
		p.settled(at, result)
	}
	p.Metrics.delivery(v.Protocol, result)
	return result, err
}

// hand gives the message to the endpoint.
func (p *subscriber) hand(ctx context.Context, to target, item *destination.Item, m *message) (outcome, error) {
	if to.subscription.Protocol == protocolSMS {
		return p.text(ctx, to, item, m)
	}
	what, err := p.post(ctx, to, item, m)
	if err != nil {
		return failed, err
	}
	err = what.send(ctx, p.Client)
	of := answered{}
	switch {
	case err == nil:
		return delivered, nil
	case errors.As(err, &of) && of.final():
		return refused, err
	}
	return failed, err
}

// post makes what an HTTP endpoint gets.
func (p *subscriber) post(ctx context.Context, to target, item *destination.Item, m *message) (*post, error) {
	v := to.subscription
	topicARN := p.Place.topicARN(p.account, v.Topic)
	what := &post{endpoint: v.Endpoint, kind: kindNotification, messageID: p.IDs.Of(topicARN, item.Slot, item.Seq, item.At),
		topicARN: topicARN, subscriptionARN: p.Place.subscriptionARN(p.account, v.Topic, v.ID)}
	if subscriptionAttribute(v, attributeRaw) == "true" {
		what.raw, what.body = true, []byte(m.textFor(v.Protocol))
		return what, nil
	}
	by, err := p.Signer.identity(ctx)
	if err != nil {
		return nil, err
	}
	n := notice{Type: kindNotification, MessageID: what.messageID, TopicARN: topicARN, Subject: m.subject, Message: m.textFor(v.Protocol),
		Timestamp: timestamp(item.At), Attributes: m.attributes,
		UnsubscribeURL: publicURL(p.PublicURL, "Unsubscribe", "SubscriptionArn", what.subscriptionARN)}
	what.body, err = n.finish(by, topicAttribute(to.topic, attributeSignatureVersion), p.PublicURL)
	return what, err
}

// text sends the message as a text message to the endpoint's number, once however often
// it is delivered.
func (p *subscriber) text(ctx context.Context, to target, item *destination.Item, m *message) (outcome, error) {
	t, err := textMessage(to.subscription.Endpoint, m)
	if err == nil {
		t.IdempotencyKey = fmt.Sprintf("subscription %s, message %d of slot %d", p.id, item.Seq, item.Slot)
		_, err = p.Sender.Send(ctx, to.account, t)
	}
	if err == nil {
		return delivered, nil
	}
	if e := (*service.Exception)(nil); errors.As(err, &e) {
		return refused, err
	}
	if e, ok := sms.AsError(err); ok && e.Kind != sms.KindThrottled && e.Kind != sms.KindInternal {
		return refused, err
	}
	return failed, err
}

// bury keeps a dead letter.
func (p *subscriber) bury(to target, item *destination.Item, m *message, why error) error {
	letter := DeadLetter{MessageID: p.IDs.Of(p.Place.topicARN(p.account, to.topic.Name), item.Slot, item.Seq, item.At),
		Published: item.At, Refused: p.Now().UTC().Truncate(time.Millisecond), Reason: why.Error(), Subject: m.subject, Message: m.textFor(to.subscription.Protocol)}
	entry, err := letter.entry(deadLetterKey(p.account, p.id, item.Slot, item.Seq))
	if err == nil {
		err = p.Committer.Commit(&store.Change{Entries: []store.EntryWrite{{Entry: entry}}})
	}
	if err != nil {
		return fmt.Errorf("keep a dead letter: %w", err)
	}
	return nil
}
