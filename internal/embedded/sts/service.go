// Package sts answers what clients need of AWS Security Token Service, in its query
// protocol (version 2011-06-15): who they are, and temporary credentials, for which a
// role's trust policy decides, or a configured OpenID Connect issuer and it.
package sts

import (
	"context"
	"net/http"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/throttle"
)

const (
	version   = "2011-06-15"
	namespace = "https://sts.amazonaws.com/doc/" + version + "/"

	// How often the address of a client may ask without a signature, and how many of them
	// are remembered at least.
	clientPerSecond = 5
	clientBurst     = 50
	clients         = 5_000
)

// Options are what a Service is made of. All are needed but Issuers.
type Options struct {
	Authority *identity.Authority
	Issuers   *Issuers // nil: none is trusted
	Now       func() time.Time
}

// Service answers the requests. What a caller may do, it decides itself: a role of
// another account has its own say.
type Service struct {
	*service.Query
	Options
	clients *throttle.Keyed // by address, of requests that are not signed
}

var (
	_ service.PublicPosts      = (*Service)(nil)
	_ service.OwnAuthorization = (*Service)(nil)
)

// New makes a Service.
func New(o Options) *Service {
	s := &Service{Options: o, clients: throttle.NewKeyed(clientPerSecond, clientBurst, clients)}
	s.Query = service.NewQuery("sts", version, namespace,
		service.HandleQuery("GetCallerIdentity", s.getCallerIdentity, nil),
		service.HandleQuery("GetAccessKeyInfo", s.getAccessKeyInfo, nil),
		service.HandleQuery("AssumeRole", s.assumeRole, nil),
		service.HandleQuery("GetSessionToken", s.getSessionToken, nil),
		service.HandleQuery(actionWebIdentity, s.assumeRoleWithWebIdentity, nil),
	)
	return s
}

// AuthorizesItself is part of service.OwnAuthorization.
func (s *Service) AuthorizesItself() {}

const actionWebIdentity = "AssumeRoleWithWebIdentity"

// Unsigned is part of service.Public: AssumeRoleWithWebIdentity may be asked by GET.
func (s *Service) Unsigned(r *service.Request) bool {
	return r.Path == "/" && r.Query.Get("Action") == actionWebIdentity
}

// UnsignedPost is part of service.PublicPosts.
func (s *Service) UnsignedPost(r *service.Request) bool {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	return r.Path == "/" && strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded")
}

// AnswerPublic answers a request without a signature.
func (s *Service) AnswerPublic(ctx context.Context, r *service.Request) (service.Answer, error) {
	if s.Action(r) != actionWebIdentity {
		return service.Answer{}, exception("MissingAuthenticationToken", http.StatusForbidden, "Request is missing Authentication Token")
	}
	if _, ok := s.clients.Allow(r.Client, s.Now()); !ok {
		return service.Answer{}, tooMany("Rate exceeded: a client may make %d requests a second without a signature.", clientPerSecond)
	}
	c := &service.Caller{RequestID: r.ID, Now: s.Now(), Circumstances: r.Circumstances}
	return s.Answer(ctx, c, r)
}

// credentials are the element Credentials.
type credentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string `xml:"SecretAccessKey"`
	SessionToken    string `xml:"SessionToken"`
	Expiration      string `xml:"Expiration"`
}

func shown(c identity.Credentials) *credentials {
	return &credentials{c.AccessKeyID, c.SecretAccessKey, c.SessionToken, c.Expires.UTC().Format("2006-01-02T15:04:05Z")}
}

type getCallerIdentityResult struct {
	ARN     string `xml:"Arn"`
	UserID  string `xml:"UserId"`
	Account string
}

// getCallerIdentity answers anybody whose signature is right, whatever is denied.
func (s *Service) getCallerIdentity(_ context.Context, c *service.Caller, _ *struct{}) (*getCallerIdentityResult, error) {
	return &getCallerIdentityResult{ARN: c.Identity.ARN, UserID: c.Identity.ID, Account: c.Identity.Account}, nil
}

