package numbering

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"

	"github.com/nyaruka/phonenumbers"
)

func TestParse(t *testing.T) {
	tests := []struct {
		in, e164, country string
		err               error
	}{
		{"+14255550168", "+14255550168", "US", nil}, // reserved for fiction
		{"14255550168", "+14255550168", "US", nil},
		{"+12065550183", "+12065550183", "US", nil},
		{"+447700900123", "+447700900123", "GB", nil}, // reserved for fiction
		{"+442079460100", "+442079460100", "GB", nil},
		{"+447937404990", "+447937404990", "JE", nil},
		{"+441534123456", "+441534123456", "JE", nil},
		{"+441481123456", "+441481123456", "GG", nil},
		{"+441624123456", "+441624123456", "IM", nil},
		{"+12045550123", "+12045550123", "CA", nil},
		{"+18445550142", "+18445550142", "US", nil}, // toll-free
		{"+12645550123", "+12645550123", "AI", nil},
		{"+18495550123", "+18495550123", "DO", nil},
		{"+17875550123", "+17875550123", "PR", nil},
		{"+19395550123", "+19395550123", "PR", nil},
		{"+13405550123", "+13405550123", "VI", nil},
		{"+16715550123", "+16715550123", "GU", nil},
		{"+16845550123", "+16845550123", "AS", nil},
		{"+79123456789", "+79123456789", "RU", nil},
		{"+77011234567", "+77011234567", "KZ", nil},
		{"+262692123456", "+262692123456", "RE", nil},
		{"+262639123456", "+262639123456", "YT", nil},
		{"+38344123456", "+38344123456", "XV", nil},
		{"+59995181234", "+59995181234", "AN", nil},
		{"+390612345678", "+390612345678", "IT", nil},
		{"+2250712345678", "+2250712345678", "CI", nil},
		{"+5351234567", "+5351234567", "CU", nil}, // not served, but known
		{"+80012345678", "+80012345678", "", nil}, // of no country
		{"+4407860019066", "+447860019066", "GB", nil},
		{"4407860019066", "+447860019066", "GB", nil},
		{"+490171234567", "+49171234567", "DE", nil},
		{"+810312345678", "+81312345678", "JP", nil},

		{"", "", "", ErrFormat},
		{"+", "", "", ErrFormat},
		{"+1", "", "", ErrFormat},
		{"++14255550168", "", "", ErrFormat},
		{"+0123456789", "", "", ErrFormat},
		{"+1 425 555 0168", "", "", ErrFormat},
		{"+1425555016a", "", "", ErrFormat},
		{"+٤٤٧٧", "", "", ErrFormat},
		{"+12345678901234567890", "", "", ErrFormat},
		{"+9991234567", "", "", ErrCallingCode},
		{"+21012345678", "", "", ErrCallingCode},
		{"+99", "", "", ErrCallingCode},
		{"+15550168", "", "", ErrLength},
		{"+144255550168", "", "", ErrLength},
		{"+5215512345678", "", "", ErrLength},
		{"+44", "", "", ErrLength},
		{"+440", "", "", ErrLength},
		{"+44007860019066", "", "", ErrTrunkZeros},
		{"+27000000", "", "", ErrTrunkZeros},
		{"+3900612345678", "+390612345678", "IT", nil},
	}
	for _, tt := range tests {
		n, err := Parse(tt.in)
		if !errors.Is(err, tt.err) || n.E164 != tt.e164 || n.Country != tt.country {
			t.Errorf("%q: %+v, %v; want %s %s, %v", tt.in, n, err, tt.e164, tt.country, tt.err)
		}
	}
}

// inTable gives the country table's code for a region of the library.
func inTable(region string) string {
	switch region {
	case "XK":
		return "XV"
	case "BQ", "CW":
		return "AN"
	case "AX":
		return "FI"
	case "BL", "MF":
		return "GP"
	case "CC", "CX":
		return "AU"
	case "EH":
		return "MA"
	case "SJ":
		return "NO"
	case "TA":
		return "SH"
	case "VA":
		return "IT"
	case "001":
		return ""
	}
	return region
}

