package api_test

import (
	"context"
	"fmt"
	"testing"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/sms"
)

func manyTags(n int) (list []types.Tag) {
	for i := range n {
		list = append(list, types.Tag{Key: new(fmt.Sprintf("key-%03d", i)), Value: new("v")})
	}
	return list
}

// createDestination creates an event destination of a set; what in leaves out is
// a name, all events and a topic.
func createDestination(c *customer, in smsvoice.CreateEventDestinationInput) error {
	if in.EventDestinationName == nil {
		in.EventDestinationName = new("destination")
	}
	if in.MatchingEventTypes == nil {
		in.MatchingEventTypes = []types.EventType{types.EventTypeAll}
	}
	if in.CloudWatchLogsDestination == nil && in.KinesisFirehoseDestination == nil && in.SnsDestination == nil {
		in.SnsDestination = publishTo(topic)
	}
	_, err := c.CreateEventDestination(c.t.Context(), &in)
	return err
}

func updateDestination(c *customer, in smsvoice.UpdateEventDestinationInput) error {
	if in.ConfigurationSetName == nil {
		in.ConfigurationSetName = new("set")
	}
	if in.EventDestinationName == nil {
		in.EventDestinationName = new("logs")
	}
	_, err := c.UpdateEventDestination(c.t.Context(), &in)
	return err
}