type getAccessKeyInfo struct {
	AccessKeyID string `query:"AccessKeyId,required,min=16,max=128"`
}

type getAccessKeyInfoResult struct{ Account string }

// getAccessKeyInfo says whether a long-term access key is one of the caller's account.
// Those of others are answered as if they were none.
func (s *Service) getAccessKeyInfo(ctx context.Context, c *service.Caller, in *getAccessKeyInfo) (*getAccessKeyInfoResult, error) {
	if err := s.Authority.Authorize(c.Identity, "sts:GetAccessKeyInfo", identity.Resource{}, c.Circumstances); err != nil {
		return nil, err
	}
	of := ""
	if found, _ := s.Authority.Directory.AccessKey(in.AccessKeyID); found != nil {
		of = found.Account.ID
	} else if found, err := s.Authority.Root.Lookup(ctx, in.AccessKeyID, ""); err == nil {
		of = found.Account
	}
	if of != c.Identity.Account {
		return nil, exception(service.ValidationError, http.StatusBadRequest, "The access key ID is not one of this account.")
	}
	return &getAccessKeyInfoResult{of}, nil
}

type getSessionToken struct {
	DurationSeconds *int   `query:",min=900,max=129600"`
	SerialNumber    string `query:",min=9,max=256"`
	TokenCode       string `query:",min=6,max=6"`
}

type getSessionTokenResult struct{ Credentials *credentials }

// The longest sessions that are given without a role.
const (
	defaultToken = 12 * time.Hour
	longestRoot  = time.Hour
)

// getSessionToken gives a user, or a root, temporary credentials of its own. No policy
// is asked, as in AWS, but one that denies it.
func (s *Service) getSessionToken(ctx context.Context, c *service.Caller, in *getSessionToken) (*getSessionTokenResult, error) {
	if c.Identity.Session != nil || c.Identity.Type != iam.UserType && c.Identity.Type != iam.Root {
		return nil, accessDenied("Cannot call GetSessionToken with session credentials")
	}
	d := s.Authority.Decide(c.Identity, "sts:GetSessionToken", identity.Resource{}, c.Circumstances)
	if d.Reason == iam.ExplicitDeny || d.Reason == iam.BrokenPolicy {
		return nil, identity.Denied(d, c.Identity, "sts:GetSessionToken", "")
	}
	length := defaultToken
	if in.DurationSeconds != nil {
		length = time.Duration(*in.DurationSeconds) * time.Second
	}
	session := iam.Session{Issued: c.Now}
	if c.Identity.Type == iam.Root {
		length = min(length, longestRoot)
		session.AccessKeyID = c.Identity.AccessKeyID // there is no root to delete, so that its key is what can be taken away
	}
	session.Expires = c.Now.Add(length)
	var err error
	if session.MFA, err = s.mfa(ctx, c, in.SerialNumber, in.TokenCode); err != nil {
		return nil, err
	}
	made, err := s.Authority.NewSession(&c.Identity.Principal, session)
	if err != nil {
		return nil, failure(err)
	}
	return &getSessionTokenResult{shown(made)}, nil
}

// mfa is when a one-time password was given: now, by this request, or never.
func (s *Service) mfa(ctx context.Context, c *service.Caller, serial, code string) (time.Time, error) {
	switch {
	case serial == "" && code == "":
		return time.Time{}, nil
	case serial == "" || code == "":
		return time.Time{}, service.Invalid("SerialNumber and TokenCode have to be there both or neither.")
	case c.Identity.Type != iam.UserType:
		return time.Time{}, accessDenied("MultiFactorAuthentication failed, only a user has an MFA device.")
	}
	if err := s.Authority.VerifyMFA(ctx, c.Identity.Account, c.Identity.Name, serial, code); err != nil {
		return time.Time{}, failure(err)
	}
	return c.Now, nil
}
