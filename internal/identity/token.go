package identity

import (
	"bytes"
	"compress/flate"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"heliograph/internal/iam"
)

// A session's token is, in base 64,
//
//	1, nonce (12), ciphertext, tag (16)
//
// of its claims, as compressed JSON, with AES-256-GCM under a key that is derived from
// the installation's and the access key id: a token opens for its own access key alone,
// and no key seals twice.
const (
	tokenForm = 1
	// maxClaims bounds what a token unfolds to, maxToken the token itself: both more
	// than NewSession lets anything come to.
	maxClaims = 128 << 10
	maxToken  = 12 << 10
)

var errToken = errors.New("the session token cannot be read")

// claims are all that a session is.
type claims struct {
	Secret  string            `json:"secret"`
	Type    iam.PrincipalType `json:"type"`
	Account string            `json:"account"`
	UserID  string            `json:"user_id,omitempty"` // of a user's session
	User    string            `json:"user,omitempty"`
	Session iam.Session       `json:"session"`
}

func (a *Authority) tokenCipher(accessKeyID string) (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, a.TokenKey, nil, "session token "+accessKeyID, 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// seal makes a token.
func (a *Authority) seal(accessKeyID string, c *claims) (string, error) {
	doc, err := json.Marshal(c)
	if err != nil {
		return "", fmt.Errorf("encode a session: %w", err)
	}
	with, err := a.tokenCipher(accessKeyID)
	if err != nil {
		return "", fmt.Errorf("seal a session: %w", err)
	}
	sealed := make([]byte, 1+with.NonceSize(), 1+with.NonceSize()+len(doc)+with.Overhead())
	sealed[0] = tokenForm
	rand.Read(sealed[1:])
	sealed = with.Seal(sealed, sealed[1:], packed(doc), nil)
	return base64.StdEncoding.EncodeToString(sealed), nil
}

// open reads a token. Whoever made up or changed one gets errToken.
func (a *Authority) open(accessKeyID, token string) (*claims, error) {
	if len(token) > maxToken {
		return nil, errToken
	}
	sealed, err := base64.StdEncoding.Strict().DecodeString(token)
	if err != nil {
		return nil, errToken
	}
	with, err := a.tokenCipher(accessKeyID)
	if err != nil {
		return nil, err
	}
	if len(sealed) < 1+with.NonceSize() || sealed[0] != tokenForm {
		return nil, errToken
	}
	doc, err := with.Open(nil, sealed[1:1+with.NonceSize()], sealed[1+with.NonceSize():], nil)
	if err != nil {
		return nil, errToken
	}
	whole, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader(doc)), maxClaims))
	if err != nil {
		return nil, errToken
	}
	c := new(claims)
	if err := json.Unmarshal(whole, c); err != nil {
		return nil, errToken
	}
	return c, nil
}

// packed compresses a document.
func packed(doc []byte) []byte {
	var b bytes.Buffer
	w, _ := flate.NewWriter(&b, flate.BestCompression) // a level that there is
	w.Write(doc)                                       // into memory
	w.Close()
	return b.Bytes()
}
