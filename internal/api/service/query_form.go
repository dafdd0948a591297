package service

import (
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// node is a parameter: a value, or members by name or by number.
type node struct {
	value   string
	is      bool // there is a value
	members map[string]*node
}

// maxDepth bounds how deep parameters lie in each other, maxMembers how long lists are.
const (
	maxDepth   = 8
	maxMembers = 1000
)

// parseForm reads the body of a POST, and what the URL has besides.
func parseForm(r *Request) (*node, error) {
	refuse := func(format string, args ...any) error {
		return &Exception{Code: malformedInput, Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
	}
	values, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return nil, refuse("The request's body is not a form: names and values in the encoding of a URL are needed.")
	}
	for name, all := range r.Query {
		if _, twice := values[name]; !twice {
			values[name] = all
		}
	}
	root := &node{}
	for name, all := range values {
		if len(all) > 1 {
			return nil, refuse("The parameter %s is there %d times.", clip(name), len(all))
		}
		if !utf8.ValidString(name) || !utf8.ValidString(all[0]) {
			return nil, refuse("The parameter %s is not in UTF-8.", strconv.Quote(clip(name)))
		}
		parts := strings.Split(name, ".")
		if len(parts) > maxDepth {
			return nil, refuse("The parameter %s has more than %d parts.", clip(name), maxDepth)
		}
		at := root
		for _, part := range parts {
			if at.members == nil {
				at.members = map[string]*node{}
			}
			if at.members[part] == nil {
				at.members[part] = &node{}
			}
			at = at.members[part]
		}
		at.value, at.is = all[0], true
	}
	return root, nil
}

// text is the value of a parameter, "" where there is none.
func (n *node) text(name string) string {
	if m := n.members[name]; m != nil {
		return m.value
	}
	return ""
}

// invalid is a parameter that is not as it has to be.
func invalid(parameter, format string, args ...any) error {
	return Invalid("The parameter %s %s", parameter, fmt.Sprintf(format, args...))
}

// Invalid is a ValidationError of the query protocol.
func Invalid(format string, args ...any) error {
	return &Exception{Code: ValidationError, Status: http.StatusBadRequest, Message: fmt.Sprintf(format, args...)}
}

// into reads parameters into a struct. A field's tag has the parameter's name, where that
// is not the field's own, and after commas "required", and "min=N" and "max=N": of texts
// the number of characters, of numbers the value, of lists the number of members. A
// pointer is nil where the parameter is not there.
//
//	Name string   `query:"UserName,required,max=64"`
//	Tags []tag    `query:",max=50"`
//	Most *int     `query:"MaxItems,min=1,max=1000"`
func (n *node) into(in any) error { return n.structure(reflect.ValueOf(in).Elem(), "") }

func (n *node) structure(v reflect.Value, prefix string) error {
	for i := range v.NumField() {
		field := v.Type().Field(i)
		if field.Anonymous {
			if err := n.structure(v.Field(i), prefix); err != nil {
				return err
			}
			continue
		}
		rule := readRule(field)
		full := prefix + rule.name
		at := n.members[rule.name]
		if at == nil {
			if rule.required {
				return invalid(full, "is missing.")
			}
			continue
		}
		if err := at.field(v.Field(i), full, rule); err != nil {
			return err
		}
	}
	return nil
}

// rule is what the tag of a field says.
type rule struct {
	name     string
	required bool
	min, max int // -1: none
}

func readRule(f reflect.StructField) rule {
	name, rest, _ := strings.Cut(f.Tag.Get("query"), ",")
	r := rule{name: name, min: -1, max: -1}
	if name == "" {
		r.name = f.Name
	}
	for option := range strings.SplitSeq(rest, ",") {
		key, value, _ := strings.Cut(option, "=")
		number, err := strconv.Atoi(value)
		switch {
		case key == "":
		case key == "required":
			r.required = true
		case key == "min" && err == nil:
			r.min = number
		case key == "max" && err == nil:
			r.max = number
		default:
			panic(fmt.Sprintf("service: the field %s has the option %q", f.Name, option))
		}
	}
	return r
}

// holds refuses what is less or more than the rule allows.
func (r rule) holds(parameter, unit string, is int) error {
	switch {
	case r.min >= 0 && is < r.min:
		return invalid(parameter, "has %d%s; at least %d is needed.", is, unit, r.min)
	case r.max >= 0 && is > r.max:
		return invalid(parameter, "has %d%s; at most %d is allowed.", is, unit, r.max)
	}
	return nil
}

// field reads one parameter.
func (n *node) field(v reflect.Value, full string, r rule) error {
	if v.Kind() == reflect.Pointer {
		v.Set(reflect.New(v.Type().Elem()))
		v = v.Elem()
	}
	switch v.Kind() {
	case reflect.Slice:
		return n.list(v, full, r)
	case reflect.Struct:
		if v.Type() != reflect.TypeFor[time.Time]() {
			return n.structure(v, full+".")
		}
	}
	if !n.is {
		return invalid(full, "is no value but has parts.")
	}
	switch v.Kind() {
	case reflect.String:
		if r.required && n.value == "" && r.min < 0 {
			r.min = 1
		}
		if err := r.holds(full, " characters", utf8.RuneCountInString(n.value)); err != nil {
			return err
		}
		v.SetString(n.value)
	case reflect.Int:
		number, err := strconv.Atoi(n.value)
		if err != nil {
			return invalid(full, "is %q, which is not a whole number.", clip(n.value))
		}
		if err := r.holds(full, "", number); err != nil {
			return err
		}
		v.SetInt(int64(number))
	case reflect.Bool:
		if n.value != "true" && n.value != "false" {
			return invalid(full, "is %q; true and false are allowed.", clip(n.value))
		}
		v.SetBool(n.value == "true")
	case reflect.Struct:
		at, err := time.Parse(time.RFC3339, n.value)
		if err != nil {
			return invalid(full, "is %q, which is not a time such as 2006-01-02T15:04:05Z.", clip(n.value))
		}
		v.Set(reflect.ValueOf(at.UTC()))
	default:
		panic(fmt.Sprintf("service: a parameter %s of kind %s", full, v.Kind()))
	}
	return nil
}

// list reads NAME.member.1 and so on, without a gap. NAME with an empty value is the
// empty list.
func (n *node) list(v reflect.Value, full string, r rule) error {
	members := map[string]*node{}
	if of := n.members["member"]; of != nil {
		members = of.members
	} else if n.value != "" || len(n.members) > 0 {
		return invalid(full, "is no list: its members are %s.member.1 and so on.", full)
	}
	if len(members) > maxMembers {
		return invalid(full, "has %d members; at most %d are allowed.", len(members), maxMembers)
	}
	if r.required && r.min < 0 {
		r.min = 1
	}
	if err := r.holds(full, " members", len(members)); err != nil {
		return err
	}
	list := reflect.MakeSlice(v.Type(), len(members), len(members))
	for i := range len(members) {
		name := strconv.Itoa(i + 1)
		m := members[name]
		if m == nil {
			return invalid(full, "has %d members, and %s.member.%s is not one of them.", len(members), full, name)
		}
		if err := m.field(list.Index(i), full+".member."+name, rule{min: -1, max: -1}); err != nil {
			return err
		}
	}
	v.Set(list)
	return nil
}
