package smpp

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf16"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
	"heliograph/internal/smpp"
	"heliograph/internal/smpp/pdu"
	"heliograph/internal/smpp/receipt"
	"heliograph/internal/sms"
)

const dates = " submit date:2601021504 done date:2601021505 "

func marked(text string) *pdu.DeliverSM {
	return &pdu.DeliverSM{ESMClass: pdu.ESMDeliveryReceipt, ShortMessage: []byte(text)}
}

func withTLVs(d *pdu.DeliverSM, set func(*pdu.TLVs)) *pdu.DeliverSM {
	set(&d.TLVs)
	return d
}

// dataSM is a data_sm of the same content.
func dataSM(d *pdu.DeliverSM) *pdu.DataSM {
	m := &pdu.DataSM{Source: d.Source, Destination: d.Destination, ESMClass: d.ESMClass, DataCoding: d.DataCoding, TLVs: d.TLVs}
	if len(d.ShortMessage) > 0 {
		m.TLVs.Set(pdu.TagMessagePayload, d.ShortMessage)
	}
	return m
}

func TestReceiptForms(t *testing.T) {
	tlvs := func(id string, state pdu.MessageState) func(*pdu.TLVs) {
		return func(l *pdu.TLVs) {
			l.SetText(pdu.TagReceiptedMessageID, id)
			l.SetUint8(pdu.TagMessageState, uint8(state))
		}
	}
	delivered := sms.StatusDelivered
	tests := []struct {
		name    string
		profile Profile
		id      string // of the submit_sm_resp
		receipt pdu.PDU
		status  sms.Status // empty: not final
		code    string
		stray   bool // is about another message
	}{
		{name: "text", id: "77", receipt: marked("id:77 sub:001 dlvrd:001" + dates + "stat:DELIVRD err:000 text:Hello"), status: delivered, code: "000"},
		{name: "text, failed", id: "77", receipt: marked("id:77 sub:001 dlvrd:000" + dates + "stat:UNDELIV err:045 text:"), status: sms.StatusUnreachable, code: "045"},
		{name: "text, expired", id: "77", receipt: marked("id:77 stat:EXPIRED err:0"), status: sms.StatusTTLExpired, code: "0"},
		{name: "text, rejected", id: "77", receipt: marked("id:77 stat:REJECTD err:1"), status: sms.StatusCarrierBlocked, code: "1"},
		{name: "text, deleted", id: "77", receipt: marked("id:77 stat:DELETED"), status: sms.StatusUnknown},
		{name: "text, unknown", id: "77", receipt: marked("id:77 stat:UNKNOWN"), status: sms.StatusUnknown},
		{name: "text, accepted is on the way", id: "77", receipt: marked("id:77 stat:ACCEPTD")},
		{name: "text, a word that nobody knows", id: "77", receipt: marked("id:77 stat:FROBBED")},
		{name: "text, decimal of a hexadecimal id", id: "1A2B", receipt: marked("id:6699 stat:DELIVRD"), status: delivered},
		{name: "text, hexadecimal of a decimal id", id: "6699", receipt: marked("id:1A2B stat:DELIVRD"), status: delivered},
		{name: "text, padded", id: "77", receipt: marked("id:0000000077 stat:DELIVRD"), status: delivered},
		{name: "text, other case", id: "ABCdef-1", receipt: marked("id:abcDEF-1 stat:DELIVRD"), status: delivered},
		{name: "text in data_sm", id: "77", receipt: dataSM(marked("id:77 stat:DELIVRD err:000")), status: delivered, code: "000"},
		{name: "text in UCS-2", id: "77", receipt: &pdu.DeliverSM{ESMClass: pdu.ESMDeliveryReceipt, DataCoding: pdu.DataCodingUCS2,
			ShortMessage: encode.AppendUCS2(nil, "id:77 stat:DELIVRD")}, status: delivered},
		{name: "text with an underscore of the GSM alphabet", id: "a_7", receipt: marked("id:a\x117 stat:DELIVRD"), status: delivered},
		{name: "TLVs", id: "77", receipt: withTLVs(marked(""), tlvs("77", pdu.StateDelivered)), status: delivered},
		{name: "TLVs without esm_class", id: "77", receipt: withTLVs(&pdu.DeliverSM{}, tlvs("77", pdu.StateUndeliverable)), status: sms.StatusUnreachable},
		{name: "TLVs, hexadecimal", id: "6699", receipt: withTLVs(marked(""), tlvs("1a2b", pdu.StateDelivered)), status: delivered},
		{name: "TLVs in data_sm", id: "77", receipt: dataSM(withTLVs(marked(""), tlvs("77", pdu.StateRejected))), status: sms.StatusCarrierBlocked},
		{name: "TLVs over text", id: "77", receipt: withTLVs(marked("id:99 stat:ENROUTE err:000"), tlvs("77", pdu.StateDelivered)), status: delivered, code: "000"},
		{name: "network_error_code", id: "77", receipt: withTLVs(marked(""), func(l *pdu.TLVs) {
			tlvs("77", pdu.StateUndeliverable)(l)
			l.SetNetworkErrorCode(pdu.NetworkErrorCode{Network: pdu.NetworkGSM, Code: 27})
		}), status: sms.StatusUnreachable, code: "027"},
		{name: "an intermediate notification", id: "77", receipt: &pdu.DeliverSM{ESMClass: pdu.ESMIntermediateNotification, ShortMessage: []byte("id:77 stat:UNDELIV err:001")}, code: "001"},
		{name: "unmarked text with every field", id: "77", receipt: &pdu.DeliverSM{ShortMessage: []byte("id:77 sub:001 dlvrd:001" + dates + "stat:DELIVRD err:000 text:")}, status: delivered, code: "000"},

		{name: "ids in hexadecimal, receipts in decimal", profile: Profile{MessageIDFormat: receipt.Hexadecimal, ReceiptIDFormat: receipt.Decimal},
			id: "10", receipt: marked("id:16 stat:DELIVRD"), status: delivered},
		{name: "of these, no other reading", profile: Profile{MessageIDFormat: receipt.Hexadecimal, ReceiptIDFormat: receipt.Decimal},
			id: "16", receipt: marked("id:16 stat:DELIVRD"), stray: true, status: delivered},
		{name: "raw ids", profile: Profile{MessageIDFormat: receipt.Raw}, id: "0aB", receipt: marked("id:0aB stat:DELIVRD"), status: delivered},
		{name: "raw ids are not folded", profile: Profile{MessageIDFormat: receipt.Raw}, id: "0aB", receipt: marked("id:0ab stat:DELIVRD"), stray: true, status: delivered},

		{name: "a state of the profile", profile: Profile{ReceiptStates: map[string]sms.Status{"ACCEPTD": delivered}},
			id: "77", receipt: marked("id:77 stat:ACCEPTD"), status: delivered},
		{name: "a state of the profile, by TLV", profile: Profile{ReceiptStates: map[string]sms.Status{"expired": sms.StatusUnreachable}},
			id: "77", receipt: withTLVs(marked(""), tlvs("77", pdu.StateExpired)), status: sms.StatusUnreachable},
		{name: "a state of the profile, by number", profile: Profile{ReceiptStates: map[string]sms.Status{"8": sms.StatusSpam}},
			id: "77", receipt: marked("id:77 stat:REJECTD"), status: sms.StatusSpam},
		{name: "a word of the profile", profile: Profile{ReceiptStates: map[string]sms.Status{"FROBBED": sms.StatusBlocked}},
			id: "77", receipt: marked("id:77 stat:frobbed"), status: sms.StatusBlocked},
		{name: "a word of the profile stands for itself", profile: Profile{ReceiptStates: map[string]sms.Status{"FAILED": sms.StatusBlocked}},
			id: "77", receipt: marked("id:77 stat:UNDELIV"), status: sms.StatusUnreachable},
		{name: "an error of the profile", profile: Profile{ReceiptErrors: map[string]sms.Status{"45": sms.StatusBlocked}},
			id: "77", receipt: marked("id:77 stat:UNDELIV err:045"), status: sms.StatusBlocked, code: "045"},
		{name: "an error of the profile does not undo a delivery", profile: Profile{ReceiptErrors: map[string]sms.Status{"000": sms.StatusBlocked}},
			id: "77", receipt: marked("id:77 stat:DELIVRD err:000"), status: delivered, code: "000"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			centre := startCentre(t, nil)
			centre.submit = func(s *smpp.Session, m *pdu.SubmitSM) { centre.answer(s, m, tt.id) }
			config := centre.config()
			config.Profile = tt.profile
			k := startClient(t, config)
			k.waitUp(1)
			o := k.outcome(plainPart())
			if o.Kind != carrier.Accepted || o.CarrierMessageID != tt.id {
				t.Fatalf("outcome %+v", o)
			}
			switch p := tt.receipt.(type) {
			case *pdu.DeliverSM:
				p.Source = pdu.Address{TON: 1, NPI: 1, Addr: "14255550168"}
			case *pdu.DataSM:
				p.Source = pdu.Address{TON: 1, NPI: 1, Addr: "14255550168"}
			}
			if status := centre.send(tt.receipt); status != pdu.ROK {
				t.Fatalf("the receipt was answered %s", status)
			}
			r := within(t, k.sink.receipts)
			if found := slices.Contains(keys("acme", r.CarrierMessageIDs), carrier.IndexKey("acme", o.Index())); found == tt.stray {
				t.Errorf("candidates %v for %q (indexed %q): found is %t", r.CarrierMessageIDs, o.CarrierMessageID, o.Index(), found)
			}
			if r.Final != (tt.status != "") || r.Status != tt.status || r.Code != tt.code {
				t.Errorf("receipt %+v, want status %q, code %q", r, tt.status, tt.code)
			}
			if r.Carrier != "acme" || r.Destination != "14255550168" || r.Detail == "" || r.At.IsZero() {
				t.Errorf("receipt %+v lacks something", r)
			}
		})
	}
}

