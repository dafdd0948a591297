package api

import (
	"fmt"
	"slices"
	"strings"

	"heliograph/internal/sms"
)

// filter is a Filters member of any Describe or List operation.
type filter struct {
	name   string
	values []string
}

// attribute is what a filter of one name compares: the values that an item has,
// and which values a filter may ask for (nil: any; the model bounds their form).
type attribute[T any] struct {
	of      func(T) []string
	allowed []string
}

// attributes are the filters of an operation, by the model's name.
type attributes[T any] map[string]attribute[T]

func textAttribute[T any](of func(T) string) attribute[T] {
	return attribute[T]{of: func(item T) []string { return []string{of(item)} }}
}

func enumAttribute[T any](of func(T) []string, allowed ...string) attribute[T] {
	return attribute[T]{of: of, allowed: allowed}
}

func boolAttribute[T any](of func(T) bool) attribute[T] {
	return attribute[T]{allowed: []string{"true", "false"}, of: func(item T) []string {
		if of(item) {
			return []string{"true"}
		}
		return []string{"false"}
	}}
}

// matchFilters keeps the items that every filter matches; a filter matches an item
// that has one of its values. Values that no item can have are
// INVALID_FILTER_VALUES, names that attributes lacks INVALID_PARAMETER.
func matchFilters[T any](items []T, filters []filter, known attributes[T]) ([]T, error) {
	for i, f := range filters {
		a, ok := known[f.name]
		if !ok {
			return nil, sms.Invalid(sms.ReasonInvalidParameter, fmt.Sprintf("Filters[%d].Name", i), "Filters[%d].Name is not a filter of this operation.", i)
		}
		for j, v := range f.values {
			if a.allowed != nil && !slices.Contains(a.allowed, v) {
				field := fmt.Sprintf("Filters[%d].Values[%d]", i, j)
				return nil, sms.Invalid(sms.ReasonInvalidFilterValues, field, "%s is none of the values of %s: %s.", field, f.name, strings.Join(a.allowed, ", "))
			}
		}
	}
	if len(filters) == 0 {
		return items, nil
	}
	var kept []T
	for _, item := range items {
		if !slices.ContainsFunc(filters, func(f filter) bool { return !f.matches(known[f.name].of(item)) }) {
			kept = append(kept, item)
		}
	}
	return kept, nil
}

func (f filter) matches(values []string) bool {
	return slices.ContainsFunc(values, func(v string) bool { return slices.Contains(f.values, v) })
}
