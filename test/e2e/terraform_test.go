package e2e

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// The tests of this file make the calls that Terraform's AWS provider makes, in
// its order, and hold to what it relies on: what a call was given is read back the
// same, unset members are absent, and only known statuses pass by.

// gone reports whether a call was answered by ResourceNotFoundException.
func gone(t *testing.T, err error) bool {
	t.Helper()
	var e *types.ResourceNotFoundException
	if err != nil && !errors.As(err, &e) {
		t.Fatal(err)
	}
	return err != nil
}

// hasTags checks the tags of a resource, and changes them as an update does: first
// those that go, then those that come.
func hasTags(t *testing.T, c *api.Client, arn *string, want map[string]string) {
	t.Helper()
	check := func(want map[string]string) {
		t.Helper()
		got := map[string]string{}
		for _, tag := range must(c.ListTagsForResource(t.Context(), &api.ListTagsForResourceInput{ResourceArn: arn}))(t).Tags {
			got[*tag.Key] = *tag.Value
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("tags of %s: %v, want %v", *arn, got, want)
		}
	}
	check(want)
	var old []string
	for key := range want {
		old = append(old, key)
	}
	must(c.UntagResource(t.Context(), &api.UntagResourceInput{ResourceArn: arn, TagKeys: old}))(t)
	check(map[string]string{})
	must(c.TagResource(t.Context(), &api.TagResourceInput{ResourceArn: arn, Tags: []types.Tag{{Key: aws.String("Name"), Value: aws.String("after")}}}))(t)
	check(map[string]string{"Name": "after"})
}

var (
	terraformTags = []types.Tag{{Key: aws.String("Name"), Value: aws.String("before")}, {Key: aws.String("Empty"), Value: aws.String("")}}
	readTags      = map[string]string{"Name": "before", "Empty": ""}
)

func TestTerraformPhoneNumber(t *testing.T) {
	t.Parallel()
	c := start(t, "tier: production\n").client()
	read := func(id *string) (n types.PhoneNumberInformation, there bool) {
		t.Helper()
		out, err := c.DescribePhoneNumbers(t.Context(), &api.DescribePhoneNumbersInput{PhoneNumberIds: []string{*id}})
		if gone(t, err) {
			return n, false
		}
		if len(out.PhoneNumbers) != 1 {
			t.Fatalf("%d phone numbers have the id %s", len(out.PhoneNumbers), *id)
		}
		return out.PhoneNumbers[0], true
	}
	made := must(c.RequestPhoneNumber(t.Context(), &api.RequestPhoneNumberInput{
		ClientToken: aws.String("terraform-1"), IsoCountryCode: aws.String("GB"), MessageType: types.MessageTypeTransactional,
		NumberType: types.RequestableNumberTypeLongCode, DeletionProtectionEnabled: aws.Bool(false), Tags: terraformTags,
		NumberCapabilities: []types.NumberCapability{types.NumberCapabilityVoice, types.NumberCapabilitySms},
	}))(t)
	n, there := read(made.PhoneNumberId)
	if !there || n.Status != types.NumberStatusActive {
		t.Fatalf("after the request: %+v", n)
	}
	slices.Sort(n.NumberCapabilities)
	if *n.IsoCountryCode != "GB" || n.MessageType != types.MessageTypeTransactional || n.NumberType != types.NumberTypeLongCode ||
		!slices.Equal(n.NumberCapabilities, []types.NumberCapability{types.NumberCapabilitySms, types.NumberCapabilityVoice}) ||
		*n.OptOutListName != "Default" || n.DeletionProtectionEnabled || n.TwoWayEnabled || n.SelfManagedOptOutsEnabled ||
		n.RegistrationId != nil || n.TwoWayChannelArn != nil || n.TwoWayChannelRole != nil || n.PoolId != nil ||
		*n.PhoneNumberArn != *made.PhoneNumberArn || *n.PhoneNumber != *made.PhoneNumber || *n.MonthlyLeasingPrice != *made.MonthlyLeasingPrice {
		t.Errorf("read back: %+v", n)
	}
	hasTags(t, c, n.PhoneNumberArn, readTags)

	update := &api.UpdatePhoneNumberInput{PhoneNumberId: made.PhoneNumberId, DeletionProtectionEnabled: aws.Bool(true),
		OptOutListName: aws.String("Default"), SelfManagedOptOutsEnabled: aws.Bool(true), TwoWayEnabled: aws.Bool(true),
		TwoWayChannelArn: aws.String(topic), TwoWayChannelRole: aws.String(eventsRole)}
	must(c.UpdatePhoneNumber(t.Context(), update))(t)
	must(c.UpdatePhoneNumber(t.Context(), update))(t)
	if n, _ = read(made.PhoneNumberId); n.Status != types.NumberStatusActive || !n.DeletionProtectionEnabled || !n.TwoWayEnabled ||
		!n.SelfManagedOptOutsEnabled || aws.ToString(n.TwoWayChannelArn) != topic || aws.ToString(n.TwoWayChannelRole) != eventsRole {
		t.Errorf("after the update: %+v", n)
	}
	must(c.UpdatePhoneNumber(t.Context(), &api.UpdatePhoneNumberInput{PhoneNumberId: made.PhoneNumberId, DeletionProtectionEnabled: aws.Bool(false),
		SelfManagedOptOutsEnabled: aws.Bool(false), TwoWayEnabled: aws.Bool(false)}))(t)
	if n, _ = read(made.PhoneNumberId); n.TwoWayEnabled || n.TwoWayChannelArn != nil || n.TwoWayChannelRole != nil {
		t.Errorf("without two-way again: %+v", n)
	}
	must(c.ReleasePhoneNumber(t.Context(), &api.ReleasePhoneNumberInput{PhoneNumberId: made.PhoneNumberId}))(t)
	if n, there = read(made.PhoneNumberId); there && n.Status == types.NumberStatusActive {
		t.Errorf("after the release: %+v", n)
	}
}

