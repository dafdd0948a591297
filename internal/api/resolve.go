package api

import (
	"strings"

	"heliograph/internal/api/wire"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// idPrefixes begin the ids of those kinds of resource that have ids rather than
// names.
var idPrefixes = [...]struct {
	kind   sms.ResourceType
	prefix string
}{
	{sms.TypePhoneNumber, "phone-"},
	{sms.TypePool, "pool-"},
	{sms.TypeProtectConfiguration, "protect-"},
	{sms.TypeRegistration, "registration-"},
	{sms.TypeVerifiedNumber, "verified-"},
}

func hasID(t sms.ResourceType) bool {
	for _, p := range idPrefixes {
		if p.kind == t {
			return true
		}
	}
	return false
}

// resolve gives the id, or for named kinds the name, of the resource that a
// member of the request names by id, name or ARN. It does not look whether there
// is such a resource.
//
// An ARN that cannot be read, or is of another service, region or type, and an id
// of another type are INVALID_ARN about the member called field. ARNs of other accounts
// than the one that the call is carried out in are not found. A name alone is one of the
// caller's account, so that nothing but ARNs names what is shared.
func resolve(c *Call, t sms.ResourceType, idOrARN, field string) (string, error) {
	if !sms.IsARN(idOrARN) {
		if c.shared() {
			return "", sms.Invalid(sms.ReasonInvalidRequest, field, "%s has to be the full ARN where the request is about resources of another account.", field)
		}
		if strings.ContainsAny(idOrARN, ":/") {
			return "", sms.Invalid(sms.ReasonInvalidARN, field, "%s is neither the id nor the ARN of a %s.", field, t)
		}
		if !hasID(t) {
			return idOrARN, nil
		}
		for _, p := range idPrefixes {
			if p.kind != t && strings.HasPrefix(idOrARN, p.prefix) {
				return "", sms.Invalid(sms.ReasonInvalidARN, field, "%s has the id of a %s; that of a %s is expected.", field, p.kind, t)
			}
		}
		return idOrARN, nil
	}
	a, ok := sms.ParseARN(idOrARN)
	switch {
	case !ok:
		return "", sms.Invalid(sms.ReasonInvalidARN, field, "%s has an ARN that is not one of this service.", field)
	case a.Partition != c.Partition || a.Region != c.Region:
		return "", sms.Invalid(sms.ReasonInvalidARN, field, "%s has an ARN of another region; %s in %s is served here.", field, c.Partition, c.Region)
	case a.Type != t:
		return "", sms.Invalid(sms.ReasonInvalidARN, field, "%s has the ARN of a %s; that of a %s is expected.", field, a.Type, t)
	case a.Account != c.AccountID:
		return "", sms.NotFound(t, idOrARN)
	}
	return a.ID, nil
}

// getter is a table of resources, committed or being changed.
type getter[T any] interface {
	Get(id string) *resources.Item[T]
}

// find resolves idOrARN and gets the resource from table, or ResourceNotFound.
func find[T any](c *Call, table getter[T], t sms.ResourceType, idOrARN, field string) (*resources.Item[T], error) {
	id, err := resolve(c, t, idOrARN, field)
	if err != nil {
		return nil, err
	}
	item := table.Get(id)
	if item == nil {
		return nil, sms.NotFound(t, idOrARN)
	}
	return item, nil
}

// reasonCountryMismatch is answered where an ARN and the country given beside it
// differ.
const reasonCountryMismatch sms.Reason = "COUNTRY_CODE_MISMATCH"

// resolveSenderID gives the key (sms.SenderID.Key) of a sender ID that is named by
// its ARN or by itself, and the country beside it.
func resolveSenderID(c *Call, senderIDOrARN, country, field, countryField string) (string, error) {
	if !sms.IsARN(senderIDOrARN) {
		name, err := resolve(c, sms.TypeSenderID, senderIDOrARN, field)
		return name + "/" + country, err
	}
	key, err := resolve(c, sms.TypeSenderID, senderIDOrARN, field)
	if err != nil {
		return "", err
	}
	_, inARN, ok := strings.Cut(key, "/")
	if !ok {
		return "", sms.Invalid(sms.ReasonInvalidARN, field, "%s has an ARN that does not end in a sender ID and a country.", field)
	}
	if inARN != country {
		return "", sms.Invalid(reasonCountryMismatch, countryField, "%s is %s, and the ARN is that of a sender ID for another country.", countryField, country)
	}
	return key, nil
}

// senderIDARNs are the ARNs of the sender IDs that a request names, for
// authorization.
func senderIDARNs(c *Call, ids ...wire.SenderIdAndCountry) []string {
	var arns []string
	for _, id := range ids {
		if !sms.IsARN(id.SenderId) {
			id.SenderId += "/" + id.IsoCountryCode
		}
		arns = append(arns, namedARN(c, sms.TypeSenderID, id.SenderId))
	}
	return arns
}
