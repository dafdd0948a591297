// Package origin chooses the origination identity of a message: a pure function
// of the destination, what the account may send from, and how busy and healthy
// each of those is.
//
// The order is the guide's ("Phone pools", "Sender ID support"): the identity
// named; a member of the pool named; else the account's dedicated numbers for
// the country, the configuration set's default sender ID, the account's own
// sender IDs, and last the shared routes.
package origin

import (
	"cmp"
	"hash/fnv"
	"slices"
	"strconv"

	"heliograph/internal/numbering"
	"heliograph/internal/sms"
)

// Destination is the recipient, as far as choosing depends on it.
type Destination struct {
	Number  string // E.164
	Country numbering.Country
	// Simulator is set where the number is one of the simulator's destinations.
	Simulator bool
}

// State is what the choice must know of the outside, as functions of a lane and
// a carrier so that nothing is gathered that is not asked for.
type State struct {
	Healthy func(carrier string) bool
	Backlog func(lane string) float64 // seconds of sending that wait in the lane
	// Last is the identity that last wrote to a recipient from a pool, "" if none.
	Last func(pool, recipient string) string
}

// Account is what an account may send from.
type Account struct {
	ID        string
	Numbers   []sms.PhoneNumber
	SenderIDs []sms.SenderID
	Shared    []sms.SharedRoute
	// DefaultCarrier takes sender IDs that no inventory ties to a carrier in a
	// country that no shared route serves.
	DefaultCarrier string
}

// Number sends from the phone number that the request names.
func Number(d Destination, n sms.PhoneNumber) (sms.Route, error) {
	if err := usable(d, n); err != nil {
		return sms.Route{}, err
	}
	return numberRoute(n, "the request names this phone number"), nil
}

// SenderID sends from the sender ID that the request names, by the guide's
// table "Sender ID support". own is the account's lease of it in the
// destination country, nil where there is none.
func SenderID(d Destination, a Account, senderID string, own *sms.SenderID, t sms.MessageType) (sms.Route, error) {
	if d.Country.SenderIDs == numbering.SenderIDsNo {
		if n, ok := bestNumber(d, a, t, State{}); ok {
			return numberRoute(n, "sender IDs are not supported in "+d.Country.ISO2+": a dedicated number of the account"), nil
		}
		return shared(d, a, "sender IDs are not supported in "+d.Country.ISO2)
	}
	if err := numbering.CheckSenderID(senderID, d.Country.ISO2, t == sms.Promotional); err != nil {
		return sms.Route{}, sms.Invalid(sms.ReasonInvalidParameter, "OriginationIdentity", "%s", err)
	}
	if own != nil && own.Registered {
		return senderRoute(a, d, *own, "the request names this registered sender ID"), nil
	}
	if shown := d.Country.UnregisteredSenderID; shown != "" {
		return sharedAs(d, a, shown, "sender ID "+senderID+" is not registered in "+d.Country.ISO2)
	}
	if own == nil {
		own = &sms.SenderID{SenderID: senderID, Country: d.Country.ISO2}
	}
	return senderRoute(a, d, *own, "the request names this sender ID"), nil
}

// Pool sends from a member of a pool: able to reach the country and healthy; the
// one that last wrote to this recipient; then the least loaded by its throughput.
func Pool(d Destination, a Account, p sms.Pool, numbers []sms.PhoneNumber, senders []sms.SenderID, t sms.MessageType, s State) (sms.Route, error) {
	routes := make([]sms.Route, 0, len(numbers)+len(senders))
	for _, n := range numbers {
		if usable(d, n) == nil {
			routes = append(routes, numberRoute(n, ""))
		}
	}
	for _, sender := range senders {
		if sender.Country == d.Country.ISO2 && d.Country.SenderIDs != numbering.SenderIDsNo {
			if r, err := SenderID(d, a, sender.SenderID, &sender, t); err == nil {
				routes = append(routes, r)
			}
		}
	}
	if len(routes) == 0 {
		if p.SharedRoutes {
			r, err := shared(d, a, "no member of pool "+p.ID+" reaches "+d.Country.ISO2)
			r.PoolID = p.ID
			return r, err
		}
		return sms.Route{}, none(d, "no active member of pool %s can send to %s", p.ID, d.Country.ISO2)
	}
	last := ""
	if s.Last != nil {
		last = s.Last(p.ID, d.Number)
	}
	r := slices.MinFunc(routes, func(x, y sms.Route) int {
		return cmp.Or(
			cmp.Compare(rank(s.healthy(y)), rank(s.healthy(x))),
			cmp.Compare(rank(y.Identity == last), rank(x.Identity == last)),
			cmp.Compare(s.backlog(x), s.backlog(y)),
			cmp.Compare(affinity(d.Number, x.Identity), affinity(d.Number, y.Identity)),
		)
	})
	r.PoolID = p.ID
	r.Why = "chosen from pool " + p.ID + " of " + strconv.Itoa(len(routes)) + " able to reach " + d.Country.ISO2
	if r.Identity == last {
		r.Why += ": it last wrote to this recipient"
	} else {
		r.Why += ": the least loaded"
	}
	if !s.healthy(r) {
		r.Why += "; no member's carrier is up"
	}
	return r, nil
}

