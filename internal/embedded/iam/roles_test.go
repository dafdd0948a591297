package iam

import (
	"net/url"
	"strings"
	"testing"

	"heliograph/internal/iam"
)

// A role's trust policy goes on naming those whom it named when it was saved, and is
// answered as it was given.
func TestTrustNamesWhoIsThere(t *testing.T) {
	r := newRig(t)
	trust := func(arn string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + arn + `"},"Action":"sts:AssumeRole"}]}`
	}
	stored := func() iam.Role { return r.dir.Account(account).Roles.Get("r").Value }
	bob := arn + "user/team/bob"
	r.refused("CreateRole RoleName=r AssumeRolePolicyDocument="+trust(bob), 400, "MalformedPolicyDocument")
	r.ok("CreateUser UserName=bob Path=/team/")
	id := r.dir.Account(account).Users.Get("bob").Value.ID
	r.refused("CreateRole RoleName=r AssumeRolePolicyDocument="+trust(arn+"user/bob"), 400, "MalformedPolicyDocument")
	r.refused("CreateRole RoleName=r AssumeRolePolicyDocument="+trust(arn+"role/r"), 400, "MalformedPolicyDocument") // itself, which is not there
	r.ok("CreateRole RoleName=r AssumeRolePolicyDocument=" + trust(bob))
	if got := stored(); got.Trust != trust(bob) || strings.ReplaceAll(got.DecidingTrust(), " ", "") != trust(id) {
		t.Errorf("%+v", got)
	}
	answered := func() string {
		document, err := url.QueryUnescape(element(t, r.ok("GetRole RoleName=r"), "AssumeRolePolicyDocument"))
		if err != nil {
			t.Fatal(err)
		}
		return document
	}
	if got := answered(); got != trust(bob) {
		t.Errorf("answered as %s", got)
	}
	r.ok("UpdateRole RoleName=r MaxSessionDuration=7200")
	if got := stored(); strings.ReplaceAll(got.DecidingTrust(), " ", "") != trust(id) {
		t.Errorf("after another change: %+v", got)
	}

	// A change names those who are there then; where it names nobody, nothing is left.
	r.ok("DeleteUser UserName=bob")
	status, body := r.do(r.as(account, ""), "UpdateAssumeRolePolicy RoleName=r PolicyDocument="+trust(bob))
	if status != 400 || !strings.Contains(body, "MalformedPolicyDocument") || !strings.Contains(body, "Invalid principal in policy") || !strings.Contains(body, bob) {
		t.Errorf("%d %s", status, body)
	}
	r.ok("UpdateAssumeRolePolicy RoleName=r PolicyDocument=" + trust(arn+"role/r"))
	if got := stored(); strings.ReplaceAll(got.DecidingTrust(), " ", "") != trust(got.ID) {
		t.Errorf("%+v", got)
	}
	r.ok("UpdateAssumeRolePolicy RoleName=r PolicyDocument=" + trusting)
	if got := stored(); got.DecidingTrust() != trusting || got.TrustPinned != "" {
		t.Errorf("%+v", got)
	}

	// Whether there is one in another account is not told.
	for _, name := range []string{"eve", "none"} {
		if name == "eve" {
			if status, body := r.do(r.as(other, ""), "CreateUser UserName=eve"); status != 200 {
				t.Fatal(body)
			}
		}
		r.ok("UpdateAssumeRolePolicy RoleName=r PolicyDocument=" + trust("arn:aws:iam::"+other+":user/"+name))
		if got := answered(); got != trust("arn:aws:iam::"+other+":user/"+name) {
			t.Errorf("answered as %s", got)
		}
	}
	if got := stored(); got.TrustPinned != "" {
		t.Errorf("%+v", got)
	}
}
