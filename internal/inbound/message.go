package inbound

import (
	"context"
	"errors"

	"heliograph/internal/carrier"
	"heliograph/internal/optout"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Set is the name of the event set that the messages to a phone number are published
// in; id is the number's.
func Set(id string) string { return "two-way:" + id }

// message is one that can be handled: all of its parts are there, or no more will come.
type message struct {
	carrier   string
	from      string
	text      string
	beginning bool // the text is the beginning of the message
	account   *resources.Snapshot
	number    *sms.PhoneNumber
}

// finish commits a message's effect together with what is in change already.
func (f *Flow) finish(m message, change *store.Change) (carrier.InboundOutcome, error) {
	now := f.o.Now()
	d := decide(settingsOf(m.account, m.number), m.text, m.beginning)
	if _, ok := phoneNumber(m.from); !ok && d.toSender() {
		d.withoutSender()
		f.o.Metrics.WithoutNumber.WithLabelValues(m.carrier).Inc()
		f.o.Log.Warn("keyword of a sender without a phone number has no effect", "carrier", m.carrier, "account", m.account.Account.ID,
			"phone_number", m.number.ID, "keyword", d.keyword)
	}
	ctx, cancel := read()
	defer cancel()
	before, err := f.recall(ctx, &m, &d)
	if err != nil {
		return carrier.InboundOutcome{}, err
	}
	id := f.o.IDs.Next(now)
	outcome := carrier.InboundOutcome{Account: m.account.Account.ID, PhoneNumber: m.number.ID, Message: id,
		Keyword: d.keyword, Published: d.publish}
	if w, changed := before.optOut(&d, now); changed {
		change.Entries = append(change.Entries, w)
	}
	if d.publish {
		body, err := Payload{OriginationNumber: m.from, DestinationNumber: m.number.Number, MessageKeyword: d.keyword, MessageBody: m.text,
			InboundMessageID: f.o.MessageIDs.Format(id), PreviousPublishedMessageID: f.previous(before)}.JSON()
		if err != nil {
			return carrier.InboundOutcome{}, wrap("encode the payload of a message", err)
		}
		change.Append = append(change.Append, store.Event{Message: id, Account: m.account.Account.ID, ConfigurationSet: Set(m.number.ID),
			Status: store.StatusInbound, At: now, Detail: store.EventDetail{Content: &store.EventContent{Body: body}}})
	}
	reply, err := f.reply(ctx, &m, &d, change, &outcome)
	if err != nil {
		return carrier.InboundOutcome{}, err
	}
	outcome.Result = d.result(reply != nil)
	if len(change.Entries)+len(change.Append)+len(change.Accept) > 0 {
		if err := f.o.Committer.Commit(change); err != nil {
			if reply != nil {
				reply.Abandon()
			}
			return carrier.InboundOutcome{}, err
		}
	}
	if reply != nil {
		f.answers.add(pair{m.from, m.number.ID}, now)
	}
	f.o.Metrics.Messages.WithLabelValues(m.carrier, string(outcome.Result)).Inc()
	f.o.Log.Info("message from a handset", "carrier", m.carrier, "account", outcome.Account, "phone_number", outcome.PhoneNumber,
		"result", string(outcome.Result), "keyword", outcome.Keyword, "published", outcome.Published, "answered", outcome.Reply != 0)
	return outcome, nil
}

// reply adds the answer to change, if there is one. What happens to a message does not
// depend on whether it may be answered. The error says that the store cannot tell that
// now: then nothing happens, and the message has to come again.
func (f *Flow) reply(ctx context.Context, m *message, d *decision, change *store.Change, outcome *carrier.InboundOutcome) (Reply, error) {
	if d.reply == "" {
		return nil, nil
	}
	var reply Reply
	err := f.answers.refuse(pair{m.from, m.number.ID}, f.o.Now())
	if err == nil {
		reply, err = f.o.Reply(ctx, m.account, m.number, m.from, d.reply)
	}
	if passing(err) {
		return nil, wrap("answer a keyword", err)
	}
	if err != nil {
		outcome.ReplyRefused = err.Error()
		f.o.Metrics.RepliesRefused.Inc()
		f.o.Log.Warn("keyword is not answered", "account", m.account.Account.ID, "phone_number", m.number.ID, "keyword", d.keyword, "error", err)
		return nil, nil
	}
	reply.Into(change)
	if n := len(change.Accept); n > 0 {
		outcome.Reply = change.Accept[n-1].Message.ID
	}
	return reply, nil
}

// passing reports whether another attempt may succeed where this one failed.
func passing(err error) bool {
	for _, e := range []error{store.ErrUnavailable, store.ErrFull, store.ErrFenced, store.ErrClosed, context.DeadlineExceeded, context.Canceled} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// memory is what the store knows of a sender, as far as it matters for a message.
type memory struct {
	key          store.EntryKey // on the opt-out list; without List where it is of no matter
	listed       *store.Entry
	conversation *store.Entry
}

// recall reads what the store knows of the sender of a message.
func (f *Flow) recall(ctx context.Context, m *message, d *decision) (memory, error) {
	var known memory
	var keys []store.EntryKey
	if list := m.account.OptOutLists.Get(m.number.OptOutList); (d.optOut || d.optIn) && list != nil {
		if key, ok := optout.Key(optout.List(m.account.Account.ID, &list.Value, list.Created), m.from); ok {
			known.key = key
			keys = append(keys, key)
		}
	}
	if number, ok := phoneNumber(m.from); ok && d.publish {
		digits, _ := sms.DigitsKey(number)
		keys = append(keys, store.EntryKey{List: store.ListID(sms.ConversationList(m.account.Account.ID, m.number.Number)...), Key: digits})
	}
	if len(keys) == 0 {
		return known, nil
	}
	entries, err := f.o.Lists.Entries(ctx, keys)
	if err != nil {
		return known, wrap("read what is known of the sender of a message", err)
	}
	for i, e := range entries {
		if known.key.List != 0 && keys[i] == known.key {
			known.listed = e
		} else {
			known.conversation = e
		}
	}
	return known, nil
}

// previous is the MessageId of the message that the number sent last to the sender,
// empty for none.
func (f *Flow) previous(known memory) string {
	if known.conversation == nil {
		return ""
	}
	return f.o.MessageIDs.Format(sms.ID(known.conversation.Mark))
}
