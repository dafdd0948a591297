package admin_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"heliograph/internal/admin"
	"heliograph/internal/api"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// accountRig is a rig with the operations on accounts, and what they log.
func accountRig(t *testing.T) (*rig, *bytes.Buffer) {
	t.Helper()
	r, logged := newRig(t), &bytes.Buffer{}
	spend := func(channel string) sms.Money {
		if channel == sms.ChannelVoice {
			return sms.USD / 2
		}
		return resources.SpendByTier
	}
	plain := slog.NewTextHandler(logged, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}})
	for _, o := range admin.Accounts(admin.AccountOptions{Account: first, Directory: r.directory, Limits: api.DefaultLimits(), Spend: spend, Log: slog.New(plain)}) {
		r.operations[o.Target] = o
	}
	return r, logged
}

func TestAccountTier(t *testing.T) {
	r, logged := accountRig(t)
	if err := r.directory.Change(t.Context(), second, func(tx *resources.Tx) error {
		for id, status := range map[string]sms.VerificationStatus{"verified-1": sms.Verified, "verified-2": sms.VerificationPending, "verified-3": sms.VerificationPending} {
			tx.VerifiedNumbers.Put(id, sms.VerifiedNumber{ID: id, Number: id, Status: status})
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	want := admin.AccountState{Account: second, Tier: "sandbox", ConfiguredTier: "sandbox", Destinations: 1, Pending: 2, TextSpend: "1.00", VoiceSpend: "0.50"}
	if got := call[admin.AccountState](r, "ShowAccount", `{"account":"`+second+`"}`); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	want.Tier, want.TextSpend = "production", "unlimited"
	for range 2 {
		if got := call[admin.AccountState](r, "SetAccountTier", `{"account":"`+second+`","tier":"production"}`); got != want {
			t.Errorf("%+v, want %+v", got, want)
		}
	}
	if got := logged.String(); got != "level=INFO msg=\"an account was moved to another tier\" account="+second+" from=sandbox to=production\n" {
		t.Errorf("logged %s", got)
	}
	// The configuration, which did not change, leaves the account where it is.
	if err := r.directory.EnsureAccount(t.Context(), second, resources.Sandbox); err != nil {
		t.Fatal(err)
	}
	if got := r.directory.Account(second).Account.Tier; got != resources.Production {
		t.Errorf("after the next start the tier is %s", got)
	}
	if got := call[admin.AccountState](r, "ShowAccount", `{}`); got.Account != first || got.Tier != "sandbox" {
		t.Errorf("the first account is %+v", got)
	}
}

func TestAccountLimits(t *testing.T) {
	r, logged := accountRig(t)
	value := func(name string) admin.LimitState {
		for _, l := range call[admin.ShowLimitsOutput](r, "ShowLimits", `{}`).Limits {
			if l.Name == name {
				return l
			}
		}
		t.Fatalf("there is no limit %s", name)
		return admin.LimitState{}
	}
	if l := value("opt_out_lists"); l.Value != "25" || l.Configured != "25" || l.Changed || *l.Used != 1 {
		t.Errorf("%+v", l)
	}
	if l := value("keywords"); l.Value != "30" || l.Used != nil {
		t.Errorf("%+v", l)
	}
	set := func(name, value string) admin.LimitState {
		return call[admin.LimitState](r, "SetLimit", `{"name":"`+name+`","value":"`+value+`"}`)
	}
	for _, c := range []struct{ name, value, configured string }{
		{"opt_out_lists", "0", "25"}, {"opt_out_lists", "26", "25"}, {"keywords", "1000000000", "30"},
		{"text_monthly_spend_usd", "50", "1.00"}, {"text_monthly_spend_usd", "unlimited", "1.00"}, {"voice_monthly_spend_usd", "0", "0.50"},
	} {
		shown := strings.TrimSuffix(c.value, ".00")
		if got := set(c.name, c.value); strings.TrimSuffix(got.Value, ".00") != shown || got.Configured != c.configured || !got.Changed {
			t.Errorf("%+v: %+v", c, got)
		}
		if got := value(c.name); strings.TrimSuffix(got.Value, ".00") != shown || !got.Changed {
			t.Errorf("%+v: %+v", c, got)
		}
	}
	s := r.directory.Account(first)
	if api.DefaultLimits().With(s.Account.Limits).OptOutLists != 26 || s.MaxSpend(sms.ChannelText, resources.SpendByTier) >= 0 || s.MaxSpend(sms.ChannelVoice, 5) != 0 {
		t.Errorf("limits are %v", s.Account.Limits)
	}
	logged.Reset()
	for range 2 {
		if got := call[admin.LimitState](r, "ResetLimit", `{"name":"keywords"}`); got.Value != "30" || got.Changed {
			t.Errorf("given back: %+v", got)
		}
	}
	if got := logged.String(); got != "level=INFO msg=\"an account's limit was changed\" account="+first+" limit=keywords from=1000000000 to=30 by_configuration=true\n" {
		t.Errorf("logged %s", got)
	}
	if call[admin.ShowLimitsOutput](r, "ShowLimits", `{"account":"`+second+`"}`).Limits[0].Changed {
		t.Error("the limits of another account changed")
	}
}

func TestAccountRefusals(t *testing.T) {
	r, logged := accountRig(t)
	for _, c := range []struct{ operation, body, field, want string }{
		{"ShowAccount", `{"account":"999999999999"}`, "account", `There is no account "999999999999".`},
		{"ShowLimits", `{"account":"999999999999"}`, "account", `There is no account "999999999999".`},
		{"SetAccountTier", `{"tier":"free"}`, "tier", `tier is "free"; sandbox and production are allowed.`},
		{"SetAccountTier", `{"tier":"PRODUCTION"}`, "tier", `tier is "PRODUCTION"; sandbox and production are allowed.`},
		{"SetAccountTier", `{"tier":"production","account":"1"}`, "account", `There is no account "1".`},
		{"SetLimit", `{"name":"colours","value":"1"}`, "name", `There is no limit "colours". There are: configuration_sets, `},
		{"SetLimit", `{"name":"pools","value":"-1"}`, "value", `value of pools is "-1"; 0 to 1000000000 are allowed.`},
		{"SetLimit", `{"name":"pools","value":"unlimited"}`, "value", `value of pools is "unlimited"; 0 to 1000000000 are allowed.`},
		{"SetLimit", `{"name":"text_monthly_spend_usd","value":"1.50"}`, "value", `value of text_monthly_spend_usd is "1.50"; whole USD from 0 to 1000000000 and unlimited are allowed.`},
		{"SetLimit", `{"name":"text_monthly_spend_usd","value":"1000000001"}`, "value", `whole USD from 0 to 1000000000`},
		{"SetLimit", `{"name":"pools","value":"1","account":"1"}`, "account", `There is no account "1".`},
		{"ResetLimit", `{"name":"colours"}`, "name", `There is no limit "colours".`},
	} {
		if e := r.refused(c.operation, c.body); !strings.Contains(e.Message, c.want) || len(e.Fields) != 1 || e.Fields[0].Name != c.field {
			t.Errorf("%s %s: %+v", c.operation, c.body, e)
		}
	}
	if _, err := r.raw(second, "SetAccountTier", `{"tier":"production"}`); err == nil || !strings.Contains(err.Error(), "only the root of account "+first) {
		t.Errorf("another account's root: %v", err)
	}
	if logged.Len() > 0 {
		t.Errorf("logged %s", logged)
	}
}
