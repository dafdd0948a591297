package smpp

import (
	"encoding/hex"
	"net"
	"strings"
	"sync"
	"testing"
	"time"

	"heliograph/internal/carrier"
	"heliograph/internal/encode"
	"heliograph/internal/smpp/pdu"
	"heliograph/internal/sms"
)

// TestSubmitOnTheWire compares whole submit_sm frames as they arrive at a socket.
// The octets are written by hand from SMPP 3.4 section 4.4.1.
func TestSubmitOnTheWire(t *testing.T) {
	const (
		phone       = "01 01 3132303635353530313833 00" // international, E.164, 12065550183
		code        = "03 00 3132333435 00"             // network specific, 12345
		name        = "05 00 48454c494f 00"             // alphanumeric, HELIO
		destination = "01 01 3134323535353530313638 00" // international, E.164, 14255550168
		expires     = "323630313032313530343035303030 2b 00"
		relative    = "303030303030303130303030303030 52 00" // one hour, or a second less
	)
	// submit puts the fields around the given ones in place: service_type to
	// destination, esm_class, validity_period, data_coding and the message with its
	// length.
	submit := func(addresses, class, validity, coding, message string) string {
		return "00 " + addresses + class + " 00 00 00 " + validity + " 01 00 " + coding + " 00 " + message
	}
	long := func(p carrier.Part) carrier.Part {
		p.Number, p.Total, p.Reference = 2, 3, 0xABCD
		return p
	}
	text := func(s string, e encode.Encoding) carrier.Part {
		p := plainPart()
		p.Text, p.Encoding = s, e
		return p
	}
	plain := phone + destination
	tests := []struct {
		name    string
		profile Profile
		part    carrier.Part
		want    string // the body in hexadecimal
	}{
		{"GSM", Profile{}, text("@£ hello_", encode.GSM),
			submit(plain, "00", "00", "00", "09 00 01 20 68656c6c6f 11")},
		{"every extension character", Profile{}, text("^{}\\[~]|€\f", encode.GSM),
			submit(plain, "00", "00", "00", "14 1b14 1b28 1b29 1b2f 1b3c 1b3d 1b3e 1b40 1b65 1b0a")},
		{"GSM packed", Profile{DefaultAlphabet: encode.AlphabetGSMPacked}, text("hellohello", encode.GSM),
			submit(plain, "00", "00", "00", "09 e8329bfd4697d9ec37")},
		{"Latin-1", Profile{DefaultAlphabet: encode.AlphabetLatin1}, text("é£", encode.GSM),
			submit(plain, "00", "00", "00", "02 e9 a3")},
		{"Latin-1 as 3", Profile{DefaultAlphabet: encode.AlphabetLatin1, DataCoding: 3}, text("é£", encode.GSM),
			submit(plain, "00", "00", "03", "02 e9 a3")},
		{"ASCII", Profile{DefaultAlphabet: encode.AlphabetASCII, DataCoding: 1}, text("_@", encode.GSM),
			submit(plain, "00", "00", "01", "02 5f 40")},
		{"ASCII has no é, a single part goes as UCS-2", Profile{DefaultAlphabet: encode.AlphabetASCII}, text("é", encode.GSM),
			submit(plain, "00", "00", "08", "02 00e9")},
		{"UCS-2 with an emoji", Profile{}, text("ж😀", encode.Unicode),
			submit(plain, "00", "00", "08", "06 0436 d83d de00")},
		{"empty", Profile{}, text("", encode.GSM), submit(plain, "00", "00", "00", "00")},
		{"UDH of 8 bits", Profile{}, long(text("abc", encode.GSM)),
			submit(plain, "40", "00", "00", "09 05 00 03 cd 03 02 616263")},
		{"UDH of 8 bits, UCS-2", Profile{}, long(text("ж", encode.Unicode)),
			submit(plain, "40", "00", "08", "08 05 00 03 cd 03 02 0436")},
		{"UDH of 8 bits, packed", Profile{DefaultAlphabet: encode.AlphabetGSMPacked}, long(text("a", encode.GSM)),
			submit(plain, "40", "00", "00", "07 05 00 03 cd 03 02 c2")},
		{"UDH of 16 bits", Profile{LongMessages: UDH16}, func() carrier.Part { p := long(text("abc", encode.GSM)); p.Reference16 = true; return p }(),
			submit(plain, "40", "00", "00", "0a 06 08 04 abcd 03 02 616263")},
		{"UDH of 16 bits, cut for 8", Profile{LongMessages: UDH16}, long(text("abc", encode.GSM)),
			submit(plain, "40", "00", "00", "09 05 00 03 cd 03 02 616263")},
		{"SAR", Profile{LongMessages: SAR}, long(text("abc", encode.GSM)),
			submit(plain, "00", "00", "00", "03 616263 020c 0002 abcd 020e 0001 03 020f 0001 02")},
		{"message_payload", Profile{LongMessages: Payload}, long(text("abc", encode.GSM)),
			submit(plain, "40", "00", "00", "00 0424 0009 05 00 03 cd 03 02 616263")},
		{"message_payload, one part", Profile{LongMessages: Payload}, text("abc", encode.GSM),
			submit(plain, "00", "00", "00", "03 616263")},
		{"short code", Profile{}, func() carrier.Part {
			p := text("a", encode.GSM)
			p.Origination, p.NumberType = "12345", sms.ShortCode
			return p
		}(),
			submit(code+destination, "00", "00", "00", "01 61")},
		{"sender ID", Profile{}, func() carrier.Part {
			p := text("a", encode.GSM)
			p.Origination, p.Kind, p.NumberType = "HELIO", sms.IdentitySenderID, ""
			return p
		}(), submit(name+destination, "00", "00", "00", "01 61")},
		{"sender ID of digits", Profile{}, func() carrier.Part {
			p := text("a", encode.GSM)
			p.Origination, p.Kind, p.NumberType = "600123", sms.IdentitySenderID, ""
			return p
		}(), submit("05 00 363030313233 00"+destination, "00", "00", "00", "01 61")},
		{"shared route by name", Profile{}, func() carrier.Part {
			p := text("a", encode.GSM)
			p.Origination, p.Kind, p.NumberType = "HELIO", sms.IdentitySharedRoute, ""
			return p
		}(), submit(name+destination, "00", "00", "00", "01 61")},
		{"shared route by short code", Profile{}, func() carrier.Part {
			p := text("a", encode.GSM)
			p.Origination, p.Kind, p.NumberType = "12345", sms.IdentitySharedRoute, ""
			return p
		}(), submit(code+destination, "00", "00", "00", "01 61")},
		{"address types and plus", Profile{
			Source:      SourceTypes{PhoneNumber: &AddressType{0, 0}},
			Destination: &AddressType{2, 8}, SourcePlus: true, DestinationPlus: true,
		}, text("a", encode.GSM),
			submit("00 00 2b3132303635353530313833 00 02 08 2b3134323535353530313638 00", "00", "00", "00", "01 61")},
		{"validity in UTC", Profile{}, func() carrier.Part {
			p := text("a", encode.GSM)
			p.Expires = time.Date(2026, 1, 2, 16, 4, 5, 0, time.FixedZone("", 3600))
			return p
		}(), submit(plain, "00", expires, "00", "01 61")},
		{"no validity", Profile{Validity: ValidityNone}, func() carrier.Part { p := text("a", encode.GSM); p.Expires = at(time.Hour); return p }(),
			submit(plain, "00", "00", "00", "01 61")},
		{"relative validity", Profile{Validity: ValidityRelative}, func() carrier.Part { p := text("a", encode.GSM); p.Expires = at(time.Hour); return p }(),
			submit(plain, "00", relative, "00", "01 61")},
		{"no receipts", Profile{Receipts: new(false)}, text("a", encode.GSM),
			strings.Replace(submit(plain, "00", "00", "00", "01 61"), "00 01 00 00 00", "00 00 00 00 00", 1)},
		{"service type", Profile{ServiceType: "CMT"}, text("a", encode.GSM),
			"434d54 " + submit(plain, "00", "00", "00", "01 61")},
		{"country parameters", Profile{}, func() carrier.Part {
			p := text("a", encode.GSM)
			p.CountryParameters = map[string]string{"IN_TEMPLATE_ID": "77", "IN_ENTITY_ID": "1001", "OTHER": "x"}
			return p
		}(), submit(plain, "00", "00", "00", "01 61 1400 0004 31303031 1401 0002 3737")},
		{"country parameters at their own tags", Profile{CountryParameters: map[string]uint16{"IN_ENTITY_ID": 0x1500}}, func() carrier.Part {
			p := text("a", encode.GSM)
			p.CountryParameters = map[string]string{"IN_TEMPLATE_ID": "77", "IN_ENTITY_ID": "1001"}
			return p
		}(), submit(plain, "00", "00", "00", "01 61 1500 0004 31303031")},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			now := base
			want, err := hex.DecodeString(strings.ReplaceAll(tt.want, " ", ""))
			if err != nil {
				t.Fatal(err)
			}
			message, err := tt.profile.withDefaults().submitSM(tt.part, now)
			if err != nil {
				t.Fatal(err)
			}
			frame := overSocket(t, message)
			if got := frame[pdu.HeaderLength:]; hex.EncodeToString(got) != hex.EncodeToString(want) {
				t.Errorf("body is\n%x, want\n%x", got, want)
			}
		})
	}
}

