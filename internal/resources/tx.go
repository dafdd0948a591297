package resources

import (
	"errors"
	"slices"
	"time"

	"heliograph/internal/iam"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

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
	Keywords          *Edit[sms.Keywords]
	VerifiedNumbers   *Edit[sms.VerifiedNumber]
	Protect           *Edit[sms.ProtectConfiguration]
	Settings          *Edit[sms.Settings]
	LogGroups         *Edit[sms.LogGroup]
	Topics            *Edit[sms.Topic]
	Subscriptions     *Edit[sms.Subscription]
	DeliveryStreams   *Edit[sms.DeliveryStream]
	Users             *Edit[iam.User]
	Groups            *Edit[iam.Group]
	Roles             *Edit[iam.Role]
	Policies          *Edit[iam.ManagedPolicy]
	AccessKeys        *Edit[iam.AccessKey]
	MFADevices        *Edit[iam.MFA]
	ResourcePolicies  *Edit[ResourcePolicy]

	Accounts           *Edit[Account]
	InventoryNumbers   *Edit[sms.InventoryNumber]
	InventorySenderIDs *Edit[sms.InventorySenderID]
	Dropped            *Edit[Dropped]
	Reports            *Edit[DeactivationReport]
	DataKeys           *Edit[DataKey]

	// Entries are written with the change, with which they stand or fall.
	Entries []store.EntryWrite
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
		Keywords:           edit(id, kindKeywords, now, s.Keywords),
		VerifiedNumbers:    edit(id, kindVerifiedNumber, now, s.VerifiedNumbers),
		Protect:            edit(id, kindProtect, now, s.Protect),
		Settings:           edit(id, kindSettings, now, s.SettingsTable),
		LogGroups:          edit(id, kindLogGroup, now, s.LogGroups),
		Topics:             edit(id, kindTopic, now, s.Topics),
		Subscriptions:      edit(id, kindSubscription, now, s.Subscriptions),
		DeliveryStreams:    edit(id, kindDeliveryStream, now, s.DeliveryStreams),
		Users:              edit(id, kindUser, now, s.Users),
		Groups:             edit(id, kindGroup, now, s.Groups),
		Roles:              edit(id, kindRole, now, s.Roles),
		Policies:           edit(id, kindManagedPolicy, now, s.Policies),
		AccessKeys:         edit(id, kindAccessKey, now, s.AccessKeys),
		MFADevices:         edit(id, kindMFADevice, now, s.MFADevices),
		ResourcePolicies:   edit(id, kindResourcePolicy, now, s.ResourcePolicies),
		Accounts:           edit("", kindAccount, now, inv.Accounts),
		InventoryNumbers:   edit("", kindInventoryNumber, now, inv.Numbers),
		InventorySenderIDs: edit("", kindInventorySenderID, now, inv.SenderIDs),
		Dropped:            edit("", kindDropped, now, inv.Dropped),
		Reports:            edit("", kindDeactivation, now, inv.Reports),
		DataKeys:           edit("", kindDataKey, now, inv.DataKeys),
	}
}

// editing is an Edit of any kind.
type editing interface {
	writes() ([]store.ResourceWrite, error)
	touched() bool
}

// ofAccount are the edits of what belongs to an account.
func (tx *Tx) ofAccount() []editing {
	return []editing{tx.PhoneNumbers, tx.SenderIDs, tx.Pools, tx.ConfigurationSets, tx.OptOutLists, tx.ClientTokens, tx.Keywords,
		tx.VerifiedNumbers, tx.Protect, tx.Settings, tx.LogGroups, tx.Topics, tx.Subscriptions, tx.DeliveryStreams,
		tx.Users, tx.Groups, tx.Roles, tx.Policies, tx.AccessKeys, tx.MFADevices, tx.ResourcePolicies}
}

// ofInstallation are the edits of what belongs to none.
func (tx *Tx) ofInstallation() []editing {
	return []editing{tx.Accounts, tx.InventoryNumbers, tx.InventorySenderIDs, tx.Dropped, tx.Reports, tx.DataKeys}
}

func (tx *Tx) writes() ([]store.ResourceWrite, error) {
	if tx.Snapshot.Account.ID == installation && slices.ContainsFunc(tx.ofAccount(), editing.touched) {
		return nil, errors.New("a change of the inventory changes resources of an account")
	}
	var out []store.ResourceWrite
	for _, e := range slices.Concat(tx.ofAccount(), tx.ofInstallation()) {
		w, err := e.writes()
		if err != nil {
			return nil, err
		}
		out = append(out, w...)
	}
	return out, nil
}

// after is the state once tx is committed.
func (tx *Tx) after() (*Snapshot, *Inventory) {
	s := *tx.Snapshot
	s.PhoneNumbers, s.SenderIDs, s.Pools = tx.PhoneNumbers.table(), tx.SenderIDs.table(), tx.Pools.table()
	s.ConfigurationSets, s.OptOutLists = tx.ConfigurationSets.table(), tx.OptOutLists.table()
	s.ClientTokens, s.Keywords, s.VerifiedNumbers = tx.ClientTokens.table(), tx.Keywords.table(), tx.VerifiedNumbers.table()
	s.Protect, s.SettingsTable = tx.Protect.table(), tx.Settings.table()
	s.LogGroups, s.Topics = tx.LogGroups.table(), tx.Topics.table()
	s.Subscriptions, s.DeliveryStreams = tx.Subscriptions.table(), tx.DeliveryStreams.table()
	s.Users, s.Groups, s.Roles, s.Policies = tx.Users.table(), tx.Groups.table(), tx.Roles.table(), tx.Policies.table()
	s.AccessKeys, s.MFADevices, s.ResourcePolicies = tx.AccessKeys.table(), tx.MFADevices.table(), tx.ResourcePolicies.table()
	inv := &Inventory{Accounts: tx.Accounts.table(), Numbers: tx.InventoryNumbers.table(), SenderIDs: tx.InventorySenderIDs.table(),
		Dropped: tx.Dropped.table(), Reports: tx.Reports.table(), DataKeys: tx.DataKeys.table()}
	if a := inv.Accounts.Get(s.Account.ID); a != nil {
		s.Account = a.Value
	}
	s.index()
	return &s, inv
}
