package iam

import (
	"time"

	"heliograph/internal/iam"
)

// builtIn is a managed policy that every account has and none can change.
type builtIn struct {
	arn, name, path, id   string
	document, description string
	created               time.Time
}

func (b builtIn) answer() policyAnswer {
	return policyAnswer{PolicyName: b.name, PolicyID: b.id, Arn: b.arn, Path: b.path, DefaultVersionID: "v1", IsAttachable: true,
		Description: b.description, CreateDate: b.created, UpdateDate: b.created}
}

func (b builtIn) version() versionAnswer {
	return versionAnswer{Document: encoded(b.document), VersionID: "v1", IsDefaultVersion: true, CreateDate: b.created}
}

// builtIns are all of them.
func (s *Service) builtIns() []builtIn { return nil }

// builtIn is one by its ARN.
func (s *Service) builtIn(arn string) (builtIn, bool) {
	if _, account, _, _, _, _ := iam.SplitARN(arn); account != "aws" {
		return builtIn{}, false
	}
	for _, b := range s.builtIns() {
		if b.arn == arn {
			return b, true
		}
	}
	return builtIn{}, false
}
