package iam

import (
	"fmt"
	"slices"
	"strings"
)

// parser makes a Policy of a document's nodes.
type parser struct {
	document  string
	kind      Kind
	variables bool // ${...} means something
	sids      []string
}

func (p *parser) fail(n *node, format string, args ...any) error {
	return fail(p.document, n.start, format, args...)
}

// wrong refuses an element of which err says what is wrong.
func (p *parser) wrong(n *node, element string, err error) error {
	return p.fail(n, "Syntax errors in policy: %s: %v.", element, err)
}

func (p *parser) policy(root *node) (*Policy, error) {
	policy := &Policy{kind: p.kind}
	version := version2008
	var statements *node
	for i, name := range root.names {
		n := root.items[i]
		switch name {
		case "Version":
			if n.kind != stringNode || n.text != version2008 && n.text != version2012 {
				return nil, p.fail(n, "Policy document must be version %s or greater: Version is %s or %s.", version2012, version2008, version2012)
			}
			version = n.text
		case "Id":
			if n.kind != stringNode {
				return nil, p.fail(n, "Syntax errors in policy: Id must be a string.")
			}
		case "Statement":
			statements = n
		default:
			return nil, p.fail(n, "Syntax errors in policy: %q is not an element of a policy: Version, Id and Statement are.", clip(name))
		}
	}
	if statements == nil {
		return nil, p.fail(root, "Syntax errors in policy: Missing required field Statement.")
	}
	p.variables = version == version2012
	items := []*node{statements}
	if statements.kind == listNode {
		items = statements.items
	}
	if len(items) == 0 {
		return nil, p.fail(statements, "Syntax errors in policy: Statement is empty.")
	}
	for i, n := range items {
		s, err := p.statement(n)
		if err != nil {
			return nil, err
		}
		s.place = Match{Statement: i + 1, Sid: s.sid, Allow: s.allow}
		s.place.StartLine, s.place.StartColumn = position(p.document, n.start)
		s.place.EndLine, s.place.EndColumn = position(p.document, n.end)
		policy.statements = append(policy.statements, *s)
	}
	policy.collectKeys()
	return policy, nil
}

func (p *parser) statement(n *node) (*statement, error) {
	if n.kind != objectNode {
		return nil, p.fail(n, "Syntax errors in policy: a statement must be a JSON object.")
	}
	s := &statement{}
	for i, name := range n.names {
		if err := p.element(s, name, n.items[i]); err != nil {
			return nil, err
		}
	}
	has := func(name string) bool { return slices.Contains(n.names, name) }
	for _, pair := range [...][2]string{{"Action", "NotAction"}, {"Resource", "NotResource"}, {"Principal", "NotPrincipal"}} {
		if has(pair[0]) && has(pair[1]) {
			return nil, p.fail(n, "Syntax errors in policy: a statement has %s or %s, not both.", pair[0], pair[1])
		}
	}
	principal, resource := has("Principal") || has("NotPrincipal"), has("Resource") || has("NotResource")
	switch {
	case !has("Effect"):
		return nil, p.fail(n, "Missing required field Effect: it is Allow or Deny.")
	case len(s.actions.patterns) == 0:
		return nil, p.fail(n, "Policy statement must contain actions.")
	case p.kind == IdentityPolicy && principal:
		return nil, p.fail(n, "Policy document should not specify a principal.")
	case p.kind == IdentityPolicy && !resource:
		return nil, p.fail(n, "Policy statement must contain resources.")
	case p.kind == TrustPolicy && resource:
		return nil, p.fail(n, "Has prohibited field Resource.")
	case p.kind != IdentityPolicy && !principal:
		return nil, p.fail(n, "Missing required field Principal.")
	case has("NotPrincipal") && s.allow:
		return nil, p.fail(n, "Syntax errors in policy: NotPrincipal stands in statements with Deny only.")
	}
	return s, nil
}

