package api_test

import (
	"slices"
	"testing"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/api"
)

// These follow the calls that Terraform's AWS provider makes for a resource: what
// was given comes back the same, statuses are ones that its waiters know, reading
// twice gives the same, and what was deleted is not found.

// leased requests a number as the provider does and answers its ARN.
func (c *customer) leased() string {
	c.t.Helper()
	ctx := c.t.Context()
	n := must(c.RequestPhoneNumber(ctx, &smsvoice.RequestPhoneNumberInput{IsoCountryCode: new("GB"), MessageType: types.MessageTypeTransactional,
		NumberCapabilities: []types.NumberCapability{types.NumberCapabilitySms}, NumberType: types.RequestableNumberTypeLongCode}))(c.t)
	out := must(c.DescribePhoneNumbers(ctx, &smsvoice.DescribePhoneNumbersInput{PhoneNumberIds: []string{*n.PhoneNumberArn}}))(c.t)
	if len(out.PhoneNumbers) != 1 || out.PhoneNumbers[0].Status != types.NumberStatusActive {
		c.t.Fatalf("after the request the number is %+v", out.PhoneNumbers)
	}
	return *n.PhoneNumberArn
}

// members are the ARNs that ListPoolOriginationIdentities answers, sorted.
func (c *customer) members(pool string) (arns []string) {
	c.t.Helper()
	for pages := smsvoice.NewListPoolOriginationIdentitiesPaginator(c, &smsvoice.ListPoolOriginationIdentitiesInput{PoolId: &pool}); pages.HasMorePages(); {
		for _, m := range must(pages.NextPage(c.t.Context()))(c.t).OriginationIdentities {
			arns = append(arns, *m.OriginationIdentityArn)
		}
	}
	slices.Sort(arns)
	return arns
}

func TestTerraformPool(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	c.senderID("HELIO", "GB")
	senders := must(c.DescribeSenderIds(ctx, &smsvoice.DescribeSenderIdsInput{}))(t).SenderIds
	wanted := []string{c.leased(), c.leased(), *senders[0].SenderIdArn}
	slices.Sort(wanted)

	made := must(c.CreatePool(ctx, &smsvoice.CreatePoolInput{OriginationIdentity: &wanted[0], MessageType: types.MessageTypeTransactional,
		Tags: tags("Name", "alerts")}))(t)
	pool, arn := *made.PoolId, *made.PoolArn
	if got := c.describePool(pool).Status; got != types.PoolStatusActive {
		t.Errorf("the new pool is %s", got)
	}
	for _, identity := range wanted[1:] {
		must(c.AssociateOriginationIdentity(ctx, &smsvoice.AssociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: &identity}))(t)
	}
	must(c.UpdatePool(ctx, &smsvoice.UpdatePoolInput{PoolId: &pool, SharedRoutesEnabled: new(false)}))(t)
	read := func() (types.PoolInformation, []string, []types.Tag) {
		return c.describePool(pool), c.members(pool), c.tagsOf(arn)
	}
	info, members, tagged := read()
	if !slices.Equal(members, wanted) {
		t.Errorf("members %v, want %v", members, wanted)
	}
	same(t, "tags", tagged, tags("Name", "alerts"))
	if info.TwoWayChannelArn != nil || info.TwoWayChannelRole != nil || *info.OptOutListName != "Default" {
		t.Errorf("settings that were not given are %+v", info)
	}
	infoAgain, membersAgain, _ := read()
	same(t, "the pool read twice", infoAgain, info)
	same(t, "the members read twice", membersAgain, members)

	// All members replaced: those that come are associated first.
	next := c.leased()
	must(c.AssociateOriginationIdentity(ctx, &smsvoice.AssociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: &next}))(t)
	for _, identity := range wanted {
		must(c.DisassociateOriginationIdentity(ctx, &smsvoice.DisassociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: &identity}))(t)
	}
	if got := c.members(pool); !slices.Equal(got, []string{next}) {
		t.Errorf("members after the update: %v, want %s", got, next)
	}
	must(c.UpdatePool(ctx, &smsvoice.UpdatePoolInput{PoolId: &pool, DeletionProtectionEnabled: new(true)}))(t)
	must(c.UpdatePool(ctx, &smsvoice.UpdatePoolInput{PoolId: &pool, DeletionProtectionEnabled: new(false)}))(t)

	if got := must(c.DeletePool(ctx, &smsvoice.DeletePoolInput{PoolId: &pool}))(t).Status; got != types.PoolStatusDeleting {
		t.Errorf("the deleted pool is %s", got)
	}
	_, err := c.DescribePools(ctx, &smsvoice.DescribePoolsInput{PoolIds: []string{pool}})
	if got := refused(t, err); got.Exception != "ResourceNotFoundException" {
		t.Errorf("the deleted pool is refused with %+v", got)
	}
	must(c.ReleasePhoneNumber(ctx, &smsvoice.ReleasePhoneNumberInput{PhoneNumberId: &next}))(t)
}

