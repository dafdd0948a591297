package api_test

import (
	"context"
	"strings"
	"testing"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/google/go-cmp/cmp"

	"heliograph/internal/api"
	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// reason is one way to be refused: call makes the call, on resources of its own.
type reason struct {
	operation string
	name      string
	call      func(ctx context.Context, c *customer) error
	want      refusal
}

// roomy are limits that no test comes near to.
var roomy = api.Limits{PhoneNumbers: 1000, Pools: 1000, ConfigurationSets: 1000, OptOutLists: 1000, SenderIDs: 1000,
	OriginationIdentitiesPerPool: 100, EventDestinationsPerSet: 5, TagsPerResource: 50}

func provoke(t *testing.T, limits api.Limits, reasons []reason) {
	t.Helper()
	c := newCustomer(t, limits)
	for _, r := range reasons {
		t.Run(r.operation+"/"+r.name, func(t *testing.T) {
			c.t = t
			got := refused(t, r.call(t.Context(), c))
			if diff := cmp.Diff(r.want, got); diff != "" {
				t.Errorf("refused with (-want +got):\n%s", diff)
			}
			operation, _ := wire.Lookup(r.operation)
			if !operation.Declares(got.Exception) {
				t.Errorf("the model does not declare %s for %s", got.Exception, r.operation)
			}
		})
	}
}

func invalid(reason sms.Reason, fields ...string) refusal {
	return refusal{Exception: "ValidationException", Reason: string(reason), Fields: fields}
}

// denied is what is answered about other accounts' resources, which are not shared.
var denied = refusal{Exception: "AccessDeniedException"}

func notFound(t sms.ResourceType, id string) refusal {
	return refusal{Exception: "ResourceNotFoundException", ResourceType: string(t), ResourceID: id}
}

func conflict(reason sms.Reason, t sms.ResourceType, id string) refusal {
	return refusal{Exception: "ConflictException", Reason: string(reason), ResourceType: string(t), ResourceID: id}
}

func quota(reason sms.Reason) refusal {
	return refusal{Exception: "ServiceQuotaExceededException", Reason: string(reason)}
}

// Ids that nothing has.
var (
	noPool   = "pool-" + strings.Repeat("0", 32)
	noNumber = "phone-" + strings.Repeat("f", 32)
)

func createPool(c *customer, in smsvoice.CreatePoolInput) error {
	if in.MessageType == "" {
		in.MessageType = types.MessageTypeTransactional
	}
	_, err := c.CreatePool(c.t.Context(), &in)
	return err
}

func describePools(c *customer, in smsvoice.DescribePoolsInput) error {
	_, err := c.DescribePools(c.t.Context(), &in)
	return err
}

func updatePool(c *customer, in smsvoice.UpdatePoolInput) error {
	_, err := c.UpdatePool(c.t.Context(), &in)
	return err
}

func associate(c *customer, pool, identity string) error {
	_, err := c.AssociateOriginationIdentity(c.t.Context(), &smsvoice.AssociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: &identity})
	return err
}

func disassociate(c *customer, pool, identity string) error {
	_, err := c.DisassociateOriginationIdentity(c.t.Context(), &smsvoice.DisassociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: &identity})
	return err
}

func deletePool(c *customer, pool string) error {
	_, err := c.DeletePool(c.t.Context(), &smsvoice.DeletePoolInput{PoolId: &pool})
	return err
}

