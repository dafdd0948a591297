package encode

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

func TestUCS2(t *testing.T) {
	for text, want := range map[string]string{
		"":      "",
		"a":     "\x00a",
		"中":     "\x4e\x2d",
		"😀":     "\xd8\x3d\xde\x00",
		"a\xff": "\x00a\xff\xfd",
	} {
		if got := AppendUCS2([]byte("x"), text); string(got) != "x"+want {
			t.Errorf("%q: % x", text, got)
		}
	}
	for octets, want := range map[string]string{
		"\xd8\x3d\xde\x00\x00a": "😀a",
		"\xd8\x3d":              "\uFFFD",
		"\xd8\x3d\x00a":         "\uFFFDa",
		"\xde\x00\xd8\x3d":      "\uFFFD\uFFFD",
		"\x00a\x00":             "a\uFFFD",
	} {
		if got := DecodeUCS2([]byte(octets)); got != want {
			t.Errorf("% x: %q, want %q", octets, got, want)
		}
	}
}

func TestLatin1AndASCII(t *testing.T) {
	if got, ok := AppendLatin1([]byte("x"), "aéÿ"); !ok || string(got) != "xa\xe9\xff" || DecodeLatin1(got) != "xaéÿ" {
		t.Errorf("% x %v", got, ok)
	}
	if got, ok := AppendLatin1([]byte("x"), "a€"); ok || string(got) != "x" {
		t.Errorf("% x %v", got, ok)
	}
	if got, ok := AppendASCII([]byte("x"), "a~"); !ok || string(got) != "xa~" {
		t.Errorf("% x %v", got, ok)
	}
	if got, ok := AppendASCII([]byte("x"), "é"); ok || string(got) != "x" {
		t.Errorf("% x %v", got, ok)
	}
}

func FuzzDecodeUCS2(f *testing.F) {
	f.Add([]byte("\xd8\x3d\xde\x00\x00a"))
	f.Add([]byte("\xd8\x3d\xd8"))
	f.Fuzz(func(t *testing.T, octets []byte) {
		text := DecodeUCS2(octets)
		if !utf8.ValidString(text) {
			t.Fatalf("%q", text)
		}
		if again := AppendUCS2(nil, text); DecodeUCS2(again) != text {
			t.Fatalf("%q becomes % x", text, again)
		}
		if one := DecodeLatin1(octets); utf8.RuneCountInString(one) != len(octets) {
			t.Fatalf("%q", one)
		} else if back, ok := AppendLatin1(nil, one); !ok || !bytes.Equal(back, octets) {
			t.Fatalf("% x", back)
		}
	})
}

func TestCutHalves(t *testing.T) {
	for _, tt := range []struct {
		octets     string
		rest       string
		head, tail uint16
	}{
		{"", "", 0, 0},
		{"\x04", "\x04", 0, 0},
		{"\x04\x36", "\x04\x36", 0, 0},
		{"\xde\x00\x04\x36\xd8\x3d", "\x04\x36", 0xDE00, 0xD83D},
		{"\xd8\x3d\xde\x00", "\xd8\x3d\xde\x00", 0, 0},
		{"\xde\x00", "", 0xDE00, 0},
		{"\xd8\x3d", "", 0, 0xD83D},
		{"\x04\x36\xd8\x3d\x00", "\x04\x36\xd8\x3d\x00", 0, 0},
	} {
		rest, head, tail := CutHalves([]byte(tt.octets))
		if string(rest) != tt.rest || head != tt.head || tail != tt.tail {
			t.Errorf("%x: %x, %x, %x", tt.octets, rest, head, tail)
		}
	}
	if got := JoinHalves(0xD83D, 0xDE00); got != '😀' {
		t.Errorf("joined %c", got)
	}
	if got := JoinHalves(0, 0xDE00); got != '\uFFFD' {
		t.Errorf("half of one is %c", got)
	}
}
