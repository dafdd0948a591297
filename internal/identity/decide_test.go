package identity

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func statement(rest string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + rest + `}]}`
}

func allow(actions string) string { return statement(`"Action":` + actions + `,"Resource":"*"`) }

const denyAll = `{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"*","Resource":"*"}]}`

func (r *rig) policy(account, name, document string) (arn string) {
	r.t.Helper()
	r.change(account, func(tx *resources.Tx) {
		tx.Policies.Put(resources.IAMKey(name), iam.ManagedPolicy{ID: "ANPA" + name, Name: name, Path: "/", Default: "v1",
			Versions: []iam.PolicyVersion{{ID: "v1", Document: document}}})
	})
	return iam.PolicyARN("aws", account, "/", name)
}

func (r *rig) decides(id *iam.Identity, action string, want iam.Reason) {
	r.t.Helper()
	if d := r.Decide(id, action, Resource{}, iam.Circumstances{}); d.Reason != want || d.Allowed != (want == iam.AllowedBy) {
		r.t.Errorf("%s is decided %+v, not %q", action, d, want)
	}
}

// TestSources: inline and attached policies of users and groups all count, and what
// changes of them counts at once.
func TestSources(t *testing.T) {
	r := newRig(t)
	managed := r.policy(first, "managed", allow(`"a:managed"`))
	ofGroup := r.policy(first, "of-group", allow(`"a:groupManaged"`))
	r.change(first, func(tx *resources.Tx) {
		tx.Groups.Put("team", iam.Group{Name: "team", Path: "/", Grants: iam.Grants{Attached: []string{ofGroup}, Inline: map[string]string{"x": allow(`"a:groupInline"`)}}})
	})
	ann := iam.User{Name: "Ann", Path: "/", Groups: []string{"Team"}, Grants: iam.Grants{
		Attached: []string{managed, "arn:aws:iam::aws:policy/ReadOnlyAccess"}, Inline: map[string]string{"x": allow(`"a:inline"`)}}}
	r.user(first, ann, nil)
	r.key(first, "AKIAANN", "Ann")
	id := r.lookup("AKIAANN", "")
	for _, action := range []string{"a:managed", "a:inline", "a:groupManaged", "a:groupInline", "sms-voice:DescribePools"} {
		r.decides(id, action, iam.AllowedBy)
	}
	r.decides(id, "a:other", iam.NoIdentityPolicy)
	if d := r.Decide(id, "a:groupInline", Resource{}, iam.Circumstances{}); d.Policy != "inline policy x of group team" {
		t.Errorf("%+v", d)
	}
	if d, matches := r.Explain(id, "a:managed", Resource{}, iam.Circumstances{}); !d.Allowed || len(matches) != 1 || matches[0].Policy != managed {
		t.Errorf("%+v %+v", d, matches)
	}

	ann.Groups = nil
	r.user(first, ann, nil)
	r.decides(id, "a:groupInline", iam.NoIdentityPolicy)
	r.policy(first, "managed", allow(`"a:changed"`))
	r.decides(id, "a:managed", iam.NoIdentityPolicy)
	r.decides(id, "a:changed", iam.AllowedBy)
	// The same name in another account is another's.
	r.policy(second, "managed", allow(`"*"`))
	r.decides(id, "a:other", iam.NoIdentityPolicy)
}

