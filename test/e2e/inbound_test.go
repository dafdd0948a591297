package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/internal/smpp/pdu"
)

// payload is what a two-way channel gets of a message from a handset.
type payload struct {
	OriginationNumber, DestinationNumber, MessageKeyword, MessageBody, InboundMessageID, PreviousPublishedMessageID string
}

// twoWayConfiguration is that of a message centre with a number of two ways.
func twoWayConfiguration(address string) string {
	return fmt.Sprintf(`tier: production
recipient_interval: 0s
carriers:
  - name: centre
    smpp: {address: "%s", system_id: helio, password: secret, reconnect_max: 1s}
numbers:
  - {number: "+%s", country: GB, type: LONG_CODE, carrier: centre, two_way: true}
`, address, lane(0))
}

// leaseTwoWay leases a number and gives it a two-way channel.
func leaseTwoWay(t *testing.T, c *api.Client) *api.RequestPhoneNumberOutput {
	t.Helper()
	n := lease(t, c, "GB", types.RequestableNumberTypeLongCode)
	must(c.UpdatePhoneNumber(t.Context(), &api.UpdatePhoneNumberInput{PhoneNumberId: n.PhoneNumberId, TwoWayEnabled: aws.Bool(true),
		TwoWayChannelArn: aws.String(topic)}))(t)
	return n
}

// payloads are the messages that a number's channel got, in the embedded log.
func (s *server) payloads(phoneNumber string) (all []payload) {
	s.t.Helper()
	for line := range strings.Lines(s.run("events", "--configuration-set", "two-way:"+phoneNumber)) {
		var p payload
		if err := json.Unmarshal([]byte(line), &p); err != nil {
			s.t.Fatalf("%q: %v", line, err)
		}
		all = append(all, p)
	}
	return all
}

// bring has the message centre send a message to the server, as often as it takes to be
// acknowledged.
func (c *centre) bring(m pdu.DeliverSM) {
	c.t.Helper()
	m.Source, m.Destination = pdu.Address{TON: 1, NPI: 1, Addr: recipient(0)[1:]}, pdu.Address{TON: 1, NPI: 1, Addr: lane(0)}
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		session := c.session()
		if session == nil {
			continue
		}
		again := m
		if response, err := session.Do(c.ended, &again); err == nil && response.Head().Status == pdu.ROK {
			return
		}
	}
	c.t.Fatal("a message from a handset is not acknowledged")
}

// TestInboundParts kills the server between the parts of a message, which come out of
// order and some of them twice: it is published once, and whole.
func TestInboundParts(t *testing.T) {
	t.Parallel()
	centre := newCentre(t, 0, 0)
	s := start(t, twoWayConfiguration(centre.Address))
	number := leaseTwoWay(t, s.client())
	id := aws.ToString(number.PhoneNumberId)
	sent := send(t, s.client(), &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(recipient(0)), MessageBody: aws.String("what do you think?"),
		OriginationIdentity: number.PhoneNumberId})

	want := ""
	var parts []pdu.DeliverSM
	for n := byte(1); n <= 5; n++ {
		text := fmt.Sprintf("part %d of what I think; ", n)
		want += text
		parts = append(parts, pdu.DeliverSM{ESMClass: pdu.ESMUDHI, ShortMessage: append([]byte{5, 0, 3, 0xCD, 5, n}, text...)})
	}
	for i, n := range []int{4, 2, 2, 0, 3} {
		centre.bring(parts[n])
		if i%2 == 1 {
			s.kill()
			s.launch()
		}
	}
	if got := s.payloads(id); len(got) != 0 {
		t.Errorf("published before all parts have come: %+v", got)
	}
	centre.bring(parts[1])
	s.kill()
	s.launch()
	for i := range parts {
		centre.bring(parts[i])
	}
	centre.bring(pdu.DeliverSM{ShortMessage: []byte("that is all")})
	eventually(t, "two messages in the log", func() bool { return len(s.payloads(id)) >= 2 })
	got := s.payloads(id)
	for i := range got {
		if got[i].InboundMessageID == "" || got[i].InboundMessageID == got[0].InboundMessageID && i > 0 {
			t.Errorf("message %d has the id %q", i, got[i].InboundMessageID)
		}
		got[i].InboundMessageID = ""
	}
	one := payload{OriginationNumber: recipient(0), DestinationNumber: "+" + lane(0), MessageBody: want, PreviousPublishedMessageID: sent}
	two := one
	two.MessageBody = "that is all"
	if !slices.Equal(got, []payload{one, two}) {
		t.Errorf("published %+v", got)
	}
}