func keys(name string, ids []string) []uint64 {
	var out []uint64
	for _, id := range ids {
		out = append(out, carrier.IndexKey(name, id))
	}
	return out
}

// send has p answered on the latest session.
func (c *centre) send(p pdu.PDU) pdu.Status {
	c.t.Helper()
	c.eventually("a session receives", func() bool { return len(c.sessions) > 0 })
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	response, err := c.receiver().Do(ctx, p)
	if err != nil {
		c.t.Fatal(err)
	}
	return response.Head().Status
}

func TestEarlyReceipt(t *testing.T) {
	centre := startCentre(t, nil)
	k := startClient(t, centre.config())
	k.waitUp(1)
	centre.hold()
	outcome := k.submit(plainPart())
	centre.eventually("the part arrives", func() bool { return len(centre.got) == 1 })
	if status := centre.send(marked("id:1001 stat:DELIVRD err:000")); status != pdu.ROK {
		t.Fatalf("the receipt was answered %s", status)
	}
	early := within(t, k.sink.receipts)
	select {
	case o := <-outcome:
		t.Fatalf("the part has its outcome before its answer: %+v", o)
	default:
	}
	centre.release()
	if o := within(t, outcome); !slices.Contains(early.CarrierMessageIDs, o.Index()) {
		t.Errorf("receipt %+v is not about %+v", early, o)
	}
}

