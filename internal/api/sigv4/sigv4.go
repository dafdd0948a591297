// Package sigv4 verifies requests signed with AWS Signature Version 4, as the
// "AWS Signature Version 4 for API requests" chapter of the IAM guide describes
// it: the Authorization header form, AWS4-HMAC-SHA256, the body in one piece.
//
// The signature covers the headers that the client chose to sign, so these are
// read from the request rather than guessed by signing it again. Host, the
// header with the request's date, and X-Amz-Target and X-Amz-Security-Token
// where sent have to be among them: what decides who asks for what, and when,
// cannot be changed on the way.
package sigv4

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/mail"
	"slices"
	"strings"
	"time"

	"heliograph/internal/iam"
)

// Skew is how far a request's date may lie from the server's clock, either way.
const Skew = 5 * time.Minute

// Credential is an access key and whom it stands for.
type Credential struct {
	AccessKeyID     string
	SecretAccessKey string
	Account         string        // the account's twelve digits
	Principal       string        // the ARN of the user, role session or root that holds the key
	Identity        *iam.Identity // who that is
}

// What Keys answers when it does not give a credential.
var (
	// ErrUnknownKey: there is no such access key, it is not active, or the
	// session token is not the one it came with.
	ErrUnknownKey = errors.New("unknown access key")
	// ErrExpiredToken: the session that the access key belongs to has ended.
	ErrExpiredToken = errors.New("session has expired")
)

// Keys finds credentials.
type Keys interface {
	// Lookup returns the credential of accessKeyID. sessionToken is the value
	// of X-Amz-Security-Token, "" when the request has none: a long-term key
	// has to come without, a session's key with its own. Errors other than
	// ErrUnknownKey and ErrExpiredToken are taken for failures of the server.
	Lookup(ctx context.Context, accessKeyID, sessionToken string) (Credential, error)
}

// Verifier verifies the requests of one region. It may be used by several
// goroutines at once.
type Verifier struct {
	keys     Keys
	region   string
	global   bool // GlobalRegion too
	services []string
	s3       bool // by the rules of Amazon S3
	signing  signingKeys
}

// NewVerifier returns a Verifier for requests that are signed for region and
// one of services, by their signing names ("sms-voice").
func NewVerifier(keys Keys, region string, services ...string) *Verifier {
	return &Verifier{keys: keys, region: region, services: slices.Clone(services)}
}

// GlobalRegion is what services without a region, such as IAM, are signed for ("AWS
// service endpoints" in the AWS General Reference).
const GlobalRegion = "us-east-1"

// NewGlobalVerifier returns a Verifier for requests to a service that clients sign for
// GlobalRegion, whatever their own is, or for region.
func NewGlobalVerifier(keys Keys, region, service string) *Verifier {
	v := NewVerifier(keys, region, service)
	v.global = true
	return v
}

// NewS3Verifier returns a Verifier for requests to Amazon S3 in region, whose
// signatures differ from those of other services ("Authenticating Requests (AWS
// Signature Version 4)" in the API reference of S3): the path enters them as it was
// sent, and the body may be left out of them, where a signed X-Amz-Content-Sha256 says
// UNSIGNED-PAYLOAD. Bodies in signed chunks and signatures in the query are refused.
func NewS3Verifier(keys Keys, region string) *Verifier {
	v := NewVerifier(keys, region, "s3")
	v.s3 = true
	return v
}

// Service is the service in the credential scope that a request claims, by which
// the right Verifier is found; empty where the request is not signed or has no such
// scope. It is not verified.
func Service(h http.Header) string {
	values := h["Authorization"]
	if len(values) == 0 {
		return ""
	}
	_, rest, found := strings.Cut(values[0], "Credential=")
	for range 3 { // key, date and region
		if _, rest, found = strings.Cut(rest, "/"); !found {
			return ""
		}
	}
	service, _, _ := strings.Cut(rest, "/")
	return service
}

