package iam

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/xml"
	"log/slog"
	"net/http"
	"net/url"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const (
	account = "111122223333"
	other   = "444455556666"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// sealer is AES-GCM with one key, and a nonce that counts.
type sealer struct {
	aead  cipher.AEAD
	count byte
}

func (s *sealer) Seal(dst, plain, about []byte) []byte {
	s.count++
	nonce := append(make([]byte, 11), s.count)
	return s.aead.Seal(append(dst, nonce...), nonce, plain, about)
}

func (s *sealer) Open(dst, sealed, about []byte) ([]byte, error) {
	return s.aead.Open(dst, sealed[:12], sealed[12:], about)
}

// rig is a Service on a database of its own.
type rig struct {
	t       *testing.T
	service *Service
	dir     *resources.Directory
	now     time.Time
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{t: t, now: noon}
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	fence, err := engine.Join(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{})
	t.Cleanup(func() { committer.Close() })
	clock := func() time.Time { return r.now }
	if r.dir, err = resources.Open(t.Context(), engine, committer, "aws", "us-east-1", clock); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{account, other} {
		if err := r.dir.EnsureAccount(t.Context(), id, resources.Production); err != nil {
			t.Fatal(err)
		}
	}
	block, _ := aes.NewCipher(make([]byte, 32))
	aead, _ := cipher.NewGCM(block)
	r.service = New(Options{Directory: r.dir, Sealer: &sealer{aead: aead}, Partition: "aws", Now: clock})
	return r
}

// as is a caller: the root of an account, or with a name a user of it.
func (r *rig) as(of, name string) *service.Caller {
	p := iam.Principal{Type: iam.Root, ARN: iam.RootARN("aws", of), Account: of, ID: of}
	if name != "" {
		p = iam.Principal{Type: iam.UserType, ARN: iam.UserARN("aws", of, "/", name), Account: of, Name: name}
	}
	return &service.Caller{AccountID: of, Account: r.dir.Account(of), Principal: p.ARN, Identity: &iam.Identity{Principal: p}, RequestID: "request", Now: r.now}
}

// form makes a request: "Action Name=Value Name=Value", a tilde in a value being a space.
func form(t *testing.T, line string) *service.Request {
	t.Helper()
	fields := strings.Fields(line)
	values := url.Values{"Action": {fields[0]}, "Version": {version}}
	for _, f := range fields[1:] {
		name, value, ok := strings.Cut(f, "=")
		if !ok {
			t.Fatalf("%q in %q", f, line)
		}
		values.Set(name, strings.ReplaceAll(value, "~", " "))
	}
	return &service.Request{Method: http.MethodPost, Path: "/", Body: []byte(values.Encode())}
}

// do answers a request as a caller, errors too.
func (r *rig) do(c *service.Caller, line string) (status int, body string) {
	r.t.Helper()
	a, err := r.service.Answer(r.t.Context(), c, form(r.t, line))
	if err != nil {
		a = r.service.Fault(err, c.RequestID)
	}
	return a.Status, string(a.Body)
}

// ok answers a request of the root that has to succeed.
func (r *rig) ok(line string) string {
	r.t.Helper()
	status, body := r.do(r.as(account, ""), line)
	if status != http.StatusOK {
		r.t.Fatalf("%s: %d %s", line, status, body)
	}
	return body
}

// refused is a request of the root that has to be refused with a code.
func (r *rig) refused(line string, status int, code string) {
	r.t.Helper()
	got, body := r.do(r.as(account, ""), line)
	if got != status || !strings.Contains(body, "<Code>"+code+"</Code>") {
		r.t.Errorf("%s: %d %s, not %d %s", line, got, body, status, code)
	}
}

// element is the text of the first element with a name.
func element(t *testing.T, body, name string) string {
	t.Helper()
	_, rest, ok := strings.Cut(body, "<"+name+">")
	text, _, ended := strings.Cut(rest, "</"+name+">")
	if !ok || !ended {
		t.Fatalf("no %s in %s", name, body)
	}
	return text
}

var random = regexp.MustCompile(`(AIDA|AGPA|AROA|ANPA|AKIA)[A-Z2-7]{16,17}|<SecretAccessKey>[^<]{40}|<Base32StringSeed>[^<]{44}`)

// indented is an answer for people, without what is random in it.
func indented(t *testing.T, body string) string {
	t.Helper()
	body = random.ReplaceAllStringFunc(body, func(s string) string {
		if tag, _, ok := strings.Cut(s, ">"); ok {
			return tag + ">RANDOM"
		}
		return s[:4] + "RANDOM"
	})
	var b bytes.Buffer
	d, depth, open := xml.NewDecoder(strings.NewReader(body)), 0, false
	for {
		token, err := d.Token()
		if err != nil {
			break
		}
		switch e := token.(type) {
		case xml.StartElement:
			b.WriteString("\n" + strings.Repeat("  ", depth) + e.Name.Local)
			depth, open = depth+1, true
		case xml.EndElement:
			depth, open = depth-1, false
		case xml.CharData:
			if text := strings.TrimSpace(string(e)); open && text != "" {
				b.WriteString(": " + text)
			}
		}
	}
	return strings.TrimSpace(b.String())
}
