package seal

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strconv"

	"heliograph/internal/resources"
)

const (
	// maxSeals is how often a key may seal with random nonces of 96 bits (NIST
	// SP 800-38D, 8.3).
	maxSeals = 1 << 32
	// block is how many seals a node takes at once, and lowWater when it takes more.
	block    = 1 << 24
	lowWater = block / 4
)

// Directory is where the data keys are kept.
type Directory interface {
	Inventory() *resources.Inventory
	ChangeInventory(ctx context.Context, fn func(*resources.Tx) error) error
}

// Low reports that Take is due: there is no data key, or few seals are left of what the
// node has taken.
func (k *Keyring) Low() bool {
	key := k.keys.Load().current
	return key == nil || key.left.Load() < lowWater
}

// attempts is how often a change is prepared again because the data keys were changed by
// another meanwhile.
const attempts = 8

// errOvertaken is answered where a change was prepared for other data keys than there are.
var errOvertaken = errors.New("the data keys were changed meanwhile")

// change prepares a change of the data keys, and carries it out. Master keys, which may be
// far away, are asked in prepare only: no change of the directory waits for them.
func change(ctx context.Context, d Directory, prepare func(DataKeys) (carryOut func(*resources.Tx) error, err error)) error {
	for range attempts {
		carryOut, err := prepare(d.Inventory().DataKeys.All())
		if err != nil {
			return err
		}
		if err = d.ChangeInventory(ctx, carryOut); !errors.Is(err, errOvertaken) {
			return err
		}
	}
	return fmt.Errorf("%w, %d times", errOvertaken, attempts)
}

// Take sees to it that there is a data key and that the node may seal with it, making a
// new one where the newest is used up. Of several nodes that find none, one makes it.
func (k *Keyring) Take(ctx context.Context, d Directory) error {
	var taken uint64
	if err := change(ctx, d, func(all DataKeys) (func(*resources.Tx) error, error) {
		var made *resources.DataKey
		key, before := newest(all)
		if usedUp(key) {
			var err error
			if made, err = k.make(ctx, before+1); err != nil {
				return nil, err
			}
		}
		return func(tx *resources.Tx) error {
			key, last := newest(tx.DataKeys.All())
			if usedUp(key) {
				if made == nil || last != before {
					return errOvertaken
				}
				taken = last + 1
				tx.DataKeys.Put(strconv.FormatUint(taken, 10), *made)
				return nil
			}
			v := key.Value
			v.Seals += block
			tx.DataKeys.Put(key.ID, v)
			taken, _ = strconv.ParseUint(key.ID, 10, 32)
			return nil
		}, nil
	}); err != nil {
		return fmt.Errorf("data keys: %w", err)
	}
	return k.adopt(ctx, d, taken)
}

// usedUp reports that no further block of a key may be taken, or that there is no key.
func usedUp(key *resources.Item[resources.DataKey]) bool {
	return key == nil || key.Value.Seals+block > maxSeals
}

// Rotated tells what Rotate did.
type Rotated struct {
	Number    uint64 // of the data key that seals now
	Rewrapped int    // data keys that have another master key now
	Master    string // the name of the master key of all
}

// Rotate makes a new data key, unless only the master key is to be changed, and wraps
// every data key of another master key with the first one. What older data keys sealed
// stays as it is, and they stay for it.
func (k *Keyring) Rotate(ctx context.Context, d Directory, onlyMaster bool) (Rotated, error) {
	var r Rotated
	made := uint64(0)
	if err := change(ctx, d, func(all DataKeys) (func(*resources.Tx) error, error) {
		wrapped, err := k.rewrap(ctx, all)
		if err != nil {
			return nil, err
		}
		var added *resources.DataKey
		_, before := newest(all)
		if !onlyMaster || before == 0 {
			if added, err = k.make(ctx, before+1); err != nil {
				return nil, err
			}
		}
		return func(tx *resources.Tx) error {
			r, made = Rotated{Master: k.masters[0].Name(), Number: before}, 0
			if _, last := newest(tx.DataKeys.All()); last != before {
				return errOvertaken
			}
			for _, item := range tx.DataKeys.All() {
				v := item.Value
				changed := v.By != r.Master
				if changed {
					w := wrapped[item.ID]
					if !bytes.Equal(w.from, v.Wrapped) {
						return errOvertaken
					}
					v.Wrapped, v.By = w.to, r.Master
					r.Rewrapped++
				}
				if !onlyMaster && !v.Retired {
					v.Retired, changed = true, true
				}
				if changed {
					tx.DataKeys.Put(item.ID, v)
				}
			}
			if added != nil {
				made = before + 1
				r.Number = made
				tx.DataKeys.Put(strconv.FormatUint(made, 10), *added)
			}
			return nil
		}, nil
	}); err != nil {
		return Rotated{}, fmt.Errorf("rotate the data keys: %w", err)
	}
	return r, k.adopt(ctx, d, made)
}

// rewrapped is a data key as the first master key wraps it, and as it was read.
type rewrapped struct{ from, to []byte }

// rewrap wraps the data keys of other master keys with the first one.
func (k *Keyring) rewrap(ctx context.Context, all DataKeys) (map[string]rewrapped, error) {
	out := map[string]rewrapped{}
	for _, item := range all {
		number, err := strconv.ParseUint(item.ID, 10, 32)
		if err != nil {
			return nil, fmt.Errorf("data key %q has no number", item.ID)
		}
		if item.Value.By == k.masters[0].Name() {
			continue
		}
		plain, err := k.unwrap(ctx, number, &item.Value)
		if err != nil {
			return nil, fmt.Errorf("data key %d: %w", number, err)
		}
		to, err := k.masters[0].Wrap(ctx, number, plain)
		if err != nil {
			return nil, fmt.Errorf("data key %d: %w", number, err)
		}
		out[item.ID] = rewrapped{item.Value.Wrapped, to}
	}
	return out, nil
}

// make is a new data key, of which the node takes the first block.
func (k *Keyring) make(ctx context.Context, number uint64) (*resources.DataKey, error) {
	key := make([]byte, KeyBytes)
	rand.Read(key)
	wrapped, err := k.masters[0].Wrap(ctx, number, key)
	if err != nil {
		return nil, err
	}
	return &resources.DataKey{Wrapped: wrapped, By: k.masters[0].Name(), Seals: block}, nil
}

// adopt loads what the directory has, and counts the block that was taken of a key.
func (k *Keyring) adopt(ctx context.Context, d Directory, taken uint64) error {
	if err := k.Load(ctx, d.Inventory().DataKeys.All()); err != nil {
		return err
	}
	if key := k.keys.Load().known[taken]; key != nil {
		key.left.Add(block)
	}
	return nil
}

// newest is the data key that seals, nil for none, and the largest number of all.
func newest(all DataKeys) (key *resources.Item[resources.DataKey], last uint64) {
	of := uint64(0)
	for _, item := range all {
		number, err := strconv.ParseUint(item.ID, 10, 32)
		if err != nil {
			continue
		}
		last = max(last, number)
		if !item.Value.Retired && number > of {
			key, of = item, number
		}
	}
	return key, last
}
