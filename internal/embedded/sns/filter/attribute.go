package filter

import (
	"encoding/json"
	"strings"
)

// Attribute is a message attribute, as the JSON document of a notification has it.
type Attribute struct {
	Type  string `json:"Type"` // String, String.Array, Number or Binary
	Value string `json:"Value"`
}

// opaque stands for what is there but equals nothing.
type opaque struct{}

// value is what a policy compares.
func (a Attribute) value() any {
	switch a.Type {
	case "String":
		return a.Value
	case "Number":
		return json.Number(a.Value)
	case "String.Array":
		d := json.NewDecoder(strings.NewReader(a.Value))
		d.UseNumber()
		var list []any
		if d.Decode(&list) == nil {
			return list
		}
	}
	return opaque{}
}
