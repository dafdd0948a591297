package audit

import (
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
)

// maxNames is how many parameters of a form are kept.
const maxNames = 2000

// FormParameters are a request's of the query protocol: those of its form, nested as
// their names say ("Tags.member.1.Key") and beginning with small letters, as in
// CloudTrail, and redacted as Parameters.
func FormParameters(form string) json.RawMessage {
	root := &branch{}
	for i, pair := range strings.Split(form, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, err := url.QueryUnescape(name)
		if err != nil || i >= maxNames || name == "" || name == "Action" || name == "Version" || strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			continue
		}
		if value, err = url.QueryUnescape(value); err != nil {
			continue
		}
		root.add(strings.Split(name, "."), value, 0)
	}
	if len(root.names) == 0 {
		return nil
	}
	return LowerParameters(root.append(nil))
}

// branch is a parameter with others below it, or with a value.
type branch struct {
	names []string // in the order that they came
	below map[string]*branch
	value string
}

func (b *branch) add(path []string, value string, depth int) {
	if len(path) == 0 || depth > maxDepth {
		b.value = value
		return
	}
	of := b.below[path[0]]
	if of == nil {
		if b.below == nil {
			b.below = map[string]*branch{}
		}
		of = &branch{}
		b.below[path[0]] = of
		b.names = append(b.names, path[0])
	}
	of.add(path[1:], value, depth+1)
}

func (b *branch) append(out []byte) []byte {
	if len(b.names) == 0 {
		return append(out, encodeLine(b.value)...)
	}
	if len(b.names) == 1 && (b.names[0] == "member" || b.names[0] == "entry") && len(b.below[b.names[0]].names) > 0 {
		return b.below[b.names[0]].append(out)
	}
	if numbers, ok := b.numbers(); ok {
		out = append(out, '[')
		for i, n := range numbers {
			if i > 0 {
				out = append(out, ',')
			}
			out = b.below[strconv.Itoa(n)].append(out)
		}
		return append(out, ']')
	}
	out = append(out, '{')
	for i, name := range b.names {
		if i > 0 {
			out = append(out, ',')
		}
		out = append(append(out, encodeLine(name)...), ':')
		out = b.below[name].append(out)
	}
	return append(out, '}')
}

// numbers are the names of a list's elements, in order.
func (b *branch) numbers() (all []int, ok bool) {
	for _, name := range b.names {
		n, err := strconv.Atoi(name)
		if err != nil || strconv.Itoa(n) != name {
			return nil, false
		}
		all = append(all, n)
	}
	slices.Sort(all)
	return all, true
}
