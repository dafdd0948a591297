package sts

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// provider is an OpenID Connect issuer.
type provider struct {
	*httptest.Server
	t   *testing.T
	key *rsa.PrivateKey

	down  atomic.Bool
	kid   atomic.Pointer[string] // of its key
	asked atomic.Int32           // for its keys, or in vain for its document
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key}
	p.kid.Store(new("1"))
	mux := http.NewServeMux()
	mux.HandleFunc("GET /.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		if p.down.Load() {
			p.asked.Add(1)
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		json.NewEncoder(w).Encode(map[string]any{"issuer": p.URL, "jwks_uri": p.URL + "/keys", "id_token_signing_alg_values_supported": []string{"RS256"}})
	})
	mux.HandleFunc("GET /keys", func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		json.NewEncoder(w).Encode(map[string]any{"keys": []any{map[string]string{"kty": "RSA", "kid": *p.kid.Load(), "alg": "RS256", "use": "sig",
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())}}})
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// token signs claims.
func (p *provider) token(algorithm string, claims map[string]any) string {
	p.t.Helper()
	return p.tokenOf("1", algorithm, claims)
}

// tokenOf says that it is signed with a certain key.
func (p *provider) tokenOf(kid, algorithm string, claims map[string]any) string {
	p.t.Helper()
	part := func(v any) string {
		b, err := json.Marshal(v)
		if err != nil {
			p.t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(b)
	}
	text := part(map[string]string{"alg": algorithm, "kid": kid}) + "." + part(claims)
	if algorithm == "none" {
		return text + "."
	}
	sum := sha256.Sum256([]byte(text))
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Fatal(err)
	}
	return text + "." + base64.RawURLEncoding.EncodeToString(signature)
}

func TestAssumeRoleWithWebIdentity(t *testing.T) {
	p, stranger := newProvider(t), newProvider(t)
	r := newRig(t, Issuer{URL: p.URL, ClientIDs: []string{"sts", "other"}}, Issuer{URL: "http://127.0.0.1:1", ClientIDs: []string{"sts"}})
	name := strings.TrimPrefix(p.URL, "http://")
	federated := `{"Federated":"arn:aws:iam::111122223333:oidc-provider/` + name + `"}`
	r.role(account, "sender", trust(federated, `"sts:AssumeRoleWithWebIdentity"`, `{"StringEquals":{"`+name+`:sub":"repo:x","`+name+`:aud":"sts","`+name+`:stage":"live"}}`), statement(sendOnly))
	claims := map[string]any{"iss": p.URL, "sub": "repo:x", "aud": "sts", "stage": "live", "exp": r.clock.Add(time.Minute).Unix(), "iat": r.clock.Unix()}
	with := func(changed map[string]any) map[string]any {
		all := maps.Clone(claims)
		maps.Copy(all, changed)
		return all
	}
	ask := []string{"RoleArn", roleARN, "RoleSessionName", "job", "WebIdentityToken", p.token("RS256", claims), "DurationSeconds", "900"}
	got := r.must(nil, "AssumeRoleWithWebIdentity", ask...)
	if got.Audience != "sts" || got.Provider != p.URL || got.Subject != "repo:x" || got.AssumedRoleUser.ARN != "arn:aws:sts::111122223333:assumed-role/sender/job" {
		t.Errorf("%+v", got)
	}
	if as := r.as(got); as.Role != roleARN || !as.Session.Expires.Equal(r.clock.Add(15*time.Minute)) {
		t.Errorf("%+v", as)
	}
	changed := strings.Split(p.token("RS256", claims), ".")
	forged := strings.Split(p.token("RS256", with(map[string]any{"sub": "repo:y"})), ".")
	for what, c := range map[string]struct {
		token, code string
		status      int
	}{
		"several audiences":   {p.token("RS256", with(map[string]any{"aud": []string{"x", "sts"}})), "", 200},
		"authorized party":    {p.token("RS256", with(map[string]any{"aud": "x", "azp": "sts"})), "", 200},
		"another party":       {p.token("RS256", with(map[string]any{"azp": "x"})), "InvalidIdentityToken", 400},
		"another audience":    {p.token("RS256", with(map[string]any{"aud": "x"})), "InvalidIdentityToken", 400},
		"audience of another": {p.token("RS256", with(map[string]any{"aud": "other"})), "AccessDenied", 403},
		"another subject":     {p.token("RS256", with(map[string]any{"sub": "repo:y"})), "AccessDenied", 403},
		"another claim":       {p.token("RS256", with(map[string]any{"stage": "test"})), "AccessDenied", 403},
		"no subject":          {p.token("RS256", with(map[string]any{"sub": ""})), "InvalidIdentityToken", 400},
		"expired":             {p.token("RS256", with(map[string]any{"exp": r.clock.Add(-time.Minute).Unix()})), "ExpiredTokenException", 400},
		"not yet":             {p.token("RS256", with(map[string]any{"nbf": r.clock.Add(time.Hour).Unix()})), "InvalidIdentityToken", 400},
		"not signed":          {p.token("none", claims), "InvalidIdentityToken", 400},
		"a symmetric key":     {p.token("HS256", claims), "InvalidIdentityToken", 400},
		"another's key":       {stranger.token("RS256", claims), "InvalidIdentityToken", 400},
		"other claims":        {changed[0] + "." + forged[1] + "." + changed[2], "InvalidIdentityToken", 400},
		"a stranger's":        {stranger.token("RS256", with(map[string]any{"iss": stranger.URL})), "InvalidIdentityToken", 400},
		"out of reach":        {p.token("RS256", with(map[string]any{"iss": "http://127.0.0.1:1"})), "IDPCommunicationError", 400},
		"no token":            {"token", "InvalidIdentityToken", 400},
	} {
		_, err := r.ask(nil, "AssumeRoleWithWebIdentity", append(ask, "WebIdentityToken", c.token)...)
		if c.code == "" && err != nil || c.code != "" && (err == nil || err.Code != c.code || err.Status != c.status) {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := r.ask(nil, "AssumeRoleWithWebIdentity", append(ask, "RoleArn", roleARN+"2")...); err == nil || err.Code != "AccessDenied" {
		t.Error(err)
	}
	// A role that trusts an issuer's accounts by AssumeRole alone, or a principal of AWS.
	r.role(account, "sender", trust(`"*"`, assume, ""), statement(sendOnly))
	if _, err := r.ask(nil, "AssumeRoleWithWebIdentity", ask...); err == nil || err.Code != "AccessDenied" {
		t.Error(err)
	}
	// Without issuers none is trusted.
	if _, err := newRig(t).ask(nil, "AssumeRoleWithWebIdentity", ask...); err == nil || err.Code != "InvalidIdentityToken" {
		t.Error(err)
	}
}

func FuzzIssuerOf(f *testing.F) {
	f.Add("e30.eyJpc3MiOiJ4In0.x")
	f.Fuzz(func(t *testing.T, token string) {
		if _, err := issuerOf(token); err == nil && strings.Count(token, ".") != 2 {
			t.Error(token)
		}
	})
}
