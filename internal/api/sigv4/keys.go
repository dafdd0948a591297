package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"sync"
)

// mostKeys is the number of signing keys that are kept: one is needed for each
// access key and day.
const mostKeys = 10_000

// signingKeys keeps derived signing keys, since deriving one costs four HMACs
// and it stays the same for a day. The zero value is ready to use.
type signingKeys struct {
	mu   sync.RWMutex
	keys map[scope]signingKey
}

// scope is what a signing key is for.
type scope struct{ accessKeyID, date, region, service string }

// signingKey is a derived key and the secret it was derived from, which may
// have been replaced since.
type signingKey struct {
	secret string
	key    []byte
}

func (s *signingKeys) get(c Credential, date, region, service string) []byte {
	at := scope{c.AccessKeyID, date, region, service}
	s.mu.RLock()
	k, ok := s.keys[at]
	s.mu.RUnlock()
	if ok && k.secret == c.SecretAccessKey {
		return k.key
	}
	k = signingKey{c.SecretAccessKey, deriveKey(c.SecretAccessKey, date, region, service)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil || len(s.keys) >= mostKeys {
		s.keys = map[scope]signingKey{}
	}
	s.keys[at] = k
	return k.key
}

// deriveKey returns the signing key of a secret for a day, region and service.
func deriveKey(secret, date, region, service string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range [...]string{date, region, service, terminator} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return key
}
