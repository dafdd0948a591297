package sigv4

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

const (
	keyID  = "AKIDEXAMPLE"
	secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
	token  = "AQoDYXdzEJrEXAMPLE//////////wEa8AP=="
	body   = `{"DestinationPhoneNumber":"+14254147755","MessageBody":"hello"}`
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// keyring holds one key, which may be used with and without token.
type keyring struct{}

var errBroken = errors.New("the store is closed")

func (keyring) Lookup(_ context.Context, id, t string) (Credential, error) {
	switch {
	case id == "AKIDBROKEN":
		return Credential{}, errBroken
	case id == "AKIDEXPIRED":
		return Credential{}, ErrExpiredToken
	case id != keyID || t != "" && t != token:
		return Credential{}, ErrUnknownKey
	}
	return Credential{keyID, secret, "111122223333", "arn:aws:iam::111122223333:root", nil}, nil
}

func newVerifier() *Verifier { return NewVerifier(keyring{}, "us-east-1", "sms-voice") }

// how says how a request is signed; zero values are the ordinary.
type how struct {
	id, secret, token, region, service string
	at                                 time.Time
	payload                            string // the hash signed in place of the body's
	prepare                            func(*http.Request)
}

// signed returns a request as the server sees it, signed by the AWS SDK.
func signed(t testing.TB, h how) *http.Request {
	t.Helper()
	def := func(s *string, v string) {
		if *s == "" {
			*s = v
		}
	}
	def(&h.id, keyID)
	def(&h.secret, secret)
	def(&h.region, "us-east-1")
	def(&h.service, "sms-voice")
	sum := sha256.Sum256([]byte(body))
	def(&h.payload, hex.EncodeToString(sum[:]))
	if h.at.IsZero() {
		h.at = noon
	}
	r := httptest.NewRequest("POST", "http://127.0.0.1:7670/", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/x-amz-json-1.0")
	r.Header.Set("X-Amz-Target", "PinpointSMSVoiceV2.SendTextMessage")
	if h.prepare != nil {
		h.prepare(r)
	}
	cred := aws.Credentials{AccessKeyID: h.id, SecretAccessKey: h.secret, SessionToken: h.token}
	if err := v4.NewSigner().SignHTTP(t.Context(), cred, r, h.payload, h.service, h.region, h.at); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestVerifySDK(t *testing.T) {
	sum := sha256.Sum256([]byte(body))
	v := newVerifier()
	for name, h := range map[string]how{
		"plain":                {},
		"again, with kept key": {},
		"session token":        {token: token},
		"five minutes early":   {at: noon.Add(5 * time.Minute)},
		"five minutes late":    {at: noon.Add(-5 * time.Minute)},
		"content hash":         {prepare: func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", hex.EncodeToString(sum[:])) }},
		"several values":       {prepare: func(r *http.Request) { r.Header["X-Amz-Meta-Note"] = []string{"a  b", " c"} }},
		"path and query":       {prepare: func(r *http.Request) { r.URL.Path, r.URL.RawQuery = "/a b/é", "b=2&a=1&c=x%20y" }},
	} {
		t.Run(name, func(t *testing.T) {
			cred, err := v.Verify(signed(t, h), []byte(body), noon)
			if err != nil {
				t.Fatal(err)
			}
			if cred.AccessKeyID != keyID || cred.Account != "111122223333" {
				t.Errorf("got %+v", cred)
			}
		})
	}
}

func TestVerifyBotocore(t *testing.T) {
	files, err := filepath.Glob("testdata/*.http")
	if err != nil || len(files) < 6 {
		t.Fatal(len(files), "requests", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			raw, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			read := func() (*http.Request, []byte) {
				r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(raw)))
				if err != nil {
					t.Fatal(err)
				}
				b, err := io.ReadAll(r.Body)
				if err != nil {
					t.Fatal(err)
				}
				return r, b
			}
			v := newVerifier()
			r, b := read()
			if _, err := v.Verify(r, b, noon); err != nil {
				t.Error(err)
			}
			r, b = read()
			wantCode(t, v, r, append(b, ' '), InvalidSignature)
		})
	}
}

func wantCode(t *testing.T, v *Verifier, r *http.Request, b []byte, code string, message ...string) {
	t.Helper()
	_, err := v.Verify(r, b, noon)
	var e *Error
	if !errors.As(err, &e) || e.Code != code {
		t.Fatalf("got %v, want %s", err, code)
	}
	for _, m := range message {
		if !strings.Contains(e.Message, m) {
			t.Errorf("message %q does not say %q", e.Message, m)
		}
	}
}

func TestVerifyRefuses(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	replace := func(old, new string) func(*http.Request) {
		return func(r *http.Request) {
			a := r.Header.Get("Authorization")
			r.Header.Set("Authorization", strings.Replace(a, old, new, 1))
		}
	}
	for name, c := range map[string]struct {
		how     how
		change  func(*http.Request) // after signing
		code    string
		message string
	}{
		"not signed":                        {change: func(r *http.Request) { r.Header.Del("Authorization") }, code: MissingAuthenticationToken, message: "Authorization"},
		"signed twice":                      {change: func(r *http.Request) { r.Header.Add("Authorization", "x") }, code: IncompleteSignature, message: "more than one"},
		"another scheme":                    {change: set("Authorization", "Basic eDp5"), code: IncompleteSignature, message: "AWS4-HMAC-SHA256"},
		"no signature":                      {change: replace("Signature=", "Signatur="), code: IncompleteSignature, message: "'Signatur'"},
		"scope cut":                         {change: replace("/aws4_request", ""), code: IncompleteSignature, message: "KEY/DATE/REGION"},
		"signature cut":                     {change: func(r *http.Request) { a := r.Header.Get("Authorization"); r.Header.Set("Authorization", a[:len(a)-1]) }, code: IncompleteSignature, message: "64"},
		"no date":                           {change: func(r *http.Request) { r.Header.Del("X-Amz-Date") }, code: IncompleteSignature, message: "X-Amz-Date"},
		"date of another form":              {change: set("X-Amz-Date", "2026-03-01T12:00:00Z"), code: IncompleteSignature, message: "YYYYMMDD"},
		"date not signed":                   {change: replace(";x-amz-date", ""), code: InvalidSignature, message: "x-amz-date"},
		"host not signed":                   {change: replace("host;", ""), code: InvalidSignature, message: "host"},
		"target not signed":                 {change: replace(";x-amz-target", ""), code: InvalidSignature, message: "x-amz-target"},
		"target added":                      {change: func(r *http.Request) { r.Header.Add("X-Amz-Target", "PinpointSMSVoiceV2.DeletePool") }, code: InvalidSignature, message: "once"},
		"token not signed":                  {change: set("X-Amz-Security-Token", token), code: InvalidSignature, message: "x-amz-security-token"},
		"signed header gone":                {change: func(r *http.Request) { r.Header.Del("Content-Type") }, code: InvalidSignature, message: "'content-type'"},
		"name in capitals":                  {change: replace("content-type", "Content-Type"), code: IncompleteSignature, message: "lower case"},
		"unknown key":                       {how: how{id: "AKIDNOBODY"}, code: UnrecognizedClient, message: "access key"},
		"unknown token":                     {how: how{token: "other"}, code: UnrecognizedClient, message: "session token"},
		"expired token":                     {how: how{id: "AKIDEXPIRED"}, code: ExpiredToken, message: "expired"},
		"wrong secret":                      {how: how{secret: "x"}, code: InvalidSignature, message: "secret access key"},
		"wrong region":                      {how: how{region: "eu-west-1"}, code: InvalidSignature, message: "'us-east-1', not 'eu-west-1'"},
		"wrong service":                     {how: how{service: "sns"}, code: InvalidSignature, message: "'sms-voice', not 'sns'"},
		"wrong terminator":                  {change: replace("aws4_request", "aws5_request"), code: InvalidSignature, message: "'aws4_request'"},
		"scope of another day":              {change: replace("/20260301/", "/20260302/"), code: InvalidSignature, message: "'20260302'"},
		"expired":                           {how: how{at: noon.Add(-5*time.Minute - time.Second)}, code: InvalidSignature, message: "Signature expired: 20260301T115459Z is now earlier than 20260301T115500Z (20260301T120000Z - 5 min.)"},
		"not yet current":                   {how: how{at: noon.Add(5*time.Minute + time.Second)}, code: InvalidSignature, message: "Signature not yet current: 20260301T120501Z is still later than 20260301T120500Z (20260301T120000Z + 5 min.)"},
		"unsigned payload":                  {how: how{payload: "UNSIGNED-PAYLOAD", prepare: set("X-Amz-Content-Sha256", "UNSIGNED-PAYLOAD")}, code: InvalidSignature, message: "unsigned"},
		"chunks":                            {how: how{payload: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", prepare: set("X-Amz-Content-Sha256", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")}, code: InvalidSignature, message: "chunks"},
		"another hash":                      {how: how{prepare: set("X-Amz-Content-Sha256", strings.Repeat("0", 64))}, code: InvalidSignature, message: "not the hash"},
		"unsigned payload, header not sent": {how: how{payload: "UNSIGNED-PAYLOAD"}, code: InvalidSignature, message: "secret access key"},
		"header changed":                    {change: set("Content-Type", "text/plain"), code: InvalidSignature, message: "secret access key"},
		"method changed":                    {change: func(r *http.Request) { r.Method = "PUT" }, code: InvalidSignature, message: "secret access key"},
		"path changed":                      {change: func(r *http.Request) { r.URL.Path = "/x" }, code: InvalidSignature, message: "secret access key"},
		"query added":                       {change: func(r *http.Request) { r.URL.RawQuery = "a=1" }, code: InvalidSignature, message: "secret access key"},
		"query malformed":                   {change: func(r *http.Request) { r.URL.RawQuery = "a=%zz" }, code: InvalidSignature, message: "query"},
		"host changed":                      {change: func(r *http.Request) { r.Host = "example.com" }, code: InvalidSignature, message: "secret access key"},
	} {
		t.Run(name, func(t *testing.T) {
			r := signed(t, c.how)
			if c.change != nil {
				c.change(r)
			}
			wantCode(t, newVerifier(), r, []byte(body), c.code, c.message)
		})
	}
}

