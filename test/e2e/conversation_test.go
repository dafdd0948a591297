//go:build smsc

package e2e

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// inbound is what the guide's payload of a two-way message says.
type inbound struct {
	OriginationNumber, DestinationNumber, MessageKeyword, MessageBody, InboundMessageID, PreviousPublishedMessageID string
}

// write has a handset send a message of one part, or with a header one part of several.
func (n *netSMPP) write(from, to, header, text string) {
	n.t.Helper()
	n.sequence++
	class := 0
	if header != "" {
		class = 0x40
	}
	n.do(map[string]any{"command": "deliver", "sequence": n.sequence, "tlvs": map[string]string{}, "fields": map[string]any{
		"esm_class": class, "source_addr": from, "source_addr_ton": 1, "source_addr_npi": 1,
		"destination_addr": to, "dest_addr_ton": 1, "dest_addr_npi": 1, "short_message": hex.EncodeToString([]byte(header + text)),
	}})
	if r := n.next("deliver_sm_resp"); r.Sequence != n.sequence || r.Status != 0 {
		n.t.Errorf("deliver_sm %d: answered as %d with status %#x", n.sequence, r.Sequence, r.Status)
	}
}

// answered gives the text of the next submit_sm, which is taken.
func (n *netSMPP) answered(to string) string {
	n.t.Helper()
	part := n.next("submit_sm")
	octets, err := hex.DecodeString(part.ShortMessage)
	if err != nil || part.Destination != to {
		n.t.Fatalf("answered %+v, %v", part, err)
	}
	n.answer(part, fmt.Sprintf("id%d", part.Number))
	n.receipt(part, receiptText(fmt.Sprintf("id%d", part.Number), "DELIVRD", "000"), nil)
	return string(octets)
}

// TestConversationAtAnIndependentMessageCentre: a handset and an application talk to
// each other (guide chapter 6), through a message centre that was not written here and
// with a web hook as the two-way channel's subscriber.
func TestConversationAtAnIndependentMessageCentre(t *testing.T) {
	t.Parallel()
	const number, handset = "447700900001", "447700900123"
	centre := startNetSMPP(t)
	s := start(t, fmt.Sprintf(`tier: production
recipient_interval: 0s
carriers:
  - name: perl
    smpp: {address: "127.0.0.1:%d", system_id: helio, password: secret}
numbers:
  - {number: "+%s", country: GB, type: LONG_CODE, carrier: perl, parts_per_second: 1000, two_way: true}
`, centre.port, number))
	centre.next("bind")
	c, ctx := s.client(), t.Context()
	id := lease(t, c, "GB", types.RequestableNumberTypeLongCode).PhoneNumberId
	loggingSet(t, c, "Set")
	h := newHook(t)
	topic := h.subscribe(s.topics(), "TwoWay")
	must(c.UpdatePhoneNumber(ctx, &api.UpdatePhoneNumberInput{PhoneNumberId: id, TwoWayEnabled: aws.Bool(true), TwoWayChannelArn: &topic}))(t)
	keyword := func(word, message string, action types.KeywordAction) {
		must(c.PutKeyword(ctx, &api.PutKeywordInput{OriginationIdentity: id, Keyword: &word, KeywordMessage: &message, KeywordAction: action}))(t)
	}
	keyword("JOIN", "Welcome to offers.", types.KeywordActionAutomaticResponse)
	keyword("START", "You will hear from us again.", types.KeywordActionOptIn)
	keyword("HELP", "Call +44 20 7946 0100.", types.KeywordActionAutomaticResponse)
	keyword("STOP", "You will not hear from us again.", types.KeywordActionOptOut)

	first := send(t, c, text("+"+handset, "Answer JOIN to hear of offers."))
	centre.answered(handset)
	centre.write(handset, number, "", "join please")
	if got := centre.answered(handset); got != "Welcome to offers." {
		t.Errorf("JOIN is answered %q", got)
	}
	centre.write(handset, number, "", "HELP")
	if got := centre.answered(handset); got != "Call +44 20 7946 0100." {
		t.Errorf("HELP is answered %q", got)
	}
	centre.write(handset, number, "", "Stop")
	if got := centre.answered(handset); got != "You will not hear from us again." {
		t.Errorf("STOP is answered %q", got)
	}
	_, err := c.SendTextMessage(ctx, text("+"+handset, "An offer."))
	if r := refusalOf(t, err); r.Code != conflict || r.Reason != "DESTINATION_PHONE_NUMBER_OPTED_OUT" {
		t.Errorf("a message after STOP: %+v", r)
	}
	out := must(c.DescribeOptedOutNumbers(ctx, &api.DescribeOptedOutNumbersInput{OptOutListName: aws.String("Default")}))(t)
	if len(out.OptedOutNumbers) != 1 || *out.OptedOutNumbers[0].OptedOutNumber != "+"+handset || !out.OptedOutNumbers[0].EndUserOptedOut {
		t.Errorf("opted out are %+v", out.OptedOutNumbers)
	}
	centre.write(handset, number, "", "START")
	if got := centre.answered(handset); got != "You will hear from us again." {
		t.Errorf("START is answered %q", got)
	}
	send(t, c, text("+"+handset, "An offer."))
	if got := centre.answered(handset); got != "An offer." {
		t.Errorf("the message after START is %q", got)
	}

	// Five parts of one message, in disorder, and two of them twice.
	words := []string{"These ", "are five ", "parts of ", "one long ", "message."}
	for _, i := range []int{4, 2, 2, 0, 3, 1, 4} {
		centre.write(handset, number, string([]byte{5, 0, 3, 77, 5, byte(i + 1)}), words[i])
	}
	centre.write(handset, number, "", "The end")
	var got []inbound
	for _, n := range h.await(4) {
		var m inbound
		if err := json.Unmarshal([]byte(n.Message), &m); err != nil || n.TopicArn != topic {
			t.Fatalf("%v in %+v", err, n)
		}
		got = append(got, m)
	}
	for i, want := range []inbound{{MessageKeyword: "JOIN", MessageBody: "join please", PreviousPublishedMessageID: first},
		{MessageKeyword: "START", MessageBody: "START"}, {MessageBody: strings.Join(words, "")}, {MessageBody: "The end"}} {
		m := got[i]
		if m.OriginationNumber != "+"+handset || m.DestinationNumber != "+"+number || m.MessageKeyword != want.MessageKeyword ||
			m.MessageBody != want.MessageBody || m.InboundMessageID == "" ||
			want.PreviousPublishedMessageID != "" && m.PreviousPublishedMessageID != want.PreviousPublishedMessageID {
			t.Errorf("payload %d is %+v, want %+v", i, m, want)
		}
	}
	if len(got) != 4 {
		t.Errorf("%d payloads: %+v", len(got), got)
	}
}