// Any sends from whatever the account has for the country. defaultSender is the
// configuration set's default sender ID, "" for none.
func Any(d Destination, a Account, defaultSender string, t sms.MessageType, s State) (sms.Route, error) {
	if n, ok := bestNumber(d, a, t, s); ok {
		return numberRoute(n, "the account's number for "+d.Country.ISO2), nil
	}
	if d.Country.SenderIDs != numbering.SenderIDsNo {
		if defaultSender != "" {
			own := find(a.SenderIDs, defaultSender, d.Country.ISO2)
			r, err := SenderID(d, a, defaultSender, own, t)
			r.Why = "the configuration set's default sender ID; " + r.Why
			return r, err
		}
		for _, sender := range a.SenderIDs {
			if sender.Country == d.Country.ISO2 && (sender.Registered || d.Country.UnregisteredSenderID == "") &&
				(t == "" || slices.Contains(sender.MessageTypes, t)) {
				return senderRoute(a, d, sender, "the account's sender ID for "+d.Country.ISO2), nil
			}
		}
	}
	return shared(d, a, "the account has no identity for "+d.Country.ISO2)
}

func find(senders []sms.SenderID, senderID, country string) *sms.SenderID {
	for i := range senders {
		if senders[i].SenderID == senderID && senders[i].Country == country {
			return &senders[i]
		}
	}
	return nil
}

// bestNumber prefers the type asked for, TRANSACTIONAL when none is, then health,
// then the least backlog.
func bestNumber(d Destination, a Account, t sms.MessageType, s State) (sms.PhoneNumber, bool) {
	wanted := t
	if wanted == "" {
		wanted = sms.Transactional
	}
	best, found := sms.PhoneNumber{}, false
	better := func(x, y sms.PhoneNumber) bool {
		rx, ry := numberRoute(x, ""), numberRoute(y, "")
		return cmp.Or(
			cmp.Compare(rank(y.MessageType == wanted), rank(x.MessageType == wanted)),
			cmp.Compare(rank(y.Country == d.Country.ISO2), rank(x.Country == d.Country.ISO2)),
			cmp.Compare(rank(s.healthy(ry)), rank(s.healthy(rx))),
			cmp.Compare(s.backlog(rx), s.backlog(ry)),
		) < 0
	}
	for _, n := range a.Numbers {
		if usable(d, n) == nil && (!found || better(n, best)) {
			best, found = n, true
		}
	}
	return best, found
}

// usable is nil where a phone number can send to the destination now.
func usable(d Destination, n sms.PhoneNumber) error {
	if !slices.Contains(n.Capabilities, sms.CapabilitySMS) {
		return sms.Conflict(sms.ReasonNumberCapabilitiesMismatch, sms.TypePhoneNumber, n.ID, "Phone number %s does not have the SMS capability.", n.ID)
	}
	if n.Type == sms.Simulator {
		if !d.Simulator || n.Country != d.Country.ISO2 {
			return sms.Invalid(sms.ReasonInvalidIdentityForCountry, "OriginationIdentity",
				"A simulator number reaches only the simulator's destination numbers of its own country, %s.", n.Country)
		}
	} else if !numbering.Reaches(n.Type, n.Country, d.Country.ISO2) && !n.InternationalSending {
		return sms.Invalid(sms.ReasonInvalidIdentityForCountry, "OriginationIdentity",
			"A %s of %s cannot send to %s.", n.Type, n.Country, d.Country.ISO2)
	}
	if n.Status != sms.NumberActive {
		return sms.Conflict(sms.ReasonResourceNotActive, sms.TypePhoneNumber, n.ID, "Phone number %s is %s; only an ACTIVE number can send.", n.ID, n.Status)
	}
	return nil
}

