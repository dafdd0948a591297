package e2e

import (
	"context"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// accountConfiguration is an account with small quotas, two-way numbers and a toll-free
// one.
const accountConfiguration = `tier: production
log: {level: warn}
limits: {opt_out_lists: 3, keywords: 2, protect_configurations: 2, verified_destination_numbers: 2, text_monthly_spend_usd: 5}
numbers:
  - {number: "+61491570001", country: AU, type: LONG_CODE, two_way: true}
  - {number: "+61491570002", country: AU, type: LONG_CODE, two_way: true}
  - {number: "+18005550100", country: US, type: TOLL_FREE, two_way: true}
`

// accountProvocations are those of opt-out lists, keywords, verified destination
// numbers, spend limits, protect configurations and message feedback.
func accountProvocations(t *testing.T, s *server) []provocation {
	c, ctx := s.client(), t.Context()
	pooled := aws.ToString(lease(t, c, "AU", types.RequestableNumberTypeLongCode).PhoneNumberId)
	alone := aws.ToString(lease(t, c, "AU", types.RequestableNumberTypeLongCode).PhoneNumberId)
	tollFree := aws.ToString(lease(t, c, "US", types.RequestableNumberTypeTollFree).PhoneNumberId)
	pool := aws.ToString(must(c.CreatePool(ctx, &api.CreatePoolInput{OriginationIdentity: &pooled, IsoCountryCode: aws.String("AU"),
		MessageType: types.MessageTypeTransactional}))(t).PoolId)
	loggingSet(t, c, "Set")
	for _, name := range []string{"First", "Second"} {
		must(c.CreateOptOutList(ctx, &api.CreateOptOutListInput{OptOutListName: &name}))(t)
	}
	const gone, outed = "+61491570156", "+61491570157"
	for _, number := range []string{gone, outed} {
		must(c.PutOptedOutNumber(ctx, &api.PutOptedOutNumberInput{OptOutListName: aws.String("Default"), OptedOutNumber: &number}))(t)
	}
	return append(append(optOutProvocations(c, alone, pool, gone, outed), keywordProvocations(c, alone, pooled, pool, tollFree)...),
		append(verifiedProvocations(t, s, c, outed), protectProvocations(t, c)...)...)
}

func optOutProvocations(c *api.Client, alone, pool, gone, outed string) []provocation {
	in := func(list, number string) *api.DeleteOptedOutNumberInput {
		return &api.DeleteOptedOutNumberInput{OptOutListName: &list, OptedOutNumber: &number}
	}
	return []provocation{
		{"a message to a number that opted out", func(ctx context.Context) error {
			return failed(c.SendTextMessage(ctx, &api.SendTextMessageInput{DestinationPhoneNumber: &outed, OriginationIdentity: &alone, MessageBody: aws.String("Hello")}))
		}, refusal{Code: conflict, Reason: "DESTINATION_PHONE_NUMBER_OPTED_OUT"}},
		{"opted in again twice", func(ctx context.Context) error {
			if err := failed(c.DeleteOptedOutNumber(ctx, in("Default", gone))); err != nil {
				return err
			}
			if err := failed(c.PutOptedOutNumber(ctx, &api.PutOptedOutNumberInput{OptOutListName: aws.String("Default"), OptedOutNumber: &gone})); err != nil {
				return err
			}
			return failed(c.DeleteOptedOutNumber(ctx, in("Default", gone)))
		}, refusal{Code: validation, Reason: "PHONE_NUMBER_CANNOT_BE_OPTED_IN"}},
		{"a number that is on no list", func(ctx context.Context) error {
			return failed(c.DeleteOptedOutNumber(ctx, in("Default", "+61491570158")))
		}, refusal{Code: notFound, ResourceType: "opted-out-number"}},
		{"no number to opt out", func(ctx context.Context) error {
			return failed(c.PutOptedOutNumber(ctx, &api.PutOptedOutNumberInput{OptOutListName: aws.String("Default"), OptedOutNumber: aws.String("+1999")}))
		}, refusal{Code: validation, Reason: "CANNOT_PARSE", Fields: []string{"OptedOutNumber"}}},
		{"an opt-out list twice", func(ctx context.Context) error {
			return failed(c.CreateOptOutList(ctx, &api.CreateOptOutListInput{OptOutListName: aws.String("First")}))
		}, refusal{Code: conflict, Reason: "RESOURCE_ALREADY_EXISTS", ResourceType: "opt-out-list", ResourceID: "First"}},
		{"a fourth opt-out list", func(ctx context.Context) error {
			return failed(c.CreateOptOutList(ctx, &api.CreateOptOutListInput{OptOutListName: aws.String("Third")}))
		}, refusal{Code: quota, Reason: "OPT_OUT_LISTS_PER_ACCOUNT"}},
		{"deletion of the Default list", func(ctx context.Context) error {
			return failed(c.DeleteOptOutList(ctx, &api.DeleteOptOutListInput{OptOutListName: aws.String("Default")}))
		}, refusal{Code: conflict, Reason: "RESOURCE_DELETION_NOT_ALLOWED", ResourceType: "opt-out-list", ResourceID: "Default"}},
		{"deletion of a list in use", func(ctx context.Context) error {
			if err := failed(c.UpdatePhoneNumber(ctx, &api.UpdatePhoneNumberInput{PhoneNumberId: &alone, OptOutListName: aws.String("First")})); err != nil {
				return err
			}
			return failed(c.DeleteOptOutList(ctx, &api.DeleteOptOutListInput{OptOutListName: aws.String("First")}))
		}, refusal{Code: conflict, Reason: "RESOURCE_NOT_EMPTY", ResourceType: "opt-out-list", ResourceID: "First"}},
		{"a member with another opt-out list", func(ctx context.Context) error {
			return failed(c.AssociateOriginationIdentity(ctx, &api.AssociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: &alone, IsoCountryCode: aws.String("AU")}))
		}, refusal{Code: conflict, Reason: "OPT_OUT_LIST_MISMATCH", ResourceType: "phone-number", ResourceID: alone}},
	}
}

