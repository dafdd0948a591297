package pattern

import (
	"strings"
	"testing"
)

const delivered = `{"eventType":"TEXT_DELIVERED","isFinal":true,"totalMessageParts":2,"totalMessagePrice":0.00645,` +
	`"destinationPhoneNumber":"+14254147755","isoCountryCode":"US","context":{"campaign":"spring sale","odd key":"x"},"none":null,` +
	`"list":["a",{"b":1}],"no":false,"code":"404"}`

func TestMatches(t *testing.T) {
	for _, c := range []struct {
		pattern string
		want    bool
	}{
		{"", true},
		{"  ", true},
		{"TEXT_DELIVERED", true},
		{"DELIVERED", true},
		{"delivered", false},
		{"TEXT_DELIVERED US", true},
		{"TEXT_DELIVERED CA", false},
		{`"spring sale"`, true},
		{`"sale spring"`, false},
		{`"\"isoCountryCode\":\"US\""`, true},
		{"?QUEUED ?DELIVERED", true},
		{"?QUEUED ?PENDING", false},
		{`?QUEUED ?"+1425"`, true},
		{"DELIVERED -US", false},
		{`DELIVERED -"CA"`, true},
		{"-CA", true},
		{"-US", false},
		{"?QUEUED -CA", false},
		{"DELIVERED ?QUEUED", true}, // an optional term beside others says nothing

		{`{ $.eventType = "TEXT_DELIVERED" }`, true},
		{`{$.eventType=TEXT_DELIVERED}`, true},
		{`{ $.eventType != "TEXT_DELIVERED" }`, false},
		{`{ $.eventType != "TEXT_QUEUED" }`, true},
		{`{ $.eventType = "TEXT_*" }`, true},
		{`{ $.eventType = "*DELIVERED" }`, true},
		{`{ $.eventType = *_DEL*ED }`, true},
		{`{ $.eventType = "TEXT_*QUEUED" }`, false},
		{`{ $.eventType != "TEXT_*" }`, false},
		{`{ $.eventType = "TEXT_DELIVERED*DELIVERED" }`, false},
		{`{ $.absent = "x" }`, false},
		{`{ $.absent != "x" }`, false},
		{`{ $.absent NOT EXISTS }`, true},
		{`{ $.eventType not exists }`, false},
		{`{ $.none EXISTS }`, true},
		{`{ $.none IS NULL }`, true},
		{`{ $.eventType IS NULL }`, false},
		{`{ $.absent IS NULL }`, false},
		{`{ $.isFinal IS TRUE }`, true},
		{`{ $.isFinal IS FALSE }`, false},
		{`{ $.no IS FALSE }`, true},
		{`{ $.isFinal = true }`, true},
		{`{ $.no = true }`, false},
		{`{ $.totalMessageParts = 2 }`, true},
		{`{ $.totalMessageParts = 2.0 }`, true},
		{`{ $.totalMessageParts != 2 }`, false},
		{`{ $.totalMessageParts > 1 }`, true},
		{`{ $.totalMessageParts >= 2 }`, true},
		{`{ $.totalMessageParts < 2 }`, false},
		{`{ $.totalMessageParts <= 2 }`, true},
		{`{ $.totalMessageParts < 1e1 }`, true},
		{`{ $.totalMessageParts > -3 }`, true},
		{`{ $.totalMessagePrice < 0.00646 }`, true},
		{`{ $.totalMessagePrice > 0.00645 }`, false},
		{`{ $.totalMessageParts = "2" }`, true},
		{`{ $.code = 404 }`, true},
		{`{ $.code = 4* }`, true},
		{`{ $.code > 400 }`, false}, // it is a text
		{`{ $.destinationPhoneNumber = +1425* }`, true},
		{`{ $.context.campaign = "spring sale" }`, true},
		{`{ $.context["odd key"] = x }`, true},
		{`{ $["context"].campaign = spring* }`, true},
		{`{ $.context = "spring sale" }`, false},
		{`{ $.context EXISTS }`, true},
		{`{ $.list[0] = a }`, true},
		{`{ $.list[1].b = 1 }`, true},
		{`{ $.list[2] EXISTS }`, false},
		{`{ $.list.b EXISTS }`, false},
		{`{ $.eventType.more EXISTS }`, false},
		{`{ $.eventType = TEXT_QUEUED || $.isoCountryCode = US }`, true},
		{`{ $.eventType = TEXT_DELIVERED && $.isoCountryCode = CA }`, false},
		{`{ $.no = true && $.no = true || $.isFinal = true }`, true},
		{`{ $.isFinal = true || $.no = true && $.no = true }`, true},
		{`{ ($.isFinal = true || $.no = true) && $.no = true }`, false},
		{`{(($.isFinal=true)&&($.isoCountryCode="US"))}`, true},
	} {
		p, err := Parse(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		if got := p.Matches([]byte(delivered)); got != c.want {
			t.Errorf("%s: %t, not %t", c.pattern, got, c.want)
		}
	}
	p, err := Parse(`{ $.a NOT EXISTS }`)
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range []string{"plain text", `["a"]`, `{"b":1`, `{"b":1} {"b":1}`, ""} {
		if p.Matches([]byte(line)) {
			t.Errorf("%q matches, which is no JSON object", line)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for pattern, message := range map[string]string{
		"TEXT-DELIVERED":              `'-'`,
		"a+b":                         "quotation marks",
		"%re%":                        "regular expressions",
		"?":                           "empty",
		"ERROR -":                     "empty",
		`"open`:                       "not closed",
		`""`:                          "nothing between",
		"[a, b]":                      "brackets",
		"{":                           "$.eventType",
		"{ }":                         "$.eventType",
		"{ $ = 1 }":                   "point",
		"{ $. = 1 }":                  "name of a member",
		"{ $.a }":                     "IS, EXISTS",
		"{ $.a LIKE b }":              `"LIKE" is no operator`,
		"{ $.a NOT b }":               "EXISTS",
		"{ $.a IS b }":                "NULL, TRUE or FALSE",
		"{ $.a = }":                   "a value",
		"{ $.a = %x% }":               "regular expressions",
		"{ $.a < b }":                 "number",
		`{ $.a < "1" }`:               "number",
		"{ $.a = b":                   "closing brace",
		"{ $.a = b } c":               "after the closing brace",
		"{ ($.a = b }":                "closing parenthesis",
		"{ $.a = b && }":              "$.eventType",
		"{ $.a[x] = b }":              "index",
		"{ $.a[1 = b }":               "closing bracket",
		"{ a = b }":                   "$.eventType",
		"\xff":                        "UTF-8",
		strings.Repeat("a", 1025):     "1024",
		"{" + strings.Repeat("(", 60): "50 deep",
	} {
		_, err := Parse(pattern)
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%s: %v does not say %q", pattern, err, message)
		}
	}
}

func FuzzPattern(f *testing.F) {
	for _, seed := range []string{`{ $.a[0]["b"] = "x*" && ($.c >= 1e9 || $.d NOT EXISTS) }`, `?a -b "c d"`, "[a]", "{$.a=*}", `"\"`, "{ $.a = 1e99999999 }"} {
		f.Add(seed, delivered)
	}
	f.Fuzz(func(t *testing.T, text, line string) {
		p, err := Parse(text)
		if err != nil {
			if err.Error() == "" {
				t.Fatal("an error that says nothing")
			}
			return
		}
		p.Matches([]byte(line))
	})
}