func TestNotKept(t *testing.T) {
	centre := startCentre(t, nil)
	k := startClient(t, centre.config())
	k.waitUp(1)
	k.sink.setError(errors.New("disk full"))
	for _, p := range []pdu.PDU{
		marked("id:77 stat:DELIVRD"),
		&pdu.DeliverSM{ShortMessage: []byte("hi")},
		dataSM(marked("id:77 stat:DELIVRD")),
	} {
		if status := centre.send(p); status != pdu.RXTAppn {
			t.Errorf("%s: answered %s, want ESME_RX_T_APPN", p.Command(), status)
		}
	}
	k.sink.setError(nil)
	if status := centre.send(marked("id:77 stat:DELIVRD")); status != pdu.ROK {
		t.Errorf("answered %s once it can be kept", status)
	}
	if s := k.Stats(); s.NotKept != 3 || s.Receipts != 3 || s.Inbound != 1 {
		t.Errorf("stats %+v", s)
	}
}

func TestPassedOver(t *testing.T) {
	centre := startCentre(t, nil)
	k := startClient(t, centre.config())
	k.waitUp(1)
	for name, p := range map[string]pdu.PDU{
		"a receipt without id":            withTLVs(marked(""), func(l *pdu.TLVs) { l.SetUint8(pdu.TagMessageState, 2) }),
		"a receipt of nonsense":           marked("lorem ipsum"),
		"an acknowledgement by a handset": &pdu.DeliverSM{ESMClass: pdu.ESMDeliveryAcknowledgement, ShortMessage: []byte("ok")},
	} {
		if status := centre.send(p); status != pdu.ROK {
			t.Errorf("%s: answered %s, want ESME_ROK: it would come for ever", name, status)
		}
	}
	if n := len(k.sink.receipts) + len(k.sink.inbound); n != 0 {
		t.Errorf("%d of them reached the sink", n)
	}
	if n := k.Stats().Unreadable; n != 3 {
		t.Errorf("%d were counted, want 3", n)
	}
}

