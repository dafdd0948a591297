package identity

import (
	"errors"
	"testing"

	"heliograph/internal/iam"
	"heliograph/internal/identity/totp"
)

// Only wrong codes count, one that was taken before among them.
func TestVerifyMFA(t *testing.T) {
	r := newRig(t)
	const serial = "arn:aws:iam::111122223333:mfa/ann"
	secret := totp.NewSecret()
	r.user(first, iam.User{Name: "ann", Path: "/",
		MFA: []iam.MFA{{Serial: serial, Secret: r.sealing.Seal(nil, secret, []byte(iam.MFASecret(serial))), Enabled: r.clock}}}, nil)
	step := totp.Step(r.clock)
	verify := func(serial string, of int64) error {
		return r.VerifyMFA(t.Context(), first, "ann", serial, totp.Code(secret, of))
	}
	for range codesBurst - 1 {
		if err := verify(serial+"/other", step); !errors.Is(err, ErrMFA) {
			t.Errorf("a code of another device: %v", err)
		}
	}
	for _, s := range []int64{step - 1, step} {
		if err := verify(serial, s); err != nil {
			t.Errorf("a right code after wrong ones: %v", err)
		}
	}
	if err := verify("", step); !errors.Is(err, ErrMFA) {
		t.Errorf("a code is taken twice: %v", err)
	}
	if err := verify("", step+1); !errors.Is(err, ErrMFA) {
		t.Errorf("codes may be guessed for ever: %v", err)
	}
	if err := r.VerifyMFA(t.Context(), first, "eve", "", "123456"); !errors.Is(err, ErrMFA) {
		t.Error(err)
	}
}
