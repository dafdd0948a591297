package seal

import (
	"context"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
)

// Master wraps data keys.
type Master interface {
	// Name tells it from other master keys, and tells nothing of what it is.
	Name() string
	// Opens reports whether it can unwrap what the master key of this name wrapped.
	Opens(name string) bool
	// Wrap encrypts the data key with a number, Unwrap decrypts what the master key by
	// wrapped.
	Wrap(ctx context.Context, number uint64, key []byte) ([]byte, error)
	Unwrap(ctx context.Context, number uint64, by string, wrapped []byte) ([]byte, error)
}

// local is a master key in memory.
type local struct {
	name string
	aead cipher.AEAD
}

// NewMaster makes a Master of a key of KeyBytes.
func NewMaster(key []byte) (Master, error) {
	if len(key) != KeyBytes {
		return nil, fmt.Errorf("a master key has %d bytes, not %d", KeyBytes, len(key))
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	digest := hmac.New(sha256.New, key)
	digest.Write([]byte("heliograph master key name"))
	return &local{name: "local:" + hex.EncodeToString(digest.Sum(nil)[:8]), aead: aead}, nil
}

// Derived is the Master that is made of the installation's keys file where no other is
// configured; secret is its next_token.
func Derived(secret []byte) (Master, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "heliograph data key", KeyBytes)
	if err != nil {
		return nil, err
	}
	return NewMaster(key)
}

func (l *local) Name() string { return l.name }

func (l *local) Opens(name string) bool { return name == l.name }

func (l *local) Wrap(_ context.Context, number uint64, key []byte) ([]byte, error) {
	nonce := make([]byte, nonceBytes, nonceBytes+len(key)+tagBytes)
	rand.Read(nonce)
	return l.aead.Seal(nonce, nonce, key, aboutKey(number)), nil
}

func (l *local) Unwrap(_ context.Context, number uint64, _ string, wrapped []byte) ([]byte, error) {
	if len(wrapped) < nonceBytes+tagBytes {
		return nil, errors.New("the wrapped key is cut off")
	}
	plain, err := l.aead.Open(nil, wrapped[:nonceBytes], wrapped[nonceBytes:], aboutKey(number))
	if err != nil {
		return nil, errors.New("the wrapped key was changed")
	}
	return plain, nil
}

// aboutKey ties a wrapped key to its number.
func aboutKey(number uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte("heliograph data key "), number)
}

// ParseKey reads a master key of KeyBytes in hexadecimal or base 64. Its errors do not
// repeat it.
func ParseKey(text string) ([]byte, error) {
	text = strings.TrimSpace(text)
	if key, err := hex.DecodeString(text); err == nil && len(key) == KeyBytes {
		return key, nil
	}
	for _, encoding := range []*base64.Encoding{base64.StdEncoding, base64.RawStdEncoding, base64.URLEncoding, base64.RawURLEncoding} {
		if key, err := encoding.DecodeString(text); err == nil && len(key) == KeyBytes {
			return key, nil
		}
	}
	return nil, fmt.Errorf("a master key is %d bytes in hexadecimal or base 64", KeyBytes)
}

// maxKeyFile bounds what is read of a key's file.
const maxKeyFile = 4 << 10

// ReadKeyFile reads a master key from a file, which must be its owner's alone.
func ReadKeyFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("%s holds a key and is open to others than its owner: its mode is %04o, 0600 is needed", path, mode)
	}
	text, err := io.ReadAll(io.LimitReader(f, maxKeyFile))
	if err != nil {
		return nil, err
	}
	key, err := ParseKey(string(text))
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return key, nil
}
