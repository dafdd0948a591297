package store

import (
	"context"
	"errors"
	"time"

	"heliograph/internal/sms"
)

// Errors that stop a whole batch. Callers find them with errors.Is.
var (
	// ErrFull: the disk is full; reads go on, new messages must be refused.
	ErrFull = errors.New("store is full")
	// ErrUnavailable: the database cannot be reached or is busy; nothing was written.
	ErrUnavailable = errors.New("store is unavailable")
	// ErrFenced: another node took over this slot; nothing was written and
	// nothing may be sent any more.
	ErrFenced = errors.New("store fence is lost")
	// ErrUnknown: the engine was closed, or its slot taken over, before the database
	// could say whether the changes were written. Only what is read from it tells.
	ErrUnknown = errors.New("outcome of a commit is unknown")
	// ErrBroken: the database failed in a way after which its answers cannot be
	// trusted (an I/O error); the process has to end.
	ErrBroken = errors.New("store is broken")
)

// ErrVersion is the answer to a single change whose resources, or entries with Expect,
// were changed by somebody else since they were read. Other changes of the batch are
// not touched.
var ErrVersion = errors.New("resource was changed meanwhile")

// ErrExists is the answer to a single change that accepts a message whose ID is
// taken, or puts an entry Absent where there is one. Other changes of the batch are
// not touched.
var ErrExists = errors.New("in the store already")

// ErrNotFound is answered by lookups of a single row.
var ErrNotFound = errors.New("not in the store")

// Fence proves that this process owns its node slot. Every commit checks it.
type Fence struct {
	Slot  int
	Epoch int64
}

// Class orders a lane: TRANSACTIONAL before PROMOTIONAL.
type Class int8

const (
	ClassTransactional Class = 0
	ClassPromotional   Class = 1
)

// ClassOf is the class of a message type.
func ClassOf(t sms.MessageType) Class {
	if t == sms.Promotional {
		return ClassPromotional
	}
	return ClassTransactional
}

// Queued is an open message of which nothing was handed over yet.
type Queued struct {
	ID       sms.ID
	Shard    string // the carrier whose binds it leaves through
	Lane     string
	Class    Class
	Parts    int
	Due      time.Time  // not before
	Expires  time.Time  // end of its time to live
	Attempts int        // submissions refused for the moment so far
	Route    *sms.Route // where it differs from the message's own
}

// Place is where a message stands in its shard's queue. The zero Place is before
// all. Which lane comes before which is the engine's own.
type Place struct {
	Lane  string
	Class Class
	ID    sms.ID
}

// LaneLength is how much of a class waits in a lane.
type LaneLength struct {
	Lane            string
	Class           Class
	Messages, Parts int64
}

// Place is where q stands in its shard's queue.
func (q *Queued) Place() Place { return Place{q.Lane, q.Class, q.ID} }

// Awaiting is an open message of which at least one part was handed over.
type Awaiting struct {
	ID       sms.ID
	Shard    string
	Expires  time.Time // for its unsent parts
	Progress sms.Progress
}

// Dispatch marks parts as in flight before they are written to a carrier. After
// a crash, parts that are marked and have no outcome may have been sent.
type Dispatch struct {
	Seq   int64  // ascending within the slot, given by the caller
	Shard string // that hands them over
	Parts []sms.PartID
	// Recipients are those that messages of the batch are about to leave for, where
	// nodes have to agree on the time between two messages to one recipient. The
	// parts are marked whatever comes of it. An engine that one node has for itself
	// leaves them alone.
	Recipients []Recipient
}

// Recipient asks for a recipient's next slot, once a message.
type Recipient struct {
	Key      uint64        // throttle.RecipientKey
	Interval time.Duration // between two messages to it
	Wait     time.Duration // set by the engine: 0 where the slot was taken, or else the time until there is one
}

// Event is a row of the event log. Seq is given by the engine. ConfigurationSet
// is empty where nobody subscribed: such a row is kept for the message's story.
type Event struct {
	Slot             int
	Seq              int64
	Message          sms.ID
	Account          string
	ConfigurationSet string
	Status           sms.Status // the event type is TEXT_<Status>
	At               time.Time
	Final            bool
	Detail           EventDetail
}

// StatusTaken marks story rows of messages whose last part was taken by a carrier
// after another part had failed, so that no StatusSuccessful tells of it: other nodes
// learn from them what the carrier calls the parts. They are never published.
const StatusTaken sms.Status = "TAKEN"

// Aside reports that the event is of the message's story alone: it is never
// published, and tells nothing of how the message stands.
func (e *Event) Aside() bool {
	return e.Status == StatusLateReceipt || e.Status == StatusMoved || e.Status == StatusTaken || e.Status == StatusFeedback
}

