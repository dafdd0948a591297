package pattern

import (
	"bytes"
	"encoding/json"
	"math/big"
	"strings"
)

// condition is what a pattern in braces asks of a JSON object.
type condition interface {
	holds(object any) bool
}

type and struct{ left, right condition }

func (c and) holds(object any) bool { return c.left.holds(object) && c.right.holds(object) }

type or struct{ left, right condition }

func (c or) holds(object any) bool { return c.left.holds(object) || c.right.holds(object) }

// is asks whether a member is there (exists, notExists) or what it is (null, true,
// false).
type is struct {
	of   selector
	what what
}

type what int

const (
	isNull what = iota
	isTrue
	isFalse
	exists
	notExists
)

func (c is) holds(object any) bool {
	value, found := c.of.find(object)
	switch c.what {
	case isNull:
		return found && value == nil
	case isTrue:
		return found && value == true
	case isFalse:
		return found && value == false
	case exists:
		return found
	}
	return !found
}

// compares a member with a value. A member that is not there, or that is an object or
// a list, compares with nothing, not even as different.
type compares struct {
	of       selector
	operator string // "=", "!=", "<", ">", "<=" or ">="
	text     string // the value, with stars that stand for any text where wild
	wild     bool
	number   *big.Float // of a value that is a number, or nil
}

func (c compares) holds(object any) bool {
	value, found := c.of.find(object)
	if !found {
		return false
	}
	var text string
	switch value := value.(type) {
	case string:
		text = value
	case json.Number:
		if c.number != nil {
			n, ok := number(value.String())
			return ok && ordered(c.operator, n.Cmp(c.number))
		}
		text = value.String()
	case bool:
		text = "false"
		if value {
			text = "true"
		}
	default:
		return false
	}
	equal := text == c.text
	if c.wild {
		equal = like(c.text, text)
	}
	switch c.operator {
	case "=":
		return equal
	case "!=":
		return !equal
	}
	return false // only numbers have an order
}

// ordered reports whether an operator holds of two numbers that compare so.
func ordered(operator string, comparison int) bool {
	switch operator {
	case "=":
		return comparison == 0
	case "!=":
		return comparison != 0
	case "<":
		return comparison < 0
	case ">":
		return comparison > 0
	case "<=":
		return comparison <= 0
	}
	return comparison >= 0
}

// number reads a JSON number. Its exponent is bounded, so that it costs little.
func number(text string) (*big.Float, bool) {
	if len(text) > 64 || text == "" {
		return nil, false
	}
	if e := strings.IndexAny(text, "eE"); e >= 0 && len(text)-e > 6 {
		return nil, false
	}
	if !json.Valid([]byte(text)) || text[0] != '-' && (text[0] < '0' || text[0] > '9') {
		return nil, false
	}
	n, _, err := big.ParseFloat(text, 10, 256, big.ToNearestEven)
	return n, err == nil
}

// like reports whether text is as a value with stars says.
func like(value, text string) bool {
	parts := strings.Split(value, "*")
	first, last := parts[0], parts[len(parts)-1]
	if len(text) < len(first)+len(last) || !strings.HasPrefix(text, first) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		_, rest, found := strings.Cut(text, part)
		if !found {
			return false
		}
		text = rest
	}
	return true
}

// parseObject reads a line that is a JSON object.
func parseObject(line []byte) (any, bool) {
	line = bytes.TrimSpace(line)
	if len(line) == 0 || line[0] != '{' {
		return nil, false
	}
	d := json.NewDecoder(bytes.NewReader(line))
	d.UseNumber()
	var object any
	if err := d.Decode(&object); err != nil || d.More() {
		return nil, false
	}
	return object, true
}

// selector is the way to a member, from the object down: names and indices.
type selector []step

type step struct {
	name  string
	index int // of a list; negative where the step is a name
}

func (s selector) find(value any) (any, bool) {
	for _, step := range s {
		switch of := value.(type) {
		case map[string]any:
			if step.index >= 0 {
				return nil, false
			}
			member, found := of[step.name]
			if !found {
				return nil, false
			}
			value = member
		case []any:
			if step.index < 0 || step.index >= len(of) {
				return nil, false
			}
			value = of[step.index]
		default:
			return nil, false
		}
	}
	return value, true
}
