package sts

import (
	"context"
	"errors"
	"net/http"

	"github.com/coreos/go-oidc/v3/oidc"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
)

type assumeRoleWithWebIdentity struct {
	RoleARN          string `query:"RoleArn,required,min=20,max=2048"`
	RoleSessionName  string `query:",required,min=2,max=64"`
	WebIdentityToken string `query:",required,min=4,max=20000"`
	ProviderID       string `query:"ProviderId,min=4,max=2048"`
	limits
}

type assumeRoleWithWebIdentityResult struct {
	Credentials      *credentials
	AssumedRoleUser  assumedRoleUser
	Audience         string
	Provider         string
	Subject          string `xml:"SubjectFromWebIdentityToken"`
	PackedPolicySize int    `xml:",omitempty"`
}

// assumeRoleWithWebIdentity gives a session of a role to whom an issuer vouches for.
// Nobody has to sign the request.
func (s *Service) assumeRoleWithWebIdentity(ctx context.Context, c *service.Caller, in *assumeRoleWithWebIdentity) (*assumeRoleWithWebIdentityResult, error) {
	if err := named("RoleSessionName", in.RoleSessionName, ""); err != nil {
		return nil, err
	}
	if in.ProviderID != "" {
		return nil, service.Invalid("The parameter ProviderId is for providers of OAuth 2.0; those of OpenID Connect are told by their token.")
	}
	who, err := s.Issuers.verify(ctx, in.WebIdentityToken)
	if err != nil {
		return nil, rejected(err)
	}
	denied := accessDenied("Not authorized to perform %s", actionWeb)
	account, role, err := s.Authority.Role(in.RoleARN)
	if err != nil {
		return nil, denied
	}
	session := iam.Session{Issued: c.Now, RoleName: role.Value.Name, RoleID: role.Value.ID, Name: in.RoleSessionName}
	asked := c.Circumstances
	asked.More = map[string][]string{"sts:rolesessionname": {in.RoleSessionName}}
	if d := s.Authority.MayAssume(account, role, &iam.Identity{Principal: who.Principal}, actionWeb, asked); !d.Allowed {
		return nil, denied
	}
	if err := s.limit(&session, &in.limits, account, role, false); err != nil {
		return nil, err
	}
	made, err := s.Authority.NewSession(&iam.Principal{Type: iam.AssumedRole, Account: account}, session)
	if err != nil {
		return nil, failure(err)
	}
	return &assumeRoleWithWebIdentityResult{Credentials: shown(made), AssumedRoleUser: s.assumed(account, &session), Audience: who.Audience,
		Provider: who.Provider, Subject: who.Subject, PackedPolicySize: made.PackedSize}, nil
}

// rejected is why a token is not taken.
func rejected(err error) error {
	if expired, ok := errors.AsType[*oidc.TokenExpiredError](err); ok {
		return exception("ExpiredTokenException", http.StatusBadRequest, "Token expired: it was valid until %s.", expired.Expiry.UTC().Format("2006-01-02T15:04:05Z"))
	}
	var made *service.Exception
	switch {
	case errors.Is(err, errAudience):
		made = exception("InvalidIdentityToken", http.StatusBadRequest, "Incorrect token audience")
	case errors.Is(err, errIssuer):
		made = exception("InvalidIdentityToken", http.StatusBadRequest, "No OpenIDConnect provider found in the configuration for the issuer of the token.")
	case errors.Is(err, errStrangers):
		made = tooMany("Rate exceeded: too many tokens are not signed with a key that is known of their issuer.")
	case errors.Is(err, errReach):
		made = exception("IDPCommunicationError", http.StatusBadRequest, "The identity provider that has made the token could not be reached. Try again.")
	default:
		made = exception("InvalidIdentityToken", http.StatusBadRequest, "The web identity token that was passed could not be verified.")
	}
	made.Err = err
	return made
}
