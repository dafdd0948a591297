package e2e

import (
	"context"
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// provocation is a call that has to be refused, and how.
type provocation struct {
	name string
	call func(context.Context) error
	want refusal // Fields and resources that are not given are not compared
}

// failed is the error of a call alone.
func failed[T any](_ T, err error) error { return err }

const (
	validation = "ValidationException"
	conflict   = "ConflictException"
	quota      = "ServiceQuotaExceededException"
	notFound   = "ResourceNotFoundException"
	throttling = "ThrottlingException"
)

// reasonsConfiguration has numbers of every sort that a refusal needs.
const reasonsConfiguration = `tier: production
simulated_inventory: true
log: {level: warn}
numbers:
  - {number: "+33700000001", country: FR, type: LONG_CODE, capabilities: [VOICE]}
  - {number: "+447700900001", country: GB, type: LONG_CODE, two_way: false}
  - {number: "+61491570001", country: AU, type: LONG_CODE, two_way: true}
  - {number: "+61491570002", country: AU, type: LONG_CODE, two_way: true}
  - {number: "+61491570003", country: AU, type: LONG_CODE, two_way: true}
  - {number: "+61491570004", country: AU, type: LONG_CODE, two_way: true}
`

// known are the resources that the provocations name.
type known struct {
	c                                 *api.Client
	simulator, tenDLC, voice, british string // phone number ids
	lone, paired, other, selfManaged  string // Australian ones: two in a pool, one outside, one with two-way
	pool, pairedPool, set             string
}

func makeKnown(t *testing.T, c *api.Client) (k known) {
	t.Helper()
	ctx := t.Context()
	k.c = c
	id := func(out *api.RequestPhoneNumberOutput) string { return aws.ToString(out.PhoneNumberId) }
	k.simulator = id(lease(t, c, "US", types.RequestableNumberTypeSimulator))
	k.tenDLC = id(lease(t, c, "US", types.RequestableNumberTypeTenDlc))
	k.voice = id(must(c.RequestPhoneNumber(ctx, &api.RequestPhoneNumberInput{IsoCountryCode: aws.String("FR"), MessageType: types.MessageTypeTransactional,
		NumberType: types.RequestableNumberTypeLongCode, NumberCapabilities: []types.NumberCapability{types.NumberCapabilityVoice}}))(t))
	k.british = id(lease(t, c, "GB", types.RequestableNumberTypeLongCode))
	for _, n := range []*string{&k.lone, &k.paired, &k.other, &k.selfManaged} {
		*n = id(lease(t, c, "AU", types.RequestableNumberTypeLongCode))
	}
	pool := func(id string) string {
		return aws.ToString(must(c.CreatePool(ctx, &api.CreatePoolInput{OriginationIdentity: &id, IsoCountryCode: aws.String("AU"),
			MessageType: types.MessageTypeTransactional}))(t).PoolId)
	}
	k.pool, k.pairedPool = pool(k.lone), pool(k.paired)
	must(c.UpdatePhoneNumber(ctx, &api.UpdatePhoneNumberInput{PhoneNumberId: &k.selfManaged, TwoWayEnabled: aws.Bool(true),
		TwoWayChannelArn: aws.String(topic)}))(t)
	k.set = "Set"
	loggingSet(t, c, k.set)
	must(c.RequestSenderId(ctx, &api.RequestSenderIdInput{SenderId: aws.String("HELIO"), IsoCountryCode: aws.String("DE")}))(t)
	return k
}

func (k known) text(change func(*api.SendTextMessageInput)) func(context.Context) error {
	in := &api.SendTextMessageInput{DestinationPhoneNumber: aws.String("+61491570156"), MessageBody: aws.String("Hello")}
	change(in)
	return func(ctx context.Context) error { return failed(k.c.SendTextMessage(ctx, in)) }
}

func (k known) requestNumber(change func(*api.RequestPhoneNumberInput)) func(context.Context) error {
	in := &api.RequestPhoneNumberInput{IsoCountryCode: aws.String("US"), MessageType: types.MessageTypeTransactional,
		NumberType: types.RequestableNumberTypeSimulator, NumberCapabilities: []types.NumberCapability{types.NumberCapabilitySms}}
	change(in)
	return func(ctx context.Context) error { return failed(k.c.RequestPhoneNumber(ctx, in)) }
}

func (k known) updateNumber(id string, change func(*api.UpdatePhoneNumberInput)) func(context.Context) error {
	in := &api.UpdatePhoneNumberInput{PhoneNumberId: &id}
	change(in)
	return func(ctx context.Context) error { return failed(k.c.UpdatePhoneNumber(ctx, in)) }
}

func (k known) updatePool(id string, change func(*api.UpdatePoolInput)) func(context.Context) error {
	in := &api.UpdatePoolInput{PoolId: &id}
	change(in)
	return func(ctx context.Context) error { return failed(k.c.UpdatePool(ctx, in)) }
}

func (k known) associate(pool, identity string) func(context.Context) error {
	return func(ctx context.Context) error {
		return failed(k.c.AssociateOriginationIdentity(ctx, &api.AssociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: &identity, IsoCountryCode: aws.String("AU")}))
	}
}

