// Package carrier is the contract between the queue and whatever takes message
// parts towards a recipient: an SMSC over SMPP, or the simulator. carriertest is
// the one suite that every carrier passes.
package carrier

import (
	"context"
	"time"

	"heliograph/internal/encode"
	"heliograph/internal/sms"
)

// Part is one message part to hand over.
type Part struct {
	ID                sms.PartID
	Number, Total     int
	Reference         uint16 // of the concatenated message; the same for its parts
	Reference16       bool   // it was cut to leave room for a 16-bit reference
	Origination       string
	Kind              sms.IdentityKind
	NumberType        sms.NumberType
	Destination       string // E.164 with +
	Country           string
	Text              string // of this part
	Encoding          encode.Encoding
	Expires           time.Time // validity period
	CountryParameters map[string]string
	Resent            bool // it may have reached the carrier before
}

// OutcomeKind says what a carrier did with a part.
type OutcomeKind int

const (
	// Accepted: the carrier has it. CarrierMessageID is set if it gave one.
	Accepted OutcomeKind = iota + 1
	// Refused for good; Status is the message status that follows.
	Refused
	// RetryLater: not this time (throttled, queue full, a passing error).
	RetryLater
	// OtherRoute: this carrier cannot take it now (no session is bound); another
	// identity's carrier may. The part was certainly not sent.
	OtherRoute
	// Unknown: it was written, and the answer was lost. It may have been sent.
	Unknown
)

// Outcome is a carrier's answer to one Submit.
type Outcome struct {
	Kind             OutcomeKind
	CarrierMessageID string        // as the carrier wrote it
	IndexID          string        // its canonical form where that differs; see Index
	Status           sms.Status    // for Refused
	Code             string        // the carrier's own, for instance ESME_RTHROTTLED
	Detail           string        // in words
	Pause            time.Duration // for RetryLater: hold the whole carrier back this long
}

// Index is the id to give to IndexKey, so that a receipt finds the part. It is
// empty when the carrier gave no id.
func (o Outcome) Index() string {
	if o.IndexID != "" {
		return o.IndexID
	}
	return o.CarrierMessageID
}

// Receipt is a carrier's word on a part that it took before.
type Receipt struct {
	Carrier           string
	CarrierMessageIDs []string   // candidates, the likeliest first, in the form of Outcome.Index
	Destination       string     // the recipient, digits with or without +; may be empty
	Final             bool       // false for a report on the way
	Status            sms.Status // when final
	Code              string     // the network's error code
	Detail            string     // the receipt as it came, for the message's story
	Deactivated       bool       // it says that the recipient's number is out of service
	At                time.Time
}

// Inbound is a message part from a recipient's handset. From and To are phone numbers
// in E.164 format with +, short codes without, and what is neither, such as an
// alphanumeric sender, as it came.
type Inbound struct {
	Carrier  string
	From, To string
	Text     string // UTF-8
	// Head and Tail are what is left of UTF-16 pairs that were cut between two parts: the
	// low half that Text would begin with, the high half that it would end with; 0 for
	// none.
	Head, Tail  uint16
	Binary      bool   // it is data for a program; Text is empty
	Reference   uint16 // of the concatenated message
	Reference16 bool   // the reference has 16 bits; it never matches one of 8
	Total       int    // 1 for a message of one part
	Number      int
	At          time.Time
	// Outcome, where it is not nil, is filled in before done is called.
	Outcome *InboundOutcome
}

// InboundOutcome is what became of a message from a handset, or of a part of one.
type InboundOutcome struct {
	Result       InboundResult
	Account      string
	PhoneNumber  string // id
	Message      sms.ID // 0 while parts are missing
	Keyword      string // that the message begins with
	Reply        sms.ID // the message that answers it; 0 for none
	ReplyRefused string // why there is none, though the keyword has one
	Published    bool   // to the two-way channel
}

// InboundResult sums an InboundOutcome up.
type InboundResult string

const (
	InboundOptedOut  InboundResult = "opted_out"
	InboundOptedIn   InboundResult = "opted_in"
	InboundAnswered  InboundResult = "answered"       // and not published
	InboundPublished InboundResult = "published"      // with an answer or without
	InboundDropped   InboundResult = "dropped"        // it had no effect: no keyword or none for this sender, and not published
	InboundUnknown   InboundResult = "unknown_number" // nobody leases the number that it is for
	InboundBinary    InboundResult = "binary"         // dropped: no text
	InboundKept      InboundResult = "kept"           // a part that waits for the others
	InboundDuplicate InboundResult = "duplicate"      // a part that was there before
)

// Sink is where a carrier brings what comes in. done is called exactly once,
// from any goroutine: with nil when it is durable, so that the carrier may
// acknowledge it; with an error when it is not, so that the carrier answers a
// temporary error and gets it again. Calls return at once.
type Sink interface {
	Receipt(r Receipt, done func(error))
	Inbound(m Inbound, done func(error))
}

// State is how a carrier stands, for the operator and for choosing a route.
type State struct {
	Up       bool   // parts can be handed over now
	Sessions int    // bound
	Detail   string // why it is down
}

// Carrier takes parts. Methods are safe for concurrent use.
type Carrier interface {
	Name() string
	// Traits are constant.
	Traits() Traits
	// Start begins to connect and keeps connected until ctx ends; it does not
	// wait for the connection. What comes in goes to sink; changed is called, from
	// any goroutine, whenever State may have changed or Room may have grown. It
	// must not wait. Start is called once.
	Start(ctx context.Context, sink Sink, changed func()) error
	// Room is how many parts can be handed over without waiting.
	Room() int
	// Submit hands over a part. done is called exactly once, from any goroutine,
	// before Submit returns or after, and must not wait. Submit itself does not
	// wait: beyond Room it answers RetryLater, and before Start, after Close and
	// while State is not up OtherRoute.
	Submit(p Part, done func(Outcome))
	State() State
	// Close finishes what is in flight until ctx ends, then disconnects. Every
	// part submitted before has its outcome when Close returns.
	Close(ctx context.Context) error
}

// Traits are facts about a carrier that others plan with.
type Traits struct {
	// Receipts: it sends delivery receipts, so SUCCESSFUL is not final.
	Receipts bool
	// Reference16: concatenated parts carry 16-bit references in a 7-octet
	// header, which leaves 152 septets or 66 UTF-16 units a part.
	Reference16 bool
	// Alphabet is what data_coding 0 means to it. Texts for it are cut with
	// encode.Options of this alphabet; a part in characters that it lacks is
	// refused where it is one of several. Empty is the GSM alphabet.
	Alphabet encode.Alphabet
	// PartsPerSecond bounds all lanes together; 0 is no limit.
	PartsPerSecond float64
}

// IndexKey is how receipts find the part they speak of: the same function is
// applied to the id of a submit_sm_resp and to the candidates of a receipt.
// Carriers put ids in canonical form first.
func IndexKey(carrierName, carrierMessageID string) uint64 {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := 0; i < len(carrierName); i++ {
		h = (h ^ uint64(carrierName[i])) * prime
	}
	h = (h ^ 0xff) * prime
	for i := 0; i < len(carrierMessageID); i++ {
		h = (h ^ uint64(carrierMessageID[i])) * prime
	}
	return h
}
