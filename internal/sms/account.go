package sms

import (
	"strings"
	"time"
)

// KeywordAction is what a keyword does besides being answered (guide, "Keyword
// actions").
type KeywordAction string

const (
	AutomaticResponse KeywordAction = "AUTOMATIC_RESPONSE"
	OptOut            KeywordAction = "OPT_OUT"
	OptIn             KeywordAction = "OPT_IN"
)

// Keyword is a word or phrase that an incoming message may begin with.
type Keyword struct {
	Keyword string        `json:"keyword"` // in capitals
	Message string        `json:"message"`
	Action  KeywordAction `json:"action"`
}

// Keywords are those that were put on an origination identity: a phone number, or the
// pool that it is in. Those that every identity has from the start (package keyword)
// are here only where they were edited.
type Keywords struct {
	Own []Keyword `json:"own"`
}

// ListKey is the number of the opt-out list's entries in the store. A list that is
// made again under a name has other entries.
func (l *OptOutList) ListKey(account string, created time.Time) []string {
	return []string{"opt-out", account, l.Name, created.UTC().Format(time.RFC3339Nano)}
}

// DigitsKey is the key of an E.164 number in a list: its digits. ok is false for what
// has none, or more than fit.
func DigitsKey(number string) (key int64, ok bool) {
	digits := strings.TrimPrefix(number, "+")
	if digits == "" || len(digits) > 18 {
		return 0, false
	}
	for i := 0; i < len(digits); i++ {
		c := digits[i]
		if c < '0' || c > '9' {
			return 0, false
		}
		key = key*10 + int64(c-'0')
	}
	return key, true
}

// VerificationStatus is how far a destination number is verified.
type VerificationStatus string

const (
	VerificationPending VerificationStatus = "PENDING"
	Verified            VerificationStatus = "VERIFIED"
)

// VerifiedNumber is a destination number that an account in the sandbox may write to
// once it is verified (guide, "Verify a destination phone number").
type VerifiedNumber struct {
	ID     string             `json:"id"`
	Number string             `json:"number"` // E.164 with +
	Status VerificationStatus `json:"status"`
	// Code is a keyed digest of the last code that was sent, valid until CodeExpires.
	Code        []byte    `json:"code,omitempty"`
	CodeExpires time.Time `json:"code_expires,omitzero"`
	CodesSent   int       `json:"codes_sent,omitempty"` // ever; the first one is free
	// Attempts are codes sent and codes tried since AttemptsSince, for a day.
	Attempts      int       `json:"attempts,omitempty"`
	AttemptsSince time.Time `json:"attempts_since,omitzero"`
}

// ProtectStatus is what a protect configuration does with messages to a country.
type ProtectStatus string

const (
	ProtectAllow   ProtectStatus = "ALLOW"
	ProtectBlock   ProtectStatus = "BLOCK"
	ProtectMonitor ProtectStatus = "MONITOR" // sent, and counted
	ProtectFilter  ProtectStatus = "FILTER"  // accepted, and not sent
)

// ProtectConfiguration says which destinations an account's messages may go to.
// Number overrides are entries of the list "protect" of the account and the ID: the
// key is the number's digits, the mark OverrideAllow or OverrideBlock, At when it was
// made and Until when it ends.
type ProtectConfiguration struct {
	ID                 string                                  `json:"id"`
	DeletionProtection bool                                    `json:"deletion_protection,omitempty"`
	Rules              map[Capability]map[string]ProtectStatus `json:"rules,omitempty"`     // by country; ALLOW where there is none
	Overrides          bool                                    `json:"overrides,omitempty"` // it has, or had, number overrides
}

// Marks of number overrides.
const (
	OverrideAllow int64 = 1
	OverrideBlock int64 = 2
)

// OverrideList names the list of a protect configuration's number overrides.
func OverrideList(account, protectConfiguration string) []string {
	return []string{"protect", account, protectConfiguration}
}

// ConversationList names the list of those whom a phone number, in E.164, wrote to: which
// message was the last one to each.
func ConversationList(account, number string) []string {
	return []string{"conversation", account, number}
}

// The channels whose spend is kept, and limited, by itself.
const (
	ChannelText  = "TEXT"
	ChannelVoice = "VOICE"
)

// Settings are what an account has once.
type Settings struct {
	DefaultProtectConfiguration string `json:"default_protect_configuration,omitempty"` // id
	// Monthly limits that the account sets itself, USD; nil where it has none.
	TextSpendLimit  *int64 `json:"text_spend_limit,omitempty"`
	VoiceSpendLimit *int64 `json:"voice_spend_limit,omitempty"`
}

// SettingsID is the id of an account's only Settings.
const SettingsID = "settings"
