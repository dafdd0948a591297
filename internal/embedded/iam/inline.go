package iam

import (
	"context"
	"maps"
	"slices"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// kinds are all that policies are granted to.
var kinds = [...]kind{user, group, role}

func (s *Service) inlineOperations() (all []service.QueryOperation) {
	for _, k := range kinds {
		all = append(all,
			service.HandleQuery("Put"+string(k)+"Policy", s.putInline(k), on[inlineInput](s, k)),
			service.HandleQuery("Get"+string(k)+"Policy", s.getInline(k), on[inlineInput](s, k)),
			service.HandleQuery("Delete"+string(k)+"Policy", s.deleteInline(k), on[inlineInput](s, k)),
			service.HandleQuery("List"+string(k)+"Policies", s.listInline(k), on[pagedNames](s, k)))
	}
	return all
}

type inlineInput struct {
	names
	PolicyName     string `query:",required,max=128"`
	PolicyDocument string `query:",max=131072"`
}

// edit runs fn on a user, group or role and stores what it made of it.
func (s *Service) edit(ctx context.Context, c *service.Caller, k kind, n *names, fn func(*resources.Tx, *entity) error) error {
	name, err := n.require(k)
	if err != nil {
		return err
	}
	return s.change(ctx, c, func(tx *resources.Tx) error {
		e, err := findIn(tx, k, name)
		if err != nil {
			return err
		}
		if err := fn(tx, &e); err != nil {
			return err
		}
		e.put(tx)
		return nil
	})
}

func (s *Service) putInline(k kind) func(context.Context, *service.Caller, *inlineInput) (*empty, error) {
	return func(ctx context.Context, c *service.Caller, in *inlineInput) (*empty, error) {
		if err := checkName("PolicyName", in.PolicyName, 128); err != nil {
			return nil, err
		}
		if in.PolicyDocument == "" {
			return nil, service.Invalid("The parameter PolicyDocument is missing.")
		}
		if _, err := parse(in.PolicyDocument, iam.IdentityPolicy); err != nil {
			return nil, err
		}
		return nil, s.edit(ctx, c, k, &in.names, func(_ *resources.Tx, e *entity) error {
			if e.grants.Inline == nil {
				e.grants.Inline = map[string]string{}
			}
			e.grants.Inline[in.PolicyName] = in.PolicyDocument
			sum := 0
			for _, document := range e.grants.Inline {
				sum += characters(document)
			}
			if sum > k.maxInline() {
				return exception("LimitExceeded", 409, "Maximum policy size of %d bytes exceeded for %s %s", k.maxInline(), k.lower(), e.name)
			}
			return nil
		})
	}
}

type inlineOutput struct {
	names
	PolicyName     string
	PolicyDocument string
}

func noPolicyNamed(k kind, policy string) error {
	return noSuchEntity("The %s policy with name %s cannot be found.", k.lower(), shorten(policy))
}

func (s *Service) getInline(k kind) func(context.Context, *service.Caller, *inlineInput) (*inlineOutput, error) {
	return func(_ context.Context, c *service.Caller, in *inlineInput) (*inlineOutput, error) {
		e, err := in.entity(c.Account, k)
		if err != nil {
			return nil, err
		}
		document, ok := e.grants.Inline[in.PolicyName]
		if !ok {
			return nil, noPolicyNamed(k, in.PolicyName)
		}
		return &inlineOutput{named(k, e.name), in.PolicyName, encoded(document)}, nil
	}
}

func (s *Service) deleteInline(k kind) func(context.Context, *service.Caller, *inlineInput) (*empty, error) {
	return func(ctx context.Context, c *service.Caller, in *inlineInput) (*empty, error) {
		return nil, s.edit(ctx, c, k, &in.names, func(_ *resources.Tx, e *entity) error {
			if _, ok := e.grants.Inline[in.PolicyName]; !ok {
				return noPolicyNamed(k, in.PolicyName)
			}
			delete(e.grants.Inline, in.PolicyName)
			return nil
		})
	}
}

type listInlineOutput struct {
	PolicyNames service.List[string]
	paged
}

func (s *Service) listInline(k kind) func(context.Context, *service.Caller, *pagedNames) (*listInlineOutput, error) {
	return func(_ context.Context, c *service.Caller, in *pagedNames) (*listInlineOutput, error) {
		e, err := in.entity(c.Account, k)
		if err != nil {
			return nil, err
		}
		policies, more, err := page(slices.Collect(maps.Keys(e.grants.Inline)), func(name string) string { return name }, in.paging)
		return &listInlineOutput{service.List[string]{Member: policies}, more}, err
	}
}
