package sms

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Money is an amount in millionths of a US dollar.
type Money int64

// USD is one US dollar.
const USD Money = 1_000_000

// Dollars is the amount in USD, as events carry it.
func (m Money) Dollars() float64 { return float64(m) / float64(USD) }

// String renders at least two decimals: "0.00645", "1.00".
func (m Money) String() string {
	sign, amount := "", uint64(m)
	if m < 0 {
		sign, amount = "-", -amount
	}
	digits := fmt.Sprintf("%06d", amount%uint64(USD))
	for len(digits) > 2 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return sign + strconv.FormatUint(amount/uint64(USD), 10) + "." + digits
}

// maxDollars keeps a parsed amount, decimals included, inside a Money.
const maxDollars = math.MaxInt64/uint64(USD) - 1

// ParseMoney reads a decimal amount in USD: digits, and at most six decimals
// after a point. The digits before the point may be missing (".05").
func ParseMoney(s string) (Money, error) {
	whole, decimals, point := strings.Cut(s, ".")
	if !point && whole == "" || point && decimals == "" || len(decimals) > 6 {
		return 0, moneyError(s)
	}
	w, err := parseDigits(whole)
	if err != nil || w > maxDollars {
		return 0, moneyError(s)
	}
	d, err := parseDigits(decimals)
	if err != nil {
		return 0, moneyError(s)
	}
	for range 6 - len(decimals) {
		d *= 10
	}
	return Money(w)*USD + Money(d), nil
}

func parseDigits(s string) (uint64, error) {
	if s == "" {
		return 0, nil
	}
	return strconv.ParseUint(s, 10, 64)
}

func moneyError(s string) error {
	return fmt.Errorf("%q is not an amount in USD with at most six decimals", s)
}
