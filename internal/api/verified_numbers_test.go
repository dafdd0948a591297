package api_test

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"heliograph/internal/api"
	"heliograph/internal/api/wire"
	"heliograph/internal/optout"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// someone is a number that the tests verify.
const someone = "+12065550142"

// patient is a customer whose clock can be put forward, with what was sent for it.
type patient struct {
	*customer
	sender  *recorder
	optOuts *optedOut
	later   atomic.Int64 // by how much the clock is ahead
}

// optedOut are lists with these numbers on the Default list, and nothing else.
type optedOut struct {
	store.Lists
	directory *resources.Directory
	numbers   map[string]int64 // marks
}

func (o *optedOut) Entries(_ context.Context, keys []store.EntryKey) ([]*store.Entry, error) {
	list := o.directory.Account(customerAccount).OptOutLists.Get(sms.DefaultOptOutList)
	found := make([]*store.Entry, len(keys))
	for i, key := range keys {
		if key.List != store.ListID(list.Value.ListKey(customerAccount, list.Created)...) {
			return nil, errors.New("another list is asked for")
		}
		if mark := o.numbers["+"+strconv.FormatInt(key.Key, 10)]; mark != 0 {
			found[i] = &store.Entry{EntryKey: key, Mark: mark}
		}
		if key.Key == 12065550999 {
			return nil, errors.New("the store does not answer")
		}
	}
	return found, nil
}

func newPatient(t *testing.T, limits api.Limits) *patient {
	t.Helper()
	p := &patient{sender: &recorder{}, optOuts: &optedOut{numbers: map[string]int64{}}}
	ticks := tickingClock()
	url, directory := startServerAt(t, func() time.Time { return ticks().Add(time.Duration(p.later.Load())) },
		func(o *api.Options) { o.Limits, o.Sender, o.Lists = limits, p.sender, p.optOuts })
	p.optOuts.directory = directory
	p.customer = &customer{t: t, directory: directory, Client: smsvoice.New(smsvoice.Options{Region: customerRegion, BaseEndpoint: &url, Retryer: aws.NopRetryer{},
		Credentials: credentials.NewStaticCredentialsProvider(rootAccessKey, rootSecret, "")})}
	return p
}

func (p *patient) wait(d time.Duration) { p.later.Add(int64(d)) }

// add adds a number and answers its id.
func (p *patient) add(number string) string {
	p.t.Helper()
	return *must(p.CreateVerifiedDestinationNumber(p.t.Context(), &smsvoice.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: &number}))(p.t).VerifiedDestinationNumberId
}

func (p *patient) send(id string) error {
	_, err := p.SendDestinationNumberVerificationCode(p.t.Context(), &smsvoice.SendDestinationNumberVerificationCodeInput{
		VerifiedDestinationNumberId: &id, VerificationChannel: types.VerificationChannelText})
	return err
}

var codeForm = regexp.MustCompile(`[0-9]{6}`)

// code sends a code and reads it where the recipient does.
func (p *patient) code(id string) string {
	p.t.Helper()
	if err := p.send(id); err != nil {
		p.t.Fatal(err)
	}
	return codeForm.FindString(p.sender.request.Body)
}

func (p *patient) verify(id, code string) error {
	_, err := p.VerifyDestinationNumber(p.t.Context(), &smsvoice.VerifyDestinationNumberInput{VerifiedDestinationNumberId: &id, VerificationCode: &code})
	return err
}

// other is a code that is not this one.
func other(code string) string {
	if code == "000000" {
		return "000001"
	}
	return "000000"
}

// verifiedNumbers are the numbers on all pages of DescribeVerifiedDestinationNumbers.
func (p *patient) verifiedNumbers(in smsvoice.DescribeVerifiedDestinationNumbersInput) (numbers []string) {
	p.t.Helper()
	for pages := smsvoice.NewDescribeVerifiedDestinationNumbersPaginator(p, &in); pages.HasMorePages(); {
		for _, n := range must(pages.NextPage(p.t.Context()))(p.t).VerifiedDestinationNumbers {
			numbers = append(numbers, *n.DestinationPhoneNumber)
		}
	}
	return numbers
}

