package api_test

import (
	"context"
	"fmt"
	"strconv"
	"testing"
	"time"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"

	"heliograph/internal/api"
	"heliograph/internal/optout"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestOptedOutNumbers(t *testing.T) {
	c, ctx := newListsCustomer(t, api.Limits{}), t.Context()
	c.optOutList("Alerts")
	arn := c.arn(sms.TypeOptOutList, "Alerts")
	began := time.Now().Truncate(time.Millisecond)
	put := must(c.PutOptedOutNumber(ctx, &smsvoice.PutOptedOutNumberInput{OptOutListName: new("Alerts"), OptedOutNumber: new("+12065550123")}))(t)
	if *put.OptOutListArn != arn || *put.OptOutListName != "Alerts" || *put.OptedOutNumber != "+12065550123" || put.EndUserOptedOut ||
		put.OptedOutTimestamp.Before(began) || time.Since(*put.OptedOutTimestamp) > time.Minute {
		t.Errorf("PutOptedOutNumber answers %+v", put)
	}
	again := must(c.PutOptedOutNumber(ctx, &smsvoice.PutOptedOutNumberInput{OptOutListName: &arn, OptedOutNumber: new("12065550123")}))(t)
	if *again.OptedOutNumber != "+12065550123" || !again.OptedOutTimestamp.Equal(*put.OptedOutTimestamp) {
		t.Errorf("the same number again: %+v", again)
	}
	c.endUser("Alerts", "+491761234567")
	c.endUser("Alerts", "+12065550124")
	itself := must(c.PutOptedOutNumber(ctx, &smsvoice.PutOptedOutNumberInput{OptOutListName: &arn, OptedOutNumber: new("+491761234567")}))(t)
	if !itself.EndUserOptedOut {
		t.Error("a number that opted out itself does not say so when it is put by hand")
	}

	alerts := new("Alerts")
	all := []string{"+12065550123", "+12065550124 by itself", "+491761234567 by itself"}
	for _, d := range []struct {
		name string
		in   smsvoice.DescribeOptedOutNumbersInput
		want []string
	}{
		{"all", smsvoice.DescribeOptedOutNumbersInput{OptOutListName: alerts}, all},
		{"one by one", smsvoice.DescribeOptedOutNumbersInput{OptOutListName: &arn, MaxResults: new(int32(1))}, all},
		{"by themselves", smsvoice.DescribeOptedOutNumbersInput{OptOutListName: alerts, Filters: byHandOnly("true")}, all[1:]},
		{"by themselves, one by one", smsvoice.DescribeOptedOutNumbersInput{OptOutListName: alerts, Filters: byHandOnly("true"), MaxResults: new(int32(1))}, all[1:]},
		{"by hand", smsvoice.DescribeOptedOutNumbersInput{OptOutListName: alerts, Filters: byHandOnly("false")}, all[:1]},
		{"both filters", smsvoice.DescribeOptedOutNumbersInput{OptOutListName: alerts, Filters: append(byHandOnly("false"), byHandOnly("true")...)}, []string{}},
		{"given", smsvoice.DescribeOptedOutNumbersInput{OptOutListName: alerts, OptedOutNumbers: []string{"491761234567", "+12065550123", "+491761234567"}},
			[]string{all[0], all[2]}},
		{"given, one by one", smsvoice.DescribeOptedOutNumbersInput{OptOutListName: alerts, OptedOutNumbers: []string{"491761234567", "+12065550123"}, MaxResults: new(int32(1))},
			[]string{all[0], all[2]}},
		{"given, by hand", smsvoice.DescribeOptedOutNumbersInput{OptOutListName: alerts, OptedOutNumbers: []string{"491761234567", "+12065550123"}, Filters: byHandOnly("false")},
			all[:1]},
		{"another list", smsvoice.DescribeOptedOutNumbersInput{OptOutListName: new("Default")}, []string{}},
	} {
		same(t, d.name, c.optedOut(d.in), d.want)
	}

	began = time.Now().Truncate(time.Millisecond)
	gone := must(c.DeleteOptedOutNumber(ctx, &smsvoice.DeleteOptedOutNumberInput{OptOutListName: alerts, OptedOutNumber: new("12065550124")}))(t)
	if *gone.OptOutListArn != arn || *gone.OptOutListName != "Alerts" || *gone.OptedOutNumber != "+12065550124" || !gone.EndUserOptedOut ||
		gone.OptedOutTimestamp.Before(began) {
		t.Errorf("DeleteOptedOutNumber answers %+v", gone)
	}
	same(t, "after the deletion", c.optedOut(smsvoice.DescribeOptedOutNumbersInput{OptOutListName: alerts}), []string{all[0], all[2]})
	must(c.PutOptedOutNumber(ctx, &smsvoice.PutOptedOutNumberInput{OptOutListName: alerts, OptedOutNumber: new("+12065550124")}))(t)
	same(t, "put again", c.optedOut(smsvoice.DescribeOptedOutNumbersInput{OptOutListName: alerts}), []string{all[0], "+12065550124", all[2]})

	// After 30 days it can be opted in once more.
	key := c.key("Alerts", "+12065550124")
	c.write(store.EntryWrite{Entry: store.Entry{EntryKey: key, At: time.Now(), Mark: optout.ByHand, Until: time.Now().Add(-optout.OptInInterval)}})
	if err := deleteOptedOut(c.customer, "Alerts", "+12065550124"); err != nil {
		t.Error(err)
	}
}

// meanwhile does something once, right after an entry was read.
type meanwhile struct {
	store.Lists
	do func()
}

func (m *meanwhile) Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error) {
	found, err := m.Lists.Entries(ctx, keys)
	if do := m.do; do != nil {
		m.do = nil
		do()
	}
	return found, err
}

