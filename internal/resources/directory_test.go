package resources

import (
	"errors"
	"fmt"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const customer = "111122223333"

// clock gives each change a millisecond of its own.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(time.Millisecond + time.Microsecond)
	return c.now
}

// node is a directory over a store that others may have a directory over too.
type node struct {
	*Directory
	engine    store.Engine
	committer *store.Committer
	now       *clock
}

func newStore(t *testing.T) node {
	t.Helper()
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{})
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
	return node{engine: engine, committer: committer, now: &clock{now: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)}}.again(t)
}

// again opens another directory over the same store.
func (n node) again(t *testing.T) node {
	t.Helper()
	d, err := Open(t.Context(), n.engine, n.committer, "aws", "us-east-1", n.now.Now)
	if err != nil {
		t.Fatal(err)
	}
	n.Directory = d
	return n
}

// newNode has the customer's account too.
func newNode(t *testing.T) node {
	t.Helper()
	n := newStore(t)
	if err := n.EnsureAccount(t.Context(), customer, Sandbox); err != nil {
		t.Fatal(err)
	}
	return n
}

func (n node) change(t *testing.T, fn func(*Tx) error) {
	t.Helper()
	if err := n.Change(t.Context(), customer, fn); err != nil {
		t.Fatal(err)
	}
}

func TestEnsureAccount(t *testing.T) {
	n := newStore(t)
	if got := n.Account(customer); got != nil {
		t.Fatalf("an account that nobody made: %+v", got)
	}
	if err := n.Change(t.Context(), customer, func(*Tx) error { return nil }); !errors.Is(err, ErrNoAccount) {
		t.Errorf("a change to it: %v", err)
	}
	if err := n.EnsureAccount(t.Context(), customer, Sandbox); err != nil {
		t.Fatal(err)
	}
	first := n.Account(customer)
	if first.Account.ID != customer || first.Account.Tier != Sandbox || first.OptOutLists.Get("Default") == nil {
		t.Errorf("a new account: %+v with %d opt-out lists", first.Account, first.OptOutLists.Len())
	}
	if err := n.EnsureAccount(t.Context(), customer, Sandbox); err != nil || n.Account(customer) != first {
		t.Errorf("made again, it is another: %v", err)
	}
	made := first.OptOutLists.Get("Default").Created
	if err := n.EnsureAccount(t.Context(), customer, Production); err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]node{"moved": n, "moved and opened again": n.again(t)} {
		s := d.Account(customer)
		if s.Account.Tier != Production || !s.OptOutLists.Get("Default").Created.Equal(made) || s.OptOutLists.Len() != 1 {
			t.Errorf("%s: %+v", name, s.Account)
		}
		if got := d.Inventory().Accounts.All(); len(got) != 1 || !reflect.DeepEqual(got[0].Value, s.Account) {
			t.Errorf("%s: accounts %+v", name, got)
		}
	}
	if got := first.ARN(sms.TypePool, "pool-1"); got != "arn:aws:sms-voice:us-east-1:111122223333:pool/pool-1" {
		t.Error(got)
	}
	a, _ := sms.ParseARN(first.ARN(sms.TypePool, "pool-1"))
	abroad, _ := sms.ParseARN("arn:aws:sms-voice:eu-west-1:111122223333:pool/pool-1")
	government, _ := sms.ParseARN("arn:aws-us-gov:sms-voice:us-east-1:111122223333:pool/pool-1")
	if !first.Local(a) || first.Local(abroad) || first.Local(government) || n.Region() != "us-east-1" {
		t.Error("which ARNs are of this installation")
	}
}

// everything is what a test compares of an account.
func everything(s *Snapshot) []any {
	return []any{s.Account, s.PhoneNumbers.All(), s.SenderIDs.All(), s.Pools.All(), s.ConfigurationSets.All(), s.OptOutLists.All(), s.ClientTokens.All()}
}

func stockOf(inv *Inventory) []any {
	return []any{inv.Accounts.All(), inv.Numbers.All(), inv.SenderIDs.All()}
}

