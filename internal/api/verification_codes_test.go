package api_test

import (
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/google/go-cmp/cmp"

	"heliograph/internal/api"
	"heliograph/internal/sms"
)

// The guide's procedure, from a number to its deletion.
func TestVerifyDestinationNumber(t *testing.T) {
	p, ctx := newPatient(t, api.Limits{}), t.Context()
	made := must(p.CreateVerifiedDestinationNumber(ctx, &smsvoice.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: new("12065550142"), Tags: tags("whose", "mine")}))(t)
	id := *made.VerifiedDestinationNumberId
	arn := p.arn(sms.TypeVerifiedNumber, id)
	if !regexp.MustCompile(`^verified-[0-9a-f]{32}$`).MatchString(id) || *made.VerifiedDestinationNumberArn != arn || *made.DestinationPhoneNumber != someone ||
		made.Status != types.VerificationStatusPending || made.CreatedTimestamp == nil || made.RcsAgentId != nil {
		t.Errorf("CreateVerifiedDestinationNumber answers %+v", made)
	}
	same(t, "tags", made.Tags, tags("whose", "mine"))
	same(t, "tags of the ARN", p.tagsOf(arn), tags("whose", "mine"))

	sent := must(p.SendDestinationNumberVerificationCode(ctx, &smsvoice.SendDestinationNumberVerificationCodeInput{VerifiedDestinationNumberId: &id,
		VerificationChannel: types.VerificationChannelText, LanguageCode: types.LanguageCodeDeDe, OriginationIdentity: new("HELIO"), ConfigurationSetName: new("set"),
		Context: map[string]string{"order": "17"}, DestinationCountryParameters: map[string]string{"IN_ENTITY_ID": "e"}}))(t)
	r := p.sender.request
	if *sent.MessageId != sentID || r.Destination != someone || r.OriginationIdentity != "HELIO" || r.ConfigurationSet != "set" || r.Context["order"] != "17" ||
		r.CountryParameters["IN_ENTITY_ID"] != "e" || r.MessageType != sms.Transactional || !strings.HasPrefix(r.Body, "Ihr Best") || !p.sender.free {
		t.Errorf("sent %+v, free %v", r, p.sender.free)
	}
	code := codeForm.FindString(r.Body)
	if kept := p.directory.Account(customerAccount).VerifiedNumbers.Get(id).Value; strings.Contains(string(kept.Code), code) || len(kept.Code) != 32 {
		t.Errorf("of code %s %q is kept", code, kept.Code)
	}
	if code = p.code(arn); p.sender.free {
		t.Error("the second code is free")
	}
	done := must(p.VerifyDestinationNumber(ctx, &smsvoice.VerifyDestinationNumberInput{VerifiedDestinationNumberId: &arn, VerificationCode: &code}))(t)
	sameAnswer(t, "VerifyDestinationNumber", *done, smsvoice.VerifyDestinationNumberOutput{VerifiedDestinationNumberArn: &arn, VerifiedDestinationNumberId: &id,
		DestinationPhoneNumber: new(someone), Status: types.VerificationStatusVerified, CreatedTimestamp: made.CreatedTimestamp})
	described := must(p.DescribeVerifiedDestinationNumbers(ctx, &smsvoice.DescribeVerifiedDestinationNumbersInput{DestinationPhoneNumbers: []string{someone}}))(t)
	sameAnswer(t, "DescribeVerifiedDestinationNumbers", described.VerifiedDestinationNumbers, []types.VerifiedDestinationNumberInformation{{VerifiedDestinationNumberArn: &arn,
		VerifiedDestinationNumberId: &id, DestinationPhoneNumber: new(someone), Status: types.VerificationStatusVerified, CreatedTimestamp: made.CreatedTimestamp}})

	p.wait(24 * time.Hour)
	gone := must(p.DeleteVerifiedDestinationNumber(ctx, &smsvoice.DeleteVerifiedDestinationNumberInput{VerifiedDestinationNumberId: &id}))(t)
	sameAnswer(t, "DeleteVerifiedDestinationNumber", *gone, smsvoice.DeleteVerifiedDestinationNumberOutput{VerifiedDestinationNumberArn: &arn, VerifiedDestinationNumberId: &id,
		DestinationPhoneNumber: new(someone), CreatedTimestamp: made.CreatedTimestamp})
	if left := p.verifiedNumbers(smsvoice.DescribeVerifiedDestinationNumbersInput{}); left != nil {
		t.Errorf("left are %v", left)
	}
	if again := p.add(someone); again == id {
		t.Error("the number that was added again has its old id")
	}
}

// A code that could not be sent does not count, and the one before stays good.
func TestRefusedVerificationCode(t *testing.T) {
	p := newPatient(t, api.Limits{})
	id := p.add(someone)
	p.sender.err = sms.Conflict(sms.ReasonNoOriginationIdentitiesFound, "", "", "none")
	for range 30 {
		if got := refused(t, p.send(id)); got.Reason != "NO_ORIGINATION_IDENTITIES_FOUND" {
			t.Fatalf("refused with %+v", got)
		}
	}
	p.sender.err = nil
	code := p.code(id)
	if !p.sender.free {
		t.Error("the first code that is sent is not free")
	}
	p.sender.err = sms.Conflict(sms.ReasonNoOriginationIdentitiesFound, "", "", "none")
	refused(t, p.send(id))
	if err := p.verify(id, code); err != nil {
		t.Error("the code that was sent is not good: ", err)
	}
}

// A code whose fate is unknown counts.
func TestUncertainVerificationCode(t *testing.T) {
	p := newPatient(t, api.Limits{})
	id := p.add(someone)
	p.sender.err = errors.New("the connection broke")
	if got := refused(t, p.send(id)); got.Exception != "InternalServerException" {
		t.Errorf("refused with %+v", got)
	}
	code := codeForm.FindString(p.sender.request.Body)
	if err := p.verify(id, code); err != nil {
		t.Error("the code may have arrived, and is not good: ", err)
	}
}

// Codes and tries of several requests at once are all counted, and one code is free.
func TestVerificationAttemptsAtOnce(t *testing.T) {
	p := newPatient(t, api.Limits{})
	id := p.add(someone)
	code := p.code(id)
	wrong := make(chan error, 20)
	for range cap(wrong) {
		go func() { wrong <- p.verify(id, other(code)) }()
	}
	count := map[string]int{}
	for range cap(wrong) {
		count[refused(t, <-wrong).Reason]++
	}
	if want := map[string]int{"VERIFICATION_CODE_MISMATCH": 9, "VERIFICATION_CODE_EXPIRED": 11}; !cmp.Equal(count, want) {
		t.Errorf("%v, want %v", count, want)
	}
	// What the store holds, which a node that starts reads.
	if err := p.directory.Refresh(t.Context(), ""); err != nil {
		t.Fatal(err)
	}
	if kept := p.directory.Account(customerAccount).VerifiedNumbers.Get(id).Value; kept.Attempts != 10 || kept.CodesSent != 1 {
		t.Errorf("kept are %+v", kept)
	}
}
