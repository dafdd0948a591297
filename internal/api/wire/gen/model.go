package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// model is the API model, with what the writers ask of it.
type model struct {
	Operations map[string]*operation
	Shapes     map[string]*shape

	inputs  map[string]bool // shapes reachable from the input of an operation
	outputs map[string]bool // shapes reachable from the output of an operation
}

type operation struct {
	Input, Output ref
	Errors        []ref
}

// ref names a shape.
type ref struct{ Shape string }

type shape struct {
	name     string
	Type     string
	Members  members
	Required []string
	Member   ref // of a list
	Key      ref // of a map
	Value    ref // of a map
	Enum     []string
	Pattern  string
	Min, Max *int64
	Box      bool
	// Of exceptions.
	Exception bool
	Fault     bool
	Error     struct{ HTTPStatusCode int }
}

// member is a member of a structure, with everything that decides how it is
// held, read, written and checked.
type member struct {
	name     string
	shape    *shape
	required bool
	plain    bool   // a scalar held as a plain value
	bit      string // in the structure's field empty: "1<<3"; "" when it has none
}

// members keeps the order of the model, which a map would lose.
type members []member

func (ms *members) UnmarshalJSON(data []byte) error {
	d := json.NewDecoder(bytes.NewReader(data))
	if _, err := d.Token(); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		var r ref
		if err := d.Decode(&r); err != nil {
			return err
		}
		*ms = append(*ms, member{name: name.(string), shape: &shape{name: r.Shape}})
	}
	return nil
}

func parse(data []byte) (*model, error) {
	m := &model{inputs: map[string]bool{}, outputs: map[string]bool{}}
	if err := json.Unmarshal(data, m); err != nil {
		return nil, err
	}
	for name, s := range m.Shapes {
		s.name = name
	}
	for _, name := range sorted(m.Operations) {
		o := m.Operations[name]
		for _, side := range []struct {
			ref   ref
			reach map[string]bool
		}{{o.Input, m.inputs}, {o.Output, m.outputs}} {
			if s := m.Shapes[side.ref.Shape]; s == nil || s.Type != "structure" {
				return nil, fmt.Errorf("operation %s: its input and output have to be structures", name)
			}
			if err := m.reach(side.ref.Shape, side.reach); err != nil {
				return nil, err
			}
		}
	}
	for _, s := range m.structures() {
		if err := m.resolve(s); err != nil {
			return nil, fmt.Errorf("shape %s: %w", s.name, err)
		}
	}
	return m, nil
}

// reach adds name and all shapes it refers to.
func (m *model) reach(name string, to map[string]bool) error {
	if to[name] {
		return nil
	}
	s := m.Shapes[name]
	if s == nil {
		return fmt.Errorf("shape %s is named and not there", name)
	}
	to[name] = true
	for _, mb := range s.Members {
		if err := m.reach(mb.shape.name, to); err != nil {
			return err
		}
	}
	for _, r := range []ref{s.Member, s.Key, s.Value} {
		if r.Shape == "" {
			continue
		}
		if err := m.reach(r.Shape, to); err != nil {
			return err
		}
	}
	return nil
}

// resolve settles how each member of a structure is held.
func (m *model) resolve(s *shape) error {
	texts := 0
	for i := range s.Members {
		mb := &s.Members[i]
		mb.shape = m.Shapes[mb.shape.name]
		mb.required = slices.Contains(s.Required, mb.name)
		switch mb.shape.Type {
		case "string", "timestamp":
			mb.plain = mb.required
		case "boolean", "integer", "long":
			mb.plain = !mb.shape.Box || mb.required
			if m.inputs[s.name] && mb.required {
				mb.plain = false
			}
		case "blob", "structure":
		case "list":
			item := m.Shapes[mb.shape.Member.Shape]
			if !slices.Contains([]string{"string", "long", "structure"}, item.Type) {
				return fmt.Errorf("member %s: lists of %s are not known", mb.name, item.Type)
			}
		case "map":
			key, value := m.Shapes[mb.shape.Key.Shape], m.Shapes[mb.shape.Value.Shape]
			if key.Type != "string" || !slices.Contains([]string{"string", "structure"}, value.Type) {
				return fmt.Errorf("member %s: maps of %s to %s are not known", mb.name, key.Type, value.Type)
			}
		default:
			return fmt.Errorf("member %s: type %s is not known", mb.name, mb.shape.Type)
		}
		if mb.plain && mb.shape.Type == "string" && m.inputs[s.name] {
			mb.bit = fmt.Sprintf("1<<%d", texts)
			texts++
		}
		if mb.plain && mb.required && mb.shape.Type == "timestamp" && m.inputs[s.name] {
			return fmt.Errorf("member %s: a required timestamp of an input is not known", mb.name)
		}
	}
	if texts > 32 {
		return fmt.Errorf("more than 32 required strings")
	}
	return nil
}

// emptyType is the type of the field that holds which required strings of an
// input were sent empty, "" when the structure needs none.
func (s *shape) emptyType() string {
	n := 0
	for _, mb := range s.Members {
		if mb.bit != "" {
			n++
		}
	}
	switch {
	case n == 0:
		return ""
	case n <= 8:
		return "uint8"
	case n <= 16:
		return "uint16"
	default:
		return "uint32"
	}
}

// structures returns the structures of inputs and outputs, by name.
func (m *model) structures() []*shape {
	var all []*shape
	for _, name := range sorted(m.Shapes) {
		if s := m.Shapes[name]; s.Type == "structure" && (m.inputs[name] || m.outputs[name]) {
			all = append(all, s)
		}
	}
	return all
}

// keep is the number of elements of a list or map that the decoder keeps: one
// more than is allowed, or 0 for all.
func (s *shape) keep() int64 {
	if s.Max == nil {
		return 0
	}
	return *s.Max + 1
}

func sorted[T any](m map[string]T) []string {
	return slices.Sorted(maps.Keys(m))
}
