package sts

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"

	"heliograph/internal/throttle"
)

// An issuer is asked for its keys whenever a token is not signed with one that is known.
// Anybody can send such tokens: so it is asked once in a pause at most, and that many of
// them are looked at.
const (
	strangersPerSecond = 5
	strangersBurst     = 20
)

// issuer is an Issuer with what it has answered.
type issuer struct {
	Issuer
	client    *http.Client
	now       func() time.Time
	strangers *throttle.Limiter // tokens of all issuers that known keys do not verify
	keys      *lately[oidc.KeySet]
}

func newIssuer(of Issuer, client *http.Client, strangers *throttle.Limiter, now func() time.Time) *issuer {
	i := &issuer{Issuer: of, client: client, now: now, strangers: strangers}
	i.keys = &lately[oidc.KeySet]{now: now, fetch: i.fetch}
	return i
}

// fetch asks the issuer where its keys are, and for them.
func (i *issuer) fetch() (oidc.KeySet, error) {
	provider, err := oidc.NewProvider(oidc.ClientContext(context.Background(), i.client), i.URL)
	if err != nil {
		return nil, err
	}
	var document struct {
		Keys string `json:"jwks_uri"`
	}
	if err := provider.Claims(&document); err != nil {
		return nil, err
	}
	answer, err := i.client.Get(document.Keys)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		return nil, err
	}
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its keys are answered with %s", answer.Status)
	}
	var set struct {
		Keys []json.RawMessage `json:"keys"`
	}
	if err := json.Unmarshal(body, &set); err != nil {
		return nil, fmt.Errorf("its keys cannot be read: %w", err)
	}
	return oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), &http.Client{Transport: held(body)}), document.Keys), nil
}

// held answers every request with the same body.
type held []byte

func (h held) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{},
		Body: io.NopCloser(bytes.NewReader(h)), ContentLength: int64(len(h)), Request: r}, nil
}

// verify reads a token of the issuer.
//
// Errors: errReach, errStrangers, *oidc.TokenExpiredError; others say that it is no token
// that the issuer has made.
func (i *issuer) verify(ctx context.Context, token string) (*oidc.IDToken, error) {
	signature := &signature{of: i}
	verifier := oidc.NewVerifier(i.URL, signature, &oidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: algorithms, Now: i.now})
	read, err := verifier.Verify(ctx, token)
	if err != nil && signature.err != nil {
		return nil, signature.err
	}
	return read, err
}

// signature verifies the signature of one token.
type signature struct {
	of  *issuer
	err error // why it could not be verified: errReach, errStrangers
}

// VerifySignature is part of oidc.KeySet.
func (s *signature) VerifySignature(ctx context.Context, token string) ([]byte, error) {
	known, ok := s.of.keys.known()
	if ok {
		if payload, err := known.VerifySignature(ctx, token); err == nil {
			return payload, nil
		}
	}
	if _, ok := s.of.strangers.Allow(s.of.now()); !ok {
		s.err = errStrangers
		return nil, s.err
	}
	keys, err := s.of.keys.newest(ctx)
	if err != nil {
		s.err = fmt.Errorf("%w: %w", errReach, err)
		return nil, s.err
	}
	if keys == known {
		return nil, errors.New("the token is not signed with a key of its issuer")
	}
	return keys.VerifySignature(ctx, token)
}
