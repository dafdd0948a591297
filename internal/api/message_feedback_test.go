package api_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"

	"heliograph/internal/api"
	"heliograph/internal/sms"
)

func TestDefaultMessageFeedback(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	c.configurationSet("alerts")
	for _, enabled := range []bool{true, false} {
		out := must(c.SetDefaultMessageFeedbackEnabled(ctx, &smsvoice.SetDefaultMessageFeedbackEnabledInput{
			ConfigurationSetName: new(c.arn(sms.TypeConfigurationSet, "alerts")), MessageFeedbackEnabled: &enabled}))(t)
		if *out.ConfigurationSetArn != c.arn(sms.TypeConfigurationSet, "alerts") || *out.ConfigurationSetName != "alerts" || *out.MessageFeedbackEnabled != enabled {
			t.Errorf("SetDefaultMessageFeedbackEnabled answers %+v", out)
		}
		sets := must(c.DescribeConfigurationSets(ctx, &smsvoice.DescribeConfigurationSetsInput{}))(t).ConfigurationSets
		if *sets[0].DefaultMessageFeedbackEnabled != enabled {
			t.Errorf("the set has %v, want %v", *sets[0].DefaultMessageFeedbackEnabled, enabled)
		}
	}
	provoke(t, roomy, []reason{{"SetDefaultMessageFeedbackEnabled", "none", func(ctx context.Context, c *customer) error {
		_, err := c.SetDefaultMessageFeedbackEnabled(ctx, &smsvoice.SetDefaultMessageFeedbackEnabledInput{ConfigurationSetName: new("none"), MessageFeedbackEnabled: new(true)})
		return err
	}, notFound(sms.TypeConfigurationSet, "none")}})
}

// feedback notes what was put, and answers what stands.
type feedback struct {
	account, message, status string
	stands                   string
	err                      error
}

func (f *feedback) Put(_ context.Context, account, messageID, status string) (string, error) {
	f.account, f.message, f.status = account, messageID, status
	return f.stands, f.err
}

func TestPutMessageFeedback(t *testing.T) {
	flow := &feedback{stands: "RECEIVED"}
	url, _ := startServer(t, func(o *api.Options) { o.Feedback = flow })
	c := smsvoice.New(smsvoice.Options{Region: customerRegion, BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(rootAccessKey, rootSecret, "")})
	out := must(c.PutMessageFeedback(t.Context(), &smsvoice.PutMessageFeedbackInput{MessageId: new("m-1"), MessageFeedbackStatus: "RECEIVED"}))(t)
	if *out.MessageId != "m-1" || out.MessageFeedbackStatus != "RECEIVED" || flow.account != customerAccount || flow.message != "m-1" || flow.status != "RECEIVED" {
		t.Errorf("PutMessageFeedback answers %+v for %+v", out, flow)
	}
	flow.err = sms.NotFound(sms.TypeMessage, "m-1")
	_, err := c.PutMessageFeedback(t.Context(), &smsvoice.PutMessageFeedbackInput{MessageId: new("m-1"), MessageFeedbackStatus: "FAILED"})
	if got := refused(t, err); got.Exception != "ResourceNotFoundException" || got.ResourceType != "message" || got.ResourceID != "m-1" {
		t.Errorf("refused with %+v", got)
	}
}