// What happens to an entry between a request's look at it and what the request writes is
// not lost: above all not an end user's STOP.
func TestOptedOutNumbersMeanwhile(t *testing.T) {
	c := &listsCustomer{}
	between := &meanwhile{}
	c.customer = newCustomerWith(t, func(o *api.Options) {
		c.lists, c.committer = o.Lists, o.Committer
		between.Lists = o.Lists
		o.Lists = between
	})
	const number = "+12065550123"
	key := c.key("Default", number)
	need := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	stop := func() { c.endUser("Default", number) }
	want := func(when string, mark int64, optedInBefore bool) {
		t.Helper()
		if e := c.stored(key); e == nil || e.Mark != mark || e.Until.IsZero() == optedInBefore {
			t.Errorf("%s the entry is %+v", when, e)
		}
	}

	between.do = stop
	need(putOptedOut(c.customer, "Default", number))
	want("a STOP before the first opt-out by hand:", optout.ByEndUser, false)

	c.write(store.EntryWrite{Entry: store.Entry{EntryKey: key, At: time.Now(), Mark: optout.ByHand}})
	between.do = stop
	need(deleteOptedOut(c.customer, "Default", number))
	want("a STOP before the opt-in by hand:", optout.ByEndUser, true)
	if err := deleteOptedOut(c.customer, "Default", number); err == nil {
		t.Error("opted in by hand twice within 30 days")
	}

	c.write(store.EntryWrite{Entry: store.Entry{EntryKey: key, At: time.Now(), Mark: optout.ByHand}})
	between.do = func() { need(deleteOptedOut(c.customer, "Default", number)) }
	if err := deleteOptedOut(c.customer, "Default", number); err == nil {
		t.Error("two opt-ins by hand at once both succeed")
	}
	want("two opt-ins by hand:", optout.OptedIn, true)
	between.do = stop
	need(putOptedOut(c.customer, "Default", number))
	want("a STOP before another opt-out by hand:", optout.ByEndUser, true)

	// Somebody who is faster each time is not waited for without an end.
	again := 0
	var always func()
	always = func() {
		again++
		c.write(store.EntryWrite{Entry: store.Entry{EntryKey: key, At: time.Now().Add(time.Duration(again) * time.Second), Mark: optout.ByHand}})
		between.do = always
	}
	always()
	if err := deleteOptedOut(c.customer, "Default", number); err == nil || again < 2 {
		t.Errorf("%v after %d others", err, again)
	}
	between.do = nil
}

// A send finds who is opted out by the same keys.
func TestCheckerFindsOptedOutNumbers(t *testing.T) {
	c := newListsCustomer(t, api.Limits{})
	checker := optout.NewChecker(c.lists)
	list := c.key(sms.DefaultOptOutList, "+1").List
	check := func(number string, want bool) {
		t.Helper()
		if got, err := checker.OptedOut(t.Context(), list, number); err != nil || got != want {
			t.Errorf("%s is opted out: %v, %v", number, got, err)
		}
	}
	check("+12065550123", false)
	if err := putOptedOut(c.customer, "Default", "+12065550123"); err != nil {
		t.Fatal(err)
	}
	check("+12065550123", true)
	check("+12065550124", false)
	if err := deleteOptedOut(c.customer, "Default", "+12065550123"); err != nil {
		t.Fatal(err)
	}
	check("+12065550123", false)
}

// Pages of a long list are read by key, and one that is deleted takes its numbers along,
// also where there is a list of its name again.
func TestLongOptOutList(t *testing.T) {
	c, ctx := newListsCustomer(t, api.Limits{}), t.Context()
	c.optOutList("Long")
	first := c.key("Long", "+12065550000")
	const count = 2500
	change := &store.Change{}
	want := make([]string, count)
	for i := range count {
		want[i] = fmt.Sprintf("+1206555%04d", i)
		mark := optout.ByHand
		if i%1000 == 999 {
			mark, want[i] = optout.ByEndUser, want[i]+" by itself"
		}
		change.Entries = append(change.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: store.EntryKey{List: first.List, Key: first.Key + int64(i)}, At: time.Now(), Mark: mark}})
	}
	if err := c.committer.Commit(change); err != nil {
		t.Fatal(err)
	}
	long := new("Long")
	same(t, "all numbers", c.optedOut(smsvoice.DescribeOptedOutNumbersInput{OptOutListName: long}), want)
	same(t, "all numbers by 77", c.optedOut(smsvoice.DescribeOptedOutNumbersInput{OptOutListName: long, MaxResults: new(int32(77))}), want)
	same(t, "the few", c.optedOut(smsvoice.DescribeOptedOutNumbersInput{OptOutListName: long, Filters: byHandOnly("true")}), []string{want[999], want[1999]})

	must(c.DeleteOptOutList(ctx, &smsvoice.DeleteOptOutListInput{OptOutListName: long}))(t)
	if dropped := c.directory.Inventory().Dropped.Get(strconv.FormatInt(first.List, 10)); dropped == nil || dropped.Value != (resources.Dropped{List: first.List}) {
		t.Errorf("retention is to drop %+v", dropped)
	}
	must(c.CreateOptOutList(ctx, &smsvoice.CreateOptOutListInput{OptOutListName: long}))(t)
	same(t, "the new list", c.optedOut(smsvoice.DescribeOptedOutNumbersInput{OptOutListName: long}), []string{})
}