// sameAnswer is same for what verified destination numbers are answered with.
func sameAnswer[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	mine := cmpopts.IgnoreUnexported(types.VerifiedDestinationNumberInformation{}, smsvoice.VerifyDestinationNumberOutput{}, smsvoice.DeleteVerifiedDestinationNumberOutput{})
	if diff := cmp.Diff(want, got, asAnswered, mine); diff != "" {
		t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func TestDescribeVerifiedDestinationNumbers(t *testing.T) {
	p := newPatient(t, api.Limits{})
	ids := map[string]string{}
	all := []string{"+12065550101", "+12065550102", "+447700900123"}
	for _, n := range all {
		ids[n] = p.add(n)
	}
	if err := p.verify(ids[all[1]], p.code(ids[all[1]])); err != nil {
		t.Fatal(err)
	}
	filter := func(name types.VerifiedDestinationNumberFilterName, values ...string) []types.VerifiedDestinationNumberFilter {
		return []types.VerifiedDestinationNumberFilter{{Name: name, Values: values}}
	}
	for name, c := range map[string]struct {
		in   smsvoice.DescribeVerifiedDestinationNumbersInput
		want []string
	}{
		"all":             {smsvoice.DescribeVerifiedDestinationNumbersInput{}, all},
		"page by page":    {smsvoice.DescribeVerifiedDestinationNumbersInput{MaxResults: new(int32(1))}, all},
		"by id":           {smsvoice.DescribeVerifiedDestinationNumbersInput{VerifiedDestinationNumberIds: []string{ids[all[2]], p.arn(sms.TypeVerifiedNumber, ids[all[0]])}}, []string{all[0], all[2]}},
		"by number":       {smsvoice.DescribeVerifiedDestinationNumbersInput{DestinationPhoneNumbers: []string{"447700900123"}}, all[2:]},
		"pending":         {smsvoice.DescribeVerifiedDestinationNumbersInput{Filters: filter("status", "PENDING")}, []string{all[0], all[2]}},
		"verified":        {smsvoice.DescribeVerifiedDestinationNumbersInput{Filters: filter("status", "VERIFIED")}, all[1:2]},
		"unsupported":     {smsvoice.DescribeVerifiedDestinationNumbersInput{Filters: filter("status", "UNSUPPORTED")}, nil},
		"of an RCS agent": {smsvoice.DescribeVerifiedDestinationNumbersInput{Filters: filter("rcs-agent-id", "rcs-1")}, nil},
	} {
		if got := p.verifiedNumbers(c.in); !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", name, got, c.want)
		}
	}
}

// A number that was opted in again can be added.
func TestVerifiedDestinationNumberOptedInAgain(t *testing.T) {
	p := newPatient(t, api.Limits{})
	p.optOuts.numbers[someone] = optout.OptedIn
	p.add(someone)
}

func TestVerifiedDestinationNumberClientToken(t *testing.T) {
	p := newPatient(t, api.Limits{VerifiedDestinationNumbers: 1, TagsPerResource: 50})
	in := &smsvoice.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: new(someone), ClientToken: new("once")}
	made, again := must(p.CreateVerifiedDestinationNumber(t.Context(), in))(t), must(p.CreateVerifiedDestinationNumber(t.Context(), in))(t)
	if *made.VerifiedDestinationNumberId != *again.VerifiedDestinationNumberId {
		t.Errorf("made %s, then %s", *made.VerifiedDestinationNumberId, *again.VerifiedDestinationNumberId)
	}
}

