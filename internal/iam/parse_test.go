package iam

import (
	"strings"
	"testing"
)

// broken are documents that are no policies, each with a part of what is said of it.
var broken = []struct {
	document string
	kind     Kind
	says     string
}{
	{``, IdentityPolicy, "the document is empty"},
	{`[]`, IdentityPolicy, "must be a JSON object"},
	{`{`, IdentityPolicy, "ends too early"},
	{`{"Statement":[}`, IdentityPolicy, "not JSON"},
	{"{\"Id\":\"\xff\"}", IdentityPolicy, "not UTF-8"},
	{`{"Version":"2012-10-17"}`, IdentityPolicy, "Missing required field Statement"},
	{`{"Version":"2020-01-01","Statement":[]}`, IdentityPolicy, "2012-10-17"},
	{`{"Version":20121017,"Statement":[]}`, IdentityPolicy, "2012-10-17"},
	{`{"Id":1,"Statement":[]}`, IdentityPolicy, "Id must be a string"},
	{`{"Statement":[]}`, IdentityPolicy, "Statement is empty"},
	{`{"Statement":["x"]}`, IdentityPolicy, "a statement must be a JSON object"},
	{`{"Statement":{},"Statements":{}}`, IdentityPolicy, `"Statements" is not an element of a policy`},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}} {}`, IdentityPolicy, "behind the document's end"},
	{`{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}`, IdentityPolicy, `"Effect" is there twice`},
	{`{"Statement":{"Effect":"Allow","Effect":"Deny","Action":"*","Resource":"*"}}`, IdentityPolicy, "(line 1, column 32)"},
	{`{"Statement":{"effect":"Allow","Action":"*","Resource":"*"}}`, IdentityPolicy, `"effect" is not an element of a statement`},
	{`{"Statement":{"Effect":"allow","Action":"*","Resource":"*"}}`, IdentityPolicy, "Effect must be Allow or Deny"},
	{`{"Statement":{"Action":"*","Resource":"*"}}`, IdentityPolicy, "Missing required field Effect"},
	{`{"Statement":{"Effect":"Allow","Resource":"*"}}`, IdentityPolicy, "Policy statement must contain actions."},
	{`{"Statement":{"Effect":"Allow","Action":[],"Resource":"*"}}`, IdentityPolicy, "Action is empty"},
	{`{"Statement":{"Effect":"Allow","Action":null,"Resource":"*"}}`, IdentityPolicy, "Action must be a string"},
	{`{"Statement":{"Effect":"Allow","Action":["a:b",1],"Resource":"*"}}`, IdentityPolicy, "Action must be a string"},
	{`{"Statement":{"Effect":"Allow","Action":"*","NotAction":"a:b","Resource":"*"}}`, IdentityPolicy, "Action or NotAction, not both"},
	{`{"Statement":{"Effect":"Allow","Action":"SendTextMessage","Resource":"*"}}`, IdentityPolicy, "must be prefaced by a vendor"},
	{`{"Statement":{"Effect":"Allow","Action":"sms voice:x","Resource":"*"}}`, IdentityPolicy, "Vendor sms voice is not valid"},
	{`{"Statement":{"Effect":"Allow","Action":"sms*:x","Resource":"*"}}`, IdentityPolicy, "Vendor sms* is not valid"},
	{`{"Statement":{"Effect":"Allow","Action":"sms-voice:${aws:username}","Resource":"*"}}`, IdentityPolicy, "has characters other than"},
	{`{"Statement":{"Effect":"Allow","Action":"*"}}`, IdentityPolicy, "Policy statement must contain resources."},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"pool-1"}}`, IdentityPolicy, `must be in ARN format or "*"`},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:sns:x"}}`, IdentityPolicy, `must be in ARN format or "*"`},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:*:*:*:pool/x"}}`, IdentityPolicy, `must be in ARN format or "*"`},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","NotResource":"*"}}`, IdentityPolicy, "Resource or NotResource, not both"},
	{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::${aws:username}:user/x"}}`, IdentityPolicy, "before the fifth colon"},
	{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::1:user/${aws:username"}}`, IdentityPolicy, "is not a policy variable"},
	{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::1:user/${a:b, c}"}}`, IdentityPolicy, "is not a policy variable"},
	{`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"arn:aws:iam::1:user/${}"}}`, IdentityPolicy, "is not a policy variable"},
	{`{"Statement":{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*"}}`, IdentityPolicy, "should not specify a principal"},
	{`{"Statement":[{"Sid":"A","Effect":"Allow","Action":"*","Resource":"*"},{"Sid":"A","Effect":"Deny","Action":"*","Resource":"*"}]}`, IdentityPolicy, "must be unique"},
	{`{"Statement":{"Sid":"a b","Effect":"Allow","Action":"*","Resource":"*"}}`, IdentityPolicy, "must be alpha-numeric"},
	{`{"Statement":{"Sid":1,"Effect":"Allow","Action":"*","Resource":"*"}}`, IdentityPolicy, "Sid must be a string"},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":[]}}`, IdentityPolicy, "Condition must be a JSON object"},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":"x"}}}`, IdentityPolicy, "must be a JSON object of keys"},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{"aws:username":"x"}}}}`, IdentityPolicy, "Invalid Condition type : StringIs"},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringIs":{}}}}`, IdentityPolicy, "Invalid Condition type : StringIs"},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NullIfExists":{"aws:username":"true"}}}}`, IdentityPolicy, "Invalid Condition type : NullIfExists"},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"username":"x"}}}}`, IdentityPolicy, `the condition key "username" is not`},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:username":{}}}}}`, IdentityPolicy, "must be strings, numbers or booleans"},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"yes"}}}}`, IdentityPolicy, "neither true nor false"},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/33"}}}}`, IdentityPolicy, "neither an IP address nor a network"},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"NumericEquals":{"a:b":"1e999"}}}}`, IdentityPolicy, "is not a number"},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"DateEquals":{"aws:CurrentTime":"tomorrow"}}}}`, IdentityPolicy, "neither a date"},
	{`{"Statement":{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"BinaryEquals":{"a:b":"?"}}}}`, IdentityPolicy, "not in base64"},
	{`{"Statement":{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}}`, ResourcePolicy, "Missing required field Principal"},
	{`{"Statement":{"Effect":"Allow","Principal":"111122223333","Action":"sns:Publish"}}`, ResourcePolicy, `Principal must be "*" or`},
	{`{"Statement":{"Effect":"Allow","Principal":{},"Action":"sns:Publish"}}`, ResourcePolicy, `Principal must be "*" or`},
	{`{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/*"},"Action":"sns:Publish"}}`, ResourcePolicy, `Invalid principal in policy: "AWS":"arn:aws:iam::111122223333:user/*"`},
	{`{"Statement":{"Effect":"Allow","Principal":{"AWS":"ann"},"Action":"sns:Publish"}}`, ResourcePolicy, "Invalid principal in policy"},
	{`{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:group/g"},"Action":"sns:Publish"}}`, ResourcePolicy, "Invalid principal in policy"},
	{`{"Statement":{"Effect":"Allow","Principal":{"Servant":"x.amazonaws.com"},"Action":"sns:Publish"}}`, ResourcePolicy, "Invalid principal in policy"},
	{`{"Statement":{"Effect":"Allow","Principal":{"Service":"sms-voice.*"},"Action":"sns:Publish"}}`, ResourcePolicy, "Invalid principal in policy"},
	{`{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"111122223333"},"Action":"sns:Publish"}}`, ResourcePolicy, "NotPrincipal stands in statements with Deny only"},
	{`{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole","Resource":"*"}}`, TrustPolicy, "Has prohibited field Resource"},
	{`{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"*"}}`, TrustPolicy, "may only specify STS AssumeRole actions"},
	{`{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole"}}`, TrustPolicy, "Missing required field Principal"},
	{`{"a":` + strings.Repeat("[", 200) + strings.Repeat("]", 200) + `}`, IdentityPolicy, "nested too deeply"},
	{`{"Statement":"` + strings.Repeat("x", MaxDocument) + `"}`, IdentityPolicy, "octets"},
	{`{"Statement":{"Effect":"Allow","Action":"a:` + strings.Repeat("*a", 300) + `","Resource":"*"}}`, IdentityPolicy, "wildcards"},
}

func TestParseRefuses(t *testing.T) {
	for _, test := range broken {
		p, err := Parse(test.document, test.kind)
		if err == nil || p != nil {
			t.Errorf("%s is accepted", clip(test.document))
			continue
		}
		if _, ok := err.(*SyntaxError); !ok || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %T %v, want %q", clip(test.document), err, err, test.says)
		}
	}
}
