package api_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/google/go-cmp/cmp"

	"heliograph/internal/accept"
	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// recorder is a Sender that keeps the last request, and answers err if it is set.
type recorder struct {
	calls   int
	account *resources.Snapshot
	request accept.Request
	free    bool // of a verification
	err     error
}

const sentID = "01a20846-fe7b-7000-8052-f4fa6f3e5ea0"

func (r *recorder) Send(_ context.Context, account *resources.Snapshot, request accept.Request) (string, error) {
	r.calls++
	r.account, r.request = account, request
	if request.Permit != nil && request.OriginationIdentity == "" {
		if err := request.Permit("*"); err != nil { // as of a shared route
			return "", err
		}
	}
	if r.err != nil {
		return "", r.err
	}
	return sentID, nil
}

func (r *recorder) SendVerification(ctx context.Context, account *resources.Snapshot, request accept.Request, free bool) (string, error) {
	r.free = free
	return r.Send(ctx, account, request)
}

func newSender(t *testing.T) (*recorder, *smsvoice.Client, string, *resources.Directory) {
	t.Helper()
	sender := &recorder{}
	url, directory := startServer(t, func(o *api.Options) { o.Sender = sender })
	return sender, smsvoice.New(smsvoice.Options{Region: customerRegion, BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(rootAccessKey, rootSecret, "")}), url, directory
}

