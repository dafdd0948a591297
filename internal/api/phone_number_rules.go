package api

import (
	"slices"
	"strings"

	"heliograph/internal/api/wire"
	"heliograph/internal/inventory"
	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// requestedNumber reads what number is asked for, as far as no inventory is needed
// to say that there is none.
//
// Errors: Validation INVALID_PARAMETER for a country without numbers of the type
// and for simulator numbers that are to be PROMOTIONAL;
// INTERNATIONAL_SENDING_NOT_SUPPORTED.
func requestedNumber(in *wire.RequestPhoneNumberRequest) (inventory.Wanted, error) {
	w := inventory.Wanted{Country: in.IsoCountryCode, Type: sms.NumberType(in.NumberType)}
	for _, c := range in.NumberCapabilities {
		if c := sms.Capability(c); !slices.Contains(w.Capabilities, c) {
			w.Capabilities = append(w.Capabilities, c)
		}
	}
	country, ok := numbering.Lookup(w.Country)
	if !ok {
		return w, sms.Invalid(sms.ReasonInvalidParameter, "IsoCountryCode", "IsoCountryCode %s is not a country that is served.", w.Country)
	}
	if w.Type == sms.Simulator && !country.Offers(sms.Simulator) {
		return w, sms.Invalid(sms.ReasonInvalidParameter, "IsoCountryCode", "There are no simulator numbers of %s, only of US.", w.Country)
	}
	if w.Type == sms.Simulator && in.MessageType != wire.MessageTypeTransactional {
		return w, sms.Invalid(sms.ReasonInvalidParameter, "MessageType", "MessageType of a SIMULATOR number has to be TRANSACTIONAL.")
	}
	if value(in.InternationalSendingEnabled) {
		return w, internationalSending(w.Type)
	}
	return w, nil
}

// internationalSending refuses to let a number reach other countries whose type
// only reaches its own (guide chapters 3, 7 and 9).
func internationalSending(t sms.NumberType) error {
	switch t {
	case sms.Simulator, sms.TenDLC, sms.ShortCode:
		return sms.Invalid(sms.ReasonInternationalSendingNotSupported, "InternationalSendingEnabled",
			"Numbers of type %s send only inside their own country.", t)
	}
	return nil
}

// stock takes a number as wanted from the inventory. Simulator numbers are always
// simulated; others are where the operator has none and wants it so.
func (a *API) stock(tx *resources.Tx, w inventory.Wanted) (sms.InventoryNumber, error) {
	if w.Type != sms.Simulator {
		if n, ok := inventory.Find(tx, w); ok {
			return n, nil
		}
	}
	if a.simulated || w.Type == sms.Simulator {
		if n, ok, err := inventory.Simulate(tx, w, a.rand); err != nil || ok {
			return n, err
		}
	}
	if offered := offeredTypes(w.Country); !slices.Contains(offered, string(w.Type)) {
		return sms.InventoryNumber{}, sms.Invalid(sms.ReasonInvalidParameter, "NumberType",
			"%s has no phone numbers of type %s that can be requested. It has: %s.", w.Country, w.Type, listed(offered))
	}
	return sms.InventoryNumber{}, &sms.Error{Kind: sms.KindNotFound, ResourceType: sms.TypePhoneNumber,
		Message: "No phone number of the country, type and capabilities requested is available at the moment."}
}

// offeredTypes are the types of number of a country that can be requested.
func offeredTypes(country string) []string {
	c, _ := numbering.Lookup(country)
	var types []string
	for _, t := range c.NumberTypes() {
		if t != sms.ShortCode {
			types = append(types, string(t))
		}
	}
	return types
}

func listed(values []string) string {
	if len(values) == 0 {
		return "none"
	}
	return strings.Join(values, ", ")
}

// withPoolSettings gives a new number what its pool's members share. Two-way stays
// off where the number cannot take messages, which joinPool then refuses.
func withPoolSettings(n sms.PhoneNumber, pool sms.Pool) sms.PhoneNumber {
	n.OptOutList = pool.OptOutList
	if !pool.TwoWay.Enabled || checkTakesMessages(n) == nil {
		n.TwoWay, n.SelfManagedOptOuts = pool.TwoWay, pool.SelfManagedOptOuts
	}
	return n
}

// updatedNumber gives a number's settings as the request wants them.
//
// Errors: Validation TWO_WAY_NOT_SUPPORTED_IN_COUNTRY,
// INTERNATIONAL_SENDING_NOT_SUPPORTED and those of twoWayChange; ResourceNotFound
// for the opt-out list.
func updatedNumber(c *Call, tx *resources.Tx, n sms.PhoneNumber, in *wire.UpdatePhoneNumberRequest) (sms.PhoneNumber, error) {
	change := twoWayChange{enabled: in.TwoWayEnabled, channelARN: in.TwoWayChannelArn, channelRole: in.TwoWayChannelRole,
		selfManagedOptOuts: in.SelfManagedOptOutsEnabled}
	if err := c.ownersTwoWay(change, in.DeletionProtectionEnabled); err != nil {
		return n, err
	}
	turnsOn := in.TwoWayChannelArn != nil
	if in.TwoWayEnabled != nil {
		turnsOn = *in.TwoWayEnabled
	}
	if turnsOn && !n.TwoWay.Enabled {
		if err := checkTakesMessages(n); err != nil {
			return n, err
		}
	}
	var err error
	if n.TwoWay, n.SelfManagedOptOuts, err = change.apply(n.TwoWay, n.SelfManagedOptOuts); err != nil {
		return n, err
	}
	if in.OptOutListName != nil {
		list, err := find(c, tx.OptOutLists, sms.TypeOptOutList, *in.OptOutListName, "OptOutListName")
		if err != nil {
			return n, err
		}
		n.OptOutList = list.ID
	}
	if value(in.InternationalSendingEnabled) {
		if err := internationalSending(n.Type); err != nil {
			return n, err
		}
	}
	if in.InternationalSendingEnabled != nil {
		n.InternationalSending = *in.InternationalSendingEnabled
	}
	if in.DeletionProtectionEnabled != nil {
		n.DeletionProtection = *in.DeletionProtectionEnabled
	}
	return n, nil
}

// releasable refuses the release of a number.
//
// Errors: Conflict DELETION_PROTECTION_ENABLED, PHONE_NUMBER_ASSOCIATED_TO_POOL;
// Validation PHONE_NUMBER_CANNOT_BE_RELEASED for a 10DLC number that is not ACTIVE
// (guide chapter 7, "Releasing a phone number").
func releasable(n sms.PhoneNumber) error {
	if n.DeletionProtection {
		return sms.Conflict(sms.ReasonDeletionProtectionEnabled, sms.TypePhoneNumber, n.ID, "Phone number %s is protected from deletion.", n.ID)
	}
	if err := outsidePools(n); err != nil {
		return err
	}
	if n.Type == sms.TenDLC && n.Status != sms.NumberActive {
		return sms.Invalid(sms.ReasonPhoneNumberCannotBeReleased, "PhoneNumberId",
			"Phone number %s is %s; a 10DLC number can be released once it is %s.", n.ID, n.Status, sms.NumberActive)
	}
	return nil
}

func outsidePools(n sms.PhoneNumber) error {
	if n.PoolID == "" {
		return nil
	}
	return sms.Conflict(sms.ReasonPhoneNumberAssociatedToPool, sms.TypePhoneNumber, n.ID, "Phone number %s is associated with pool %s.", n.ID, n.PoolID)
}
