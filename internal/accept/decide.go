package accept

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"heliograph/internal/encode"
	"heliograph/internal/numbering"
	"heliograph/internal/origin"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/usage"
)

// terms are which checks a message need not pass, and whether it is billed.
type terms struct {
	unverified bool // of an account in the sandbox, to a number that is not verified
	answers    bool // who wrote to the number: protect configurations, opt-out lists and sandbox do not count
	free       bool // it costs nothing
}

// decision is a message that has passed its checks.
type decision struct {
	message *sms.Message
	protect sms.ProtectStatus // ALLOW, MONITOR or FILTER
}

// bill is what the message is billed.
func (d *decision) bill(now time.Time) store.SpendDelta {
	m := d.message
	return usage.Bill(m.Billed(), usage.ChannelText, m.Country, m.Route.PriceKind(), m.Parts, m.Price, m.CarrierFee, now)
}

// decide makes every check but those of spend and of the rate of dry runs, and
// gives the message as it would be written.
func (v *Service) decide(ctx context.Context, s *resources.Snapshot, r Request, t terms, now time.Time) (decision, error) {
	if r.Body == "" {
		return decision{}, sms.Invalid(sms.ReasonMissingParameter, "MessageBody", "MessageBody is required to send a text message.")
	}
	most, err := maxPrice(r.MaxPrice)
	if err != nil {
		return decision{}, err
	}
	destination, err := parseDestination(r.Destination)
	if err != nil {
		return decision{}, err
	}
	set, err := v.configurationSet(s, r.ConfigurationSet)
	if err != nil {
		return decision{}, err
	}
	asked := r.MessageType
	if asked == "" && set != nil {
		asked = set.DefaultMessageType
	}
	route, natural, err := v.choose(r.owner(s), r.OriginationIdentity, destination, asked, set)
	if err != nil {
		return decision{}, err
	}
	if r.Permit != nil && r.OriginationIdentity == "" {
		if err := r.Permit(chosenARN(s, route)); err != nil {
			return decision{}, err
		}
	}
	protected, err := v.guard(ctx, s, &r, t, set, destination, &route, now)
	if err != nil {
		return decision{}, err
	}
	route = v.simulated(destination, route)
	cut, ok := v.carriers.Cut(route.Carrier)
	if !ok {
		return decision{}, fmt.Errorf("origination identity %s belongs to carrier %q, which is not configured", cmp.Or(route.IdentityID, string(route.Kind)), route.Carrier)
	}
	text, err := encode.SplitWith(r.Body, cut)
	if err != nil {
		return decision{}, sms.Invalid(sms.ReasonMaximumSizeExceeded, "MessageBody", "%s", sentence(err))
	}
	price := v.prices.Price(destination.Country.ISO2, route.PriceKind(), now)
	m := &sms.Message{
		Account: s.Account.ID, AcceptedAt: now.UTC().Truncate(time.Millisecond), Destination: destination.Number,
		Country: destination.Country.ISO2, Route: route, Type: cmp.Or(asked, natural), Body: r.Body,
		Encoding: string(text.Encoding), Parts: len(text.Parts), Reference16: text.Reference16, Keyword: r.Keyword,
		CountryParameters: r.CountryParameters, Context: r.Context, MaxPrice: r.MaxPrice,
		Price: price.Part * sms.Money(len(text.Parts)), CarrierFee: price.CarrierFee * sms.Money(len(text.Parts)),
	}
	if owner := r.owner(s).Account.ID; owner != m.Account {
		m.Owner = owner
	}
	m.ExpiresAt = m.AcceptedAt.Add(cmp.Or(r.TimeToLive, DefaultTimeToLive))
	if set != nil {
		m.ConfigurationSet, m.FeedbackEnabled = set.Name, set.DefaultFeedbackEnabled
	}
	if r.FeedbackEnabled != nil {
		m.FeedbackEnabled = *r.FeedbackEnabled
	}
	if total := m.Price + m.CarrierFee; r.MaxPrice != "" && total > most {
		return decision{}, sms.Invalid(sms.ReasonPriceOverThreshold, "MaxPrice", "The message costs %s USD, more than the MaxPrice of %s USD.", total, most)
	}
	if t.free || protected == sms.ProtectFilter {
		m.Price, m.CarrierFee = 0, 0
	}
	return decision{m, protected}, nil
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
