package iam

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// fuzzed is a request with all that decides about it, its policies as lists of
// statements, so that they can be put in another order.
type fuzzed struct {
	subject  *Subject
	request  *Request
	identity [][]string
	boundary []string
	session  [][]string
	resource []string
	kind     Kind // of resource
}

func (g generator) newCase(statement string) *fuzzed {
	p := g.principal()
	c := &fuzzed{subject: g.subject(p), request: g.request(), kind: pick(g, ResourcePolicy, ResourcePolicy, TrustPolicy)}
	c.request.Context.(*Circumstances).Principal = p
	policy := func(kind Kind) []string {
		out := make([]string, 1+g.IntN(4))
		for i := range out {
			out[i] = g.statement(kind)
		}
		return out
	}
	for range g.IntN(4) {
		c.identity = append(c.identity, policy(IdentityPolicy))
	}
	if statement != "" {
		c.identity = append(c.identity, append(policy(IdentityPolicy), statement))
	}
	if g.IntN(3) == 0 {
		c.boundary = policy(IdentityPolicy)
	}
	if g.IntN(3) == 0 {
		for range 1 + g.IntN(2) {
			c.session = append(c.session, policy(IdentityPolicy))
		}
	}
	if g.IntN(3) > 0 {
		c.resource = policy(c.kind)
	}
	return c
}

func (c *fuzzed) String() string {
	return fmt.Sprintf("%+v\n%+v\n%+v\nidentity %s\nboundary %s\nsession %s\nresource %s", c.subject.Principal, c.request, c.request.Context,
		c.identity, c.boundary, c.session, c.resource)
}

// inputs makes what Decide takes.
func (c *fuzzed) inputs(t testing.TB) (*Subject, *Attached) {
	read := func(statements []string, kind Kind) Attached {
		p, err := Parse(document(statements), kind)
		if err != nil {
			t.Fatalf("%v\n%s", err, document(statements))
		}
		return Attached{Name: "policy", Policy: p}
	}
	s := &Subject{Principal: c.subject.Principal, Limited: c.subject.Limited}
	for _, p := range c.identity {
		s.Identity = append(s.Identity, read(p, IdentityPolicy))
	}
	for _, p := range c.session {
		s.Session = append(s.Session, read(p, IdentityPolicy))
	}
	if c.boundary != nil {
		b := read(c.boundary, IdentityPolicy)
		s.Boundary = &b
	}
	var resource *Attached
	if c.resource != nil {
		r := read(c.resource, c.kind)
		resource = &r
	}
	return s, resource
}

func (c *fuzzed) decide(t testing.TB) Decision {
	s, resource := c.inputs(t)
	return Decide(s, c.request, resource)
}

// shuffle puts policies and statements in another order.
func (c *fuzzed) shuffle(r *rand.Rand) {
	mix := func(list []string) { r.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] }) }
	for _, policies := range [][][]string{c.identity, c.session} {
		r.Shuffle(len(policies), func(i, j int) { policies[i], policies[j] = policies[j], policies[i] })
		for _, p := range policies {
			mix(p)
		}
	}
	mix(c.boundary)
	mix(c.resource)
}

// invariants are what holds of every decision.
func (c *fuzzed) invariants(t testing.TB, d Decision) {
	if (d.Reason == AllowedBy) != d.Allowed {
		t.Fatalf("%+v", d)
	}
	s, resource := c.inputs(t)
	if explained, matches := Explain(s, c.request, resource); explained.Allowed != d.Allowed || explained.Reason != d.Reason || explained.Source != d.Source {
		t.Fatalf("%+v, explained %+v\n%s", d, explained, c)
	} else if explained.Statement > 0 && !slices.ContainsFunc(matches, func(m Match) bool {
		return m.Source == explained.Source && m.Statement == explained.Statement && m.Allow == explained.Allowed
	}) {
		t.Fatalf("%+v is not among %+v\n%s", explained, matches, c)
	}

	everything := Attached{Name: "deny", Policy: mustParse(t, `{"Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`, IdentityPolicy)}
	more := *s
	more.Identity = append(slices.Clone(s.Identity), everything)
	if Decide(&more, c.request, resource).Allowed {
		t.Fatalf("allowed against a deny of everything\n%s", c)
	}
	for i := range 4 {
		less, of := *s, resource
		switch i {
		case 0:
			less.Identity = append(slices.Clone(s.Identity), Attached{Name: "gone"})
		case 1:
			less.Boundary = &Attached{Name: "gone"}
		case 2:
			less.Session = append(slices.Clone(s.Session), Attached{Name: "broken", Policy: &Policy{}})
		case 3:
			of = &Attached{Name: "gone"}
		}
		if d := Decide(&less, c.request, of); d.Allowed || d.Reason != BrokenPolicy {
			t.Fatalf("%+v with a broken policy\n%s", d, c)
		}
	}

	// Without its denies nothing that was allowed is denied.
	allows := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(s string) bool { return !strings.Contains(s, `"Effect":"Allow"`) })
	}
	free := &fuzzed{subject: c.subject, request: c.request, kind: c.kind, boundary: c.boundary, resource: allows(c.resource)}
	for _, p := range c.identity {
		if p = allows(p); len(p) > 0 {
			free.identity = append(free.identity, p)
		}
	}
	for _, p := range c.session {
		if p = allows(p); len(p) > 0 {
			free.session = append(free.session, p)
		}
	}
	if len(free.resource) == 0 {
		free.resource = nil
	}
	if d.Allowed && !free.decide(t).Allowed {
		t.Fatalf("denied without denies\n%s", c)
	}
}