// Verify says whose request r is. body is the whole body of r, which is not
// read here; now is the time of the server's clock.
//
// A refusal is an *Error; any other error is a failure of Keys.
func (v *Verifier) Verify(r *http.Request, body []byte, now time.Time) (Credential, error) {
	a, date, err := v.claim(r, now)
	if err != nil {
		return Credential{}, err
	}
	var signs payload
	if v.s3 && unsigned(r.Header, a) {
		signs.unsigned = true
	} else {
		signs.sum = sha256.Sum256(body)
		if err := checkPayload(r.Header, a, signs.sum); err != nil {
			return Credential{}, err
		}
	}
	cred, err := v.lookup(r, a)
	if err != nil {
		return Credential{}, err
	}
	key := v.signing.get(cred, a.date, a.region, a.service)
	want, err := sign(r, a, key, date, signs, v.s3)
	if err != nil {
		return Credential{}, err
	}
	if subtle.ConstantTimeCompare([]byte(a.signature), want[:]) != 1 {
		return Credential{}, refuse(InvalidSignature,
			"the signature is not the one that the request and the secret access key give; check the secret access key and how the request was signed")
	}
	return cred, nil
}

// Claimed refuses a request that Verify will refuse whatever its body is: one that is not
// signed for this region and service and about now, or not with an access key that there
// is. Whoever sent it does not have to have the key.
//
// Its errors are those of Verify.
func (v *Verifier) Claimed(r *http.Request, now time.Time) error {
	a, _, err := v.claim(r, now)
	if err == nil {
		_, err = v.lookup(r, a)
	}
	return err
}

// claim reads what a request says of its signature, without the body, and gives its date
// as it enters the string to sign.
func (v *Verifier) claim(r *http.Request, now time.Time) (a auth, date string, err error) {
	if a, err = authorization(r.Header); err != nil {
		return auth{}, "", err
	}
	date, signed, err := requestTime(r.Header, a)
	if err != nil {
		return auth{}, "", err
	}
	if err := checkSigned(r.Header, a); err != nil {
		return auth{}, "", err
	}
	if err := v.checkScope(a, date); err != nil {
		return auth{}, "", err
	}
	return a, date, checkSkew(signed, now)
}

func (v *Verifier) lookup(r *http.Request, a auth) (Credential, error) {
	cred, err := v.keys.Lookup(r.Context(), a.accessKeyID, r.Header.Get("X-Amz-Security-Token"))
	switch {
	case errors.Is(err, ErrUnknownKey):
		return Credential{}, refuse(UnrecognizedClient, "the access key or session token of the request is not valid")
	case errors.Is(err, ErrExpiredToken):
		return Credential{}, refuse(ExpiredToken, "the session token of the request has expired")
	case err != nil:
		return Credential{}, fmt.Errorf("look up access key: %w", err)
	}
	return cred, nil
}

// basicFormat is the ISO 8601 basic format of X-Amz-Date.
const basicFormat = "20060102T150405Z"

// requestTime returns the request's date as it enters the string to sign, and
// as a time. X-Amz-Date comes before Date.
func requestTime(h http.Header, a auth) (string, time.Time, error) {
	name, text := "x-amz-date", h.Get("X-Amz-Date")
	if text == "" {
		name, text = "date", h.Get("Date")
	}
	if text == "" {
		return "", time.Time{}, refuse(IncompleteSignature, "the request needs an X-Amz-Date or a Date header")
	}
	t, err := time.Parse(basicFormat, text)
	if err != nil && name == "date" {
		t, err = mail.ParseDate(text)
	}
	basic := t.UTC().Format(basicFormat)
	if err != nil || name == "x-amz-date" && text != basic {
		return "", time.Time{}, refuse(IncompleteSignature, "the date of the request has to be in the form "+basicForm+", in the X-Amz-Date header")
	}
	if !a.signs(name) {
		return "", time.Time{}, refuse(InvalidSignature, name+" has to be one of the SignedHeaders")
	}
	return basic, t, nil
}

