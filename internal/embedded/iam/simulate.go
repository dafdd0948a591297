package iam

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
)

func (s *Service) simulateOperations() []service.QueryOperation {
	return []service.QueryOperation{
		service.HandleQuery("SimulateCustomPolicy", alone(s, s.simulateCustom), nil),
		service.HandleQuery("SimulatePrincipalPolicy", alone(s, s.simulatePrincipal), onSource[simulateInput]),
		service.HandleQuery("GetContextKeysForCustomPolicy", alone(s, s.keysOfCustom), nil),
		service.HandleQuery("GetContextKeysForPrincipalPolicy", alone(s, s.keysOfPrincipal), onSource[simulateInput]),
	}
}

// onSource says that a request acts on the user, group or role whose policies it tries.
func onSource[I any](_ *service.Caller, in *I) service.Act {
	if i, ok := any(in).(*simulateInput); ok && i.PolicySourceARN != "" {
		return service.Act{Resources: []string{i.PolicySourceARN}}
	}
	return service.Act{}
}

type simulateInput struct {
	PolicySourceARN                    string   `query:"PolicySourceArn,min=20,max=2048"`
	PolicyInputList                    []string `query:",max=50"`
	PermissionsBoundaryPolicyInputList []string `query:",max=1"`
	ActionNames                        []string
	ResourceARNs                       []string       `query:"ResourceArns"`
	ResourcePolicy                     string         `query:",max=131072"`
	ResourceOwner                      string         `query:",max=2048"`
	CallerARN                          string         `query:"CallerArn,max=2048"`
	ContextEntries                     []contextEntry `query:",max=256"`
	ResourceHandlingOption             string         `query:",max=64"`
	paging
}

type contextEntry struct {
	ContextKeyName   string `query:",min=5,max=256"`
	ContextKeyValues []string
	ContextKeyType   string
}

type simulateOutput struct {
	EvaluationResults service.List[evaluation]
	paged
}

// evaluation is the data type EvaluationResult.
type evaluation struct {
	EvalActionName                    string
	EvalResourceName                  string
	EvalDecision                      string
	MatchedStatements                 service.List[matched]
	MissingContextValues              service.List[string]
	PermissionsBoundaryDecisionDetail *boundaryDecision
	ResourceSpecificResults           service.List[specific]
}

type specific struct {
	EvalResourceName                  string
	EvalResourceDecision              string
	MatchedStatements                 service.List[matched]
	MissingContextValues              service.List[string]
	PermissionsBoundaryDecisionDetail *boundaryDecision
}

type boundaryDecision struct{ AllowedByPermissionsBoundary bool }

// matched is the data type Statement.
type matched struct {
	SourcePolicyID   string `xml:"SourcePolicyId"`
	SourcePolicyType string
	StartPosition    position
	EndPosition      position
}

type position struct{ Line, Column int }

// simulation is a request that is tried without being made.
type simulation struct {
	subject  iam.Subject
	owner    string
	resource *iam.Attached
	kinds    map[string]string // of policies' names: SourcePolicyType
	keys     []string          // that the policies ask for, in lower case
	spelled  map[string]string // as they are written there
	missing  []string          // of keys: what has no value, as it is written
	context  tried

	statements, octets int // of all policies
}

func newSimulation() *simulation {
	return &simulation{kinds: map[string]string{}, spelled: map[string]string{}}
}

// Kinds of policies (SourcePolicyType).
const (
	fromAWS     = "aws-managed"
	fromAccount = "user-managed"
	fromInput   = "IAM Policy"
	fromPolicy  = "resource"
	fromBounds  = "IAM Permissions Boundary Policy"
)

// tried are the condition keys of a simulation: those that the request gives, over
// those that follow from who it is tried for.
type tried struct {
	given map[string][]string
	of    iam.Circumstances
}

// Lookup is part of iam.Context.
func (t *tried) Lookup(key string) []string {
	if values, ok := t.given[key]; ok {
		return values
	}
	return t.of.Lookup(key)
}

// add takes a policy that a request brings.
func (m *simulation) add(name, kind, document string, as iam.Kind) (iam.Attached, error) {
	policy, err := parse(document, as)
	if err != nil {
		if e, ok := errors.AsType[*service.Exception](err); ok {
			return iam.Attached{}, invalidInput("%s: %s", name, e.Message)
		}
		return iam.Attached{}, err
	}
	return m.take(name, kind, document, policy), nil
}

// take takes a policy, nil for one that cannot be read.
func (m *simulation) take(name, kind, document string, policy *iam.Policy) iam.Attached {
	m.kinds[name] = kind
	m.keys = append(m.keys, policy.ContextKeys()...)
	statements := policy.Statements()
	m.statements += len(statements)
	m.octets += len(document)
	for _, statement := range statements {
		for _, condition := range statement.Conditions {
			m.spelled[strings.ToLower(condition.Key)] = condition.Key
		}
	}
	return iam.Attached{Name: name, Policy: policy}
}

