package identity

import (
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// elsewhere is an account that nobody is of: to whom asks for something there, the policy
// of what is asked for has to allow it.
const elsewhere = "000000000000"

// everything is the policy of whom nothing but the other side's policy holds back.
const everything = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`

// Trusts answers whether the trust policy of a role lets somebody take it on, whatever
// the one's own policies say. action is sts:AssumeRole or one of its kind.
func (a *Authority) Trusts(account string, role *resources.Item[iam.Role], p *iam.Principal, s *iam.Session, action string, c iam.Circumstances) iam.Decision {
	return a.trusts(account, role, &iam.Identity{Principal: *p, Session: s}, action, &c)
}

func (a *Authority) trusts(account string, role *resources.Item[iam.Role], id *iam.Identity, action string, c *iam.Circumstances) iam.Decision {
	q := a.askRole(account, role, id, action, c)
	q.subject = &iam.Subject{Principal: &id.Principal, Identity: []iam.Attached{{Name: "everything", Policy: a.compiled(iam.IdentityPolicy, everything)}}}
	q.request.Owner = elsewhere
	return iam.Decide(q.subject, &q.request, q.policy)
}

// MayAssume answers whether somebody may take on a role: its trust policy has to allow
// it, and the one's own policies too, unless the trust policy names the user or session
// itself and the role is of the same account ("How AWS evaluates requests for ... role
// trust policies" in the IAM user guide).
func (a *Authority) MayAssume(account string, role *resources.Item[iam.Role], id *iam.Identity, action string, c iam.Circumstances) iam.Decision {
	if d := a.trusts(account, role, id, action, &c); !d.Allowed {
		return d
	}
	q := a.askRole(account, role, id, action, &c)
	return iam.Decide(q.subject, &q.request, q.policy)
}

// askRole makes a question about a role.
func (a *Authority) askRole(account string, role *resources.Item[iam.Role], id *iam.Identity, action string, c *iam.Circumstances) question {
	arn := iam.RoleARN(a.Partition, account, role.Value.Path, role.Value.Name)
	q := a.ask(id, action, &Resource{ARN: arn, Owner: account, Tags: role.Tags}, c)
	q.policy = &iam.Attached{Name: "trust policy of " + arn, Policy: a.compiled(iam.TrustPolicy, role.Value.Trust)}
	return q
}
