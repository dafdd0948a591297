// Package password keeps passwords as argon2id hashes (RFC 9106) in the PHC string
// format, for instance
//
//	$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
package password

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
)

// What new hashes cost: 19 MiB and two passes.
const (
	memoryKiB  = 19 << 10
	passes     = 2
	threads    = 1
	saltBytes  = 16
	hashBytes  = 32
	mostMemory = 256 << 10 // of a hash that is read
	mostPasses = 16
)

// Bounds of a password, in characters.
const (
	Shortest = 12
	Longest  = 128
)

// ErrPolicy is answered where a password is not one that may be set.
var ErrPolicy = errors.New("the password does not comply with the password policy")

// Allowed says why a password may not be set.
//
// Errors: ErrPolicy.
func Allowed(password string) error {
	switch n := utf8.RuneCountInString(password); {
	case !utf8.ValidString(password):
		return fmt.Errorf("%w: it is not in UTF-8", ErrPolicy)
	case n < Shortest:
		return fmt.Errorf("%w: it has %d characters; at least %d are needed", ErrPolicy, n, Shortest)
	case n > Longest:
		return fmt.Errorf("%w: it has %d characters; at most %d are allowed", ErrPolicy, n, Longest)
	}
	return nil
}

// Nobody is the hash of no password: to check one against it takes as long as against
// another's.
const Nobody = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// ErrBusy is answered where as many wait for a hash as may.
var ErrBusy = errors.New("too many passwords are looked at")

// Hasher makes hashes and checks passwords: a few at once, as each takes memory and a
// processor. Some more wait, and the others are refused at once. Those who ask one
// Hasher wait for each other and for nobody else.
type Hasher struct {
	places chan struct{} // of those that are computed
	room   chan struct{} // of those, and of those that wait
}

// NewHasher makes a Hasher that computes so many hashes at once, for which so many more
// may wait.
func NewHasher(atOnce, waiting int) *Hasher {
	return &Hasher{places: make(chan struct{}, atOnce), room: make(chan struct{}, atOnce+waiting)}
}

// Hash makes the hash of a password, which Allowed has let pass.
//
// Errors: ErrBusy; ctx's, where it ends before there is a place.
func (h *Hasher) Hash(ctx context.Context, password string) (string, error) {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	sum, err := h.compute(ctx, parameters{memoryKiB, passes, threads}, password, salt, hashBytes)
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum)), nil
}

// Check reports whether a password is the one of a hash. It takes the time of a hash of
// its own also where the hash cannot be read, and that is false.
//
// Errors: those of Hash.
func (h *Hasher) Check(ctx context.Context, hash, password string) (bool, error) {
	p, salt, want, ok := parse(hash)
	if !ok {
		p, salt, want, _ = parse(Nobody)
	}
	if len(password) > 4*Longest {
		password, ok = "", false
	}
	sum, err := h.compute(ctx, p, password, salt, len(want))
	return err == nil && ok && subtle.ConstantTimeCompare(sum, want) == 1, err
}

func (h *Hasher) compute(ctx context.Context, p parameters, password string, salt []byte, size int) ([]byte, error) {
	select {
	case h.room <- struct{}{}:
		defer func() { <-h.room }()
	default:
		return nil, ErrBusy
	}
	select {
	case h.places <- struct{}{}:
		defer func() { <-h.places }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(password), salt, p.passes, p.memory, p.threads, uint32(size)), nil
}

type parameters struct {
	memory, passes uint32
	threads        uint8
}

// parse reads a hash.
func parse(hash string) (p parameters, salt, want []byte, ok bool) {
	fields := strings.Split(hash, "$")
	if len(fields) != 6 || fields[0] != "" || fields[1] != "argon2id" || fields[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return p, nil, nil, false
	}
	if n, err := fmt.Sscanf(fields[3], "m=%d,t=%d,p=%d", &p.memory, &p.passes, &p.threads); err != nil || n != 3 {
		return p, nil, nil, false
	}
	if p.memory < 8 || p.memory > mostMemory || p.passes == 0 || p.passes > mostPasses || p.threads == 0 || p.threads > 16 {
		return p, nil, nil, false
	}
	salt, err := base64.RawStdEncoding.DecodeString(fields[4])
	if err != nil || len(salt) < 8 || len(salt) > 64 {
		return p, nil, nil, false
	}
	want, err = base64.RawStdEncoding.DecodeString(fields[5])
	if err != nil || len(want) < 16 || len(want) > 64 {
		return p, nil, nil, false
	}
	return p, salt, want, true
}