// simulateCustom tries policies that the request brings.
func (s *Service) simulateCustom(ctx context.Context, c *service.Caller, in *simulateInput) (*simulateOutput, error) {
	if len(in.PolicyInputList) == 0 {
		return nil, service.Invalid("The parameter PolicyInputList is missing.")
	}
	m := newSimulation()
	p := &iam.Principal{Type: iam.UserType, Account: c.AccountID}
	if in.CallerARN == "" {
		// Who it is does not count where no resource's policy is tried.
		p.ARN = iam.UserARN(s.Partition, c.AccountID, "/", "simulated")
	}
	m.subject.Principal = p
	return s.simulate(ctx, c, m, in)
}

// simulatePrincipal tries the policies of a user, group or role, and those that the
// request brings besides.
func (s *Service) simulatePrincipal(ctx context.Context, c *service.Caller, in *simulateInput) (*simulateOutput, error) {
	m, err := s.source(c, in.PolicySourceARN)
	if err != nil {
		return nil, err
	}
	return s.simulate(ctx, c, m, in)
}

// simulate makes the rest of a simulation and answers it.
func (s *Service) simulate(ctx context.Context, c *service.Caller, m *simulation, in *simulateInput) (*simulateOutput, error) {
	for i, document := range in.PolicyInputList {
		p, err := m.add(fmt.Sprintf("PolicyInputList.%d", i+1), fromInput, document, iam.IdentityPolicy)
		if err != nil {
			return nil, err
		}
		m.subject.Identity = append(m.subject.Identity, p)
	}
	for i, document := range in.PermissionsBoundaryPolicyInputList {
		p, err := m.add(fmt.Sprintf("PermissionsBoundaryPolicyInputList.%d", i+1), fromBounds, document, iam.IdentityPolicy)
		if err != nil {
			return nil, err
		}
		m.subject.Boundary = &p
	}
	if in.ResourcePolicy != "" {
		if in.CallerARN == "" && in.PolicySourceARN == "" {
			return nil, invalidInput("CallerArn is needed where a ResourcePolicy is given.")
		}
		p, err := m.add("ResourcePolicy", fromPolicy, in.ResourcePolicy, iam.ResourcePolicy)
		if err != nil {
			return nil, err
		}
		m.resource = &p
	}
	if err := s.caller(c, m, in.CallerARN); err != nil {
		return nil, err
	}
	if in.ResourceOwner != "" {
		if m.owner = ownerOf(in.ResourceOwner); m.owner == "" {
			return nil, invalidInput("ResourceOwner is %q; an ARN of an account, such as %s, is needed.", shorten(in.ResourceOwner), iam.RootARN(s.Partition, c.AccountID))
		}
	}
	if err := m.circumstances(s, in.ContextEntries); err != nil {
		return nil, err
	}
	return m.answer(ctx, in)
}

// caller makes another user the one who asks.
func (s *Service) caller(c *service.Caller, m *simulation, arn string) error {
	if arn == "" {
		return nil
	}
	partition, account, kind, _, name, ok := iam.SplitARN(arn)
	if !ok || partition != s.Partition || kind != "user" {
		return invalidInput("CallerArn is %q; the ARN of a user is needed.", shorten(arn))
	}
	m.subject.Principal = &iam.Principal{Type: iam.UserType, ARN: arn, Account: account, Name: name}
	// Of another account's nothing is known but the ARN.
	if account == c.AccountID {
		if e, err := find(c.Account, user, name); err == nil && s.arnOf(user, account, e.path, e.name) == arn {
			m.subject.Principal.ID, m.subject.Principal.Tags = e.id, e.tags
		}
	}
	return nil
}

// ownerOf is the account of an account's ARN or of its id.
func ownerOf(text string) string {
	if rest, ok := strings.CutSuffix(text, ":root"); ok {
		if fields := strings.Split(rest, ":"); len(fields) == 5 && fields[0] == "arn" && fields[2] == "iam" {
			text = fields[4]
		}
	}
	if len(text) != 12 || strings.Trim(text, "0123456789") != "" {
		return ""
	}
	return text
}

func (m *simulation) circumstances(s *Service, entries []contextEntry) error {
	m.context.given = map[string][]string{}
	m.context.of = iam.Circumstances{Principal: m.subject.Principal, Now: s.Now()}
	for _, e := range entries {
		key := strings.ToLower(e.ContextKeyName)
		if _, twice := m.context.given[key]; key == "" || twice {
			return invalidInput("The context key %q is empty or there twice.", shorten(e.ContextKeyName))
		}
		m.context.given[key] = e.ContextKeyValues
	}
	slices.Sort(m.keys)
	m.keys = slices.Compact(m.keys)
	for _, key := range m.keys {
		if m.context.Lookup(key) == nil {
			m.missing = append(m.missing, cmp.Or(m.spelled[key], key))
		}
	}
	return nil
}

