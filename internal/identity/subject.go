package identity

import (
	"maps"
	"slices"
	"strings"
	"sync"

	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// document is a policy document and where it stands.
type document struct {
	kind iam.Kind
	text string
}

// compiled is a policy ready for decisions, nil where it cannot be read.
func (a *Authority) compiled(kind iam.Kind, text string) *iam.Policy {
	d := document{kind, text}
	if p, ok := a.policies.get(d); ok {
		return p
	}
	p, err := iam.Parse(text, kind)
	if err != nil {
		a.Log.Warn("a policy cannot be read: what it stands for is denied", "error", err)
		p = nil
	}
	a.policies.put(d, p)
	return p
}

// view is what is known of the identities of an account for as long as none of them
// changes.
type view struct {
	users    *resources.Table[iam.User]
	groups   *resources.Table[iam.Group]
	roles    *resources.Table[iam.Role]
	policies *resources.Table[iam.ManagedPolicy]

	account string
	made    sync.Map // *grants by who
}

// who is a user or a role of an account.
type who struct {
	role bool
	name string
}

// grants are what policies a user or role has.
type grants struct {
	identity []iam.Attached
	boundary *iam.Attached
}

// view is the newest of an account, nil where there is no such account.
func (a *Authority) view(account string) *view {
	s := a.Directory.Account(account)
	if s == nil {
		return nil
	}
	if known, ok := a.views.Load(account); ok {
		v := known.(*view)
		if v.users == s.Users && v.groups == s.Groups && v.roles == s.Roles && v.policies == s.Policies {
			return v
		}
	}
	v := &view{users: s.Users, groups: s.Groups, roles: s.Roles, policies: s.Policies, account: account}
	a.views.Store(account, v)
	return v
}

// missing stands for policies that cannot be found.
func missing(name string) []iam.Attached { return []iam.Attached{{Name: name}} }

// subject is all that decides what an identity may do.
func (a *Authority) subject(id *iam.Identity) *iam.Subject {
	s := &iam.Subject{Principal: &id.Principal}
	var of who
	switch id.Type {
	case iam.UserType:
		of = who{name: id.Name}
	case iam.AssumedRole:
		of = who{role: true, name: roleName(id)}
	case iam.Root, iam.ServiceType, iam.WebIdentity, iam.Anonymous:
	default:
		s.Identity = missing("policies of a principal that is not known")
	}
	var v *view
	if of.name != "" || id.Session != nil && id.Session.HasPolicies {
		v = a.view(id.Account)
	}
	if of.name != "" {
		g := a.grants(v, of)
		s.Identity, s.Boundary = g.identity, g.boundary
	}
	if id.Session != nil && id.Session.HasPolicies {
		s.Limited, s.Session = true, a.sessionPolicies(v, id.Session)
	}
	return s
}

// roleName is the name of an assumed role.
func roleName(id *iam.Identity) string {
	if id.Session != nil {
		return id.Session.RoleName
	}
	_, _, _, _, name, ok := iam.SplitARN(id.Role)
	if !ok {
		return "?" // which no role is called
	}
	return name
}

// grants finds the policies of a user or role.
func (a *Authority) grants(v *view, of who) *grants {
	if v == nil {
		return &grants{identity: missing("policies of an account that there is not")}
	}
	if known, ok := v.made.Load(of); ok {
		return known.(*grants)
	}
	g := a.collect(v, of)
	if g == nil {
		// Not kept: names that there are not are without number.
		return &grants{identity: missing("policies of " + of.name + ", which is gone")}
	}
	v.made.Store(of, g)
	return g
}

func (a *Authority) collect(v *view, of who) *grants {
	g := &grants{}
	if of.role {
		role := v.roles.Get(resources.IAMKey(of.name))
		if role == nil {
			return nil
		}
		g.identity = a.granted(v, nil, &role.Value.Grants, "role "+role.Value.Name)
		g.boundary = a.boundary(v, role.Value.Boundary)
		return g
	}
	user := v.users.Get(resources.IAMKey(of.name))
	if user == nil {
		return nil
	}
	g.identity = a.granted(v, nil, &user.Value.Grants, "user "+user.Value.Name)
	for _, name := range user.Value.Groups {
		group := v.groups.Get(resources.IAMKey(name))
		if group == nil {
			g.identity = append(g.identity, iam.Attached{Name: "policies of group " + name + ", which is gone"})
			continue
		}
		g.identity = a.granted(v, g.identity, &group.Value.Grants, "group "+group.Value.Name)
	}
	g.boundary = a.boundary(v, user.Value.Boundary)
	return g
}

// granted appends the policies of a user, group or role.
func (a *Authority) granted(v *view, to []iam.Attached, g *iam.Grants, of string) []iam.Attached {
	for _, name := range slices.Sorted(maps.Keys(g.Inline)) {
		to = append(to, iam.Attached{Name: "inline policy " + name + " of " + of, Policy: a.compiled(iam.IdentityPolicy, g.Inline[name])})
	}
	for _, arn := range g.Attached {
		to = append(to, a.attached(v, arn))
	}
	return to
}

func (a *Authority) boundary(v *view, arn string) *iam.Attached {
	if arn == "" {
		return nil
	}
	return new(a.attached(v, arn))
}

// attached is a managed policy by its ARN, without a policy where it cannot be found.
func (a *Authority) attached(v *view, arn string) iam.Attached {
	text, ok := a.managed(v, arn)
	if !ok {
		return iam.Attached{Name: arn}
	}
	return iam.Attached{Name: arn, Policy: a.compiled(iam.IdentityPolicy, text)}
}

// managed is the document of a managed policy of the account, or of those that every
// account has.
func (a *Authority) managed(v *view, arn string) (text string, ok bool) {
	partition, account, kind, _, name, ok := iam.SplitARN(arn)
	if !ok || kind != "policy" || partition != a.Partition {
		return "", false
	}
	if account == "aws" {
		built, ok := iam.LookupManaged(partition, arn)
		return built.Document, ok
	}
	if account != v.account {
		return "", false
	}
	item := v.policies.Get(resources.IAMKey(name))
	if item == nil || !strings.EqualFold(iam.PolicyARN(partition, account, item.Value.Path, item.Value.Name), arn) {
		return "", false
	}
	return item.Value.Document()
}

// Managed is the document of a managed policy that an account can attach: one of its own,
// or of those that every account has.
func (a *Authority) Managed(account, arn string) (document string, ok bool) {
	v := a.view(account)
	if v == nil {
		return "", false
	}
	return a.managed(v, arn)
}

func (a *Authority) sessionPolicies(v *view, s *iam.Session) []iam.Attached {
	if v == nil {
		return missing("session policies of an account that there is not")
	}
	all := make([]iam.Attached, 0, len(s.Policies)+len(s.PolicyARNs))
	for _, text := range s.Policies {
		all = append(all, iam.Attached{Name: "session policy of " + s.Name, Policy: a.compiled(iam.IdentityPolicy, text)})
	}
	for _, arn := range s.PolicyARNs {
		all = append(all, a.attached(v, arn))
	}
	return all
}
