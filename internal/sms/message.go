package sms

import "time"

// Status is the state of a message, as events and the guide name it.
type Status string

const (
	StatusQueued             Status = "QUEUED"
	StatusPending            Status = "PENDING"
	StatusSuccessful         Status = "SUCCESSFUL"
	StatusDelivered          Status = "DELIVERED"
	StatusInvalid            Status = "INVALID"
	StatusUnreachable        Status = "UNREACHABLE"
	StatusUnknown            Status = "UNKNOWN"
	StatusBlocked            Status = "BLOCKED"
	StatusCarrierUnreachable Status = "CARRIER_UNREACHABLE"
	StatusSpam               Status = "SPAM"
	StatusInvalidMessage     Status = "INVALID_MESSAGE"
	StatusCarrierBlocked     Status = "CARRIER_BLOCKED"
	StatusTTLExpired         Status = "TTL_EXPIRED"
	StatusProtectBlocked     Status = "PROTECT_BLOCKED" // filtered by a protect configuration; nothing was sent
)

// Failed reports whether s is one of the failures.
func (s Status) Failed() bool {
	switch s {
	case StatusQueued, StatusPending, StatusSuccessful, StatusDelivered:
		return false
	}
	return true
}

// EventType is the event that announces s for a text message.
func (s Status) EventType() string { return "TEXT_" + string(s) }

// ReceiptWait is how long a final receipt is waited for before a message ends
// as UNKNOWN (guide, "Example event data").
const ReceiptWait = 72 * time.Hour

// IdentityKind is the kind of an origination identity.
type IdentityKind string

const (
	IdentityPhoneNumber IdentityKind = "PHONE_NUMBER"
	IdentitySenderID    IdentityKind = "SENDER_ID"
	IdentitySharedRoute IdentityKind = "SHARED_ROUTE"
)

// Route is the way a message leaves: the identity it is sent from, the lane
// that holds it, the carrier that takes it, and why these were chosen.
type Route struct {
	Identity       string       `json:"identity"` // what the recipient sees: number, short code or sender ID
	Kind           IdentityKind `json:"kind"`
	NumberType     NumberType   `json:"number_type,omitempty"`
	IdentityID     string       `json:"identity_id,omitempty"` // phone number id, sender id key; empty for shared routes
	PoolID         string       `json:"pool_id,omitempty"`     // whose other members may take the identity's place; empty where the request names the identity itself
	Carrier        string       `json:"carrier"`
	Lane           string       `json:"lane"`
	PartsPerSecond float64      `json:"parts_per_second"` // the lane's throughput
	Why            string       `json:"why"`
}

// PriceKind is what a route's price depends on besides the country: the type of a
// phone number, SENDER_ID or SHARED_ROUTE.
func (r *Route) PriceKind() string {
	if r.Kind == IdentityPhoneNumber {
		return string(r.NumberType)
	}
	return string(r.Kind)
}

// Message is an accepted text message. It never changes once written; what
// happens to it is in its open row and its events.
type Message struct {
	ID                ID                `json:"-"`
	Account           string            `json:"account"`
	Owner             string            `json:"owner,omitempty"` // of the origination identity, where another account shares it; empty: Account
	AcceptedAt        time.Time         `json:"accepted_at"`
	ExpiresAt         time.Time         `json:"expires_at"`  // end of its time to live
	Destination       string            `json:"destination"` // E.164 with +
	Country           string            `json:"country"`     // of the destination
	Route             Route             `json:"route"`       // as chosen at acceptance
	Type              MessageType       `json:"type"`
	Body              string            `json:"body"`
	Encoding          string            `json:"encoding"` // GSM or Unicode
	Parts             int               `json:"parts"`
	Reference         uint16            `json:"reference,omitempty"`   // of concatenated parts
	Reference16       bool              `json:"reference16,omitempty"` // split for 16-bit references
	Keyword           string            `json:"keyword,omitempty"`
	CountryParameters map[string]string `json:"country_parameters,omitempty"`
	Context           map[string]string `json:"context,omitempty"`
	ConfigurationSet  string            `json:"configuration_set,omitempty"` // name; empty: no events
	Price             Money             `json:"price"`                       // of all parts, carrier fee not included
	CarrierFee        Money             `json:"carrier_fee"`                 // of all parts
	MaxPrice          string            `json:"max_price,omitempty"`
	FeedbackEnabled   bool              `json:"feedback_enabled,omitempty"`
	// What was dropped since, after the time that it is kept for: Body, with Context and
	// CountryParameters, and Destination.
	BodyRedacted   bool `json:"body_redacted,omitempty"`
	NumberRedacted bool `json:"number_redacted,omitempty"`
}

// Billed is the account that the message's identity is of, which pays for the message.
func (m *Message) Billed() string {
	if m.Owner != "" {
		return m.Owner
	}
	return m.Account
}
