//go:build smsc

package e2e

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// netSMPP is the message centre of testdata/smsc.pl.
type netSMPP struct {
	t        *testing.T
	port     int
	in       *json.Encoder
	told     map[string]chan told // by event
	sequence int
}

// told is one line of the script.
type told struct {
	Event        string            `json:"event"`
	Port         int               `json:"port"`
	Command      string            `json:"command"`
	SystemID     string            `json:"system_id"`
	Password     string            `json:"password"`
	Number       int               `json:"number"`
	Sequence     int               `json:"sequence"`
	Status       int               `json:"status"`
	SourceTON    int               `json:"source_addr_ton"`
	SourceNPI    int               `json:"source_addr_npi"`
	Source       string            `json:"source_addr"`
	DestTON      int               `json:"dest_addr_ton"`
	DestNPI      int               `json:"dest_addr_npi"`
	Destination  string            `json:"destination_addr"`
	ESMClass     int               `json:"esm_class"`
	Registered   int               `json:"registered_delivery"`
	DataCoding   int               `json:"data_coding"`
	ShortMessage string            `json:"short_message"` // hexadecimal
	Body         string            `json:"body"`          // hexadecimal
	TLVs         map[string]string `json:"tlvs"`
}

func startNetSMPP(t *testing.T) *netSMPP {
	t.Helper()
	c := exec.Command("perl", "testdata/smsc.pl")
	in, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errors strings.Builder
	c.Stderr = &errors
	if err := c.Start(); err != nil {
		t.Fatalf("perl: %v", err)
	}
	n := &netSMPP{t: t, in: json.NewEncoder(in), told: map[string]chan told{}}
	for _, event := range []string{"listening", "bind", "submit_sm", "deliver_sm_resp", "unbind", "closed"} {
		n.told[event] = make(chan told, 1000)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		lines := bufio.NewReader(out)
		for {
			line, err := lines.ReadBytes('\n')
			if err != nil {
				return
			}
			var s told
			if err := json.Unmarshal(line, &s); err != nil {
				t.Errorf("the script said %q: %v", line, err)
				return
			}
			n.told[s.Event] <- s
		}
	}()
	t.Cleanup(func() {
		in.Close()
		<-done
		if err := c.Wait(); err != nil || t.Failed() {
			t.Errorf("smsc.pl: %v\n%s", err, errors.String())
		}
	})
	n.port = n.next("listening").Port
	return n
}

// next gives the next line about an event.
func (n *netSMPP) next(event string) told {
	n.t.Helper()
	select {
	case s := <-n.told[event]:
		return s
	case <-time.After(patience):
		n.t.Fatalf("the message centre was not told of any %s", event)
		return told{}
	}
}

func (n *netSMPP) do(command map[string]any) {
	n.t.Helper()
	if err := n.in.Encode(command); err != nil {
		n.t.Fatal(err)
	}
}

func (n *netSMPP) answer(s told, id string) {
	n.t.Helper()
	n.do(map[string]any{"command": "answer", "number": s.Number, "status": 0, "message_id": id})
}

func (n *netSMPP) refuse(s told, status int) {
	n.t.Helper()
	n.do(map[string]any{"command": "answer", "number": s.Number, "status": status, "message_id": ""})
}

// receipt sends a deliver_sm about a part and waits until it is acknowledged.
func (n *netSMPP) receipt(s told, text string, tlvs map[string]string) {
	n.t.Helper()
	n.sequence++
	inHex := map[string]string{}
	for name, value := range tlvs {
		inHex[name] = hex.EncodeToString([]byte(value))
	}
	n.do(map[string]any{"command": "deliver", "sequence": n.sequence, "tlvs": inHex, "fields": map[string]any{
		"esm_class": 4, "source_addr": s.Destination, "source_addr_ton": 1, "source_addr_npi": 1,
		"destination_addr": s.Source, "dest_addr_ton": 1, "dest_addr_npi": 1,
		"short_message": hex.EncodeToString([]byte(text)),
	}})
	if r := n.next("deliver_sm_resp"); r.Sequence != n.sequence || r.Status != 0 {
		n.t.Errorf("deliver_sm %d: answered as %d with status %#x", n.sequence, r.Sequence, r.Status)
	}
}

