package filter

import (
	"strings"
	"testing"
)

func TestOnAttributes(t *testing.T) {
	text := func(s string) map[string]Attribute { return map[string]Attribute{"a": {"String", s}} }
	number := func(s string) map[string]Attribute { return map[string]Attribute{"a": {"Number", s}} }
	list := func(s string) map[string]Attribute { return map[string]Attribute{"a": {"String.Array", s}} }
	for _, c := range []struct {
		policy     string
		attributes map[string]Attribute
		want       bool
	}{
		{`{}`, nil, true},
		{`{"a":["x"]}`, nil, false},
		{`{"a":["x","y"]}`, text("y"), true},
		{`{"a":["x","y"]}`, text("Y"), false},
		{`{"a":["x"],"b":["y"]}`, text("x"), false},
		{`{"a":["x"],"b":["y"]}`, map[string]Attribute{"a": {"String", "x"}, "b": {"String", "y"}}, true},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, map[string]Attribute{"b": {"String", "y"}}, true},
		{`{"$or":[{"a":["x"]},{"b":["y"]}]}`, map[string]Attribute{"b": {"String", "x"}}, false},
		{`{"c":["z"],"$or":[{"a":["x"]},{"b":["y"]}]}`, map[string]Attribute{"b": {"String", "y"}}, false},
		{`{"a":[5]}`, number("5.0"), true},
		{`{"a":["5"]}`, number("5"), false},
		{`{"a":[5]}`, text("5"), false},
		{`{"a":["x"]}`, list(`["w","x"]`), true},
		{`{"a":[3]}`, list(`["w",3]`), true},
		{`{"a":[true]}`, list(`[true]`), true},
		{`{"a":[null]}`, list(`[null]`), true},
		{`{"a":["x"]}`, list(`no list`), false},
		{`{"a":["x"]}`, map[string]Attribute{"a": {"Binary", "x"}}, false},
		{`{"a":[{"prefix":"TEXT_"}]}`, text("TEXT_QUEUED"), true},
		{`{"a":[{"prefix":"TEXT_"}]}`, text("VOICE_QUEUED"), false},
		{`{"a":[{"suffix":"ED"}]}`, text("QUEUED"), true},
		{`{"a":[{"equals-ignore-case":"queued"}]}`, text("QUEUED"), true},
		{`{"a":[{"cidr":"10.0.0.0/24"}]}`, text("10.0.0.255"), true},
		{`{"a":[{"cidr":"10.0.0.0/24"}]}`, text("10.0.1.0"), false},
		{`{"a":[{"anything-but":"x"}]}`, text("x"), false},
		{`{"a":[{"anything-but":["x","y"]}]}`, text("z"), true},
		{`{"a":[{"anything-but":["x","y"]}]}`, nil, false},
		{`{"a":[{"anything-but":["x","y"]}]}`, list(`["x","z"]`), true},
		{`{"a":[{"anything-but":["x","y"]}]}`, list(`["x"]`), false},
		{`{"a":[{"anything-but":[100]}]}`, number("100"), false},
		{`{"a":[{"anything-but":{"prefix":"x"}}]}`, text("xy"), false},
		{`{"a":[{"anything-but":{"prefix":"x"}}]}`, text("yx"), true},
		{`{"a":[{"anything-but":{"suffix":"x"}}]}`, text("yx"), false},
		{`{"a":[{"numeric":["=",301.5]}]}`, number("3.015e2"), true},
		{`{"a":[{"numeric":[">",0,"<=",10]}]}`, number("10"), true},
		{`{"a":[{"numeric":[">",0,"<=",10]}]}`, number("0"), false},
		{`{"a":[{"numeric":["<",0]}]}`, number("-1"), true},
		{`{"a":[{"numeric":[">=",1]}]}`, text("1"), false},
		{`{"a":[{"exists":true}]}`, text(""), true},
		{`{"a":[{"exists":true}]}`, map[string]Attribute{"a": {"Binary", "x"}}, true},
		{`{"a":[{"exists":true}]}`, nil, false},
		{`{"a":[{"exists":false}]}`, nil, true},
		{`{"a":[{"exists":false}]}`, text("x"), false},
		{`{"a":[{"exists":false},"x"]}`, text("x"), true},
	} {
		p, err := Parse(c.policy, Attributes)
		if err != nil {
			t.Errorf("%s: %v", c.policy, err)
		} else if got := p.Matches(c.attributes, "{}"); got != c.want {
			t.Errorf("%s with %v: %v", c.policy, c.attributes, got)
		}
	}
}

