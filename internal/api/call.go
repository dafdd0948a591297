package api

import (
	"maps"
	"slices"
	"strings"
	"time"

	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/trace"
)

// Call is one authenticated request to an operation.
type Call struct {
	Operation string        // its name, for instance "CreatePool"
	RequestID string        // the x-amzn-RequestId of the answer
	AccountID string        // the twelve digits of the caller's account
	Principal string        // ARN of the user, role session or root that signed
	Identity  *iam.Identity // who that is
	Now       time.Time

	// Account is the account's resources as they were when the call began. What
	// is changed goes through resources.Directory.Change, which sees newer ones.
	Account *resources.Snapshot

	// IdempotencyKey is the Idempotency-Key header, empty where there is none.
	IdempotencyKey string

	Partition, Region string // of every ARN of this installation

	// caller is the account that called where the call is carried out in another one,
	// which shares something with it; empty: AccountID. See session.acting.
	caller string

	pageKey []byte
	session *session       // nil in tests
	trace   *trace.Request // nil where the call is not traced
}

// root reports whether the call was signed with a key of the account's root.
func (c *Call) root() bool {
	return c.Identity != nil && c.Identity.Type == iam.Root && c.Identity.Account == c.AccountID
}

// ownIdempotencyKey tells the keys of users and roles apart from each other's and from
// those of the root: what one was answered is not for another who guesses the request. All
// sessions of a role are one.
func (c *Call) ownIdempotencyKey() string {
	if c.IdempotencyKey == "" || c.Identity == nil || c.Identity.Type == iam.Root {
		return c.IdempotencyKey
	}
	id, _, _ := strings.Cut(c.Identity.ID, ":")
	return id + " " + c.IdempotencyKey
}

// arn names a resource of the caller's account.
func (c *Call) arn(t sms.ResourceType, id string) string {
	return sms.ARN{Partition: c.Partition, Region: c.Region, Account: c.AccountID, Type: t, ID: id}.String()
}

// Limits are an account's quotas (guide chapter 17, "SMS quotas").
type Limits struct {
	PhoneNumbers                 int
	Pools                        int
	ConfigurationSets            int
	OptOutLists                  int
	SenderIDs                    int
	OriginationIdentitiesPerPool int
	EventDestinationsPerSet      int
	TagsPerResource              int
	Registrations                int
	RegistrationAttachments      int
	VerifiedDestinationNumbers   int
	Keywords                     int // that were added to one phone number or pool
	ProtectConfigurations        int
}

// DefaultLimits are the guide's figures. The guide names none for sender IDs,
// tags, registrations and their attachments: sender IDs get the 25 of the other
// resources, tags the 50 that other AWS services allow.
func DefaultLimits() Limits {
	return Limits{
		PhoneNumbers: 25, Pools: 25, ConfigurationSets: 25, OptOutLists: 25, SenderIDs: 25,
		OriginationIdentitiesPerPool: 100, EventDestinationsPerSet: 5, TagsPerResource: 50,
		Registrations: 25, RegistrationAttachments: 25, VerifiedDestinationNumbers: 10, Keywords: 30, ProtectConfigurations: 25,
	}
}

// value is what an optional member holds, or its type's zero.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

// optional is nil for an empty string: members that are not set are left out of
// answers.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}

// texts are values of a string type as the API's documents have them.
func texts[S ~string](values []S) []string {
	list := make([]string, len(values))
	for i, v := range values {
		list[i] = string(v)
	}
	return list
}

// limitsOf are the quotas of an account: the installation's, but for those that the
// operator has changed for it.
func (a *API) limitsOf(s *resources.Snapshot) Limits { return a.limits.With(s.Account.Limits) }

// named are the quotas that an operator can change for an account, by the names that
// the configuration has for them.
func (l *Limits) named() map[string]*int {
	return map[string]*int{
		"phone_numbers": &l.PhoneNumbers, "pools": &l.Pools, "configuration_sets": &l.ConfigurationSets,
		"opt_out_lists": &l.OptOutLists, "sender_ids": &l.SenderIDs,
		"origination_identities_per_pool":          &l.OriginationIdentitiesPerPool,
		"event_destinations_per_configuration_set": &l.EventDestinationsPerSet, "tags_per_resource": &l.TagsPerResource,
		"registrations": &l.Registrations, "registration_attachments": &l.RegistrationAttachments,
		"verified_destination_numbers": &l.VerifiedDestinationNumbers, "keywords": &l.Keywords,
		"protect_configurations": &l.ProtectConfigurations,
	}
}

// With is l with the quotas that are named in changed.
func (l Limits) With(changed map[string]int64) Limits {
	if len(changed) == 0 {
		return l
	}
	for name, place := range l.named() {
		if n, ok := changed[name]; ok {
			*place = int(n)
		}
	}
	return l
}

// Named is a quota by the name that the configuration has for it.
func (l Limits) Named(name string) (quota int, ok bool) {
	place, ok := l.named()[name]
	if !ok {
		return 0, false
	}
	return *place, true
}

// LimitNames are the names that With knows, in order.
func LimitNames() []string {
	var l Limits
	return slices.Sorted(maps.Keys(l.named()))
}
