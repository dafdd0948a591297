package sms

import "time"

// MessageType is the purpose of a message: TRANSACTIONAL or PROMOTIONAL.
type MessageType string

const (
	Transactional MessageType = "TRANSACTIONAL"
	Promotional   MessageType = "PROMOTIONAL"
)

// NumberType is the kind of a phone number (guide, "Phone numbers").
type NumberType string

const (
	ShortCode NumberType = "SHORT_CODE"
	LongCode  NumberType = "LONG_CODE"
	TollFree  NumberType = "TOLL_FREE"
	TenDLC    NumberType = "TEN_DLC"
	Simulator NumberType = "SIMULATOR"
)

// Capability is what a phone number can carry: SMS, VOICE, MMS or RCS.
type Capability string

const (
	CapabilitySMS   Capability = "SMS"
	CapabilityVoice Capability = "VOICE"
	CapabilityMMS   Capability = "MMS"
	CapabilityRCS   Capability = "RCS"
)

// NumberStatus is where a phone number stands in its life.
type NumberStatus string

const (
	NumberPending        NumberStatus = "PENDING" // cannot send until an operator activates it
	NumberActive         NumberStatus = "ACTIVE"
	NumberAssociating    NumberStatus = "ASSOCIATING"
	NumberDisassociating NumberStatus = "DISASSOCIATING"
	NumberDeleted        NumberStatus = "DELETED"
)

// PoolStatus is where a pool stands in its life.
type PoolStatus string

const (
	PoolCreating PoolStatus = "CREATING"
	PoolActive   PoolStatus = "ACTIVE"
	PoolDeleting PoolStatus = "DELETING"
)

// TwoWay is what a phone number, or the pool that owns its settings, does with
// messages that come in. ChannelARN is an SNS topic or an Amazon Connect
// instance; ChannelRole may be empty.
type TwoWay struct {
	Enabled     bool   `json:"enabled,omitempty"`
	ChannelARN  string `json:"channel_arn,omitempty"`
	ChannelRole string `json:"channel_role,omitempty"`
}

// PhoneNumber is a leased phone number. While PoolID is set, two-way, opt-out
// and message type settings equal the pool's and are changed there.
type PhoneNumber struct {
	ID                   string       `json:"id"`
	Number               string       `json:"number"` // E.164 with +; a short code without
	Country              string       `json:"country"`
	Type                 NumberType   `json:"type"`
	Capabilities         []Capability `json:"capabilities"`
	MessageType          MessageType  `json:"message_type"`
	Status               NumberStatus `json:"status"`
	MonthlyLeasingPrice  string       `json:"monthly_leasing_price"` // USD
	TwoWay               TwoWay       `json:"two_way"`
	SelfManagedOptOuts   bool         `json:"self_managed_opt_outs,omitempty"`
	OptOutList           string       `json:"opt_out_list"` // name
	InternationalSending bool         `json:"international_sending,omitempty"`
	DeletionProtection   bool         `json:"deletion_protection,omitempty"`
	PoolID               string       `json:"pool_id,omitempty"`
	RegistrationID       string       `json:"registration_id,omitempty"`
	Carrier              string       `json:"carrier"`                   // name of the carrier that owns the number
	PartsPerSecond       float64      `json:"parts_per_second"`          // message parts; from the inventory entry or the guide's table
	TwoWayOffered        bool         `json:"two_way_offered,omitempty"` // the carrier can bring messages in
}

// SenderID is an alphanumeric sender leased for one country.
type SenderID struct {
	SenderID            string        `json:"sender_id"`
	Country             string        `json:"country"`
	MessageTypes        []MessageType `json:"message_types"`
	MonthlyLeasingPrice string        `json:"monthly_leasing_price"` // USD
	DeletionProtection  bool          `json:"deletion_protection,omitempty"`
	Registered          bool          `json:"registered,omitempty"`
	RegistrationID      string        `json:"registration_id,omitempty"`
	PoolIDs             []string      `json:"pool_ids,omitempty"` // unlike a phone number, it may be in several
	Carrier             string        `json:"carrier,omitempty"`  // empty: the country's default route
	PartsPerSecond      float64       `json:"parts_per_second"`
}

// Key is the resource id of a sender ID: unique within an account.
func (s SenderID) Key() string { return s.SenderID + "/" + s.Country }

