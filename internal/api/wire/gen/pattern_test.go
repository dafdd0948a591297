package main

import (
	"strings"
	"testing"
)

func TestParseRepeat(t *testing.T) {
	for p, want := range map[string]struct {
		lo, hi int
		rest   string
		ok     bool
	}{
		"": {1, 1, "", true}, "a": {1, 1, "a", true}, "?": {0, 1, "", true}, "*b": {0, -1, "b", true}, "+": {1, -1, "", true},
		"{3}": {3, 3, "", true}, "{2,}x": {2, -1, "x", true}, "{1,38}": {1, 38, "", true},
		"+?": {}, "*+": {}, "{1,2}?": {}, "{a}": {}, "{": {},
	} {
		lo, hi, rest, ok := parseRepeat(p)
		if lo != want.lo || hi != want.hi || rest != want.rest || ok != want.ok {
			t.Errorf("%q: got %d, %d, %q, %t", p, lo, hi, rest, ok)
		}
	}
}

// TestDeterministic tells the patterns that may be matched without going back
// from those that may not.
func TestDeterministic(t *testing.T) {
	for p, want := range map[string]bool{
		`[a-z]+`:                        true,
		`\+?[1-9][0-9]{1,18}`:           true,
		`[0-9]{0,2}\.[0-9]{1,5}`:        true,
		`s3://([a-z0-9\.-]{3,63})/(.+)`: true,
		`a?b?c`:                         true,
		`[a-z]+a`:                       false,
		`a?b?a`:                         false,
		`[a-z]*[0-9]*[a-z]`:             false,
		`.*x`:                           false,
		`\S+é`:                          false,
		`\s+\S`:                         true,
		`\s*.`:                          false,
		`[a-z]{2}[a-z]+`:                true,
	} {
		rs, ok := parseRuns(p)
		if got := ok && deterministic(rs); got != want {
			t.Errorf("%s: got %t", p, got)
		}
	}
}

func TestParseRunsLeavesTheRest(t *testing.T) {
	for _, p := range []string{`a|b`, `(ab)?`, `(a){2}`, `^a`, `a$`, `[^a]`, `\d+`, `\w`, `\`, `[a`, `[a\`, `[\d]`, `[z-a]`, `[é]`, `é`, `(?i)a`, `a**`} {
		if rs, ok := parseRuns(p); ok {
			t.Errorf("%s became %v", p, rs)
		}
	}
}

func TestMatcher(t *testing.T) {
	for p, want := range map[string]string{
		`(?!\s*$)[\s\S]+`:       "matchNotBlank",
		`(?!\s)^[\s\S]+(?<!\s)`: "matchTrimmed",
		`[0]{2}`:                "runs{{class{ascii: [2]uint64{0x1000000000000, 0x0}}, 2, 2},}.match",
		`\S*`:                   "wide: wideNotSpace}, 0, -1},}.match",
		`[a\s]`:                 "wide: wideSpace}, 1, 1},}.match",
		`.`:                     "wide: wideAll}, 1, 1},}.match",
		`[a-]`:                  "0x200000000000, 0x200000000}}, 1, 1}",
		`(a|b)`:                 "regexp.MustCompile(`\\A(?:(a|b))\\z`).MatchString",
	} {
		got, err := matcher(p)
		if err != nil || !strings.Contains(got, want) {
			t.Errorf("%s: got %s, %v", p, got, err)
		}
	}
}
