package pdu

import (
	"encoding/hex"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bytesOf reads hexadecimal with blanks; what stands between quotes is text.
func bytesOf(t testing.TB, s string) []byte {
	t.Helper()
	var out []byte
	for i, part := range strings.Split(s, "'") {
		if i%2 == 1 {
			out = append(out, part...)
			continue
		}
		b, err := hex.DecodeString(strings.Join(strings.Fields(part), ""))
		if err != nil {
			t.Fatalf("vector %q: %v", part, err)
		}
		out = append(out, b...)
	}
	return out
}

var compare = cmp.AllowUnexported(
	Unbind{}, UnbindResp{}, GenericNack{}, EnquireLink{}, EnquireLinkResp{}, CancelSMResp{}, ReplaceSMResp{},
)

// vectors are PDUs with their octets, laid out by hand after SMPP 3.4 section 4.
var vectors = []struct {
	name string
	wire string
	pdu  PDU
}{
	{
		"bind_transmitter, the example of section 3.2.2",
		"0000002F 00000002 00000000 00000001 'SMPP3TEST' 00 'secret08' 00 'SUBMIT1' 00 00 01 01 00",
		&Bind{
			Header: Header{Sequence: 1}, Type: Transmitter, SystemID: "SMPP3TEST", Password: "secret08",
			SystemType: "SUBMIT1", AddressRange: Address{TON: TONInternational, NPI: NPIISDN},
		},
	},
	{
		"bind_receiver",
		"0000001B 00000001 00000000 00000002 'a' 00 'b' 00 00 34 05 00 '^4' 00",
		&Bind{
			Header: Header{Sequence: 2}, Type: Receiver, SystemID: "a", Password: "b", InterfaceVersion: Version34,
			AddressRange: Address{TON: TONAlphanumeric, Addr: "^4"},
		},
	},
	{
		"bind_transceiver",
		"00000019 00000009 00000000 7FFFFFFF 'a' 00 00 00 50 00 00 'x' 00",
		&Bind{Header: Header{Sequence: 0x7FFFFFFF}, Type: Transceiver, SystemID: "a", InterfaceVersion: Version50, AddressRange: Address{Addr: "x"}},
	},
	{
		"bind_receiver_resp",
		"00000015 80000001 00000000 00000002 'smsc' 00",
		&BindResp{Header: Header{Sequence: 2}, Type: Receiver, SystemID: "smsc"},
	},
	{
		"bind_transmitter_resp, refused",
		"00000010 80000002 0000000E 00000002",
		&BindResp{Header: Header{Sequence: 2, Status: RInvPaswd}, Type: Transmitter},
	},
	{
		"bind_transceiver_resp with sc_interface_version",
		"0000001A 80000009 00000000 00000003 'smsc' 00 0210 0001 34",
		&BindResp{Header: Header{Sequence: 3}, Type: Transceiver, SystemID: "smsc", TLVs: TLVs{{TagSCInterfaceVersion, []byte{0x34}}}},
	},
	{
		"outbind",
		"00000018 0000000B 00000000 00000001 'smsc' 00 'pw' 00",
		&Outbind{Header: Header{Sequence: 1}, SystemID: "smsc", Password: "pw"},
	},
	{"unbind", "00000010 00000006 00000000 00000009", &Unbind{Header: Header{Sequence: 9}}},
	{"unbind_resp", "00000010 80000006 00000000 00000009", &UnbindResp{Header: Header{Sequence: 9}}},
	{"generic_nack", "00000010 80000000 00000003 00000000", &GenericNack{Header: Header{Status: RInvCmdID}}},
	{"enquire_link", "00000010 00000015 00000000 00000007", &EnquireLink{Header: Header{Sequence: 7}}},
	{"enquire_link_resp", "00000010 80000015 00000000 00000007", &EnquireLinkResp{Header: Header{Sequence: 7}}},
	{
		"submit_sm",
		"0000004A 00000004 00000000 00000005 'CMT' 00 05 00 'HELIO' 00 01 01 '447700900123' 00" +
			"03 00 01 00 '000000010000000R' 00 01 00 00 00 05 'hello'",
		&SubmitSM{
			Header: Header{Sequence: 5}, ServiceType: "CMT",
			Source:      Address{TON: TONAlphanumeric, Addr: "HELIO"},
			Destination: Address{TON: TONInternational, NPI: NPIISDN, Addr: "447700900123"},
			ESMClass:    ESMStoreAndForward, Priority: 1, ValidityPeriod: "000000010000000R",
			RegisteredDelivery: ReceiptFinal, ShortMessage: []byte("hello"),
		},
	},
	{
		"submit_sm with user data header and optional parameters",
		"00000039 00000004 00000000 00000006 00 01 01 '1' 00 01 01 '2' 00 40 7F 00 00 00 11 01 08 02" +
			"08 050003AB0201 0041 0204 0002 0102 1403 0000 130C 0000",
		&SubmitSM{
			Header: Header{Sequence: 6}, Source: Address{1, 1, "1"}, Destination: Address{1, 1, "2"},
			ESMClass: ESMUDHI, ProtocolID: 0x7F, RegisteredDelivery: ReceiptFinal | IntermediateNotification,
			ReplaceIfPresent: 1, DataCoding: DataCodingUCS2, DefaultMessageID: 2,
			ShortMessage: []byte{5, 0, 3, 0xAB, 2, 1, 0, 0x41},
			TLVs: TLVs{
				{TagUserMessageReference, []byte{1, 2}}, {0x1403, []byte{}}, {TagAlertOnMessageDelivery, []byte{}},
			},
		},
	},
	{
		"submit_sm_resp",
		"00000014 80000004 00000000 00000005 '1A2' 00",
		&SubmitSMResp{Header: Header{Sequence: 5}, MessageID: "1A2"},
	},
	{
		"submit_sm_resp, refused without a body",
		"00000010 80000004 00000058 00000005",
		&SubmitSMResp{Header: Header{Sequence: 5, Status: RThrottled}},
	},
	{
		"deliver_sm",
		"00000031 00000005 00000000 00000011 00 01 01 '12' 00 02 08 '34' 00 04 00 00 00 00 00 00 00 00" +
			"00 001E 0003 'ab' 00 0427 0001 02",
		&DeliverSM{
			Header: Header{Sequence: 0x11}, Source: Address{1, 1, "12"}, Destination: Address{2, 8, "34"},
			ESMClass: ESMDeliveryReceipt,
			TLVs:     TLVs{{TagReceiptedMessageID, []byte("ab\x00")}, {TagMessageState, []byte{2}}},
		},
	},
	{
		"deliver_sm_resp",
		"00000011 80000005 00000064 00000011 00",
		&DeliverSMResp{Header: Header{Sequence: 0x11, Status: RXTAppn}},
	},
	{
		"data_sm",
		"00000027 00000103 00000000 00000012 'WAP' 00 01 01 '12' 00 02 08 '34' 00 00 01 04 0424 0002 CAFE",
		&DataSM{
			Header: Header{Sequence: 0x12}, ServiceType: "WAP", Source: Address{1, 1, "12"}, Destination: Address{2, 8, "34"},
			RegisteredDelivery: ReceiptFinal, DataCoding: DataCodingOctets,
			TLVs: TLVs{{TagMessagePayload, []byte{0xCA, 0xFE}}},
		},
	},
	{
		"data_sm_resp, refused with a reason",
		"00000018 80000103 000000FE 00000012 '7' 00 0423 0002 0308",
		&DataSMResp{Header: Header{Sequence: 0x12, Status: RDeliveryFailure}, MessageID: "7", TLVs: TLVs{{TagNetworkErrorCode, []byte{3, 8}}}},
	},
	{
		"submit_multi",
		"00000036 00000021 00000000 00000013 00 05 00 'H' 00 02 01 01 01 '447' 00 02 'list' 00" +
			"00 00 00 00 00 00 00 00 00 04 'text' 0426 0001 01",
		&SubmitMulti{
			Header: Header{Sequence: 0x13}, Source: Address{5, 0, "H"},
			Destinations: []MultiDestination{{Address: Address{1, 1, "447"}}, {List: "list"}},
			ShortMessage: []byte("text"), TLVs: TLVs{{TagMoreMessagesToSend, []byte{1}}},
		},
	},
	{
		"submit_multi_resp",
		"0000001C 80000021 00000000 00000013 '9' 00 01 01 01 '44' 00 0000000B",
		&SubmitMultiResp{
			Header: Header{Sequence: 0x13}, MessageID: "9",
			Unsuccessful: []Unsuccessful{{Address{1, 1, "44"}, RInvDstAdr}},
		},
	},
	{
		"query_sm",
		"00000017 00000003 00000000 00000014 '9' 00 01 01 'ab' 00",
		&QuerySM{Header: Header{Sequence: 0x14}, MessageID: "9", Source: Address{1, 1, "ab"}},
	},
	{
		"query_sm_resp",
		"00000025 80000003 00000000 00000014 '9' 00 '261123113000004+' 00 05 2A",
		&QuerySMResp{Header: Header{Sequence: 0x14}, MessageID: "9", FinalDate: "261123113000004+", State: StateUndeliverable, ErrorCode: 42},
	},
	{
		"cancel_sm",
		"0000001D 00000008 00000000 00000015 00 '9' 00 01 01 'a' 00 00 00 'bcd' 00",
		&CancelSM{Header: Header{Sequence: 0x15}, MessageID: "9", Source: Address{1, 1, "a"}, Destination: Address{0, 0, "bcd"}},
	},
	{"cancel_sm_resp", "00000010 80000008 00000011 00000015", &CancelSMResp{Header: Header{Sequence: 0x15, Status: RCancelFail}}},
	{
		"replace_sm",
		"0000001D 00000007 00000000 00000016 '9' 00 01 01 'a' 00 00 00 01 00 02 'hi'",
		&ReplaceSM{Header: Header{Sequence: 0x16}, MessageID: "9", Source: Address{1, 1, "a"}, RegisteredDelivery: ReceiptFinal, ShortMessage: []byte("hi")},
	},
	{"replace_sm_resp", "00000010 80000007 00000013 00000016", &ReplaceSMResp{Header: Header{Sequence: 0x16, Status: RReplaceFail}}},
	{
		"alert_notification",
		"0000001E 00000102 00000000 00000017 01 01 '4' 00 05 00 'E' 00 0422 0002 0000",
		&AlertNotification{
			Header: Header{Sequence: 0x17}, Source: Address{1, 1, "4"}, ESME: Address{5, 0, "E"},
			TLVs: TLVs{{TagMsAvailabilityStatus, []byte{0, 0}}},
		},
	},
}

func TestVectors(t *testing.T) {
	for _, v := range vectors {
		t.Run(v.name, func(t *testing.T) {
			wire := bytesOf(t, v.wire)
			got, err := Decode(wire)
			if err != nil {
				t.Fatalf("Decode: %v", err)
			}
			if diff := cmp.Diff(v.pdu, got, compare); diff != "" {
				t.Errorf("decoded (-want +got):\n%s", diff)
			}
			out, err := Append([]byte("before"), v.pdu)
			if err != nil {
				t.Fatalf("Append: %v", err)
			}
			if diff := cmp.Diff(hex.EncodeToString(wire), hex.EncodeToString(out[len("before"):])); diff != "" {
				t.Errorf("encoded (-want +got):\n%s", diff)
			}
		})
	}
}

func TestVectorsCoverEveryCommand(t *testing.T) {
	seen := map[CommandID]bool{}
	for _, v := range vectors {
		seen[v.pdu.Command()] = true
	}
	for c, name := range commandNames {
		if !seen[c] {
			t.Errorf("no vector for %s", name)
		}
		if alloc(c) == nil || alloc(c).Command() != c {
			t.Errorf("%s has no type", name)
		}
	}
}

func TestDecodedSharesNothingWithTheFrame(t *testing.T) {
	for _, v := range vectors {
		wire := bytesOf(t, v.wire)
		got, err := Decode(wire)
		if err != nil {
			t.Fatal(err)
		}
		clear(wire)
		if diff := cmp.Diff(v.pdu, got, compare); diff != "" {
			t.Errorf("%s changed with its frame (-want +got):\n%s", v.name, diff)
		}
	}
}
