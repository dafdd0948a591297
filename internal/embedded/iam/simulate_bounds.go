package iam

import (
	"context"
	"net/http"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
)

// What a simulation may cost: a request is short, and what it asks for may be long.
const (
	maxSimulated        = 10_000    // decisions that are asked for, on all pages
	maxActionName       = 128       // characters
	maxResourceARN      = 2048      // characters
	maxInputPolicies    = 120 << 10 // octets of the policies that a request brings
	maxContextValues    = 32 << 10  // octets of the context keys' values
	maxMatched          = 100       // statements that a result lists
	maxStatementsByPage = 1_000_000 // statements held against requests
	maxOctetsByPage     = 64 << 20  // of policies held against requests
	maxAnswered         = 4 << 20   // octets of an answer, about; a result is always whole
)

// alone lets an account have one simulation at a time.
//
// Errors: Throttling.
func alone[O any](s *Service, f func(context.Context, *service.Caller, *simulateInput) (*O, error)) func(context.Context, *service.Caller, *simulateInput) (*O, error) {
	return func(ctx context.Context, c *service.Caller, in *simulateInput) (*O, error) {
		if _, busy := s.simulating.LoadOrStore(c.AccountID, true); busy {
			return nil, exception("Throttling", http.StatusBadRequest, "Rate exceeded: an account may have one simulation at a time.")
		}
		defer s.simulating.Delete(c.AccountID)
		if err := in.bounded(); err != nil {
			return nil, err
		}
		return f(ctx, c, in)
	}
}

// bounded refuses a request that is too large.
func (in *simulateInput) bounded() error {
	policies := len(in.ResourcePolicy)
	for _, list := range [][]string{in.PolicyInputList, in.PermissionsBoundaryPolicyInputList} {
		for _, document := range list {
			policies += len(document)
		}
	}
	if policies > maxInputPolicies {
		return invalidInput("The policies of the request have %d octets together; at most %d are allowed.", policies, maxInputPolicies)
	}
	values := 0
	for _, e := range in.ContextEntries {
		for _, value := range e.ContextKeyValues {
			values += len(value)
		}
	}
	if values > maxContextValues {
		return invalidInput("The values of ContextEntries have %d octets together; at most %d are allowed.", values, maxContextValues)
	}
	for _, action := range in.ActionNames {
		if len(action) > maxActionName {
			return invalidInput("An action of ActionNames has %d characters; at most %d are allowed.", len(action), maxActionName)
		}
	}
	for _, arn := range in.ResourceARNs {
		if len(arn) > maxResourceARN {
			return invalidInput("A resource of ResourceArns has %d characters; at most %d are allowed.", len(arn), maxResourceARN)
		}
	}
	return nil
}

// decisions is how many a page may have: as many as were asked for, or less where the
// policies are long.
func (m *simulation) decisions(p paging) int {
	most := defaultItems
	if p.MaxItems != nil {
		most = *p.MaxItems
	}
	return max(1, min(most, maxStatementsByPage/max(1, m.statements), maxOctetsByPage/max(1, m.octets)))
}

// listed are the statements of a result that there is room for. Those that deny, which
// no other outweighs, come first where it is short.
func listed(matches []iam.Match) []iam.Match {
	if len(matches) <= maxMatched {
		return matches
	}
	some := make([]iam.Match, 0, maxMatched)
	for _, denying := range []bool{true, false} {
		for _, match := range matches {
			if match.Allow != denying && len(some) < maxMatched {
				some = append(some, match)
			}
		}
	}
	return some
}

// size is about how many octets a result is answered with.
func (e *evaluation) size() int {
	const result, statement, key = 600, 350, 20 // the elements around
	n := result + len(e.EvalActionName) + 2*len(e.EvalResourceName)
	for _, m := range e.MatchedStatements.Member {
		n += 2 * (statement + len(m.SourcePolicyID))
	}
	for _, name := range e.MissingContextValues.Member {
		n += 2 * (key + len(name))
	}
	return n
}
