package api_test

import (
	"context"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func TestSenderIDLife(t *testing.T) {
	c := newCustomer(t, api.Limits{})
	ctx := t.Context()
	made := must(c.RequestSenderId(ctx, &smsvoice.RequestSenderIdInput{SenderId: aws.String("HELIO"), IsoCountryCode: aws.String("GB"),
		DeletionProtectionEnabled: aws.Bool(true), MessageTypes: []types.MessageType{types.MessageTypePromotional, types.MessageTypePromotional},
		Tags: []types.Tag{{Key: aws.String("k"), Value: aws.String("v")}}}))(t)
	if len(made.Tags) != 1 {
		t.Errorf("tags %v", made.Tags)
	}
	want := []types.SenderIdInformation{{
		SenderIdArn: aws.String(c.arn(sms.TypeSenderID, "HELIO/GB")), SenderId: aws.String("HELIO"), IsoCountryCode: aws.String("GB"),
		MessageTypes: []types.MessageType{types.MessageTypePromotional}, MonthlyLeasingPrice: aws.String("0.00"), DeletionProtectionEnabled: true,
	}}
	for _, id := range []string{"HELIO", *made.SenderIdArn} {
		got := must(c.DescribeSenderIds(ctx, &smsvoice.DescribeSenderIdsInput{SenderIds: []types.SenderIdAndCountry{{SenderId: &id, IsoCountryCode: aws.String("GB")}}}))(t)
		if diff := cmp.Diff(want, got.SenderIds, cmpopts.IgnoreUnexported(types.SenderIdInformation{})); diff != "" {
			t.Error(diff)
		}
	}
	same := must(c.UpdateSenderId(ctx, &smsvoice.UpdateSenderIdInput{SenderId: aws.String("HELIO"), IsoCountryCode: aws.String("GB")}))(t)
	off := must(c.UpdateSenderId(ctx, &smsvoice.UpdateSenderIdInput{SenderId: made.SenderIdArn, IsoCountryCode: aws.String("GB"), DeletionProtectionEnabled: aws.Bool(false)}))(t)
	if !same.DeletionProtectionEnabled || off.DeletionProtectionEnabled {
		t.Errorf("protection %v, then %v", same.DeletionProtectionEnabled, off.DeletionProtectionEnabled)
	}
	must(c.ReleaseSenderId(ctx, &smsvoice.ReleaseSenderIdInput{SenderId: made.SenderIdArn, IsoCountryCode: aws.String("GB")}))(t)
	if all := must(c.DescribeSenderIds(ctx, &smsvoice.DescribeSenderIdsInput{}))(t); len(all.SenderIds) != 0 {
		t.Errorf("%v is left", all.SenderIds)
	}
	both := must(c.RequestSenderId(ctx, &smsvoice.RequestSenderIdInput{SenderId: aws.String("HELIO"), IsoCountryCode: aws.String("GB")}))(t)
	if len(both.MessageTypes) != 2 {
		t.Errorf("message types %v", both.MessageTypes)
	}
}

// A sender ID that the operator has registered is leased with its carrier, also
// where the country wants registration.
func TestRegisteredSenderID(t *testing.T) {
	c := newCustomer(t, api.Limits{})
	err := c.directory.ChangeInventory(context.Background(), func(tx *resources.Tx) error {
		tx.InventorySenderIDs.Put("ACMEIN/IN", sms.InventorySenderID{SenderID: "ACMEIN", Country: "IN", Carrier: "acme", PartsPerSecond: 40})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	made := must(c.RequestSenderId(t.Context(), &smsvoice.RequestSenderIdInput{SenderId: aws.String("ACMEIN"), IsoCountryCode: aws.String("IN")}))(t)
	kept := c.directory.Account(customerAccount).SenderIDs.Get("ACMEIN/IN").Value
	if !made.Registered || kept.Carrier != "acme" || kept.PartsPerSecond != 40 {
		t.Errorf("%+v, %+v", made, kept)
	}
}

// Every Reason that the operations on sender IDs answer.
func TestSenderIDRefusals(t *testing.T) {
	c := newCustomer(t, api.Limits{SenderIDs: 4})
	ctx := t.Context()
	c.senderID("HELIO", "GB")
	edit := func(name string, f func(*sms.SenderID)) {
		s := sms.SenderID{SenderID: name, Country: "GB", MessageTypes: []sms.MessageType{sms.Transactional}, MonthlyLeasingPrice: "0.00"}
		f(&s)
		c.change(func(tx *resources.Tx) { tx.SenderIDs.Put(s.Key(), s) })
	}
	edit("SAFE", func(s *sms.SenderID) { s.DeletionProtection = true })
	edit("POOLED", func(s *sms.SenderID) { s.PoolIDs = []string{"pool-1"} })

	request := func(id, country string) func() error {
		return func() error {
			_, err := c.RequestSenderId(ctx, &smsvoice.RequestSenderIdInput{SenderId: &id, IsoCountryCode: &country})
			return err
		}
	}
	update := func(id, country string) func() error {
		return func() error {
			_, err := c.UpdateSenderId(ctx, &smsvoice.UpdateSenderIdInput{SenderId: &id, IsoCountryCode: &country})
			return err
		}
	}
	release := func(id, country string) func() error {
		return func() error {
			_, err := c.ReleaseSenderId(ctx, &smsvoice.ReleaseSenderIdInput{SenderId: &id, IsoCountryCode: &country})
			return err
		}
	}
	describe := func(in smsvoice.DescribeSenderIdsInput) func() error {
		return func() error {
			_, err := c.DescribeSenderIds(ctx, &in)
			return err
		}
	}
	invalid := func(reason string, fields ...string) refusal {
		return refusal{Exception: "ValidationException", Reason: reason, Fields: fields}
	}
	notFound := func(id string) refusal {
		return refusal{Exception: "ResourceNotFoundException", ResourceType: "sender-id", ResourceID: id}
	}
	conflict := func(reason, id string) refusal {
		return refusal{Exception: "ConflictException", Reason: reason, ResourceType: "sender-id", ResourceID: id}
	}
	named := func(id, country string) []types.SenderIdAndCountry {
		return []types.SenderIdAndCountry{{SenderId: aws.String("HELIO"), IsoCountryCode: aws.String("GB")}, {SenderId: &id, IsoCountryCode: &country}}
	}
	tests := []struct {
		name string
		call func() error
		want refusal
	}{
		{"digits only", request("123456", "GB"), invalid("INVALID_PARAMETER", "SenderId")},
		{"not six in India", request("FIVE5", "IN"), invalid("INVALID_PARAMETER", "SenderId")},
		{"country without sender IDs", request("HELIO", "US"), invalid("SENDER_ID_NOT_SUPPORTED", "IsoCountryCode")},
		{"country not served", request("HELIO", "KP"), invalid("SENDER_ID_NOT_SUPPORTED", "IsoCountryCode")},
		{"country with registration", request("HELIOS", "IN"), invalid("SENDER_ID_REQUIRES_REGISTRATION", "IsoCountryCode")},
		{"had already", request("HELIO", "GB"), conflict("RESOURCE_ALREADY_EXISTS", "HELIO/GB")},
		{"the last that the quota allows", request("HELIO", "FR"), refusal{}},
		{"one too many", request("HELIO", "DE"), refusal{Exception: "ServiceQuotaExceededException", Reason: "SENDER_IDS_PER_ACCOUNT"}},

		{"update: for another country", update("HELIO", "DE"), notFound("HELIO/DE")},
		{"update: ARN of another country", update(c.arn(sms.TypeSenderID, "HELIO/GB"), "DE"), invalid("COUNTRY_CODE_MISMATCH", "IsoCountryCode")},
		{"update: ARN of a pool", update(c.arn(sms.TypePool, "pool-1"), "GB"), invalid("INVALID_ARN", "SenderId")},

		{"release: none such", release("NOBODY", "GB"), notFound("NOBODY/GB")},
		{"release: protected", release("SAFE", "GB"), conflict("DELETION_PROTECTION_ENABLED", "SAFE/GB")},
		{"release: in a pool", release("POOLED", "GB"), conflict("SENDER_ID_ASSOCIATED_TO_POOL", "POOLED/GB")},

		{"describe: one of several missing", describe(smsvoice.DescribeSenderIdsInput{SenderIds: named("NOBODY", "GB")}), notFound("NOBODY/GB")},
		{"describe: an ARN that is none", describe(smsvoice.DescribeSenderIdsInput{SenderIds: named("arn:x", "GB")}), invalid("INVALID_ARN", "SenderIds[1].SenderId")},
		{"describe: ids and owner", describe(smsvoice.DescribeSenderIdsInput{SenderIds: named("SAFE", "GB"), Owner: types.OwnerSelf}), invalid("PARAMETERS_CANNOT_BE_USED_TOGETHER", "Owner")},
		{"describe: filter value", describe(smsvoice.DescribeSenderIdsInput{Filters: []types.SenderIdFilter{{Name: types.SenderIdFilterNameRegistered, Values: []string{"perhaps"}}}}), invalid("INVALID_FILTER_VALUES", "Filters[0].Values[0]")},
		{"describe: forged token", describe(smsvoice.DescribeSenderIdsInput{NextToken: aws.String("abc")}), invalid("INVALID_NEXT_TOKEN", "NextToken")},
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

func TestDescribeSenderIDs(t *testing.T) {
	c := newCustomer(t, api.Limits{})
	ctx := t.Context()
	c.senderID("HELIO", "GB")
	c.change(func(tx *resources.Tx) {
		tx.SenderIDs.Put("GRAPH/FR", sms.SenderID{SenderID: "GRAPH", Country: "FR", MessageTypes: []sms.MessageType{sms.Promotional},
			MonthlyLeasingPrice: "0.00", DeletionProtection: true, Registered: true})
	})
	list := func(in smsvoice.DescribeSenderIdsInput) (names []string) {
		t.Helper()
		for _, s := range must(c.DescribeSenderIds(ctx, &in))(t).SenderIds {
			names = append(names, *s.SenderId)
		}
		return names
	}
	for name, values := range map[types.SenderIdFilterName][2]string{
		types.SenderIdFilterNameSenderId:                  {"HELIO", "GRAPH"},
		types.SenderIdFilterNameIsoCountryCode:            {"GB", "FR"},
		types.SenderIdFilterNameMessageType:               {"TRANSACTIONAL", "PROMOTIONAL"},
		types.SenderIdFilterNameDeletionProtectionEnabled: {"false", "true"},
		types.SenderIdFilterNameRegistered:                {"false", "true"},
	} {
		for i, want := range []string{"HELIO", "GRAPH"} {
			got := list(smsvoice.DescribeSenderIdsInput{Filters: []types.SenderIdFilter{{Name: name, Values: []string{values[i]}}}})
			if diff := cmp.Diff([]string{want}, got); diff != "" {
				t.Errorf("%s=%s: %s", name, values[i], diff)
			}
		}
	}
	if n := len(types.SenderIdFilterName("").Values()); n != 5 {
		t.Errorf("the model has %d filters, 5 are tested", n)
	}
	if got := list(smsvoice.DescribeSenderIdsInput{Owner: types.OwnerShared}); len(got) != 0 {
		t.Errorf("shared: %v", got)
	}
	var paged []string
	pages := smsvoice.NewDescribeSenderIdsPaginator(c, &smsvoice.DescribeSenderIdsInput{MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		for _, s := range must(pages.NextPage(ctx))(t).SenderIds {
			paged = append(paged, *s.SenderId)
		}
	}
	if len(paged) != 2 || paged[0] == paged[1] {
		t.Errorf("pages gave %v", paged)
	}
}
