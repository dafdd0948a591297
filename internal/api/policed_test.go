package api_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"heliograph/internal/api"
	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/resources"
)

// policed is a server that decides by policies.
type policed struct {
	*customer
	url   string
	users int
}

// tied is a store.Sealer that hides nothing, and holds what it seals to its place.
type tied struct{}

func (tied) Seal(dst, plain, about []byte) []byte {
	return append(append(append(dst, about...), 0), plain...)
}

func (tied) Open(dst, sealed, about []byte) ([]byte, error) {
	plain, ok := bytes.CutPrefix(sealed, append(bytes.Clone(about), 0))
	if !ok {
		return nil, errors.New("sealed for another place")
	}
	return append(dst, plain...), nil
}

func newPoliced(t *testing.T, edit func(*api.Options)) *policed {
	t.Helper()
	url, directory := startServer(t, func(o *api.Options) {
		decided(o)
		if edit != nil {
			edit(o)
		}
	})
	return &policed{customer: &customer{t: t, directory: directory}, url: url}
}

// decided has the users of the Directory, whose policies decide.
func decided(o *api.Options) {
	authority := identity.New(identity.Options{Directory: o.Directory, Sealer: tied{}, Root: rootKey{}, TokenKey: make([]byte, 32),
		Partition: "aws", Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	o.Keys, o.Authority, o.Sender, o.Feedback = authority, authority, &recorder{}, &feedback{}
}

// somebody is a user with a key.
type somebody struct {
	*policed
	key string
}

func (p *policed) root() somebody { return somebody{p, rootAccessKey} }

// user makes a user of the first account with inline policies of these statements.
func (p *policed) user(tags map[string]string, statements ...string) somebody {
	p.t.Helper()
	return p.userOf(customerAccount, tags, statements...)
}

func (p *policed) userOf(account string, tags map[string]string, statements ...string) somebody {
	p.t.Helper()
	p.users++
	name, key := fmt.Sprintf("user%d", p.users), fmt.Sprintf("AKIA%012d", p.users)
	if err := p.directory.EnsureAccount(p.t.Context(), account, resources.Sandbox); err != nil {
		p.t.Fatal(err)
	}
	err := p.directory.Change(p.t.Context(), account, func(tx *resources.Tx) error {
		u := iam.User{ID: "AIDA" + key, Name: name, Path: "/", Grants: iam.Grants{Inline: map[string]string{}}}
		for i, s := range statements {
			u.Inline[fmt.Sprintf("p%d", i)] = `{"Version":"2012-10-17","Statement":[` + s + `]}`
		}
		tx.Users.Put(resources.IAMKey(name), u)
		tx.Users.SetTags(resources.IAMKey(name), tags)
		tx.AccessKeys.Put(key, iam.AccessKey{ID: key, User: name, Secret: tied{}.Seal(nil, []byte(rootSecret), []byte(iam.AccessKeySecret(key)))})
		return nil
	})
	if err != nil {
		p.t.Fatal(err)
	}
	return somebody{p, key}
}

// call calls an operation with an input of names and values.
func (s somebody) call(operation string, input map[string]any) reply {
	s.t.Helper()
	body, err := json.Marshal(input)
	if err != nil {
		s.t.Fatal(err)
	}
	target := prefix + operation
	return request{target: target, body: string(body), key: s.key}.send(s.t, s.url)
}

func (r reply) message() string {
	text, _ := r.document["Message"].(string)
	if text == "" {
		text, _ = r.document["message"].(string)
	}
	return text
}

// allow is a statement that allows actions, after a colon, on resources.
func allow(action, resource, condition string) string {
	return statement("Allow", action, resource, condition)
}

func statement(effect, action, resource, condition string) string {
	s := fmt.Sprintf(`{"Effect":%q,"Action":%q,"Resource":%q`, effect, action, resource)
	if condition != "" {
		s += `,"Condition":` + condition
	}
	return s + "}"
}

var _ sigv4.Keys = (*identity.Authority)(nil)
