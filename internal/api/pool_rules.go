package api

import (
	"slices"

	"heliograph/internal/keyword"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// identity is a phone number or a sender ID, as a change sees it. Exactly one of
// the two is set.
type identity struct {
	number *resources.Item[sms.PhoneNumber]
	sender *resources.Item[sms.SenderID]
}

func (i identity) resourceType() sms.ResourceType {
	if i.number != nil {
		return sms.TypePhoneNumber
	}
	return sms.TypeSenderID
}

// id is the key of the identity among those of its type: SENDERID/COUNTRY for a
// sender ID.
func (i identity) id() string {
	if i.number != nil {
		return i.number.ID
	}
	return i.sender.ID
}

// name is what the API calls the identity: PhoneNumberId or SenderId.
func (i identity) name() string {
	if i.number != nil {
		return i.number.ID
	}
	return i.sender.Value.SenderID
}

func (i identity) country() string {
	if i.number != nil {
		return i.number.Value.Country
	}
	return i.sender.Value.Country
}

func (i identity) inPool(pool string) bool {
	if i.number != nil {
		return i.number.Value.PoolID == pool
	}
	return slices.Contains(i.sender.Value.PoolIDs, pool)
}

// foundPool makes the settings of a pool from its first member (guide chapter 6,
// "Managing phone pools"). A sender ID takes no messages, so its pool starts with
// two-way off and the Default opt-out list. Deletion protection is not inherited.
//
// Errors: Conflict MESSAGE_TYPE_MISMATCH.
func foundPool(id string, first identity, messageType sms.MessageType) (sms.Pool, error) {
	pool := sms.Pool{ID: id, Status: sms.PoolActive, MessageType: messageType, OptOutList: sms.DefaultOptOutList}
	if err := matchesMessageType(first, pool); err != nil {
		return sms.Pool{}, err
	}
	if first.number != nil {
		n := first.number.Value
		pool.TwoWay, pool.SelfManagedOptOuts, pool.OptOutList = n.TwoWay, n.SelfManagedOptOuts, n.OptOutList
	}
	return pool, nil
}

// joinPool makes a phone number or sender ID a member of a pool that is in tx.
// most is how many members a pool may have.
//
// Errors: Conflict RESOURCE_NOT_ACTIVE, RESOURCE_ALREADY_ASSOCIATED,
// PHONE_NUMBER_ASSOCIATED_TO_POOL and the mismatches of settings;
// ServiceQuotaExceeded ORIGINATION_IDENTITIES_PER_POOL.
func joinPool(tx *resources.Tx, pool sms.Pool, member identity, most int) error {
	if pool.Status != sms.PoolActive {
		return sms.Conflict(sms.ReasonResourceNotActive, sms.TypePool, pool.ID, "Pool %s is %s; it has to be %s.", pool.ID, pool.Status, sms.PoolActive)
	}
	if member.inPool(pool.ID) {
		return sms.Conflict(sms.ReasonResourceAlreadyAssociated, member.resourceType(), member.id(),
			"%s is associated with pool %s already.", member.name(), pool.ID)
	}
	if err := freeToJoin(member); err != nil {
		return err
	}
	if err := matchesPool(tx, member, pool); err != nil {
		return err
	}
	if have := len(poolMembers(tx, pool.ID)); have >= most {
		return sms.QuotaExceeded(sms.ReasonOriginationIdentitiesPerPool,
			"Pool %s has %d origination identities; at most %d are allowed.", pool.ID, have, most)
	}
	if member.number != nil {
		n := member.number.Value
		n.PoolID = pool.ID
		tx.PhoneNumbers.Put(n.ID, n)
		putKeywords(tx, n.ID, nil) // from here on it has the pool's, which are the same
		return nil
	}
	s := member.sender.Value
	s.PoolIDs = append(slices.Clone(s.PoolIDs), pool.ID)
	tx.SenderIDs.Put(s.Key(), s)
	return nil
}

// freeToJoin: a phone number belongs to one pool at most, and one that waits for
// its activation may sit in it already. A sender ID may be in several.
func freeToJoin(member identity) error {
	if member.number == nil {
		return nil
	}
	n := member.number.Value
	switch {
	case n.PoolID != "":
		return sms.Conflict(sms.ReasonPhoneNumberAssociatedToPool, sms.TypePhoneNumber, n.ID,
			"Phone number %s is associated with pool %s.", n.ID, n.PoolID)
	case n.Status != sms.NumberActive && n.Status != sms.NumberPending:
		return sms.Conflict(sms.ReasonResourceNotActive, sms.TypePhoneNumber, n.ID, "Phone number %s is %s.", n.ID, n.Status)
	}
	return nil
}

// matchesPool holds the settings of a member to be against the pool's.
func matchesPool(tx *resources.Tx, member identity, pool sms.Pool) error {
	if err := matchesMessageType(member, pool); err != nil || member.number == nil {
		return err
	}
	n := member.number.Value
	mismatch := func(reason sms.Reason, setting string) error {
		return sms.Conflict(reason, sms.TypePhoneNumber, n.ID, "The %s of phone number %s differs from that of pool %s.", setting, n.ID, pool.ID)
	}
	switch {
	case n.TwoWay != pool.TwoWay:
		return mismatch(sms.ReasonTwoWayConfigMismatch, "two-way configuration")
	case n.SelfManagedOptOuts != pool.SelfManagedOptOuts:
		return mismatch(sms.ReasonSelfManagedOptOutsMismatch, "self-managed opt-out setting")
	case n.OptOutList != pool.OptOutList:
		return mismatch(sms.ReasonOptOutListMismatch, "opt-out list")
	}
	own := ownKeywords(tx.Keywords, pool.ID)
	if !keyword.Same(own, ownKeywords(tx.Keywords, n.ID)) || !keyword.Fits(own, n.Type) {
		return mismatch(sms.ReasonKeywordMismatch, "set of keywords")
	}
	return nil
}

func matchesMessageType(member identity, pool sms.Pool) error {
	if member.number != nil && member.number.Value.MessageType == pool.MessageType ||
		member.sender != nil && slices.Contains(member.sender.Value.MessageTypes, pool.MessageType) {
		return nil
	}
	return sms.Conflict(sms.ReasonMessageTypeMismatch, member.resourceType(), member.id(),
		"%s does not send %s messages, as pool %s does.", member.name(), pool.MessageType, pool.ID)
}

// leavePool takes a member out of a pool. A pool keeps its last one: it is
// deleted instead.
//
// Errors: Conflict PHONE_NUMBER_NOT_ASSOCIATED_TO_POOL, LAST_PHONE_NUMBER (the
// model has no others for sender IDs).
func leavePool(tx *resources.Tx, pool string, member identity) error {
	if !member.inPool(pool) {
		return sms.Conflict(sms.ReasonPhoneNumberNotAssociatedToPool, member.resourceType(), member.id(),
			"%s is not associated with pool %s.", member.name(), pool)
	}
	if len(poolMembers(tx, pool)) == 1 {
		return sms.Conflict(sms.ReasonLastPhoneNumber, sms.TypePool, pool,
			"%s is the last origination identity of pool %s; delete the pool instead.", member.name(), pool)
	}
	putOut(tx, pool, member)
	return nil
}

func putOut(tx *resources.Tx, pool string, member identity) {
	if member.number != nil {
		n := member.number.Value
		n.PoolID = ""
		tx.PhoneNumbers.Put(n.ID, n)
		putKeywords(tx, n.ID, ownKeywords(tx.Keywords, pool))
		return
	}
	s := member.sender.Value
	s.PoolIDs = slices.DeleteFunc(slices.Clone(s.PoolIDs), func(id string) bool { return id == pool })
	tx.SenderIDs.Put(s.Key(), s)
}

// deletePool removes a pool and lets go of its members, which keep the settings
// they had in it.
//
// Errors: Conflict RESOURCE_NOT_ACTIVE, DELETION_PROTECTION_ENABLED.
func deletePool(tx *resources.Tx, pool sms.Pool) error {
	switch {
	case pool.Status != sms.PoolActive:
		return sms.Conflict(sms.ReasonResourceNotActive, sms.TypePool, pool.ID, "Pool %s is %s; it has to be %s.", pool.ID, pool.Status, sms.PoolActive)
	case pool.DeletionProtection:
		return sms.Conflict(sms.ReasonDeletionProtectionEnabled, sms.TypePool, pool.ID, "Pool %s is protected from deletion.", pool.ID)
	}
	for _, member := range poolMembers(tx, pool.ID) {
		putOut(tx, pool.ID, member)
	}
	tx.Pools.Delete(pool.ID)
	putKeywords(tx, pool.ID, nil)
	return nil
}

// putPool stores a pool's new settings and gives those that members share with
// it to its phone numbers. Turning two-way on needs every one of them to take
// messages.
//
// Errors: Validation TWO_WAY_NOT_SUPPORTED_IN_COUNTRY.
func putPool(tx *resources.Tx, pool sms.Pool) error {
	turnedOn := pool.TwoWay.Enabled && !tx.Pools.Get(pool.ID).Value.TwoWay.Enabled
	for _, member := range poolMembers(tx, pool.ID) {
		if member.number == nil {
			continue
		}
		n := member.number.Value
		if turnedOn {
			if err := checkTakesMessages(n); err != nil {
				return err
			}
		}
		n.TwoWay, n.SelfManagedOptOuts, n.OptOutList = pool.TwoWay, pool.SelfManagedOptOuts, pool.OptOutList
		if n.TwoWay != member.number.Value.TwoWay || n.SelfManagedOptOuts != member.number.Value.SelfManagedOptOuts ||
			n.OptOutList != member.number.Value.OptOutList {
			tx.PhoneNumbers.Put(n.ID, n)
		}
	}
	tx.Pools.Put(pool.ID, pool)
	return nil
}

// poolMembers are the members of a pool as they will be: phone numbers, then
// sender IDs, each oldest first.
func poolMembers(tx *resources.Tx, pool string) []identity {
	var members []identity
	for _, n := range tx.PhoneNumbers.All() {
		if n.Value.PoolID == pool {
			members = append(members, identity{number: n})
		}
	}
	for _, s := range tx.SenderIDs.All() {
		if slices.Contains(s.Value.PoolIDs, pool) {
			members = append(members, identity{sender: s})
		}
	}
	return members
}

// poolNumbers are the phone numbers among a pool's members as they will be.
func poolNumbers(tx *resources.Tx, pool string) []*sms.PhoneNumber {
	var numbers []*sms.PhoneNumber
	for _, member := range poolMembers(tx, pool) {
		if member.number != nil {
			numbers = append(numbers, &member.number.Value)
		}
	}
	return numbers
}
