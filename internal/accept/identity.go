package accept

import (
	"slices"
	"strings"

	"heliograph/internal/encode"
	"heliograph/internal/origin"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// choose finds the route of a message among the identities of s. natural is the message
// type of the identity, for requests that ask for none.
func (v *Service) choose(s *resources.Snapshot, given string, d origin.Destination, asked sms.MessageType, set *sms.ConfigurationSet) (route sms.Route, natural sms.MessageType, err error) {
	account := v.account(s, d)
	named, err := v.resolve(s, given)
	if err != nil {
		return sms.Route{}, "", err
	}
	switch {
	case named.number != nil:
		route, err = origin.Number(d, named.number)
	case named.pool != nil && named.pool.Status != sms.PoolActive:
		return sms.Route{}, "", sms.Conflict(sms.ReasonResourceNotActive, sms.TypePool, named.pool.ID,
			"Pool %s is %s; only an %s one can send.", named.pool.ID, named.pool.Status, sms.PoolActive)
	case named.pool != nil:
		members := s.Members(named.pool.ID)
		route, err = origin.Pool(d, account, named.pool, members.Numbers, members.SenderIDs, v.state)
		return route, named.pool.MessageType, err
	case named.senderID != "":
		if named.country != "" && named.country != d.Country.ISO2 {
			return sms.Route{}, "", sms.Invalid(sms.ReasonInvalidIdentityForCountry, originationIdentity,
				"This is a sender ID for %s; it cannot send to %s.", named.country, d.Country.ISO2)
		}
		route, err = origin.SenderID(d, account, named.senderID, leased(s, named.senderID, d.Country.ISO2), asked, v.state)
	default:
		defaultSender := ""
		if set != nil {
			defaultSender = set.DefaultSenderID
		}
		route, err = origin.Any(d, account, defaultSender, asked, v.state)
	}
	return route, naturalType(s, route), err
}

// naturalType is the message type of the identity that a route leaves from.
func naturalType(s *resources.Snapshot, r sms.Route) sms.MessageType {
	switch r.Kind {
	case sms.IdentityPhoneNumber:
		if n := s.PhoneNumbers.Get(r.IdentityID); n != nil {
			return n.Value.MessageType
		}
	case sms.IdentitySenderID:
		if own := s.SenderIDs.Get(r.IdentityID); own != nil && !slices.Contains(own.Value.MessageTypes, sms.Transactional) {
			return sms.Promotional
		}
	}
	return sms.Transactional
}

func (v *Service) account(s *resources.Snapshot, d origin.Destination) origin.Account {
	return origin.Account{ID: s.Account.ID, Numbers: s.NumbersReaching(d.Country.ISO2), SenderIDs: s.SenderIDsFor(d.Country.ISO2),
		Shared: v.shared, DefaultCarrier: v.fallback}
}

// Reroute chooses another member of a message's pool, which is of the account s, whose
// carrier is up, for a message that its carrier cannot take. ok is false where there is
// none.
func (v *Service) Reroute(s *resources.Snapshot, m *sms.Message, now sms.Route) (route sms.Route, ok bool) {
	pool := s.Pools.Get(now.PoolID)
	if pool == nil {
		return sms.Route{}, false
	}
	d, err := parseDestination(m.Destination)
	if err != nil {
		return sms.Route{}, false
	}
	takes := func(carrier string) bool {
		return carrier != now.Carrier && v.carriers.Healthy(carrier) && v.fits(m, now.Carrier, carrier)
	}
	members := s.Members(pool.ID)
	route, err = origin.Pool(d, v.account(s, d), &pool.Value, members.Numbers, members.SenderIDs,
		origin.State{Healthy: takes, Backlog: v.carriers.Backlog})
	route = v.simulated(d, route)
	if err != nil || !takes(route.Carrier) {
		return sms.Route{}, false
	}
	route.Why = "carrier " + now.Carrier + " of " + now.Identity + " is down; " + route.Why
	v.sticky.put(route.PoolID, m.Destination, route.Identity)
	return route, true
}

// fits reports whether a message that was cut for one carrier leaves in the same
// parts and encoding from another: what was billed is what is sent.
func (v *Service) fits(m *sms.Message, from, to string) bool {
	a, _ := v.carriers.Cut(from)
	b, ok := v.carriers.Cut(to)
	return ok && (m.Parts == 1 || a.Reference16 == b.Reference16) &&
		(a.Alphabet == b.Alphabet || m.Encoding == string(encode.Unicode) || b.Alphabet.Represents(m.Body))
}

// identity is what OriginationIdentity names; none of it where nothing was given.
type identity struct {
	number   *sms.PhoneNumber
	pool     *sms.Pool
	senderID string
	country  string // of a sender ID named by ARN
}

const originationIdentity = "OriginationIdentity"

// resolve finds what an OriginationIdentity names.
//
// Errors: Validation INVALID_ARN for an ARN that is unreadable, foreign or of
// another kind of resource, and for an id of another kind; ResourceNotFound.
func (v *Service) resolve(s *resources.Snapshot, given string) (identity, error) {
	if given == "" {
		return identity{}, nil
	}
	kind, id := sms.ResourceType(""), given
	if sms.IsARN(given) {
		a, err := v.ownARN(s, given, originationIdentity, sms.TypePhoneNumber, sms.TypePool, sms.TypeSenderID)
		if err != nil {
			return identity{}, err
		}
		kind, id = a.Type, a.ID
	} else if kind, id = Named(s, given); kind == "" {
		return identity{}, sms.Invalid(sms.ReasonInvalidARN, originationIdentity,
			"OriginationIdentity has to be a phone number, a sender ID, or the id or ARN of a phone number, sender ID or pool.")
	}
	switch kind {
	case sms.TypePool:
		if p := s.Pools.Get(id); p != nil {
			return identity{pool: &p.Value}, nil
		}
	case sms.TypePhoneNumber:
		if n := s.PhoneNumbers.Get(id); n != nil {
			return identity{number: &n.Value}, nil
		}
	case sms.TypeSenderID:
		if name, country, byARN := strings.Cut(id, "/"); !byARN && len(name) <= maxSenderID || s.SenderIDs.Get(id) != nil {
			return identity{senderID: name, country: country}, nil
		}
	}
	return identity{}, sms.NotFound(kind, given)
}

// Named tells what an OriginationIdentity that is not an ARN names in an account:
// the type and the id of the resource, as its ARN has them but for the country of
// a sender ID. What the account does not have comes back as it was given. kind is
// empty where it cannot be one of a phone number, sender ID or pool.
func Named(s *resources.Snapshot, given string) (kind sms.ResourceType, id string) {
	if kind = Form(given); kind == sms.TypePhoneNumber && !strings.HasPrefix(given, "phone-") {
		n := s.Number(given)
		if n == nil {
			n = s.Number("+" + given)
		}
		switch {
		case n != nil:
			return sms.TypePhoneNumber, n.ID
		case len(s.SenderIDsNamed(given)) > 0: // promotional ones of India may be digits
			return sms.TypeSenderID, given
		}
	}
	return kind, given
}

// Form tells by its form alone what an OriginationIdentity that is not an ARN names.
// Digits are a phone number, which Named finds where they are a sender ID.
func Form(given string) sms.ResourceType {
	for _, p := range idPrefixes {
		if len(given) > maxSenderID && strings.HasPrefix(given, p.prefix) {
			return p.kind
		}
	}
	switch digits := strings.TrimPrefix(given, "+"); {
	case strings.Trim(digits, "0123456789") == "":
		return sms.TypePhoneNumber
	case strings.ContainsAny(given, ":/"):
		return ""
	}
	return sms.TypeSenderID
}

// chosenARN is the ARN of the origination identity of a route, "*" for a shared one.
func chosenARN(s *resources.Snapshot, r sms.Route) string {
	switch r.Kind {
	case sms.IdentityPhoneNumber:
		return s.ARN(sms.TypePhoneNumber, r.IdentityID)
	case sms.IdentitySenderID:
		return s.ARN(sms.TypeSenderID, r.IdentityID)
	}
	return "*"
}

// maxSenderID is the length in characters of the longest sender ID.
const maxSenderID = 11

// idPrefixes begin the ids of resources; no sender ID is long enough to be one.
// An empty kind has no place in an OriginationIdentity.
var idPrefixes = [...]struct {
	prefix string
	kind   sms.ResourceType
}{
	{"pool-", sms.TypePool}, {"phone-", sms.TypePhoneNumber},
	{"protect-", ""}, {"registration-", ""}, {"verified-", ""},
}

// ownARN reads an ARN of one of these types in this region and account.
func (v *Service) ownARN(s *resources.Snapshot, given, field string, types ...sms.ResourceType) (sms.ARN, error) {
	a, ok := sms.ParseARN(given)
	if !ok || !s.Local(a) {
		return a, sms.Invalid(sms.ReasonInvalidARN, field, "%s has to be an ARN of this service in %s.", field, v.region)
	}
	for _, t := range types {
		if a.Type != t {
			continue
		}
		if a.Account != s.Account.ID {
			return a, sms.NotFound(a.Type, given)
		}
		return a, nil
	}
	return a, sms.Invalid(sms.ReasonInvalidARN, field, "%s names a %s; allowed are %s.", field, a.Type, join(types))
}

func (v *Service) configurationSet(s *resources.Snapshot, given string) (*sms.ConfigurationSet, error) {
	if given == "" {
		return nil, nil
	}
	name := given
	if sms.IsARN(given) {
		a, err := v.ownARN(s, given, "ConfigurationSetName", sms.TypeConfigurationSet)
		if err != nil {
			return nil, err
		}
		name = a.ID
	}
	set := s.ConfigurationSets.Get(name)
	if set == nil {
		return nil, sms.NotFound(sms.TypeConfigurationSet, given)
	}
	return &set.Value, nil
}

// leased is the account's sender ID of this name in a country, nil for none.
func leased(s *resources.Snapshot, senderID, country string) *sms.SenderID {
	for _, item := range s.SenderIDsNamed(senderID) {
		if item.Value.Country == country {
			return &item.Value
		}
	}
	return nil
}

func join(types []sms.ResourceType) string {
	words := make([]string, len(types))
	for i, t := range types {
		words[i] = string(t)
	}
	return strings.Join(words, ", ")
}
