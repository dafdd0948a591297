package main

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"heliograph/internal/admin"
)

// Accounts, keys and what they may do, by the operator's commands.
func TestIdentityCommands(t *testing.T) {
	server(t, "")
	printed := succeed(t, "accounts", "create", "777788889999", "--profile", "shop")
	if !strings.HasPrefix(printed, "[shop]\naws_access_key_id = AKIA") || !strings.HasSuffix(printed, "\nregion = us-east-1\n") {
		t.Errorf("the key of its root is printed as %s", printed)
	}
	if listed := succeed(t, "accounts", "list"); !strings.Contains(listed, "777788889999  sandbox") || !strings.Contains(listed, "the operator's") {
		t.Error(listed)
	}
	if shown := succeed(t, "accounts", "show", "777788889999"); !strings.Contains(shown, "777788889999") {
		t.Error(shown)
	}
	var key admin.NewKey
	if err := json.Unmarshal([]byte(succeed(t, "keys", "create", "--account", "777788889999", "--json")), &key); err != nil || len(key.SecretAccessKey) != 40 {
		t.Fatalf("%+v, %v", key, err)
	}
	if out := succeed(t, "keys", "disable", key.AccessKeyID); !strings.Contains(out, "disabled") {
		t.Error(out)
	}
	if out := succeed(t, "keys", "enable", key.AccessKeyID); !strings.Contains(out, "active") {
		t.Error(out)
	}
	succeed(t, "keys", "delete", key.AccessKeyID)
	if out := succeed(t, "keys", "list", "--account", "777788889999"); strings.Contains(out, key.AccessKeyID) || strings.Count(out, "AKIA") != 1 {
		t.Error(out)
	}
	role := "arn:aws:iam::777788889999:role/HeliographEvents"
	out := succeed(t, "policy", "explain", "--principal", role, "--action", "sns:Publish", "--resource", "arn:aws:sns:us-east-1:777788889999:events",
		"--context", "aws:SourceIp=192.0.2.1", "--context", "aws:RequestTag/a=b,c")
	if !strings.HasPrefix(out, "allowed: identity-based policy\n") || !strings.Contains(out, "decides") {
		t.Error(out)
	}
	if out := succeed(t, "policy", "explain", "--principal", role, "--action", "sns:DeleteTopic"); !strings.HasPrefix(out, "denied: ") || !strings.Contains(out, "No statement matches") {
		t.Error(out)
	}
	for name, text := range map[string]string{"good.json": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"iam:*","Resource":"*"}]}`, "bad.json": "{}"} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if out := succeed(t, "policy", "check", "good.json"); !strings.Contains(out, "good.json is a policy") {
		t.Error(out)
	}
	if _, stderr, code := command(t, "", "policy", "check", "bad.json"); code != exitFailed || !strings.Contains(stderr, "Statement") {
		t.Errorf("exit code %d: %s", code, stderr)
	}
}
