package iam

import (
	"slices"
	"strings"
)

// Policy is a policy document ready for decisions. It never changes. The zero Policy is
// a broken one.
type Policy struct {
	kind       Kind
	statements []statement
	keys       []string
}

// statement is one of a policy's, compiled.
type statement struct {
	sid       string
	allow     bool
	actions   matcher
	resources matcher // none of them: an absent Resource, which matches everything
	// principals of resource and trust policies; nil in others.
	principals *principals
	conditions []condition

	source Statement
	place  Match // its position and names, without Source and Policy
}

// matcher is Action, NotAction, Resource or NotResource.
type matcher struct {
	patterns []pattern
	not      bool
}

// Statement is one of a policy's as it was written, for those who look at policies and
// do not decide by them.
type Statement struct {
	Sid                     string
	Allow                   bool
	Actions, NotActions     []string
	Resources, NotResources []string // both nil: the element is absent
	// Principals by type: "AWS", "Service", "Federated", "CanonicalUser". Of AWS, "*" is
	// everybody.
	Principals, NotPrincipals map[string][]string
	Conditions                []StatementCondition // by operator, then key, as written
}

// StatementCondition is one key of one operator of a Condition.
type StatementCondition struct {
	Operator string // "StringEquals", "ForAllValues:StringLike"
	Key      string // as written; case does not matter
	Values   []string
}

// Versions of the policy language.
const (
	version2008 = "2008-10-17" // where there is no Version
	version2012 = "2012-10-17"
)

// Parse reads a policy document. What IAM would refuse is refused, and so is what would
// never mean anything: an error names the element, and what is allowed.
//
// Errors: *SyntaxError.
func Parse(document string, kind Kind) (*Policy, error) {
	root, err := readDocument(document)
	if err != nil {
		return nil, err
	}
	p := &parser{document: document, kind: kind}
	return p.policy(root)
}

// Statements gives the statements in the order of the document.
func (p *Policy) Statements() []Statement {
	if p == nil {
		return nil
	}
	out := make([]Statement, len(p.statements))
	for i := range p.statements {
		out[i] = p.statements[i].source
	}
	return out
}

// ContextKeys gives the keys that conditions and variables ask for, in lower case,
// sorted and each once (GetContextKeysForCustomPolicy).
func (p *Policy) ContextKeys() []string {
	if p == nil {
		return nil
	}
	return slices.Clone(p.keys)
}

// collectKeys finds the keys of ContextKeys.
func (p *Policy) collectKeys() {
	add := func(patterns []pattern) {
		for i := range patterns {
			for _, t := range patterns[i].tokens {
				if t.kind == fromContext {
					p.keys = append(p.keys, t.key)
				}
			}
		}
	}
	for i := range p.statements {
		s := &p.statements[i]
		add(s.resources.patterns)
		for _, c := range s.conditions {
			p.keys = append(p.keys, c.key)
			for _, o := range c.operands {
				add([]pattern{o.pattern})
			}
		}
	}
	slices.Sort(p.keys)
	p.keys = slices.Compact(p.keys)
}

// Public says that an Allow statement is for everybody: its principal is "*", or all
// services, and no condition limits it to accounts, organizations, principals or
// sources, by values that leave none of that open.
func (p *Policy) Public() bool {
	if p == nil {
		return false
	}
	for i := range p.statements {
		s := &p.statements[i].source
		if !s.Allow || !slices.Contains(s.Principals["AWS"], "*") && !slices.Contains(s.Principals["Service"], "*") {
			continue
		}
		if !slices.ContainsFunc(s.Conditions, pins) {
			return true
		}
	}
	return false
}

// pins says whether a condition holds only for those whom it names.
func pins(c StatementCondition) bool {
	across := false // wildcards match colons too
	switch strings.ToLower(c.Operator) {
	case "stringequals", "stringequalsignorecase", "arnequals", "arnlike", "foranyvalue:stringequals":
	case "stringlike", "foranyvalue:stringlike":
		across = true
	default:
		return false
	}
	key := strings.ToLower(c.Key)
	return !slices.ContainsFunc(c.Values, func(v string) bool { return strings.Contains(v, "${") || !closed(key, v, across) })
}

// closed says that a value of a condition names an account, an organization or a
// principal: twelve digits; an ARN with them; an id, whatever the session of it; the id
// of an organization, whatever its units. Names of users are in every account, and other
// keys say nothing about who asks.
func closed(key, value string, across bool) bool {
	switch key {
	case "aws:principalaccount", "aws:sourceaccount", "aws:sourceowner":
		return accountID(value)
	case "aws:userid":
		id, _, _ := strings.Cut(value, ":")
		return uniqueID(id) || accountID(value) // of a root it is the account
	case "aws:principalarn", "aws:sourcearn":
		fields := strings.SplitN(value, ":", 6)
		if len(fields) != 6 || !accountID(fields[4]) {
			return false
		}
		// A path may have colons: what stands before the account must not take it in.
		return !across || !strings.ContainsAny(strings.Join(fields[:4], ""), "*?")
	case "aws:principalorgid", "aws:principalorgpaths":
		organization, _, _ := strings.Cut(value, "/")
		return len(organization) > len("o-") && strings.HasPrefix(organization, "o-") && !strings.ContainsAny(organization, "*?")
	}
	return false
}
