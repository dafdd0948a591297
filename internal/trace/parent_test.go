package trace

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
)

const (
	clientTrace  = "4bf92f3577b34da6a3ce929d0e0e4736"
	clientSpan   = "00f067aa0ba902b7"
	clientParent = "00-" + clientTrace + "-" + clientSpan + "-01"
)

func TestParent(t *testing.T) {
	for text, want := range map[string]struct{ ok, sampled bool }{
		clientParent: {true, true},
		"00-" + clientTrace + "-" + clientSpan + "-00":       {true, false},
		"00-" + clientTrace + "-" + clientSpan + "-03":       {true, true},
		"00-" + clientTrace + "-" + clientSpan + "-02":       {true, false},
		"cc-" + clientTrace + "-" + clientSpan + "-01":       {true, true},
		"cc-" + clientTrace + "-" + clientSpan + "-01-later": {true, true},
		"cc-" + clientTrace + "-" + clientSpan + "-01.later": {},
		"ff-" + clientTrace + "-" + clientSpan + "-01":       {},
		clientParent + "-x":           {},
		clientParent + " ":            {},
		strings.ToUpper(clientParent): {},
		"00-" + strings.Repeat("0", 32) + "-" + clientSpan + "-01":                   {},
		"00-" + clientTrace + "-" + strings.Repeat("0", 16) + "-01":                  {},
		"00-" + clientTrace + "-" + clientSpan + "-1":                                {},
		"00-" + clientTrace + "-" + clientSpan + "-0g":                               {},
		"00-" + strings.Replace(clientTrace, "4", "g", 1) + "-" + clientSpan + "-01": {},
		"00." + clientTrace + "-" + clientSpan + "-01":                               {},
		"00-" + clientTrace + "." + clientSpan + "-01":                               {},
		"00-" + clientTrace + "-" + clientSpan + ".01":                               {},
		"":  {},
		"é": {},
	} {
		p, ok := parentOf(http.Header{"Traceparent": {text}})
		if ok != want.ok || p.sampled != want.sampled {
			t.Errorf("%q: %v, sampled %v", text, ok, p.sampled)
		}
		if ok && (fmt.Sprintf("%x", p.trace) != clientTrace || fmt.Sprintf("%x", p.span) != clientSpan) {
			t.Errorf("%q: %x %x", text, p.trace, p.span)
		}
	}
	if _, ok := parentOf(http.Header{"Traceparent": {clientParent, clientParent}}); ok {
		t.Error("two parents were taken")
	}
	for state, want := range map[string]string{"a=b": "a=b", strings.Repeat("a", maxState+1): ""} {
		if p, _ := parentOf(http.Header{"Traceparent": {clientParent}, "Tracestate": {state}}); p.state != want {
			t.Errorf("state %q", p.state)
		}
	}
}

func FuzzParent(f *testing.F) {
	for _, seed := range []string{clientParent, "00-", "cc" + clientParent[2:] + "-x", strings.ToUpper(clientParent)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		p, ok := parentOf(http.Header{"Traceparent": {text}})
		if !ok {
			if p != (parent{}) {
				t.Errorf("%q: %+v", text, p)
			}
			return
		}
		flags := text[flagsAt:parentSize]
		if written := fmt.Sprintf("%s-%x-%x-%s", text[:2], p.trace, p.span, flags); written != text[:parentSize] {
			t.Errorf("%q comes back as %q", text, written)
		}
	})
}
