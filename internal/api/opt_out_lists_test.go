package api_test

import (
	"context"
	"strings"
	"testing"
	"time"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/api"
	"heliograph/internal/optout"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// listsCustomer is a customer of a server whose store can be written to beside the API.
type listsCustomer struct {
	*customer
	lists     store.Lists
	committer *store.Committer
}

func newListsCustomer(t *testing.T, limits api.Limits) *listsCustomer {
	t.Helper()
	c := &listsCustomer{}
	c.customer = newCustomerWith(t, func(o *api.Options) {
		o.Limits = limits
		c.lists, c.committer = o.Lists, o.Committer
	})
	return c
}

// key is the store's key of a number on one of the customer's lists.
func (c *listsCustomer) key(list, number string) store.EntryKey {
	c.t.Helper()
	item := c.directory.Account(customerAccount).OptOutLists.Get(list)
	key, ok := optout.Key(optout.List(customerAccount, &item.Value, item.Created), number)
	if !ok {
		c.t.Fatalf("%s is no number", number)
	}
	return key
}

// write writes an entry as if it had come about at another time or in another way.
func (c *listsCustomer) write(w store.EntryWrite) {
	c.t.Helper()
	if err := c.committer.Commit(&store.Change{Entries: []store.EntryWrite{w}}); err != nil {
		c.t.Fatal(err)
	}
}

// endUser opts a number out by a message of its own.
func (c *listsCustomer) endUser(list, number string) {
	c.t.Helper()
	key := c.key(list, number)
	w, _ := optout.Put(c.stored(key), key, optout.ByEndUser, time.Now())
	c.write(w)
}

// stored is an entry as it is.
func (c *listsCustomer) stored(key store.EntryKey) *store.Entry {
	c.t.Helper()
	found, err := c.lists.Entries(c.t.Context(), []store.EntryKey{key})
	if err != nil {
		c.t.Fatal(err)
	}
	return found[0]
}

func putOptedOut(c *customer, list, number string) error {
	_, err := c.PutOptedOutNumber(c.t.Context(), &smsvoice.PutOptedOutNumberInput{OptOutListName: &list, OptedOutNumber: &number})
	return err
}

func deleteOptedOut(c *customer, list, number string) error {
	_, err := c.DeleteOptedOutNumber(c.t.Context(), &smsvoice.DeleteOptedOutNumberInput{OptOutListName: &list, OptedOutNumber: &number})
	return err
}

// optedOut describes numbers of a list: "+12065550123 by itself".
func (c *customer) optedOut(in smsvoice.DescribeOptedOutNumbersInput) []string {
	c.t.Helper()
	found := []string{}
	for {
		out := must(c.DescribeOptedOutNumbers(c.t.Context(), &in))(c.t)
		for _, n := range out.OptedOutNumbers {
			text := *n.OptedOutNumber
			if n.EndUserOptedOut {
				text += " by itself"
			}
			if n.OptedOutTimestamp == nil || time.Since(*n.OptedOutTimestamp).Abs() > time.Hour {
				c.t.Errorf("%s opted out at %v", *n.OptedOutNumber, n.OptedOutTimestamp)
			}
			found = append(found, text)
		}
		if in.NextToken = out.NextToken; in.NextToken == nil {
			return found
		}
		if in.MaxResults != nil && len(out.OptedOutNumbers) != int(*in.MaxResults) {
			c.t.Errorf("a page of %d numbers", len(out.OptedOutNumbers))
		}
	}
}

func byHandOnly(endUser string) []types.OptedOutFilter {
	return []types.OptedOutFilter{{Name: types.OptedOutFilterNameEndUserOptedOut, Values: []string{endUser}}}
}

func TestOptOutLists(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	made := must(c.CreateOptOutList(ctx, &smsvoice.CreateOptOutListInput{OptOutListName: new("Alerts"), Tags: tags("Name", "one"), ClientToken: new("t")}))(t)
	if *made.OptOutListArn != c.arn(sms.TypeOptOutList, "Alerts") || *made.OptOutListName != "Alerts" || made.CreatedTimestamp == nil {
		t.Errorf("CreateOptOutList answers %+v", made)
	}
	same(t, "tags", made.Tags, tags("Name", "one"))
	same(t, "tags", c.tagsOf(*made.OptOutListArn), tags("Name", "one"))
	again := must(c.CreateOptOutList(ctx, &smsvoice.CreateOptOutListInput{OptOutListName: new("Alerts"), Tags: tags("Name", "one"), ClientToken: new("t")}))(t)
	if *again.OptOutListArn != *made.OptOutListArn || !again.CreatedTimestamp.Equal(*made.CreatedTimestamp) {
		t.Errorf("the same request again answers %+v", again)
	}
	must(c.CreateOptOutList(ctx, &smsvoice.CreateOptOutListInput{OptOutListName: new("News_2-b")}))(t)

	names := func(in smsvoice.DescribeOptOutListsInput) string {
		t.Helper()
		var all []string
		for {
			out := must(c.DescribeOptOutLists(ctx, &in))(t)
			for _, l := range out.OptOutLists {
				if *l.OptOutListArn != c.arn(sms.TypeOptOutList, *l.OptOutListName) || l.CreatedTimestamp == nil {
					t.Errorf("list %s: %+v", *l.OptOutListName, l)
				}
				all = append(all, *l.OptOutListName)
			}
			if in.NextToken = out.NextToken; in.NextToken == nil {
				return strings.Join(all, " ")
			}
		}
	}
	for _, d := range []struct {
		in   smsvoice.DescribeOptOutListsInput
		want string
	}{
		{smsvoice.DescribeOptOutListsInput{}, "Default Alerts News_2-b"},
		{smsvoice.DescribeOptOutListsInput{MaxResults: new(int32(1))}, "Default Alerts News_2-b"},
		{smsvoice.DescribeOptOutListsInput{Owner: types.OwnerSelf}, "Default Alerts News_2-b"},
		{smsvoice.DescribeOptOutListsInput{Owner: types.OwnerShared}, ""},
		{smsvoice.DescribeOptOutListsInput{OptOutListNames: []string{"News_2-b", *made.OptOutListArn, "Alerts"}}, "Alerts News_2-b"},
	} {
		if got := names(d.in); got != d.want {
			t.Errorf("the lists are %q, want %q", got, d.want)
		}
	}

	gone := must(c.DeleteOptOutList(ctx, &smsvoice.DeleteOptOutListInput{OptOutListName: made.OptOutListArn}))(t)
	if *gone.OptOutListArn != *made.OptOutListArn || *gone.OptOutListName != "Alerts" || !gone.CreatedTimestamp.Equal(*made.CreatedTimestamp) {
		t.Errorf("DeleteOptOutList answers %+v", gone)
	}
	if got := names(smsvoice.DescribeOptOutListsInput{}); got != "Default News_2-b" {
		t.Errorf("after the deletion the lists are %q", got)
	}
}

func TestReasonsOfOptOutLists(t *testing.T) {
	create := func(c *customer, in smsvoice.CreateOptOutListInput) error {
		_, err := c.CreateOptOutList(c.t.Context(), &in)
		return err
	}
	describe := func(c *customer, in smsvoice.DescribeOptOutListsInput) error {
		_, err := c.DescribeOptOutLists(c.t.Context(), &in)
		return err
	}
	remove := func(c *customer, name string) error {
		_, err := c.DeleteOptOutList(c.t.Context(), &smsvoice.DeleteOptOutListInput{OptOutListName: &name})
		return err
	}
	numbers := func(c *customer, in smsvoice.DescribeOptedOutNumbersInput) error {
		if in.OptOutListName == nil {
			in.OptOutListName = new("Default")
		}
		_, err := c.DescribeOptedOutNumbers(c.t.Context(), &in)
		return err
	}
	const elsewhere = "arn:aws:sms-voice:us-east-1:444455556666:opt-out-list/Default"
	provoke(t, roomy, []reason{
		{"CreateOptOutList", "a name that the model does not allow", func(ctx context.Context, c *customer) error {
			return create(c, smsvoice.CreateOptOutListInput{OptOutListName: new("a b")})
		}, invalid("INVALID_PARAMETER", "OptOutListName")},
		{"CreateOptOutList", "there already", func(ctx context.Context, c *customer) error {
			return create(c, smsvoice.CreateOptOutListInput{OptOutListName: new("Default")})
		}, conflict("RESOURCE_ALREADY_EXISTS", sms.TypeOptOutList, "Default")},
		{"CreateOptOutList", "a ClientToken with other parameters", func(ctx context.Context, c *customer) error {
			must(c.CreateOptOutList(ctx, &smsvoice.CreateOptOutListInput{OptOutListName: new("Token"), ClientToken: new("t")}))(c.t)
			return create(c, smsvoice.CreateOptOutListInput{OptOutListName: new("Other"), ClientToken: new("t")})
		}, conflict("RESOURCE_ALREADY_EXISTS", sms.TypeOptOutList, "Token")},
		{"CreateOptOutList", "a reserved tag", func(ctx context.Context, c *customer) error {
			return create(c, smsvoice.CreateOptOutListInput{OptOutListName: new("Tagged"), Tags: tags("aws:a", "1")})
		}, invalid("INVALID_PARAMETER", "Tags[0].Key")},
		{"CreateOptOutList", "more tags than a resource may have", func(ctx context.Context, c *customer) error {
			return create(c, smsvoice.CreateOptOutListInput{OptOutListName: new("Tagged"), Tags: manyTags(51)})
		}, quota("TAGS_PER_RESOURCE")},

		{"DescribeOptOutLists", "names and owner", func(ctx context.Context, c *customer) error {
			return describe(c, smsvoice.DescribeOptOutListsInput{OptOutListNames: []string{"Default"}, Owner: types.OwnerSelf})
		}, invalid("PARAMETERS_CANNOT_BE_USED_TOGETHER", "Owner")},
		{"DescribeOptOutLists", "one of two does not exist", func(ctx context.Context, c *customer) error {
			return describe(c, smsvoice.DescribeOptOutListsInput{OptOutListNames: []string{"Default", "Nobody"}})
		}, notFound(sms.TypeOptOutList, "Nobody")},
		{"DescribeOptOutLists", "an ARN of another type", func(ctx context.Context, c *customer) error {
			return describe(c, smsvoice.DescribeOptOutListsInput{OptOutListNames: []string{c.arn(sms.TypePool, noPool)}})
		}, invalid("INVALID_ARN", "OptOutListNames[0]")},
		{"DescribeOptOutLists", "a forged token", func(ctx context.Context, c *customer) error {
			return describe(c, smsvoice.DescribeOptOutListsInput{NextToken: new("AAAA")})
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},

		{"DeleteOptOutList", "the Default list", func(ctx context.Context, c *customer) error {
			return remove(c, "Default")
		}, conflict("RESOURCE_DELETION_NOT_ALLOWED", sms.TypeOptOutList, "Default")},
		{"DeleteOptOutList", "no such list", func(ctx context.Context, c *customer) error {
			return remove(c, "Nobody")
		}, notFound(sms.TypeOptOutList, "Nobody")},
		{"DeleteOptOutList", "another account's", func(ctx context.Context, c *customer) error {
			return remove(c, elsewhere)
		}, denied},
		{"DeleteOptOutList", "in use by a number", func(ctx context.Context, c *customer) error {
			c.optOutList("OfANumber")
			c.number(func(n *sms.PhoneNumber) { n.OptOutList = "OfANumber" })
			return remove(c, "OfANumber")
		}, conflict("RESOURCE_NOT_EMPTY", sms.TypeOptOutList, "OfANumber")},
		{"DeleteOptOutList", "in use by a pool", func(ctx context.Context, c *customer) error {
			c.optOutList("OfAPool")
			c.senderID("POOLED", "GB")
			must(c.UpdatePool(ctx, &smsvoice.UpdatePoolInput{PoolId: new(c.pool("POOLED")), OptOutListName: new("OfAPool")}))(c.t)
			return remove(c, "OfAPool")
		}, conflict("RESOURCE_NOT_EMPTY", sms.TypeOptOutList, "OfAPool")},

		{"PutOptedOutNumber", "no such list", func(ctx context.Context, c *customer) error {
			return putOptedOut(c, "Nobody", "+12065550123")
		}, notFound(sms.TypeOptOutList, "Nobody")},
		{"PutOptedOutNumber", "letters", func(ctx context.Context, c *customer) error {
			return putOptedOut(c, "Default", "HELIO")
		}, invalid("INVALID_PARAMETER", "OptedOutNumber")},
		{"PutOptedOutNumber", "a number of no country", func(ctx context.Context, c *customer) error {
			return putOptedOut(c, "Default", "+9995551234567")
		}, invalid("CANNOT_PARSE", "OptedOutNumber")},

		{"DescribeOptedOutNumbers", "no such list", func(ctx context.Context, c *customer) error {
			return numbers(c, smsvoice.DescribeOptedOutNumbersInput{OptOutListName: new("Nobody")})
		}, notFound(sms.TypeOptOutList, "Nobody")},
		{"DescribeOptedOutNumbers", "one of two is not there", func(ctx context.Context, c *customer) error {
			must(0, putOptedOut(c, "Default", "+12065550130"))(c.t)
			return numbers(c, smsvoice.DescribeOptedOutNumbersInput{OptedOutNumbers: []string{"+12065550130", "+12065550131"}})
		}, notFound(sms.TypeOptedOutNumber, "+12065550131")},
		{"DescribeOptedOutNumbers", "one that was opted in", func(ctx context.Context, c *customer) error {
			must(0, putOptedOut(c, "Default", "+12065550132"))(c.t)
			must(0, deleteOptedOut(c, "Default", "+12065550132"))(c.t)
			return numbers(c, smsvoice.DescribeOptedOutNumbersInput{OptedOutNumbers: []string{"+12065550132"}})
		}, notFound(sms.TypeOptedOutNumber, "+12065550132")},
		{"DescribeOptedOutNumbers", "longer than any number", func(ctx context.Context, c *customer) error {
			return numbers(c, smsvoice.DescribeOptedOutNumbersInput{OptedOutNumbers: []string{"+1234567890123456789"}})
		}, invalid("CANNOT_PARSE", "OptedOutNumbers[0]")},
		{"DescribeOptedOutNumbers", "an impossible filter value", func(ctx context.Context, c *customer) error {
			return numbers(c, smsvoice.DescribeOptedOutNumbersInput{Filters: byHandOnly("maybe")})
		}, invalid("INVALID_FILTER_VALUES", "Filters[0].Values[0]")},
		{"DescribeOptedOutNumbers", "a filter that the model does not have", func(ctx context.Context, c *customer) error {
			return numbers(c, smsvoice.DescribeOptedOutNumbersInput{Filters: []types.OptedOutFilter{{Name: "colour", Values: []string{"red"}}}})
		}, invalid("INVALID_PARAMETER", "Filters[0].Name")},
		{"DescribeOptedOutNumbers", "a forged token", func(ctx context.Context, c *customer) error {
			return numbers(c, smsvoice.DescribeOptedOutNumbersInput{NextToken: new("AAAA")})
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},
		{"DescribeOptedOutNumbers", "a token of another list", func(ctx context.Context, c *customer) error {
			c.optOutList("Paged")
			must(0, putOptedOut(c, "Paged", "+12065550133"))(c.t)
			must(0, putOptedOut(c, "Paged", "+12065550134"))(c.t)
			first := must(c.DescribeOptedOutNumbers(ctx, &smsvoice.DescribeOptedOutNumbersInput{OptOutListName: new("Paged"), MaxResults: new(int32(1))}))(c.t)
			return numbers(c, smsvoice.DescribeOptedOutNumbersInput{NextToken: first.NextToken})
		}, invalid("INVALID_NEXT_TOKEN", "NextToken")},

		{"DeleteOptedOutNumber", "no such list", func(ctx context.Context, c *customer) error {
			return deleteOptedOut(c, "Nobody", "+12065550123")
		}, notFound(sms.TypeOptOutList, "Nobody")},
		{"DeleteOptedOutNumber", "not on the list", func(ctx context.Context, c *customer) error {
			return deleteOptedOut(c, "Default", "+12065550135")
		}, notFound(sms.TypeOptedOutNumber, "+12065550135")},
		{"DeleteOptedOutNumber", "longer than any number", func(ctx context.Context, c *customer) error {
			return deleteOptedOut(c, "Default", "+1234567890123456789")
		}, invalid("CANNOT_PARSE", "OptedOutNumber")},
		{"DeleteOptedOutNumber", "twice within 30 days", func(ctx context.Context, c *customer) error {
			must(0, putOptedOut(c, "Default", "+12065550136"))(c.t)
			must(0, deleteOptedOut(c, "Default", "+12065550136"))(c.t)
			must(0, putOptedOut(c, "Default", "+12065550136"))(c.t)
			return deleteOptedOut(c, "Default", "+12065550136")
		}, invalid("PHONE_NUMBER_CANNOT_BE_OPTED_IN", "OptedOutNumber")},
	})
	few := roomy
	few.OptOutLists = 2 // the Default list is one of them
	provoke(t, few, []reason{{"CreateOptOutList", "one more than allowed", func(ctx context.Context, c *customer) error {
		must(c.CreateOptOutList(ctx, &smsvoice.CreateOptOutListInput{OptOutListName: new("Second")}))(c.t)
		return create(c, smsvoice.CreateOptOutListInput{OptOutListName: new("Third")})
	}, quota("OPT_OUT_LISTS_PER_ACCOUNT")}})
}