func TestReasonsOfConfigurationSets(t *testing.T) {
	foreign := "arn:aws:sms-voice:us-east-1:444455556666:configuration-set/set"
	provoke(t, roomy, []reason{
		{"CreateConfigurationSet", "exists", func(ctx context.Context, c *customer) error {
			c.configurationSet("set")
			_, err := c.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: new("set")})
			return err
		}, conflict("RESOURCE_ALREADY_EXISTS", sms.TypeConfigurationSet, "set")},
		{"CreateConfigurationSet", "a ClientToken with other parameters", func(ctx context.Context, c *customer) error {
			must(c.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: new("first"), ClientToken: new("t")}))(c.t)
			_, err := c.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: new("second"), ClientToken: new("t")})
			return err
		}, conflict("RESOURCE_ALREADY_EXISTS", sms.TypeConfigurationSet, "first")},
		{"CreateConfigurationSet", "a reserved tag key", func(ctx context.Context, c *customer) error {
			_, err := c.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: new("tagged"), Tags: tags("AWS:x", "1")})
			return err
		}, invalid("INVALID_PARAMETER", "Tags[0].Key")},
		{"CreateConfigurationSet", "more tags than a resource may have", func(ctx context.Context, c *customer) error {
			_, err := c.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: new("tagged"), Tags: manyTags(51)})
			return err
		}, quota("TAGS_PER_RESOURCE")},

		{"DescribeConfigurationSets", "one of two sets does not exist", func(ctx context.Context, c *customer) error {
			_, err := c.DescribeConfigurationSets(ctx, &smsvoice.DescribeConfigurationSetsInput{ConfigurationSetNames: []string{"set", "none"}})
			return err
		}, notFound(sms.TypeConfigurationSet, "none")},
		{"DescribeConfigurationSets", "an ARN of another type", func(ctx context.Context, c *customer) error {
			_, err := c.DescribeConfigurationSets(ctx, &smsvoice.DescribeConfigurationSetsInput{ConfigurationSetNames: []string{c.arn(sms.TypePool, noPool)}})
			return err
		}, invalid("INVALID_ARN", "ConfigurationSetNames[0]")},
		{"DescribeConfigurationSets", "an impossible filter value", func(ctx context.Context, c *customer) error {
			_, err := c.DescribeConfigurationSets(ctx, &smsvoice.DescribeConfigurationSetsInput{
				Filters: []types.ConfigurationSetFilter{{Name: "matching-event-types", Values: []string{"TEXT_LOST"}}}})
			return err
		}, invalid("INVALID_FILTER_VALUES", "Filters[0].Values[0]")},
		{"DescribeConfigurationSets", "a forged token", func(ctx context.Context, c *customer) error {
			_, err := c.DescribeConfigurationSets(ctx, &smsvoice.DescribeConfigurationSetsInput{NextToken: new("forged")})
			return err
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},

		{"DeleteConfigurationSet", "no such set", func(ctx context.Context, c *customer) error {
			_, err := c.DeleteConfigurationSet(ctx, &smsvoice.DeleteConfigurationSetInput{ConfigurationSetName: new("none")})
			return err
		}, notFound(sms.TypeConfigurationSet, "none")},
		{"DeleteConfigurationSet", "another account's", func(ctx context.Context, c *customer) error {
			_, err := c.DeleteConfigurationSet(ctx, &smsvoice.DeleteConfigurationSetInput{ConfigurationSetName: &foreign})
			return err
		}, denied},
		{"SetDefaultMessageType", "no such set", func(ctx context.Context, c *customer) error {
			_, err := c.SetDefaultMessageType(ctx, &smsvoice.SetDefaultMessageTypeInput{ConfigurationSetName: new("none"), MessageType: types.MessageTypePromotional})
			return err
		}, notFound(sms.TypeConfigurationSet, "none")},
		{"DeleteDefaultMessageType", "no such set", func(ctx context.Context, c *customer) error {
			_, err := c.DeleteDefaultMessageType(ctx, &smsvoice.DeleteDefaultMessageTypeInput{ConfigurationSetName: new("none")})
			return err
		}, notFound(sms.TypeConfigurationSet, "none")},
		{"SetDefaultSenderId", "no such set", func(ctx context.Context, c *customer) error {
			_, err := c.SetDefaultSenderId(ctx, &smsvoice.SetDefaultSenderIdInput{ConfigurationSetName: new("none"), SenderId: new("HELIO")})
			return err
		}, notFound(sms.TypeConfigurationSet, "none")},
		{"SetDefaultSenderId", "no letter", func(ctx context.Context, c *customer) error {
			_, err := c.SetDefaultSenderId(ctx, &smsvoice.SetDefaultSenderIdInput{ConfigurationSetName: new("set"), SenderId: new("1234567")})
			return err
		}, invalid("INVALID_PARAMETER", "SenderId")},
		{"DeleteDefaultSenderId", "no such set", func(ctx context.Context, c *customer) error {
			_, err := c.DeleteDefaultSenderId(ctx, &smsvoice.DeleteDefaultSenderIdInput{ConfigurationSetName: new("none")})
			return err
		}, notFound(sms.TypeConfigurationSet, "none")},

		{"CreateEventDestination", "no destination", func(ctx context.Context, c *customer) error {
			_, err := c.CreateEventDestination(ctx, &smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("set"), EventDestinationName: new("d"),
				MatchingEventTypes: []types.EventType{types.EventTypeAll}})
			return err
		}, invalid("MISSING_PARAMETER", "CloudWatchLogsDestination", "KinesisFirehoseDestination", "SnsDestination")},
		{"CreateEventDestination", "two destinations", func(ctx context.Context, c *customer) error {
			return createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("set"),
				CloudWatchLogsDestination: logsTo(logGroup), SnsDestination: publishTo(topic)})
		}, invalid("PARAMETERS_CANNOT_BE_USED_TOGETHER", "CloudWatchLogsDestination", "SnsDestination")},
		{"CreateEventDestination", "an event type twice", func(ctx context.Context, c *customer) error {
			return createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("set"),
				MatchingEventTypes: []types.EventType{types.EventTypeAll, types.EventTypeTextSpam, types.EventTypeAll}})
		}, invalid("INVALID_PARAMETER", "MatchingEventTypes[2]")},
		{"CreateEventDestination", "a stream for a log group", func(ctx context.Context, c *customer) error {
			return createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("set"), CloudWatchLogsDestination: logsTo(stream)})
		}, invalid("INVALID_ARN", "CloudWatchLogsDestination.LogGroupArn")},
		{"CreateEventDestination", "a log group for a stream", func(ctx context.Context, c *customer) error {
			return createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("set"), KinesisFirehoseDestination: firehoseTo(logGroup)})
		}, invalid("INVALID_ARN", "KinesisFirehoseDestination.DeliveryStreamArn")},
		{"CreateEventDestination", "a user for a role", func(ctx context.Context, c *customer) error {
			return createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("set"), CloudWatchLogsDestination: &types.CloudWatchLogsDestination{
				IamRoleArn: new("arn:aws:iam::111122223333:user/me"), LogGroupArn: new(logGroup)}})
		}, invalid("INVALID_ARN", "CloudWatchLogsDestination.IamRoleArn")},
		{"CreateEventDestination", "a role of no account", func(ctx context.Context, c *customer) error {
			return createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("set"), KinesisFirehoseDestination: &types.KinesisFirehoseDestination{
				IamRoleArn: new("arn:aws:iam:::role/HeliographEvents"), DeliveryStreamArn: new(stream)}})
		}, invalid("INVALID_ARN", "KinesisFirehoseDestination.IamRoleArn")},
		{"CreateEventDestination", "a queue for a topic", func(ctx context.Context, c *customer) error {
			return createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("set"),
				SnsDestination: publishTo("arn:aws:sqs:us-east-1:111122223333:inbound")})
		}, invalid("INVALID_ARN", "SnsDestination.TopicArn")},
		{"CreateEventDestination", "a FIFO topic", func(ctx context.Context, c *customer) error {
			return createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("set"), SnsDestination: publishTo(topic + ".fifo")})
		}, invalid("INVALID_ARN", "SnsDestination.TopicArn")},
		{"CreateEventDestination", "no such set", func(ctx context.Context, c *customer) error {
			return createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("none")})
		}, notFound(sms.TypeConfigurationSet, "none")},
		{"CreateEventDestination", "exists", func(ctx context.Context, c *customer) error {
			in := smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("set"), EventDestinationName: new("logs"), CloudWatchLogsDestination: logsTo(logGroup)}
			if err := createDestination(c, in); err != nil {
				return err
			}
			return createDestination(c, in)
		}, conflict("RESOURCE_ALREADY_EXISTS", sms.TypeEventDestination, "logs")},
		{"CreateEventDestination", "a ClientToken with other parameters", func(ctx context.Context, c *customer) error {
			in := smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("set"), EventDestinationName: new("once"), ClientToken: new("t")}
			if err := createDestination(c, in); err != nil {
				return err
			}
			in.SnsDestination = publishTo(topic + "-2")
			return createDestination(c, in)
		}, conflict("RESOURCE_ALREADY_EXISTS", sms.TypeEventDestination, "once")},

		{"UpdateEventDestination", "no such set", func(ctx context.Context, c *customer) error {
			return updateDestination(c, smsvoice.UpdateEventDestinationInput{ConfigurationSetName: new("none")})
		}, notFound(sms.TypeConfigurationSet, "none")},
		{"UpdateEventDestination", "no such destination", func(ctx context.Context, c *customer) error {
			return updateDestination(c, smsvoice.UpdateEventDestinationInput{EventDestinationName: new("none")})
		}, notFound(sms.TypeEventDestination, "none")},
		{"UpdateEventDestination", "another kind", func(ctx context.Context, c *customer) error {
			return updateDestination(c, smsvoice.UpdateEventDestinationInput{SnsDestination: publishTo(topic)})
		}, conflict("EVENT_DESTINATION_MISMATCH", sms.TypeEventDestination, "logs")},
		{"UpdateEventDestination", "from a topic to a stream", func(ctx context.Context, c *customer) error {
			return updateDestination(c, smsvoice.UpdateEventDestinationInput{EventDestinationName: new("once"), KinesisFirehoseDestination: firehoseTo(stream)})
		}, conflict("EVENT_DESTINATION_MISMATCH", sms.TypeEventDestination, "once")},
		{"UpdateEventDestination", "two destinations", func(ctx context.Context, c *customer) error {
			return updateDestination(c, smsvoice.UpdateEventDestinationInput{CloudWatchLogsDestination: logsTo(logGroup), KinesisFirehoseDestination: firehoseTo(stream)})
		}, invalid("PARAMETERS_CANNOT_BE_USED_TOGETHER", "CloudWatchLogsDestination", "KinesisFirehoseDestination")},
		{"UpdateEventDestination", "an event type twice", func(ctx context.Context, c *customer) error {
			return updateDestination(c, smsvoice.UpdateEventDestinationInput{MatchingEventTypes: []types.EventType{types.EventTypeAll, types.EventTypeAll}})
		}, invalid("INVALID_PARAMETER", "MatchingEventTypes[1]")},
		{"UpdateEventDestination", "a topic for a log group", func(ctx context.Context, c *customer) error {
			return updateDestination(c, smsvoice.UpdateEventDestinationInput{CloudWatchLogsDestination: logsTo(topic)})
		}, invalid("INVALID_ARN", "CloudWatchLogsDestination.LogGroupArn")},

		{"DeleteEventDestination", "no such set", func(ctx context.Context, c *customer) error {
			_, err := c.DeleteEventDestination(ctx, &smsvoice.DeleteEventDestinationInput{ConfigurationSetName: new("none"), EventDestinationName: new("logs")})
			return err
		}, notFound(sms.TypeConfigurationSet, "none")},
		{"DeleteEventDestination", "no such destination", func(ctx context.Context, c *customer) error {
			_, err := c.DeleteEventDestination(ctx, &smsvoice.DeleteEventDestinationInput{ConfigurationSetName: new("set"), EventDestinationName: new("none")})
			return err
		}, notFound(sms.TypeEventDestination, "none")},
	})
}

