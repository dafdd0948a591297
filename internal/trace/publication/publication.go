// Package publication traces how events of messages are published.
package publication

import (
	"bytes"
	"context"
	"errors"
	"time"

	"heliograph/internal/destination"
	"heliograph/internal/sms"
	"heliograph/internal/trace"
)

// Outcomes of a publication.
const (
	published = "published"
	retry     = "retry"
	refused   = "refused"
)

// Factory makes publishers that tell t what they did, and with a nil t those of
// next alone. parse reads the MessageId of the API.
func Factory(t *trace.Tracer, parse func(messageID string) (sms.ID, error), next destination.Factory) destination.Factory {
	if t == nil {
		return next
	}
	return func(account, configurationSet string, d sms.EventDestination) (destination.Publisher, error) {
		p, err := next(account, configurationSet, d)
		if err != nil {
			return nil, err
		}
		return &publisher{Publisher: p, tracer: t, parse: parse, name: account + "/" + configurationSet + "/" + d.Name}, nil
	}
}

type publisher struct {
	destination.Publisher
	tracer *trace.Tracer
	parse  func(string) (sms.ID, error)
	name   string
}

// Publish is the publisher's own, with a span for each event of a message that is
// traced.
func (p *publisher) Publish(ctx context.Context, batch []destination.Item) error {
	began := time.Now()
	err := p.Publisher.Publish(ctx, batch)
	ended := time.Now()
	for i := range batch {
		messageID := member(batch[i].JSON, "messageId")
		if messageID == nil {
			continue
		}
		id, failed := p.parse(string(messageID))
		if failed != nil || !id.Traced() {
			continue
		}
		p.tracer.Published(trace.Publication{Message: id, Destination: p.name, EventType: string(member(batch[i].JSON, "eventType")),
			Began: began, Ended: ended, Outcome: outcomeOf(err, i)})
	}
	return err
}

// outcomeOf is what became of item i of a batch that was answered err.
func outcomeOf(err error, i int) string {
	if err == nil {
		return published
	}
	var partial *destination.Partial
	if !errors.As(err, &partial) {
		return retry
	}
	for _, at := range partial.Retry {
		if at == i {
			return retry
		}
	}
	for _, at := range partial.Refused {
		if at == i {
			return refused
		}
	}
	return published
}

// member is the text of a member of an event's JSON as the service writes it: no
// white space, and a value that needs no escapes. Within texts the quotes around a
// name are escaped, so that it is found as a member only.
func member(json []byte, name string) []byte {
	_, value, found := bytes.Cut(json, []byte(`"`+name+`":"`))
	if !found {
		return nil
	}
	value, _, _ = bytes.Cut(value, []byte(`"`))
	return value
}
