package sts

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// federated is a rig with a provider that a role trusts, and a request for that role by a
// token with these claims.
func federated(t *testing.T) (*rig, *provider, map[string]any, func(token string) string) {
	t.Helper()
	p := newProvider(t)
	r := newRig(t, Issuer{URL: p.URL, ClientIDs: []string{"sts"}})
	name := strings.TrimPrefix(p.URL, "http://")
	r.role(account, "sender", trust(`{"Federated":"arn:aws:iam::111122223333:oidc-provider/`+name+`"}`, `"sts:AssumeRoleWithWebIdentity"`,
		`{"StringEquals":{"`+name+`:sub":"repo:x"}}`), statement(sendOnly))
	claims := map[string]any{"iss": p.URL, "sub": "repo:x", "aud": "sts", "exp": r.clock.Add(time.Hour).Unix(), "iat": r.clock.Unix()}
	return r, p, claims, func(token string) string {
		t.Helper()
		_, err := r.ask(nil, "AssumeRoleWithWebIdentity", "RoleArn", roleARN, "RoleSessionName", "job", "WebIdentityToken", token)
		if err != nil {
			return err.Code
		}
		return ""
	}
}

// TestUnknownKeys: tokens that nobody has to sign rightly do not make an issuer answer
// for each of them.
func TestUnknownKeys(t *testing.T) {
	r, p, claims, ask := federated(t)
	unknown := p.tokenOf("2", "RS256", claims)
	for range 5 {
		if code := ask(unknown); code != "InvalidIdentityToken" {
			t.Fatal(code)
		}
	}
	if n := p.asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	if code := ask(p.token("RS256", claims)); code != "" {
		t.Error(code)
	}
	// A new key counts once the pause is over, and the one before no longer.
	p.kid.Store(new("2"))
	if code := ask(unknown); code != "InvalidIdentityToken" || p.asked.Load() != 1 {
		t.Error(code, p.asked.Load())
	}
	r.clock = r.clock.Add(pause)
	if code := ask(unknown); code != "" || p.asked.Load() != 2 {
		t.Error(code, p.asked.Load())
	}
	if code := ask(p.token("RS256", claims)); code != "InvalidIdentityToken" || p.asked.Load() != 2 {
		t.Error(code, p.asked.Load())
	}
}

// TestIssuerDown: that an issuer does not answer is remembered; keys that are known
// count meanwhile.
func TestIssuerDown(t *testing.T) {
	r, p, claims, ask := federated(t)
	p.down.Store(true)
	token := p.token("RS256", claims)
	for range 3 {
		if code := ask(token); code != "IDPCommunicationError" || p.asked.Load() != 1 {
			t.Fatal(code, p.asked.Load())
		}
	}
	p.down.Store(false)
	r.clock = r.clock.Add(pause)
	if code := ask(token); code != "" || p.asked.Load() != 2 {
		t.Error(code, p.asked.Load())
	}
	p.down.Store(true)
	r.clock = r.clock.Add(pause)
	if code := ask(p.tokenOf("2", "RS256", claims)); code != "IDPCommunicationError" || p.asked.Load() != 3 {
		t.Error(code, p.asked.Load())
	}
	if code := ask(token); code != "" {
		t.Error(code)
	}
}

// TestWebIdentityRates: a client has a rate of its own; tokens that are signed with no
// known key have one together, and those that are come through all the same.
func TestWebIdentityRates(t *testing.T) {
	r, p, claims, ask := federated(t)
	good, bad := p.token("RS256", claims), p.tokenOf("2", "RS256", claims)
	if code := ask(good); code != "" {
		t.Fatal(code)
	}
	throttled := 0
	for i := range 2 * strangersBurst {
		r.client = "192.0.2." + strconv.Itoa(i)
		switch code := ask(bad); code {
		case "Throttling":
			throttled++
		case "InvalidIdentityToken":
		default:
			t.Fatal(code)
		}
	}
	if throttled != strangersBurst+1 {
		t.Errorf("%d were throttled", throttled)
	}
	r.client = "198.51.100.1"
	for i := range clientBurst {
		if code := ask(good); code != "" {
			t.Fatal(i, code)
		}
	}
	if code := ask(good); code != "Throttling" {
		t.Error(code)
	}
	r.client = "198.51.100.2"
	if code := ask(good); code != "" {
		t.Error(code)
	}
}

// TestLately: all who wait share a fetch, one that goes away waits no longer, and the
// outcome holds for a pause.
func TestLately(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fetched := 0
		wrong := errors.New("down")
		l := &lately[int]{now: time.Now, fetch: func() (int, error) {
			fetched++
			time.Sleep(10 * time.Second)
			if fetched == 2 {
				return 0, wrong
			}
			return fetched, nil
		}}
		began := time.Now()
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() {
				if v, err := l.newest(t.Context()); v != 1 || err != nil || time.Since(began) != 10*time.Second {
					t.Error(v, err, time.Since(began))
				}
			})
		}
		hurried, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := l.newest(hurried); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Error(err, time.Since(began))
		}
		all.Wait()
		time.Sleep(pause - time.Nanosecond)
		if v, err := l.newest(t.Context()); v != 1 || err != nil || fetched != 1 {
			t.Error(v, err, fetched)
		}
		time.Sleep(time.Nanosecond)
		for range 2 {
			if _, err := l.newest(t.Context()); !errors.Is(err, wrong) || fetched != 2 {
				t.Error(err, fetched)
			}
		}
		if v, ok := l.known(); v != 1 || !ok {
			t.Error(v, ok)
		}
	})
}
