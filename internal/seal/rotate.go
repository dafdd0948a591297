package seal

import (
	"context"
	"crypto/rand"
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

// Take sees to it that there is a data key and that the node may seal with it, making a
// new one where the newest is used up. Of several nodes that find none, one makes it.
func (k *Keyring) Take(ctx context.Context, d Directory) error {
	var taken uint64
	if err := d.ChangeInventory(ctx, func(tx *resources.Tx) error {
		newest, last := newest(tx.DataKeys.All())
		if newest == nil || newest.Value.Seals+block > maxSeals {
			taken = last + 1
			return k.add(ctx, tx, taken)
		}
		v := newest.Value
		v.Seals += block
		tx.DataKeys.Put(newest.ID, v)
		taken, _ = strconv.ParseUint(newest.ID, 10, 32)
		return nil
	}); err != nil {
		return fmt.Errorf("data keys: %w", err)
	}
	return k.adopt(ctx, d, taken)
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
	if err := d.ChangeInventory(ctx, func(tx *resources.Tx) error {
		r, made = Rotated{Master: k.masters[0].Name()}, 0
		for _, item := range tx.DataKeys.All() {
			v := item.Value
			number, err := strconv.ParseUint(item.ID, 10, 32)
			if err != nil {
				return fmt.Errorf("data key %q has no number", item.ID)
			}
			changed := v.By != r.Master
			if changed {
				if v, err = k.rewrap(ctx, number, v); err != nil {
					return fmt.Errorf("data key %d: %w", number, err)
				}
				r.Rewrapped++
			}
			if !onlyMaster && !v.Retired {
				v.Retired, changed = true, true
			}
			if changed {
				tx.DataKeys.Put(item.ID, v)
			}
			r.Number = max(r.Number, number)
		}
		if onlyMaster && r.Number > 0 {
			return nil
		}
		r.Number++
		made = r.Number
		return k.add(ctx, tx, made)
	}); err != nil {
		return Rotated{}, fmt.Errorf("rotate the data keys: %w", err)
	}
	return r, k.adopt(ctx, d, made)
}

func (k *Keyring) rewrap(ctx context.Context, number uint64, v resources.DataKey) (resources.DataKey, error) {
	plain, err := k.unwrap(ctx, number, &v)
	if err != nil {
		return v, err
	}
	v.Wrapped, err = k.masters[0].Wrap(ctx, number, plain)
	v.By = k.masters[0].Name()
	return v, err
}

// add makes a data key in tx, of which the node takes the first block.
func (k *Keyring) add(ctx context.Context, tx *resources.Tx, number uint64) error {
	key := make([]byte, KeyBytes)
	rand.Read(key)
	wrapped, err := k.masters[0].Wrap(ctx, number, key)
	if err != nil {
		return err
	}
	tx.DataKeys.Put(strconv.FormatUint(number, 10), resources.DataKey{Wrapped: wrapped, By: k.masters[0].Name(), Seals: block})
	return nil
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
