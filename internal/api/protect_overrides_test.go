package api_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	smsvoice "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func (c *customer) putOverride(id, number string, action types.ProtectConfigurationRuleOverrideAction, expires *time.Time) *smsvoice.PutProtectConfigurationRuleSetNumberOverrideOutput {
	c.t.Helper()
	return must(c.PutProtectConfigurationRuleSetNumberOverride(c.t.Context(), &smsvoice.PutProtectConfigurationRuleSetNumberOverrideInput{
		ProtectConfigurationId: &id, DestinationPhoneNumber: &number, Action: action, ExpirationTimestamp: expires}))(c.t)
}

func (c *customer) overrides(in smsvoice.ListProtectConfigurationRuleSetNumberOverridesInput) (numbers []string) {
	c.t.Helper()
	for pages := smsvoice.NewListProtectConfigurationRuleSetNumberOverridesPaginator(c, &in); pages.HasMorePages(); {
		for _, o := range must(pages.NextPage(c.t.Context()))(c.t).RuleSetNumberOverrides {
			numbers = append(numbers, *o.DestinationPhoneNumber)
		}
	}
	return numbers
}

func TestNumberOverrides(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	id := c.protect()
	soon, later := time.Now().Add(time.Hour), time.Now().Add(48*time.Hour)
	first := c.putOverride(id, "447946000001", types.ProtectConfigurationRuleOverrideActionBlock, nil)
	if *first.DestinationPhoneNumber != "+447946000001" || *first.IsoCountryCode != "GB" || first.Action != "BLOCK" || first.ExpirationTimestamp != nil ||
		*first.ProtectConfigurationId != id || *first.ProtectConfigurationArn != c.arn(sms.TypeProtectConfiguration, id) {
		t.Errorf("the first override is %+v", first)
	}
	c.putOverride(c.arn(sms.TypeProtectConfiguration, id), "+33612345678", "ALLOW", &soon)
	c.putOverride(id, "+447946000002", "ALLOW", &later)
	changed := c.putOverride(id, "+447946000001", "ALLOW", &later)
	if !changed.CreatedTimestamp.Equal(*first.CreatedTimestamp) || changed.Action != "ALLOW" || !changed.ExpirationTimestamp.Equal(later.Truncate(time.Millisecond)) {
		t.Errorf("the first override is %+v after it was changed", changed)
	}
	c.putOverride(id, "+447946000001", "BLOCK", nil)

	date := func(at time.Time) string { return at.UTC().Format("2006-01-02T15:04:05Z") }
	between := time.Now().Add(24 * time.Hour)
	for name, test := range map[string]struct {
		filters []string
		want    []string
	}{
		"all":                         {nil, []string{"+33612345678", "+447946000001", "+447946000002"}},
		"of a country":                {[]string{"iso-country-code", "FR"}, []string{"+33612345678"}},
		"of either country":           {[]string{"iso-country-code", "FR GB"}, []string{"+33612345678", "+447946000001", "+447946000002"}},
		"of no such country":          {[]string{"iso-country-code", "DE"}, nil},
		"a prefix":                    {[]string{"destination-phone-number-begins-with", "+4479"}, []string{"+447946000001", "+447946000002"}},
		"a prefix without a plus":     {[]string{"destination-phone-number-begins-with", "447946000002 33"}, []string{"+33612345678", "+447946000002"}},
		"an action":                   {[]string{"action", "BLOCK"}, []string{"+447946000001"}},
		"ends before":                 {[]string{"expires-before", date(between)}, []string{"+33612345678"}},
		"ends after":                  {[]string{"expires-after", date(between)}, []string{"+447946000002"}},
		"made before":                 {[]string{"created-before", "2024-01-01"}, nil},
		"made after":                  {[]string{"created-after", "1700000000"}, []string{"+33612345678", "+447946000001", "+447946000002"}},
		"made before, within the day": {[]string{"created-before", date(between)}, []string{"+33612345678", "+447946000001", "+447946000002"}},
		"two filters":                 {[]string{"action", "ALLOW", "iso-country-code", "GB"}, []string{"+447946000002"}},
	} {
		in := smsvoice.ListProtectConfigurationRuleSetNumberOverridesInput{ProtectConfigurationId: &id}
		for i := 0; i < len(test.filters); i += 2 {
			in.Filters = append(in.Filters, types.ProtectConfigurationRuleSetNumberOverrideFilterItem{
				Name: types.ProtectConfigurationRuleSetNumberOverrideFilterName(test.filters[i]), Values: strings.Fields(test.filters[i+1])})
		}
		if got := c.overrides(in); !slices.Equal(got, test.want) {
			t.Errorf("%s: %v, want %v", name, got, test.want)
		}
		in.MaxResults = new(int32(1))
		if got := c.overrides(in); !slices.Equal(got, test.want) {
			t.Errorf("%s, page by page: %v, want %v", name, got, test.want)
		}
	}

	deleted := must(c.DeleteProtectConfigurationRuleSetNumberOverride(ctx, &smsvoice.DeleteProtectConfigurationRuleSetNumberOverrideInput{
		ProtectConfigurationId: &id, DestinationPhoneNumber: new("+447946000001")}))(t)
	if deleted.Action != "BLOCK" || !deleted.CreatedTimestamp.Equal(*first.CreatedTimestamp) || *deleted.DestinationPhoneNumber != "+447946000001" {
		t.Errorf("the override that was deleted is %+v", deleted)
	}
	if got, want := c.overrides(smsvoice.ListProtectConfigurationRuleSetNumberOverridesInput{ProtectConfigurationId: &id}), []string{"+33612345678", "+447946000002"}; !slices.Equal(got, want) {
		t.Errorf("left: %v, want %v", got, want)
	}
	other := c.protect()
	if got := c.overrides(smsvoice.ListProtectConfigurationRuleSetNumberOverridesInput{ProtectConfigurationId: &other}); got != nil {
		t.Errorf("another configuration has %v", got)
	}

	must(c.DeleteProtectConfiguration(ctx, &smsvoice.DeleteProtectConfigurationInput{ProtectConfigurationId: &id}))(t)
	dropped := c.directory.Inventory().Dropped.All()
	if len(dropped) != 1 || dropped[0].Value != (resources.Dropped{List: store.ListID(sms.OverrideList(customerAccount, id)...)}) {
		t.Errorf("the lists that are dropped with it are %+v", dropped)
	}
}

