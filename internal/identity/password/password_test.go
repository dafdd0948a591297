package password

import (
	"errors"
	"strings"
	"testing"
)

func TestHash(t *testing.T) {
	h := Hash("correct horse battery")
	if !strings.HasPrefix(h, "$argon2id$v=19$m=19456,t=2,p=1$") || h == Hash("correct horse battery") {
		t.Error(h)
	}
	if !Check(h, "correct horse battery") {
		t.Error("the password is not the one of its hash")
	}
	for _, wrong := range []string{"", "correct horse batterY", "correct horse battery ", strings.Repeat("x", 1<<20)} {
		if Check(h, wrong) {
			t.Errorf("%.40q is taken", wrong)
		}
	}
}

// TestCheckOthers: a hash of the reference implementation (argon2 -id -t 2 -m 16 -p 1).
func TestCheckOthers(t *testing.T) {
	const made = "$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc"
	if !Check(made, "password") || Check(made, "differentpassword") {
		t.Error("the reference's hash is read otherwise")
	}
}

func TestBrokenHashes(t *testing.T) {
	good := Hash("x")
	for _, bad := range []string{"", "x", "$argon2i" + good[9:], strings.Replace(good, "v=19", "v=18", 1), strings.Replace(good, "m=19456", "m=999999999", 1),
		strings.Replace(good, "t=2", "t=0", 1), strings.Replace(good, "p=1", "p=0", 1), good[:len(good)-40], good + "$", good + "!"} {
		if Check(bad, "x") || Check(bad, "") {
			t.Errorf("%q is a hash", bad)
		}
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
