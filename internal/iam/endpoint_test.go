package iam

import (
	"strings"
	"testing"
)

func TestThrough(t *testing.T) {
	user := &Principal{Type: UserType, ARN: "arn:aws:iam::111122223333:user/ann", Account: "111122223333", Name: "ann"}
	root := &Principal{Type: Root, ARN: "arn:aws:iam::111122223333:root", Account: "111122223333"}
	stranger := &Principal{Type: Root, ARN: "arn:aws:iam::444455556666:root", Account: "444455556666"}
	const send, pool = "sms-voice:SendTextMessage", "sms-voice:DeletePool"
	for _, c := range []struct {
		policy string
		who    *Principal
		action string
		says   string
	}{
		// Those of the guide's chapters 14 and 16, which have no Version.
		{`{"Statement": [{"Principal": "*", "Action": ["sms-voice:*"], "Effect": "Allow", "Resource": "*"}]}`, user, pool, ""},
		{`{"Statement": [{"Principal": "*", "Effect": "Allow", "Action": ["sms-voice:SendTextMessage", "sms-voice:RequestPhoneNumber"], "Resource": "*"}]}`, root, send, ""},
		{`{"Statement": [{"Principal": "*", "Effect": "Allow", "Action": ["sms-voice:SendTextMessage", "sms-voice:RequestPhoneNumber"], "Resource": "*"}]}`, root, pool,
			"because no VPC endpoint policy allows the sms-voice:DeletePool action"},
		{`{"Statement": {"Principal": {"AWS": "111122223333"}, "Effect": "Allow", "Action": "*", "Resource": "*"}}`, user, pool, ""},
		{`{"Statement": {"Principal": {"AWS": "111122223333"}, "Effect": "Allow", "Action": "*", "Resource": "*"}}`, stranger, pool, "no VPC endpoint policy allows"},
		{`{"Statement": [{"Principal": "*", "Effect": "Allow", "Action": "*", "Resource": "*"}, {"Principal": "*", "Effect": "Deny", "Action": "sms-voice:Delete*", "Resource": "*"}]}`, user, pool,
			"with an explicit deny in a VPC endpoint policy"},
	} {
		p, err := Parse(c.policy, ResourcePolicy)
		if err != nil {
			t.Fatal(err)
		}
		d := Through(Attached{Name: "endpoint", Policy: p}, c.who, Request{Action: c.action, Resource: "*", Context: &Circumstances{Principal: c.who}})
		if says := d.Message(c.who.ARN, c.action, "*"); d.Allowed != (c.says == "") || !strings.Contains(says, c.says) {
			t.Errorf("%s, %s of %s: %+v %q", c.policy, c.action, c.who.ARN, d, says)
		}
	}
	if d := Through(Attached{Name: "endpoint"}, root, Request{Action: send, Resource: "*"}); d.Allowed || d.Reason != BrokenPolicy {
		t.Errorf("without a policy: %+v", d)
	}
}