// What has ended is there no more, for whoever asks.
func TestOverridesThatEnded(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	id := c.protect()
	number := "+447946000001"
	first := c.putOverride(id, number, "BLOCK", nil)
	key := store.EntryKey{List: store.ListID(sms.OverrideList(customerAccount, id)...), Key: 447946000001}
	c.change(func(tx *resources.Tx) {
		tx.Entries = append(tx.Entries, store.EntryWrite{Entry: store.Entry{EntryKey: key, At: *first.CreatedTimestamp, Mark: sms.OverrideBlock, Until: time.Now().Add(-time.Second)}})
	})
	if got := c.overrides(smsvoice.ListProtectConfigurationRuleSetNumberOverridesInput{ProtectConfigurationId: &id}); got != nil {
		t.Errorf("overrides: %v", got)
	}
	_, err := c.DeleteProtectConfigurationRuleSetNumberOverride(ctx, &smsvoice.DeleteProtectConfigurationRuleSetNumberOverrideInput{ProtectConfigurationId: &id, DestinationPhoneNumber: &number})
	if got := refused(t, err); got.Exception != "ResourceNotFoundException" {
		t.Errorf("it is deleted: %+v", got)
	}
	if again := c.putOverride(id, number, "BLOCK", nil); !again.CreatedTimestamp.After(*first.CreatedTimestamp) {
		t.Errorf("a new one is as old as that which ended: %v", again.CreatedTimestamp)
	}
}

// A list is read as far as an answer needs it, also where filters leave little of it.
func TestManyOverrides(t *testing.T) {
	c := newCustomer(t, api.Limits{})
	id := c.protect()
	list := store.ListID(sms.OverrideList(customerAccount, id)...)
	const many = 21_000
	c.change(func(tx *resources.Tx) {
		for i := range int64(many) {
			tx.Entries = append(tx.Entries, store.EntryWrite{Entry: store.Entry{
				EntryKey: store.EntryKey{List: list, Key: 447_946_000_000 + i}, At: tx.Now, Mark: sms.OverrideAllow}})
		}
	})
	in := smsvoice.ListProtectConfigurationRuleSetNumberOverridesInput{ProtectConfigurationId: &id, Filters: []types.ProtectConfigurationRuleSetNumberOverrideFilterItem{
		{Name: "destination-phone-number-begins-with", Values: []string{"447946020999", "447946000000"}}}}
	want := []string{"+447946000000", "+447946020999"}
	first := must(c.ListProtectConfigurationRuleSetNumberOverrides(c.t.Context(), &in))(t)
	if len(first.RuleSetNumberOverrides) != 1 || first.NextToken == nil {
		t.Errorf("the first answer has %d, and the next token %v", len(first.RuleSetNumberOverrides), first.NextToken)
	}
	if got := c.overrides(in); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
	in = smsvoice.ListProtectConfigurationRuleSetNumberOverridesInput{ProtectConfigurationId: &id}
	page := must(c.ListProtectConfigurationRuleSetNumberOverrides(c.t.Context(), &in))(t)
	if n := len(page.RuleSetNumberOverrides); n != 100 || *page.RuleSetNumberOverrides[99].DestinationPhoneNumber != "+447946000099" {
		t.Errorf("a page has %d", n)
	}
}

func TestClientTokensOfOverrides(t *testing.T) {
	c, ctx := newCustomer(t, api.Limits{}), t.Context()
	id := c.protect()
	put := func(token, action string) (*smsvoice.PutProtectConfigurationRuleSetNumberOverrideOutput, error) {
		return c.PutProtectConfigurationRuleSetNumberOverride(ctx, &smsvoice.PutProtectConfigurationRuleSetNumberOverrideInput{ClientToken: &token,
			ProtectConfigurationId: &id, DestinationPhoneNumber: new("+447946000001"), Action: types.ProtectConfigurationRuleOverrideAction(action)})
	}
	first := must(put("a", "BLOCK"))(t)
	if again := must(put("a", "BLOCK"))(t); !again.CreatedTimestamp.Equal(*first.CreatedTimestamp) || again.Action != "BLOCK" {
		t.Errorf("the same again: %+v", again)
	}
	_, err := put("a", "ALLOW")
	if got, want := refused(t, err), conflict("RESOURCE_ALREADY_EXISTS", sms.TypeProtectConfiguration, id); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the token with another action: %+v", got)
	}
	if changed := must(put("b", "ALLOW"))(t); changed.Action != "ALLOW" {
		t.Errorf("another token: %+v", changed)
	}
}
