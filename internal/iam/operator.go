package iam

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"
)

// An operand is one value of a condition in a policy, ready to be compared.
type operand struct {
	pattern pattern      // of String and ARN operators
	number  float64      // of Numeric operators
	whole   int64        // the same where exact is set: large whole numbers are not rounded
	exact   bool         //
	moment  time.Time    // of Date operators
	binary  string       // of BinaryEquals
	network netip.Prefix // of IP address operators
	truth   bool         // of Bool and Null
}

// operator is what a condition compares by: "StringEquals" and so on.
type operator struct {
	negated bool // it holds where no value matches
	// read makes an operand; variables says whether ${...} means something.
	read func(s string, variables bool) (operand, error)
	// match compares an operand with a value of the request.
	match func(o *operand, value string, c Context) bool
}

// operators by name in lower case. Null is not among them: it asks for the key alone.
func operatorOf(name string) (operator, bool) {
	switch name {
	case "stringequals":
		return stringOperator(syntax{}, false), true
	case "stringnotequals":
		return stringOperator(syntax{}, true), true
	case "stringequalsignorecase":
		return stringOperator(syntax{fold: true}, false), true
	case "stringnotequalsignorecase":
		return stringOperator(syntax{fold: true}, true), true
	case "stringlike":
		return stringOperator(syntax{reach: anywhere}, false), true
	case "stringnotlike":
		return stringOperator(syntax{reach: anywhere}, true), true
	case "arnequals", "arnlike": // the same, as AWS has it
		return stringOperator(syntax{reach: inARN}, false), true
	case "arnnotequals", "arnnotlike":
		return stringOperator(syntax{reach: inARN}, true), true
	case "bool":
		return operator{read: readBool, match: matchBool}, true
	case "binaryequals":
		return operator{read: readBinary, match: matchBinary}, true
	case "ipaddress":
		return operator{read: readNetwork, match: matchNetwork}, true
	case "notipaddress":
		return operator{read: readNetwork, match: matchNetwork, negated: true}, true
	}
	if rest, ok := strings.CutPrefix(name, "numeric"); ok {
		if order, negated, ok := orderOf(rest); ok {
			return operator{read: readNumber, match: numberMatcher(order), negated: negated}, true
		}
	}
	if rest, ok := strings.CutPrefix(name, "date"); ok {
		if order, negated, ok := orderOf(rest); ok {
			return operator{read: readMoment, match: momentMatcher(order), negated: negated}, true
		}
	}
	return operator{}, false
}

// orderOf says for which outcomes of a comparison (-1, 0, 1) an operator holds.
func orderOf(name string) (holds func(int) bool, negated, ok bool) {
	switch name {
	case "equals":
		return func(c int) bool { return c == 0 }, false, true
	case "notequals":
		return func(c int) bool { return c == 0 }, true, true
	case "lessthan":
		return func(c int) bool { return c < 0 }, false, true
	case "lessthanequals":
		return func(c int) bool { return c <= 0 }, false, true
	case "greaterthan":
		return func(c int) bool { return c > 0 }, false, true
	case "greaterthanequals":
		return func(c int) bool { return c >= 0 }, false, true
	}
	return nil, false, false
}

func stringOperator(x syntax, negated bool) operator {
	return operator{
		negated: negated,
		read: func(s string, variables bool) (operand, error) {
			x := x
			x.variables = variables
			p, err := x.compile(s)
			return operand{pattern: p}, err
		},
		match: func(o *operand, value string, c Context) bool {
			if o.pattern.fold {
				value = strings.ToLower(value)
			}
			matched, _ := o.pattern.match(value, c)
			return matched
		},
	}
}

func readBool(s string, _ bool) (operand, error) {
	switch strings.ToLower(s) {
	case "true":
		return operand{truth: true}, nil
	case "false":
		return operand{}, nil
	}
	return operand{}, fmt.Errorf("%q is neither true nor false", clip(s))
}

func matchBool(o *operand, value string, _ Context) bool {
	if o.truth {
		return strings.EqualFold(value, "true")
	}
	return strings.EqualFold(value, "false")
}

func readBinary(s string, _ bool) (operand, error) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		return operand{}, fmt.Errorf("%q is not in base64", clip(s))
	}
	return operand{binary: string(b)}, nil
}

func matchBinary(o *operand, value string, _ Context) bool {
	b, err := base64.StdEncoding.DecodeString(value)
	return err == nil && string(b) == o.binary
}

// readNetwork reads an address or a network of IPv4 or IPv6. Bits behind the prefix
// are let go.
func readNetwork(s string, _ bool) (operand, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err != nil || a.Zone() != "" {
			return operand{}, fmt.Errorf("%q is neither an IP address nor a network such as 203.0.113.0/24", clip(s))
		}
		a = a.Unmap()
		return operand{network: netip.PrefixFrom(a, a.BitLen())}, nil
	}
	n, err := netip.ParsePrefix(s)
	if err != nil {
		return operand{}, fmt.Errorf("%q is neither an IP address nor a network such as 203.0.113.0/24", clip(s))
	}
	if n.Addr().Is4In6() && n.Bits() >= 96 {
		n = netip.PrefixFrom(n.Addr().Unmap(), n.Bits()-96)
	}
	return operand{network: n.Masked()}, nil
}

func matchNetwork(o *operand, value string, _ Context) bool {
	a, err := netip.ParseAddr(value)
	return err == nil && o.network.Contains(a.Unmap().WithZone(""))
}

func readNumber(s string, _ bool) (operand, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return operand{whole: n, number: float64(n), exact: true}, nil
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || f != f || strings.ContainsAny(s, "xX_iIpP") {
		return operand{}, fmt.Errorf("%q is not a number", clip(s))
	}
	return operand{number: f}, nil
}

func numberMatcher(holds func(int) bool) func(*operand, string, Context) bool {
	return func(o *operand, value string, _ Context) bool {
		v, err := readNumber(value, false)
		switch {
		case err != nil:
			return false
		case v.exact && o.exact:
			return holds(compare(v.whole, o.whole))
		}
		return holds(compare(v.number, o.number))
	}
}

func compare[T int64 | float64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

// momentLayouts are the forms of ISO 8601 that the W3C's note on dates has.
var momentLayouts = [...]string{"2006-01-02T15:04:05Z07:00", "2006-01-02T15:04Z07:00", "2006-01-02", "2006-01"}

// readMoment reads a date in one of those forms, or seconds since 1970.
func readMoment(s string, _ bool) (operand, error) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil {
		return operand{moment: time.Unix(n, 0).UTC()}, nil
	}
	for _, layout := range momentLayouts {
		if t, err := time.Parse(layout, s); err == nil {
			return operand{moment: t}, nil
		}
	}
	return operand{}, fmt.Errorf("%q is neither a date such as 2026-01-31T12:00:00Z nor seconds since 1970", clip(s))
}

func momentMatcher(holds func(int) bool) func(*operand, string, Context) bool {
	return func(o *operand, value string, _ Context) bool {
		v, err := readMoment(value, false)
		return err == nil && holds(v.moment.Compare(o.moment))
	}
}
