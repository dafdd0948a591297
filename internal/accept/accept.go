// Package accept turns a SendTextMessage into a durable message: the checks in
// their order, the origination identity, the parts and the price, then one
// transaction that writes message, queue entry, QUEUED event and what it is billed.
// The MessageId is answered only after that transaction.
//
// Answers to messages from handsets and verification codes take the same way, with
// some of the checks left out.
package accept

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"heliograph/internal/encode"
	"heliograph/internal/origin"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/trace"
	"heliograph/internal/usage"
)

// Request is a SendTextMessage whose shape was found right. Empty members were
// not given.
type Request struct {
	Destination          string
	OriginationIdentity  string // number, id, ARN, sender ID, pool id or pool ARN
	Body                 string
	MessageType          sms.MessageType
	Keyword              string
	ConfigurationSet     string // name or ARN
	MaxPrice             string // USD
	TimeToLive           time.Duration
	Context              map[string]string
	CountryParameters    map[string]string
	DryRun               bool
	ProtectConfiguration string // id or ARN
	FeedbackEnabled      *bool
	// Permit says whether the sender may use the origination identity of an ARN that was
	// chosen, as OriginationIdentity names none; "*" is a shared route. nil: any.
	Permit func(arn string) error `json:"-"`
	// IdempotencyKey makes a repetition of the request answer what the first one was
	// answered, for IdempotencyLife. Empty: every request is one of its own.
	IdempotencyKey string
	Trace          *trace.Request // nil: the message is not traced

	// Owner is the account that OriginationIdentity, an ARN, is of, where that is not
	// the sender's and has allowed the sender to use it: the caller sees to that. It is
	// billed, and the identity's settings and opt-out lists are its own. nil: the
	// sender's account.
	Owner *resources.Snapshot `json:"-"`
}

// owner is the account of the origination identity.
func (r *Request) owner(sender *resources.Snapshot) *resources.Snapshot {
	if r.Owner != nil {
		return r.Owner
	}
	return sender
}

// Route facts that the carriers give.
type Carriers interface {
	// Cut is how a carrier wants texts cut; ok is false for an unknown carrier.
	Cut(carrier string) (o encode.Options, ok bool)
	// Shard is where the messages of a lane wait for a carrier.
	Shard(carrier, lane string) string
	Healthy(carrier string) bool
	// Backlog is how many seconds of sending wait in a lane.
	Backlog(lane string) float64
}

// Entries reads lists of the store; see store.Lists.
type Entries interface {
	Entries(ctx context.Context, keys []store.EntryKey) ([]*store.Entry, error)
	EntriesAfter(ctx context.Context, scan store.EntryScan) ([]store.Entry, error)
}

// OptOuts tells who is on an opt-out list, by the list's number (store.ListID) and the
// recipient's in E.164.
type OptOuts interface {
	OptedOut(ctx context.Context, list int64, number string) (bool, error)
}

// Prices are what message parts cost: a *usage.Book, or *usage.Prices, which change.
type Prices interface {
	Price(country, route string, at time.Time) usage.Price
}

// Service accepts messages.
type Service struct {
	committer *store.Committer
	entries   Entries
	optOuts   OptOuts
	lists     *listIDs
	protected func(account, country string, s sms.ProtectStatus)
	ids       *sms.IDs
	messageID *sms.MessageIDs
	prices    Prices
	ledger    *usage.Ledger
	carriers  Carriers
	shared    []sms.SharedRoute
	fallback  string
	simulator string
	region    string
	now       func() time.Time
	state     origin.State
	sticky    *sticky
	dryRuns   *dryRuns
	log       *slog.Logger
}

// Options are what a Service is made of.
type Options struct {
	Committer *store.Committer
	Entries   Entries
	OptOuts   OptOuts
	// Protected is told of every message that a protect configuration blocked, filtered
	// or has monitored; may be nil.
	Protected      func(account, country string, s sms.ProtectStatus)
	IDs            *sms.IDs
	MessageIDs     *sms.MessageIDs
	Prices         Prices
	Ledger         *usage.Ledger
	Carriers       Carriers
	SharedRoutes   []sms.SharedRoute
	DefaultCarrier string // takes sender IDs that nothing ties to a carrier
	// SimulatorCarrier takes every message to a simulator's destination, which
	// never leaves for a carrier's network (guide chapter 3, "Simulator phone
	// numbers"); empty where there is none.
	SimulatorCarrier string
	Region           string
	Now              func() time.Time
	Log              *slog.Logger
}

