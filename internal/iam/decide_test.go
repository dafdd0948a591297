package iam

import "testing"

// mustParse reads a document that has to be a policy.
func mustParse(t testing.TB, document string, kind Kind) *Policy {
	t.Helper()
	p, err := Parse(document, kind)
	if err != nil {
		t.Fatalf("%s: %v", document, err)
	}
	return p
}

func ann() *Principal {
	return &Principal{Type: UserType, ARN: "arn:aws:iam::111122223333:user/ann", Account: "111122223333", ID: "AIDAANNANNANNANNANN1", Name: "ann"}
}

func TestExplainNamesWhatMatched(t *testing.T) {
	p := mustParse(t, `{"Version":"2012-10-17","Statement":[
 {"Sid":"All","Effect":"Allow","Action":"sms-voice:*","Resource":"*"},
 {"Effect":"Deny","Action":"sms-voice:Delete*","Resource":"arn:aws:sms-voice:*:111122223333:pool/*"},
 {"Effect":"Deny","Action":"sms-voice:Release*","Resource":"*"}]}`, IdentityPolicy)
	s := &Subject{Principal: ann(), Identity: []Attached{{Name: "p", Policy: p}}}
	r := &Request{Action: "sms-voice:DeletePool", Resource: "arn:aws:sms-voice:us-east-1:111122223333:pool/pool-1", Context: &Circumstances{}}
	d, matches := Explain(s, r, nil)
	if d != Decide(s, r, nil) || d.Allowed || d.Reason != ExplicitDeny || d.Statement != 2 || d.Policy != "p" {
		t.Errorf("%+v", d)
	}
	want := []Match{
		{Source: FromIdentity, Policy: "p", Statement: 1, Sid: "All", Allow: true, StartLine: 2, StartColumn: 2, EndLine: 2, EndColumn: 70},
		{Source: FromIdentity, Policy: "p", Statement: 2, StartLine: 3, StartColumn: 2, EndLine: 3, EndColumn: 101},
	}
	if len(matches) != 2 || matches[0] != want[0] || matches[1] != want[1] {
		t.Errorf("%+v", matches)
	}
	if m := d.Message(s.Principal.ARN, r.Action, ""); m != "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sms-voice:DeletePool on resource: * with an explicit deny in an identity-based policy" {
		t.Error(m)
	}
}
