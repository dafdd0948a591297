package config

import (
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"time"

	"gopkg.in/yaml.v3"
)

// decoder fills Go values from YAML nodes. Unlike yaml.v3's own decoding it knows
// the key's whole path, and takes nothing for what it is not: no unknown or
// doubled key, no yes for true, no number without a unit for a duration.
type decoder struct {
	file  string
	where map[string]string // of the keys that were given: "FILE: line N", or the variable
}

// textValue is a type with a text of its own; nodeValue may be more than a text.
type textValue interface{ setText(text string) error }

type nodeValue interface {
	setNode(d *decoder, path string, node *yaml.Node) error
}

func (d *decoder) errorf(node *yaml.Node, path, format string, args ...any) error {
	if path != "" {
		path += ": "
	}
	return fmt.Errorf("%s: %s%w", d.at(node), path, fmt.Errorf(format, args...))
}

func (d *decoder) at(node *yaml.Node) string { return fmt.Sprintf("%s: line %d", d.file, node.Line) }

// value decodes a node into the value that target points to.
func (d *decoder) value(path string, node *yaml.Node, target any) error {
	return d.decode(path, node, reflect.ValueOf(target).Elem())
}

func (d *decoder) decode(path string, node *yaml.Node, v reflect.Value) error {
	if node.Kind == yaml.AliasNode {
		return d.errorf(node, path, "aliases are not allowed")
	}
	if node.ShortTag() == "!!null" {
		return nil // a key without a value keeps its default
	}
	d.where[path] = d.at(node)
	switch t := v.Addr().Interface().(type) {
	case nodeValue:
		return t.setNode(d, path, node)
	case textValue:
		return d.text(path, node, t)
	}
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		return d.decode(path, node, v.Elem())
	case reflect.Struct:
		return d.object(path, node, v)
	case reflect.Slice:
		return d.list(path, node, v)
	case reflect.Map:
		return d.dictionary(path, node, v)
	}
	if node.Kind != yaml.ScalarNode {
		return d.errorf(node, path, "%s is expected, not %s", expected(v), kindOf(node))
	}
	if err := setScalar(v, node.Value); err != nil {
		return d.errorf(node, path, "%w", err)
	}
	return nil
}

func (d *decoder) text(path string, node *yaml.Node, t textValue) error {
	if node.Kind != yaml.ScalarNode {
		return d.errorf(node, path, "a single value is expected, not %s", kindOf(node))
	}
	if err := t.setText(node.Value); err != nil {
		return d.errorf(node, path, "%w", err)
	}
	return nil
}

func (d *decoder) object(path string, node *yaml.Node, v reflect.Value) error {
	known := fields(v.Type())
	return d.pairs(path, node, func(key, value *yaml.Node) error {
		i, ok := known.index[key.Value]
		if !ok {
			return d.errorf(key, path, "unknown key %q; known are %s", key.Value, list(known.names, "and"))
		}
		return d.decode(join(path, key.Value), value, v.Field(i))
	})
}

func (d *decoder) dictionary(path string, node *yaml.Node, v reflect.Value) error {
	made := reflect.MakeMap(v.Type())
	v.Set(made)
	return d.pairs(path, node, func(key, value *yaml.Node) error {
		element := reflect.New(v.Type().Elem()).Elem()
		if err := d.decode(join(path, key.Value), value, element); err != nil {
			return err
		}
		made.SetMapIndex(reflect.ValueOf(key.Value), element)
		return nil
	})
}

// pairs calls f with each key of a mapping and its value.
func (d *decoder) pairs(path string, node *yaml.Node, f func(key, value *yaml.Node) error) error {
	if node.Kind != yaml.MappingNode {
		return d.errorf(node, path, "keys and values are expected, not %s", kindOf(node))
	}
	seen := map[string]bool{}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := node.Content[i]
		if key.Kind != yaml.ScalarNode {
			return d.errorf(key, path, "a key is expected, not %s", kindOf(key))
		}
		if seen[key.Value] {
			return d.errorf(key, path, "the key %q is there twice", key.Value)
		}
		seen[key.Value] = true
		if err := f(key, node.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) list(path string, node *yaml.Node, v reflect.Value) error {
	if node.Kind != yaml.SequenceNode {
		return d.errorf(node, path, "a list is expected, not %s", kindOf(node))
	}
	made := reflect.MakeSlice(v.Type(), len(node.Content), len(node.Content))
	v.Set(made)
	for i, element := range node.Content {
		if err := d.decode(fmt.Sprintf("%s[%d]", path, i), element, made.Index(i)); err != nil {
			return err
		}
	}
	return nil
}

var durationType = reflect.TypeFor[time.Duration]()

// setScalar sets a string, number, truth value or duration from its text.
func setScalar(v reflect.Value, text string) error {
	if v.Type() == durationType {
		t, err := time.ParseDuration(text)
		if err != nil {
			return fmt.Errorf("%q is no duration; 1s, 500ms and 72h are", text)
		}
		v.SetInt(int64(t))
		return nil
	}
	var err error
	switch v.Kind() {
	case reflect.String:
		v.SetString(text)
	case reflect.Bool:
		if text != "true" && text != "false" {
			err = strconv.ErrSyntax
		}
		v.SetBool(text == "true")
	case reflect.Int, reflect.Int64:
		var n int64
		n, err = strconv.ParseInt(text, 0, 64)
		v.SetInt(n)
	case reflect.Uint8, reflect.Uint16:
		var n uint64
		n, err = strconv.ParseUint(text, 0, v.Type().Bits())
		v.SetUint(n)
	case reflect.Float64:
		var f float64
		f, err = strconv.ParseFloat(text, 64)
		v.SetFloat(f)
	default:
		return fmt.Errorf("a %s cannot be configured", v.Type())
	}
	if err != nil {
		return fmt.Errorf("%q is not %s", text, expected(v))
	}
	return nil
}

func expected(v reflect.Value) string {
	switch v.Kind() {
	case reflect.Bool:
		return "true or false"
	case reflect.Int, reflect.Int64:
		if v.Type() == durationType {
			return "a duration"
		}
		return "a whole number"
	case reflect.Uint8:
		return "a whole number from 0 to 255"
	case reflect.Uint16:
		return "a whole number from 0 to 65535"
	case reflect.Float64:
		return "a number"
	}
	return "a text"
}

func kindOf(node *yaml.Node) string {
	switch node.Kind {
	case yaml.MappingNode:
		return "keys and values"
	case yaml.SequenceNode:
		return "a list"
	case yaml.AliasNode:
		return "an alias"
	}
	return fmt.Sprintf("%q", node.Value)
}

// keys are the keys of a struct and which field each is.
type keys struct {
	names []string // in order of the fields
	index map[string]int
}

func fields(t reflect.Type) keys {
	k := keys{index: map[string]int{}}
	for i := range t.NumField() {
		name, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
		if name == "" || name == "-" {
			continue
		}
		k.names = append(k.names, name)
		k.index[name] = i
	}
	return k
}

func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
