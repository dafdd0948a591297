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
	sign := ""
	if m < 0 {
		sign, m = "-", -m
	}
	whole, rest := m/USD, m%USD
	digits := fmt.Sprintf("%06d", int64(rest))
	for len(digits) > 2 && digits[len(digits)-1] == '0' {
		digits = digits[:len(digits)-1]
	}
	return sign + strconv.FormatInt(int64(whole), 10) + "." + digits
}

// ParseMoney reads a decimal amount in USD with at most six decimals.
func ParseMoney(s string) (Money, error) {
	whole, rest, _ := strings.Cut(s, ".")
	if whole == "" {
		whole = "0"
	}
	if rest == "" {
		rest = "0"
	}
	w, err := strconv.ParseUint(whole, 10, 63)
	if err != nil || len(rest) > 6 || w > math.MaxInt64/uint64(USD)-1 {
		return 0, fmt.Errorf("%q is not an amount in USD with at most six decimals", s)
	}
	r, err := strconv.ParseUint(rest, 10, 63)
	if err != nil {
		return 0, fmt.Errorf("%q is not an amount in USD with at most six decimals", s)
	}
	for i := len(rest); i < 6; i++ {
		r *= 10
	}
	return Money(w)*USD + Money(r), nil
}
