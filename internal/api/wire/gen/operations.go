package main

import "slices"

// writeOperations writes the table of operations and the exceptions' statuses.
func writeOperations(m *model, s *source) error {
	s.line("import \"net/http\"\n")
	s.line("var operations = map[string]Operation{")
	for _, name := range sorted(m.Operations) {
		o := m.Operations[name]
		var errs []string
		for _, e := range o.Errors {
			errs = append(errs, e.Shape)
		}
		slices.Sort(errs)
		s.line("%q: {", name)
		s.line("Name: %q,", name)
		s.line("Paginated: %t,", m.paginated(o))
		s.line("NewInput: func() Input { return new(%s) },", o.Input.Shape)
		s.line("NewOutput: func() Shape { return new(%s) },", o.Output.Shape)
		s.line("declared: []string{")
		for _, e := range errs {
			s.line("%q,", e)
		}
		s.line("},\n},")
	}
	s.line("}\n")

	s.line("// ExceptionStatus returns the HTTP status of an exception of the model, or 0")
	s.line("// when the model has none of that name. Where the model does not say it, a")
	s.line("// fault of the service is 500 and anything else 400.")
	s.line("func ExceptionStatus(exception string) int {")
	s.line("switch exception {")
	for _, name := range sorted(m.Shapes) {
		e := m.Shapes[name]
		if !e.Exception {
			continue
		}
		switch {
		case e.Error.HTTPStatusCode != 0:
			s.line("case %q:\nreturn %d", name, e.Error.HTTPStatusCode)
		case e.Fault:
			s.line("case %q:\nreturn http.StatusInternalServerError", name)
		default:
			s.line("case %q:\nreturn http.StatusBadRequest", name)
		}
	}
	s.line("}\nreturn 0\n}")
	return nil
}

// paginated says whether an operation answers in pages.
func (m *model) paginated(o *operation) bool {
	has := func(r ref, name string) bool {
		return slices.ContainsFunc(m.Shapes[r.Shape].Members, func(mb member) bool { return mb.name == name })
	}
	return has(o.Input, "NextToken") && has(o.Input, "MaxResults") && has(o.Output, "NextToken")
}