func TestReopened(t *testing.T) {
	n := newNode(t)
	n.change(t, func(tx *Tx) error {
		tx.PhoneNumbers.Put("phone-2", sms.PhoneNumber{ID: "phone-2", Number: "+12065550100", Country: "US", Type: sms.TenDLC,
			Capabilities: []sms.Capability{sms.CapabilitySMS, sms.CapabilityVoice}, MessageType: sms.Transactional, Status: sms.NumberPending,
			MonthlyLeasingPrice: "1.00", TwoWay: sms.TwoWay{Enabled: true, ChannelARN: "arn:aws:sns:us-east-1:111122223333:in"}, SelfManagedOptOuts: true,
			OptOutList: "Default", InternationalSending: true, DeletionProtection: true, PoolID: "pool-1", Carrier: "sim", PartsPerSecond: 1.5, TwoWayOffered: true})
		tx.Pools.Put("pool-1", sms.Pool{ID: "pool-1", Status: sms.PoolActive, MessageType: sms.Transactional, OptOutList: "Default", SharedRoutes: true})
		tx.InventoryNumbers.Put("+12065550100", sms.InventoryNumber{Number: "+12065550100", Country: "US", Type: sms.TenDLC, Carrier: "sim", LeasedBy: customer, AddedAt: tx.Now.UTC()})
		return nil
	})
	n.change(t, func(tx *Tx) error {
		tx.PhoneNumbers.Put("phone-1", sms.PhoneNumber{ID: "phone-1", Number: "+12065550101", Country: "US", Type: sms.TollFree})
		tx.SenderIDs.Put("HELIO/GB", sms.SenderID{SenderID: "HELIO", Country: "GB", MessageTypes: []sms.MessageType{sms.Promotional}, PoolIDs: []string{"pool-1"}})
		tx.ConfigurationSets.Put("set", sms.ConfigurationSet{Name: "set", Destinations: []sms.EventDestination{
			{Name: "topic", Enabled: true, EventTypes: []string{"ALL"}, SNS: &sms.SNSDestination{TopicARN: "arn:aws:sns:us-east-1:111122223333:events"}}}})
		tx.ClientTokens.Put("CreatePool/1", ClientToken{Operation: "CreatePool", Token: "1", Request: "digest", Resource: "pool-1", Expires: tx.Now.UTC().Add(24 * time.Hour)})
		tx.Pools.SetTags("pool-1", map[string]string{"team": "billing"})
		tx.InventorySenderIDs.Put("HELIO/GB", sms.InventorySenderID{SenderID: "HELIO", Country: "GB", Carrier: "acme"})
		return nil
	})
	n.change(t, func(tx *Tx) error {
		tx.PhoneNumbers.Delete("phone-1")
		return nil
	})

	s, again := n.Account(customer), n.again(t)
	if diff := cmp.Diff(everything(s), everything(again.Account(customer))); diff != "" {
		t.Errorf("the account, kept and read again:\n%s", diff)
	}
	if diff := cmp.Diff(stockOf(n.Inventory()), stockOf(again.Inventory())); diff != "" {
		t.Errorf("the inventory, kept and read again:\n%s", diff)
	}
	pool := s.Pools.Get("pool-1")
	if pool.Version != 2 || pool.Tags["team"] != "billing" || pool.Created.Nanosecond()%1e6 != 0 || pool.Created.Location() != time.UTC {
		t.Errorf("the pool: %+v", pool)
	}
	if s.PhoneNumbers.Len() != 1 || s.Number("+12065550101") != nil {
		t.Error("the number that was deleted is there")
	}
}

func TestErrorsWriteNothing(t *testing.T) {
	n := newNode(t)
	before := n.Account(customer)
	wrong := sms.Invalid(sms.ReasonInvalidParameter, "PoolId", "Wrong.")
	err := n.Change(t.Context(), customer, func(tx *Tx) error {
		tx.Pools.Put("pool-1", sms.Pool{ID: "pool-1"})
		tx.OptOutLists.Delete("Default")
		tx.InventoryNumbers.Put("+12065550100", sms.InventoryNumber{})
		return wrong
	})
	if err != wrong {
		t.Errorf("%v", err)
	}
	if n.Account(customer) != before || n.Inventory().Numbers.Len() != 0 {
		t.Error("the directory changed")
	}
	if diff := cmp.Diff(everything(before), everything(n.again(t).Account(customer))); diff != "" {
		t.Errorf("the store changed:\n%s", diff)
	}
	n.change(t, func(tx *Tx) error { return nil })
	if n.Account(customer) != before {
		t.Error("a change that changes nothing makes a new snapshot")
	}
}

