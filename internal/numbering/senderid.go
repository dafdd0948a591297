package numbering

import (
	"fmt"
	"strings"
)

// SenderIDReason says what is wrong with a sender id.
type SenderIDReason string

const (
	SenderIDBadLength            SenderIDReason = "LENGTH"                // not 1 to 11, or not what the country wants
	SenderIDBadCharacters        SenderIDReason = "CHARACTERS"            // others than A-Z, a-z, 0-9, _ and -
	SenderIDNoLetter             SenderIDReason = "NO_LETTER"             // digits and signs alone
	SenderIDCountryNotServed     SenderIDReason = "COUNTRY_NOT_SERVED"    // no such country in the table
	SenderIDNotSupported         SenderIDReason = "NOT_SUPPORTED"         // the country has no sender ids
	SenderIDRegistrationRequired SenderIDReason = "REGISTRATION_REQUIRED" // the country wants it registered
)

// SenderIDError says why a sender id is refused.
type SenderIDError struct {
	SenderID string
	Country  string
	Reason   SenderIDReason
	Text     string // what is wrong and what is allowed
}

func (e *SenderIDError) Error() string {
	return fmt.Sprintf("sender id %q for %s: %s", e.SenderID, e.Country, e.Text)
}

// maxSenderID is the most characters of a sender id (the model's SenderId).
const maxSenderID = 11

// CheckSenderID checks the form of a sender id for a country: the model's
// pattern, 1 to 11 characters with at least one letter, and the exact length
// that some countries want. India's promotional sender ids may be digits alone
// (guide chapters 8 and 9). The error is a *SenderIDError.
func CheckSenderID(id, country string, promotional bool) error {
	fail := func(r SenderIDReason, format string, args ...any) error {
		return &SenderIDError{SenderID: id, Country: country, Reason: r, Text: fmt.Sprintf(format, args...)}
	}
	c, ok := Lookup(country)
	if !ok {
		return fail(SenderIDCountryNotServed, "the country is not served")
	}
	if len(id) < 1 || len(id) > maxSenderID {
		return fail(SenderIDBadLength, "it has %d characters, 1 to %d are allowed", len(id), maxSenderID)
	}
	if strings.ContainsFunc(id, func(r rune) bool { return !isLetter(r) && !isDigit(r) && r != '_' && r != '-' }) {
		return fail(SenderIDBadCharacters, "only A-Z, a-z, 0-9, _ and - are allowed")
	}
	if c.SenderIDLength != 0 && len(id) != c.SenderIDLength {
		return fail(SenderIDBadLength, "it has %d characters, the country wants exactly %d", len(id), c.SenderIDLength)
	}
	if !strings.ContainsFunc(id, isLetter) {
		digits := !strings.ContainsFunc(id, func(r rune) bool { return !isDigit(r) })
		if !(country == "IN" && promotional && digits) {
			return fail(SenderIDNoLetter, "at least one letter is needed")
		}
	}
	return nil
}

// CheckSenderIDRequest checks a sender id that is asked for by RequestSenderId:
// its form, then whether the country has sender ids and gives them without
// registration. The error is a *SenderIDError.
func CheckSenderIDRequest(id, country string, promotional bool) error {
	if err := CheckSenderID(id, country, promotional); err != nil {
		return err
	}
	c, _ := Lookup(country)
	switch c.SenderIDs {
	case SenderIDsNo:
		return &SenderIDError{id, country, SenderIDNotSupported, "the country does not support sender ids"}
	case SenderIDsRegistrationRequired:
		return &SenderIDError{id, country, SenderIDRegistrationRequired, "the country requires the sender id to be registered first"}
	}
	return nil
}

func isLetter(r rune) bool { return r >= 'A' && r <= 'Z' || r >= 'a' && r <= 'z' }

func isDigit(r rune) bool { return r >= '0' && r <= '9' }
