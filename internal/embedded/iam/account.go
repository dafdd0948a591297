package iam

import (
	"context"
	"maps"
	"slices"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
)

func (s *Service) accountOperations() []service.QueryOperation {
	return []service.QueryOperation{
		service.HandleQuery("GetAccountSummary", s.summary, nil),
		service.HandleQuery("ListAccountAliases", s.aliases, nil),
	}
}

type summaryOutput struct {
	Entries []summaryEntry `xml:"SummaryMap>entry"`
}

type summaryEntry struct {
	Key   string `xml:"key"`
	Value int    `xml:"value"`
}

// summary counts what the account has, and what it may have.
func (s *Service) summary(_ context.Context, c *service.Caller, _ *struct{}) (*summaryOutput, error) {
	a := c.Account
	counts := map[string]int{
		"Users": a.Users.Len(), "UsersQuota": iam.MaxUsers, "Groups": a.Groups.Len(), "GroupsQuota": iam.MaxGroups,
		"Roles": a.Roles.Len(), "RolesQuota": iam.MaxRoles, "Policies": a.Policies.Len(), "PoliciesQuota": iam.MaxManagedPolicies,
		"AccessKeysPerUserQuota": iam.MaxAccessKeys, "GroupsPerUserQuota": iam.MaxGroupsOfUser,
		"AttachedPoliciesPerUserQuota": iam.MaxAttached, "AttachedPoliciesPerGroupQuota": iam.MaxAttached, "AttachedPoliciesPerRoleQuota": iam.MaxAttached,
		"UserPolicySizeQuota": iam.MaxUserInline, "GroupPolicySizeQuota": iam.MaxGroupInline, "RolePolicySizeQuota": iam.MaxRoleInline,
		"AssumeRolePolicySizeQuota": iam.MaxTrustDocument, "PolicySizeQuota": iam.MaxManagedDocument, "VersionsPerPolicyQuota": iam.MaxVersions,
		"MFADevices": a.MFADevices.Len(), "MFADevicesInUse": 0, "AccountAccessKeysPresent": 0, "AccountMFAEnabled": 0, "PolicyVersionsInUse": 0,
	}
	for _, item := range a.Users.All() {
		counts["MFADevices"] += len(item.Value.MFA)
		counts["MFADevicesInUse"] += len(item.Value.MFA)
	}
	for _, item := range a.Policies.All() {
		counts["PolicyVersionsInUse"] += len(item.Value.Versions)
	}
	if len(keysOf(a.AccessKeys.All(), "")) > 0 {
		counts["AccountAccessKeysPresent"] = 1
	}
	out := &summaryOutput{}
	for _, name := range slices.Sorted(maps.Keys(counts)) {
		out.Entries = append(out.Entries, summaryEntry{name, counts[name]})
	}
	return out, nil
}

type aliasesOutput struct {
	AccountAliases service.List[string]
	paged
}

// aliases are none: accounts have their numbers alone.
func (s *Service) aliases(context.Context, *service.Caller, *pagedNames) (*aliasesOutput, error) {
	return &aliasesOutput{}, nil
}
