package filter

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
)

// condition is one of the things that a name may have to be.
type condition struct {
	exists *bool          // whether the name is there decides
	takes  func(any) bool // or a single value of it: a string, json.Number, bool or nil
}

// holds applies a condition to what a name has. Of a list one value is enough.
func holds(c condition, value any, present bool) bool {
	if c.exists != nil {
		return present == *c.exists
	}
	return present && anyOf(value, c.takes)
}

// anyOf applies takes to a value, or to those of a list, lists within it included.
func anyOf(value any, takes func(any) bool) bool {
	list, ok := value.([]any)
	if !ok {
		return takes(value)
	}
	for _, each := range list {
		if anyOf(each, takes) {
			return true
		}
	}
	return false
}

func parseConditions(values []any) ([]condition, error) {
	if len(values) == 0 {
		return nil, errors.New("the list is empty")
	}
	all := make([]condition, len(values))
	for i, value := range values {
		c, err := parseCondition(value)
		if err != nil {
			return nil, err
		}
		all[i] = c
	}
	return all, nil
}

func parseCondition(value any) (condition, error) {
	operator, isOperator := value.(map[string]any)
	if !isOperator {
		takes, err := exactly(value)
		return condition{takes: takes}, err
	}
	if len(operator) != 1 {
		return condition{}, errors.New("an object with one operator is needed")
	}
	for name, operand := range operator {
		if name == "exists" {
			wanted, ok := operand.(bool)
			if !ok {
				return condition{}, errors.New("exists needs true or false")
			}
			return condition{exists: &wanted}, nil
		}
		takes, err := parseOperator(name, operand)
		return condition{takes: takes}, err
	}
	return condition{}, nil // not reached: there is one
}

// parseOperator reads an operator that looks at single values.
func parseOperator(name string, operand any) (func(any) bool, error) {
	switch name {
	case "anything-but":
		return anythingBut(operand)
	case "numeric":
		return numeric(operand)
	}
	text, ok := operand.(string)
	if !ok || text == "" {
		if name == "prefix" || name == "suffix" || name == "equals-ignore-case" || name == "cidr" {
			return nil, fmt.Errorf("%s needs a text", name)
		}
		return nil, unknownOperator(name)
	}
	switch name {
	case "prefix":
		return onText(func(s string) bool { return strings.HasPrefix(s, text) }), nil
	case "suffix":
		return onText(func(s string) bool { return strings.HasSuffix(s, text) }), nil
	case "equals-ignore-case":
		return onText(func(s string) bool { return strings.EqualFold(s, text) }), nil
	case "cidr":
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("cidr: %q is no network", text)
		}
		return onText(func(s string) bool {
			at, err := netip.ParseAddr(s)
			return err == nil && network.Contains(at)
		}), nil
	}
	return nil, unknownOperator(name)
}

func unknownOperator(name string) error {
	return fmt.Errorf("%q is not one of the operators prefix, suffix, equals-ignore-case, cidr, numeric, anything-but and exists", name)
}

func onText(f func(string) bool) func(any) bool {
	return func(value any) bool {
		s, ok := value.(string)
		return ok && f(s)
	}
}

func onNumber(f func(float64) bool) func(any) bool {
	return func(value any) bool {
		n, ok := number(value)
		return ok && f(n)
	}
}

func number(value any) (float64, bool) {
	text, ok := value.(json.Number)
	if !ok {
		return 0, false
	}
	n, err := strconv.ParseFloat(string(text), 64)
	return n, err == nil
}

// exactly is equality with a string, number, truth value or null.
func exactly(want any) (func(any) bool, error) {
	switch w := want.(type) {
	case nil:
		return func(value any) bool { return value == nil }, nil
	case bool:
		return func(value any) bool { return value == w }, nil
	case string:
		return onText(func(s string) bool { return s == w }), nil
	case json.Number:
		n, ok := number(w)
		if !ok {
			return nil, fmt.Errorf("%s is no number", w)
		}
		return onNumber(func(v float64) bool { return v == n }), nil
	}
	return nil, errors.New("a list within a list is not allowed")
}

// anythingBut takes what none of a value, a list of them or an operator takes.
func anythingBut(operand any) (func(any) bool, error) {
	var refused []func(any) bool
	switch o := operand.(type) {
	case map[string]any:
		if len(o) != 1 {
			return nil, errors.New("anything-but needs one operator")
		}
		for name, inner := range o {
			if name != "prefix" && name != "suffix" && name != "equals-ignore-case" {
				return nil, fmt.Errorf("anything-but cannot be used with %q", name)
			}
			takes, err := parseOperator(name, inner)
			if err != nil {
				return nil, err
			}
			refused = append(refused, takes)
		}
	case []any:
		if len(o) == 0 {
			return nil, errors.New("anything-but needs a list that is not empty")
		}
		for _, each := range o {
			takes, err := textOrNumber(each)
			if err != nil {
				return nil, err
			}
			refused = append(refused, takes)
		}
	default:
		takes, err := textOrNumber(o)
		if err != nil {
			return nil, err
		}
		refused = append(refused, takes)
	}
	return func(value any) bool {
		for _, takes := range refused {
			if takes(value) {
				return false
			}
		}
		return true
	}, nil
}

func textOrNumber(value any) (func(any) bool, error) {
	switch value.(type) {
	case string, json.Number:
		return exactly(value)
	}
	return nil, errors.New("anything-but needs texts or numbers")
}

// numeric is a comparison or two that make a range, as in [">=", 0, "<", 100].
func numeric(operand any) (func(any) bool, error) {
	list, ok := operand.([]any)
	if !ok || len(list) != 2 && len(list) != 4 {
		return nil, errors.New(`numeric needs a comparison and a number, or two of both: ["=", 1], [">", 0, "<=", 10]`)
	}
	var low, high func(float64) bool
	for i := 0; i < len(list); i += 2 {
		comparison, isText := list[i].(string)
		n, isNumber := number(list[i+1])
		if !isText || !isNumber {
			return nil, errors.New("numeric: a comparison is a text, what it compares with a number")
		}
		f := comparisons[comparison]
		switch {
		case f == nil:
			return nil, fmt.Errorf("numeric: %q is not one of =, <, <=, > and >=", comparison)
		case comparison == "=" && len(list) == 4:
			return nil, errors.New("numeric: = stands alone")
		case comparison[0] == '<' && high == nil:
			high = func(v float64) bool { return f(v, n) }
		case comparison[0] != '<' && low == nil && high == nil:
			low = func(v float64) bool { return f(v, n) }
		default:
			return nil, errors.New("numeric: a range has its lower bound first and its upper bound after it")
		}
	}
	return onNumber(func(v float64) bool { return (low == nil || low(v)) && (high == nil || high(v)) }), nil
}

var comparisons = map[string]func(a, b float64) bool{
	"=":  func(a, b float64) bool { return a == b },
	"<":  func(a, b float64) bool { return a < b },
	"<=": func(a, b float64) bool { return a <= b },
	">":  func(a, b float64) bool { return a > b },
	">=": func(a, b float64) bool { return a >= b },
}