func TestSendTextMessagePassesEverythingOn(t *testing.T) {
	sender, client, _, directory := newSender(t)
	out, err := client.SendTextMessage(t.Context(), &smsvoice.SendTextMessageInput{
		DestinationPhoneNumber: aws.String("+12065550199"), OriginationIdentity: aws.String("HELIO"), MessageBody: aws.String("hello €"),
		MessageType: types.MessageTypePromotional, Keyword: aws.String("PROGRAM"), ConfigurationSetName: aws.String("set"),
		MaxPrice: aws.String("0.50"), TimeToLive: aws.Int32(259200), Context: map[string]string{"order": "17"},
		DestinationCountryParameters: map[string]string{"IN_ENTITY_ID": "e", "IN_TEMPLATE_ID": "t"}, DryRun: true,
		ProtectConfigurationId: aws.String("protect-1"), MessageFeedbackEnabled: aws.Bool(false),
	})
	if err != nil || *out.MessageId != sentID {
		t.Fatalf("%+v, %v", out, err)
	}
	if diff := cmp.Diff(accept.Request{
		Destination: "+12065550199", OriginationIdentity: "HELIO", Body: "hello €", MessageType: sms.Promotional, Keyword: "PROGRAM",
		ConfigurationSet: "set", MaxPrice: "0.50", TimeToLive: 72 * time.Hour, Context: map[string]string{"order": "17"},
		CountryParameters: map[string]string{"IN_ENTITY_ID": "e", "IN_TEMPLATE_ID": "t"}, DryRun: true, ProtectConfiguration: "protect-1",
		FeedbackEnabled: aws.Bool(false),
	}, sender.request); diff != "" {
		t.Error(diff)
	}
	if sender.account != directory.Account(customerAccount) {
		t.Error("the account is not the caller's")
	}

	if _, err := client.SendTextMessage(t.Context(), &smsvoice.SendTextMessageInput{DestinationPhoneNumber: aws.String("+12065550199")}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(accept.Request{Destination: "+12065550199"}, sender.request); diff != "" {
		t.Errorf("what is not given:\n%s", diff)
	}
}

// What breaks the model's constraints is refused before anything is looked up.
func TestSendTextMessageShape(t *testing.T) {
	sender, _, url, _ := newSender(t)
	for name, c := range map[string]struct{ body, reason, field string }{
		"no destination":         {`{"MessageBody":"hello"}`, "MISSING_PARAMETER", "DestinationPhoneNumber"},
		"a destination of words": {`{"DestinationPhoneNumber":"me"}`, "INVALID_PARAMETER", "DestinationPhoneNumber"},
		"an empty body":          {`{"DestinationPhoneNumber":"+12065550199","MessageBody":""}`, "INVALID_PARAMETER", "MessageBody"},
		"a blank body":           {`{"DestinationPhoneNumber":"+12065550199","MessageBody":" \n "}`, "INVALID_PARAMETER", "MessageBody"},
		"1,601 characters":       {`{"DestinationPhoneNumber":"+12065550199","MessageBody":"` + strings.Repeat("a", 1601) + `"}`, "INVALID_PARAMETER", "MessageBody"},
		"an unknown type":        {`{"DestinationPhoneNumber":"+12065550199","MessageType":"SPAM"}`, "INVALID_PARAMETER", "MessageType"},
		"a price of many digits": {`{"DestinationPhoneNumber":"+12065550199","MaxPrice":"100.00"}`, "INVALID_PARAMETER", "MaxPrice"},
		"a short time to live":   {`{"DestinationPhoneNumber":"+12065550199","TimeToLive":4}`, "INVALID_PARAMETER", "TimeToLive"},
		"six entries":            {`{"DestinationPhoneNumber":"+12065550199","Context":{"1":"a","2":"a","3":"a","4":"a","5":"a","6":"a"}}`, "INVALID_PARAMETER", "Context"},
		"another country's":      {`{"DestinationPhoneNumber":"+12065550199","DestinationCountryParameters":{"US_ENTITY_ID":"a"}}`, "INVALID_PARAMETER", "DestinationCountryParameters"},
	} {
		got := request{target: prefix + "SendTextMessage", body: c.body}.send(t, url)
		if got.Status != 400 || got.Exception != "ValidationException" || got.Reason != c.reason || len(got.Fields) != 1 || !strings.HasPrefix(got.Fields[0], c.field) {
			t.Errorf("%s: %+v", name, got)
		}
	}
	if sender.calls != 0 {
		t.Errorf("the sender was called %d times", sender.calls)
	}
}

func TestSendTextMessageErrors(t *testing.T) {
	sender, client, url, _ := newSender(t)
	for _, c := range []struct {
		err  error
		want refusal
	}{
		{sms.Invalid(sms.ReasonMissingParameter, "MessageBody", "It is needed."), refusal{"ValidationException", "MISSING_PARAMETER", "", "", []string{"MessageBody"}}},
		{sms.Conflict(sms.ReasonResourceNotActive, sms.TypePhoneNumber, "phone-1", "It is PENDING."), refusal{"ConflictException", "RESOURCE_NOT_ACTIVE", "phone-number", "phone-1", nil}},
		{sms.Conflict(sms.ReasonNoOriginationIdentitiesFound, "", "", "There is none."), refusal{"ConflictException", "NO_ORIGINATION_IDENTITIES_FOUND", "", "", nil}},
		{sms.NotFound(sms.TypePool, "pool-1"), refusal{"ResourceNotFoundException", "", "pool", "pool-1", nil}},
		{sms.QuotaExceeded(sms.ReasonMonthlySpendLimitReachedForText, "It is spent."), refusal{"ServiceQuotaExceededException", "MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT", "", "", nil}},
		{sms.Throttled("Slower."), refusal{"ThrottlingException", "", "", "", nil}},
	} {
		sender.err = c.err
		_, err := client.SendTextMessage(t.Context(), &smsvoice.SendTextMessageInput{DestinationPhoneNumber: aws.String("+12065550199")})
		if diff := cmp.Diff(c.want, refused(t, err)); diff != "" {
			t.Errorf("%v:\n%s", c.err, diff)
		}
	}
	sender.err = errors.New("the disk is on fire")
	got := request{target: prefix + "SendTextMessage", body: `{"DestinationPhoneNumber":"+12065550199"}`}.send(t, url)
	if got.Status != 500 || strings.Contains(got.document["Message"].(string), "fire") {
		t.Errorf("%+v", got)
	}
}

func TestSendTextMessageWithoutASender(t *testing.T) {
	url, _ := startServer(t, nil)
	got := request{target: prefix + "SendTextMessage", body: `{"DestinationPhoneNumber":"+12065550199"}`}.send(t, url)
	if got.Exception != "UnknownOperationException" {
		t.Errorf("%+v", got)
	}
}

// Permission is asked for on the identity that the request names.
func TestSendTextMessageResources(t *testing.T) {
	url, directory := startServer(t, func(o *api.Options) { o.Sender, o.Keys = &recorder{}, userKey{} })
	c := &customer{t: t, directory: directory}
	id := c.number()
	number := c.phoneNumber(id).Number
	for named, want := range map[string]string{
		"":                                "*",
		id:                                c.arn(sms.TypePhoneNumber, id),
		number:                            c.arn(sms.TypePhoneNumber, number),
		"+447946999999":                   c.arn(sms.TypePhoneNumber, "+447946999999"), // is not told from one that there is
		strings.TrimPrefix(number, "+"):   c.arn(sms.TypePhoneNumber, strings.TrimPrefix(number, "+")),
		"pool-0123456789abcdef":           c.arn(sms.TypePool, "pool-0123456789abcdef"),
		"HELIO":                           c.arn(sms.TypeSenderID, "HELIO/GB"),
		c.arn(sms.TypeSenderID, "X/DE"):   c.arn(sms.TypeSenderID, "X/DE"),
		c.arn(sms.TypeSenderID, "X"):      c.arn(sms.TypeSenderID, "X/GB"),
		"registration-0123456789abcdef01": "*",
		"HELIO/GB":                        "*",
	} {
		body := `{"DestinationPhoneNumber":"+447700900123","MessageBody":"hello"`
		if named != "" {
			body += `,"OriginationIdentity":"` + named + `"`
		}
		got := request{target: prefix + "SendTextMessage", body: body + "}"}.send(t, url)
		message, _ := got.document["Message"].(string)
		if got.Exception != "AccessDeniedException" || !strings.Contains(message, "to perform: sms-voice:SendTextMessage on resource: "+want+" because ") {
			t.Errorf("%q: %+v", named, got)
		}
	}
	got := request{target: prefix + "SendTextMessage", body: `{"DestinationPhoneNumber":"+12065","OriginationIdentity":"HELIO"}`}.send(t, url)
	if message, _ := got.document["Message"].(string); !strings.Contains(message, "on resource: "+c.arn(sms.TypeSenderID, "HELIO/*")+" because ") {
		t.Errorf("a destination of no country: %+v", got)
	}
}