func TestTerraformConfigurationSet(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	name := new("terraform-set_1")
	made := must(c.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: name, Tags: tags("k1", "v1")}))(t)
	must(c.SetDefaultSenderId(ctx, &smsvoice.SetDefaultSenderIdInput{ConfigurationSetName: name, SenderId: new("HELIO")}))(t)
	must(c.SetDefaultMessageType(ctx, &smsvoice.SetDefaultMessageTypeInput{ConfigurationSetName: name, MessageType: types.MessageTypeTransactional}))(t)
	set := c.describeSet(*name)
	if *set.DefaultSenderId != "HELIO" || set.DefaultMessageType != types.MessageTypeTransactional || *set.ConfigurationSetArn != *made.ConfigurationSetArn {
		t.Errorf("read back %+v", set)
	}
	same(t, "the set read twice", c.describeSet(*name), set)

	// Tags are changed by taking away, then adding.
	arn := made.ConfigurationSetArn
	must(c.UntagResource(ctx, &smsvoice.UntagResourceInput{ResourceArn: arn, TagKeys: []string{"k1"}}))(t)
	must(c.TagResource(ctx, &smsvoice.TagResourceInput{ResourceArn: arn, Tags: tags("k1", "v1 changed", "k2", "")}))(t)
	same(t, "tags", c.tagsOf(*arn), tags("k1", "v1 changed", "k2", ""))

	must(c.DeleteDefaultSenderId(ctx, &smsvoice.DeleteDefaultSenderIdInput{ConfigurationSetName: name}))(t)
	must(c.DeleteDefaultMessageType(ctx, &smsvoice.DeleteDefaultMessageTypeInput{ConfigurationSetName: name}))(t)
	if set := c.describeSet(*name); set.DefaultSenderId != nil || set.DefaultMessageType != "" {
		t.Errorf("defaults that were deleted are read back as %+v", set)
	}
	must(c.DeleteConfigurationSet(ctx, &smsvoice.DeleteConfigurationSetInput{ConfigurationSetName: name}))(t)
	_, err := c.DescribeConfigurationSets(ctx, &smsvoice.DescribeConfigurationSetsInput{ConfigurationSetNames: []string{*name}})
	if got := refused(t, err); got.Exception != "ResourceNotFoundException" {
		t.Errorf("the deleted set is refused with %+v", got)
	}
	_, err = c.ListTagsForResource(ctx, &smsvoice.ListTagsForResourceInput{ResourceArn: arn})
	if got := refused(t, err); got.Exception != "ResourceNotFoundException" {
		t.Errorf("the tags of the deleted set are refused with %+v", got)
	}
}

func TestTerraformEventDestination(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	c.configurationSet("alerts")
	set, name := new("alerts"), new("to-firehose")
	given := []types.EventType{types.EventTypeTextSuccessful, types.EventTypeTextDelivered, types.EventTypeTextCarrierUnreachable}
	made := must(c.CreateEventDestination(ctx, &smsvoice.CreateEventDestinationInput{ConfigurationSetName: set, EventDestinationName: name,
		MatchingEventTypes: given, KinesisFirehoseDestination: firehoseTo(stream)}))(t)
	if made.ConfigurationSetArn == nil || made.EventDestination == nil || !*made.EventDestination.Enabled {
		t.Fatalf("CreateEventDestination answers %+v", made)
	}
	must(c.UpdateEventDestination(ctx, &smsvoice.UpdateEventDestinationInput{ConfigurationSetName: set, EventDestinationName: name, Enabled: new(false),
		MatchingEventTypes: given, KinesisFirehoseDestination: firehoseTo(stream)}))(t)
	want := []types.EventDestination{{EventDestinationName: name, Enabled: new(false), MatchingEventTypes: given, KinesisFirehoseDestination: firehoseTo(stream)}}
	same(t, "read from the set", c.describeSet("alerts").EventDestinations, want)
	same(t, "read twice", c.describeSet("alerts").EventDestinations, want)
	must(c.DeleteEventDestination(ctx, &smsvoice.DeleteEventDestinationInput{ConfigurationSetName: set, EventDestinationName: name}))(t)
	same(t, "after its deletion", c.describeSet("alerts").EventDestinations, []types.EventDestination{})
}