// Every example number of the library, of every region and type.
func TestParseExamplesOfTheLibrary(t *testing.T) {
	types := []phonenumbers.PhoneNumberType{
		phonenumbers.FIXED_LINE, phonenumbers.MOBILE, phonenumbers.TOLL_FREE, phonenumbers.PREMIUM_RATE,
		phonenumbers.SHARED_COST, phonenumbers.VOIP, phonenumbers.PERSONAL_NUMBER, phonenumbers.PAGER,
		phonenumbers.UAN, phonenumbers.VOICEMAIL,
	}
	seen := 0
	for region := range phonenumbers.GetSupportedRegions() {
		for _, typ := range types {
			n := phonenumbers.GetExampleNumberForType(region, typ)
			if n == nil {
				continue
			}
			seen++
			e164 := phonenumbers.Format(n, phonenumbers.E164)
			if phonenumbers.IsPossibleNumberWithReason(n) != phonenumbers.IS_POSSIBLE {
				// Dialled inside the country only.
				if _, err := Parse(e164); !errors.Is(err, ErrLength) {
					t.Errorf("%s: %v", e164, err)
				}
				continue
			}
			want := inTable(phonenumbers.GetRegionCodeForNumber(n))
			got, err := Parse(e164)
			if err != nil || got.E164 != e164 || got.Country != want {
				t.Errorf("%s: %+v, %v; want %s", e164, got, err, want)
			}
		}
	}
	if seen < 1000 {
		t.Errorf("only %d examples", seen)
	}
}

// Random numbers of every calling code: what the library finds possible parses,
// and where it knows the region, that is the country.
func TestParseAgreesWithTheLibrary(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for code := range phonenumbers.GetSupportedCallingCodes() {
		rounds := 100
		if len(phonenumbers.GetRegionCodesForCountryCode(code)) > 1 {
			rounds = 800
		}
		for range rounds {
			national := make([]byte, 2+rng.IntN(16-len(strconv.Itoa(code))))
			for i := range national {
				national[i] = byte('0' + rng.IntN(10))
			}
			if national[0] == '0' {
				// A zero in front is the library's to keep or drop by rules on the
				// whole number; the examples above cover those that are kept.
				national[0] = '1'
			}
			agree(t, code, string(national))
		}
	}
	// Area codes are dense in the North American plan: all of them.
	for area := 200; area < 1000; area++ {
		agree(t, 1, fmt.Sprintf("%d5550168", area))
		agree(t, 1, fmt.Sprintf("%d2345678", area))
	}
	// And the islands share the mobile ranges of the United Kingdom.
	for prefix := 70000; prefix < 80000; prefix++ {
		if prefix%3 == 0 || prefix >= 77000 && prefix < 78000 {
			agree(t, 44, fmt.Sprintf("%d%05d", prefix, rng.IntN(100000)))
		}
	}
}

func agree(t *testing.T, code int, national string) {
	t.Helper()
	digits, err := strconv.ParseUint(national, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	country := int32(code)
	n := &phonenumbers.PhoneNumber{CountryCode: &country, NationalNumber: &digits}
	possible := phonenumbers.IsPossibleNumberWithReason(n) == phonenumbers.IS_POSSIBLE
	e164 := fmt.Sprintf("+%d%s", code, national)
	got, err := Parse(e164)
	if possible != (err == nil) {
		t.Errorf("%s: possible %v, but %v", e164, possible, err)
		return
	}
	if !possible {
		return
	}
	region := phonenumbers.GetRegionCodeForNumber(n)
	if region == "" || (region != "001" && !phonenumbers.IsValidNumber(n) && len(phonenumbers.GetRegionCodesForCountryCode(code)) > 1) {
		// Unknown to the library. The country must still be one of the calling
		// code's.
		for _, r := range phonenumbers.GetRegionCodesForCountryCode(code) {
			if got.Country == inTable(r) {
				return
			}
		}
		t.Errorf("%s: %s is no country of this calling code", e164, got.Country)
		return
	}
	if want := inTable(region); got.Country != want {
		t.Errorf("%s: %s, the library says %s", e164, got.Country, want)
	}
}

func TestParseDoesNotAllocate(t *testing.T) {
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Parse("+447860019066"); err != nil {
			t.Fatal(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func FuzzParse(f *testing.F) {
	for _, s := range []string{"+447860019066", "14255550168", "+4407860019066", "+390612345678", "", "+0", "+8100"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		n, err := Parse(s)
		if err != nil {
			return
		}
		again, err := Parse(n.E164)
		if err != nil || again.Country != n.Country || n.E164[0] != '+' {
			t.Fatalf("%q: %+v, then %+v, %v", s, n, again, err)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	numbers := make([]string, 1<<16)
	rng := rand.New(rand.NewPCG(3, 4))
	for i := range numbers {
		numbers[i] = fmt.Sprintf([]string{"+4478%08d", "+1425%07d", "+4917%08d", "+7701%07d"}[i%4], rng.IntN(1e7))
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if _, err := Parse(numbers[i%len(numbers)]); err != nil {
			b.Fatal(err)
		}
	}
}