// Each way to be refused, on a number of its own.
func TestReasonsOfVerifiedNumbers(t *testing.T) {
	none := "verified-" + strings.Repeat("0", 32)
	create := func(p *patient, in smsvoice.CreateVerifiedDestinationNumberInput) error {
		if in.DestinationPhoneNumber == nil {
			in.DestinationPhoneNumber = new(someone)
		}
		_, err := p.CreateVerifiedDestinationNumber(p.t.Context(), &in)
		return err
	}
	describe := func(p *patient, in smsvoice.DescribeVerifiedDestinationNumbersInput) error {
		_, err := p.DescribeVerifiedDestinationNumbers(p.t.Context(), &in)
		return err
	}
	remove := func(p *patient, id string) error {
		_, err := p.DeleteVerifiedDestinationNumber(p.t.Context(), &smsvoice.DeleteVerifiedDestinationNumberInput{VerifiedDestinationNumberId: &id})
		return err
	}
	const name = "verified-1" // of the number that conflicts are about
	rename := func(p *patient, id string) string {
		p.change(func(tx *resources.Tx) {
			n := tx.VerifiedNumbers.Get(id).Value
			tx.VerifiedNumbers.Delete(id)
			n.ID = name
			tx.VerifiedNumbers.Put(name, n)
		})
		return name
	}
	for _, r := range []struct {
		operation, name string
		call            func(p *patient) error
		want            refusal
	}{
		{"CreateVerifiedDestinationNumber", "no number", func(p *patient) error {
			return create(p, smsvoice.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: new("+1206")})
		}, invalid("CANNOT_PARSE", "DestinationPhoneNumber")},
		{"CreateVerifiedDestinationNumber", "a country that is not served", func(p *patient) error {
			return create(p, smsvoice.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: new("+5351234567")})
		}, invalid("DESTINATION_COUNTRY_BLOCKED", "DestinationPhoneNumber")},
		{"CreateVerifiedDestinationNumber", "there already", func(p *patient) error {
			rename(p, p.add(someone))
			return create(p, smsvoice.CreateVerifiedDestinationNumberInput{})
		}, conflict("RESOURCE_ALREADY_EXISTS", sms.TypeVerifiedNumber, name)},
		{"CreateVerifiedDestinationNumber", "a ClientToken with other parameters", func(p *patient) error {
			must(p.CreateVerifiedDestinationNumber(p.t.Context(), &smsvoice.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: new(someone), ClientToken: new("t")}))(p.t)
			p.change(func(tx *resources.Tx) {
				token := tx.ClientTokens.All()[0]
				token.Value.Resource = name
				tx.ClientTokens.Put(token.ID, token.Value)
			})
			return create(p, smsvoice.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: new("+12065550143"), ClientToken: new("t")})
		}, conflict("RESOURCE_ALREADY_EXISTS", sms.TypeVerifiedNumber, name)},
		{"CreateVerifiedDestinationNumber", "opted out", func(p *patient) error {
			p.optOuts.numbers[someone] = optout.ByEndUser
			return create(p, smsvoice.CreateVerifiedDestinationNumberInput{})
		}, invalid("CANNOT_ADD_OPTED_OUT_NUMBER", "DestinationPhoneNumber")},
		{"CreateVerifiedDestinationNumber", "one too many", func(p *patient) error {
			p.add("+12065550101")
			p.add("+12065550102")
			return create(p, smsvoice.CreateVerifiedDestinationNumberInput{})
		}, quota("VERIFIED_DESTINATION_NUMBERS_PER_ACCOUNT")},
		{"CreateVerifiedDestinationNumber", "more tags than a resource may have", func(p *patient) error {
			return create(p, smsvoice.CreateVerifiedDestinationNumberInput{Tags: manyTags(51)})
		}, quota("TAGS_PER_RESOURCE")},
		{"CreateVerifiedDestinationNumber", "an RCS agent", func(p *patient) error {
			return create(p, smsvoice.CreateVerifiedDestinationNumberInput{RcsAgentId: new("rcs-1")})
		}, notFound("rcs-agent", "rcs-1")},
		{"CreateVerifiedDestinationNumber", "an RCS agent that is a pool", func(p *patient) error {
			return create(p, smsvoice.CreateVerifiedDestinationNumberInput{RcsAgentId: new(p.arn(sms.TypePool, "pool-1"))})
		}, invalid("INVALID_ARN", "RcsAgentId")},
		{"CreateVerifiedDestinationNumber", "the store does not answer", func(p *patient) error {
			return create(p, smsvoice.CreateVerifiedDestinationNumberInput{DestinationPhoneNumber: new("+12065550999")})
		}, refusal{Exception: "InternalServerException"}},

		{"DescribeVerifiedDestinationNumbers", "ids and numbers", func(p *patient) error {
			return describe(p, smsvoice.DescribeVerifiedDestinationNumbersInput{VerifiedDestinationNumberIds: []string{none}, DestinationPhoneNumbers: []string{someone}})
		}, invalid("PARAMETERS_CANNOT_BE_USED_TOGETHER", "DestinationPhoneNumbers")},
		{"DescribeVerifiedDestinationNumbers", "one of two ids is of none", func(p *patient) error {
			return describe(p, smsvoice.DescribeVerifiedDestinationNumbersInput{VerifiedDestinationNumberIds: []string{p.add(someone), none}})
		}, notFound(sms.TypeVerifiedNumber, none)},
		{"DescribeVerifiedDestinationNumbers", "a number that was not added", func(p *patient) error {
			return describe(p, smsvoice.DescribeVerifiedDestinationNumbersInput{DestinationPhoneNumbers: []string{someone}})
		}, notFound(sms.TypeVerifiedNumber, someone)},
		{"DescribeVerifiedDestinationNumbers", "no number", func(p *patient) error {
			return describe(p, smsvoice.DescribeVerifiedDestinationNumbersInput{DestinationPhoneNumbers: []string{"+1206"}})
		}, invalid("CANNOT_PARSE", "DestinationPhoneNumbers[0]")},
		{"DescribeVerifiedDestinationNumbers", "an id of another type", func(p *patient) error {
			return describe(p, smsvoice.DescribeVerifiedDestinationNumbersInput{VerifiedDestinationNumberIds: []string{noPool}})
		}, invalid("INVALID_ARN", "VerifiedDestinationNumberIds[0]")},
		{"DescribeVerifiedDestinationNumbers", "an impossible status", func(p *patient) error {
			return describe(p, smsvoice.DescribeVerifiedDestinationNumbersInput{Filters: []types.VerifiedDestinationNumberFilter{{Name: "status", Values: []string{"ACTIVE"}}}})
		}, invalid("INVALID_FILTER_VALUES", "Filters[0].Values[0]")},
		{"DescribeVerifiedDestinationNumbers", "a forged token", func(p *patient) error {
			return describe(p, smsvoice.DescribeVerifiedDestinationNumbersInput{NextToken: new("AAAA")})
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},

		{"DeleteVerifiedDestinationNumber", "too early", func(p *patient) error {
			id := rename(p, p.add(someone))
			p.wait(24*time.Hour - time.Minute)
			return remove(p, id)
		}, conflict("RESOURCE_DELETION_NOT_ALLOWED", sms.TypeVerifiedNumber, name)},
		{"DeleteVerifiedDestinationNumber", "none", func(p *patient) error { return remove(p, none) }, notFound(sms.TypeVerifiedNumber, none)},
		{"DeleteVerifiedDestinationNumber", "an id of another type", func(p *patient) error { return remove(p, noPool) }, invalid("INVALID_ARN", "VerifiedDestinationNumberId")},

		{"SendDestinationNumberVerificationCode", "none", func(p *patient) error { return p.send(none) }, notFound(sms.TypeVerifiedNumber, none)},
		{"SendDestinationNumberVerificationCode", "an id of another type", func(p *patient) error { return p.send(noNumber) }, invalid("INVALID_ARN", "VerifiedDestinationNumberId")},
		{"SendDestinationNumberVerificationCode", "by voice", func(p *patient) error {
			_, err := p.SendDestinationNumberVerificationCode(p.t.Context(), &smsvoice.SendDestinationNumberVerificationCodeInput{
				VerifiedDestinationNumberId: new(p.add(someone)), VerificationChannel: types.VerificationChannelVoice})
			return err
		}, invalid("CHANNEL_NOT_ENABLED", "VerificationChannel")},
		{"SendDestinationNumberVerificationCode", "verified already", func(p *patient) error {
			id := rename(p, p.add(someone))
			must(0, p.verify(id, p.code(id)))(p.t)
			return p.send(id)
		}, conflict("VERIFICATION_ALREADY_COMPLETE", sms.TypeVerifiedNumber, name)},
		{"SendDestinationNumberVerificationCode", "too often", func(p *patient) error {
			id := p.add(someone)
			for range 9 {
				p.code(id)
			}
			p.wait(24*time.Hour - time.Minute)
			return p.send(id)
		}, quota("VERIFICATION_ATTEMPTS_PER_DAY")},
		{"SendDestinationNumberVerificationCode", "tried too often", func(p *patient) error {
			id := p.add(someone)
			code := p.code(id)
			for range 9 {
				refused(p.t, p.verify(id, other(code)))
			}
			return p.send(id)
		}, quota("VERIFICATION_ATTEMPTS_PER_DAY")},
		{"SendDestinationNumberVerificationCode", "what the sender refuses", func(p *patient) error {
			p.sender.err = sms.QuotaExceeded(sms.ReasonMonthlySpendLimitReachedForText, "too dear")
			return p.send(p.add(someone))
		}, quota("MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT")},

		{"VerifyDestinationNumber", "none", func(p *patient) error { return p.verify(none, "123456") }, notFound(sms.TypeVerifiedNumber, none)},
		{"VerifyDestinationNumber", "an id of another type", func(p *patient) error { return p.verify(noPool, "123456") }, invalid("INVALID_ARN", "VerifiedDestinationNumberId")},
		{"VerifyDestinationNumber", "a wrong code", func(p *patient) error {
			id := p.add(someone)
			return p.verify(id, other(p.code(id)))
		}, invalid("VERIFICATION_CODE_MISMATCH", "VerificationCode")},
		{"VerifyDestinationNumber", "the code of another number", func(p *patient) error {
			id, second := p.add(someone), p.add("+12065550143")
			first := p.code(id)
			for p.code(second) == first {
			}
			return p.verify(second, first)
		}, invalid("VERIFICATION_CODE_MISMATCH", "VerificationCode")},
		{"VerifyDestinationNumber", "no code was sent", func(p *patient) error { return p.verify(p.add(someone), "123456") }, invalid("VERIFICATION_CODE_MISMATCH", "VerificationCode")},
		{"VerifyDestinationNumber", "late", func(p *patient) error {
			id := rename(p, p.add(someone))
			code := p.code(id)
			p.wait(15 * time.Minute)
			return p.verify(id, code)
		}, conflict("VERIFICATION_CODE_EXPIRED", sms.TypeVerifiedNumber, name)},
		{"VerifyDestinationNumber", "tried too often", func(p *patient) error {
			id := rename(p, p.add(someone))
			code := p.code(id)
			for range 9 {
				refused(p.t, p.verify(id, other(code)))
			}
			return p.verify(id, code)
		}, conflict("VERIFICATION_CODE_EXPIRED", sms.TypeVerifiedNumber, name)},
		{"VerifyDestinationNumber", "verified already", func(p *patient) error {
			id := rename(p, p.add(someone))
			code := p.code(id)
			must(0, p.verify(id, code))(p.t)
			return p.verify(id, code)
		}, conflict("VERIFICATION_ALREADY_COMPLETE", sms.TypeVerifiedNumber, name)},
	} {
		t.Run(r.operation+"/"+r.name, func(t *testing.T) {
			got := refused(t, r.call(newPatient(t, api.Limits{VerifiedDestinationNumbers: 2, TagsPerResource: 50})))
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
