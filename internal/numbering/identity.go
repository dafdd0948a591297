package numbering

import "heliograph/internal/sms"

// unitedStates reports the United States and the territories that its
// toll-free, 10DLC and short code numbers reach (guide chapters 7 and 9).
func unitedStates(country string) bool {
	switch country {
	case "US", "PR", "VI", "GU", "AS":
		return true
	}
	return false
}

// DefaultPartsPerSecond is the throughput of an origination identity of a
// country in message parts a second, where the inventory says nothing else
// (guide chapter 5, "Message Parts per Second (MPS) limits"). number is looked
// at for phone numbers only. The guide leaves short codes outside the United
// States and Canada open and does not speak of simulator numbers: both get the
// 10 of the other identities.
func DefaultPartsPerSecond(kind sms.IdentityKind, number sms.NumberType, country string) float64 {
	switch kind {
	case sms.IdentitySenderID:
		return 10
	case sms.IdentitySharedRoute:
		return 20
	}
	northAmerica := unitedStates(country) || country == "CA"
	switch {
	case number == sms.TenDLC:
		return 1
	case number == sms.TollFree:
		return 3
	case number == sms.ShortCode && northAmerica:
		return 100
	case number == sms.LongCode && northAmerica:
		return 1
	}
	return 10
}

// Offers reports whether phone numbers of a type exist for messages in the
// country, in either direction. Toll-free and simulator numbers are only those
// of the United States. So are 10DLC numbers, which there and in the
// territories stand for the long codes of the country table: plain long codes
// carry no messages there (guide chapters 3, 5 and 7).
func (c Country) Offers(number sms.NumberType) bool {
	switch number {
	case sms.ShortCode:
		return c.ShortCodes
	case sms.LongCode:
		return c.LongCodes != LongCodesNo && !unitedStates(c.ISO2)
	case sms.TollFree, sms.TenDLC, sms.Simulator:
		return c.ISO2 == "US"
	}
	return false
}

// NumberTypes lists the types of phone number that the country offers.
func (c Country) NumberTypes() []sms.NumberType {
	var types []sms.NumberType
	for _, t := range []sms.NumberType{sms.ShortCode, sms.LongCode, sms.TollFree, sms.TenDLC, sms.Simulator} {
		if c.Offers(t) {
			types = append(types, t)
		}
	}
	return types
}

// NeedsRegistration reports whether phone numbers of a type stay PENDING until
// they are approved: short codes by the carriers, toll-free and 10DLC numbers
// by registration (guide chapters 5, 7 and 9).
func NeedsRegistration(number sms.NumberType) bool {
	switch number {
	case sms.ShortCode, sms.TollFree, sms.TenDLC:
		return true
	}
	return false
}

// Reaches reports whether a phone number of a type and country can send
// messages to numbers of the destination country without international
// sending. Long codes that only receive reach nothing; simulator numbers reach
// their own country's simulator destinations alone, which Simulator tells.
func Reaches(number sms.NumberType, country, destination string) bool {
	switch number {
	case sms.ShortCode, sms.TollFree, sms.TenDLC:
		if country == "US" {
			return unitedStates(destination)
		}
	case sms.LongCode:
		c, ok := Lookup(country)
		if !ok || c.LongCodes == LongCodesReceiveOnly {
			return false
		}
	}
	return country == destination
}
