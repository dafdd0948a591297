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

// policyAnswer is the data type Policy.
type policyAnswer struct {
	PolicyName                    string
	PolicyID                      string `xml:"PolicyId"`
	Arn                           string
	Path                          string
	DefaultVersionID              string `xml:"DefaultVersionId"`
	AttachmentCount               int
	PermissionsBoundaryUsageCount int
	IsAttachable                  bool
	Description                   string `xml:",omitempty"`
	CreateDate                    time.Time
	UpdateDate                    time.Time
	Tags                          *service.List[service.Tag]
	PolicyVersionList             *service.List[versionAnswer]
}

func (s *Service) policyOperations() []service.QueryOperation {
	return []service.QueryOperation{
		service.HandleQuery("CreatePolicy", s.createPolicy, func(c *service.Caller, in *createPolicyInput) service.Act {
			return service.Act{Resources: []string{iam.PolicyARN(s.Partition, c.AccountID, in.Path, in.PolicyName)}, RequestTags: service.TagMap(in.Tags)}
		}),
		service.HandleQuery("GetPolicy", s.getPolicy, onPolicy[policyInput](s)),
		service.HandleQuery("ListPolicies", s.listPolicies, nil),
		service.HandleQuery("DeletePolicy", s.deletePolicy, onPolicy[policyInput](s)),
	}
}

type policyInput struct {
	PolicyARN string `query:"PolicyArn,required,min=20,max=2048"`
}

func (in *policyInput) policyARN() string { return in.PolicyARN }

// onPolicy says that a request acts on the managed policy that it names.
func onPolicy[I any](s *Service) func(*service.Caller, *I) service.Act {
	return func(c *service.Caller, in *I) service.Act {
		if p, ok := any(in).(interface{ policyARN() string }); ok {
			return s.onPolicy(c, p.policyARN())
		}
		return service.Act{}
	}
}

// id is that of the account's managed policy with an ARN, "" where it names another
// account's or none.
func (s *Service) id(account, arn string) string {
	partition, of, kind, _, name, ok := iam.SplitARN(arn)
	if !ok || partition != s.Partition || of != account || kind != "policy" {
		return ""
	}
	return resources.IAMKey(name)
}

func (s *Service) arn(account string, p *iam.ManagedPolicy) string {
	return iam.PolicyARN(s.Partition, account, p.Path, p.Name)
}

// policy is a managed policy of an account by its ARN, nil where there is none.
func (s *Service) policy(a *resources.Snapshot, arn string) *resources.Item[iam.ManagedPolicy] {
	item := a.Policies.Get(s.id(a.Account.ID, arn))
	if item == nil || s.arn(a.Account.ID, &item.Value) != arn {
		return nil
	}
	return item
}

func noPolicy(arn string) error {
	return noSuchEntity("Policy %s does not exist or is not attachable.", shorten(arn))
}

// policyExists refuses the ARN of a managed policy that there is not.
func (s *Service) policyExists(a *resources.Snapshot, arn string) error {
	if _, ok := s.builtIn(arn); ok || s.policy(a, arn) != nil {
		return nil
	}
	return noPolicy(arn)
}

// own is a managed policy of the account itself, which it may change.
func (s *Service) own(tx *resources.Tx, arn string) (*resources.Item[iam.ManagedPolicy], error) {
	if _, ok := s.builtIn(arn); ok {
		return nil, exception("AccessDenied", 403, "The policy %s is built in and cannot be changed.", arn)
	}
	account := tx.Snapshot.Account.ID
	item := tx.Policies.Get(s.id(account, arn))
	if item == nil || s.arn(account, &item.Value) != arn {
		return nil, noPolicy(arn)
	}
	return item, nil
}

// managed is the ARN of a managed policy that there is.
func (s *Service) managed(tx *resources.Tx, arn string) (string, error) {
	if _, ok := s.builtIn(arn); ok {
		return arn, nil
	}
	_, err := s.own(tx, arn)
	return arn, err
}

// render is a managed policy as it is answered.
func (s *Service) render(account string, item *resources.Item[iam.ManagedPolicy], entities []entity) policyAnswer {
	p := &item.Value
	a := policyAnswer{PolicyName: p.Name, PolicyID: p.ID, Arn: s.arn(account, p), Path: p.Path, DefaultVersionID: p.Default, IsAttachable: true,
		Description: p.Description, CreateDate: seconds(item.Created), UpdateDate: seconds(item.Created)}
	if n := len(p.Versions); n > 0 {
		a.UpdateDate = seconds(p.Versions[n-1].Created)
	}
	a.count(entities)
	return a
}

// count counts who has the policy.
func (a *policyAnswer) count(entities []entity) {
	for _, e := range entities {
		if slices.Contains(e.grants.Attached, a.Arn) {
			a.AttachmentCount++
		}
		if e.boundary == a.Arn {
			a.PermissionsBoundaryUsageCount++
		}
	}
}

type createPolicyInput struct {
	PolicyName     string `query:",required,max=128"`
	Path           string
	PolicyDocument string        `query:",required,max=131072"`
	Description    string        `query:",max=1000"`
	Tags           []service.Tag `query:",max=50"`
}

type onePolicy struct{ Policy policyAnswer }

// checkManaged holds the document of a managed policy against the language and its
// quota.
func checkManaged(document string) error {
	if _, err := parse(document, iam.IdentityPolicy); err != nil {
		return err
	}
	if characters(document) > iam.MaxManagedDocument {
		return limitExceeded("PolicySize", iam.MaxManagedDocument)
	}
	return nil
}

