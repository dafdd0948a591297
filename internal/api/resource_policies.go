package api

import (
	"context"
	"slices"
	"strings"

	"heliograph/internal/api/wire"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func (a *API) resourcePolicyOperations() []operation {
	return []operation{
		{"PutResourcePolicy", handle(a.putResourcePolicy), "sms-voice:PutResourcePolicy",
			on(func(_ *Call, in *wire.PutResourcePolicyRequest) []string { return []string{in.ResourceArn} })},
		{"GetResourcePolicy", handle(a.getResourcePolicy), "sms-voice:GetResourcePolicy",
			on(func(_ *Call, in *wire.GetResourcePolicyRequest) []string { return []string{in.ResourceArn} })},
		{"DeleteResourcePolicy", handle(a.deleteResourcePolicy), "sms-voice:DeleteResourcePolicy",
			on(func(_ *Call, in *wire.DeleteResourcePolicyRequest) []string { return []string{in.ResourceArn} })},
	}
}

// policyKey is the id that the policy of a resource is kept under.
func policyKey(t sms.ResourceType, id string) string { return string(t) + "/" + id }

// dropPolicy takes the policy away of a resource that goes.
func dropPolicy(tx *resources.Tx, t sms.ResourceType, id string) {
	if key := policyKey(t, id); tx.ResourcePolicies.Get(key) != nil {
		tx.ResourcePolicies.Delete(key)
	}
}

// policyOwner reads the ResourceArn of a request and finds the resource, which is of a
// type that can be shared and of the caller's account.
//
// Errors: Validation INVALID_ARN; ResourceNotFound.
func policyOwner(c *Call, s *resources.Snapshot, arn string) (t sms.ResourceType, id string, err error) {
	a, ok := sms.ParseARN(arn)
	if !ok || !slices.Contains(sharedTypes, a.Type) {
		return "", "", sms.Invalid(sms.ReasonInvalidARN, "ResourceArn",
			"ResourceArn is not the ARN of a phone number, sender ID, pool or opt-out list of this service, which can have resource policies.")
	}
	if id, err = resolve(c, a.Type, arn, "ResourceArn"); err != nil {
		return "", "", err
	}
	if _, exists := s.TagsOf(a.Type, id); !exists {
		return "", "", sms.NotFound(a.Type, arn)
	}
	return a.Type, id, nil
}

// putResourcePolicy shares a resource with other accounts, or limits who of its own may
// use it. A policy that is there is replaced. The users and roles that it names are those
// who have these names now.
//
// Errors: those of policyOwner and checkResourcePolicy.
func (a *API) putResourcePolicy(ctx context.Context, c *Call, in *wire.PutResourcePolicyRequest) (*wire.PutResourcePolicyResult, error) {
	var put *resources.Item[resources.ResourcePolicy]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		t, id, err := policyOwner(c, tx.Snapshot, in.ResourceArn)
		if err != nil {
			return err
		}
		if err := checkResourcePolicy(in.Policy, in.ResourceArn); err != nil {
			return err
		}
		pinned, err := iam.PinPrincipals(in.Policy, iam.ResourcePolicy, a.directory.PrincipalIDs(tx))
		if err != nil {
			return sms.Invalid(sms.ReasonInvalidParameter, "Policy", "Policy is not a resource policy: %s", err)
		}
		put = tx.ResourcePolicies.Put(policyKey(t, id), resources.ResourcePolicy{ARN: in.ResourceArn, Policy: in.Policy, Pinned: pinned})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.PutResourcePolicyResult{ResourceArn: &put.Value.ARN, Policy: &put.Value.Policy, CreatedTimestamp: &put.Created}, nil
}

func (a *API) getResourcePolicy(_ context.Context, c *Call, in *wire.GetResourcePolicyRequest) (*wire.GetResourcePolicyResult, error) {
	t, id, err := policyOwner(c, c.Account, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	item := c.Account.ResourcePolicies.Get(policyKey(t, id))
	if item == nil {
		return nil, sms.NotFound(sms.TypePolicy, in.ResourceArn)
	}
	return &wire.GetResourcePolicyResult{ResourceArn: &item.Value.ARN, Policy: &item.Value.Policy, CreatedTimestamp: &item.Created}, nil
}

func (a *API) deleteResourcePolicy(ctx context.Context, c *Call, in *wire.DeleteResourcePolicyRequest) (*wire.DeleteResourcePolicyResult, error) {
	var deleted *resources.Item[resources.ResourcePolicy]
	err := a.directory.Change(ctx, c.AccountID, func(tx *resources.Tx) error {
		t, id, err := policyOwner(c, tx.Snapshot, in.ResourceArn)
		if err != nil {
			return err
		}
		if deleted = tx.ResourcePolicies.Get(policyKey(t, id)); deleted == nil {
			return sms.NotFound(sms.TypePolicy, in.ResourceArn)
		}
		tx.ResourcePolicies.Delete(deleted.ID)
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &wire.DeleteResourcePolicyResult{ResourceArn: &deleted.Value.ARN, Policy: &deleted.Value.Policy, CreatedTimestamp: &deleted.Created}, nil
}

// servicePrefix begins the actions that a resource policy can speak of.
const servicePrefix = "sms-voice:"

// checkResourcePolicy refuses a policy that does not read, that speaks of more than the
// resource it is for and of actions of other services, and one that shares the resource
// with everybody.
//
// Errors: Validation INVALID_PARAMETER.
func checkResourcePolicy(document, arn string) error {
	refuse := func(format string, args ...any) error {
		return sms.Invalid(sms.ReasonInvalidParameter, "Policy", format, args...)
	}
	policy, err := iam.Parse(document, iam.ResourcePolicy)
	if err != nil {
		return refuse("Policy is not a resource policy: %s", err)
	}
	for i, s := range policy.Statements() {
		if len(s.NotActions) > 0 || len(s.NotResources) > 0 {
			return refuse("Statement %d of Policy has NotAction or NotResource; Action and Resource have to be used.", i+1)
		}
		for _, action := range s.Actions {
			if len(action) <= len(servicePrefix) || !strings.EqualFold(action[:len(servicePrefix)], servicePrefix) {
				return refuse("Statement %d of Policy has the action %q; only actions of this service are allowed: %s...", i+1, action, servicePrefix)
			}
		}
		for _, resource := range s.Resources {
			if resource != arn {
				return refuse("Statement %d of Policy has the resource %q; it has to be ResourceArn, %s.", i+1, resource, arn)
			}
		}
	}
	if policy.Public() {
		return refuse("Policy shares the resource with everybody; the principal \"*\" needs a condition on the account, organization or principal, such as aws:PrincipalAccount.")
	}
	return nil
}
