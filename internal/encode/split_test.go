package encode

import (
	"errors"
	"strings"
	"testing"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestSplitBoundaries(t *testing.T) {
	a, zh, emoji := "a", "中", "😀"
	rep := strings.Repeat
	tests := []struct {
		name     string
		text     string
		encoding Encoding
		chars    int
		units    []int
	}{
		{"empty", "", GSM, 0, []int{0}},
		{"one", a, GSM, 1, []int{1}},
		{"160", rep(a, 160), GSM, 160, []int{160}},
		{"161", rep(a, 161), GSM, 161, []int{153, 8}},
		{"306", rep(a, 306), GSM, 306, []int{153, 153}},
		{"307", rep(a, 307), GSM, 307, []int{153, 153, 1}},
		{"1530", rep(a, 1530), GSM, 1530, []int{153, 153, 153, 153, 153, 153, 153, 153, 153, 153}},
		{"euro is two", rep(a, 158) + "€", GSM, 159, []int{160}},
		{"euro is one too many", rep(a, 159) + "€", GSM, 160, []int{153, 8}},
		{"80 euros", rep("€", 80), GSM, 80, []int{160}},
		{"81 euros", rep("€", 81), GSM, 81, []int{152, 10}},
		{"euro across 153", rep(a, 152) + "€" + rep(a, 10), GSM, 163, []int{152, 12}},
		{"euro up to 153", rep(a, 151) + "€" + rep(a, 10), GSM, 162, []int{153, 10}},
		{"70", rep(zh, 70), Unicode, 70, []int{70}},
		{"71", rep(zh, 71), Unicode, 71, []int{67, 4}},
		{"134", rep(zh, 134), Unicode, 134, []int{67, 67}},
		{"135", rep(zh, 135), Unicode, 135, []int{67, 67, 1}},
		{"630", rep(zh, 630), Unicode, 630, []int{67, 67, 67, 67, 67, 67, 67, 67, 67, 27}},
		{"one that GSM lacks", rep(a, 69) + "’", Unicode, 70, []int{70}},
		{"emoji across 67", rep(zh, 66) + emoji + rep(zh, 4), Unicode, 71, []int{66, 6}},
		{"emoji up to 67", rep(zh, 65) + emoji + rep(zh, 4), Unicode, 70, []int{67, 4}},
		{"35 emoji", rep(emoji, 35), Unicode, 35, []int{70}},
		{"36 emoji", rep(emoji, 36), Unicode, 36, []int{66, 6}},
		{"escape is no character", "a\x1bb", Unicode, 3, []int{3}},
		{"backtick", "`", Unicode, 1, []int{1}},
		{"small c with cedilla", "ç", Unicode, 1, []int{1}},
		{"not UTF-8", "a\xffb", Unicode, 3, []int{3}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := Split(tt.text)
			if err != nil {
				t.Fatal(err)
			}
			var units []int
			var text strings.Builder
			sum := 0
			for _, p := range m.Parts {
				units = append(units, p.Units)
				text.WriteString(p.Text)
				sum += p.Units
			}
			if m.Encoding != tt.encoding || m.Characters != tt.chars || m.Units != sum {
				t.Errorf("got %s, %d characters, %d units of %d", m.Encoding, m.Characters, m.Units, sum)
			}
			if d := cmp.Diff(tt.units, units); d != "" {
				t.Error(d)
			}
			if text.String() != tt.text {
				t.Errorf("parts join to %q", text.String())
			}
			if Encodes(tt.text) != tt.encoding {
				t.Errorf("Encodes says %s", Encodes(tt.text))
			}
		})
	}
}

