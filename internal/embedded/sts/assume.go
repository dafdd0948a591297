package sts

import (
	"cmp"
	"context"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/resources"
)

// limits are what a session of a role may be limited to, as both operations have it.
type limits struct {
	Policy          string `query:",min=1,max=2048"`
	PolicyARNs      []arn  `query:"PolicyArns,max=10"`
	DurationSeconds *int   `query:",min=900,max=43200"`
}

type arn struct {
	ARN string `query:"arn,required,min=20,max=2048"`
}

type assumeRole struct {
	RoleARN         string `query:"RoleArn,required,min=20,max=2048"`
	RoleSessionName string `query:",required,min=2,max=64"`
	limits
	Tags              []service.Tag `query:",max=50"`
	TransitiveTagKeys []string      `query:",max=50"`
	ExternalID        *string       `query:"ExternalId,min=2,max=1224"`
	SerialNumber      string        `query:",min=9,max=256"`
	TokenCode         string        `query:",min=6,max=6"`
	SourceIdentity    string        `query:",min=2,max=64"`
}

type assumeRoleResult struct {
	Credentials      *credentials
	AssumedRoleUser  assumedRoleUser
	PackedPolicySize int    `xml:",omitempty"`
	SourceIdentity   string `xml:",omitempty"`
}

type assumedRoleUser struct {
	AssumedRoleID string `xml:"AssumedRoleId"`
	ARN           string `xml:"Arn"`
}

// Operations that a trust policy allows.
const (
	actionAssume    = "sts:AssumeRole"
	actionWeb       = "sts:" + actionWebIdentity
	actionTag       = "sts:TagSession"
	actionSetSource = "sts:SetSourceIdentity"
)

// assumeRole gives a session of a role.
func (s *Service) assumeRole(ctx context.Context, c *service.Caller, in *assumeRole) (*assumeRoleResult, error) {
	if err := in.check(); err != nil {
		return nil, err
	}
	if c.Identity.Type == iam.Root {
		return nil, accessDenied("Roles may not be assumed by root accounts.")
	}
	by, err := s.asking(ctx, c, in)
	if err != nil {
		return nil, err
	}
	account, role, err := s.Authority.Role(in.RoleARN)
	if err != nil {
		// A role that is not there reads like one that trusts nobody.
		d := iam.Decision{Reason: iam.NoResourcePolicy, Source: iam.FromResource}
		return nil, identity.Denied(d, by, actionAssume, in.RoleARN)
	}
	session, err := in.session(by, role, c.Now)
	if err != nil {
		return nil, err
	}
	asked := c.Circumstances
	asked.RequestTags = service.TagMap(in.Tags)
	asked.More = in.keys(session)
	actions := []string{actionAssume}
	if len(in.Tags) > 0 {
		actions = append(actions, actionTag)
	}
	if session.SourceID != "" {
		actions = append(actions, actionSetSource)
	}
	for _, action := range actions {
		if d := s.Authority.MayAssume(account, role, by, action, asked); !d.Allowed {
			return nil, identity.Denied(d, by, action, in.RoleARN)
		}
	}
	chained := by.Type == iam.AssumedRole
	if err := s.limit(&session, &in.limits, account, role, chained); err != nil {
		return nil, err
	}
	made, err := s.Authority.NewSession(&iam.Principal{Type: iam.AssumedRole, Account: account}, session)
	if err != nil {
		return nil, failure(err)
	}
	return &assumeRoleResult{Credentials: shown(made), AssumedRoleUser: s.assumed(account, &session), PackedPolicySize: made.PackedSize,
		SourceIdentity: in.SourceIdentity}, nil
}

func (s *Service) assumed(account string, session *iam.Session) assumedRoleUser {
	return assumedRoleUser{AssumedRoleID: session.RoleID + ":" + session.Name,
		ARN: iam.SessionARN(s.Authority.Partition, account, session.RoleName, session.Name)}
}

// asking is the caller, with the one-time password that the request has.
func (s *Service) asking(ctx context.Context, c *service.Caller, in *assumeRole) (*iam.Identity, error) {
	given, err := s.mfa(ctx, c, in.SerialNumber, in.TokenCode)
	if err != nil || given.IsZero() {
		return c.Identity, err
	}
	by := *c.Identity
	with := iam.Session{}
	if by.Session != nil {
		with = *by.Session
	}
	with.MFA, by.Session = given, &with
	return &by, nil
}

// check holds the parameters to their forms.
func (in *assumeRole) check() error {
	if err := named("RoleSessionName", in.RoleSessionName, ""); err != nil {
		return err
	}
	if err := named("SourceIdentity", in.SourceIdentity, ""); err != nil {
		return err
	}
	if in.ExternalID != nil {
		if err := named("ExternalId", *in.ExternalID, ":/"); err != nil {
			return err
		}
	}
	return checkTags(in.Tags, in.TransitiveTagKeys)
}

// session is what a session of the role has from its request and from the session that
// asks.
func (in *assumeRole) session(by *iam.Identity, role *resources.Item[iam.Role], now time.Time) (iam.Session, error) {
	session := iam.Session{Issued: now, RoleName: role.Value.Name, RoleID: role.Value.ID, Name: in.RoleSessionName, SourceID: in.SourceIdentity,
		Tags: service.TagMap(in.Tags), Transitive: in.TransitiveTagKeys}
	if by.Session == nil {
		return session, nil
	}
	if by.Session.SourceID != "" {
		if in.SourceIdentity != "" && in.SourceIdentity != by.Session.SourceID {
			return session, accessDenied("The source identity of the calling session is set and cannot be changed.")
		}
		session.SourceID = by.Session.SourceID
	}
	return session, inherit(&session, by.Session)
}

// keys are the condition keys of AWS STS.
func (in *assumeRole) keys(session iam.Session) map[string][]string {
	keys := map[string][]string{"sts:rolesessionname": {in.RoleSessionName}}
	if in.ExternalID != nil {
		keys["sts:externalid"] = []string{*in.ExternalID}
	}
	if session.SourceID != "" {
		keys["sts:sourceidentity"] = []string{session.SourceID}
	}
	if len(in.TransitiveTagKeys) > 0 {
		keys["sts:transitivetagkeys"] = in.TransitiveTagKeys
	}
	return keys
}

// longestChained is how long a session of a role lasts at most that a session of a role
// has asked for.
const longestChained = time.Hour

// limit gives a session its end and its policies.
func (s *Service) limit(session *iam.Session, in *limits, account string, role *resources.Item[iam.Role], chained bool) error {
	longest := time.Duration(cmp.Or(role.Value.MaxSessionDuration, int(iam.DefaultSession/time.Second))) * time.Second
	length := iam.DefaultSession
	if in.DurationSeconds != nil {
		length = time.Duration(*in.DurationSeconds) * time.Second
	}
	switch {
	case chained && length > longestChained:
		return service.Invalid("The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	case length > longest && in.DurationSeconds != nil:
		return service.Invalid("The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	}
	session.Expires = session.Issued.Add(min(length, longest))
	if in.Policy != "" {
		if _, err := iam.Parse(in.Policy, iam.IdentityPolicy); err != nil {
			return failure(err)
		}
		session.Policies, session.HasPolicies = []string{in.Policy}, true
	}
	for _, of := range in.PolicyARNs {
		if _, ok := s.Authority.Managed(account, of.ARN); !ok {
			return service.Invalid("The policy %s of PolicyArns does not exist or is not attachable in the account of the role.", of.ARN)
		}
		session.PolicyARNs, session.HasPolicies = append(session.PolicyARNs, of.ARN), true
	}
	return nil
}
