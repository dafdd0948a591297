package encode

import (
	"unicode/utf16"
	"unicode/utf8"
)

// AppendUCS2 appends text to dst as UTF-16 in big-endian order, two octets a
// unit, which is what telephones read under the name of UCS-2. Octets that are
// not UTF-8 become U+FFFD.
func AppendUCS2(dst []byte, text string) []byte {
	for _, r := range text {
		if r < 0x10000 {
			dst = append(dst, byte(r>>8), byte(r))
			continue
		}
		high, low := utf16.EncodeRune(r)
		dst = append(dst, byte(high>>8), byte(high), byte(low>>8), byte(low))
	}
	return dst
}

// DecodeUCS2 reads UTF-16 in big-endian order. A lone surrogate becomes U+FFFD,
// and so does an odd last octet.
func DecodeUCS2(octets []byte) string {
	text := make([]byte, 0, len(octets))
	for len(octets) >= 2 {
		r := rune(octets[0])<<8 | rune(octets[1])
		octets = octets[2:]
		if utf16.IsSurrogate(r) {
			low := rune(utf8.RuneError)
			if len(octets) >= 2 {
				low = rune(octets[0])<<8 | rune(octets[1])
			}
			if r = utf16.DecodeRune(r, low); r != utf8.RuneError {
				octets = octets[2:]
			}
		}
		text = utf8.AppendRune(text, r)
	}
	if len(octets) > 0 {
		text = utf8.AppendRune(text, utf8.RuneError)
	}
	return string(text)
}

// CutHalves takes off what a part of a longer text, in UTF-16 in big-endian order, has of
// pairs that were cut between parts: a low surrogate at its beginning, a high one at its
// end, 0 for none.
func CutHalves(octets []byte) (rest []byte, head, tail uint16) {
	if len(octets) >= 2 && octets[0]&0xFC == 0xDC {
		head, octets = uint16(octets[0])<<8|uint16(octets[1]), octets[2:]
	}
	if n := len(octets); n >= 2 && n%2 == 0 && octets[n-2]&0xFC == 0xD8 {
		tail, octets = uint16(octets[n-2])<<8|uint16(octets[n-1]), octets[:n-2]
	}
	return octets, head, tail
}

// JoinHalves is the character whose pair was cut between two parts, U+FFFD where one
// half is missing.
func JoinHalves(tail, head uint16) rune { return utf16.DecodeRune(rune(tail), rune(head)) }

// AppendLatin1 appends text to dst in ISO 8859-1, one octet a character. It
// reports false, and returns dst as it was, when a character lies above U+00FF.
func AppendLatin1(dst []byte, text string) ([]byte, bool) {
	return appendNarrow(dst, text, 0xFF)
}

// AppendASCII appends text to dst, one octet a character. It reports false, and
// returns dst as it was, when a character lies above U+007F.
func AppendASCII(dst []byte, text string) ([]byte, bool) {
	return appendNarrow(dst, text, 0x7F)
}

func appendNarrow(dst []byte, text string, last rune) ([]byte, bool) {
	start := len(dst)
	for _, r := range text {
		if r > last {
			return dst[:start], false
		}
		dst = append(dst, byte(r))
	}
	return dst, true
}

// DecodeLatin1 reads ISO 8859-1. ASCII is part of it, so it reads ASCII too.
func DecodeLatin1(octets []byte) string {
	text := make([]byte, 0, len(octets)+8)
	for _, o := range octets {
		text = utf8.AppendRune(text, rune(o))
	}
	return string(text)
}
