package audit

import (
	"strings"
	"time"

	"heliograph/internal/iam"
)

// UserIdentity says who made a call ("CloudTrail userIdentity element").
type UserIdentity struct {
	Type             string          `json:"type"`
	PrincipalID      string          `json:"principalId,omitempty"`
	ARN              string          `json:"arn,omitempty"`
	AccountID        string          `json:"accountId,omitempty"`
	AccessKeyID      string          `json:"accessKeyId,omitempty"`
	UserName         string          `json:"userName,omitempty"`
	SessionContext   *SessionContext `json:"sessionContext,omitempty"`
	InvokedBy        string          `json:"invokedBy,omitempty"`
	IdentityProvider string          `json:"identityProvider,omitempty"`
}

// SessionContext is there where temporary credentials were used.
type SessionContext struct {
	SessionIssuer  *SessionIssuer    `json:"sessionIssuer,omitempty"`
	Attributes     SessionAttributes `json:"attributes"`
	SourceIdentity string            `json:"sourceIdentity,omitempty"`
}

// SessionIssuer is the role of a session.
type SessionIssuer struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
	ARN         string `json:"arn"`
	AccountID   string `json:"accountId"`
	UserName    string `json:"userName"`
}

// SessionAttributes are of a session's beginning.
type SessionAttributes struct {
	CreationDate     string `json:"creationDate"`
	MFAAuthenticated string `json:"mfaAuthenticated"` // true or false
}

// identity says who an identity is; nil is nobody whom the service knows.
func identity(id *iam.Identity) UserIdentity {
	if id == nil {
		return UserIdentity{Type: "Unknown"}
	}
	u := UserIdentity{PrincipalID: id.ID, ARN: id.ARN, AccountID: id.Account, AccessKeyID: id.AccessKeyID}
	switch id.Type {
	case iam.Root:
		u.Type, u.PrincipalID = "Root", id.Account
	case iam.UserType:
		u.Type, u.UserName = "IAMUser", id.Name
	case iam.AssumedRole:
		u.Type = "AssumedRole"
	case iam.WebIdentity:
		u.Type, u.UserName, u.IdentityProvider = "WebIdentityUser", id.Name, id.Issuer
	case iam.ServiceType:
		return UserIdentity{Type: "AWSService", InvokedBy: id.Service}
	default:
		u.Type = "Unknown"
	}
	if id.Session != nil {
		u.SessionContext = session(id)
	}
	return u
}

func session(id *iam.Identity) *SessionContext {
	s := id.Session
	c := &SessionContext{SourceIdentity: s.SourceID, Attributes: SessionAttributes{CreationDate: stamp(s.Issued), MFAAuthenticated: "false"}}
	if !s.MFA.IsZero() {
		c.Attributes.MFAAuthenticated = "true"
	}
	if id.Type != iam.AssumedRole {
		return c
	}
	role, _, _ := strings.Cut(id.ID, ":") // AROA...:SESSION
	c.SessionIssuer = &SessionIssuer{Type: "Role", PrincipalID: role, ARN: id.Role, AccountID: id.Account, UserName: s.RoleName}
	return c
}

// foreign is what the owner of a resource is told of somebody of another account.
func (u UserIdentity) foreign() UserIdentity {
	return UserIdentity{Type: "AWSAccount", PrincipalID: u.PrincipalID, AccountID: u.AccountID}
}

// Name is the name that lookups find an identity by: a user's, root, or a session's.
func (u UserIdentity) Name() string {
	switch {
	case u.UserName != "":
		return u.UserName
	case u.Type == "Root":
		return "root"
	case u.Type == "AssumedRole":
		_, session, _ := strings.Cut(u.PrincipalID, ":")
		return session
	}
	return u.InvokedBy
}

func stamp(at time.Time) string { return at.UTC().Format(timeLayout) }