// pair is one decision of a simulation.
type pair struct {
	n                int
	action, resource string
}

func (m *simulation) answer(ctx context.Context, in *simulateInput) (*simulateOutput, error) {
	if len(in.ActionNames) == 0 {
		return nil, service.Invalid("The parameter ActionNames is missing.")
	}
	arns := in.ResourceARNs
	if len(arns) == 0 {
		arns = []string{"*"}
	}
	if len(arns)*len(in.ActionNames) > maxSimulated {
		return nil, invalidInput("%d actions on %d resources are more than %d decisions.", len(in.ActionNames), len(arns), maxSimulated)
	}
	var pairs []pair
	for _, action := range in.ActionNames {
		if service, name, ok := strings.Cut(action, ":"); !ok || service == "" || name == "" || strings.ContainsAny(action, "*? ") {
			return nil, invalidInput("Invalid Entity Type or Action: %s", shorten(action))
		}
		for _, arn := range arns {
			pairs = append(pairs, pair{len(pairs), action, arn})
		}
	}
	number := func(p pair) string { return fmt.Sprintf("%06d", p.n) }
	some, more, err := page(pairs, number, paging{in.Marker, new(m.decisions(in.paging))})
	if err != nil {
		return nil, err
	}
	out, size := &simulateOutput{paged: more}, 0
	for i, p := range some {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		e := m.evaluate(p.action, p.resource)
		if size += e.size(); i > 0 && size > maxAnswered {
			out.paged = paged{IsTruncated: true, Marker: marker(number(some[i-1]))}
			break
		}
		out.EvaluationResults.Member = append(out.EvaluationResults.Member, e)
	}
	return out, nil
}

// evaluate decides about one action on one resource.
func (m *simulation) evaluate(action, resource string) evaluation {
	d, matches := iam.Explain(&m.subject, &iam.Request{Action: action, Resource: resource, Owner: m.owner, Context: &m.context}, m.resource)
	e := evaluation{EvalActionName: action, EvalResourceName: resource, EvalDecision: decision(d)}
	bounded := false
	for _, match := range listed(matches) {
		e.MatchedStatements.Member = append(e.MatchedStatements.Member, matched{match.Policy, m.kinds[match.Policy],
			position{match.StartLine, match.StartColumn}, position{match.EndLine, match.EndColumn}})
	}
	for _, match := range matches {
		bounded = bounded || match.Source == iam.FromBoundary && match.Allow
	}
	e.MissingContextValues.Member = m.missing
	if m.subject.Boundary != nil {
		denied := slices.ContainsFunc(matches, func(match iam.Match) bool { return match.Source == iam.FromBoundary && !match.Allow })
		e.PermissionsBoundaryDecisionDetail = &boundaryDecision{bounded && !denied}
	}
	e.ResourceSpecificResults.Member = []specific{{resource, e.EvalDecision, e.MatchedStatements, e.MissingContextValues, e.PermissionsBoundaryDecisionDetail}}
	return e
}

// decision is a decision as it is answered.
func decision(d iam.Decision) string {
	switch {
	case d.Allowed:
		return "allowed"
	case d.Reason == iam.ExplicitDeny:
		return "explicitDeny"
	}
	return "implicitDeny"
}

type keysOutput struct {
	ContextKeyNames service.List[string]
}

func (s *Service) keysOfCustom(_ context.Context, _ *service.Caller, in *simulateInput) (*keysOutput, error) {
	if len(in.PolicyInputList) == 0 {
		return nil, service.Invalid("The parameter PolicyInputList is missing.")
	}
	return contextKeys(newSimulation(), in)
}

func (s *Service) keysOfPrincipal(_ context.Context, c *service.Caller, in *simulateInput) (*keysOutput, error) {
	m, err := s.source(c, in.PolicySourceARN)
	if err != nil {
		return nil, err
	}
	return contextKeys(m, in)
}

// contextKeys lists the condition keys that policies ask for.
func contextKeys(m *simulation, in *simulateInput) (*keysOutput, error) {
	for i, document := range in.PolicyInputList {
		if _, err := m.add(fmt.Sprintf("PolicyInputList.%d", i+1), fromInput, document, iam.IdentityPolicy); err != nil {
			return nil, err
		}
	}
	keys := map[string]bool{}
	for _, key := range m.keys {
		keys[cmp.Or(m.spelled[key], key)] = true
	}
	return &keysOutput{service.List[string]{Member: slices.Sorted(maps.Keys(keys))}}, nil
}
