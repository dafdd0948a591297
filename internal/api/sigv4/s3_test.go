package sigv4

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
)

// forS3 returns a request as the server sees it, signed by the AWS SDK as its
// client of S3 does. Options change the signer's.
func forS3(t *testing.T, target, body, hash string, options ...func(*v4.SignerOptions)) *http.Request {
	t.Helper()
	r := httptest.NewRequest("GET", target, strings.NewReader(body))
	r.Header.Set("X-Amz-Content-Sha256", hash)
	options = append([]func(*v4.SignerOptions){func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }}, options...)
	cred := aws.Credentials{AccessKeyID: keyID, SecretAccessKey: secret}
	if err := v4.NewSigner().SignHTTP(t.Context(), cred, r, hash, "s3", "us-east-1", noon, options...); err != nil {
		t.Fatal(err)
	}
	return r
}

func hashOf(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

func TestVerifyS3(t *testing.T) {
	const object = "http://127.0.0.1:7670/bucket/US/a%20b%2Bc/%C3%A9~=.csv?list-type=2&prefix=a%2Fb%20c"
	v := NewS3Verifier(keyring{}, "us-east-1")
	for name, c := range map[string]struct{ sent, signed, hash string }{
		"hash of nothing": {"", "", hashOf("")},
		"hash of a body":  {"body", "body", hashOf("body")},
		"unsigned":        {"any body", "other", unsignedPayload},
	} {
		if _, err := v.Verify(forS3(t, object, c.signed, c.hash), []byte(c.sent), noon); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}

	twice := func(o *v4.SignerOptions) { o.DisableURIPathEscaping = false }
	wantCode(t, v, forS3(t, object, "", hashOf(""), twice), nil, InvalidSignature, "secret access key")
	wantCode(t, v, forS3(t, object, "body", hashOf("body")), []byte("other"), InvalidSignature, "not the hash")
	wantCode(t, v, forS3(t, object, "", "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"), nil, InvalidSignature, "chunks")
	wantCode(t, v, forS3(t, object, "", "STREAMING-UNSIGNED-PAYLOAD-TRAILER"), nil, InvalidSignature, "chunks")

	// That the body is not signed has to be signed.
	bare := forS3(t, object, "", unsignedPayload)
	bare.Header.Set("Authorization", strings.Replace(bare.Header.Get("Authorization"), "x-amz-content-sha256;", "", 1))
	wantCode(t, v, bare, nil, InvalidSignature)

	changed := forS3(t, object, "", hashOf(""))
	changed.URL.Path, changed.URL.RawPath = "/bucket/other.csv", ""
	wantCode(t, v, changed, nil, InvalidSignature, "secret access key")
	wantCode(t, v, signed(t, how{}), []byte(body), InvalidSignature, "'s3', not 'sms-voice'")
	wantCode(t, newVerifier(), forS3(t, object, "", hashOf("")), nil, InvalidSignature, "'sms-voice', not 's3'")
}

func TestService(t *testing.T) {
	for _, c := range []struct{ header, service string }{
		{signed(t, how{}).Header.Get("Authorization"), "sms-voice"},
		{signed(t, how{service: "logs"}).Header.Get("Authorization"), "logs"},
		{"AWS4-HMAC-SHA256 SignedHeaders=host, Credential=k/20260301/us-east-1/sns/aws4_request, Signature=", "sns"},
		{"AWS4-HMAC-SHA256 Credential=k/20260301/us-east-1/sns", "sns"},
		{"AWS4-HMAC-SHA256 Credential=k/20260301/us-east-1", ""},
		{"Basic eDp5", ""},
		{"", ""},
	} {
		if got := Service(http.Header{"Authorization": {c.header}}); got != c.service {
			t.Errorf("%q is for %q, not %q", c.header, got, c.service)
		}
	}
	if got := Service(http.Header{}); got != "" {
		t.Errorf("no header is for %q", got)
	}
}