func keywordProvocations(c *api.Client, alone, pooled, pool, tollFree string) []provocation {
	put := func(identity, keyword string, action types.KeywordAction) func(context.Context) error {
		return func(ctx context.Context) error {
			return failed(c.PutKeyword(ctx, &api.PutKeywordInput{OriginationIdentity: &identity, Keyword: &keyword, KeywordMessage: aws.String("Words."), KeywordAction: action}))
		}
	}
	several := func(calls ...func(context.Context) error) func(context.Context) error {
		return func(ctx context.Context) error {
			for _, call := range calls {
				if err := call(ctx); err != nil {
					return err
				}
			}
			return nil
		}
	}
	answer := types.KeywordActionAutomaticResponse
	return []provocation{
		{"another action for STOP", put(alone, "STOP", answer), refusal{Code: conflict, Reason: "RESOURCE_MODIFICATION_NOT_ALLOWED"}},
		{"an opt-out keyword of a toll-free number", put(tollFree, "ENOUGH", types.KeywordActionOptOut), refusal{Code: validation, Reason: "INVALID_PARAMETER", Fields: []string{"KeywordAction"}}},
		{"deletion of HELP", func(ctx context.Context) error {
			return failed(c.DeleteKeyword(ctx, &api.DeleteKeywordInput{OriginationIdentity: &alone, Keyword: aws.String("HELP")}))
		}, refusal{Code: conflict, Reason: "RESOURCE_DELETION_NOT_ALLOWED"}},
		{"deletion of a keyword that is not there", func(ctx context.Context) error {
			return failed(c.DeleteKeyword(ctx, &api.DeleteKeywordInput{OriginationIdentity: &alone, Keyword: aws.String("JOIN")}))
		}, refusal{Code: notFound, ResourceType: "keyword"}},
		{"a keyword of a number in a pool", put(pooled, "JOIN", answer), refusal{Code: conflict, Reason: "PHONE_NUMBER_ASSOCIATED_TO_POOL", ResourceType: "phone-number", ResourceID: pooled}},
		{"a third keyword of a pool", several(put(pool, "ONE", answer), put(pool, "TWO", answer), put(pool, "THREE", answer)),
			refusal{Code: quota, Reason: "KEYWORDS_PER_POOL"}},
		{"a third keyword of a number", several(put(alone, "ONE", answer), put(alone, "JOIN", answer), put(alone, "THREE", answer)),
			refusal{Code: quota, Reason: "KEYWORDS_PER_PHONE_NUMBER"}},
		{"a member with other keywords", several(func(ctx context.Context) error {
			return failed(c.UpdatePhoneNumber(ctx, &api.UpdatePhoneNumberInput{PhoneNumberId: &alone, OptOutListName: aws.String("Default")}))
		}, func(ctx context.Context) error {
			return failed(c.AssociateOriginationIdentity(ctx, &api.AssociateOriginationIdentityInput{PoolId: &pool, OriginationIdentity: &alone, IsoCountryCode: aws.String("AU")}))
		}), refusal{Code: conflict, Reason: "KEYWORD_MISMATCH", ResourceType: "phone-number", ResourceID: alone}},
		{"an answer of eleven parts", func(ctx context.Context) error {
			return failed(c.PutKeyword(ctx, &api.PutKeywordInput{OriginationIdentity: &alone, Keyword: aws.String("HELP"), KeywordMessage: aws.String(strings.Repeat("x", 1531))}))
		}, refusal{Code: validation, Reason: "MAXIMUM_SIZE_EXCEEDED", Fields: []string{"KeywordMessage"}}},
	}
}