func TestReasonsOfTagsAndAccount(t *testing.T) {
	set := "arn:aws:sms-voice:us-east-1:111122223333:configuration-set/set"
	tag := func(c *customer, arn string, list []types.Tag) error {
		_, err := c.TagResource(c.t.Context(), &smsvoice.TagResourceInput{ResourceArn: &arn, Tags: list})
		return err
	}
	var reasons []reason
	// All three operations read the ResourceArn the same way.
	calls := map[string]func(c *customer, arn string) error{
		"TagResource": func(c *customer, arn string) error { return tag(c, arn, tags("a", "1")) },
		"UntagResource": func(c *customer, arn string) error {
			_, err := c.UntagResource(c.t.Context(), &smsvoice.UntagResourceInput{ResourceArn: &arn, TagKeys: []string{"a"}})
			return err
		},
		"ListTagsForResource": func(c *customer, arn string) error {
			_, err := c.ListTagsForResource(c.t.Context(), &smsvoice.ListTagsForResourceInput{ResourceArn: &arn})
			return err
		},
	}
	for operation, call := range calls {
		for _, arn := range []struct {
			name, arn string
			want      refusal
		}{
			{"no such pool", "arn:aws:sms-voice:us-east-1:111122223333:pool/" + noPool, notFound(sms.TypePool, "arn:aws:sms-voice:us-east-1:111122223333:pool/"+noPool)},
			{"no such registration", "arn:aws:sms-voice:us-east-1:111122223333:registration/r-1", notFound(sms.TypeRegistration, "arn:aws:sms-voice:us-east-1:111122223333:registration/r-1")},
			{"another account's", "arn:aws:sms-voice:us-east-1:444455556666:pool/p", denied},
			{"another service's", "arn:aws:sns:us-east-1:111122223333:inbound", invalid("INVALID_ARN", "ResourceArn")},
			{"another region's", "arn:aws:sms-voice:eu-west-1:111122223333:pool/p", invalid("INVALID_ARN", "ResourceArn")},
			{"without tags", "arn:aws:sms-voice:us-east-1:111122223333:message/m", invalid("INVALID_ARN", "ResourceArn")},
			{"without an id", "arn:aws:sms-voice:us-east-1:111122223333:pool", invalid("INVALID_ARN", "ResourceArn")},
		} {
			reasons = append(reasons, reason{operation, arn.name, func(_ context.Context, c *customer) error { return call(c, arn.arn) }, arn.want})
		}
	}
	reasons = append(reasons,
		reason{"TagResource", "a key twice", func(ctx context.Context, c *customer) error {
			c.configurationSet("set")
			return tag(c, set, tags("a", "1", "b", "2", "a", "3"))
		}, invalid("INVALID_PARAMETER", "Tags[2].Key")},
		reason{"TagResource", "a reserved key", func(ctx context.Context, c *customer) error {
			return tag(c, set, tags("aws:createdBy", "me"))
		}, invalid("INVALID_PARAMETER", "Tags[0].Key")},
		reason{"UntagResource", "a reserved key", func(ctx context.Context, c *customer) error {
			_, err := c.UntagResource(ctx, &smsvoice.UntagResourceInput{ResourceArn: &set, TagKeys: []string{"a", "aws:createdBy"}})
			return err
		}, invalid("INVALID_PARAMETER", "TagKeys[1]")},
		reason{"TagResource", "more than a resource may have", func(ctx context.Context, c *customer) error {
			return tag(c, set, manyTags(51))
		}, quota("TAGS_PER_RESOURCE")},
		reason{"DescribeAccountAttributes", "a forged token", func(ctx context.Context, c *customer) error {
			_, err := c.DescribeAccountAttributes(ctx, &smsvoice.DescribeAccountAttributesInput{NextToken: new("forged")})
			return err
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},
		reason{"DescribeAccountLimits", "a token of another operation", func(ctx context.Context, c *customer) error {
			c.configurationSet("another")
			out := must(c.DescribeConfigurationSets(ctx, &smsvoice.DescribeConfigurationSetsInput{MaxResults: new(int32(1))}))(c.t)
			_, err := c.DescribeAccountLimits(ctx, &smsvoice.DescribeAccountLimitsInput{NextToken: out.NextToken})
			return err
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},
	)
	provoke(t, roomy, reasons)
}