// element reads one element of a statement.
func (p *parser) element(s *statement, name string, n *node) (err error) {
	switch name {
	case "Sid":
		return p.sid(s, n)
	case "Effect":
		if n.kind != stringNode || n.text != "Allow" && n.text != "Deny" {
			return p.fail(n, "Syntax errors in policy: Effect must be Allow or Deny.")
		}
		s.allow = n.text == "Allow"
		s.source.Allow = s.allow
	case "Action":
		s.source.Actions, err = p.actions(s, name, n)
	case "NotAction":
		s.actions.not = true
		s.source.NotActions, err = p.actions(s, name, n)
	case "Resource":
		s.source.Resources, err = p.resources(s, name, n)
	case "NotResource":
		s.resources.not = true
		s.source.NotResources, err = p.resources(s, name, n)
	case "Principal":
		s.principals, s.source.Principals, err = p.principals(name, n)
	case "NotPrincipal":
		s.principals, s.source.NotPrincipals, err = p.principals(name, n)
		if err == nil {
			s.principals.not = true
		}
	case "Condition":
		return p.condition(s, n)
	default:
		return p.fail(n, "Syntax errors in policy: %q is not an element of a statement: Sid, Effect, Principal, NotPrincipal, Action, NotAction, Resource, NotResource and Condition are.", clip(name))
	}
	return err
}

func (p *parser) sid(s *statement, n *node) error {
	if n.kind != stringNode {
		return p.fail(n, "Syntax errors in policy: Sid must be a string.")
	}
	plain := !strings.ContainsFunc(n.text, func(c rune) bool {
		return !('0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z')
	})
	if p.kind != ResourcePolicy && !plain {
		return p.fail(n, "Statement IDs (SID) must be alpha-numeric: %q is not.", clip(n.text))
	}
	if n.text != "" && slices.Contains(p.sids, n.text) {
		return p.fail(n, "Statement IDs (SID) in a single policy must be unique: %q is there twice.", clip(n.text))
	}
	p.sids = append(p.sids, n.text)
	s.sid, s.source.Sid = n.text, n.text
	return nil
}

// strings reads a string or a list of strings, of which there has to be one.
func (p *parser) strings(element string, n *node) ([]string, error) {
	if n.kind == stringNode {
		return []string{n.text}, nil
	}
	if n.kind != listNode {
		return nil, p.fail(n, "Syntax errors in policy: %s must be a string or a list of strings.", element)
	}
	if len(n.items) == 0 {
		return nil, p.fail(n, "Syntax errors in policy: %s is empty.", element)
	}
	out := make([]string, len(n.items))
	for i, item := range n.items {
		if item.kind != stringNode {
			return nil, p.fail(item, "Syntax errors in policy: %s must be a string or a list of strings.", element)
		}
		out[i] = item.text
	}
	return out, nil
}

func (p *parser) actions(s *statement, element string, n *node) ([]string, error) {
	list, err := p.strings(element, n)
	if err != nil {
		return nil, err
	}
	for _, text := range list {
		if err := p.checkAction(n, text); err != nil {
			return nil, err
		}
		compiled, err := syntax{reach: anywhere, fold: true}.compile(text)
		if err != nil {
			return nil, p.wrong(n, element, err)
		}
		s.actions.patterns = append(s.actions.patterns, compiled)
	}
	if p.kind == TrustPolicy && s.actions.not {
		return nil, p.fail(n, "AssumeRole policy may only specify STS AssumeRole actions.")
	}
	return list, nil
}

