package iam

import "errors"

// Policy is a policy document ready for decisions. It never changes.
type Policy struct{}

// Parse reads a policy document. What IAM would refuse is refused.
//
// Errors: *SyntaxError.
func Parse(document string, kind Kind) (*Policy, error) {
	return nil, errors.New("no policy can be read")
}

// Decide answers a request. resource is the policy of the resource, nil where it has
// none.
func Decide(s *Subject, r *Request, resource *Attached) Decision {
	if s.Principal.Type == Root && (r.Owner == "" || r.Owner == s.Principal.Account) {
		return Decision{Allowed: true, Reason: AllowedBy, Source: FromRoot}
	}
	return Decision{Reason: NoIdentityPolicy, Source: FromIdentity}
}

// Lookup is part of Context.
func (c *Circumstances) Lookup(key string) []string { return nil }
