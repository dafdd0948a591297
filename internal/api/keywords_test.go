package api_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func putKeyword(c *customer, identity, keyword, message string, action ...types.KeywordAction) error {
	in := smsvoice.PutKeywordInput{OriginationIdentity: &identity, Keyword: &keyword, KeywordMessage: &message}
	if len(action) > 0 {
		in.KeywordAction = action[0]
	}
	_, err := c.PutKeyword(c.t.Context(), &in)
	return err
}

func deleteKeyword(c *customer, identity, keyword string) error {
	_, err := c.DeleteKeyword(c.t.Context(), &smsvoice.DeleteKeywordInput{OriginationIdentity: &identity, Keyword: &keyword})
	return err
}

// keywords describes keywords of an identity: "JOIN OPT_IN hello".
func (c *customer) keywords(in smsvoice.DescribeKeywordsInput) []string {
	c.t.Helper()
	found := []string{}
	for {
		out := must(c.DescribeKeywords(c.t.Context(), &in))(c.t)
		for _, k := range out.Keywords {
			found = append(found, fmt.Sprintf("%s %s %s", *k.Keyword, k.KeywordAction, *k.KeywordMessage))
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return found
		}
	}
}

// added are the keywords of an identity that are not there from the start, or not as
// they were.
func (c *customer) added(identity string) []string {
	c.t.Helper()
	first := c.keywords(smsvoice.DescribeKeywordsInput{OriginationIdentity: new(c.number())})
	return slices.DeleteFunc(c.keywords(smsvoice.DescribeKeywordsInput{OriginationIdentity: &identity}), func(k string) bool { return slices.Contains(first, k) })
}

func tollFree(n *sms.PhoneNumber) { n.Type, n.Country = sms.TollFree, "US" }