func none(d Destination, format string, args ...any) *sms.Error {
	e := sms.Conflict(sms.ReasonNoOriginationIdentitiesFound, "", "", format+".", args...)
	return e
}

func shared(d Destination, a Account, because string) (sms.Route, error) {
	return sharedAs(d, a, d.Country.SharedSenderID(), because)
}

// sharedAs sends over a shared route under a sender ID that the country asks
// for; empty where only numbers are shown.
func sharedAs(d Destination, a Account, shown, because string) (sms.Route, error) {
	if !d.Country.SharedRoutes {
		return sms.Route{}, none(d, "There is no origination identity for %s (%s), and shared routes are not available there", d.Country.ISO2, because)
	}
	route, ok := sharedRoute(a, d.Country.ISO2)
	if !ok {
		return sms.Route{}, none(d, "There is no origination identity for %s (%s), and no shared route serves it", d.Country.ISO2, because)
	}
	identity := shown
	switch {
	case shown == numbering.SharedSenderID && route.SenderID != "":
		identity = route.SenderID
	case shown == "":
		identity = route.Number
	}
	if identity == "" {
		return sms.Route{}, none(d, "The shared route to %s has no number to send from, and sender IDs are not supported there", d.Country.ISO2)
	}
	mps := route.PartsPerSecond
	if mps == 0 {
		mps = numbering.DefaultPartsPerSecond(sms.IdentitySharedRoute, "", d.Country.ISO2)
	}
	return sms.Route{Identity: identity, Kind: sms.IdentitySharedRoute, Carrier: route.Carrier, PartsPerSecond: mps,
		Lane: "shared-route/" + route.Carrier + "/" + identity, Why: because + ": a shared route"}, nil
}

func sharedRoute(a Account, country string) (sms.SharedRoute, bool) {
	for _, r := range a.Shared {
		if slices.Contains(r.Countries, country) {
			return r, true
		}
	}
	for _, r := range a.Shared {
		if slices.Contains(r.Countries, "*") {
			return r, true
		}
	}
	return sms.SharedRoute{}, false
}

func numberRoute(n sms.PhoneNumber, why string) sms.Route {
	return sms.Route{Identity: n.Number, Kind: sms.IdentityPhoneNumber, NumberType: n.Type, IdentityID: n.ID, PoolID: n.PoolID,
		Carrier: n.Carrier, Lane: "phone-number/" + n.ID, PartsPerSecond: n.PartsPerSecond, Why: why}
}

func senderRoute(a Account, d Destination, sender sms.SenderID, why string) sms.Route {
	carrier := sender.Carrier
	if carrier == "" {
		carrier = a.DefaultCarrier
		if r, ok := sharedRoute(a, d.Country.ISO2); ok {
			carrier = r.Carrier
		}
	}
	mps := sender.PartsPerSecond
	if mps == 0 {
		mps = numbering.DefaultPartsPerSecond(sms.IdentitySenderID, "", d.Country.ISO2)
	}
	pool := "" // named by itself, it speaks for a pool only where there is one to speak for
	if len(sender.PoolIDs) == 1 {
		pool = sender.PoolIDs[0]
	}
	return sms.Route{Identity: sender.SenderID, Kind: sms.IdentitySenderID, IdentityID: sender.Key(), PoolID: pool,
		Carrier: carrier, Lane: "sender-id/" + a.ID + "/" + sender.Key(), PartsPerSecond: mps, Why: why}
}

func (s State) healthy(r sms.Route) bool { return s.Healthy == nil || s.Healthy(r.Carrier) }

func (s State) backlog(r sms.Route) float64 {
	if s.Backlog == nil {
		return 0
	}
	return s.Backlog(r.Lane)
}

func rank(b bool) int {
	if b {
		return 1
	}
	return 0
}

// affinity spreads recipients over equally loaded members, and gives a recipient
// the same one again where nothing else decides.
func affinity(recipient, identity string) uint64 {
	h := fnv.New64a()
	h.Write([]byte(recipient))
	h.Write([]byte{0})
	h.Write([]byte(identity))
	return h.Sum64()
}
