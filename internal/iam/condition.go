package iam

import (
	"fmt"
	"strings"
)

// quantifier is how several values of one key count.
type quantifier int

const (
	plain quantifier = iota
	forAll
	forAny
)

// condition is one key of one operator in a statement. All of a statement's have to
// hold.
type condition struct {
	key      string // in lower case
	operator operator
	set      quantifier
	ifExists bool
	null     bool // Null: the operands say whether the key is absent
	operands []operand
}

// newCondition makes a condition without operands from an operator as a policy spells
// it: "ForAnyValue:StringLikeIfExists". Case does not matter.
func newCondition(name string) (condition, error) {
	var c condition
	rest := strings.ToLower(name)
	if s, ok := strings.CutPrefix(rest, "forallvalues:"); ok {
		c.set, rest = forAll, s
	} else if s, ok := strings.CutPrefix(rest, "foranyvalue:"); ok {
		c.set, rest = forAny, s
	}
	if rest == "null" {
		c.null = true
		return c, nil
	}
	rest, c.ifExists = strings.CutSuffix(rest, "ifexists")
	var ok bool
	if c.operator, ok = operatorOf(rest); !ok {
		return c, fmt.Errorf("%q is not a condition operator", clip(name))
	}
	return c, nil
}

// add takes a value of the policy in.
func (c *condition) add(value string, variables bool) error {
	read := c.operator.read
	if c.null {
		read = readBool
	}
	o, err := read(value, variables)
	if err == nil {
		c.operands = append(c.operands, o)
	}
	return err
}

// holds says whether the condition is met.
//
// A key that the request does not have meets a negated operator and IfExists, and
// ForAllValues, but never ForAnyValue ("Condition operators" and "Multivalued context
// keys" in the IAM user guide). Where a key has several values and the policy does not
// say how they count, one that matches is enough, and a negated operator wants none.
func (c *condition) holds(x Context) bool {
	var values []string
	if x != nil {
		values = x.Lookup(c.key)
	}
	if c.null {
		absent := empty(values)
		for i := range c.operands {
			if c.operands[i].truth == absent {
				return true
			}
		}
		return false
	}
	if len(values) == 0 {
		return c.ifExists || c.set == forAll || c.set == plain && c.operator.negated
	}
	switch c.set {
	case forAll:
		if empty(values) {
			return true
		}
		for _, v := range values {
			if c.matches(v, x) == c.operator.negated {
				return false
			}
		}
		return true
	case forAny:
		for _, v := range values {
			if c.matches(v, x) != c.operator.negated {
				return true
			}
		}
		return false
	}
	for _, v := range values {
		if c.matches(v, x) {
			return !c.operator.negated
		}
	}
	return c.operator.negated
}

// matches says whether a value equals (or is like, less than, ...) one of the policy's.
func (c *condition) matches(value string, x Context) bool {
	for i := range c.operands {
		if c.operator.match(&c.operands[i], value, x) {
			return true
		}
	}
	return false
}

// empty says that a key has no value, or nothing but empty ones.
func empty(values []string) bool {
	for _, v := range values {
		if v != "" {
			return false
		}
	}
	return true
}
