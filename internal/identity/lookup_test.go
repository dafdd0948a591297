package identity

import (
	"encoding/base64"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
)

func (r *rig) refused(id, token string, want error) {
	r.t.Helper()
	if c, err := r.Lookup(r.t.Context(), id, token); !errors.Is(err, want) || c.SecretAccessKey != "" {
		r.t.Errorf("%s is answered with %v, not %v", id, err, want)
	}
}

func TestLookup(t *testing.T) {
	r := newRig(t)
	r.user(first, iam.User{Name: "Ann", Path: "/team/"}, map[string]string{"team": "a"})
	r.key(first, "AKIAANN", "ann")
	r.key(second, "AKIASECOND", "")

	if got := r.lookup("AKIAROOT", ""); got.Type != iam.Root || got.Account != first {
		t.Errorf("%+v", got)
	}
	c, err := r.Lookup(t.Context(), "AKIAANN", "")
	want := iam.Identity{AccessKeyID: "AKIAANN", Principal: iam.Principal{Type: iam.UserType, ARN: "arn:aws:iam::111122223333:user/team/Ann",
		Account: first, ID: "AIDAAnn", Name: "Ann", Tags: map[string]string{"team": "a"}}}
	if err != nil || c.SecretAccessKey != "secret of AKIAANN" || c.Account != first || c.Principal != want.ARN || !reflect.DeepEqual(*c.Identity, want) {
		t.Errorf("%+v %+v, %v", c, c.Identity, err)
	}
	if got := r.lookup("AKIASECOND", ""); got.Type != iam.Root || got.ARN != "arn:aws:iam::444455556666:root" || got.ID != second {
		t.Errorf("%+v", got)
	}

	opened := r.sealing.opened
	if same := r.lookup("AKIAANN", ""); same != c.Identity || r.sealing.opened != opened {
		t.Error("a key that nothing changed is opened again")
	}
	r.user(first, iam.User{Name: "Ann", Path: "/"}, nil)
	if got := r.lookup("AKIAANN", ""); got.ARN != "arn:aws:iam::111122223333:user/Ann" || got.Tags != nil {
		t.Errorf("what changed of a user does not count: %+v", got)
	}

	r.refused("AKIANOBODY", "", sigv4.ErrUnknownKey)
	r.refused("AKIAANN", "token", sigv4.ErrUnknownKey)
	r.refused("AKIAROOT", "token", sigv4.ErrUnknownKey)
	r.change(first, func(tx *resources.Tx) {
		k := tx.AccessKeys.Get("AKIAANN").Value
		k.Inactive = true
		tx.AccessKeys.Put("AKIAANN", k)
	})
	r.refused("AKIAANN", "", sigv4.ErrUnknownKey)
	r.key(first, "AKIAANN", "Ann")
	r.lookup("AKIAANN", "")
	r.change(first, func(tx *resources.Tx) { tx.Users.Delete("ann") })
	r.refused("AKIAANN", "", sigv4.ErrUnknownKey)
	r.change(second, func(tx *resources.Tx) { tx.AccessKeys.Delete("AKIASECOND") })
	r.refused("AKIASECOND", "", sigv4.ErrUnknownKey)

	// A secret in another's place.
	stolen := r.sealing.Seal(nil, []byte("x"), []byte(iam.AccessKeySecret("AKIAOTHER")))
	r.change(second, func(tx *resources.Tx) { tx.AccessKeys.Put("AKIABAD", iam.AccessKey{ID: "AKIABAD", Secret: stolen}) })
	if _, err := r.Lookup(t.Context(), "AKIABAD", ""); err == nil || errors.Is(err, sigv4.ErrUnknownKey) {
		t.Errorf("a secret of another key: %v", err)
	}
}

