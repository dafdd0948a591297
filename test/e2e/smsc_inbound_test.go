//go:build smsc

package e2e

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
)

// TestInboundTextsAtAnIndependentMessageCentre brings texts in through a message centre
// that was not written here: in several alphabets, with addresses of several types, and
// in parts that are out of order.
func TestInboundTextsAtAnIndependentMessageCentre(t *testing.T) {
	t.Parallel()
	centre := startNetSMPP(t)
	s := start(t, fmt.Sprintf(`tier: production
carriers:
  - name: perl
    smpp: {address: "127.0.0.1:%d", system_id: helio, password: secret, profile: {national_calling_code: "44"}}
numbers:
  - {number: "+447700900001", country: GB, type: LONG_CODE, carrier: perl, two_way: true}
`, centre.port))
	number := leaseTwoWay(t, s.client())
	centre.next("bind")
	bring := func(fields map[string]any, text []byte, tlvs map[string]string) {
		t.Helper()
		centre.sequence++
		all := map[string]any{"source_addr": "447700900100", "source_addr_ton": 1, "source_addr_npi": 1, "destination_addr": "447700900001",
			"dest_addr_ton": 1, "dest_addr_npi": 1, "short_message": hex.EncodeToString(text)}
		for name, value := range fields {
			all[name] = value
		}
		inHex := map[string]string{}
		for name, value := range tlvs {
			inHex[name] = hex.EncodeToString([]byte(value))
		}
		centre.do(map[string]any{"command": "deliver", "sequence": centre.sequence, "tlvs": inHex, "fields": all})
		if r := centre.next("deliver_sm_resp"); r.Sequence != centre.sequence || r.Status != 0 {
			t.Errorf("deliver_sm %d: answered as %d with status %#x", centre.sequence, r.Sequence, r.Status)
		}
	}

	bring(nil, gsmOctets(t, "GSM: @£è [€] {}"), nil)
	bring(map[string]any{"data_coding": 3}, []byte("Latin-1: \xe9\xff"), nil)
	bring(map[string]any{"data_coding": 1}, []byte("IA5: _@"), nil)
	bring(map[string]any{"data_coding": 8}, ucs2Octets("UCS-2: ж😀"), nil)
	bring(map[string]any{"data_coding": 4}, []byte{1, 2, 3}, nil)
	bring(map[string]any{"source_addr_ton": 0, "source_addr_npi": 0, "dest_addr_ton": 0, "dest_addr_npi": 0}, []byte("unknown types"), nil)
	bring(map[string]any{"source_addr": "07700900100", "source_addr_ton": 2, "destination_addr": "7700900001", "dest_addr_ton": 2}, []byte("national"), nil)
	bring(map[string]any{"source_addr": "+447700900100", "destination_addr": "+447700900001"}, []byte("plus signs"), nil)
	bring(nil, nil, map[string]string{"message_payload": "in the payload"})

	// Parts in UCS-2, out of order and some twice, with a reference of 16 bits. Some are
	// cut between the halves of a pair.
	long := strings.Repeat("Длинное сообщение 😀 ", 16)
	units := ucs2Octets(long)
	var parts [][]byte
	for len(units) > 0 {
		n := min(len(units), 132)
		for n < len(units) && len(parts) < 3 && units[n-2]&0xFC != 0xD8 {
			n -= 2
		}
		parts = append(parts, units[:n])
		units = units[n:]
	}
	if len(parts) < 5 {
		t.Fatalf("%d parts", len(parts))
	}
	order := []int{3, 0, 0, 4, 2}
	for n := 5; n < len(parts); n++ {
		order = append(order, n)
	}
	for _, n := range append(order, 1, 3) {
		bring(map[string]any{"esm_class": 0x40, "data_coding": 8}, slices.Concat([]byte{6, 8, 4, 0xBE, 0xEF, byte(len(parts)), byte(n + 1)}, parts[n]), nil)
	}
	want := []string{"GSM: @£è [€] {}", "Latin-1: éÿ", "IA5: _@", "UCS-2: ж😀", "unknown types", "national", "plus signs", "in the payload", long}
	id := aws.ToString(number.PhoneNumberId)
	eventually(t, "the messages in the log", func() bool { return len(s.payloads(id)) >= len(want) })
	got := []string{}
	for _, p := range s.payloads(id) {
		if p.OriginationNumber != "+447700900100" || p.DestinationNumber != "+447700900001" || p.MessageKeyword != "" || p.InboundMessageID == "" {
			t.Errorf("payload %+v", p)
		}
		got = append(got, p.MessageBody)
	}
	if !slices.Equal(got, want) {
		t.Errorf("published %q, want %q", got, want)
	}
	if n := s.metric("heliograph_inbound_messages_total"); n != float64(len(want)+1) {
		t.Errorf("%v messages were counted, binary data included", n)
	}
}
