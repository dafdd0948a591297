package sts

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/identity/totp"
	"heliograph/internal/resources"
)

// statement is a policy of one statement.
func statement(rest string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + rest + `}]}`
}

func trust(principal, actions, condition string) string {
	if condition != "" {
		condition = `,"Condition":` + condition
	}
	return statement(`"Principal":` + principal + `,"Action":` + actions + condition)
}

const (
	roleARN  = "arn:aws:iam::111122223333:role/sender"
	sendOnly = `"Action":"sms-voice:SendTextMessage","Resource":"*"`
	assumes  = `"Action":["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"],"Resource":"*"`
	assume   = `"sts:AssumeRole"`
	own      = `{"AWS":"111122223333"}`
)

func TestGetCallerIdentity(t *testing.T) {
	r := newRig(t)
	ann := r.user(account, "ann", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`, nil)
	if got := r.must(ann, "GetCallerIdentity"); got.ARN != "arn:aws:iam::111122223333:user/ann" || got.UserID != "AIDAann" || got.Account != account {
		t.Errorf("%+v", got)
	}
	root := &iam.Identity{Principal: iam.Principal{Type: iam.Root, ARN: iam.RootARN("aws", account), Account: account, ID: account}}
	if got := r.must(root, "GetAccessKeyInfo", "AccessKeyId", "AKIA111122223333ann"); got.Account != account {
		t.Errorf("%+v", got)
	}
	stranger := &iam.Identity{Principal: iam.Principal{Type: iam.Root, ARN: iam.RootARN("aws", other), Account: other, ID: other}}
	for id, by := range map[string]*iam.Identity{"AKIANOBODYATALLX": root, "AKIA111122223333ann": stranger} {
		if _, err := r.ask(by, "GetAccessKeyInfo", "AccessKeyId", id); err == nil || err.Code != "ValidationError" {
			t.Errorf("%s asks about %s: %v", by.Account, id, err)
		}
	}
	if _, err := r.ask(ann, "GetAccessKeyInfo", "AccessKeyId", "AKIA111122223333ann"); err == nil || err.Code != "AccessDenied" || err.Status != 403 {
		t.Error(err)
	}
	if _, err := r.ask(nil, "GetCallerIdentity"); err == nil || err.Code != "MissingAuthenticationToken" || err.Status != 403 {
		t.Error(err)
	}
}

func TestAssumeRole(t *testing.T) {
	r := newRig(t)
	ann := r.user(account, "ann", statement(assumes), nil)
	bob := r.user(account, "bob", "", nil)
	eve := r.user(other, "eve", statement(assumes), nil)
	root := &iam.Identity{Principal: iam.Principal{Type: iam.Root, ARN: iam.RootARN("aws", account), Account: account, ID: account}}
	cross := `{"AWS":["111122223333","arn:aws:iam::444455556666:root"]}`
	externally := `{"StringEquals":{"sts:ExternalId":"42"}}`
	for name, c := range map[string]struct {
		trust string
		by    *iam.Identity
		with  []string
		code  string // empty: it is allowed
		says  string
	}{
		"both sides allow":             {trust(own, assume, ""), ann, nil, "", ""},
		"no policy of one's own":       {trust(own, assume, ""), bob, nil, "AccessDenied", "arn:aws:iam::111122223333:user/bob is not authorized to perform: sts:AssumeRole on resource: " + roleARN},
		"the user is named":            {trust(`{"AWS":"arn:aws:iam::111122223333:user/bob"}`, assume, ""), bob, nil, "", ""},
		"another user is named":        {trust(`{"AWS":"arn:aws:iam::111122223333:user/bob"}`, assume, ""), ann, nil, "AccessDenied", "no resource-based policy allows"},
		"a service alone":              {trust(`{"Service":"sms-voice.amazonaws.com"}`, assume, ""), ann, nil, "AccessDenied", "no resource-based policy"},
		"another action":               {trust(own, `"sts:TagSession"`, ""), ann, nil, "AccessDenied", "sts:AssumeRole"},
		"a trust that cannot be read":  {"{", ann, nil, "AccessDenied", "cannot be read"},
		"a root":                       {trust(own, assume, ""), root, nil, "AccessDenied", "root"},
		"another account":              {trust(cross, assume, ""), eve, nil, "", ""},
		"another account, not trusted": {trust(own, assume, ""), eve, nil, "AccessDenied", "no resource-based policy allows the sts:AssumeRole action"},
		"external id":                  {trust(cross, assume, externally), eve, []string{"ExternalId", "42"}, "", ""},
		"no external id":               {trust(cross, assume, externally), eve, nil, "AccessDenied", "no resource-based policy"},
		"wrong external id":            {trust(cross, assume, externally), eve, []string{"ExternalId", "43"}, "AccessDenied", "no resource-based policy"},
		"session name":                 {trust(own, assume, `{"StringLike":{"sts:RoleSessionName":"me"}}`), ann, nil, "", ""},
		"no one-time password":         {trust(own, assume, `{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`), ann, nil, "AccessDenied", ""},
		"tags, not allowed":            {trust(own, assume, ""), ann, []string{"Tags.member.1.Key", "a", "Tags.member.1.Value", "b"}, "AccessDenied", "sts:TagSession"},
		"tags": {trust(own, `["sts:AssumeRole","sts:TagSession"]`, `{"StringEqualsIfExists":{"aws:RequestTag/a":"b"}}`), ann,
			[]string{"Tags.member.1.Key", "a", "Tags.member.1.Value", "b", "TransitiveTagKeys.member.1", "a"}, "", ""},
		"another tag": {trust(own, `["sts:AssumeRole","sts:TagSession"]`, `{"StringEquals":{"aws:RequestTag/a":"c"}}`), ann,
			[]string{"Tags.member.1.Key", "a", "Tags.member.1.Value", "b"}, "AccessDenied", ""},
		"source identity, not allowed": {trust(own, assume, ""), ann, []string{"SourceIdentity", "ann"}, "AccessDenied", "sts:SetSourceIdentity"},
		"source identity":              {trust(own, `["sts:AssumeRole","sts:SetSourceIdentity"]`, `{"StringEquals":{"sts:SourceIdentity":"ann"}}`), ann, []string{"SourceIdentity", "ann"}, "", ""},
		"too long":                     {trust(own, assume, ""), ann, []string{"DurationSeconds", "7201"}, "ValidationError", "MaxSessionDuration"},
		"too short":                    {trust(own, assume, ""), ann, []string{"DurationSeconds", "899"}, "ValidationError", "DurationSeconds"},
		"as long as it may be":         {trust(own, assume, ""), ann, []string{"DurationSeconds", "7200"}, "", ""},
		"no policy":                    {trust(own, assume, ""), ann, []string{"Policy", "{}"}, "MalformedPolicyDocument", ""},
		"a policy too long":            {trust(own, assume, ""), ann, []string{"Policy", strings.Repeat("x", 2049)}, "ValidationError", "Policy"},
		"a policy that is not there":   {trust(own, assume, ""), ann, []string{"PolicyArns.member.1.arn", "arn:aws:iam::111122223333:policy/none"}, "ValidationError", "policy/none"},
		"bad session name":             {trust(own, assume, ""), ann, []string{"RoleSessionName", "a b"}, "ValidationError", "RoleSessionName"},
		"bad tag":                      {trust(own, assume, ""), ann, []string{"Tags.member.1.Key", "aws:x"}, "ValidationError", "aws:"},
		"one tag twice":                {trust(own, assume, ""), ann, []string{"Tags.member.1.Key", "a", "Tags.member.2.Key", "A"}, "ValidationError", "Duplicate"},
		"transitive without a tag":     {trust(own, assume, ""), ann, []string{"TransitiveTagKeys.member.1", "a"}, "ValidationError", "transitive"},
		"half a device":                {trust(own, assume, ""), ann, []string{"TokenCode", "123456"}, "ValidationError", "SerialNumber"},
		"no such role":                 {trust(own, assume, ""), ann, []string{"RoleArn", roleARN + "2"}, "AccessDenied", "no resource-based policy allows the sts:AssumeRole action"},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			r.role(account, "sender", c.trust, statement(sendOnly))
			got, err := r.ask(c.by, "AssumeRole", append([]string{"RoleArn", roleARN, "RoleSessionName", "me"}, c.with...)...)
			if c.code != "" {
				if err == nil || err.Code != c.code || !strings.Contains(err.Message, c.says) {
					t.Errorf("answered %+v, %v; not %s with %q", got, err, c.code, c.says)
				}
				return
			}
			if err != nil || got.AssumedRoleUser.ARN != "arn:aws:sts::111122223333:assumed-role/sender/me" || got.AssumedRoleUser.AssumedRoleID != "AROAsender:me" {
				t.Fatalf("%+v, %v", got, err)
			}
			as := r.as(got)
			if as.ARN != got.AssumedRoleUser.ARN || !got.Credentials.Expiration.Equal(as.Session.Expires) {
				t.Errorf("%+v", as)
			}
			if who := r.must(as, "GetCallerIdentity"); who.UserID != "AROAsender:me" {
				t.Errorf("%+v", who)
			}
		})
	}
}

func TestSessionIsLimited(t *testing.T) {
	r := newRig(t)
	ann := r.user(account, "ann", statement(assumes), nil)
	r.role(account, "sender", trust(own, assume, ""), statement(`"Action":"sms-voice:*","Resource":"*"`))
	got := r.must(ann, "AssumeRole", "RoleArn", roleARN, "RoleSessionName", "me", "Policy", statement(`"Action":["sms-voice:DescribePools","iam:*"],"Resource":"*"`))
	if got.PackedPolicySize < 1 || got.Credentials.Expiration != r.clock.Add(time.Hour) {
		t.Errorf("%+v", got)
	}
	as := r.as(got)
	for action, allowed := range map[string]bool{"sms-voice:DescribePools": true, "sms-voice:SendTextMessage": false, "iam:CreateUser": false} {
		if d := r.Authority.Decide(as, action, identity.Resource{}, iam.Circumstances{}); d.Allowed != allowed {
			t.Errorf("%s: %+v", action, d)
		}
	}
}

// TestChaining: what goes on from a session into the one that it asks for.
func TestChaining(t *testing.T) {
	r := newRig(t)
	ann := r.user(account, "ann", statement(assumes), map[string]string{"team": "a"})
	all := `["sts:AssumeRole","sts:TagSession","sts:SetSourceIdentity"]`
	r.role(account, "sender", trust(own, all, ""), statement(assumes))
	r.role(account, "second", trust(`{"AWS":"`+roleARN+`"}`, all, ""), statement(sendOnly))
	first := r.as(r.must(ann, "AssumeRole", "RoleArn", roleARN, "RoleSessionName", "one", "SourceIdentity", "ann", "Tags.member.1.Key", "Team", "Tags.member.1.Value", "b",
		"Tags.member.2.Key", "left", "Tags.member.2.Value", "here", "TransitiveTagKeys.member.1", "team"))
	to := []string{"RoleArn", "arn:aws:iam::111122223333:role/second", "RoleSessionName", "two"}
	second := r.as(r.must(first, "AssumeRole", to...))
	if want := map[string]string{"Team": "b"}; !reflect.DeepEqual(second.Session.Tags, want) || second.Session.SourceID != "ann" || second.Tags["Team"] != "b" {
		t.Errorf("%+v", second.Session)
	}
	for name, with := range map[string][]string{"ValidationError": {"DurationSeconds", "3601"}, "AccessDenied": {"SourceIdentity", "eve"},
		"ValidationError ": {"Tags.member.1.Key", "TEAM", "Tags.member.1.Value", "c"}} {
		if _, err := r.ask(first, "AssumeRole", append(to, with...)...); err == nil || err.Code != strings.TrimSpace(name) {
			t.Errorf("%v: %v", with, err)
		}
	}
}

func TestGetSessionToken(t *testing.T) {
	r := newRig(t)
	ann := r.user(account, "ann", "", nil)
	got := r.must(ann, "GetSessionToken")
	as := r.as(got)
	if as.ARN != ann.ARN || as.Session == nil || !as.Session.MFA.IsZero() || got.Credentials.Expiration != r.clock.Add(12*time.Hour) {
		t.Errorf("%+v", as)
	}
	if _, err := r.ask(as, "GetSessionToken"); err == nil || err.Code != "AccessDenied" {
		t.Errorf("a session asks for a session: %v", err)
	}
	r.user(account, "ann", statement(`"Action":"*","Resource":"*"`), nil)
	r.role(account, "sender", trust(own, assume, ""), statement(sendOnly))
	r.must(as, "GetCallerIdentity")
	r.must(as, "AssumeRole", "RoleArn", roleARN, "RoleSessionName", "me")
	if _, err := r.ask(as, "GetAccessKeyInfo", "AccessKeyId", "AKIA111122223333ann"); err == nil || err.Code != "AccessDenied" {
		t.Errorf("a session asks for more than AssumeRole and GetCallerIdentity: %v", err)
	}
	for action, allowed := range map[string]bool{"iam:ListUsers": false, "iam:PassRole": true, "sms-voice:SendTextMessage": true} {
		if d := r.Authority.Decide(as, action, identity.Resource{}, iam.Circumstances{}); d.Allowed != allowed {
			t.Errorf("%s: %+v", action, d)
		}
	}
	r.user(account, "ann", "", nil)
	const serial = "arn:aws:iam::111122223333:mfa/ann"
	secret := totp.NewSecret()
	r.change(account, func(tx *resources.Tx) {
		u := tx.Users.Get("ann").Value
		u.MFA = []iam.MFA{{Serial: serial, Secret: secret, Enabled: r.clock}}
		tx.Users.Put("ann", u)
	})
	code := totp.Code(secret, totp.Step(r.clock))
	with := []string{"SerialNumber", serial, "TokenCode", code, "DurationSeconds", "900"}
	got = r.must(r.lookup("AKIA111122223333ann", ""), "GetSessionToken", with...)
	if as = r.as(got); !as.Session.MFA.Equal(r.clock) || got.Credentials.Expiration != r.clock.Add(15*time.Minute) {
		t.Errorf("%+v", as.Session)
	}
	for range 10 {
		if _, err := r.ask(ann, "GetSessionToken", with...); err == nil || err.Code != "AccessDenied" {
			t.Fatalf("a code is taken twice: %v", err)
		}
	}
	// Who has guessed too often is refused whatever the code.
	r.clock = r.clock.Add(time.Second)
	with[3] = totp.Code(secret, totp.Step(r.clock)+1)
	if _, err := r.ask(ann, "GetSessionToken", with...); err == nil {
		t.Error("there may be any number of guesses")
	}
	r.clock = r.clock.Add(30 * time.Second)
	with[3] = totp.Code(secret, totp.Step(r.clock)+1)
	r.must(ann, "GetSessionToken", with...)

	root := &iam.Identity{Principal: iam.Principal{Type: iam.Root, ARN: iam.RootARN("aws", account), Account: account, ID: account}}
	if got = r.must(root, "GetSessionToken"); got.Credentials.Expiration.After(r.clock.Add(time.Hour)) || r.as(got).Type != iam.Root {
		t.Errorf("%+v", got)
	}
	r.user(account, "ann", `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"sts:*","Resource":"*"}]}`, nil)
	if _, err := r.ask(ann, "GetSessionToken"); err == nil || !strings.Contains(err.Message, "explicit deny") {
		t.Error(err)
	}
}

// TestRootSessionEndsWithItsKey: who takes a root's key away takes the sessions that it
// has asked for too, and no others.
func TestRootSessionEndsWithItsKey(t *testing.T) {
	r := newRig(t)
	ann := r.user(account, "ann", "", nil)
	for _, id := range []string{"AKIAROOTONE", "AKIAROOTTWO"} {
		r.change(other, func(tx *resources.Tx) {
			tx.AccessKeys.Put(id, iam.AccessKey{ID: id, Secret: []byte("secret")})
		})
	}
	one, two, users := r.must(r.lookup("AKIAROOTONE", ""), "GetSessionToken"), r.must(r.lookup("AKIAROOTTWO", ""), "GetSessionToken"), r.must(ann, "GetSessionToken")
	alive := func(a answered) bool {
		_, err := r.Authority.Lookup(t.Context(), a.Credentials.AccessKeyID, a.Credentials.SessionToken)
		if err != nil && !errors.Is(err, sigv4.ErrUnknownKey) {
			t.Fatal(err)
		}
		return err == nil
	}
	inactive := func(is bool) {
		r.change(other, func(tx *resources.Tx) {
			k := tx.AccessKeys.Get("AKIAROOTONE").Value
			k.Inactive = is
			tx.AccessKeys.Put("AKIAROOTONE", k)
		})
	}
	if !alive(one) || !alive(two) || !alive(users) {
		t.Fatal("a session does not begin")
	}
	inactive(true)
	if alive(one) || !alive(two) {
		t.Error("an inactive key's session goes on, or another's does not")
	}
	inactive(false)
	if !alive(one) {
		t.Error("a key that is active again has no session")
	}
	r.change(other, func(tx *resources.Tx) { tx.AccessKeys.Delete("AKIAROOTONE") })
	r.change(account, func(tx *resources.Tx) { tx.AccessKeys.Delete("AKIA" + account + "ann") })
	if alive(one) || !alive(two) || !alive(users) {
		t.Error("a deleted key's session goes on, or another's does not")
	}
	// One of the root's file, and one from before sessions knew their key.
	made, err := r.Authority.NewSession(&iam.Principal{Type: iam.Root, Account: other}, iam.Session{Issued: r.clock, Expires: r.clock.Add(time.Hour), AccessKeyID: "AKIAFILE"})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Authority.Lookup(t.Context(), made.AccessKeyID, made.SessionToken); !errors.Is(err, sigv4.ErrUnknownKey) {
		t.Error(err)
	}
	if made, err = r.Authority.NewSession(&iam.Principal{Type: iam.Root, Account: other}, iam.Session{Issued: r.clock, Expires: r.clock.Add(time.Hour)}); err != nil {
		t.Fatal(err)
	}
	r.lookup(made.AccessKeyID, made.SessionToken)
}