func TestKeywordsOfANumber(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	number := c.number()
	arn := c.arn(sms.TypePhoneNumber, number)
	var words, optOuts []string
	for _, k := range must(c.DescribeKeywords(ctx, &smsvoice.DescribeKeywordsInput{OriginationIdentity: &number}))(t).Keywords {
		words = append(words, *k.Keyword)
		if *k.KeywordMessage == "" {
			t.Errorf("%s has no message", *k.Keyword)
		}
		if k.KeywordAction == types.KeywordActionOptOut {
			optOuts = append(optOuts, *k.Keyword)
		}
	}
	same(t, "from the start", words, strings.Fields("ARRET CANCEL END HELP OPT-OUT OPTOUT QUIT REMOVE STOP TD UNSUBSCRIBE"))
	same(t, "opt-outs from the start", optOuts, strings.Fields("ARRET CANCEL END OPT-OUT OPTOUT QUIT REMOVE STOP TD UNSUBSCRIBE"))

	put := must(c.PutKeyword(ctx, &smsvoice.PutKeywordInput{OriginationIdentity: &arn, Keyword: new("join  Now"), KeywordMessage: new("Welcome"), KeywordAction: types.KeywordActionOptIn}))(t)
	if *put.OriginationIdentity != number || *put.OriginationIdentityArn != arn || *put.Keyword != "JOIN NOW" || *put.KeywordMessage != "Welcome" || put.KeywordAction != types.KeywordActionOptIn {
		t.Errorf("PutKeyword answers %+v", put)
	}
	for _, step := range []struct {
		keyword, message string
		action           []types.KeywordAction
		want             []string
	}{
		{"hours", "9 to 5", nil, []string{"HOURS AUTOMATIC_RESPONSE 9 to 5", "JOIN NOW OPT_IN Welcome"}},
		{"Join now", "Welcome back", nil, []string{"HOURS AUTOMATIC_RESPONSE 9 to 5", "JOIN NOW OPT_IN Welcome back"}},
		{"Join now", "Bye", []types.KeywordAction{types.KeywordActionOptOut}, []string{"HOURS AUTOMATIC_RESPONSE 9 to 5", "JOIN NOW OPT_OUT Bye"}},
		{"help", "Call us", nil, []string{"HELP AUTOMATIC_RESPONSE Call us", "HOURS AUTOMATIC_RESPONSE 9 to 5", "JOIN NOW OPT_OUT Bye"}},
		{"stop", "Gone", []types.KeywordAction{types.KeywordActionOptOut},
			[]string{"HELP AUTOMATIC_RESPONSE Call us", "HOURS AUTOMATIC_RESPONSE 9 to 5", "JOIN NOW OPT_OUT Bye", "STOP OPT_OUT Gone"}},
	} {
		if err := putKeyword(c, number, step.keyword, step.message, step.action...); err != nil {
			t.Fatal(err)
		}
		same(t, "after "+step.keyword, c.added(number), step.want)
	}
	for _, d := range []struct {
		name string
		in   smsvoice.DescribeKeywordsInput
		want []string
	}{
		{"given", smsvoice.DescribeKeywordsInput{Keywords: []string{"hours", "HELP", "Hours"}}, []string{"HELP AUTOMATIC_RESPONSE Call us", "HOURS AUTOMATIC_RESPONSE 9 to 5"}},
		{"given, one by one", smsvoice.DescribeKeywordsInput{Keywords: []string{"hours", "help"}, MaxResults: new(int32(1))},
			[]string{"HELP AUTOMATIC_RESPONSE Call us", "HOURS AUTOMATIC_RESPONSE 9 to 5"}},
		{"answers", smsvoice.DescribeKeywordsInput{Filters: actionFilter("AUTOMATIC_RESPONSE")}, []string{"HELP AUTOMATIC_RESPONSE Call us", "HOURS AUTOMATIC_RESPONSE 9 to 5"}},
		{"opt-ins", smsvoice.DescribeKeywordsInput{Filters: actionFilter("OPT_IN")}, []string{}},
	} {
		d.in.OriginationIdentity = &arn
		same(t, d.name, c.keywords(d.in), d.want)
	}
	if all := c.keywords(smsvoice.DescribeKeywordsInput{OriginationIdentity: &number, MaxResults: new(int32(4))}); len(all) != 13 {
		t.Errorf("page by page there are %d keywords: %v", len(all), all)
	}

	gone := must(c.DeleteKeyword(ctx, &smsvoice.DeleteKeywordInput{OriginationIdentity: &number, Keyword: new("Join Now")}))(t)
	if *gone.OriginationIdentity != number || *gone.OriginationIdentityArn != arn || *gone.Keyword != "JOIN NOW" || *gone.KeywordMessage != "Bye" || gone.KeywordAction != types.KeywordActionOptOut {
		t.Errorf("DeleteKeyword answers %+v", gone)
	}
	same(t, "after the deletion", c.added(number), []string{"HELP AUTOMATIC_RESPONSE Call us", "HOURS AUTOMATIC_RESPONSE 9 to 5", "STOP OPT_OUT Gone"})

	must(c.ReleasePhoneNumber(ctx, &smsvoice.ReleasePhoneNumberInput{PhoneNumberId: &number}))(t)
	if c.directory.Account(customerAccount).Keywords.Get(number) != nil {
		t.Error("a released number's keywords are kept")
	}
}

func actionFilter(values ...string) []types.KeywordFilter {
	return []types.KeywordFilter{{Name: types.KeywordFilterNameKeywordAction, Values: values}}
}

func TestKeywordsOfTollFreeNumbers(t *testing.T) {
	c := newCustomer(t, api.Limits{})
	number := c.number(tollFree)
	var words []string
	for _, k := range c.keywords(smsvoice.DescribeKeywordsInput{OriginationIdentity: &number}) {
		words = append(words, strings.Fields(k)[0])
	}
	same(t, "from the start", words, []string{"HELP", "STOP"})
	for _, word := range []string{"UNSTOP", "START"} {
		if err := putKeyword(c, number, word, "Welcome back", types.KeywordActionOptIn); err != nil {
			t.Error(err)
		}
	}
	if err := putKeyword(c, number, "HELP", "Call us"); err != nil {
		t.Error(err)
	}
	same(t, "added", c.added(number), []string{"HELP AUTOMATIC_RESPONSE Call us", "START OPT_IN Welcome back", "UNSTOP OPT_IN Welcome back"})
}

