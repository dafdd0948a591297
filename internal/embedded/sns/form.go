package sns

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"heliograph/internal/api/service"
)

// version is the only one of the protocol (Amazon SNS API reference, "Making API
// requests").
const version = "2010-03-31"

// form is a request in the query protocol: names and values, of which lists and
// dictionaries are numbered names.
type form struct{ values url.Values }

// parseForm reads the body of a POST, and what the URL has besides.
func parseForm(r *service.Request) (form, error) {
	values, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return form{}, exception("MalformedQueryString", 400, "The request's body is not a form: names and values in the encoding of a URL are needed.")
	}
	for name, all := range r.Query {
		if _, twice := values[name]; !twice {
			values[name] = all
		}
	}
	for name, all := range values {
		if len(all) > 1 {
			return form{}, exception("MalformedQueryString", 400, "The parameter %s is there %d times.", clip(name), len(all))
		}
		if !utf8.ValidString(name) || !utf8.ValidString(all[0]) {
			return form{}, exception("MalformedQueryString", 400, "The parameter %s is not in UTF-8.", strconv.Quote(clip(name)))
		}
	}
	return form{values}, nil
}

// clip shortens what is repeated of a request in an error.
func clip(s string) string {
	const most = 100
	if len(s) <= most {
		return s
	}
	for i := range s[:most] {
		if i+utf8.UTFMax > most {
			return s[:i] + "..."
		}
	}
	return s[:most] + "..."
}

// action is the operation that is asked for.
func (f form) action() (string, error) {
	switch v := f.values.Get("Version"); v {
	case "", version:
	default:
		return "", exception("NoSuchVersion", 400, "Version %s is not known; %s is.", clip(v), version)
	}
	action := f.values.Get("Action")
	if action == "" {
		return "", exception("MissingAction", 400, "The parameter Action is missing.")
	}
	return action, nil
}

func (f form) has(name string) bool   { return f.values.Has(name) }
func (f form) get(name string) string { return f.values.Get(name) }

// required is a parameter that may be neither missing nor empty.
func (f form) required(name string) (string, error) {
	v := f.get(name)
	if v == "" {
		return "", invalid(name, "it is missing")
	}
	return v, nil
}

// maxMembers bounds lists and dictionaries.
const maxMembers = 100

// under gives the parameters of the members of a list, PREFIX.1.NAME and so on, from
// number 1 without a gap: for each its NAMEs and values, where a member that is a
// value itself has the name "".
func (f form) under(prefix string) ([]map[string]string, error) {
	members := map[int]map[string]string{}
	for name, all := range f.values {
		rest, ok := strings.CutPrefix(name, prefix+".")
		if !ok {
			continue
		}
		number, member, _ := strings.Cut(rest, ".")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > maxMembers || number[0] == '+' || number[0] == '0' {
			return nil, invalid(prefix, fmt.Sprintf("%s is not one of %s.1 to %s.%d", clip(name), prefix, prefix, maxMembers))
		}
		if members[n] == nil {
			members[n] = map[string]string{}
		}
		members[n][member] = all[0]
	}
	list := make([]map[string]string, len(members))
	for i := range list {
		if list[i] = members[i+1]; list[i] == nil {
			return nil, invalid(prefix, fmt.Sprintf("%s.%d is missing", prefix, i+1))
		}
	}
	return list, nil
}

// list reads NAME.member.1 and so on.
func (f form) list(name string) ([]string, error) {
	members, err := f.under(name + ".member")
	if err != nil {
		return nil, err
	}
	all := make([]string, len(members))
	for i, m := range members {
		all[i] = m[""]
	}
	return all, nil
}

// dictionary reads NAME.entry.1.key and NAME.entry.1.value and so on.
func (f form) dictionary(name string) (map[string]string, error) {
	return f.pairs(name+".entry", "key", "value")
}

func (f form) pairs(prefix, key, value string) (map[string]string, error) {
	members, err := f.under(prefix)
	if err != nil {
		return nil, err
	}
	all := make(map[string]string, len(members))
	for i, m := range members {
		k := m[key]
		if k == "" {
			return nil, invalid(prefix, fmt.Sprintf("%s.%d.%s is missing", prefix, i+1, key))
		}
		if _, twice := all[k]; twice {
			return nil, invalid(prefix, fmt.Sprintf("%s is there twice", clip(k)))
		}
		all[k] = m[value]
	}
	return all, nil
}
