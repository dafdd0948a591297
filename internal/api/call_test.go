package api_test

import (
	"net/http"
	"testing"

	"heliograph/internal/api"
)

// Who guesses another's idempotency key does not learn what that one was answered.
func TestIdempotencyKeysOfPrincipals(t *testing.T) {
	sent := &recorder{}
	p := newPoliced(t, func(o *api.Options) { o.Sender = sent })
	key := func(s somebody) string {
		t.Helper()
		request{target: prefix + "SendTextMessage", body: `{"DestinationPhoneNumber":"+447700900001","MessageBody":"m"}`,
			key: s.key, header: http.Header{"Idempotency-Key": {"again"}}}.send(t, p.url).is(t, "the send", "")
		return sent.request.IdempotencyKey
	}
	one, two := p.user(nil, allow("*", "*", "")), p.user(nil, allow("*", "*", ""))
	if first, second := key(one), key(two); first == second || first != key(one) {
		t.Errorf("two users have the keys %q and %q", first, second)
	}
	if got := key(p.root()); got != "again" {
		t.Errorf("the root has %q", got)
	}
}
