package iam

import (
	"fmt"
	"strings"
)

// reach is how far wildcards reach.
type reach int

const (
	noWildcards reach = iota // * and ? stand for themselves
	anywhere                 // through everything
	// inResource: inside a part of an ARN, of which the sixth is the rest; a * that
	// ends a part goes on over colons ("IAM JSON policy elements: Resource").
	inResource
	// inARN: each of the six parts by itself (the ARN condition operators).
	inARN
)

// syntax is how a text is to be read.
type syntax struct {
	reach     reach
	variables bool // ${...} means something: not in documents of 2008-10-17
	fold      bool
}

// compile takes a text apart.
func (x syntax) compile(s string) (pattern, error) {
	p := pattern{fold: x.fold}
	part := 0
	for i := 0; i < len(s); {
		c := s[i]
		if x.variables && strings.HasPrefix(s[i:], "${") {
			t, length, err := variable(s[i:])
			if err != nil {
				return p, err
			}
			if t.kind == fromContext && x.reach == inResource && part < 5 {
				return p, fmt.Errorf("the policy variable %q stands before the fifth colon of an ARN", clip(s[i:i+length]))
			}
			p.tokens = append(p.tokens, t)
			i += length
			continue
		}
		t := token{kind: text, text: s[i : i+1]}
		if x.reach != noWildcards {
			switch c {
			case '*':
				t = token{kind: x.starAt(s, i, part)}
			case '?':
				t = token{kind: one}
				if part < 5 && x.reach != anywhere {
					t.kind = oneInPart
				}
			}
		}
		if c == ':' {
			part++
		}
		p.tokens = append(p.tokens, t)
		i++
	}
	p.seal()
	if len(p.tokens) > maxTokens {
		return p, fmt.Errorf("there are more than %d wildcards and variables in one text", maxTokens/2)
	}
	return p, nil
}

func (x syntax) starAt(s string, i, part int) tokenKind {
	switch {
	case x.reach == anywhere || part >= 5 || s == "*":
		return star
	case x.reach == inResource && (i+1 == len(s) || s[i+1] == ':'):
		return star
	}
	return starInPart
}

// variable reads what begins with ${: a key, or a key and a default value in single
// quotes (in which two stand for one), or one of the characters *, ? and $, that then
// mean themselves.
func variable(s string) (t token, length int, err error) {
	broken := func() (token, int, error) {
		return token{}, 0, fmt.Errorf("%q is not a policy variable: ${key}, ${key, 'default'}, ${*}, ${?} and ${$} are", clip(s))
	}
	i := strings.IndexAny(s, ",}")
	if i < 0 {
		return broken()
	}
	key := strings.TrimSpace(s[2:i])
	if s[i] == '}' {
		switch key {
		case "*", "?", "$":
			return token{kind: text, text: key}, i + 1, nil
		}
	}
	if key == "" || strings.ContainsAny(key, "*?$'\"{") {
		return broken()
	}
	t = token{kind: fromContext, key: strings.ToLower(key)}
	if s[i] == '}' {
		return t, i + 1, nil
	}
	value, rest, ok := quoted(strings.TrimLeft(s[i+1:], " "))
	rest = strings.TrimLeft(rest, " ")
	if !ok || !strings.HasPrefix(rest, "}") {
		return broken()
	}
	t.text, t.fallback = value, true
	return t, len(s) - len(rest) + 1, nil
}

// quoted reads 'text' and gives what is behind it.
func quoted(s string) (value, rest string, ok bool) {
	if !strings.HasPrefix(s, "'") {
		return "", "", false
	}
	var b strings.Builder
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			b.WriteByte(s[i])
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			b.WriteByte('\'')
			i++
			continue
		}
		return b.String(), s[i+1:], true
	}
	return "", "", false
}
