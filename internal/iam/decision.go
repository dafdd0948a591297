package iam

// Kind says where a policy stands, and so which elements it has.
type Kind int

const (
	IdentityPolicy Kind = iota + 1 // of a user, group or role, a boundary, a session policy: no Principal
	ResourcePolicy                 // of a resource: a Principal
	TrustPolicy                    // of a role: a Principal, no Resource
)

// Attached is a policy where it applies. A nil Policy stands for one that is missing
// or cannot be read: with it every decision is a denial.
type Attached struct {
	Name   string // its ARN, or "inline policy NAME of user NAME": for people
	Policy *Policy
}

// Subject is all that decides what a principal may do besides the resource's policy.
type Subject struct {
	Principal *Principal
	Identity  []Attached // of the user and its groups, or of the role
	Boundary  *Attached  // nil: none
	Session   []Attached // session policies, of which one has to allow
	Limited   bool       // there are session policies: without one in Session nothing is allowed
}

// Request is what a principal wants to do.
type Request struct {
	Action   string // "sms-voice:SendTextMessage", in the spelling of the service
	Resource string // ARN, or "*"
	Owner    string // account of the resource; empty: the principal's own
	Context  Context
}

// Context has the condition keys of a request, asked for in lower case. nil: the
// request has no such key.
type Context interface{ Lookup(key string) []string }

// Reason is why a decision is what it is.
type Reason string

const (
	AllowedBy        Reason = "allowed"
	ExplicitDeny     Reason = "explicit deny"
	NoIdentityPolicy Reason = "no identity-based policy allows"
	NoResourcePolicy Reason = "no resource-based policy allows"
	NoBoundary       Reason = "no permissions boundary allows"
	NoSessionPolicy  Reason = "no session policy allows"
	BrokenPolicy     Reason = "a policy cannot be read"
)

// Source is the kind of policy that decided.
type Source string

const (
	FromIdentity Source = "identity-based policy"
	FromResource Source = "resource-based policy"
	FromBoundary Source = "permissions boundary"
	FromSession  Source = "session policy"
	FromRoot     Source = "root of the account" // who needs no policy
)

// Decision is the answer to a request. The statements that matched are given by
// Explain alone.
type Decision struct {
	Allowed   bool
	Reason    Reason
	Source    Source // of the statement that decided, or of the policies of which none allows
	Policy    string // Attached.Name of the deciding statement
	Statement int    // its number in the policy, from 1; 0: none decided
	Sid       string
}

// Match is a statement that matched a request.
type Match struct {
	Source    Source
	Policy    string
	Statement int // from 1
	Sid       string
	Allow     bool
	// Where the statement stands in its document: line and column, from 1, of its
	// beginning and behind its end (SimulatePrincipalPolicy's positions).
	StartLine, StartColumn, EndLine, EndColumn int
}
