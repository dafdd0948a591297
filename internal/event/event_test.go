package event

import (
	"bytes"
	"encoding/json"
	"flag"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"heliograph/internal/sms"
)

var update = flag.Bool("update", false, "write the golden files anew")

func example() *sms.Message {
	return &sms.Message{
		AcceptedAt:  time.UnixMilli(1686975103170),
		Destination: "+14255550156",
		Country:     "US",
		Route:       sms.Route{Identity: "+12065550152", Kind: sms.IdentityPhoneNumber},
		Type:        sms.Promotional,
		Encoding:    "GSM",
		Parts:       1,
		Context:     map[string]string{"account": "bar"},
		Price:       95_820,
	}
}

// TestGolden holds every member's name, order, type and rendering.
func TestGolden(t *testing.T) {
	plain := example()
	long := example()
	long.Encoding, long.Type, long.Parts = "Unicode", sms.Transactional, 3
	long.Price, long.CarrierFee = 3*sms.USD, 9_000
	long.Context = map[string]string{"z": "last", "a\"quote": "line\none\tand \\", "bad": "\xff\x01é😀\u2028"}
	bare := example()
	bare.Context = nil
	for _, c := range []struct {
		name    string
		message *sms.Message
		record  Record
	}{
		{"guide", plain, Record{Status: sms.StatusSuccessful, At: time.UnixMilli(1686975103470), Final: true}},
		{"no_context", bare, Record{Status: sms.StatusQueued, At: time.UnixMilli(1686975103170)}},
		{"other_route", long, Record{Status: sms.StatusTTLExpired, At: time.UnixMilli(1686975999999), Final: true,
			Description: "Waited 60 s", Route: &sms.Route{Identity: "HELIO"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := Append([]byte("kept"), "862a8790-60c0-7430-9b2b-658bd0000000", c.message, c.record)
			line, found := bytes.CutPrefix(got, []byte("kept"))
			if !found || bytes.ContainsRune(line, '\n') {
				t.Fatalf("not appended as one line: %q", got)
			}
			var indented bytes.Buffer
			if err := json.Indent(&indented, line, "", "    "); err != nil {
				t.Fatal(err)
			}
			indented.WriteByte('\n')
			path := filepath.Join("testdata", c.name+".json")
			if *update {
				if err := os.WriteFile(path, indented.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(want, indented.Bytes()) {
				t.Errorf("%s differs, got:\n%s", path, indented.Bytes())
			}
		})
	}
}

func TestMoney(t *testing.T) {
	for m, want := range map[sms.Money]string{
		0: "0.0", 95_820: "0.09582", 1: "0.000001", 6_450: "0.00645", sms.USD: "1.0", 12_500_000: "12.5",
		-1: "-0.000001", -2 * sms.USD: "-2.0", math.MaxInt64: "9223372036854.775807", math.MinInt64: "-9223372036854.775808",
	} {
		if got := string(appendMoney(nil, m)); got != want {
			t.Errorf("%d millionths: got %s, want %s", int64(m), got, want)
		}
	}
}

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		types string
		event string
		want  bool
	}{
		{"ALL", "TEXT_QUEUED", true},
		{"ALL", "VOICE_BUSY", true},
		{"TEXT_ALL", "TEXT_QUEUED", true},
		{"TEXT_ALL", "VOICE_BUSY", false},
		{"VOICE_ALL", "VOICE_BUSY", true},
		{"VOICE_ALL", "TEXT_QUEUED", false},
		{"MEDIA_ALL", "TEXT_QUEUED", false},
		{"TEXT_DELIVERED", "TEXT_DELIVERED", true},
		{"TEXT_DELIVERED", "TEXT_QUEUED", false},
		{"text_delivered", "TEXT_DELIVERED", false},
		{"TEXT_INVALID", "TEXT_INVALID_MESSAGE", false},
		{"TEXT_INVALID_MESSAGE", "TEXT_INVALID", false},
		{"TEXT_CARRIER_UNREACHABLE", "TEXT_UNREACHABLE", false},
		{"TEXT_SENT", "TEXT_SUCCESSFUL", false},
		{"TEXT_SENT TEXT_SPAM", "TEXT_SPAM", true},
		{"TEXT_SENT VOICE_ALL TEXT_ALL", "TEXT_SPAM", true},
		{"", "TEXT_SPAM", false},
		{"_ALL", "TEXT_SPAM", false},
		{"TEXTX_ALL", "TEXT_SPAM", false},
	} {
		if got := Matches(strings.Fields(c.types), c.event); got != c.want {
			t.Errorf("%q and %s: got %v", c.types, c.event, got)
		}
	}
}

// TestDescriptions: every status has words of its own, and no two the same.
func TestDescriptions(t *testing.T) {
	seen := map[string]sms.Status{}
	for _, s := range []sms.Status{sms.StatusQueued, sms.StatusPending, sms.StatusSuccessful, sms.StatusDelivered,
		sms.StatusInvalid, sms.StatusUnreachable, sms.StatusUnknown, sms.StatusBlocked, sms.StatusCarrierUnreachable,
		sms.StatusSpam, sms.StatusInvalidMessage, sms.StatusCarrierBlocked, sms.StatusTTLExpired, sms.StatusProtectBlocked} {
		words := Description(s)
		if strings.Contains(words, string(s)) {
			t.Errorf("%s has no words of its own", s)
		}
		if other, twice := seen[words]; twice {
			t.Errorf("%s and %s share %q", s, other, words)
		}
		seen[words] = s
	}
}

// FuzzAppend: whatever the strings, the object is valid JSON on one line and
// reads back as what went in.
func FuzzAppend(f *testing.F) {
	f.Add("+12065550152", "key", "value", "GSM", int64(95_820), int64(1686975103470))
	f.Add("\"\\\n\r\t\x00\x1f\x7f", "\xff\xfe", "\u2028😀é\xc3", "", int64(-1), int64(math.MinInt64))
	f.Fuzz(func(t *testing.T, identity, key, value, text string, price, at int64) {
		m := example()
		m.Route.Identity, m.Context, m.Price = identity, map[string]string{key: value}, sms.Money(price)
		line := Append(nil, text, m, Record{Status: sms.Status(text), At: time.UnixMilli(at), Description: value})
		if bytes.ContainsAny(line, "\n\r") || !utf8.Valid(line) {
			t.Fatalf("not one line of UTF-8: %q", line)
		}
		var got struct {
			OriginationPhoneNumber string
			MessageID              string `json:"messageId"`
			MessageStatus          string
			Context                map[string]string
			TotalMessagePrice      json.Number
		}
		if err := json.Unmarshal(line, &got); err != nil {
			t.Fatalf("%v in %q", err, line)
		}
		clean := func(s string) string {
			out, err := json.Marshal(s)
			if err != nil {
				t.Fatal(err)
			}
			var back string
			if err := json.Unmarshal(out, &back); err != nil {
				t.Fatal(err)
			}
			return back
		}
		if got.OriginationPhoneNumber != clean(identity) || got.MessageID != clean(text) || got.Context[clean(key)] != clean(value) {
			t.Errorf("read back %+v from %q", got, line)
		}
		if price >= 0 {
			if money, err := sms.ParseMoney(got.TotalMessagePrice.String()); err == nil && money != sms.Money(price) {
				t.Errorf("price %d came back as %s", price, got.TotalMessagePrice)
			}
		}
	})
}

func BenchmarkAppend(b *testing.B) {
	m := example()
	r := Record{Status: sms.StatusDelivered, At: time.UnixMilli(1686975103470), Final: true}
	var buf []byte
	for b.Loop() {
		buf = Append(buf[:0], "862a8790-60c0-7430-9b2b-658bd0000000", m, r)
	}
	b.SetBytes(int64(len(buf)))
}
