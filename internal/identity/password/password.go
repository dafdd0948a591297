// Package password keeps passwords as argon2id hashes (RFC 9106) in the PHC string
// format, for instance
//
//	$argon2id$v=19$m=19456,t=2,p=1$SALT$HASH
package password

import (
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

// places are for hashes that are made at once: each takes memory and a processor.
var places = make(chan struct{}, 2)

// Hash makes the hash of a password, which Allowed has let pass.
func Hash(password string) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	h := parameters{memoryKiB, passes, threads}.hash(password, salt, hashBytes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, memoryKiB, passes, threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(h))
}

type parameters struct {
	memory, passes uint32
	threads        uint8
}

func (p parameters) hash(password string, salt []byte, size int) []byte {
	places <- struct{}{}
	defer func() { <-places }()
	return argon2.IDKey([]byte(password), salt, p.passes, p.memory, p.threads, uint32(size))
}

// Check reports whether a password is the one of a hash. It takes the time of a hash of
// its own also where the hash cannot be read, and that is false.
func Check(hash, password string) bool {
	p, salt, want, ok := parse(hash)
	if !ok {
		p, salt, want = parameters{memoryKiB, passes, threads}, make([]byte, saltBytes), make([]byte, hashBytes)
	}
	if len(password) > 4*Longest {
		password, ok = "", false
	}
	return subtle.ConstantTimeCompare(p.hash(password, salt, len(want)), want) == 1 && ok
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
