package smpp

import (
	"fmt"
	"slices"
	"strings"

	"heliograph/internal/encode"
	"heliograph/internal/smpp/pdu"
	"heliograph/internal/smpp/receipt"
	"heliograph/internal/sms"
)

// Profile is what a message centre does its own way. A zero value means the
// default named with it.
type Profile struct {
	// DefaultAlphabet is how the message centre reads data_coding 0: gsm.
	DefaultAlphabet encode.Alphabet `yaml:"default_alphabet"`
	// DataCoding is the data_coding written for texts in DefaultAlphabet: 0. A
	// message centre that reads Latin-1 as 3 wants default_alphabet latin1 and
	// data_coding 3.
	DataCoding uint8 `yaml:"data_coding"`
	// LongMessages is how the parts of a longer message are marked: udh8.
	LongMessages LongStyle `yaml:"long_messages"`
	// MessageIDFormat is how submit_sm_resp writes ids, ReceiptIDFormat how receipts
	// do: auto, and the same as MessageIDFormat. raw ids are compared as they are,
	// decimal and hexadecimal ones as numbers, and for auto every reading is tried.
	MessageIDFormat receipt.Format `yaml:"message_id_format"`
	ReceiptIDFormat receipt.Format `yaml:"receipt_id_format"`
	// Receipts asks for a receipt for every part: true.
	Receipts *bool `yaml:"receipts"`
	// UnmarkedReceipts takes a deliver_sm that neither esm_class nor an optional
	// parameter calls a receipt for one when its text has every field of SMPP 3.4
	// appendix B: true. What a handset can fake by such a text is only a receipt
	// from itself, as Receipt.Destination is the sender.
	UnmarkedReceipts *bool `yaml:"unmarked_receipts"`
	// Validity is the form of validity_period: absolute.
	Validity Validity `yaml:"validity"`
	// ServiceType is written as it is: empty.
	ServiceType string `yaml:"service_type"`

	Source      SourceTypes  `yaml:"source"`
	Destination *AddressType `yaml:"destination"` // 1, 1: international, E.164
	// DestinationPlus and SourcePlus write numbers in E.164 format with their +.
	DestinationPlus bool `yaml:"destination_plus"`
	SourcePlus      bool `yaml:"source_plus"`
	// NationalCallingCode is the country calling code of numbers of the type national
	// in messages from handsets: empty, which leaves them as they are.
	NationalCallingCode string `yaml:"national_calling_code"`

	// Statuses says what a command_status means, by name or number, over the
	// defaults: {"0x400": {outcome: refused, status: SPAM}}.
	Statuses map[string]StatusRule `yaml:"statuses"`
	// ReceiptStates says what a receipt's state means, over the defaults. A state
	// that stands here is final: {ACCEPTD: DELIVERED}.
	ReceiptStates map[string]sms.Status `yaml:"receipt_states"`
	// ReceiptErrors says what the network's error code of a failure means, before
	// its state is looked at: {"045": BLOCKED}.
	ReceiptErrors map[string]sms.Status `yaml:"receipt_errors"`
	// Deactivated are the error codes and the states of receipts which say that the
	// recipient's number is out of service for good: ["001", "UNDELIV"]. Such numbers
	// come into the deactivation reports.
	Deactivated []string `yaml:"deactivated"`
	// CountryParameters are the tags of DestinationCountryParameters:
	// IN_ENTITY_ID 0x1400, IN_TEMPLATE_ID 0x1401. They replace the defaults.
	CountryParameters map[string]uint16 `yaml:"country_parameters"`
}

// LongStyle is a way to mark the parts of a longer message.
type LongStyle string

const (
	UDH8    LongStyle = "udh8"    // user data header with the low 8 bits of the reference
	UDH16   LongStyle = "udh16"   // the same with 16 bits, for parts that were cut for it
	SAR     LongStyle = "sar"     // the sar parameters; the message centre makes the header
	Payload LongStyle = "payload" // as udh8, header and text in message_payload instead of short_message
)

// Validity is a form of validity_period (SMPP 3.4 section 7.1).
type Validity string

const (
	ValidityAbsolute Validity = "absolute" // in UTC
	ValidityRelative Validity = "relative" // from when it is written
	ValidityNone     Validity = "none"     // the message centre's own
)

// AddressType is the type of number and the numbering plan of an address.
type AddressType struct {
	TON uint8 `yaml:"ton"`
	NPI uint8 `yaml:"npi"`
}

// SourceTypes are the address types of source addresses, by what they are.
type SourceTypes struct {
	PhoneNumber  *AddressType `yaml:"phone_number"` // 1, 1: international, E.164
	ShortCode    *AddressType `yaml:"short_code"`   // 3, 0: network specific, unknown
	Alphanumeric *AddressType `yaml:"alphanumeric"` // 5, 0: alphanumeric, unknown
}

// StatusRule is what an answer other than ESME_ROK means. Status is the message
// status that a refused part ends with, and not set otherwise.
type StatusRule struct {
	Outcome RuleOutcome `yaml:"outcome"`
	Status  sms.Status  `yaml:"status"`
}

// RuleOutcome is the outcome of a StatusRule.
type RuleOutcome string