func TestTerraformPool(t *testing.T) {
	t.Parallel()
	c := start(t, "tier: production\n").client()
	// Members are described by ARN.
	var arns []string
	for range 3 {
		arns = append(arns, *lease(t, c, "GB", types.RequestableNumberTypeLongCode).PhoneNumberArn)
	}
	if got := must(c.DescribePhoneNumbers(t.Context(), &api.DescribePhoneNumbersInput{PhoneNumberIds: arns}))(t).PhoneNumbers; len(got) != len(arns) {
		t.Fatalf("%d phone numbers by %d ARNs", len(got), len(arns))
	}
	made := must(c.CreatePool(t.Context(), &api.CreatePoolInput{ClientToken: aws.String("terraform-1"), OriginationIdentity: &arns[0], IsoCountryCode: aws.String("GB"),
		MessageType: types.MessageTypeTransactional, DeletionProtectionEnabled: aws.Bool(false), Tags: terraformTags}))(t)
	read := func() (p types.PoolInformation, there bool) {
		t.Helper()
		out, err := c.DescribePools(t.Context(), &api.DescribePoolsInput{PoolIds: []string{*made.PoolId}})
		if gone(t, err) {
			return p, false
		}
		if len(out.Pools) != 1 {
			t.Fatalf("%d pools have the id %s", len(out.Pools), *made.PoolId)
		}
		return out.Pools[0], true
	}
	members := func(want ...string) {
		t.Helper()
		var got []string
		pages := api.NewListPoolOriginationIdentitiesPaginator(c, &api.ListPoolOriginationIdentitiesInput{PoolId: made.PoolId, MaxResults: aws.Int32(1)})
		for pages.HasMorePages() {
			for _, m := range must(pages.NextPage(t.Context()))(t).OriginationIdentities {
				got = append(got, *m.OriginationIdentityArn)
			}
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("members %v, want %v", got, want)
		}
	}
	if p, there := read(); !there || p.Status != types.PoolStatusActive || p.MessageType != types.MessageTypeTransactional || *p.OptOutListName != "Default" ||
		p.TwoWayEnabled || p.SelfManagedOptOutsEnabled || p.SharedRoutesEnabled || p.DeletionProtectionEnabled ||
		p.TwoWayChannelArn != nil || p.TwoWayChannelRole != nil || *p.PoolArn != *made.PoolArn {
		t.Fatalf("read back: %+v", p)
	}
	associate := func(arn string) {
		t.Helper()
		must(c.AssociateOriginationIdentity(t.Context(), &api.AssociateOriginationIdentityInput{PoolId: made.PoolId, OriginationIdentity: &arn, IsoCountryCode: aws.String("GB")}))(t)
	}
	disassociate := func(arn string) {
		t.Helper()
		must(c.DisassociateOriginationIdentity(t.Context(), &api.DisassociateOriginationIdentityInput{PoolId: made.PoolId, OriginationIdentity: &arn, IsoCountryCode: aws.String("GB")}))(t)
	}
	associate(arns[1])
	members(arns[0], arns[1])
	hasTags(t, c, made.PoolArn, readTags)
	must(c.UpdatePool(t.Context(), &api.UpdatePoolInput{PoolId: made.PoolId}))(t)
	must(c.UpdatePool(t.Context(), &api.UpdatePoolInput{PoolId: made.PoolId, SharedRoutesEnabled: aws.Bool(true), TwoWayEnabled: aws.Bool(true),
		TwoWayChannelArn: aws.String(topic), SelfManagedOptOutsEnabled: aws.Bool(true), OptOutListName: aws.String("Default")}))(t)
	if p, _ := read(); p.Status != types.PoolStatusActive || !p.SharedRoutesEnabled || !p.TwoWayEnabled || aws.ToString(p.TwoWayChannelArn) != topic || p.TwoWayChannelRole != nil {
		t.Errorf("after the update: %+v", p)
	}
	must(c.UpdatePool(t.Context(), &api.UpdatePoolInput{PoolId: made.PoolId, TwoWayEnabled: aws.Bool(false), SelfManagedOptOutsEnabled: aws.Bool(false)}))(t)
	// An update of the members associates before it disassociates.
	associate(arns[2])
	disassociate(arns[0])
	members(arns[1], arns[2])
	must(c.DeletePool(t.Context(), &api.DeletePoolInput{PoolId: made.PoolId}))(t)
	if p, there := read(); there && p.Status != types.PoolStatusDeleting {
		t.Errorf("after the deletion: %+v", p)
	}
	for _, arn := range arns {
		must(c.ReleasePhoneNumber(t.Context(), &api.ReleasePhoneNumberInput{PhoneNumberId: &arn}))(t)
	}
}

