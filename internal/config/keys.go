package config

import (
	"fmt"
	"reflect"
	"strings"
)

// Key is one key of the configuration.
type Key struct {
	Path string // for instance api.listen, or carriers[].name inside a list
	// Environment is the variable that sets it, for instance
	// HELIOGRAPH_API_LISTEN; empty for lists and what is inside them.
	Environment string
}

// Keys lists all keys in their order, lists before what is inside them.
func Keys() []Key { return keysOf("", reflect.TypeFor[Config](), true) }

var textType = reflect.TypeFor[textValue]()

// keysOf lists the keys of a struct.
func keysOf(path string, t reflect.Type, single bool) []Key {
	var out []Key
	known := fields(t)
	for _, name := range known.names {
		field := t.Field(known.index[name]).Type
		at := join(path, name)
		if field.Kind() == reflect.Pointer {
			field = field.Elem()
		}
		switch {
		case field.Kind() == reflect.Struct && !reflect.PointerTo(field).Implements(textType):
			out = append(out, keysOf(at, field, single)...)
		case field.Kind() == reflect.Slice:
			out = append(out, Key{Path: at})
			if field.Elem().Kind() == reflect.Struct {
				out = append(out, keysOf(at+"[]", field.Elem(), false)...)
			}
		case single:
			out = append(out, Key{Path: at, Environment: environment(at)})
		default:
			out = append(out, Key{Path: at})
		}
	}
	return out
}

func environment(path string) string {
	return "HELIOGRAPH_" + strings.ToUpper(strings.ReplaceAll(path, ".", "_"))
}

// environ sets every key whose variable is there and not empty.
func (d *decoder) environ(c *Config, env func(string) (string, bool)) error {
	for _, k := range Keys() {
		if k.Environment == "" {
			continue
		}
		text, ok := env(k.Environment)
		if !ok || text == "" {
			continue
		}
		v := field(reflect.ValueOf(c).Elem(), strings.Split(k.Path, "."))
		var err error
		if t, ok := v.Addr().Interface().(textValue); ok {
			err = t.setText(text)
		} else {
			err = setScalar(v, text)
		}
		d.where[k.Path] = "environment variable " + k.Environment
		if err != nil {
			return fmt.Errorf("%s: %w", d.where[k.Path], err)
		}
	}
	return nil
}

// field finds the value at a path of keys that leads through structs only.
func field(v reflect.Value, path []string) reflect.Value {
	for _, name := range path {
		v = v.Field(fields(v.Type()).index[name])
	}
	return v
}