// receiptText is a receipt in the form of SMPP 3.4 appendix B.
func receiptText(id, state, code string) string {
	return fmt.Sprintf("id:%s sub:001 dlvrd:001 submit date:2601021504 done date:2601021505 stat:%s err:%s text:Some text", id, state, code)
}

// connected starts a server whose one number sends through the script.
func connected(t *testing.T, profile string) (*server, *api.Client, *netSMPP) {
	t.Helper()
	centre := startNetSMPP(t)
	s := start(t, fmt.Sprintf(`tier: production
recipient_interval: 0s
carriers:
  - name: perl
    smpp: {address: "127.0.0.1:%d", system_id: helio, password: secret, profile: {%s}}
numbers:
  - {number: "+447700900001", country: GB, type: LONG_CODE, carrier: perl, parts_per_second: 1000}
`, centre.port, profile))
	c := s.client()
	lease(t, c, "GB", types.RequestableNumberTypeLongCode)
	loggingSet(t, c, "Set")
	bind := centre.next("bind")
	if bind.Command != "bind_transceiver" || bind.SystemID != "helio" || bind.Password != "secret" {
		t.Errorf("bound as %+v", bind)
	}
	return s, c, centre
}

func text(to, body string) *api.SendTextMessageInput {
	return &api.SendTextMessageInput{DestinationPhoneNumber: &to, OriginationIdentity: aws.String("+447700900001"),
		ConfigurationSetName: aws.String("Set"), MessageBody: &body}
}

// gsmOctets writes a text in the GSM alphabet unpacked, by the characters' codes in
// 3GPP TS 23.038 that differ from ASCII.
func gsmOctets(t *testing.T, s string) []byte {
	t.Helper()
	codes := map[rune]string{
		'@': "\x00", '£': "\x01", '$': "\x02", 'è': "\x04", 'é': "\x05", 'Ø': "\x0b", '_': "\x11", 'Ω': "\x15", 'Ä': "\x5b", 'à': "\x7f",
		'\f': "\x1b\x0a", '^': "\x1b\x14", '{': "\x1b\x28", '}': "\x1b\x29", '\\': "\x1b\x2f",
		'[': "\x1b\x3c", '~': "\x1b\x3d", ']': "\x1b\x3e", '|': "\x1b\x40", '€': "\x1b\x65",
	}
	var out []byte
	for _, r := range s {
		code, ok := codes[r]
		switch {
		case ok:
			out = append(out, code...)
		case r == ' ', r == ',', r == '.', r == ':', r >= '0' && r <= '9', r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z':
			out = append(out, byte(r))
		default:
			t.Fatalf("the test does not know %q", r)
		}
	}
	return out
}

func ucs2Octets(s string) (out []byte) {
	for _, unit := range utf16.Encode([]rune(s)) {
		out = append(out, byte(unit>>8), byte(unit))
	}
	return out
}

