package identity

import (
	"context"
	"errors"
	"fmt"

	"heliograph/internal/iam"
	"heliograph/internal/identity/totp"
	"heliograph/internal/resources"
)

// How often codes of a user's devices are looked at: who guesses has little to guess.
const (
	codesPerSecond = 1.0 / 12
	codesBurst     = 5
	codesUsers     = 10_000
)

// ErrMFA is answered where a code is not one of the user's device, or was taken before,
// or where too many wrong ones came.
var ErrMFA = errors.New("the one-time password is not valid")

// VerifyMFA takes a code of a user's device: of the one with this serial number, or of
// any where it is empty. The code is not taken again.
//
// Errors: ErrMFA.
func (a *Authority) VerifyMFA(ctx context.Context, account, user, serial, code string) error {
	item := a.userOf(account, user)
	if item == nil {
		return ErrMFA
	}
	if _, ok := a.codes.Allow(account+"/"+item.Value.ID, a.Now()); !ok {
		return ErrMFA
	}
	return a.Directory.Change(ctx, account, func(tx *resources.Tx) error {
		item := tx.Users.Get(resources.IAMKey(user))
		if item == nil {
			return ErrMFA
		}
		u := item.Value
		u.MFA = append([]iam.MFA(nil), u.MFA...)
		for i := range u.MFA {
			device := &u.MFA[i]
			if device.Enabled.IsZero() || serial != "" && device.Serial != serial {
				continue
			}
			secret, err := a.Sealer.Open(nil, device.Secret, []byte(iam.MFASecret(device.Serial)))
			if err != nil {
				return fmt.Errorf("open the secret of %s: %w", device.Serial, err)
			}
			if step, ok := totp.Verify(secret, code, a.Now(), device.Step); ok {
				device.Step = step
				tx.Users.Put(item.ID, u)
				return nil
			}
		}
		return ErrMFA
	})
}
