package iam

import (
	"crypto/sha256"
	"encoding/base32"
	"time"

	"heliograph/internal/iam"
)

// builtIn is a managed policy that every account has and none can change.
type builtIn struct{ iam.BuiltIn }

// builtInSince is when the built-in policies are said to be made.
var builtInSince = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func (b builtIn) answer() policyAnswer {
	// The ID is the same everywhere and always.
	sum := sha256.Sum256([]byte(b.ARN))
	return policyAnswer{PolicyName: b.Name, PolicyID: "ANPA" + base32.StdEncoding.EncodeToString(sum[:])[:17], Arn: b.ARN, Path: b.Path, DefaultVersionID: "v1",
		IsAttachable: true, Description: b.Description, CreateDate: builtInSince, UpdateDate: builtInSince}
}

func (b builtIn) version() versionAnswer {
	return versionAnswer{Document: encoded(b.Document), VersionID: "v1", IsDefaultVersion: true, CreateDate: builtInSince}
}

// builtIns are all of them.
func (s *Service) builtIns() (all []builtIn) {
	for _, b := range iam.Managed(s.Partition) {
		all = append(all, builtIn{b})
	}
	return all
}

// builtIn is one by its ARN.
func (s *Service) builtIn(arn string) (builtIn, bool) {
	b, ok := iam.LookupManaged(s.Partition, arn)
	return builtIn{b}, ok
}
