package encode

import (
	"fmt"
	"unicode/utf8"
)

// Encoding is how a message's characters are written, in the words of the
// messageEncoding member of events.
type Encoding string

const (
	GSM     Encoding = "GSM"     // default alphabet with extension table, TS 23.038
	Unicode Encoding = "Unicode" // UCS-2 as UTF-16
)

// Limits of one message (guide chapter 5, "SMS character limits").
const (
	MaxParts             = 10  // message parts of one message
	MaxUnicodeCharacters = 630 // characters of a message that GSM cannot write
)

// Capacities of a message part, in septets for GSM and UTF-16 units for Unicode.
const (
	singleSeptets = 160
	singleUnits   = 70

	partSeptets = 153 // beside a header of 6 octets
	partUnits   = 67

	partSeptets16 = 152 // beside a header of 7 octets, which is 8 septets
	partUnits16   = 66
)

// Alphabet is the character set that a carrier reads when data_coding is 0.
type Alphabet string

const (
	AlphabetGSM       Alphabet = "gsm"        // septets, one an octet
	AlphabetGSMPacked Alphabet = "gsm_packed" // septets, eight in seven octets
	AlphabetLatin1    Alphabet = "latin1"     // ISO 8859-1
	AlphabetASCII     Alphabet = "ascii"
)

// Options are the facts about a route that change how a text is cut. The zero
// value is the common case and the one of the guide.
type Options struct {
	// Reference16 is set for a route whose concatenation header has a 16-bit
	// reference. That header is seven octets long, so a part of several holds
	// 152 septets or 66 units. Parts that were cut without it (153 and 67) do
	// not fit beside such a header and go out with an 8-bit reference, wherever
	// they are taken later.
	Reference16 bool

	// Alphabet is the route's data_coding 0; empty is AlphabetGSM. A GSM text
	// with a character that it lacks is cut as Unicode.
	Alphabet Alphabet
}

// Message is a text cut into message parts.
type Message struct {
	Encoding    Encoding
	Characters  int    // Unicode code points of the text
	Units       int    // septets of a GSM message, UTF-16 units of a Unicode one
	Reference16 bool   // the parts leave room for a 16-bit reference
	Parts       []Part // at least one; joined, their texts are the text
}

// Part is one message part.
type Part struct {
	Text  string // a slice of the message's text
	Units int    // septets or UTF-16 units, by the message's encoding
}

// TooLongError says that a text is more than one message may hold. Count is
// above Limit, both in Unit: "parts", or "characters" for a Unicode text.
type TooLongError struct {
	Encoding Encoding
	Unit     string
	Count    int
	Limit    int
}

func (e *TooLongError) Error() string {
	return fmt.Sprintf("message is too long: %d %s in %s encoding, at most %d are allowed",
		e.Count, e.Unit, e.Encoding, e.Limit)
}

// Split cuts text with the zero Options: 160 septets or 70 units in a single
// part, 153 or 67 in each of several. An escape pair and a surrogate pair stay
// in one part. A text of more than ten parts, or of more than 630 characters
// where GSM cannot write it, is a *TooLongError. An empty text is one empty
// part.
func Split(text string) (Message, error) {
	return SplitWith(text, Options{})
}

// SplitWith cuts text for a route. Its errors are those of Split.
func SplitWith(text string, o Options) (Message, error) {
	s := measure(text)
	m := Message{Encoding: s.encoding(o.Alphabet), Characters: s.characters, Reference16: o.Reference16}
	m.Units = s.units
	single, several := singleUnits, partUnits
	if o.Reference16 {
		several = partUnits16
	}
	if m.Encoding == GSM {
		m.Units = s.septets
		single, several = singleSeptets, partSeptets
		if o.Reference16 {
			several = partSeptets16
		}
	}
	if m.Units <= single {
		m.Parts = []Part{{Text: text, Units: m.Units}}
		return m, nil
	}
	if m.Encoding == Unicode && m.Characters > MaxUnicodeCharacters {
		return Message{}, &TooLongError{Unicode, "characters", m.Characters, MaxUnicodeCharacters}
	}
	if least := (m.Units + several - 1) / several; least > MaxParts {
		return Message{}, &TooLongError{m.Encoding, "parts", least, MaxParts}
	}
	m.Parts = cut(text, m.Encoding, several, m.Units)
	if len(m.Parts) > MaxParts {
		// Pairs that may not be cut left gaps at the ends of parts.
		return Message{}, &TooLongError{m.Encoding, "parts", len(m.Parts), MaxParts}
	}
	return m, nil
}

// Encodes is the encoding that Split chooses for text.
func Encodes(text string) Encoding {
	s := measure(text)
	return s.encoding(AlphabetGSM)
}

// size is what one pass over a text finds.
type size struct {
	characters int  // code points
	septets    int  // of the default alphabet, where gsm
	units      int  // of UTF-16
	gsm        bool // the default alphabet has every character
	last       rune // the highest character
}

func (s size) encoding(a Alphabet) Encoding {
	if !s.gsm || s.last > a.last() {
		return Unicode
	}
	return GSM
}

// last is the highest character that the alphabet can carry of a GSM text.
func (a Alphabet) last() rune {
	switch a {
	case AlphabetLatin1:
		return 0xFF
	case AlphabetASCII:
		return 0x7F
	}
	return utf8.MaxRune
}

// Represents reports whether a carrier that reads data_coding 0 as a can be
// given text without UCS-2.
func (a Alphabet) Represents(text string) bool {
	s := measure(text)
	return s.encoding(a) == GSM
}

func measure(text string) size {
	s := size{gsm: true}
	for i := 0; i < len(text); s.characters++ {
		if b := text[i]; b < utf8.RuneSelf {
			i++
			s.units++
			s.add(directory[b])
			continue
		}
		r, width := utf8.DecodeRuneInString(text[i:])
		i += width
		s.units += unitsOf(r)
		s.last = max(s.last, r)
		s.add(lookup(r))
	}
	return s
}

func (s *size) add(c code) {
	if c&absent != 0 {
		s.gsm = false
	}
	s.septets += septetsOf(c)
}

func septetsOf(c code) int {
	return 1 + int(c>>8&1)
}

func unitsOf(r rune) int {
	if r >= 0x10000 {
		return 2
	}
	return 1
}

// cut divides text into parts of at most limit units; total is the units of all.
func cut(text string, e Encoding, limit, total int) []Part {
	parts := make([]Part, 0, total/limit+1)
	start, units := 0, 0
	for i, r := range text {
		n := 0
		if e == GSM {
			n = septetsOf(lookup(r))
		} else {
			n = unitsOf(r)
		}
		if units+n > limit {
			parts = append(parts, Part{Text: text[start:i], Units: units})
			start, units = i, 0
		}
		units += n
	}
	return append(parts, Part{Text: text[start:], Units: units})
}
