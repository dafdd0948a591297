package keyword

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"heliograph/internal/sms"
)

func words(keywords ...string) []sms.Keyword {
	var set []sms.Keyword
	for _, k := range keywords {
		set = append(set, sms.Keyword{Keyword: k, Message: "answer to " + k, Action: sms.AutomaticResponse})
	}
	return set
}

func TestCanonical(t *testing.T) {
	for _, c := range []struct {
		text, want string
		ok         bool
	}{
		{"join", "JOIN", true},
		{"Join Now", "JOIN NOW", true},
		{"join  \tnow", "JOIN NOW", true},
		{"opt-out", "OPT-OUT", true},
		{"ärger", "ÄRGER", true},
		{"дом", "ДОМ", true},
		{"退订", "退订", true},
		{"J\u200bOIN", "JOIN", true},
		{"❤\ufe0f", "❤", true},
		{strings.Repeat("x", 30), strings.Repeat("X", 30), true},
		{strings.Repeat("ä", 30), strings.Repeat("Ä", 30), true},
		{strings.Repeat("x", 31), "", false},
		{"", "", false},
		{" join", "", false},
		{"join ", "", false},
		{"join\u00a0", "", false},
		{"join \u200b", "", false},
		{" ", "", false},
		{"\u200b", "", false},
	} {
		got, ok := Canonical(c.text)
		if ok != c.ok || ok && got != c.want {
			t.Errorf("Canonical(%q) = %q, %v; want %q, %v", c.text, got, ok, c.want, c.ok)
		}
	}
}

func TestMatch(t *testing.T) {
	set := append(Required(sms.LongCode), words("JOIN", "JOIN NOW", "JOIN NOW OR NEVER", "GO!", "STOP ALERTS", "退订", "❤", "C++")...)
	for _, c := range []struct{ body, want string }{
		{"JOIN", "JOIN"},
		{"join", "JOIN"},
		{"JoIn the club", "JOIN"},
		{"join now", "JOIN NOW"},
		{"join\nnow", "JOIN NOW"},
		{"join  now, please", "JOIN NOW"},
		{"join nowhere", "JOIN"},
		{"join now or", "JOIN NOW"},
		{"join now or never!", "JOIN NOW OR NEVER"},
		{"  \r\n join", "JOIN"},
		{"\u200bjoin", "JOIN"},
		{"joined", ""},
		{"join2", ""},
		{"join_", ""},
		{"join's", "JOIN"},
		{"joi\u0301n", ""},
		{"join\u0301", ""},
		{"please join", ""},
		{"'join'", ""},
		{"stop", "STOP"},
		{"Stop.", "STOP"},
		{"STOP ALERTS now", "STOP ALERTS"},
		{"stop alert", "STOP"},
		{"stopalerts", ""},
		{"Help me understand what this means", "HELP"},
		{"opt-out", "OPT-OUT"},
		{"opt out", ""},
		{"optout", "OPTOUT"},
		{"opt-outs", ""},
		{"end", "END"},
		{"ending", ""},
		{"td", "TD"},
		{"TDs", ""},
		{"go!", "GO!"},
		{"go!now", "GO!"},
		{"go", ""},
		{"c++ rocks", "C++"},
		{"退订", "退订"},
		{"退订 谢谢", "退订"},
		{"退订谢谢", ""},
		{"❤\ufe0f you", "❤"},
		{"", ""},
		{"   ", ""},
		{"\xff\xfe", ""},
	} {
		got, ok := Match(c.body, set)
		if got.Keyword != c.want || ok != (c.want != "") {
			t.Errorf("Match(%q) = %q, %v; want %q", c.body, got.Keyword, ok, c.want)
		}
	}
	if got, ok := Match("stop", nil); ok {
		t.Errorf("of no keywords %q matches", got.Keyword)
	}
}

// The order in which keywords were put must not matter.
func TestMatchIsTheLongestWhateverTheOrder(t *testing.T) {
	for _, set := range [][]sms.Keyword{words("A", "A B", "A B C"), words("A B C", "A B", "A"), words("A B", "A B C", "A")} {
		for body, want := range map[string]string{"a": "A", "a b": "A B", "a b c": "A B C", "a b cc": "A B", "a x": "A"} {
			if got, _ := Match(body, set); got.Keyword != want {
				t.Errorf("Match(%q, %v) = %q, want %q", body, set, got.Keyword, want)
			}
		}
	}
}

func TestKeywordOfFullLength(t *testing.T) {
	long, ok := Canonical(strings.Repeat("ab ", 9) + "abc")
	if !ok || utf8.RuneCountInString(long) != MaxLength {
		t.Fatalf("%q is not a keyword of full length", long)
	}
	for body, want := range map[string]bool{long: true, long + " and more": true, long + "d": false, strings.ToLower(long) + "!": true} {
		if _, ok := Match(body, words(long)); ok != want {
			t.Errorf("Match(%q) = %v", body, ok)
		}
	}
}

func TestFoldIsFinal(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		once := fold(r)
		if fold(once) != once {
			t.Fatalf("%U becomes %U, and that %U", r, once, fold(once))
		}
		if unicode.IsSpace(once) != unicode.IsSpace(r) {
			t.Fatalf("%U and %U: one is a space", r, once)
		}
	}
}

func FuzzMatch(f *testing.F) {
	for _, seed := range [][2]string{{"stop", "STOP ALL"}, {"join now!", "join now"}, {"\u200b Stop\u0301", "s"}, {"❤\ufe0f", "❤"}, {"İptal et", "iptal"}, {"a  b", "a b"}, {"\xff", "\xff"}} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, body, word string) {
		set := Required(sms.ShortCode)
		canonical, valid := Canonical(word)
		if valid {
			if again, ok := Canonical(canonical); !ok || again != canonical {
				t.Fatalf("%q becomes %q, and that %q, %v", word, canonical, again, ok)
			}
			set = append(set, words(canonical)...)
			if got, ok := Match(word, set); !ok || len(got.Keyword) < len(canonical) {
				t.Fatalf("keyword %q is not matched by itself: %q, %v", word, got.Keyword, ok)
			}
			if got, ok := Match(" "+word+" "+body, set); !ok || len(got.Keyword) < len(canonical) {
				t.Fatalf("keyword %q is not matched where %q follows: %q, %v", word, body, got.Keyword, ok)
			}
		}
		got, ok := Match(body, set)
		if ok != (got.Keyword != "") {
			t.Fatalf("Match(%q) = %q, %v", body, got.Keyword, ok)
		}
		if !ok {
			return
		}
		text, _ := begin(body, len(body)+1)
		if !strings.HasPrefix(text, got.Keyword) || !boundary(text, len(got.Keyword)) {
			t.Fatalf("%q does not begin with keyword %q", body, got.Keyword)
		}
		for _, k := range set {
			if len(k.Keyword) > len(got.Keyword) && strings.HasPrefix(text, k.Keyword) && boundary(text, len(k.Keyword)) {
				t.Fatalf("%q begins with %q, and %q was matched", body, k.Keyword, got.Keyword)
			}
		}
	})
}