// TestBrokenDenies: what is missing or cannot be read denies everything.
func TestBrokenDenies(t *testing.T) {
	r := newRig(t)
	all := map[string]string{"all": allow(`"*"`)}
	foreign := r.policy(second, "foreign", allow(`"*"`))
	unreadable := r.policy(first, "unreadable", "{")
	for name, u := range map[string]iam.User{
		"inline":           {Grants: iam.Grants{Inline: map[string]string{"all": all["all"], "broken": "{"}}},
		"attached":         {Grants: iam.Grants{Inline: all, Attached: []string{"arn:aws:iam::111122223333:policy/none"}}},
		"unreadable":       {Grants: iam.Grants{Inline: all, Attached: []string{unreadable}}},
		"another path":     {Grants: iam.Grants{Inline: all, Attached: []string{strings.Replace(unreadable, "policy/", "policy/x/", 1)}}},
		"another account":  {Grants: iam.Grants{Inline: all, Attached: []string{foreign}}},
		"not built in":     {Grants: iam.Grants{Inline: all, Attached: []string{"arn:aws:iam::aws:policy/None"}}},
		"no ARN":           {Grants: iam.Grants{Inline: all, Attached: []string{"x"}}},
		"a group":          {Grants: iam.Grants{Inline: all}, Groups: []string{"gone"}},
		"a boundary":       {Grants: iam.Grants{Inline: all}, Boundary: "arn:aws:iam::111122223333:policy/none"},
		"broken boundary":  {Grants: iam.Grants{Inline: all}, Boundary: unreadable},
		"foreign boundary": {Grants: iam.Grants{Inline: all}, Boundary: foreign},
	} {
		t.Run(name, func(t *testing.T) {
			r.t = t
			u.Name, u.Path = "ann", "/"
			r.user(first, u, nil)
			r.key(first, "AKIAANN", "ann")
			r.decides(r.lookup("AKIAANN", ""), "a:b", iam.BrokenPolicy)
		})
	}
	r.t = t
	r.user(first, iam.User{Name: "ann", Path: "/", Grants: iam.Grants{Inline: all}}, nil)
	id := r.lookup("AKIAANN", "")
	r.decides(id, "a:b", iam.AllowedBy)
	r.change(first, func(tx *resources.Tx) { tx.Users.Delete("ann") })
	r.decides(id, "a:b", iam.BrokenPolicy)
	r.decides(&iam.Identity{Principal: iam.Principal{Type: "Other", Account: first}}, "a:b", iam.BrokenPolicy)
	r.decides(&iam.Identity{Principal: iam.Principal{Type: iam.UserType, Account: "999999999999", Name: "ann"}}, "a:b", iam.BrokenPolicy)
	r.decides(&iam.Identity{Principal: iam.Principal{Type: iam.AssumedRole, Account: first, Role: "x"}}, "a:b", iam.BrokenPolicy)
	if d := r.Decide(r.lookup("AKIAROOT", ""), "a:b", Resource{ARN: "arn:aws:sms-voice:us-east-1:111122223333:pool/x", Policy: "{"}, iam.Circumstances{}); d.Allowed || d.Reason != iam.BrokenPolicy {
		t.Errorf("a resource's policy that cannot be read: %+v", d)
	}
}

