package numbering

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/sms"
)

func TestLookup(t *testing.T) {
	tests := []Country{
		{ISO2: "GB", Name: "United Kingdom", callingCodes: "44", ShortCodes: true, LongCodes: LongCodesYes, SenderIDs: SenderIDsYes, TwoWay: true, SharedRoutes: true},
		{ISO2: "US", Name: "United States", callingCodes: "1", ShortCodes: true, LongCodes: LongCodesYes, SenderIDs: SenderIDsNo, TwoWay: true},
		{ISO2: "CN", Name: "China", callingCodes: "86", ShortCodes: true, LongCodes: LongCodesNo, SenderIDs: SenderIDsNo, TwoWay: true},
		{ISO2: "SG", Name: "Singapore", callingCodes: "65", ShortCodes: true, LongCodes: LongCodesYes, SenderIDs: SenderIDsYes, TwoWay: true, SharedRoutes: true, UnregisteredSenderID: "LIKELY-SCAM"},
		{ISO2: "IN", Name: "India", callingCodes: "91", ShortCodes: true, LongCodes: LongCodesNo, SenderIDs: SenderIDsRegistrationRequired, TwoWay: true, SharedRoutes: true, UnregisteredSenderID: "NOTICE", SenderIDLength: 6},
		{ISO2: "SA", Name: "Saudi Arabia", callingCodes: "966", LongCodes: LongCodesReceiveOnly, SenderIDs: SenderIDsRegistrationRequired, SharedRoutes: true, UnregisteredSenderID: "NOTICE"},
		{ISO2: "AE", Name: "United Arab Emirates (UAE)", callingCodes: "971", ShortCodes: true, LongCodes: LongCodesReceiveOnly, SenderIDs: SenderIDsRegistrationRequired, TwoWay: true, SharedRoutes: true, UnregisteredSenderID: "NOTICE"},
		{ISO2: "JE", Name: "Jersey", callingCodes: "441534", LongCodes: LongCodesYes, SenderIDs: SenderIDsYes, TwoWay: true, SharedRoutes: true},
		{ISO2: "DO", Name: "Dominican Republic", callingCodes: "1809 1829 1849", ShortCodes: true, LongCodes: LongCodesNo, SenderIDs: SenderIDsNo, TwoWay: true, SharedRoutes: true},
		{ISO2: "GW", Name: "Guinea-Bissau", callingCodes: "245", LongCodes: LongCodesNo, SenderIDs: SenderIDsYes, SharedRoutes: true},
		{ISO2: "AS", Name: "American Samoa", callingCodes: "1684", LongCodes: LongCodesYes, SenderIDs: SenderIDsNo, TwoWay: true, SharedRoutes: true},
	}
	for _, want := range tests {
		got, ok := Lookup(want.ISO2)
		if !ok || got != want {
			t.Errorf("%s: %+v, want %+v", want.ISO2, got, want)
		}
	}
	for _, iso := range []string{"CU", "IR", "KP", "SY", "SD", "us", "", "ZZ"} {
		if c, ok := Lookup(iso); ok {
			t.Errorf("%q is served: %+v", iso, c)
		}
	}
}

func TestCountries(t *testing.T) {
	list := Countries()
	if len(list) != 215 {
		t.Errorf("%d countries", len(list))
	}
	list[0].Name = "changed"
	if Countries()[0].Name != "Afghanistan" {
		t.Error("the table can be changed from outside")
	}
	for _, c := range Countries() {
		if len(c.ISO2) != 2 || c.Name == "" || len(c.CallingCodes()) == 0 {
			t.Errorf("%+v", c)
		}
		switch c.LongCodes {
		case LongCodesNo, LongCodesYes, LongCodesReceiveOnly:
		default:
			t.Errorf("%s: long codes %q", c.ISO2, c.LongCodes)
		}
		want := map[SenderIDs]string{SenderIDsNo: "", SenderIDsYes: "", SenderIDsRegistrationRequired: SharedSenderID}
		unregistered, ok := want[c.SenderIDs]
		if c.ISO2 == "SG" {
			unregistered = LikelyScamSenderID
		}
		if !ok || c.UnregisteredSenderID != unregistered {
			t.Errorf("%s: sender ids %q, unregistered become %q", c.ISO2, c.SenderIDs, c.UnregisteredSenderID)
		}
		for _, code := range c.CallingCodes() {
			prefix, n := findCode(code)
			if prefix == nil {
				t.Errorf("%s: calling code %s is unknown", c.ISO2, code)
				continue
			}
			if got := prefix.countryOf(code[n:]); got != c.ISO2 && c.ISO2 != "YT" && c.ISO2 != "KZ" && c.ISO2 != "CA" {
				t.Errorf("%s: numbers of %s are of %s", c.ISO2, code, got)
			}
		}
	}
}

