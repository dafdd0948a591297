package origin

import (
	"slices"

	"heliograph/internal/numbering"
	"heliograph/internal/sms"
)

// none is the refusal of a destination that nothing of the account reaches.
func none(format string, args ...any) error {
	return sms.Conflict(sms.ReasonNoOriginationIdentitiesFound, "", "", format, args...)
}

// senderRoute sends from a sender ID. Singapore's regulator replaces those that
// are not registered (guide chapter 7, note 5 of the countries).
func senderRoute(d *Destination, a *Account, sender *sms.SenderID, why string) sms.Route {
	identity, carrier := sender.SenderID, sender.Carrier
	if !seenAsItIs(d, sender) {
		identity = d.Country.UnregisteredSenderID
		why += "; " + sender.SenderID + " is not registered in " + d.Country.ISO2
	}
	if carrier == "" {
		carrier = a.DefaultCarrier
		if r := sharedRoute(a, d.Country.ISO2); r != nil {
			carrier = r.Carrier
		}
	}
	mps := sender.PartsPerSecond
	if mps == 0 {
		mps = numbering.DefaultPartsPerSecond(sms.IdentitySenderID, "", d.Country.ISO2)
	}
	key := sender.Key()
	return sms.Route{Identity: identity, Kind: sms.IdentitySenderID, IdentityID: key,
		Carrier: carrier, Lane: "sender-id/" + a.ID + "/" + key, PartsPerSecond: mps, Why: why}
}

func shared(d *Destination, a *Account, because string) (sms.Route, error) {
	return sharedAs(d, a, d.Country.SharedSenderID(), because)
}

// sharedAs sends over a shared route under a sender ID that the country asks for;
// empty where only numbers are shown.
func sharedAs(d *Destination, a *Account, shown, because string) (sms.Route, error) {
	country := d.Country.ISO2
	if !d.Country.SharedRoutes {
		return sms.Route{}, none("There is no origination identity for %s (%s), and shared routes are not available there.", country, because)
	}
	route := sharedRoute(a, country)
	if route == nil {
		return sms.Route{}, none("There is no origination identity for %s (%s), and no shared route serves it.", country, because)
	}
	identity := shown
	switch {
	case shown == "":
		identity = route.Number
	case route.SenderID != "":
		identity = route.SenderID
	}
	if identity == "" {
		return sms.Route{}, none("There is no origination identity for %s (%s): sender IDs are not supported there, and the shared route has no number.", country, because)
	}
	mps := route.PartsPerSecond
	if mps == 0 {
		mps = numbering.DefaultPartsPerSecond(sms.IdentitySharedRoute, "", country)
	}
	return sms.Route{Identity: identity, Kind: sms.IdentitySharedRoute, Carrier: route.Carrier, PartsPerSecond: mps,
		Lane: "shared-route/" + route.Carrier + "/" + identity, Why: because + ": a shared route"}, nil
}

// sharedRoute is the one that names the country, else one for all; nil for none.
func sharedRoute(a *Account, country string) *sms.SharedRoute {
	for _, wanted := range [...]string{country, "*"} {
		for i := range a.Shared {
			if slices.Contains(a.Shared[i].Countries, wanted) {
				return &a.Shared[i]
			}
		}
	}
	return nil
}
