// Package totp makes and takes the codes of time-based one-time password devices (RFC
// 6238): six digits of HMAC-SHA-1, another every 30 seconds.
package totp

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base32"
	"encoding/binary"
	"fmt"
	"net/url"
	"time"
)

const (
	step   = 30 * time.Second
	digits = 6
	modulo = 1_000_000
	// around is how many steps a device's clock may differ, either way.
	around = 1
)

// NewSecret makes a device's secret of 160 bits.
func NewSecret() []byte {
	secret := make([]byte, 20)
	rand.Read(secret)
	return secret
}

// Encode is a secret as people type it into a device: base 32.
func Encode(secret []byte) string {
	return base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(secret)
}

// URL is what a device reads as a QR code ("Key Uri Format" of Google Authenticator).
func URL(issuer, account string, secret []byte) string {
	query := url.Values{"secret": {Encode(secret)}, "issuer": {issuer}}
	return "otpauth://totp/" + url.PathEscape(issuer+":"+account) + "?" + query.Encode()
}

// Step is the number of the step that a time is in.
func Step(at time.Time) int64 { return at.Unix() / int64(step/time.Second) }

// Code is the code of a step.
func Code(secret []byte, step int64) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write(binary.BigEndian.AppendUint64(nil, uint64(step)))
	sum := mac.Sum(nil)
	at := sum[len(sum)-1] & 0xf
	return fmt.Sprintf("%0*d", digits, binary.BigEndian.Uint32(sum[at:])&0x7fffffff%modulo)
}

// Verify finds the step of a code: one later than last, the step of the code
// that was taken last, and at most one away from now. A code that is taken must not be
// taken again: what is answered is the next last.
func Verify(secret []byte, code string, now time.Time, last int64) (step int64, ok bool) {
	at := Step(now)
	for s := at - around; s <= at+around; s++ {
		if subtle.ConstantTimeCompare([]byte(Code(secret, s)), []byte(code)) == 1 && s > last && !ok {
			step, ok = s, true
		}
	}
	return step, ok
}
