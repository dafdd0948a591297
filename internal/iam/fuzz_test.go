package iam

import (
	"encoding/json"
	"math/rand/v2"
	"net/netip"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

// FuzzParse reads arbitrary documents: no panic, the same answer each time, an error
// that can be shown, and a policy that decides.
func FuzzParse(f *testing.F) {
	for _, b := range Managed("aws") {
		f.Add(b.Document, 1)
	}
	for _, seed := range broken {
		f.Add(seed.document, int(seed.kind))
	}
	f.Add(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Federated":"arn:aws:iam::111122223333:oidc-provider/id.example.com"},"Action":"sts:AssumeRoleWithWebIdentity","Condition":{"StringLike":{"id.example.com:sub":"team-${aws:PrincipalTag/a, 'b''c'}-*"}}}}`, 3)
	f.Add(`{"Statement":[{"Effect":"Deny","NotPrincipal":{"AWS":["111122223333","arn:aws:iam::111122223333:user/ann"]},"NotAction":"s?s:*","NotResource":"arn:aws:s3:::b*:*","Condition":{"DateLessThan":{"aws:CurrentTime":1e3},"Bool":{"aws:SecureTransport":false}}}]}`, 2)
	f.Fuzz(func(t *testing.T, document string, kind int) {
		k := Kind(1 + uint(kind)%3)
		p, err := Parse(document, k)
		again, errAgain := Parse(document, k)
		if (err == nil) != (errAgain == nil) || err != nil && err.Error() != errAgain.Error() {
			t.Fatalf("%v, then %v", err, errAgain)
		}
		if err != nil {
			if _, ok := err.(*SyntaxError); !ok || p != nil || err.Error() == "" {
				t.Fatalf("%T %v with %v", err, err, p)
			}
			return
		}
		if !reflect.DeepEqual(p.Statements(), again.Statements()) || !slices.Equal(p.ContextKeys(), again.ContextKeys()) {
			t.Fatal("two policies of one document")
		}
		_ = p.Public()
		g := generator{rand.New(rand.NewPCG(uint64(len(document)), 1))}
		s, r := g.subject(nil), g.request()
		var resource *Attached
		if k == IdentityPolicy {
			s.Identity = append(s.Identity, Attached{Name: "fuzzed", Policy: p})
		} else {
			resource = &Attached{Name: "fuzzed", Policy: p}
		}
		d := Decide(s, r, resource)
		if explained, _ := Explain(s, r, resource); explained.Allowed != d.Allowed || explained.Reason != d.Reason || explained.Source != d.Source {
			t.Fatalf("%+v, explained %+v", d, explained)
		}
		if (d.Message("arn", r.Action, r.Resource) == "") != d.Allowed {
			t.Fatal(d)
		}
	})
}

// FuzzDecide makes policies, of its own or with what it is given in the place of one,
// and asks whether the order of statements and policies changes a decision, whether a
// deny or a broken policy ever lets something through, and whether taking a deny away
// ever takes a permission away.
func FuzzDecide(f *testing.F) {
	for seed := range uint64(16) {
		f.Add(seed, "", "", "")
	}
	f.Add(uint64(7), `{"Effect":"Allow","Action":"sms-voice:*","Resource":"arn:aws:sms-voice:*:pool/*"}`, "arn:aws:sms-voice:us-east-1:111122223333:pool/a:b", "sms-voice:UpdatePool")
	f.Add(uint64(9), `{"Effect":"Deny","Action":"*","NotResource":"arn:aws:sms-voice:*:*:pool/${aws:PrincipalTag/team}-*"}`, "arn:aws:sms-voice:us-east-1:111122223333:pool/blue-1", "sms-voice:UpdatePool")
	f.Add(uint64(11), `{"Effect":"Allow","Action":"sms-voice:*","Resource":"*","Condition":{"ForAnyValue:StringNotLike":{"aws:TagKeys":["a*","${aws:username, 'x'}"]}}}`, "*", "sms-voice:DescribePools")
	f.Fuzz(func(t *testing.T, seed uint64, statement, resource, action string) {
		g := generator{rand.New(rand.NewPCG(seed, uint64(len(statement))))}
		// What was given counts where it is a statement of an identity-based policy.
		if _, err := Parse(document([]string{statement}), IdentityPolicy); err != nil {
			statement = ""
		}
		c := g.newCase(statement)
		if resource != "" {
			c.request.Resource = resource
		}
		if action != "" {
			c.request.Action = action
		}
		before := c.decide(t)
		if again := c.decide(t); again != before {
			t.Fatalf("%+v, then %+v", before, again)
		}
		for range 3 {
			c.shuffle(g.Rand)
			if d := c.decide(t); d.Allowed != before.Allowed || d.Reason != before.Reason || d.Source != before.Source {
				t.Fatalf("in another order %+v, was %+v\n%s", d, before, c)
			}
		}
		c.invariants(t, before)
	})
}

// generator makes plausible subjects, requests and policies.
type generator struct{ *rand.Rand }

func pick[T any](g generator, from ...T) T { return from[g.IntN(len(from))] }

// some gives one to three of a list, as JSON: a text alone, or a list.
func (g generator) some(from ...string) any {
	if g.IntN(2) == 0 {
		return pick(g, from...)
	}
	out := make([]string, 1+g.IntN(3))
	for i := range out {
		out[i] = pick(g, from...)
	}
	return out
}

var (
	someActions = []string{"*", "sms-voice:*", "sms-voice:Send*", "SMS-Voice:sendtextmessage", "sms-voice:Describe?ools", "sms-voice:*Pool*",
		"sms-voice:DeletePool", "sns:Publish", "sts:AssumeRole", "sts:*"}
	someResources = []string{"*", "arn:aws:sms-voice:*:111122223333:*", "arn:aws:sms-voice:us-east-1:111122223333:pool/*", "arn:aws:sms-voice:*:pool/p*",
		"arn:aws:sms-voice:us-*-1:1111*:p?ol/*-1", "arn:aws:sms-voice:us-east-1:111122223333:pool/${aws:PrincipalTag/team}-1",
		"arn:aws:sms-voice:*:*:pool/${aws:username, 'pool'}-1", "arn:aws:iam::111122223333:role/*", "arn:aws:sms-voice:us-east-1:444455556666:pool/pool-${*}"}
	someOperators = []string{"StringEquals", "StringNotEquals", "StringLike", "StringNotLike", "StringEqualsIgnoreCase", "StringNotEqualsIgnoreCase",
		"ArnLike", "ArnEquals", "ArnNotLike", "ArnNotEquals"}
	someKeys = []string{"aws:PrincipalTag/team", "aws:ResourceTag/team", "aws:RequestTag/Team", "aws:TagKeys", "aws:username", "aws:userid",
		"aws:PrincipalArn", "aws:SourceArn", "aws:SourceAccount", "aws:nothing", "sms-voice:given"}
	someValues = []string{"red", "RED", "blue", "*", "r?d", "team", "${aws:PrincipalTag/team}", "${aws:nothing}", "${aws:nothing, 'red'}", "${*}", "ann",
		"111122223333", "arn:aws:sms-voice:us-east-1:111122223333:*", "arn:aws:iam::*:user/*", ""}
	somePrincipals = []string{"*", "111122223333", "444455556666", "arn:aws:iam::111122223333:root", "arn:aws:iam::111122223333:user/ann",
		"arn:aws:iam::111122223333:role/ops", "arn:aws:sts::111122223333:assumed-role/ops/night", "arn:aws:iam::444455556666:user/ann"}
)

func (g generator) statement(kind Kind) string {
	s := map[string]any{"Effect": pick(g, "Allow", "Allow", "Allow", "Deny")}
	if kind == TrustPolicy {
		s["Action"] = g.some("sts:AssumeRole", "sts:*", "sts:TagSession")
	} else {
		s[pick(g, "Action", "Action", "Action", "NotAction")] = g.some(someActions...)
		s[pick(g, "Resource", "Resource", "Resource", "NotResource")] = g.some(someResources...)
	}
	if kind != IdentityPolicy {
		element := "Principal"
		if s["Effect"] == "Deny" && g.IntN(3) == 0 {
			element = "NotPrincipal"
		}
		switch g.IntN(4) {
		case 0:
			s[element] = "*"
		case 1:
			s[element] = map[string]any{"Service": g.some("sms-voice.amazonaws.com", "sns.amazonaws.com", "*"), "AWS": g.some(somePrincipals...)}
		default:
			s[element] = map[string]any{"AWS": g.some(somePrincipals...)}
		}
	}
	if g.IntN(2) == 0 {
		s["Condition"] = g.condition()
	}
	b, _ := json.Marshal(s)
	return string(b)
}

func (g generator) condition() map[string]any {
	out := map[string]any{}
	for range 1 + g.IntN(2) {
		keys := map[string]any{}
		operator := pick(g, "", "", "ForAllValues:", "ForAnyValue:")
		switch g.IntN(9) {
		case 0:
			operator = "Null"
			keys[pick(g, someKeys...)] = pick[any](g, "true", false)
		case 1:
			operator += pick(g, "NumericLessThan", "NumericNotEquals", "NumericGreaterThanEquals") + pick(g, "", "IfExists")
			keys["aws:MultiFactorAuthAge"] = pick[any](g, 0, 60, "3600.5")
		case 2:
			operator += pick(g, "DateLessThan", "DateNotEquals", "DateGreaterThan") + pick(g, "", "IfExists")
			keys["aws:CurrentTime"] = pick[any](g, "2026-01-01", "2026-06-01T12:00:00Z", 1800000000)
		case 3:
			operator += pick(g, "IpAddress", "NotIpAddress") + pick(g, "", "IfExists")
			keys["aws:SourceIp"] = g.some("203.0.113.0/24", "2001:db8::/32", "198.51.100.7")
		case 4:
			operator += "Bool" + pick(g, "", "IfExists")
			keys[pick(g, "aws:SecureTransport", "aws:MultiFactorAuthPresent")] = pick[any](g, true, "false")
		default:
			operator += pick(g, someOperators...) + pick(g, "", "", "IfExists")
			for range 1 + g.IntN(2) {
				keys[pick(g, someKeys...)] = g.some(someValues...)
			}
		}
		out[operator] = keys
	}
	return out
}

func (g generator) principal() *Principal {
	tags := pick(g, nil, map[string]string{"team": "red"}, map[string]string{"Team": "blue", "team": "red"})
	switch g.IntN(6) {
	case 0:
		return &Principal{Type: Root, ARN: "arn:aws:iam::111122223333:root", Account: "111122223333", ID: "111122223333"}
	case 1:
		return &Principal{Type: ServiceType, ARN: "sms-voice.amazonaws.com", Service: "sms-voice.amazonaws.com"}
	case 2:
		return &Principal{Type: Anonymous}
	case 3, 4:
		return &Principal{Type: AssumedRole, ARN: "arn:aws:sts::111122223333:assumed-role/ops/night", Account: "111122223333", ID: "AROAOPSOPSOPSOPSOPS1:night",
			Role: "arn:aws:iam::111122223333:role/ops", Tags: tags}
	}
	p := ann()
	p.Tags = tags
	return p
}

func (g generator) subject(p *Principal) *Subject {
	if p == nil {
		p = g.principal()
	}
	return &Subject{Principal: p, Limited: g.IntN(4) == 0}
}

func (g generator) request() *Request {
	c := &Circumstances{Now: time.Date(2026, time.Month(1+g.IntN(12)), 1, 12, 0, 0, 0, time.UTC), Secure: g.IntN(2) == 0,
		ResourceTags: pick(g, nil, map[string]string{"team": "red"}, map[string]string{"Team": "blue"}),
		RequestTags:  pick(g, nil, map[string]string{"team": "red", "Team": "blue"}),
		TagKeys:      pick(g, nil, []string{"team"}, []string{"team", "red", ""}),
		More:         pick(g, nil, map[string][]string{"sms-voice:given": {"red", "blue"}}, map[string][]string{"sms-voice:given": {""}})}
	if g.IntN(3) > 0 {
		c.SourceIP = pick(g, netip.MustParseAddr("203.0.113.9"), netip.MustParseAddr("2001:db8::1"), netip.MustParseAddr("::ffff:198.51.100.7"))
	}
	if g.IntN(2) == 0 {
		c.SourceARN, c.SourceAccount = "arn:aws:sms-voice:us-east-1:111122223333:configuration-set/c", "111122223333"
	}
	if g.IntN(2) == 0 {
		c.Session = &Session{Issued: c.Now, MFA: c.Now.Add(-time.Duration(g.IntN(7200)) * time.Second)}
	}
	return &Request{
		Action: pick(g, "sms-voice:SendTextMessage", "sms-voice:DescribePools", "sms-voice:DeletePool", "sns:Publish", "sts:AssumeRole"),
		Resource: pick(g, "*", "arn:aws:sms-voice:us-east-1:111122223333:pool/pool-1", "arn:aws:sms-voice:us-east-1:111122223333:pool/red-1",
			"arn:aws:sms-voice:us-east-1:444455556666:pool/pool-*", "arn:aws:iam::111122223333:role/ops"),
		Owner:   pick(g, "", "", "111122223333", "444455556666"),
		Context: c,
	}
}

func document(statements []string) string {
	return `{"Version":"2012-10-17","Statement":[` + strings.Join(statements, ",") + `]}`
}
