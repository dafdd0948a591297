package app

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

	"heliograph/internal/audit"
	"heliograph/internal/embedded/signin"
	"heliograph/internal/embedded/sts"
	"heliograph/internal/identity"
)

// openAuthority makes what knows all identities. The keys of the installation, which all
// nodes have, give the one that sessions' tokens are sealed with.
func (s *service) openAuthority() error {
	key, err := hkdf.Key(sha256.New, s.secrets.NextTokenKey, nil, "heliograph session tokens", 32)
	if err != nil {
		return fmt.Errorf("make the key of session tokens: %w", err)
	}
	s.authority = identity.New(identity.Options{Directory: s.directory, Sealer: s.sealer, Root: s.secrets.Keys, TokenKey: key,
		Partition: s.cfg.Partition(), Now: now, Log: s.log})
	return nil
}

// tokens gives temporary credentials.
func (s *service) tokens() *sts.Service {
	o := sts.Options{Authority: s.authority, Now: now}
	if len(s.cfg.Identity.OIDC) > 0 {
		issuers := make([]sts.Issuer, len(s.cfg.Identity.OIDC))
		for i, of := range s.cfg.Identity.OIDC {
			issuers[i] = sts.Issuer{URL: of.Issuer, ClientIDs: of.ClientIDs}
		}
		o.Issuers = sts.NewIssuers(issuers, now)
	}
	return sts.New(o)
}

// signIn lets users in by their password. Every attempt is in the audit log.
func (s *service) signIn() *signin.Service {
	return signin.New(signin.Options{Authority: s.authority, Now: now, Record: func(a signin.SignIn) error {
		if s.directory.Account(a.Account) == nil {
			a.Account = s.cfg.Account // nobody else's log has room for what names no account
		}
		return s.audit.SignIn(&audit.SignIn{Identity: a.Identity, Account: a.Account, At: a.At, Region: s.cfg.Region, SourceIP: a.SourceIP,
			UserAgent: a.UserAgent, RequestID: a.RequestID, MFA: a.MFA, Failed: a.Failed})
	}})
}
