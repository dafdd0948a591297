package iam

import (
	"strings"
	"time"
)

// PrincipalType is what kind of identity asks.
type PrincipalType string

const (
	Root        PrincipalType = "Account" // of the account itself
	UserType    PrincipalType = "User"
	AssumedRole PrincipalType = "AssumedRole"
	ServiceType PrincipalType = "Service"
	WebIdentity PrincipalType = "FederatedUser" // somebody whom an OIDC issuer vouches for
	Anonymous   PrincipalType = "Anonymous"
)

// Principal is who asks.
type Principal struct {
	Type    PrincipalType
	ARN     string            // arn:aws:iam::ACCOUNT:user/NAME, arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION, ...
	Account string            // twelve digits; empty for services
	ID      string            // aws:userid: AIDA..., AROA...:SESSION, or the account of a root
	Name    string            // of a user: aws:username
	Role    string            // ARN of the role of an AssumedRole
	Service string            // of a ServiceType: "sms-voice.amazonaws.com"
	Issuer  string            // of a WebIdentity, without https://
	Tags    map[string]string // of the user or role, those of the session over them
	Claims  map[string]string // of a WebIdentity: keys such as "issuer:sub", in lower case
}

// Session is what temporary credentials are limited by.
type Session struct {
	Issued      time.Time
	Expires     time.Time
	MFA         time.Time // when a one-time password was given; zero: none was
	Policies    []string  // session policies, documents as given
	PolicyARNs  []string  // managed policies as session policies
	HasPolicies bool      // false: the session may all that its principal may
	SourceID    string    // aws:SourceIdentity
	Tags        map[string]string
	Transitive  []string // keys of Tags that go on into the sessions that it assumes
	RoleName    string
	RoleID      string
	Name        string // of the session
	// Console says that the session was signed in by password.
	Console bool
	// AccessKeyID is the long-term key of a root that asked for the session, which ends
	// with it; empty: the session does not depend on any.
	AccessKeyID string `json:",omitempty"`
}

// Identity is what a credential stands for.
type Identity struct {
	Principal
	AccessKeyID string
	Session     *Session // nil: a long-term key
}

// ARNs of principals.

// RootARN is an account's root.
func RootARN(partition, account string) string {
	return "arn:" + partition + ":iam::" + account + ":root"
}

// UserARN, GroupARN, RoleARN and PolicyARN name what has a path, which begins and ends
// with a slash.
func UserARN(partition, account, path, name string) string {
	return named(partition, account, "user", path, name)
}
func GroupARN(partition, account, path, name string) string {
	return named(partition, account, "group", path, name)
}
func RoleARN(partition, account, path, name string) string {
	return named(partition, account, "role", path, name)
}
func PolicyARN(partition, account, path, name string) string {
	return named(partition, account, "policy", path, name)
}

func named(partition, account, kind, path, name string) string {
	if path == "" {
		path = "/"
	}
	return "arn:" + partition + ":iam::" + account + ":" + kind + path + name
}

// SessionARN names a session of a role.
func SessionARN(partition, account, role, session string) string {
	return "arn:" + partition + ":sts::" + account + ":assumed-role/" + role + "/" + session
}

// SplitARN gives the account, kind, path and name of an ARN of IAM:
// arn:aws:iam::ACCOUNT:KIND/PATH/NAME.
func SplitARN(arn string) (partition, account, kind, path, name string, ok bool) {
	fields := strings.SplitN(arn, ":", 6)
	if len(fields) != 6 || fields[0] != "arn" || fields[2] != "iam" || fields[3] != "" {
		return "", "", "", "", "", false
	}
	kind, rest, found := strings.Cut(fields[5], "/")
	if !found || rest == "" {
		return "", "", "", "", "", false
	}
	path = "/"
	if i := strings.LastIndexByte(rest, '/'); i >= 0 {
		path, rest = "/"+rest[:i+1], rest[i+1:]
	}
	return fields[1], fields[4], kind, path, rest, rest != ""
}