// TestSessionPolicies: a session may what its role and its own policies allow.
func TestSessionPolicies(t *testing.T) {
	r := newRig(t)
	managed := r.policy(first, "managed", allow(`"a:managed"`))
	boundary := r.policy(first, "boundary", allow(`["a:in*","a:managed"]`))
	r.role(first, iam.Role{Name: "sender", Path: "/", Boundary: boundary, Grants: iam.Grants{Inline: map[string]string{"x": allow(`"a:*"`)}}}, map[string]string{"team": "a"})
	as := func(s iam.Session) *iam.Identity {
		t.Helper()
		s.Issued, s.Expires, s.RoleName, s.RoleID, s.Name = r.clock, r.clock.Add(time.Hour), "sender", "AROAsender", "me"
		made, err := r.NewSession(&iam.Principal{Type: iam.AssumedRole, Account: first}, s)
		if err != nil {
			t.Fatal(err)
		}
		return r.lookup(made.AccessKeyID, made.SessionToken)
	}
	whole := as(iam.Session{})
	r.decides(whole, "a:inline", iam.AllowedBy)
	r.decides(whole, "a:other", iam.NoBoundary)
	limited := as(iam.Session{HasPolicies: true, Policies: []string{allow(`"a:inline"`)}, PolicyARNs: []string{managed}})
	r.decides(limited, "a:inline", iam.AllowedBy)
	r.decides(limited, "a:managed", iam.AllowedBy)
	r.decides(limited, "a:inother", iam.NoSessionPolicy)
	r.decides(as(iam.Session{HasPolicies: true}), "a:inline", iam.NoSessionPolicy)
	r.decides(as(iam.Session{HasPolicies: true, Policies: []string{denyAll}}), "a:inline", iam.ExplicitDeny)
	r.change(first, func(tx *resources.Tx) { tx.Policies.Delete("managed") })
	r.decides(limited, "a:inline", iam.BrokenPolicy)

	// Tags of the role, with those of the session over them, are the principal's.
	r.role(first, iam.Role{Name: "sender", Path: "/", Grants: iam.Grants{Inline: map[string]string{"x": statement(
		`"Action":"a:*","Resource":"*","Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}`)}}}, map[string]string{"team": "a"})
	for team, want := range map[string]bool{"a": true, "b": false} {
		on := Resource{ARN: "arn:aws:sms-voice:us-east-1:111122223333:pool/x", Tags: map[string]string{"team": team}}
		if d := r.Decide(as(iam.Session{}), "a:b", on, iam.Circumstances{}); d.Allowed != want {
			t.Errorf("team %s: %+v", team, d)
		}
		if d := r.Decide(as(iam.Session{Tags: map[string]string{"team": "b"}}), "a:b", on, iam.Circumstances{}); d.Allowed == want {
			t.Errorf("team %s with a tag of the session: %+v", team, d)
		}
	}
}

func TestAuthorize(t *testing.T) {
	r := newRig(t)
	r.user(first, iam.User{Name: "ann", Path: "/"}, nil)
	r.key(first, "AKIAANN", "ann")
	err := r.Authorize(r.lookup("AKIAANN", ""), "sms-voice:SendTextMessage", Resource{}, iam.Circumstances{})
	e, ok := sms.AsError(err)
	if want := "User: arn:aws:iam::111122223333:user/ann is not authorized to perform: sms-voice:SendTextMessage on resource: * because no identity-based policy allows the sms-voice:SendTextMessage action"; !ok || e.Kind != sms.KindAccessDenied || e.Message != want {
		t.Errorf("%v", err)
	}
	if err := r.Authorize(r.lookup("AKIAROOT", ""), "a:b", Resource{}, iam.Circumstances{}); err != nil {
		t.Error(err)
	}
}

// TestAssumableByAnother: a built-in delivery stream takes a role on as Firehose, with the
// account for an external id. Without an action, what the role allows is not asked.
func TestAssumableByAnother(t *testing.T) {
	r := newRig(t)
	trust := func(service string) string {
		return statement(`"Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"111122223333"}}`)
	}
	use := ServiceUse{Service: iam.FirehosePrincipal, Role: "arn:aws:iam::111122223333:role/bucket", Account: first, ExternalID: first}
	put := func(service string) {
		r.role(first, iam.Role{Name: "bucket", Path: "/", Trust: trust(service)}, nil)
	}
	put(iam.FirehosePrincipal)
	expect(t, r.Assumable(use), "")
	nobody := use
	nobody.ExternalID = ""
	expect(t, r.Assumable(nobody), "the conditions of the trust policy")
	use.Action, use.Resource = "s3:PutObject", "arn:aws:s3:::events/key"
	expect(t, r.Assumable(use), "does not allow s3:PutObject on arn:aws:s3:::events/key")
	put(iam.ServicePrincipal)
	expect(t, r.Assumable(use), "does not trust firehose.amazonaws.com")
}