// checkAction refuses what is not * or SERVICE:NAME, of which NAME may have wildcards.
func (p *parser) checkAction(n *node, action string) error {
	if p.kind == TrustPolicy && !strings.HasPrefix(strings.ToLower(action), "sts:") {
		return p.fail(n, "AssumeRole policy may only specify STS AssumeRole actions: %q is none.", clip(action))
	}
	if action == "*" || action == "*:*" {
		return nil
	}
	service, name, ok := strings.Cut(action, ":")
	if !ok || name == "" {
		return p.fail(n, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: %q is not of the form SERVICE:NAME.", clip(action))
	}
	if service == "" || strings.ContainsFunc(service, func(c rune) bool { return !word(c) && c != '-' }) {
		return p.fail(n, "Vendor %s is not valid.", clip(service))
	}
	if strings.ContainsFunc(name, func(c rune) bool { return !word(c) && !strings.ContainsRune("-_*?", c) }) {
		return p.fail(n, "Syntax errors in policy: the action %q has characters other than letters, digits, - and _ and the wildcards * and ?.", clip(action))
	}
	return nil
}

func word(c rune) bool {
	return '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
}

func (p *parser) resources(s *statement, element string, n *node) ([]string, error) {
	list, err := p.strings(element, n)
	if err != nil {
		return nil, err
	}
	for _, text := range list {
		if !resourceForm(text) {
			return nil, p.fail(n, "Resource %s must be in ARN format or \"*\".", clip(text))
		}
		compiled, err := syntax{reach: inResource, variables: p.variables}.compile(text)
		if err != nil {
			return nil, p.wrong(n, element, err)
		}
		s.resources.patterns = append(s.resources.patterns, compiled)
	}
	return list, nil
}

// resourceForm says whether a text is *, or an ARN of six parts, or of fewer where a *
// that ends one stands for the others, with a service that is named.
func resourceForm(s string) bool {
	if s == "*" {
		return true
	}
	fields := strings.SplitN(s, ":", 6)
	if fields[0] != "arn" || len(fields) < 4 {
		return false
	}
	if strings.ContainsAny(fields[2], "*?") || fields[1] == "" || fields[2] == "" {
		return false
	}
	if len(fields) == 6 {
		return fields[5] != ""
	}
	return slices.ContainsFunc(fields, func(part string) bool { return strings.HasSuffix(part, "*") })
}

func (p *parser) condition(s *statement, n *node) error {
	if n.kind != objectNode {
		return p.fail(n, "Syntax errors in policy: Condition must be a JSON object.")
	}
	for i, name := range n.names {
		block := n.items[i]
		if block.kind != objectNode {
			return p.fail(block, "Syntax errors in policy: the condition %s must be a JSON object of keys and values.", clip(name))
		}
		for j, key := range block.names {
			c, err := newCondition(name)
			if err != nil {
				return p.fail(block, "Invalid Condition type : %s.", clip(name))
			}
			if service, rest, ok := strings.Cut(key, ":"); !ok || service == "" || rest == "" {
				return p.fail(block.items[j], "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc.: the condition key %q is not.", clip(key))
			}
			c.key = strings.ToLower(key)
			values, err := p.conditionValues(&c, key, block.items[j])
			if err != nil {
				return err
			}
			s.conditions = append(s.conditions, c)
			s.source.Conditions = append(s.source.Conditions, StatementCondition{Operator: name, Key: key, Values: values})
		}
		if _, err := newCondition(name); err != nil {
			return p.fail(block, "Invalid Condition type : %s.", clip(name))
		}
	}
	return nil
}

// conditionValues reads a value or a list of them: strings, numbers or booleans.
func (p *parser) conditionValues(c *condition, key string, n *node) ([]string, error) {
	items := []*node{n}
	if n.kind == listNode {
		items = n.items
	}
	values := make([]string, 0, len(items))
	for _, item := range items {
		if item.kind != stringNode && item.kind != numberNode && item.kind != boolNode {
			return nil, p.fail(item, "Syntax errors in policy: the values of the condition key %q must be strings, numbers or booleans.", clip(key))
		}
		if err := c.add(item.text, p.variables); err != nil {
			return nil, p.wrong(item, fmt.Sprintf("the condition key %q", clip(key)), err)
		}
		values = append(values, item.text)
	}
	return values, nil
}
