package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"
)

// byHand are the patterns that look ahead or behind, which Go's regexp cannot,
// and the functions of package wire that match them.
var byHand = map[string]string{
	`(?!\s*$)[\s\S]+`:       "matchNotBlank",
	`(?!\s)^[\s\S]+(?<!\s)`: "matchTrimmed",
}

// matcher returns the Go expression of type func(string) bool that matches
// pattern against a whole string.
func matcher(pattern string) (string, error) {
	if f, ok := byHand[pattern]; ok {
		return f, nil
	}
	if rs, ok := parseRuns(pattern); ok && deterministic(rs) {
		return runsLiteral(rs), nil
	}
	// Outside classes of ASCII characters the two dialects differ.
	if strings.ContainsAny(strings.ReplaceAll(pattern, `\.`, ""), `\.`) || strings.Contains(pattern, "(?") {
		return "", fmt.Errorf("pattern %s has to be matched by hand: add a function to package wire and name it in byHand", pattern)
	}
	if _, err := regexp.Compile(pattern); err != nil {
		return "", err
	}
	return fmt.Sprintf("regexp.MustCompile(%s).MatchString", quote(`\A(?:`+pattern+`)\z`)), nil
}

// charRun is a character class and how often it is repeated; hi -1 is no limit.
type charRun struct {
	set    charSet
	lo, hi int
}

// charSet is the ASCII characters of a class, and whether white space and other
// characters beyond ASCII belong to it.
type charSet struct {
	ascii               [2]uint64
	wideSpace, wideRest bool
}

func (c *charSet) add(b byte) { c.ascii[b>>6] |= 1 << (b & 63) }

func (c *charSet) join(o charSet) {
	c.ascii[0] |= o.ascii[0]
	c.ascii[1] |= o.ascii[1]
	c.wideSpace = c.wideSpace || o.wideSpace
	c.wideRest = c.wideRest || o.wideRest
}

func (c charSet) meets(o charSet) bool {
	return c.ascii[0]&o.ascii[0] != 0 || c.ascii[1]&o.ascii[1] != 0 ||
		c.wideSpace && o.wideSpace || c.wideRest && o.wideRest
}

// spaces is \s within ASCII.
const spaces = "\t\n\v\f\r\x1c\x1d\x1e\x1f "

// escaped returns the set that a backslash and b stand for.
func escaped(b byte) (set charSet, ok bool) {
	switch {
	case b == 's' || b == 'S':
		for c := byte(0); c < utf8.RuneSelf; c++ {
			if (strings.IndexByte(spaces, c) >= 0) == (b == 's') {
				set.add(c)
			}
		}
		set.wideSpace, set.wideRest = b == 's', b == 'S'
		return set, true
	case b >= utf8.RuneSelf, b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9':
		return set, false
	}
	set.add(b)
	return set, true
}

// parseRuns reads a pattern that is a sequence of repeated classes. Groups are
// taken only where they change nothing: not repeated, without alternatives.
func parseRuns(p string) (rs []charRun, ok bool) {
	for p != "" {
		var set charSet
		switch c := p[0]; {
		case c == '(' || c == ')':
			if strings.HasPrefix(p, "(?") || len(p) > 1 && c == ')' && strings.IndexByte("?*+{", p[1]) >= 0 {
				return nil, false
			}
			p = p[1:]
			continue
		case c == '|' || c == '^' || c == '$' || c >= utf8.RuneSelf:
			return nil, false
		case c == '.':
			for b := byte(0); b < utf8.RuneSelf; b++ {
				if b != '\n' {
					set.add(b)
				}
			}
			set.wideSpace, set.wideRest = true, true
			p = p[1:]
		case c == '[':
			if set, p, ok = parseClass(p[1:]); !ok {
				return nil, false
			}
		case c == '\\':
			if len(p) < 2 {
				return nil, false
			}
			if set, ok = escaped(p[1]); !ok {
				return nil, false
			}
			p = p[2:]
		default:
			set.add(c)
			p = p[1:]
		}
		lo, hi, rest, ok := parseRepeat(p)
		if !ok {
			return nil, false
		}
		rs, p = append(rs, charRun{set, lo, hi}), rest
	}
	return rs, true
}

// parseClass reads a class whose opening bracket was taken.
func parseClass(p string) (set charSet, rest string, ok bool) {
	if strings.HasPrefix(p, "^") {
		return set, "", false
	}
	for p != "" && p[0] != ']' {
		c := p[0]
		p = p[1:]
		switch {
		case c >= utf8.RuneSelf || c == '\\' && p == "":
			return set, "", false
		case c == '\\':
			e, known := escaped(p[0])
			if !known {
				return set, "", false
			}
			set.join(e)
			p = p[1:]
		case len(p) >= 2 && p[0] == '-' && p[1] != ']':
			if p[1] == '\\' || p[1] < c || p[1] >= utf8.RuneSelf {
				return set, "", false
			}
			for b := c; b <= p[1]; b++ {
				set.add(b)
			}
			p = p[2:]
		default:
			set.add(c)
		}
	}
	if p == "" {
		return set, "", false
	}
	return set, p[1:], true
}

var repeat = regexp.MustCompile(`^\{(\d+)(,(\d*))?\}`)

func parseRepeat(p string) (lo, hi int, rest string, ok bool) {
	if p == "" {
		return 1, 1, p, true
	}
	switch p[0] {
	case '?':
		lo, hi, rest = 0, 1, p[1:]
	case '*':
		lo, hi, rest = 0, -1, p[1:]
	case '+':
		lo, hi, rest = 1, -1, p[1:]
	case '{':
		f := repeat.FindStringSubmatch(p)
		if f == nil {
			return 0, 0, "", false
		}
		lo, _ = strconv.Atoi(f[1])
		switch {
		case f[2] == "":
			hi = lo
		case f[3] == "":
			hi = -1
		default:
			hi, _ = strconv.Atoi(f[3])
		}
		rest = p[len(f[0]):]
	default:
		return 1, 1, p, true
	}
	// A second quantifier makes the first lazy or possessive.
	if rest != "" && strings.IndexByte("?*+", rest[0]) >= 0 {
		return 0, 0, "", false
	}
	return lo, hi, rest, true
}

// deterministic says whether taking as much as possible for each run in turn
// finds a match whenever there is one: no run of varying length shares a
// character with a run that can stand right after it.
func deterministic(rs []charRun) bool {
	for i, r := range rs {
		if r.lo == r.hi {
			continue
		}
		for _, after := range rs[i+1:] {
			if r.set.meets(after.set) {
				return false
			}
			if after.lo > 0 {
				break
			}
		}
	}
	return true
}

func runsLiteral(rs []charRun) string {
	var b strings.Builder
	b.WriteString("runs{")
	for _, r := range rs {
		w := ""
		switch {
		case r.set.wideSpace && r.set.wideRest:
			w = ", wide: wideAll"
		case r.set.wideSpace:
			w = ", wide: wideSpace"
		case r.set.wideRest:
			w = ", wide: wideNotSpace"
		}
		fmt.Fprintf(&b, "{class{ascii: [2]uint64{%#x, %#x}%s}, %d, %d},", r.set.ascii[0], r.set.ascii[1], w, r.lo, r.hi)
	}
	b.WriteString("}.match")
	return b.String()
}

// quote writes s as a Go string, raw where that reads better.
func quote(s string) string {
	if strconv.CanBackquote(s) {
		return "`" + s + "`"
	}
	return strconv.Quote(s)
}
