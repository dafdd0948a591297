package api

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"heliograph/internal/api/wire"
	"heliograph/internal/sms"
)

type override = wire.ProtectConfigurationRuleSetNumberOverride

// condition is one value of a filter: what an override has to be like.
type condition func(*override) bool

// overrideConditions read a value of each filter of number overrides, or say what is
// allowed.
var overrideConditions = map[string]func(value string) (c condition, allowed string){
	wire.ProtectConfigurationRuleSetNumberOverrideFilterNameISOCountryCode: func(v string) (condition, string) {
		if len(v) != 2 || strings.ToUpper(v) != v {
			return nil, "two capitals, a country of ISO 3166-1"
		}
		return func(o *override) bool { return value(o.IsoCountryCode) == v }, ""
	},
	wire.ProtectConfigurationRuleSetNumberOverrideFilterNameDestinationPhoneNumberBeginsWith: func(v string) (condition, string) {
		digits := strings.TrimPrefix(v, "+")
		if strings.Trim(digits, "0123456789") != "" || digits == "" {
			return nil, "the first digits of a phone number, with a plus sign or without"
		}
		return func(o *override) bool { return strings.HasPrefix(o.DestinationPhoneNumber[1:], digits) }, ""
	},
	wire.ProtectConfigurationRuleSetNumberOverrideFilterNameAction: func(v string) (condition, string) {
		if v != wire.ProtectConfigurationRuleOverrideActionAllow && v != wire.ProtectConfigurationRuleOverrideActionBlock {
			return nil, "ALLOW or BLOCK"
		}
		return func(o *override) bool { return o.Action == v }, ""
	},
	wire.ProtectConfigurationRuleSetNumberOverrideFilterNameExpiresBefore: timeCondition(func(o *override, at time.Time) bool {
		return o.ExpirationTimestamp != nil && o.ExpirationTimestamp.Before(at)
	}),
	wire.ProtectConfigurationRuleSetNumberOverrideFilterNameExpiresAfter: timeCondition(func(o *override, at time.Time) bool {
		return o.ExpirationTimestamp != nil && o.ExpirationTimestamp.After(at)
	}),
	wire.ProtectConfigurationRuleSetNumberOverrideFilterNameCreatedBefore: timeCondition(func(o *override, at time.Time) bool {
		return o.CreatedTimestamp.Before(at)
	}),
	wire.ProtectConfigurationRuleSetNumberOverrideFilterNameCreatedAfter: timeCondition(func(o *override, at time.Time) bool {
		return o.CreatedTimestamp.After(at)
	}),
}

func timeCondition(holds func(*override, time.Time) bool) func(string) (condition, string) {
	return func(v string) (condition, string) {
		at, ok := filterTime(v)
		if !ok {
			return nil, "a time as in RFC 3339, a date, or Unix seconds"
		}
		return func(o *override) bool { return holds(o, at) }, ""
	}
}

// filterTime reads a time of a filter's value, of which the model gives no format: RFC
// 3339, a date alone (its midnight in UTC) or seconds since 1970.
func filterTime(v string) (time.Time, bool) {
	for _, layout := range []string{time.RFC3339, time.DateOnly} {
		if at, err := time.Parse(layout, v); err == nil {
			return at, true
		}
	}
	if seconds, err := strconv.ParseInt(v, 10, 64); err == nil && seconds >= 0 && seconds < 1<<40 {
		return time.Unix(seconds, 0), true
	}
	return time.Time{}, false
}

// overrideFilters makes one condition of a request's filters: all have to hold, each by
// one of its values.
//
// Errors: Validation INVALID_FILTER_VALUES.
func overrideFilters(filters []wire.ProtectConfigurationRuleSetNumberOverrideFilterItem) (condition, error) {
	all := make([][]condition, len(filters))
	for i, f := range filters {
		read, ok := overrideConditions[f.Name]
		if !ok {
			return nil, sms.Invalid(sms.ReasonInvalidParameter, fmt.Sprintf("Filters[%d].Name", i), "Filters[%d].Name is not a filter of this operation.", i)
		}
		for j, v := range f.Values {
			c, allowed := read(v)
			if c == nil {
				field := fmt.Sprintf("Filters[%d].Values[%d]", i, j)
				return nil, sms.Invalid(sms.ReasonInvalidFilterValues, field, "%s is no value of %s, which is %s.", field, f.Name, allowed)
			}
			all[i] = append(all[i], c)
		}
	}
	return func(o *override) bool {
		return !slices.ContainsFunc(all, func(any []condition) bool {
			return !slices.ContainsFunc(any, func(c condition) bool { return c(o) })
		})
	}, nil
}
