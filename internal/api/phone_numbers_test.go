package api_test

import (
	"context"
	"regexp"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// newCustomerOf is newCustomer with other options.
func newCustomerOf(t *testing.T, edit func(*api.Options)) *customer {
	url, directory := startServer(t, edit)
	return &customer{t: t, directory: directory, Client: smsvoice.New(smsvoice.Options{
		Region: customerRegion, BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(rootAccessKey, rootSecret, ""),
	})}
}

// numberRequest asks for a phone number for transactional SMS.
func numberRequest(country string, t types.RequestableNumberType, edits ...func(*smsvoice.RequestPhoneNumberInput)) *smsvoice.RequestPhoneNumberInput {
	in := &smsvoice.RequestPhoneNumberInput{IsoCountryCode: &country, NumberType: t, MessageType: types.MessageTypeTransactional,
		NumberCapabilities: []types.NumberCapability{types.NumberCapabilitySms}}
	for _, edit := range edits {
		edit(in)
	}
	return in
}

func TestRequestPhoneNumber(t *testing.T) {
	c := newCustomer(t, api.Limits{})
	ctx := t.Context()
	made := must(c.RequestPhoneNumber(ctx, numberRequest("US", types.RequestableNumberTypeSimulator, func(in *smsvoice.RequestPhoneNumberInput) {
		in.DeletionProtectionEnabled = aws.Bool(true)
		in.Tags = []types.Tag{{Key: aws.String("team"), Value: aws.String("red")}}
	})))(t)
	if !regexp.MustCompile(`^phone-[0-9a-f]{32}$`).MatchString(*made.PhoneNumberId) || !regexp.MustCompile(`^\+1[0-9]{10}$`).MatchString(*made.PhoneNumber) {
		t.Errorf("id %s, number %s", *made.PhoneNumberId, *made.PhoneNumber)
	}
	want := types.PhoneNumberInformation{
		PhoneNumberArn: aws.String(c.arn(sms.TypePhoneNumber, *made.PhoneNumberId)), PhoneNumberId: made.PhoneNumberId,
		PhoneNumber: made.PhoneNumber, Status: types.NumberStatusActive, IsoCountryCode: aws.String("US"),
		MessageType: types.MessageTypeTransactional, NumberCapabilities: []types.NumberCapability{types.NumberCapabilitySms},
		NumberType: types.NumberTypeSimulator, MonthlyLeasingPrice: aws.String("1.00"), OptOutListName: aws.String("Default"),
		DeletionProtectionEnabled: true, CreatedTimestamp: made.CreatedTimestamp,
	}
	described := must(c.DescribePhoneNumbers(ctx, &smsvoice.DescribePhoneNumbersInput{PhoneNumberIds: []string{*made.PhoneNumberArn, *made.PhoneNumberId}}))(t)
	if diff := cmp.Diff([]types.PhoneNumberInformation{want}, described.PhoneNumbers, cmpopts.IgnoreUnexported(types.PhoneNumberInformation{})); diff != "" {
		t.Error(diff)
	}
	if made.Status != types.NumberStatusActive || made.PoolId != nil || made.RegistrationId != nil || made.TwoWayChannelArn != nil || len(made.Tags) != 1 {
		t.Errorf("%+v", made)
	}
	tags := must(c.ListTagsForResource(ctx, &smsvoice.ListTagsForResourceInput{ResourceArn: made.PhoneNumberArn}))(t)
	if len(tags.Tags) != 1 || *tags.Tags[0].Value != "red" {
		t.Errorf("tags %v", tags.Tags)
	}
}

// What the simulated inventory offers, in which state, and at what rate.
func TestSimulatedInventory(t *testing.T) {
	c := newCustomer(t, api.Limits{PhoneNumbers: 100})
	for _, tt := range []struct {
		country string
		kind    types.RequestableNumberType
		status  types.NumberStatus
		number  string
		rate    float64
		two     bool
	}{
		{"US", types.RequestableNumberTypeSimulator, types.NumberStatusActive, `\+1[2-9]\d\d55501\d\d`, 10, true},
		{"US", types.RequestableNumberTypeTenDlc, types.NumberStatusPending, `\+1[2-9]\d\d55501\d\d`, 1, true},
		{"US", types.RequestableNumberTypeTollFree, types.NumberStatusPending, `\+18\d\d55501\d\d`, 3, true},
		{"CA", types.RequestableNumberTypeLongCode, types.NumberStatusActive, `\+1[2-9]\d\d55501\d\d`, 1, true},
		{"GB", types.RequestableNumberTypeLongCode, types.NumberStatusActive, `\+447\d{9}`, 10, true},
		{"CH", types.RequestableNumberTypeLongCode, "", "", 0, false},
		{"US", types.RequestableNumberTypeLongCode, "", "", 0, false},
	} {
		out, err := c.RequestPhoneNumber(t.Context(), numberRequest(tt.country, tt.kind))
		if tt.status == "" {
			want := refusal{Exception: "ValidationException", Reason: "INVALID_PARAMETER", Fields: []string{"NumberType"}}
			if diff := cmp.Diff(want, refused(t, err)); diff != "" {
				t.Errorf("%s %s: %s", tt.country, tt.kind, diff)
			}
			continue
		}
		must(out, err)(t)
		n := c.phoneNumber(*out.PhoneNumberId)
		if out.Status != tt.status || !regexp.MustCompile(`^`+tt.number+`$`).MatchString(n.Number) || n.Carrier != "sim" ||
			n.PartsPerSecond != tt.rate || n.TwoWayOffered != tt.two {
			t.Errorf("%s %s: %+v", tt.country, tt.kind, n)
		}
	}
}

// stock puts numbers into the operator's inventory.
func (c *customer) stock(numbers ...sms.InventoryNumber) {
	c.t.Helper()
	err := c.directory.ChangeInventory(context.Background(), func(tx *resources.Tx) error {
		for _, n := range numbers {
			tx.InventoryNumbers.Put(n.Number, n)
		}
		return nil
	})
	if err != nil {
		c.t.Fatal(err)
	}
}

func TestOperatorsInventory(t *testing.T) {
	c := newCustomerOf(t, func(o *api.Options) { o.SimulatedInventory = false })
	ctx := t.Context()
	// A fresh one each time: the SDK writes its ClientToken into what it is given.
	request := func() *smsvoice.RequestPhoneNumberInput {
		return numberRequest("GB", types.RequestableNumberTypeLongCode)
	}
	none := refusal{Exception: "ResourceNotFoundException", ResourceType: "phone-number"}
	_, err := c.RequestPhoneNumber(ctx, request())
	if diff := cmp.Diff(none, refused(t, err)); diff != "" {
		t.Error(diff)
	}
	both, text := []sms.Capability{sms.CapabilitySMS, sms.CapabilityVoice}, []sms.Capability{sms.CapabilitySMS}
	c.stock(
		sms.InventoryNumber{Number: "+447946000001", Country: "GB", Type: sms.LongCode, Capabilities: both, Carrier: "acme"},
		sms.InventoryNumber{Number: "+447946000002", Country: "GB", Type: sms.LongCode, Capabilities: text, Carrier: "acme", PartsPerSecond: 50, TwoWay: true},
		sms.InventoryNumber{Number: "+447946000003", Country: "GB", Type: sms.LongCode, Capabilities: text, Carrier: "acme", Retired: true},
		sms.InventoryNumber{Number: "+447946000004", Country: "GB", Type: sms.LongCode, Capabilities: text, Carrier: "acme", LeasedBy: "999999999999"},
		sms.InventoryNumber{Number: "+18005550100", Country: "US", Type: sms.TollFree, Capabilities: text, Carrier: "acme"},
	)
	// The number without VOICE goes first, the retired one and another account's never.
	first := must(c.RequestPhoneNumber(ctx, request()))(t)
	second := must(c.RequestPhoneNumber(ctx, request()))(t)
	if *first.PhoneNumber != "+447946000002" || *second.PhoneNumber != "+447946000001" {
		t.Errorf("leased %s, then %s", *first.PhoneNumber, *second.PhoneNumber)
	}
	if n := c.phoneNumber(*first.PhoneNumberId); n.PartsPerSecond != 50 || !n.TwoWayOffered || n.Carrier != "acme" {
		t.Errorf("%+v", n)
	}
	if n := c.phoneNumber(*second.PhoneNumberId); n.PartsPerSecond != 10 || n.TwoWayOffered || len(n.Capabilities) != 1 {
		t.Errorf("%+v", n)
	}
	_, err = c.RequestPhoneNumber(ctx, request())
	if diff := cmp.Diff(none, refused(t, err)); diff != "" {
		t.Error(diff)
	}
	// A number that was released is never leased again.
	released := must(c.ReleasePhoneNumber(ctx, &smsvoice.ReleasePhoneNumberInput{PhoneNumberId: first.PhoneNumberId}))(t)
	if released.Status != types.NumberStatusDeleted || *released.PhoneNumber != *first.PhoneNumber {
		t.Errorf("%+v", released)
	}
	if _, err = c.RequestPhoneNumber(ctx, request()); refused(t, err).Exception != "ResourceNotFoundException" {
		t.Error(err)
	}
	if kept := c.directory.Inventory().Numbers.Get("+447946000002").Value; !kept.Retired || kept.LeasedBy != "" {
		t.Errorf("%+v", kept)
	}
	// Whom it wrote to is deleted with it.
	if gone := c.directory.Inventory().Dropped.All(); len(gone) != 1 || gone[0].Value != (resources.Dropped{List: store.ListID(sms.ConversationList(customerAccount, "+447946000002")...)}) {
		t.Errorf("the lists that are dropped with it are %+v", gone)
	}
	// Simulator numbers need no inventory.
	must(c.RequestPhoneNumber(ctx, numberRequest("US", types.RequestableNumberTypeSimulator)))(t)
}

func TestRequestPhoneNumberIntoPool(t *testing.T) {
	c := newCustomer(t, api.Limits{})
	ctx := t.Context()
	c.optOutList("other")
	channel := "arn:aws:sns:us-east-1:111122223333:topic"
	founder := c.number(func(n *sms.PhoneNumber) {
		n.OptOutList, n.TwoWay, n.SelfManagedOptOuts = "other", sms.TwoWay{Enabled: true, ChannelARN: channel}, true
	})
	pool := must(c.CreatePool(ctx, &smsvoice.CreatePoolInput{OriginationIdentity: &founder, IsoCountryCode: aws.String("GB"), MessageType: types.MessageTypeTransactional}))(t)
	into := func(in *smsvoice.RequestPhoneNumberInput) { in.PoolId = pool.PoolArn }
	made := must(c.RequestPhoneNumber(ctx, numberRequest("GB", types.RequestableNumberTypeLongCode, into)))(t)
	if *made.PoolId != *pool.PoolId || *made.OptOutListName != "other" || !made.TwoWayEnabled || *made.TwoWayChannelArn != channel || !made.SelfManagedOptOutsEnabled {
		t.Errorf("%+v", made)
	}
	for reason, in := range map[string]*smsvoice.RequestPhoneNumberInput{
		"OPT_OUT_LIST_MISMATCH": numberRequest("GB", types.RequestableNumberTypeLongCode, into, func(in *smsvoice.RequestPhoneNumberInput) {
			in.OptOutListName = aws.String("Default")
		}),
		"MESSAGE_TYPE_MISMATCH": numberRequest("GB", types.RequestableNumberTypeLongCode, into, func(in *smsvoice.RequestPhoneNumberInput) {
			in.MessageType = types.MessageTypePromotional
		}),
	} {
		before := c.directory.Inventory().Numbers.Len()
		_, err := c.RequestPhoneNumber(ctx, in)
		if got := refused(t, err); got.Exception != "ConflictException" || got.Reason != reason {
			t.Errorf("%s: %+v", reason, got)
		}
		if after := c.directory.Inventory().Numbers.Len(); after != before {
			t.Errorf("%s: a number was taken from the inventory", reason)
		}
	}
}

func TestUpdatePhoneNumber(t *testing.T) {
	c := newCustomer(t, api.Limits{})
	c.optOutList("other")
	id := c.number()
	update := func(in smsvoice.UpdatePhoneNumberInput) *smsvoice.UpdatePhoneNumberOutput {
		t.Helper()
		in.PhoneNumberId = aws.String(c.arn(sms.TypePhoneNumber, id))
		return must(c.UpdatePhoneNumber(t.Context(), &in))(t)
	}
	on := smsvoice.UpdatePhoneNumberInput{
		TwoWayEnabled: aws.Bool(true), TwoWayChannelArn: aws.String("arn:aws:sns:us-east-1:111122223333:topic"),
		TwoWayChannelRole: aws.String("arn:aws:iam::111122223333:role/inbound"), SelfManagedOptOutsEnabled: aws.Bool(true),
		OptOutListName: aws.String(c.arn(sms.TypeOptOutList, "other")), InternationalSendingEnabled: aws.Bool(true), DeletionProtectionEnabled: aws.Bool(true),
	}
	for range 2 { // a client may give the same values again
		out := update(on)
		if !out.TwoWayEnabled || *out.TwoWayChannelArn != *on.TwoWayChannelArn || *out.TwoWayChannelRole != *on.TwoWayChannelRole ||
			!out.SelfManagedOptOutsEnabled || *out.OptOutListName != "other" || !out.InternationalSendingEnabled || !out.DeletionProtectionEnabled {
			t.Errorf("%+v", out)
		}
	}
	if out := update(smsvoice.UpdatePhoneNumberInput{}); !out.TwoWayEnabled || *out.OptOutListName != "other" || !out.DeletionProtectionEnabled {
		t.Errorf("nothing was asked for, yet it has changed: %+v", out)
	}
	out := update(smsvoice.UpdatePhoneNumberInput{TwoWayEnabled: aws.Bool(false), SelfManagedOptOutsEnabled: aws.Bool(false), DeletionProtectionEnabled: aws.Bool(false)})
	if out.TwoWayEnabled || out.TwoWayChannelArn != nil || out.TwoWayChannelRole != nil || out.SelfManagedOptOutsEnabled || out.DeletionProtectionEnabled || !out.InternationalSendingEnabled {
		t.Errorf("%+v", out)
	}
	connect := "connect.us-east-1.amazonaws.com"
	if out := update(smsvoice.UpdatePhoneNumberInput{TwoWayEnabled: aws.Bool(true), TwoWayChannelArn: &connect}); *out.TwoWayChannelArn != connect {
		t.Errorf("%+v", out)
	}
}

func TestDescribePhoneNumbers(t *testing.T) {
	c := newCustomer(t, api.Limits{})
	ctx := t.Context()
	channel := "arn:aws:sns:us-east-1:111122223333:topic"
	first := c.number()
	second := c.number(func(n *sms.PhoneNumber) {
		n.Country, n.Type, n.Status, n.Number = "US", sms.TollFree, sms.NumberPending, "+18005550100"
		n.MessageType, n.OptOutList, n.DeletionProtection = sms.Promotional, "other", true
		n.Capabilities = []sms.Capability{sms.CapabilitySMS}
		n.TwoWay, n.SelfManagedOptOuts = sms.TwoWay{Enabled: true, ChannelARN: channel}, true
	})
	list := func(in smsvoice.DescribePhoneNumbersInput) (ids []string) {
		t.Helper()
		for _, n := range must(c.DescribePhoneNumbers(ctx, &in))(t).PhoneNumbers {
			ids = append(ids, *n.PhoneNumberId)
		}
		return ids
	}
	for name, tt := range map[types.PhoneNumberFilterName]struct{ first, second string }{
		types.PhoneNumberFilterNameStatus:                    {"ACTIVE", "PENDING"},
		types.PhoneNumberFilterNameIsoCountryCode:            {"GB", "US"},
		types.PhoneNumberFilterNameMessageType:               {"TRANSACTIONAL", "PROMOTIONAL"},
		types.PhoneNumberFilterNameNumberCapability:          {"VOICE", ""},
		types.PhoneNumberFilterNameNumberType:                {"LONG_CODE", "TOLL_FREE"},
		types.PhoneNumberFilterNameTwoWayEnabled:             {"false", "true"},
		types.PhoneNumberFilterNameSelfManagedOptOutsEnabled: {"false", "true"},
		types.PhoneNumberFilterNameOptOutListName:            {"Default", "other"},
		types.PhoneNumberFilterNameDeletionProtectionEnabled: {"false", "true"},
		types.PhoneNumberFilterNameTwoWayChannelArn:          {"", channel},
	} {
		for value, id := range map[string]string{tt.first: first, tt.second: second} {
			if value == "" {
				continue
			}
			got := list(smsvoice.DescribePhoneNumbersInput{Filters: []types.PhoneNumberFilter{{Name: name, Values: []string{value}}}})
			if diff := cmp.Diff([]string{id}, got); diff != "" {
				t.Errorf("%s=%s: %s", name, value, diff)
			}
		}
	}
	if n := len(types.PhoneNumberFilterName("").Values()); n != 10 {
		t.Errorf("the model has %d filters, 10 are tested", n)
	}
	if got := list(smsvoice.DescribePhoneNumbersInput{Owner: types.OwnerShared}); len(got) != 0 {
		t.Errorf("shared: %v", got)
	}
	if got := list(smsvoice.DescribePhoneNumbersInput{Owner: types.OwnerSelf}); len(got) != 2 {
		t.Errorf("own: %v", got)
	}
	third := c.number()
	var paged []string
	pages := smsvoice.NewDescribePhoneNumbersPaginator(c, &smsvoice.DescribePhoneNumbersInput{MaxResults: aws.Int32(1)})
	for pages.HasMorePages() {
		for _, n := range must(pages.NextPage(ctx))(t).PhoneNumbers {
			paged = append(paged, *n.PhoneNumberId)
		}
	}
	if diff := cmp.Diff([]string{first, second, third}, paged, cmpopts.SortSlices(func(a, b string) bool { return a < b })); diff != "" {
		t.Error(diff)
	}
}

// A request that is repeated with its ClientToken makes nothing new.
func TestClientToken(t *testing.T) {
	c := newCustomer(t, api.Limits{})
	ctx := t.Context()
	request := func(token, country string) (*smsvoice.RequestPhoneNumberOutput, error) {
		return c.RequestPhoneNumber(ctx, numberRequest(country, types.RequestableNumberTypeLongCode, func(in *smsvoice.RequestPhoneNumberInput) {
			in.ClientToken = &token
		}))
	}
	first := must(request("one", "GB"))(t)
	again := must(request("one", "GB"))(t)
	if *first.PhoneNumberId != *again.PhoneNumberId {
		t.Error("the repetition leased another number")
	}
	if other := must(request("two", "GB"))(t); *other.PhoneNumberId == *first.PhoneNumberId {
		t.Error("another token gave the same number")
	}
	_, err := request("one", "DE")
	want := refusal{Exception: "ConflictException", Reason: "RESOURCE_ALREADY_EXISTS", ResourceType: "phone-number", ResourceID: *first.PhoneNumberId}
	if diff := cmp.Diff(want, refused(t, err)); diff != "" {
		t.Error(diff)
	}
	// The token of another operation is another token.
	must(c.RequestSenderId(ctx, &smsvoice.RequestSenderIdInput{SenderId: aws.String("HELIO"), IsoCountryCode: aws.String("GB"), ClientToken: aws.String("one")}))(t)
}
