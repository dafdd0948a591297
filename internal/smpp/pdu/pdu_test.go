package pdu

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

// frame puts a right command_length before the rest of a PDU.
func frame(t testing.TB, rest string) []byte {
	t.Helper()
	b := append(make([]byte, 4), bytesOf(t, rest)...)
	binary.BigEndian.PutUint32(b, uint32(len(b)))
	return b
}

const addresses = "00 00 00 00 00 00 00 " // service_type and two empty addresses

func TestMalformed(t *testing.T) {
	long := "'" + strings.Repeat("9", 300) + "' 00 "
	tests := []struct {
		name   string
		wire   string
		status Status
		answer PDU
	}{
		{"unknown command", "00000111 00000000 00000007", RInvCmdID, &GenericNack{Header: Header{Status: RInvCmdID, Sequence: 7}}},
		{"unknown response", "80000111 00000000 00000007", RInvCmdID, nil},
		{"submit_sm without a body", "00000004 00000000 00000007", RInvCmdLen, &GenericNack{Header: Header{Status: RInvCmdLen, Sequence: 7}}},
		{"string without its end", "00000004 00000000 00000007 'ab'", RInvCmdLen, &GenericNack{Header: Header{Status: RInvCmdLen, Sequence: 7}}},
		{"service_type too long", "00000004 00000000 00000007" + long, RInvSerTyp, &SubmitSMResp{Header: Header{Status: RInvSerTyp, Sequence: 7}}},
		{"source_addr too long", "00000005 00000000 00000007 00 00 00" + long, RInvSrcAdr, &DeliverSMResp{Header: Header{Status: RInvSrcAdr, Sequence: 7}}},
		{"destination_addr too long", "00000103 00000000 00000007 00 00 00 00 00 00" + long, RInvDstAdr, &DataSMResp{Header: Header{Status: RInvDstAdr, Sequence: 7}}},
		{"schedule_delivery_time too long", "00000004 00000000 00000007" + addresses + "00 00 00" + long, RInvSched, &SubmitSMResp{Header: Header{Status: RInvSched, Sequence: 7}}},
		{"validity_period too long", "00000004 00000000 00000007" + addresses + "00 00 00 00" + long, RInvExpiry, &SubmitSMResp{Header: Header{Status: RInvExpiry, Sequence: 7}}},
		{"sm_length beyond the PDU", "00000004 00000000 00000007" + addresses + "00 00 00 00 00 00 00 00 00 05 'abc'", RInvMsgLen, &SubmitSMResp{Header: Header{Status: RInvMsgLen, Sequence: 7}}},
		{"TLV beyond the PDU", "00000004 00000000 00000007" + addresses + "00 00 00 00 00 00 00 00 00 00 0424 0005 'abc'", RInvOptParStream, &SubmitSMResp{Header: Header{Status: RInvOptParStream, Sequence: 7}}},
		{"half a TLV header", "00000005 00000000 00000007" + addresses + "00 00 00 00 00 00 00 00 00 00 0424 00", RInvOptParStream, &DeliverSMResp{Header: Header{Status: RInvOptParStream, Sequence: 7}}},
		{"password too long", "00000009 00000000 00000007 'a' 00" + long, RInvPaswd, &BindResp{Type: Transceiver, Header: Header{Status: RInvPaswd, Sequence: 7}}},
		{"no destination", "00000021 00000000 00000007 00 00 00 00 00", RInvNumDests, &SubmitMultiResp{Header: Header{Status: RInvNumDests, Sequence: 7}}},
		{"dest_flag 3", "00000021 00000000 00000007 00 00 00 00 01 03", RInvDestFlag, &SubmitMultiResp{Header: Header{Status: RInvDestFlag, Sequence: 7}}},
		{"list without a name", "00000021 00000000 00000007 00 00 00 00 01 02 00", RInvDLName, &SubmitMultiResp{Header: Header{Status: RInvDLName, Sequence: 7}}},
		{"message_id too long", "00000003 00000000 00000007" + long, RInvMsgID, &QuerySMResp{Header: Header{Status: RInvMsgID, Sequence: 7}}},
		{"message_id too long in a response", "80000004 00000000 00000007" + long, RInvMsgID, nil},
		{"alert_notification without an end", "00000102 00000000 00000007 00 00", RInvCmdLen, &GenericNack{Header: Header{Status: RInvCmdLen, Sequence: 7}}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := Decode(frame(t, test.wire))
			var fault *DecodeError
			if !errors.As(err, &fault) {
				t.Fatalf("got %#v, %v; want a DecodeError", p, err)
			}
			if fault.Status != test.status || fault.Sequence != 7 || fault.Fatal {
				t.Errorf("fault = %+v, want status %s, sequence 7 and not fatal", fault, test.status)
			}
			if diff := cmp.Diff(test.answer, fault.Answer(), compare); diff != "" {
				t.Errorf("answer (-want +got):\n%s", diff)
			}
		})
	}
}

