package resources

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"heliograph/internal/iam"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Directory is every account's resources and the operator's inventory.
type Directory struct {
	engine            store.Engine
	committer         *store.Committer
	partition, region string
	now               func() time.Time

	changing sync.Mutex // one change at a time on this node
	furnish  atomic.Pointer[func(*Tx)]
	state    atomic.Pointer[state]
}

type state struct {
	accounts  map[string]*Snapshot
	inventory *Inventory
	keys      map[string]string // accounts of access keys
}

// Open reads everything from the store.
func Open(ctx context.Context, engine store.Engine, committer *store.Committer, partition, region string, now func() time.Time) (*Directory, error) {
	d := &Directory{engine: engine, committer: committer, partition: partition, region: region, now: now}
	if err := d.reload(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// Account is the newest snapshot of an account, nil if there is none with this id.
func (d *Directory) Account(id string) *Snapshot { return d.state.Load().accounts[id] }

// AccessKey is an access key and the account that it is of; nil, nil where there is none
// with this id.
func (d *Directory) AccessKey(id string) (*Snapshot, *Item[iam.AccessKey]) {
	now := d.state.Load()
	account := now.accounts[now.keys[id]]
	if account == nil {
		return nil, nil
	}
	return account, account.AccessKeys.Get(id)
}

// Accounts are the newest snapshots of all accounts, in no order.
func (d *Directory) Accounts() []*Snapshot {
	return slices.Collect(maps.Values(d.state.Load().accounts))
}

// accessKeys finds the accounts of access keys.
func accessKeys(accounts map[string]*Snapshot) map[string]string {
	keys := map[string]string{}
	for id, s := range accounts {
		for _, item := range s.AccessKeys.All() {
			keys[item.ID] = id
		}
	}
	return keys
}

// Inventory is the newest snapshot of the operator's inventory.
func (d *Directory) Inventory() *Inventory { return d.state.Load().inventory }

// Region is the region of every ARN of this installation.
func (d *Directory) Region() string { return d.region }

// EnsureAccount creates the account with its Default opt-out list. Where there is one
// it is moved to this tier if the configuration asked for another before: what the
// operator did since then stays otherwise.
func (d *Directory) EnsureAccount(ctx context.Context, id string, tier Tier) error {
	if s := d.Account(id); s != nil && s.Account.ConfiguredTier == tier {
		return nil
	}
	return d.change(ctx, id, true, func(tx *Tx) error {
		d.establish(tx, id, tier)
		return nil
	})
}

// CreateAccount makes an account with its Default opt-out list and what fn adds to it, or
// nothing of it. fn may run more than once, and must have no other effect.
//
// Errors: ErrAccountExists.
func (d *Directory) CreateAccount(ctx context.Context, id string, tier Tier, fn func(*Tx) error) error {
	return d.change(ctx, id, true, func(tx *Tx) error {
		if tx.Accounts.Get(id) != nil {
			return fmt.Errorf("%w: %s", ErrAccountExists, id)
		}
		d.establish(tx, id, tier)
		return fn(tx)
	})
}

// establish makes an account, or moves it to a tier.
func (d *Directory) establish(tx *Tx, id string, tier Tier) {
	a := tx.Snapshot.Account
	a.ID, a.Tier, a.ConfiguredTier = id, tier, tier
	if furnish := d.furnish.Load(); furnish != nil && !a.Furnished {
		a.Furnished = true
		(*furnish)(tx)
	}
	tx.Accounts.Put(id, a)
	if tx.OptOutLists.Get(sms.DefaultOptOutList) == nil {
		tx.OptOutLists.Put(sms.DefaultOptOutList, sms.OptOutList{Name: sms.DefaultOptOutList})
	}
}

// Furnish has fn add what every account has from its beginning: to the accounts that
// there are, each once and never again, and to those that are made later. fn may run more
// than once for one change, and must have no other effect.
func (d *Directory) Furnish(ctx context.Context, fn func(*Tx)) error {
	d.furnish.Store(&fn)
	for _, s := range d.Accounts() {
		if s.Account.Furnished {
			continue
		}
		err := d.Change(ctx, s.Account.ID, func(tx *Tx) error {
			a := tx.Snapshot.Account
			if a.Furnished {
				return nil // by another node
			}
			a.Furnished = true
			fn(tx)
			tx.Accounts.Put(a.ID, a)
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// ErrNoAccount is answered for a change to an account that does not exist, and
// ErrAccountExists for one that is to be made and does.
var (
	ErrNoAccount     = errors.New("no such account")
	ErrAccountExists = errors.New("the account exists")
)

// Change runs fn against the newest resources of the account and commits what it
// changed. fn may run more than once and must have no other effect; its error is
// returned and nothing is written.
func (d *Directory) Change(ctx context.Context, account string, fn func(*Tx) error) error {
	return d.change(ctx, account, false, fn)
}

const changeAttempts = 8

func (d *Directory) change(ctx context.Context, account string, create bool, fn func(*Tx) error) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	for range changeAttempts {
		err := d.try(account, create, fn)
		if !errors.Is(err, store.ErrVersion) {
			return err
		}
		if err := d.reload(ctx); err != nil {
			return err
		}
	}
	return fmt.Errorf("change resources of account %s: %w", account, store.ErrVersion)
}

func (d *Directory) try(account string, create bool, fn func(*Tx) error) error {
	current := d.state.Load()
	snapshot := current.accounts[account]
	if snapshot == nil {
		if !create {
			return fmt.Errorf("%w: %s", ErrNoAccount, account)
		}
		snapshot = d.build(account, tables{})
	}
	tx := newTx(d.now(), snapshot, current.inventory)
	if err := fn(tx); err != nil {
		return err
	}
	writes, err := tx.writes()
	if err != nil || len(writes) == 0 && len(tx.Entries) == 0 {
		return err
	}
	writes = append(writes, revisions(writes, snapshot, current.inventory)...)
	if err := d.committer.Commit(&store.Change{Resources: writes, Entries: tx.Entries}); err != nil {
		return err
	}
	next := &state{accounts: current.accounts, keys: current.keys}
	changed, inventory := tx.after()
	inventory.revision = current.inventory.revision
	for i := range writes {
		switch w := &writes[i]; {
		case w.Kind != kindRevision:
		case w.Account == installation:
			inventory.revision = w.Version
		default:
			changed.revision = w.Version
		}
	}
	if next.inventory = inventory; account != installation {
		next.accounts = maps.Clone(current.accounts)
		next.accounts[account] = changed
		if tx.AccessKeys.touched() {
			next.keys = accessKeys(next.accounts)
		}
	}
	d.state.Store(next)
	return nil
}

// revisions counts the changes of the account, and of the installation where it is
// changed too: what another node changed meanwhile, be it other resources that the
// change depends on, makes this one start again.
func revisions(writes []store.ResourceWrite, s *Snapshot, inventory *Inventory) []store.ResourceWrite {
	var out []store.ResourceWrite
	counted := map[string]bool{}
	for i := range writes {
		account := writes[i].Account
		if counted[account] {
			continue
		}
		counted[account] = true
		expect := s.revision
		if account == installation {
			expect = inventory.revision
		}
		out = append(out, store.ResourceWrite{Expect: expect, Resource: store.Resource{Created: writes[i].Created, Doc: []byte("{}"),
			ResourceKey: store.ResourceKey{Account: account, Kind: kindRevision, ID: kindRevision}}})
	}
	return out
}

// installation stands for an account where what belongs to none is changed.
const installation = ""

// ChangeInventory runs fn against the operator's inventory. What fn changes of an
// account's resources has no account to be of and must be nothing.
func (d *Directory) ChangeInventory(ctx context.Context, fn func(*Tx) error) error {
	return d.change(ctx, installation, true, fn)
}

func (d *Directory) read(ctx context.Context, account string) (tables, error) {
	var t tables
	rows, err := d.engine.Resources(ctx, account)
	if err != nil {
		return t, fmt.Errorf("read resources of account %q: %w", account, err)
	}
	for _, r := range rows {
		if err := t.add(r); err != nil {
			return t, err
		}
	}
	return t, nil
}

func (d *Directory) build(account string, t tables) *Snapshot {
	s := &Snapshot{Account: Account{ID: account}, revision: t.revision, partition: d.partition, region: d.region,
		PhoneNumbers: newTable(t.numbers), SenderIDs: newTable(t.senders), Pools: newTable(t.pools),
		ConfigurationSets: newTable(t.sets), OptOutLists: newTable(t.lists), ClientTokens: newTable(t.tokens),
		Keywords: newTable(t.keywords), VerifiedNumbers: newTable(t.verified), Protect: newTable(t.protect), SettingsTable: newTable(t.settings),
		LogGroups: newTable(t.groups), Topics: newTable(t.topics), Subscriptions: newTable(t.subs), DeliveryStreams: newTable(t.streams),
		Users: newTable(t.users), Groups: newTable(t.userSets), Roles: newTable(t.roles), Policies: newTable(t.policies),
		AccessKeys: newTable(t.keys), MFADevices: newTable(t.devices), ResourcePolicies: newTable(t.shares)}
	s.index()
	return s
}

func (d *Directory) readInventory(ctx context.Context) (*Inventory, error) {
	t, err := d.read(ctx, installation)
	if err != nil {
		return nil, err
	}
	return &Inventory{Accounts: newTable(t.accounts), Numbers: newTable(t.stock), SenderIDs: newTable(t.stockIDs),
		Dropped: newTable(t.dropped), Reports: newTable(t.reports), DataKeys: newTable(t.dataKeys), revision: t.revision}, nil
}

func (d *Directory) readAccount(ctx context.Context, a Account) (*Snapshot, error) {
	t, err := d.read(ctx, a.ID)
	if err != nil {
		return nil, err
	}
	s := d.build(a.ID, t)
	s.Account = a
	return s, nil
}

// Refresh reads the resources of an account again, "" for the installation's, that
// another node may have written.
func (d *Directory) Refresh(ctx context.Context, account string) error {
	d.changing.Lock()
	defer d.changing.Unlock()
	current := d.state.Load()
	if account == installation {
		return d.refreshInstallation(ctx, current)
	}
	if current.accounts[account] == nil {
		return d.reload(ctx)
	}
	s, err := d.readAccount(ctx, current.accounts[account].Account)
	if err != nil {
		return err
	}
	next := &state{accounts: maps.Clone(current.accounts), inventory: current.inventory}
	next.accounts[account] = s
	next.keys = accessKeys(next.accounts)
	d.state.Store(next)
	return nil
}

// refreshInstallation reads what belongs to no account again, and of the accounts those
// that are new; the others stay as they are but for what the operator says of them.
func (d *Directory) refreshInstallation(ctx context.Context, current *state) error {
	inventory, err := d.readInventory(ctx)
	if err != nil {
		return err
	}
	next := &state{accounts: map[string]*Snapshot{}, inventory: inventory}
	for _, a := range inventory.Accounts.All() {
		known := current.accounts[a.ID]
		if known == nil {
			if known, err = d.readAccount(ctx, a.Value); err != nil {
				return err
			}
		}
		s := *known
		s.Account = a.Value
		next.accounts[a.ID] = &s
	}
	next.keys = accessKeys(next.accounts)
	d.state.Store(next)
	return nil
}

// reload reads everything again; the caller holds changing, or is Open.
func (d *Directory) reload(ctx context.Context) error {
	inventory, err := d.readInventory(ctx)
	if err != nil {
		return err
	}
	next := &state{accounts: map[string]*Snapshot{}, inventory: inventory}
	for _, a := range inventory.Accounts.All() {
		if next.accounts[a.ID], err = d.readAccount(ctx, a.Value); err != nil {
			return err
		}
	}
	next.keys = accessKeys(next.accounts)
	d.state.Store(next)
	return nil
}