func TestSessions(t *testing.T) {
	r := newRig(t)
	r.role(first, iam.Role{Name: "Sender", Path: "/app/"}, map[string]string{"Team": "a", "stage": "test"})
	r.user(first, iam.User{Name: "ann", Path: "/"}, map[string]string{"team": "b"})
	ends := r.clock.Add(time.Hour + time.Millisecond)
	s := iam.Session{Issued: r.clock, Expires: ends, RoleName: "Sender", RoleID: "AROASender", Name: "me", Policies: []string{"{}"}, HasPolicies: true,
		Tags: map[string]string{"team": "c"}, Transitive: []string{"team"}, SourceID: "ann", MFA: r.clock}
	made, err := r.NewSession(&iam.Principal{Type: iam.AssumedRole, Account: first}, s)
	if err != nil || !strings.HasPrefix(made.AccessKeyID, "ASIA") || len(made.AccessKeyID) != 20 || len(made.SecretAccessKey) != 40 || made.PackedSize == 0 ||
		!made.Expires.Equal(r.clock.Add(time.Hour)) {
		t.Fatalf("%+v, %v", made, err)
	}
	c, err := r.Lookup(t.Context(), made.AccessKeyID, made.SessionToken)
	if err != nil || c.SecretAccessKey != made.SecretAccessKey {
		t.Fatal(c, err)
	}
	s.Expires = made.Expires
	want := iam.Principal{Type: iam.AssumedRole, ARN: "arn:aws:sts::111122223333:assumed-role/Sender/me", Account: first, ID: "AROASender:me",
		Role: "arn:aws:iam::111122223333:role/app/Sender", Tags: map[string]string{"team": "c", "stage": "test"}}
	if !reflect.DeepEqual(c.Identity.Principal, want) || !reflect.DeepEqual(*c.Identity.Session, s) {
		t.Errorf("%+v %+v", c.Identity.Principal, c.Identity.Session)
	}
	if again := r.lookup(made.AccessKeyID, made.SessionToken); again != c.Identity {
		t.Error("a token is opened again")
	}
	// Another node has the same key, and nothing of what this one remembers.
	other := New(r.Options)
	if got, err := other.Lookup(t.Context(), made.AccessKeyID, made.SessionToken); err != nil || got.SecretAccessKey != made.SecretAccessKey {
		t.Error(got, err)
	}

	forged := []byte(made.SessionToken)
	forged[100] ^= 1
	more, err := r.NewSession(&iam.Principal{Type: iam.AssumedRole, Account: first}, s)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{"changed": string(forged), "cut": made.SessionToken[:80], "none": "x", "another's": more.SessionToken,
		"long": strings.Repeat("A", 1<<20), "short": base64.StdEncoding.EncodeToString([]byte{1, 2})} {
		t.Run(name, func(t *testing.T) {
			r.refused(made.AccessKeyID, token, sigv4.ErrUnknownKey)
			r.refused(more.AccessKeyID, "x"+more.SessionToken, sigv4.ErrUnknownKey)
		})
	}
	r.refused(made.AccessKeyID, "", sigv4.ErrUnknownKey)
	stranger := r.Options
	stranger.TokenKey = []byte(strings.Repeat("k", 32))
	if _, err := New(stranger).Lookup(t.Context(), made.AccessKeyID, made.SessionToken); !errors.Is(err, sigv4.ErrUnknownKey) {
		t.Errorf("a token of another installation: %v", err)
	}

	user, err := r.NewSession(&iam.Principal{Type: iam.UserType, Account: first, ID: "AIDAann", Name: "ann"},
		iam.Session{Issued: r.clock, Expires: ends, Tags: map[string]string{"x": "y"}, Console: true})
	if err != nil {
		t.Fatal(err)
	}
	if got := r.lookup(user.AccessKeyID, user.SessionToken); got.ARN != "arn:aws:iam::111122223333:user/ann" || got.Tags["team"] != "b" || got.Tags["x"] != "y" || !got.Session.Console {
		t.Errorf("%+v", got)
	}
	r.user(first, iam.User{Name: "ann", Path: "/new/"}, nil)
	if got := r.lookup(user.AccessKeyID, user.SessionToken); got.ARN != "arn:aws:iam::111122223333:user/new/ann" || got.Tags["x"] != "y" {
		t.Errorf("%+v", got)
	}
	root, err := r.NewSession(&iam.Principal{Type: iam.Root, Account: second}, iam.Session{Issued: r.clock, Expires: ends})
	if err != nil {
		t.Fatal(err)
	}
	got := r.lookup(root.AccessKeyID, root.SessionToken)
	if got.ARN != "arn:aws:iam::444455556666:root" || got.Session == nil || r.lookup(root.AccessKeyID, root.SessionToken) != got {
		t.Errorf("%+v", got)
	}
	// The root's key that has asked for one is in its file, or is none of this account.
	for account, want := range map[string]error{first: nil, second: sigv4.ErrUnknownKey} {
		by, err := r.NewSession(&iam.Principal{Type: iam.Root, Account: account}, iam.Session{Issued: r.clock, Expires: ends, AccessKeyID: "AKIAROOT"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := r.Lookup(t.Context(), by.AccessKeyID, by.SessionToken); !errors.Is(err, want) {
			t.Errorf("%s: %v", account, err)
		}
	}

	// What was made again under the same name is another.
	r.change(first, func(tx *resources.Tx) {
		role, user := tx.Roles.Get("sender").Value, tx.Users.Get("ann").Value
		role.ID, user.ID = "AROAnew", "AIDAnew"
		tx.Roles.Put("sender", role)
		tx.Users.Put("ann", user)
	})
	r.refused(made.AccessKeyID, made.SessionToken, sigv4.ErrUnknownKey)
	r.refused(user.AccessKeyID, user.SessionToken, sigv4.ErrUnknownKey)
	r.clock = made.Expires
	r.refused(root.AccessKeyID, root.SessionToken, sigv4.ErrExpiredToken)
}

// TestPackedSize: the largest session there is makes a token that a request can carry.
func TestPackedSize(t *testing.T) {
	r := newRig(t)
	s := iam.Session{Issued: r.clock, Expires: r.clock.Add(time.Hour), RoleName: "r", Name: "s", HasPolicies: true, Tags: map[string]string{}}
	var last Credentials
	for i := range 50 {
		s.Tags[fmt.Sprintf("key-%d-%d", i, i*i*7919)] = letters(random(t, 100))
		made, err := r.NewSession(&iam.Principal{Type: iam.AssumedRole, Account: first}, s)
		if errors.Is(err, ErrPacked) {
			break
		}
		if err != nil || made.PackedSize < last.PackedSize || made.PackedSize > 100 {
			t.Fatalf("%d%% after %d%%: %v", made.PackedSize, last.PackedSize, err)
		}
		last = made
	}
	if last.PackedSize < 90 || len(last.SessionToken) > 8<<10 {
		t.Errorf("%d%% are %d octets", last.PackedSize, len(last.SessionToken))
	}
	if _, err := r.open(last.AccessKeyID, last.SessionToken); err != nil {
		t.Error(err)
	}
}

func TestRecent(t *testing.T) {
	r := newRecent[int, int](10)
	for i := range 100 {
		r.put(i, i)
		if _, ok := r.get(0); !ok {
			t.Fatalf("what is asked for is forgotten after %d", i)
		}
		if len(r.young) > 10 || len(r.old) > 10 {
			t.Fatalf("%d and %d are kept", len(r.young), len(r.old))
		}
	}
	if _, ok := r.get(50); ok {
		t.Error("what nobody asks for is kept")
	}
}

// FuzzOpen: no token opens to anything but what was sealed.
func FuzzOpen(f *testing.F) {
	a := New(Options{TokenKey: make([]byte, 32)})
	token, err := a.seal("ASIAX", &claims{Secret: "s", Type: iam.Root})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("AQ==")
	f.Fuzz(func(t *testing.T, text string) {
		if c, err := a.open("ASIAX", text); err == nil && (c.Secret != "s" || c.Type != iam.Root) {
			t.Errorf("%q opens to %+v", text, c)
		}
	})
}
