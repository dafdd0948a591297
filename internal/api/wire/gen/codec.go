package main

import "fmt"

// writeDecode writes UnmarshalWire of every structure.
func writeDecode(m *model, s *source) error {
	for _, st := range m.structures() {
		s.line("// UnmarshalWire reads v from d.")
		s.line("func (v *%s) UnmarshalWire(d *Decoder) {", st.name)
		s.line("for d.object(); d.member(); {")
		if len(st.Members) == 0 {
			s.line("d.skip()")
		} else {
			s.line("switch d.key {")
			for _, mb := range st.Members {
				s.line("case %q:", mb.name)
				s.line("v.%s = %s", mb.name, m.read(mb))
			}
			s.line("default:\nd.skip()\n}")
		}
		s.line("}\n}\n")
	}
	return nil
}

// read is the expression that reads a member.
func (m *model) read(mb member) string {
	s := mb.shape
	switch s.Type {
	case "structure":
		return fmt.Sprintf("optStruct[%s](d)", s.name)
	case "list":
		return m.readElements(s, s.Member, "List")
	case "map":
		return m.readElements(s, s.Value, "Map")
	case "blob":
		return "d.blob()"
	case "string":
		switch {
		case mb.bit != "":
			return fmt.Sprintf("reqText(d, &v.empty, %s)", mb.bit)
		case mb.plain:
			return "d.plainText()"
		}
		return "d.optText()"
	}
	reader := map[string][2]string{
		"boolean": {"boolean", "optBoolean"}, "integer": {"int32", "optInt32"},
		"long": {"int64", "optInt64"}, "timestamp": {"timestamp", "optTimestamp"},
	}[s.Type]
	if mb.plain {
		return "d." + reader[0] + "()"
	}
	return "d." + reader[1] + "()"
}

func (m *model) readElements(s *shape, element ref, kind string) string {
	switch e := m.Shapes[element.Shape]; e.Type {
	case "structure":
		return fmt.Sprintf("struct%s[%s](d, %d)", kind, e.name, s.keep())
	case "long":
		return fmt.Sprintf("int64%s(d, %d)", kind, s.keep())
	default:
		return fmt.Sprintf("text%s(d, %d)", kind, s.keep())
	}
}

// writeEncode writes AppendWire of every structure.
func writeEncode(m *model, s *source) error {
	for _, st := range m.structures() {
		s.line("// AppendWire appends v as JSON to b.")
		s.line("func (v *%s) AppendWire(b []byte) []byte {", st.name)
		s.line("start := len(b)")
		for _, mb := range st.Members {
			write := fmt.Sprintf("b = %s", m.write(mb))
			if when := m.present(st, mb); when != "" {
				s.line("if %s {\n%s\n}", when, write)
			} else {
				s.line("%s", write)
			}
		}
		s.line("return closeObject(b, start)\n}\n")
	}
	return nil
}

// present is the condition under which a member is written, "" for always.
func (m *model) present(st *shape, mb member) string {
	answer := m.outputs[st.name]
	switch {
	case mb.plain && mb.bit != "" && !answer:
		return fmt.Sprintf(`v.%s != "" || v.empty&(%s) != 0`, mb.name, mb.bit)
	case mb.plain:
		return ""
	case answer && mb.required && (mb.shape.Type == "list" || mb.shape.Type == "map"):
		return ""
	}
	return fmt.Sprintf("v.%s != nil", mb.name)
}

// write is the expression that appends a member's name and value to b.
func (m *model) write(mb member) string {
	s := mb.shape
	b := fmt.Sprintf("append(b, `,%q:`...)", mb.name)
	v := "v." + mb.name
	switch s.Type {
	case "structure":
		return fmt.Sprintf("%s.AppendWire(%s)", v, b)
	case "list":
		return fmt.Sprintf("append%sList(%s, %s)", m.elementKind(s.Member), b, v)
	case "map":
		return fmt.Sprintf("append%sMap(%s, %s)", m.elementKind(s.Value), b, v)
	case "blob":
		return fmt.Sprintf("appendBlob(%s, %s)", b, v)
	}
	if !mb.plain {
		v = "*" + v
	}
	kind := map[string]string{
		"string": "Text", "boolean": "Boolean", "integer": "Integer", "long": "Integer", "timestamp": "Timestamp",
	}[s.Type]
	return fmt.Sprintf("append%s(%s, %s)", kind, b, v)
}

func (m *model) elementKind(r ref) string {
	return map[string]string{"structure": "Struct", "long": "Int64", "string": "Text"}[m.Shapes[r.Shape].Type]
}