func TestReasonsOfPools(t *testing.T) {
	anyNumber := "phone-" + strings.Repeat("a", 32)
	named := func(n *sms.PhoneNumber) { n.ID = anyNumber }
	// with leases the number anyNumber, in no pool, with its settings.
	with := func(c *customer, edits ...func(*sms.PhoneNumber)) {
		c.change(func(tx *resources.Tx) { tx.PhoneNumbers.Delete(anyNumber) })
		c.number(append(edits, named)...)
	}
	provoke(t, roomy, []reason{
		{"CreatePool", "without an identity's country of several", func(ctx context.Context, c *customer) error {
			c.senderID("TWICE", "GB")
			c.senderID("TWICE", "DE")
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new("TWICE")})
		}, invalid("MISSING_PARAMETER", "IsoCountryCode")},
		{"CreatePool", "another country", func(ctx context.Context, c *customer) error {
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new(c.number()), IsoCountryCode: new("DE")})
		}, invalid("COUNTRY_CODE_MISMATCH", "IsoCountryCode")},
		{"CreatePool", "an id of another type", func(ctx context.Context, c *customer) error {
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: &noPool})
		}, invalid("INVALID_ARN", "OriginationIdentity")},
		{"CreatePool", "an ARN of another type", func(ctx context.Context, c *customer) error {
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new(c.arn(sms.TypePool, noPool))})
		}, invalid("INVALID_ARN", "OriginationIdentity")},
		{"CreatePool", "an ARN of another region", func(ctx context.Context, c *customer) error {
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new("arn:aws:sms-voice:eu-west-1:111122223333:sender-id/HELIO/GB")})
		}, invalid("INVALID_ARN", "OriginationIdentity")},
		{"CreatePool", "no such number", func(ctx context.Context, c *customer) error {
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: &noNumber})
		}, notFound(sms.TypePhoneNumber, noNumber)},
		{"CreatePool", "no such sender ID", func(ctx context.Context, c *customer) error {
			c.senderID("ONCE", "GB")
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new("ONCE"), IsoCountryCode: new("FR")})
		}, notFound(sms.TypeSenderID, "ONCE")},
		{"CreatePool", "another account's number", func(ctx context.Context, c *customer) error {
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new("arn:aws:sms-voice:us-east-1:444455556666:phone-number/" + noNumber)})
		}, denied},
		{"CreatePool", "a tag key twice", func(ctx context.Context, c *customer) error {
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new(c.number()), Tags: tags("a", "1", "a", "2")})
		}, invalid("INVALID_PARAMETER", "Tags[1].Key")},
		{"CreatePool", "more tags than a resource may have", func(ctx context.Context, c *customer) error {
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new(c.number()), Tags: manyTags(51)})
		}, quota("TAGS_PER_RESOURCE")},
		{"CreatePool", "another message type", func(ctx context.Context, c *customer) error {
			with(c)
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: &anyNumber, MessageType: types.MessageTypePromotional})
		}, conflict("MESSAGE_TYPE_MISMATCH", sms.TypePhoneNumber, anyNumber)},
		{"CreatePool", "a number of another pool", func(ctx context.Context, c *customer) error {
			with(c)
			c.pool(anyNumber)
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: &anyNumber})
		}, conflict("PHONE_NUMBER_ASSOCIATED_TO_POOL", sms.TypePhoneNumber, anyNumber)},
		{"CreatePool", "a number on its way out", func(ctx context.Context, c *customer) error {
			with(c, func(n *sms.PhoneNumber) { n.Status = sms.NumberDisassociating })
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: &anyNumber})
		}, conflict("RESOURCE_NOT_ACTIVE", sms.TypePhoneNumber, anyNumber)},
		{"CreatePool", "a ClientToken with other parameters", func(ctx context.Context, c *customer) error {
			with(c)
			must(c.CreatePool(ctx, &smsvoice.CreatePoolInput{OriginationIdentity: new(c.number()), MessageType: types.MessageTypeTransactional, ClientToken: new("t")}))(c.t)
			renamePool(c, "pool-token")
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: &anyNumber, ClientToken: new("t")})
		}, conflict("RESOURCE_ALREADY_EXISTS", sms.TypePool, "pool-token")},

		{"DescribePools", "ids and owner", func(ctx context.Context, c *customer) error {
			return describePools(c, smsvoice.DescribePoolsInput{PoolIds: []string{noPool}, Owner: types.OwnerSelf})
		}, invalid("PARAMETERS_CANNOT_BE_USED_TOGETHER", "Owner")},
		{"DescribePools", "one of two pools does not exist", func(ctx context.Context, c *customer) error {
			return describePools(c, smsvoice.DescribePoolsInput{PoolIds: []string{c.pool(c.number()), noPool}})
		}, notFound(sms.TypePool, noPool)},
		{"DescribePools", "an id of another type", func(ctx context.Context, c *customer) error {
			return describePools(c, smsvoice.DescribePoolsInput{PoolIds: []string{noNumber}})
		}, invalid("INVALID_ARN", "PoolIds[0]")},
		{"DescribePools", "an impossible filter value", func(ctx context.Context, c *customer) error {
			return describePools(c, smsvoice.DescribePoolsInput{Filters: []types.PoolFilter{{Name: "two-way-enabled", Values: []string{"true", "maybe"}}}})
		}, invalid("INVALID_FILTER_VALUES", "Filters[0].Values[1]")},
		{"DescribePools", "an impossible status", func(ctx context.Context, c *customer) error {
			return describePools(c, smsvoice.DescribePoolsInput{Filters: []types.PoolFilter{{Name: "status", Values: []string{"GONE"}}}})
		}, invalid("INVALID_FILTER_VALUES", "Filters[0].Values[0]")},
		{"DescribePools", "a filter that the model does not have", func(ctx context.Context, c *customer) error {
			return describePools(c, smsvoice.DescribePoolsInput{Filters: []types.PoolFilter{{Name: "colour", Values: []string{"red"}}}})
		}, invalid("INVALID_PARAMETER", "Filters[0].Name")},
		{"DescribePools", "a forged token", func(ctx context.Context, c *customer) error {
			return describePools(c, smsvoice.DescribePoolsInput{NextToken: new("AAAA")})
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},
		{"DescribePools", "a token of other filters", func(ctx context.Context, c *customer) error {
			c.pool(c.number())
			c.pool(c.number())
			first := must(c.DescribePools(ctx, &smsvoice.DescribePoolsInput{MaxResults: new(int32(1))}))(c.t)
			return describePools(c, smsvoice.DescribePoolsInput{NextToken: first.NextToken, Owner: types.OwnerSelf})
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},

		{"UpdatePool", "no such pool", func(ctx context.Context, c *customer) error {
			return updatePool(c, smsvoice.UpdatePoolInput{PoolId: &noPool})
		}, notFound(sms.TypePool, noPool)},
		{"UpdatePool", "no such opt-out list", func(ctx context.Context, c *customer) error {
			return updatePool(c, smsvoice.UpdatePoolInput{PoolId: new(c.pool(c.number())), OptOutListName: new("Nobody")})
		}, notFound(sms.TypeOptOutList, "Nobody")},
		{"UpdatePool", "two-way without a channel", func(ctx context.Context, c *customer) error {
			return updatePool(c, smsvoice.UpdatePoolInput{PoolId: new(c.pool(c.number())), TwoWayEnabled: new(true)})
		}, invalid("TWO_WAY_CHANNEL_NOT_PRESENT", "TwoWayChannelArn")},
		{"UpdatePool", "a role without a channel", func(ctx context.Context, c *customer) error {
			return updatePool(c, smsvoice.UpdatePoolInput{PoolId: new(c.pool(c.number())), TwoWayChannelRole: new(role)})
		}, invalid("TWO_WAY_CHANNEL_NOT_PRESENT", "TwoWayChannelRole")},
		{"UpdatePool", "self-managed opt-outs without two-way", func(ctx context.Context, c *customer) error {
			return updatePool(c, smsvoice.UpdatePoolInput{PoolId: new(c.pool(c.number())), SelfManagedOptOutsEnabled: new(true)})
		}, invalid("TWO_WAY_NOT_ENABLED", "SelfManagedOptOutsEnabled")},
		{"UpdatePool", "a country without two-way", func(ctx context.Context, c *customer) error {
			pool := c.pool(c.number(func(n *sms.PhoneNumber) { n.Country = "LR" }))
			return updatePool(c, smsvoice.UpdatePoolInput{PoolId: &pool, TwoWayEnabled: new(true), TwoWayChannelArn: new(topic)})
		}, invalid("TWO_WAY_NOT_SUPPORTED_IN_COUNTRY", "TwoWayEnabled")},
		{"UpdatePool", "a carrier that brings no messages in", func(ctx context.Context, c *customer) error {
			pool := c.pool(c.number(func(n *sms.PhoneNumber) { n.TwoWayOffered = false }))
			return updatePool(c, smsvoice.UpdatePoolInput{PoolId: &pool, TwoWayEnabled: new(true), TwoWayChannelArn: new(topic)})
		}, invalid("TWO_WAY_NOT_SUPPORTED_IN_COUNTRY", "TwoWayEnabled")},
		{"UpdatePool", "a FIFO topic", func(ctx context.Context, c *customer) error {
			return updatePool(c, smsvoice.UpdatePoolInput{PoolId: new(c.pool(c.number())), TwoWayChannelArn: new(topic + ".fifo")})
		}, invalid("INVALID_ARN", "TwoWayChannelArn")},
		{"UpdatePool", "a role of a wrong form", func(ctx context.Context, c *customer) error {
			return updatePool(c, smsvoice.UpdatePoolInput{PoolId: new(c.pool(c.number())), TwoWayChannelArn: new(topic),
				TwoWayChannelRole: new("arn:aws:iam::111122223333:user/someone")})
		}, invalid("INVALID_ARN", "TwoWayChannelRole")},

		{"DeletePool", "no such pool", func(ctx context.Context, c *customer) error { return deletePool(c, noPool) }, notFound(sms.TypePool, noPool)},
		{"DeletePool", "protected", func(ctx context.Context, c *customer) error {
			c.pool(c.number())
			renamePool(c, "pool-protected")
			must(c.UpdatePool(ctx, &smsvoice.UpdatePoolInput{PoolId: new("pool-protected"), DeletionProtectionEnabled: new(true)}))(c.t)
			return deletePool(c, "pool-protected")
		}, conflict("DELETION_PROTECTION_ENABLED", sms.TypePool, "pool-protected")},
		{"DeletePool", "not active", func(ctx context.Context, c *customer) error {
			c.pool(c.number())
			renamePool(c, "pool-deleting", func(p *sms.Pool) { p.Status = sms.PoolDeleting })
			return deletePool(c, "pool-deleting")
		}, conflict("RESOURCE_NOT_ACTIVE", sms.TypePool, "pool-deleting")},

		{"AssociateOriginationIdentity", "no such pool", func(ctx context.Context, c *customer) error {
			return associate(c, noPool, c.number())
		}, notFound(sms.TypePool, noPool)},
		{"AssociateOriginationIdentity", "no such number", func(ctx context.Context, c *customer) error {
			return associate(c, c.pool(c.number()), noNumber)
		}, notFound(sms.TypePhoneNumber, noNumber)},
		{"AssociateOriginationIdentity", "another country", func(ctx context.Context, c *customer) error {
			_, err := c.AssociateOriginationIdentity(ctx, &smsvoice.AssociateOriginationIdentityInput{
				PoolId: new(c.pool(c.number())), OriginationIdentity: new(c.number()), IsoCountryCode: new("FR")})
			return err
		}, invalid("COUNTRY_CODE_MISMATCH", "IsoCountryCode")},
		{"AssociateOriginationIdentity", "a pool that is not active", func(ctx context.Context, c *customer) error {
			c.pool(c.number())
			renamePool(c, "pool-deleting-too", func(p *sms.Pool) { p.Status = sms.PoolDeleting })
			return associate(c, "pool-deleting-too", c.number())
		}, conflict("RESOURCE_NOT_ACTIVE", sms.TypePool, "pool-deleting-too")},
		{"AssociateOriginationIdentity", "a member already", func(ctx context.Context, c *customer) error {
			with(c)
			return associate(c, c.pool(anyNumber), anyNumber)
		}, conflict("RESOURCE_ALREADY_ASSOCIATED", sms.TypePhoneNumber, anyNumber)},
		{"AssociateOriginationIdentity", "a sender ID that is a member already", func(ctx context.Context, c *customer) error {
			c.senderID("MEMBER", "GB")
			return associate(c, c.pool("MEMBER"), "MEMBER")
		}, conflict("RESOURCE_ALREADY_ASSOCIATED", sms.TypeSenderID, "MEMBER/GB")},
		{"AssociateOriginationIdentity", "a number of another pool", func(ctx context.Context, c *customer) error {
			with(c)
			c.pool(anyNumber)
			return associate(c, c.pool(c.number()), anyNumber)
		}, conflict("PHONE_NUMBER_ASSOCIATED_TO_POOL", sms.TypePhoneNumber, anyNumber)},
		{"AssociateOriginationIdentity", "another message type", func(ctx context.Context, c *customer) error {
			with(c, func(n *sms.PhoneNumber) { n.MessageType = sms.Promotional })
			return associate(c, c.pool(c.number()), anyNumber)
		}, conflict("MESSAGE_TYPE_MISMATCH", sms.TypePhoneNumber, anyNumber)},
		{"AssociateOriginationIdentity", "another two-way channel", func(ctx context.Context, c *customer) error {
			with(c, func(n *sms.PhoneNumber) { n.TwoWay = sms.TwoWay{Enabled: true, ChannelARN: topic} })
			return associate(c, c.pool(c.number(func(n *sms.PhoneNumber) { n.TwoWay = sms.TwoWay{Enabled: true, ChannelARN: topic + "-2"} })), anyNumber)
		}, conflict("TWO_WAY_CONFIG_MISMATCH", sms.TypePhoneNumber, anyNumber)},
		{"AssociateOriginationIdentity", "two-way on in the pool only", func(ctx context.Context, c *customer) error {
			with(c)
			return associate(c, c.pool(c.number(func(n *sms.PhoneNumber) { n.TwoWay = sms.TwoWay{Enabled: true, ChannelARN: topic} })), anyNumber)
		}, conflict("TWO_WAY_CONFIG_MISMATCH", sms.TypePhoneNumber, anyNumber)},
		{"AssociateOriginationIdentity", "other self-managed opt-outs", func(ctx context.Context, c *customer) error {
			two := func(n *sms.PhoneNumber) { n.TwoWay = sms.TwoWay{Enabled: true, ChannelARN: topic} }
			with(c, two, func(n *sms.PhoneNumber) { n.SelfManagedOptOuts = true })
			return associate(c, c.pool(c.number(two)), anyNumber)
		}, conflict("SELF_MANAGED_OPT_OUTS_MISMATCH", sms.TypePhoneNumber, anyNumber)},
		{"AssociateOriginationIdentity", "another opt-out list", func(ctx context.Context, c *customer) error {
			c.optOutList("Others")
			with(c, func(n *sms.PhoneNumber) { n.OptOutList = "Others" })
			return associate(c, c.pool(c.number()), anyNumber)
		}, conflict("OPT_OUT_LIST_MISMATCH", sms.TypePhoneNumber, anyNumber)},
		{"AssociateOriginationIdentity", "a ClientToken with other parameters", func(ctx context.Context, c *customer) error {
			c.pool(c.number())
			renamePool(c, "pool-joined")
			for range 2 {
				_, err := c.AssociateOriginationIdentity(ctx, &smsvoice.AssociateOriginationIdentityInput{
					PoolId: new("pool-joined"), OriginationIdentity: new(c.number()), ClientToken: new("t")})
				if err != nil {
					return err
				}
			}
			return nil
		}, conflict("RESOURCE_ALREADY_EXISTS", sms.TypePool, "pool-joined")},

		{"DisassociateOriginationIdentity", "no such pool", func(ctx context.Context, c *customer) error {
			return disassociate(c, noPool, c.number())
		}, notFound(sms.TypePool, noPool)},
		{"DisassociateOriginationIdentity", "no such sender ID", func(ctx context.Context, c *customer) error {
			return disassociate(c, c.pool(c.number()), "NOBODY")
		}, notFound(sms.TypeSenderID, "NOBODY")},
		{"DisassociateOriginationIdentity", "not a member", func(ctx context.Context, c *customer) error {
			with(c)
			c.pool(anyNumber)
			return disassociate(c, c.pool(c.number()), anyNumber)
		}, conflict("PHONE_NUMBER_NOT_ASSOCIATED_TO_POOL", sms.TypePhoneNumber, anyNumber)},
		{"DisassociateOriginationIdentity", "the last member", func(ctx context.Context, c *customer) error {
			number := c.number()
			c.pool(number)
			renamePool(c, "pool-of-one")
			return disassociate(c, "pool-of-one", number)
		}, conflict("LAST_PHONE_NUMBER", sms.TypePool, "pool-of-one")},

		{"ListPoolOriginationIdentities", "no such pool", func(ctx context.Context, c *customer) error {
			_, err := c.ListPoolOriginationIdentities(ctx, &smsvoice.ListPoolOriginationIdentitiesInput{PoolId: &noPool})
			return err
		}, notFound(sms.TypePool, noPool)},
		{"ListPoolOriginationIdentities", "an impossible filter value", func(ctx context.Context, c *customer) error {
			_, err := c.ListPoolOriginationIdentities(ctx, &smsvoice.ListPoolOriginationIdentitiesInput{PoolId: new(c.pool(c.number())),
				Filters: []types.PoolOriginationIdentitiesFilter{{Name: "number-capability", Values: []string{"FAX"}}}})
			return err
		}, invalid("INVALID_FILTER_VALUES", "Filters[0].Values[0]")},
		{"ListPoolOriginationIdentities", "a forged token", func(ctx context.Context, c *customer) error {
			_, err := c.ListPoolOriginationIdentities(ctx, &smsvoice.ListPoolOriginationIdentitiesInput{PoolId: new(c.pool(c.number())), NextToken: new("x")})
			return err
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},
	})
}

