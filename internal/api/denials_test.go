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

// Requests that are malformed fail before anybody asks for a permission. They are answered as
// what they are, and so many are recorded.
func TestRecordsOfFailuresAreBounded(t *testing.T) {
	at, directory := time.Now(), t.TempDir()
	log := openAudit(t, directory)
	p := newPoliced(t, func(o *api.Options) { o.Now, o.Audit = func() time.Time { return at }, log })
	nobody := p.user(nil)
	for range 600 {
		nobody.call("TagResource", in{}).is(t, "a request without members", "ValidationException")
	}
	if n := len(recordsOf(t, log, directory)); n != 500 {
		t.Errorf("%d records", n)
	}
}

// What is denied once the resource is known, being another account's, is denied like the
// rest.
func TestDenialsOfOthersResourcesAreBounded(t *testing.T) {
	at := time.Now()
	n := newNeighbourhood(t, func(o *api.Options) { o.Now = func() time.Time { return at } })
	throttled := 0
	for range 600 {
		if n.as("AKIABORROWER", "DescribePools", in{"PoolIds": []string{n.pool}}).Exception == "ThrottlingException" {
			throttled++
		}
	}
	if throttled < 100 {
		t.Errorf("%d throttled", throttled)
	}
}
