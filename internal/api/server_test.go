package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/google/go-cmp/cmp"

	"heliograph/internal/api"
	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

// startServer starts a server of its own over a store of its own. edit changes its
// options.
func startServer(t testing.TB, edit func(*api.Options)) (url string, directory *resources.Directory) {
	t.Helper()
	return startServerAt(t, tickingClock(), edit)
}

// startServerAt is startServer with a clock of resources.
func startServerAt(t testing.TB, now func() time.Time, edit func(*api.Options)) (url string, directory *resources.Directory) {
	t.Helper()
	ctx := t.Context()
	engine, err := sqlite.Open(ctx, filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	fence, err := engine.Join(ctx, "test")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{})
	t.Cleanup(committer.Close)
	directory, err = resources.Open(ctx, engine, committer, "aws", customerRegion, now)
	if err != nil {
		t.Fatal(err)
	}
	if err := directory.EnsureAccount(ctx, customerAccount, resources.Sandbox); err != nil {
		t.Fatal(err)
	}
	o := api.Options{
		Directory: directory, Keys: rootKey{}, Partition: "aws", Region: customerRegion, Rates: api.UnlimitedRates(),
		SimulatedInventory: true, NextTokenKey: []byte("0123456789abcdef"), Log: slog.New(slog.DiscardHandler),
		Lists: engine, Committer: committer,
	}
	if edit != nil {
		edit(&o)
	}
	server := httptest.NewServer(api.New(o))
	t.Cleanup(server.Close)
	return server.URL, directory
}

// request is an HTTP request to an operation before it is signed.
type request struct {
	method, path, target, contentType, body string
	header                                  http.Header
	at                                      time.Time // of the signature; zero: now
	unsigned                                bool
	key, secret, token, region, service     string
}

// reply is what came back.
type reply struct {
	Status    int
	Exception string // of the body
	Reason    string
	Fields    []string
	header    http.Header
	document  map[string]any
}

func (r request) send(t *testing.T, url string) reply {
	t.Helper()
	or := func(s, otherwise string) string {
		if s == "" {
			return otherwise
		}
		return s
	}
	req, err := http.NewRequestWithContext(t.Context(), or(r.method, "POST"), url+or(r.path, "/"), strings.NewReader(r.body))
	if err != nil {
		t.Fatal(err)
	}
	if r.target != "" {
		req.Header.Set("X-Amz-Target", r.target)
	}
	req.Header.Set("Content-Type", or(r.contentType, "application/x-amz-json-1.0"))
	if !r.unsigned {
		at := r.at
		if at.IsZero() {
			at = time.Now()
		}
		sum := sha256.Sum256([]byte(r.body))
		err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: or(r.key, rootAccessKey), SecretAccessKey: or(r.secret, rootSecret), SessionToken: r.token},
			req, hex.EncodeToString(sum[:]), or(r.service, "sms-voice"), or(r.region, customerRegion), at)
		if err != nil {
			t.Fatal(err)
		}
	}
	for name, values := range r.header {
		req.Header[name] = values
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	out := reply{Status: res.StatusCode, header: res.Header}
	if len(body) > 0 && strings.HasPrefix(res.Header.Get("Content-Type"), "application/x-amz-json-1.") {
		if err := json.Unmarshal(body, &out.document); err != nil {
			t.Fatalf("the answer %q is not JSON: %v", body, err)
		}
	}
	out.Exception, _ = out.document["__type"].(string)
	out.Reason, _ = out.document["Reason"].(string)
	fields, _ := out.document["Fields"].([]any)
	for _, f := range fields {
		out.Fields = append(out.Fields, f.(map[string]any)["Name"].(string))
	}
	return out
}

const prefix = "PinpointSMSVoiceV2."

