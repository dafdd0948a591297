package app

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"heliograph/internal/inventory"
	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

const carriersOfTest = `carriers: [{name: acme, sim: {}}, {name: other, sim: {}}]
default_carrier: acme
`

// serviceOf is a service of a configuration with everything made and nothing
// running. close ends it.
func serviceOf(t *testing.T, directory, lines string) (s *service, end func()) {
	t.Helper()
	s = &service{cfg: configured(t, directory, lines), log: slog.New(slog.DiscardHandler), metrics: newMetrics(), fatal: make(chan error, 1)}
	if err := s.open(t.Context()); err != nil {
		s.abandon(t.Context())
		t.Fatal(err)
	}
	return s, func() { s.abandon(context.Background()) }
}

// lease leases what the inventory has.
func lease(t *testing.T, d *resources.Directory, account string) {
	t.Helper()
	err := d.Change(t.Context(), account, func(tx *resources.Tx) error {
		for _, item := range tx.InventoryNumbers.All() {
			id := "phone-" + item.Value.Number[1:]
			tx.PhoneNumbers.Put(id, inventory.Lease(tx, item.Value, inventory.Terms{Account: account, ID: id, MessageType: sms.Transactional}))
		}
		for _, item := range tx.InventorySenderIDs.All() {
			v := item.Value
			tx.SenderIDs.Put(item.ID, sms.SenderID{SenderID: v.SenderID, Country: v.Country, Carrier: v.Carrier, PartsPerSecond: 10})
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

func TestConfigurationChangesWhatIsLeased(t *testing.T) {
	directory := t.TempDir()
	s, end := serviceOf(t, directory, carriersOfTest+`numbers:
- {number: "+447700900001", country: GB, type: LONG_CODE, parts_per_second: 5}
- {number: "+447700900002", country: GB, type: LONG_CODE, carrier: other, parts_per_second: 7, two_way: true}
sender_ids:
- {sender_id: HELIO, country: GB, parts_per_second: 30}
`)
	account := s.cfg.Account
	lease(t, s.directory, account)
	first := s.directory.Account(account).Number("+447700900001")
	if n := first.Value; n.Carrier != "acme" || n.PartsPerSecond != 5 || n.TwoWayOffered {
		t.Fatalf("leased as %+v", n)
	}
	end()

	// The first moves to another carrier and has the guide's throughput, the
	// second is configured no more, and a third is new.
	s, end = serviceOf(t, directory, carriersOfTest+`numbers:
- {number: "+447700900001", country: GB, type: LONG_CODE, carrier: other, two_way: true}
- {number: "+447700900003", country: GB, type: LONG_CODE}
sender_ids:
- {sender_id: HELIO, country: GB, carrier: other, parts_per_second: 40}
- {sender_id: NEWS, country: GB}
`)
	now := s.directory.Account(account)
	if n := now.Number("+447700900001").Value; n.Carrier != "other" || !n.TwoWayOffered ||
		n.PartsPerSecond != numbering.DefaultPartsPerSecond(sms.IdentityPhoneNumber, sms.LongCode, "GB") || n.ID != first.Value.ID || n.Status != first.Value.Status {
		t.Errorf("the number that was changed is %+v", n)
	}
	if n := now.Number("+447700900002").Value; n.Carrier != "other" || n.PartsPerSecond != 7 || !n.TwoWayOffered {
		t.Errorf("the number that is configured no more is %+v", n)
	}
	if now.Number("+447700900003") != nil {
		t.Error("the new number is leased")
	}
	if n := now.SenderIDs.Get("HELIO/GB").Value; n.Carrier != "other" || n.PartsPerSecond != 40 {
		t.Errorf("the sender ID is %+v", n)
	}
	stocked := s.directory.Inventory()
	if n := stocked.Numbers.Get("+447700900001").Value; n.LeasedBy != account || n.Carrier != "other" || n.AddedAt.IsZero() {
		t.Errorf("the inventory has %+v", n)
	}
	if n := stocked.Numbers.Get("+447700900003").Value; n.LeasedBy != "" || n.Carrier != "acme" {
		t.Errorf("the inventory has %+v", n)
	}
	versions := []int64{now.Number("+447700900001").Version, now.SenderIDs.Get("HELIO/GB").Version}
	if err := stock(t.Context(), s.directory, s.cfg); err != nil {
		t.Fatal(err)
	}
	now = s.directory.Account(account)
	if now.Number("+447700900001").Version != versions[0] || now.SenderIDs.Get("HELIO/GB").Version != versions[1] {
		t.Error("stocking the same once more has written something")
	}
	end()

	// A carrier that is not configured any more leaves its numbers behind.
	s, end = serviceOf(t, directory, "carriers: [{name: acme, sim: {}}]\ndefault_carrier: acme\n")
	if got := orphans(s.directory, s.cfg); len(got) != 1 || got["other"] != 2 {
		t.Errorf("numbers without a carrier: %v", got)
	}
	end()
}

// What is released is never leased again, whatever the configuration says.
func TestConfigurationDoesNotBringReleasedNumbersBack(t *testing.T) {
	directory := t.TempDir()
	lines := carriersOfTest + "numbers: [{number: \"+447700900001\", country: GB, type: LONG_CODE}]\n"
	s, end := serviceOf(t, directory, lines)
	account := s.cfg.Account
	lease(t, s.directory, account)
	if err := s.directory.Change(t.Context(), account, func(tx *resources.Tx) error {
		inventory.Retire(tx, "+447700900001")
		tx.PhoneNumbers.Delete("phone-447700900001")
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	end()
	s, end = serviceOf(t, directory, strings.Replace(lines, "LONG_CODE", "LONG_CODE, carrier: other", 1))
	defer end()
	if n := s.directory.Inventory().Numbers.Get("+447700900001").Value; !n.Retired || inventory.Free(n) {
		t.Errorf("the inventory has %+v", n)
	}
}

// A leased number cannot become another kind of number by an edit of the file.
func TestConfigurationThatContradictsALease(t *testing.T) {
	directory := t.TempDir()
	lines := carriersOfTest + "numbers: [{number: \"+12065550100\", country: US, type: LONG_CODE}]\n"
	s, end := serviceOf(t, directory, lines)
	lease(t, s.directory, s.cfg.Account)
	end()
	s = &service{cfg: configured(t, directory, strings.Replace(lines, "LONG_CODE", "TEN_DLC", 1)), log: slog.New(slog.DiscardHandler),
		metrics: newMetrics(), fatal: make(chan error, 1)}
	err := s.open(t.Context())
	s.abandon(t.Context())
	var refused *sms.Error
	if !errors.As(err, &refused) || !strings.Contains(err.Error(), "+12065550100") {
		t.Errorf("the start ended with %v", err)
	}
}
