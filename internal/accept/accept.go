// Package accept turns a SendTextMessage into a durable message: the checks in
// their order, the origination identity, the parts and the price, then one
// transaction that writes message, queue entry, QUEUED event and spend. The
// MessageId is answered only after that transaction.
package accept

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"heliograph/internal/encode"
	"heliograph/internal/numbering"
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
	Trace                *trace.Request // nil: the message is not traced
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

// Service accepts messages.
type Service struct {
	committer *store.Committer
	ids       *sms.IDs
	messageID *sms.MessageIDs
	book      *usage.Book
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
	Committer      *store.Committer
	IDs            *sms.IDs
	MessageIDs     *sms.MessageIDs
	Book           *usage.Book
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
	v := &Service{committer: o.Committer, ids: o.IDs, messageID: o.MessageIDs, book: o.Book, ledger: o.Ledger,
		carriers: o.Carriers, shared: o.SharedRoutes, fallback: o.DefaultCarrier, simulator: o.SimulatorCarrier,
		region: o.Region, now: o.Now, sticky: newSticky(), dryRuns: newDryRuns(), log: o.Log}
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
// configuration, the sandbox, the size, MaxPrice, the spend limit.
func (v *Service) Send(ctx context.Context, s *resources.Snapshot, r Request) (string, error) {
	now := v.now()
	m, err := v.decide(s, r, now)
	if err != nil {
		return "", err
	}
	if r.DryRun {
		return v.dryRun(ctx, m, now)
	}
	spend, err := v.ledger.Reserve(ctx, m.Account, m.Price+m.CarrierFee, now)
	if err != nil {
		return "", err
	}
	var decided time.Time
	if r.Trace == nil {
		m.ID = v.ids.Next(now)
	} else {
		m.ID, decided = v.ids.NextTraced(now), v.now()
	}
	m.Reference = reference(m.ID)
	change := &store.Change{
		Accept: []store.Accepted{{Message: m, Queued: store.Queued{
			ID: m.ID, Shard: v.carriers.Shard(m.Route.Carrier, m.Route.Lane), Lane: m.Route.Lane, Class: store.ClassOf(m.Type),
			Parts: m.Parts, Due: m.AcceptedAt, Expires: m.ExpiresAt,
		}}},
	}
	if spend.Amount() != 0 {
		change.Spend = []store.SpendDelta{spend}
	}
	if err := v.committer.Commit(change); err != nil {
		v.ledger.Return(spend)
		return "", refusal(err)
	}
	if r.Trace != nil {
		r.Trace.Accepted(m, now, decided, v.now())
	}
	if m.Route.PoolID != "" {
		v.sticky.put(m.Route.PoolID, m.Destination, m.Route.Identity)
	}
	id := v.messageID.Format(m.ID)
	if v.log.Enabled(ctx, slog.LevelDebug) {
		v.log.LogAttrs(ctx, slog.LevelDebug, "message accepted", slog.String("message_id", id), slog.String("account", m.Account),
			slog.String("lane", m.Route.Lane), slog.Int("parts", m.Parts), slog.String("why", m.Route.Why))
	}
	return id, nil
}

// dryRun makes the checks that are left and keeps nothing.
func (v *Service) dryRun(ctx context.Context, m *sms.Message, now time.Time) (string, error) {
	if err := v.ledger.Check(ctx, m.Account, m.Price+m.CarrierFee, now); err != nil {
		return "", err
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

// decide makes every check but those of spend and of the rate of dry runs, and
// gives the message as it would be written.
func (v *Service) decide(s *resources.Snapshot, r Request, now time.Time) (*sms.Message, error) {
	if r.Body == "" {
		return nil, sms.Invalid(sms.ReasonMissingParameter, "MessageBody", "MessageBody is required to send a text message.")
	}
	most, err := maxPrice(r.MaxPrice)
	if err != nil {
		return nil, err
	}
	destination, err := parseDestination(r.Destination)
	if err != nil {
		return nil, err
	}
	set, err := v.configurationSet(s, r.ConfigurationSet)
	if err != nil {
		return nil, err
	}
	asked := r.MessageType
	if asked == "" && set != nil {
		asked = set.DefaultMessageType
	}
	route, natural, err := v.choose(s, r.OriginationIdentity, destination, asked, set)
	if err != nil {
		return nil, err
	}
	if r.ProtectConfiguration != "" {
		return nil, v.protectConfiguration(s, r.ProtectConfiguration)
	}
	if s.Account.Tier != resources.Production && !destination.Simulator {
		return nil, sms.Conflict(sms.ReasonDestinationNotVerified, sms.TypeVerifiedNumber, r.Destination,
			"The account is in the sandbox, where messages go only to verified destination numbers and to the simulator's.")
	}
	route = v.simulated(destination, route)
	cut, ok := v.carriers.Cut(route.Carrier)
	if !ok {
		return nil, fmt.Errorf("origination identity %s belongs to carrier %q, which is not configured", route.Identity, route.Carrier)
	}
	text, err := encode.SplitWith(r.Body, cut)
	if err != nil {
		return nil, sms.Invalid(sms.ReasonMaximumSizeExceeded, "MessageBody", "%s", sentence(err))
	}
	price := v.book.Price(destination.Country.ISO2, route.PriceKind())
	m := &sms.Message{
		Account: s.Account.ID, AcceptedAt: now.UTC().Truncate(time.Millisecond), Destination: destination.Number,
		Country: destination.Country.ISO2, Route: route, Type: cmp.Or(asked, natural), Body: r.Body,
		Encoding: string(text.Encoding), Parts: len(text.Parts), Reference16: text.Reference16, Keyword: r.Keyword,
		CountryParameters: r.CountryParameters, Context: r.Context, MaxPrice: r.MaxPrice,
		Price: price.Part * sms.Money(len(text.Parts)), CarrierFee: price.CarrierFee * sms.Money(len(text.Parts)),
	}
	m.ExpiresAt = m.AcceptedAt.Add(cmp.Or(r.TimeToLive, DefaultTimeToLive))
	if set != nil {
		m.ConfigurationSet, m.FeedbackEnabled = set.Name, set.DefaultFeedbackEnabled
	}
	if r.FeedbackEnabled != nil {
		m.FeedbackEnabled = *r.FeedbackEnabled
	}
	if total := m.Price + m.CarrierFee; r.MaxPrice != "" && total > most {
		return nil, sms.Invalid(sms.ReasonPriceOverThreshold, "MaxPrice", "The message costs %s USD, more than the MaxPrice of %s USD.", total, most)
	}
	return m, nil
}

// simulated keeps a message to a simulator's destination from the network of the
// carrier that its identity belongs to. It gets a lane of its own there.
func (v *Service) simulated(d origin.Destination, r sms.Route) sms.Route {
	if d.Simulator && v.simulator != "" && r.Carrier != v.simulator {
		r.Carrier = v.simulator
		r.Lane += "/simulator"
		r.Why += "; the destination is a simulator's"
	}
	return r
}

// maxPrice reads a MaxPrice; an empty one is not looked at.
func maxPrice(limit string) (sms.Money, error) {
	if limit == "" {
		return 0, nil
	}
	most, err := sms.ParseMoney(limit)
	if err != nil {
		return 0, sms.Invalid(sms.ReasonInvalidParameter, "MaxPrice", "MaxPrice has to be an amount: %s.", err)
	}
	return most, nil
}

func parseDestination(s string) (origin.Destination, error) {
	number, err := numbering.Parse(s)
	if err != nil {
		return origin.Destination{}, sms.Invalid(sms.ReasonCannotParse, "DestinationPhoneNumber", "%s", sentence(err))
	}
	country, served := numbering.Lookup(number.Country)
	if !served {
		return origin.Destination{}, sms.Invalid(sms.ReasonDestinationCountryBlocked, "DestinationPhoneNumber",
			"Messages cannot be sent to this country (%s).", orUnknown(number.Country))
	}
	_, _, simulator := numbering.Simulator(number.E164)
	return origin.Destination{Number: number.E164, Country: country, Simulator: simulator}, nil
}

func orUnknown(country string) string {
	if country == "" {
		return "a number of no country"
	}
	return country
}

// sentence makes an error's text a sentence of its own.
func sentence(err error) string {
	text := err.Error()
	return strings.ToUpper(text[:1]) + text[1:] + "."
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
