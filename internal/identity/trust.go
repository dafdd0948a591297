package identity

import (
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// MayAssume answers whether somebody may take on a role: its trust policy has to allow
// it, and one's own policies too, unless the trust policy names the user or session
// itself and the role is of the same account. A service, and somebody whom an issuer
// vouches for, has no policies of its own. action is sts:AssumeRole or one of its kind.
func (a *Authority) MayAssume(account string, role *resources.Item[iam.Role], id *iam.Identity, action string, c iam.Circumstances) iam.Decision {
	arn := iam.RoleARN(a.Partition, account, role.Value.Path, role.Value.Name)
	q := a.ask(id, action, &Resource{ARN: arn, Owner: account, Tags: role.Tags}, &c)
	q.policy = &iam.Attached{Name: "trust policy of " + arn, Policy: a.compiled(iam.TrustPolicy, role.Value.DecidingTrust())}
	return iam.Decide(q.subject, &q.request, q.policy)
}