// Pool is a group of origination identities that share the settings of its
// first member.
type Pool struct {
	ID                 string      `json:"id"`
	Status             PoolStatus  `json:"status"`
	MessageType        MessageType `json:"message_type"`
	TwoWay             TwoWay      `json:"two_way"`
	SelfManagedOptOuts bool        `json:"self_managed_opt_outs,omitempty"`
	OptOutList         string      `json:"opt_out_list"`
	SharedRoutes       bool        `json:"shared_routes,omitempty"`
	DeletionProtection bool        `json:"deletion_protection,omitempty"`
}

// DefaultOptOutList is the list that every account has.
const DefaultOptOutList = "Default"

// OptOutList is a named list of recipients that must not be written to.
type OptOutList struct {
	Name string `json:"name"`
}

// ConfigurationSet names the settings and event destinations of messages sent
// with it.
type ConfigurationSet struct {
	Name                   string             `json:"name"`
	DefaultMessageType     MessageType        `json:"default_message_type,omitempty"`
	DefaultSenderID        string             `json:"default_sender_id,omitempty"`
	DefaultFeedbackEnabled bool               `json:"default_feedback_enabled,omitempty"`
	ProtectConfigurationID string             `json:"protect_configuration_id,omitempty"`
	Destinations           []EventDestination `json:"destinations,omitempty"`
}

// EventDestination is where events of a configuration set are published to.
// Exactly one of CloudWatchLogs, Firehose and SNS is set, or where the service makes a
// destination itself Connect or Embedded.
type EventDestination struct {
	Name           string                     `json:"name"`
	Enabled        bool                       `json:"enabled"`
	EventTypes     []string                   `json:"event_types"` // of the model's EventType, as they were given
	CloudWatchLogs *CloudWatchLogsDestination `json:"cloudwatch_logs,omitempty"`
	Firehose       *FirehoseDestination       `json:"firehose,omitempty"`
	SNS            *SNSDestination            `json:"sns,omitempty"`
	Connect        *ConnectDestination        `json:"-"`
	Embedded       *EmbeddedDestination       `json:"-"`
}

// ConnectDestination is an Amazon Connect two-way channel: connect.REGION.amazonaws.com
// or the ARN of an instance.
type ConnectDestination struct {
	Channel     string
	Role        string
	PhoneNumber string // ARN of the number whose channel it is
}

// EmbeddedDestination is in an embedded service: "logs" and a log group, "sns" and a
// subscription, "firehose" and a delivery stream, by its name or id.
type EmbeddedDestination struct {
	Service string
	ID      string
}

type CloudWatchLogsDestination struct {
	RoleARN     string `json:"role_arn"`
	LogGroupARN string `json:"log_group_arn"`
}

type FirehoseDestination struct {
	RoleARN           string `json:"role_arn"`
	DeliveryStreamARN string `json:"delivery_stream_arn"`
}

type SNSDestination struct {
	TopicARN string `json:"topic_arn"`
}

// InventoryNumber is a phone number that the operator can lease out. A number
// once released stays Retired and is never leased again.
type InventoryNumber struct {
	Number         string       `json:"number"`
	Country        string       `json:"country"`
	Type           NumberType   `json:"type"`
	Capabilities   []Capability `json:"capabilities"`
	Carrier        string       `json:"carrier"`
	PartsPerSecond float64      `json:"parts_per_second,omitempty"` // 0: the guide's figure for its kind
	TwoWay         bool         `json:"two_way,omitempty"`
	LeasedBy       string       `json:"leased_by,omitempty"` // account
	Retired        bool         `json:"retired,omitempty"`
	AddedAt        time.Time    `json:"added_at"`
}

// InventorySenderID is a sender ID that the operator has registered at a
// carrier for a country.
type InventorySenderID struct {
	SenderID       string  `json:"sender_id"`
	Country        string  `json:"country"`
	Carrier        string  `json:"carrier"`
	PartsPerSecond float64 `json:"parts_per_second,omitempty"`
}

// SharedRoute serves recipients of Countries for accounts that have no
// dedicated identity there. SenderID is what recipients see; Number replaces it
// where sender IDs are not supported.
type SharedRoute struct {
	Countries      []string `json:"countries"` // ISO 3166-1 alpha-2; "*" is every country
	Carrier        string   `json:"carrier"`
	SenderID       string   `json:"sender_id,omitempty"`
	Number         string   `json:"number,omitempty"`
	PartsPerSecond float64  `json:"parts_per_second,omitempty"` // 0: 20, the guide's figure
}