func verifiedProvocations(t *testing.T, s *server, c *api.Client, outed string) []provocation {
	create := func(number string) func(context.Context) error {
		return func(ctx context.Context) error {
			return failed(c.CreateVerifiedDestinationNumber(ctx, &api.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: &number}))
		}
	}
	id := aws.ToString(must(c.CreateVerifiedDestinationNumber(t.Context(), &api.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: aws.String("+61491570150")}))(t).VerifiedDestinationNumberId)
	second := aws.ToString(must(c.CreateVerifiedDestinationNumber(t.Context(), &api.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: aws.String("+61491570151")}))(t).VerifiedDestinationNumberId)
	send := func(channel types.VerificationChannel, id string) (*api.SendDestinationNumberVerificationCodeOutput, error) {
		return c.SendDestinationNumberVerificationCode(t.Context(), &api.SendDestinationNumberVerificationCodeInput{VerifiedDestinationNumberId: &id, VerificationChannel: channel})
	}
	sent := aws.ToString(must(send(types.VerificationChannelText, id))(t).MessageId)
	code := regexp.MustCompile(`\b[0-9]{6}\b`).FindString(s.run("messages", "show", sent))
	verify := func(id, code string) func(context.Context) error {
		return func(ctx context.Context) error {
			return failed(c.VerifyDestinationNumber(ctx, &api.VerifyDestinationNumberInput{VerifiedDestinationNumberId: &id, VerificationCode: &code}))
		}
	}
	return []provocation{
		{"a verified number twice", create("+61491570150"), refusal{Code: conflict, Reason: "RESOURCE_ALREADY_EXISTS", ResourceType: "verified-destination-number"}},
		{"a verified number that opted out", create(outed), refusal{Code: validation, Reason: "CANNOT_ADD_OPTED_OUT_NUMBER", Fields: []string{"DestinationPhoneNumber"}}},
		{"a third verified number", create("+61491570152"), refusal{Code: quota, Reason: "VERIFIED_DESTINATION_NUMBERS_PER_ACCOUNT"}},
		{"deletion of a new verified number", func(ctx context.Context) error {
			return failed(c.DeleteVerifiedDestinationNumber(ctx, &api.DeleteVerifiedDestinationNumberInput{VerifiedDestinationNumberId: &id}))
		}, refusal{Code: conflict, Reason: "RESOURCE_DELETION_NOT_ALLOWED", ResourceType: "verified-destination-number", ResourceID: id}},
		{"a code by voice", func(context.Context) error { return failed(send(types.VerificationChannelVoice, id)) },
			refusal{Code: validation, Reason: "CHANNEL_NOT_ENABLED", Fields: []string{"VerificationChannel"}}},
		{"a wrong code", verify(id, "wrong1"), refusal{Code: validation, Reason: "VERIFICATION_CODE_MISMATCH", Fields: []string{"VerificationCode"}}},
		{"a code for a number that is verified", func(ctx context.Context) error {
			if err := verify(id, code)(ctx); err != nil {
				return err
			}
			return failed(send(types.VerificationChannelText, id))
		}, refusal{Code: conflict, Reason: "VERIFICATION_ALREADY_COMPLETE"}},
		{"many codes", func(context.Context) error {
			for range 100 {
				if err := failed(send(types.VerificationChannelText, second)); err != nil {
					return err
				}
			}
			return nil
		}, refusal{Code: quota, Reason: "VERIFICATION_ATTEMPTS_PER_DAY"}},
		{"a spend limit above the operator's", func(ctx context.Context) error {
			return failed(c.SetTextMessageSpendLimitOverride(ctx, &api.SetTextMessageSpendLimitOverrideInput{MonthlyLimit: aws.Int64(6)}))
		}, refusal{Code: validation, Reason: "REQUESTED_SPEND_LIMIT_HIGHER_THAN_SERVICE_LIMIT", Fields: []string{"MonthlyLimit"}}},
	}
}

