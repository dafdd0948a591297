package sts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"heliograph/internal/iam"
)

// Issuer is an OpenID Connect issuer whose tokens are trusted, by roles that name it.
type Issuer struct {
	URL       string   // "https://issuer.example"
	ClientIDs []string // audiences that a token may be for
}

const (
	// answerTime bounds what an issuer is asked for, its document and its keys, and
	// answerBytes how long they may be.
	answerTime  = 10 * time.Second
	answerBytes = 1 << 20
	// mostClaims bounds what policies see of a token.
	mostClaims    = 100
	mostClaimText = 1024
)

// Issuers verify the tokens of web identities. An issuer is asked for its keys when its
// first token comes.
type Issuers struct {
	now    func() time.Time
	client *http.Client
	all    map[string]*issuer // by URL
}

type issuer struct {
	Issuer
	mu       sync.Mutex
	verifier *oidc.IDTokenVerifier // nil: it was not reached yet
}

// NewIssuers knows these issuers. The operator has named them, so that they may be
// anywhere.
func NewIssuers(issuers []Issuer, now func() time.Time) *Issuers {
	all := &Issuers{now: now, all: map[string]*issuer{}, client: &http.Client{Timeout: answerTime, Transport: bounded{http.DefaultTransport}}}
	for _, of := range issuers {
		all.all[of.URL] = &issuer{Issuer: of}
	}
	return all
}

// bounded cuts answers off.
type bounded struct{ http.RoundTripper }

func (b bounded) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := b.RoundTripper.RoundTrip(r)
	if err == nil {
		answer.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(answer.Body, answerBytes), answer.Body}
	}
	return answer, err
}

// algorithms are those that a token may be signed with.
var algorithms = []string{oidc.RS256, oidc.RS384, oidc.RS512, oidc.ES256, oidc.ES384, oidc.ES512, oidc.PS256, oidc.PS384, oidc.PS512, oidc.EdDSA}

// webIdentity is what a token says.
type webIdentity struct {
	Principal iam.Principal
	Audience  string
	Subject   string
	Provider  string // the issuer's URL
}

// Errors of verify.
var (
	errIssuer   = errors.New("no OpenIDConnect provider found for the issuer of the token")
	errAudience = errors.New("incorrect token audience")
	errReach    = errors.New("the issuer cannot be reached")
)

// verify reads a token.
//
// Errors: errIssuer, errAudience, errReach, *oidc.TokenExpiredError; others say that it is
// no token that the issuer has made.
func (s *Issuers) verify(ctx context.Context, token string) (*webIdentity, error) {
	if s == nil {
		return nil, errIssuer
	}
	claimed, err := issuerOf(token)
	if err != nil {
		return nil, err
	}
	of := s.all[claimed]
	if of == nil {
		return nil, errIssuer
	}
	verifier, err := of.reach(oidc.ClientContext(context.WithoutCancel(ctx), s.client), s.now)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", errReach, err)
	}
	read, err := verifier.Verify(ctx, token)
	if err != nil {
		if strings.Contains(err.Error(), "fetching keys") {
			return nil, fmt.Errorf("%w: %w", errReach, err)
		}
		return nil, err
	}
	claims := map[string]any{}
	if err := read.Claims(&claims); err != nil {
		return nil, err
	}
	if read.Subject == "" {
		return nil, errors.New("the token has no subject")
	}
	audience, ok := of.audience(read.Audience, claims["azp"])
	if !ok {
		return nil, errAudience
	}
	name := strings.TrimPrefix(strings.TrimPrefix(claimed, "https://"), "http://")
	return &webIdentity{Audience: audience, Subject: read.Subject, Provider: claimed,
		Principal: iam.Principal{Type: iam.WebIdentity, Issuer: name, ID: name + ":" + read.Subject, Claims: claimKeys(name, audience, claims)}}, nil
}

// reach asks the issuer where its keys are, until it has answered once.
func (i *issuer) reach(ctx context.Context, now func() time.Time) (*oidc.IDTokenVerifier, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.verifier != nil {
		return i.verifier, nil
	}
	provider, err := oidc.NewProvider(ctx, i.URL)
	if err != nil {
		return nil, err
	}
	i.verifier = provider.VerifierContext(ctx, &oidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: algorithms, Now: now})
	return i.verifier, nil
}

// audience is the client that a token is for: who is authorized by it where it says so,
// or else the first of its audiences that is known.
func (i *issuer) audience(all []string, authorized any) (string, bool) {
	if party, ok := authorized.(string); ok && party != "" {
		all = []string{party}
	}
	for _, a := range all {
		if slices.Contains(i.ClientIDs, a) {
			return a, true
		}
	}
	return "", false
}

// claimKeys are the condition keys of a token: ISSUER:CLAIM, in lower case, of claims that
// are one value.
func claimKeys(issuer, audience string, claims map[string]any) map[string]string {
	keys := map[string]string{}
	for _, name := range slices.Sorted(maps.Keys(claims)) {
		if len(keys) >= mostClaims {
			break
		}
		var text string
		switch v := claims[name].(type) {
		case string:
			text = v
		case bool:
			text = strconv.FormatBool(v)
		case float64:
			text = strconv.FormatFloat(v, 'f', -1, 64)
		default:
			continue
		}
		if len(text) <= mostClaimText {
			keys[strings.ToLower(issuer+":"+name)] = text
		}
	}
	keys[strings.ToLower(issuer+":aud")] = audience
	keys[strings.ToLower(issuer+":sub")], _ = claims["sub"].(string)
	return keys
}

// issuerOf reads of which issuer a token says to be. It is not verified.
func issuerOf(token string) (string, error) {
	broken := errors.New("the token is not a signed JSON Web Token")
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return "", broken
	}
	payload, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return "", broken
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	if json.Unmarshal(payload, &claims) != nil {
		return "", broken
	}
	return claims.Issuer, nil
}
