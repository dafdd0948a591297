package main

import (
	"fmt"
	"strings"
)

// initialisms are the words of enum values that Go writes in capitals.
var initialisms = map[string]string{
	"arn": "ARN", "aws": "AWS", "dlc": "DLC", "id": "ID", "ids": "IDs", "iso": "ISO", "mms": "MMS", "otp": "OTP",
	"rcs": "RCS", "sms": "SMS", "ssml": "SSML", "ttl": "TTL", "us": "US",
}

// constant is the name of the constant of an enum's value.
func constant(enum, value string) string {
	var b strings.Builder
	b.WriteString(enum)
	for _, word := range strings.FieldsFunc(value, func(r rune) bool { return r == '_' || r == '-' }) {
		word = strings.ToLower(word)
		if known, ok := initialisms[word]; ok {
			b.WriteString(known)
			continue
		}
		b.WriteString(strings.ToUpper(word[:1]) + word[1:])
	}
	return b.String()
}

// writeEnums writes a constant for each value of each enum of the model.
func writeEnums(m *model, s *source) error {
	taken := map[string]string{}
	for _, st := range m.structures() {
		taken[st.name] = "structure " + st.name
	}
	for _, name := range sorted(m.Shapes) {
		e := m.Shapes[name]
		if e.Enum == nil {
			continue
		}
		s.line("// The values of %s.", name)
		s.line("const (")
		for _, value := range e.Enum {
			c := constant(name, value)
			what := fmt.Sprintf("value %s of %s", value, name)
			if before, ok := taken[c]; ok {
				return fmt.Errorf("%s and %s are both called %s", before, what, c)
			}
			taken[c] = what
			s.line("%s = %q", c, value)
		}
		s.line(")\n")
	}
	return nil
}