func TestInbound(t *testing.T) {
	from, to := pdu.Address{TON: 1, NPI: 1, Addr: "14255550168"}, pdu.Address{TON: 1, NPI: 1, Addr: "12065550183"}
	one := carrier.Inbound{Carrier: "acme", From: "+14255550168", To: "+12065550183", Total: 1, Number: 1}
	with := func(change func(*carrier.Inbound)) carrier.Inbound {
		m := one
		change(&m)
		return m
	}
	text := func(s string) carrier.Inbound { return with(func(m *carrier.Inbound) { m.Text = s }) }
	fake := "id:77 sub:001 dlvrd:001 submit date:2601021504 done date:2601021505 stat:DELIVRD err:000 text:"
	tests := []struct {
		name    string
		profile Profile
		message pdu.PDU
		want    carrier.Inbound
	}{
		{"GSM", Profile{}, &pdu.DeliverSM{ShortMessage: []byte("hi \x00\x1b\x65")}, text("hi @€")},
		{"GSM by class", Profile{}, &pdu.DeliverSM{DataCoding: 0xF1, ShortMessage: []byte("\x00")}, text("@")},
		{"GSM by coding group", Profile{}, &pdu.DeliverSM{DataCoding: 0x10, ShortMessage: []byte("\x00")}, text("@")},
		{"GSM with a waiting indication", Profile{}, &pdu.DeliverSM{DataCoding: 0xC8, ShortMessage: []byte("\x00")}, text("@")},
		{"packed", Profile{DefaultAlphabet: encode.AlphabetGSMPacked},
			&pdu.DeliverSM{ShortMessage: []byte{0xe8, 0x32, 0x9b, 0xfd, 0x46, 0x97, 0xd9, 0xec, 0x37}}, text("hellohello")},
		{"Latin-1 as default", Profile{DefaultAlphabet: encode.AlphabetLatin1}, &pdu.DeliverSM{ShortMessage: []byte("\xe9@")}, text("é@")},
		{"ASCII as default", Profile{DefaultAlphabet: encode.AlphabetASCII}, &pdu.DeliverSM{ShortMessage: []byte("_@")}, text("_@")},
		{"IA5", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingIA5, ShortMessage: []byte("_@")}, text("_@")},
		{"Latin-1", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingLatin1, ShortMessage: []byte("\xe9@")}, text("é@")},
		{"Cyrillic", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingCyrillic, ShortMessage: []byte("\xb6")}, text("Ж")},
		{"Hebrew", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingHebrew, ShortMessage: []byte("\xe0")}, text("א")},
		{"UCS-2", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingUCS2, ShortMessage: []byte{0x04, 0x36, 0xd8, 0x3d, 0xde, 0x00}}, text("ж😀")},
		{"JIS", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingJIS, ShortMessage: []byte("\x83n\x83\x8d\x81[")}, text("ハロー")},
		{"ISO-2022-JP", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingISO2022JP, ShortMessage: []byte("\x1b$B%O\x1b(B!")}, text("ハ!")},
		{"Extended Kanji", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingExtendedKanji, ShortMessage: []byte("\xa5\xcf")}, text("ハ")},
		{"KS C 5601", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingKSC5601, ShortMessage: []byte("\xc7\xd1")}, text("한")},
		{"KS C 5601, cut", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingKSC5601, ShortMessage: []byte("a\xc7")}, text("a\uFFFD")},
		{"binary data", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingOctets, ShortMessage: []byte("\x01\x02")}, with(func(m *carrier.Inbound) { m.Binary = true })},
		{"binary data by class", Profile{}, &pdu.DeliverSM{DataCoding: 0xF5, ShortMessage: []byte("\x01\x02")}, with(func(m *carrier.Inbound) { m.Binary = true })},
		{"binary data by coding group", Profile{}, &pdu.DeliverSM{DataCoding: 0x14, ShortMessage: []byte("\x01\x02")}, with(func(m *carrier.Inbound) { m.Binary = true })},
		{"message_payload with UDH of 8 bits", Profile{}, withTLVs(&pdu.DeliverSM{ESMClass: pdu.ESMUDHI}, func(l *pdu.TLVs) {
			l.Set(pdu.TagMessagePayload, []byte("\x05\x00\x03\xcd\x03\x02abc"))
		}), with(func(m *carrier.Inbound) { m.Text, m.Reference, m.Total, m.Number = "abc", 0xcd, 3, 2 })},
		{"UCS-2 with UDH of 16 bits", Profile{}, &pdu.DeliverSM{ESMClass: pdu.ESMUDHI, DataCoding: pdu.DataCodingUCS2, ShortMessage: []byte("\x06\x08\x04\xab\xcd\x03\x02\x04\x36")},
			with(func(m *carrier.Inbound) {
				m.Text, m.Reference, m.Reference16, m.Total, m.Number = "ж", 0xabcd, true, 3, 2
			})},
		{"halves of pairs in a part", Profile{}, &pdu.DeliverSM{ESMClass: pdu.ESMUDHI, DataCoding: pdu.DataCodingUCS2, ShortMessage: []byte("\x05\x00\x03\xcd\x03\x02\xde\x00\x04\x36\xd8\x3d")},
			with(func(m *carrier.Inbound) {
				m.Text, m.Head, m.Tail, m.Reference, m.Total, m.Number = "ж", 0xDE00, 0xD83D, 0xcd, 3, 2
			})},
		{"halves of pairs in a whole message", Profile{}, &pdu.DeliverSM{DataCoding: pdu.DataCodingUCS2, ShortMessage: []byte("\xde\x00\x04\x36\xd8\x3d")}, text("\uFFFDж\uFFFD")},
		{"UDH of the only part", Profile{}, &pdu.DeliverSM{ESMClass: pdu.ESMUDHI, ShortMessage: []byte("\x05\x00\x03\xcd\x01\x01abc")}, text("abc")},
		{"UCS-2 by coding group", Profile{}, &pdu.DeliverSM{DataCoding: 0x18, ShortMessage: []byte{0x04, 0x36}}, text("ж")},
		{"message_payload", Profile{}, withTLVs(&pdu.DeliverSM{}, func(l *pdu.TLVs) { l.Set(pdu.TagMessagePayload, []byte("long")) }), text("long")},
		{"data_sm", Profile{}, dataSM(&pdu.DeliverSM{ShortMessage: []byte("data")}), text("data")},
		{"UDH of 8 bits", Profile{}, &pdu.DeliverSM{ESMClass: pdu.ESMUDHI, ShortMessage: []byte("\x05\x00\x03\xcd\x03\x02abc")},
			with(func(m *carrier.Inbound) { m.Text, m.Reference, m.Total, m.Number = "abc", 0xcd, 3, 2 })},
		{"UDH of 16 bits", Profile{}, &pdu.DeliverSM{ESMClass: pdu.ESMUDHI, ShortMessage: []byte("\x06\x08\x04\xab\xcd\x03\x02abc")},
			with(func(m *carrier.Inbound) {
				m.Text, m.Reference, m.Reference16, m.Total, m.Number = "abc", 0xabcd, true, 3, 2
			})},
		{"UDH, packed", Profile{DefaultAlphabet: encode.AlphabetGSMPacked},
			&pdu.DeliverSM{ESMClass: pdu.ESMUDHI, ShortMessage: []byte("\x05\x00\x03\xcd\x03\x02\xc2")},
			with(func(m *carrier.Inbound) { m.Text, m.Reference, m.Total, m.Number = "a", 0xcd, 3, 2 })},
		{"UDH of something else", Profile{}, &pdu.DeliverSM{ESMClass: pdu.ESMUDHI, ShortMessage: []byte("\x03\x24\x01\x01abc")}, text("abc")},
		{"SAR", Profile{}, withTLVs(&pdu.DeliverSM{ShortMessage: []byte("abc")}, func(l *pdu.TLVs) {
			l.SetSegment(pdu.Segment{Reference: 0xabcd, Total: 3, Number: 1})
		}), with(func(m *carrier.Inbound) {
			m.Text, m.Reference, m.Reference16, m.Total, m.Number = "abc", 0xabcd, true, 3, 1
		})},
		{"a text about an id and a stat", Profile{}, &pdu.DeliverSM{ShortMessage: []byte("id:77 stat:DELIVRD err:000")}, text("id:77 stat:DELIVRD err:000")},
		{"a text like a receipt where those are marked", Profile{UnmarkedReceipts: new(false)}, &pdu.DeliverSM{ShortMessage: []byte(fake)}, text(fake)},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			centre := startCentre(t, nil)
			config := centre.config()
			config.Profile = tt.profile
			k := startClient(t, config)
			k.waitUp(1)
			switch p := tt.message.(type) {
			case *pdu.DeliverSM:
				p.Source, p.Destination = from, to
			case *pdu.DataSM:
				p.Source, p.Destination = from, to
			}
			if status := centre.send(tt.message); status != pdu.ROK {
				t.Fatalf("answered %s", status)
			}
			got := within(t, k.sink.inbound)
			if got.At.IsZero() {
				t.Error("it has no time")
			}
			got.At = time.Time{}
			if got != tt.want {
				t.Errorf("got %+v, want %+v", got, tt.want)
			}
		})
	}
}

