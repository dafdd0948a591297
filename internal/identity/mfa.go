package identity

import (
	"context"
	"errors"

	"heliograph/internal/iam"
	"heliograph/internal/identity/totp"
	"heliograph/internal/resources"
)

// How many wrong codes a user may give: who guesses has little to guess.
const (
	codesPerSecond = 1.0 / 12
	codesBurst     = 5
	codesUsers     = 10_000
)

// ErrMFA is answered where a code is not one of the user's device, or was taken before,
// or where too many wrong ones came.
var ErrMFA = errors.New("the one-time password is not valid")

// VerifyMFA takes a code of a user's device: of the one with this serial number, or of
// any where it is empty. The code is not taken again. After too many wrong ones none is
// taken for a while.
//
// Errors: ErrMFA.
func (a *Authority) VerifyMFA(ctx context.Context, account, user, serial, code string) error {
	item := a.userOf(account, user)
	if item == nil {
		return ErrMFA
	}
	key, now := account+"/"+item.Value.ID, a.Now()
	if _, ok := a.codes.Allow(key, now); !ok || !a.MatchMFA(account, user, serial, code) {
		return ErrMFA
	}
	err := a.TakeMFA(ctx, account, user, serial, code)
	if !errors.Is(err, ErrMFA) {
		a.codes.GiveBack(key, now)
	}
	return err
}

// MatchMFA reports whether a code is one that TakeMFA takes. It takes nothing, waits for
// nobody, and does the same work whatever the code, the devices and whether there is such
// a user.
func (a *Authority) MatchMFA(account, user, serial, code string) bool {
	var devices []iam.MFA
	if item := a.userOf(account, user); item != nil {
		devices = item.Value.MFA
	}
	_, _, ok := a.match(devices, serial, code)
	return ok
}

// TakeMFA takes a code of a user's device, of the one with this serial number or of any
// where it is empty, so that it is not taken again. It waits for others who change the
// account: it is for codes that MatchMFA has found right.
//
// Errors: ErrMFA.
func (a *Authority) TakeMFA(ctx context.Context, account, user, serial, code string) error {
	return a.Directory.Change(ctx, account, func(tx *resources.Tx) error {
		item := tx.Users.Get(resources.IAMKey(user))
		if item == nil {
			return ErrMFA
		}
		u := item.Value
		i, step, ok := a.match(u.MFA, serial, code)
		if !ok {
			return ErrMFA // gone or taken meanwhile
		}
		u.MFA = append([]iam.MFA(nil), u.MFA...)
		u.MFA[i].Step = step
		tx.Users.Put(item.ID, u)
		return nil
	})
}

// match finds the device that a code is of, and its step. However many devices there
// are, as many are looked at as a user may have. One whose secret does not open has no
// codes.
func (a *Authority) match(devices []iam.MFA, serial, code string) (at int, step int64, ok bool) {
	for i := range max(len(devices), iam.MaxMFADevices) {
		device, usable := a.decoy(), i < len(devices)
		if usable {
			device = devices[i]
			usable = !device.Enabled.IsZero() && (serial == "" || device.Serial == serial)
		}
		secret, err := a.Sealer.Open(nil, device.Secret, []byte(iam.MFASecret(device.Serial)))
		if err != nil {
			a.Log.Error("the secret of an MFA device does not open", "device", device.Serial, "error", err)
			secret, usable = nil, false
		}
		if s, right := totp.Verify(secret, code, a.Now(), device.Step); right && usable && !ok {
			at, step, ok = i, s, true
		}
	}
	return at, step, ok
}

// newDecoy makes a device that nobody has.
func newDecoy(o *Options) iam.MFA {
	const serial = "nobody's"
	return iam.MFA{Serial: serial, Secret: o.Sealer.Seal(nil, totp.NewSecret(), []byte(iam.MFASecret(serial)))}
}
