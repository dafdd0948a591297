package signin

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/identity/password"
	"heliograph/internal/identity/totp"
	"heliograph/internal/resources"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const (
	account = "111122223333"
	right   = "correct horse battery"
)

// sealing is a store.Sealer that hides nothing and counts what it opens.
type sealing struct {
	opened int
	broken error
}

func (s *sealing) Seal(dst, plain, _ []byte) []byte { return append(dst, plain...) }

func (s *sealing) Open(dst, sealed, _ []byte) ([]byte, error) {
	s.opened++
	return append(dst, sealed...), s.broken
}

type noKeys struct{}

func (noKeys) Lookup(context.Context, string, string) (sigv4.Credential, error) {
	return sigv4.Credential{}, sigv4.ErrUnknownKey
}

// rig is a Service whose account has the users ann, with a password, bob, with a device
// too, and eve, with neither.
type rig struct {
	*Service
	t         *testing.T
	directory *resources.Directory
	clock     time.Time
	device    []byte // secret
	sealing   sealing
	recorded  []SignIn
	refuses   error // of the record
}

func newRig(t *testing.T) *rig {
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
	r := &rig{t: t, clock: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), device: totp.NewSecret()}
	now := func() time.Time { return r.clock }
	if r.directory, err = resources.Open(t.Context(), engine, committer, "aws", "us-east-1", now); err != nil {
		t.Fatal(err)
	}
	if err := r.directory.EnsureAccount(t.Context(), account, resources.Production); err != nil {
		t.Fatal(err)
	}
	login := &iam.Login{Hash: hashed(t)}
	r.put(iam.User{Name: "ann", Login: login, Grants: iam.Grants{Inline: map[string]string{"all": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}}})
	r.put(iam.User{Name: "bob", Login: login, MFA: []iam.MFA{{Serial: "arn:aws:iam::111122223333:mfa/bob", Secret: r.device, Enabled: r.clock}}})
	r.put(iam.User{Name: "eve"})
	authority := identity.New(identity.Options{Directory: r.directory, Sealer: &r.sealing, Root: noKeys{}, TokenKey: make([]byte, 32), Partition: "aws", Now: now, Log: log})
	r.Service = New(Options{Authority: authority, Now: now, Record: func(s SignIn) error {
		r.recorded = append(r.recorded, s)
		return r.refuses
	}})
	return r
}

