package api_test

import (
	"slices"
	"testing"
	"time"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/aws/smithy-go/middleware"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// asAnswered compares answers of the SDK without what it adds itself.
var asAnswered = cmp.Options{cmpopts.IgnoreTypes(middleware.Metadata{}), cmpopts.IgnoreUnexported(
	types.Tag{}, types.PoolInformation{}, types.OriginationIdentityMetadata{}, types.EventDestination{}, types.SnsDestination{},
	types.CloudWatchLogsDestination{}, types.KinesisFirehoseDestination{}, types.ConfigurationSetInformation{}, types.AccountLimit{},
	types.AccountAttribute{}, smsvoice.CreatePoolOutput{}, smsvoice.UpdatePoolOutput{}, smsvoice.DeletePoolOutput{},
	smsvoice.AssociateOriginationIdentityOutput{}, smsvoice.CreateEventDestinationOutput{}, smsvoice.DeleteConfigurationSetOutput{},
)}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if diff := cmp.Diff(want, got, asAnswered); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

const topic = "arn:aws:sns:us-east-1:111122223333:inbound"

func (c *customer) pool(identity string) string {
	c.t.Helper()
	out := must(c.CreatePool(c.t.Context(), &smsvoice.CreatePoolInput{OriginationIdentity: &identity, MessageType: types.MessageTypeTransactional}))(c.t)
	return *out.PoolId
}

func (c *customer) describePool(pool string) types.PoolInformation {
	c.t.Helper()
	out := must(c.DescribePools(c.t.Context(), &smsvoice.DescribePoolsInput{PoolIds: []string{pool}}))(c.t)
	if len(out.Pools) != 1 {
		c.t.Fatalf("DescribePools of one id answers %d pools", len(out.Pools))
	}
	return out.Pools[0]
}

func TestPoolInheritsTheSettingsOfItsFirstMember(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	c.optOutList("Alerts")
	number := c.number(func(n *sms.PhoneNumber) {
		n.TwoWay = sms.TwoWay{Enabled: true, ChannelARN: topic, ChannelRole: "arn:aws:iam::111122223333:role/Inbound"}
		n.SelfManagedOptOuts, n.OptOutList, n.DeletionProtection = true, "Alerts", true
	})
	made := must(c.CreatePool(ctx, &smsvoice.CreatePoolInput{
		OriginationIdentity: &number, IsoCountryCode: new("GB"), MessageType: types.MessageTypeTransactional,
		Tags: []types.Tag{{Key: new("Name"), Value: new("alerts")}},
	}))(t)
	same(t, "CreatePool", *made, smsvoice.CreatePoolOutput{
		PoolArn: new(c.arn(sms.TypePool, *made.PoolId)), PoolId: made.PoolId, Status: types.PoolStatusActive, MessageType: types.MessageTypeTransactional,
		TwoWayEnabled: true, TwoWayChannelArn: new(topic), TwoWayChannelRole: new("arn:aws:iam::111122223333:role/Inbound"),
		SelfManagedOptOutsEnabled: true, OptOutListName: new("Alerts"), CreatedTimestamp: made.CreatedTimestamp,
		Tags: []types.Tag{{Key: new("Name"), Value: new("alerts")}},
	})
	if age := time.Since(*made.CreatedTimestamp); age < -time.Minute || age > time.Minute {
		t.Errorf("CreatedTimestamp lies %v back", age)
	}
	if got := c.phoneNumber(number).PoolID; got != *made.PoolId {
		t.Errorf("the number is in pool %q, want %q", got, *made.PoolId)
	}
	want := types.PoolInformation{
		PoolArn: made.PoolArn, PoolId: made.PoolId, Status: types.PoolStatusActive, MessageType: types.MessageTypeTransactional,
		TwoWayEnabled: true, TwoWayChannelArn: new(topic), TwoWayChannelRole: new("arn:aws:iam::111122223333:role/Inbound"),
		SelfManagedOptOutsEnabled: true, OptOutListName: new("Alerts"), CreatedTimestamp: made.CreatedTimestamp,
	}
	same(t, "DescribePools by id", c.describePool(*made.PoolId), want)
	same(t, "DescribePools by ARN", c.describePool(*made.PoolArn), want)

	c.senderID("HELIO", "GB")
	plain := c.describePool(c.pool("HELIO"))
	if plain.TwoWayEnabled || plain.TwoWayChannelArn != nil || plain.TwoWayChannelRole != nil || *plain.OptOutListName != "Default" {
		t.Errorf("a sender ID founds a pool with two-way %v, channel %v, role %v and list %s",
			plain.TwoWayEnabled, plain.TwoWayChannelArn, plain.TwoWayChannelRole, *plain.OptOutListName)
	}
}

func TestUpdatePoolChangesItsMembers(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	c.optOutList("Alerts")
	first, second := c.number(), c.number(func(n *sms.PhoneNumber) { n.Status = sms.NumberPending })
	c.senderID("HELIO", "GB")
	pool := c.pool(first)
	for _, identity := range []string{second, "HELIO"} {
		must(c.AssociateOriginationIdentity(ctx, &smsvoice.AssociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: &identity}))(t)
	}
	before := c.describePool(pool)
	must(c.UpdatePool(ctx, &smsvoice.UpdatePoolInput{PoolId: &pool}))(t)
	same(t, "a pool after an update of nothing", c.describePool(pool), before)

	out := must(c.UpdatePool(ctx, &smsvoice.UpdatePoolInput{
		PoolId: before.PoolArn, TwoWayEnabled: new(true), TwoWayChannelArn: new(topic), SelfManagedOptOutsEnabled: new(true),
		OptOutListName: new(c.arn(sms.TypeOptOutList, "Alerts")), SharedRoutesEnabled: new(true), DeletionProtectionEnabled: new(true),
	}))(t)
	same(t, "UpdatePool", *out, smsvoice.UpdatePoolOutput{
		PoolArn: before.PoolArn, PoolId: &pool, Status: types.PoolStatusActive, MessageType: types.MessageTypeTransactional,
		TwoWayEnabled: true, TwoWayChannelArn: new(topic), SelfManagedOptOutsEnabled: true, OptOutListName: new("Alerts"),
		SharedRoutesEnabled: true, DeletionProtectionEnabled: true, CreatedTimestamp: before.CreatedTimestamp,
	})
	for _, number := range []string{first, second} {
		n := c.phoneNumber(number)
		if n.TwoWay != (sms.TwoWay{Enabled: true, ChannelARN: topic}) || !n.SelfManagedOptOuts || n.OptOutList != "Alerts" || n.DeletionProtection {
			t.Errorf("member %s has %+v", number, n)
		}
	}

	for _, step := range []struct {
		name string
		in   smsvoice.UpdatePoolInput
		want sms.TwoWay
	}{
		{"off", smsvoice.UpdatePoolInput{TwoWayEnabled: new(false), SelfManagedOptOutsEnabled: new(false)}, sms.TwoWay{}},
		{"the guide's command", smsvoice.UpdatePoolInput{TwoWayChannelArn: new(topic), TwoWayChannelRole: new("arn:aws:iam::111122223333:role/R")},
			sms.TwoWay{Enabled: true, ChannelARN: topic, ChannelRole: "arn:aws:iam::111122223333:role/R"}},
		{"another channel, without a role", smsvoice.UpdatePoolInput{TwoWayChannelArn: new("connect.us-east-1.amazonaws.com")},
			sms.TwoWay{Enabled: true, ChannelARN: "connect.us-east-1.amazonaws.com"}},
		{"off, with the channel kept", smsvoice.UpdatePoolInput{TwoWayEnabled: new(false), TwoWayChannelArn: new(topic)}, sms.TwoWay{ChannelARN: topic}},
		{"on again", smsvoice.UpdatePoolInput{TwoWayEnabled: new(true)}, sms.TwoWay{Enabled: true, ChannelARN: topic}},
	} {
		step.in.PoolId = &pool
		out := must(c.UpdatePool(ctx, &step.in))(t)
		got := sms.TwoWay{Enabled: out.TwoWayEnabled}
		if out.TwoWayChannelArn != nil {
			got.ChannelARN = *out.TwoWayChannelArn
		}
		if out.TwoWayChannelRole != nil {
			got.ChannelRole = *out.TwoWayChannelRole
		}
		if got != step.want || c.phoneNumber(first).TwoWay != step.want {
			t.Errorf("%s: pool %+v, member %+v, want %+v", step.name, got, c.phoneNumber(first).TwoWay, step.want)
		}
	}
}

