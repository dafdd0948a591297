package identity

import (
	"cmp"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const (
	first  = "111122223333"
	second = "444455556666"
)

// sealing is a store.Sealer with one key, that counts what it opens.
type sealing struct {
	cipher.AEAD
	mu     sync.Mutex
	opened int
}

func newSealing(t testing.TB) *sealing {
	block, err := aes.NewCipher(make([]byte, 32))
	if err != nil {
		t.Fatal(err)
	}
	gcm, err := cipher.NewGCM(block)
	if err != nil {
		t.Fatal(err)
	}
	return &sealing{AEAD: gcm}
}

func (s *sealing) Seal(dst, plain, about []byte) []byte {
	nonce := make([]byte, s.NonceSize())
	rand.Read(nonce)
	return s.AEAD.Seal(append(dst, nonce...), nonce, plain, about)
}

func (s *sealing) Open(dst, sealed, about []byte) ([]byte, error) {
	s.mu.Lock()
	s.opened++
	s.mu.Unlock()
	return s.AEAD.Open(dst, sealed[:s.NonceSize()], sealed[s.NonceSize():], about)
}

// rootKey is the first account's.
type rootKey struct{}

func (rootKey) Lookup(_ context.Context, id, token string) (sigv4.Credential, error) {
	if id != "AKIAROOT" || token != "" {
		return sigv4.Credential{}, sigv4.ErrUnknownKey
	}
	arn := iam.RootARN("aws", first)
	return sigv4.Credential{AccessKeyID: id, SecretAccessKey: "root's", Account: first, Principal: arn,
		Identity: &iam.Identity{AccessKeyID: id, Principal: iam.Principal{Type: iam.Root, ARN: arn, Account: first, ID: first}}}, nil
}

// rig is an Authority over a store, with two accounts.
type rig struct {
	*Authority
	t       testing.TB
	sealing *sealing
	clock   time.Time
}

func newRig(t testing.TB) *rig {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	fence, err := engine.Join(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{})
	t.Cleanup(committer.Close)
	r := &rig{t: t, sealing: newSealing(t), clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return r.clock }
	directory, err := resources.Open(t.Context(), engine, committer, "aws", "us-east-1", now)
	if err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{first, second} {
		if err := directory.EnsureAccount(t.Context(), id, resources.Production); err != nil {
			t.Fatal(err)
		}
	}
	r.Authority = New(Options{Directory: directory, Sealer: r.sealing, Root: rootKey{}, TokenKey: make([]byte, 32), Partition: "aws", Now: now, Log: log})
	return r
}

func (r *rig) change(account string, f func(*resources.Tx)) {
	r.t.Helper()
	if err := r.Directory.Change(r.t.Context(), account, func(tx *resources.Tx) error { f(tx); return nil }); err != nil {
		r.t.Fatal(err)
	}
}

// key gives a user, or the root where it has no name, an access key.
func (r *rig) key(account, id, user string) {
	r.t.Helper()
	secret := r.sealing.Seal(nil, []byte("secret of "+id), []byte(iam.AccessKeySecret(id)))
	r.change(account, func(tx *resources.Tx) { tx.AccessKeys.Put(id, iam.AccessKey{ID: id, User: user, Secret: secret}) })
}

func (r *rig) user(account string, u iam.User, tags map[string]string) {
	r.t.Helper()
	u.ID = cmp.Or(u.ID, "AIDA"+u.Name)
	r.change(account, func(tx *resources.Tx) {
		tx.Users.Put(resources.IAMKey(u.Name), u)
		tx.Users.SetTags(resources.IAMKey(u.Name), tags)
	})
}

func (r *rig) role(account string, role iam.Role, tags map[string]string) {
	r.t.Helper()
	role.ID = cmp.Or(role.ID, "AROA"+role.Name)
	r.change(account, func(tx *resources.Tx) {
		tx.Roles.Put(resources.IAMKey(role.Name), role)
		tx.Roles.SetTags(resources.IAMKey(role.Name), tags)
	})
}

func random(t testing.TB, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	rand.Read(b)
	return b
}

func (r *rig) lookup(id, token string) *iam.Identity {
	r.t.Helper()
	c, err := r.Lookup(r.t.Context(), id, token)
	if err != nil {
		r.t.Fatal(err)
	}
	return c.Identity
}
