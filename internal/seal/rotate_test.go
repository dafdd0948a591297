package seal_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/seal"
)

// remote is a master key that is far away: a test says what happens while it is asked.
type remote struct {
	seal.Master
	asked func() error
}

func (m remote) Wrap(ctx context.Context, number uint64, key []byte) ([]byte, error) {
	if err := m.asked(); err != nil {
		return nil, err
	}
	return m.Master.Wrap(ctx, number, key)
}

func (m remote) Unwrap(ctx context.Context, number uint64, by string, wrapped []byte) ([]byte, error) {
	if err := m.asked(); err != nil {
		return nil, err
	}
	return m.Master.Unwrap(ctx, number, by, wrapped)
}

// changes makes a change of the inventory, which nothing may hold up.
func (r *rig) changes(t *testing.T, id string) {
	t.Helper()
	done := make(chan error, 1)
	go func() {
		done <- r.directory.ChangeInventory(t.Context(), func(tx *resources.Tx) error {
			tx.Dropped.Put(id, resources.Dropped{List: 1})
			return nil
		})
	}()
	select {
	case err := <-done:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(10 * time.Second):
		t.Error("a change waits for the master key")
	}
}

// What else is changed of the installation does not wait for a master key.
func TestNothingWaitsForAMasterKey(t *testing.T) {
	for name, ask := range map[string]func(*testing.T, *rig, seal.Master) error{
		"the first key": func(t *testing.T, r *rig, m seal.Master) error {
			return seal.New(seal.Options{Masters: []seal.Master{m}}).Take(t.Context(), r.directory)
		},
		"another key": func(t *testing.T, r *rig, m seal.Master) error {
			r.keyring(t, master(t, 1))
			_, err := seal.New(seal.Options{Masters: []seal.Master{m}}).Rotate(t.Context(), r.directory, false)
			return err
		},
		"another master key": func(t *testing.T, r *rig, m seal.Master) error {
			r.keyring(t, master(t, 2))
			_, err := seal.New(seal.Options{Masters: []seal.Master{m, master(t, 2)}}).Rotate(t.Context(), r.directory, true)
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t)
			asked := 0
			m := remote{master(t, 1), func() error {
				if asked++; !t.Failed() {
					r.changes(t, "while it is asked")
				}
				return nil
			}}
			if err := ask(t, r, m); err != nil || asked == 0 {
				t.Fatal(asked, err)
			}
			if keys, err := r.reload(t.Context()); err != nil || keys[len(keys)-1].Value.By != m.Name() || r.directory.Inventory().Dropped.Len() != 1 {
				t.Errorf("%d keys: %v", len(keys), err)
			}
		})
	}
}

// A master key that does not answer changes nothing.
func TestMasterKeyFails(t *testing.T) {
	r := newRig(t)
	k := r.keyring(t, master(t, 2))
	sealed := k.Seal(nil, []byte("text"), []byte("place"))
	away := errors.New("it is away")
	failing := seal.New(seal.Options{Masters: []seal.Master{remote{master(t, 1), func() error { return away }}, master(t, 2)}})
	for _, onlyMaster := range []bool{true, false} {
		if _, err := failing.Rotate(t.Context(), r.directory, onlyMaster); !errors.Is(err, away) {
			t.Errorf("rotate: %v", err)
		}
	}
	r.changes(t, "after it")
	keys, err := r.reload(t.Context())
	if err != nil || len(keys) != 1 || keys[0].Value.By != master(t, 2).Name() || keys[0].Value.Retired {
		t.Errorf("%d keys: %v", len(keys), err)
	}
	open(t, k, sealed, "text")
}

// overtaken is a keyring of a node, whose master key is overtaken by another node's as
// often as times says. With moving the other one rewraps, else it makes a new data key.
func (r *rig) overtaken(t *testing.T, times int, moving bool) *seal.Keyring {
	other := r.open(t)
	busy := false
	return seal.New(seal.Options{Masters: []seal.Master{remote{master(t, 1), func() error {
		if times == 0 || busy {
			return nil
		}
		times, busy = times-1, true
		defer func() { busy = false }()
		to := master(t, 1)
		if moving {
			to = master(t, byte(3+times%2))
		}
		_, err := seal.New(seal.Options{Masters: []seal.Master{to, master(t, 1), master(t, 2), master(t, 3), master(t, 4)}}).Rotate(t.Context(), other, moving)
		return err
	}}, master(t, 2), master(t, 3), master(t, 4)}, Reload: r.reload})
}

// Who is overtaken by another node begins again with what that one left.
func TestRotateIsOvertaken(t *testing.T) {
	for _, tt := range []struct {
		name       string
		onlyMaster bool // of the one that is overtaken
		moving     bool
		want       seal.Rotated
	}{
		{"by a new key", false, false, seal.Rotated{Number: 3}},
		{"by another master key", false, true, seal.Rotated{Number: 2, Rewrapped: 1}},
		{"the master key by a new key", true, false, seal.Rotated{Number: 2}},
		{"the master key by another", true, true, seal.Rotated{Number: 1, Rewrapped: 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t)
			sealed := r.keyring(t, master(t, 2)).Seal(nil, []byte("text"), []byte("place"))
			k := r.overtaken(t, 1, tt.moving)
			tt.want.Master = master(t, 1).Name()
			if got, err := k.Rotate(t.Context(), r.directory, tt.onlyMaster); err != nil || got != tt.want {
				t.Errorf("%+v, want %+v: %v", got, tt.want, err)
			}
			keys, err := r.reload(t.Context())
			if err != nil || len(keys) != int(tt.want.Number) {
				t.Fatalf("%d keys: %v", len(keys), err)
			}
			for i, item := range keys {
				if last := i == len(keys)-1; item.Value.By != tt.want.Master || item.Value.Retired == last {
					t.Errorf("%+v", item)
				}
			}
			mine := seal.New(seal.Options{Masters: []seal.Master{master(t, 1)}})
			if err := mine.Load(t.Context(), keys); err != nil {
				t.Fatal(err)
			}
			open(t, mine, sealed, "text")
		})
	}
}

// Who is overtaken always gives up, and has changed nothing.
func TestRotateGivesUp(t *testing.T) {
	r := newRig(t)
	r.keyring(t, master(t, 2))
	if _, err := r.overtaken(t, -1, true).Rotate(t.Context(), r.directory, true); err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
		t.Errorf("rotate: %v", err)
	}
	keys, err := r.reload(t.Context())
	if err != nil || len(keys) != 1 || keys[0].Value.By == master(t, 1).Name() {
		t.Errorf("%d keys: %v", len(keys), err)
	}
}
