package iam

import (
	"math/rand/v2"
	"strings"
	"testing"
)

// slow compares as the rules say, one way of a wildcard after the other.
func slow(tokens []token, s string) bool {
	if len(tokens) == 0 {
		return s == ""
	}
	switch t := tokens[0]; t.kind {
	case text:
		return strings.HasPrefix(s, t.text) && slow(tokens[1:], s[len(t.text):])
	case one, oneInPart:
		return s != "" && (t.kind == one || s[0] != ':') && slow(tokens[1:], s[1:])
	default:
		return slow(tokens[1:], s) || s != "" && (t.kind == star || s[0] != ':') && slow(tokens, s[1:])
	}
}

func TestPatternsAsTheRulesSay(t *testing.T) {
	g := generator{rand.New(rand.NewPCG(5, 5))}
	matched := 0
	for range 60000 {
		var p, s strings.Builder
		for range 1 + g.IntN(9) {
			p.WriteString(pick(g, "a", "b", ":", ":", "*", "*", "?"))
		}
		for range g.IntN(10) {
			s.WriteString(pick(g, "a", "b", ":"))
		}
		for _, x := range []syntax{{reach: anywhere}, {reach: inResource}, {reach: inARN}} {
			compiled, err := x.compile(p.String())
			if err != nil {
				t.Fatal(err)
			}
			tokens := compiled.tokens
			if tokens == nil {
				tokens = []token{{kind: text, text: compiled.literal}}
			}
			got, _ := compiled.match(s.String(), nil)
			if got != slow(tokens, s.String()) {
				t.Fatalf("%q with %q (%v): %v", p.String(), s.String(), x.reach, got)
			}
			if got {
				matched++
			}
		}
	}
	if matched < 1000 {
		t.Errorf("only %d matched", matched)
	}
}

// A pattern of many wildcards against a long text that nearly matches takes no time
// that anybody would notice; without a bound it would take years.
func TestPatternsAreBounded(t *testing.T) {
	long := strings.Repeat("a:", 4000)
	for _, p := range []string{strings.Repeat("a*", 90) + "?b?", "*" + strings.Repeat("?*", 60) + "b?", strings.Repeat("*?a", 60) + "*?aa?", "arn:a*:*:a*:*:*a?a*a?a*aa?"} {
		for _, x := range []syntax{{reach: anywhere}, {reach: inResource}, {reach: inARN}} {
			compiled, err := x.compile(p)
			if err != nil {
				t.Fatal(err)
			}
			if m, _ := compiled.match("arn:"+long, nil); m {
				t.Errorf("%s matches", p)
			}
		}
	}
}