func TestTerraformSenderID(t *testing.T) {
	t.Parallel()
	c := start(t, "tier: production\n").client()
	key := types.SenderIdAndCountry{SenderId: aws.String("HELIO"), IsoCountryCode: aws.String("DE")}
	made := must(c.RequestSenderId(t.Context(), &api.RequestSenderIdInput{ClientToken: aws.String("terraform-1"), SenderId: key.SenderId, IsoCountryCode: key.IsoCountryCode,
		MessageTypes: []types.MessageType{types.MessageTypeTransactional}, DeletionProtectionEnabled: aws.Bool(true), Tags: terraformTags}))(t)
	read := func() (s types.SenderIdInformation, there bool) {
		t.Helper()
		out, err := c.DescribeSenderIds(t.Context(), &api.DescribeSenderIdsInput{SenderIds: []types.SenderIdAndCountry{key}})
		if gone(t, err) {
			return s, false
		}
		if len(out.SenderIds) != 1 {
			t.Fatalf("%d sender IDs", len(out.SenderIds))
		}
		return out.SenderIds[0], true
	}
	s, there := read()
	if !there || *s.SenderId != "HELIO" || *s.IsoCountryCode != "DE" || !slices.Equal(s.MessageTypes, []types.MessageType{types.MessageTypeTransactional}) ||
		!s.DeletionProtectionEnabled || s.Registered || s.RegistrationId != nil || *s.SenderIdArn != *made.SenderIdArn || *s.MonthlyLeasingPrice != *made.MonthlyLeasingPrice {
		t.Fatalf("read back: %+v", s)
	}
	hasTags(t, c, s.SenderIdArn, readTags)
	must(c.UpdateSenderId(t.Context(), &api.UpdateSenderIdInput{SenderId: key.SenderId, IsoCountryCode: key.IsoCountryCode, DeletionProtectionEnabled: aws.Bool(false)}))(t)
	if s, _ = read(); s.DeletionProtectionEnabled || *s.SenderIdArn != *made.SenderIdArn {
		t.Errorf("after the update: %+v", s)
	}
	must(c.ReleaseSenderId(t.Context(), &api.ReleaseSenderIdInput{SenderId: key.SenderId, IsoCountryCode: key.IsoCountryCode}))(t)
	if _, there = read(); there {
		t.Error("still there after the release")
	}
}