func TestDeletePoolLetsItsMembersGo(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	number := c.number()
	c.senderID("HELIO", "GB")
	pool, other := c.pool(number), c.pool("HELIO")
	must(c.AssociateOriginationIdentity(ctx, &smsvoice.AssociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: new("HELIO")}))(t)
	before := c.describePool(pool)
	out := must(c.DeletePool(ctx, &smsvoice.DeletePoolInput{PoolId: before.PoolArn}))(t)
	same(t, "DeletePool", *out, smsvoice.DeletePoolOutput{
		PoolArn: before.PoolArn, PoolId: &pool, Status: types.PoolStatusDeleting, MessageType: types.MessageTypeTransactional,
		OptOutListName: new("Default"), CreatedTimestamp: before.CreatedTimestamp,
	})
	if got := c.phoneNumber(number).PoolID; got != "" {
		t.Errorf("the number is still in pool %q", got)
	}
	if got := c.directory.Account(customerAccount).SenderIDs.Get("HELIO/GB").Value.PoolIDs; !slices.Equal(got, []string{other}) {
		t.Errorf("the sender ID is in pools %v, want only %s", got, other)
	}
	c.pool(number) // free again
}

func TestPoolMembers(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	first, second := c.number(), c.number(func(n *sms.PhoneNumber) { n.Capabilities = []sms.Capability{sms.CapabilitySMS} })
	c.senderID("HELIO", "GB")
	c.senderID("HELIO", "DE")
	pool := c.pool(c.arn(sms.TypePhoneNumber, first))
	members := []types.OriginationIdentityMetadata{
		{OriginationIdentityArn: new(c.arn(sms.TypePhoneNumber, first)), OriginationIdentity: &first, IsoCountryCode: new("GB"),
			NumberCapabilities: []types.NumberCapability{"SMS", "VOICE"}, PhoneNumber: new(c.phoneNumber(first).Number)},
		{OriginationIdentityArn: new(c.arn(sms.TypePhoneNumber, second)), OriginationIdentity: &second, IsoCountryCode: new("GB"),
			NumberCapabilities: []types.NumberCapability{"SMS"}, PhoneNumber: new(c.phoneNumber(second).Number)},
		{OriginationIdentityArn: new(c.arn(sms.TypeSenderID, "HELIO/GB")), OriginationIdentity: new("HELIO"), IsoCountryCode: new("GB"),
			NumberCapabilities: []types.NumberCapability{"SMS"}},
		{OriginationIdentityArn: new(c.arn(sms.TypeSenderID, "HELIO/DE")), OriginationIdentity: new("HELIO"), IsoCountryCode: new("DE"),
			NumberCapabilities: []types.NumberCapability{"SMS"}},
	}
	// The ways to name an identity: digits, sender ID with country, ARN.
	for i, in := range []smsvoice.AssociateOriginationIdentityInput{
		{OriginationIdentity: new(c.phoneNumber(second).Number[1:])},
		{OriginationIdentity: new("HELIO"), IsoCountryCode: new("GB")},
		{OriginationIdentity: new(c.arn(sms.TypeSenderID, "HELIO/DE"))},
	} {
		in.PoolId = &pool
		out := must(c.AssociateOriginationIdentity(ctx, &in))(t)
		m := members[i+1]
		same(t, "AssociateOriginationIdentity", *out, smsvoice.AssociateOriginationIdentityOutput{
			PoolArn: new(c.arn(sms.TypePool, pool)), PoolId: &pool, OriginationIdentityArn: m.OriginationIdentityArn,
			OriginationIdentity: m.OriginationIdentity, IsoCountryCode: m.IsoCountryCode,
		})
	}
	list := func(in smsvoice.ListPoolOriginationIdentitiesInput) (all []types.OriginationIdentityMetadata) {
		t.Helper()
		in.PoolId = new(c.arn(sms.TypePool, pool))
		for pages := smsvoice.NewListPoolOriginationIdentitiesPaginator(c, &in); pages.HasMorePages(); {
			out := must(pages.NextPage(ctx))(t)
			if *out.PoolId != pool || *out.PoolArn != *in.PoolId {
				t.Errorf("answered for pool %s, %s", *out.PoolId, *out.PoolArn)
			}
			all = append(all, out.OriginationIdentities...)
		}
		return all
	}
	same(t, "all members", list(smsvoice.ListPoolOriginationIdentitiesInput{}), members)
	same(t, "one a page", list(smsvoice.ListPoolOriginationIdentitiesInput{MaxResults: new(int32(1))}), members)
	filter := func(name types.PoolOriginationIdentitiesFilterName, values ...string) []types.PoolOriginationIdentitiesFilter {
		return []types.PoolOriginationIdentitiesFilter{{Name: name, Values: values}}
	}
	same(t, "members of DE", list(smsvoice.ListPoolOriginationIdentitiesInput{Filters: filter("iso-country-code", "DE", "FR")}), members[3:])
	same(t, "members with voice", list(smsvoice.ListPoolOriginationIdentitiesInput{Filters: filter("number-capability", "VOICE")}), members[:1])

	for _, m := range members[1:] {
		out := must(c.DisassociateOriginationIdentity(ctx, &smsvoice.DisassociateOriginationIdentityInput{
			PoolId: &pool, OriginationIdentity: m.OriginationIdentity, IsoCountryCode: m.IsoCountryCode}))(t)
		if *out.OriginationIdentityArn != *m.OriginationIdentityArn || *out.PoolId != pool {
			t.Errorf("disassociated %s from %s", *out.OriginationIdentityArn, *out.PoolId)
		}
	}
	same(t, "members left", list(smsvoice.ListPoolOriginationIdentitiesInput{}), members[:1])
}