func TestKeywordsOfAPool(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	first, second, third := c.number(), c.number(), c.number()
	put := func(identity, keyword string) {
		t.Helper()
		if err := putKeyword(c, identity, keyword, "hello"); err != nil {
			t.Fatal(err)
		}
	}
	put(first, "JOIN")
	put(first, "HELP")
	pool := c.pool(first)
	want := []string{"HELP AUTOMATIC_RESPONSE hello", "JOIN AUTOMATIC_RESPONSE hello"}
	same(t, "the pool's", c.added(pool), want)
	same(t, "its founder's", c.added(first), want)

	put(second, "HELP")
	put(second, "JOIN")
	if err := associate(c, pool, second); err != nil {
		t.Fatal(err)
	}
	out := must(c.PutKeyword(ctx, &smsvoice.PutKeywordInput{OriginationIdentity: new(c.arn(sms.TypePool, pool)), Keyword: new("hours"), KeywordMessage: new("hello")}))(t)
	if *out.OriginationIdentity != pool || *out.OriginationIdentityArn != c.arn(sms.TypePool, pool) {
		t.Errorf("PutKeyword at a pool answers %+v", out)
	}
	if err := deleteKeyword(c, pool, "join"); err != nil {
		t.Fatal(err)
	}
	want = []string{"HELP AUTOMATIC_RESPONSE hello", "HOURS AUTOMATIC_RESPONSE hello"}
	for _, identity := range []string{pool, first, second} {
		same(t, "changed at the pool", c.added(identity), want)
	}
	if s := c.directory.Account(customerAccount); s.Keywords.Len() != 1 {
		t.Errorf("keywords of a pool are kept %d times", s.Keywords.Len())
	}

	if err := disassociate(c, pool, second); err != nil {
		t.Fatal(err)
	}
	put(pool, "LATER")
	same(t, "one that left", c.added(second), want)
	same(t, "one that stayed", c.added(first), append(slices.Clone(want), "LATER AUTOMATIC_RESPONSE hello"))
	if err := deletePool(c, pool); err != nil {
		t.Fatal(err)
	}
	same(t, "one whose pool is gone", c.added(first), append(slices.Clone(want), "LATER AUTOMATIC_RESPONSE hello"))
	same(t, "one that was in none", c.added(third), []string{})
	if s := c.directory.Account(customerAccount); s.Keywords.Get(pool) != nil {
		t.Error("the keywords of a pool that is gone are kept")
	}
}

// A number that is requested into a pool has its keywords from the start.
func TestNumberRequestedIntoAPoolWithKeywords(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	pool := c.pool(c.number(func(n *sms.PhoneNumber) { n.Country = "US"; n.Type = sms.Simulator }))
	if err := putKeyword(c, pool, "JOIN", "hello"); err != nil {
		t.Fatal(err)
	}
	out := must(c.RequestPhoneNumber(ctx, &smsvoice.RequestPhoneNumberInput{PoolId: &pool, IsoCountryCode: new("US"), NumberType: types.RequestableNumberTypeSimulator,
		MessageType: types.MessageTypeTransactional, NumberCapabilities: []types.NumberCapability{types.NumberCapabilitySms}}))(t)
	same(t, "the new number's", c.added(*out.PhoneNumberId), []string{"JOIN AUTOMATIC_RESPONSE hello"})
}

