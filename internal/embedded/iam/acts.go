package iam

import (
	"cmp"
	"strings"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
)

// Condition keys of IAM ("Actions, resources, and condition keys for AWS Identity and
// Access Management" in the Service Authorization Reference).
const (
	keyBoundary    = "iam:permissionsboundary"
	keyPolicyARN   = "iam:policyarn"
	keyResourceTag = "iam:resourcetag/"
)

// on says that a request acts on the user, group or role that it names; or where it
// names no user, on the one who asks.
func on[I any](s *Service, k kind) func(*service.Caller, *I) service.Act {
	return func(c *service.Caller, in *I) service.Act {
		name := ""
		if n, ok := any(in).(interface{ of(kind) string }); ok {
			name = n.of(k)
		}
		if k == user && name == "" {
			name = callerName(c)
		}
		if name == "" {
			return service.Act{}
		}
		act := s.onEntity(c, k, name)
		if m, ok := any(in).(interface{ moved() (path, name string) }); ok {
			act.move(s, c, k, name, m)
		}
		if p, ok := any(in).(interface{ policyARN() string }); ok {
			act.key(keyPolicyARN, p.policyARN())
		}
		return act.Act
	}
}

// acting is an Act being made.
type acting struct{ service.Act }

func (a *acting) key(name, value string) {
	if value == "" {
		return
	}
	if a.Keys == nil {
		a.Keys = map[string][]string{}
	}
	a.Keys[name] = []string{value}
}

// move acts on what an entity is to be called too, where that is something else: nobody
// comes to a name or a path by what is allowed on another.
func (a *acting) move(s *Service, c *service.Caller, k kind, name string, to interface{ moved() (path, name string) }) {
	path := "/"
	if e, err := find(c.Account, k, name); err == nil {
		path, name = e.path, e.name
	}
	newPath, newName := to.moved()
	arn := s.arnOf(k, c.AccountID, cmp.Or(newPath, path), cmp.Or(newName, name))
	if arn != a.Resources[0] {
		a.Resources = append(a.Resources, arn)
	}
}

// onEntity acts on a user, group or role, by the name that it has or would have.
func (s *Service) onEntity(c *service.Caller, k kind, name string) acting {
	e, err := find(c.Account, k, name)
	if err != nil {
		return acting{service.Act{Resources: []string{s.arnOf(k, c.AccountID, "/", name)}}}
	}
	a := acting{service.Act{Resources: []string{s.arnOf(k, c.AccountID, e.path, e.name)}, ResourceTags: e.tags}}
	a.key(keyBoundary, e.boundary)
	for key, value := range e.tags {
		a.key(keyResourceTag+strings.ToLower(key), value)
	}
	return a
}

// creating acts on a user, group or role that is to be.
func (s *Service) creating(c *service.Caller, k kind, path, name, boundary string, tags []service.Tag) service.Act {
	if path == "" {
		path = "/"
	}
	a := acting{service.Act{Resources: []string{s.arnOf(k, c.AccountID, path, name)}, RequestTags: service.TagMap(tags)}}
	a.key(keyBoundary, boundary)
	return a.Act
}

// onPolicy acts on a managed policy.
func (s *Service) onPolicy(c *service.Caller, arn string) service.Act {
	act := service.Act{Resources: []string{arn}}
	if item := s.policy(c.Account, arn); item != nil {
		act.ResourceTags = item.Tags
	}
	return act
}

// callerName is the user who asks, "" where it is none.
func callerName(c *service.Caller) string {
	if c.Identity != nil && c.Identity.Type == iam.UserType {
		return c.Identity.Name
	}
	return ""
}

// userOrCaller is the user that a request names, or else who asks; root is whether it
// asks as the root of the account about itself.
func userOrCaller(c *service.Caller, name string) (user string, root bool, err error) {
	switch {
	case name != "":
		return name, false, nil
	case callerName(c) != "":
		return callerName(c), false, nil
	case c.Identity != nil && c.Identity.Type == iam.Root:
		return "", true, nil
	}
	return "", false, service.Invalid("Must specify userName when calling with non-User credentials")
}