func TestTerraformConfigurationSet(t *testing.T) {
	t.Parallel()
	c := start(t, "tier: production\n").client()
	name := aws.String("terraform_set-1")
	made := must(c.CreateConfigurationSet(t.Context(), &api.CreateConfigurationSetInput{ClientToken: aws.String("terraform-1"), ConfigurationSetName: name, Tags: terraformTags}))(t)
	set := func() types.ConfigurationSetInformation { return describedSet(t, c, *name) }
	if s := set(); *s.ConfigurationSetArn != *made.ConfigurationSetArn || *s.ConfigurationSetName != *name || s.DefaultMessageType != "" || s.DefaultSenderId != nil {
		t.Errorf("read back: %+v", s)
	}
	must(c.SetDefaultSenderId(t.Context(), &api.SetDefaultSenderIdInput{ConfigurationSetName: name, SenderId: aws.String("HELIO")}))(t)
	must(c.SetDefaultMessageType(t.Context(), &api.SetDefaultMessageTypeInput{ConfigurationSetName: name, MessageType: types.MessageTypePromotional}))(t)
	if s := set(); s.DefaultMessageType != types.MessageTypePromotional || aws.ToString(s.DefaultSenderId) != "HELIO" {
		t.Errorf("with defaults: %+v", s)
	}
	must(c.DeleteDefaultSenderId(t.Context(), &api.DeleteDefaultSenderIdInput{ConfigurationSetName: name}))(t)
	must(c.DeleteDefaultMessageType(t.Context(), &api.DeleteDefaultMessageTypeInput{ConfigurationSetName: name}))(t)
	if s := set(); s.DefaultMessageType != "" || s.DefaultSenderId != nil {
		t.Errorf("without defaults again: %+v", s)
	}
	hasTags(t, c, made.ConfigurationSetArn, readTags)
	must(c.DeleteConfigurationSet(t.Context(), &api.DeleteConfigurationSetInput{ConfigurationSetName: name}))(t)
	_, err := c.DescribeConfigurationSets(t.Context(), &api.DescribeConfigurationSetsInput{ConfigurationSetNames: []string{*name}})
	if !gone(t, err) {
		t.Error("still there after the deletion")
	}
}

func describedSet(t *testing.T, c *api.Client, nameOrARN string) types.ConfigurationSetInformation {
	t.Helper()
	sets := must(c.DescribeConfigurationSets(t.Context(), &api.DescribeConfigurationSetsInput{ConfigurationSetNames: []string{nameOrARN}}))(t).ConfigurationSets
	if len(sets) != 1 {
		t.Fatalf("%d configuration sets named %s", len(sets), nameOrARN)
	}
	return sets[0]
}

