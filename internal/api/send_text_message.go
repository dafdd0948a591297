package api

import (
	"context"
	"strings"
	"time"

	"heliograph/internal/accept"
	"heliograph/internal/api/wire"
	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Sender accepts text messages: the *accept.Service.
type Sender interface {
	// Send answers the MessageId once the message is durable. account is the
	// caller's, as it was when the call began.
	Send(ctx context.Context, account *resources.Snapshot, r accept.Request) (messageID string, err error)

	// SendVerification sends a code that verifies its destination number, also where
	// the sandbox allows nothing else to go there. A free one is not billed.
	SendVerification(ctx context.Context, account *resources.Snapshot, r accept.Request, free bool) (messageID string, err error)
}

// sendOperations are there where the API has a Sender.
func (a *API) sendOperations() []operation {
	if a.sender == nil {
		return nil
	}
	return []operation{
		{"SendTextMessage", handle(a.sendTextMessage), "sms-voice:SendTextMessage", on(sendTextMessageResources)},
	}
}

// sendTextMessage accepts a text message for delivery (the model's
// SendTextMessage; guide chapter 12). Its checks and errors are those of
// accept.Service.Send.
func (a *API) sendTextMessage(ctx context.Context, c *Call, in *wire.SendTextMessageRequest) (*wire.SendTextMessageResult, error) {
	id, err := a.sender.Send(ctx, c.Account, accept.Request{
		Destination:          in.DestinationPhoneNumber,
		OriginationIdentity:  value(in.OriginationIdentity),
		Body:                 value(in.MessageBody),
		MessageType:          sms.MessageType(value(in.MessageType)),
		Keyword:              value(in.Keyword),
		ConfigurationSet:     value(in.ConfigurationSetName),
		MaxPrice:             value(in.MaxPrice),
		TimeToLive:           time.Duration(value(in.TimeToLive)) * time.Second,
		Context:              in.Context,
		CountryParameters:    in.DestinationCountryParameters,
		DryRun:               in.DryRun,
		ProtectConfiguration: value(in.ProtectConfigurationId),
		FeedbackEnabled:      in.MessageFeedbackEnabled,
		IdempotencyKey:       c.IdempotencyKey,
		Trace:                c.trace,
	})
	if err != nil {
		return nil, err
	}
	return &wire.SendTextMessageResult{MessageId: &id}, nil
}

// sendTextMessageResources is the ARN of the origination identity that a request
// names; nil where it names none, or one of which no ARN can be made. A sender ID
// is the one of the destination's country.
func sendTextMessageResources(c *Call, in *wire.SendTextMessageRequest) []string {
	named := value(in.OriginationIdentity)
	switch {
	case named == "":
		return nil
	case sms.IsARN(named):
		return []string{named}
	}
	switch kind, id := accept.Named(c.Account, named); kind {
	case "":
		return nil
	case sms.TypeSenderID:
		to, err := numbering.Parse(in.DestinationPhoneNumber)
		if err != nil || to.Country == "" || strings.Contains(id, "/") {
			return nil
		}
		return []string{c.arn(sms.TypeSenderID, id+"/"+to.Country)}
	default:
		return []string{c.arn(kind, id)}
	}
}
