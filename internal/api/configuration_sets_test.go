package api_test

import (
	"slices"
	"testing"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func (c *customer) configurationSet(name string) {
	c.t.Helper()
	must(c.CreateConfigurationSet(c.t.Context(), &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: &name}))(c.t)
}

func (c *customer) describeSet(nameOrARN string) types.ConfigurationSetInformation {
	c.t.Helper()
	out := must(c.DescribeConfigurationSets(c.t.Context(), &smsvoice.DescribeConfigurationSetsInput{ConfigurationSetNames: []string{nameOrARN}}))(c.t)
	if len(out.ConfigurationSets) != 1 {
		c.t.Fatalf("DescribeConfigurationSets of one name answers %d sets", len(out.ConfigurationSets))
	}
	return out.ConfigurationSets[0]
}

// sets are the names on all pages of DescribeConfigurationSets.
func (c *customer) sets(in smsvoice.DescribeConfigurationSetsInput) (names []string) {
	c.t.Helper()
	for pages := smsvoice.NewDescribeConfigurationSetsPaginator(c, &in); pages.HasMorePages(); {
		for _, s := range must(pages.NextPage(c.t.Context()))(c.t).ConfigurationSets {
			names = append(names, *s.ConfigurationSetName)
		}
	}
	return names
}

func TestConfigurationSetLife(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	made := must(c.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: new("alerts"),
		Tags: []types.Tag{{Key: new("team"), Value: new("ops")}}}))(t)
	arn := c.arn(sms.TypeConfigurationSet, "alerts")
	if *made.ConfigurationSetArn != arn || *made.ConfigurationSetName != "alerts" || len(made.Tags) != 1 || made.CreatedTimestamp == nil {
		t.Errorf("CreateConfigurationSet answers %+v", made)
	}
	want := types.ConfigurationSetInformation{ConfigurationSetArn: &arn, ConfigurationSetName: new("alerts"),
		EventDestinations: []types.EventDestination{}, DefaultMessageFeedbackEnabled: new(false), CreatedTimestamp: made.CreatedTimestamp}
	same(t, "a new set", c.describeSet("alerts"), want)
	same(t, "a new set by ARN", c.describeSet(arn), want)

	typed := must(c.SetDefaultMessageType(ctx, &smsvoice.SetDefaultMessageTypeInput{ConfigurationSetName: &arn, MessageType: types.MessageTypePromotional}))(t)
	sender := must(c.SetDefaultSenderId(ctx, &smsvoice.SetDefaultSenderIdInput{ConfigurationSetName: new("alerts"), SenderId: new("HELIO")}))(t)
	if typed.MessageType != types.MessageTypePromotional || *typed.ConfigurationSetName != "alerts" || *typed.ConfigurationSetArn != arn ||
		*sender.SenderId != "HELIO" || *sender.ConfigurationSetName != "alerts" || *sender.ConfigurationSetArn != arn {
		t.Errorf("the defaults are answered as %+v and %+v", typed, sender)
	}
	want.DefaultMessageType, want.DefaultSenderId = types.MessageTypePromotional, new("HELIO")
	same(t, "a set with defaults", c.describeSet("alerts"), want)

	for _, left := range []types.MessageType{types.MessageTypePromotional, ""} {
		out := must(c.DeleteDefaultMessageType(ctx, &smsvoice.DeleteDefaultMessageTypeInput{ConfigurationSetName: &arn}))(t)
		if out.MessageType != left || *out.ConfigurationSetName != "alerts" || *out.ConfigurationSetArn != arn {
			t.Errorf("DeleteDefaultMessageType answers %+v, want type %q", out, left)
		}
	}
	if out := must(c.DeleteDefaultSenderId(ctx, &smsvoice.DeleteDefaultSenderIdInput{ConfigurationSetName: &arn}))(t); *out.SenderId != "HELIO" {
		t.Errorf("DeleteDefaultSenderId answers %+v", out)
	}
	if out := must(c.DeleteDefaultSenderId(ctx, &smsvoice.DeleteDefaultSenderIdInput{ConfigurationSetName: &arn}))(t); out.SenderId != nil {
		t.Errorf("DeleteDefaultSenderId of none answers %s", *out.SenderId)
	}
	want.DefaultMessageType, want.DefaultSenderId = "", nil
	same(t, "a set without defaults", c.describeSet("alerts"), want)

	must(c.SetDefaultSenderId(ctx, &smsvoice.SetDefaultSenderIdInput{ConfigurationSetName: new("alerts"), SenderId: new("567676")}))(t)
	must(c.CreateEventDestination(ctx, &smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("alerts"), EventDestinationName: new("log"),
		MatchingEventTypes: []types.EventType{types.EventTypeAll}, SnsDestination: &types.SnsDestination{TopicArn: new(topic)}}))(t)
	deleted := must(c.DeleteConfigurationSet(ctx, &smsvoice.DeleteConfigurationSetInput{ConfigurationSetName: &arn}))(t)
	same(t, "DeleteConfigurationSet", *deleted, smsvoice.DeleteConfigurationSetOutput{
		ConfigurationSetArn: &arn, ConfigurationSetName: new("alerts"), DefaultSenderId: new("567676"), DefaultMessageFeedbackEnabled: new(false),
		CreatedTimestamp: made.CreatedTimestamp, EventDestinations: []types.EventDestination{{EventDestinationName: new("log"), Enabled: new(true),
			MatchingEventTypes: []types.EventType{types.EventTypeAll}, SnsDestination: &types.SnsDestination{TopicArn: new(topic)}}},
	})
	if got := c.sets(smsvoice.DescribeConfigurationSetsInput{}); got != nil {
		t.Errorf("sets left: %v", got)
	}
}