func TestStoreFails(t *testing.T) {
	n := newNode(t)
	n.committer.Close()
	before := n.Account(customer)
	err := n.Change(t.Context(), customer, func(tx *Tx) error {
		tx.Pools.Put("pool-1", sms.Pool{ID: "pool-1"})
		return nil
	})
	if !errors.Is(err, store.ErrClosed) || n.Account(customer) != before {
		t.Errorf("%v, and the snapshot is another: %v", err, n.Account(customer) != before)
	}
}

// A snapshot is a moment: what comes after does not show in it.
func TestSnapshotsStay(t *testing.T) {
	n := newNode(t)
	put := func(id, e164 string) func(*Tx) error {
		return func(tx *Tx) error {
			tx.PhoneNumbers.Put(id, sms.PhoneNumber{ID: id, Number: e164, Country: "GB", Type: sms.LongCode})
			return nil
		}
	}
	n.change(t, put("phone-1", "+447700900001"))
	before := n.Account(customer)
	reaching := before.NumbersReaching("GB")
	n.change(t, put("phone-2", "+447700900002"))
	n.change(t, put("phone-1", "+447700900003"))
	if len(reaching) != 1 || reaching[0].Number != "+447700900001" || len(before.NumbersReaching("GB")) != 1 ||
		before.PhoneNumbers.Len() != 1 || before.Number("+447700900001") == nil || before.Number("+447700900003") != nil {
		t.Error("an old snapshot changed")
	}
	if now := n.Account(customer); len(now.NumbersReaching("GB")) != 2 || now.Number("+447700900001") != nil || now.PhoneNumbers.Get("phone-1").Version != 2 {
		t.Error("the new snapshot did not")
	}
}

func TestConcurrentChanges(t *testing.T) {
	n := newNode(t)
	other := n.again(t) // another node over the same store
	const each = 15
	var wg sync.WaitGroup
	errs := make(chan error, 4*each)
	for i, d := range []node{n, n, n, other} {
		wg.Go(func() {
			for j := range each {
				errs <- d.Change(t.Context(), customer, func(tx *Tx) error {
					tx.Pools.Put(fmt.Sprintf("pool-%d-%d", i, j), sms.Pool{})
					counter := sms.ConfigurationSet{}
					if item := tx.ConfigurationSets.Get("counter"); item != nil {
						counter = item.Value
					}
					counter.Name += "."
					tx.ConfigurationSets.Put("counter", counter)
					return nil
				})
			}
		})
	}
	wg.Wait()
	close(errs)
	made := 0
	for err := range errs {
		switch {
		case err == nil:
			made++
		case !errors.Is(err, store.ErrVersion): // given up, which two nodes that never pause may
			t.Error(err)
		}
	}
	s := n.again(t).Account(customer)
	counter := s.ConfigurationSets.Get("counter")
	if got := len(counter.Value.Name); got != made || s.Pools.Len() != made || counter.Version != int64(made) {
		t.Errorf("of %d changes %d are counted, %d pools were made, version %d", made, got, s.Pools.Len(), counter.Version)
	}
	if made < 3*each {
		t.Errorf("only %d of %d changes were made", made, 4*each)
	}
}

