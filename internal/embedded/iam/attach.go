package iam

import (
	"context"
	"slices"
	"strings"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

func (s *Service) attachOperations() (all []service.QueryOperation) {
	for _, k := range kinds {
		all = append(all,
			service.HandleQuery("Attach"+string(k)+"Policy", s.attach(k), on[attachInput](s, k)),
			service.HandleQuery("Detach"+string(k)+"Policy", s.detach(k), on[attachInput](s, k)),
			service.HandleQuery("ListAttached"+string(k)+"Policies", s.listAttached(k), on[pagedNames](s, k)))
	}
	return append(all, service.HandleQuery("ListEntitiesForPolicy", s.listEntities, func(c *service.Caller, in *entitiesInput) service.Act {
		return s.onPolicy(c, in.PolicyARN)
	}))
}

type attachInput struct {
	names
	PolicyARN string `query:"PolicyArn,required,min=20,max=2048"`
}

func (in *attachInput) policyARN() string { return in.PolicyARN }

// attach attaches a managed policy. One that is attached already stays.
func (s *Service) attach(k kind) func(context.Context, *service.Caller, *attachInput) (*empty, error) {
	return func(ctx context.Context, c *service.Caller, in *attachInput) (*empty, error) {
		return nil, s.edit(ctx, c, k, &in.names, func(tx *resources.Tx, e *entity) error {
			arn, err := s.managed(tx, in.PolicyARN)
			if err != nil || slices.Contains(e.grants.Attached, arn) {
				return err
			}
			if len(e.grants.Attached) >= iam.MaxAttached {
				return limitExceeded("PoliciesPer"+string(k), iam.MaxAttached)
			}
			e.grants.Attached = append(e.grants.Attached, arn)
			return nil
		})
	}
}

func (s *Service) detach(k kind) func(context.Context, *service.Caller, *attachInput) (*empty, error) {
	return func(ctx context.Context, c *service.Caller, in *attachInput) (*empty, error) {
		return nil, s.edit(ctx, c, k, &in.names, func(_ *resources.Tx, e *entity) error {
			i := slices.Index(e.grants.Attached, in.PolicyARN)
			if i < 0 {
				return noSuchEntity("Policy %s was not found.", shorten(in.PolicyARN))
			}
			e.grants.Attached = slices.Delete(e.grants.Attached, i, i+1)
			return nil
		})
	}
}

type attachedAnswer struct {
	PolicyName string
	PolicyARN  string `xml:"PolicyArn"`
}

// attachedAnswers renders ARNs of managed policies.
func attachedAnswers(arns []string, prefix string) (out []attachedAnswer) {
	for _, arn := range arns {
		_, _, _, path, name, _ := iam.SplitARN(arn)
		if strings.HasPrefix(path, prefix) {
			out = append(out, attachedAnswer{name, arn})
		}
	}
	return out
}

type listAttachedOutput struct {
	AttachedPolicies service.List[attachedAnswer]
	paged
}

func (s *Service) listAttached(k kind) func(context.Context, *service.Caller, *pagedNames) (*listAttachedOutput, error) {
	return func(_ context.Context, c *service.Caller, in *pagedNames) (*listAttachedOutput, error) {
		e, err := in.entity(c.Account, k)
		if err != nil {
			return nil, err
		}
		policies, more, err := page(attachedAnswers(e.grants.Attached, in.PathPrefix), func(p attachedAnswer) string { return p.PolicyARN }, in.paging)
		return &listAttachedOutput{service.List[attachedAnswer]{Member: policies}, more}, err
	}
}

type entitiesInput struct {
	PolicyARN         string `query:"PolicyArn,required,min=20,max=2048"`
	EntityFilter      string
	PathPrefix        string
	PolicyUsageFilter string
	paging
}

type (
	policyUser struct {
		UserName string
		UserID   string `xml:"UserId"`
	}
	policyGroup struct {
		GroupName string
		GroupID   string `xml:"GroupId"`
	}
	policyRole struct {
		RoleName string
		RoleID   string `xml:"RoleId"`
	}
)

type entitiesOutput struct {
	PolicyGroups service.List[policyGroup]
	PolicyUsers  service.List[policyUser]
	PolicyRoles  service.List[policyRole]
	paged
}

// Usages of a managed policy (PolicyUsageFilter).
const (
	asPermissions = "PermissionsPolicy"
	asBoundary    = "PermissionsBoundary"
)

// listEntities lists who has a managed policy.
func (s *Service) listEntities(_ context.Context, c *service.Caller, in *entitiesInput) (*entitiesOutput, error) {
	if err := s.policyExists(c.Account, in.PolicyARN); err != nil {
		return nil, err
	}
	if err := oneOf("PolicyUsageFilter", in.PolicyUsageFilter, asPermissions, asBoundary); err != nil {
		return nil, err
	}
	if err := oneOf("EntityFilter", in.EntityFilter, "User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"); err != nil {
		return nil, err
	}
	var found []entity
	for _, e := range all(c.Account) {
		granted := slices.Contains(e.grants.Attached, in.PolicyARN) && in.PolicyUsageFilter != asBoundary
		bounds := e.boundary == in.PolicyARN && in.PolicyUsageFilter != asPermissions
		if (granted || bounds) && (in.EntityFilter == "" || in.EntityFilter == string(e.kind)) && strings.HasPrefix(e.path, in.PathPrefix) {
			found = append(found, e)
		}
	}
	some, more, err := page(found, func(e entity) string { return string(e.kind) + "/" + resources.IAMKey(e.name) }, in.paging)
	if err != nil {
		return nil, err
	}
	out := &entitiesOutput{paged: more}
	for _, e := range some {
		switch e.kind {
		case user:
			out.PolicyUsers.Member = append(out.PolicyUsers.Member, policyUser{e.name, e.id})
		case group:
			out.PolicyGroups.Member = append(out.PolicyGroups.Member, policyGroup{e.name, e.id})
		default:
			out.PolicyRoles.Member = append(out.PolicyRoles.Member, policyRole{e.name, e.id})
		}
	}
	return out, nil
}

// oneOf refuses a value that is none of those allowed; "" is not given.
func oneOf(parameter, value string, allowed ...string) error {
	if value == "" || slices.Contains(allowed, value) {
		return nil
	}
	return service.Invalid("The parameter %s is %q; %s are allowed.", parameter, shorten(value), strings.Join(allowed, ", "))
}
