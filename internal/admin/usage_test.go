package admin_test

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/admin"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/usage"
)

// newUsageRig is a rig with the operations on usage and prices.
func newUsageRig(t *testing.T) *rig {
	t.Helper()
	r := newRig(t)
	prices, err := usage.OpenPrices(t.Context(), r.engine, r.committer, usage.DefaultBook())
	if err != nil {
		t.Fatal(err)
	}
	now := func() time.Time { return time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC) }
	for _, o := range admin.UsageOperations(admin.UsageOptions{Account: first, Region: "eu-west-1", Usage: r.engine, Prices: prices, Now: now}) {
		r.operations[o.Target] = o
	}
	return r
}

func TestReportUsage(t *testing.T) {
	r := newUsageRig(t)
	bill := func(account, month string, price, fee sms.Money) store.SpendDelta {
		at, err := time.Parse("2006-01", month)
		if err != nil {
			t.Fatal(err)
		}
		return usage.Bill(account, usage.ChannelText, "US", string(sms.TollFree), 2, price, fee, at)
	}
	if err := r.committer.Commit(&store.Change{Spend: []store.SpendDelta{
		bill(first, "2026-11", 20_000, 6_000), bill(first, "2026-11", 20_000, 0), bill(second, "2026-11", 10_000, 0), bill(first, "2026-10", 500_000, 0)}}); err != nil {
		t.Fatal(err)
	}
	line := func(account, kind, quantity, unit string) admin.UsageLine {
		return admin.UsageLine{Account: account, UsageType: "EU-OutboundSMS-US-Standard-TollFree-" + kind, Quantity: quantity, Unit: unit}
	}
	ofFirst := []admin.UsageLine{line(first, "MessageCount", "4", "parts"), line(first, "MessageFees", "0.04", "USD"),
		line(first, "CarrierFeeCount", "2", "parts"), line(first, "CarrierFees", "0.006", "USD")}
	for body, want := range map[string]admin.UsageReport{
		`{}`: {Month: "2026-11", Region: "eu-west-1", Total: "0.056",
			Lines: append(ofFirst[:4:4], line(second, "MessageCount", "2", "parts"), line(second, "MessageFees", "0.01", "USD"))},
		`{"month":"2026-11","account":"` + first + `"}`: {Month: "2026-11", Region: "eu-west-1", Total: "0.046", Lines: ofFirst},
		`{"month":"2026-10"}`: {Month: "2026-10", Region: "eu-west-1", Total: "0.50",
			Lines: []admin.UsageLine{line(first, "MessageCount", "2", "parts"), line(first, "MessageFees", "0.50", "USD")}},
		`{"month":"2025-01"}`: {Month: "2025-01", Region: "eu-west-1", Total: "0.00", Lines: []admin.UsageLine{}},
	} {
		if diff := cmp.Diff(want, call[admin.UsageReport](r, "ReportUsage", body)); diff != "" {
			t.Errorf("%s: %s", body, diff)
		}
	}
	for _, body := range []string{`{"month":"2026-13"}`, `{"month":"2026-1"}`, `{"month":"November"}`} {
		if e := r.refused("ReportUsage", body); e.Reason != sms.ReasonInvalidParameter || e.Fields[0].Name != "month" {
			t.Errorf("%s: %v", body, e)
		}
	}
	if _, err := r.raw(second, "ReportUsage", "{}"); err == nil {
		t.Error("somebody else's usage is answered")
	}
}

func TestPriceOperations(t *testing.T) {
	r := newUsageRig(t)
	if book := call[admin.PriceBook](r, "ShowPrices", `{}`); len(book.Rows) < 10 || !book.Imported.IsZero() {
		t.Errorf("%+v", book)
	}
	const file = `country,route,price_per_part,carrier_fee,from\n*,*,0.5,0,\nUS,TEN_DLC,0.25,0.1,2026-11-01\nGB,*,1,0,\n`
	if out := call[admin.ImportPricesOutput](r, "ImportPrices", `{"csv":"`+file+`"}`); out.Rows != 3 {
		t.Errorf("%+v", out)
	}
	want := admin.PriceBook{Imported: time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC), Rows: []admin.PriceRow{
		{Country: "*", Route: "*", PricePerPart: "0.50", CarrierFee: "0.00"},
		{Country: "US", Route: "TEN_DLC", PricePerPart: "0.25", CarrierFee: "0.10", From: "2026-11-01"}}}
	if diff := cmp.Diff(want, call[admin.PriceBook](r, "ShowPrices", `{"country":"US"}`)); diff != "" {
		t.Error(diff)
	}
	if e := r.refused("ImportPrices", `{"csv":"`+file+`US,*,free,0,\n"}`); e.Reason != sms.ReasonInvalidParameter || !strings.Contains(e.Message, "line 5, price_per_part") {
		t.Errorf("%v", e)
	}
	call[admin.ClearPricesOutput](r, "ClearPrices", `{}`)
	if book := call[admin.PriceBook](r, "ShowPrices", `{}`); len(book.Rows) < 10 || !book.Imported.IsZero() {
		t.Errorf("%+v", book)
	}
}
