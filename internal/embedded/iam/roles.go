package iam

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// roleAnswer is the data type Role.
type roleAnswer struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               time.Time
	AssumeRolePolicyDocument string
	Description              string `xml:",omitempty"`
	MaxSessionDuration       int
	PermissionsBoundary      *boundaryAnswer
	Tags                     *service.List[service.Tag]
	RoleLastUsed             *struct{}
}

// encoded is a policy document as answers have it: as part of a URL.
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

func (s *Service) role(account string, i *resources.Item[iam.Role], whole bool) roleAnswer {
	r := &i.Value
	a := roleAnswer{Path: r.Path, RoleName: r.Name, RoleID: r.ID, Arn: iam.RoleARN(s.Partition, account, r.Path, r.Name), CreateDate: seconds(i.Created),
		AssumeRolePolicyDocument: encoded(r.Trust), Description: r.Description, MaxSessionDuration: r.MaxSessionDuration}
	if a.MaxSessionDuration == 0 {
		a.MaxSessionDuration = int(iam.DefaultSession / time.Second)
	}
	if whole {
		a.PermissionsBoundary = boundaryOf(r.Boundary)
		a.Tags = tagList(i.Tags)
		a.RoleLastUsed = &struct{}{}
	}
	return a
}

func (s *Service) roleOperations() []service.QueryOperation {
	return []service.QueryOperation{
		service.HandleQuery("CreateRole", s.createRole, func(c *service.Caller, in *createRoleInput) service.Act {
			return s.creating(c, role, in.Path, in.RoleName, in.PermissionsBoundary, in.Tags)
		}),
		service.HandleQuery("GetRole", s.getRole, on[names](s, role)),
		service.HandleQuery("ListRoles", s.listRoles, nil),
		service.HandleQuery("UpdateRole", s.updateRole, on[updateRoleInput](s, role)),
		service.HandleQuery("UpdateRoleDescription", s.updateRoleDescription, on[updateRoleInput](s, role)),
		service.HandleQuery("UpdateAssumeRolePolicy", s.updateTrust, on[updateTrustInput](s, role)),
		service.HandleQuery("DeleteRole", s.deleteRole, on[names](s, role)),
	}
}

type createRoleInput struct {
	Path                     string
	RoleName                 string        `query:",required,max=64"`
	AssumeRolePolicyDocument string        `query:",required,max=131072"`
	Description              string        `query:",max=1000"`
	MaxSessionDuration       *int          `query:",min=3600,max=43200"`
	PermissionsBoundary      string        `query:",min=20,max=2048"`
	Tags                     []service.Tag `query:",max=50"`
}

type oneRole struct{ Role roleAnswer }

func (s *Service) createRole(ctx context.Context, c *service.Caller, in *createRoleInput) (*oneRole, error) {
	path, tags, err := checkNew("RoleName", in.RoleName, role.maxName(), in.Path, in.Tags)
	if err != nil {
		return nil, err
	}
	if err := checkTrust(in.AssumeRolePolicyDocument); err != nil {
		return nil, err
	}
	r := iam.Role{ID: newID("AROA"), Name: in.RoleName, Path: path, Description: in.Description, Trust: in.AssumeRolePolicyDocument, Boundary: in.PermissionsBoundary}
	if in.MaxSessionDuration != nil {
		r.MaxSessionDuration = *in.MaxSessionDuration
	}
	id, out := resources.IAMKey(in.RoleName), &oneRole{}
	return out, s.change(ctx, c, func(tx *resources.Tx) error {
		switch {
		case tx.Roles.Get(id) != nil:
			return alreadyExists("Role with name %s already exists.", in.RoleName)
		case tx.Roles.Len() >= iam.MaxRoles:
			return limitExceeded("RolesPerAccount", iam.MaxRoles)
		}
		if err := s.boundaryExists(tx, in.PermissionsBoundary); err != nil {
			return err
		}
		if err := s.pinTrust(tx, &r); err != nil {
			return err
		}
		tx.Roles.Put(id, r)
		tx.Roles.SetTags(id, tags)
		out.Role = s.role(c.AccountID, tx.Roles.Get(id), true)
		return nil
	})
}

// checkTrust holds a trust policy against the language and its quota.
func checkTrust(document string) error {
	if _, err := parse(document, iam.TrustPolicy); err != nil {
		return err
	}
	if characters(document) > iam.MaxTrustDocument {
		return limitExceeded("ACLSizePerRole", iam.MaxTrustDocument)
	}
	return nil
}

