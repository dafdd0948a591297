package encode

import (
	"bytes"
	"testing"
	"unicode/utf8"
)

// The table of TS 23.038 section 6.2.1, written again by column so that a slip
// in defaultAlphabet does not hide in its own copy.
var columns = [8][16]rune{
	{'@', '£', '$', '¥', 'è', 'é', 'ù', 'ì', 'ò', 'Ç', '\n', 'Ø', 'ø', '\r', 'Å', 'å'},
	{'Δ', '_', 'Φ', 'Γ', 'Λ', 'Ω', 'Π', 'Ψ', 'Σ', 'Θ', 'Ξ', -1, 'Æ', 'æ', 'ß', 'É'},
	{' ', '!', '"', '#', '¤', '%', '&', '\'', '(', ')', '*', '+', ',', '-', '.', '/'},
	{'0', '1', '2', '3', '4', '5', '6', '7', '8', '9', ':', ';', '<', '=', '>', '?'},
	{'¡', 'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O'},
	{'P', 'Q', 'R', 'S', 'T', 'U', 'V', 'W', 'X', 'Y', 'Z', 'Ä', 'Ö', 'Ñ', 'Ü', '§'},
	{'¿', 'a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l', 'm', 'n', 'o'},
	{'p', 'q', 'r', 's', 't', 'u', 'v', 'w', 'x', 'y', 'z', 'ä', 'ö', 'ñ', 'ü', 'à'},
}

var extensions = map[rune]byte{
	'\f': 0x0A, '^': 0x14, '{': 0x28, '}': 0x29, '\\': 0x2F,
	'[': 0x3C, '~': 0x3D, ']': 0x3E, '|': 0x40, '€': 0x65,
}

func TestEveryGSMCharacter(t *testing.T) {
	known := map[rune][]byte{}
	for high, column := range columns {
		for low, r := range column {
			if r >= 0 {
				known[r] = []byte{byte(high<<4 | low)}
			}
		}
	}
	for r, septet := range extensions {
		known[r] = []byte{0x1B, septet}
	}
	if len(known) != 127+10 {
		t.Fatalf("%d characters", len(known))
	}
	for r := rune(0); r <= utf8.MaxRune; r++ {
		if r >= 0xD800 && r < 0xE000 || r > 0x3000 && r%0x100 > 2 {
			continue
		}
		got, ok := AppendGSM([]byte{9}, string(r))
		want, isGSM := known[r]
		if ok != isGSM || got[0] != 9 || !bytes.Equal(got[1:], want) {
			t.Fatalf("%U: % x, %v, want % x", r, got, ok, want)
		}
		if isGSM {
			if text := DecodeGSM(want); text != string(r) {
				t.Errorf("%U decodes to %q", r, text)
			}
			m, err := Split(string(r))
			if err != nil || m.Encoding != GSM || m.Units != len(want) {
				t.Errorf("%U: %+v, %v", r, m, err)
			}
		}
	}
}

func TestDecodeGSMOfOthers(t *testing.T) {
	for in, want := range map[string]string{
		"\x1b":         " ",   // nothing follows
		"a\x1b\x1be":   "a e", // reserved for a further table
		"\x1bA":        "A",   // no such extension
		"\x80\xe1":     "@a",  // the eighth bit is not of a septet
		"\x1b\x65\x00": "€@",
	} {
		if got := DecodeGSM([]byte(in)); got != want {
			t.Errorf("% x: %q, want %q", in, got, want)
		}
	}
}

func FuzzDecodeGSM(f *testing.F) {
	f.Add([]byte("\x1b\x65abc\x1b"))
	f.Fuzz(func(t *testing.T, b []byte) {
		text := DecodeGSM(b)
		if !utf8.ValidString(text) {
			t.Fatalf("%q", text)
		}
		again, ok := AppendGSM(nil, text)
		if !ok || DecodeGSM(again) != text {
			t.Fatalf("%q is not a GSM text", text)
		}
	})
}
