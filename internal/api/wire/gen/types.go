package main

import (
	"fmt"
	"strings"
)

// writeTypes writes the structures.
func writeTypes(m *model, s *source) error {
	roles := map[string]string{}
	for _, name := range sorted(m.Operations) {
		o := m.Operations[name]
		roles[o.Input.Shape] = "is the input of " + name + "."
		roles[o.Output.Shape] = "is the output of " + name + "."
	}
	var body source
	timed := false
	for _, st := range m.structures() {
		role := roles[st.name]
		if role == "" {
			role = "is a structure of " + m.side(st) + "."
		}
		body.line("// %s %s", st.name, role)
		body.line("type %s struct {", st.name)
		for _, mb := range st.Members {
			t := m.goType(mb)
			timed = timed || strings.Contains(t, "time.")
			body.line("%s %s%s", mb.name, t, comment(m, mb))
		}
		if t := st.emptyType(); t != "" {
			body.line("")
			body.line("empty %s // a bit for each required string that was sent, and sent empty", t)
		}
		body.line("}\n")
	}
	if timed {
		s.line("import \"time\"\n")
	}
	s.Write(body.Bytes())
	return nil
}

func (m *model) side(st *shape) string {
	switch {
	case m.inputs[st.name] && m.outputs[st.name]:
		return "inputs and outputs"
	case m.inputs[st.name]:
		return "inputs"
	default:
		return "outputs"
	}
}

func (m *model) goType(mb member) string {
	s := mb.shape
	switch s.Type {
	case "blob":
		return "[]byte"
	case "structure":
		return "*" + s.name
	case "list":
		return "[]" + m.elementType(s.Member)
	case "map":
		return "map[string]" + m.elementType(s.Value)
	}
	if mb.plain {
		return scalar(s.Type)
	}
	return "*" + scalar(s.Type)
}

func (m *model) elementType(r ref) string {
	if s := m.Shapes[r.Shape]; s.Type != "structure" {
		return scalar(s.Type)
	}
	return r.Shape
}

func scalar(kind string) string {
	return map[string]string{
		"string": "string", "boolean": "bool", "integer": "int32", "long": "int64", "timestamp": "time.Time",
	}[kind]
}

// comment says of a member what its Go type does not.
func comment(m *model, mb member) string {
	var facts []string
	if mb.required {
		facts = append(facts, "required")
	}
	s := mb.shape
	switch s.Type {
	case "string":
		switch {
		case s.Enum != nil:
			facts = append(facts, s.name)
		default:
			facts = append(facts, bounds(s, "characters"))
		}
	case "list":
		facts = append(facts, bounds(s, "items"))
		if item := m.Shapes[s.Member.Shape]; item.Enum != nil {
			facts = append(facts, item.name)
		}
	case "map":
		facts = append(facts, bounds(s, "entries"))
	case "blob":
		facts = append(facts, bounds(s, "bytes"))
	case "integer", "long":
		facts = append(facts, bounds(s, ""))
	}
	var kept []string
	for _, f := range facts {
		if f != "" {
			kept = append(kept, f)
		}
	}
	if kept == nil {
		return ""
	}
	return " // " + strings.Join(kept, "; ")
}

// bounds says how many units a shape may have.
func bounds(s *shape, unit string) string {
	var text string
	switch {
	case s.Min == nil && s.Max == nil:
		return ""
	case s.Max == nil:
		text = fmt.Sprintf("at least %d", *s.Min)
	case s.Min == nil:
		text = fmt.Sprintf("at most %d", *s.Max)
	case *s.Min == *s.Max:
		text = fmt.Sprint(*s.Min)
	default:
		text = fmt.Sprintf("%d to %d", *s.Min, *s.Max)
	}
	return strings.TrimSpace(text + " " + unit)
}
