package resources

import (
	"fmt"

	"heliograph/internal/iam"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// tables are the resources of an account, or of the installation, as they are read.
type tables struct {
	numbers  []*Item[sms.PhoneNumber]
	senders  []*Item[sms.SenderID]
	pools    []*Item[sms.Pool]
	sets     []*Item[sms.ConfigurationSet]
	lists    []*Item[sms.OptOutList]
	tokens   []*Item[ClientToken]
	keywords []*Item[sms.Keywords]
	verified []*Item[sms.VerifiedNumber]
	protect  []*Item[sms.ProtectConfiguration]
	settings []*Item[sms.Settings]
	groups   []*Item[sms.LogGroup]
	topics   []*Item[sms.Topic]
	subs     []*Item[sms.Subscription]
	streams  []*Item[sms.DeliveryStream]
	users    []*Item[iam.User]
	userSets []*Item[iam.Group]
	roles    []*Item[iam.Role]
	policies []*Item[iam.ManagedPolicy]
	keys     []*Item[iam.AccessKey]
	devices  []*Item[iam.MFA]
	shares   []*Item[ResourcePolicy]
	dataKeys []*Item[DataKey]
	dropped  []*Item[Dropped]
	reports  []*Item[DeactivationReport]
	accounts []*Item[Account]
	stock    []*Item[sms.InventoryNumber]
	stockIDs []*Item[sms.InventorySenderID]
	revision int64 // see revisions
}

func (t *tables) add(r store.Resource) error {
	switch r.Kind {
	case kindPhoneNumber:
		return decodeInto(&t.numbers, r)
	case kindSenderID:
		return decodeInto(&t.senders, r)
	case kindPool:
		return decodeInto(&t.pools, r)
	case kindConfigurationSet:
		return decodeInto(&t.sets, r)
	case kindOptOutList:
		return decodeInto(&t.lists, r)
	case kindClientToken:
		return decodeInto(&t.tokens, r)
	case kindKeywords:
		return decodeInto(&t.keywords, r)
	case kindVerifiedNumber:
		return decodeInto(&t.verified, r)
	case kindProtect:
		return decodeInto(&t.protect, r)
	case kindSettings:
		return decodeInto(&t.settings, r)
	case kindLogGroup:
		return decodeInto(&t.groups, r)
	case kindTopic:
		return decodeInto(&t.topics, r)
	case kindSubscription:
		return decodeInto(&t.subs, r)
	case kindDeliveryStream:
		return decodeInto(&t.streams, r)
	case kindUser:
		return decodeInto(&t.users, r)
	case kindGroup:
		return decodeInto(&t.userSets, r)
	case kindRole:
		return decodeInto(&t.roles, r)
	case kindManagedPolicy:
		return decodeInto(&t.policies, r)
	case kindAccessKey:
		return decodeInto(&t.keys, r)
	case kindMFADevice:
		return decodeInto(&t.devices, r)
	case kindResourcePolicy:
		return decodeInto(&t.shares, r)
	case kindDataKey:
		return decodeInto(&t.dataKeys, r)
	case kindDropped:
		return decodeInto(&t.dropped, r)
	case kindDeactivation:
		return decodeInto(&t.reports, r)
	case kindAccount:
		return decodeInto(&t.accounts, r)
	case kindInventoryNumber:
		return decodeInto(&t.stock, r)
	case kindInventorySenderID:
		return decodeInto(&t.stockIDs, r)
	case kindRevision:
		t.revision = r.Version
		return nil
	}
	return fmt.Errorf("the store holds a resource of kind %q, which this version does not know", r.Kind)
}