func TestDescribePoolsFilters(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	c.optOutList("Alerts")
	plain := c.pool(c.number())
	busy := c.pool(c.number())
	must(c.UpdatePool(ctx, &smsvoice.UpdatePoolInput{
		PoolId: &busy, TwoWayEnabled: new(true), TwoWayChannelArn: new(topic), SelfManagedOptOutsEnabled: new(true),
		OptOutListName: new("Alerts"), SharedRoutesEnabled: new(true), DeletionProtectionEnabled: new(true),
	}))(t)
	promotional := c.number(func(n *sms.PhoneNumber) { n.MessageType = sms.Promotional })
	advert := *must(c.CreatePool(ctx, &smsvoice.CreatePoolInput{OriginationIdentity: &promotional, MessageType: types.MessageTypePromotional}))(t).PoolId

	type filters []types.PoolFilter
	for _, test := range []struct {
		name    string
		filters filters
		want    []string
	}{
		{"none", nil, []string{plain, busy, advert}},
		{"status", filters{{Name: "status", Values: []string{"ACTIVE"}}}, []string{plain, busy, advert}},
		{"another status", filters{{Name: "status", Values: []string{"CREATING", "DELETING"}}}, nil},
		{"message type", filters{{Name: "message-type", Values: []string{"PROMOTIONAL"}}}, []string{advert}},
		{"two-way", filters{{Name: "two-way-enabled", Values: []string{"true"}}}, []string{busy}},
		{"channel", filters{{Name: "two-way-channel-arn", Values: []string{topic}}}, []string{busy}},
		{"self-managed opt-outs", filters{{Name: "self-managed-opt-outs-enabled", Values: []string{"false"}}}, []string{plain, advert}},
		{"opt-out list", filters{{Name: "opt-out-list-name", Values: []string{"Alerts", "Other"}}}, []string{busy}},
		{"shared routes", filters{{Name: "shared-routes-enabled", Values: []string{"true"}}}, []string{busy}},
		{"deletion protection", filters{{Name: "deletion-protection-enabled", Values: []string{"true"}}}, []string{busy}},
		{"two values are either", filters{{Name: "message-type", Values: []string{"PROMOTIONAL", "TRANSACTIONAL"}}}, []string{plain, busy, advert}},
		{"two filters are both", filters{{Name: "message-type", Values: []string{"TRANSACTIONAL"}}, {Name: "two-way-enabled", Values: []string{"false"}}}, []string{plain}},
	} {
		if got := c.pools(smsvoice.DescribePoolsInput{Filters: test.filters}); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", test.name, got, test.want)
		}
	}
	for owner, want := range map[types.Owner][]string{types.OwnerSelf: {plain, busy, advert}, types.OwnerShared: nil} {
		if got := c.pools(smsvoice.DescribePoolsInput{Owner: owner}); !slices.Equal(got, want) {
			t.Errorf("owner %s: %v, want %v", owner, got, want)
		}
	}
	if got := c.pools(smsvoice.DescribePoolsInput{PoolIds: []string{advert, plain, c.arn(sms.TypePool, advert)}}); !slices.Equal(got, []string{plain, advert}) {
		t.Errorf("by ids, one of them twice: %v", got)
	}
	if got := c.pools(smsvoice.DescribePoolsInput{MaxResults: new(int32(2))}); !slices.Equal(got, []string{plain, busy, advert}) {
		t.Errorf("two a page: %v", got)
	}
}

