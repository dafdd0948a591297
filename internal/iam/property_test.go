package iam

import (
	"math/rand/v2"
	"testing"
)

// The properties that FuzzDecide looks for, over requests of which many are allowed.
func TestDecisionProperties(t *testing.T) {
	allowed, reasons := 0, map[Reason]int{}
	for seed := range uint64(1000) {
		g := generator{rand.New(rand.NewPCG(seed, 0))}
		c := g.newCase("")
		before := c.decide(t)
		for range 2 {
			c.shuffle(g.Rand)
			if d := c.decide(t); d.Allowed != before.Allowed || d.Reason != before.Reason || d.Source != before.Source {
				t.Fatalf("in another order %+v, was %+v\n%s", d, before, c)
			}
		}
		c.invariants(t, before)
		reasons[before.Reason]++
		if before.Allowed {
			allowed++
		}
	}
	if allowed < 100 || len(reasons) < 6 {
		t.Errorf("%d allowed, %v: the cases are not plausible", allowed, reasons)
	}
}

func TestNothingToDecideByDenies(t *testing.T) {
	r := &Request{Action: "sms-voice:DescribePools", Resource: "*"}
	for name, d := range map[string]Decision{
		"no subject":   Decide(nil, r, nil),
		"no principal": Decide(&Subject{}, r, nil),
		"no request":   Decide(&Subject{Principal: ann()}, nil, nil),
		"zero policy":  Decide(&Subject{Principal: ann(), Identity: []Attached{{Policy: &Policy{}}}}, r, nil),
		"trust policy": Decide(&Subject{Principal: ann(), Identity: []Attached{{Policy: mustParse(t, `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:*"}}`, TrustPolicy)}}}, r, nil),
		"identity policy of a resource": Decide(&Subject{Principal: ann()}, r,
			&Attached{Policy: mustParse(t, `{"Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`, IdentityPolicy)}),
	} {
		if d.Allowed || d.Reason != BrokenPolicy {
			t.Errorf("%s: %+v", name, d)
		}
	}
}

func TestMessage(t *testing.T) {
	const head = "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sms-voice:DeletePool on resource: arn"
	for _, test := range []struct {
		d    Decision
		want string
	}{
		{Decision{Reason: NoIdentityPolicy, Source: FromIdentity}, head + " because no identity-based policy allows the sms-voice:DeletePool action"},
		{Decision{Reason: NoResourcePolicy, Source: FromResource}, head + " because no resource-based policy allows the sms-voice:DeletePool action"},
		{Decision{Reason: NoBoundary, Source: FromBoundary}, head + " because no permissions boundary allows the sms-voice:DeletePool action"},
		{Decision{Reason: NoSessionPolicy, Source: FromSession}, head + " because no session policy allows the sms-voice:DeletePool action"},
		{Decision{Reason: ExplicitDeny, Source: FromIdentity}, head + " with an explicit deny in an identity-based policy"},
		{Decision{Reason: ExplicitDeny, Source: FromResource}, head + " with an explicit deny in a resource-based policy"},
		{Decision{Reason: ExplicitDeny, Source: FromBoundary}, head + " with an explicit deny in a permissions boundary"},
		{Decision{Reason: ExplicitDeny, Source: FromSession}, head + " with an explicit deny in a session policy"},
		{Decision{Reason: BrokenPolicy, Source: FromIdentity}, head + " because an identity-based policy is missing or cannot be read"},
		{Decision{Allowed: true}, ""},
	} {
		if got := test.d.Message("arn:aws:iam::111122223333:user/ann", "sms-voice:DeletePool", "arn"); got != test.want {
			t.Errorf("%q, want %q", got, test.want)
		}
	}
}

func TestPublic(t *testing.T) {
	for _, test := range []struct {
		statement string
		want      bool
	}{
		{`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*"}`, true},
		{`{"Effect":"Allow","Principal":{"AWS":["111122223333","*"]},"Action":"sms-voice:*"}`, true},
		{`{"Effect":"Allow","Principal":{"Service":"*"},"Action":"sms-voice:*"}`, true},
		{`{"Effect":"Deny","Principal":"*","Action":"sms-voice:*"}`, false},
		{`{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sms-voice:*"}`, false},
		{`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"StringEquals":{"aws:PrincipalAccount":["111122223333","444455556666"]}}}`, false},
		{`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"StringLike":{"aws:PrincipalAccount":"*"}}}`, true},
		{`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"StringEqualsIfExists":{"aws:PrincipalAccount":"111122223333"}}}`, true},
		{`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"StringNotEquals":{"aws:PrincipalAccount":"111122223333"}}}`, true},
		{`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}`, true},
		{`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111122223333:*"}}}`, false},
		{`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:*:*"}}}`, true},
		{`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}}}`, false},
		{`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}},{"Effect":"Allow","Principal":"*","Action":"sms-voice:*"}`, true},
	} {
		if got := mustParse(t, document([]string{test.statement}), ResourcePolicy).Public(); got != test.want {
			t.Errorf("%s: %v", test.statement, got)
		}
	}
}

