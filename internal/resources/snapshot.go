package resources

import (
	"errors"
	"sync"
	"time"

	"heliograph/internal/numbering"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// The kinds of resources as the store names them.
const (
	kindAccount           = "account"
	kindPhoneNumber       = string(sms.TypePhoneNumber)
	kindSenderID          = string(sms.TypeSenderID)
	kindPool              = string(sms.TypePool)
	kindConfigurationSet  = string(sms.TypeConfigurationSet)
	kindOptOutList        = string(sms.TypeOptOutList)
	kindClientToken       = "client-token"
	kindInventoryNumber   = "inventory-number"
	kindInventorySenderID = "inventory-sender-id"
	kindRevision          = "revision" // counts the changes of an account, or of the installation
)

// Tier is an account's place in the guide's sandbox: SANDBOX or PRODUCTION.
type Tier string

const (
	Sandbox    Tier = "SANDBOX"
	Production Tier = "PRODUCTION"
)

// Account is an account of the installation.
type Account struct {
	ID   string `json:"id"`
	Tier Tier   `json:"tier"`
}

// ClientToken remembers a request that was made with a ClientToken, so that its
// repetition gets the same answer. Request is a digest of its parameters.
type ClientToken struct {
	Operation string    `json:"operation"`
	Token     string    `json:"token"`
	Request   string    `json:"request"`
	Resource  string    `json:"resource"` // id of what was made
	Expires   time.Time `json:"expires"`
}

// Snapshot is an account's resources at one moment. It never changes.
type Snapshot struct {
	Account           Account
	partition, region string
	revision          int64

	PhoneNumbers      *Table[sms.PhoneNumber] // by phone number id
	SenderIDs         *Table[sms.SenderID]    // by sms.SenderID.Key
	Pools             *Table[sms.Pool]
	ConfigurationSets *Table[sms.ConfigurationSet]
	OptOutLists       *Table[sms.OptOutList]
	ClientTokens      *Table[ClientToken]

	byNumber    map[string]*Item[sms.PhoneNumber]
	poolNumbers map[string][]*Item[sms.PhoneNumber]
	poolSenders map[string][]*Item[sms.SenderID]
	members     map[string]*Members              // of pools that have any
	senders     map[string][]*Item[sms.SenderID] // by sender id, whatever the country
	countries   map[string][]*sms.SenderID       // sender ids of a country
	reaching    *sync.Map                        // country -> []*sms.PhoneNumber, filled when asked for
}

// Members are the origination identities of a pool, each kind oldest first. They
// must not be changed.
type Members struct {
	Numbers   []*sms.PhoneNumber
	SenderIDs []*sms.SenderID
}

// ARN names one of the account's resources.
func (s *Snapshot) ARN(t sms.ResourceType, id string) string {
	return sms.ARN{Partition: s.partition, Region: s.region, Account: s.Account.ID, Type: t, ID: id}.String()
}

// Local reports whether an ARN is of this installation's partition and region.
func (s *Snapshot) Local(a sms.ARN) bool { return a.Partition == s.partition && a.Region == s.region }

// Number is the account's phone number with this E.164 number or short code.
func (s *Snapshot) Number(number string) *Item[sms.PhoneNumber] { return s.byNumber[number] }

// PoolNumbers and PoolSenderIDs are a pool's members, oldest first.
func (s *Snapshot) PoolNumbers(pool string) []*Item[sms.PhoneNumber] { return s.poolNumbers[pool] }
func (s *Snapshot) PoolSenderIDs(pool string) []*Item[sms.SenderID]  { return s.poolSenders[pool] }

// Members are the values of a pool's members.
func (s *Snapshot) Members(pool string) Members {
	if m := s.members[pool]; m != nil {
		return *m
	}
	return Members{}
}

// SenderIDsNamed are the account's sender IDs with this name, one a country.
func (s *Snapshot) SenderIDsNamed(senderID string) []*Item[sms.SenderID] { return s.senders[senderID] }

// SenderIDsFor are the account's sender IDs of a country, oldest first. They must
// not be changed.
func (s *Snapshot) SenderIDsFor(country string) []*sms.SenderID { return s.countries[country] }

// NumbersReaching are the phone numbers that may be able to send to a country:
// all that can, and some that package origin refuses. Oldest first; they must not
// be changed.
func (s *Snapshot) NumbersReaching(country string) []*sms.PhoneNumber {
	if known, ok := s.reaching.Load(country); ok {
		return known.([]*sms.PhoneNumber)
	}
	var out []*sms.PhoneNumber
	for _, item := range s.PhoneNumbers.All() {
		n := &item.Value
		if n.InternationalSending || n.Country == country || numbering.Reaches(n.Type, n.Country, country) {
			out = append(out, n)
		}
	}
	s.reaching.Store(country, out)
	return out
}

func (s *Snapshot) index() {
	s.reaching = new(sync.Map)
	s.byNumber = make(map[string]*Item[sms.PhoneNumber], s.PhoneNumbers.Len())
	s.poolNumbers = map[string][]*Item[sms.PhoneNumber]{}
	s.poolSenders = map[string][]*Item[sms.SenderID]{}
	s.members = map[string]*Members{}
	s.senders = map[string][]*Item[sms.SenderID]{}
	s.countries = map[string][]*sms.SenderID{}
	for _, item := range s.PhoneNumbers.All() {
		s.byNumber[item.Value.Number] = item
		if pool := item.Value.PoolID; pool != "" {
			s.poolNumbers[pool] = append(s.poolNumbers[pool], item)
			m := s.membersOf(pool)
			m.Numbers = append(m.Numbers, &item.Value)
		}
	}
	for _, item := range s.SenderIDs.All() {
		s.senders[item.Value.SenderID] = append(s.senders[item.Value.SenderID], item)
		s.countries[item.Value.Country] = append(s.countries[item.Value.Country], &item.Value)
		for _, pool := range item.Value.PoolIDs {
			s.poolSenders[pool] = append(s.poolSenders[pool], item)
			m := s.membersOf(pool)
			m.SenderIDs = append(m.SenderIDs, &item.Value)
		}
	}
}

func (s *Snapshot) membersOf(pool string) *Members {
	m := s.members[pool]
	if m == nil {
		m = &Members{}
		s.members[pool] = m
	}
	return m
}

// Inventory is what the operator can lease out, at one moment.
type Inventory struct {
	Accounts  *Table[Account]
	Numbers   *Table[sms.InventoryNumber]   // by number
	SenderIDs *Table[sms.InventorySenderID] // by SENDERID/COUNTRY

	revision int64
}

// Tx is a change being made: the resources as they will be.
type Tx struct {
	Now      time.Time
	Snapshot *Snapshot // as it was

	PhoneNumbers      *Edit[sms.PhoneNumber]
	SenderIDs         *Edit[sms.SenderID]
	Pools             *Edit[sms.Pool]
	ConfigurationSets *Edit[sms.ConfigurationSet]
	OptOutLists       *Edit[sms.OptOutList]
	ClientTokens      *Edit[ClientToken]

	Accounts           *Edit[Account]
	InventoryNumbers   *Edit[sms.InventoryNumber]
	InventorySenderIDs *Edit[sms.InventorySenderID]
}

func newTx(now time.Time, s *Snapshot, inv *Inventory) *Tx {
	id := s.Account.ID
	return &Tx{
		Now: now, Snapshot: s,
		PhoneNumbers:       edit(id, kindPhoneNumber, now, s.PhoneNumbers),
		SenderIDs:          edit(id, kindSenderID, now, s.SenderIDs),
		Pools:              edit(id, kindPool, now, s.Pools),
		ConfigurationSets:  edit(id, kindConfigurationSet, now, s.ConfigurationSets),
		OptOutLists:        edit(id, kindOptOutList, now, s.OptOutLists),
		ClientTokens:       edit(id, kindClientToken, now, s.ClientTokens),
		Accounts:           edit("", kindAccount, now, inv.Accounts),
		InventoryNumbers:   edit("", kindInventoryNumber, now, inv.Numbers),
		InventorySenderIDs: edit("", kindInventorySenderID, now, inv.SenderIDs),
	}
}

func (tx *Tx) writes() ([]store.ResourceWrite, error) {
	if tx.Snapshot.Account.ID == installation && tx.ofAccount() {
		return nil, errors.New("a change of the inventory changes resources of an account")
	}
	var out []store.ResourceWrite
	for _, list := range []func() ([]store.ResourceWrite, error){
		tx.PhoneNumbers.writes, tx.SenderIDs.writes, tx.Pools.writes, tx.ConfigurationSets.writes,
		tx.OptOutLists.writes, tx.ClientTokens.writes, tx.Accounts.writes,
		tx.InventoryNumbers.writes, tx.InventorySenderIDs.writes,
	} {
		w, err := list()
		if err != nil {
			return nil, err
		}
		out = append(out, w...)
	}
	return out, nil
}

// ofAccount reports whether tx changes what belongs to an account.
func (tx *Tx) ofAccount() bool {
	return len(tx.PhoneNumbers.changed)+len(tx.SenderIDs.changed)+len(tx.Pools.changed)+len(tx.ConfigurationSets.changed)+
		len(tx.OptOutLists.changed)+len(tx.ClientTokens.changed) > 0
}

// after is the state once tx is committed.
func (tx *Tx) after() (*Snapshot, *Inventory) {
	s := *tx.Snapshot
	s.PhoneNumbers, s.SenderIDs, s.Pools = tx.PhoneNumbers.table(), tx.SenderIDs.table(), tx.Pools.table()
	s.ConfigurationSets, s.OptOutLists = tx.ConfigurationSets.table(), tx.OptOutLists.table()
	s.ClientTokens = tx.ClientTokens.table()
	inv := &Inventory{Accounts: tx.Accounts.table(), Numbers: tx.InventoryNumbers.table(), SenderIDs: tx.InventorySenderIDs.table()}
	if a := inv.Accounts.Get(s.Account.ID); a != nil {
		s.Account = a.Value
	}
	s.index()
	return &s, inv
}
