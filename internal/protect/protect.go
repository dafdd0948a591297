// Package protect holds the rules of protect configurations, which say where an
// account's messages may go: what becomes of a message to a country, and of one to a
// number that has an override.
//
// Everything here is a pure function of its arguments.
package protect

import (
	"cmp"
	"time"

	"heliograph/internal/sms"
)

// Override says what becomes of messages to one number, whatever the rule of its
// country.
type Override struct {
	Block bool      // else they are let through
	Until time.Time // when it ends; zero: never
}

// NewOverride reads the mark and the end of an entry of the list sms.OverrideList.
func NewOverride(mark int64, until time.Time) Override {
	return Override{Block: mark == sms.OverrideBlock, Until: until}
}

// Mark is the mark of the override's entry.
func (o Override) Mark() int64 {
	if o.Block {
		return sms.OverrideBlock
	}
	return sms.OverrideAllow
}

// Ended reports whether the override has no effect any more.
func (o Override) Ended(now time.Time) bool { return !o.Until.IsZero() && !now.Before(o.Until) }

// Decision is what becomes of a message.
type Decision struct {
	Status sms.ProtectStatus
	// ByNumber: a number override says so, not the country's rule.
	ByNumber bool
}

// Applies is the id of the protect configuration that holds for a message: the one that
// the request names, or else its configuration set's, or else the account's default;
// empty where there is none of them.
func Applies(request, configurationSet, accountDefault string) string {
	return cmp.Or(request, configurationSet, accountDefault)
}

// Decide says what becomes of a message to a country (ISO 3166-1 alpha-2) over a
// capability. A number override that has not ended comes before the country's rule.
// Without a configuration, and without a rule for the country, a message is let
// through. override is nil where the number has none.
func Decide(c *sms.ProtectConfiguration, override *Override, country string, capability sms.Capability, now time.Time) Decision {
	switch {
	case c == nil:
		return Decision{Status: sms.ProtectAllow}
	case override != nil && !override.Ended(now) && override.Block:
		return Decision{Status: sms.ProtectBlock, ByNumber: true}
	case override != nil && !override.Ended(now):
		return Decision{Status: sms.ProtectAllow, ByNumber: true}
	}
	return Decision{Status: Rule(c, country, capability)}
}

// Rule is what a configuration does with messages to a country where the number has no
// override.
func Rule(c *sms.ProtectConfiguration, country string, capability sms.Capability) sms.ProtectStatus {
	return cmp.Or(c.Rules[capability][country], sms.ProtectAllow)
}

// Refusal is the answer to a message that is blocked, nil for any other.
//
// Errors: Conflict DESTINATION_COUNTRY_BLOCKED_BY_PROTECT_CONFIGURATION,
// DESTINATION_PHONE_NUMBER_BLOCKED_BY_PROTECT_NUMBER_OVERRIDE.
func (d Decision) Refusal(configuration, country string) error {
	switch {
	case d.Status != sms.ProtectBlock:
		return nil
	case d.ByNumber:
		return sms.Conflict(sms.ReasonNumberBlockedByProtect, sms.TypeProtectConfiguration, configuration,
			"Protect configuration %s blocks messages to this phone number.", configuration)
	}
	return sms.Conflict(sms.ReasonCountryBlockedByProtect, sms.TypeProtectConfiguration, configuration,
		"Protect configuration %s blocks messages to the country %s.", configuration, country)
}

// Update gives the rules of a configuration after some countries of a capability were
// given others. ALLOW takes a country's rule away. The configuration's own are not
// changed.
func Update(rules map[sms.Capability]map[string]sms.ProtectStatus, capability sms.Capability, updates map[string]sms.ProtectStatus) map[sms.Capability]map[string]sms.ProtectStatus {
	next := make(map[sms.Capability]map[string]sms.ProtectStatus, len(rules)+1)
	for c, of := range rules {
		next[c] = of
	}
	countries := make(map[string]sms.ProtectStatus, len(rules[capability])+len(updates))
	for country, status := range rules[capability] {
		countries[country] = status
	}
	for country, status := range updates {
		if status == sms.ProtectAllow {
			delete(countries, country)
		} else {
			countries[country] = status
		}
	}
	if next[capability] = countries; len(countries) == 0 {
		delete(next, capability)
	}
	return next
}
