package store

import "heliograph/internal/sms"

// UsageKey is what usage is counted by: see SpendDelta.
type UsageKey struct {
	Account, Month, Channel, Country, Route string
}

// Usage is what was billed under a key.
type Usage struct {
	UsageKey
	Sums
}

// Sums are parts and what they cost, in USD.
type Sums struct {
	Parts    int64
	Price    sms.Money
	FeeParts int64 // of Parts, those with a carrier fee
	Fee      sms.Money
}

// Amount is all that was paid.
func (s Sums) Amount() sms.Money { return s.Price + s.Fee }

// Plus adds sums up.
func (s Sums) Plus(t Sums) Sums {
	return Sums{s.Parts + t.Parts, s.Price + t.Price, s.FeeParts + t.FeeParts, s.Fee + t.Fee}
}

// SpendDelta adds to what an account is billed in a month (UTC, "2006-01") on a
// channel ("TEXT" or "VOICE") for parts to a country (ISO 3166-1 alpha-2) by a kind of
// route (sms.Route.PriceKind).
type SpendDelta struct {
	UsageKey
	Sums
}