// TestPublicConditions: a condition limits a statement for everybody only where its
// values name accounts, organizations or principals, all of them.
func TestPublicConditions(t *testing.T) {
	for condition, limited := range map[string]bool{
		`"StringEquals":{"aws:PrincipalAccount":"111122223333"}`:                                         true,
		`"StringLike":{"AWS:principalaccount":["111122223333"]}`:                                         true,
		`"StringLike":{"aws:PrincipalAccount":["111122223333","1*"]}`:                                    false,
		`"StringLike":{"aws:PrincipalAccount":["1*","2*","3*","4*","5*","6*","7*","8*","9*","0*"]}`:      false,
		`"StringLike":{"aws:SourceAccount":"????????????"}`:                                              false,
		`"StringEquals":{"aws:SourceOwner":"111122223333"}`:                                              true,
		`"StringEquals":{"aws:PrincipalAccount":"${aws:PrincipalAccount}"}`:                              false,
		`"StringEquals":{"aws:PrincipalAccount":"11112222333"}`:                                          false,
		`"ForAllValues:StringEquals":{"aws:PrincipalAccount":"111122223333"}`:                            false,
		`"StringEquals":{"aws:username":"svc"}`:                                                          false,
		`"StringEquals":{"aws:PrincipalTag/team":"a"}`:                                                   false,
		`"StringEquals":{"aws:userid":"AIDAEXAMPLEEXAMPLE12"}`:                                           true,
		`"StringLike":{"aws:userid":"AROAEXAMPLEEXAMPLE12:*"}`:                                           true,
		`"StringEquals":{"aws:userid":"111122223333"}`:                                                   true,
		`"StringLike":{"aws:userid":"AROAEXAMPLEEXAMPLE12*"}`:                                            false,
		`"StringLike":{"aws:userid":"*:deploy"}`:                                                         false,
		`"StringLike":{"aws:userid":"AROA*:deploy"}`:                                                     false,
		`"StringLike":{"aws:userid":"????????????????????:deploy"}`:                                      false,
		`"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:user/*","arn:*:*:*:111122223333:*"]}`: true,
		`"ArnLike":{"aws:PrincipalArn":["arn:aws:iam::111122223333:*","arn:aws:iam::1*:user/ann"]}`:      false,
		`"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::*:role/deploy"}`:                                    false,
		`"StringLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:role/*"}`:                           true,
		`"StringLike":{"aws:PrincipalArn":"arn:aws:*::111122223333:role/*"}`:                             false,
		`"StringLike":{"aws:PrincipalArn":"*:role/deploy"}`:                                              false,
		`"StringLike":{"aws:PrincipalArn":"*"}`:                                                          false,
		`"ArnLike":{"aws:SourceArn":"arn:aws:s3:::bucket"}`:                                              false,
		`"ArnLike":{"aws:SourceArn":"arn:aws:sns:*:111122223333:t"}`:                                     true,
		`"StringEquals":{"aws:PrincipalOrgID":["o-abcdefghij"]}`:                                         true,
		`"StringLike":{"aws:PrincipalOrgID":"o-*"}`:                                                      false,
		`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"o-abcdefghij/r-ab12/*"}`:                     true,
		`"ForAnyValue:StringLike":{"aws:PrincipalOrgPaths":"*/ou-ab12-11111111/*"}`:                      false,
		`"StringLike":{"aws:PrincipalAccount":"1*"},"StringEquals":{"aws:SourceAccount":"111122223333"}`: true,
	} {
		p := mustParse(t, document([]string{`{"Effect":"Allow","Principal":"*","Action":"sms-voice:*","Condition":{` + condition + `}}`}), ResourcePolicy)
		if p.Public() == limited {
			t.Errorf("%s: limited is %v", condition, !limited)
		}
	}
}
