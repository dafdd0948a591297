package pdu

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTLVAccessors(t *testing.T) {
	var l TLVs
	l.SetText(TagReceiptedMessageID, "0f1e")
	l.SetUint8(TagMessageState, uint8(StateDelivered))
	l.SetNetworkErrorCode(NetworkErrorCode{Network: NetworkGSM, Code: 0x0102})
	l.SetSegment(Segment{Reference: 0xABCD, Total: 3, Number: 2})
	l.SetUint32(TagQosTimeToLive, 70000)
	l = append(l, TLV{TagCallbackNum, []byte("1")}, TLV{TagCallbackNum, []byte("2")})

	wire, err := Append(nil, &DeliverSM{TLVs: l})
	if err != nil {
		t.Fatal(err)
	}
	p, err := Decode(wire)
	if err != nil {
		t.Fatal(err)
	}
	got := p.(*DeliverSM).TLVs
	if id, ok := got.ReceiptedMessageID(); !ok || id != "0f1e" {
		t.Errorf("receipted_message_id = %q, %t", id, ok)
	}
	if state, ok := got.MessageState(); !ok || state != StateDelivered {
		t.Errorf("message_state = %s, %t", state, ok)
	}
	if e, ok := got.NetworkErrorCode(); !ok || e != (NetworkErrorCode{3, 0x0102}) {
		t.Errorf("network_error_code = %+v, %t", e, ok)
	}
	if s, ok := got.Segment(); !ok || s != (Segment{0xABCD, 3, 2}) {
		t.Errorf("segment = %+v, %t", s, ok)
	}
	if n, ok := got.Uint(TagQosTimeToLive); !ok || n != 70000 {
		t.Errorf("qos_time_to_live = %d, %t", n, ok)
	}
	if diff := cmp.Diff([][]byte{[]byte("1"), []byte("2")}, got.All(TagCallbackNum)); diff != "" {
		t.Errorf("callback_num (-want +got):\n%s", diff)
	}
}

func TestTLVTolerance(t *testing.T) {
	if n, ok := (TLVs{{TagSarMsgRefNum, []byte{7}}}).Uint(TagSarMsgRefNum); !ok || n != 7 {
		t.Errorf("one octet for two: %d, %t", n, ok)
	}
	if s, ok := (TLVs{{TagReceiptedMessageID, []byte("abc")}}).ReceiptedMessageID(); !ok || s != "abc" {
		t.Errorf("no NUL: %q, %t", s, ok)
	}
	for name, l := range map[string]TLVs{
		"missing":         {},
		"no octets":       {{TagMessageState, nil}},
		"five octets":     {{TagMessageState, make([]byte, 5)}},
		"larger than one": {{TagMessageState, []byte{1, 0}}},
	} {
		if s, ok := l.MessageState(); ok {
			t.Errorf("%s: message_state = %s", name, s)
		}
	}
	var l TLVs
	l.SetSegment(Segment{Reference: 1, Total: 2, Number: 3})
	if s, ok := l.Segment(); ok {
		t.Errorf("segment 3 of 2 was accepted: %+v", s)
	}
}

func TestTLVSetReplacesAll(t *testing.T) {
	l := TLVs{{TagCallbackNum, []byte("1")}, {TagMessageState, []byte{1}}, {TagCallbackNum, []byte("2")}}
	before := append(TLVs(nil), l...)
	changed := l
	changed.Set(TagCallbackNum, []byte("3"))
	if diff := cmp.Diff(TLVs{{TagMessageState, []byte{1}}, {TagCallbackNum, []byte("3")}}, changed); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(before, l); diff != "" {
		t.Errorf("a copy of the list changed (-want +got):\n%s", diff)
	}
}

func TestFormatTime(t *testing.T) {
	kathmandu := time.FixedZone("", 5*3600+45*60)
	newfoundland := time.FixedZone("", -(3*3600 + 30*60))
	odd := time.FixedZone("", 1234)
	at := time.Date(2026, 11, 23, 11, 30, 5, 456_000_000, time.UTC)
	for want, in := range map[string]time.Time{
		"261123113005400+": at,
		"261123171505423+": at.In(kathmandu),
		"261123080005414-": at.In(newfoundland),
	} {
		got, err := FormatTime(in)
		if err != nil || got != want {
			t.Errorf("FormatTime(%s) = %q, %v; want %q", in, got, err, want)
		}
		back, err := ParseTime(got, time.Time{})
		if err != nil || !back.Equal(at.Truncate(100*time.Millisecond)) {
			t.Errorf("ParseTime(%q) = %s, %v", got, back, err)
		}
	}
	if got, err := FormatTime(at.In(odd)); err != nil || got != "261123113005400+" {
		t.Errorf("an odd offset gives %q, %v", got, err)
	}
	if _, err := FormatTime(at.AddDate(100, 0, 0)); err == nil {
		t.Error("the year 2126 was written")
	}
}

func TestRelativeTime(t *testing.T) {
	now := time.Date(2026, 1, 31, 0, 0, 0, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0:                                   "000000000000000R",
		time.Millisecond:                    "000000000001000R",
		48 * time.Hour:                      "000002000000000R",
		31 * 24 * time.Hour:                 "000031000000000R",
		25*time.Hour + 61*time.Second:       "000001010101000R",
		259200*time.Second - 24*time.Second: "000002235936000R",
	} {
		got, err := FormatRelative(d)
		if err != nil || got != want {
			t.Errorf("FormatRelative(%s) = %q, %v; want %q", d, got, err, want)
			continue
		}
		back, err := ParseTime(got, now)
		rounded := (d + time.Second - 1).Truncate(time.Second)
		if err != nil || back.Sub(now) != rounded {
			t.Errorf("ParseTime(%q) is %s later, %v; want %s", got, back.Sub(now), err, rounded)
		}
	}
	for _, d := range []time.Duration{-1, 31*24*time.Hour + 1} {
		if got, err := FormatRelative(d); err == nil {
			t.Errorf("FormatRelative(%s) = %q", d, got)
		}
	}
	// The example of section 7.1.1.2: two years, six months, ten days, 23:34:29.
	got, err := ParseTime("020610233429000R", now)
	if want := now.AddDate(2, 6, 10).Add(23*time.Hour + 34*time.Minute + 29*time.Second); err != nil || !got.Equal(want) {
		t.Errorf("got %s, %v; want %s", got, err, want)
	}
}

func TestParseTimeRefuses(t *testing.T) {
	for _, s := range []string{
		"", "261123113005400", "261123113005400+0", "2611231130054x0+", "26112311300540:+", "261123113005449+",
		"261123113005400Z", "261323113005400+", "260230113005400+", "261123253005400+", "26112311300\x0a400+",
	} {
		if got, err := ParseTime(s, time.Now()); err == nil {
			t.Errorf("ParseTime(%q) = %s", s, got)
		}
	}
}

func FuzzParseTime(f *testing.F) {
	f.Add("261123113005400+")
	f.Add("000031000000000R")
	f.Fuzz(func(t *testing.T, s string) {
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		got, err := ParseTime(s, now)
		if err != nil || s[len(s)-1] == 'R' || got.Year() > 2099 || got.Year() < 2000 {
			return
		}
		out, err := FormatTime(got)
		if err != nil {
			t.Fatalf("%q was read as %s: %v", s, got, err)
		}
		again, err := ParseTime(out, now)
		if err != nil || !again.Equal(got) {
			t.Fatalf("%q, then %q: %s, then %s (%v)", s, out, got, again, err)
		}
	})
}
