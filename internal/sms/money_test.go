package sms

import (
	"fmt"
	"math"
	"math/big"
	"testing"

	"pgregory.net/rapid"
)

func TestMoneyString(t *testing.T) {
	for want, m := range map[string]Money{
		"0.00": 0, "0.000001": 1, "0.00645": 6_450, "1.00": USD, "1.50": 1_500_000, "12.345678": 12_345_678,
		"-0.01": -10_000, "-3.00": -3 * USD,
		"9223372036854.775807": math.MaxInt64, "-9223372036854.775808": math.MinInt64,
	} {
		if got := m.String(); got != want {
			t.Errorf("%d is written %s, not %s", int64(m), got, want)
		}
	}
	if got := Money(6_450).Dollars(); got != 0.00645 {
		t.Errorf("6,450 millionths are %v dollars", got)
	}
}

func TestParseMoney(t *testing.T) {
	for s, want := range map[string]Money{
		"0": 0, "1": USD, "0.00645": 6_450, ".5": 500_000, "2.0": 2 * USD, "99.99999": 99_999_990, "0.000001": 1,
		"007.10": 7_100_000, "9223372036853.999999": 9_223_372_036_853_999_999,
	} {
		if got, err := ParseMoney(s); err != nil || got != want {
			t.Errorf("%q is %d, %v; want %d", s, got, err, want)
		}
	}
	for _, s := range []string{
		"", ".", "1.", " 1", "1 ", "-1", "+1", "1.-5", "1.+5", "1,5", "1.2.3", "1e3", "0x1", "1_000", "٣", "NaN",
		"0.0000001", "1.0000000", "9223372036854", "9223372036854775808", "99999999999999999999999",
	} {
		if got, err := ParseMoney(s); err == nil {
			t.Errorf("%q is read as %d", s, got)
		}
	}
}

func TestMoneyRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		m := Money(rapid.Int64Range(0, int64(maxDollars)*int64(USD)).Draw(t, "amount"))
		got, err := ParseMoney(m.String())
		if err != nil || got != m {
			t.Fatalf("%d is written %s and read %d, %v", int64(m), m, int64(got), err)
		}
	})
}

// Against exact fractions.
func TestParseMoneyIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		whole := rapid.Uint32().Draw(t, "whole")
		s := fmt.Sprintf("%d.%s", whole, rapid.StringMatching(`[0-9]{1,6}`).Draw(t, "decimals"))
		want, _ := new(big.Rat).SetString(s)
		got, err := ParseMoney(s)
		if err != nil || big.NewRat(int64(got), int64(USD)).Cmp(want) != 0 {
			t.Fatalf("%s is read as %d, %v", s, int64(got), err)
		}
	})
}

func FuzzParseMoney(f *testing.F) {
	for _, s := range []string{"", "0", "1.5", ".05", "99.99999", "9223372036853.999999", "-1", "1e9"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m, err := ParseMoney(s)
		if err != nil {
			return
		}
		want, ok := new(big.Rat).SetString(s)
		if m < 0 || !ok || big.NewRat(int64(m), int64(USD)).Cmp(want) != 0 {
			t.Fatalf("%q is read as %d", s, int64(m))
		}
	})
}