func TestNumber(t *testing.T) {
	for _, tt := range []struct {
		in   pdu.Address
		code string
		want string
	}{
		{in: pdu.Address{TON: pdu.TONInternational, Addr: "14255550168"}, want: "+14255550168"},
		{in: pdu.Address{TON: pdu.TONInternational, Addr: "+14255550168"}, want: "+14255550168"},
		{in: pdu.Address{TON: pdu.TONInternational, Addr: "0014255550168"}, want: "+14255550168"},
		{in: pdu.Address{TON: pdu.TONInternational, Addr: "12345"}, want: "12345"},
		{in: pdu.Address{TON: pdu.TONUnknown, Addr: "+14255550168"}, want: "+14255550168"},
		{in: pdu.Address{TON: pdu.TONUnknown, Addr: "14255550168"}, want: "+14255550168"},
		{in: pdu.Address{TON: pdu.TONUnknown, Addr: "0014255550168"}, want: "+14255550168"},
		{in: pdu.Address{TON: pdu.TONUnknown, Addr: "4255550168"}, want: "4255550168"},
		{in: pdu.Address{TON: pdu.TONUnknown, Addr: "12345"}, want: "12345"},
		{in: pdu.Address{TON: pdu.TONUnknown, Addr: "+12345"}, want: "12345"},
		{in: pdu.Address{TON: pdu.TONNetworkSpecific, Addr: "72345"}, want: "72345"},
		{in: pdu.Address{TON: pdu.TONNational, Addr: "4255550168"}, want: "4255550168"},
		{in: pdu.Address{TON: pdu.TONNational, Addr: "4255550168"}, code: "1", want: "+14255550168"},
		{in: pdu.Address{TON: pdu.TONNational, Addr: "07700900001"}, code: "44", want: "+447700900001"},
		{in: pdu.Address{TON: pdu.TONNational, Addr: "0612345678"}, code: "39", want: "+390612345678"},
		{in: pdu.Address{TON: pdu.TONNational, Addr: "007700900001"}, code: "44", want: "+447700900001"},
		{in: pdu.Address{TON: pdu.TONNational, Addr: "+447700900001"}, code: "1", want: "+447700900001"},
		{in: pdu.Address{TON: pdu.TONAlphanumeric, Addr: "HELIO"}, want: "HELIO"},
		{in: pdu.Address{TON: pdu.TONAlphanumeric, Addr: "14255550168"}, want: "14255550168"},
		{in: pdu.Address{TON: pdu.TONInternational}},
	} {
		if got := (Profile{NationalCallingCode: tt.code}).number(tt.in); got != tt.want {
			t.Errorf("number(%+v) of calling code %q is %q, want %q", tt.in, tt.code, got, tt.want)
		}
	}
}