func (s *Service) createPolicy(ctx context.Context, c *service.Caller, in *createPolicyInput) (*onePolicy, error) {
	path, tags, err := checkNew("PolicyName", in.PolicyName, 128, in.Path, in.Tags)
	if err != nil {
		return nil, err
	}
	if err := checkManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	id, out := resources.IAMKey(in.PolicyName), &onePolicy{}
	return out, s.change(ctx, c, func(tx *resources.Tx) error {
		switch {
		case tx.Policies.Get(id) != nil:
			return alreadyExists("A policy called %s already exists. Duplicate names are not allowed.", in.PolicyName)
		case tx.Policies.Len() >= iam.MaxManagedPolicies:
			return limitExceeded("PoliciesPerAccount", iam.MaxManagedPolicies)
		}
		tx.Policies.Put(id, iam.ManagedPolicy{ID: newID("ANPA"), Name: in.PolicyName, Path: path, Description: in.Description, Default: "v1", Last: 1,
			Versions: []iam.PolicyVersion{{ID: "v1", Document: in.PolicyDocument, Created: tx.Now}}})
		tx.Policies.SetTags(id, tags)
		out.Policy = s.render(c.AccountID, tx.Policies.Get(id), nil)
		out.Policy.Description, out.Policy.Tags = "", tagList(tags)
		return nil
	})
}

func (s *Service) getPolicy(_ context.Context, c *service.Caller, in *policyInput) (*onePolicy, error) {
	entities := all(c.Account)
	if b, ok := s.builtIn(in.PolicyARN); ok {
		a := b.answer()
		a.count(entities)
		return &onePolicy{a}, nil
	}
	item := s.policy(c.Account, in.PolicyARN)
	if item == nil {
		return nil, noPolicy(in.PolicyARN)
	}
	a := s.render(c.AccountID, item, entities)
	a.Tags = tagList(item.Tags)
	return &onePolicy{a}, nil
}

type listPoliciesInput struct {
	Scope             string
	OnlyAttached      bool
	PathPrefix        string `query:",max=512"`
	PolicyUsageFilter string
	paging
}

type listPoliciesOutput struct {
	Policies service.List[policyAnswer]
	paged
}

// Scopes of ListPolicies.
const (
	scopeAll   = "All"
	scopeAWS   = "AWS"
	scopeLocal = "Local"
)

func (s *Service) listPolicies(_ context.Context, c *service.Caller, in *listPoliciesInput) (*listPoliciesOutput, error) {
	if err := oneOf("Scope", in.Scope, scopeAll, scopeAWS, scopeLocal); err != nil {
		return nil, err
	}
	if err := oneOf("PolicyUsageFilter", in.PolicyUsageFilter, asPermissions, asBoundary); err != nil {
		return nil, err
	}
	entities, found := all(c.Account), []policyAnswer{}
	if in.Scope != scopeAWS {
		for _, item := range c.Account.Policies.All() {
			a := s.render(c.AccountID, item, entities)
			a.Description = ""
			found = append(found, a)
		}
	}
	if in.Scope != scopeLocal {
		for _, b := range s.builtIns() {
			a := b.answer()
			a.Description = ""
			a.count(entities)
			found = append(found, a)
		}
	}
	found = slices.DeleteFunc(found, func(a policyAnswer) bool {
		used := a.AttachmentCount
		if in.PolicyUsageFilter == asBoundary {
			used = a.PermissionsBoundaryUsageCount
		}
		return !strings.HasPrefix(a.Path, in.PathPrefix) || used == 0 && (in.OnlyAttached || in.PolicyUsageFilter != "")
	})
	policies, more, err := page(found, func(a policyAnswer) string { return a.Arn }, in.paging)
	return &listPoliciesOutput{service.List[policyAnswer]{Member: policies}, more}, err
}

func (s *Service) deletePolicy(ctx context.Context, c *service.Caller, in *policyInput) (*empty, error) {
	return nil, s.change(ctx, c, func(tx *resources.Tx) error {
		item, err := s.own(tx, in.PolicyARN)
		if err != nil {
			return err
		}
		if len(item.Value.Versions) > 1 {
			return deleteConflict("This policy has more than one version. Before you delete a policy, you must delete the policy's versions. The default version is deleted with the policy.")
		}
		if s.usedIn(tx, in.PolicyARN) {
			return deleteConflict("Cannot delete a policy attached to entities.")
		}
		tx.Policies.Delete(item.ID)
		return nil
	})
}

// usedIn reports whether somebody has a managed policy or is bounded by it.
func (s *Service) usedIn(tx *resources.Tx, arn string) bool {
	has := func(g *iam.Grants, boundary string) bool { return boundary == arn || slices.Contains(g.Attached, arn) }
	return slices.ContainsFunc(tx.Users.All(), func(i *resources.Item[iam.User]) bool { return has(&i.Value.Grants, i.Value.Boundary) }) ||
		slices.ContainsFunc(tx.Groups.All(), func(i *resources.Item[iam.Group]) bool { return has(&i.Value.Grants, "") }) ||
		slices.ContainsFunc(tx.Roles.All(), func(i *resources.Item[iam.Role]) bool { return has(&i.Value.Grants, i.Value.Boundary) })
}
