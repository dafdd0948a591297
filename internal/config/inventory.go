package config

import (
	"heliograph/internal/numbering"
	"heliograph/internal/sms"
)

const (
	everyCountry   = "*"
	sharedSenderID = numbering.SharedSenderID
	// sharedNumber stands for the random code that a shared route shows where
	// there are no sender IDs; it is of a range that nobody has.
	sharedNumber = "+12025550100"
)

// Number is a phone number that RequestPhoneNumber can lease out.
type Number struct {
	Number         string           `yaml:"number"`  // E.164 with +; a short code without
	Country        string           `yaml:"country"` // ISO 3166-1 alpha-2
	Type           sms.NumberType   `yaml:"type"`
	Capabilities   []sms.Capability `yaml:"capabilities"`     // SMS where not given
	Carrier        string           `yaml:"carrier"`          // default_carrier where not given
	PartsPerSecond float64          `yaml:"parts_per_second"` // 0 is the guide's figure
	TwoWay         bool             `yaml:"two_way"`
}

// Inventory is the number as the inventory keeps it.
func (n Number) Inventory() sms.InventoryNumber {
	return sms.InventoryNumber{Number: n.Number, Country: n.Country, Type: n.Type, Capabilities: n.Capabilities,
		Carrier: n.Carrier, PartsPerSecond: n.PartsPerSecond, TwoWay: n.TwoWay}
}

// SenderID is a sender ID that is registered at a carrier for a country.
type SenderID struct {
	SenderID       string  `yaml:"sender_id"`
	Country        string  `yaml:"country"`
	Carrier        string  `yaml:"carrier"`          // default_carrier where not given
	PartsPerSecond float64 `yaml:"parts_per_second"` // 0 is the guide's figure
}

// Inventory is the sender ID as the inventory keeps it.
func (s SenderID) Inventory() sms.InventorySenderID {
	return sms.InventorySenderID{SenderID: s.SenderID, Country: s.Country, Carrier: s.Carrier, PartsPerSecond: s.PartsPerSecond}
}

// SharedRoute serves recipients of countries for accounts that have no identity
// of their own there.
type SharedRoute struct {
	Countries      []string `yaml:"countries"` // ISO 3166-1 alpha-2, or * for every country
	Carrier        string   `yaml:"carrier"`   // default_carrier where not given
	SenderID       string   `yaml:"sender_id"`
	Number         string   `yaml:"number"` // where sender IDs are not supported
	PartsPerSecond float64  `yaml:"parts_per_second"`
}

// Inventory lists what the configuration puts into the inventory.
func (c Config) Inventory() ([]sms.InventoryNumber, []sms.InventorySenderID) {
	numbers := make([]sms.InventoryNumber, len(c.Numbers))
	for i, n := range c.Numbers {
		numbers[i] = n.Inventory()
	}
	senders := make([]sms.InventorySenderID, len(c.SenderIDs))
	for i, s := range c.SenderIDs {
		senders[i] = s.Inventory()
	}
	return numbers, senders
}

// Routes lists the shared routes as sending takes them.
func (c Config) Routes() []sms.SharedRoute {
	routes := make([]sms.SharedRoute, len(c.SharedRoutes))
	for i, r := range c.SharedRoutes {
		routes[i] = sms.SharedRoute{Countries: r.Countries, Carrier: r.Carrier, SenderID: r.SenderID, Number: r.Number, PartsPerSecond: r.PartsPerSecond}
	}
	return routes
}
