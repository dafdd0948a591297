package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"hash"
	"sync"
)

// mostKeys is the number of signing keys that are kept: one is needed for each
// access key and day.
const mostKeys = 10_000

// signingKeys keeps derived signing keys, since deriving one costs four HMACs
// and it stays the same for a day. The zero value is ready to use.
type signingKeys struct {
	mu   sync.RWMutex
	keys map[scope]*signingKey
}

// scope is what a signing key is for.
type scope struct{ accessKeyID, date, region, service string }

// signingKey is a derived key and the secret it was derived from, which may
// have been replaced since.
type signingKey struct {
	secret string
	key    []byte
	unused sync.Pool // of *work
}

// work is what signing one request takes, besides the key.
type work struct {
	mac  hash.Hash // of the key
	text []byte
}

// textRoom is enough for what most requests sign.
const textRoom = 1 << 10

func (k *signingKey) take() *work {
	if w, ok := k.unused.Get().(*work); ok {
		return w
	}
	return &work{mac: hmac.New(sha256.New, k.key), text: make([]byte, 0, textRoom)}
}

func (k *signingKey) free(w *work) { k.unused.Put(w) }

func (s *signingKeys) get(c Credential, date, region, service string) *signingKey {
	at := scope{c.AccessKeyID, date, region, service}
	s.mu.RLock()
	k, ok := s.keys[at]
	s.mu.RUnlock()
	if ok && k.secret == c.SecretAccessKey {
		return k
	}
	k = &signingKey{secret: c.SecretAccessKey, key: deriveKey(c.SecretAccessKey, date, region, service)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keys == nil || len(s.keys) >= mostKeys {
		s.keys = map[scope]*signingKey{}
	}
	s.keys[at] = k
	return k
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