func TestAnotherNodeWasFaster(t *testing.T) {
	n := newNode(t)
	other := n.again(t)
	rename := func(d node, id, list string) {
		d.change(t, func(tx *Tx) error {
			tx.Pools.Put(id, sms.Pool{ID: id, OptOutList: list})
			return nil
		})
	}
	rename(other, "pool-1", "A")
	if n.Account(customer).Pools.Len() != 0 {
		t.Fatal("this node knows already")
	}
	runs := 0
	n.change(t, func(tx *Tx) error {
		runs++
		item := tx.Pools.Get("pool-1")
		if item == nil {
			tx.Pools.Put("pool-1", sms.Pool{ID: "pool-1", OptOutList: "mine"})
			return nil
		}
		pool := item.Value
		pool.OptOutList += "B"
		tx.Pools.Put("pool-1", pool)
		return nil
	})
	if got := n.Account(customer).Pools.Get("pool-1"); runs != 2 || got.Value.OptOutList != "AB" || got.Version != 2 {
		t.Errorf("after %d runs: %+v", runs, got)
	}

	// One that is faster every time: the change is given up and nothing is written.
	runs = 0
	err := n.Change(t.Context(), customer, func(tx *Tx) error {
		runs++
		rename(other, "pool-1", fmt.Sprintf("%d", runs))
		tx.Pools.Put("pool-1", sms.Pool{ID: "pool-1", OptOutList: "mine"})
		return nil
	})
	if !errors.Is(err, store.ErrVersion) || runs != changeAttempts {
		t.Errorf("after %d runs: %v", runs, err)
	}
	if got := n.Account(customer).Pools.Get("pool-1").Value.OptOutList; got != fmt.Sprint(runs) {
		t.Errorf("the pool has %q", got)
	}

	// A deletion that another node made first is seen too.
	other.change(t, func(tx *Tx) error { tx.Pools.Delete("pool-1"); return nil })
	err = n.Change(t.Context(), customer, func(tx *Tx) error {
		if tx.Pools.Get("pool-1") == nil {
			return sms.NotFound(sms.TypePool, "pool-1")
		}
		tx.Pools.Put("pool-1", sms.Pool{})
		return nil
	})
	if e, ok := sms.AsError(err); !ok || e.Kind != sms.KindNotFound {
		t.Errorf("a pool that another node deleted: %v", err)
	}
}

func TestChangeInventory(t *testing.T) {
	n := newNode(t)
	before := n.Account(customer)
	add := func(e164 string) func(*Tx) error {
		return func(tx *Tx) error {
			tx.InventoryNumbers.Put(e164, sms.InventoryNumber{Number: e164, Country: "GB", Carrier: "acme"})
			return nil
		}
	}
	for _, e164 := range []string{"+447700900001", "+447700900002"} {
		if err := n.ChangeInventory(t.Context(), add(e164)); err != nil {
			t.Fatal(err)
		}
	}
	for name, d := range map[string]node{"kept": n, "read again": n.again(t)} {
		if got := d.Inventory().Numbers; got.Len() != 2 || got.Get("+447700900002").Value.Carrier != "acme" {
			t.Errorf("%s: %d numbers", name, got.Len())
		}
		if d.Account("") != nil {
			t.Errorf("%s: the installation became an account", name)
		}
	}
	if n.Account(customer) != before {
		t.Error("an account changed")
	}
	// A change of an account sees the inventory and changes it.
	n.change(t, func(tx *Tx) error {
		item := tx.InventoryNumbers.Get("+447700900001")
		leased := item.Value
		leased.LeasedBy = customer
		tx.InventoryNumbers.Put(item.ID, leased)
		return nil
	})
	if got := n.Inventory().Numbers.Get("+447700900001"); got.Value.LeasedBy != customer || got.Version != 2 {
		t.Errorf("%+v", got)
	}
	wrong := func(tx *Tx) error { tx.Pools.Put("pool-1", sms.Pool{}); return nil }
	if err := n.ChangeInventory(t.Context(), wrong); err == nil {
		t.Error("a pool of no account was made")
	}
}

func TestOpenRefusesWhatItCannotRead(t *testing.T) {
	for says, r := range map[string]store.Resource{
		"which this version does not know": {ResourceKey: store.ResourceKey{Account: customer, Kind: "starship", ID: "1"}, Doc: []byte(`{}`)},
		"read pool pool-1":                 {ResourceKey: store.ResourceKey{Account: customer, Kind: kindPool, ID: "pool-1"}, Doc: []byte(`[]`)},
	} {
		n := newNode(t)
		if err := n.committer.Commit(&store.Change{Resources: []store.ResourceWrite{{Resource: r}}}); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(t.Context(), n.engine, n.committer, "aws", "us-east-1", time.Now); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%v; want it to say %q", err, says)
		}
	}
}