// TestTextsAtAnIndependentMessageCentre sends every kind of text to a message
// centre that was not written here, and puts the octets that it got together.
func TestTextsAtAnIndependentMessageCentre(t *testing.T) {
	t.Parallel()
	s, c, centre := connected(t, "")
	long := strings.Repeat("Long texts travel in parts, and all of them carry a header. ", 7)[:400]
	extensions := "\f^{}\\[~]|€"
	tests := []struct {
		name, body string
		ucs2       bool
		lengths    []int // of the parts' texts in octets
	}{
		{"one part of GSM", "Hello: @£$èéØ_ΩÄà", false, []int{17}},
		{"160 characters", strings.Repeat("0123456789", 16), false, []int{160}},
		{"three parts of GSM", long, false, []int{153, 153, 94}},
		{"every extension character", extensions, false, []int{20}},
		{"an extension character at the cut", strings.Repeat("a", 152) + strings.Repeat(extensions, 2), false, []int{152, 40}},
		{"UCS-2 with emoji", "Grüße 👋🏽 aus Köln", true, []int{38}},
		{"a surrogate pair at the cut", strings.Repeat("ж", 66) + "😀" + strings.Repeat("ж", 66), true, []int{132, 134, 2}},
	}
	for i, test := range tests {
		to := fmt.Sprintf("+4477009001%02d", i)
		id := send(t, c, text(to, test.body))
		var whole []byte
		var lengths []int
		references := map[byte]bool{}
		for n := range test.lengths {
			part := centre.next("submit_sm")
			octets, err := hex.DecodeString(part.ShortMessage)
			if err != nil {
				t.Fatal(err)
			}
			if part.Destination != to[1:] || part.DestTON != 1 || part.DestNPI != 1 || part.Source != "447700900001" ||
				part.SourceTON != 1 || part.SourceNPI != 1 || part.Registered != 1 || len(part.TLVs) != 0 {
				t.Errorf("%s: part %+v", test.name, part)
			}
			if coding := map[bool]int{false: 0, true: 8}[test.ucs2]; part.DataCoding != coding {
				t.Errorf("%s: data_coding %d, want %d", test.name, part.DataCoding, coding)
			}
			if len(test.lengths) == 1 {
				if part.ESMClass != 0 {
					t.Errorf("%s: esm_class %#x of a whole message", test.name, part.ESMClass)
				}
			} else {
				// The concatenation element of 3GPP TS 23.040 section 9.2.3.24.1.
				if part.ESMClass != 0x40 || len(octets) < 6 || octets[0] != 5 || octets[1] != 0 || octets[2] != 3 ||
					int(octets[4]) != len(test.lengths) || int(octets[5]) != n+1 {
					t.Fatalf("%s: part %d is %+v", test.name, n+1, part)
				}
				references[octets[3]] = true
				octets = octets[6:]
			}
			whole, lengths = append(whole, octets...), append(lengths, len(octets))
			partID := fmt.Sprintf("m%d-%d", i, n)
			centre.answer(part, partID)
			centre.receipt(part, receiptText(partID, "DELIVRD", "000"), nil)
		}
		want := gsmOctetsUnless(t, test.ucs2, test.body)
		if string(whole) != string(want) {
			t.Errorf("%s: arrived % x, want % x", test.name, whole, want)
		}
		if fmt.Sprint(lengths) != fmt.Sprint(test.lengths) {
			t.Errorf("%s: parts of %v octets, want %v", test.name, lengths, test.lengths)
		}
		if len(references) > 1 {
			t.Errorf("%s: parts with different references", test.name)
		}
		story := byMessage(s.untilFinal(i+1, "--configuration-set", "Set"))[id]
		theStory(t, story, "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED")
		if story[0].Parts != len(test.lengths) {
			t.Errorf("%s: events speak of %d parts", test.name, story[0].Parts)
		}
	}
}

func gsmOctetsUnless(t *testing.T, ucs2 bool, s string) []byte {
	t.Helper()
	if ucs2 {
		return ucs2Octets(s)
	}
	return gsmOctets(t, s)
}

