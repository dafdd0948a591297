package iam

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// tenPolicies are of the size and kind that people attach.
func tenPolicies(t testing.TB) []Attached {
	var out []Attached
	for _, name := range []string{"HeliographReadOnly", "HeliographConsoleAccess", "IAMUserChangePassword", "ReadOnlyAccess"} {
		b, ok := LookupManaged("aws", "arn:aws:iam::aws:policy/"+name)
		if !ok {
			t.Fatal(name)
		}
		out = append(out, Attached{Name: b.ARN, Policy: mustParse(t, b.Document, IdentityPolicy)})
	}
	for i := range 4 {
		out = append(out, Attached{Name: fmt.Sprint("team", i), Policy: mustParse(t, fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
 {"Sid":"Use","Effect":"Allow","Action":["sms-voice:SendTextMessage","sms-voice:SendVoiceMessage"],"Resource":["arn:aws:sms-voice:*:111122223333:pool/team-%d-*","arn:aws:sms-voice:*:111122223333:phone-number/*"],
  "Condition":{"StringEquals":{"aws:ResourceTag/team":"team-%d"}}},
 {"Sid":"Look","Effect":"Allow","Action":["sms-voice:Describe*","sms-voice:List*"],"Resource":"*"},
 {"Sid":"Keep","Effect":"Deny","Action":["sms-voice:Delete*","sms-voice:Release*"],"Resource":"arn:aws:sms-voice:*:*:pool/*"}]}`, i, i), IdentityPolicy)})
	}
	return append(out,
		Attached{Name: "guard", Policy: mustParse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*","Condition":{"NotIpAddress":{"aws:SourceIp":["203.0.113.0/24","10.0.0.0/8"]}}}]}`, IdentityPolicy)},
		Attached{Name: "send", Policy: mustParse(t, `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sms-voice:Send*","Resource":"*"}]}`, IdentityPolicy)})
}

// BenchmarkDecide compares a message's decision under ten policies with that of root,
// which needs none.
func BenchmarkDecide(b *testing.B) {
	user := ann()
	user.Tags = map[string]string{"team": "team-1"}
	root := &Principal{Type: Root, ARN: "arn:aws:iam::111122223333:root", Account: "111122223333", ID: "111122223333"}
	for _, run := range []struct {
		name    string
		subject *Subject
	}{
		{"root", &Subject{Principal: root}},
		{"ten policies", &Subject{Principal: user, Identity: tenPolicies(b)}},
	} {
		b.Run(run.name, func(b *testing.B) {
			r := &Request{Action: "sms-voice:SendTextMessage", Resource: "arn:aws:sms-voice:us-east-1:111122223333:pool/pool-0123456789abcdef0123456789abcdef",
				Context: &Circumstances{Principal: run.subject.Principal, Now: time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC), SourceIP: netip.MustParseAddr("203.0.113.7"),
					Secure: true, Region: "us-east-1", ResourceTags: map[string]string{"team": "team-1"}, ResourceAccount: "111122223333"}}
			b.ReportAllocs()
			for b.Loop() {
				if !Decide(run.subject, r, nil).Allowed {
					b.Fatal("denied")
				}
			}
		})
	}
}
