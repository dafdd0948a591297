package inbound

import (
	"heliograph/internal/carrier"
	"heliograph/internal/keyword"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// settings are what a phone number, or the pool that it is in, does with messages.
type settings struct {
	number             sms.NumberType
	twoWay             bool
	selfManagedOptOuts bool
	keywords           []sms.Keyword // all that are in effect
	required           []sms.Keyword // of these, those that every such number has
	optOutList         string        // name
}

// settingsOf are those of a phone number of an account. A pool has one set of keywords
// for all of its numbers; its other settings are each number's too.
func settingsOf(s *resources.Snapshot, n *sms.PhoneNumber) settings {
	id, types := n.ID, []sms.NumberType{n.Type}
	if n.PoolID != "" {
		id, types = n.PoolID, nil
		for _, member := range s.Members(n.PoolID).Numbers {
			types = append(types, member.Type)
		}
	}
	var own []sms.Keyword
	if item := s.Keywords.Get(id); item != nil {
		own = item.Value.Own
	}
	effective, required := keyword.OfNumber(own, n.Type, types...)
	return settings{number: n.Type, twoWay: n.TwoWay.Enabled, selfManagedOptOuts: n.SelfManagedOptOuts,
		keywords: effective, required: required, optOutList: n.OptOutList}
}

// decision is what follows from a message.
type decision struct {
	keyword string // that it begins with, empty for none
	optOut  bool
	optIn   bool
	reply   string // empty: it is not answered
	publish bool   // to the two-way channel
}

// decide says what follows from a message to a number with these settings. Where text
// is not the beginning of a message it has no keyword.
//
// A keyword does what it was put for with two-way messages on or off; HELP, STOP and
// the other required keywords are not published. Where opt-outs are self-managed it is
// the account that does everything: all is published, and nothing else happens.
func decide(s settings, text string, beginning bool) decision {
	var k sms.Keyword
	found := false
	if beginning {
		k, found = keyword.Match(text, s.keywords)
	}
	d := decision{keyword: k.Keyword, publish: s.twoWay}
	if !found || s.selfManagedOptOuts {
		return d
	}
	if _, required := keyword.Find(s.required, k.Keyword); required {
		d.publish = false
	}
	d.optOut, d.optIn = k.Action == sms.OptOut, k.Action == sms.OptIn
	if !keyword.AnsweredByCarrier(k.Keyword, s.number) {
		d.reply = k.Message
	}
	return d
}

// toSender reports whether something follows for the sender.
func (d *decision) toSender() bool { return d.optOut || d.optIn || d.reply != "" }

// withoutSender leaves out what follows for the sender.
func (d *decision) withoutSender() { d.optOut, d.optIn, d.reply = false, false, "" }

// result sums up what was done.
func (d *decision) result(answered bool) carrier.InboundResult {
	switch {
	case d.optOut:
		return carrier.InboundOptedOut
	case d.optIn:
		return carrier.InboundOptedIn
	case d.publish:
		return carrier.InboundPublished
	case answered:
		return carrier.InboundAnswered
	}
	return carrier.InboundDropped
}
