package keyword

import (
	"slices"
	"testing"

	"heliograph/internal/encode"
	"heliograph/internal/sms"
)

func names(set []sms.Keyword) []string {
	var list []string
	for _, k := range set {
		list = append(list, k.Keyword)
	}
	return list
}

func TestRequired(t *testing.T) {
	all := []string{"ARRET", "CANCEL", "END", "HELP", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"}
	tollFree := []string{"HELP", "STOP"}
	for _, c := range []struct {
		types []sms.NumberType
		want  []string
	}{
		{nil, all},
		{[]sms.NumberType{sms.LongCode}, all},
		{[]sms.NumberType{sms.ShortCode}, all},
		{[]sms.NumberType{sms.TenDLC}, all},
		{[]sms.NumberType{sms.Simulator}, all},
		{[]sms.NumberType{sms.TollFree}, tollFree},
		{[]sms.NumberType{sms.TollFree, sms.TollFree}, tollFree},
		{[]sms.NumberType{sms.TollFree, sms.TenDLC}, all},
	} {
		set := Required(c.types...)
		if got := names(set); !slices.Equal(got, c.want) {
			t.Errorf("Required(%v) = %v", c.types, got)
		}
		for _, k := range set {
			if canonical, ok := Canonical(k.Keyword); !ok || canonical != k.Keyword {
				t.Errorf("%q is not canonical", k.Keyword)
			}
			if want := map[bool]sms.KeywordAction{true: sms.AutomaticResponse, false: sms.OptOut}[k.Keyword == Help]; k.Action != want {
				t.Errorf("%s has action %s", k.Keyword, k.Action)
			}
			if m, err := encode.Split(k.Message); err != nil || m.Encoding != encode.GSM || len(m.Parts) != 1 {
				t.Errorf("the message of %s is not one GSM part", k.Keyword)
			}
		}
	}
}

func TestEffective(t *testing.T) {
	own := []sms.Keyword{{Keyword: "STOP", Message: "bye", Action: sms.OptOut}, {Keyword: "JOIN", Message: "hi", Action: sms.OptIn}}
	set := Effective(own, sms.LongCode)
	if got := names(set); !slices.Equal(got, []string{"ARRET", "CANCEL", "END", "HELP", "JOIN", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"}) {
		t.Errorf("the keywords are %v", got)
	}
	for keyword, message := range map[string]string{"STOP": "bye", "JOIN": "hi", "CANCEL": stopMessage, "HELP": helpMessage} {
		if k, _ := Find(set, keyword); k.Message != message {
			t.Errorf("%s is answered %q", keyword, k.Message)
		}
	}
	if own[0].Keyword != "STOP" {
		t.Error("the own keywords were sorted in place")
	}
}

// A pool's other numbers have opt-out keywords that its toll-free ones have not.
func TestOfNumber(t *testing.T) {
	own := []sms.Keyword{{Keyword: "CANCEL", Message: "bye", Action: sms.OptOut}, {Keyword: "JOIN", Message: "hi", Action: sms.OptIn}}
	all := []string{"ARRET", "CANCEL", "END", "HELP", "JOIN", "OPT-OUT", "OPTOUT", "QUIT", "REMOVE", "STOP", "TD", "UNSUBSCRIBE"}
	mixed := []sms.NumberType{sms.TollFree, sms.LongCode}
	for _, c := range []struct {
		number sms.NumberType
		types  []sms.NumberType
		want   []string
	}{
		{sms.LongCode, []sms.NumberType{sms.LongCode}, all},
		{sms.LongCode, mixed, all},
		{sms.TollFree, mixed, []string{"HELP", "JOIN", "STOP"}},
		{sms.TollFree, []sms.NumberType{sms.TollFree}, []string{"HELP", "JOIN", "STOP"}},
	} {
		effective, required := OfNumber(own, c.number, c.types...)
		if got := names(effective); !slices.Equal(got, c.want) {
			t.Errorf("%s of %v has the keywords %v", c.number, c.types, got)
		}
		if want := slices.DeleteFunc(slices.Clone(c.want), func(s string) bool { return s == "JOIN" }); !slices.Equal(names(required), want) {
			t.Errorf("%s of %v requires %v", c.number, c.types, names(required))
		}
	}
	if len(own) != 2 || own[0].Keyword != "CANCEL" {
		t.Error("the own keywords were changed in place")
	}
}

func TestAnsweredByCarrier(t *testing.T) {
	for _, c := range []struct {
		keyword string
		number  sms.NumberType
		want    bool
	}{{"STOP", sms.TollFree, true}, {"HELP", sms.TollFree, false}, {"UNSTOP", sms.TollFree, false}, {"STOP", sms.TenDLC, false}} {
		if got := AnsweredByCarrier(c.keyword, c.number); got != c.want {
			t.Errorf("%s to %s: %v", c.keyword, c.number, got)
		}
	}
}

func TestPut(t *testing.T) {
	join := sms.Keyword{Keyword: "JOIN", Message: "hi", Action: sms.OptIn}
	leave := sms.Keyword{Keyword: "LEAVE", Message: "bye", Action: sms.OptOut}
	stop := sms.Keyword{Keyword: "STOP", Message: "bye", Action: sms.OptOut}
	one := []sms.NumberType{sms.LongCode}
	mixed := []sms.NumberType{sms.TenDLC, sms.TollFree}
	type keywords = []sms.Keyword
	for _, c := range []struct {
		name   string
		own    keywords
		put    sms.Keyword
		types  []sms.NumberType
		most   int
		want   keywords
		reason sms.Reason
	}{
		{"a new one", nil, join, one, 1, keywords{join}, ""},
		{"a new one without an action", nil, sms.Keyword{Keyword: "HI", Message: "hi"}, one, 1, keywords{{Keyword: "HI", Message: "hi", Action: sms.AutomaticResponse}}, ""},
		{"over another", keywords{join}, sms.Keyword{Keyword: "JOIN", Message: "welcome", Action: sms.AutomaticResponse}, one, 1,
			keywords{{Keyword: "JOIN", Message: "welcome", Action: sms.AutomaticResponse}}, ""},
		{"the action that there was", keywords{leave}, sms.Keyword{Keyword: "LEAVE", Message: "gone"}, one, 1, keywords{{Keyword: "LEAVE", Message: "gone", Action: sms.OptOut}}, ""},
		{"in order", keywords{leave}, join, one, 2, keywords{join, leave}, ""},
		{"too many", keywords{leave}, join, one, 1, nil, "KEYWORDS_PER_POOL"},
		{"edits do not count", keywords{stop}, join, one, 1, keywords{join, stop}, ""},
		{"an edit where no more fit", keywords{join}, stop, one, 1, keywords{join, stop}, ""},
		{"STOP's message", nil, sms.Keyword{Keyword: "STOP", Message: "bye"}, one, 0, keywords{stop}, ""},
		{"back to STOP's first message", keywords{stop}, sms.Keyword{Keyword: "STOP", Message: stopMessage}, one, 0, keywords{}, ""},
		{"HELP's message", nil, sms.Keyword{Keyword: "HELP", Message: "call us"}, one, 0, keywords{{Keyword: "HELP", Message: "call us", Action: sms.AutomaticResponse}}, ""},
		{"CANCEL's message", nil, sms.Keyword{Keyword: "CANCEL", Message: "bye"}, one, 0, keywords{{Keyword: "CANCEL", Message: "bye", Action: sms.OptOut}}, ""},
		{"STOP's action", nil, sms.Keyword{Keyword: "STOP", Message: "bye", Action: sms.AutomaticResponse}, one, 9, nil, "RESOURCE_MODIFICATION_NOT_ALLOWED"},
		{"HELP's action", nil, sms.Keyword{Keyword: "HELP", Message: "bye", Action: sms.OptIn}, one, 9, nil, "RESOURCE_MODIFICATION_NOT_ALLOWED"},
		{"CANCEL's action", nil, sms.Keyword{Keyword: "CANCEL", Message: "bye", Action: sms.OptIn}, one, 9, nil, "RESOURCE_MODIFICATION_NOT_ALLOWED"},
		{"a toll-free number's STOP", nil, sms.Keyword{Keyword: "STOP", Message: "bye"}, []sms.NumberType{sms.TollFree}, 9, nil, "RESOURCE_MODIFICATION_NOT_ALLOWED"},
		{"a toll-free number's STOP as it is", nil, sms.Keyword{Keyword: "STOP", Message: stopMessage}, []sms.NumberType{sms.TollFree}, 9, keywords{}, ""},
		{"a toll-free number's HELP", nil, sms.Keyword{Keyword: "HELP", Message: "call us"}, []sms.NumberType{sms.TollFree}, 0,
			keywords{{Keyword: "HELP", Message: "call us", Action: sms.AutomaticResponse}}, ""},
		{"a toll-free number's opt-out", nil, leave, []sms.NumberType{sms.TollFree}, 9, nil, "INVALID_PARAMETER"},
		{"a toll-free number's CANCEL", nil, sms.Keyword{Keyword: "CANCEL", Message: "bye", Action: sms.OptOut}, []sms.NumberType{sms.TollFree}, 9, nil, "INVALID_PARAMETER"},
		{"a toll-free number's UNSTOP", nil, sms.Keyword{Keyword: "UNSTOP", Message: "hi", Action: sms.OptIn}, []sms.NumberType{sms.TollFree}, 9,
			keywords{{Keyword: "UNSTOP", Message: "hi", Action: sms.OptIn}}, ""},
		{"an opt-out where one number is toll-free", nil, leave, mixed, 9, nil, "INVALID_PARAMETER"},
		{"CANCEL's message where one number is toll-free", nil, sms.Keyword{Keyword: "CANCEL", Message: "bye"}, mixed, 0,
			keywords{{Keyword: "CANCEL", Message: "bye", Action: sms.OptOut}}, ""},
		{"CANCEL's action where one number is toll-free", nil, sms.Keyword{Keyword: "CANCEL", Message: "bye", Action: sms.OptIn}, mixed, 9, nil, "RESOURCE_MODIFICATION_NOT_ALLOWED"},
		{"STOP where one number is toll-free", nil, stop, mixed, 9, nil, "RESOURCE_MODIFICATION_NOT_ALLOWED"},
		{"an answer where one number is toll-free", nil, join, mixed, 9, keywords{join}, ""},
	} {
		before := slices.Clone(c.own)
		got, k, err := Put(c.own, c.put, c.most, "KEYWORDS_PER_POOL", c.types...)
		if !slices.Equal(c.own, before) {
			t.Errorf("%s: what was there is changed in place", c.name)
		}
		if c.reason != "" {
			if e, ok := sms.AsError(err); !ok || e.Reason != c.reason || !slices.Equal(got, c.own) {
				t.Errorf("%s: %v, %v, want %s", c.name, got, err, c.reason)
			}
			continue
		}
		if err != nil || !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, %v, want %v", c.name, got, err, c.want)
		}
		if after, _ := Find(Effective(got, c.types...), c.put.Keyword); after != k || k.Message != c.put.Message {
			t.Errorf("%s: %v was put and is %v", c.name, k, after)
		}
	}
}

func TestDelete(t *testing.T) {
	own := []sms.Keyword{{Keyword: "HELP", Message: "call us", Action: sms.AutomaticResponse}, {Keyword: "JOIN", Message: "hi", Action: sms.OptIn}}
	left, gone, err := Delete(own, "JOIN", sms.LongCode)
	if err != nil || !slices.Equal(names(left), []string{"HELP"}) || gone.Message != "hi" || len(own) != 2 || own[1].Keyword != "JOIN" {
		t.Errorf("deleted %v, left %v: %v", gone, left, err)
	}
	for _, c := range []struct {
		keyword string
		number  sms.NumberType
		kind    sms.ErrorKind
		reason  sms.Reason
	}{
		{"HELP", sms.LongCode, sms.KindConflict, "RESOURCE_DELETION_NOT_ALLOWED"},
		{"STOP", sms.LongCode, sms.KindConflict, "RESOURCE_DELETION_NOT_ALLOWED"},
		{"TD", sms.LongCode, sms.KindConflict, "RESOURCE_DELETION_NOT_ALLOWED"},
		{"TD", sms.TollFree, sms.KindNotFound, ""},
		{"STOP", sms.TollFree, sms.KindConflict, "RESOURCE_DELETION_NOT_ALLOWED"},
		{"LEAVE", sms.LongCode, sms.KindNotFound, ""},
	} {
		left, _, err := Delete(own, c.keyword, c.number)
		if e, ok := sms.AsError(err); !ok || e.Kind != c.kind || e.Reason != c.reason || !slices.Equal(left, own) {
			t.Errorf("%s of %s: %v", c.keyword, c.number, err)
		}
	}
}

func TestSameAndFits(t *testing.T) {
	a, b := sms.Keyword{Keyword: "A", Message: "m", Action: sms.OptIn}, sms.Keyword{Keyword: "B", Message: "m", Action: sms.OptOut}
	other := a
	other.Message = "n"
	for _, c := range []struct {
		x, y []sms.Keyword
		want bool
	}{
		{nil, nil, true},
		{nil, []sms.Keyword{}, true},
		{[]sms.Keyword{a, b}, []sms.Keyword{b, a}, true},
		{[]sms.Keyword{a}, []sms.Keyword{a, b}, false},
		{[]sms.Keyword{a}, []sms.Keyword{other}, false},
	} {
		if Same(c.x, c.y) != c.want || Same(c.y, c.x) != c.want {
			t.Errorf("Same(%v, %v) is not %v", c.x, c.y, c.want)
		}
	}
	if !Fits([]sms.Keyword{a, b}, sms.TenDLC) || !Fits([]sms.Keyword{a}, sms.TollFree) || Fits([]sms.Keyword{a, b}, sms.TollFree) || !Fits(nil, sms.TollFree) {
		t.Error("what fits a toll-free number is not told from what does not")
	}
}
