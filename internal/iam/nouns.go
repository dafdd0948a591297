package iam

import (
	"cmp"
	"time"
)

// Users, groups, roles, policies and access keys belong to an account, which they are
// kept with. Names are unique in an account whatever their case; IDs, which begin with
// AIDA, AGPA, AROA and ANPA, are never given twice.

// User is a person or a program with an identity of its own.
type User struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Path string `json:"path"` // begins and ends with a slash
	Grants
	Boundary string   `json:"boundary,omitempty"` // ARN of a managed policy
	Groups   []string `json:"groups,omitempty"`   // names, in order

	Login *Login `json:"login,omitempty"` // nil: no password
	MFA   []MFA  `json:"mfa,omitempty"`
}

// Group gives its users what it is granted.
type Group struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	Path string `json:"path"`
	Grants
}

// Role is an identity that others take on for a time.
type Role struct {
	ID          string `json:"id"`
	Name        string `json:"name"`
	Path        string `json:"path"`
	Description string `json:"description,omitempty"`
	Grants
	Boundary           string `json:"boundary,omitempty"`
	Trust              string `json:"trust"`                  // the trust policy, as it was given
	TrustPinned        string `json:"trust_pinned,omitempty"` // Trust with ids in the place of ARNs (PinPrincipals); empty: as it is
	MaxSessionDuration int    `json:"max_session,omitempty"`  // seconds; 0 is 3600
}

// DecidingTrust is the trust policy by which is decided who may take the role on.
func (r *Role) DecidingTrust() string { return cmp.Or(r.TrustPinned, r.Trust) }

// Grants are the policies of a user, group or role.
type Grants struct {
	Attached []string          `json:"attached,omitempty"` // ARNs of managed policies, in the order they were attached
	Inline   map[string]string `json:"inline,omitempty"`   // documents as they were given, by name
}

// ManagedPolicy is a policy that an account keeps by itself.
type ManagedPolicy struct {
	ID          string          `json:"id"`
	Name        string          `json:"name"`
	Path        string          `json:"path"`
	Description string          `json:"description,omitempty"`
	Versions    []PolicyVersion `json:"versions"`       // oldest first, at most five
	Default     string          `json:"default"`        // "v1"
	Last        int             `json:"last,omitempty"` // number of the newest version that ever was
}

// PolicyVersion is a document that a managed policy has or had.
type PolicyVersion struct {
	ID       string    `json:"id"` // "v1"
	Document string    `json:"document"`
	Created  time.Time `json:"created"`
}

// Document is the one that counts; ok is false where there is none.
func (p *ManagedPolicy) Document() (document string, ok bool) {
	for i := range p.Versions {
		if p.Versions[i].ID == p.Default {
			return p.Versions[i].Document, true
		}
	}
	return "", false
}

// AccessKey is a long-term key. Its resource's id is the access key id.
type AccessKey struct {
	ID     string `json:"id"`
	User   string `json:"user,omitempty"` // name; empty: the account's root
	Secret []byte `json:"secret"`         // sealed about AccessKeySecret(ID)
	// Inactive keys sign nothing.
	Inactive bool `json:"inactive,omitempty"`
}

// Login is a user's password.
type Login struct {
	Hash    string    `json:"hash"` // argon2id in the PHC string format
	Created time.Time `json:"created"`
	Reset   bool      `json:"reset,omitempty"` // to be changed at the first sign-in
}

// MFA is a time-based one-time password device (RFC 6238) of a user, or one that waits
// to be enabled.
type MFA struct {
	Serial  string    `json:"serial"` // ARN: arn:aws:iam::ACCOUNT:mfa/NAME
	Secret  []byte    `json:"secret"` // sealed about MFASecret(Serial)
	Enabled time.Time `json:"enabled,omitzero"`
	Step    int64     `json:"step,omitempty"` // of the last code that was taken: none is taken twice
}

// What secrets are sealed about, so that one cannot stand in another's place.
func AccessKeySecret(id string) string { return "access-key/" + id }
func MFASecret(serial string) string   { return "mfa/" + serial }

// Limits of IAM and STS (IAM user guide, "IAM and AWS STS quotas").
const (
	MaxUsers            = 5000
	MaxGroups           = 300
	MaxRoles            = 1000
	MaxManagedPolicies  = 1500
	MaxGroupsOfUser     = 10
	MaxAccessKeys       = 2 // of a user
	MaxMFADevices       = 8 // of a user
	MaxAttached         = 10
	MaxVersions         = 5
	MaxManagedDocument  = 6144 // characters without white space
	MaxUserInline       = 2048 // of all inline policies of a user together
	MaxGroupInline      = 5120
	MaxRoleInline       = 10240
	MaxTrustDocument    = 2048
	MaxSessionPolicy    = 2048
	MaxTags             = 50
	DefaultSession      = time.Hour
	MaxSession          = 12 * time.Hour
	ServicePrincipal    = "sms-voice.amazonaws.com"
	FirehosePrincipal   = "firehose.amazonaws.com"
	EventsRole          = "HeliographEvents" // that the first start makes
	ManagedPolicyPrefix = "policy/"
)
