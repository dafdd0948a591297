// Package config reads the configuration of the service: one YAML file, of which
// every key has a default, and an environment variable where it is not part of a
// list. What cannot be used is an error that names the line and the key.
package config

import (
	"strings"
	"time"

	"heliograph/internal/api"
	"heliograph/internal/carrier/sim"
	"heliograph/internal/carrier/smpp"
	"heliograph/internal/inbound"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// Config is a configuration with its defaults filled in. The yaml tags are the
// keys; docs/operating.md describes each.
type Config struct {
	File string `yaml:"-"` // that it was read from, empty for none

	DataDir            string        `yaml:"data_dir"`
	Database           string        `yaml:"database"` // SQLite, or a postgres:// URL
	Node               string        `yaml:"node"`     // of the processes that share a database each has its own
	Region             string        `yaml:"region"`
	Account            string        `yaml:"account"` // the first account, twelve digits
	Tier               Tier          `yaml:"tier"`
	API                API           `yaml:"api"`
	Operator           Operator      `yaml:"operator"`
	AWS                AWS           `yaml:"aws"`
	Egress             Egress        `yaml:"egress"`
	Identity           Identity      `yaml:"identity"`
	Carriers           []Carrier     `yaml:"carriers"`        // always with a simulator named sim
	DefaultCarrier     string        `yaml:"default_carrier"` // of what names no carrier
	Numbers            []Number      `yaml:"numbers"`
	SenderIDs          []SenderID    `yaml:"sender_ids"`
	SharedRoutes       []SharedRoute `yaml:"shared_routes"`
	Prices             string        `yaml:"prices"` // CSV file, empty for the built-in book
	SimulatedInventory bool          `yaml:"simulated_inventory"`
	RecipientInterval  time.Duration `yaml:"recipient_interval"` // between two messages to one recipient
	LostOutcomes       LostOutcomes  `yaml:"lost_outcomes"`
	FailoverAfter      time.Duration `yaml:"failover_after"`
	TwoWay             TwoWay        `yaml:"two_way"`
	Limits             Limits        `yaml:"limits"`
	Events             Events        `yaml:"events"`
	Retention          Retention     `yaml:"retention"`
	Audit              Audit         `yaml:"audit"`
	Encryption         Encryption    `yaml:"encryption"`
	Tracing            Tracing       `yaml:"tracing"`
	Log                Log           `yaml:"log"`
}

// SQLite is the Database that is embedded.
const SQLite = "sqlite"

// Tier is the account's place in the guide's sandbox: sandbox or production.
type Tier string

const (
	Sandbox    Tier = "sandbox"
	Production Tier = "production"
)

// AccountTier is the first account's tier as resources keep it.
func (c Config) AccountTier() resources.Tier {
	if c.Tier == Production {
		return resources.Production
	}
	return resources.Sandbox
}

// Partition is the partition of ARNs that the region belongs to.
func (c Config) Partition() string {
	switch {
	case strings.HasPrefix(c.Region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(c.Region, "us-gov-"):
		return "aws-us-gov"
	}
	return "aws"
}

// API is how clients reach the service.
type API struct {
	Listen string `yaml:"listen"` // host:port; an empty host is every address
	// PublicURL is where subscribers of embedded topics reach the port; empty: http or
	// https and Listen.
	PublicURL string `yaml:"public_url"`
	TLS       TLS    `yaml:"tls"`
	// EndpointPolicy is a file with a policy that every request to the operations of the
	// API is held to, as the policy of a VPC endpoint is; empty: there is none.
	EndpointPolicy string `yaml:"endpoint_policy"`
	// AllowHTTP lets Listen be an address that other machines reach without TLS.
	AllowHTTP      bool         `yaml:"allow_http"`
	RequestRates   RequestRates `yaml:"request_rates"`
	MaxConnections int          `yaml:"max_connections"`
}

// Operator is the port with which the process itself is looked into.
type Operator struct {
	Listen string `yaml:"listen"` // host:port; empty for none
	// AllowRemote lets Listen be an address that other machines reach. Nobody
	// has to identify himself there.
	AllowRemote bool `yaml:"allow_remote"`
}

// TLS names PEM files. Both are empty for plain HTTP.
type TLS struct {
	CertFile string `yaml:"cert_file"`
	KeyFile  string `yaml:"key_file"`
}

// Enabled reports whether clients are served by HTTPS.
func (t TLS) Enabled() bool { return t.CertFile != "" }

// AWS is where the events of event destinations are sent. Credentials come from
// the usual sources of the AWS SDK.
type AWS struct {
	EndpointURL string `yaml:"endpoint_url"` // empty: the embedded services; "aws"; or a URL
	// S3EndpointURL is where embedded delivery streams put their files: empty: into
	// folders of the data directory; "aws"; or a URL.
	S3EndpointURL string `yaml:"s3_endpoint_url"`
	// ConnectEndpointURL is where messages for two-way channels of Amazon Connect go:
	// empty: to EndpointURL, and without that into the local log; "aws"; or a URL.
	ConnectEndpointURL string `yaml:"connect_endpoint_url"`
	// CheckRoles has the roles and topics' policies that destinations are reached by be
	// those of the installation. Without a word it is so where EndpointURL is empty.
	CheckRoles bool `yaml:"check_roles"`
}

// Egress is what customers' web hooks may be.
type Egress struct {
	// AllowNetworks are those that are reached besides public ones.
	AllowNetworks Networks `yaml:"allow_networks"`
}

// Identity is whom besides its own users the service knows.
type Identity struct {
	OIDC []Issuer `yaml:"oidc"`
}

// Issuer is an OpenID Connect issuer whose tokens roles may trust.
type Issuer struct {
	Issuer    string   `yaml:"issuer"`     // URL, as its tokens have it
	ClientIDs []string `yaml:"client_ids"` // audiences that a token may be for
}

// TwoWay is about messages from handsets.
type TwoWay struct {
	ReassemblyTimeout time.Duration `yaml:"reassembly_timeout"` // for which a message waits for all of its parts
	AnswersPerHour    int           `yaml:"answers_per_hour"`   // that a handset gets from one number; 0 is no limit
}

// Carrier is a way to the recipients. Exactly one of SMPP and Sim is set.
type Carrier struct {
	Name           string       `yaml:"name"`
	SMPP           *smpp.Config `yaml:"smpp"`
	Sim            *Sim         `yaml:"sim"`
	PartsPerSecond float64      `yaml:"parts_per_second"` // of all lanes together; 0 is no limit
	Shards         int          `yaml:"shards"`           // that nodes can have one by one; 0 is 1
}

// Sim configures a simulator. A zero value means the simulator's own default.
type Sim struct {
	ReceiptDelay time.Duration `yaml:"receipt_delay"`
	Window       int           `yaml:"window"`
	Faults       sim.Faults    `yaml:"faults"` // at the start
}

// LostOutcomes says what happens to a message part that a carrier may or may not
// have got: resend or give_up.
type LostOutcomes struct {
	Transactional LostOutcome `yaml:"transactional"`
	Promotional   LostOutcome `yaml:"promotional"`
}

// LostOutcome is a policy for parts whose outcome is lost.
type LostOutcome string

const (
	Resend LostOutcome = "resend"  // it may arrive twice
	GiveUp LostOutcome = "give_up" // it ends as UNKNOWN, and may have arrived
)

// Limits are an account's quotas (guide chapter 17) and its spend limits, but for those
// that the operator has set for it since.
type Limits struct {
	TextMonthlySpend             SpendLimit `yaml:"text_monthly_spend_usd"`
	VoiceMonthlySpend            SpendLimit `yaml:"voice_monthly_spend_usd"`
	PhoneNumbers                 int        `yaml:"phone_numbers"`
	Pools                        int        `yaml:"pools"`
	ConfigurationSets            int        `yaml:"configuration_sets"`
	OptOutLists                  int        `yaml:"opt_out_lists"`
	SenderIDs                    int        `yaml:"sender_ids"`
	OriginationIdentitiesPerPool int        `yaml:"origination_identities_per_pool"`
	EventDestinationsPerSet      int        `yaml:"event_destinations_per_configuration_set"`
	TagsPerResource              int        `yaml:"tags_per_resource"`
	Registrations                int        `yaml:"registrations"`
	RegistrationAttachments      int        `yaml:"registration_attachments"`
	VerifiedDestinationNumbers   int        `yaml:"verified_destination_numbers"`
	Keywords                     int        `yaml:"keywords"` // that are added to one phone number or pool
	ProtectConfigurations        int        `yaml:"protect_configurations"`
}

// API is the quotas as the API takes them.
func (l Limits) API() api.Limits {
	return api.Limits{
		PhoneNumbers: l.PhoneNumbers, Pools: l.Pools, ConfigurationSets: l.ConfigurationSets, OptOutLists: l.OptOutLists,
		SenderIDs: l.SenderIDs, OriginationIdentitiesPerPool: l.OriginationIdentitiesPerPool,
		EventDestinationsPerSet: l.EventDestinationsPerSet, TagsPerResource: l.TagsPerResource, Registrations: l.Registrations,
		RegistrationAttachments: l.RegistrationAttachments, VerifiedDestinationNumbers: l.VerifiedDestinationNumbers,
		Keywords: l.Keywords, ProtectConfigurations: l.ProtectConfigurations,
	}
}

// Spend is the monthly spend limit of a channel as resources.Snapshot.SpendLimit takes
// it.
func (l Limits) Spend(channel string) sms.Money {
	if channel == sms.ChannelVoice {
		return l.VoiceMonthlySpend.Money()
	}
	return l.TextMonthlySpend.Money()
}

func limitsOf(l api.Limits) Limits {
	return Limits{
		TextMonthlySpend: ByTier, VoiceMonthlySpend: ByTier,
		PhoneNumbers: l.PhoneNumbers, Pools: l.Pools, ConfigurationSets: l.ConfigurationSets, OptOutLists: l.OptOutLists,
		SenderIDs: l.SenderIDs, OriginationIdentitiesPerPool: l.OriginationIdentitiesPerPool,
		EventDestinationsPerSet: l.EventDestinationsPerSet, TagsPerResource: l.TagsPerResource, Registrations: l.Registrations,
		RegistrationAttachments: l.RegistrationAttachments, VerifiedDestinationNumbers: l.VerifiedDestinationNumbers,
		Keywords: l.Keywords, ProtectConfigurations: l.ProtectConfigurations,
	}
}

// Events is what is kept of events.
type Events struct {
	// Retention is how long events wait for an event destination that does not
	// take them; older ones are dropped and counted.
	Retention time.Duration `yaml:"retention"`
	// LocalFileBytes and LocalFiles bound what the embedded log keeps of each
	// event destination.
	LocalFileBytes int64 `yaml:"local_file_bytes"`
	LocalFiles     int   `yaml:"local_files"`
}

// Tracing is where traces of messages are sent.
type Tracing struct {
	Endpoint string `yaml:"endpoint"` // URL of a collector of OTLP over HTTP; empty: nothing is traced
	// SampleRatio is the share of requests that are traced, 0 to 1, of those
	// without a traceparent.
	SampleRatio float64 `yaml:"sample_ratio"`
	Headers     Headers `yaml:"headers"`
}

// Retention is how long rows of the database are kept, from which on they are
// deleted while the service goes on.
type Retention struct {
	// Messages is how long a message that has ended is kept, with its events, from
	// its acceptance on. 0 is for ever.
	Messages time.Duration `yaml:"messages"`
	// Receipts is how long a receipt is kept that no message part was found for.
	Receipts time.Duration `yaml:"receipts"`
	// Bodies and Numbers are how long the texts of messages, and the numbers that they
	// went to or came from, are kept of messages that have ended. 0 is as long as the
	// message.
	Bodies  time.Duration `yaml:"bodies"`
	Numbers time.Duration `yaml:"numbers"`
}

// Log is what the process itself writes to standard error.
type Log struct {
	Level  string    `yaml:"level"` // debug, info, warn or error
	Format LogFormat `yaml:"format"`
}

// LogFormat is text or json.
type LogFormat string

const (
	LogText LogFormat = "text"
	LogJSON LogFormat = "json"
)

// defaults is the configuration without a file and an environment.
func defaults() Config {
	return Config{
		DataDir: "./data", Database: SQLite, Region: "us-east-1", Account: "111122223333", Tier: Sandbox,
		API:               API{Listen: "127.0.0.1:7670", MaxConnections: api.DefaultMaxConnections},
		RecipientInterval: time.Second,
		LostOutcomes:      LostOutcomes{Transactional: Resend, Promotional: Resend},
		FailoverAfter:     2 * time.Second,
		TwoWay:            TwoWay{ReassemblyTimeout: inbound.ReassemblyTimeout, AnswersPerHour: inbound.AnswersPerHour},
		Limits:            limitsOf(api.DefaultLimits()),
		Events:            Events{Retention: 14 * 24 * time.Hour, LocalFileBytes: 64 << 20, LocalFiles: 16},
		Retention:         Retention{Messages: 90 * 24 * time.Hour, Receipts: 7 * 24 * time.Hour},
		Audit:             defaultAudit(),
		Tracing:           Tracing{SampleRatio: 0.01},
		Log:               Log{Level: "info", Format: LogText},
	}
}
