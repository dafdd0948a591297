package identity

import (
	"heliograph/internal/iam"
	"heliograph/internal/sms"
)

// Resource is what a request acts on. The zero Resource is none in particular: "*".
type Resource struct {
	ARN    string
	Owner  string            // account; empty: the caller's
	Tags   map[string]string // aws:ResourceTag/
	Policy string            // its resource policy as stored; empty: none
}

// question is a request with all that decides it.
type question struct {
	subject *iam.Subject
	request iam.Request
	policy  *iam.Attached // of the resource
}

// ask makes the question of a request. c is filled in and kept.
func (a *Authority) ask(id *iam.Identity, action string, r *Resource, c *iam.Circumstances) question {
	c.Principal, c.Session = &id.Principal, id.Session
	if c.Now.IsZero() {
		c.Now = a.Now()
	}
	c.ResourceTags, c.ResourceAccount = r.Tags, r.Owner
	if r.Owner == "" {
		c.ResourceAccount = id.Account
	}
	q := question{subject: a.subject(id), request: iam.Request{Action: action, Resource: r.ARN, Owner: r.Owner, Context: c}}
	if r.ARN == "" {
		q.request.Resource = "*"
	}
	if r.Policy != "" {
		q.policy = &iam.Attached{Name: "resource policy of " + r.ARN, Policy: a.compiled(iam.ResourcePolicy, r.Policy)}
	}
	return q
}

// Decide answers whether an identity may do something. What it is limited by is read
// as it is now: a policy that was detached does not count from the next request on.
// c's Principal, Session, Now, ResourceTags and ResourceAccount are filled in.
func (a *Authority) Decide(id *iam.Identity, action string, r Resource, c iam.Circumstances) iam.Decision {
	if d := Withheld(id, action); d != nil {
		return *d
	}
	q := a.ask(id, action, &r, &c)
	return iam.Decide(q.subject, &q.request, q.policy)
}

// Explain is Decide with all statements that matched the request.
func (a *Authority) Explain(id *iam.Identity, action string, r Resource, c iam.Circumstances) (iam.Decision, []iam.Match) {
	if d := Withheld(id, action); d != nil {
		return *d, nil
	}
	q := a.ask(id, action, &r, &c)
	return iam.Explain(q.subject, &q.request, q.policy)
}

// Subject is all that decides what an identity may do, as it is now. It must not be
// changed.
func (a *Authority) Subject(id *iam.Identity) *iam.Subject { return a.subject(id) }

// Authorize is Decide with a denial as an error (sms.KindAccessDenied) that reads as
// AWS's do.
func (a *Authority) Authorize(id *iam.Identity, action string, r Resource, c iam.Circumstances) error {
	d := a.Decide(id, action, r, c)
	if d.Allowed {
		return nil
	}
	return Denied(d, id, action, r.ARN)
}

// Denied is a denial as an error. An empty resource is "*".
func Denied(d iam.Decision, id *iam.Identity, action, resource string) error {
	return &sms.Error{Kind: sms.KindAccessDenied, Message: d.Message(id.ARN, action, resource)}
}
