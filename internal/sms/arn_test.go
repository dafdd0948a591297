package sms

import (
	"strings"
	"testing"
)

func TestARN(t *testing.T) {
	for s, want := range map[string]ARN{
		"arn:aws:sms-voice:us-east-1:111122223333:pool/pool-78ec067f62f94d57bd3bab991example": {
			"aws", "us-east-1", "111122223333", TypePool, "pool-78ec067f62f94d57bd3bab991example"},
		"arn:aws:sms-voice:eu-west-2:111122223333:sender-id/HELIO/GB": {
			"aws", "eu-west-2", "111122223333", TypeSenderID, "HELIO/GB"},
		"arn:aws-us-gov:sms-voice:us-gov-west-1:111122223333:configuration-set/a_b-C": {
			"aws-us-gov", "us-gov-west-1", "111122223333", TypeConfigurationSet, "a_b-C"},
	} {
		got, ok := ParseARN(s)
		if !ok || got != want {
			t.Errorf("%s is read as %+v, %v", s, got, ok)
		}
		if got.String() != s || !IsARN(s) {
			t.Errorf("%s is written %s", s, got)
		}
	}
	for _, s := range []string{
		"", "arn", "arn:", "pool-1", "arn:aws:sms-voice:us-east-1:111122223333:pool",
		"arn:aws:sms-voice:us-east-1:111122223333:pool/", "arn:aws:sms-voice:us-east-1:111122223333:/pool-1",
		"arn:aws:sms-voice:us-east-1::pool/pool-1", "arn:aws:sms-voice::111122223333:pool/pool-1",
		"arn::sms-voice:us-east-1:111122223333:pool/pool-1", "arn:aws:sns:us-east-1:111122223333:pool/pool-1",
		"ARN:aws:sms-voice:us-east-1:111122223333:pool/pool-1", "arn:aws:sms-voice:us-east-1:111122223333",
	} {
		if got, ok := ParseARN(s); ok || got != (ARN{}) {
			t.Errorf("%q is read as %+v", s, got)
		}
	}
}

func FuzzParseARN(f *testing.F) {
	f.Add("arn:aws:sms-voice:us-east-1:111122223333:pool/pool-1")
	f.Add("arn:aws:sms-voice:us-east-1:111122223333:sender-id/HELIO/GB")
	f.Add("arn:aws:sms-voice:::/:")
	f.Add("arn:aws:sns:us-east-1:111122223333:topic")
	f.Fuzz(func(t *testing.T, s string) {
		a, ok := ParseARN(s)
		if !ok {
			if a != (ARN{}) {
				t.Fatalf("%q is refused and read as %+v", s, a)
			}
			return
		}
		if a.String() != s || !IsARN(s) || a.Partition == "" || a.Region == "" || a.Account == "" || a.Type == "" || a.ID == "" || strings.Contains(string(a.Type), "/") {
			t.Fatalf("%q is read as %+v", s, a)
		}
	})
}
