package main

import (
	"fmt"
	"math"
	"strings"
)

// writeValidate writes the rules of the string shapes, Validate of every input,
// and check of every structure that an input reaches.
func writeValidate(m *model, s *source) error {
	var body source
	inputs := map[string]bool{}
	for _, o := range m.Operations {
		inputs[o.Input.Shape] = true
	}
	w := validator{model: m, source: &body, rules: map[string]bool{}}
	for _, st := range m.structures() {
		if !m.inputs[st.name] {
			continue
		}
		if inputs[st.name] {
			body.line("// Validate holds v against the model's constraints.")
			body.line("func (v *%s) Validate() *Violation {", st.name)
			body.line("var c checker\nv.check(&c)\nreturn c.result()\n}\n")
		}
		body.line("func (v *%s) check(c *checker) {", st.name)
		for _, mb := range st.Members {
			w.member(mb)
		}
		body.line("}\n")
	}
	rules, err := w.ruleVars()
	if err != nil {
		return err
	}
	if strings.Contains(rules, "regexp.") {
		s.line("import \"regexp\"\n")
	}
	s.line("%s", rules)
	s.Write(body.Bytes())
	return nil
}

type validator struct {
	*model
	*source
	rules map[string]bool // string shapes whose rules are used
}

// member writes the check of one member.
func (w *validator) member(mb member) {
	v := "v." + mb.name
	absent := v + " == nil"
	if mb.bit != "" {
		absent = fmt.Sprintf(`%s == "" && v.empty&(%s) == 0`, v, mb.bit)
	}
	checks := w.checks(mb)
	switch {
	case mb.required && checks == "":
		w.line("if %s {\nc.absent(%q)\n}", absent, mb.name)
	case mb.required:
		w.line("if %s {\nc.absent(%q)\n} else {\n%s}", absent, mb.name, checks)
	case checks == "":
	case mb.plain:
		w.line("%s", checks)
	default:
		w.line("if %s != nil {\n%s}", v, checks)
	}
}

// checks returns the statements that check a member that is there.
func (w *validator) checks(mb member) string {
	s, v := mb.shape, "v."+mb.name
	var b strings.Builder
	put := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	star := "*"
	if mb.plain {
		star = ""
	}
	switch s.Type {
	case "string":
		if r := w.rule(s); r != "" {
			put("text(c, %q, %s%s, %s)", mb.name, star, v, r)
		}
	case "integer", "long":
		if lo, hi, bounded := limits(s); bounded {
			put("c.integer(%q, int64(%s%s), %d, %d)", mb.name, star, v, lo, hi)
		}
	case "structure":
		put("c.enter(%q)\n%s.check(c)\nc.leave()", mb.name, v)
	case "blob":
		w.count(put, mb, "bytes")
	case "list":
		w.count(put, mb, "items")
		item := w.Shapes[s.Member.Shape]
		switch item.Type {
		case "structure":
			put("for i := range %s {\nc.enterItem(%q, i)\n%s[i].check(c)\nc.leave()\n}", v, mb.name, v)
		case "long":
			if lo, hi, bounded := limits(item); bounded {
				put("c.integerItems(%q, %s, %d, %d)", mb.name, v, lo, hi)
			}
		default:
			if r := w.rule(item); r != "" {
				put("textItems(c, %q, %s, %s)", mb.name, v, r)
			}
		}
	case "map":
		w.count(put, mb, "entries")
		key, value := w.ruleOrNone(w.Shapes[s.Key.Shape]), w.Shapes[s.Value.Shape]
		if value.Type == "structure" {
			put("for _, key := range keys(c, %q, %s, %s) {\nc.enterEntry(%q, key)\nentry := %s[key]\nentry.check(c)\nc.leave()\n}",
				mb.name, v, key, mb.name, v)
		} else {
			put("textEntries(c, %q, %s, %s, %s)", mb.name, v, key, w.ruleOrNone(value))
		}
	}
	return b.String()
}

func (w *validator) count(put func(string, ...any), mb member, units string) {
	s := mb.shape
	if s.Min == nil && s.Max == nil {
		return
	}
	lo, hi := int64(0), int64(0)
	if s.Min != nil {
		lo = *s.Min
	}
	if s.Max != nil {
		hi = *s.Max
	}
	put("c.count(%q, %q, len(v.%s), %d, %d)", mb.name, units, mb.name, lo, hi)
}

func limits(s *shape) (lo, hi int64, bounded bool) {
	lo, hi = math.MinInt64, math.MaxInt64
	if s.Type == "integer" {
		lo, hi = math.MinInt32, math.MaxInt32
	}
	if s.Min != nil {
		lo = *s.Min
	}
	if s.Max != nil {
		hi = *s.Max
	}
	return lo, hi, s.Min != nil || s.Max != nil
}

// rule returns the expression of the rule of a string shape, "" when the shape
// allows every string.
func (w *validator) rule(s *shape) string {
	switch {
	case s.Enum != nil:
		w.rules[s.name] = true
		return "enum" + s.name
	case s.Pattern != "" || s.Min != nil || s.Max != nil:
		w.rules[s.name] = true
		return "&rule" + s.name
	}
	return ""
}

func (w *validator) ruleOrNone(s *shape) string {
	if r := w.rule(s); r != "" {
		return r
	}
	return "&textRule{}"
}

// ruleVars returns the declarations of the rules that were used.
func (w *validator) ruleVars() (string, error) {
	var b source
	b.line("var (")
	for _, name := range sorted(w.rules) {
		s := w.Shapes[name]
		if s.Enum != nil {
			b.line("enum%s = enumRule{", name)
			for _, value := range s.Enum {
				b.line("%s,", constant(name, value))
			}
			b.line("}")
			continue
		}
		var parts []string
		if s.Min != nil {
			parts = append(parts, fmt.Sprintf("min: %d", *s.Min))
		}
		if s.Max != nil {
			parts = append(parts, fmt.Sprintf("max: %d", *s.Max))
		}
		if s.Pattern != "" {
			match, err := matcher(s.Pattern)
			if err != nil {
				return "", fmt.Errorf("shape %s: %w", name, err)
			}
			parts = append(parts, "pattern: "+quote(s.Pattern), "match: "+match)
		}
		b.line("rule%s = textRule{%s}", name, strings.Join(parts, ", "))
	}
	b.line(")\n")
	return b.String(), nil
}