// hashed is the hash of the right password.
func hashed(t *testing.T) string {
	t.Helper()
	h, err := password.NewHasher(1, 0).Hash(t.Context(), right)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func (r *rig) put(u iam.User) {
	r.t.Helper()
	u.ID, u.Path = "AIDA"+u.Name, "/"
	if err := r.directory.Change(r.t.Context(), account, func(tx *resources.Tx) error { tx.Users.Put(u.Name, u); return nil }); err != nil {
		r.t.Fatal(err)
	}
}

// ask signs in, from a client's address.
func (r *rig) ask(client, document string) (credentials, *service.Exception) {
	r.t.Helper()
	q := &service.Request{Method: http.MethodPost, Path: "/signin", Body: []byte(document), Client: client, ID: "request",
		Header: http.Header{"Content-Type": {"application/json"}, "User-Agent": {"test"}}, Circumstances: iam.Circumstances{SourceIP: netip.MustParseAddr(client)}}
	if !r.UnsignedPost(q) {
		r.t.Fatal("it is not taken")
	}
	a, err := r.AnswerPublic(r.t.Context(), q)
	if err != nil {
		return credentials{}, service.ExceptionOf(err)
	}
	var c credentials
	if err := json.Unmarshal(a.Body, &c); err != nil || a.Header.Get("Cache-Control") != "no-store" {
		r.t.Fatalf("%s: %v", a.Body, err)
	}
	return c, nil
}

func document(user, password, code string) string {
	b, _ := json.Marshal(request{Account: account, User: user, Password: password, Code: code})
	return string(b)
}

func TestSignIn(t *testing.T) {
	r := newRig(t)
	got, failed := r.ask("192.0.2.1", document("ANN", right, ""))
	if failed != nil || got.ARN != "arn:aws:iam::111122223333:user/ann" || got.Version != 1 || got.Expiration != "2026-03-02T00:00:00Z" {
		t.Fatalf("%+v, %v", got, failed)
	}
	c, err := r.Authority.Lookup(t.Context(), got.AccessKeyID, got.SessionToken)
	if err != nil || c.SecretAccessKey != got.SecretAccessKey || !c.Identity.Session.Console || !c.Identity.Session.MFA.IsZero() {
		t.Errorf("%+v, %v", c, err)
	}
	if !r.Authority.Decide(c.Identity, "sms-voice:SendTextMessage", identity.Resource{}, iam.Circumstances{}).Allowed {
		t.Error("who signed in may not what the user may")
	}
	code := totp.Code(r.device, totp.Step(r.clock))
	got, failed = r.ask("192.0.2.1", document("bob", right, code))
	if failed != nil {
		t.Fatal(failed)
	}
	if c, err = r.Authority.Lookup(t.Context(), got.AccessKeyID, got.SessionToken); err != nil || !c.Identity.Session.MFA.Equal(r.clock) {
		t.Errorf("%+v, %v", c, err)
	}
	if len(r.recorded) != 2 || r.recorded[0].Failed || r.recorded[0].MFA || !r.recorded[1].MFA || r.recorded[1].Identity.Name != "bob" || r.recorded[0].SourceIP != "192.0.2.1" {
		t.Errorf("recorded %+v", r.recorded)
	}

	// One answer for everything that is wrong.
	r.clock = r.clock.Add(time.Hour)
	for i, d := range []string{document("ann", "wrong", ""), document("ann", right, "123456"), document("eve", right, ""), document("nobody", right, ""),
		document("bob", right, ""), document("bob", right, code), document("bob", "wrong", totp.Code(r.device, totp.Step(r.clock))),
		strings.Replace(document("ann", right, ""), account, "999999999999", 1)} {
		r.recorded = nil
		if _, failed := r.ask("192.0.2.2", d); failed != errFailed {
			t.Errorf("%d: %v", i, failed)
		}
		if len(r.recorded) != 1 || !r.recorded[0].Failed {
			t.Errorf("%d: recorded %+v", i, r.recorded)
		}
	}
	// What cannot be recorded does not happen.
	r.refuses = errors.New("the disk is full")
	if _, failed := r.ask("192.0.2.3", document("ann", right, "")); failed == nil || failed.Code != "InternalFailure" {
		t.Error(failed)
	}
}

// TestSameWork: whatever is wrong, as much is done and nobody who changes the account is
// waited for, so that the time of an answer says nothing.
func TestSameWork(t *testing.T) {
	r := newRig(t)
	code := totp.Code(r.device, totp.Step(r.clock))
	r.ask("192.0.2.1", document("bob", right, code))
	wrong := []string{document("nobody", right, "123456"), document("eve", right, ""), document("ann", "wrong", ""), document("ann", right, "123456"),
		document("bob", "wrong", ""), document("bob", "wrong", "123456"), document("bob", right, ""), document("bob", right, "1234567"), document("bob", right, code)}
	work := 0
	for i, d := range wrong {
		r.sealing.opened = 0
		if _, failed := r.ask("192.0.2.1", d); failed != errFailed {
			t.Errorf("%s: %v", d, failed)
		}
		if i == 0 {
			work = r.sealing.opened
		}
		if r.sealing.opened != work || work == 0 {
			t.Fatalf("%s: %d secrets were opened, and %d of nobody", d, r.sealing.opened, work)
		}
	}
	if err := r.directory.Change(t.Context(), account, func(*resources.Tx) error {
		for _, d := range wrong {
			r.ask("192.0.2.2", d)
		}
		return nil
	}); err != nil {
		t.Error(err)
	}
	// A device that cannot be read has no codes, which is no fault of another kind.
	r.clock = r.clock.Add(time.Minute)
	r.sealing.broken = errors.New("the key is gone")
	if _, failed := r.ask("192.0.2.3", document("bob", right, totp.Code(r.device, totp.Step(r.clock)))); failed != errFailed {
		t.Error(failed)
	}
}

// TestReset: who has to change the password may do that alone.
func TestReset(t *testing.T) {
	r := newRig(t)
	r.put(iam.User{Name: "ann", Login: &iam.Login{Hash: hashed(t), Reset: true},
		Grants: iam.Grants{Inline: map[string]string{"all": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`}}})
	got, failed := r.ask("192.0.2.1", document("ann", right, ""))
	if failed != nil || !got.PasswordResetRequired {
		t.Fatalf("%+v, %v", got, failed)
	}
	c, err := r.Authority.Lookup(t.Context(), got.AccessKeyID, got.SessionToken)
	if err != nil {
		t.Fatal(err)
	}
	for action, allowed := range map[string]bool{"iam:ChangePassword": true, "sms-voice:SendTextMessage": false} {
		if d := r.Authority.Decide(c.Identity, action, identity.Resource{}, iam.Circumstances{}); d.Allowed != allowed {
			t.Errorf("%s: %+v", action, d)
		}
	}
}

// TestRates: guesses are few from one address, of one user and of anyone, and who makes
// them does not keep others away.
func TestRates(t *testing.T) {
	r := newRig(t)
	tooMany := func(client, user string) bool {
		_, failed := r.ask(client, document(user, "wrong", ""))
		return failed == errTooMany
	}
	for i := range tryBurst {
		if tooMany("192.0.2.1", "ann") {
			t.Fatalf("the attempt %d is one too many", i+1)
		}
	}
	if !tooMany("192.0.2.1", "ann") || !tooMany("192.0.2.1", "Ann") {
		t.Error("a user may be tried for ever")
	}
	if recorded := len(r.recorded); recorded != tryBurst {
		t.Errorf("%d attempts are recorded", recorded)
	}
	if _, failed := r.ask("192.0.2.1", document("eve", "wrong", "")); failed != errFailed {
		t.Errorf("another user: %v", failed)
	}
	if _, failed := r.ask("192.0.2.2", document("ann", right, "")); failed != nil {
		t.Errorf("the user is kept out: %v", failed)
	}
	r.clock = r.clock.Add(30 * time.Second)
	if _, failed := r.ask("192.0.2.1", document("ann", right, "")); failed != nil {
		t.Error(failed)
	}
	for range clientBurst {
		r.clients.Allow("192.0.2.250", r.clock)
	}
	if !tooMany("192.0.2.250", "eve") {
		t.Error("an address may try for ever")
	}
	for range userBurst {
		r.users.Allow(account+"/eve", r.clock)
	}
	if !tooMany("192.0.2.251", "eve") {
		t.Error("many addresses may try a user for ever")
	}
}

// TestBusy: where too many wait, more are told so and nothing of them is recorded.
func TestBusy(t *testing.T) {
	r := newRig(t)
	r.hasher = password.NewHasher(0, 0)
	for _, user := range []string{"ann", "nobody"} {
		if _, failed := r.ask("192.0.2.1", document(user, right, "")); failed != errTooMany || len(r.recorded) != 0 {
			t.Errorf("%s: %v, recorded %+v", user, failed, r.recorded)
		}
	}
}

// TestCodeRates: guesses of codes are few for who has the password, and nobody else's
// count.
func TestCodeRates(t *testing.T) {
	r := newRig(t)
	next := 0
	ask := func(password, code string) *service.Exception {
		next++
		_, failed := r.ask(fmt.Sprintf("192.0.2.%d", next), document("bob", password, code))
		return failed
	}
	step := totp.Step(r.clock)
	for range codeBurst {
		if failed := ask("wrong", "1234567"); failed != errFailed {
			t.Error(failed)
		}
	}
	for range codeBurst {
		if failed := ask(right, ""); failed != errFailed {
			t.Error(failed)
		}
	}
	for range codeBurst - 1 {
		if failed := ask(right, "1234567"); failed != errFailed {
			t.Error(failed)
		}
	}
	for _, s := range []int64{step - 1, step} { // which do not count
		if failed := ask(right, totp.Code(r.device, s)); failed != nil {
			t.Error(failed)
		}
	}
	if failed := ask(right, totp.Code(r.device, step)); failed != errFailed {
		t.Errorf("a code is taken twice: %v", failed)
	}
	if failed := ask(right, totp.Code(r.device, step+1)); failed != errFailed {
		t.Errorf("codes may be guessed for ever: %v", failed)
	}
	r.clock = r.clock.Add(12 * time.Second)
	if failed := ask(right, totp.Code(r.device, step+1)); failed != nil {
		t.Error(failed)
	}
}

func TestRefusals(t *testing.T) {
	r := newRig(t)
	for _, d := range []string{"", "[]", "{}", `{"account":"1","user":"ann","password":"x"}`, `{"account":"111122223333","user":"ann"}`,
		`{"account":"111122223333","user":"ann","password":"x","more":1}`, document(strings.Repeat("x", 513), "x", "")} {
		if _, failed := r.ask("192.0.2.1", d); failed == nil || failed.Code != "ValidationException" {
			t.Errorf("%.60s: %v", d, failed)
		}
	}
	q := &service.Request{Path: "/signin", Body: []byte(document("ann", right, "")), Header: http.Header{"Content-Type": {"text/plain"}}}
	if _, err := r.AnswerPublic(t.Context(), q); service.ExceptionOf(err).Code != "ValidationException" {
		t.Errorf("a form of another site: %v", err)
	}
	if len(r.recorded) != 0 {
		t.Errorf("recorded %+v", r.recorded)
	}
	if a := r.Fault(errFailed, ""); a.Status != 401 || !strings.Contains(string(a.Body), `"__type":"AuthenticationFailed"`) {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}
