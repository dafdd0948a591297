package app

import (
	"context"
	"fmt"

	"heliograph/internal/admin"
	"heliograph/internal/config"
	"heliograph/internal/resources"
)

// stock puts the configuration's numbers and sender IDs into the inventory. What
// the configuration says of carriers and throughput also holds for identities
// that are leased already.
func stock(ctx context.Context, d *resources.Directory, cfg config.Config) error {
	numbers, senders := cfg.Inventory()
	if _, err := admin.Import(ctx, d, numbers); err != nil {
		return fmt.Errorf("put the configured numbers into the inventory: %w", err)
	}
	err := d.ChangeInventory(ctx, func(tx *resources.Tx) error {
		for _, s := range senders {
			key := s.SenderID + "/" + s.Country
			if old := tx.InventorySenderIDs.Get(key); old == nil || old.Value != s {
				tx.InventorySenderIDs.Put(key, s)
			}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("put the configured sender IDs into the inventory: %w", err)
	}
	for _, a := range d.Inventory().Accounts.All() {
		if err := d.Change(ctx, a.ID, followSenderIDs); err != nil {
			return fmt.Errorf("bring the sender IDs of account %s up to the inventory: %w", a.ID, err)
		}
	}
	return nil
}

// followSenderIDs gives leased sender IDs the carrier and throughput that the
// inventory has for them now.
func followSenderIDs(tx *resources.Tx) error {
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

// orphans counts the leased numbers of carriers that are not configured, by
// carrier: they cannot send.
func orphans(d *resources.Directory, cfg config.Config) map[string]int {
	lost := map[string]int{}
	for _, item := range d.Inventory().Numbers.All() {
		if item.Value.LeasedBy != "" {
			lost[item.Value.Carrier]++
		}
	}
	for _, c := range cfg.Carriers {
		delete(lost, c.Name)
	}
	return lost
}