const (
	RuleRefused    RuleOutcome = "refused"     // for good
	RuleRetry      RuleOutcome = "retry"       // this part, later
	RuleThrottled  RuleOutcome = "throttled"   // this part, and nothing at all for throttle_pause
	RuleOtherRoute RuleOutcome = "other_route" // by another carrier, if there is one
)

// failures are the statuses that a failed message can end with.
var failures = []sms.Status{
	sms.StatusInvalid, sms.StatusUnreachable, sms.StatusUnknown, sms.StatusBlocked, sms.StatusCarrierUnreachable,
	sms.StatusSpam, sms.StatusInvalidMessage, sms.StatusCarrierBlocked, sms.StatusTTLExpired,
}

func (p Profile) withDefaults() Profile {
	p.DefaultAlphabet = orDefault(p.DefaultAlphabet, encode.AlphabetGSM)
	p.LongMessages = orDefault(p.LongMessages, UDH8)
	p.MessageIDFormat = orDefault(p.MessageIDFormat, receipt.Auto)
	p.ReceiptIDFormat = orDefault(p.ReceiptIDFormat, p.MessageIDFormat)
	p.Validity = orDefault(p.Validity, ValidityAbsolute)
	if p.Receipts == nil {
		p.Receipts = new(true)
	}
	if p.UnmarkedReceipts == nil {
		p.UnmarkedReceipts = new(true)
	}
	p.Source.PhoneNumber = orDefault(p.Source.PhoneNumber, &AddressType{TON: 1, NPI: 1})
	p.Source.ShortCode = orDefault(p.Source.ShortCode, &AddressType{TON: 3, NPI: 0})
	p.Source.Alphanumeric = orDefault(p.Source.Alphanumeric, &AddressType{TON: 5, NPI: 0})
	p.Destination = orDefault(p.Destination, &AddressType{TON: 1, NPI: 1})
	if p.CountryParameters == nil {
		p.CountryParameters = map[string]uint16{"IN_ENTITY_ID": 0x1400, "IN_TEMPLATE_ID": 0x1401}
	}
	return p
}

// validate looks at a profile that has its defaults.
func (p Profile) validate() error {
	if err := oneOf("default_alphabet", p.DefaultAlphabet, encode.AlphabetGSM, encode.AlphabetGSMPacked, encode.AlphabetLatin1, encode.AlphabetASCII); err != nil {
		return err
	}
	if err := oneOf("long_messages", p.LongMessages, UDH8, UDH16, SAR, Payload); err != nil {
		return err
	}
	if _, err := receipt.ParseFormat(string(p.MessageIDFormat)); err != nil {
		return fmt.Errorf("message_id_format: %w", err)
	}
	if _, err := receipt.ParseFormat(string(p.ReceiptIDFormat)); err != nil {
		return fmt.Errorf("receipt_id_format: %w", err)
	}
	if err := oneOf("validity", p.Validity, ValidityAbsolute, ValidityRelative, ValidityNone); err != nil {
		return err
	}
	if pdu.DataCoding(p.DataCoding) == pdu.DataCodingUCS2 {
		return fmt.Errorf("data_coding: 8 is UCS-2 and cannot stand for the default alphabet")
	}
	if code := p.NationalCallingCode; len(code) > 3 || strings.Trim(code, "0123456789") != "" || strings.HasPrefix(code, "0") {
		return fmt.Errorf("national_calling_code: %q is no country calling code: up to three digits without + are allowed", code)
	}
	if len(p.ServiceType) > 5 {
		return fmt.Errorf("service_type: %q has %d characters, at most 5 are allowed", p.ServiceType, len(p.ServiceType))
	}
	if _, err := newRules(p.Statuses); err != nil {
		return fmt.Errorf("statuses: %w", err)
	}
	for key, rule := range p.Statuses {
		if err := rule.validate(); err != nil {
			return fmt.Errorf("statuses: %s: %w", key, err)
		}
	}
	allowed := append([]sms.Status{sms.StatusDelivered}, failures...)
	for state, status := range p.ReceiptStates {
		if err := oneOf("receipt_states: "+state, status, allowed...); err != nil {
			return err
		}
	}
	for code, status := range p.ReceiptErrors {
		if err := oneOf("receipt_errors: "+code, status, failures...); err != nil {
			return err
		}
	}
	return nil
}

func (r StatusRule) validate() error {
	if err := oneOf("outcome", r.Outcome, RuleRefused, RuleRetry, RuleThrottled, RuleOtherRoute); err != nil {
		return err
	}
	if r.Outcome == RuleRefused {
		return oneOf("status", r.Status, failures...)
	}
	if r.Status != "" {
		return fmt.Errorf("status: %s is given, but only outcome %s has one", r.Status, RuleRefused)
	}
	return nil
}

func oneOf[T ~string](key string, value T, allowed ...T) error {
	if slices.Contains(allowed, value) {
		return nil
	}
	names := make([]string, len(allowed))
	for i, a := range allowed {
		names[i] = string(a)
	}
	return fmt.Errorf("%s: %q is none of %s", key, value, strings.Join(names, ", "))
}
