package iam

import "strings"

// Decide answers a request. resource is the policy of the resource (or the trust policy
// of a role), nil where it has none.
//
// The rules are those of "Policy evaluation logic" in the IAM user guide. An explicit
// deny decides before all else. In the principal's own account it is enough that the
// identity-based policies allow, and with them the boundary and the session policies
// where there are such; or that the resource's policy names the user, the session or
// everybody, or names the role and boundary and session policies allow. A role is
// taken on only where its trust policy says so. In another account the resource's
// policy has to allow, and the principal's own side too. The root of an account may all
// in it but what a resource's policy denies.
//
// The answer does not depend on the order of policies and statements, but for the
// statement that is named: of several it is the first.
func Decide(s *Subject, r *Request, resource *Attached) Decision {
	return decide(s, r, resource, nil)
}

// Explain is Decide, with all statements that matched the request: of the identity's
// policies, the boundary, the session policies and the resource's, in this order.
func Explain(s *Subject, r *Request, resource *Attached) (Decision, []Match) {
	var matches []Match
	d := decide(s, r, resource, &matches)
	return d, matches
}

// evaluation is one request on its way.
type evaluation struct {
	request   *Request
	action    string // in lower case
	principal *Principal
	limited   bool
	owner     string
	matches   *[]Match // nil: nobody asks
}

// finding is what the policies of one source say.
type finding struct {
	source       Source
	deny, allow  *statement // the first of each that matched
	denyPolicy   string
	allowPolicy  string
	grant        grant // of allow, where the policy is a resource's
	nothingAsked bool  // there is no such policy: it limits nothing
}

func decide(s *Subject, r *Request, resource *Attached, matches *[]Match) Decision {
	if s == nil || s.Principal == nil || r == nil {
		return Decision{Reason: BrokenPolicy, Source: FromIdentity}
	}
	if d, broken := findBroken(s, resource); broken {
		return d
	}
	e := evaluation{request: r, action: strings.ToLower(r.Action), principal: s.Principal, owner: r.Owner, matches: matches}
	if e.owner == "" {
		e.owner = s.Principal.Account
	}
	e.limited = s.Limited || len(s.Session) > 0
	own := s.Principal.Account != "" && e.owner == s.Principal.Account

	identity := finding{source: FromIdentity}
	for i := range s.Identity {
		e.scan(&s.Identity[i], &identity)
	}
	boundary := finding{source: FromBoundary, nothingAsked: s.Boundary == nil}
	if s.Boundary != nil {
		e.scan(s.Boundary, &boundary)
	}
	session := finding{source: FromSession, nothingAsked: !e.limited}
	for i := range s.Session {
		e.scan(&s.Session[i], &session)
	}
	of := finding{source: FromResource}
	if resource != nil {
		e.scan(resource, &of)
	}
	if s.Principal.Type == Root { // it has no policies, and needs none
		identity.nothingAsked = true
		boundary.nothingAsked = true
	}

	if !own {
		return foreign(s.Principal, &identity, &boundary, &session, &of)
	}
	if d, denied := firstDenial(&identity, &boundary, &session, &of); denied {
		return d
	}
	trust := resource != nil && resource.Policy.kind == TrustPolicy
	switch {
	case of.grant == toPrincipal && s.Principal.Type != Root:
		return of.allowed()
	case of.grant == toRole && boundary.allows() && session.allows():
		return of.allowed()
	case trust && of.grant == noGrant:
		return of.lacking()
	}
	return ownSide(&identity, &boundary, &session, of.grant == toRole)
}

// foreign decides what is asked of another account, or by somebody who has none. That
// nothing is shared is said first: who may not use a resource is not to learn from the
// answer whether it exists, not by a deny of one's own either.
func foreign(p *Principal, identity, boundary, session, of *finding) Decision {
	if of.allow == nil {
		return of.lacking()
	}
	if d, denied := firstDenial(identity, boundary, session, of); denied {
		return d
	}
	if p.Account != "" {
		if d := ownSide(identity, boundary, session, false); !d.Allowed {
			return d
		}
	}
	return of.allowed()
}

// ownSide is what the principal's own policies say. granted: a resource's policy stands
// for the identity-based ones.
func ownSide(identity, boundary, session *finding, granted bool) Decision {
	switch {
	case !granted && !identity.allows():
		return identity.lacking()
	case !boundary.allows():
		return boundary.lacking()
	case !session.allows():
		return session.lacking()
	case identity.nothingAsked:
		return Decision{Allowed: true, Reason: AllowedBy, Source: FromRoot}
	}
	return identity.allowed()
}