func FuzzIncoming(f *testing.F) {
	f.Add(uint8(0x04), uint8(0), []byte("id:77 sub:001 dlvrd:001"+dates+"stat:DELIVRD err:000 text:"), []byte("77\x00"))
	f.Add(uint8(0x40), uint8(8), []byte("\x05\x00\x03\xcd\x03\x02\x04\x36"), []byte(nil))
	f.Add(uint8(0x44), uint8(0xF5), []byte("\x06\x08\x04\xab\xcd\x03\x02abc"), []byte("a"))
	m := newMeaning(Profile{}.withDefaults())
	f.Fuzz(func(t *testing.T, class, coding uint8, body, id []byte) {
		p := &pdu.DeliverSM{ESMClass: pdu.ESMClass(class), DataCoding: pdu.DataCoding(coding), ShortMessage: body}
		if id != nil {
			p.TLVs.Set(pdu.TagReceiptedMessageID, id)
		}
		in := incoming{request: p, class: p.ESMClass, coding: p.DataCoding, tlvs: p.TLVs, body: body}
		in.receipt, in.isReceipt = receipt.FromDeliver(p, nil)
		for _, alphabet := range []encode.Alphabet{encode.AlphabetGSM, encode.AlphabetGSMPacked, encode.AlphabetLatin1, encode.AlphabetASCII} {
			c := in.content(alphabet)
			if strings.ToValidUTF8(c.text, "") != c.text {
				t.Errorf("the text %q is not UTF-8", c.text)
			}
			if c.binary && c.text != "" {
				t.Errorf("binary data has the text %q", c.text)
			}
			if (c.head != 0 || c.tail != 0) && (c.part.Total < 2 || utf16.IsSurrogate(rune(c.head)) != (c.head != 0) || utf16.IsSurrogate(rune(c.tail)) != (c.tail != 0)) {
				t.Errorf("halves %#x and %#x of part %+v", c.head, c.tail, c.part)
			}
			if part := c.part; part.Total > 0 && (part.Sequence == 0 || part.Sequence > part.Total) {
				t.Errorf("part %d of %d", part.Sequence, part.Total)
			}
		}
		if d := detail(in); len(d) > maxDetail || strings.ToValidUTF8(d, "") != d {
			t.Errorf("detail %q", d)
		}
		if status, final := m.status(in.receipt); final != (status != "") {
			t.Errorf("status %q, final %t", status, final)
		}
		if in.isReceipt && in.receipt.ID != "" && len(m.candidates(in.receipt.ID)) == 0 {
			t.Errorf("id %q has no candidates", in.receipt.ID)
		}
	})
}