func TestReasonsOfKeywords(t *testing.T) {
	const fixed = "phone-00000000000000000000000000000abc"
	named := func(n *sms.PhoneNumber) { n.ID = fixed }
	pooled := func(c *customer) string {
		c.change(func(tx *resources.Tx) { tx.PhoneNumbers.Delete(fixed) })
		return c.pool(c.number(named))
	}
	describe := func(c *customer, in smsvoice.DescribeKeywordsInput) error {
		if in.OriginationIdentity == nil {
			in.OriginationIdentity = new(c.number())
		}
		_, err := c.DescribeKeywords(c.t.Context(), &in)
		return err
	}
	limits := roomy
	limits.Keywords = 30
	provoke(t, limits, []reason{
		{"PutKeyword", "no such number", func(ctx context.Context, c *customer) error {
			return putKeyword(c, noNumber, "JOIN", "hi")
		}, notFound(sms.TypePhoneNumber, noNumber)},
		{"PutKeyword", "no such pool", func(ctx context.Context, c *customer) error {
			return putKeyword(c, noPool, "JOIN", "hi")
		}, notFound(sms.TypePool, noPool)},
		{"PutKeyword", "a sender ID's ARN", func(ctx context.Context, c *customer) error {
			c.senderID("HELIO", "GB")
			return putKeyword(c, c.arn(sms.TypeSenderID, "HELIO/GB"), "JOIN", "hi")
		}, invalid("INVALID_ARN", "OriginationIdentity")},
		{"PutKeyword", "a sender ID", func(ctx context.Context, c *customer) error {
			return putKeyword(c, "HELIO", "JOIN", "hi")
		}, notFound(sms.TypePhoneNumber, "HELIO")},
		{"PutKeyword", "an ARN of another region", func(ctx context.Context, c *customer) error {
			return putKeyword(c, "arn:aws:sms-voice:eu-west-1:111122223333:pool/"+noPool, "JOIN", "hi")
		}, invalid("INVALID_ARN", "OriginationIdentity")},
		{"PutKeyword", "too long", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(), strings.Repeat("x", 31), "hi")
		}, invalid("INVALID_PARAMETER", "Keyword")},
		{"PutKeyword", "a space in front", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(), " JOIN", "hi")
		}, invalid("INVALID_PARAMETER", "Keyword")},
		{"PutKeyword", "a space behind", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(), "JOIN ", "hi")
		}, invalid("INVALID_PARAMETER", "Keyword")},
		{"PutKeyword", "nothing that can be seen", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(), "\u200b", "hi")
		}, invalid("INVALID_PARAMETER", "Keyword")},
		{"PutKeyword", "an action that the model does not have", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(), "JOIN", "hi", "DANCE")
		}, invalid("INVALID_PARAMETER", "KeywordAction")},
		{"PutKeyword", "a blank message", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(), "JOIN", " \n")
		}, invalid("INVALID_PARAMETER", "KeywordMessage")},
		{"PutKeyword", "more than ten parts", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(), "JOIN", strings.Repeat("a", 1531))
		}, invalid("MAXIMUM_SIZE_EXCEEDED", "KeywordMessage")},
		{"PutKeyword", "more Unicode than a message holds", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(), "JOIN", strings.Repeat("д", 631))
		}, invalid("MAXIMUM_SIZE_EXCEEDED", "KeywordMessage")},
		{"PutKeyword", "STOP's action", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(), "Stop", "hi", types.KeywordActionAutomaticResponse)
		}, conflict("RESOURCE_MODIFICATION_NOT_ALLOWED", sms.TypeKeyword, "STOP")},
		{"PutKeyword", "HELP's action at a pool", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.pool(c.number()), "help", "hi", types.KeywordActionOptIn)
		}, conflict("RESOURCE_MODIFICATION_NOT_ALLOWED", sms.TypeKeyword, "HELP")},
		{"PutKeyword", "the action of another required one", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(), "Opt-Out", "hi", types.KeywordActionOptIn)
		}, conflict("RESOURCE_MODIFICATION_NOT_ALLOWED", sms.TypeKeyword, "OPT-OUT")},
		{"PutKeyword", "STOP of a toll-free number", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(tollFree), "STOP", "hi")
		}, conflict("RESOURCE_MODIFICATION_NOT_ALLOWED", sms.TypeKeyword, "STOP")},
		{"PutKeyword", "an opt-out of a toll-free number", func(ctx context.Context, c *customer) error {
			return putKeyword(c, c.number(tollFree), "LEAVE", "hi", types.KeywordActionOptOut)
		}, invalid("INVALID_PARAMETER", "KeywordAction")},
		{"PutKeyword", "an opt-out where one number of the pool is toll-free", func(ctx context.Context, c *customer) error {
			pool := c.pool(c.number())
			must(0, associate(c, pool, c.number(tollFree)))(c.t)
			return putKeyword(c, pool, "LEAVE", "hi", types.KeywordActionOptOut)
		}, invalid("INVALID_PARAMETER", "KeywordAction")},
		{"PutKeyword", "a number in a pool", func(ctx context.Context, c *customer) error {
			pooled(c)
			return putKeyword(c, fixed, "JOIN", "hi")
		}, conflict("PHONE_NUMBER_ASSOCIATED_TO_POOL", sms.TypePhoneNumber, fixed)},

		{"DescribeKeywords", "no such number", func(ctx context.Context, c *customer) error {
			return describe(c, smsvoice.DescribeKeywordsInput{OriginationIdentity: &noNumber})
		}, notFound(sms.TypePhoneNumber, noNumber)},
		{"DescribeKeywords", "no such pool", func(ctx context.Context, c *customer) error {
			return describe(c, smsvoice.DescribeKeywordsInput{OriginationIdentity: &noPool})
		}, notFound(sms.TypePool, noPool)},
		{"DescribeKeywords", "one of two is not there", func(ctx context.Context, c *customer) error {
			return describe(c, smsvoice.DescribeKeywordsInput{Keywords: []string{"stop", "join"}})
		}, notFound(sms.TypeKeyword, "JOIN")},
		{"DescribeKeywords", "a space in front", func(ctx context.Context, c *customer) error {
			return describe(c, smsvoice.DescribeKeywordsInput{Keywords: []string{"STOP", " HELP"}})
		}, invalid("INVALID_PARAMETER", "Keywords[1]")},
		{"DescribeKeywords", "an impossible action", func(ctx context.Context, c *customer) error {
			return describe(c, smsvoice.DescribeKeywordsInput{Filters: actionFilter("OPT_IN", "DANCE")})
		}, invalid("INVALID_FILTER_VALUES", "Filters[0].Values[1]")},
		{"DescribeKeywords", "a filter that the model does not have", func(ctx context.Context, c *customer) error {
			return describe(c, smsvoice.DescribeKeywordsInput{Filters: []types.KeywordFilter{{Name: "colour", Values: []string{"red"}}}})
		}, invalid("INVALID_PARAMETER", "Filters[0].Name")},
		{"DescribeKeywords", "a forged token", func(ctx context.Context, c *customer) error {
			return describe(c, smsvoice.DescribeKeywordsInput{NextToken: new("AAAA")})
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},

		{"DeleteKeyword", "no such pool", func(ctx context.Context, c *customer) error { return deleteKeyword(c, noPool, "JOIN") }, notFound(sms.TypePool, noPool)},
		{"DeleteKeyword", "not there", func(ctx context.Context, c *customer) error {
			return deleteKeyword(c, c.number(), "join")
		}, notFound(sms.TypeKeyword, "JOIN")},
		{"DeleteKeyword", "a space behind", func(ctx context.Context, c *customer) error {
			return deleteKeyword(c, c.number(), "join ")
		}, invalid("INVALID_PARAMETER", "Keyword")},
		{"DeleteKeyword", "HELP", func(ctx context.Context, c *customer) error {
			return deleteKeyword(c, c.number(), "help")
		}, conflict("RESOURCE_DELETION_NOT_ALLOWED", sms.TypeKeyword, "HELP")},
		{"DeleteKeyword", "a required one that was edited", func(ctx context.Context, c *customer) error {
			number := c.number()
			must(0, putKeyword(c, number, "CANCEL", "gone"))(c.t)
			return deleteKeyword(c, number, "CANCEL")
		}, conflict("RESOURCE_DELETION_NOT_ALLOWED", sms.TypeKeyword, "CANCEL")},
		{"DeleteKeyword", "a number in a pool", func(ctx context.Context, c *customer) error {
			must(0, putKeyword(c, pooled(c), "JOIN", "hi"))(c.t)
			return deleteKeyword(c, fixed, "JOIN")
		}, conflict("PHONE_NUMBER_ASSOCIATED_TO_POOL", sms.TypePhoneNumber, fixed)},

		{"AssociateOriginationIdentity", "without a keyword of the pool", func(ctx context.Context, c *customer) error {
			pool := c.pool(c.number())
			must(0, putKeyword(c, pool, "JOIN", "hi"))(c.t)
			c.change(func(tx *resources.Tx) { tx.PhoneNumbers.Delete(fixed) })
			return associate(c, pool, c.number(named))
		}, conflict("KEYWORD_MISMATCH", sms.TypePhoneNumber, fixed)},
		{"AssociateOriginationIdentity", "with another message for STOP", func(ctx context.Context, c *customer) error {
			c.change(func(tx *resources.Tx) { tx.PhoneNumbers.Delete(fixed) })
			must(0, putKeyword(c, c.number(named), "STOP", "gone"))(c.t)
			return associate(c, c.pool(c.number()), fixed)
		}, conflict("KEYWORD_MISMATCH", sms.TypePhoneNumber, fixed)},
	})
	limits.Keywords = 2
	provoke(t, limits, []reason{
		{"PutKeyword", "a number's third", func(ctx context.Context, c *customer) error {
			number := c.number()
			for _, word := range []string{"ONE", "HELP", "TWO", "STOP", "one"} {
				must(0, putKeyword(c, number, word, "hi"))(c.t)
			}
			return putKeyword(c, number, "THREE", "hi")
		}, quota("KEYWORDS_PER_PHONE_NUMBER")},
		{"PutKeyword", "a pool's third", func(ctx context.Context, c *customer) error {
			pool := c.pool(c.number())
			for _, word := range []string{"ONE", "TWO"} {
				must(0, putKeyword(c, pool, word, "hi"))(c.t)
			}
			return putKeyword(c, pool, "THREE", "hi")
		}, quota("KEYWORDS_PER_POOL")},
	})
}
