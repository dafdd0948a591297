package e2e

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// smallConfiguration is an account in the sandbox whose every quota is one, with the
// guide's request rates.
const smallConfiguration = `tier: sandbox
log: {level: warn}
api: {request_rates: guide}
limits:
  text_monthly_spend_usd: 0.01
  phone_numbers: 2
  pools: 1
  configuration_sets: 1
  sender_ids: 1
  origination_identities_per_pool: 1
  event_destinations_per_configuration_set: 1
  tags_per_resource: 1
`

func smallProvocations(t *testing.T, c *api.Client) []provocation {
	first := aws.ToString(lease(t, c, "US", types.RequestableNumberTypeSimulator).PhoneNumberId)
	second := aws.ToString(lease(t, c, "US", types.RequestableNumberTypeSimulator).PhoneNumberId)
	newPool := func(id string) func(context.Context) error {
		return func(ctx context.Context) error {
			return failed(c.CreatePool(ctx, &api.CreatePoolInput{OriginationIdentity: &id, IsoCountryCode: aws.String("US"), MessageType: types.MessageTypeTransactional}))
		}
	}
	pool := aws.ToString(must(c.CreatePool(t.Context(), &api.CreatePoolInput{OriginationIdentity: &first, IsoCountryCode: aws.String("US"),
		MessageType: types.MessageTypeTransactional}))(t).PoolId)
	loggingSet(t, c, "Set")
	must(c.RequestSenderId(t.Context(), &api.RequestSenderIdInput{SenderId: aws.String("HELIO"), IsoCountryCode: aws.String("DE")}))(t)
	k := known{c: c, set: "Set"}
	return []provocation{
		{"a destination that is not verified", k.text(func(*api.SendTextMessageInput) {}),
			refusal{Code: conflict, Reason: "DESTINATION_PHONE_NUMBER_NOT_VERIFIED", ResourceType: "verified-destination-number"}},
		{"a third number", k.requestNumber(func(*api.RequestPhoneNumberInput) {}), refusal{Code: quota, Reason: "PHONE_NUMBERS_PER_ACCOUNT"}},
		{"a second pool", newPool(second), refusal{Code: quota, Reason: "POOLS_PER_ACCOUNT"}},
		{"a second member", func(ctx context.Context) error {
			return failed(c.AssociateOriginationIdentity(ctx, &api.AssociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: &second, IsoCountryCode: aws.String("US")}))
		}, refusal{Code: quota, Reason: "ORIGINATION_IDENTITIES_PER_POOL"}},
		{"a second configuration set", func(ctx context.Context) error {
			return failed(c.CreateConfigurationSet(ctx, &api.CreateConfigurationSetInput{ConfigurationSetName: aws.String("Second")}))
		}, refusal{Code: quota, Reason: "CONFIGURATION_SETS_PER_ACCOUNT"}},
		{"a second event destination", k.destination(func(*api.CreateEventDestinationInput) {}), refusal{Code: quota, Reason: "EVENT_DESTINATIONS_PER_CONFIGURATION_SET"}},
		{"a second sender ID", k.requestSenderID("SECOND", "DE"), refusal{Code: quota, Reason: "SENDER_IDS_PER_ACCOUNT"}},
		{"a second tag", func(ctx context.Context) error {
			return failed(c.TagResource(ctx, &api.TagResourceInput{ResourceArn: aws.String("arn:aws:sms-voice:us-east-1:111122223333:configuration-set/Set"),
				Tags: []types.Tag{{Key: aws.String("a"), Value: aws.String("1")}, {Key: aws.String("b"), Value: aws.String("2")}}}))
		}, refusal{Code: quota, Reason: "TAGS_PER_RESOURCE"}},
		// Without a number of its own in Australia, the shared route is paid for.
		{"spend above the limit", k.text(func(in *api.SendTextMessageInput) { in.DestinationPhoneNumber = aws.String("+61455944038") }),
			refusal{Code: quota, Reason: "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT"}},
		{"requests above the guide's rate", func(ctx context.Context) error {
			for range 100 {
				if err := failed(c.DescribeAccountLimits(ctx, &api.DescribeAccountLimitsInput{})); err != nil {
					return err
				}
			}
			return nil
		}, refusal{Code: throttling}},
	}
}
