package password

import (
	"context"
	"errors"
	"strings"
	"testing"
)

// hash and check are those of a Hasher that nobody else asks.
func hash(t *testing.T, password string) string {
	t.Helper()
	h, err := NewHasher(1, 0).Hash(t.Context(), password)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func check(t *testing.T, hash, password string) bool {
	t.Helper()
	right, err := NewHasher(1, 0).Check(t.Context(), hash, password)
	if err != nil {
		t.Fatal(err)
	}
	return right
}

func TestHash(t *testing.T) {
	h := hash(t, "correct horse battery")
	if !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") || h == hash(t, "correct horse battery") {
		t.Error(h)
	}
	if !check(t, h, "correct horse battery") {
		t.Error("the password is not the one of its hash")
	}
	for _, wrong := range []string{"", "correct horse batterY", "correct horse battery ", strings.Repeat("x", 1<<20)} {
		if check(t, h, wrong) {
			t.Errorf("%.40q is taken", wrong)
		}
	}
}

// TestCheckOthers: a hash of the reference implementation (argon2 -id -t 2 -m 16 -p 1).
func TestCheckOthers(t *testing.T) {
	const made = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !check(t, made, "password") || check(t, made, "differentpassword") {
		t.Error("the reference's hash is read otherwise")
	}
}

func TestBrokenHashes(t *testing.T) {
	good := hash(t, "x")
	for _, bad := range []string{"", "x", "$argon2i" + good[9:], strings.Replace(good, "v=19", "v=18", 1), strings.Replace(good, "m=19456", "m=999999999", 1),
		strings.Replace(good, "t=2", "t=0", 1), strings.Replace(good, "p=1", "p=0", 1), good[:len(good)-40], good + "$", good + "!"} {
		if check(t, bad, "x") || check(t, bad, "") {
			t.Errorf("%q is a hash", bad)
		}
	}
}

// TestNobody: it costs what a new hash does, and has no password.
func TestNobody(t *testing.T) {
	p, salt, want, ok := parse(Nobody)
	if !ok || p != (parameters{memoryKiB, passes, threads}) || len(salt) != saltBytes || len(want) != hashBytes || check(t, Nobody, "") {
		t.Errorf("%+v, %d, %d", p, len(salt), len(want))
	}
}

// TestHasher: those who find no place wait, as long as they like, and there is an end to
// how many may.
func TestHasher(t *testing.T) {
	h := NewHasher(1, 1)
	h.room <- struct{}{}
	h.places <- struct{}{} // one is computed
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := h.Check(gone, Nobody, "x"); !errors.Is(err, context.Canceled) {
		t.Errorf("who is gone waits: %v", err)
	}
	h.room <- struct{}{} // one waits
	if _, err := h.Hash(t.Context(), "x"); !errors.Is(err, ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	if _, err := h.Check(t.Context(), Nobody, "x"); !errors.Is(err, ErrBusy) {
		t.Errorf("one too many: %v", err)
	}
	<-h.places
	<-h.room
	<-h.room
	if _, err := h.Hash(t.Context(), "x"); err != nil || len(h.room)+len(h.places) != 0 {
		t.Errorf("%v; %d and %d places are taken", err, len(h.room), len(h.places))
	}
}

func TestAllowed(t *testing.T) {
	for password, ok := range map[string]bool{"": false, "elevenchars": false, "twelve chars": true, strings.Repeat("ä", 128): true, strings.Repeat("x", 129): false,
		"twelve char\xff": false} {
		if err := Allowed(password); (err == nil) != ok || err != nil && !errors.Is(err, ErrPolicy) {
			t.Errorf("%q: %v", password, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc")
	f.Fuzz(func(t *testing.T, hash string) {
		p, salt, want, ok := parse(hash)
		if ok && (p.memory > mostMemory || p.passes > mostPasses || len(salt) == 0 || len(want) < 16) {
			t.Errorf("%q costs %+v", hash, p)
		}
	})
}
