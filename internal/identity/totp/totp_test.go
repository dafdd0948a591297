package totp

import (
	"strings"
	"testing"
	"time"
)

// TestCode: the test vectors of RFC 6238, appendix B, for SHA-1, to six digits.
func TestCode(t *testing.T) {
	secret := []byte("12345678901234567890")
	for at, want := range map[int64]string{59: "287082", 1111111109: "081804", 1111111111: "050471", 1234567890: "005924", 2000000000: "279037", 20000000000: "353130"} {
		if got := Code(secret, Step(time.Unix(at, 0))); got != want {
			t.Errorf("at %d the code is %s, not %s", at, got, want)
		}
	}
}

func TestVerify(t *testing.T) {
	secret := NewSecret()
	now := time.Unix(1_700_000_000, 0)
	at := Step(now)
	for offset, ok := range map[int64]bool{-2: false, -1: true, 0: true, 1: true, 2: false} {
		if step, got := Verify(secret, Code(secret, at+offset), now, 0); got != ok || ok && step != at+offset {
			t.Errorf("a code of %d steps from now: %v of step %d", offset, got, step)
		}
	}
	code := Code(secret, at)
	step, _ := Verify(secret, code, now, at-1)
	if _, again := Verify(secret, code, now, step); again {
		t.Error("a code is taken twice")
	}
	if _, before := Verify(secret, Code(secret, at-1), now, step); before {
		t.Error("a code from before the last one is taken")
	}
	for _, wrong := range []string{"", "1", code + "0", code[:5]} {
		if _, ok := Verify(secret, wrong, now, 0); ok {
			t.Errorf("%q is taken", wrong)
		}
	}
}

func TestSecret(t *testing.T) {
	secret := NewSecret()
	if len(secret) != 20 || len(Encode(secret)) != 32 {
		t.Errorf("%d octets, %s", len(secret), Encode(secret))
	}
	if u := URL("Heliograph", "ann@111122223333", secret); !strings.HasPrefix(u, "otpauth://totp/Heliograph:ann@111122223333?") || !strings.Contains(u, "secret="+Encode(secret)) {
		t.Error(u)
	}
}