func TestVerifyLookupFails(t *testing.T) {
	_, err := newVerifier().Verify(signed(t, how{id: "AKIDBROKEN"}), []byte(body), noon)
	var e *Error
	if !errors.Is(err, errBroken) || errors.As(err, &e) {
		t.Fatalf("got %v", err)
	}
}

// rotating gives the secret it holds at the time.
type rotating struct{ secret string }

func (k *rotating) Lookup(context.Context, string, string) (Credential, error) {
	return Credential{AccessKeyID: keyID, SecretAccessKey: k.secret}, nil
}

func TestSigningKeyFollowsSecret(t *testing.T) {
	k := &rotating{secret}
	v := NewVerifier(k, "us-east-1", "sts", "sms-voice")
	if _, err := v.Verify(signed(t, how{}), []byte(body), noon); err != nil {
		t.Fatal(err)
	}
	k.secret = "another"
	wantCode(t, v, signed(t, how{}), []byte(body), InvalidSignature)
	if _, err := v.Verify(signed(t, how{secret: "another"}), []byte(body), noon); err != nil {
		t.Fatal(err)
	}
}

func TestSigningKeysAreBounded(t *testing.T) {
	var s signingKeys
	for i := range mostKeys + 10 {
		c := Credential{AccessKeyID: string(rune('a'+i%26)) + time.Duration(i).String(), SecretAccessKey: "s"}
		s.get(c, "20260301", "us-east-1", "sms-voice")
	}
	if n := len(s.keys); n > mostKeys {
		t.Errorf("%d keys kept", n)
	}
}