func TestSplitTooLong(t *testing.T) {
	rep := strings.Repeat
	tests := []struct {
		name string
		text string
		o    Options
		want *TooLongError
	}{
		{"1531 septets", rep("a", 1531), Options{}, &TooLongError{GSM, "parts", 11, 10}},
		{"766 euros", rep("€", 766), Options{}, &TooLongError{GSM, "parts", 11, 10}},
		{"gaps before euros", rep("€", 765), Options{}, &TooLongError{GSM, "parts", 11, 10}},
		{"760 euros", rep("€", 760), Options{}, nil},
		{"631 characters", rep("中", 631), Options{}, &TooLongError{Unicode, "characters", 631, 630}},
		{"330 emoji", rep("😀", 330), Options{}, nil},
		{"331 emoji", rep("😀", 331), Options{}, &TooLongError{Unicode, "parts", 11, 10}},
		{"336 emoji", rep("😀", 336), Options{}, &TooLongError{Unicode, "parts", 11, 10}},
		{"1520 septets, 16-bit reference", rep("a", 1520), Options{Reference16: true}, nil},
		{"1521 septets, 16-bit reference", rep("a", 1521), Options{Reference16: true}, &TooLongError{GSM, "parts", 11, 10}},
		{"euro on an ASCII route", rep("a", 630) + "€", Options{Alphabet: AlphabetASCII}, &TooLongError{Unicode, "characters", 631, 630}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			m, err := SplitWith(tt.text, tt.o)
			if tt.want == nil {
				if err != nil || len(m.Parts) != MaxParts {
					t.Fatalf("got %d parts, %v", len(m.Parts), err)
				}
				return
			}
			var long *TooLongError
			if !errors.As(err, &long) || *long != *tt.want {
				t.Fatalf("got %+v, want %+v", err, tt.want)
			}
			if m.Parts != nil {
				t.Error("parts beside an error")
			}
		})
	}
}

func TestSplitWithReference16(t *testing.T) {
	o := Options{Reference16: true}
	for text, want := range map[string][]int{
		strings.Repeat("a", 160): {160},
		strings.Repeat("a", 161): {152, 9},
		strings.Repeat("中", 70):  {70},
		strings.Repeat("中", 71):  {66, 5},
	} {
		m, err := SplitWith(text, o)
		if err != nil {
			t.Fatal(err)
		}
		var got []int
		for _, p := range m.Parts {
			got = append(got, p.Units)
		}
		if d := cmp.Diff(want, got); d != "" || !m.Reference16 {
			t.Errorf("reference16 %v: %s", m.Reference16, d)
		}
	}
}

func TestSplitWithAlphabet(t *testing.T) {
	tests := []struct {
		text string
		want map[Alphabet]Encoding
	}{
		{"plain [ascii]", map[Alphabet]Encoding{AlphabetGSM: GSM, AlphabetGSMPacked: GSM, AlphabetLatin1: GSM, AlphabetASCII: GSM, "": GSM}},
		{"Grüße £5", map[Alphabet]Encoding{AlphabetGSM: GSM, AlphabetGSMPacked: GSM, AlphabetLatin1: GSM, AlphabetASCII: Unicode, "": GSM}},
		{"5 €", map[Alphabet]Encoding{AlphabetGSM: GSM, AlphabetGSMPacked: GSM, AlphabetLatin1: Unicode, AlphabetASCII: Unicode, "": GSM}},
		{"ΔΩ", map[Alphabet]Encoding{AlphabetGSM: GSM, AlphabetGSMPacked: GSM, AlphabetLatin1: Unicode, AlphabetASCII: Unicode, "": GSM}},
		{"garçon", map[Alphabet]Encoding{AlphabetGSM: Unicode, AlphabetGSMPacked: Unicode, AlphabetLatin1: Unicode, AlphabetASCII: Unicode, "": Unicode}},
	}
	for _, tt := range tests {
		for a, want := range tt.want {
			m, err := SplitWith(tt.text, Options{Alphabet: a})
			if err != nil || m.Encoding != want || a.Represents(tt.text) != (want == GSM) {
				t.Errorf("%q at %q: %s, represents %v, %v", tt.text, a, m.Encoding, a.Represents(tt.text), err)
			}
		}
	}
}

func TestSplitAllocatesOnlyTheParts(t *testing.T) {
	text := "Your code is 123456. It is valid for ten minutes."
	if n := testing.AllocsPerRun(100, func() {
		if _, err := Split(text); err != nil {
			t.Fatal(err)
		}
	}); n > 1 {
		t.Errorf("%v allocations for a single part", n)
	}
}