// EventBytes is about how many bytes one read of events gives at most, besides the last
// of them: what is published to a topic may have 256 KiB.
const EventBytes = 4 << 20

// EventDetail is what an event adds to its message.
type EventDetail struct {
	Description string             `json:"description,omitempty"` // overrides the status's own
	Route       *sms.Route         `json:"route,omitempty"`       // where it differs from the message's own
	Content     *EventContent      `json:"content,omitempty"`     // of events that bring their own
	Parts       []sms.PartProgress `json:"parts,omitempty"`
	Attempts    int                `json:"attempts,omitempty"`
}

// EventContent is what is published of an event that is not about a text message's
// state, as it is.
type EventContent struct {
	Body       []byte            `json:"body"`
	Subject    string            `json:"subject,omitempty"`
	Attributes map[string]string `json:"attributes,omitempty"` // of an SNS message, as JSON objects
}

// StatusInbound marks a message from a handset, whose content is what the two-way
// channel of its number gets; StatusPublication what somebody published to an embedded
// topic; StatusFeedback, of the story alone, the feedback that a message had. None of
// them tells of how a message stands.
const (
	StatusInbound     sms.Status = "INBOUND"
	StatusPublication sms.Status = "PUBLICATION"
	StatusFeedback    sms.Status = "FEEDBACK"
)

// StatusLateReceipt marks story rows of receipts that came after the final one.
// They are never published.
const StatusLateReceipt sms.Status = "LATE_RECEIPT"

// StatusMoved marks story rows of messages that were moved to another shard; see
// Requeue.Moved. They are never published.
const StatusMoved sms.Status = "MOVED"

// Accepted is a new message with its place in the queue. The engine writes its
// QUEUED event.
type Accepted struct {
	Message *sms.Message
	Queued  Queued
}

// PartChange applies one update to an open message. The engine folds it with
// sms.Progress.Fold inside the transaction, moves the message between queued,
// awaiting and gone, and writes the events that follow, with the progress's
// parts in their detail. Result is set by the engine.
type PartChange struct {
	Update sms.PartUpdate
	Shard  string // of the awaiting row; counts for UpdateTaken and UpdateSettled
	// Account and ConfigurationSet are the message's, so that its events can be
	// written without reading it.
	Account, ConfigurationSet string
	Expires                   time.Time // of the message, kept in the awaiting row
	Result                    PartResult
}

// PartResult tells what came of a PartChange.
type PartResult int

const (
	PartApplied  PartResult = iota + 1
	PartNoChange            // too late or twice; a receipt of this kind is kept in the story
)

// Requeue puts a queued message back: later, and possibly in another lane.
// Announce writes a PENDING event, for the first time it happens. Moved writes that
// the message is in another shard now, which is how the node that has that shard
// hears of it. A message that is not queued any more is left alone.
type Requeue struct {
	Queued                    Queued
	Announce                  bool
	Moved                     bool
	Description               string
	Account, ConfigurationSet string
	At                        time.Time
}

// ParkedReceipt is a receipt that no part was found for yet.
type ParkedReceipt struct {
	Seq     int64 // ascending within the slot, given by the caller
	Carrier string
	At      time.Time
	Doc     []byte
}

// Change is what one caller wants committed together. Apply sets Err to a
// failure of this change alone (ErrVersion, ErrExists), of which then nothing is
// written.
type Change struct {
	Accept    []Accepted
	Mark      []Dispatch
	Unmark    []SlotSeq // dispatches all of whose parts have outcomes, of any slot
	Parts     []PartChange
	Requeue   []Requeue
	Park      []ParkedReceipt
	Unpark    []SlotSeq // of any slot
	Spend     []SpendDelta
	Cursors   []Cursor
	Lag       []LagBatch
	LagDone   []LagKey
	Losses    []Loss
	Resources []ResourceWrite
	Entries   []EntryWrite
	Logs      []LogEvent
	// Append are events that follow from nothing else in the change; the engine gives
	// them their Slot and Seq. They come after the others in Events.
	Append []Event

	Events []Event // written by this change, with their Seq; set by the engine
	Err    error
}

// SlotSeq names a dispatch, a parked receipt or an event.
type SlotSeq struct {
	Slot int
	Seq  int64
}

// Cursor is how far the router of a slot's event log has come: every event up
// to Seq was published or is in a lag batch.
type Cursor struct {
	Slot int
	Seq  int64
}

// LagKey names a batch of events that a destination has still to get.
type LagKey struct {
	Destination string // account/configuration set/event destination name
	Slot        int
	First       int64 // smallest Seq in the batch
}

// LagBatch is such a batch.
type LagBatch struct {
	LagKey
	Seqs []int64 // ascending
}

// LossKind is why a destination never gets an event.
type LossKind string

const (
	EventsLost    LossKind = "lost"    // refused for good, too old, or not in the store any more
	EventsDropped LossKind = "dropped" // the destination that they waited for was deleted
)

