package audit

import (
	"crypto/tls"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"heliograph/internal/iam"
)

// Sources of events.
const (
	SourceService  = "sms-voice.amazonaws.com"
	SourceOperator = "heliograph.admin"
	sourceLog      = "heliograph.audit"
	sourceSignIn   = "signin.amazonaws.com"
)

// Call is a call that was answered, or is about to be.
type Call struct {
	Identity *iam.Identity // nil: nobody whom the service knows
	Account  string        // where it is recorded
	At       time.Time
	Source   string // "sms-voice.amazonaws.com"
	Name     string // "CreatePool"
	ReadOnly bool
	// Issues says that the call gives away credentials: it is recorded before it is
	// answered even where it changes nothing.
	Issues bool

	Region    string
	SourceIP  string
	UserAgent string
	RequestID string
	TLS       *tls.ConnectionState // nil: it came without
	Host      string

	Parameters json.RawMessage // from Parameters or FormParameters
	// Shared are the resources of other accounts that the caller was allowed to use, each
	// of an account that exists. What a request only says is not among them.
	Shared    []Resource
	Response  json.RawMessage // nil in almost all records
	ErrorCode string          // empty: it succeeded
	Error     string
}

// Durable reports whether the record has to be written before the call is answered.
func (c *Call) Durable() bool { return !c.ReadOnly || c.Issues }

// records are those of a call: the caller's account's, and those of accounts whose
// resources it used, which are told no more of the caller than its account and id.
func (c *Call) records(eventID func() string) []Record {
	r := Record{
		EventVersion: version, UserIdentity: identity(c.Identity), EventTime: stamp(c.At), EventSource: c.Source, EventName: c.Name,
		AWSRegion: c.Region, SourceIPAddress: clip(c.SourceIP, maxText), UserAgent: clip(c.UserAgent, maxText),
		ErrorCode: clip(c.ErrorCode, maxText), ErrorMessage: clip(c.Error, maxText),
		RequestParameters: c.Parameters, ResponseElements: c.Response, RequestID: c.RequestID, EventID: eventID(), ReadOnly: c.ReadOnly,
		EventType: typeCall, RecipientAccountID: c.Account, TLSDetails: tlsDetails(c.TLS, c.Host),
	}
	if r.TLSDetails != nil {
		r.EventVersion = tlsVersion
	}
	all := []Record{r}
	if c.ErrorCode != "" {
		return all // who was denied tells nothing to others
	}
	foreign := c.foreign()
	if len(foreign) == 0 {
		return all
	}
	all[0].SharedEventID = eventID()
	for _, owner := range slices.Sorted(maps.Keys(foreign)) {
		of := foreign[owner]
		all[0].Resources = append(all[0].Resources, of...)
		shared := all[0]
		shared.EventID, shared.RecipientAccountID, shared.Resources = eventID(), owner, of
		shared.UserIdentity = shared.UserIdentity.foreign()
		all = append(all, shared)
	}
	return all
}

// maxForeign is how many resources of others a record names.
const maxForeign = 100

// foreign are the resources of other accounts that a call used, each once, by account.
func (c *Call) foreign() map[string][]Resource {
	found, n := map[string][]Resource{}, 0
	for _, r := range c.Shared {
		if n == maxForeign || !isAccount(r.AccountID) || r.AccountID == c.Account || slices.Contains(found[r.AccountID], r) {
			continue
		}
		found[r.AccountID] = append(found[r.AccountID], r)
		n++
	}
	return found
}

// ResourceOf is the resource of an account that an ARN names.
func ResourceOf(account, arn string) Resource {
	r := Resource{AccountID: account, ARN: clip(arn, maxText)}
	if part := strings.SplitN(arn, ":", 6); len(part) == 6 {
		kind, _, _ := strings.Cut(part[5], "/")
		r.Type = resourceTypes[kind]
	}
	return r
}

// isAccount reports whether a text has the form of an account's id: 12 digits.
func isAccount(id string) bool { return len(id) == 12 && strings.Trim(id, "0123456789") == "" }

// resourceTypes are CloudFormation's names of the types that such ARNs have.
var resourceTypes = map[string]string{
	"phone-number": "AWS::SMSVOICE::PhoneNumber", "sender-id": "AWS::SMSVOICE::SenderId", "pool": "AWS::SMSVOICE::Pool",
	"opt-out-list": "AWS::SMSVOICE::OptOutList", "configuration-set": "AWS::SMSVOICE::ConfigurationSet",
	"protect-configuration": "AWS::SMSVOICE::ProtectConfiguration", "role": "AWS::IAM::Role",
}

