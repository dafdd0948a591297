package admin

import (
	"context"
	"reflect"

	"heliograph/internal/inventory"
	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Imported counts what became of imported numbers.
type Imported struct {
	Added     int `json:"added"`
	Changed   int `json:"changed"`
	Unchanged int `json:"unchanged"`
	Retired   int `json:"retired"` // were released once, and are left alone
}

// Import puts numbers into the inventory, which CheckNumber has found right. A
// number that is there already gets the new capabilities, carrier, throughput and
// two-way, and so does the phone number that it is leased as; its country and type
// cannot change while it is leased. A number that was released stays so.
func Import(ctx context.Context, d *resources.Directory, numbers []sms.InventoryNumber) (Imported, error) {
	counts := Imported{}
	err := d.ChangeInventory(ctx, func(tx *resources.Tx) error {
		counts = Imported{}
		for _, n := range numbers {
			if err := put(tx, n, "", &counts); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		return Imported{}, err
	}
	for _, account := range lessees(d.Inventory(), numbers) {
		before := counts
		err := d.Change(ctx, account, func(tx *resources.Tx) error {
			counts = before
			for _, n := range numbers {
				if err := put(tx, n, account, &counts); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return Imported{}, err
		}
	}
	return counts, nil
}

// put writes one number if it is leased by the account, "" for none.
func put(tx *resources.Tx, n sms.InventoryNumber, account string, counts *Imported) error {
	item := tx.InventoryNumbers.Get(n.Number)
	if item == nil {
		if account == "" {
			n.AddedAt = tx.Now
			tx.InventoryNumbers.Put(n.Number, n)
			counts.Added++
		}
		return nil
	}
	old := item.Value
	if old.LeasedBy != account {
		return nil
	}
	if old.Retired {
		counts.Retired++
		return nil
	}
	n.AddedAt, n.LeasedBy = old.AddedAt, old.LeasedBy
	if reflect.DeepEqual(n, old) {
		counts.Unchanged++
		return nil
	}
	if account != "" && (n.Country != old.Country || n.Type != old.Type) {
		return sms.Conflict(sms.ReasonResourceModificationNotAllowed, sms.TypePhoneNumber, n.Number,
			"%s is leased as a %s of %s; its country and type cannot change.", n.Number, old.Type, old.Country)
	}
	tx.InventoryNumbers.Put(n.Number, n)
	counts.Changed++
	if account != "" {
		follow(tx, n)
	}
	return nil
}

// follow lets a leased phone number have what its inventory entry says.
func follow(tx *resources.Tx, n sms.InventoryNumber) {
	leased := tx.Snapshot.Number(n.Number)
	if leased == nil {
		return
	}
	p := tx.PhoneNumbers.Get(leased.ID).Value
	p.Carrier, p.TwoWayOffered = n.Carrier, n.TwoWay
	if p.PartsPerSecond = n.PartsPerSecond; p.PartsPerSecond == 0 {
		p.PartsPerSecond = numbering.DefaultPartsPerSecond(sms.IdentityPhoneNumber, n.Type, n.Country)
	}
	tx.PhoneNumbers.Put(leased.ID, p)
}

// lessees lists the accounts that lease any of the numbers.
func lessees(inv *resources.Inventory, numbers []sms.InventoryNumber) []string {
	var accounts []string
	seen := map[string]bool{"": true}
	for _, n := range numbers {
		if item := inv.Numbers.Get(n.Number); item != nil && !seen[item.Value.LeasedBy] {
			seen[item.Value.LeasedBy] = true
			accounts = append(accounts, item.Value.LeasedBy)
		}
	}
	return accounts
}

// Assign leases a number of the inventory to an account, under this phone number
// id. It does what RequestPhoneNumber does, for numbers that cannot be requested
// too, and is not bound by the account's quota.
func Assign(ctx context.Context, d *resources.Directory, number, account, id string, t sms.MessageType) (sms.PhoneNumber, error) {
	if d.Account(account) == nil {
		return sms.PhoneNumber{}, sms.Invalid(sms.ReasonInvalidParameter, "account", "There is no account %q.", account)
	}
	var leased sms.PhoneNumber
	err := d.Change(ctx, account, func(tx *resources.Tx) error {
		item := tx.InventoryNumbers.Get(number)
		if item == nil {
			return sms.NotFound(sms.TypePhoneNumber, number)
		}
		n := item.Value
		switch {
		case n.Retired:
			return sms.Conflict(sms.ReasonResourceModificationNotAllowed, sms.TypePhoneNumber, number,
				"%s was released and is never leased again.", number)
		case !inventory.Free(n):
			return sms.Conflict(sms.ReasonResourceAlreadyExists, sms.TypePhoneNumber, number, "%s is leased by account %s.", number, n.LeasedBy)
		}
		leased = inventory.Lease(tx, n, inventory.Terms{ID: id, Account: account, MessageType: t})
		tx.PhoneNumbers.Put(id, leased)
		return nil
	})
	return leased, err
}

// Activate takes a leased number, named by itself or by its phone number id, out
// of PENDING. One that is ACTIVE stays so.
func Activate(ctx context.Context, d *resources.Directory, number string) (sms.PhoneNumber, error) {
	account, id := find(d, number)
	if account == "" {
		return sms.PhoneNumber{}, sms.NotFound(sms.TypePhoneNumber, number)
	}
	var active sms.PhoneNumber
	err := d.Change(ctx, account, func(tx *resources.Tx) error {
		item := tx.PhoneNumbers.Get(id)
		if item == nil {
			return sms.NotFound(sms.TypePhoneNumber, number)
		}
		active = item.Value
		switch active.Status {
		case sms.NumberActive:
		case sms.NumberPending:
			active.Status = sms.NumberActive
			tx.PhoneNumbers.Put(id, active)
		default:
			return sms.Conflict(sms.ReasonResourceModificationNotAllowed, sms.TypePhoneNumber, id, "%s is %s; only a PENDING number can be activated.", number, active.Status)
		}
		return nil
	})
	return active, err
}

// find gives who leases a number and under which id.
func find(d *resources.Directory, number string) (account, id string) {
	for _, a := range d.Inventory().Accounts.All() {
		s := d.Account(a.ID)
		if item := s.PhoneNumbers.Get(number); item != nil {
			return a.ID, item.ID
		}
		if item := s.Number(number); item != nil {
			return a.ID, item.ID
		}
	}
	return "", ""
}