// pinTrust has the trust policy of a role go on naming the users and roles that it names
// now: those of the account have to be there.
func (s *Service) pinTrust(tx *resources.Tx, r *iam.Role) (err error) {
	r.TrustPinned, err = iam.PinPrincipals(r.Trust, iam.TrustPolicy, s.Directory.PrincipalIDs(tx))
	if gone, ok := errors.AsType[*resources.NoPrincipalError](err); ok {
		return exception("MalformedPolicyDocument", http.StatusBadRequest, "%s", gone.Error())
	}
	return malformed(err)
}

func (s *Service) getRole(_ context.Context, c *service.Caller, in *names) (*oneRole, error) {
	name, err := in.require(role)
	if err != nil {
		return nil, err
	}
	item := c.Account.Roles.Get(resources.IAMKey(name))
	if item == nil {
		return nil, missing(role, name)
	}
	return &oneRole{s.role(c.AccountID, item, true)}, nil
}

type listRolesOutput struct {
	Roles service.List[roleAnswer]
	paged
}

func (s *Service) listRoles(_ context.Context, c *service.Caller, in *listInput) (*listRolesOutput, error) {
	var found []roleAnswer
	for _, item := range c.Account.Roles.All() {
		if strings.HasPrefix(item.Value.Path, in.PathPrefix) {
			found = append(found, s.role(c.AccountID, item, false))
		}
	}
	roles, more, err := page(found, func(r roleAnswer) string { return resources.IAMKey(r.RoleName) }, in.paging)
	return &listRolesOutput{service.List[roleAnswer]{Member: roles}, more}, err
}

type updateRoleInput struct {
	names
	Description        *string `query:",max=1000"`
	MaxSessionDuration *int    `query:",min=3600,max=43200"`
}

// changeRole runs fn on a role.
func (s *Service) changeRole(ctx context.Context, c *service.Caller, n *names, fn func(*resources.Tx, *iam.Role) error) (*oneRole, error) {
	name, err := n.require(role)
	if err != nil {
		return nil, err
	}
	out := &oneRole{}
	return out, s.change(ctx, c, func(tx *resources.Tx) error {
		item := tx.Roles.Get(resources.IAMKey(name))
		if item == nil {
			return missing(role, name)
		}
		r := item.Value
		if err := fn(tx, &r); err != nil {
			return err
		}
		out.Role = s.role(c.AccountID, tx.Roles.Put(item.ID, r), true)
		return nil
	})
}

func (in *updateRoleInput) apply(_ *resources.Tx, r *iam.Role) error {
	if in.Description != nil {
		r.Description = *in.Description
	}
	if in.MaxSessionDuration != nil {
		r.MaxSessionDuration = *in.MaxSessionDuration
	}
	return nil
}

func (s *Service) updateRole(ctx context.Context, c *service.Caller, in *updateRoleInput) (*empty, error) {
	_, err := s.changeRole(ctx, c, &in.names, in.apply)
	return &empty{}, err
}

func (s *Service) updateRoleDescription(ctx context.Context, c *service.Caller, in *updateRoleInput) (*oneRole, error) {
	if in.Description == nil {
		return nil, service.Invalid("The parameter Description is missing.")
	}
	in.MaxSessionDuration = nil
	return s.changeRole(ctx, c, &in.names, in.apply)
}

type updateTrustInput struct {
	names
	PolicyDocument string `query:",required,max=131072"`
}

func (s *Service) updateTrust(ctx context.Context, c *service.Caller, in *updateTrustInput) (*empty, error) {
	if err := checkTrust(in.PolicyDocument); err != nil {
		return nil, err
	}
	_, err := s.changeRole(ctx, c, &in.names, func(tx *resources.Tx, r *iam.Role) error {
		r.Trust = in.PolicyDocument
		return s.pinTrust(tx, r)
	})
	return nil, err
}

func (s *Service) deleteRole(ctx context.Context, c *service.Caller, in *names) (*empty, error) {
	name, err := in.require(role)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, c, func(tx *resources.Tx) error {
		e, err := findIn(tx, role, name)
		if err != nil {
			return err
		}
		if err := e.bare(); err != nil {
			return err
		}
		tx.Roles.Delete(resources.IAMKey(name))
		return nil
	})
}