// notRecorded are the operations of the service that CloudTrail does not log (guide
// chapter 15): what they do is in the ledger of messages.
var notRecorded = map[string]bool{"SendTextMessage": true, "SendVoiceMessage": true, "SendMediaMessage": true}

// dataActions are those of other services that carry the data of customers; CloudTrail
// leaves them out unless it is asked for them.
var dataActions = map[string]bool{
	"sns:Publish": true, "sns:PublishBatch": true,
	"logs:PutLogEvents": true, "logs:GetLogEvents": true, "logs:FilterLogEvents": true,
	"firehose:PutRecord": true, "firehose:PutRecordBatch": true,
	"s3:GetObject": true, "s3:HeadObject": true, "s3:PutObject": true, "s3:ListBucket": true,
}

// issuing are the actions that give away credentials.
var issuing = map[string]bool{
	"sts:AssumeRole": true, "sts:AssumeRoleWithWebIdentity": true, "sts:AssumeRoleWithSAML": true,
	"sts:GetSessionToken": true, "sts:GetFederationToken": true,
}

// Event is how an operation is recorded.
type Event struct {
	Source, Name     string
	ReadOnly, Issues bool
}

// EventOf says how an operation is recorded, named as for IAM: "sms-voice:CreatePool",
// "heliograph:ImportNumbers", "iam:CreateUser". It is false for what is not recorded.
func EventOf(action string) (Event, bool) {
	service, name, ok := strings.Cut(action, ":")
	if !ok || name == "" {
		return Event{}, false
	}
	e := Event{Source: service + ".amazonaws.com", Name: name, ReadOnly: readOnly(service, name), Issues: issuing[action]}
	switch service {
	case "sms-voice":
		return e, !notRecorded[name]
	case "heliograph":
		e.Source = SourceOperator
	}
	return e, !dataActions[action]
}

// readOnly says whether an operation changes nothing.
func readOnly(service, name string) bool {
	for _, verb := range []string{"Describe", "List", "Get", "Lookup"} {
		if strings.HasPrefix(name, verb) {
			return true
		}
	}
	switch service {
	case "sms-voice":
		return name == "CarrierLookup"
	case "iam":
		return strings.HasPrefix(name, "Simulate")
	case "sts":
		return strings.HasPrefix(name, "AssumeRole") // as CloudTrail has it
	case "heliograph":
		return strings.HasPrefix(name, "Show") || name == "Reconcile"
	}
	return false
}

// SignIn is an attempt to sign in by password.
type SignIn struct {
	Identity  *iam.Identity // nil: nobody whom the service knows
	Account   string        // that was named
	At        time.Time
	Region    string
	SourceIP  string
	UserAgent string
	RequestID string
	MFA       bool // a one-time password was given
	Failed    bool
}

// record is ConsoleLogin, as CloudTrail has it. Of a user that is not there the name is
// hidden: it may be a password that was typed in the wrong place.
func (s *SignIn) record() Record {
	outcome := map[bool]string{false: "Success", true: "Failure"}[s.Failed]
	r := Record{
		EventVersion: version, EventTime: stamp(s.At), EventSource: sourceSignIn, EventName: "ConsoleLogin",
		AWSRegion: s.Region, SourceIPAddress: clip(s.SourceIP, maxText), UserAgent: clip(s.UserAgent, maxText),
		ResponseElements:    encodeLine(map[string]string{"ConsoleLogin": outcome}),
		AdditionalEventData: encodeLine(map[string]string{"MFAUsed": map[bool]string{false: "No", true: "Yes"}[s.MFA]}),
		RequestID:           s.RequestID, EventID: newEventID(), EventType: typeSignIn, RecipientAccountID: s.Account,
	}
	if s.Identity != nil {
		r.UserIdentity = identity(s.Identity)
		r.UserIdentity.AccessKeyID = ""
	} else {
		r.UserIdentity = UserIdentity{Type: "IAMUser", AccountID: s.Account, UserName: Hidden}
	}
	if s.Failed {
		r.ErrorMessage = "Failed authentication"
	}
	return r
}
