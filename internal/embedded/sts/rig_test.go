package sts

import (
	"context"
	"encoding/xml"
	"errors"
	"log/slog"
	"net/netip"
	"net/url"
	"path/filepath"
	"testing"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/resources"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const (
	account = "111122223333"
	other   = "444455556666"
)

// clear is a store.Sealer that hides nothing.
type clear struct{}

func (clear) Seal(dst, plain, _ []byte) []byte           { return append(dst, plain...) }
func (clear) Open(dst, sealed, _ []byte) ([]byte, error) { return append(dst, sealed...), nil }

// noKeys is the file of a root that has none.
type noKeys struct{}

func (noKeys) Lookup(context.Context, string, string) (sigv4.Credential, error) {
	return sigv4.Credential{}, sigv4.ErrUnknownKey
}

// rig is a Service with two accounts.
type rig struct {
	*Service
	t         *testing.T
	directory *resources.Directory
	clock     time.Time
	client    string // address
}

func newRig(t *testing.T, issuers ...Issuer) *rig {
	t.Helper()
	log := slog.New(slog.DiscardHandler)
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{Logger: log})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	fence, err := engine.Join(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{})
	t.Cleanup(committer.Close)
	r := &rig{t: t, clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)}
	now := func() time.Time { return r.clock }
	if r.directory, err = resources.Open(t.Context(), engine, committer, "aws", "us-east-1", now); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{account, other} {
		if err := r.directory.EnsureAccount(t.Context(), id, resources.Production); err != nil {
			t.Fatal(err)
		}
	}
	authority := identity.New(identity.Options{Directory: r.directory, Sealer: clear{}, Root: noKeys{}, TokenKey: make([]byte, 32), Partition: "aws", Now: now, Log: log})
	r.Service = New(Options{Authority: authority, Issuers: NewIssuers(issuers, now), Now: now})
	return r
}

func (r *rig) change(of string, f func(*resources.Tx)) {
	r.t.Helper()
	if err := r.directory.Change(r.t.Context(), of, func(tx *resources.Tx) error { f(tx); return nil }); err != nil {
		r.t.Fatal(err)
	}
}

// user makes a user with an access key and a policy, and signs in as it.
func (r *rig) user(of, name, policy string, tags map[string]string) *iam.Identity {
	r.t.Helper()
	r.change(of, func(tx *resources.Tx) {
		u := iam.User{ID: "AIDA" + name, Name: name, Path: "/"}
		if policy != "" {
			u.Inline = map[string]string{"p": policy}
		}
		tx.Users.Put(resources.IAMKey(name), u)
		tx.Users.SetTags(resources.IAMKey(name), tags)
		tx.AccessKeys.Put("AKIA"+of+name, iam.AccessKey{ID: "AKIA" + of + name, User: name, Secret: []byte("secret")})
	})
	return r.lookup("AKIA"+of+name, "")
}

func (r *rig) role(of, name, trust, policy string) {
	r.t.Helper()
	r.change(of, func(tx *resources.Tx) {
		tx.Roles.Put(resources.IAMKey(name), iam.Role{ID: "AROA" + name, Name: name, Path: "/", Trust: trust,
			Grants: iam.Grants{Inline: map[string]string{"p": policy}}, MaxSessionDuration: 7200})
	})
}

func (r *rig) lookup(id, token string) *iam.Identity {
	r.t.Helper()
	c, err := r.Authority.Lookup(r.t.Context(), id, token)
	if err != nil {
		r.t.Fatal(err)
	}
	return c.Identity
}

// answered is what a test reads of an answer.
type answered struct {
	ARN         string `xml:"Arn"`
	UserID      string `xml:"UserId"`
	Account     string
	Credentials struct {
		AccessKeyID     string `xml:"AccessKeyId"`
		SecretAccessKey string
		SessionToken    string
		Expiration      time.Time
	}
	AssumedRoleUser struct {
		AssumedRoleID string `xml:"AssumedRoleId"`
		ARN           string `xml:"Arn"`
	}
	PackedPolicySize int
	SourceIdentity   string
	Audience         string
	Provider         string
	Subject          string `xml:"SubjectFromWebIdentityToken"`
}

func form(action string, parameters ...string) *service.Request {
	values := url.Values{"Action": {action}, "Version": {version}}
	for i := 0; i+1 < len(parameters); i += 2 {
		values.Set(parameters[i], parameters[i+1])
	}
	return &service.Request{Method: "POST", Path: "/", Body: []byte(values.Encode()), ID: "request",
		Header: map[string][]string{"Content-Type": {"application/x-www-form-urlencoded; charset=utf-8"}}}
}

// ask calls an operation; nobody signs what has no caller.
func (r *rig) ask(by *iam.Identity, action string, parameters ...string) (answered, *service.Exception) {
	r.t.Helper()
	q := form(action, parameters...)
	q.Client = r.client
	q.Circumstances = iam.Circumstances{Now: r.clock, SourceIP: netip.MustParseAddr("192.0.2.1")}
	var a service.Answer
	var err error
	if by == nil {
		if !r.UnsignedPost(q) {
			r.t.Fatal("it is not taken without a signature")
		}
		a, err = r.AnswerPublic(r.t.Context(), q)
	} else {
		a, err = r.Answer(r.t.Context(), &service.Caller{Identity: by, AccountID: by.Account, Principal: by.ARN, RequestID: "request", Now: r.clock, Circumstances: q.Circumstances}, q)
	}
	if err != nil {
		fault := struct {
			Code    string `xml:"Error>Code"`
			Message string `xml:"Error>Message"`
		}{}
		rendered := r.Fault(err, "request")
		if err := xml.Unmarshal(rendered.Body, &fault); err != nil {
			r.t.Fatal(err)
		}
		return answered{}, &service.Exception{Code: fault.Code, Message: fault.Message, Status: rendered.Status, Err: errors.Unwrap(err)}
	}
	var document struct {
		XMLName xml.Name
		Results []answered `xml:",any"`
	}
	if err := xml.Unmarshal(a.Body, &document); err != nil || document.XMLName.Space != namespace || document.XMLName.Local != action+"Response" {
		r.t.Fatalf("%s: %v", a.Body, err)
	}
	return document.Results[0], nil
}

func (r *rig) must(by *iam.Identity, action string, parameters ...string) answered {
	r.t.Helper()
	a, err := r.ask(by, action, parameters...)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// as is who has the credentials of an answer.
func (r *rig) as(a answered) *iam.Identity {
	r.t.Helper()
	return r.lookup(a.Credentials.AccessKeyID, a.Credentials.SessionToken)
}
