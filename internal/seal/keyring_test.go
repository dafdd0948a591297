package seal_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/seal"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// rig is an installation's database with a directory over it.
type rig struct {
	engine    *sqlite.Engine
	committer *store.Committer
	directory *resources.Directory
}

func newRig(t *testing.T) *rig {
	t.Helper()
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "test.db"), sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	fence, err := engine.Join(t.Context(), "node")
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{engine: engine, committer: store.NewCommitter(engine, fence, store.CommitterOptions{})}
	t.Cleanup(func() {
		r.committer.Close()
		engine.Close()
	})
	r.directory = r.open(t)
	return r
}

// open is the directory of another node.
func (r *rig) open(t *testing.T) *resources.Directory {
	t.Helper()
	d, err := resources.Open(t.Context(), r.engine, r.committer, "aws", "us-east-1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func (r *rig) reload(ctx context.Context) (seal.DataKeys, error) {
	rows, err := r.engine.Resources(ctx, "")
	if err != nil {
		return nil, err
	}
	return resources.DataKeysOf(rows)
}

func master(t *testing.T, b byte) seal.Master {
	t.Helper()
	m, err := seal.NewMaster(bytes.Repeat([]byte{b}, seal.KeyBytes))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// keyring is one that has a data key in the rig.
func (r *rig) keyring(t *testing.T, masters ...seal.Master) *seal.Keyring {
	t.Helper()
	k := seal.New(seal.Options{Masters: masters, Reload: r.reload})
	if err := k.Take(t.Context(), r.directory); err != nil {
		t.Fatal(err)
	}
	return k
}

func open(t *testing.T, k *seal.Keyring, sealed []byte, want string) {
	t.Helper()
	got, err := k.Open(nil, sealed, []byte("place"))
	if err != nil || string(got) != want {
		t.Errorf("opened as %q: %v", got, err)
	}
}

func TestSealedIsOpenedAtItsPlaceOnly(t *testing.T) {
	k := newRig(t).keyring(t, master(t, 1))
	plain := []byte("Your code is 123456")
	sealed := k.Seal([]byte("before"), plain, []byte("place"))
	if !bytes.HasPrefix(sealed, []byte("before")) || bytes.Contains(sealed, plain) {
		t.Fatalf("sealed as %q", sealed)
	}
	sealed = sealed[len("before"):]
	if !seal.Sealed(sealed) || len(sealed) != len(plain)+30 {
		t.Errorf("%d octets", len(sealed))
	}
	got, err := k.Open([]byte("after "), sealed, []byte("place"))
	if err != nil || string(got) != "after "+string(plain) {
		t.Errorf("opened as %q: %v", got, err)
	}
	if got, err := k.Open(nil, sealed, []byte("elsewhere")); err == nil {
		t.Errorf("opened elsewhere as %q", got)
	}
	for i := range sealed {
		changed := bytes.Clone(sealed)
		changed[i] ^= 1
		if got, err := k.Open(nil, changed, []byte("place")); err == nil && i > 0 {
			t.Errorf("opened with octet %d changed: %q", i, got)
		}
		if _, err := k.Open(nil, sealed[:i], []byte("place")); err == nil && i > 0 {
			t.Errorf("opened with %d octets", i)
		}
	}
	if again := k.Seal(nil, plain, []byte("place")); bytes.Equal(again, sealed) {
		t.Error("the same is sealed alike twice")
	}
	open(t, k, k.Seal(nil, nil, []byte("place")), "")
}

func TestWhatWasNeverSealedStays(t *testing.T) {
	k := seal.New(seal.Options{})
	for _, text := range []string{"", "{}", "\x03plain", "\x00\xff"} {
		open(t, k, []byte(text), text)
	}
	if k.Ready() || !k.Low() {
		t.Error("an empty keyring is ready")
	}
}

// Of nodes that start at once one makes the data key.
func TestNodesAgreeOnAKey(t *testing.T) {
	r := newRig(t)
	keyrings := make([]*seal.Keyring, 6)
	var nodes sync.WaitGroup
	for i := range keyrings {
		d := r.open(t)
		keyrings[i] = seal.New(seal.Options{Masters: []seal.Master{master(t, 1)}, Reload: r.reload})
		nodes.Go(func() {
			if err := keyrings[i].Take(t.Context(), d); err != nil {
				t.Error(err)
			}
		})
	}
	nodes.Wait()
	keys, err := r.reload(t.Context())
	if err != nil || len(keys) != 1 || keys[0].ID != "1" || keys[0].Value.Seals != int64(len(keyrings))<<24 {
		t.Fatalf("%d keys: %v", len(keys), err)
	}
	sealed := keyrings[0].Seal(nil, []byte("text"), []byte("place"))
	for _, k := range keyrings {
		open(t, k, sealed, "text")
	}
}

// What a node sealed with a key that it has just made is opened by one that has not
// heard of it.
func TestKeysOfOtherNodesAreLearned(t *testing.T) {
	r := newRig(t)
	one, other := r.keyring(t, master(t, 1)), r.keyring(t, master(t, 1))
	before := one.Seal(nil, []byte("before"), []byte("place"))
	rotated, err := one.Rotate(t.Context(), r.directory, false)
	if err != nil || rotated.Number != 2 || rotated.Rewrapped != 0 {
		t.Fatal(rotated, err)
	}
	after := one.Seal(nil, []byte("after"), []byte("place"))
	if bytes.Equal(before[:2], after[:2]) {
		t.Error("the new key does not seal")
	}
	open(t, other, after, "after")
	open(t, other, before, "before")
	if sealed := other.Seal(nil, nil, nil); sealed[1] != 2 {
		t.Errorf("the other node goes on with key %d", sealed[1])
	}
	if _, err := other.Open(nil, append([]byte{seal.Marker, 9}, make([]byte, 40)...), nil); err == nil || !strings.Contains(err.Error(), "data key 9 is not there") {
		t.Errorf("an unknown key: %v", err)
	}
}

// A number that there is no key of is looked for once, and one that there cannot be never.
func TestMissingKeysAreLookedForOnce(t *testing.T) {
	r := newRig(t)
	reloads := 0
	k := seal.New(seal.Options{Masters: []seal.Master{master(t, 1)}, Reload: func(ctx context.Context) (seal.DataKeys, error) {
		reloads++
		return r.reload(ctx)
	}})
	for range 3 {
		for _, number := range []byte{9, 10} {
			if _, err := k.Open(nil, append([]byte{seal.Marker, number}, make([]byte, 40)...), nil); !errors.Is(err, store.ErrNotSealed) {
				t.Errorf("key %d: %v", number, err)
			}
		}
		if _, err := k.Open(nil, append([]byte{seal.Marker, 0xAE, 0x0E}, make([]byte, 40)...), nil); !errors.Is(err, store.ErrNotSealed) {
			t.Errorf("key 1838: %v", err)
		}
	}
	if reloads != 2 {
		t.Errorf("%d reloads", reloads)
	}
	if _, err := k.Open(nil, []byte{seal.Marker, 1}, nil); !errors.Is(err, store.ErrNotSealed) {
		t.Errorf("too short: %v", err)
	}
}

// An older list of keys, and an empty one, leave the key that seals.
func TestOlderListsDoNotGoBack(t *testing.T) {
	r := newRig(t)
	k := r.keyring(t, master(t, 1))
	older, err := r.reload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Rotate(t.Context(), r.directory, false); err != nil {
		t.Fatal(err)
	}
	for _, list := range []seal.DataKeys{older, nil} {
		if err := k.Load(t.Context(), list); err != nil {
			t.Fatal(err)
		}
		if sealed := k.Seal(nil, nil, nil); sealed[1] != 2 {
			t.Errorf("key %d seals", sealed[1])
		}
	}
}

func TestMasterKeyMoves(t *testing.T) {
	r := newRig(t)
	sealed := r.keyring(t, master(t, 1)).Seal(nil, []byte("text"), []byte("place"))
	lost := seal.New(seal.Options{Masters: []seal.Master{master(t, 2)}})
	keys, _ := r.reload(t.Context())
	if err := lost.Load(t.Context(), keys); !errors.Is(err, seal.ErrMaster) || lost.Ready() {
		t.Fatalf("another master key: %v", err)
	}
	k := seal.New(seal.Options{Masters: []seal.Master{master(t, 2), master(t, 1)}, Reload: r.reload})
	if err := k.Load(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	rotated, err := k.Rotate(t.Context(), r.directory, true)
	if err != nil || rotated.Number != 1 || rotated.Rewrapped != 1 || rotated.Master != master(t, 2).Name() {
		t.Fatal(rotated, err)
	}
	if keys, err = r.reload(t.Context()); err != nil || len(keys) != 1 {
		t.Fatal(len(keys), err)
	}
	if err := lost.Load(t.Context(), keys); err != nil {
		t.Fatal(err)
	}
	open(t, lost, sealed, "text")
}

// A data key seals no more than 2^32 times, over all nodes and starts.
func TestAKeyIsUsedUp(t *testing.T) {
	r := newRig(t)
	k := r.keyring(t, master(t, 1))
	if k.Low() {
		t.Error("a new block is low")
	}
	if err := r.directory.ChangeInventory(t.Context(), func(tx *resources.Tx) error {
		v := tx.DataKeys.Get("1").Value
		v.Seals = 1<<32 - 1<<24 + 1
		tx.DataKeys.Put("1", v)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	sealed := k.Seal(nil, []byte("text"), []byte("place"))
	if err := k.Take(t.Context(), r.directory); err != nil {
		t.Fatal(err)
	}
	if again := k.Seal(nil, nil, nil); again[1] != 2 {
		t.Errorf("key %d seals", again[1])
	}
	open(t, k, sealed, "text")
}

func TestKeyFiles(t *testing.T) {
	const hexadecimal = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
	path := filepath.Join(t.TempDir(), "master")
	write := func(text string, mode os.FileMode) {
		t.Helper()
		os.Remove(path)
		if err := os.WriteFile(path, []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{hexadecimal, hexadecimal + "\n", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n", "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"} {
		write(text, 0o600)
		if key, err := seal.ReadKeyFile(path); err != nil || len(key) != 32 || key[31] != 31 {
			t.Errorf("%q: %x, %v", text, key, err)
		}
	}
	write(hexadecimal, 0o640)
	if _, err := seal.ReadKeyFile(path); err == nil || !strings.Contains(err.Error(), "0600 is needed") {
		t.Errorf("a file that others may read: %v", err)
	}
	for _, text := range []string{"", "00", hexadecimal + "00", "no key at all, but of quite some length"} {
		write(text, 0o600)
		if _, err := seal.ReadKeyFile(path); err == nil || len(text) > 8 && strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func BenchmarkSeal(b *testing.B) {
	k := benchKeyring(b)
	plain, buffer := make([]byte, 250), make([]byte, 0, 512)
	about := []byte("m12345678")
	b.ReportAllocs()
	for b.Loop() {
		buffer = k.Seal(buffer[:0], plain, about)
	}
}

func BenchmarkOpen(b *testing.B) {
	k := benchKeyring(b)
	sealed, buffer := k.Seal(nil, make([]byte, 250), nil), make([]byte, 0, 512)
	b.ReportAllocs()
	for b.Loop() {
		var err error
		if buffer, err = k.Open(buffer[:0], sealed, nil); err != nil {
			b.Fatal(err)
		}
	}
}

func benchKeyring(b *testing.B) *seal.Keyring {
	b.Helper()
	m, err := seal.NewMaster(make([]byte, seal.KeyBytes))
	if err != nil {
		b.Fatal(err)
	}
	k := seal.New(seal.Options{Masters: []seal.Master{m}})
	wrapped, err := m.Wrap(b.Context(), 1, make([]byte, seal.KeyBytes))
	if err != nil {
		b.Fatal(err)
	}
	if err := k.Load(b.Context(), seal.DataKeys{{ID: "1", Value: resources.DataKey{Wrapped: wrapped, By: m.Name()}}}); err != nil {
		b.Fatal(err)
	}
	return k
}
