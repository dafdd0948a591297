package app

import (
	"context"
	"fmt"
	"reflect"

	"heliograph/internal/config"
	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// stock puts the configuration's numbers and sender IDs into the inventory. What
// the configuration says of carriers and throughput also holds for identities
// that are leased already.
func stock(ctx context.Context, d *resources.Directory, cfg config.Config) error {
	numbers, senders := cfg.Inventory()
	err := d.ChangeInventory(ctx, func(tx *resources.Tx) error {
		for _, n := range numbers {
			old := tx.InventoryNumbers.Get(n.Number)
			if old == nil {
				n.AddedAt = tx.Now.UTC()
			} else {
				n.AddedAt, n.LeasedBy, n.Retired = old.Value.AddedAt, old.Value.LeasedBy, old.Value.Retired
			}
			if old == nil || !reflect.DeepEqual(old.Value, n) {
				tx.InventoryNumbers.Put(n.Number, n)
			}
		}
		for _, s := range senders {
			key := s.SenderID + "/" + s.Country
			if old := tx.InventorySenderIDs.Get(key); old == nil || old.Value != s {
				tx.InventorySenderIDs.Put(key, s)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put the configured numbers into the inventory: %w", err)
	}
	for _, a := range d.Inventory().Accounts.All() {
		if err := d.Change(ctx, a.ID, followInventory); err != nil {
			return fmt.Errorf("bring the numbers of account %s up to the inventory: %w", a.ID, err)
		}
	}
	return nil
}

// followInventory gives leased numbers the carrier, throughput and two-way
// ability that the inventory has for them now.
func followInventory(tx *resources.Tx) error {
	for _, item := range tx.PhoneNumbers.All() {
		stocked := tx.InventoryNumbers.Get(item.Value.Number)
		if stocked == nil {
			continue
		}
		n := item.Value
		n.Carrier, n.TwoWayOffered, n.PartsPerSecond = stocked.Value.Carrier, stocked.Value.TwoWay, stocked.Value.PartsPerSecond
		if n.PartsPerSecond <= 0 {
			n.PartsPerSecond = numbering.DefaultPartsPerSecond(sms.IdentityPhoneNumber, n.Type, n.Country)
		}
		if n.Carrier != item.Value.Carrier || n.TwoWayOffered != item.Value.TwoWayOffered || n.PartsPerSecond != item.Value.PartsPerSecond {
			tx.PhoneNumbers.Put(item.ID, n)
		}
	}
	for _, item := range tx.SenderIDs.All() {
		stocked := tx.InventorySenderIDs.Get(item.ID)
		if stocked == nil {
			continue
		}
		s := item.Value
		s.Carrier = stocked.Value.Carrier
		if stocked.Value.PartsPerSecond > 0 {
			s.PartsPerSecond = stocked.Value.PartsPerSecond
		}
		if s.Carrier != item.Value.Carrier || s.PartsPerSecond != item.Value.PartsPerSecond {
			tx.SenderIDs.Put(item.ID, s)
		}
	}
	return nil
}
