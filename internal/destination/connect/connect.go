// Package connect hands messages from handsets to Amazon Connect, the other kind of
// two-way channel (guide chapter 6, "Two-way SMS messaging").
package connect

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"sync"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/connect"
	"github.com/aws/aws-sdk-go-v2/service/connect/types"

	"heliograph/internal/destination"
)

const (
	// subtype is the kind of chat (SendChatIntegrationEvent, Subtype).
	subtype = "connect:sms"
	// plainText is the content type of a message.
	plainText = "text/plain"
	// maxContent is the most characters of a message (Amazon Connect Participant
	// Service API, SendMessage). A longer one becomes several.
	maxContent = 1024
	// parallel is for how many senders requests are made at once.
	parallel = 16
)

// Publisher tells Amazon Connect of each message with a SendChatIntegrationEvent: the
// sender's number is the source of the chat, the ARN of the phone number that he wrote
// to its destination. What one sender wrote arrives in its order.
type Publisher struct {
	// send is the client's only method that is of use. A client in a field would have
	// the linker keep the hundreds of others, some 18 MB.
	send        func(ctx context.Context, in *connect.SendChatIntegrationEventInput) error
	phoneNumber string // ARN
}

// regionOf finds the region in a channel: connect.REGION.amazonaws.com, or the ARN of an
// instance.
var regionOf = regexp.MustCompile(`^(?:connect\.([a-z0-9-]+)\.amazonaws\.com(?:\.cn)?|arn:[a-z-]+:connect:([a-z0-9-]+):[0-9]{12}:instance/.+)$`)

// New takes a two-way channel of Amazon Connect and the ARN of the phone number whose
// channel it is. The region is the channel's; all else comes from the configuration.
func New(config aws.Config, channel, phoneNumberARN string) (*Publisher, error) {
	m := regionOf.FindStringSubmatch(channel)
	if m == nil {
		return nil, fmt.Errorf("%q is no two-way channel of Amazon Connect: connect.REGION.amazonaws.com or the ARN of an instance is expected", channel)
	}
	config.Region = m[1] + m[2]
	client := connect.NewFromConfig(config)
	return &Publisher{phoneNumber: phoneNumberARN, send: func(ctx context.Context, in *connect.SendChatIntegrationEventInput) error {
		_, err := client.SendChatIntegrationEvent(ctx, in)
		return err
	}}, nil
}

// message is what is read of a payload.
type message struct {
	From string `json:"originationNumber"`
	Body string `json:"messageBody"`
}

// Publish hands over the messages of each sender one after the other. After one that
// failed the sender's others wait for it to be published again; one that Amazon Connect
// calls invalid, or that has no text, is refused for good.
func (p *Publisher) Publish(ctx context.Context, batch []destination.Item) error {
	messages := make([]message, len(batch))
	bySender := map[string][]int{}
	var senders []string
	for i := range batch {
		if err := json.Unmarshal(batch[i].JSON, &messages[i]); err != nil {
			messages[i] = message{}
		}
		from := messages[i].From
		if bySender[from] == nil {
			senders = append(senders, from)
		}
		bySender[from] = append(bySender[from], i)
	}
	outcomes := make([]outcome, len(batch))
	var requests sync.WaitGroup
	slots := make(chan struct{}, parallel)
	for _, from := range senders {
		slots <- struct{}{}
		requests.Go(func() {
			defer func() { <-slots }()
			for k, i := range bySender[from] {
				outcomes[i] = p.publish(ctx, messages[i])
				if outcomes[i].again {
					for _, later := range bySender[from][k+1:] {
						outcomes[later] = outcomes[i]
					}
					return
				}
			}
		})
	}
	requests.Wait()
	var partial destination.Partial
	for i := range outcomes {
		switch o := &outcomes[i]; {
		case o.err == nil:
			continue
		case o.again:
			partial.Retry = append(partial.Retry, i)
		default:
			partial.Refused = append(partial.Refused, i)
		}
		if partial.Err == nil {
			partial.Err = fmt.Errorf("Amazon Connect, phone number %s: %w", p.phoneNumber, outcomes[i].err)
		}
	}
	if partial.Err == nil {
		return nil
	}
	return &partial
}

// outcome is what became of a message; again says that it has to be published again.
type outcome struct {
	err   error
	again bool
}

var errEmpty = errors.New("a message without sender or text")

func (p *Publisher) publish(ctx context.Context, m message) outcome {
	if m.From == "" || m.Body == "" {
		return outcome{err: errEmpty}
	}
	for rest := m.Body; rest != ""; {
		var content string
		content, rest = cut(rest)
		err := p.send(ctx, &connect.SendChatIntegrationEventInput{
			SourceId: &m.From, DestinationId: &p.phoneNumber, Subtype: aws.String(subtype),
			Event: &types.ChatEvent{Type: types.ChatEventTypeMessage, ContentType: aws.String(plainText), Content: &content},
		})
		if err != nil {
			var invalid *types.InvalidRequestException
			return outcome{err: err, again: !errors.As(err, &invalid)}
		}
	}
	return outcome{}
}

// cut takes the first maxContent characters off a text.
func cut(text string) (first, rest string) {
	n := 0
	for i := range text {
		if n == maxContent {
			return text[:i], text[i:]
		}
		n++
	}
	return text, ""
}
