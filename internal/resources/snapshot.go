package resources

import (
	"cmp"
	"sync"
	"time"

	"heliograph/internal/iam"
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
	kindKeywords          = "keywords"
	kindVerifiedNumber    = string(sms.TypeVerifiedNumber)
	kindProtect           = string(sms.TypeProtectConfiguration)
	kindSettings          = "settings"
	kindLogGroup          = "log-group"
	kindTopic             = "topic"
	kindSubscription      = "subscription"
	kindDeliveryStream    = "delivery-stream"
	kindUser              = "iam-user"
	kindGroup             = "iam-group"
	kindRole              = "iam-role"
	kindManagedPolicy     = "iam-policy"
	kindAccessKey         = "access-key"
	kindMFADevice         = "mfa-device"
	kindResourcePolicy    = "resource-policy"
	kindDataKey           = "data-key"
	kindDropped           = "dropped-list"
	kindDeactivation      = "deactivation-report"
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

// Account is an account of the installation. Its quotas and its monthly spend limits,
// in USD, are the configuration's where Limits, by the names that the operator's
// commands give them, has no other.
type Account struct {
	ID     string           `json:"id"`
	Tier   Tier             `json:"tier"`
	Limits map[string]int64 `json:"limits,omitempty"`
	// ConfiguredTier is the tier that the configuration asked for last: only when
	// that changes does it move the account again.
	ConfiguredTier Tier `json:"configured_tier,omitempty"`
	// Furnished: it has what accounts have from their beginning (Directory.Furnish).
	Furnished bool `json:"furnished,omitempty"`
}

// ResourcePolicy is what the owner of a resource lets others do with it. Its id is the
// resource part of the ARN, for instance "pool/pool-0123".
type ResourcePolicy struct {
	ARN    string `json:"arn"`
	Policy string `json:"policy"` // as it was given
	// Pinned is Policy with ids in the place of ARNs (iam.PinPrincipals); empty: as it is.
	Pinned string `json:"pinned,omitempty"`
}

// Deciding is the policy by which is decided who may do what.
func (p *ResourcePolicy) Deciding() string { return cmp.Or(p.Pinned, p.Policy) }

// DataKey is a key that data is encrypted with, itself encrypted with the key of the
// installation. Its id is its number, from 1, in decimal.
type DataKey struct {
	Wrapped []byte `json:"wrapped"`
	By      string `json:"by"`                // names the key that wraps it
	Retired bool   `json:"retired,omitempty"` // nothing new is encrypted with it
	Seals   int64  `json:"seals,omitempty"`   // that nodes have taken: it encrypts no more often
}

// DataKeysOf reads the data keys among resources of the installation, before there is a
// Directory.
func DataKeysOf(rows []store.Resource) ([]*Item[DataKey], error) {
	var keys []*Item[DataKey]
	for _, r := range rows {
		if r.Kind != kindDataKey {
			continue
		}
		if err := decodeInto(&keys, r); err != nil {
			return nil, err
		}
	}
	return keys, nil
}

// Dropped is a list of the store whose entries are to be deleted, or a log group.
type Dropped struct {
	List int64 `json:"list"`
	Log  bool  `json:"log,omitempty"`
}

// DeactivationReport is a day's list of numbers of a country that mobile networks took
// out of service (guide chapter 4). Its entries are in the list "deactivation", country,
// day.
type DeactivationReport struct {
	Country string    `json:"country"` // ISO 3166-1 alpha-2
	Day     string    `json:"day"`     // 2006-01-02, UTC
	Numbers int64     `json:"numbers"`
	Bytes   int64     `json:"bytes"` // of its text, a line a number
	Changed time.Time `json:"changed"`
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
	Keywords          *Table[sms.Keywords] // by the id of a phone number or pool
	VerifiedNumbers   *Table[sms.VerifiedNumber]
	Protect           *Table[sms.ProtectConfiguration]
	SettingsTable     *Table[sms.Settings]

	// Of the embedded services.
	LogGroups       *Table[sms.LogGroup]
	Topics          *Table[sms.Topic]
	Subscriptions   *Table[sms.Subscription]
	DeliveryStreams *Table[sms.DeliveryStream]

	// Who may do what; see package iam. By name, whatever its case (IAMKey), but for
	// access keys, which are by their ids.
	Users            *Table[iam.User]
	Groups           *Table[iam.Group]
	Roles            *Table[iam.Role]
	Policies         *Table[iam.ManagedPolicy]
	AccessKeys       *Table[iam.AccessKey]
	MFADevices       *Table[iam.MFA] // that no user has enabled, by their serial numbers
	ResourcePolicies *Table[ResourcePolicy]

	verified    map[string]*Item[sms.VerifiedNumber] // by number
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

// Verified is the account's verified destination number with this E.164 number, whatever
// its status.
func (s *Snapshot) Verified(number string) *Item[sms.VerifiedNumber] { return s.verified[number] }

// Settings are the account's.
func (s *Snapshot) Settings() sms.Settings {
	if item := s.SettingsTable.Get(sms.SettingsID); item != nil {
		return item.Value
	}
	return sms.Settings{}
}

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
	s.verified = make(map[string]*Item[sms.VerifiedNumber], s.VerifiedNumbers.Len())
	for _, item := range s.VerifiedNumbers.All() {
		s.verified[item.Value.Number] = item
	}
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
	Dropped   *Table[Dropped]               // by list, in decimal
	Reports   *Table[DeactivationReport]    // by COUNTRY/DAY
	DataKeys  *Table[DataKey]

	revision int64
}
