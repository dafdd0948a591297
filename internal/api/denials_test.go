package api_test

import (
	"testing"
	"time"

	"heliograph/internal/api"
)

// What is denied is bounded, and so are its records: no account fills the audit log with
// what it may not do. What it may do has a rate of its own.
func TestDenialsAreBounded(t *testing.T) {
	at := time.Now()
	p := newPoliced(t, func(o *api.Options) { o.Now = func() time.Time { return at } })
	nobody := p.user(nil, allow("sms-voice:DescribeAccountAttributes", "*", ""))
	denied, throttled := 0, 0
	for range 1000 {
		switch code := nobody.call("DescribePools", in{}).Exception; code {
		case accessDenied:
			denied++
		case "ThrottlingException":
			throttled++
		default:
			t.Fatalf("answered %q", code)
		}
	}
	if denied < 500 || throttled < 100 {
		t.Errorf("%d denials and %d throttled", denied, throttled)
	}
	nobody.call("DescribeAccountAttributes", in{}).is(t, "what is allowed", "")
}
