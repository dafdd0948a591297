package admin

import (
	"cmp"
	"context"
	"time"

	"heliograph/internal/sms"
)

// ShowMessageInput names a message by its MessageId.
type ShowMessageInput struct {
	MessageID string `json:"message_id"`
}

func (a *operations) showMessage(ctx context.Context, in ShowMessageInput) (Story, error) {
	id, err := a.MessageIDs.Parse(in.MessageID)
	if err != nil {
		return Story{}, sms.NotFound(sms.TypeMessage, in.MessageID)
	}
	found, err := a.Messages.Messages(ctx, []sms.ID{id})
	if err != nil {
		return Story{}, err
	}
	if found[0] == nil {
		return Story{}, sms.NotFound(sms.TypeMessage, in.MessageID)
	}
	// The open row is read first: a message that ends meanwhile is then shown as
	// open with its final event, never as final without it.
	queued, awaiting, err := a.Messages.Open(ctx, id)
	if err != nil {
		return Story{}, err
	}
	events, err := a.Messages.MessageEvents(ctx, id)
	if err != nil {
		return Story{}, err
	}
	return a.story(in.MessageID, found[0], queued, awaiting, events), nil
}

// ListMessagesInput names an account whose newest messages are wanted.
type ListMessagesInput struct {
	Account string `json:"account,omitempty"` // empty: the first account
	Before  string `json:"before,omitempty"`  // MessageId; empty: from the newest
	Limit   int    `json:"limit,omitempty"`   // 1 to 100; 0: 100
}

// ListMessagesOutput is a page, the newest first. Next is Before of the next page.
type ListMessagesOutput struct {
	Messages []Summary `json:"messages"`
	Next     string    `json:"next,omitempty"`
}

// Summary is one message in a list.
type Summary struct {
	MessageID        string    `json:"message_id"`
	AcceptedAt       time.Time `json:"accepted_at"`
	Status           string    `json:"status"`
	Final            bool      `json:"final"`
	Origination      string    `json:"origination"`
	Destination      string    `json:"destination"`
	Country          string    `json:"country"`
	Type             string    `json:"type"`
	Parts            int       `json:"parts"`
	Carrier          string    `json:"carrier"`
	ConfigurationSet string    `json:"configuration_set,omitempty"`
}

// maxMessages bounds a page of messages: each costs two more reads.
const maxMessages = 100

func (a *operations) listMessages(ctx context.Context, in ListMessagesInput) (ListMessagesOutput, error) {
	limit, err := pageSize(in.Limit, maxMessages)
	if err != nil {
		return ListMessagesOutput{}, err
	}
	before := sms.ID(0)
	if in.Before != "" {
		if before, err = a.MessageIDs.Parse(in.Before); err != nil {
			return ListMessagesOutput{}, sms.Invalid(sms.ReasonInvalidParameter, "before", "before is %q, which is no MessageId of this installation.", in.Before)
		}
	}
	messages, err := a.Messages.MessagesOf(ctx, cmp.Or(in.Account, a.Account), before, limit)
	if err != nil {
		return ListMessagesOutput{}, err
	}
	out := ListMessagesOutput{Messages: []Summary{}}
	for _, m := range messages {
		events, err := a.Messages.MessageEvents(ctx, m.ID)
		if err != nil {
			return ListMessagesOutput{}, err
		}
		s := Summary{MessageID: a.MessageIDs.Format(m.ID), AcceptedAt: m.AcceptedAt, Origination: m.Route.Identity, Destination: shown(m.Destination, m.NumberRedacted),
			Country: m.Country, Type: string(m.Type), Parts: m.Parts, Carrier: m.Route.Carrier, ConfigurationSet: m.ConfigurationSet}
		s.Status, s.Final = statusOf(events)
		if r := newestRoute(events); r != nil {
			s.Origination, s.Carrier = r.Identity, r.Carrier
		}
		out.Messages = append(out.Messages, s)
	}
	if len(messages) == limit {
		out.Next = out.Messages[limit-1].MessageID
	}
	return out, nil
}
