package inventory_test

import (
	"crypto/rand"
	"errors"
	"path/filepath"
	"testing"
	"testing/iotest"
	"time"

	"heliograph/internal/inventory"
	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// change runs f in a change of a new, empty installation.
func change(t *testing.T, f func(*resources.Tx)) {
	t.Helper()
	ctx := t.Context()
	engine, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close()
	fence, err := engine.Join(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{})
	defer committer.Close()
	directory, err := resources.Open(ctx, engine, committer, "aws", "us-east-1", time.Now)
	if err != nil {
		t.Fatal(err)
	}
	err = directory.ChangeInventory(ctx, func(tx *resources.Tx) error {
		f(tx)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

var textOnly = []sms.Capability{sms.CapabilitySMS}

// Every type and country that is offered gives numbers that are of that country,
// and none twice.
func TestSimulateEveryCountry(t *testing.T) {
	change(t, func(tx *resources.Tx) {
		offered := 0
		for _, c := range numbering.Countries() {
			for _, kind := range []sms.NumberType{sms.LongCode, sms.TollFree, sms.TenDLC, sms.Simulator, sms.ShortCode} {
				w := inventory.Wanted{Country: c.ISO2, Type: kind, Capabilities: textOnly}
				if inventory.Offered(w) {
					offered++
				}
				for range 20 {
					n, ok, err := inventory.Simulate(tx, w, rand.Reader)
					if err != nil || ok != inventory.Offered(w) {
						t.Fatalf("%s %s: %v, %v", c.ISO2, kind, ok, err)
					}
					if !ok {
						continue
					}
					parsed, err := numbering.Parse(n.Number)
					if err != nil || parsed.Country != c.ISO2 || parsed.E164 != n.Number {
						t.Errorf("%s %s: %s is of %q, %v", c.ISO2, kind, n.Number, parsed.Country, err)
					}
					if tx.InventoryNumbers.Get(n.Number) != nil {
						t.Errorf("%s was drawn twice", n.Number)
					}
					if n.Carrier != inventory.SimulatorCarrier || n.TwoWay != c.TwoWay {
						t.Errorf("%+v", n)
					}
					tx.InventoryNumbers.Put(n.Number, n)
				}
			}
		}
		if offered < 50 {
			t.Errorf("only %d kinds of number are offered", offered)
		}
	})
}

func TestOffered(t *testing.T) {
	for _, tt := range []struct {
		country string
		kind    sms.NumberType
		caps    []sms.Capability
		want    bool
	}{
		{"GB", sms.LongCode, textOnly, true},
		{"GB", sms.LongCode, []sms.Capability{sms.CapabilityVoice, sms.CapabilitySMS}, true},
		{"GB", sms.LongCode, []sms.Capability{sms.CapabilityMMS}, false},
		{"GB", sms.ShortCode, textOnly, false},
		{"GB", sms.Simulator, textOnly, false},
		{"US", sms.LongCode, textOnly, false},
		{"US", sms.TenDLC, textOnly, true},
		{"XX", sms.LongCode, textOnly, false},
	} {
		if got := inventory.Offered(inventory.Wanted{Country: tt.country, Type: tt.kind, Capabilities: tt.caps}); got != tt.want {
			t.Errorf("%s %s %v: %v", tt.country, tt.kind, tt.caps, got)
		}
	}
}

// Toll-free numbers for fiction run out after 700; then others are drawn.
func TestSimulateBeyondFiction(t *testing.T) {
	change(t, func(tx *resources.Tx) {
		for range 750 {
			n, ok, err := inventory.Simulate(tx, inventory.Wanted{Country: "US", Type: sms.TollFree, Capabilities: textOnly}, rand.Reader)
			if err != nil || !ok {
				t.Fatalf("%v, %v", ok, err)
			}
			tx.InventoryNumbers.Put(n.Number, n)
		}
		if n := tx.InventoryNumbers.Len(); n != 750 {
			t.Errorf("750 drawings gave %d numbers", n)
		}
	})
}

func TestSimulateWithoutRandomness(t *testing.T) {
	change(t, func(tx *resources.Tx) {
		broken := errors.New("no entropy")
		_, ok, err := inventory.Simulate(tx, inventory.Wanted{Country: "GB", Type: sms.LongCode, Capabilities: textOnly}, iotest.ErrReader(broken))
		if ok || !errors.Is(err, broken) {
			t.Errorf("%v, %v", ok, err)
		}
	})
}

func TestLeaseAndRetire(t *testing.T) {
	change(t, func(tx *resources.Tx) {
		for _, tt := range []struct {
			kind   sms.NumberType
			status sms.NumberStatus
			rate   float64
			price  string
		}{
			{sms.Simulator, sms.NumberActive, 10, "1.00"},
			{sms.TenDLC, sms.NumberPending, 1, "1.00"},
			{sms.TollFree, sms.NumberPending, 3, "2.00"},
			{sms.ShortCode, sms.NumberPending, 100, "995.00"},
		} {
			stock := sms.InventoryNumber{Number: "+14255550100", Country: "US", Type: tt.kind, Capabilities: textOnly, Carrier: "acme", TwoWay: true}
			n := inventory.Lease(tx, stock, inventory.Terms{ID: "phone-1", Account: "111122223333", MessageType: sms.Transactional})
			if n.Status != tt.status || n.PartsPerSecond != tt.rate || n.MonthlyLeasingPrice != tt.price || n.OptOutList != "Default" ||
				len(n.Capabilities) != 1 || !n.TwoWayOffered || n.Carrier != "acme" {
				t.Errorf("%+v", n)
			}
			leased := tx.InventoryNumbers.Get(stock.Number).Value
			if leased.LeasedBy != "111122223333" || inventory.Free(leased) {
				t.Errorf("%+v", leased)
			}
			inventory.Retire(tx, stock.Number)
			if gone := tx.InventoryNumbers.Get(stock.Number).Value; !gone.Retired || gone.LeasedBy != "" || inventory.Free(gone) {
				t.Errorf("%+v", gone)
			}
			if _, found := inventory.Find(tx, inventory.Wanted{Country: "US", Type: tt.kind, Capabilities: textOnly}); found {
				t.Error("a retired number was found")
			}
		}
		inventory.Retire(tx, "+19999999999") // not in the inventory: nothing happens
	})
}