// TestConversation is one with keywords at the simulator.
func TestConversation(t *testing.T) {
	t.Parallel()
	s := start(t, "tier: production\nrecipient_interval: 0s\n")
	c := s.client()
	number := lease(t, c, "GB", types.RequestableNumberTypeLongCode)
	id, to := aws.ToString(number.PhoneNumberId), aws.ToString(number.PhoneNumber)
	must(c.UpdatePhoneNumber(t.Context(), &api.UpdatePhoneNumberInput{PhoneNumberId: &id, TwoWayEnabled: aws.Bool(true), TwoWayChannelArn: aws.String(topic)}))(t)
	for _, k := range []api.PutKeywordInput{
		{Keyword: aws.String("join"), KeywordMessage: aws.String("Welcome."), KeywordAction: types.KeywordActionAutomaticResponse},
		{Keyword: aws.String("START"), KeywordMessage: aws.String("Welcome back."), KeywordAction: types.KeywordActionOptIn},
	} {
		k.OriginationIdentity = &id
		must(c.PutKeyword(t.Context(), &k))(t)
	}
	type outcome struct {
		Result           string `json:"result"`
		Parts            int    `json:"parts"`
		Keyword          string `json:"keyword"`
		Published        bool   `json:"published"`
		InboundMessageID string `json:"inbound_message_id"`
		ReplyMessageID   string `json:"reply_message_id"`
	}
	say := func(body string, flags ...string) (o outcome) {
		t.Helper()
		text := s.run(append([]string{"simulate", "inbound", "--json", "--from", recipient(0), "--to", to, "--body", body}, flags...)...)
		if err := json.Unmarshal([]byte(text), &o); err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		return o
	}
	sending := func() (string, error) {
		out, err := c.SendTextMessage(t.Context(), &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(recipient(0)),
			OriginationIdentity: &id, MessageBody: aws.String("news")})
		if err != nil {
			return "", err
		}
		return aws.ToString(out.MessageId), nil
	}

	joined := say("Join, please")
	if joined.Result != "published" || joined.Keyword != "JOIN" || joined.ReplyMessageID == "" {
		t.Errorf("JOIN: %+v", joined)
	}
	if o := say("help"); o.Result != "answered" || o.Published || o.ReplyMessageID == "" {
		t.Errorf("HELP: %+v", o)
	}
	if o := say("stop!"); o.Result != "opted_out" || o.Published || o.ReplyMessageID == "" {
		t.Errorf("STOP: %+v", o)
	}
	_, err := sending()
	if r := refusalOf(t, err); r.Reason != string(types.ConflictExceptionReasonDestinationPhoneNumberOptedOut) {
		t.Errorf("a message to one who has opted out: %+v", r)
	}
	if o := say("Start"); o.Result != "opted_in" || !o.Published {
		t.Errorf("START: %+v", o)
	}
	sent, err := sending()
	if err != nil {
		t.Fatal(err)
	}
	body := strings.Repeat("Это длинное сообщение. ", 8)
	if o := say(body, "--parts-out-of-order"); o.Result != "published" || o.Parts < 2 || o.Keyword != "" || o.ReplyMessageID != "" {
		t.Errorf("a long message: %+v", o)
	}
	eventually(t, "three messages in the log", func() bool { return len(s.payloads(id)) == 3 })
	got := s.payloads(id)
	if got[0].InboundMessageID != joined.InboundMessageID || got[0].MessageKeyword != "JOIN" || got[0].PreviousPublishedMessageID != "" ||
		got[1].MessageKeyword != "START" || got[2].MessageBody != body || got[2].PreviousPublishedMessageID != sent {
		t.Errorf("published %+v", got)
	}
	if out, _, err := s.try("simulate", "inbound", "--from", recipient(0), "--to", "+447700900999", "--body", "hello", "--json"); err != nil || !strings.Contains(out, `"unknown_number"`) {
		t.Errorf("to nobody: %s, %v", out, err)
	}
	if _, errOut, err := s.try("simulate", "inbound", "--from", recipient(0), "--to", to, "--body", "short", "--parts-out-of-order"); err == nil || !strings.Contains(errOut, "parts_out_of_order") {
		t.Errorf("one part out of order: %s, %v", errOut, errors.Unwrap(err))
	}
}
