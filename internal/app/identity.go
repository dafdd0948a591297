package app

import (
	"crypto/hkdf"
	"crypto/sha256"
	"fmt"

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
