package api

import (
	"testing"
	"time"

	"heliograph/internal/api/wire"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

func TestFilterTime(t *testing.T) {
	day := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	for given, want := range map[string]time.Time{
		"2026-03-01":                    day,
		"2026-03-01T00:00:00Z":          day,
		"2026-03-01T02:30:00.250+02:30": day.Add(250 * time.Millisecond),
		"1772323200":                    day,
		"0":                             time.Unix(0, 0),
	} {
		if got, ok := filterTime(given); !ok || !got.Equal(want) {
			t.Errorf("%s: %v, %v, want %v", given, got, ok, want)
		}
	}
	for _, given := range []string{"", "-1", "1.5", "2026-02-30", "2026-03-01T00:00:00", "yesterday", "99999999999999999999", "1099511627776"} {
		if got, ok := filterTime(given); ok {
			t.Errorf("%q is read as %v", given, got)
		}
	}
}

// A value of any filter is refused in the one way there is, or says of every override
// whether it is meant.
func FuzzOverrideFilters(f *testing.F) {
	for name, value := range map[string]string{"iso-country-code": "GB", "destination-phone-number-begins-with": "+44", "action": "BLOCK",
		"expires-before": "2026-03-01", "expires-after": "1772323200", "created-before": "2026-03-01T00:00:00Z", "created-after": "-1", "other": "x"} {
		f.Add(name, value, int64(447946000001), int64(1772323200000))
	}
	f.Fuzz(func(t *testing.T, name, value string, key, until int64) {
		matches, err := overrideFilters([]wire.ProtectConfigurationRuleSetNumberOverrideFilterItem{{Name: name, Values: []string{value}}})
		if err != nil {
			e, ok := sms.AsError(err)
			_, known := overrideConditions[name]
			if !ok || e.Kind != sms.KindValidation || known != (e.Reason == sms.ReasonInvalidFilterValues) {
				t.Fatalf("%s %q: %v", name, value, err)
			}
			return
		}
		e := store.Entry{EntryKey: store.EntryKey{Key: key & (1<<59 - 1)}, Mark: sms.OverrideBlock, Until: time.UnixMilli(until)}
		o := numberOverride(&e)
		if name == "action" && matches(&o) != (value == "BLOCK") {
			t.Fatalf("action %s: %v", value, matches(&o))
		}
		o.ExpirationTimestamp = nil
		if meant := matches(&o); meant && (name == "expires-before" || name == "expires-after") {
			t.Fatalf("%s %q matches an override without an end", name, value)
		}
	})
}
