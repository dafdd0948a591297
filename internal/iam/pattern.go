package iam

import "strings"

// A pattern is text with * (any characters), ? (one character) and policy variables,
// taken apart once. How far a wildcard reaches into an ARN depends on where it stands.
type pattern struct {
	tokens  []token
	literal string // the whole of it where tokens is nil
	fold    bool   // case does not matter: the pattern is in lower case, and the text has to be
	// variables: there are some, whose values are looked up when matching.
	variables bool
}

type tokenKind uint8

const (
	text        tokenKind = iota
	star                  // any characters
	starInPart            // any characters but a colon
	one                   // one character
	oneInPart             // one character but a colon
	fromContext           // the value of a key
)

type token struct {
	kind tokenKind
	text string // of text, and of a variable without a value where fallback is set
	key  string // of fromContext
	// fallback: there is a default value.
	fallback bool
}

// maxTokens of a pattern bounds what a decision may cost.
const maxTokens = 200

// seal makes the short form where a pattern is nothing but text, joins neighbours and
// lowers what is to be compared without case.
func (p *pattern) seal() {
	var out []token
	for _, t := range p.tokens {
		if p.fold {
			t.text = strings.ToLower(t.text)
		}
		last := len(out) - 1
		switch {
		case t.kind == text && t.text == "":
			continue
		case t.kind == text && last >= 0 && out[last].kind == text:
			out[last].text += t.text
			continue
		case t.kind == star && last >= 0 && (out[last].kind == star || out[last].kind == starInPart):
			out[last].kind = star
			continue
		case t.kind == starInPart && last >= 0 && (out[last].kind == star || out[last].kind == starInPart):
			continue
		}
		p.variables = p.variables || t.kind == fromContext
		out = append(out, t)
	}
	p.tokens = out
	switch {
	case len(out) == 0:
		p.tokens = nil
	case len(out) == 1 && out[0].kind == text:
		p.literal, p.tokens = out[0].text, nil
	}
}

// match compares; c gives the variables. A variable without a value matches nothing:
// missing tells that.
func (p *pattern) match(s string, c Context) (matched, missing bool) {
	if p.tokens == nil {
		return p.literal == s, false
	}
	tokens := p.tokens
	if p.variables {
		var room [8]token
		filled, ok := p.fill(room[:0], c)
		if !ok {
			return false, true
		}
		tokens = filled
	}
	return run(tokens, s), false
}

// fill puts the values of variables in.
func (p *pattern) fill(out []token, c Context) (tokens []token, ok bool) {
	for _, t := range p.tokens {
		if t.kind == fromContext {
			value, there := single(c, t.key)
			if !there {
				if !t.fallback {
					return nil, false
				}
				value = t.text
			}
			if p.fold {
				value = strings.ToLower(value)
			}
			t = token{kind: text, text: value}
		}
		out = append(out, t)
	}
	return out, true
}

// single gives the value of a key that has exactly one: others cannot be variables.
func single(c Context, key string) (string, bool) {
	if c == nil {
		return "", false
	}
	values := c.Lookup(key)
	if len(values) != 1 {
		return "", false
	}
	return values[0], true
}

// run compares tokens with s. What begins and ends with text is compared there first,
// which settles most.
func run(tokens []token, s string) bool {
	for len(tokens) > 0 && tokens[0].kind == text {
		if !strings.HasPrefix(s, tokens[0].text) {
			return false
		}
		s, tokens = s[len(tokens[0].text):], tokens[1:]
	}
	for len(tokens) > 0 && tokens[len(tokens)-1].kind == text {
		last := tokens[len(tokens)-1].text
		if !strings.HasSuffix(s, last) {
			return false
		}
		s, tokens = s[:len(s)-len(last)], tokens[:len(tokens)-1]
	}
	switch {
	case len(tokens) == 0:
		return s == ""
	case len(tokens) == 1 && tokens[0].kind == star:
		return true
	case len(tokens) == 1 && tokens[0].kind == starInPart:
		return strings.IndexByte(s, ':') < 0
	}
	var room [16]uint64
	g := glob{tokens: tokens, s: s, seen: room[:]}
	if n := (len(tokens)*(len(s)+1) + 63) / 64; n > len(room) {
		g.seen = make([]uint64, n)
	}
	return g.from(0, 0)
}

// glob compares from any token at any place at most once: seen remembers where that
// failed. So the time is bounded by the pattern's length times the text's.
type glob struct {
	tokens []token
	s      string
	seen   []uint64
}

func (g *glob) from(t, i int) bool {
	for ; t < len(g.tokens); t++ {
		switch k := &g.tokens[t]; k.kind {
		case text:
			if !strings.HasPrefix(g.s[i:], k.text) {
				return false
			}
			i += len(k.text)
		case one, oneInPart:
			if i == len(g.s) || k.kind == oneInPart && g.s[i] == ':' {
				return false
			}
			i += runeLength(g.s[i:])
		default:
			return g.star(t, i)
		}
	}
	return i == len(g.s)
}

// star lets the wildcard t take more and more.
func (g *glob) star(t, i int) bool {
	end := len(g.s)
	if g.tokens[t].kind == starInPart {
		if colon := strings.IndexByte(g.s[i:], ':'); colon >= 0 {
			end = i + colon
		}
	}
	if t+1 == len(g.tokens) {
		return end == len(g.s)
	}
	next := &g.tokens[t+1]
	for ; i <= end; i++ {
		if next.kind == text { // only where it goes on
			found := strings.Index(g.s[i:], next.text)
			if found < 0 || i+found > end {
				return false
			}
			i += found
		}
		bit := t*(len(g.s)+1) + i
		if g.seen[bit/64]&(1<<(bit%64)) != 0 {
			return false // from here on all was tried, by a wildcard that reached as far
		}
		g.seen[bit/64] |= 1 << (bit % 64)
		if g.from(t+1, i) {
			return true
		}
	}
	return false
}

// runeLength is that of the first character.
func runeLength(s string) int {
	for i := 1; i < len(s); i++ {
		if s[i]&0xC0 != 0x80 {
			return i
		}
	}
	return len(s)
}
