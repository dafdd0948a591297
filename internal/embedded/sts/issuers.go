package sts

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"heliograph/internal/iam"
	"heliograph/internal/throttle"
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
	all map[string]*issuer // by URL
}

// NewIssuers knows these issuers. The operator has named them, so that they may be
// anywhere.
func NewIssuers(issuers []Issuer, now func() time.Time) *Issuers {
	all := &Issuers{all: map[string]*issuer{}}
	client := &http.Client{Timeout: answerTime, Transport: bounded{http.DefaultTransport}}
	strangers := throttle.NewLimiter(strangersPerSecond, strangersBurst, now())
	for _, of := range issuers {
		all.all[of.URL] = newIssuer(of, client, strangers, now)
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
	errIssuer    = errors.New("no OpenIDConnect provider found for the issuer of the token")
	errAudience  = errors.New("incorrect token audience")
	errReach     = errors.New("the issuer cannot be reached")
	errStrangers = errors.New("too many tokens are not signed with a known key")
)

// verify reads a token.
//
// Errors: errIssuer, errAudience, errReach, errStrangers, *oidc.TokenExpiredError; others
// say that it is no token that the issuer has made.
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
	read, err := of.verify(ctx, token)
	if err != nil {
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