func TestTerraformEventDestination(t *testing.T) {
	t.Parallel()
	c := start(t, "tier: production\n").client()
	set := aws.String("Set")
	setARN := *must(c.CreateConfigurationSet(t.Context(), &api.CreateConfigurationSetInput{ConfigurationSetName: set}))(t).ConfigurationSetArn
	cloudWatch := &types.CloudWatchLogsDestination{IamRoleArn: aws.String(eventsRole), LogGroupArn: aws.String(logGroup)}
	firehose := &types.KinesisFirehoseDestination{IamRoleArn: aws.String(eventsRole), DeliveryStreamArn: aws.String(stream)}
	sns := &types.SnsDestination{TopicArn: aws.String(topic)}
	// Event types come back in the order they were given.
	eventTypes := []types.EventType{types.EventTypeTextSuccessful, types.EventTypeTextBlocked, types.EventTypeTextSent, types.EventTypeTextAll}
	for _, want := range []types.EventDestination{
		{EventDestinationName: aws.String("Logs"), CloudWatchLogsDestination: cloudWatch},
		{EventDestinationName: aws.String("Stream"), KinesisFirehoseDestination: firehose},
		{EventDestinationName: aws.String("Topic"), SnsDestination: sns},
	} {
		want.MatchingEventTypes, want.Enabled = eventTypes, aws.Bool(true)
		made := must(c.CreateEventDestination(t.Context(), &api.CreateEventDestinationInput{ConfigurationSetName: set, EventDestinationName: want.EventDestinationName,
			MatchingEventTypes: eventTypes, CloudWatchLogsDestination: want.CloudWatchLogsDestination,
			KinesisFirehoseDestination: want.KinesisFirehoseDestination, SnsDestination: want.SnsDestination}))(t)
		if *made.ConfigurationSetArn != setARN || !aws.ToBool(made.EventDestination.Enabled) {
			t.Errorf("created: %+v", made)
		}
		read := func(context string) {
			t.Helper()
			destinations := describedSet(t, c, *set).EventDestinations
			if len(destinations) != 1 || !reflect.DeepEqual(destinations[0], want) {
				t.Errorf("%s, %s: %+v, want %+v", *want.EventDestinationName, context, destinations, want)
			}
		}
		read("created")
		update := func(change func(*api.UpdateEventDestinationInput)) {
			t.Helper()
			in := &api.UpdateEventDestinationInput{ConfigurationSetName: set, EventDestinationName: want.EventDestinationName, Enabled: want.Enabled,
				MatchingEventTypes: want.MatchingEventTypes, CloudWatchLogsDestination: want.CloudWatchLogsDestination,
				KinesisFirehoseDestination: want.KinesisFirehoseDestination, SnsDestination: want.SnsDestination}
			change(in)
			must(c.UpdateEventDestination(t.Context(), in))(t)
		}
		want.Enabled = aws.Bool(false)
		update(func(in *api.UpdateEventDestinationInput) {})
		read("disabled")
		want.MatchingEventTypes = []types.EventType{types.EventTypeAll}
		update(func(in *api.UpdateEventDestinationInput) { in.Enabled = nil })
		read("with other event types")
		must(c.DeleteEventDestination(t.Context(), &api.DeleteEventDestinationInput{ConfigurationSetName: set, EventDestinationName: want.EventDestinationName}))(t)
		if left := describedSet(t, c, setARN).EventDestinations; len(left) != 0 {
			t.Errorf("left after the deletion: %+v", left)
		}
	}
	deleteTwice := func(ctx context.Context) error {
		return failed(c.DeleteEventDestination(ctx, &api.DeleteEventDestinationInput{ConfigurationSetName: set, EventDestinationName: aws.String("Logs")}))
	}
	if !gone(t, deleteTwice(t.Context())) {
		t.Error("an event destination is deleted twice")
	}
}