// Loss adds to the number of events of a slot that a destination never gets. It is
// exact where it comes with what settles those events: with the cursor that moves
// past them, or with the lag that they are taken out of. Then a crash leaves either
// both or neither, and events that were not settled come up again.
type Loss struct {
	Destination string // as in LagKey
	Slot        int
	Kind        LossKind
	Events      int64
}

// ResourceKey names a row of the resource table. Account is empty for what
// belongs to the installation (inventory).
type ResourceKey struct {
	Account string
	Kind    string
	ID      string
}

// Resource is a versioned document.
type Resource struct {
	ResourceKey
	Version int64 // from 1, up by one with each write
	Created time.Time
	Tags    map[string]string
	Doc     []byte // JSON
}

// ResourceWrite puts or deletes a resource if it still has the version that the
// caller read: 0 where it must not exist yet. All writes of a change are made or
// none. The engine sets Version to the one that was written.
type ResourceWrite struct {
	Resource
	Expect int64
	Delete bool
}

// Engine is a database behind the contract.
type Engine interface {
	// Join takes a node slot for this process and fences off whoever had it.
	Join(ctx context.Context, node string) (Fence, error)
	// Apply writes the changes in one transaction, in order, and returns when
	// they are durable. A non-nil error means that nothing was
	// written, but for ErrUnknown.
	Apply(ctx context.Context, f Fence, changes []*Change) error

	// LastSeq is the largest event Seq of a slot, 0 for none. LastID is the
	// largest ID made by a slot, of a message or of an event in Change.Append,
	// LastDispatch and LastParked the largest Seq of those rows.
	LastSeq(ctx context.Context, slot int) (int64, error)
	LastID(ctx context.Context, slot int) (sms.ID, error)
	LastDispatch(ctx context.Context, slot int) (int64, error)
	LastParked(ctx context.Context, slot int) (int64, error)

	// QueuedAfter reads a shard's queue, lane by lane, class by class, each in the
	// order of acceptance, after a place in it. QueuedLanes counts all of it.
	QueuedAfter(ctx context.Context, shard string, after Place, limit int) ([]Queued, error)
	QueuedLanes(ctx context.Context, shard string) ([]LaneLength, error)
	// AwaitingAfter, Dispatches and ParkedReceipts scan in ascending order after a
	// key, at most limit rows; AwaitingAfter those of one shard, or with "" of all.
	AwaitingAfter(ctx context.Context, shard string, after sms.ID, limit int) ([]Awaiting, error)
	Dispatches(ctx context.Context, slot int, after int64, limit int) ([]Dispatch, error)
	ParkedReceipts(ctx context.Context, slot int, after int64, limit int) ([]ParkedReceipt, error)

	// Shards are the shards that have queued or awaiting messages.
	Shards(ctx context.Context) ([]string, error)

	// Messages fills in the messages with these ids, in their order, nil for
	// one that is not there.
	Messages(ctx context.Context, ids []sms.ID) ([]*sms.Message, error)
	// Open is the open row of a message; both are nil when it is final.
	Open(ctx context.Context, id sms.ID) (*Queued, *Awaiting, error)
	// MessageEvents is a message's events in order.
	MessageEvents(ctx context.Context, id sms.ID) ([]Event, error)
	// MessagesOf lists an account's newest messages before an ID (0: from the
	// newest), at most limit.
	MessagesOf(ctx context.Context, account string, before sms.ID, limit int) ([]*sms.Message, error)

	// EventsAfter reads a slot's log. EventsAt reads the named rows, which are named in
	// ascending order. Both answer in the order of the log, and leave off once the
	// details of what they read come to EventBytes: only an answer without events says
	// that there are no more.
	EventsAfter(ctx context.Context, slot int, after int64, limit int) ([]Event, error)
	EventsAt(ctx context.Context, slot int, seqs []int64) ([]Event, error)
	Cursors(ctx context.Context) ([]Cursor, error)
	// LagBatches are the batches of a slot's events that a destination has still to
	// get, the oldest first.
	LagBatches(ctx context.Context, destination string, slot, limit int) ([]LagBatch, error)
	LagDestinations(ctx context.Context) ([]string, error)

	// Spend is what an account spent in a month on a channel, all countries and
	// routes together.
	Spend(ctx context.Context, account, month, channel string) (sms.Money, error)

	// Resources reads every resource of an account, "" for the installation's.
	Resources(ctx context.Context, account string) ([]Resource, error)

	// Counts are row counts for metrics and the operator.
	Counts(ctx context.Context) (Counts, error)
	Close() error
}

// Counts are the numbers of open rows.
type Counts struct {
	Queued     int64
	Awaiting   int64
	Dispatches int64
	Parked     int64
}