// TestReceiptsOfAnIndependentMessageCentre has receipts in every form and at every
// moment.
func TestReceiptsOfAnIndependentMessageCentre(t *testing.T) {
	t.Parallel()
	s, c, centre := connected(t, "message_id_format: auto")
	tlvs := func(id string, state byte) map[string]string {
		return map[string]string{"receipted_message_id": id + "\x00", "message_state": string([]byte{state})}
	}
	tests := []struct {
		name      string
		answerID  string // of submit_sm_resp
		text      string
		tlvs      map[string]string
		early     bool // before submit_sm_resp
		final     string
		alsoFirst string // a receipt that is not final, before
	}{
		{name: "text", answerID: "A-1", text: receiptText("A-1", "DELIVRD", "000"), final: "TEXT_DELIVERED"},
		{name: "optional parameters", answerID: "A-2", tlvs: tlvs("A-2", 2), final: "TEXT_DELIVERED"},
		{name: "both", answerID: "A-3", text: receiptText("A-3", "DELIVRD", "000"), tlvs: tlvs("A-3", 2), final: "TEXT_DELIVERED"},
		{name: "answer hexadecimal, receipt decimal", answerID: "1F2E3D4C", text: receiptText("523124044", "DELIVRD", "000"), final: "TEXT_DELIVERED"},
		{name: "answer decimal, receipt hexadecimal", answerID: "523124045", text: receiptText("1f2e3d4d", "DELIVRD", "000"), final: "TEXT_DELIVERED"},
		{name: "decimal with zeroes", answerID: "0000004711", text: receiptText("4711", "DELIVRD", "000"), final: "TEXT_DELIVERED"},
		{name: "optional parameters, the other number base", answerID: "1f2e3d4e", tlvs: tlvs("523124046", 2), final: "TEXT_DELIVERED"},
		{name: "early, text", answerID: "A-4", text: receiptText("A-4", "DELIVRD", "000"), early: true, final: "TEXT_DELIVERED"},
		{name: "early, optional parameters", answerID: "A-5", tlvs: tlvs("A-5", 2), early: true, final: "TEXT_DELIVERED"},
		{name: "early, the other number base", answerID: "1F2E3D50", text: receiptText("523124048", "UNDELIV", "011"), early: true, final: "TEXT_UNREACHABLE"},
		{name: "after one that is not final", answerID: "A-6", alsoFirst: receiptText("A-6", "ENROUTE", "000"),
			text: receiptText("A-6", "DELIVRD", "000"), final: "TEXT_DELIVERED"},
		{name: "undeliverable", answerID: "A-7", text: receiptText("A-7", "UNDELIV", "034"), final: "TEXT_UNREACHABLE"},
		{name: "rejected", answerID: "A-8", text: receiptText("A-8", "REJECTD", "088"), final: "TEXT_CARRIER_BLOCKED"},
		{name: "expired", answerID: "A-9", text: receiptText("A-9", "EXPIRED", "027"), final: "TEXT_TTL_EXPIRED"},
		{name: "deleted", answerID: "A-10", text: receiptText("A-10", "DELETED", "000"), final: "TEXT_UNKNOWN"},
		{name: "unknown", answerID: "A-11", text: receiptText("A-11", "UNKNOWN", "000"), final: "TEXT_UNKNOWN"},
		{name: "undeliverable by optional parameters", answerID: "A-12", tlvs: tlvs("A-12", 5), final: "TEXT_UNREACHABLE"},
		{name: "rejected by optional parameters", answerID: "A-13", tlvs: tlvs("A-13", 8), final: "TEXT_CARRIER_BLOCKED"},
		{name: "expired by optional parameters", answerID: "A-14", tlvs: tlvs("A-14", 3), final: "TEXT_TTL_EXPIRED"},
	}
	ids := make([]string, len(tests))
	for i, test := range tests {
		ids[i] = send(t, c, text(fmt.Sprintf("+4477009002%02d", i), test.name))
		part := centre.next("submit_sm")
		if !test.early {
			centre.answer(part, test.answerID)
		}
		if test.alsoFirst != "" {
			centre.receipt(part, test.alsoFirst, nil)
		}
		centre.receipt(part, test.text, test.tlvs)
		if test.early {
			centre.answer(part, test.answerID)
		}
	}
	of := byMessage(s.untilFinal(len(tests), "--configuration-set", "Set"))
	for i, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			theStory(t, of[ids[i]], "TEXT_QUEUED", "TEXT_SUCCESSFUL", test.final)
		})
	}
}

// TestRefusalsOfAnIndependentMessageCentre: what it refuses ends with the status
// that its answer means, and what it has no room for is sent again.
func TestRefusalsOfAnIndependentMessageCentre(t *testing.T) {
	t.Parallel()
	s, c, centre := connected(t, "")
	refused := send(t, c, text("+447700900301", "to no address"))
	centre.refuse(centre.next("submit_sm"), 0x0b) // ESME_RINVDSTADR
	again := send(t, c, text("+447700900302", "taken at the second try"))
	centre.refuse(centre.next("submit_sm"), 0x58) // ESME_RTHROTTLED
	part := centre.next("submit_sm")
	if part.Destination != "447700900302" {
		t.Fatalf("sent again: %+v", part)
	}
	centre.answer(part, "77")
	centre.receipt(part, receiptText("77", "DELIVRD", "000"), nil)
	of := byMessage(s.untilFinal(2))
	theStory(t, of[refused], "TEXT_QUEUED", "TEXT_INVALID")
	if got := of[again]; len(got) < 3 || finals(got) != 1 || got[len(got)-1].Type != "TEXT_DELIVERED" {
		t.Errorf("taken at the second try: %+v", got)
	}
	s.stop()
	centre.next("unbind")
}
