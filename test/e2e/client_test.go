package e2e

import (
	"errors"
	"net/http"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/aws/smithy-go"
)

const (
	region  = "us-east-1"
	account = "111122223333"

	eventsRole = "arn:aws:iam::111122223333:role/HeliographEvents"
	logGroup   = "arn:aws:logs:us-east-1:111122223333:log-group:Messages"
	topic      = "arn:aws:sns:us-east-1:111122223333:Messages"
	stream     = "arn:aws:firehose:us-east-1:111122223333:deliverystream/Messages"

	// Destinations of the simulator.
	successUS = "+14254147755"
	failureUS = "+14254147167"
	successGB = "+447860019066"
)

// client is the AWS SDK for Go with the server's own credentials. It tries
// nothing twice, so that a test sees each answer.
func (s *server) client() *api.Client {
	s.t.Helper()
	accessKey, secret := s.keys()
	return api.NewFromConfig(aws.Config{
		Region:       region,
		Credentials:  credentials.NewStaticCredentialsProvider(accessKey, secret, ""),
		BaseEndpoint: aws.String(s.url),
		HTTPClient:   &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		Retryer:      func() aws.Retryer { return aws.NopRetryer{} },
	})
}

// must gives the answer of a call that has to succeed: must(call())(t).
func must[T any](out T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
}

// refusal is what a client sees of an exception.
type refusal struct {
	Code         string
	Reason       string
	Fields       []string
	ResourceType string
	ResourceID   string
	Message      string
}

// refusalOf reads the exception that a call was answered with.
func refusalOf(t *testing.T, err error) (r refusal) {
	t.Helper()
	var of smithy.APIError
	if !errors.As(err, &of) {
		t.Fatalf("not answered by an exception: %v", err)
	}
	r.Code, r.Message = of.ErrorCode(), of.ErrorMessage()
	switch e := of.(type) {
	case *types.ValidationException:
		r.Reason = string(e.Reason)
		for _, f := range e.Fields {
			r.Fields = append(r.Fields, aws.ToString(f.Name))
		}
	case *types.ConflictException:
		r.Reason, r.ResourceType, r.ResourceID = string(e.Reason), string(e.ResourceType), aws.ToString(e.ResourceId)
	case *types.ServiceQuotaExceededException:
		r.Reason = string(e.Reason)
	case *types.ResourceNotFoundException:
		r.ResourceType, r.ResourceID = string(e.ResourceType), aws.ToString(e.ResourceId)
	}
	return r
}

// send sends a text message and gives its MessageId.
func send(t *testing.T, c *api.Client, in *api.SendTextMessageInput) string {
	t.Helper()
	out, err := c.SendTextMessage(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return aws.ToString(out.MessageId)
}

// loggingSet makes a configuration set with an event destination that gets every
// event.
func loggingSet(t *testing.T, c *api.Client, name string) {
	t.Helper()
	must(c.CreateConfigurationSet(t.Context(), &api.CreateConfigurationSetInput{ConfigurationSetName: &name}))(t)
	must(c.CreateEventDestination(t.Context(), &api.CreateEventDestinationInput{
		ConfigurationSetName: &name, EventDestinationName: aws.String("Everything"), MatchingEventTypes: []types.EventType{types.EventTypeAll},
		CloudWatchLogsDestination: &types.CloudWatchLogsDestination{IamRoleArn: aws.String(eventsRole), LogGroupArn: aws.String(logGroup)},
	}))(t)
}

// lease requests a phone number.
func lease(t *testing.T, c *api.Client, country string, kind types.RequestableNumberType) *api.RequestPhoneNumberOutput {
	t.Helper()
	return must(c.RequestPhoneNumber(t.Context(), &api.RequestPhoneNumberInput{
		IsoCountryCode: &country, MessageType: types.MessageTypeTransactional, NumberType: kind,
		NumberCapabilities: []types.NumberCapability{types.NumberCapabilitySms},
	}))(t)
}

// theStory checks the events of one message: from QUEUED on, with exactly one
// final event, the last.
func theStory(t *testing.T, events []event, statuses ...string) {
	t.Helper()
	var got []string
	for _, e := range events {
		got = append(got, e.Type)
	}
	if !slices.Equal(got, statuses) {
		t.Errorf("events %v, want %v", got, statuses)
	}
	if len(events) == 0 || finals(events) != 1 || !events[len(events)-1].Final {
		t.Errorf("not exactly one final event at the end: %+v", events)
	}
}
