package iam

import (
	"maps"
	"slices"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// source is a simulation with the policies of a user, group or role.
func (s *Service) source(c *service.Caller, arn string) (*simulation, error) {
	if arn == "" {
		return nil, service.Invalid("The parameter PolicySourceArn is missing.")
	}
	e, err := s.entityNamed(c, arn)
	if err != nil {
		return nil, err
	}
	m := newSimulation()
	p := &iam.Principal{Type: iam.UserType, ARN: arn, Account: c.AccountID, ID: e.id, Name: e.name, Tags: e.tags}
	switch e.kind {
	case role:
		p.Type, p.Role, p.ARN, p.Name, p.ID = iam.AssumedRole, arn, iam.SessionARN(s.Partition, c.AccountID, e.name, "simulated"), "", e.id+":simulated"
	case group:
		p = &iam.Principal{Type: iam.UserType, ARN: iam.UserARN(s.Partition, c.AccountID, "/", "simulated"), Account: c.AccountID}
	}
	m.subject.Principal = p
	s.grant(c.Account, m, e)
	if e.kind == user {
		for _, name := range c.Account.Users.Get(resources.IAMKey(e.name)).Value.Groups {
			of, err := find(c.Account, group, name)
			if err != nil {
				m.subject.Identity = append(m.subject.Identity, m.take(name, string(group), "", nil))
				continue
			}
			s.grant(c.Account, m, of)
		}
	}
	if e.boundary != "" {
		m.subject.Boundary = new(s.granted(c.Account, m, e.boundary))
	}
	return m, nil
}

// entityNamed is a user, group or role of the account by its ARN.
func (s *Service) entityNamed(c *service.Caller, arn string) (entity, error) {
	_, _, kind, _, name, _ := iam.SplitARN(arn)
	for _, k := range kinds {
		if k.lower() != kind {
			continue
		}
		if e, err := find(c.Account, k, name); err == nil && s.arnOf(k, c.AccountID, e.path, e.name) == arn {
			return e, nil
		}
	}
	return entity{}, noSuchEntity("There is no user, group or role %s in the account.", shorten(arn))
}

// grant takes the policies that one has.
func (s *Service) grant(a *resources.Snapshot, m *simulation, e entity) {
	for _, name := range slices.Sorted(maps.Keys(e.grants.Inline)) {
		// What cannot be read denies everything, as it does where it counts.
		policy, _ := iam.Parse(e.grants.Inline[name], iam.IdentityPolicy)
		m.subject.Identity = append(m.subject.Identity, m.take(e.kind.lower()+"_"+e.name+"_"+name, e.kind.lower(), e.grants.Inline[name], policy))
	}
	for _, arn := range e.grants.Attached {
		m.subject.Identity = append(m.subject.Identity, s.granted(a, m, arn))
	}
}

// granted takes a managed policy.
func (s *Service) granted(a *resources.Snapshot, m *simulation, arn string) iam.Attached {
	kind, document := fromAccount, ""
	if b, ok := s.builtIn(arn); ok {
		kind, document = fromAWS, b.Document
	} else if item := s.policy(a, arn); item != nil {
		document, _ = item.Value.Document()
	}
	policy, _ := iam.Parse(document, iam.IdentityPolicy)
	return m.take(arn, kind, document, policy)
}