// base is a time before all in these tests.
var base = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(d time.Duration) time.Time { return base.Add(d) }

// overSocket sends m as a session does and gives the octets of its frame.
func overSocket(t *testing.T, m *pdu.SubmitSM) []byte {
	t.Helper()
	tap := newTap(t)
	k := startClient(t, Config{Address: tap.address, SystemID: "me", Password: "secret"})
	k.waitUp(1)
	k.mu.Lock()
	session := k.links[0].session
	k.mu.Unlock()
	if err := session.TrySubmit(m, func(*pdu.SubmitSMResp, error) {}); err != nil {
		t.Fatal(err)
	}
	return within(t, tap.submits)
}

// tap is a message centre that binds everybody, accepts everything and gives away
// the frames of submit_sm.
type tap struct {
	address string
	submits chan []byte
}

func newTap(t *testing.T) *tap {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &tap{address: l.Addr().String(), submits: make(chan []byte, 100)}
	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { p.serve(conn) })
		}
	})
	t.Cleanup(func() { l.Close(); serving.Wait() })
	return p
}

func (p *tap) serve(conn net.Conn) {
	defer conn.Close()
	frames := pdu.NewReader(conn, pdu.MaxLength)
	for {
		frame, err := frames.Next()
		if err != nil {
			return
		}
		request, err := pdu.Decode(frame)
		if err != nil {
			return
		}
		if request.Command() == pdu.CommandSubmitSM {
			p.submits <- append([]byte(nil), frame...)
		}
		if response := pdu.ResponseTo(request, pdu.ROK); response != nil {
			octets, err := pdu.Append(nil, response)
			if err != nil {
				return
			}
			if _, err := conn.Write(octets); err != nil {
				return
			}
		}
	}
}

