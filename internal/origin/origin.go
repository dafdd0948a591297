// Package origin chooses the origination identity of a message: a pure function
// of the destination, what the account may send from, and how busy and healthy
// each of those is.
//
// The order is the guide's (chapter 5, "Choosing a phone number or sender ID";
// chapter 6; chapter 7, "Sender ID support"): the identity named; a member of the
// pool named; else the account's dedicated numbers for the country, the
// configuration set's default sender ID, the account's own sender IDs, its numbers
// that may send abroad, and last the shared routes.
package origin

import (
	"errors"
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

// State is what the choice must know of the outside, as functions so that nothing
// is gathered that is not asked for. A nil one knows nothing: every carrier is
// healthy, no lane has a backlog, nobody was written to.
type State struct {
	Healthy func(carrier string) bool
	Backlog func(lane string) float64 // seconds of sending that wait in the lane
	// Last is the identity that last wrote to a recipient from a pool, "" if none.
	Last func(pool, recipient string) string
}

// Account is what an account may send from.
type Account struct {
	ID        string
	Numbers   []*sms.PhoneNumber
	SenderIDs []*sms.SenderID
	Shared    []sms.SharedRoute
	// DefaultCarrier takes sender IDs that no inventory ties to a carrier in a
	// country that no shared route serves.
	DefaultCarrier string
}

// Number sends from the phone number that the request names.
//
// Errors: Conflict NUMBER_CAPABILITIES_MISMATCH, Validation
// INVALID_IDENTITY_FOR_DESTINATION_COUNTRY, Conflict RESOURCE_NOT_ACTIVE.
func Number(d Destination, n *sms.PhoneNumber) (sms.Route, error) {
	if o := obstacleTo(&d, n); o != able {
		return sms.Route{}, o.refuse(&d, n)
	}
	return numberRoute(n, "the request names this phone number"), nil
}

// SenderID sends from the sender ID that the request names, by the guide's table
// "Sender ID support". own is the account's lease of it in the destination
// country, nil where there is none.
//
// Errors: Validation INVALID_PARAMETER for one that the country's rules do not
// allow, Conflict NO_ORIGINATION_IDENTITIES_FOUND.
func SenderID(d Destination, a Account, senderID string, own *sms.SenderID, t sms.MessageType, s State) (sms.Route, error) {
	if own == nil {
		if err := checkForm(&d, senderID, t); err != nil {
			return sms.Route{}, err
		}
	}
	switch {
	case d.Country.SenderIDs == numbering.SenderIDsNo:
		because := "sender IDs are not supported in " + d.Country.ISO2
		for _, best := range [...]selection{bestNumber, bestAbroad} {
			if n := best(&d, &a, t, s); n != nil {
				return ownNumber(n, because+": the account's number"), nil
			}
		}
		return shared(&d, &a, because)
	case d.Country.SenderIDs == numbering.SenderIDsRegistrationRequired && !registered(own):
		return sharedAs(&d, &a, d.Country.UnregisteredSenderID, "sender ID "+senderID+" is not registered in "+d.Country.ISO2)
	}
	if own == nil {
		own = &sms.SenderID{SenderID: senderID, Country: d.Country.ISO2}
	}
	return senderRoute(&d, &a, own, "the request names this sender ID"), nil
}

func checkForm(d *Destination, senderID string, t sms.MessageType) error {
	err := numbering.CheckSenderID(senderID, d.Country.ISO2, t == sms.Promotional)
	var bad *numbering.SenderIDError
	if errors.As(err, &bad) {
		return sms.Invalid(sms.ReasonInvalidParameter, "OriginationIdentity", "Sender ID %q cannot send to %s: %s.", senderID, d.Country.ISO2, bad.Text)
	}
	return err
}

func registered(own *sms.SenderID) bool { return own != nil && own.Registered }

// Pool sends from a member of a pool: able to reach the country and, as far as
// there is one, with its carrier up; of those the one that last wrote to this
// recipient, else the least loaded by its throughput. Without an able member a
// pool that has them turned on uses the shared routes.
//
// Errors: Conflict NO_ORIGINATION_IDENTITIES_FOUND.
func Pool(d Destination, a Account, p *sms.Pool, numbers []*sms.PhoneNumber, senders []*sms.SenderID, s State) (sms.Route, error) {
	members := make([]sms.Route, 0, len(numbers)+len(senders))
	for _, n := range numbers {
		if obstacleTo(&d, n) == able {
			members = append(members, numberRoute(n, ""))
		}
	}
	for _, sender := range senders {
		if ableToSend(&d, sender) {
			members = append(members, senderRoute(&d, &a, sender, ""))
		}
	}
	if len(members) == 0 {
		if !p.SharedRoutes {
			return sms.Route{}, none("No active member of pool %s can send to %s.", p.ID, d.Country.ISO2)
		}
		r, err := shared(&d, &a, "no member of pool "+p.ID+" reaches "+d.Country.ISO2)
		r.PoolID = p.ID
		return r, err
	}
	last := ""
	if s.Last != nil {
		last = s.Last(p.ID, d.Number)
	}
	r := members[choose(len(members),
		func(i int) int { return points(!s.healthy(members[i].Carrier), members[i].Identity != last) },
		func(i int) float64 { return s.backlog(members[i].Lane) },
		func(i int) uint64 { return affinity(d.Number, members[i].Identity) })]
	r.PoolID = p.ID
	why := "the least loaded of " + strconv.Itoa(len(members)) + " members of pool " + p.ID + " that reach " + d.Country.ISO2
	if r.Identity == last {
		why = "the member of pool " + p.ID + " that last wrote to this recipient"
	}
	if !s.healthy(r.Carrier) {
		why += "; no member's carrier is up"
	}
	r.Why = why + r.Why
	return r, nil
}

// ableToSend: a member is there to be seen by its name, so one that would be
// replaced by a shared identity cannot send for its pool.
func ableToSend(d *Destination, sender *sms.SenderID) bool {
	return sender.Country == d.Country.ISO2 && (d.Country.SenderIDs == numbering.SenderIDsYes ||
		d.Country.SenderIDs == numbering.SenderIDsRegistrationRequired && sender.Registered)
}

// Any sends from whatever the account has for the country. defaultSender is the
// configuration set's default sender ID, "" for none; where the country's rules do
// not allow it, it counts as none.
//
// Errors: Conflict NO_ORIGINATION_IDENTITIES_FOUND.
func Any(d Destination, a Account, defaultSender string, t sms.MessageType, s State) (sms.Route, error) {
	if n := bestNumber(&d, &a, t, s); n != nil {
		return ownNumber(n, "the account's number for "+d.Country.ISO2), nil
	}
	if d.Country.SenderIDs != numbering.SenderIDsNo {
		if r, ok := anySenderID(&d, &a, defaultSender, t); ok {
			return r, nil
		}
	}
	if n := bestAbroad(&d, &a, t, s); n != nil {
		return ownNumber(n, "the account's number of "+n.Country+" that sends abroad"), nil
	}
	return shared(&d, &a, "the account has no identity for "+d.Country.ISO2)
}

// anySenderID prefers the default sender ID, and to both kinds of sender ID those
// that recipients will see as they are.
func anySenderID(d *Destination, a *Account, defaultSender string, t sms.MessageType) (sms.Route, bool) {
	const byDefault = "the configuration set's default sender ID"
	byName := func(s *sms.SenderID) bool { return s.SenderID == defaultSender && s.Country == d.Country.ISO2 }
	var own *sms.SenderID
	if defaultSender != "" {
		if i := slices.IndexFunc(a.SenderIDs, byName); i >= 0 {
			own = a.SenderIDs[i]
		} else if checkForm(d, defaultSender, t) == nil {
			own = &sms.SenderID{SenderID: defaultSender, Country: d.Country.ISO2}
		}
	}
	if own != nil && seenAsItIs(d, own) {
		return senderRoute(d, a, own, byDefault), true
	}
	var best *sms.SenderID
	for _, sender := range a.SenderIDs {
		if sender.Country == d.Country.ISO2 && seenAsItIs(d, sender) &&
			(best == nil || !slices.Contains(best.MessageTypes, wanted(t)) && slices.Contains(sender.MessageTypes, wanted(t))) {
			best = sender
		}
	}
	if best != nil {
		return senderRoute(d, a, best, "the account's sender ID for "+d.Country.ISO2), true
	}
	if own != nil && ableToSend(d, own) {
		return senderRoute(d, a, own, byDefault), true
	}
	return sms.Route{}, false
}

func seenAsItIs(d *Destination, sender *sms.SenderID) bool {
	return sender.Registered || d.Country.UnregisteredSenderID == ""
}

// wanted is the message type to look for: TRANSACTIONAL where none is asked for
// (guide chapter 5, "Differences between message type and message routes").
func wanted(t sms.MessageType) sms.MessageType {
	if t == "" {
		return sms.Transactional
	}
	return t
}
