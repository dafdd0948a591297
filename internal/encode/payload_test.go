package encode

import (
	"errors"
	"strings"
	"testing"
)

func TestAppendPayload(t *testing.T) {
	tests := []struct {
		name     string
		text     string
		encoding Encoding
		alphabet Alphabet
		udh      int
		want     string
		written  Encoding
	}{
		{"septets", "a€", GSM, AlphabetGSM, 0, "a\x1be", GSM},
		{"septets by default", "@", GSM, "", 0, "\x00", GSM},
		{"packed", "hello", GSM, AlphabetGSMPacked, 0, "\xe8\x32\x9b\xfd\x06", GSM},
		{"packed behind a header", "aa", GSM, AlphabetGSMPacked, 6, "\xc2\x61", GSM},
		{"latin1", "é@[", GSM, AlphabetLatin1, 0, "\xe9@[", GSM},
		{"ascii", "@[", GSM, AlphabetASCII, 0, "@[", GSM},
		{"latin1 without euro", "€", GSM, AlphabetLatin1, 0, "\x20\xac", Unicode},
		{"ascii without accents", "é", GSM, AlphabetASCII, 0, "\x00\xe9", Unicode},
		{"a unicode message stays unicode", "a", Unicode, AlphabetGSM, 6, "\x00a", Unicode},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, written, err := AppendPayload([]byte("x"), tt.text, tt.encoding, tt.alphabet, tt.udh)
			if err != nil || string(got) != "x"+tt.want || written != tt.written {
				t.Errorf("% x, %s, %v", got, written, err)
			}
		})
	}
}

func TestAppendPayloadRefusesWhatDoesNotFit(t *testing.T) {
	for _, tt := range []struct {
		chars, udh int
		fits       bool
	}{{70, 0, true}, {71, 0, false}, {67, 6, true}, {68, 6, false}, {66, 7, true}, {67, 7, false}} {
		text := "€" + strings.Repeat("a", tt.chars-1)
		got, _, err := AppendPayload([]byte("x"), text, GSM, AlphabetLatin1, tt.udh)
		if tt.fits != (err == nil) {
			t.Errorf("%+v: %v", tt, err)
		}
		if err != nil && (!errors.Is(err, ErrNotRepresentable) || string(got) != "x") {
			t.Errorf("%+v: %q, %v", tt, got, err)
		}
	}
}
