// Package pattern decides which lines of a log group a filter pattern matches, by the
// syntax of Amazon CloudWatch Logs ("Filter pattern syntax" in its user guide).
//
// A pattern of terms matches lines of any form:
//
//	ERROR "not found"       lines that contain both
//	?ERROR ?WARN            lines that contain either; next to terms of other kinds
//	                        optional ones say nothing
//	ERROR -DEBUG            lines that contain the one and not the other
//
// A term is letters, digits and underscores; others stand in quotation marks. Case
// counts, and a term may be a part of a word.
//
// A pattern in braces matches lines that are JSON objects:
//
//	{ $.eventType = "TEXT_DELIVERED" }
//	{ ($.isoCountryCode = US || $.isoCountryCode = CA) && $.totalMessageParts > 1 }
//	{ $.context.campaign NOT EXISTS }
//
// Patterns in brackets, for lines of columns, and regular expressions are not taken.
package pattern

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// MaxLength is the longest pattern, in characters.
const MaxLength = 1024

// Pattern decides about lines. The zero value matches every line.
type Pattern struct {
	all, any, none []string // terms
	condition      condition
}

// Parse reads a pattern. An empty one matches every line. Its error says what is
// wrong with the pattern.
func Parse(text string) (Pattern, error) {
	if utf8.RuneCountInString(text) > MaxLength {
		return Pattern{}, fmt.Errorf("it is longer than %d characters", MaxLength)
	}
	if !utf8.ValidString(text) {
		return Pattern{}, fmt.Errorf("it is not UTF-8")
	}
	trimmed := strings.TrimSpace(text)
	switch {
	case strings.HasPrefix(trimmed, "{"):
		c, err := parseCondition(trimmed)
		return Pattern{condition: c}, err
	case strings.HasPrefix(trimmed, "["):
		return Pattern{}, fmt.Errorf("patterns in brackets are not taken: lines of events have no columns, and { $.member = value } tells them apart")
	}
	return parseTerms(trimmed)
}

// Matches reports whether a line is one of the pattern's.
func (p *Pattern) Matches(line []byte) bool {
	if p.condition != nil {
		object, ok := parseObject(line)
		return ok && p.condition.holds(object)
	}
	text := string(line)
	for _, term := range p.all {
		if !strings.Contains(text, term) {
			return false
		}
	}
	for _, term := range p.none {
		if strings.Contains(text, term) {
			return false
		}
	}
	if len(p.all) > 0 || len(p.any) == 0 {
		return true
	}
	for _, term := range p.any {
		if strings.Contains(text, term) {
			return true
		}
	}
	return false
}

// parseTerms reads a pattern of terms.
func parseTerms(text string) (p Pattern, err error) {
	for rest := text; rest != ""; rest = strings.TrimLeftFunc(rest, unicode.IsSpace) {
		to := &p.all
		switch rest[0] {
		case '?':
			to, rest = &p.any, rest[1:]
		case '-':
			to, rest = &p.none, rest[1:]
		}
		var term string
		if strings.HasPrefix(rest, `"`) {
			term, rest, err = quoted(rest)
		} else {
			term, rest, err = word(rest)
		}
		if err != nil {
			return Pattern{}, err
		}
		*to = append(*to, term)
	}
	return p, nil
}

// word takes a term without quotation marks.
func word(text string) (term, rest string, err error) {
	end := strings.IndexFunc(text, unicode.IsSpace)
	if end < 0 {
		end = len(text)
	}
	term = text[:end]
	if term == "" {
		return "", "", fmt.Errorf("a term is empty")
	}
	if strings.HasPrefix(term, "%") {
		return "", "", fmt.Errorf("regular expressions, as in %q, are not taken", term)
	}
	for _, r := range term {
		if r != '_' && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			return "", "", fmt.Errorf("the term %q has the character %q: terms with others than letters, digits and underscores have to be in quotation marks", term, r)
		}
	}
	return term, text[end:], nil
}

// quoted takes a text in quotation marks, in which a backslash makes the next
// character an ordinary one.
func quoted(text string) (phrase, rest string, err error) {
	var b strings.Builder
	for i := 1; i < len(text); i++ {
		switch c := text[i]; {
		case c == '"' && b.Len() == 0:
			return "", "", fmt.Errorf("there is nothing between two quotation marks")
		case c == '"':
			return b.String(), text[i+1:], nil
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", fmt.Errorf("a quotation mark is not closed")
}
