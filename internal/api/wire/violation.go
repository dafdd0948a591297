package wire

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxFields is the number of fields that one Violation names at most.
const maxFields = 20

// Field is a member that breaks a constraint of the model.
type Field struct {
	Name    string // its path from the input: "Tags[0].Key", "Context.campaign"
	Message string // what was wrong and what is allowed; never the value itself
}

// Violation says which members of an input break constraints of the model, in
// the model's order of members.
type Violation struct {
	Reason string  // ValidationExceptionReasonMissingParameter when the first field is absent, else ...InvalidParameter
	Fields []Field // 1 to 20
}

// Message says in one line what is wrong with every field.
func (v *Violation) Message() string {
	var b strings.Builder
	for i, f := range v.Fields {
		if i > 0 {
			b.WriteString("; ")
		}
		b.WriteString(f.Name)
		b.WriteByte(' ')
		b.WriteString(f.Message)
	}
	return b.String()
}

// textRule is what a string shape of the model allows.
type textRule struct {
	min, max int               // characters; max 0 is no limit
	pattern  string            // as the model writes it, "" for none
	match    func(string) bool // whether the whole string matches pattern
}

// broken says what is wrong with s, or "".
func (r *textRule) broken(s string) string {
	if n := utf8.RuneCountInString(s); n < r.min || r.max > 0 && n > r.max {
		return amount(strconv.Itoa(n), "characters", r.min, r.max)
	}
	if r.match != nil && !r.match(s) {
		return "does not match the pattern " + r.pattern
	}
	return ""
}

// enumRule is the values that an enum of the model allows.
type enumRule []string

func (r enumRule) broken(s string) string {
	if slices.Contains(r, s) {
		return ""
	}
	return "is none of the values allowed: " + strings.Join(r, ", ")
}

// amount says that a length in units is wrong.
func amount(length, units string, lo, hi int) string {
	switch {
	case hi == 0:
		return fmt.Sprintf("has length %s; at least %d %s allowed", length, lo, units)
	case lo == hi:
		return fmt.Sprintf("has length %s; exactly %d %s allowed", length, lo, units)
	default:
		return fmt.Sprintf("has length %s; %d to %d %s allowed", length, lo, hi, units)
	}
}

// checker gathers what is wrong with an input while the generated code walks
// through it.
type checker struct {
	fields  []Field
	missing bool   // the first field is absent
	at      []step // the way from the input to the structure being checked
}

// step leads to an element of a member: by its index in a list, by its key in a
// map (index -1), or to the member itself (index -2).
type step struct {
	member string
	index  int
	key    string
}

const (
	byKey    = -1
	byMember = -2
)

func (s step) appendTo(b []byte) []byte {
	b = append(b, s.member...)
	switch s.index {
	case byMember:
		return b
	case byKey:
		return append(append(b, '.'), s.key...)
	default:
		return append(strconv.AppendInt(append(b, '['), int64(s.index), 10), ']')
	}
}

func (c *checker) enter(member string) { c.at = append(c.at, step{member: member, index: byMember}) }

func (c *checker) enterItem(member string, i int) {
	c.at = append(c.at, step{member: member, index: i})
}

func (c *checker) enterEntry(member, key string) {
	c.at = append(c.at, step{member: member, index: byKey, key: key})
}

func (c *checker) leave() { c.at = c.at[:len(c.at)-1] }

func (c *checker) add(last step, message string) {
	if len(c.fields) == maxFields {
		return
	}
	var b []byte
	for _, s := range c.at {
		b = append(s.appendTo(b), '.')
	}
	c.fields = append(c.fields, Field{Name: string(last.appendTo(b)), Message: message})
}

func (c *checker) result() *Violation {
	if len(c.fields) == 0 {
		return nil
	}
	v := &Violation{Reason: ValidationExceptionReasonInvalidParameter, Fields: c.fields}
	if c.missing {
		v.Reason = ValidationExceptionReasonMissingParameter
	}
	return v
}

func (c *checker) absent(member string) {
	if len(c.fields) == 0 {
		c.missing = true
	}
	c.add(step{member: member, index: byMember}, "is required")
}

// rule is what a string can be held against.
type rule interface{ broken(string) string }

func text[R rule](c *checker, member, s string, r R) {
	if message := r.broken(s); message != "" {
		c.add(step{member: member, index: byMember}, message)
	}
}

func textItems[R rule](c *checker, member string, list []string, r R) {
	for i, s := range list {
		if message := r.broken(s); message != "" {
			c.add(step{member: member, index: i}, message)
		}
	}
}

// keys checks the keys of a map and returns the good ones in order. A bad key
// is not repeated in the field's name: the map is named.
func keys[T any, R rule](c *checker, member string, m map[string]T, r R) []string {
	good := slices.Sorted(maps.Keys(m))
	return slices.DeleteFunc(good, func(key string) bool {
		message := r.broken(key)
		if message != "" {
			c.add(step{member: member, index: byMember}, "has a key that "+message)
		}
		return message != ""
	})
}

func textEntries[K, R rule](c *checker, member string, m map[string]string, k K, r R) {
	if len(m) == 0 {
		return
	}
	for _, key := range keys(c, member, m, k) {
		if message := r.broken(m[key]); message != "" {
			c.add(step{member: member, index: byKey, key: key}, message)
		}
	}
}

// integer checks a number against lo and hi; a hi of math.MaxInt32 or more is
// the bound of the type, not of the model.
func (c *checker) integer(member string, n int64, lo, hi int64) {
	c.integerAt(step{member: member, index: byMember}, n, lo, hi)
}

func (c *checker) integerItems(member string, list []int64, lo, hi int64) {
	for i, n := range list {
		c.integerAt(step{member: member, index: i}, n, lo, hi)
	}
}

func (c *checker) integerAt(at step, n int64, lo, hi int64) {
	switch {
	case n >= lo && n <= hi:
	case hi >= math.MaxInt32:
		c.add(at, fmt.Sprintf("is %d; at least %d allowed", n, lo))
	default:
		c.add(at, fmt.Sprintf("is %d; %d to %d allowed", n, lo, hi))
	}
}

// count checks the number of elements of a list or map, or of bytes of a blob.
func (c *checker) count(member, units string, n, lo, hi int) {
	at := step{member: member, index: byMember}
	switch {
	case n < lo:
		c.add(at, amount(strconv.Itoa(n), units, lo, hi))
	case hi > 0 && n > hi:
		// The decoder keeps no more than one element beyond the maximum, so
		// the true number is not known here.
		c.add(at, amount("more than "+strconv.Itoa(hi), units, lo, hi))
	}
}