// checkSplit holds for every text that Split accepts.
func checkSplit(t interface{ Fatalf(string, ...any) }, text string, o Options) {
	m, err := SplitWith(text, o)
	if err != nil {
		var long *TooLongError
		if !errors.As(err, &long) || long.Count <= long.Limit {
			t.Fatalf("error %v", err)
		}
		return
	}
	limit := map[Encoding]int{GSM: 160, Unicode: 70}[m.Encoding]
	udh := 0
	if len(m.Parts) > 1 {
		limit = map[Encoding]int{GSM: 153, Unicode: 67}[m.Encoding]
		udh = UDH8Length
		if o.Reference16 {
			limit--
			udh = UDH16Length
		}
	}
	if len(m.Parts) < 1 || len(m.Parts) > MaxParts {
		t.Fatalf("%d parts", len(m.Parts))
	}
	alphabet := o.Alphabet
	if alphabet == "" {
		alphabet = AlphabetGSM
	}
	joined, decoded := "", ""
	for _, p := range m.Parts {
		if p.Units > limit {
			t.Fatalf("part of %d units, at most %d", p.Units, limit)
		}
		joined += p.Text
		wire, written, err := AppendPayload(nil, p.Text, m.Encoding, alphabet, udh)
		if err != nil || written != m.Encoding {
			t.Fatalf("payload of %q: %s, %v", p.Text, written, err)
		}
		switch {
		case m.Encoding == Unicode:
			if len(wire) != 2*p.Units || len(wire)+udh > 140 {
				t.Fatalf("%d octets for %d units", len(wire), p.Units)
			}
			decoded += DecodeUCS2(wire)
		case alphabet == AlphabetGSMPacked:
			if len(wire)+udh > 140 || SeptetLength(udh, p.Units) > 160 {
				t.Fatalf("%d octets of packed septets beside %d", len(wire), udh)
			}
			decoded += DecodeGSM(UnpackSeptets(wire, udh, p.Units))
		case alphabet == AlphabetGSM:
			if len(wire) != p.Units {
				t.Fatalf("%d octets for %d septets", len(wire), p.Units)
			}
			decoded += DecodeGSM(wire)
		default:
			decoded += DecodeLatin1(wire)
		}
	}
	if joined != text {
		t.Fatalf("parts join to %q", joined)
	}
	if utf8.ValidString(text) && decoded != text {
		t.Fatalf("decodes to %q", decoded)
	}
	if m.Encoding == Unicode && m.Units != len(utf16.Encode([]rune(text))) {
		t.Fatalf("%d units", m.Units)
	}
	if m.Characters != utf8.RuneCountInString(text) {
		t.Fatalf("%d characters", m.Characters)
	}
}

func TestSplitProperties(t *testing.T) {
	gsm := []rune(strings.Replace(defaultAlphabet, "\x1b", "", 1) + "€€€^{}\\[~]|\f")
	alphabets := []Alphabet{"", AlphabetGSM, AlphabetGSMPacked, AlphabetLatin1, AlphabetASCII}
	rapid.Check(t, func(t *rapid.T) {
		set := rapid.SampledFrom([][]rune{gsm, []rune("abc"), []rune("a€"), []rune("a中😀"), []rune("aé€Ωç\u0301‍👩")}).Draw(t, "set")
		n := rapid.IntRange(0, 1600).Draw(t, "length")
		text := string(rapid.SliceOfN(rapid.SampledFrom(set), n, n).Draw(t, "text"))
		checkSplit(t, text, Options{
			Reference16: rapid.Bool().Draw(t, "reference16"),
			Alphabet:    rapid.SampledFrom(alphabets).Draw(t, "alphabet"),
		})
	})
}

func FuzzSplit(f *testing.F) {
	f.Add("hello", false, byte(0))
	f.Add(strings.Repeat("€", 100), true, byte(2))
	f.Add(strings.Repeat("a😀", 40), false, byte(3))
	f.Add("\xff\xed\xa0\x80", true, byte(4))
	alphabets := []Alphabet{"", AlphabetGSM, AlphabetGSMPacked, AlphabetLatin1, AlphabetASCII}
	f.Fuzz(func(t *testing.T, text string, reference16 bool, alphabet byte) {
		checkSplit(t, text, Options{Reference16: reference16, Alphabet: alphabets[int(alphabet)%len(alphabets)]})
	})
}

func BenchmarkSplit(b *testing.B) {
	for name, text := range map[string]string{
		"ascii":   "Your code is 123456. It is valid for ten minutes.",
		"three":   strings.Repeat("0123456789", 40),
		"unicode": strings.Repeat("Привет 😀 ", 6),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := Split(text); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
