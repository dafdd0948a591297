package api

import (
	"context"

	"heliograph/internal/api/wire"
	"heliograph/internal/sms"
)

// Feedback takes what customers say of whether a message was received: the
// *feedback.Flow.
type Feedback interface {
	// Put answers the status that stands: RECEIVED or FAILED.
	Put(ctx context.Context, account, messageID, status string) (string, error)
}

func (a *API) setDefaultMessageFeedbackEnabled(ctx context.Context, c *Call, in *wire.SetDefaultMessageFeedbackEnabledRequest) (*wire.SetDefaultMessageFeedbackEnabledResult, error) {
	name, err := a.changeConfigurationSet(ctx, c, in.ConfigurationSetName, func(set *sms.ConfigurationSet) error {
		set.DefaultFeedbackEnabled = value(in.MessageFeedbackEnabled)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.SetDefaultMessageFeedbackEnabledResult{
		ConfigurationSetArn: new(c.arn(sms.TypeConfigurationSet, name)), ConfigurationSetName: &name, MessageFeedbackEnabled: in.MessageFeedbackEnabled,
	}, nil
}

// putMessageFeedback writes whether a message was received. Its errors are those of
// feedback.Flow.Put.
func (a *API) putMessageFeedback(ctx context.Context, c *Call, in *wire.PutMessageFeedbackRequest) (*wire.PutMessageFeedbackResult, error) {
	stands, err := a.feedback.Put(ctx, c.AccountID, in.MessageId, in.MessageFeedbackStatus)
	if err != nil {
		return nil, err
	}
	return &wire.PutMessageFeedbackResult{MessageId: in.MessageId, MessageFeedbackStatus: stands}, nil
}

// feedbackOperations has PutMessageFeedback where the API has a Feedback.
func (a *API) feedbackOperations() []operation {
	rows := []operation{
		{"SetDefaultMessageFeedbackEnabled", handle(a.setDefaultMessageFeedbackEnabled), "sms-voice:SetDefaultMessageFeedbackEnabled",
			on(func(c *Call, in *wire.SetDefaultMessageFeedbackEnabledRequest) []string {
				return []string{namedARN(c, sms.TypeConfigurationSet, in.ConfigurationSetName)}
			})},
	}
	if a.feedback == nil {
		return rows
	}
	return append(rows, operation{"PutMessageFeedback", handle(a.putMessageFeedback), "sms-voice:PutMessageFeedback",
		on(func(c *Call, in *wire.PutMessageFeedbackRequest) []string {
			return []string{namedARN(c, sms.TypeMessage, in.MessageId)}
		})})
}