func TestSharedSenderID(t *testing.T) {
	for iso, want := range map[string]string{"GB": "NOTICE", "IN": "NOTICE", "SG": "NOTICE", "BE": "", "NZ": "", "US": "", "CN": ""} {
		c, _ := Lookup(iso)
		if got := c.SharedSenderID(); got != want {
			t.Errorf("%s: %q, want %q", iso, got, want)
		}
	}
}

func TestNumberTypes(t *testing.T) {
	for iso, want := range map[string][]sms.NumberType{
		"US": {sms.ShortCode, sms.TollFree, sms.TenDLC, sms.Simulator},
		"PR": {sms.ShortCode},
		"GU": nil,
		"CA": {sms.ShortCode, sms.LongCode},
		"GB": {sms.ShortCode, sms.LongCode},
		"SA": {sms.LongCode},
		"FR": {sms.ShortCode},
		"AF": nil,
	} {
		c, ok := Lookup(iso)
		if d := cmp.Diff(want, c.NumberTypes()); d != "" || !ok {
			t.Errorf("%s: %s", iso, d)
		}
	}
}

func TestNeedsRegistration(t *testing.T) {
	for number, want := range map[sms.NumberType]bool{
		sms.ShortCode: true, sms.TollFree: true, sms.TenDLC: true, sms.LongCode: false, sms.Simulator: false,
	} {
		if got := NeedsRegistration(number); got != want {
			t.Errorf("%s: %v", number, got)
		}
	}
}

func TestReaches(t *testing.T) {
	tests := []struct {
		number      sms.NumberType
		country, to string
		want        bool
	}{
		{sms.TenDLC, "US", "US", true},
		{sms.TenDLC, "US", "PR", true},
		{sms.TollFree, "US", "AS", true},
		{sms.ShortCode, "US", "GU", true},
		{sms.ShortCode, "US", "VI", true},
		{sms.TollFree, "US", "CA", false},
		{sms.ShortCode, "PR", "PR", true},
		{sms.ShortCode, "PR", "US", false},
		{sms.ShortCode, "GB", "GB", true},
		{sms.ShortCode, "GB", "JE", false},
		{sms.LongCode, "GB", "GB", true},
		{sms.LongCode, "GB", "FR", false},
		{sms.LongCode, "PH", "PH", false},
		{sms.LongCode, "SA", "SA", false},
		{sms.LongCode, "AE", "AE", false},
		{sms.LongCode, "CU", "CU", false},
		{sms.Simulator, "US", "US", true},
		{sms.Simulator, "US", "PR", false},
		{sms.Simulator, "US", "GB", false},
	}
	for _, tt := range tests {
		if got := Reaches(tt.number, tt.country, tt.to); got != tt.want {
			t.Errorf("%s of %s to %s: %v", tt.number, tt.country, tt.to, got)
		}
	}
}

func TestDefaultPartsPerSecond(t *testing.T) {
	number := sms.IdentityPhoneNumber
	tests := []struct {
		kind    sms.IdentityKind
		number  sms.NumberType
		country string
		want    float64
	}{
		{number, sms.ShortCode, "US", 100},
		{number, sms.ShortCode, "CA", 100},
		{number, sms.ShortCode, "PR", 100},
		{number, sms.ShortCode, "GB", 10},
		{number, sms.TenDLC, "US", 1},
		{number, sms.LongCode, "CA", 1},
		{number, sms.LongCode, "US", 1},
		{number, sms.LongCode, "GB", 10},
		{number, sms.TollFree, "US", 3},
		{number, sms.Simulator, "US", 10},
		{sms.IdentitySenderID, "", "GB", 10},
		{sms.IdentitySharedRoute, "", "GB", 20},
		{sms.IdentitySharedRoute, "", "CA", 20},
	}
	for _, tt := range tests {
		if got := DefaultPartsPerSecond(tt.kind, tt.number, tt.country); got != tt.want {
			t.Errorf("%s %s of %s: %v, want %v", tt.kind, tt.number, tt.country, got, tt.want)
		}
	}
}
