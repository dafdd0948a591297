package admin_test

import (
	"encoding/json"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"heliograph/internal/admin"
	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// clear seals nothing: what is sealed is not what is tested.
type clear struct{}

func (clear) Seal(dst, plain, _ []byte) []byte           { return append(dst, plain...) }
func (clear) Open(dst, sealed, _ []byte) ([]byte, error) { return append(dst, sealed...), nil }

// identityRig is a rig with the operations on accounts, keys and policies.
func identityRig(t *testing.T) (*rig, *identity.Authority) {
	t.Helper()
	r := newRig(t)
	log := slog.New(slog.DiscardHandler)
	var root sigv4.Keys
	authority := identity.New(identity.Options{Directory: r.directory, Sealer: clear{}, Root: root, TokenKey: make([]byte, 32), Partition: "aws", Now: time.Now, Log: log})
	for _, o := range admin.Identities(admin.IdentityOptions{Account: first, Directory: r.directory, Authority: authority, Sealer: clear{}, Log: log}) {
		r.operations[o.Target] = o
	}
	return r, authority
}

func TestCreateAccount(t *testing.T) {
	r, authority := identityRig(t)
	made := call[admin.CreateAccountOutput](r, "CreateAccount", `{"account":"777788889999","tier":"production"}`)
	if made.Account != "777788889999" || made.Tier != "production" || len(made.Key.SecretAccessKey) != 40 {
		t.Errorf("made %+v", made)
	}
	credential, err := authority.Lookup(t.Context(), made.Key.AccessKeyID, "")
	if err != nil || credential.SecretAccessKey != made.Key.SecretAccessKey || credential.Principal != "arn:aws:iam::777788889999:root" {
		t.Errorf("its key is of %s, %v", credential.Principal, err)
	}
	any := call[admin.CreateAccountOutput](r, "CreateAccount", `{}`)
	if len(any.Account) != 12 || any.Tier != "sandbox" {
		t.Errorf("made %+v", any)
	}
	all := call[admin.ListAccountsOutput](r, "ListAccounts", `{}`).Accounts
	if len(all) != 4 || !slices.ContainsFunc(all, func(a admin.ListedAccount) bool { return a.Account == first && a.Operator && a.Keys == 0 }) ||
		!slices.ContainsFunc(all, func(a admin.ListedAccount) bool { return a.Account == made.Account && !a.Operator && a.Keys == 1 }) {
		t.Errorf("there are %+v", all)
	}
	for body, says := range map[string]string{
		`{"account":"777788889999"}`: "already",
		`{"account":"12345678901"}`:  "twelve",
		`{"account":"12345678901x"}`: "twelve",
		`{"tier":"gold"}`:            "sandbox and production",
		`{"tier":"Sandbox"}`:         "sandbox and production",
	} {
		if e := r.refused("CreateAccount", body); !strings.Contains(e.Message, says) {
			t.Errorf("%s: %v", body, e)
		}
	}
}

// Of several who make one account at once, one does, and is told its key.
func TestCreateAccountOnce(t *testing.T) {
	r, _ := identityRig(t)
	made, refused := make(chan admin.CreateAccountOutput, 8), make(chan error, 8)
	var all sync.WaitGroup
	for range cap(made) {
		all.Go(func() {
			var out admin.CreateAccountOutput
			answer, err := r.raw(first, "CreateAccount", `{"account":"777788889999"}`)
			if err == nil {
				err = json.Unmarshal(answer, &out)
			}
			if err != nil {
				refused <- err
				return
			}
			made <- out
		})
	}
	all.Wait()
	if len(made) != 1 || len(refused) != cap(refused)-1 {
		t.Fatalf("%d made it, %d were refused", len(made), len(refused))
	}
	for range len(refused) {
		if err := <-refused; !strings.Contains(err.Error(), "already") {
			t.Error(err)
		}
	}
	if keys := r.directory.Account("777788889999").AccessKeys.All(); len(keys) != 1 || keys[0].ID != (<-made).Key.AccessKeyID {
		t.Errorf("its keys: %+v", keys)
	}
}

func TestKeys(t *testing.T) {
	r, authority := identityRig(t)
	if err := r.directory.Change(t.Context(), second, func(tx *resources.Tx) error {
		tx.Users.Put("bob", iam.User{ID: "AIDA1", Name: "Bob", Path: "/"})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	root := call[admin.NewKey](r, "CreateKey", `{"account":"`+second+`"}`)
	bob := call[admin.NewKey](r, "CreateKey", `{"account":"`+second+`","user":"bob"}`)
	if root.User != "" || bob.User != "Bob" || bob.Account != second {
		t.Errorf("made %+v and %+v", root, bob)
	}
	if keys := call[admin.ListKeysOutput](r, "ListKeys", `{"user":"BOB"}`).Keys; len(keys) != 1 || keys[0].AccessKeyID != bob.AccessKeyID || !keys[0].Active {
		t.Errorf("bob has %+v", keys)
	}
	if keys := call[admin.ListKeysOutput](r, "ListKeys", `{"account":"`+first+`"}`).Keys; len(keys) != 0 {
		t.Errorf("the first account has %+v", keys)
	}
	if out := call[admin.KeyOutput](r, "SetKeyState", `{"access_key_id":"`+bob.AccessKeyID+`"}`); out.Key.Active {
		t.Errorf("disabled: %+v", out)
	}
	if _, err := authority.Lookup(t.Context(), bob.AccessKeyID, ""); err == nil {
		t.Error("a key that is disabled signs")
	}
	call[admin.KeyOutput](r, "SetKeyState", `{"access_key_id":"`+bob.AccessKeyID+`","active":true}`)
	if c, err := authority.Lookup(t.Context(), bob.AccessKeyID, ""); err != nil || c.Principal != "arn:aws:iam::"+second+":user/Bob" {
		t.Errorf("enabled: %v, %v", c.Principal, err)
	}
	call[admin.KeyOutput](r, "DeleteKey", `{"access_key_id":"`+bob.AccessKeyID+`"}`)
	if e := r.refused("DeleteKey", `{"access_key_id":"`+bob.AccessKeyID+`"}`); !strings.Contains(e.Message, "no access key") {
		t.Error(e)
	}
	call[admin.NewKey](r, "CreateKey", `{"account":"`+second+`"}`)
	for body, says := range map[string]string{
		`{"account":"` + second + `"}`:                "quota", // a root has two
		`{"account":"` + second + `","user":"alice"}`: "alice",
		`{"account":"999999999999"}`:                  "no account",
	} {
		if e := r.refused("CreateKey", body); !strings.Contains(e.Message, says) {
			t.Errorf("%s: %v", body, e)
		}
	}
	if e := r.refused("ListKeys", `{"account":"999999999999"}`); !strings.Contains(e.Message, "no account") {
		t.Error(e)
	}
}

func TestExplainPolicy(t *testing.T) {
	r, _ := identityRig(t)
	const document = `{"Version":"2012-10-17","Statement":[
  {"Sid":"Send","Effect":"Allow","Action":"sms-voice:SendTextMessage","Resource":"*"},
  {"Sid":"NotFromThere","Effect":"Deny","Action":"*","Resource":"*","Condition":{"IpAddress":{"aws:SourceIp":"192.0.2.0/24"}}}
]}`
	if err := r.directory.Change(t.Context(), second, func(tx *resources.Tx) error {
		tx.Users.Put("bob", iam.User{ID: "AIDA1", Name: "bob", Path: "/", Grants: iam.Grants{Inline: map[string]string{"p": document}}})
		tx.Roles.Put("r", iam.Role{ID: "AROA1", Name: "r", Path: "/team/", Grants: iam.Grants{Inline: map[string]string{"p": document}}})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	const of = "arn:aws:iam::" + second + ":"
	explain := func(principal, more string) admin.ExplainPolicyOutput {
		t.Helper()
		return call[admin.ExplainPolicyOutput](r, "ExplainPolicy", `{"principal":"`+principal+`","action":"sms-voice:SendTextMessage"`+more+`}`)
	}
	for _, principal := range []string{of + "user/bob", of + "role/team/r", "arn:aws:sts::" + second + ":assumed-role/r/session"} {
		got := explain(principal, "")
		if !got.Allowed || len(got.Matches) != 1 || got.Matches[0].Sid != "Send" || got.Matches[0].Line != 2 || !got.Matches[0].Decides || got.Matches[0].Effect != "Allow" {
			t.Errorf("%s: %+v", principal, got)
		}
		got = explain(principal, `,"context":{"aws:SourceIp":"192.0.2.7"}`)
		if got.Allowed || got.Reason != "explicit deny" || len(got.Matches) != 2 || got.Matches[0].Decides || !got.Matches[1].Decides || got.Matches[1].Line != 3 ||
			!strings.Contains(got.Message, "explicit deny") {
			t.Errorf("%s from there: %+v", principal, got)
		}
	}
	if got := explain(of+"root", ""); !got.Allowed || got.Source != "root of the account" {
		t.Errorf("root: %+v", got)
	}
	if got := explain(of+"user/bob", `,"resource":"arn:aws:sms-voice:us-east-1:`+first+`:pool/pool-1"`); got.Allowed || got.Reason != string(iam.NoResourcePolicy) {
		t.Errorf("another account's pool: %+v", got)
	}
	// The tags of what it acts on count, as they do in the API, and so does a topic's policy.
	if err := r.directory.Change(t.Context(), second, func(tx *resources.Tx) error {
		tx.Users.Put("tina", iam.User{ID: "AIDA2", Name: "tina", Path: "/", Grants: iam.Grants{Inline: map[string]string{"p": `{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":"*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"blue"}}}]}`}}})
		for id, team := range map[string]string{"pool-1": "blue", "pool-2": "red"} {
			tx.Pools.Put(id, sms.Pool{ID: id})
			tx.Pools.SetTags(id, map[string]string{"team": team})
		}
		tx.Topics.Put("t", sms.Topic{Name: "t", Attributes: map[string]string{"Policy": `{"Version":"2012-10-17","Statement":[
			{"Effect":"Deny","Principal":"*","Action":"*","Resource":"*"}]}`}})
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	for resource, allowed := range map[string]bool{"sms-voice:us-east-1:" + second + ":pool/pool-1": true, "sms-voice:us-east-1:" + second + ":pool/pool-2": false} {
		if got := explain(of+"user/tina", `,"resource":"arn:aws:`+resource+`"`); got.Allowed != allowed {
			t.Errorf("%s: %+v", resource, got)
		}
	}
	topic := `,"resource":"arn:aws:sns:us-east-1:` + second + `:t"`
	if got := explain(of+"user/bob", topic); got.Allowed || got.Source != string(iam.FromResource) {
		t.Errorf("a topic that nobody may use: %+v", got)
	}
	if got := explain(of+"root", topic); !got.Allowed {
		t.Errorf("the root and its own topic: %+v", got)
	}
	for body, says := range map[string]string{
		`{"principal":"` + of + `user/eve","action":"a:b"}`:                                       "no such user",
		`{"principal":"` + of + `role/r","action":"a:b"}`:                                         "no such role",
		`{"principal":"arn:aws:iam::999999999999:root","action":"a:b"}`:                           "no such account",
		`{"principal":"bob","action":"a:b"}`:                                                      "ARN",
		`{"principal":"` + of + `group/g","action":"a:b"}`:                                        "ARN",
		`{"principal":"` + of + `root","action":"sms-voice:*"}`:                                   "action",
		`{"principal":"` + of + `root","action":"a:b","context":{"aws:SourceIp":"x"}}`:            "address",
		`{"principal":"` + of + `root","action":"a:b","context":{"aws:CurrentTime":"yesterday"}}`: "time",
		`{"principal":"` + of + `root","action":"a:b","context":{"x":"y"}}`:                       "condition key",
	} {
		if e := r.refused("ExplainPolicy", body); !strings.Contains(e.Message, says) {
			t.Errorf("%s: %v", body, e)
		}
	}
}