// findBroken looks for a policy that is missing or that Parse did not make for where it
// stands.
func findBroken(s *Subject, resource *Attached) (Decision, bool) {
	broken := func(a *Attached, source Source) (Decision, bool) {
		return Decision{Reason: BrokenPolicy, Source: source, Policy: a.Name}, true
	}
	for i := range s.Identity {
		if !s.Identity[i].of(IdentityPolicy) {
			return broken(&s.Identity[i], FromIdentity)
		}
	}
	if s.Boundary != nil && !s.Boundary.of(IdentityPolicy) {
		return broken(s.Boundary, FromBoundary)
	}
	for i := range s.Session {
		if !s.Session[i].of(IdentityPolicy) {
			return broken(&s.Session[i], FromSession)
		}
	}
	if resource != nil && !resource.of(ResourcePolicy) && !resource.of(TrustPolicy) {
		return broken(resource, FromResource)
	}
	return Decision{}, false
}

func (a *Attached) of(kind Kind) bool { return a.Policy != nil && a.Policy.kind == kind }

// firstDenial is an explicit deny, if there is one.
func firstDenial(findings ...*finding) (Decision, bool) {
	for _, f := range findings {
		if f.deny != nil {
			return Decision{Reason: ExplicitDeny, Source: f.source, Policy: f.denyPolicy, Statement: f.deny.place.Statement, Sid: f.deny.sid}, true
		}
	}
	return Decision{}, false
}

func (f *finding) allows() bool { return f.nothingAsked || f.allow != nil }

func (f *finding) allowed() Decision {
	return Decision{Allowed: true, Reason: AllowedBy, Source: f.source, Policy: f.allowPolicy, Statement: f.allow.place.Statement, Sid: f.allow.sid}
}

// lacking is that no statement allows.
func (f *finding) lacking() Decision {
	d := Decision{Source: f.source}
	switch f.source {
	case FromIdentity:
		d.Reason = NoIdentityPolicy
	case FromBoundary:
		d.Reason = NoBoundary
	case FromSession:
		d.Reason = NoSessionPolicy
	default:
		d.Reason = NoResourcePolicy
	}
	return d
}

// scan looks for the statements of a policy that match.
func (e *evaluation) scan(a *Attached, f *finding) {
	for i := range a.Policy.statements {
		s := &a.Policy.statements[i]
		if e.matches == nil && e.known(s, f) {
			continue
		}
		reach := noGrant
		if s.principals != nil {
			if s.allow {
				reach = s.principals.of(e.principal, e.limited, e.owner)
			} else if s.principals.denies(e.principal, e.owner) {
				reach = toPrincipal
			}
			if reach == noGrant {
				continue
			}
		}
		if !e.match(s) {
			continue
		}
		if e.matches != nil {
			m := s.place
			m.Source, m.Policy = f.source, a.Name
			*e.matches = append(*e.matches, m)
		}
		switch {
		case !s.allow && f.deny == nil:
			f.deny, f.denyPolicy = s, a.Name
		case s.allow && (f.allow == nil || reach > f.grant):
			f.allow, f.allowPolicy, f.grant = s, a.Name, reach
		}
	}
}

// known says that a statement adds nothing to what was found.
func (e *evaluation) known(s *statement, f *finding) bool {
	if s.allow {
		return f.allow != nil && (s.principals == nil || f.grant == toPrincipal)
	}
	return f.deny != nil
}

// match says whether a statement is about the request, whoever makes it.
func (e *evaluation) match(s *statement) bool {
	found := false
	for i := range s.actions.patterns {
		if m, _ := s.actions.patterns[i].match(e.action, nil); m {
			found = true
			break
		}
	}
	if found == s.actions.not {
		return false
	}
	if !e.resource(s) {
		return false
	}
	for i := range s.conditions {
		if !s.conditions[i].holds(e.request.Context) {
			return false
		}
	}
	return true
}

// resource compares the resource. A variable without a value makes its ARN match
// nothing; so that a NotResource with one would allow everything, there it is the
// statement that matches nothing, if it allows.
func (e *evaluation) resource(s *statement) bool {
	if s.resources.patterns == nil {
		return true
	}
	found := false
	for i := range s.resources.patterns {
		m, missing := s.resources.patterns[i].match(e.request.Resource, e.request.Context)
		if missing && s.resources.not && s.allow {
			return false
		}
		if m {
			found = true
			break
		}
	}
	return found != s.resources.not
}
