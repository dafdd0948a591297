package wire

import (
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// scanString reads the string that starts at the current position, which holds
// its opening quote. The result may share the document's memory.
func (d *Decoder) scanString() string {
	start := d.pos + 1
	for i := start; i < len(d.src); i++ {
		switch c := d.src[i]; {
		case c == '"':
			d.pos = i + 1
			return d.src[start:i]
		case c == '\\':
			return d.scanEscaped(start, i)
		case c < ' ':
			d.pos = i
			d.fail("a control character stands unescaped in a string")
			return ""
		}
	}
	d.pos = len(d.src)
	d.fail("a string does not end")
	return ""
}

// scanEscaped reads on in a string that starts at start and has its first
// backslash at i.
func (d *Decoder) scanEscaped(start, i int) string {
	out := make([]byte, 0, 2*(i-start)+32)
	out = append(out, d.src[start:i]...)
	for i < len(d.src) {
		c := d.src[i]
		switch {
		case c == '"':
			d.pos = i + 1
			return string(out)
		case c < ' ':
			d.pos = i
			d.fail("a control character stands unescaped in a string")
			return ""
		case c != '\\':
			out = append(out, c)
			i++
			continue
		}
		var n int
		out, n = unescape(out, d.src[i:])
		if n == 0 {
			d.pos = i
			d.fail("a string holds an escape that is not one of JSON or half a surrogate pair")
			return ""
		}
		i += n
	}
	d.pos = len(d.src)
	d.fail("a string does not end")
	return ""
}

// unescape appends what the escape at the start of s stands for, and returns
// the length of the escape in bytes: 0 when it is none.
func unescape(out []byte, s string) ([]byte, int) {
	if len(s) < 2 {
		return out, 0
	}
	switch s[1] {
	case '"', '\\', '/':
		return append(out, s[1]), 2
	case 'b':
		return append(out, '\b'), 2
	case 'f':
		return append(out, '\f'), 2
	case 'n':
		return append(out, '\n'), 2
	case 'r':
		return append(out, '\r'), 2
	case 't':
		return append(out, '\t'), 2
	}
	r := unit(s)
	if r < 0 || !utf16.IsSurrogate(r) {
		if r < 0 {
			return out, 0
		}
		return utf8.AppendRune(out, r), 6
	}
	pair := utf16.DecodeRune(r, unit(s[6:]))
	if pair == utf8.RuneError {
		return out, 0
	}
	return utf8.AppendRune(out, pair), 12
}

// unit returns the UTF-16 code unit of the escape \uXXXX at the start of s, or
// -1 when there is none.
func unit(s string) rune {
	if len(s) < 6 || s[0] != '\\' || s[1] != 'u' {
		return -1
	}
	var r rune
	for _, c := range []byte(s[2:6]) {
		switch {
		case c >= '0' && c <= '9':
			c -= '0'
		case c >= 'a' && c <= 'f':
			c -= 'a' - 10
		case c >= 'A' && c <= 'F':
			c -= 'A' - 10
		default:
			return -1
		}
		r = r<<4 | rune(c)
	}
	return r
}

// scanNumber reads the number that starts at the current position, which holds
// a minus sign or a digit, and says whether it is written without fraction and
// exponent.
func (d *Decoder) scanNumber() (text string, whole bool) {
	start, s := d.pos, d.src
	i := start
	if s[i] == '-' {
		i++
	}
	whole = true
	switch n := digits(s[i:]); {
	case n == 0:
		return d.badNumber(i)
	case n > 1 && s[i] == '0':
		return d.badNumber(i + 1)
	default:
		i += n
	}
	if i < len(s) && s[i] == '.' {
		whole = false
		n := digits(s[i+1:])
		if n == 0 {
			return d.badNumber(i + 1)
		}
		i += 1 + n
	}
	if i < len(s) && (s[i] == 'e' || s[i] == 'E') {
		whole = false
		i++
		if i < len(s) && (s[i] == '+' || s[i] == '-') {
			i++
		}
		n := digits(s[i:])
		if n == 0 {
			return d.badNumber(i)
		}
		i += n
	}
	d.pos = i
	return s[start:i], whole
}

func digits(s string) int {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return n
}

func (d *Decoder) badNumber(at int) (string, bool) {
	d.pos = at
	d.fail("a number is not well-formed")
	return "", false
}

// float reads a number. ok is false after an error.
func (d *Decoder) float() (f float64, ok bool) {
	if !d.number() {
		return 0, false
	}
	start := d.pos
	text, _ := d.scanNumber()
	if d.err != nil {
		return 0, false
	}
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		d.pos = start
		d.fail("the number is out of range")
		return 0, false
	}
	return f, true
}

// number says whether a number comes next, and fails if not.
func (d *Decoder) number() bool {
	d.space()
	if d.pos < len(d.src) && (d.src[d.pos] == '-' || d.src[d.pos] >= '0' && d.src[d.pos] <= '9') {
		return true
	}
	d.failType("a number")
	return false
}

// own returns s, copied when the document is too large to be kept for its sake.
func (d *Decoder) own(s string) string {
	if len(d.src) > ownAbove {
		return strings.Clone(s)
	}
	return s
}