// renamePool gives the newest pool, of one phone number, an id that a table can
// name.
func renamePool(c *customer, id string, edits ...func(*sms.Pool)) {
	c.t.Helper()
	c.change(func(tx *resources.Tx) {
		all := tx.Pools.All()
		pool := all[len(all)-1].Value
		for _, n := range tx.PhoneNumbers.All() {
			if n.Value.PoolID == pool.ID {
				moved := n.Value
				moved.PoolID = id
				tx.PhoneNumbers.Put(moved.ID, moved)
			}
		}
		for _, token := range tx.ClientTokens.All() {
			if token.Value.Resource == pool.ID {
				moved := token.Value
				moved.Resource = id
				tx.ClientTokens.Put(token.ID, moved)
			}
		}
		tx.Pools.Delete(pool.ID)
		pool.ID = id
		for _, edit := range edits {
			edit(&pool)
		}
		tx.Pools.Put(id, pool)
	})
}

func TestQuotas(t *testing.T) {
	limits := roomy
	limits.Pools, limits.OriginationIdentitiesPerPool, limits.ConfigurationSets = 2, 2, 2
	provoke(t, limits, []reason{
		{"CreatePool", "a pool too many", func(ctx context.Context, c *customer) error {
			c.pool(c.number())
			c.pool(c.number())
			return createPool(c, smsvoice.CreatePoolInput{OriginationIdentity: new(c.number())})
		}, quota("POOLS_PER_ACCOUNT")},
		{"AssociateOriginationIdentity", "a member too many", func(ctx context.Context, c *customer) error {
			pool := c.pools(smsvoice.DescribePoolsInput{})[0]
			if err := associate(c, pool, c.number()); err != nil {
				return err
			}
			return associate(c, pool, c.number())
		}, quota("ORIGINATION_IDENTITIES_PER_POOL")},
		{"CreateConfigurationSet", "a set too many", func(ctx context.Context, c *customer) error {
			c.configurationSet("one")
			c.configurationSet("two")
			_, err := c.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: new("three")})
			return err
		}, quota("CONFIGURATION_SETS_PER_ACCOUNT")},
		{"CreateEventDestination", "a destination too many", func(ctx context.Context, c *customer) error {
			for _, name := range []string{"1", "2", "3", "4", "5"} {
				if err := createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("one"), EventDestinationName: &name}); err != nil {
					return err
				}
			}
			return createDestination(c, smsvoice.CreateEventDestinationInput{ConfigurationSetName: new("one"), EventDestinationName: new("6")})
		}, quota("EVENT_DESTINATIONS_PER_CONFIGURATION_SET")},
	})
}
