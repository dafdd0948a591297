package iam

import (
	"context"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
)

func (s *Service) boundaryOperations() (all []service.QueryOperation) {
	for _, k := range [...]kind{user, role} {
		all = append(all,
			service.HandleQuery("Put"+string(k)+"PermissionsBoundary", s.putBoundary(k), func(c *service.Caller, in *boundaryInput) service.Act {
				act := s.onEntity(c, k, in.of(k))
				act.key(keyBoundary, in.PermissionsBoundary)
				return act.Act
			}),
			service.HandleQuery("Delete"+string(k)+"PermissionsBoundary", s.deleteBoundary(k), on[names](s, k)))
	}
	return all
}

type boundaryInput struct {
	names
	PermissionsBoundary string `query:",required,min=20,max=2048"`
}

// boundaryExists refuses a boundary that is no managed policy; "" is none.
func (s *Service) boundaryExists(tx *resources.Tx, arn string) error {
	if arn == "" {
		return nil
	}
	_, err := s.managed(tx, arn)
	return err
}

func (s *Service) putBoundary(k kind) func(context.Context, *service.Caller, *boundaryInput) (*empty, error) {
	return func(ctx context.Context, c *service.Caller, in *boundaryInput) (*empty, error) {
		return nil, s.edit(ctx, c, k, &in.names, func(tx *resources.Tx, e *entity) error {
			arn, err := s.managed(tx, in.PermissionsBoundary)
			e.boundary = arn
			return err
		})
	}
}

func (s *Service) deleteBoundary(k kind) func(context.Context, *service.Caller, *names) (*empty, error) {
	return func(ctx context.Context, c *service.Caller, in *names) (*empty, error) {
		return nil, s.edit(ctx, c, k, in, func(_ *resources.Tx, e *entity) error {
			if e.boundary == "" {
				return noSuchEntity("%s %s does not have a permissions boundary.", k, e.name)
			}
			e.boundary = ""
			return nil
		})
	}
}
