package origin

import (
	"heliograph/internal/numbering"
	"heliograph/internal/sms"
)

// obstacle is what keeps a phone number from sending to a destination.
type obstacle int

const (
	able obstacle = iota
	noSMS
	simulatorOnly
	receiveOnly
	otherCountry
	notActive
)

func obstacleTo(d *Destination, n *sms.PhoneNumber) obstacle {
	switch {
	case !carriesSMS(n):
		return noSMS
	case n.Type == sms.Simulator:
		if !d.Simulator || n.Country != d.Country.ISO2 {
			return simulatorOnly
		}
	case !numbering.Reaches(n.Type, n.Country, d.Country.ISO2):
		if onlyReceives(n) {
			return receiveOnly
		}
		if !n.InternationalSending {
			return otherCountry
		}
	}
	if n.Status != sms.NumberActive {
		return notActive
	}
	return able
}

func carriesSMS(n *sms.PhoneNumber) bool {
	for _, c := range n.Capabilities {
		if c == sms.CapabilitySMS {
			return true
		}
	}
	return false
}

func onlyReceives(n *sms.PhoneNumber) bool {
	if n.Type != sms.LongCode {
		return false
	}
	country, ok := numbering.Lookup(n.Country)
	return ok && country.LongCodes == numbering.LongCodesReceiveOnly
}

// refuse is the error of a request that names the number.
func (o obstacle) refuse(d *Destination, n *sms.PhoneNumber) error {
	invalid := func(format string, args ...any) error {
		return sms.Invalid(sms.ReasonInvalidIdentityForCountry, "OriginationIdentity", format, args...)
	}
	switch o {
	case noSMS:
		return sms.Conflict(sms.ReasonNumberCapabilitiesMismatch, sms.TypePhoneNumber, n.ID,
			"Phone number %s does not have the SMS capability.", n.ID)
	case simulatorOnly:
		return invalid("A simulator phone number sends only to the simulator's destination numbers of its own country, %s.", n.Country)
	case receiveOnly:
		return invalid("Long codes of %s only receive messages.", n.Country)
	case otherCountry:
		return invalid("A %s phone number of %s cannot send to %s.", n.Type, n.Country, d.Country.ISO2)
	}
	return sms.Conflict(sms.ReasonResourceNotActive, sms.TypePhoneNumber, n.ID,
		"Phone number %s is %s; only an %s one can send.", n.ID, n.Status, sms.NumberActive)
}

// selection picks one of the account's numbers, nil for none.
type selection func(*Destination, *Account, sms.MessageType, State) *sms.PhoneNumber

// bestNumber is the account's number for the destination's country, nil for none:
// of the type asked for, of that very country, with its carrier up, the least
// loaded, the oldest.
func bestNumber(d *Destination, a *Account, t sms.MessageType, s State) *sms.PhoneNumber {
	return best(d, a, t, s, func(n *sms.PhoneNumber) bool {
		return n.Type == sms.Simulator || numbering.Reaches(n.Type, n.Country, d.Country.ISO2)
	})
}

// bestAbroad is the same of the numbers that may send to other countries.
func bestAbroad(d *Destination, a *Account, t sms.MessageType, s State) *sms.PhoneNumber {
	return best(d, a, t, s, func(n *sms.PhoneNumber) bool { return n.InternationalSending })
}

func best(d *Destination, a *Account, t sms.MessageType, s State, of func(*sms.PhoneNumber) bool) *sms.PhoneNumber {
	i := choose(len(a.Numbers),
		func(i int) int {
			n := a.Numbers[i]
			if !of(n) || obstacleTo(d, n) != able {
				return unable
			}
			return points(n.MessageType != wanted(t), n.Country != d.Country.ISO2, !s.healthy(n.Carrier))
		},
		func(i int) float64 { return s.backlog(numberLane(a.Numbers[i])) },
		func(i int) uint64 { return uint64(i) })
	if i < 0 {
		return nil
	}
	return a.Numbers[i]
}

// ownNumber sends from a number that was chosen for the request. If it is in a
// pool, the pool's other members may take its place.
func ownNumber(n *sms.PhoneNumber, why string) sms.Route {
	r := numberRoute(n, why)
	r.PoolID = n.PoolID
	return r
}

func numberRoute(n *sms.PhoneNumber, why string) sms.Route {
	return sms.Route{Identity: n.Number, Kind: sms.IdentityPhoneNumber, NumberType: n.Type, IdentityID: n.ID,
		Carrier: n.Carrier, Lane: numberLane(n), PartsPerSecond: n.PartsPerSecond, Why: why}
}

func numberLane(n *sms.PhoneNumber) string { return "phone-number/" + n.ID }
