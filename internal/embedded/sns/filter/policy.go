// Package filter decides which messages of a topic a subscription gets: the filter
// policies of Amazon SNS ("Amazon SNS subscription filter policies" of its developer
// guide) on a message's attributes or on its body.
package filter

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
)

// Scope is what a policy looks at.
type Scope string

const (
	Attributes Scope = "MessageAttributes"
	Body       Scope = "MessageBody"
)

// Bounds of a policy. AWS has the same numbers of names and combinations.
const (
	maxBytes        = 150 << 10
	maxNames        = 5
	maxCombinations = 150
	maxDepth        = 16
)

// Policy is a filter policy that was found right. It never changes.
type Policy struct {
	scope Scope
	root  *object
}

// object is matched by an object of which every field, and one of the
// alternatives where there are any, matches.
type object struct {
	fields       []field
	alternatives []*object
}

// field is matched by what has a name: by a value that one of the conditions takes, or
// by an object.
type field struct {
	name       string
	conditions []condition
	under      *object
}

// Parse reads a policy. An empty object is matched by every message. The error says
// what is wrong with it.
func Parse(text string, scope Scope) (*Policy, error) {
	if scope != Attributes && scope != Body {
		return nil, fmt.Errorf("FilterPolicyScope: %q is neither %s nor %s", scope, Attributes, Body)
	}
	if len(text) > maxBytes {
		return nil, fmt.Errorf("FilterPolicy: it has %d bytes, %d are allowed", len(text), maxBytes)
	}
	top, err := decodeObject([]byte(text))
	if err != nil {
		return nil, fmt.Errorf("FilterPolicy: %w", err)
	}
	p := &parser{nested: scope == Body}
	root, combinations, err := p.object(top, 1)
	switch {
	case err != nil:
		return nil, fmt.Errorf("FilterPolicy: %w", err)
	case p.names > maxNames:
		return nil, fmt.Errorf("FilterPolicy: it has %d names, %d are allowed", p.names, maxNames)
	case combinations > maxCombinations:
		return nil, fmt.Errorf("FilterPolicy: its values have more than %d combinations", maxCombinations)
	}
	return &Policy{scope: scope, root: root}, nil
}

// decodeObject reads one JSON object and nothing after it.
func decodeObject(text []byte) (map[string]any, error) {
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var top map[string]any
	if err := d.Decode(&top); err != nil {
		return nil, errors.New("it is not a JSON object")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is more after the JSON object")
	}
	if top == nil {
		return nil, errors.New("it is not a JSON object")
	}
	return top, nil
}

type parser struct {
	nested bool // objects may be within objects
	names  int
}

// object reads an object and says in how many ways its values can be combined.
func (p *parser) object(of map[string]any, depth int) (*object, int, error) {
	if depth > maxDepth {
		return nil, 0, fmt.Errorf("objects are within one another more than %d deep", maxDepth)
	}
	o, combinations := &object{}, 1
	for _, name := range slices.Sorted(maps.Keys(of)) {
		ways := 0
		var err error
		switch value := of[name].(type) {
		case []any:
			if name == "$or" {
				o.alternatives, ways, err = p.either(value, depth)
				break
			}
			p.names++
			var conditions []condition
			conditions, err = parseConditions(value)
			o.fields, ways = append(o.fields, field{name: name, conditions: conditions}), len(value)
		case map[string]any:
			if !p.nested {
				return nil, 0, fmt.Errorf("%q has an object, which only FilterPolicyScope %s allows", name, Body)
			}
			var under *object
			under, ways, err = p.object(value, depth+1)
			if err == nil && len(value) == 0 {
				err = errors.New("the object is empty")
			}
			o.fields = append(o.fields, field{name: name, under: under})
		default:
			err = errors.New("a list of what is accepted is needed")
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%q: %w", name, err)
		}
		combinations = min(combinations*ways, maxCombinations+1)
	}
	return o, combinations, nil
}

// either reads the alternatives of $or.
func (p *parser) either(values []any, depth int) ([]*object, int, error) {
	if len(values) < 2 {
		return nil, 0, errors.New("two objects or more are needed")
	}
	var all []*object
	total := 0
	for _, value := range values {
		of, ok := value.(map[string]any)
		if !ok || len(of) == 0 {
			return nil, 0, errors.New("objects that are not empty are needed")
		}
		o, ways, err := p.object(of, depth+1)
		if err != nil {
			return nil, 0, err
		}
		all, total = append(all, o), min(total+ways, maxCombinations+1)
	}
	return all, total, nil
}

// Matches reports whether a message passes. attributes are its attributes, body its
// text, of which a policy on the body needs a JSON object.
func (p *Policy) Matches(attributes map[string]Attribute, body string) bool {
	if p.scope == Body {
		document, err := decodeObject([]byte(body))
		return err == nil && p.root.matches(document)
	}
	document := make(map[string]any, len(attributes))
	for name, a := range attributes {
		document[name] = a.value()
	}
	return p.root.matches(document)
}

// matches looks at an object, or at a list of them of which one is enough. Where there
// is no object, nothing that it could have is there.
func (o *object) matches(value any) bool {
	switch v := value.(type) {
	case map[string]any:
		return o.matchesObject(v)
	case []any:
		return slices.ContainsFunc(v, o.matches)
	}
	return o.matchesObject(nil)
}

func (o *object) matchesObject(of map[string]any) bool {
	for i := range o.fields {
		f := &o.fields[i]
		value, present := of[f.name]
		if f.under != nil {
			if !f.under.matches(value) {
				return false
			}
		} else if !slices.ContainsFunc(f.conditions, func(c condition) bool { return holds(c, value, present) }) {
			return false
		}
	}
	return len(o.alternatives) == 0 ||
		slices.ContainsFunc(o.alternatives, func(a *object) bool { return a.matchesObject(of) })
}
