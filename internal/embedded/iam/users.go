package iam

import (
	"context"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// userAnswer is the data type User.
type userAnswer struct {
	Path                string `xml:",omitempty"`
	UserName            string `xml:",omitempty"`
	UserID              string `xml:"UserId"`
	Arn                 string
	CreateDate          time.Time
	PermissionsBoundary *boundaryAnswer
	Tags                *service.List[service.Tag]
}

type boundaryAnswer struct {
	PermissionsBoundaryType string
	PermissionsBoundaryArn  string
}

func boundaryOf(arn string) *boundaryAnswer {
	if arn == "" {
		return nil
	}
	return &boundaryAnswer{"PermissionsBoundaryPolicy", arn}
}

// user renders a user; lists leave out what only Get tells.
func (s *Service) user(account string, i *resources.Item[iam.User], whole bool) userAnswer {
	u := &i.Value
	a := userAnswer{Path: u.Path, UserName: u.Name, UserID: u.ID, Arn: iam.UserARN(s.Partition, account, u.Path, u.Name), CreateDate: seconds(i.Created)}
	if whole {
		a.PermissionsBoundary = boundaryOf(u.Boundary)
		a.Tags = tagList(i.Tags)
	}
	return a
}

func (s *Service) userOperations() []service.QueryOperation {
	return []service.QueryOperation{
		service.HandleQuery("CreateUser", s.createUser, func(c *service.Caller, in *createUserInput) service.Act {
			return s.creating(c, user, in.Path, in.UserName, in.PermissionsBoundary, in.Tags)
		}),
		service.HandleQuery("GetUser", s.getUser, on[optionalUser](s, user)),
		service.HandleQuery("ListUsers", s.listUsers, nil),
		service.HandleQuery("UpdateUser", s.updateUser, on[updateUserInput](s, user)),
		service.HandleQuery("DeleteUser", s.deleteUser, on[names](s, user)),
	}
}

type createUserInput struct {
	Path                string
	UserName            string        `query:",required,max=64"`
	PermissionsBoundary string        `query:",min=20,max=2048"`
	Tags                []service.Tag `query:",max=50"`
}

type oneUser struct{ User userAnswer }

func (s *Service) createUser(ctx context.Context, c *service.Caller, in *createUserInput) (*oneUser, error) {
	path, tags, err := checkNew("UserName", in.UserName, user.maxName(), in.Path, in.Tags)
	if err != nil {
		return nil, err
	}
	id, out := resources.IAMKey(in.UserName), &oneUser{}
	return out, s.change(ctx, c, func(tx *resources.Tx) error {
		switch {
		case tx.Users.Get(id) != nil:
			return alreadyExists("User with name %s already exists.", in.UserName)
		case tx.Users.Len() >= iam.MaxUsers:
			return limitExceeded("UsersPerAccount", iam.MaxUsers)
		}
		if err := s.boundaryExists(tx, in.PermissionsBoundary); err != nil {
			return err
		}
		tx.Users.Put(id, iam.User{ID: newID("AIDA"), Name: in.UserName, Path: path, Boundary: in.PermissionsBoundary})
		tx.Users.SetTags(id, tags)
		out.User = s.user(c.AccountID, tx.Users.Get(id), true)
		return nil
	})
}

type optionalUser struct{ names }

// getUser answers who asks where no name is given.
func (s *Service) getUser(_ context.Context, c *service.Caller, in *optionalUser) (*oneUser, error) {
	name, root, err := userOrCaller(c, in.UserName)
	if err != nil {
		return nil, err
	}
	if root {
		a := userAnswer{UserID: c.AccountID, Arn: iam.RootARN(s.Partition, c.AccountID)}
		if item := s.Directory.Inventory().Accounts.Get(c.AccountID); item != nil {
			a.CreateDate = seconds(item.Created)
		}
		return &oneUser{a}, nil
	}
	item := c.Account.Users.Get(resources.IAMKey(name))
	if item == nil {
		return nil, missing(user, name)
	}
	return &oneUser{s.user(c.AccountID, item, true)}, nil
}

type listInput struct {
	PathPrefix string `query:",max=512"`
	paging
}

type listUsersOutput struct {
	Users service.List[userAnswer]
	paged
}

func (s *Service) listUsers(_ context.Context, c *service.Caller, in *listInput) (*listUsersOutput, error) {
	var found []userAnswer
	for _, item := range c.Account.Users.All() {
		if strings.HasPrefix(item.Value.Path, in.PathPrefix) {
			found = append(found, s.user(c.AccountID, item, false))
		}
	}
	users, more, err := page(found, func(u userAnswer) string { return resources.IAMKey(u.UserName) }, in.paging)
	return &listUsersOutput{service.List[userAnswer]{Member: users}, more}, err
}

type updateUserInput struct {
	names
	NewPath     string
	NewUserName string `query:",max=64"`
}

func (in *updateUserInput) moved() (path, name string) { return in.NewPath, in.NewUserName }

// updateUser renames or moves a user. Its keys stay its own.
func (s *Service) updateUser(ctx context.Context, c *service.Caller, in *updateUserInput) (*empty, error) {
	name, err := in.require(user)
	if err != nil {
		return nil, err
	}
	if err := checkMove(user, in.NewUserName, in.NewPath); err != nil {
		return nil, err
	}
	return nil, s.change(ctx, c, func(tx *resources.Tx) error {
		item := tx.Users.Get(resources.IAMKey(name))
		if item == nil {
			return missing(user, name)
		}
		u, was := item.Value, item.Value.Name
		if in.NewPath != "" {
			u.Path = in.NewPath
		}
		id := item.ID
		if in.NewUserName != "" {
			u.Name = in.NewUserName
			if to := resources.IAMKey(u.Name); to != id {
				if tx.Users.Get(to) != nil {
					return alreadyExists("User with name %s already exists.", u.Name)
				}
				tx.Users.Rename(id, to)
				id = to
			}
		}
		tx.Users.Put(id, u)
		for _, k := range tx.AccessKeys.All() {
			if k.Value.User == was {
				key := k.Value
				key.User = u.Name
				tx.AccessKeys.Put(k.ID, key)
			}
		}
		return nil
	})
}

// checkMove holds a new name and path against the rules.
func checkMove(k kind, name, path string) error {
	if name != "" {
		if err := checkName("New"+string(k)+"Name", name, k.maxName()); err != nil {
			return err
		}
	}
	_, err := checkPath("NewPath", path)
	return err
}

func (s *Service) deleteUser(ctx context.Context, c *service.Caller, in *names) (*empty, error) {
	name, err := in.require(user)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, c, func(tx *resources.Tx) error {
		e, err := findIn(tx, user, name)
		if err != nil {
			return err
		}
		if err := e.bare(); err != nil {
			return err
		}
		u := tx.Users.Get(resources.IAMKey(name)).Value
		switch {
		case len(u.Groups) > 0:
			return deleteConflict("Cannot delete entity, must remove users from group first.")
		case u.Login != nil:
			return deleteConflict("Cannot delete entity, must delete login profile first.")
		case len(u.MFA) > 0:
			return deleteConflict("Cannot delete entity, must delete MFA device first.")
		case len(keysOf(tx.AccessKeys.All(), u.Name)) > 0:
			return deleteConflict("Cannot delete entity, must delete access keys first.")
		}
		tx.Users.Delete(resources.IAMKey(name))
		return nil
	})
}
