package api

import (
	"strings"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/trace"
)

// Call is one authenticated request to an operation.
type Call struct {
	Operation string // its name, for instance "CreatePool"
	RequestID string // the x-amzn-RequestId of the answer
	AccountID string // the twelve digits of the caller's account
	Principal string // ARN of the user, role session or root that signed
	Now       time.Time

	// Account is the account's resources as they were when the call began. What
	// is changed goes through resources.Directory.Change, which sees newer ones.
	Account *resources.Snapshot

	// IdempotencyKey is the Idempotency-Key header, empty where there is none.
	IdempotencyKey string

	Partition, Region string // of every ARN of this installation

	pageKey []byte
	trace   *trace.Request // nil where the call is not traced
}

// root reports whether the call was signed with a key of the account's root.
func (c *Call) root() bool {
	rest, ok := strings.CutSuffix(c.Principal, ":iam::"+c.AccountID+":root")
	return ok && rest == "arn:"+c.Partition
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
}

// DefaultLimits are the guide's figures. The guide names none for sender IDs,
// tags, registrations and their attachments: sender IDs get the 25 of the other
// resources, tags the 50 that other AWS services allow.
func DefaultLimits() Limits {
	return Limits{
		PhoneNumbers: 25, Pools: 25, ConfigurationSets: 25, OptOutLists: 25, SenderIDs: 25,
		OriginationIdentitiesPerPool: 100, EventDestinationsPerSet: 5, TagsPerResource: 50,
		Registrations: 25, RegistrationAttachments: 25, VerifiedDestinationNumbers: 10,
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
