package inventory

import (
	"cmp"
	"slices"

	"heliograph/internal/numbering"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// SimulatorCarrier is the name of the carrier that simulated numbers belong to.
const SimulatorCarrier = "sim"

// Wanted describes a phone number that is asked for.
type Wanted struct {
	Country      string // ISO 3166-1 alpha-2
	Type         sms.NumberType
	Capabilities []sms.Capability // all of which the number must have
}

// Find gives a number of the operator's inventory that is as wanted and that nobody
// has or had: of those with the fewest capabilities beyond the wanted ones, the one
// that was added first.
func Find(tx *resources.Tx, w Wanted) (sms.InventoryNumber, bool) {
	var found []sms.InventoryNumber
	for _, item := range tx.InventoryNumbers.All() {
		if n := item.Value; Free(n) && n.Country == w.Country && n.Type == w.Type && hasAll(n.Capabilities, w.Capabilities) {
			found = append(found, n)
		}
	}
	if len(found) == 0 {
		return sms.InventoryNumber{}, false
	}
	return slices.MinFunc(found, func(a, b sms.InventoryNumber) int {
		return cmp.Compare(len(a.Capabilities), len(b.Capabilities))
	}), true
}

// Free reports whether a number can be leased.
func Free(n sms.InventoryNumber) bool { return n.LeasedBy == "" && !n.Retired }

func hasAll(have, want []sms.Capability) bool {
	return !slices.ContainsFunc(want, func(c sms.Capability) bool { return !slices.Contains(have, c) })
}

// Terms are what a lease settles beside the number itself.
type Terms struct {
	ID           string // of the phone number: phone-<32 hexadecimal digits>
	Account      string
	MessageType  sms.MessageType
	Capabilities []sms.Capability // nil: all of the number's
}

// Lease gives a free number to an account, with the settings that a new phone
// number has. It is PENDING where its type has to be registered, else ACTIVE. The
// caller may change it and puts it into tx.PhoneNumbers.
func Lease(tx *resources.Tx, n sms.InventoryNumber, t Terms) sms.PhoneNumber {
	n.LeasedBy = t.Account
	tx.InventoryNumbers.Put(n.Number, n)
	capabilities := t.Capabilities
	if capabilities == nil {
		capabilities = n.Capabilities
	}
	rate := n.PartsPerSecond
	if rate <= 0 {
		rate = numbering.DefaultPartsPerSecond(sms.IdentityPhoneNumber, n.Type, n.Country)
	}
	status := sms.NumberActive
	if numbering.NeedsRegistration(n.Type) {
		status = sms.NumberPending
	}
	return sms.PhoneNumber{
		ID: t.ID, Number: n.Number, Country: n.Country, Type: n.Type, Capabilities: capabilities,
		MessageType: t.MessageType, Status: status, MonthlyLeasingPrice: MonthlyPrice(n.Type),
		OptOutList: sms.DefaultOptOutList, Carrier: n.Carrier, PartsPerSecond: rate, TwoWayOffered: n.TwoWay,
	}
}

// Retire takes a number that was released out of the inventory for ever: it is kept
// there so that it is never leased again (guide chapter 7, "Releasing a phone
// number").
func Retire(tx *resources.Tx, number string) {
	if item := tx.InventoryNumbers.Get(number); item != nil {
		n := item.Value
		n.Retired, n.LeasedBy = true, ""
		tx.InventoryNumbers.Put(number, n)
	}
}

// MonthlyPrice is what a number of a type costs a month in USD. The guide has only
// an example, a long code at 1.00; the others are of the order that carriers ask.
func MonthlyPrice(t sms.NumberType) string {
	switch t {
	case sms.ShortCode:
		return "995.00"
	case sms.TollFree:
		return "2.00"
	}
	return "1.00"
}
