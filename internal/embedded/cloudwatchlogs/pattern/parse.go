package pattern

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// maxDepth bounds how deep parentheses may be nested.
const maxDepth = 50

// parser reads a pattern in braces:
//
//	pattern    = "{" condition "}"
//	condition  = conjunction { "||" conjunction }
//	conjunction = term { "&&" term }
//	term       = "(" condition ")" | selector test
//	test       = operator value | "IS" ("NULL" | "TRUE" | "FALSE") | ["NOT"] "EXISTS"
type parser struct {
	rest  string
	depth int
}

func parseCondition(text string) (condition, error) {
	p := &parser{rest: text}
	p.take("{")
	c, err := p.condition()
	if err != nil {
		return nil, err
	}
	if !p.take("}") {
		return nil, p.wanted("&&, || or a closing brace")
	}
	if p.space(); p.rest != "" {
		return nil, fmt.Errorf("after the closing brace there is %s", p.next())
	}
	return c, nil
}

func (p *parser) condition() (condition, error) {
	left, err := p.conjunction()
	for err == nil && p.take("||") {
		var right condition
		right, err = p.conjunction()
		left = or{left, right}
	}
	return left, err
}

func (p *parser) conjunction() (condition, error) {
	left, err := p.term()
	for err == nil && p.take("&&") {
		var right condition
		right, err = p.term()
		left = and{left, right}
	}
	return left, err
}

func (p *parser) term() (condition, error) {
	if p.take("(") {
		if p.depth++; p.depth > maxDepth {
			return nil, fmt.Errorf("parentheses are nested more than %d deep", maxDepth)
		}
		c, err := p.condition()
		if err != nil {
			return nil, err
		}
		p.depth--
		if !p.take(")") {
			return nil, p.wanted("&&, || or a closing parenthesis")
		}
		return c, nil
	}
	of, err := p.selector()
	if err != nil {
		return nil, err
	}
	for _, operator := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.take(operator) {
			return p.comparison(of, operator)
		}
	}
	return p.test(of)
}

// test reads what follows a selector that is not compared.
func (p *parser) test(of selector) (condition, error) {
	switch first := p.keyword(); first {
	case "EXISTS":
		return is{of, exists}, nil
	case "NOT":
		if p.keyword() == "EXISTS" {
			return is{of, notExists}, nil
		}
		return nil, fmt.Errorf("NOT has to be followed by EXISTS")
	case "IS":
		switch p.keyword() {
		case "NULL":
			return is{of, isNull}, nil
		case "TRUE":
			return is{of, isTrue}, nil
		case "FALSE":
			return is{of, isFalse}, nil
		}
		return nil, fmt.Errorf("IS has to be followed by NULL, TRUE or FALSE")
	case "":
		return nil, p.wanted("=, !=, <, >, <=, >=, IS, EXISTS or NOT EXISTS")
	default:
		return nil, fmt.Errorf("%q is no operator: =, !=, <, >, <=, >=, IS, EXISTS and NOT EXISTS are", first)
	}
}

func (p *parser) comparison(of selector, operator string) (condition, error) {
	p.space()
	c := compares{of: of, operator: operator}
	var err error
	if strings.HasPrefix(p.rest, `"`) {
		c.text, p.rest, err = quoted(p.rest)
	} else {
		c.text = p.run(func(r rune) bool { return !unicode.IsSpace(r) && !strings.ContainsRune(`(){}&|"=<>!`, r) })
		if c.text == "" {
			err = p.wanted("a value")
		}
		if strings.HasPrefix(c.text, "%") {
			err = fmt.Errorf("regular expressions, as in %q, are not taken", c.text)
		}
		c.number, _ = number(c.text)
	}
	if err != nil {
		return nil, err
	}
	c.wild = strings.Contains(c.text, "*")
	if c.number == nil && operator != "=" && operator != "!=" {
		return nil, fmt.Errorf("%s compares with a number; %q is none", operator, c.text)
	}
	return c, nil
}

// selector reads $.member.member[0]["member"].
func (p *parser) selector() (selector, error) {
	if !p.take("$") {
		return nil, p.wanted("a member, as in $.eventType")
	}
	var s selector
	for {
		switch {
		case strings.HasPrefix(p.rest, "."):
			p.rest = p.rest[1:]
			name := p.run(func(r rune) bool { return r == '_' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) })
			if name == "" {
				return nil, p.wanted("the name of a member")
			}
			s = append(s, step{name, -1})
		case strings.HasPrefix(p.rest, "["):
			p.rest = p.rest[1:]
			next, err := p.bracket()
			if err != nil {
				return nil, err
			}
			s = append(s, next)
		case s == nil:
			return nil, p.wanted("a point and the name of a member")
		default:
			return s, nil
		}
	}
}

// bracket reads an index or a quoted name, and the bracket that closes it.
func (p *parser) bracket() (step, error) {
	next := step{index: -1}
	var err error
	if strings.HasPrefix(p.rest, `"`) {
		next.name, p.rest, err = quoted(p.rest)
	} else if next.index, err = strconv.Atoi(p.run(unicode.IsDigit)); err != nil {
		err = fmt.Errorf("in brackets there has to be an index or a name in quotation marks")
	}
	if err == nil && !strings.HasPrefix(p.rest, "]") {
		err = p.wanted("a closing bracket")
	}
	if err != nil {
		return step{}, err
	}
	p.rest = p.rest[1:]
	return next, nil
}

func (p *parser) space() { p.rest = strings.TrimLeftFunc(p.rest, unicode.IsSpace) }

// take takes a token where it comes next.
func (p *parser) take(token string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, token)
	if ok {
		p.rest = rest
	}
	return ok
}

// run takes the characters that are of a kind.
func (p *parser) run(of func(rune) bool) string {
	end := strings.IndexFunc(p.rest, func(r rune) bool { return !of(r) })
	if end < 0 {
		end = len(p.rest)
	}
	taken := p.rest[:end]
	p.rest = p.rest[end:]
	return taken
}

// keyword takes a word, in capitals.
func (p *parser) keyword() string {
	p.space()
	return strings.ToUpper(p.run(unicode.IsLetter))
}

func (p *parser) wanted(what string) error {
	p.space()
	if p.rest == "" {
		return fmt.Errorf("it ends where %s is expected", what)
	}
	return fmt.Errorf("there is %s where %s is expected", p.next(), what)
}

// next shows the beginning of what is not read yet.
func (p *parser) next() string {
	const most = 20
	shown := []rune(p.rest)
	if len(shown) > most {
		return strconv.Quote(string(shown[:most])) + "..."
	}
	return strconv.Quote(string(shown))
}
