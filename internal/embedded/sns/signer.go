package sns

import (
	"context"
	"crypto"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"sync"
	"time"

	"heliograph/internal/store"
)

// certificatePrefix begins the path of the certificate that signatures are verified
// with. What follows tells one certificate from another.
const certificatePrefix = "/SimpleNotificationService-"

const (
	signingBits     = 2048
	certificateTime = 20 * 365 * 24 * time.Hour
)

// Entries is what is read of store.Lists.
type Entries interface {
	Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error)
}

// Signer signs what is delivered by HTTP, with a key that is made when it is first
// needed and kept in the store, so that every node of an installation has it. There it
// is sealed: only who has the installation's own keys can read it.
type Signer struct {
	entries   Entries
	committer Committer
	secret    []byte
	now       func() time.Time
	log       *slog.Logger

	mu   sync.Mutex
	made *identity
}

// identity is a key with its certificate.
type identity struct {
	key  *rsa.PrivateKey
	pem  []byte // the certificate
	path string // where it is served
}

// NewSigner takes a secret that all nodes of the installation have.
func NewSigner(entries Entries, committer Committer, secret []byte, now func() time.Time, log *slog.Logger) *Signer {
	return &Signer{entries: entries, committer: committer, secret: secret, now: now, log: log}
}

// signingKey is where the store has the key.
var signingKey = store.EntryKey{List: store.ListID("sns-signing-key")}

// sealedKey is the entry's document.
type sealedKey struct {
	Certificate []byte `json:"certificate"` // DER
	Key         []byte `json:"key"`         // nonce and PKCS #8, by AES-256-GCM
}

// identity reads the key, or makes it.
func (s *Signer) identity(ctx context.Context) (*identity, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.made != nil {
		return s.made, nil
	}
	of, err := s.read(ctx)
	if err == nil && of == nil {
		of, err = s.make(ctx, true)
	}
	if errors.Is(err, errSealed) {
		s.log.Warn("the signing key of the embedded SNS cannot be read: the installation's keys are others than those it was sealed with. A new one is made")
		of, err = s.make(ctx, false)
	}
	if err != nil {
		return nil, fmt.Errorf("signing key of the embedded SNS: %w", err)
	}
	s.made = of
	return of, nil
}

var errSealed = errors.New("it was sealed with other keys")

// read is nil where there is no key yet.
func (s *Signer) read(ctx context.Context) (*identity, error) {
	found, err := s.entries.Entries(ctx, []store.EntryKey{signingKey})
	if err != nil {
		return nil, err
	}
	if len(found) != 1 || found[0] == nil {
		return nil, nil
	}
	var sealed sealedKey
	if err := json.Unmarshal(found[0].Doc, &sealed); err != nil {
		return nil, err
	}
	box, err := s.box()
	if err != nil {
		return nil, err
	}
	if len(sealed.Key) < box.NonceSize() {
		return nil, errSealed
	}
	der, err := box.Open(nil, sealed.Key[:box.NonceSize()], sealed.Key[box.NonceSize():], sealed.Certificate)
	if err != nil {
		return nil, errSealed
	}
	parsed, err := x509.ParsePKCS8PrivateKey(der)
	if err != nil {
		return nil, err
	}
	key, ok := parsed.(*rsa.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("it is a %T", parsed)
	}
	return newIdentity(key, sealed.Certificate), nil
}

func (s *Signer) box() (cipher.AEAD, error) {
	key, err := hkdf.Key(sha256.New, s.secret, nil, "embedded SNS signing key", 32)
	if err != nil {
		return nil, err
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// make makes a key and keeps it. With first, one that another node made meanwhile is
// taken instead.
func (s *Signer) make(ctx context.Context, first bool) (*identity, error) {
	key, err := rsa.GenerateKey(rand.Reader, signingBits)
	if err != nil {
		return nil, err
	}
	certificate, err := selfSigned(key, s.now())
	if err != nil {
		return nil, err
	}
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return nil, err
	}
	box, err := s.box()
	if err != nil {
		return nil, err
	}
	nonce := make([]byte, box.NonceSize())
	rand.Read(nonce)
	doc, err := json.Marshal(sealedKey{certificate, box.Seal(nonce, nonce, der, certificate)})
	if err != nil {
		return nil, err
	}
	err = s.committer.Commit(&store.Change{Entries: []store.EntryWrite{{
		Entry: store.Entry{EntryKey: signingKey, At: s.now(), Doc: doc}, Absent: first}}})
	if first && errors.Is(err, store.ErrExists) {
		of, err := s.read(ctx)
		if err == nil && of == nil {
			err = errors.New("another node made it and it is not there")
		}
		return of, err
	}
	if err != nil {
		return nil, err
	}
	return newIdentity(key, certificate), nil
}

func selfSigned(key *rsa.PrivateKey, now time.Time) ([]byte, error) {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return nil, err
	}
	of := &x509.Certificate{SerialNumber: serial, Subject: pkix.Name{CommonName: "Heliograph notifications"},
		NotBefore: now.Add(-time.Hour), NotAfter: now.Add(certificateTime), KeyUsage: x509.KeyUsageDigitalSignature,
		BasicConstraintsValid: true}
	return x509.CreateCertificate(rand.Reader, of, of, &key.PublicKey, key)
}

func newIdentity(key *rsa.PrivateKey, certificate []byte) *identity {
	sum := sha256.Sum256(certificate)
	return &identity{key: key, pem: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate}),
		path: fmt.Sprintf("%s%x.pem", certificatePrefix, sum[:16])}
}

// sign signs a text in SignatureVersion 2, RSA with SHA-256, or 1, with SHA-1, in
// base 64.
func (i *identity) sign(text, version string) (string, error) {
	var sum []byte
	hash := crypto.SHA256
	if version == "1" {
		of := sha1.Sum([]byte(text))
		hash, sum = crypto.SHA1, of[:]
	} else {
		of := sha256.Sum256([]byte(text))
		sum = of[:]
	}
	signature, err := rsa.SignPKCS1v15(nil, i.key, hash, sum)
	if err != nil {
		return "", fmt.Errorf("sign: %w", err)
	}
	return base64.StdEncoding.EncodeToString(signature), nil
}
