package api

import (
	"context"
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
		Permit:               c.permit(),
		Owner:                a.lender(c, in.OriginationIdentity),
		IdempotencyKey:       c.ownIdempotencyKey(),
		Trace:                c.trace,
	})
	if err != nil {
		return nil, err
	}
	return &wire.SendTextMessageResult{MessageId: &id}, nil
}

// sendTextMessageResources is the ARN of the origination identity that a request
// names. A sender ID is the one of the destination's country. Where it names none, the
// one that is chosen is asked about.
func sendTextMessageResources(c *Call, in *wire.SendTextMessageRequest) []string {
	if value(in.OriginationIdentity) == "" {
		return later
	}
	return []string{identityARN(c, *in.OriginationIdentity, countryOf(in.DestinationPhoneNumber))}
}

// countryOf is the country of a destination, empty where it cannot be read.
func countryOf(destination string) string {
	n, err := numbering.Parse(destination)
	if err != nil {
		return ""
	}
	return n.Country
}
