package sms

import "strings"

// ResourceType is the API's name of a kind of resource, also the first segment
// of its ARN's resource part.
type ResourceType string

const (
	TypePhoneNumber          ResourceType = "phone-number"
	TypeSenderID             ResourceType = "sender-id"
	TypePool                 ResourceType = "pool"
	TypeConfigurationSet     ResourceType = "configuration-set"
	TypeEventDestination     ResourceType = "event-destination"
	TypeOptOutList           ResourceType = "opt-out-list"
	TypeOptedOutNumber       ResourceType = "opted-out-number"
	TypeKeyword              ResourceType = "keyword"
	TypeProtectConfiguration ResourceType = "protect-configuration"
	TypeRegistration         ResourceType = "registration"
	TypeVerifiedNumber       ResourceType = "verified-destination-number"
	TypeMessage              ResourceType = "message"
	TypePolicy               ResourceType = "policy"
)

// ARN names a resource of this service: arn:aws:sms-voice:REGION:ACCOUNT:TYPE/ID.
// The ID of a sender ID is SENDERID/COUNTRY.
type ARN struct {
	Partition string
	Region    string
	Account   string
	Type      ResourceType
	ID        string
}

func (a ARN) String() string {
	return "arn:" + a.Partition + ":sms-voice:" + a.Region + ":" + a.Account + ":" + string(a.Type) + "/" + a.ID
}

// ParseARN reads an ARN of this service; ok is false for anything else.
func ParseARN(s string) (a ARN, ok bool) {
	fields := strings.SplitN(s, ":", 6)
	if len(fields) != 6 || fields[0] != "arn" || fields[2] != "sms-voice" {
		return ARN{}, false
	}
	kind, id, found := strings.Cut(fields[5], "/")
	if !found || kind == "" || id == "" || fields[1] == "" || fields[3] == "" || fields[4] == "" {
		return ARN{}, false
	}
	return ARN{Partition: fields[1], Region: fields[3], Account: fields[4], Type: ResourceType(kind), ID: id}, true
}

// IsARN tells an ARN from a plain id or name.
func IsARN(s string) bool { return strings.HasPrefix(s, "arn:") }
