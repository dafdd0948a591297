package encode

import "unicode/utf8"

// escape announces a character of the extension table (TS 23.038 section
// 6.2.1). It is not a character of its own: a text that contains U+001B is not
// a GSM text.
const escape = 0x1B

// defaultAlphabet lists the default alphabet by septet value. Position 0x1B is
// the escape and never matches a character.
const defaultAlphabet = "@£$¥èéùìòÇ\nØø\rÅå" +
	"Δ_ΦΓΛΩΠΨΣΘΞ\x1bÆæßÉ" +
	" !\"#¤%&'()*+,-./" +
	"0123456789:;<=>?" +
	"¡ABCDEFGHIJKLMNO" +
	"PQRSTUVWXYZÄÖÑÜ§" +
	"¿abcdefghijklmno" +
	"pqrstuvwxyzäöñüà"

// extensionTable lists the characters that follow an escape, with their septet.
var extensionTable = [...]struct {
	septet byte
	char   rune
}{
	{0x0A, '\f'}, {0x14, '^'}, {0x28, '{'}, {0x29, '}'}, {0x2F, '\\'},
	{0x3C, '['}, {0x3D, '~'}, {0x3E, ']'}, {0x40, '|'}, {0x65, '€'},
}

// A code says how a character is written in the default alphabet: its septet,
// with extended set for one that follows an escape, or absent.
type code uint16

const (
	extended code = 0x100
	absent   code = 0x200
)

// directory gives the code of every character below its length. All of the
// alphabet lies there but the euro sign.
const directorySize = 0x3C0

const euro = '€'

var (
	directory = buildDirectory()
	forward   = buildForward()
)

func buildDirectory() (d [directorySize]code) {
	for i := range d {
		d[i] = absent
	}
	septet := code(0)
	for _, r := range defaultAlphabet {
		if septet != escape {
			d[r] = septet
		}
		septet++
	}
	for _, e := range extensionTable {
		if e.char != euro {
			d[e.char] = extended | code(e.septet)
		}
	}
	return d
}

// buildForward gives the characters by septet: the default alphabet first, then
// the extension table at 128. Where the extension table is empty the default
// alphabet's character stands, as TS 23.038 section 6.2.1.1 tells receivers to
// show it.
func buildForward() (f [256]rune) {
	septet := 0
	for _, r := range defaultAlphabet {
		f[septet], f[128+septet] = r, r
		septet++
	}
	f[escape], f[128+escape] = ' ', ' '
	for _, e := range extensionTable {
		f[128+int(e.septet)] = e.char
	}
	return f
}

// lookup gives the code of a character.
func lookup(r rune) code {
	if uint32(r) < directorySize {
		return directory[r]
	}
	if r == euro {
		return extended | 0x65
	}
	return absent
}

// AppendGSM appends text to dst as unpacked septets, one an octet, an extension
// character as escape and septet. It reports false, and returns dst as it was,
// when text has a character that the alphabet lacks.
func AppendGSM(dst []byte, text string) ([]byte, bool) {
	start := len(dst)
	for i := 0; i < len(text); {
		var c code
		if b := text[i]; b < utf8.RuneSelf {
			c = directory[b]
			i++
		} else {
			r, size := utf8.DecodeRuneInString(text[i:])
			c = lookup(r)
			i += size
		}
		switch {
		case c < extended:
			dst = append(dst, byte(c))
		case c&absent != 0:
			return dst[:start], false
		default:
			dst = append(dst, escape, byte(c))
		}
	}
	return dst, true
}

// DecodeGSM reads unpacked septets, one an octet. It never fails: the eighth
// bit is ignored, an escape with nothing after it or with another escape is a
// space, and an unknown extension is the default alphabet's character, as
// TS 23.038 sections 6.2.1 and 6.2.1.1 have receivers show them.
func DecodeGSM(septets []byte) string {
	text := make([]byte, 0, len(septets)+8)
	for i := 0; i < len(septets); i++ {
		at := int(septets[i] & 0x7F)
		if at == escape && i+1 < len(septets) {
			i++
			at = 128 + int(septets[i]&0x7F)
		}
		text = utf8.AppendRune(text, forward[at])
	}
	return string(text)
}