func FuzzParseAuthorization(f *testing.F) {
	f.Add(signed(f, how{}).Header.Get("Authorization"))
	f.Add("AWS4-HMAC-SHA256 Credential=a/b/c/d/aws4_request, SignedHeaders=host, Signature=")
	f.Add("AWS4-HMAC-SHA256 ,=,")
	f.Add("AWS4-HMAC-SHA256\tSignedHeaders=;;,Credential=////")
	f.Add("")
	f.Fuzz(func(t *testing.T, value string) {
		a, err := parseAuthorization(value)
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Code != IncompleteSignature || e.Message == "" {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		for _, s := range []string{a.accessKeyID, a.date, a.region, a.service, a.terminator, a.signed} {
			if s == "" {
				t.Fatalf("%q gives %+v", value, a)
			}
		}
		if len(a.signature) != 64 || strings.Contains(a.accessKeyID, "/") {
			t.Fatalf("%q gives %+v", value, a)
		}
		// Whatever the header says, a request bearing it is refused and nothing panics.
		r := httptest.NewRequest("POST", "/?a=b", nil)
		r.Header.Set("Authorization", value)
		r.Header.Set("X-Amz-Date", "20260301T120000Z")
		if _, err := newVerifier().Verify(r, nil, noon); err == nil {
			t.Fatal("verified")
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	v, r := newVerifier(), signed(b, how{})
	text := []byte(body)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := v.Verify(r, text, noon); err != nil {
			b.Fatal(err)
		}
	}
}

// IAM has no region: the AWS CLI signs for us-east-1 whatever its own is.
func TestGlobalVerifier(t *testing.T) {
	v := NewGlobalVerifier(keyring{}, "eu-west-1", "iam")
	for _, region := range []string{"us-east-1", "eu-west-1"} {
		if _, err := v.Verify(signed(t, how{region: region, service: "iam"}), []byte(body), noon); err != nil {
			t.Errorf("%s: %v", region, err)
		}
	}
	wantCode(t, v, signed(t, how{region: "eu-west-2", service: "iam"}), []byte(body), InvalidSignature, "'eu-west-1', not 'eu-west-2'")
}