func (k known) disassociate(pool, identity string) func(context.Context) error {
	return func(ctx context.Context) error {
		return failed(k.c.DisassociateOriginationIdentity(ctx, &api.DisassociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: &identity, IsoCountryCode: aws.String("AU")}))
	}
}

func (k known) release(id string) func(context.Context) error {
	return func(ctx context.Context) error {
		return failed(k.c.ReleasePhoneNumber(ctx, &api.ReleasePhoneNumberInput{PhoneNumberId: &id}))
	}
}

func (k known) destination(change func(*api.CreateEventDestinationInput)) func(context.Context) error {
	in := &api.CreateEventDestinationInput{ConfigurationSetName: &k.set, EventDestinationName: aws.String("Another"),
		MatchingEventTypes: []types.EventType{types.EventTypeAll}, SnsDestination: &types.SnsDestination{TopicArn: aws.String(topic)}}
	change(in)
	return func(ctx context.Context) error { return failed(k.c.CreateEventDestination(ctx, in)) }
}

func (k known) requestSenderID(id, country string) func(context.Context) error {
	return func(ctx context.Context) error {
		return failed(k.c.RequestSenderId(ctx, &api.RequestSenderIdInput{SenderId: &id, IsoCountryCode: &country}))
	}
}

// provocations of one server; the order matters where one prepares the next.
func (k known) provocations(t *testing.T) []provocation {
	c := k.c
	prepare := func(call func(context.Context) error) {
		t.Helper()
		if err := call(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	prepare(k.updateNumber(k.other, func(in *api.UpdatePhoneNumberInput) { in.DeletionProtectionEnabled = aws.Bool(true) }))
	prepare(k.updatePool(k.pairedPool, func(in *api.UpdatePoolInput) { in.DeletionProtectionEnabled = aws.Bool(true) }))
	prepare(func(ctx context.Context) error {
		return failed(c.RequestSenderId(ctx, &api.RequestSenderIdInput{SenderId: aws.String("KEPT"), IsoCountryCode: aws.String("DE"), DeletionProtectionEnabled: aws.Bool(true)}))
	})
	sender := "HELIO"
	senders := aws.ToString(must(c.CreatePool(t.Context(), &api.CreatePoolInput{OriginationIdentity: &sender, IsoCountryCode: aws.String("DE"),
		MessageType: types.MessageTypeTransactional}))(t).PoolId)
	promotional := aws.ToString(must(c.RequestPhoneNumber(t.Context(), &api.RequestPhoneNumberInput{IsoCountryCode: aws.String("SE"), MessageType: types.MessageTypePromotional,
		NumberType: types.RequestableNumberTypeLongCode, NumberCapabilities: []types.NumberCapability{types.NumberCapabilitySms}}))(t).PhoneNumberId)

	return []provocation{
		// What the model and the request alone decide.
		{"a text without a body", k.text(func(in *api.SendTextMessageInput) { in.MessageBody = nil }),
			refusal{Code: validation, Reason: "MISSING_PARAMETER", Fields: []string{"MessageBody"}}},
		{"an event destination without a destination", k.destination(func(in *api.CreateEventDestinationInput) { in.SnsDestination = nil }),
			refusal{Code: validation, Reason: "MISSING_PARAMETER", Fields: []string{"CloudWatchLogsDestination", "KinesisFirehoseDestination", "SnsDestination"}}},
		{"a name outside its pattern", func(ctx context.Context) error {
			return failed(c.CreateConfigurationSet(ctx, &api.CreateConfigurationSetInput{ConfigurationSetName: aws.String("no blanks")}))
		}, refusal{Code: validation, Reason: "INVALID_PARAMETER", Fields: []string{"ConfigurationSetName"}}},
		{"a time to live above 72 hours", k.text(func(in *api.SendTextMessageInput) { in.TimeToLive = aws.Int32(259_201) }),
			refusal{Code: validation, Reason: "INVALID_PARAMETER", Fields: []string{"TimeToLive"}}},
		{"pools by id and by owner", func(ctx context.Context) error {
			return failed(c.DescribePools(ctx, &api.DescribePoolsInput{PoolIds: []string{k.pool}, Owner: types.OwnerSelf}))
		}, refusal{Code: validation, Reason: "PARAMETERS_CANNOT_BE_USED_TOGETHER"}},
		{"two destinations", k.destination(func(in *api.CreateEventDestinationInput) {
			in.KinesisFirehoseDestination = &types.KinesisFirehoseDestination{IamRoleArn: aws.String(eventsRole), DeliveryStreamArn: aws.String(stream)}
		}), refusal{Code: validation, Reason: "PARAMETERS_CANNOT_BE_USED_TOGETHER", Fields: []string{"KinesisFirehoseDestination", "SnsDestination"}}},
		{"a pool for a phone number", k.release(k.pool), refusal{Code: validation, Reason: "INVALID_ARN", Fields: []string{"PhoneNumberId"}}},
		{"tags of a role", func(ctx context.Context) error {
			return failed(c.ListTagsForResource(ctx, &api.ListTagsForResourceInput{ResourceArn: aws.String(eventsRole)}))
		}, refusal{Code: validation, Reason: "INVALID_ARN", Fields: []string{"ResourceArn"}}},
		{"a forged token", func(ctx context.Context) error {
			return failed(c.DescribePhoneNumbers(ctx, &api.DescribePhoneNumbersInput{NextToken: aws.String("Zm9yZ2Vk")}))
		}, refusal{Code: validation, Reason: "INVALID_NEXT_TOKEN", Fields: []string{"NextToken"}}},
		{"an unknown value of a filter", func(ctx context.Context) error {
			return failed(c.DescribePools(ctx, &api.DescribePoolsInput{Filters: []types.PoolFilter{{Name: types.PoolFilterNameStatus, Values: []string{"ASLEEP"}}}}))
		}, refusal{Code: validation, Reason: "INVALID_FILTER_VALUES", Fields: []string{"Filters[0].Values[0]"}}},

		// Sending.
		{"no phone number", k.text(func(in *api.SendTextMessageInput) { in.DestinationPhoneNumber = aws.String("+1999") }),
			refusal{Code: validation, Reason: "CANNOT_PARSE", Fields: []string{"DestinationPhoneNumber"}}},
		{"a country that is not served", k.text(func(in *api.SendTextMessageInput) { in.DestinationPhoneNumber = aws.String("+5352345678") }),
			refusal{Code: validation, Reason: "DESTINATION_COUNTRY_BLOCKED", Fields: []string{"DestinationPhoneNumber"}}},
		{"a simulator number to another country", k.text(func(in *api.SendTextMessageInput) {
			in.DestinationPhoneNumber, in.OriginationIdentity = aws.String(successGB), &k.simulator
		}), refusal{Code: validation, Reason: "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY", Fields: []string{"OriginationIdentity"}}},
		{"a number of another country", k.text(func(in *api.SendTextMessageInput) {
			in.DestinationPhoneNumber, in.OriginationIdentity = aws.String("+14155550123"), &k.other
		}), refusal{Code: validation, Reason: "INVALID_IDENTITY_FOR_DESTINATION_COUNTRY", Fields: []string{"OriginationIdentity"}}},
		{"no identity for the country", k.text(func(in *api.SendTextMessageInput) { in.DestinationPhoneNumber = aws.String("+14155550123") }),
			refusal{Code: conflict, Reason: "NO_ORIGINATION_IDENTITIES_FOUND"}},
		{"a PENDING number", k.text(func(in *api.SendTextMessageInput) {
			in.DestinationPhoneNumber, in.OriginationIdentity = aws.String("+14155550123"), &k.tenDLC
		}), refusal{Code: conflict, Reason: "RESOURCE_NOT_ACTIVE", ResourceType: "phone-number", ResourceID: k.tenDLC}},
		{"a number for voice alone", k.text(func(in *api.SendTextMessageInput) {
			in.DestinationPhoneNumber, in.OriginationIdentity = aws.String("+33700000002"), &k.voice
		}), refusal{Code: conflict, Reason: "NUMBER_CAPABILITIES_MISMATCH", ResourceType: "phone-number", ResourceID: k.voice}},
		{"eleven parts", k.text(func(in *api.SendTextMessageInput) { in.MessageBody = aws.String(strings.Repeat("x", 1531)) }),
			refusal{Code: validation, Reason: "MAXIMUM_SIZE_EXCEEDED", Fields: []string{"MessageBody"}}},
		{"631 characters of UCS-2", k.text(func(in *api.SendTextMessageInput) { in.MessageBody = aws.String(strings.Repeat("ж", 631)) }),
			refusal{Code: validation, Reason: "MAXIMUM_SIZE_EXCEEDED", Fields: []string{"MessageBody"}}},
		{"a price above MaxPrice", k.text(func(in *api.SendTextMessageInput) { in.MaxPrice = aws.String("0.001") }),
			refusal{Code: validation, Reason: "PRICE_OVER_THRESHOLD", Fields: []string{"MaxPrice"}}},
		{"a configuration set that is not there", k.text(func(in *api.SendTextMessageInput) { in.ConfigurationSetName = aws.String("Nowhere") }),
			refusal{Code: notFound, ResourceType: "configuration-set", ResourceID: "Nowhere"}},
		{"a pool that is not there", k.text(func(in *api.SendTextMessageInput) {
			in.OriginationIdentity = aws.String("pool-00000000000000000000000000000000")
		}), refusal{Code: notFound, ResourceType: "pool", ResourceID: "pool-00000000000000000000000000000000"}},
		{"a protect configuration that is not there", k.text(func(in *api.SendTextMessageInput) {
			in.ProtectConfigurationId = aws.String("protect-00000000000000000000000000000000")
		}), refusal{Code: notFound, ResourceType: "protect-configuration"}},

		// Phone numbers.
		{"a simulator number that sends abroad", k.requestNumber(func(in *api.RequestPhoneNumberInput) { in.InternationalSendingEnabled = aws.Bool(true) }),
			refusal{Code: validation, Reason: "INTERNATIONAL_SENDING_NOT_SUPPORTED", Fields: []string{"InternationalSendingEnabled"}}},
		{"two-way in a country without", k.updateNumber(k.british, func(in *api.UpdatePhoneNumberInput) {
			in.TwoWayEnabled, in.TwoWayChannelArn = aws.Bool(true), aws.String(topic)
		}), refusal{Code: validation, Reason: "TWO_WAY_NOT_SUPPORTED_IN_COUNTRY", Fields: []string{"TwoWayEnabled"}}},
		{"two-way without a channel", k.updateNumber(k.other, func(in *api.UpdatePhoneNumberInput) { in.TwoWayEnabled = aws.Bool(true) }),
			refusal{Code: validation, Reason: "TWO_WAY_CHANNEL_NOT_PRESENT", Fields: []string{"TwoWayChannelArn"}}},
		{"self-managed opt-outs without two-way", k.updateNumber(k.other, func(in *api.UpdatePhoneNumberInput) { in.SelfManagedOptOutsEnabled = aws.Bool(true) }),
			refusal{Code: validation, Reason: "TWO_WAY_NOT_ENABLED", Fields: []string{"SelfManagedOptOutsEnabled"}}},
		{"an opt-out list that is not there", k.updateNumber(k.other, func(in *api.UpdatePhoneNumberInput) { in.OptOutListName = aws.String("Nowhere") }),
			refusal{Code: notFound, ResourceType: "opt-out-list", ResourceID: "Nowhere"}},
		{"release of a protected number", k.release(k.other), refusal{Code: conflict, Reason: "DELETION_PROTECTION_ENABLED", ResourceType: "phone-number", ResourceID: k.other}},
		{"release of a number in a pool", k.release(k.lone), refusal{Code: conflict, Reason: "PHONE_NUMBER_ASSOCIATED_TO_POOL", ResourceType: "phone-number", ResourceID: k.lone}},
		{"update of a number in a pool", k.updateNumber(k.lone, func(in *api.UpdatePhoneNumberInput) { in.DeletionProtectionEnabled = aws.Bool(true) }),
			refusal{Code: conflict, Reason: "PHONE_NUMBER_ASSOCIATED_TO_POOL", ResourceType: "phone-number", ResourceID: k.lone}},
		{"release of a PENDING 10DLC number", k.release(k.tenDLC), refusal{Code: validation, Reason: "PHONE_NUMBER_CANNOT_BE_RELEASED", Fields: []string{"PhoneNumberId"}}},
		{"a number that is not there", k.release("phone-00000000000000000000000000000000"), refusal{Code: notFound, ResourceType: "phone-number"}},

		// Pools.
		{"a pool in another country than its first member", func(ctx context.Context) error {
			return failed(c.CreatePool(ctx, &api.CreatePoolInput{OriginationIdentity: &k.british, IsoCountryCode: aws.String("AU"), MessageType: types.MessageTypeTransactional}))
		}, refusal{Code: validation, Reason: "COUNTRY_CODE_MISMATCH", Fields: []string{"IsoCountryCode"}}},
		{"a pool of another message type", func(ctx context.Context) error {
			return failed(c.CreatePool(ctx, &api.CreatePoolInput{OriginationIdentity: &promotional, IsoCountryCode: aws.String("SE"), MessageType: types.MessageTypeTransactional}))
		}, refusal{Code: conflict, Reason: "MESSAGE_TYPE_MISMATCH", ResourceType: "phone-number", ResourceID: promotional}},
		{"a member twice", k.associate(k.pool, k.lone), refusal{Code: conflict, Reason: "RESOURCE_ALREADY_ASSOCIATED", ResourceType: "phone-number", ResourceID: k.lone}},
		{"a member of another pool", k.associate(k.pool, k.paired), refusal{Code: conflict, Reason: "PHONE_NUMBER_ASSOCIATED_TO_POOL", ResourceType: "phone-number", ResourceID: k.paired}},
		{"a member with two-way in a pool without", k.associate(k.pool, k.selfManaged),
			refusal{Code: conflict, Reason: "TWO_WAY_CONFIG_MISMATCH", ResourceType: "phone-number", ResourceID: k.selfManaged}},
		{"a member with other opt-outs", func(ctx context.Context) error {
			err := k.updatePool(k.pool, func(in *api.UpdatePoolInput) {
				in.TwoWayEnabled, in.TwoWayChannelArn, in.SelfManagedOptOutsEnabled = aws.Bool(true), aws.String(topic), aws.Bool(true)
			})(ctx)
			if err != nil {
				return err
			}
			return k.associate(k.pool, k.selfManaged)(ctx)
		}, refusal{Code: conflict, Reason: "SELF_MANAGED_OPT_OUTS_MISMATCH", ResourceType: "phone-number", ResourceID: k.selfManaged}},
		{"no member", k.disassociate(k.pool, k.paired), refusal{Code: conflict, Reason: "PHONE_NUMBER_NOT_ASSOCIATED_TO_POOL", ResourceType: "phone-number", ResourceID: k.paired}},
		{"the last member", k.disassociate(k.pool, k.lone), refusal{Code: conflict, Reason: "LAST_PHONE_NUMBER"}},
		{"a protected pool", func(ctx context.Context) error {
			return failed(c.DeletePool(ctx, &api.DeletePoolInput{PoolId: &k.pairedPool}))
		}, refusal{Code: conflict, Reason: "DELETION_PROTECTION_ENABLED", ResourceType: "pool", ResourceID: k.pairedPool}},
		{"a pool that is not there", func(ctx context.Context) error {
			return failed(c.DescribePools(ctx, &api.DescribePoolsInput{PoolIds: []string{k.pool, "pool-00000000000000000000000000000000"}}))
		}, refusal{Code: notFound, ResourceType: "pool", ResourceID: "pool-00000000000000000000000000000000"}},

		// Sender IDs.
		{"a sender ID for a country without them", k.requestSenderID("HELIO", "US"), refusal{Code: validation, Reason: "SENDER_ID_NOT_SUPPORTED", Fields: []string{"IsoCountryCode"}}},
		{"a sender ID that has to be registered", k.requestSenderID("HELIOS", "IN"), refusal{Code: validation, Reason: "SENDER_ID_REQUIRES_REGISTRATION", Fields: []string{"IsoCountryCode"}}},
		{"a sender ID twice", k.requestSenderID("HELIO", "DE"), refusal{Code: conflict, Reason: "RESOURCE_ALREADY_EXISTS", ResourceType: "sender-id"}},
		{"release of a sender ID in a pool", func(ctx context.Context) error {
			return failed(c.ReleaseSenderId(ctx, &api.ReleaseSenderIdInput{SenderId: &sender, IsoCountryCode: aws.String("DE")}))
		}, refusal{Code: conflict, Reason: "SENDER_ID_ASSOCIATED_TO_POOL", ResourceType: "sender-id"}},
		{"release of a protected sender ID", func(ctx context.Context) error {
			return failed(c.ReleaseSenderId(ctx, &api.ReleaseSenderIdInput{SenderId: aws.String("KEPT"), IsoCountryCode: aws.String("DE")}))
		}, refusal{Code: conflict, Reason: "DELETION_PROTECTION_ENABLED", ResourceType: "sender-id"}},
		{"a sender ID that is not there", func(ctx context.Context) error {
			return failed(c.UpdateSenderId(ctx, &api.UpdateSenderIdInput{SenderId: aws.String("OTHER"), IsoCountryCode: aws.String("DE")}))
		}, refusal{Code: notFound, ResourceType: "sender-id"}},
		{"the last member of a pool of sender IDs", func(ctx context.Context) error {
			return failed(c.DisassociateOriginationIdentity(ctx, &api.DisassociateOriginationIdentityInput{PoolId: &senders, OriginationIdentity: &sender, IsoCountryCode: aws.String("DE")}))
		}, refusal{Code: conflict, Reason: "LAST_PHONE_NUMBER"}},

		// Configuration sets.
		{"a configuration set twice", func(ctx context.Context) error {
			return failed(c.CreateConfigurationSet(ctx, &api.CreateConfigurationSetInput{ConfigurationSetName: &k.set}))
		}, refusal{Code: conflict, Reason: "RESOURCE_ALREADY_EXISTS", ResourceType: "configuration-set", ResourceID: k.set}},
		{"a ClientToken for something else", func(ctx context.Context) error {
			token := aws.String("one-token")
			if err := failed(c.CreateConfigurationSet(ctx, &api.CreateConfigurationSetInput{ConfigurationSetName: aws.String("First"), ClientToken: token})); err != nil {
				return err
			}
			return failed(c.CreateConfigurationSet(ctx, &api.CreateConfigurationSetInput{ConfigurationSetName: aws.String("Second"), ClientToken: token}))
		}, refusal{Code: conflict, Reason: "RESOURCE_ALREADY_EXISTS", ResourceType: "configuration-set", ResourceID: "First"}},
		{"an event destination twice", k.destination(func(in *api.CreateEventDestinationInput) { in.EventDestinationName = aws.String("Everything") }),
			refusal{Code: conflict, Reason: "RESOURCE_ALREADY_EXISTS", ResourceType: "event-destination", ResourceID: "Everything"}},
		{"another kind of destination", func(ctx context.Context) error {
			return failed(c.UpdateEventDestination(ctx, &api.UpdateEventDestinationInput{ConfigurationSetName: &k.set, EventDestinationName: aws.String("Everything"),
				SnsDestination: &types.SnsDestination{TopicArn: aws.String(topic)}}))
		}, refusal{Code: conflict, Reason: "EVENT_DESTINATION_MISMATCH", ResourceType: "event-destination", ResourceID: "Everything"}},
		{"an event destination that is not there", func(ctx context.Context) error {
			return failed(c.DeleteEventDestination(ctx, &api.DeleteEventDestinationInput{ConfigurationSetName: &k.set, EventDestinationName: aws.String("Nothing")}))
		}, refusal{Code: notFound, ResourceType: "event-destination", ResourceID: "Nothing"}},

		// Rates.
		{"dry runs above five parts a second", func(ctx context.Context) error {
			for range 100 {
				if err := k.text(func(in *api.SendTextMessageInput) { in.DryRun, in.OriginationIdentity = true, &k.other })(ctx); err != nil {
					return err
				}
			}
			return nil
		}, refusal{Code: throttling}},
	}
}

// TestReasons provokes every refusal that the operations can answer, through the
// AWS SDK for Go, and holds the list against the project's own list of Reasons.
func TestReasons(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	provoke := func(list []provocation) {
		for _, p := range list {
			t.Run(p.name, func(t *testing.T) {
				err := p.call(t.Context())
				if err == nil {
					t.Fatal("not refused")
				}
				got := refusalOf(t, err)
				if got.Message == "" {
					t.Error("no message")
				}
				want := p.want
				want.Message = got.Message
				if want.Fields == nil {
					want.Fields = got.Fields
				}
				if want.ResourceType == "" {
					want.ResourceType = got.ResourceType
				}
				if want.ResourceID == "" {
					want.ResourceID = got.ResourceID
				}
				if got.Code != want.Code || got.Reason != want.Reason || !slices.Equal(got.Fields, want.Fields) ||
					got.ResourceType != want.ResourceType || got.ResourceID != want.ResourceID {
					t.Errorf("refused with %+v, want %+v", got, want)
				}
				seen[got.Reason] = true
			})
		}
	}
	c := start(t, reasonsConfiguration).client()
	provoke(makeKnown(t, c).provocations(t))
	small := start(t, smallConfiguration).client()
	provoke(smallProvocations(t, small))
	provoke(accountProvocations(t, start(t, accountConfiguration)))

	// Reasons that no operation can answer yet, and why.
	unreachable := map[string]string{
		"INVALID_REQUEST":                       "of the operator's side alone",
		"VERIFICATION_CODE_EXPIRED":             "after fifteen minutes",
		"MONTHLY_SPEND_LIMIT_REACHED_FOR_VOICE": "of voice messages",
		"RESOURCE_NOT_ACCESSIBLE":               "of other accounts",
		"SENDER_ID_NOT_REGISTERED":              "of registrations",
		"VOICE_CAPABILITY_NOT_AVAILABLE":        "of voice messages",
	}
	for _, reason := range projectReasons(t) {
		if !seen[reason] && unreachable[reason] == "" {
			t.Errorf("nothing provokes %s", reason)
		}
		if seen[reason] && unreachable[reason] != "" {
			t.Errorf("%s is provoked after all", reason)
		}
	}
	t.Logf("provoked: %v", slices.Sorted(maps.Keys(seen)))
}

// projectReasons reads the constants of package sms.
func projectReasons(t *testing.T) (reasons []string) {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../../internal/sms/errors.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if ok && len(spec.Values) == 1 && strings.HasPrefix(spec.Names[0].Name, "Reason") {
			if literal, ok := spec.Values[0].(*ast.BasicLit); ok && literal.Kind == token.STRING {
				text, err := strconv.Unquote(literal.Value)
				if err != nil {
					t.Fatal(err)
				}
				reasons = append(reasons, text)
			}
		}
		return true
	})
	if len(reasons) < 40 {
		t.Fatalf("only %d Reasons in internal/sms", len(reasons))
	}
	return reasons
}