func protectProvocations(t *testing.T, c *api.Client) []provocation {
	ctx := t.Context()
	create := func() (*api.CreateProtectConfigurationOutput, error) {
		return c.CreateProtectConfiguration(ctx, &api.CreateProtectConfigurationInput{})
	}
	blocking := aws.ToString(must(create())(t).ProtectConfigurationId)
	kept := aws.ToString(must(create())(t).ProtectConfigurationId)
	must(c.UpdateProtectConfigurationCountryRuleSet(ctx, &api.UpdateProtectConfigurationCountryRuleSetInput{ProtectConfigurationId: &blocking,
		NumberCapability:      types.NumberCapabilitySms,
		CountryRuleSetUpdates: map[string]types.ProtectConfigurationCountryRuleSetInformation{"SE": {ProtectStatus: types.ProtectStatusBlock}}}))(t)
	const stopped = "+61491570153"
	must(c.PutProtectConfigurationRuleSetNumberOverride(ctx, &api.PutProtectConfigurationRuleSetNumberOverrideInput{ProtectConfigurationId: &blocking,
		DestinationPhoneNumber: aws.String(stopped), Action: types.ProtectConfigurationRuleOverrideActionBlock}))(t)
	text := func(to string) func(context.Context) error {
		return func(ctx context.Context) error {
			return failed(c.SendTextMessage(ctx, &api.SendTextMessageInput{DestinationPhoneNumber: &to, MessageBody: aws.String("Hello"), ProtectConfigurationId: &blocking}))
		}
	}
	remove := func(id string) func(context.Context) error {
		return func(ctx context.Context) error {
			return failed(c.DeleteProtectConfiguration(ctx, &api.DeleteProtectConfigurationInput{ProtectConfigurationId: &id}))
		}
	}
	return []provocation{
		{"a country that is blocked", text("+46701740605"), refusal{Code: conflict, Reason: "DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION"}},
		{"a number that is blocked", text(stopped), refusal{Code: conflict, Reason: "DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE"}},
		{"a third protect configuration", func(context.Context) error { return failed(create()) }, refusal{Code: quota, Reason: "PROTECT_CONFIGURATIONS_PER_ACCOUNT"}},
		{"rules for a country that is none", func(ctx context.Context) error {
			return failed(c.UpdateProtectConfigurationCountryRuleSet(ctx, &api.UpdateProtectConfigurationCountryRuleSetInput{ProtectConfigurationId: &blocking,
				NumberCapability:      types.NumberCapabilitySms,
				CountryRuleSetUpdates: map[string]types.ProtectConfigurationCountryRuleSetInformation{"ZZ": {ProtectStatus: types.ProtectStatusBlock}}}))
		}, refusal{Code: validation, Reason: "COUNTRY_NOT_ENABLED"}},
		{"no default to take away", func(ctx context.Context) error {
			return failed(c.DeleteAccountDefaultProtectConfiguration(ctx, &api.DeleteAccountDefaultProtectConfigurationInput{}))
		}, refusal{Code: notFound, ResourceType: "protect-configuration"}},
		{"a set that it is not of", func(ctx context.Context) error {
			return failed(c.DisassociateProtectConfiguration(ctx, &api.DisassociateProtectConfigurationInput{ProtectConfigurationId: &kept, ConfigurationSetName: aws.String("Set")}))
		}, refusal{Code: conflict, Reason: "PROTECT_CONFIGURATION_NOT_ASSOCIATED_WITH_CONFIGURATION_SET"}},
		{"deletion of one of a set", func(ctx context.Context) error {
			if err := failed(c.AssociateProtectConfiguration(ctx, &api.AssociateProtectConfigurationInput{ProtectConfigurationId: &kept, ConfigurationSetName: aws.String("Set")})); err != nil {
				return err
			}
			return remove(kept)(ctx)
		}, refusal{Code: conflict, Reason: "PROTECT_CONFIGURATION_ASSOCIATED_WITH_CONFIGURATION_SET"}},
		{"deletion of the default", func(ctx context.Context) error {
			if err := failed(c.SetAccountDefaultProtectConfiguration(ctx, &api.SetAccountDefaultProtectConfigurationInput{ProtectConfigurationId: &blocking})); err != nil {
				return err
			}
			return remove(blocking)(ctx)
		}, refusal{Code: conflict, Reason: "PROTECT_CONFIGURATION_IS_ACCOUNT_DEFAULT"}},
		{"deletion of a protected one", func(ctx context.Context) error {
			if err := failed(c.UpdateProtectConfiguration(ctx, &api.UpdateProtectConfigurationInput{ProtectConfigurationId: &kept, DeletionProtectionEnabled: aws.Bool(true)})); err != nil {
				return err
			}
			return remove(kept)(ctx)
		}, refusal{Code: conflict, Reason: "DELETION_PROTECTION_ENABLED", ResourceType: "protect-configuration", ResourceID: kept}},
		{"feedback on a message that is not there", func(ctx context.Context) error {
			return failed(c.PutMessageFeedback(ctx, &api.PutMessageFeedbackInput{MessageId: aws.String("00000000-0000-0000-0000-000000000000"), MessageFeedbackStatus: types.MessageFeedbackStatusReceived}))
		}, refusal{Code: notFound, ResourceType: "message"}},
	}
}