func TestDescribeConfigurationSetsFilters(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	for _, name := range []string{"plain", "typed", "sending", "logging"} {
		c.configurationSet(name)
	}
	must(c.SetDefaultMessageType(ctx, &smsvoice.SetDefaultMessageTypeInput{ConfigurationSetName: new("typed"), MessageType: types.MessageTypeTransactional}))(t)
	must(c.SetDefaultSenderId(ctx, &smsvoice.SetDefaultSenderIdInput{ConfigurationSetName: new("sending"), SenderId: new("HELIO")}))(t)
	must(c.CreateEventDestination(ctx, &smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("logging"), EventDestinationName: new("topic"),
		MatchingEventTypes: []types.EventType{types.EventTypeTextDelivered, types.EventTypeTextSpam}, SnsDestination: &types.SnsDestination{TopicArn: new(topic)}}))(t)
	c.change(func(tx *resources.Tx) {
		set := tx.ConfigurationSets.Get("plain").Value
		set.DefaultFeedbackEnabled, set.ProtectConfigurationID = true, "protect-1"
		tx.ConfigurationSets.Put("plain", set)
	})
	for _, test := range []struct {
		name   types.ConfigurationSetFilterName
		values []string
		want   []string
	}{
		{"event-destination-name", []string{"topic", "other"}, []string{"logging"}},
		{"matching-event-types", []string{"TEXT_SPAM"}, []string{"logging"}},
		{"matching-event-types", []string{"TEXT_ALL"}, nil},
		{"default-message-type", []string{"TRANSACTIONAL"}, []string{"typed"}},
		{"default-sender-id", []string{"HELIO"}, []string{"sending"}},
		{"default-message-feedback-enabled", []string{"true"}, []string{"plain"}},
		{"protect-configuration-id", []string{"protect-1"}, []string{"plain"}},
	} {
		got := c.sets(smsvoice.DescribeConfigurationSetsInput{Filters: []types.ConfigurationSetFilter{{Name: test.name, Values: test.values}}})
		if !slices.Equal(got, test.want) {
			t.Errorf("%s %v: %v, want %v", test.name, test.values, got, test.want)
		}
	}
	all := []string{"plain", "typed", "sending", "logging"}
	if got := c.sets(smsvoice.DescribeConfigurationSetsInput{MaxResults: new(int32(3))}); !sameNames(got, all) {
		t.Errorf("three a page: %v", got)
	}
	if got := c.sets(smsvoice.DescribeConfigurationSetsInput{ConfigurationSetNames: []string{"typed", "plain"}}); !sameNames(got, []string{"plain", "typed"}) {
		t.Errorf("two by name: %v", got)
	}
}

// sameNames compares without order: sets that were created in the same
// millisecond are listed by name.
func sameNames(got, want []string) bool {
	got, want = slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))
	return slices.Equal(got, want)
}

func TestConfigurationSetClientToken(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	in := &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: new("alerts"), ClientToken: new("once")}
	made, again := must(c.CreateConfigurationSet(ctx, in))(t), must(c.CreateConfigurationSet(ctx, in))(t)
	if *made.CreatedTimestamp != *again.CreatedTimestamp || *made.ConfigurationSetArn != *again.ConfigurationSetArn {
		t.Errorf("made %+v, then answered %+v", made, again)
	}
	must(c.DeleteConfigurationSet(ctx, &smsvoice.DeleteConfigurationSetInput{ConfigurationSetName: new("alerts")}))(t)
	must(c.CreateConfigurationSet(ctx, in))(t)
	if got := c.sets(smsvoice.DescribeConfigurationSetsInput{}); !slices.Equal(got, []string{"alerts"}) {
		t.Errorf("after the set was deleted and created again: %v", got)
	}
}