func TestOnBody(t *testing.T) {
	for _, c := range []struct {
		policy, body string
		want         bool
	}{
		{`{}`, `{}`, true},
		{`{}`, `text`, false},
		{`{"eventType":["TEXT_DELIVERED"]}`, `{"eventType":"TEXT_DELIVERED"}`, true},
		{`{"eventType":["TEXT_DELIVERED"]}`, `{"eventType":"TEXT_QUEUED"}`, false},
		{`{"eventType":["TEXT_DELIVERED"]}`, `"TEXT_DELIVERED"`, false},
		{`{"isFinal":[true]}`, `{"isFinal":true}`, true},
		{`{"n":[{"numeric":[">",1]}]}`, `{"n":2}`, true},
		{`{"context":{"key":["v"]}}`, `{"context":{"key":"v"}}`, true},
		{`{"context":{"key":["v"]}}`, `{"context":"v"}`, false},
		{`{"context":{"key":["v"]}}`, `{}`, false},
		{`{"context":{"key":[{"exists":false}]}}`, `{}`, true},
		{`{"list":{"key":["v"]}}`, `{"list":[{"key":"w"},{"key":"v"}]}`, true},
		{`{"list":["v"]}`, `{"list":[["w"],["v"]]}`, true},
		{`{"a":[null]}`, `{"a":null}`, true},
		{`{"a":[null]}`, `{}`, false},
		{`{"a":{"$or":[{"b":[1]},{"c":[2]}]}}`, `{"a":{"c":2}}`, true},
	} {
		p, err := Parse(c.policy, Body)
		if err != nil {
			t.Errorf("%s: %v", c.policy, err)
		} else if got := p.Matches(nil, c.body); got != c.want {
			t.Errorf("%s with %s: %v", c.policy, c.body, got)
		}
	}
}

func TestRefused(t *testing.T) {
	many := func(n int) string { return `["` + strings.Repeat(`x","`, n-1) + `x"]` }
	for policy, want := range map[string]string{
		``:                                      "not a JSON object",
		`[]`:                                    "not a JSON object",
		`null`:                                  "not a JSON object",
		`{} {}`:                                 "more after",
		`{"a":"x"}`:                             `"a": a list`,
		`{"a":[]}`:                              "list is empty",
		`{"a":[["x"]]}`:                         "list within a list",
		`{"a":{"b":["x"]}}`:                     "MessageBody",
		`{"a":[{"like":"x"}]}`:                  `"like" is not one of`,
		`{"a":[{"like":1}]}`:                    `"like" is not one of`,
		`{"a":[{"prefix":"x","suffix":"y"}]}`:   "one operator",
		`{"a":[{"prefix":1}]}`:                  "prefix needs a text",
		`{"a":[{"exists":"yes"}]}`:              "true or false",
		`{"a":[{"cidr":"10.0.0.0"}]}`:           "no network",
		`{"a":[{"numeric":["=",1,"<",2]}]}`:     "stands alone",
		`{"a":[{"numeric":["<",1,">",2]}]}`:     "lower bound first",
		`{"a":[{"numeric":[">",1,">",2]}]}`:     "lower bound first",
		`{"a":[{"numeric":["!",1]}]}`:           "not one of =",
		`{"a":[{"numeric":["="]}]}`:             "needs a comparison",
		`{"a":[{"numeric":[1,"="]}]}`:           "a comparison is a text",
		`{"a":[{"anything-but":[]}]}`:           "not empty",
		`{"a":[{"anything-but":[true]}]}`:       "texts or numbers",
		`{"a":[{"anything-but":{"cidr":"x"}}]}`: "cannot be used",
		`{"$or":[{"a":["x"]}]}`:                 "two objects",
		`{"$or":["x","y"]}`:                     "objects that are not empty",
		`{"a":["x"],"b":["x"],"c":["x"],"d":["x"],"e":["x"],"f":["x"]}`: "6 names",
		`{"a":` + many(151) + `}`:                         "more than 150 combinations",
		`{"a":` + many(13) + `,"b":` + many(13) + `}`:     "more than 150 combinations",
		`{"a":["` + strings.Repeat("x", maxBytes) + `"]}`: "bytes",
	} {
		if _, err := Parse(policy, Attributes); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.60s: %v, want %q", policy, err, want)
		}
	}
	if _, err := Parse(strings.Repeat(`{"a":`, 20)+`["x"]`+strings.Repeat("}", 20), Body); err == nil || !strings.Contains(err.Error(), "deep") {
		t.Error(err)
	}
	if _, err := Parse(`{"a":{}}`, Body); err == nil {
		t.Error("an empty object was taken")
	}
	if _, err := Parse(`{}`, "Both"); err == nil || !strings.Contains(err.Error(), "FilterPolicyScope") {
		t.Error(err)
	}
}

// FuzzPolicy: whatever is taken can be applied, and the empty policy of the same
// scope takes no less.
func FuzzPolicy(f *testing.F) {
	for _, seed := range []string{`{}`, `{"a":["x",1,null,true,{"prefix":"x"}]}`, `{"a":[{"numeric":[">",0,"<=",1e3]}]}`,
		`{"$or":[{"a":["x"]},{"b":[{"anything-but":{"suffix":"y"}}]}]}`, `{"a":{"b":[{"exists":false}]}}`, `{"a":[{"cidr":"::/0"}]}`} {
		f.Add(seed, `{"a":{"b":[1,"x"]}}`, true)
		f.Add(seed, `["x",1]`, false)
	}
	f.Fuzz(func(t *testing.T, policy, value string, onBody bool) {
		scope, attributes := Attributes, map[string]Attribute{"a": {"String.Array", value}, "b": {"Number", value}}
		if onBody {
			scope = Body
		}
		p, err := Parse(policy, scope)
		if err != nil {
			return
		}
		empty, err := Parse(`{}`, scope)
		if err != nil {
			t.Fatal(err)
		}
		if p.Matches(attributes, value) && !empty.Matches(attributes, value) {
			t.Errorf("%q takes what the empty policy refuses", policy)
		}
	})
}