// pools are the ids on all pages of DescribePools.
func (c *customer) pools(in smsvoice.DescribePoolsInput) (ids []string) {
	c.t.Helper()
	for pages := smsvoice.NewDescribePoolsPaginator(c, &in); pages.HasMorePages(); {
		for _, p := range must(pages.NextPage(c.t.Context()))(c.t).Pools {
			ids = append(ids, *p.PoolId)
		}
	}
	return ids
}

func TestPoolClientTokens(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	first, second := c.number(), c.number()
	create := &smsvoice.CreatePoolInput{OriginationIdentity: &first, MessageType: types.MessageTypeTransactional, ClientToken: new("create-1")}
	made, again := must(c.CreatePool(ctx, create))(t), must(c.CreatePool(ctx, create))(t)
	same(t, "CreatePool again", *again, *made)

	join := &smsvoice.AssociateOriginationIdentityInput{PoolId: made.PoolId, OriginationIdentity: &second, ClientToken: new("join-1")}
	joined, rejoined := must(c.AssociateOriginationIdentity(ctx, join))(t), must(c.AssociateOriginationIdentity(ctx, join))(t)
	same(t, "AssociateOriginationIdentity again", *rejoined, *joined)

	leave := &smsvoice.DisassociateOriginationIdentityInput{PoolId: made.PoolId, OriginationIdentity: &second, ClientToken: new("leave-1")}
	must(c.DisassociateOriginationIdentity(ctx, leave))(t)
	must(c.DisassociateOriginationIdentity(ctx, leave))(t)
	if got := c.phoneNumber(second).PoolID; got != "" {
		t.Errorf("the number is in pool %q after it left", got)
	}
	c.change(func(tx *resources.Tx) {
		for _, token := range tx.ClientTokens.All() {
			expired := token.Value
			expired.Expires = tx.Now
			tx.ClientTokens.Put(token.ID, expired)
		}
	})
	must(c.AssociateOriginationIdentity(ctx, join))(t)
	if got := c.phoneNumber(second).PoolID; got != *made.PoolId {
		t.Error("a token is remembered for longer than its life")
	}
}
