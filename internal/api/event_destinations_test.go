package api_test

import (
	"testing"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/api"
	"heliograph/internal/sms"
)

const (
	role     = "arn:aws:iam::111122223333:role/HeliographEvents"
	logGroup = "arn:aws:logs:us-east-1:111122223333:log-group:/sms/events"
	stream   = "arn:aws:firehose:us-east-1:111122223333:deliverystream/sms-events"
)

func logsTo(group string) *types.CloudWatchLogsDestination {
	return &types.CloudWatchLogsDestination{IamRoleArn: new(role), LogGroupArn: &group}
}

func firehoseTo(stream string) *types.KinesisFirehoseDestination {
	return &types.KinesisFirehoseDestination{IamRoleArn: new(role), DeliveryStreamArn: &stream}
}

func publishTo(topic string) *types.SnsDestination { return &types.SnsDestination{TopicArn: &topic} }

func TestEventDestinationLife(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	c.configurationSet("alerts")
	arn := c.arn(sms.TypeConfigurationSet, "alerts")
	kinds := []struct {
		create smsvoice.CreateEventDestinationInput
		update smsvoice.UpdateEventDestinationInput
	}{
		{smsvoice.CreateEventDestinationInput{CloudWatchLogsDestination: logsTo(logGroup)},
			smsvoice.UpdateEventDestinationInput{CloudWatchLogsDestination: logsTo(logGroup + "/more:*")}},
		{smsvoice.CreateEventDestinationInput{KinesisFirehoseDestination: firehoseTo(stream)},
			smsvoice.UpdateEventDestinationInput{KinesisFirehoseDestination: firehoseTo(stream + ".2")}},
		{smsvoice.CreateEventDestinationInput{SnsDestination: publishTo(topic)},
			smsvoice.UpdateEventDestinationInput{SnsDestination: publishTo("arn:aws-cn:sns:cn-north-1:444455556666:Other_topic")}},
	}
	var want []types.EventDestination
	for i, kind := range kinds {
		name := string(rune('a' + i))
		// The types come back as given: their order too, and TEXT_SENT, which never occurs.
		given := []types.EventType{types.EventTypeTextSent, types.EventTypeTextDelivered, types.EventTypeAll}
		in := kind.create
		in.ConfigurationSetName, in.EventDestinationName, in.MatchingEventTypes, in.ClientToken = &arn, &name, given, &name
		d := types.EventDestination{EventDestinationName: &name, Enabled: new(true), MatchingEventTypes: given,
			CloudWatchLogsDestination: in.CloudWatchLogsDestination, KinesisFirehoseDestination: in.KinesisFirehoseDestination, SnsDestination: in.SnsDestination}
		answer := smsvoice.CreateEventDestinationOutput{ConfigurationSetArn: &arn, ConfigurationSetName: new("alerts"), EventDestination: &d}
		same(t, "CreateEventDestination", *must(c.CreateEventDestination(ctx, &in))(t), answer)
		same(t, "CreateEventDestination with the same ClientToken", *must(c.CreateEventDestination(ctx, &in))(t), answer)

		off := &smsvoice.UpdateEventDestinationInput{ConfigurationSetName: new("alerts"), EventDestinationName: &name}
		same(t, "an update of nothing", *must(c.UpdateEventDestination(ctx, off))(t).EventDestination, d)
		off.Enabled, d.Enabled = new(false), new(false)
		same(t, "switched off", *must(c.UpdateEventDestination(ctx, off))(t).EventDestination, d)

		update := kind.update
		update.ConfigurationSetName, update.EventDestinationName = new("alerts"), &name
		update.MatchingEventTypes = []types.EventType{types.EventTypeTextAll}
		d.MatchingEventTypes = update.MatchingEventTypes
		d.CloudWatchLogsDestination, d.KinesisFirehoseDestination, d.SnsDestination = update.CloudWatchLogsDestination, update.KinesisFirehoseDestination, update.SnsDestination
		same(t, "sent elsewhere", *must(c.UpdateEventDestination(ctx, &update))(t).EventDestination, d)
		want = append(want, d)
	}
	same(t, "the set's destinations", c.describeSet("alerts").EventDestinations, want)

	out := must(c.DeleteEventDestination(ctx, &smsvoice.DeleteEventDestinationInput{ConfigurationSetName: &arn, EventDestinationName: new("b")}))(t)
	same(t, "DeleteEventDestination", *out.EventDestination, want[1])
	if *out.ConfigurationSetArn != arn || *out.ConfigurationSetName != "alerts" {
		t.Errorf("deleted from %s, %s", *out.ConfigurationSetArn, *out.ConfigurationSetName)
	}
	same(t, "the destinations left", c.describeSet("alerts").EventDestinations, []types.EventDestination{want[0], want[2]})
}

// The list that filters are held against is the model's.
func TestEveryEventTypeIsTaken(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	c.configurationSet("alerts")
	all := types.EventType("").Values()
	must(c.CreateEventDestination(ctx, &smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("alerts"), EventDestinationName: new("all"),
		MatchingEventTypes: all, SnsDestination: publishTo(topic)}))(t)
	for _, eventType := range all {
		got := c.sets(smsvoice.DescribeConfigurationSetsInput{Filters: []types.ConfigurationSetFilter{
			{Name: "matching-event-types", Values: []string{string(eventType)}}}})
		if len(got) != 1 {
			t.Errorf("no set is found by %s", eventType)
		}
	}
}