// basicForm is basicFormat as people write it.
const basicForm = "YYYYMMDD'T'HHMMSS'Z'"

// checkSigned refuses a request in which a header that decides what the request
// means is not signed.
func checkSigned(h http.Header, a auth) error {
	if !a.signs("host") {
		return refuse(InvalidSignature, "host has to be one of the SignedHeaders")
	}
	for _, name := range [...][2]string{{"X-Amz-Target", "x-amz-target"}, {"X-Amz-Security-Token", "x-amz-security-token"}} {
		if len(h[name[0]]) > 0 && !a.signs(name[1]) {
			return refuse(InvalidSignature, name[1]+" has to be one of the SignedHeaders")
		}
		if len(h[name[0]]) > 1 {
			return refuse(InvalidSignature, name[1]+" may be sent only once")
		}
	}
	return nil
}

// checkScope holds the credential scope against the request's date and against
// the region and services that are served.
func (v *Verifier) checkScope(a auth, date string) error {
	switch {
	case a.date != date[:8]:
		return refuse(InvalidSignature, "the date of the credential scope is "+quoted(a.date)+"; the request's date is "+date)
	case a.region != v.region && !(v.global && a.region == GlobalRegion):
		return refuse(InvalidSignature, "the credential has to be scoped to the region "+quoted(v.region)+", not "+quoted(a.region))
	case !slices.Contains(v.services, a.service):
		return refuse(InvalidSignature, "the credential has to be scoped to the service "+quoted(strings.Join(v.services, "' or '"))+", not "+quoted(a.service))
	case a.terminator != terminator:
		return refuse(InvalidSignature, "the credential scope has to end in "+quoted(terminator)+", not "+quoted(a.terminator))
	}
	return nil
}

// checkSkew refuses a request that was signed too long before now or too long
// after.
func checkSkew(signed, now time.Time) error {
	at := func(t time.Time) string { return t.UTC().Format(basicFormat) }
	switch {
	case signed.Before(now.Add(-Skew)):
		return refuse(InvalidSignature, fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - 5 min.)", at(signed), at(now.Add(-Skew)), at(now)))
	case signed.After(now.Add(Skew)):
		return refuse(InvalidSignature, fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + 5 min.)", at(signed), at(now.Add(Skew)), at(now)))
	}
	return nil
}

// unsignedPayload stands for the hash of a body that is not signed.
const unsignedPayload = "UNSIGNED-PAYLOAD"

// payload is what a signature says of the body: its hash, or that it is not signed.
type payload struct {
	sum      [sha256.Size]byte
	unsigned bool
}

// unsigned reports whether the signed headers say that the body is not signed.
func unsigned(h http.Header, a auth) bool {
	values := h["X-Amz-Content-Sha256"]
	return len(values) == 1 && values[0] == unsignedPayload && a.signs("x-amz-content-sha256")
}

// checkPayload holds a signed X-Amz-Content-Sha256 against the hash of the
// body. Bodies that are not signed or signed in chunks are refused.
func checkPayload(h http.Header, a auth, sum [sha256.Size]byte) error {
	values := h["X-Amz-Content-Sha256"]
	if len(values) == 0 || !a.signs("x-amz-content-sha256") {
		return nil
	}
	var want [2 * sha256.Size]byte
	hex.Encode(want[:], sum[:])
	switch {
	case len(values) == 1 && values[0] == string(want[:]):
		return nil
	case values[0] == unsignedPayload || strings.HasPrefix(values[0], "STREAMING-"):
		return refuse(InvalidSignature, "x-amz-content-sha256 has to be the hash of the whole body; bodies that are unsigned or sent in chunks are not taken")
	}
	return refuse(InvalidSignature, "x-amz-content-sha256 is not the hash of the body")
}
