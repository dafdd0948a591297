// Package verification holds the rules by which an account shows that a destination
// number is its own (guide chapter 3, "Verify a destination phone number while in the
// sandbox"): a code is sent to the number, and given back within 15 minutes.
//
// What may be done in a day is counted for each number, codes that are sent and codes
// that are tried alike. The code itself is kept nowhere but in its message: a number has
// a keyed digest of it. Every function takes the number as it is and gives it as it will
// be; the caller stores that before it answers, so that no try is free, whatever happens
// to the process.
package verification

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"math/big"
	"time"

	"heliograph/internal/sms"
)

const (
	// CodeLife is how long a code can be given back.
	CodeLife = 15 * time.Minute
	// AttemptsPerDay is how many codes may be sent to a number and tried for it, both
	// together, in a day from the first on. The guide has no figure.
	AttemptsPerDay = 10
	// KeptFor is how long a number stays at least (guide chapter 3, "SMS sandbox").
	KeptFor = 24 * time.Hour

	day = 24 * time.Hour
)

// codes is how many codes there are: those of six digits.
const codes = 1_000_000

// NewCode draws a code of six digits, each as likely as the others.
func NewCode(random io.Reader) (string, error) {
	n, err := rand.Int(random, big.NewInt(codes))
	if err != nil {
		return "", fmt.Errorf("make a verification code: %w", err)
	}
	return fmt.Sprintf("%06d", n), nil
}

// Key makes digests of codes. There are so few codes that a digest without a key would
// be as good as the code.
type Key []byte

// NewKey derives the key from a secret of the installation, which may serve other ends
// too.
func NewKey(secret []byte) Key {
	mac := hmac.New(sha256.New, secret)
	mac.Write([]byte("verification codes of destination numbers"))
	return mac.Sum(nil)
}

// Digest is what is kept of a code for the verified number id of an account.
func (k Key) Digest(account, id, code string) []byte {
	mac := hmac.New(sha256.New, k)
	for _, field := range [...]string{account, id, code} {
		var size [8]byte
		binary.BigEndian.PutUint64(size[:], uint64(len(field)))
		mac.Write(size[:])
		mac.Write([]byte(field))
	}
	return mac.Sum(nil)
}

// Send is n with a code, of which digest is kept, on its way. It takes the place of any
// before. free is set for the number's first code, which is not charged. A code is sent
// only while a try is left for it.
//
// Errors: Conflict VERIFICATION_ALREADY_COMPLETE, ServiceQuotaExceeded
// VERIFICATION_ATTEMPTS_PER_DAY.
func Send(n sms.VerifiedNumber, digest []byte, now time.Time) (sent sms.VerifiedNumber, free bool, err error) {
	if n.Status == sms.Verified {
		return n, false, complete(n)
	}
	if used := attempts(n, now); used >= AttemptsPerDay-1 {
		return n, false, sms.QuotaExceeded(sms.ReasonVerificationAttemptsPerDay,
			"%d verification codes were sent to this number and tried for it since %s; at most %d are allowed in 24 hours, and one has to be left to try a code.",
			used, n.AttemptsSince.UTC().Format(time.RFC3339), AttemptsPerDay)
	}
	free = n.CodesSent == 0
	n = attempted(n, now)
	n.Code, n.CodeExpires = digest, now.Add(CodeLife).UTC()
	n.CodesSent++
	return n, free, nil
}

// Withdraw takes back a code that was not sent after all. before is n as it was when
// Send was called; its code is good again unless another has taken its place.
func Withdraw(n, before sms.VerifiedNumber, digest []byte) sms.VerifiedNumber {
	n.CodesSent = max(n.CodesSent-1, 0)
	n.Attempts = max(n.Attempts-1, 0)
	if hmac.Equal(n.Code, digest) {
		n.Code, n.CodeExpires = before.Code, before.CodeExpires
	}
	return n
}

// Verify is n after a code with this digest was tried. Where changed is set the caller
// stores what it gives, also beside an error.
//
// Errors: Conflict VERIFICATION_ALREADY_COMPLETE; Conflict VERIFICATION_CODE_EXPIRED for
// a code that is late, and for any once the day's attempts are used up; Validation
// VERIFICATION_CODE_MISMATCH, also where no code was sent.
func Verify(n sms.VerifiedNumber, digest []byte, now time.Time) (tried sms.VerifiedNumber, changed bool, err error) {
	switch {
	case n.Status == sms.Verified:
		return n, false, complete(n)
	case attempts(n, now) >= AttemptsPerDay:
		return n, false, expired(n, "Too many codes were tried for this number, so that none is valid any more. Ask for another tomorrow.")
	case n.CodesSent > 0 && !now.Before(n.CodeExpires):
		return n, false, expired(n, "The verification code is not valid any more: it was for %d minutes. Ask for another.", int(CodeLife.Minutes()))
	case n.CodesSent == 0 || !hmac.Equal(n.Code, digest):
		return attempted(n, now), true, sms.Invalid(sms.ReasonVerificationCodeMismatch, "VerificationCode", "VerificationCode is not the code that was sent last.")
	}
	n.Status, n.Code, n.CodeExpires = sms.Verified, nil, time.Time{}
	return n, true, nil
}

// Deletable says whether a number that was added at this time may be deleted now.
//
// Errors: Conflict RESOURCE_DELETION_NOT_ALLOWED.
func Deletable(id string, created, now time.Time) error {
	if until := created.Add(KeptFor); now.Before(until) {
		return sms.Conflict(sms.ReasonResourceDeletionNotAllowed, sms.TypeVerifiedNumber, id,
			"A destination number can be deleted 24 hours after it was added: from %s on.", until.UTC().Format(time.RFC3339))
	}
	return nil
}

// attempts are those of the day that began with the first of them.
func attempts(n sms.VerifiedNumber, now time.Time) int {
	if now.Sub(n.AttemptsSince) >= day {
		return 0
	}
	return n.Attempts
}

func attempted(n sms.VerifiedNumber, now time.Time) sms.VerifiedNumber {
	used := attempts(n, now)
	if used == 0 {
		n.AttemptsSince = now.UTC()
	}
	n.Attempts = used + 1
	return n
}

func complete(n sms.VerifiedNumber) error {
	return sms.Conflict(sms.ReasonVerificationAlreadyComplete, sms.TypeVerifiedNumber, n.ID, "The destination number is verified already.")
}

func expired(n sms.VerifiedNumber, format string, args ...any) error {
	return sms.Conflict(sms.ReasonVerificationCodeExpired, sms.TypeVerifiedNumber, n.ID, format, args...)
}
