package iam

import (
	"net/netip"
	"slices"
	"testing"
	"time"
)

func TestLookup(t *testing.T) {
	now := time.Date(2026, 6, 1, 12, 0, 0, 0, time.FixedZone("", 7200))
	user := ann()
	user.Tags = map[string]string{"Team": "red", "stage": "prod"}
	session := &Session{Issued: now.Add(-time.Hour), MFA: now.Add(-90 * time.Second), SourceID: "ann@example.com"}
	full := &Circumstances{Principal: user, Session: session, Now: now, SourceIP: netip.MustParseAddr("::ffff:203.0.113.7"), Secure: true, UserAgent: "aws-cli/2",
		Region: "us-east-1", ResourceTags: map[string]string{"a": "2", "A": "1"}, RequestTags: map[string]string{"team": "red", "stage": "x"}, TagKeys: []string{"owner", "team"},
		ResourceAccount: "111122223333", SourceAccount: "444455556666", SourceARN: "arn:aws:sms-voice:us-east-1:444455556666:configuration-set/c",
		More: map[string][]string{"iam:passedtoservice": {"sms-voice.amazonaws.com"}}}
	role := people["night"]
	service := people["sms"]
	web := Principal{Type: WebIdentity, Issuer: "id.example.com", Claims: map[string]string{"id.example.com:sub": "7"}}
	guest := people["guest"]
	root := people["root"]
	for _, test := range []struct {
		c    *Circumstances
		key  string
		want []string
	}{
		{full, "aws:principalarn", []string{user.ARN}},
		{full, "aws:principalaccount", []string{"111122223333"}},
		{full, "aws:principaltype", []string{"User"}},
		{full, "aws:principaltag/team", []string{"red"}},
		{full, "aws:principaltag/none", nil},
		{full, "aws:principalisawsservice", []string{"false"}},
		{full, "aws:userid", []string{user.ID}},
		{full, "aws:username", []string{"ann"}},
		{full, "aws:currenttime", []string{"2026-06-01T10:00:00Z"}},
		{full, "aws:epochtime", []string{"1780308000"}},
		{full, "aws:sourceip", []string{"203.0.113.7"}},
		{full, "aws:securetransport", []string{"true"}},
		{full, "aws:useragent", []string{"aws-cli/2"}},
		{full, "aws:requestedregion", []string{"us-east-1"}},
		{full, "aws:resourcetag/a", []string{"1", "2"}},
		{full, "sms-voice:resourcetag/a", []string{"1", "2"}},
		{full, "aws:requesttag/team", []string{"red"}},
		{full, "aws:tagkeys", []string{"owner", "stage", "team"}},
		{full, "aws:resourceaccount", []string{"111122223333"}},
		{full, "aws:sourceaccount", []string{"444455556666"}},
		{full, "aws:sourcearn", []string{full.SourceARN}},
		{full, "aws:tokenissuetime", []string{"2026-06-01T09:00:00Z"}},
		{full, "aws:multifactorauthpresent", []string{"true"}},
		{full, "aws:multifactorauthage", []string{"90"}},
		{full, "aws:sourceidentity", []string{"ann@example.com"}},
		{full, "iam:passedtoservice", []string{"sms-voice.amazonaws.com"}},
		{full, "aws:calledvia", nil},
		{full, "nothing", nil},
		// What a request does not have has no value.
		{&Circumstances{}, "aws:currenttime", nil},
		{&Circumstances{}, "aws:epochtime", nil},
		{&Circumstances{}, "aws:sourceip", nil},
		{&Circumstances{}, "aws:securetransport", []string{"false"}},
		{&Circumstances{}, "aws:multifactorauthpresent", nil},
		{&Circumstances{}, "aws:principalarn", nil},
		{&Circumstances{}, "aws:principaltag/team", nil},
		{&Circumstances{}, "aws:sourcearn", nil},
		{&Circumstances{}, "aws:tagkeys", nil},
		{&Circumstances{Session: &Session{}}, "aws:multifactorauthpresent", []string{"false"}},
		{&Circumstances{Session: &Session{}}, "aws:multifactorauthage", nil},
		{&Circumstances{TagKeys: []string{"b", "a"}}, "aws:tagkeys", []string{"b", "a"}},
		{nil, "aws:username", nil},
		// Each kind of principal has its own keys.
		{&Circumstances{Principal: &role}, "aws:principalarn", []string{role.Role}},
		{&Circumstances{Principal: &role}, "aws:username", nil},
		{&Circumstances{Principal: &role}, "aws:userid", []string{"AROAOPSOPSOPSOPSOPS1:night"}},
		{&Circumstances{Principal: &root}, "aws:principaltype", []string{"Account"}},
		{&Circumstances{Principal: &root}, "aws:username", nil},
		{&Circumstances{Principal: &service}, "aws:principalisawsservice", []string{"true"}},
		{&Circumstances{Principal: &service}, "aws:principalservicename", []string{"sms-voice.amazonaws.com"}},
		{&Circumstances{Principal: &service}, "aws:principalaccount", nil},
		{&Circumstances{Principal: &web}, "id.example.com:sub", []string{"7"}},
		{&Circumstances{Principal: &web}, "aws:federatedprovider", []string{"id.example.com"}},
		{&Circumstances{Principal: &guest}, "aws:userid", []string{"anonymous"}},
	} {
		if got := test.c.Lookup(test.key); !slices.Equal(got, test.want) {
			t.Errorf("%s: %q, want %q", test.key, got, test.want)
		}
	}
}
