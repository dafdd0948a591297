package verification

import (
	"bytes"
	"crypto/rand"
	"errors"
	"regexp"
	"strings"
	"testing"
	"time"

	"heliograph/internal/encode"
	"heliograph/internal/sms"
)

var (
	began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	key   = NewKey([]byte("secret"))
	fresh = sms.VerifiedNumber{ID: "verified-1", Number: "+447700900123", Status: sms.VerificationPending}
)

func digest(code string) []byte { return key.Digest("111122223333", fresh.ID, code) }

func reason(err error) string {
	if e, ok := sms.AsError(err); ok {
		return string(e.Reason)
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

// A story of codes that are sent and tried, each step some time after the first.
func TestAttempts(t *testing.T) {
	type step struct {
		at     time.Duration
		send   string // the code, or
		try    string
		reason string
		free   bool
	}
	wrong := func(n int, at time.Duration) (steps []step) {
		for range n {
			steps = append(steps, step{at: at, try: "000000", reason: "VERIFICATION_CODE_MISMATCH"})
		}
		return steps
	}
	for name, steps := range map[string][]step{
		"sent and verified":                {{send: "123456", free: true}, {at: time.Minute, try: "123456"}, {try: "123456", reason: "VERIFICATION_ALREADY_COMPLETE"}, {send: "1", reason: "VERIFICATION_ALREADY_COMPLETE"}},
		"just in time":                     {{send: "123456", free: true}, {at: 15*time.Minute - 1, try: "123456"}},
		"late":                             {{send: "123456", free: true}, {at: 15 * time.Minute, try: "123456", reason: "VERIFICATION_CODE_EXPIRED"}, {at: 15 * time.Minute, try: "9", reason: "VERIFICATION_CODE_EXPIRED"}},
		"late, and another":                {{send: "123456", free: true}, {at: 20 * time.Minute, send: "654321"}, {at: 34 * time.Minute, try: "123456", reason: "VERIFICATION_CODE_MISMATCH"}, {at: 34 * time.Minute, try: "654321"}},
		"never sent":                       {{try: "123456", reason: "VERIFICATION_CODE_MISMATCH"}, {try: "", reason: "VERIFICATION_CODE_MISMATCH"}},
		"wrong, then right":                append(append([]step{{send: "123456", free: true}}, wrong(8, 0)...), step{try: "123456"}),
		"wrong too often":                  append(append([]step{{send: "123456", free: true}}, wrong(9, 0)...), step{try: "123456", reason: "VERIFICATION_CODE_EXPIRED"}, step{send: "1", reason: "VERIFICATION_ATTEMPTS_PER_DAY"}),
		"wrong too often, and a day later": append(append([]step{{send: "123456", free: true}}, wrong(9, 0)...), step{at: 24*time.Hour - 1, send: "1", reason: "VERIFICATION_ATTEMPTS_PER_DAY"}, step{at: 24 * time.Hour, try: "123456", reason: "VERIFICATION_CODE_EXPIRED"}, step{at: 24 * time.Hour, send: "2"}, step{at: 24 * time.Hour, try: "2"}),
		"no try left for a code":           append(append([]step{{send: "123456", free: true}}, wrong(8, 0)...), step{send: "1", reason: "VERIFICATION_ATTEMPTS_PER_DAY"}, step{try: "123456"}),
		"sent too often": {{send: "1", free: true}, {send: "2"}, {send: "3"}, {send: "4"}, {send: "5"}, {send: "6"}, {send: "7"}, {send: "8"}, {send: "9"},
			{send: "10", reason: "VERIFICATION_ATTEMPTS_PER_DAY"}, {try: "9"}},
		"a day begins with its first attempt": append(append([]step{{try: "1", reason: "VERIFICATION_CODE_MISMATCH"}}, wrong(9, 23*time.Hour)...),
			step{at: 23 * time.Hour, send: "1", reason: "VERIFICATION_ATTEMPTS_PER_DAY"}, step{at: 24 * time.Hour, send: "1", free: true}),
	} {
		t.Run(name, func(t *testing.T) {
			n := fresh
			for i, s := range steps {
				now, free := began.Add(s.at), false
				var err error
				if s.send != "" {
					n, free, err = Send(n, digest(s.send), now)
				} else {
					var changed bool
					n, changed, err = Verify(n, digest(s.try), now)
					if wrong := reason(err) == "VERIFICATION_CODE_MISMATCH"; changed != (err == nil || wrong) {
						t.Errorf("step %d %+v: changed %v", i+1, s, changed)
					}
				}
				if reason(err) != s.reason || free != s.free {
					t.Fatalf("step %d %+v: %v, free %v", i+1, s, err, free)
				}
			}
		})
	}
}

// Once it is verified nothing is left of the code.
func TestVerifiedForgetsTheCode(t *testing.T) {
	n, _, err := Send(fresh, digest("123456"), began)
	if err != nil || !n.CodeExpires.Equal(began.Add(15*time.Minute)) || n.Attempts != 1 || n.CodesSent != 1 || !n.AttemptsSince.Equal(began) {
		t.Fatalf("%+v: %v", n, err)
	}
	if n, _, err = Verify(n, digest("123456"), began); err != nil || n.Status != sms.Verified || n.Code != nil || !n.CodeExpires.IsZero() {
		t.Errorf("%+v: %v", n, err)
	}
}

func TestWithdraw(t *testing.T) {
	first, _, _ := Send(fresh, digest("1"), began)
	second, free, _ := Send(first, digest("2"), began.Add(time.Minute))
	if back := Withdraw(second, first, digest("2")); free || !bytes.Equal(back.Code, digest("1")) || !back.CodeExpires.Equal(first.CodeExpires) || back.Attempts != 1 || back.CodesSent != 1 {
		t.Errorf("the code before is not good again: %+v", back)
	}
	if back := Withdraw(first, fresh, digest("1")); back.Code != nil || back.CodesSent != 0 || back.Attempts != 0 {
		t.Errorf("the first is not taken back: %+v", back)
	} else if _, free, _ := Send(back, digest("3"), began); !free {
		t.Error("the first code that is sent is not free")
	}
	if back := Withdraw(second, fresh, digest("1")); !bytes.Equal(back.Code, digest("2")) || !back.CodeExpires.Equal(second.CodeExpires) {
		t.Errorf("another code is lost: %+v", back)
	}
}

func TestDeletable(t *testing.T) {
	for after, want := range map[time.Duration]string{0: "RESOURCE_DELETION_NOT_ALLOWED", 24*time.Hour - 1: "RESOURCE_DELETION_NOT_ALLOWED", 24 * time.Hour: ""} {
		if err := Deletable("verified-1", began, began.Add(after)); reason(err) != want {
			t.Errorf("after %s: %v", after, err)
		}
	}
}

func TestDigest(t *testing.T) {
	made := digest("123456")
	for name, other := range map[string][]byte{
		"another code":    digest("123457"),
		"another number":  key.Digest("111122223333", "verified-2", "123456"),
		"another account": key.Digest("111122223334", fresh.ID, "123456"),
		"another key":     NewKey([]byte("other")).Digest("111122223333", fresh.ID, "123456"),
		"other borders":   key.Digest("111122223333verified", "-1", "123456"),
		"the key itself":  Key("secret").Digest("111122223333", fresh.ID, "123456"),
	} {
		if bytes.Equal(made, other) {
			t.Errorf("%s has the same digest", name)
		}
	}
	if !bytes.Equal(made, digest("123456")) || bytes.Contains(made, []byte("123456")) {
		t.Error("the digest is not one")
	}
}

func TestNewCode(t *testing.T) {
	form, seen := regexp.MustCompile(`^[0-9]{6}$`), map[string]bool{}
	for range 1000 {
		code, err := NewCode(rand.Reader)
		if err != nil || !form.MatchString(code) {
			t.Fatalf("%q, %v", code, err)
		}
		seen[code] = true
	}
	if len(seen) < 900 {
		t.Errorf("only %d of 1000 codes differ", len(seen))
	}
	if code, err := NewCode(bytes.NewReader(make([]byte, 8))); err != nil || code != "000000" {
		t.Errorf("of zeroes %q, %v", code, err)
	}
	if _, err := NewCode(strings.NewReader("")); err == nil || errors.Unwrap(err) == nil {
		t.Errorf("without randomness: %v", err)
	}
}

// Every language is told the code, in one message part.
func TestMessage(t *testing.T) {
	for language := range texts {
		text := Message(language, "123456")
		cut, err := encode.Split(text)
		if err != nil || len(cut.Parts) != 1 || strings.Count(text, "123456") != 1 || !strings.Contains(text, "15") {
			t.Errorf("%s: %q: %d parts, %v", language, text, len(cut.Parts), err)
		}
	}
	if len(texts) != 13 || Message("", "1") != Message(DefaultLanguage, "1") {
		t.Error("languages")
	}
}