func TestAssumable(t *testing.T) {
	r := newRig(t)
	trust := func(condition string) string {
		return statement(`"Principal":{"Service":"sms-voice.amazonaws.com"},"Action":"sts:AssumeRole"` + condition)
	}
	const set = "arn:aws:sms-voice:us-east-1:111122223333:configuration-set/s"
	good := `,"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"},"ArnLike":{"aws:SourceArn":"arn:aws:sms-voice:us-east-1:111122223333:configuration-set/*"}}`
	for name, c := range map[string]struct{ trust, policy, want string }{
		"all is right":      {trust(good), allow(`"logs:PutLogEvents"`), ""},
		"another service":   {strings.Replace(trust(""), "sms-voice", "ec2", 1), allow(`"*"`), "does not trust sms-voice.amazonaws.com"},
		"a user":            {statement(`"Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"`), allow(`"*"`), "does not trust"},
		"another account":   {trust(strings.Replace(good, `"111122223333"}`, `"444455556666"}`, 1)), allow(`"*"`), "conditions of the trust policy"},
		"another source":    {trust(strings.Replace(good, "configuration-set/*", "configuration-set/t", 1)), allow(`"*"`), "conditions of the trust policy"},
		"denied":            {strings.Replace(trust(""), "]}", `,{"Effect":"Deny","Principal":"*","Action":"sts:*"}]}`, 1), allow(`"*"`), "denies sms-voice.amazonaws.com"},
		"unreadable":        {"{", allow(`"*"`), "cannot be read"},
		"does not allow":    {trust(""), allow(`"logs:CreateLogStream"`), "does not allow logs:PutLogEvents on arn:aws:logs:us-east-1:111122223333:log-group:g"},
		"unreadable policy": {trust(""), "{", "does not allow"},
	} {
		t.Run(name, func(t *testing.T) {
			r.role(first, iam.Role{Name: "events", Path: "/service-role/", Trust: c.trust, Grants: iam.Grants{Inline: map[string]string{"x": c.policy}}}, nil)
			use := ServiceUse{Service: iam.ServicePrincipal, Role: "arn:aws:iam::111122223333:role/service-role/events", Account: first, Source: set, Action: "logs:PutLogEvents", Resource: "arn:aws:logs:us-east-1:111122223333:log-group:g"}
			err := r.Assumable(use)
			if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
				t.Errorf("%v, not %q", err, c.want)
			}
			others := use
			others.Resource = strings.Replace(use.Resource, first, second, 1)
			if err := r.Assumable(others); err == nil {
				t.Error("another account's log group may be written to")
			}
			use.Role = strings.Replace(use.Role, "service-role/", "", 1)
			if err := r.Assumable(use); err == nil || !strings.Contains(err.Error(), "no such role") {
				t.Errorf("another path: %v", err)
			}
			use.Account = second
			if err := r.Assumable(use); err == nil || !strings.Contains(err.Error(), "not of the account") {
				t.Errorf("another account: %v", err)
			}
		})
	}
}

// BenchmarkDecide is what a send costs by a user with ten policies, the finding of the
// key included.
func BenchmarkDecide(b *testing.B) {
	r := newRig(b)
	u := iam.User{Name: "ann", Path: "/"}
	for i := range 10 {
		u.Attached = append(u.Attached, r.policy(first, fmt.Sprintf("p%d", i), fmt.Sprintf(`{"Version":"2012-10-17","Statement":[
			{"Effect":"Allow","Action":["sms-voice:Describe*","sms-voice:List*"],"Resource":"*"},
			{"Effect":"Allow","Action":"sms-voice:SendTextMessage","Resource":"arn:aws:sms-voice:us-east-1:111122223333:pool/pool-%d"},
			{"Effect":"Deny","Action":"sms-voice:Delete*","Resource":"*","Condition":{"StringNotEquals":{"aws:PrincipalTag/team":"ops"}}}]}`, i)))
	}
	r.user(first, u, map[string]string{"team": "x"})
	r.key(first, "AKIAANN", "ann")
	on := Resource{ARN: "arn:aws:sms-voice:us-east-1:111122223333:pool/pool-9", Owner: first}
	b.ReportAllocs()
	for b.Loop() {
		c, err := r.Lookup(b.Context(), "AKIAANN", "")
		if err != nil || !r.Decide(c.Identity, "sms-voice:SendTextMessage", on, iam.Circumstances{Now: r.clock}).Allowed {
			b.Fatal("denied")
		}
	}
}
