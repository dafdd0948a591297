//go:build python

package e2e

import (
	"encoding/base32"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heliograph/internal/identity/totp"
)

// at walks into an answer: names of members, and numbers of lists.
func at(answer any, path ...any) any {
	for _, p := range path {
		switch p := p.(type) {
		case string:
			m, _ := answer.(map[string]any)
			answer = m[p]
		case int:
			l, _ := answer.([]any)
			if p >= len(l) {
				return nil
			}
			answer = l[p]
		}
	}
	return answer
}

// TestIAMByCLI goes through every family of IAM's operations with the unmodified AWS
// CLI.
func TestIAMByCLI(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	aws := s.asRoot()
	iam := func(args ...string) map[string]any { t.Helper(); return aws.may(append([]string{"iam"}, args...)...) }
	const (
		own   = "arn:aws:iam::111122223333:"
		allow = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["sms-voice:SendTextMessage","iam:GetUser","iam:ChangePassword"],"Resource":"*"}]}`
		deny  = `{"Version":"2012-10-17","Statement":[{"Sid":"No","Effect":"Deny","Action":"sms-voice:SendTextMessage","Resource":"*","Condition":{"Bool":{"aws:SecureTransport":"true"}}}]}`
		trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sms-voice.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	)
	is := func(what string, got, want any) {
		t.Helper()
		if got != want {
			t.Errorf("%s is %v, not %v", what, got, want)
		}
	}

	// Users and groups.
	is("the root", at(iam("get-user"), "User", "Arn"), own+"root")
	is("a new user", at(iam("create-user", "--user-name", "bob", "--path", "/team/", "--tags", "Key=dept,Value=sales"), "User", "Arn"), own+"user/team/bob")
	iam("create-group", "--group-name", "senders")
	iam("add-user-to-group", "--group-name", "senders", "--user-name", "bob")
	is("a member", at(iam("get-group", "--group-name", "senders"), "Users", 0, "UserName"), "bob")
	is("a group", at(iam("list-groups-for-user", "--user-name", "bob"), "Groups", 0, "GroupName"), "senders")
	is("a tag", at(iam("list-user-tags", "--user-name", "bob"), "Tags", 0, "Value"), "sales")
	aws.mayNot([]string{"(EntityAlreadyExists)"}, "iam", "create-user", "--user-name", "BOB")
	aws.mayNot([]string{"(NoSuchEntity)"}, "iam", "get-user", "--user-name", "eve")

	// Policies.
	policy := at(iam("create-policy", "--policy-name", "send", "--policy-document", allow), "Policy", "Arn").(string)
	iam("attach-group-policy", "--group-name", "senders", "--policy-arn", policy)
	is("what has the policy", at(iam("list-entities-for-policy", "--policy-arn", policy), "PolicyGroups", 0, "GroupName"), "senders")
	iam("put-user-policy", "--user-name", "bob", "--policy-name", "no", "--policy-document", deny)
	is("an inline policy", at(iam("get-user-policy", "--user-name", "bob", "--policy-name", "no"), "PolicyDocument", "Statement", 0, "Sid"), "No")
	iam("create-policy-version", "--policy-arn", policy, "--policy-document", allow, "--set-as-default")
	is("a version", at(iam("get-policy-version", "--policy-arn", policy, "--version-id", "v2"), "PolicyVersion", "IsDefaultVersion"), true)
	iam("delete-policy-version", "--policy-arn", policy, "--version-id", "v1")
	is("a built-in policy", at(iam("get-policy", "--policy-arn", "arn:aws:iam::aws:policy/HeliographSendOnly"), "Policy", "PolicyName"), "HeliographSendOnly")
	iam("put-user-permissions-boundary", "--user-name", "bob", "--permissions-boundary", policy)
	is("a boundary", at(iam("get-user", "--user-name", "bob"), "User", "PermissionsBoundary", "PermissionsBoundaryArn"), policy)
	aws.mayNot([]string{"(MalformedPolicyDocument)"}, "iam", "put-user-policy", "--user-name", "bob", "--policy-name", "x", "--policy-document", `{"Statement":`)
	aws.mayNot([]string{"(DeleteConflict)"}, "iam", "delete-user", "--user-name", "bob")

	// Simulations.
	simulate := func(more ...string) map[string]any {
		t.Helper()
		return at(iam(append([]string{"simulate-principal-policy", "--policy-source-arn", own + "user/team/bob", "--action-names", "sms-voice:SendTextMessage"}, more...)...),
			"EvaluationResults", 0).(map[string]any)
	}
	is("a simulation", simulate()["EvalDecision"], "allowed")
	secure := simulate("--context-entries", "ContextKeyName=aws:SecureTransport,ContextKeyValues=true,ContextKeyType=boolean")
	is("a simulation", secure["EvalDecision"], "explicitDeny")
	is("its first statement", at(secure, "MatchedStatements", 0, "SourcePolicyType"), "user")
	is("its second statement", at(secure, "MatchedStatements", 1, "SourcePolicyId"), policy)
	is("a custom simulation", at(iam("simulate-custom-policy", "--policy-input-list", allow, "--action-names", "sms-voice:DeletePool"), "EvaluationResults", 0, "EvalDecision"), "implicitDeny")

	// Access keys, with which bob signs.
	made := iam("create-access-key", "--user-name", "bob")["AccessKey"].(map[string]any)
	s.file("bob", "[bob]\naws_access_key_id = "+made["AccessKeyId"].(string)+"\naws_secret_access_key = "+made["SecretAccessKey"].(string)+"\n")
	bob := s.profile("bob")
	is("who signs", at(bob.may("iam", "get-user"), "User", "UserName"), "bob")
	bob.mayNot([]string{"(AccessDenied)"}, "iam", "create-user", "--user-name", "eve")
	iam("update-access-key", "--user-name", "bob", "--access-key-id", made["AccessKeyId"].(string), "--status", "Inactive")
	bob.mayNot([]string{"(InvalidClientTokenId)"}, "iam", "get-user")
	iam("update-access-key", "--user-name", "bob", "--access-key-id", made["AccessKeyId"].(string), "--status", "Active")

	// Passwords and one-time passwords.
	iam("create-login-profile", "--user-name", "bob", "--password", "correct horse battery", "--password-reset-required")
	bob.may("iam", "change-password", "--old-password", "correct horse battery", "--new-password", "another horse battery")
	is("the profile", at(iam("get-login-profile", "--user-name", "bob"), "LoginProfile", "PasswordResetRequired"), false)
	aws.mayNot([]string{"(PasswordPolicyViolation)"}, "iam", "update-login-profile", "--user-name", "bob", "--password", "short")
	serial := at(iam("create-virtual-mfa-device", "--virtual-mfa-device-name", "phone", "--outfile", "seed", "--bootstrap-method", "Base32StringSeed"),
		"VirtualMFADevice", "SerialNumber").(string)
	seed, err := os.ReadFile(filepath.Join(s.dir, "seed"))
	if err != nil {
		t.Fatal(err)
	}
	secret, err := base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(string(seed))
	if err != nil {
		t.Fatalf("the seed is %q: %v", seed, err)
	}
	step := totp.Step(time.Now())
	iam("enable-mfa-device", "--user-name", "bob", "--serial-number", serial, "--authentication-code1", totp.Code(secret, step), "--authentication-code2", totp.Code(secret, step+1))
	is("a device", at(iam("list-mfa-devices", "--user-name", "bob"), "MFADevices", 0, "SerialNumber"), serial)

	// Roles.
	is("a role", at(iam("create-role", "--role-name", "Events", "--assume-role-policy-document", trust, "--max-session-duration", "7200"), "Role", "Arn"), own+"role/Events")
	iam("update-role", "--role-name", "Events", "--description", "for events")
	iam("update-assume-role-policy", "--role-name", "Events", "--policy-document", trust)
	iam("attach-role-policy", "--role-name", "Events", "--policy-arn", policy)
	iam("tag-role", "--role-name", "Events", "--tags", "Key=a,Value=b")
	is("a trust policy", at(iam("get-role", "--role-name", "Events"), "Role", "AssumeRolePolicyDocument", "Statement", 0, "Action"), "sts:AssumeRole")

	// Everything is taken away again.
	iam("detach-role-policy", "--role-name", "Events", "--policy-arn", policy)
	iam("delete-role", "--role-name", "Events")
	iam("deactivate-mfa-device", "--user-name", "bob", "--serial-number", serial)
	iam("delete-virtual-mfa-device", "--serial-number", serial)
	iam("delete-login-profile", "--user-name", "bob")
	iam("delete-access-key", "--user-name", "bob", "--access-key-id", made["AccessKeyId"].(string))
	iam("delete-user-policy", "--user-name", "bob", "--policy-name", "no")
	iam("delete-user-permissions-boundary", "--user-name", "bob")
	iam("remove-user-from-group", "--group-name", "senders", "--user-name", "bob")
	iam("detach-group-policy", "--group-name", "senders", "--policy-arn", policy)
	iam("delete-group", "--group-name", "senders")
	iam("delete-user", "--user-name", "bob")
	iam("delete-policy", "--policy-arn", policy)
	is("the number of users", at(iam("get-account-summary"), "SummaryMap", "Users"), 0.0)
}

// TestAccountsByCommand makes an account with the operator's commands, whose root then
// sees nothing of the first one's.
func TestAccountsByCommand(t *testing.T) {
	t.Parallel()
	s := start(t, "region: eu-west-1\n")
	first := s.asRoot().in("us-east-1") // as the CLI signs for IAM
	first.may("iam", "create-user", "--user-name", "bob")
	s.file("shop", s.run("accounts", "create", "777788889999", "--tier", "production", "--profile", "shop"))
	shop := s.profile("shop").in("eu-west-1")
	if who := at(shop.may("iam", "get-user"), "User", "Arn"); who != "arn:aws:iam::777788889999:root" {
		t.Errorf("the root is %v", who)
	}
	if users := shop.may("iam", "list-users")["Users"].([]any); len(users) != 0 {
		t.Errorf("it sees %v", users)
	}
	shop.mayNot([]string{"(NoSuchEntity)"}, "iam", "delete-user", "--user-name", "bob")
	if out := s.run("accounts", "list"); !strings.Contains(out, "777788889999") || !strings.Contains(out, "the operator's") {
		t.Error(out)
	}
	s.file("bob", s.run("keys", "create", "--user", "bob"))
	bob := s.profile("bob").in("eu-west-1")
	bob.mayNot([]string{"(AccessDenied)"}, "iam", "list-users")
	first.may("iam", "attach-user-policy", "--user-name", "bob", "--policy-arn", "arn:aws:iam::aws:policy/ReadOnlyAccess")
	bob.may("iam", "list-users")
	out := s.run("policy", "explain", "--principal", "arn:aws:iam::111122223333:user/bob", "--action", "iam:ListUsers")
	if !strings.Contains(out, "allowed") || !strings.Contains(out, "policy/ReadOnlyAccess") || !strings.Contains(out, "decides") {
		t.Error(out)
	}
	if out := s.run("policy", "explain", "--principal", "arn:aws:iam::111122223333:user/bob", "--action", "iam:CreateUser"); !strings.Contains(out, "denied") {
		t.Error(out)
	}
	key := ""
	for _, field := range strings.Fields(s.run("keys", "list", "--user", "bob")) {
		if strings.HasPrefix(field, "AKIA") {
			key = field
		}
	}
	s.run("keys", "disable", key)
	bob.mayNot([]string{"(InvalidClientTokenId)"}, "iam", "list-users")
	s.run("keys", "enable", key)
	bob.may("iam", "list-users")
	s.run("keys", "delete", key)
	bob.mayNot([]string{"(InvalidClientTokenId)"}, "iam", "list-users")
	if out := s.run("policy", "check", s.file("good.json", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}`)); !strings.Contains(out, "Statements: 1.") {
		t.Error(out)
	}
	if _, stderr, err := s.try("policy", "check", s.file("bad.json", "{}")); err == nil || !strings.Contains(stderr, "Statement") {
		t.Errorf("%v: %s", err, stderr)
	}
}
