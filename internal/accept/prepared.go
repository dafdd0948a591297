package accept

import (
	"context"
	"fmt"
	"time"

	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/usage"
)

// Prepared is a message that has passed every check and whose spend is set aside. Its
// caller puts it Into a change and commits that, or else has to Abandon it.
type Prepared struct {
	service  *Service
	message  *sms.Message
	queued   store.Queued
	filtered bool
	spend    store.SpendDelta
	taken    usage.Reservation // set aside for spend
	entries  []store.EntryWrite
}

// MessageID is the message's, which is to be told to nobody before the commit.
func (p *Prepared) MessageID() string { return p.service.messageID.Format(p.message.ID) }

// Message is the message as it is written.
func (p *Prepared) Message() *sms.Message { return p.message }

// Into adds all that is written with the message to a change.
func (p *Prepared) Into(c *store.Change) {
	c.Accept = append(c.Accept, store.Accepted{Message: p.message, Queued: p.queued})
	if m := p.message; p.filtered {
		c.Parts = append(c.Parts, store.PartChange{
			Update:  sms.PartUpdate{Message: m.ID, Parts: m.Parts, Kind: sms.UpdateUnsentFinal, Status: sms.StatusProtectBlocked, At: m.AcceptedAt},
			Account: m.Account, ConfigurationSet: m.ConfigurationSet, Expires: m.ExpiresAt,
		})
	} else {
		c.Spend = append(c.Spend, p.spend) // also of what costs nothing: its parts are counted
	}
	c.Entries = append(c.Entries, p.entries...)
}

// Abandon gives back what was set aside for a message that is not sent.
func (p *Prepared) Abandon() { p.service.ledger.Return(p.taken) }

// Reply prepares the answer to a message from a handset: from the number that was
// written to, whatever opt-outs, protect configurations and the sandbox say, without a
// configuration set, and billed. It is accepted with the change that it is put into, so
// that the inbound message, what it does and its answer are one transaction.
//
// Errors: Validation CANNOT_PARSE, DESTINATION_COUNTRY_BLOCKED,
// INVALID_IDENTITY_FOR_DESTINATION_COUNTRY and MAXIMUM_SIZE_EXCEEDED, Conflict
// RESOURCE_NOT_ACTIVE, ServiceQuotaExceeded MONTHLY_SPEND_LIMIT_REACHED_FOR_TEXT: then
// the message has no answer.
func (v *Service) Reply(ctx context.Context, s *resources.Snapshot, from *sms.PhoneNumber, to, body string) (*Prepared, error) {
	now := v.now()
	r := Request{Destination: to, OriginationIdentity: from.ID, Body: body, MessageType: from.MessageType}
	d, err := v.decide(ctx, s, r, terms{answers: true}, now)
	if err != nil {
		return nil, fmt.Errorf("answer from %s: %w", from.ID, err)
	}
	return v.prepare(ctx, s, &d, false, now)
}

// pendingFeedback is the list of the messages whose feedback is awaited, by message ID.
var pendingFeedback = store.ListID("feedback")

// prepare sets the spend of a decided message aside and gives it its ID. s is the account
// of its origination identity.
func (v *Service) prepare(ctx context.Context, s *resources.Snapshot, d *decision, traced bool, now time.Time) (*Prepared, error) {
	p := &Prepared{service: v, message: d.message, spend: d.bill(now), filtered: d.protect == sms.ProtectFilter}
	var err error
	if p.taken, err = v.ledger.Reserve(ctx, p.spend, now); err != nil {
		return nil, ownersSpend(d.message, err)
	}
	m := p.message
	if traced {
		m.ID = v.ids.NextTraced(now)
	} else {
		m.ID = v.ids.Next(now)
	}
	m.Reference = reference(m.ID)
	p.queued = store.Queued{ID: m.ID, Lane: m.Route.Lane, Class: store.ClassOf(m.Type), Parts: m.Parts, Due: m.AcceptedAt, Expires: m.ExpiresAt}
	if !p.filtered { // which waits in no shard: it ends in the transaction that accepts it
		p.queued.Shard = v.carriers.Shard(m.Route.Carrier, m.Route.Lane)
	}
	if m.FeedbackEnabled {
		p.entries = append(p.entries, store.EntryWrite{Entry: store.Entry{
			EntryKey: store.EntryKey{List: pendingFeedback, Key: int64(m.ID)}, At: m.AcceptedAt}})
	}
	if !p.filtered {
		p.entries = append(p.entries, Conversation(s, m, m.Route, m.AcceptedAt)...)
	}
	return p, nil
}

// ownersSpend keeps from a sender what the owner of the identity has spent.
func ownersSpend(m *sms.Message, err error) error {
	if e, refused := sms.AsError(err); refused && m.Owner != "" && e.Kind == sms.KindQuotaExceeded {
		return sms.QuotaExceeded(e.Reason, "The account that shares the origination identity has reached its monthly spend limit.")
	}
	return err
}

// Conversation is what is written with a message that route takes from at on: that it
// is the last one to its recipient from a number whose two-way messaging is on. Of other
// origination identities nothing is. s is the account of the identity.
func Conversation(s *resources.Snapshot, m *sms.Message, route sms.Route, at time.Time) []store.EntryWrite {
	n := s.PhoneNumbers.Get(route.IdentityID)
	if n == nil || !n.Value.TwoWay.Enabled {
		return nil
	}
	recipient, ok := sms.DigitsKey(m.Destination)
	if !ok {
		return nil
	}
	return []store.EntryWrite{{Entry: store.Entry{
		EntryKey: store.EntryKey{List: store.ListID(sms.ConversationList(s.Account.ID, n.Value.Number)...), Key: recipient}, At: at, Mark: int64(m.ID)}}}
}
