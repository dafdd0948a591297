package admin

import (
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
	"heliograph/internal/inventory"
	"heliograph/internal/numbering"
	"heliograph/internal/sms"
)

// SimulateInboundInput is a message that a handset of the simulator sends. From is a
// phone number, a short code or an alphanumeric sender. Carrier is the simulator that
// brings it; empty is the one named sim.
type SimulateInboundInput struct {
	From            string `json:"from"`
	To              string `json:"to"`
	Body            string `json:"body"`
	PartsOutOfOrder bool   `json:"parts_out_of_order,omitempty"` // the last part comes first
	Carrier         string `json:"carrier,omitempty"`
}

// SimulateInboundOutput is what became of the message.
type SimulateInboundOutput struct {
	Result           string `json:"result"`
	Parts            int    `json:"parts"`
	Account          string `json:"account,omitempty"`
	PhoneNumberID    string `json:"phone_number_id,omitempty"`
	InboundMessageID string `json:"inbound_message_id,omitempty"`
	Keyword          string `json:"keyword,omitempty"`
	Published        bool   `json:"published"` // to the two-way channel
	ReplyMessageID   string `json:"reply_message_id,omitempty"`
	ReplyRefused     string `json:"reply_refused,omitempty"` // why there is none
}

// handset is what a simulator has for messages from handsets.
type handset interface {
	Receive(m carrier.Inbound, done func(error))
}

func (a *operations) simulateInbound(ctx context.Context, in SimulateInboundInput) (SimulateInboundOutput, error) {
	simulator, err := a.handset(cmp.Or(in.Carrier, inventory.SimulatorCarrier))
	if err != nil {
		return SimulateInboundOutput{}, err
	}
	parts, err := in.parts(a.Rand)
	if err != nil {
		return SimulateInboundOutput{}, err
	}
	var outcome carrier.InboundOutcome
	for i := range parts {
		parts[i].Outcome = &outcome
		if err := receive(ctx, simulator, parts[i]); err != nil {
			return SimulateInboundOutput{}, fmt.Errorf("simulate part %d of %d of an inbound message: %w", parts[i].Number, parts[i].Total, err)
		}
	}
	out := SimulateInboundOutput{Result: string(outcome.Result), Parts: len(parts), Account: outcome.Account, PhoneNumberID: outcome.PhoneNumber,
		Keyword: outcome.Keyword, Published: outcome.Published, ReplyRefused: outcome.ReplyRefused}
	if outcome.Message != 0 {
		out.InboundMessageID = a.MessageIDs.Format(outcome.Message)
	}
	if outcome.Reply != 0 {
		out.ReplyMessageID = a.MessageIDs.Format(outcome.Reply)
	}
	return out, nil
}

// handset is one of a simulator's shards here, any of which brings messages in.
func (a *operations) handset(name string) (handset, error) {
	if _, err := a.simulators(name); err != nil {
		return nil, err
	}
	for _, here := range a.carrier(name).Here {
		if h, ok := here.(handset); ok {
			return h, nil
		}
	}
	return nil, errors.New("the simulator brings no messages in")
}

// receive waits until a part is acknowledged.
func receive(ctx context.Context, h handset, m carrier.Inbound) error {
	answer := make(chan error, 1)
	h.Receive(m, func(err error) { answer <- err })
	select {
	case err := <-answer:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// parts are the message as a handset sends it, cut where it is long, each part in the
// order of its coming.
func (in *SimulateInboundInput) parts(random io.Reader) ([]carrier.Inbound, error) {
	from, err := sender(in.From)
	if err != nil {
		return nil, err
	}
	if in.To == "" {
		return nil, sms.Invalid(sms.ReasonMissingParameter, "to", "to is required: the phone number that the message is for.")
	}
	text, err := encode.Split(in.Body)
	if err != nil {
		return nil, sms.Invalid(sms.ReasonMaximumSizeExceeded, "body", "body: %v.", err)
	}
	if in.PartsOutOfOrder && len(text.Parts) < 2 {
		return nil, sms.Invalid(sms.ReasonInvalidParameter, "parts_out_of_order", "parts_out_of_order is for a message of several parts; this one has %d.", len(text.Parts))
	}
	var reference [2]byte
	if _, err := io.ReadFull(random, reference[:]); err != nil {
		return nil, fmt.Errorf("choose the reference of a message: %w", err)
	}
	all := make([]carrier.Inbound, len(text.Parts))
	for i, part := range text.Parts {
		all[i] = carrier.Inbound{From: from, To: in.To, Text: part.Text, Total: len(all), Number: i + 1}
		if len(all) > 1 {
			all[i].Reference, all[i].Reference16 = binary.BigEndian.Uint16(reference[:]), true
		}
	}
	if in.PartsOutOfOrder {
		slices.Reverse(all)
	}
	return all, nil
}

// maxSender is the most characters of an alphanumeric sender.
const maxSender = 11

// sender is a sender as carriers write it.
func sender(text string) (string, error) {
	if text == "" {
		return "", sms.Invalid(sms.ReasonMissingParameter, "from", "from is required: the handset's phone number.")
	}
	digits := strings.TrimPrefix(text, "+")
	if strings.Trim(digits, "0123456789") == "" && len(digits) > 6 {
		n, err := numbering.Parse(text)
		if err != nil {
			return "", sms.Invalid(sms.ReasonCannotParse, "from", "from: %v.", err)
		}
		return n.E164, nil
	}
	if len(text) > maxSender {
		return "", sms.Invalid(sms.ReasonInvalidParameter, "from", "from has %d characters; what is no phone number has %d at most.", len(text), maxSender)
	}
	return text, nil
}