// New makes a Service.
func New(o Options) *Service {
	v := &Service{committer: o.Committer, entries: o.Entries, optOuts: o.OptOuts, lists: newListIDs(), protected: o.Protected, ids: o.IDs, messageID: o.MessageIDs, prices: o.Prices, ledger: o.Ledger,
		carriers: o.Carriers, shared: o.SharedRoutes, fallback: o.DefaultCarrier, simulator: o.SimulatorCarrier,
		region: o.Region, now: o.Now, sticky: newSticky(), dryRuns: newDryRuns(), log: o.Log}
	if v.protected == nil {
		v.protected = func(string, string, sms.ProtectStatus) {}
	}
	v.state = origin.State{Healthy: o.Carriers.Healthy, Backlog: o.Carriers.Backlog, Last: v.sticky.get}
	return v
}

// DefaultTimeToLive is how long a message may wait where the request does not
// say (model, TimeToLive): 72 hours.
const DefaultTimeToLive = 72 * time.Hour

// Send checks a request in the account of s and accepts it. It answers the
// MessageId, which of a dry run is a fresh one that is not kept.
//
// Errors are those of the model's SendTextMessage. The checks are made in one
// order, and the first that fails answers: the shape, the destination and its
// country, the configuration set, the origination identity, the protect
// configuration, the opt-out list, the sandbox, the size, MaxPrice, the spend limit.
func (v *Service) Send(ctx context.Context, s *resources.Snapshot, r Request) (string, error) {
	return v.send(ctx, s, r, terms{})
}

// SendVerification sends a code that verifies its destination number, which need not be
// verified. A free one costs nothing and counts in no spend. Everything else is as in
// Send.
func (v *Service) SendVerification(ctx context.Context, s *resources.Snapshot, r Request, free bool) (messageID string, err error) {
	return v.send(ctx, s, r, terms{unverified: true, free: free})
}

func (v *Service) send(ctx context.Context, s *resources.Snapshot, r Request, t terms) (string, error) {
	now := v.now()
	repeat, first, err := v.repeated(ctx, s.Account.ID, &r, now)
	if err != nil || first != "" {
		return first, err
	}
	d, err := v.decide(ctx, s, r, t, now)
	if err != nil {
		return "", err
	}
	if r.DryRun {
		return v.dryRun(ctx, &d, now)
	}
	p, err := v.prepare(ctx, r.owner(s), &d, r.Trace != nil, now)
	if err != nil {
		return "", err
	}
	var decided time.Time
	if r.Trace != nil {
		decided = v.now()
	}
	if first, err = v.commit(ctx, p, repeat, now); err != nil || first != "" {
		return first, err
	}
	m := p.message
	if r.Trace != nil {
		r.Trace.Accepted(m, now, decided, v.now())
	}
	if m.Route.PoolID != "" {
		v.sticky.put(m.Route.PoolID, m.Destination, m.Route.Identity)
	}
	if d.protect == sms.ProtectMonitor || d.protect == sms.ProtectFilter {
		v.protected(m.Account, m.Country, d.protect)
	}
	id := p.MessageID()
	if v.log.Enabled(ctx, slog.LevelDebug) {
		v.log.LogAttrs(ctx, slog.LevelDebug, "message accepted", slog.String("message_id", id), slog.String("account", m.Account),
			slog.String("lane", m.Route.Lane), slog.Int("parts", m.Parts), slog.String("why", m.Route.Why))
	}
	return id, nil
}

// dryRun makes the checks that are left and keeps nothing.
func (v *Service) dryRun(ctx context.Context, d *decision, now time.Time) (string, error) {
	m := d.message
	if err := v.ledger.Check(ctx, d.bill(now)); err != nil {
		return "", ownersSpend(m, err)
	}
	if err := v.dryRuns.take(m.Route, m.Parts, now); err != nil {
		return "", err
	}
	return v.messageID.Format(v.ids.Next(now)), nil
}

// refusal says what a client is told when the store could not keep a message:
// to try again, where another attempt may find it able to.
func refusal(err error) error {
	for _, passing := range []error{store.ErrUnavailable, store.ErrFull, store.ErrClosed} {
		if errors.Is(err, passing) {
			return &sms.Error{Kind: sms.KindThrottled, Message: "The service cannot keep messages at the moment. Try again.", Err: err}
		}
	}
	return fmt.Errorf("accept message: %w", err)
}

// reference is the number that ties the parts of a message together. It must
// differ between messages to one recipient that are close in time, in both widths
// of reference, so all bits of the ID are mixed into each of its bytes.
func reference(id sms.ID) uint16 {
	h := uint64(id)
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return uint16(h >> 48)
}
