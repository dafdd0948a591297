package api_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"heliograph/internal/api"
	"heliograph/internal/sms"
)

// Every Reason that the operations on phone numbers answer.
func TestPhoneNumberRefusals(t *testing.T) {
	c := newCustomer(t, api.Limits{PhoneNumbers: 12})
	ctx := t.Context()
	long := types.RequestableNumberTypeLongCode
	plain := c.number()
	protected := c.number(func(n *sms.PhoneNumber) { n.DeletionProtection = true })
	pooled := c.number(func(n *sms.PhoneNumber) { n.PoolID = "pool-1" })
	pending := c.number(func(n *sms.PhoneNumber) {
		n.Country, n.Type, n.Status, n.Number = "US", sms.TenDLC, sms.NumberPending, "+14255550100"
	})
	oneWay := c.number(func(n *sms.PhoneNumber) { n.TwoWayOffered = false })
	swiss := c.number(func(n *sms.PhoneNumber) { n.Country, n.Number = "CH", "+41791234567" })
	selfManaged := c.number(func(n *sms.PhoneNumber) {
		n.TwoWay, n.SelfManagedOptOuts = sms.TwoWay{Enabled: true, ChannelARN: "arn:aws:sns:us-east-1:111122223333:topic"}, true
	})
	for c.directory.Account(customerAccount).PhoneNumbers.Len() < 11 {
		c.number()
	}
	topic := aws.String("arn:aws:sns:us-east-1:111122223333:topic")
	missing := "phone-ffffffffffffffffffffffffffffffff"

	request := func(edits ...func(*smsvoice.RequestPhoneNumberInput)) func() error {
		return func() error {
			_, err := c.RequestPhoneNumber(ctx, numberRequest("GB", long, edits...))
			return err
		}
	}
	update := func(id string, in smsvoice.UpdatePhoneNumberInput) func() error {
		return func() error {
			in.PhoneNumberId = &id
			_, err := c.UpdatePhoneNumber(ctx, &in)
			return err
		}
	}
	release := func(id string) func() error {
		return func() error {
			_, err := c.ReleasePhoneNumber(ctx, &smsvoice.ReleasePhoneNumberInput{PhoneNumberId: &id})
			return err
		}
	}
	describe := func(in smsvoice.DescribePhoneNumbersInput) func() error {
		return func() error {
			_, err := c.DescribePhoneNumbers(ctx, &in)
			return err
		}
	}
	invalid := func(reason string, fields ...string) refusal {
		return refusal{Exception: "ValidationException", Reason: reason, Fields: fields}
	}
	notFound := func(kind, id string) refusal {
		return refusal{Exception: "ResourceNotFoundException", ResourceType: kind, ResourceID: id}
	}
	conflict := func(reason, id string) refusal {
		return refusal{Exception: "ConflictException", Reason: reason, ResourceType: "phone-number", ResourceID: id}
	}
	tests := []struct {
		name string
		call func() error
		want refusal
	}{
		{"country not served", request(func(in *smsvoice.RequestPhoneNumberInput) { in.IsoCountryCode = aws.String("KP") }), invalid("INVALID_PARAMETER", "IsoCountryCode")},
		{"simulator of another country", request(func(in *smsvoice.RequestPhoneNumberInput) { in.NumberType = types.RequestableNumberTypeSimulator }), invalid("INVALID_PARAMETER", "IsoCountryCode")},
		{"promotional simulator", request(func(in *smsvoice.RequestPhoneNumberInput) {
			in.NumberType, in.IsoCountryCode, in.MessageType = types.RequestableNumberTypeSimulator, aws.String("US"), types.MessageTypePromotional
		}), invalid("INVALID_PARAMETER", "MessageType")},
		{"international 10DLC", request(func(in *smsvoice.RequestPhoneNumberInput) {
			in.NumberType, in.IsoCountryCode, in.InternationalSendingEnabled = types.RequestableNumberTypeTenDlc, aws.String("US"), aws.Bool(true)
		}), invalid("INTERNATIONAL_SENDING_NOT_SUPPORTED", "InternationalSendingEnabled")},
		{"type the country has not", request(func(in *smsvoice.RequestPhoneNumberInput) { in.NumberType = types.RequestableNumberTypeTollFree }), invalid("INVALID_PARAMETER", "NumberType")},
		{"no number with the capability", request(func(in *smsvoice.RequestPhoneNumberInput) {
			in.NumberCapabilities = []types.NumberCapability{types.NumberCapabilityRcs}
		}), notFound("phone-number", "")},
		{"no such opt-out list", request(func(in *smsvoice.RequestPhoneNumberInput) { in.OptOutListName = aws.String("nothing") }), notFound("opt-out-list", "nothing")},
		{"no such pool", request(func(in *smsvoice.RequestPhoneNumberInput) { in.PoolId = aws.String("pool-9") }), notFound("pool", "pool-9")},
		{"pool by a number's id", request(func(in *smsvoice.RequestPhoneNumberInput) { in.PoolId = &plain }), invalid("INVALID_ARN", "PoolId")},
		{"no such registration", request(func(in *smsvoice.RequestPhoneNumberInput) { in.RegistrationId = aws.String("registration-9") }), notFound("registration", "registration-9")},
		{"registration by a pool's id", request(func(in *smsvoice.RequestPhoneNumberInput) { in.RegistrationId = aws.String("pool-9") }), invalid("INVALID_ARN", "RegistrationId")},
		{"tag key twice", request(func(in *smsvoice.RequestPhoneNumberInput) {
			tag := types.Tag{Key: aws.String("k"), Value: aws.String("v")}
			in.Tags = []types.Tag{tag, tag}
		}), invalid("INVALID_PARAMETER", "Tags[1].Key")},
		{"the last number that the quota allows", request(), refusal{}},
		{"one number too many", request(), refusal{Exception: "ServiceQuotaExceededException", Reason: "PHONE_NUMBERS_PER_ACCOUNT"}},

		{"update: no such number", update(missing, smsvoice.UpdatePhoneNumberInput{}), notFound("phone-number", missing)},
		{"update: pool's ARN", update(c.arn(sms.TypePool, "pool-1"), smsvoice.UpdatePhoneNumberInput{}), invalid("INVALID_ARN", "PhoneNumberId")},
		{"update: another account's", update("arn:aws:sms-voice:us-east-1:999999999999:phone-number/"+plain, smsvoice.UpdatePhoneNumberInput{}),
			denied},
		{"update: in a pool", update(pooled, smsvoice.UpdatePhoneNumberInput{}), conflict("PHONE_NUMBER_ASSOCIATED_TO_POOL", pooled)},
		{"update: country without two-way", update(swiss, smsvoice.UpdatePhoneNumberInput{TwoWayEnabled: aws.Bool(true)}), invalid("TWO_WAY_NOT_SUPPORTED_IN_COUNTRY", "TwoWayEnabled")},
		{"update: carrier without two-way", update(oneWay, smsvoice.UpdatePhoneNumberInput{TwoWayEnabled: aws.Bool(true), TwoWayChannelArn: topic}), invalid("TWO_WAY_NOT_SUPPORTED_IN_COUNTRY", "TwoWayEnabled")},
		{"update: two-way without channel", update(plain, smsvoice.UpdatePhoneNumberInput{TwoWayEnabled: aws.Bool(true)}), invalid("TWO_WAY_CHANNEL_NOT_PRESENT", "TwoWayChannelArn")},
		{"update: channel is a queue", update(plain, smsvoice.UpdatePhoneNumberInput{TwoWayEnabled: aws.Bool(true), TwoWayChannelArn: aws.String("arn:aws:sqs:us-east-1:111122223333:queue")}), invalid("INVALID_ARN", "TwoWayChannelArn")},
		{"update: FIFO topic", update(plain, smsvoice.UpdatePhoneNumberInput{TwoWayEnabled: aws.Bool(true), TwoWayChannelArn: aws.String(*topic + ".fifo")}), invalid("INVALID_ARN", "TwoWayChannelArn")},
		{"update: role is a user", update(plain, smsvoice.UpdatePhoneNumberInput{TwoWayEnabled: aws.Bool(true), TwoWayChannelArn: topic, TwoWayChannelRole: aws.String("arn:aws:iam::111122223333:user/x")}), invalid("INVALID_ARN", "TwoWayChannelRole")},
		{"update: self-managed without two-way", update(plain, smsvoice.UpdatePhoneNumberInput{SelfManagedOptOutsEnabled: aws.Bool(true)}), invalid("TWO_WAY_NOT_ENABLED", "SelfManagedOptOutsEnabled")},
		{"update: two-way off under self-managed", update(selfManaged, smsvoice.UpdatePhoneNumberInput{TwoWayEnabled: aws.Bool(false)}), invalid("TWO_WAY_NOT_ENABLED", "SelfManagedOptOutsEnabled")},
		{"update: no such opt-out list", update(plain, smsvoice.UpdatePhoneNumberInput{OptOutListName: aws.String("nothing")}), notFound("opt-out-list", "nothing")},
		{"update: international 10DLC", update(pending, smsvoice.UpdatePhoneNumberInput{InternationalSendingEnabled: aws.Bool(true)}), invalid("INTERNATIONAL_SENDING_NOT_SUPPORTED", "InternationalSendingEnabled")},

		{"release: no such number", release(missing), notFound("phone-number", missing)},
		{"release: protected", release(protected), conflict("DELETION_PROTECTION_ENABLED", protected)},
		{"release: in a pool", release(pooled), conflict("PHONE_NUMBER_ASSOCIATED_TO_POOL", pooled)},
		{"release: pending 10DLC", release(pending), invalid("PHONE_NUMBER_CANNOT_BE_RELEASED", "PhoneNumberId")},

		{"describe: one of several missing", describe(smsvoice.DescribePhoneNumbersInput{PhoneNumberIds: []string{plain, missing}}), notFound("phone-number", missing)},
		{"describe: an ARN that is none", describe(smsvoice.DescribePhoneNumbersInput{PhoneNumberIds: []string{plain, "arn:x"}}), invalid("INVALID_ARN", "PhoneNumberIds[1]")},
		{"describe: ids and owner", describe(smsvoice.DescribePhoneNumbersInput{PhoneNumberIds: []string{plain}, Owner: types.OwnerSelf}), invalid("PARAMETERS_CANNOT_BE_USED_TOGETHER", "Owner")},
		{"describe: filter value", describe(smsvoice.DescribePhoneNumbersInput{Filters: []types.PhoneNumberFilter{{Name: types.PhoneNumberFilterNameStatus, Values: []string{"FINE"}}}}), invalid("INVALID_FILTER_VALUES", "Filters[0].Values[0]")},
		{"describe: forged token", describe(smsvoice.DescribePhoneNumbersInput{NextToken: aws.String("abc")}), invalid("INVALID_NEXT_TOKEN", "NextToken")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			before := c.directory.Account(customerAccount)
			err := tt.call()
			if tt.want.Exception == "" {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			if diff := cmp.Diff(tt.want, refused(t, err), cmpopts.EquateEmpty()); diff != "" {
				t.Error(diff)
			}
			if c.directory.Account(customerAccount) != before {
				t.Error("the refused call changed the account")
			}
		})
	}
}
