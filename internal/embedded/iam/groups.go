package iam

import (
	"context"
	"slices"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// groupAnswer is the data type Group.
type groupAnswer struct {
	Path       string
	GroupName  string
	GroupID    string `xml:"GroupId"`
	Arn        string
	CreateDate time.Time
}

func (s *Service) group(account string, i *resources.Item[iam.Group]) groupAnswer {
	g := &i.Value
	return groupAnswer{Path: g.Path, GroupName: g.Name, GroupID: g.ID, Arn: iam.GroupARN(s.Partition, account, g.Path, g.Name), CreateDate: seconds(i.Created)}
}

func (s *Service) groupOperations() []service.QueryOperation {
	return []service.QueryOperation{
		service.HandleQuery("CreateGroup", s.createGroup, func(c *service.Caller, in *createGroupInput) service.Act {
			return s.creating(c, group, in.Path, in.GroupName, "", nil)
		}),
		service.HandleQuery("GetGroup", s.getGroup, on[getGroupInput](s, group)),
		service.HandleQuery("ListGroups", s.listGroups, nil),
		service.HandleQuery("UpdateGroup", s.updateGroup, on[updateGroupInput](s, group)),
		service.HandleQuery("DeleteGroup", s.deleteGroup, on[names](s, group)),
		service.HandleQuery("AddUserToGroup", s.member(true), on[names](s, group)),
		service.HandleQuery("RemoveUserFromGroup", s.member(false), on[names](s, group)),
		service.HandleQuery("ListGroupsForUser", s.listGroupsForUser, on[pagedNames](s, user)),
	}
}

type createGroupInput struct {
	Path      string
	GroupName string `query:",required,max=128"`
}

type oneGroup struct{ Group groupAnswer }

func (s *Service) createGroup(ctx context.Context, c *service.Caller, in *createGroupInput) (*oneGroup, error) {
	path, _, err := checkNew("GroupName", in.GroupName, group.maxName(), in.Path, nil)
	if err != nil {
		return nil, err
	}
	id, out := resources.IAMKey(in.GroupName), &oneGroup{}
	return out, s.change(ctx, c, func(tx *resources.Tx) error {
		switch {
		case tx.Groups.Get(id) != nil:
			return alreadyExists("Group with name %s already exists.", in.GroupName)
		case tx.Groups.Len() >= iam.MaxGroups:
			return limitExceeded("GroupsPerAccount", iam.MaxGroups)
		}
		out.Group = s.group(c.AccountID, tx.Groups.Put(id, iam.Group{ID: newID("AGPA"), Name: in.GroupName, Path: path}))
		return nil
	})
}

// pagedNames names one whose parts are listed.
type pagedNames struct {
	names
	PathPrefix string `query:",max=512"`
	paging
}

type getGroupInput = pagedNames

type getGroupOutput struct {
	Group groupAnswer
	Users service.List[userAnswer]
	paged
}

// getGroup answers a group with its users.
func (s *Service) getGroup(_ context.Context, c *service.Caller, in *getGroupInput) (*getGroupOutput, error) {
	name, err := in.require(group)
	if err != nil {
		return nil, err
	}
	item := c.Account.Groups.Get(resources.IAMKey(name))
	if item == nil {
		return nil, missing(group, name)
	}
	var members []userAnswer
	for _, u := range c.Account.Users.All() {
		if slices.Contains(u.Value.Groups, item.Value.Name) {
			members = append(members, s.user(c.AccountID, u, false))
		}
	}
	users, more, err := page(members, func(u userAnswer) string { return resources.IAMKey(u.UserName) }, in.paging)
	return &getGroupOutput{s.group(c.AccountID, item), service.List[userAnswer]{Member: users}, more}, err
}

type listGroupsOutput struct {
	Groups service.List[groupAnswer]
	paged
}

func (s *Service) listGroups(_ context.Context, c *service.Caller, in *listInput) (*listGroupsOutput, error) {
	return s.groupList(c, in.paging, func(g *iam.Group) bool { return strings.HasPrefix(g.Path, in.PathPrefix) })
}

func (s *Service) listGroupsForUser(_ context.Context, c *service.Caller, in *pagedNames) (*listGroupsOutput, error) {
	name, err := in.require(user)
	if err != nil {
		return nil, err
	}
	item := c.Account.Users.Get(resources.IAMKey(name))
	if item == nil {
		return nil, missing(user, name)
	}
	return s.groupList(c, in.paging, func(g *iam.Group) bool { return slices.Contains(item.Value.Groups, g.Name) })
}

func (s *Service) groupList(c *service.Caller, p paging, wanted func(*iam.Group) bool) (*listGroupsOutput, error) {
	var found []groupAnswer
	for _, item := range c.Account.Groups.All() {
		if wanted(&item.Value) {
			found = append(found, s.group(c.AccountID, item))
		}
	}
	groups, more, err := page(found, func(g groupAnswer) string { return resources.IAMKey(g.GroupName) }, p)
	return &listGroupsOutput{service.List[groupAnswer]{Member: groups}, more}, err
}

type updateGroupInput struct {
	names
	NewPath      string
	NewGroupName string `query:",max=128"`
}

func (in *updateGroupInput) moved() (path, name string) { return in.NewPath, in.NewGroupName }

// updateGroup renames or moves a group, which keeps its users.
func (s *Service) updateGroup(ctx context.Context, c *service.Caller, in *updateGroupInput) (*empty, error) {
	name, err := in.require(group)
	if err != nil {
		return nil, err
	}
	if err := checkMove(group, in.NewGroupName, in.NewPath); err != nil {
		return nil, err
	}
	return nil, s.change(ctx, c, func(tx *resources.Tx) error {
		item := tx.Groups.Get(resources.IAMKey(name))
		if item == nil {
			return missing(group, name)
		}
		g, was, id := item.Value, item.Value.Name, item.ID
		if in.NewPath != "" {
			g.Path = in.NewPath
		}
		if in.NewGroupName != "" {
			g.Name = in.NewGroupName
			if to := resources.IAMKey(g.Name); to != id {
				if tx.Groups.Get(to) != nil {
					return alreadyExists("Group with name %s already exists.", g.Name)
				}
				tx.Groups.Rename(id, to)
				id = to
			}
		}
		tx.Groups.Put(id, g)
		for _, item := range tx.Users.All() {
			if i := slices.Index(item.Value.Groups, was); i >= 0 {
				u := item.Value
				u.Groups = slices.Clone(u.Groups)
				u.Groups[i] = g.Name
				tx.Users.Put(item.ID, u)
			}
		}
		return nil
	})
}

func (s *Service) deleteGroup(ctx context.Context, c *service.Caller, in *names) (*empty, error) {
	name, err := in.require(group)
	if err != nil {
		return nil, err
	}
	return nil, s.change(ctx, c, func(tx *resources.Tx) error {
		e, err := findIn(tx, group, name)
		if err != nil {
			return err
		}
		if err := e.bare(); err != nil {
			return err
		}
		for _, u := range tx.Users.All() {
			if slices.Contains(u.Value.Groups, e.name) {
				return deleteConflict("Cannot delete entity, must remove users from group first.")
			}
		}
		tx.Groups.Delete(resources.IAMKey(name))
		return nil
	})
}

// member takes a user into a group or out of it. What is so already stays.
func (s *Service) member(add bool) func(context.Context, *service.Caller, *names) (*empty, error) {
	return func(ctx context.Context, c *service.Caller, in *names) (*empty, error) {
		name, err := in.require(user)
		if err != nil {
			return nil, err
		}
		groupName, err := in.require(group)
		if err != nil {
			return nil, err
		}
		return nil, s.change(ctx, c, func(tx *resources.Tx) error {
			g, err := findIn(tx, group, groupName)
			if err != nil {
				return err
			}
			item := tx.Users.Get(resources.IAMKey(name))
			if item == nil {
				return missing(user, name)
			}
			u := item.Value
			at := slices.Index(u.Groups, g.name)
			switch {
			case add == (at >= 0):
				return nil
			case !add:
				u.Groups = slices.Delete(slices.Clone(u.Groups), at, at+1)
			case len(u.Groups) >= iam.MaxGroupsOfUser:
				return limitExceeded("GroupsPerUser", iam.MaxGroupsOfUser)
			default:
				u.Groups = append(slices.Clone(u.Groups), g.name)
				slices.Sort(u.Groups)
			}
			tx.Users.Put(item.ID, u)
			return nil
		})
	}
}
