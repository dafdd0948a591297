package admin

import (
	"context"
	"strconv"
	"time"

	"heliograph/internal/api"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/usage"
)

// UsageOptions are what the operations on usage and prices work on.
type UsageOptions struct {
	Account string // whose root is the operator
	Region  string
	Usage   Usage
	Prices  *usage.Prices
	Now     func() time.Time
}

// Usage is what was billed; see store.Lists.
type Usage interface {
	Usage(ctx context.Context, account, month string) ([]store.Usage, error)
}

// ReportUsageInput names a month (UTC, "2006-01"; empty is the present one) and an
// account; empty is all.
type ReportUsageInput struct {
	Month   string `json:"month,omitempty"`
	Account string `json:"account,omitempty"`
}

// UsageReport is what was used in a month, by usage types of the guide's chapter 13.
type UsageReport struct {
	Month  string      `json:"month"`
	Region string      `json:"region"`
	Lines  []UsageLine `json:"lines"`
	Total  string      `json:"total_usd"` // of all fees
}

// UsageLine is a usage type of an account: how many message parts, or an amount in USD.
type UsageLine struct {
	Account   string `json:"account"`
	UsageType string `json:"usage_type"`
	Quantity  string `json:"quantity"`
	Unit      string `json:"unit"` // UnitParts or UnitUSD
}

// Units of a UsageLine.
const (
	UnitParts = "parts"
	UnitUSD   = "USD"
)

// ImportPricesInput is a price book as a CSV file; see usage.ReadBook.
type ImportPricesInput struct {
	CSV string `json:"csv"`
}

// ImportPricesOutput counts the rows of the book that is in force now.
type ImportPricesOutput struct {
	Rows int `json:"rows"`
}

// ClearPricesInput and ClearPricesOutput have no members.
type (
	ClearPricesInput  struct{}
	ClearPricesOutput struct{}
)

// ShowPricesInput names a country (ISO 3166-1 alpha-2) whose prices are wanted; empty is
// the whole book.
type ShowPricesInput struct {
	Country string `json:"country,omitempty"`
}

// PriceBook is the book in force. Imported is zero where the node's own configuration
// says what it is.
type PriceBook struct {
	Imported time.Time  `json:"imported,omitzero"`
	Rows     []PriceRow `json:"rows"`
}

// PriceRow is a line of a price book, in USD for a message part. From is the day (UTC)
// from which on it holds, empty: always.
type PriceRow struct {
	Country      string `json:"country"`
	Route        string `json:"route"`
	PricePerPart string `json:"price_per_part"`
	CarrierFee   string `json:"carrier_fee"`
	From         string `json:"from,omitempty"`
}

// UsageOperations are the operations on usage and prices.
func UsageOperations(o UsageOptions) []api.Operation {
	a, u := &operations{Options{Account: o.Account}}, &usageOperations{o}
	return []api.Operation{
		operation(a, "ReportUsage", u.report),
		operation(a, "ImportPrices", u.importPrices),
		operation(a, "ClearPrices", u.clearPrices),
		operation(a, "ShowPrices", u.showPrices),
	}
}

type usageOperations struct{ UsageOptions }

func (u *usageOperations) report(ctx context.Context, in ReportUsageInput) (UsageReport, error) {
	month := in.Month
	if month == "" {
		month = usage.Month(u.Now())
	}
	if _, err := time.Parse("2006-01", month); err != nil {
		return UsageReport{}, sms.Invalid(sms.ReasonInvalidParameter, "month", "month is %q; a month such as 2026-01 is needed.", month)
	}
	used, err := u.Usage.Usage(ctx, in.Account, month)
	if err != nil {
		return UsageReport{}, err
	}
	out := UsageReport{Month: month, Region: u.Region, Lines: []UsageLine{}}
	total := sms.Money(0)
	for _, l := range usage.Report(u.Region, used) {
		line := UsageLine{Account: l.Account, UsageType: l.UsageType, Quantity: l.Amount.String(), Unit: UnitUSD}
		if l.Counts {
			line.Quantity, line.Unit = strconv.FormatInt(l.Parts, 10), UnitParts
		}
		out.Lines = append(out.Lines, line)
		total += l.Amount
	}
	out.Total = total.String()
	return out, nil
}

func (u *usageOperations) importPrices(_ context.Context, in ImportPricesInput) (ImportPricesOutput, error) {
	rows, err := u.Prices.Import([]byte(in.CSV), u.Now())
	return ImportPricesOutput{rows}, err
}

func (u *usageOperations) clearPrices(context.Context, ClearPricesInput) (ClearPricesOutput, error) {
	return ClearPricesOutput{}, u.Prices.Clear()
}

func (u *usageOperations) showPrices(_ context.Context, in ShowPricesInput) (PriceBook, error) {
	book, imported := u.Prices.Book()
	out := PriceBook{Imported: imported, Rows: []PriceRow{}}
	for _, r := range book.Rows(in.Country) {
		row := PriceRow{Country: r.Country, Route: r.Route, PricePerPart: r.Part.String(), CarrierFee: r.CarrierFee.String()}
		if !r.From.IsZero() {
			row.From = r.From.Format(time.DateOnly)
		}
		out.Rows = append(out.Rows, row)
	}
	return out, nil
}
