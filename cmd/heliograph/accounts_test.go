package main

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/admin"
	"heliograph/internal/credentials"
)

// newClient is an SDK client of a server that runs in this directory.
func newClient(t *testing.T, url string) *smsvoice.Client {
	t.Helper()
	root, err := credentials.Read("data")
	if err != nil {
		t.Fatal(err)
	}
	return smsvoice.New(smsvoice.Options{Region: "us-east-1", BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: awscredentials.NewStaticCredentialsProvider(root.AccessKeyID, root.SecretAccessKey, "")})
}

// The way out of the sandbox: by number, and by the operator.
func TestSandbox(t *testing.T) {
	client, ctx := newClient(t, server(t, "api: {request_rates: unlimited}\n")), t.Context()
	const someone, another = "+447700900123", "+447700900124"
	send := func(to string) error {
		_, err := client.SendTextMessage(ctx, &smsvoice.SendTextMessageInput{DestinationPhoneNumber: aws.String(to), MessageBody: aws.String("hello")})
		return err
	}
	unverified := func(to string) {
		t.Helper()
		var conflict *types.ConflictException
		if err := send(to); !errors.As(err, &conflict) || conflict.Reason != types.ConflictExceptionReasonDestinationPhoneNumberNotVerified {
			t.Fatalf("a message to %s: %v", to, err)
		}
	}
	unverified(someone)
	made, err := client.CreateVerifiedDestinationNumber(ctx, &smsvoice.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: aws.String(someone)})
	if err != nil {
		t.Fatal(err)
	}
	unverified(someone)
	story := ""
	for _, language := range []types.LanguageCode{types.LanguageCodeEnGb, types.LanguageCodeJaJp} {
		sent, err := client.SendDestinationNumberVerificationCode(ctx, &smsvoice.SendDestinationNumberVerificationCodeInput{
			VerifiedDestinationNumberId: made.VerifiedDestinationNumberId, VerificationChannel: types.VerificationChannelText, LanguageCode: language})
		if err != nil {
			t.Fatal(err)
		}
		story = succeed(t, "messages", "show", *sent.MessageId)
		if free := strings.Contains(story, "price              USD 0.00, carrier fee USD 0.00"); free != (language == types.LanguageCodeEnGb) {
			t.Errorf("the code in %s costs nothing: %v\n%s", language, free, story)
		}
	}
	code := regexp.MustCompile(`"確認コードは([0-9]{6})です`).FindStringSubmatch(story)
	if code == nil {
		t.Fatalf("there is no code in\n%s", story)
	}
	if _, err := client.VerifyDestinationNumber(ctx, &smsvoice.VerifyDestinationNumberInput{VerifiedDestinationNumberId: made.VerifiedDestinationNumberId, VerificationCode: &code[1]}); err != nil {
		t.Fatal(err)
	}
	if err := send(someone); err != nil {
		t.Error("a message to the verified number: ", err)
	}
	unverified(another)

	if out := succeed(t, "account", "show"); !strings.Contains(out, "sandbox\n") || !strings.Contains(out, "1, and 0 pending") || !strings.Contains(out, "1.00\n") {
		t.Errorf("account:\n%s", out)
	}
	if out := succeed(t, "account", "tier", "production"); !strings.Contains(out, "production (the configuration asked for sandbox)") || strings.Count(out, "unlimited\n") != 2 {
		t.Errorf("moved:\n%s", out)
	}
	if err := send(another); err != nil {
		t.Error("a message out of the sandbox: ", err)
	}
	var a admin.AccountState
	if err := json.Unmarshal([]byte(succeed(t, "account", "tier", "sandbox", "--json")), &a); err != nil || a.Tier != "sandbox" || a.TextSpend != "1.00" {
		t.Errorf("%+v, %v", a, err)
	}
	unverified(another)
	if _, problems, code := command(t, "", "account", "tier", "free"); code != exitUsage || !strings.Contains(problems, "sandbox") {
		t.Errorf("%d: %s", code, problems)
	}
}

func TestLimits(t *testing.T) {
	client, ctx := newClient(t, server(t, "tier: production\napi: {request_rates: unlimited}\nlimits: {configuration_sets: 1, text_monthly_spend_usd: 7.25}\n")), t.Context()
	if out := succeed(t, "limits", "show"); strings.Count(out, "\n") != 16 || !regexp.MustCompile(`(?m)^text_monthly_spend_usd +7\.25 +- +7\.25$`).MatchString(out) {
		t.Errorf("limits:\n%s", out)
	}
	create := func(name string) error {
		_, err := client.CreateConfigurationSet(ctx, &smsvoice.CreateConfigurationSetInput{ConfigurationSetName: &name})
		return err
	}
	full := func(name string) {
		t.Helper()
		var exceeded *types.ServiceQuotaExceededException
		if err := create(name); !errors.As(err, &exceeded) || exceeded.Reason != types.ServiceQuotaExceededExceptionReasonConfigurationSetsPerAccount {
			t.Fatalf("%s: %v", name, err)
		}
	}
	if err := create("first"); err != nil {
		t.Fatal(err)
	}
	full("second")
	if out := succeed(t, "limits", "set", "configuration_sets", "2"); !regexp.MustCompile(`(?m)^configuration_sets +2 +1 +1$`).MatchString(out) {
		t.Errorf("raised:\n%s", out)
	}
	if err := create("second"); err != nil {
		t.Fatal(err)
	}
	full("third")
	if out := succeed(t, "limits", "reset", "configuration_sets", "--json"); out != `{"name":"configuration_sets","value":"1","configured":"1","changed":false,"used":2}`+"\n" {
		t.Errorf("given back:\n%s", out)
	}
	full("third")
	succeed(t, "limits", "set", "text_monthly_spend_usd", "unlimited")
	limits, err := client.DescribeSpendLimits(ctx, &smsvoice.DescribeSpendLimitsInput{})
	if err != nil || len(limits.SpendLimits) != 2 || limits.SpendLimits[0].MaxLimit != 1_000_000_000 {
		t.Errorf("%+v, %v", limits, err)
	}
	if out := succeed(t, "limits", "show", "--json"); strings.Count(out, "\n") != 15 || !strings.Contains(out, `{"name":"text_monthly_spend_usd","value":"unlimited","configured":"7.25","changed":true}`) {
		t.Errorf("limits:\n%s", out)
	}
	if _, problems, code := command(t, "", "limits", "set", "colours", "3"); code != exitFailed || !strings.Contains(problems, `There is no limit "colours". There are: configuration_sets,`) {
		t.Errorf("%d: %s", code, problems)
	}
}
