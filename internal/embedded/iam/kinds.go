package iam

import (
	"maps"
	"slices"
	"strings"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// kind is what policies are granted to.
type kind string

const (
	user  kind = "User"
	group kind = "Group"
	role  kind = "Role"
)

// maxName is the length of names.
func (k kind) maxName() int {
	if k == group {
		return 128
	}
	return 64
}

// maxInline is what all inline policies may have together, in characters that count.
func (k kind) maxInline() int {
	switch k {
	case user:
		return iam.MaxUserInline
	case group:
		return iam.MaxGroupInline
	}
	return iam.MaxRoleInline
}

func (k kind) lower() string { return strings.ToLower(string(k)) }

// names is the part of a request or answer that names one of them.
type names struct {
	UserName  string `query:",max=128" xml:",omitempty"`
	GroupName string `query:",max=128" xml:",omitempty"`
	RoleName  string `query:",max=128" xml:",omitempty"`
}

func named(k kind, name string) names {
	switch k {
	case user:
		return names{UserName: name}
	case group:
		return names{GroupName: name}
	}
	return names{RoleName: name}
}

func (n *names) of(k kind) string {
	switch k {
	case user:
		return n.UserName
	case group:
		return n.GroupName
	}
	return n.RoleName
}

// require is the name, which has to be there.
func (n *names) require(k kind) (string, error) {
	name := n.of(k)
	if name == "" {
		return "", service.Invalid("The parameter %sName is missing.", k)
	}
	return name, nil
}

// entity is what users, groups and roles have in common.
type entity struct {
	kind           kind
	name, path, id string
	grants         iam.Grants
	boundary       string
	tags           map[string]string
}

// entity is the user, group or role that has the name.
func (n *names) entity(a *resources.Snapshot, k kind) (entity, error) {
	name, err := n.require(k)
	if err != nil {
		return entity{}, err
	}
	return find(a, k, name)
}

// entityOf finds one in an account, among the three tables as they are now.
func entityOf(k kind, name string, users *resources.Item[iam.User], groups *resources.Item[iam.Group], roles *resources.Item[iam.Role]) (entity, error) {
	switch {
	case k == user && users != nil:
		v := &users.Value
		return entity{k, v.Name, v.Path, v.ID, v.Grants, v.Boundary, users.Tags}, nil
	case k == group && groups != nil:
		v := &groups.Value
		return entity{k, v.Name, v.Path, v.ID, v.Grants, "", groups.Tags}, nil
	case k == role && roles != nil:
		v := &roles.Value
		return entity{k, v.Name, v.Path, v.ID, v.Grants, v.Boundary, roles.Tags}, nil
	}
	return entity{}, missing(k, name)
}

func missing(k kind, name string) error {
	return noSuchEntity("The %s with name %s cannot be found.", k.lower(), shorten(name))
}

// find is one as it was when the request came.
func find(a *resources.Snapshot, k kind, name string) (entity, error) {
	id := resources.IAMKey(name)
	return entityOf(k, name, a.Users.Get(id), a.Groups.Get(id), a.Roles.Get(id))
}

// findIn is one as a change finds it, with grants of its own.
func findIn(tx *resources.Tx, k kind, name string) (entity, error) {
	id := resources.IAMKey(name)
	e, err := entityOf(k, name, tx.Users.Get(id), tx.Groups.Get(id), tx.Roles.Get(id))
	e.grants = iam.Grants{Attached: slices.Clone(e.grants.Attached), Inline: maps.Clone(e.grants.Inline)}
	return e, err
}

// put stores the grants and boundary of one.
func (e entity) put(tx *resources.Tx) {
	id := resources.IAMKey(e.name)
	switch e.kind {
	case user:
		v := tx.Users.Get(id).Value
		v.Grants, v.Boundary = e.grants, e.boundary
		tx.Users.Put(id, v)
	case group:
		v := tx.Groups.Get(id).Value
		v.Grants = e.grants
		tx.Groups.Put(id, v)
	default:
		v := tx.Roles.Get(id).Value
		v.Grants, v.Boundary = e.grants, e.boundary
		tx.Roles.Put(id, v)
	}
}

// bare refuses to delete one that has policies.
func (e entity) bare() error {
	switch {
	case len(e.grants.Attached) > 0:
		return deleteConflict("Cannot delete entity, must detach all policies first.")
	case len(e.grants.Inline) > 0:
		return deleteConflict("Cannot delete entity, must delete policies first.")
	}
	return nil
}

// all are the users, groups and roles of an account.
func all(a *resources.Snapshot) []entity {
	var out []entity
	for _, i := range a.Users.All() {
		e, _ := entityOf(user, "", i, nil, nil)
		out = append(out, e)
	}
	for _, i := range a.Groups.All() {
		e, _ := entityOf(group, "", nil, i, nil)
		out = append(out, e)
	}
	for _, i := range a.Roles.All() {
		e, _ := entityOf(role, "", nil, nil, i)
		out = append(out, e)
	}
	return out
}