func TestNotWritable(t *testing.T) {
	k := startClient(t, func() Config {
		c := startCentre(t, nil).config()
		c.Profile.DefaultAlphabet = encode.AlphabetASCII
		return c
	}())
	k.waitUp(1)
	tests := []struct {
		name   string
		change func(*carrier.Part)
		status sms.Status
		code   string
	}{
		{"expired", func(p *carrier.Part) { p.Expires = time.Now().Add(-time.Second) }, sms.StatusTTLExpired, codeExpired},
		{"destination too long", func(p *carrier.Part) { p.Destination = "+123456789012345678901" }, sms.StatusInvalid, codeNotWritable},
		{"source too long", func(p *carrier.Part) { p.Origination = strings.Repeat("x", 30) }, sms.StatusInvalidMessage, codeNotWritable},
		{"not in the alphabet, one of several", func(p *carrier.Part) { p.Text, p.Number, p.Total = "é", 1, 2 }, sms.StatusInvalidMessage, codeNotWritable},
		{"not in the alphabet, too long for UCS-2", func(p *carrier.Part) { p.Text = strings.Repeat("é", 71) }, sms.StatusInvalidMessage, codeNotWritable},
	}
	for _, tt := range tests {
		p := plainPart()
		tt.change(&p)
		o := k.outcome(p)
		if o.Kind != carrier.Refused || o.Status != tt.status || o.Code != tt.code || o.Detail == "" {
			t.Errorf("%s: outcome %+v", tt.name, o)
		}
	}
	if o := k.outcome(plainPart()); o.Kind != carrier.Accepted {
		t.Errorf("a good part after these: %+v", o)
	}
	if n := k.Stats().InFlight; n != 0 {
		t.Errorf("%d parts are in flight, want none", n)
	}
}