var uuid = regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`)

// What is refused before a handler runs, and that the first thing wrong answers.
func TestRefusedBeforeTheHandler(t *testing.T) {
	url, _ := startServer(t, func(o *api.Options) { o.Keys = keysOf{"AKIAUSER": "arn:aws:iam::111122223333:user/reader"} })
	describe := prefix + "DescribePhoneNumbers"
	tests := []struct {
		name    string
		request request
		want    reply
	}{
		{"not signed", request{target: describe, body: `{}`, unsigned: true}, reply{Status: 400, Exception: "MissingAuthenticationTokenException"}},
		{"not signed, unknown operation", request{target: "Nothing", unsigned: true}, reply{Status: 400, Exception: "MissingAuthenticationTokenException"}},
		{"half a signature", request{target: describe, unsigned: true, header: http.Header{"Authorization": {"AWS4-HMAC-SHA256 Credential=AKIA"}}},
			reply{Status: 400, Exception: "IncompleteSignatureException"}},
		{"unknown key", request{target: describe, key: "AKIANOBODY"}, reply{Status: 400, Exception: "UnrecognizedClientException"}},
		{"account that is gone", request{target: describe, key: "AKIAGONE"}, reply{Status: 400, Exception: "UnrecognizedClientException"}},
		{"wrong secret", request{target: describe, secret: "wrong"}, reply{Status: 400, Exception: "InvalidSignatureException"}},
		{"another region", request{target: describe, region: "eu-west-1"}, reply{Status: 400, Exception: "InvalidSignatureException"}},
		{"replayed", request{target: describe, at: time.Now().Add(-6 * time.Minute)}, reply{Status: 400, Exception: "InvalidSignatureException"}},
		{"from the future", request{target: describe, at: time.Now().Add(6 * time.Minute)}, reply{Status: 400, Exception: "InvalidSignatureException"}},
		{"no target", request{body: `{}`}, reply{Status: 400, Exception: "UnknownOperationException"}},
		{"another service's target", request{target: "DynamoDB_20120810.ListTables", body: `{}`}, reply{Status: 400, Exception: "UnknownOperationException"}},
		{"no such operation", request{target: prefix + "MakeTea", body: `{}`}, reply{Status: 400, Exception: "UnknownOperationException"}},
		{"an operation of the model that is not answered", request{target: prefix + "CarrierLookup", body: `{"PhoneNumber":"+14255550123"}`},
			reply{Status: 400, Exception: "UnknownOperationException"}},
		{"another protocol", request{target: describe, contentType: "application/json", body: `{}`}, reply{Status: 400, Exception: "UnknownOperationException"}},
		{"not JSON", request{target: describe, body: `{`}, reply{Status: 400, Exception: "SerializationException"}},
		{"a list", request{target: describe, body: `[]`}, reply{Status: 400, Exception: "SerializationException"}},
		{"a wrong type", request{target: describe, body: `{"MaxResults":"many"}`}, reply{Status: 400, Exception: "SerializationException"}},
		{"not UTF-8", request{target: describe, body: "{\"Owner\":\"\xff\"}"}, reply{Status: 400, Exception: "SerializationException"}},
		{"deep", request{target: describe, body: `{"x":` + strings.Repeat("[", 100_000)}, reply{Status: 400, Exception: "SerializationException"}},
		{"a member missing", request{target: prefix + "ReleasePhoneNumber", body: `{}`},
			reply{Status: 400, Exception: "ValidationException", Reason: "MISSING_PARAMETER", Fields: []string{"PhoneNumberId"}}},
		{"members outside their constraints", request{target: describe, body: `{"MaxResults":101,"Owner":"ME"}`},
			reply{Status: 400, Exception: "ValidationException", Reason: "INVALID_PARAMETER", Fields: []string{"MaxResults", "Owner"}}},
		{"not root", request{target: describe, key: "AKIAUSER", body: `{}`}, reply{Status: 400, Exception: "AccessDeniedException"}},
		{"not root, wrong parameters", request{target: describe, key: "AKIAUSER", body: `{"MaxResults":0}`},
			reply{Status: 400, Exception: "ValidationException", Reason: "INVALID_PARAMETER", Fields: []string{"MaxResults"}}},
		{"another path", request{path: "/tea", target: describe}, reply{Status: 404, Exception: "UnknownOperationException"}},
		{"another method", request{method: "PUT", target: describe}, reply{Status: 405, Exception: "UnknownOperationException"}},
		{"ten megabytes", request{target: describe, body: `{"x":"` + strings.Repeat("x", 10<<20) + `"}`}, reply{Status: 413, Exception: "SerializationException"}},

		{"no body", request{target: describe}, reply{Status: 200}},
		{"the other version of the protocol", request{target: describe, contentType: "application/x-amz-json-1.1", body: `{}`}, reply{Status: 200}},
		{"a charset", request{target: describe, contentType: "application/x-amz-json-1.0; charset=utf-8", body: `{}`}, reply{Status: 200}},
		{"just inside the bound", request{target: describe, body: `{"x":"` + strings.Repeat("x", 1<<20-8) + `"}`}, reply{Status: 200}},
	}
	seen := map[string]bool{}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := tt.request.send(t, url)
			id := got.header.Get("X-Amzn-Requestid")
			if !uuid.MatchString(id) || seen[id] {
				t.Errorf("request id %q is not new", id)
			}
			seen[id] = true
			if e := got.header.Get("X-Amzn-Errortype"); e != tt.want.Exception {
				t.Errorf("error type header %q", e)
			}
			if tt.want.Exception != "" && got.document["Message"] == "" {
				t.Error("there is no Message")
			}
			got.header, got.document = nil, nil
			if diff := cmp.Diff(tt.want, got, cmp.AllowUnexported(reply{})); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// keysOf are the root's key, one whose account does not exist, and keys of
// principals, all with the root's secret.
type keysOf map[string]string

func (k keysOf) Lookup(ctx context.Context, id, token string) (sigv4.Credential, error) {
	who := iam.Principal{Type: iam.UserType, ARN: k[id], Account: customerAccount}
	if strings.HasSuffix(k[id], ":root") {
		who.Type = iam.Root
	}
	c := sigv4.Credential{AccessKeyID: id, SecretAccessKey: rootSecret, Account: customerAccount, Principal: k[id], Identity: &iam.Identity{Principal: who}}
	switch {
	case id == "AKIAGONE":
		c.Account, c.Principal = "999999999999", "arn:aws:iam::999999999999:root"
	case c.Principal == "":
		return rootKey{}.Lookup(ctx, id, token)
	}
	return c, nil
}

// claims are the headers of a request that says it is signed with a key.
func claims(key, service string) http.Header {
	at := time.Now().UTC().Format("20060102T150405Z")
	return http.Header{"X-Amz-Date": {at}, "Authorization": {"AWS4-HMAC-SHA256 Credential=" + key + "/" + at[:8] + "/" + customerRegion + "/" + service +
		"/aws4_request, SignedHeaders=host;x-amz-date, Signature=" + strings.Repeat("0", 64)}}
}

// chunked hides a body's length, so that the bound has to hold while it is read.
type chunked struct{ io.Reader }

func TestLongBodyOfUnknownLength(t *testing.T) {
	url, _ := startServer(t, nil)
	req, err := http.NewRequest("POST", url, chunked{bytes.NewReader(make([]byte, 3<<20))})
	if err != nil {
		t.Fatal(err)
	}
	req.Header = claims(rootAccessKey, "sms-voice")
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", res.StatusCode)
	}
}

func TestRequestRates(t *testing.T) {
	now := time.Now()
	url, _ := startServer(t, func(o *api.Options) {
		o.Now = func() time.Time { return now }
		rates, err := api.GuideRates().With(map[string]float64{"DescribeSenderIds": 0})
		if err != nil {
			t.Fatal(err)
		}
		o.Rates = rates
	})
	call := func(operation string) string {
		return request{target: prefix + operation, body: `{}`, at: now}.send(t, url).Exception
	}
	passed := func(operation string, calls int) (n int) {
		for range calls {
			switch e := call(operation); e {
			case "":
				n++
			case "ThrottlingException":
			default:
				t.Fatal(e)
			}
		}
		return n
	}
	if n := passed("DescribePhoneNumbers", 30); n != 25 {
		t.Errorf("%d of 30 at once passed; the burst is 25", n)
	}
	now = now.Add(2 * time.Second)
	if n := passed("DescribePhoneNumbers", 5); n != 2 {
		t.Errorf("%d of 5 passed after two seconds", n)
	}
	if n := passed("DescribeSenderIds", 40); n != 40 {
		t.Errorf("%d of 40 passed without a limit", n)
	}
}

func TestRatesOfConfiguration(t *testing.T) {
	for name, changed := range map[string]map[string]float64{
		"MakeTea": {"MakeTea": 1}, "CreatePool": {"CreatePool": -1},
	} {
		if _, err := api.GuideRates().With(changed); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%v: %v", changed, err)
		}
	}
	if n := len(api.GuideRates()); n != 66 {
		t.Errorf("the guide has %d rates; its table has 66", n)
	}
}

func TestInternalErrors(t *testing.T) {
	var log bytes.Buffer
	var mu sync.Mutex
	observed := map[string]string{}
	secret := errors.New("the safe's combination is 1234")
	url, _ := startServer(t, func(o *api.Options) {
		o.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelInfo}))
		o.Observe = func(operation, code string, _ time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			observed[operation] = code
		}
		extra := func(name string, f func(context.Context, *api.Call, []byte) ([]byte, error)) api.Operation {
			return api.Operation{Target: "HeliographAdmin." + name, Action: "heliograph:" + name, Handle: f}
		}
		o.ExtraOperations = []api.Operation{
			extra("Panic", func(context.Context, *api.Call, []byte) ([]byte, error) { panic(secret) }),
			extra("Fail", func(context.Context, *api.Call, []byte) ([]byte, error) { return nil, secret }),
			extra("Refuse", func(context.Context, *api.Call, []byte) ([]byte, error) { return nil, sms.NotFound("case", "7") }),
			extra("Echo", func(_ context.Context, _ *api.Call, body []byte) ([]byte, error) { return body, nil }),
		}
	})
	for _, name := range []string{"Panic", "Fail"} {
		got := request{target: "HeliographAdmin." + name, body: `{}`}.send(t, url)
		id := got.header.Get("X-Amzn-Requestid")
		want := map[string]any{"__type": "InternalServerException", "Message": "internal error", "RequestId": id}
		if diff := cmp.Diff(want, got.document); got.Status != 500 || diff != "" {
			t.Errorf("%s: status %d, %s", name, got.Status, diff)
		}
		mu.Lock()
		if n := strings.Count(log.String(), id); n != 1 {
			t.Errorf("%s is in the log %d times:\n%s", name, n, log.String())
		}
		if !strings.Contains(log.String(), secret.Error()) || !strings.Contains(log.String(), "level=ERROR") {
			t.Errorf("%s: the log lacks the cause:\n%s", name, log.String())
		}
		log.Reset()
		mu.Unlock()
	}
	if got := (request{target: "HeliographAdmin.Refuse", body: `{}`}).send(t, url); got.Exception != "ResourceNotFoundException" || got.Status != 400 {
		t.Errorf("%+v", got)
	}
	if got := (request{target: "HeliographAdmin.Echo", body: `{"a":1}`}).send(t, url); got.Status != 200 || got.document["a"] != 1.0 {
		t.Errorf("%+v", got)
	}
	mu.Lock()
	defer mu.Unlock()
	want := map[string]string{"HeliographAdmin.Panic": "InternalServerException", "HeliographAdmin.Fail": "InternalServerException",
		"HeliographAdmin.Refuse": "ResourceNotFoundException", "HeliographAdmin.Echo": "OK"}
	if diff := cmp.Diff(want, observed); diff != "" {
		t.Error(diff)
	}
}

func TestHealth(t *testing.T) {
	var broken error
	url, _ := startServer(t, func(o *api.Options) { o.Healthy = func(context.Context) error { return broken } })
	get := func(method string, status int) {
		t.Helper()
		got := request{method: method, path: "/healthz", unsigned: true}.send(t, url)
		if got.Status != status || !uuid.MatchString(got.header.Get("X-Amzn-Requestid")) {
			t.Errorf("%s: status %d, %v", method, got.Status, got.header)
		}
	}
	get("GET", 200)
	get("HEAD", 200)
	get("POST", 405)
	broken = errors.New("the store does not answer")
	get("GET", 503)
}
