package admin

import (
	"fmt"
	"slices"
	"strings"

	"heliograph/internal/numbering"
	"heliograph/internal/sms"
)

// Lengths in digits of a short code.
const (
	minShortCode = 3
	maxShortCode = 8
)

// IsShortCode reports whether s has the form of a short code: 3 to 8 digits.
func IsShortCode(s string) bool {
	return len(s) >= minShortCode && len(s) <= maxShortCode && s[0] != '0' && strings.Trim(s, "0123456789") == ""
}

var (
	numberTypes  = []sms.NumberType{sms.ShortCode, sms.LongCode, sms.TollFree, sms.TenDLC}
	capabilities = []sms.Capability{sms.CapabilitySMS, sms.CapabilityVoice, sms.CapabilityMMS, sms.CapabilityRCS}
)

// CheckNumber checks a number that is to enter the inventory. It does not know the
// carriers. field names the member that cannot be used, as the configuration
// spells it.
func CheckNumber(n sms.InventoryNumber) (field string, err error) {
	if n.Type == sms.Simulator {
		return "type", fmt.Errorf("%s numbers are made when they are requested and need no inventory; allowed are %s", n.Type, words(numberTypes))
	}
	if !slices.Contains(numberTypes, n.Type) {
		return "type", fmt.Errorf("%q is none of %s", n.Type, words(numberTypes))
	}
	country, ok := numbering.Lookup(n.Country)
	if !ok {
		return "country", fmt.Errorf("%q is no country that is served; ISO 3166-1 alpha-2 in capitals is needed", n.Country)
	}
	if err := checkForm(n, country); err != nil {
		return "number", err
	}
	if len(n.Capabilities) == 0 {
		return "capabilities", fmt.Errorf("at least one is needed, of %s", words(capabilities))
	}
	for i, c := range n.Capabilities {
		if !slices.Contains(capabilities, c) {
			return "capabilities", fmt.Errorf("%q is none of %s", c, words(capabilities))
		}
		if slices.Contains(n.Capabilities[:i], c) {
			return "capabilities", fmt.Errorf("%s is there twice", c)
		}
	}
	if !(n.PartsPerSecond >= 0) {
		return "parts_per_second", fmt.Errorf("%v is not a number of message parts a second; 0 is the guide's figure", n.PartsPerSecond)
	}
	return "", nil
}

func checkForm(n sms.InventoryNumber, country numbering.Country) error {
	if n.Type == sms.ShortCode {
		if !IsShortCode(n.Number) {
			return fmt.Errorf("%q is no short code: %d to %d digits are needed", n.Number, minShortCode, maxShortCode)
		}
		return nil
	}
	parsed, err := numbering.Parse(n.Number)
	if err != nil {
		return fmt.Errorf("%q: %w", n.Number, err)
	}
	if parsed.E164 != n.Number {
		return fmt.Errorf("%q is not in E.164 format; %q is", n.Number, parsed.E164)
	}
	if _, _, simulated := numbering.Simulator(n.Number); simulated {
		return fmt.Errorf("%q is a destination of the simulator", n.Number)
	}
	begins := func(code string) bool { return strings.HasPrefix(n.Number[1:], code) }
	if !slices.ContainsFunc(country.CallingCodes(), begins) {
		return fmt.Errorf("%q is not a number of %s, whose calling code is %s", n.Number, n.Country, strings.Join(country.CallingCodes(), " or "))
	}
	return nil
}

func words[T ~string](list []T) string {
	out := make([]string, len(list))
	for i, w := range list {
		out[i] = string(w)
	}
	return strings.Join(out, ", ")
}
