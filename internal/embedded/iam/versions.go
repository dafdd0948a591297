package iam

import (
	"context"
	"slices"
	"strconv"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

// versionAnswer is the data type PolicyVersion.
type versionAnswer struct {
	Document         string `xml:",omitempty"`
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       time.Time
}

func (s *Service) versionOperations() []service.QueryOperation {
	return []service.QueryOperation{
		service.HandleQuery("CreatePolicyVersion", s.createVersion, onPolicy[createVersionInput](s)),
		service.HandleQuery("GetPolicyVersion", s.getVersion, onPolicy[versionInput](s)),
		service.HandleQuery("ListPolicyVersions", s.listVersions, onPolicy[listVersionsInput](s)),
		service.HandleQuery("DeletePolicyVersion", s.deleteVersion, onPolicy[versionInput](s)),
		service.HandleQuery("SetDefaultPolicyVersion", s.setDefaultVersion, onPolicy[versionInput](s)),
	}
}

type createVersionInput struct {
	policyInput
	PolicyDocument string `query:",required,max=131072"`
	SetAsDefault   bool
}

type oneVersion struct{ PolicyVersion versionAnswer }

// changePolicy runs fn on a managed policy of the account.
func (s *Service) changePolicy(ctx context.Context, c *service.Caller, arn string, fn func(*resources.Tx, *iam.ManagedPolicy) error) error {
	return s.change(ctx, c, func(tx *resources.Tx) error {
		item, err := s.own(tx, arn)
		if err != nil {
			return err
		}
		p := item.Value
		p.Versions = slices.Clone(p.Versions)
		if err := fn(tx, &p); err != nil {
			return err
		}
		tx.Policies.Put(item.ID, p)
		return nil
	})
}

func (s *Service) createVersion(ctx context.Context, c *service.Caller, in *createVersionInput) (*oneVersion, error) {
	if err := checkManaged(in.PolicyDocument); err != nil {
		return nil, err
	}
	out := &oneVersion{}
	return out, s.changePolicy(ctx, c, in.PolicyARN, func(tx *resources.Tx, p *iam.ManagedPolicy) error {
		if len(p.Versions) >= iam.MaxVersions {
			return exception("LimitExceeded", 409,
				"A managed policy can have up to %d versions. Before you create a new version, you must delete an existing version.", iam.MaxVersions)
		}
		p.Last++
		v := iam.PolicyVersion{ID: "v" + strconv.Itoa(p.Last), Document: in.PolicyDocument, Created: tx.Now}
		p.Versions = append(p.Versions, v)
		if in.SetAsDefault {
			p.Default = v.ID
		}
		out.PolicyVersion = versionAnswer{VersionID: v.ID, IsDefaultVersion: in.SetAsDefault, CreateDate: seconds(v.Created)}
		return nil
	})
}

type versionInput struct {
	policyInput
	VersionID string `query:"VersionId,required,max=32"`
}

func (in *versionInput) missing() error {
	return noSuchEntity("Policy %s version %s does not exist or is not attachable.", shorten(in.PolicyARN), shorten(in.VersionID))
}

// versionsOf are the versions of a managed policy, newest first.
func (s *Service) versionsOf(a *resources.Snapshot, arn string) (all []versionAnswer, err error) {
	if b, ok := s.builtIn(arn); ok {
		return []versionAnswer{b.version()}, nil
	}
	item := s.policy(a, arn)
	if item == nil {
		return nil, noPolicy(arn)
	}
	for _, v := range slices.Backward(item.Value.Versions) {
		all = append(all, versionAnswer{encoded(v.Document), v.ID, v.ID == item.Value.Default, seconds(v.Created)})
	}
	return all, nil
}

func (s *Service) getVersion(_ context.Context, c *service.Caller, in *versionInput) (*oneVersion, error) {
	all, err := s.versionsOf(c.Account, in.PolicyARN)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(all, func(v versionAnswer) bool { return v.VersionID == in.VersionID })
	if i < 0 {
		return nil, in.missing()
	}
	return &oneVersion{all[i]}, nil
}

type listVersionsInput struct {
	policyInput
	paging
}

type listVersionsOutput struct {
	Versions service.List[versionAnswer]
	paged
}

func (s *Service) listVersions(_ context.Context, c *service.Caller, in *listVersionsInput) (*listVersionsOutput, error) {
	all, err := s.versionsOf(c.Account, in.PolicyARN)
	if err != nil {
		return nil, err
	}
	number := map[string]string{}
	for i := range all {
		all[i].Document = ""
		number[all[i].VersionID] = strconv.Itoa(i) // of at most five
	}
	versions, more, err := page(all, func(v versionAnswer) string { return number[v.VersionID] }, in.paging)
	return &listVersionsOutput{service.List[versionAnswer]{Member: versions}, more}, err
}

func (s *Service) deleteVersion(ctx context.Context, c *service.Caller, in *versionInput) (*empty, error) {
	return nil, s.changePolicy(ctx, c, in.PolicyARN, func(_ *resources.Tx, p *iam.ManagedPolicy) error {
		i := slices.IndexFunc(p.Versions, func(v iam.PolicyVersion) bool { return v.ID == in.VersionID })
		switch {
		case i < 0:
			return in.missing()
		case p.Default == in.VersionID:
			return deleteConflict("Cannot delete the default version of a policy.")
		}
		p.Versions = slices.Delete(p.Versions, i, i+1)
		return nil
	})
}

func (s *Service) setDefaultVersion(ctx context.Context, c *service.Caller, in *versionInput) (*empty, error) {
	return nil, s.changePolicy(ctx, c, in.PolicyARN, func(_ *resources.Tx, p *iam.ManagedPolicy) error {
		if !slices.ContainsFunc(p.Versions, func(v iam.PolicyVersion) bool { return v.ID == in.VersionID }) {
			return in.missing()
		}
		p.Default = in.VersionID
		return nil
	})
}
