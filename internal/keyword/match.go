package keyword

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"heliograph/internal/sms"
)

// MaxLength is the most characters of a keyword (guide, "Keywords").
const MaxLength = 30

// Canonical is a keyword as it is kept and compared: in capitals, each run of spaces as
// one, without characters that cannot be seen. ok is false where it would be empty or
// longer than MaxLength, and for a text that begins or ends with a space.
func Canonical(text string) (keyword string, ok bool) {
	first, _ := utf8.DecodeRuneInString(text)
	last, _ := utf8.DecodeLastRuneInString(text)
	if unicode.IsSpace(first) || unicode.IsSpace(last) {
		return "", false
	}
	keyword, all := begin(text, MaxLength)
	return keyword, all && keyword != "" && !strings.HasSuffix(keyword, " ")
}

// Match is the longest keyword of a set that a message begins with: whatever its case,
// after spaces if there are any, and up to the boundary of a word. STOP matches "stop!"
// and not "stopped". ok is false where none matches. The keywords are canonical.
func Match(body string, set []sms.Keyword) (k sms.Keyword, ok bool) {
	text, _ := begin(body, MaxLength+1)
	for i := range set {
		word := set[i].Keyword
		if len(word) > len(k.Keyword) && strings.HasPrefix(text, word) && boundary(text, len(word)) {
			k, ok = set[i], true
		}
	}
	return k, ok
}

// begin is the canonical form of the first most characters of a text, or of all.
func begin(text string, most int) (folded string, all bool) {
	var b strings.Builder
	space, n := false, 0
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Cf, unicode.Variation_Selector):
			continue
		case unicode.IsSpace(r):
			space = n > 0
			continue
		}
		for _, c := range [...]rune{' ', r} {
			if c == ' ' && !space {
				continue
			}
			if n == most {
				return b.String(), false
			}
			b.WriteRune(fold(c))
			n++
		}
		space = false
	}
	if space {
		if n == most {
			return b.String(), false
		}
		b.WriteByte(' ')
	}
	return b.String(), true
}

// fold makes characters that differ in case alone the same. By way of the small letter
// it also does so for those with several capitals.
func fold(r rune) rune { return unicode.ToUpper(unicode.ToLower(r)) }

// boundary reports whether no word of the text goes on across at, which is not 0.
func boundary(text string, at int) bool {
	if at == len(text) {
		return true
	}
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at:])
	return !unicode.IsMark(after) && !(inWord(before) && inWord(after))
}

func inWord(r rune) bool {
	return r == '_' || unicode.IsLetter(r) || unicode.IsMark(r) || unicode.IsDigit(r)
}