func TestTolerated(t *testing.T) {
	tests := []struct {
		name string
		wire string
		want PDU
	}{
		{"message_id without its NUL", "80000004 00000000 00000001 'abc'", &SubmitSMResp{Header: Header{Sequence: 1}, MessageID: "abc"}},
		{"accepted without a body", "80000004 00000000 00000001", &SubmitSMResp{Header: Header{Sequence: 1}}},
		{"refused with a body", "80000004 00000045 00000001 00", &SubmitSMResp{Header: Header{Sequence: 1, Status: RSubmitFail}}},
		{"refused with half a body", "80000003 00000067 00000001 00", &QuerySMResp{Header: Header{Sequence: 1, Status: RQueryFail}}},
		{"refused submit_multi", "80000021 00000045 00000001 00", &SubmitMultiResp{Header: Header{Sequence: 1, Status: RSubmitFail}}},
		{"message_id of 100", "80000004 00000000 00000001 '" + strings.Repeat("f", 100) + "' 00", &SubmitSMResp{Header: Header{Sequence: 1}, MessageID: strings.Repeat("f", 100)}},
		{"response with a broken TLV", "80000004 00000000 00000001 '7' 00 001D 00FF 00", &SubmitSMResp{Header: Header{Sequence: 1}, MessageID: "7"}},
		{"enquire_link with a body", "00000015 00000000 00000001 00", &EnquireLink{Header: Header{Sequence: 1}}},
		{
			"source_addr of 30", "00000005 00000000 00000001 00 05 00 '" + strings.Repeat("x", 30) + "' 00 00 00 00 00 00 00 00 00 00 00 00 00 00",
			&DeliverSM{Header: Header{Sequence: 1}, Source: Address{TON: TONAlphanumeric, Addr: strings.Repeat("x", 30)}},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := Decode(frame(t, test.wire))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, got, compare); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestAppendRefuses(t *testing.T) {
	tests := []struct {
		field string
		pdu   PDU
	}{
		{"service_type", &SubmitSM{ServiceType: "TOOLNG"}},
		{"source_addr", &SubmitSM{Source: Address{Addr: strings.Repeat("1", 21)}}},
		{"destination_addr", &SubmitSM{Destination: Address{Addr: "12\x0034"}}},
		{"validity_period", &SubmitSM{ValidityPeriod: "1h"}},
		{"message_id", &SubmitSMResp{MessageID: strings.Repeat("1", 65)}},
		{"short_message", &SubmitSM{ShortMessage: make([]byte, 255), TLVs: TLVs{{TagMessagePayload, nil}}}},
		{"message_payload", &DataSM{TLVs: TLVs{{TagMessagePayload, make([]byte, 65536)}}}},
		{"number_of_dests", &SubmitMulti{}},
		{"number_of_dests", &SubmitMulti{Destinations: make([]MultiDestination, 256)}},
		{"no_unsuccess", &SubmitMultiResp{Unsuccessful: make([]Unsuccessful, 256)}},
		{"password", &Bind{Type: Receiver, Password: strings.Repeat("p", 64)}},
	}
	for _, test := range tests {
		out, err := Append([]byte("kept"), test.pdu)
		var fault *FieldError
		if !errors.As(err, &fault) || fault.Field != test.field || fault.Command != test.pdu.Command() {
			t.Errorf("%s of %s: got error %v", test.field, test.pdu.Command(), err)
		}
		if string(out) != "kept" {
			t.Errorf("%s: the buffer holds %q", test.field, out)
		}
	}
}

func TestLongBodyBecomesPayload(t *testing.T) {
	body := bytes.Repeat([]byte("long "), 100)
	for _, p := range []PDU{
		&SubmitSM{ShortMessage: body, TLVs: TLVs{{TagUserMessageReference, []byte{0, 1}}}},
		&DeliverSM{ShortMessage: body},
	} {
		wire, err := Append(nil, p)
		if err != nil {
			t.Fatal(err)
		}
		got, err := Decode(wire)
		if err != nil {
			t.Fatal(err)
		}
		if b := got.(interface{ Body() []byte }).Body(); !bytes.Equal(b, body) {
			t.Errorf("%s: body of %d octets came back as %d", p.Command(), len(body), len(b))
		}
	}
	short := &SubmitSM{ShortMessage: body[:254]}
	wire, err := Append(nil, short)
	if err != nil {
		t.Fatal(err)
	}
	got, err := Decode(wire)
	if err != nil || len(got.(*SubmitSM).ShortMessage) != 254 {
		t.Errorf("254 octets: %v, %v", got, err)
	}
}

func TestStatusNames(t *testing.T) {
	if got := RThrottled.String(); got != "ESME_RTHROTTLED" {
		t.Errorf("RThrottled is %q", got)
	}
	if got := Status(0x411).String(); got != "0x00000411" || !Status(0x411).IsVendor() {
		t.Errorf("0x411 is %q", got)
	}
	for status, name := range statusNames {
		for _, form := range []string{name, strings.ToLower(name), strings.TrimPrefix(name, "ESME_")} {
			if got, err := ParseStatus(form); err != nil || got != status {
				t.Errorf("ParseStatus(%q) = %v, %v", form, got, err)
			}
		}
	}
	for text, want := range map[string]Status{"0x58": RThrottled, "88": RThrottled, "0X0411": 0x411} {
		if got, err := ParseStatus(text); err != nil || got != want {
			t.Errorf("ParseStatus(%q) = %v, %v", text, got, err)
		}
	}
	if _, err := ParseStatus("ESME_RNOSUCH"); err == nil {
		t.Error("ParseStatus accepted an unknown mnemonic")
	}
}

func TestReader(t *testing.T) {
	var stream []byte
	var want []CommandID
	for _, v := range vectors {
		stream = append(stream, bytesOf(t, v.wire)...)
		want = append(want, v.pdu.Command())
	}
	large, err := Append(nil, &SubmitSM{ShortMessage: make([]byte, 40000)})
	if err != nil {
		t.Fatal(err)
	}
	stream = append(append(stream, large...), bytesOf(t, vectors[0].wire)...)
	want = append(want, CommandSubmitSM, vectors[0].pdu.Command())

	for name, src := range map[string]io.Reader{
		"whole":         bytes.NewReader(stream),
		"octet-wise":    iotest.OneByteReader(bytes.NewReader(stream)),
		"data with EOF": iotest.DataErrReader(bytes.NewReader(stream)),
	} {
		t.Run(name, func(t *testing.T) {
			r := NewReader(src, MaxLength)
			var got []CommandID
			for {
				f, err := r.Next()
				if err == io.EOF {
					break
				}
				if err != nil {
					t.Fatal(err)
				}
				p, err := Decode(f)
				if err != nil {
					t.Fatal(err)
				}
				got = append(got, p.Command())
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestReaderRefuses(t *testing.T) {
	tests := []struct {
		name     string
		wire     string
		max      int
		fatal    bool
		sequence uint32
		err      error
	}{
		{"empty", "", 100, false, 0, io.EOF},
		{"half a length", "0000", 100, false, 0, io.ErrUnexpectedEOF},
		{"half a PDU", "00000010 00000015 00000000", 100, false, 0, io.ErrUnexpectedEOF},
		{"length 15", "0000000F 00000015 00000000 00000001", 100, true, 0, nil},
		{"length of 4 GiB", "FFFFFFFF 00000004 00000000 00000009 00", 100, true, 9, nil},
		{"one octet too long", "00000065 00000004 00000000 00000009 00", 100, true, 9, nil},
	}
	for _, test := range tests {
		r := NewReader(bytes.NewReader(bytesOf(t, test.wire)), test.max)
		_, err := r.Next()
		if test.err != nil {
			if err != test.err {
				t.Errorf("%s: got %v, want %v", test.name, err, test.err)
			}
			continue
		}
		var fault *DecodeError
		if !errors.As(err, &fault) || fault.Fatal != test.fatal || fault.Sequence != test.sequence {
			t.Errorf("%s: got %v", test.name, err)
			continue
		}
		want := &GenericNack{Header: Header{Status: RInvCmdLen, Sequence: test.sequence}}
		if diff := cmp.Diff(PDU(want), fault.Answer(), compare); diff != "" {
			t.Errorf("%s: answer (-want +got):\n%s", test.name, diff)
		}
	}
}

func TestReaderReady(t *testing.T) {
	link := bytesOf(t, "00000010 00000015 00000000 00000001")
	r := NewReader(bytes.NewReader(append(append(bytes.Clone(link), link...), link[:9]...)), MaxLength)
	if r.Ready() {
		t.Error("ready before anything was read")
	}
	for i, want := range []bool{true, false} {
		if _, err := r.Next(); err != nil {
			t.Fatal(err)
		}
		if r.Ready() != want {
			t.Errorf("after frame %d: ready is %t", i+1, !want)
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, v := range vectors {
		f.Add(bytesOf(f, v.wire))
	}
	f.Add(frame(f, "00000004 00000000 00000007 00"))
	f.Fuzz(func(t *testing.T, data []byte) {
		if len(data) >= 4 {
			binary.BigEndian.PutUint32(data, uint32(len(data)))
		}
		p, err := Decode(data)
		if err != nil {
			var fault *DecodeError
			if p != nil || !errors.As(err, &fault) {
				t.Fatalf("Decode = %v, %T", p, err)
			}
			if answer := fault.Answer(); answer != nil && !answer.Command().IsResponse() {
				t.Fatalf("the answer is a %s", answer.Command())
			}
			return
		}
		first, err := Append(nil, p)
		if err != nil {
			return // read with a size that is not written
		}
		again, err := Decode(first)
		if err != nil {
			t.Fatalf("written but not readable: %v", err)
		}
		second, err := Append(nil, again)
		if err != nil || !bytes.Equal(first, second) {
			t.Fatalf("not stable: %v\n%x\n%x", err, first, second)
		}
	})
}

func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 0, 0, 16, 0, 0, 0, 0x15, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		r := NewReader(iotest.HalfReader(bytes.NewReader(data)), 1024)
		total := 0
		for {
			b, err := r.Next()
			if err != nil {
				break
			}
			if !bytes.Equal(b, data[total:total+len(b)]) {
				t.Fatalf("frame at %d is not the stream's", total)
			}
			total += len(b)
			r.Ready()
		}
	})
}

func BenchmarkAppendSubmitSM(b *testing.B) {
	p := vectorOf(CommandSubmitSM)
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Append(buf, p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, c := range []CommandID{CommandSubmitSM, CommandSubmitSMResp, CommandDeliverSM} {
		b.Run(c.String(), func(b *testing.B) {
			wire, err := Append(nil, vectorOf(c))
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Decode(wire); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func vectorOf(c CommandID) PDU {
	for _, v := range vectors {
		if v.pdu.Command() == c {
			return v.pdu
		}
	}
	panic("no vector for " + c.String())
}
