package receipt

import (
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/smpp/pdu"
)

func at(layout string) time.Time {
	t, err := time.Parse("2006-01-02 15:04:05", layout)
	if err != nil {
		panic(err)
	}
	return t
}

func TestParseText(t *testing.T) {
	tests := []struct {
		name string
		text string
		want Receipt
	}{
		{
			"appendix B",
			"id:0123456789 sub:001 dlvrd:001 submit date:2611231130 done date:2611231131 stat:DELIVRD err:000 text:Hello there, thi",
			Receipt{
				ID: "0123456789", State: pdu.StateDelivered, HasState: true, StateText: "DELIVRD", Error: "000",
				Submitted: 1, Delivered: 1, HasCounts: true, Text: "Hello there, thi",
				SubmittedAt: at("2026-11-23 11:30:00"), DoneAt: at("2026-11-23 11:31:00"),
			},
		},
		{
			"with seconds, capitals and another order",
			"STAT:undeliv ERR:0A1 Done Date:261123113159 ID:ab-CD-01 Text:",
			Receipt{ID: "ab-CD-01", State: pdu.StateUndeliverable, HasState: true, StateText: "undeliv", Error: "0A1", DoneAt: at("2026-11-23 11:31:59")},
		},
		{
			"blanks after colons, underscores, four-digit years",
			"id: 7 sub: 001 dlvrd: 000 submit_date: 20261123113000 done_date: 202611231131 stat: EXPIRED err: 12",
			Receipt{
				ID: "7", State: pdu.StateExpired, HasState: true, StateText: "EXPIRED", Error: "12", Submitted: 1, HasCounts: true,
				SubmittedAt: at("2026-11-23 11:30:00"), DoneAt: at("2026-11-23 11:31:00"),
			},
		},
		{"only an id", "id:42", Receipt{ID: "42"}},
		{"only a state", "stat:REJECTD", Receipt{State: pdu.StateRejected, HasState: true, StateText: "REJECTD"}},
		{"an unknown word", "id:1 stat:WEIRD", Receipt{ID: "1", StateText: "WEIRD"}},
		{"no blanks", "id:1,stat:ACCEPTD,err:5", Receipt{ID: "1", State: pdu.StateAccepted, HasState: true, StateText: "ACCEPTD", Error: "5"}},
		{"equals signs", "id=1;status=Delivered;error=0", Receipt{ID: "1", State: pdu.StateDelivered, HasState: true, StateText: "Delivered", Error: "0"}},
		{"message id", "Message ID: 9f stat:BUFFERED", Receipt{ID: "9f", State: pdu.StateEnroute, HasState: true, StateText: "BUFFERED"}},
		{"a uuid", "id:0b8e6a5c-30a4-4a39-8f5e-6f6ea2c1f0d1 stat:DELIVRD", Receipt{ID: "0b8e6a5c-30a4-4a39-8f5e-6f6ea2c1f0d1", State: pdu.StateDelivered, HasState: true, StateText: "DELIVRD"}},
		{"empty values", "id: sub: dlvrd: stat:DELIVRD err: text:", Receipt{State: pdu.StateDelivered, HasState: true, StateText: "DELIVRD"}},
		{
			"a text that looks like fields",
			"id:1 sub:001 dlvrd:001 stat:EXPIRED err:001 text:id:2 stat:DELIVRD err:0",
			Receipt{ID: "1", State: pdu.StateExpired, HasState: true, StateText: "EXPIRED", Error: "001", Submitted: 1, Delivered: 1, HasCounts: true, Text: "id:2 stat:DELIVRD err:0"},
		},
		{
			"the text first",
			"text:Hi you id:5 stat:DELETED",
			Receipt{ID: "5", State: pdu.StateDeleted, HasState: true, StateText: "DELETED", Text: "Hi you"},
		},
		{"a date that is none", "id:1 done date:2613451130 stat:UNKNOWN", Receipt{ID: "1", State: pdu.StateUnknown, HasState: true, StateText: "UNKNOWN"}},
		{"dates with punctuation", "id:1 done date:26-11-23 11:30:15 stat:DELIVRD", Receipt{ID: "1", State: pdu.StateDelivered, HasState: true, StateText: "DELIVRD", DoneAt: at("2026-11-23 11:30:15")}},
		{"a trailing NUL", "id:1 stat:DELIVRD\x00", Receipt{ID: "1", State: pdu.StateDelivered, HasState: true, StateText: "DELIVRD"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := ParseText(test.text, nil)
			if !ok {
				t.Error("not taken for a receipt")
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	for _, text := range []string{"", "hello", "paid:5 instate:yes", ":::", "id"} {
		if got, ok := ParseText(text, nil); ok {
			t.Errorf("%q was taken for a receipt: %+v", text, got)
		}
	}
}

func TestZone(t *testing.T) {
	zone := time.FixedZone("", 3*3600)
	got, _ := ParseText("id:1 done date:2611231130 stat:DELIVRD", zone)
	if want := at("2026-11-23 08:30:00"); !got.DoneAt.Equal(want) {
		t.Errorf("done at %s, want %s", got.DoneAt, want)
	}
}

func TestStateWords(t *testing.T) {
	for word, want := range map[string]pdu.MessageState{
		"ENROUTE": pdu.StateEnroute, "delivrd": pdu.StateDelivered, "Expired": pdu.StateExpired, "DELETED": pdu.StateDeleted,
		"UNDELIV": pdu.StateUndeliverable, "ACCEPTD": pdu.StateAccepted, "UNKNOWN": pdu.StateUnknown, "REJECTD": pdu.StateRejected,
		"FAILED": pdu.StateUndeliverable, "2": pdu.StateDelivered, "SKIPPED": pdu.StateSkipped, "SCHEDULED": pdu.StateScheduled,
	} {
		if got, ok := ParseState(word); !ok || got != want {
			t.Errorf("ParseState(%q) = %s, %t; want %s", word, got, ok, want)
		}
	}
	for _, word := range []string{"", "NO", "10", "-1", "2x"} {
		if got, ok := ParseState(word); ok {
			t.Errorf("ParseState(%q) = %s", word, got)
		}
	}
}

func TestFromDeliver(t *testing.T) {
	var list pdu.TLVs
	list.SetText(pdu.TagReceiptedMessageID, "1A2B")
	list.SetUint8(pdu.TagMessageState, uint8(pdu.StateUndeliverable))
	list.SetNetworkErrorCode(pdu.NetworkErrorCode{Network: pdu.NetworkGSM, Code: 27})
	text := []byte("id:6699 stat:DELIVRD err:001")
	ucs2 := func(s string) (b []byte) {
		for _, u := range utf16.Encode([]rune(s)) {
			b = append(b, byte(u>>8), byte(u))
		}
		return b
	}
	tests := []struct {
		name string
		in   pdu.DeliverSM
		want Receipt
		ok   bool
	}{
		{
			"optional parameters go before text",
			pdu.DeliverSM{ESMClass: pdu.ESMDeliveryReceipt, ShortMessage: text, TLVs: list},
			Receipt{ID: "1A2B", State: pdu.StateUndeliverable, HasState: true, StateText: "DELIVRD", Error: "027", Network: pdu.NetworkGSM}, true,
		},
		{
			"optional parameters alone, esm_class forgotten",
			pdu.DeliverSM{TLVs: list},
			Receipt{ID: "1A2B", State: pdu.StateUndeliverable, HasState: true, Error: "027", Network: pdu.NetworkGSM}, true,
		},
		{
			"text alone",
			pdu.DeliverSM{ESMClass: pdu.ESMDeliveryReceipt | pdu.ESMReplyPath, ShortMessage: text},
			Receipt{ID: "6699", State: pdu.StateDelivered, HasState: true, StateText: "DELIVRD", Error: "001"}, true,
		},
		{
			"text in message_payload",
			pdu.DeliverSM{ESMClass: pdu.ESMDeliveryReceipt, TLVs: pdu.TLVs{{Tag: pdu.TagMessagePayload, Value: text}}},
			Receipt{ID: "6699", State: pdu.StateDelivered, HasState: true, StateText: "DELIVRD", Error: "001"}, true,
		},
		{
			"text in UCS-2",
			pdu.DeliverSM{ESMClass: pdu.ESMDeliveryReceipt, DataCoding: pdu.DataCodingUCS2, ShortMessage: ucs2("id:7 stat:EXPIRED text:snö")},
			Receipt{ID: "7", State: pdu.StateExpired, HasState: true, StateText: "EXPIRED", Text: "snö"}, true,
		},
		{
			"text in the GSM alphabet",
			pdu.DeliverSM{ESMClass: pdu.ESMDeliveryReceipt, ShortMessage: []byte("id:a\x11b stat:DELIVRD")},
			Receipt{ID: "a_b", State: pdu.StateDelivered, HasState: true, StateText: "DELIVRD"}, true,
		},
		{
			"behind a user data header",
			pdu.DeliverSM{ESMClass: pdu.ESMDeliveryReceipt | pdu.ESMUDHI, ShortMessage: append([]byte{3, 0x24, 1, 0}, text...)},
			Receipt{ID: "6699", State: pdu.StateDelivered, HasState: true, StateText: "DELIVRD", Error: "001"}, true,
		},
		{
			"intermediate",
			pdu.DeliverSM{ESMClass: pdu.ESMIntermediateNotification, ShortMessage: []byte("id:7 stat:ENROUTE")},
			Receipt{ID: "7", State: pdu.StateEnroute, HasState: true, StateText: "ENROUTE", Intermediate: true}, true,
		},
		{
			"a message_state that does not exist",
			pdu.DeliverSM{ESMClass: pdu.ESMDeliveryReceipt, ShortMessage: text, TLVs: pdu.TLVs{{Tag: pdu.TagMessageState, Value: []byte{77}}}},
			Receipt{ID: "6699", State: pdu.StateDelivered, HasState: true, StateText: "DELIVRD", Error: "001"}, true,
		},
		{"a receipt that cannot be read", pdu.DeliverSM{ESMClass: pdu.ESMDeliveryReceipt, ShortMessage: []byte("?")}, Receipt{}, true},
		{"a subscriber's text", pdu.DeliverSM{ShortMessage: text}, Receipt{}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, ok := FromDeliver(&test.in, nil)
			if ok != test.ok {
				t.Errorf("taken for a receipt: %t", ok)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	got, ok := FromData(&pdu.DataSM{ESMClass: pdu.ESMDeliveryReceipt, TLVs: list}, nil)
	if !ok || got.ID != "1A2B" || !got.Final() {
		t.Errorf("data_sm: %+v, %t", got, ok)
	}
}

func TestFinal(t *testing.T) {
	for _, test := range []struct {
		r    Receipt
		want bool
	}{
		{Receipt{State: pdu.StateDelivered, HasState: true}, true},
		{Receipt{State: pdu.StateDelivered, HasState: true, Intermediate: true}, false},
		{Receipt{State: pdu.StateEnroute, HasState: true}, false},
		{Receipt{State: pdu.StateAccepted, HasState: true}, false},
		{Receipt{}, false},
	} {
		if test.r.Final() != test.want {
			t.Errorf("%+v: final is %t", test.r, !test.want)
		}
	}
}

func TestCanonical(t *testing.T) {
	tests := []struct{ id, raw, decimal, hexadecimal, auto string }{
		{"1A2B", "1A2B", "1a2b", "6699", "1a2b"},
		{"0000006699", "0000006699", "6699", "26265", "6699"},
		{"0x1a2b", "0x1a2b", "1a2b", "6699", "1a2b"},
		{"000", "000", "0", "0", "0"},
		{"AB-12", "AB-12", "ab-12", "ab-12", "ab-12"},
		{"FFFFFFFFFFFFFFFFFFFF", "FFFFFFFFFFFFFFFFFFFF", "ffffffffffffffffffff", "1208925819614629174706175", "ffffffffffffffffffff"},
		{"", "", "", "", ""},
	}
	for _, test := range tests {
		for f, want := range map[Format]string{Raw: test.raw, Decimal: test.decimal, Hexadecimal: test.hexadecimal, Auto: test.auto} {
			if got := Canonical(test.id, f); got != want {
				t.Errorf("Canonical(%q, %s) = %q, want %q", test.id, f, got, want)
			}
		}
	}
}

func TestCandidates(t *testing.T) {
	for id, want := range map[string][]string{
		"":        nil,
		"6699":    {"6699", "26265", "1a2b"},
		"001A2B":  {"001A2B", "001a2b", "1a2b", "6699"},
		"ab-CD":   {"ab-CD", "ab-cd"},
		" 0x12 ":  {"0x12", "12", "18"},
		"0000000": {"0000000", "0"},
	} {
		if diff := cmp.Diff(want, Candidates(id)); diff != "" {
			t.Errorf("Candidates(%q) (-want +got):\n%s", id, diff)
		}
	}
}

// However the response wrote an id and the receipt repeats it, the two meet.
func TestResponseAndReceiptMeet(t *testing.T) {
	forms := []string{"6699", "0000006699", "1A2B", "1a2b", "00001A2B", "0x1A2B"}
	for _, response := range forms {
		for _, repeated := range forms {
			stored := Canonical(response, Auto)
			met := false
			for _, c := range Candidates(repeated) {
				met = met || c == stored
			}
			if !met {
				t.Errorf("response %q is stored as %q, receipt %q gives %q", response, stored, repeated, Candidates(repeated))
			}
		}
	}
	if a, b := Canonical("1A2B", Hexadecimal), Canonical("0006699", Decimal); a != b {
		t.Errorf("hexadecimal and decimal give %q and %q", a, b)
	}
}

func TestParseFormat(t *testing.T) {
	for name, want := range map[string]Format{"": Auto, "raw": Raw, "decimal": Decimal, "hexadecimal": Hexadecimal, "auto": Auto} {
		if got, err := ParseFormat(name); err != nil || got != want {
			t.Errorf("ParseFormat(%q) = %q, %v", name, got, err)
		}
	}
	if _, err := ParseFormat("octal"); err == nil {
		t.Error("octal was accepted")
	}
}

func FuzzParseText(f *testing.F) {
	f.Add("id:0123456789 sub:001 dlvrd:001 submit date:2611231130 done date:2611231131 stat:DELIVRD err:000 text:Hello")
	f.Add("STAT:undeliv ERR:0A1 Done Date:261123113159 ID:ab-CD-01 Text:")
	f.Add("text:Hi you id:5 stat:DELETED")
	f.Add("message_id = 0x1f; state=2 text: id: \x00")
	f.Fuzz(func(t *testing.T, text string) {
		r, ok := ParseText(text, nil)
		if ok != (r.ID != "" || r.StateText != "") {
			t.Fatalf("%+v is a receipt: %t", r, ok)
		}
		if strings.ContainsAny(r.ID, " \t\r\n") || len(r.Text) > len(text) {
			t.Fatalf("%+v", r)
		}
		for _, p := range []*pdu.DeliverSM{
			{ESMClass: pdu.ESMDeliveryReceipt, ShortMessage: []byte(text)},
			{ESMClass: pdu.ESMDeliveryReceipt | pdu.ESMUDHI, DataCoding: pdu.DataCodingUCS2, ShortMessage: []byte(text)},
		} {
			if _, ok := FromDeliver(p, nil); !ok {
				t.Fatal("a receipt by its esm_class was not taken for one")
			}
		}
	})
}

func FuzzCandidates(f *testing.F) {
	f.Add("0000006699", "1A2B")
	f.Add("", "0x")
	f.Fuzz(func(t *testing.T, id, other string) {
		seen := map[string]bool{}
		for _, c := range Candidates(id) {
			if c == "" || seen[c] {
				t.Fatalf("Candidates(%q) = %q", id, Candidates(id))
			}
			seen[c] = true
		}
		if len(seen) > 0 && !seen[Canonical(id, Auto)] {
			t.Fatalf("Candidates(%q) lacks %q", id, Canonical(id, Auto))
		}
		if a, b := Canonical(other, Hexadecimal), Canonical("000"+other, Hexadecimal); a != b && other != "" && other == clean(other) && !strings.HasPrefix(strings.ToLower(other), "0x") {
			t.Fatalf("leading zeros tell %q from %q", a, b)
		}
	})
}
