package iam

import (
	"errors"
	"strings"
	"testing"
)

const (
	annARN   = "arn:aws:iam::111122223333:user/ann"
	opsARN   = "arn:aws:iam::111122223333:role/team/ops"
	nightARN = "arn:aws:sts::111122223333:assumed-role/ops/night"
)

// known are the ids of who is there.
var known = map[string]string{annARN: "AIDAANNANNANNANNANN1", opsARN: "AROAOPSOPSOPSOPSOPS1", nightARN: "AROAOPSOPSOPSOPSOPS1:night"}

func resolve(arn string) (string, error) { return known[arn], nil }

func TestPinPrincipals(t *testing.T) {
	for _, test := range []struct {
		name, document, pinned string // without white space; empty: as it is
	}{
		{"a user alone", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"` + annARN + `"},"Action":"sts:AssumeRole"}}`,
			`{"Statement":{"Effect":"Allow","Principal":{"AWS":"AIDAANNANNANNANNANN1"},"Action":"sts:AssumeRole"}}`},
		{"several, in several statements", `{"Statement":[{"Effect":"Allow","Principal":{"AWS":["111122223333","` + annARN + `","` + opsARN + `"],"Service":"sns.amazonaws.com"},"Action":"sts:AssumeRole"},
			{"Effect":"Deny","NotPrincipal":{"AWS":["` + nightARN + `","` + opsARN + `","arn:aws:iam::111122223333:root"]},"Action":"sts:*"}]}`,
			`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["111122223333","AIDAANNANNANNANNANN1","AROAOPSOPSOPSOPSOPS1"],"Service":"sns.amazonaws.com"},"Action":"sts:AssumeRole"},
			{"Effect":"Deny","NotPrincipal":{"AWS":["AROAOPSOPSOPSOPSOPS1:night","AROAOPSOPSOPSOPSOPS1","arn:aws:iam::111122223333:root"]},"Action":"sts:*"}]}`},
		{"escaped", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"` + strings.Replace(annARN, "/ann", `\/\u0061nn`, 1) + `"},"Action":"sts:AssumeRole"}}`,
			`{"Statement":{"Effect":"Allow","Principal":{"AWS":"AIDAANNANNANNANNANN1"},"Action":"sts:AssumeRole"}}`},
		{"one of whom nothing is known", `{"Statement":{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:user/x","` + annARN + `"]},"Action":"sts:AssumeRole"}}`,
			`{"Statement":{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::444455556666:user/x","AIDAANNANNANNANNANN1"]},"Action":"sts:AssumeRole"}}`},
		{"only in a condition", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole","Condition":{"ArnEquals":{"aws:PrincipalArn":"` + annARN + `"}}}}`, ""},
		{"accounts, services and issuers", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root","Service":"sns.amazonaws.com","Federated":"id.example.com"},"Action":"sts:*"}}`, ""},
		{"everybody", `{"Statement":{"Effect":"Allow","Principal":"*","Action":"sts:*"}}`, ""},
		{"ids", `{"Statement":{"Effect":"Allow","Principal":{"AWS":["AIDAANNANNANNANNANN1","AROAOPSOPSOPSOPSOPS1:night"]},"Action":"sts:*"}}`, ""},
	} {
		got, err := PinPrincipals(test.document, TrustPolicy, resolve)
		squeezed := strings.NewReplacer(" ", "").Replace
		if err != nil || squeezed(got) != squeezed(test.pinned) {
			t.Errorf("%s: %s, %v", test.name, got, err)
		}
		if got == "" {
			continue
		}
		// Statements are where they were.
		before, after := mustParse(t, test.document, TrustPolicy), mustParse(t, got, TrustPolicy)
		for i := range before.statements {
			if before.statements[i].place != after.statements[i].place {
				t.Errorf("%s: %+v is at %+v", test.name, before.statements[i].place, after.statements[i].place)
			}
		}
	}
}

func TestPinPrincipalsRefuses(t *testing.T) {
	gone := errors.New("gone")
	document := `{"Statement":{"Effect":"Allow","Principal":{"AWS":"` + annARN + `"},"Action":"sts:AssumeRole"}}`
	if pinned, err := PinPrincipals(document, TrustPolicy, func(string) (string, error) { return "", gone }); !errors.Is(err, gone) || pinned != "" {
		t.Errorf("%s, %v", pinned, err)
	}
	for _, broken := range []string{"{", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"ann"},"Action":"sts:AssumeRole"}}`} {
		if _, err := PinPrincipals(broken, TrustPolicy, resolve); err == nil {
			t.Errorf("%s is taken", broken)
		} else if _, ok := errors.AsType[*SyntaxError](err); !ok {
			t.Error(err)
		}
	}
	if _, err := PinPrincipals(document, TrustPolicy, func(string) (string, error) { return "no id", nil }); err == nil {
		t.Error("what is no id is put in")
	}
}

// FuzzPinPrincipals: what is pinned reads, and says the same but for whom it names.
func FuzzPinPrincipals(f *testing.F) {
	f.Add(`{"Statement":[{"Effect":"Allow","Principal":{"AWS":["` + annARN + `","` + nightARN + `"]},"Action":"sts:AssumeRole"}]}`)
	f.Add(`{"Statement":{"Effect":"Deny","NotPrincipal":{"AWS":"arn:aws:iam::1111222233\u00333:user/ann"},"Action":"sts:*"}}`)
	f.Fuzz(func(t *testing.T, document string) {
		before, err := Parse(document, TrustPolicy)
		if err != nil {
			return
		}
		pinned, err := PinPrincipals(document, TrustPolicy, func(arn string) (string, error) { return "AIDAANNANNANNANNANN1", nil })
		if err != nil {
			t.Fatalf("%q: %v", document, err)
		}
		if pinned == "" {
			return
		}
		after := mustParse(t, pinned, TrustPolicy)
		if len(after.statements) != len(before.statements) {
			t.Fatalf("%q became %q", document, pinned)
		}
		for i := range after.statements {
			a, b := &after.statements[i], &before.statements[i]
			if a.allow != b.allow || a.sid != b.sid || a.place.StartLine != b.place.StartLine || len(a.actions.patterns) != len(b.actions.patterns) ||
				a.principals.not != b.principals.not || len(a.principals.arns) > len(b.principals.arns) || len(a.principals.accounts) != len(b.principals.accounts) {
				t.Fatalf("%q became %q", document, pinned)
			}
		}
	})
}
