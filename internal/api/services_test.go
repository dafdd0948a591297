package api_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api"
	"heliograph/internal/api/service"
	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/identity"
	"heliograph/internal/sms"
)

// echo is a JSON service whose operations show what they are called with.
type echo struct {
	*service.JSON
	max int
}

type echoDocument struct {
	Text    string `json:"text"`
	Account string `json:"account,omitempty"`
}

func newEcho(name string, max int) echo {
	return echo{service.NewJSON(name, "Echo",
		service.Handle("Say", func(_ context.Context, c *service.Caller, in *echoDocument) (*echoDocument, error) {
			if c.Account == nil || c.RequestID == "" {
				return nil, errors.New("a caller without an account or a request id")
			}
			return &echoDocument{in.Text, c.AccountID}, nil
		}),
		service.Handle("Nothing", func(context.Context, *service.Caller, *echoDocument) (*echoDocument, error) { return nil, nil }),
		service.Handle("Refuse", func(context.Context, *service.Caller, *echoDocument) (*echoDocument, error) {
			return nil, &service.Exception{Code: "ResourceNotFoundException", Status: 404, Message: "It is not there."}
		}),
		service.Handle("Conflict", func(context.Context, *service.Caller, *echoDocument) (*echoDocument, error) {
			return nil, fmt.Errorf("change: %w", sms.Throttled("Too many."))
		}),
		service.Handle("Fail", func(context.Context, *service.Caller, *echoDocument) (*echoDocument, error) {
			return nil, errors.New("the secret cause")
		}),
		service.Handle("Panic", func(context.Context, *service.Caller, *echoDocument) (*echoDocument, error) { panic("oh") }),
	), max}
}

func (e echo) MaxBody() int { return e.max }

// Unsigned requests to /open are answered by their query.
func (e echo) Unsigned(r *service.Request) bool { return r.Path == "/open" }

func (e echo) AnswerPublic(_ context.Context, r *service.Request) (service.Answer, error) {
	if r.Query.Get("token") != "right" {
		return service.Answer{}, &service.Exception{Code: "AuthorizationError", Status: 403, Message: "Another token."}
	}
	return service.Answer{Status: http.StatusAccepted, Header: http.Header{"Content-Type": {"text/plain"}}, Body: []byte("open")}, nil
}

// observations are what Observe was told.
type observations chan string

func newObservations() observations { return make(observations, 64) }

func (o observations) observe(operation, code string, _ time.Duration) { o <- operation + " " + code }

// next waits for one: Observe is told after the answer is written, and the client may
// have read a long one to its end by then.
func (o observations) next() string { return <-o }

// someUser are keys of which one belongs to a user of the account.
type someUser struct{ rootKey }

func (k someUser) Lookup(ctx context.Context, id, token string) (sigv4.Credential, error) {
	if id != "AKIAUSER" {
		return k.rootKey.Lookup(ctx, id, token)
	}
	c, err := k.rootKey.Lookup(ctx, rootAccessKey, token)
	c.AccessKeyID, c.Principal = id, "arn:aws:iam::"+customerAccount+":user/ann"
	c.Identity = &iam.Identity{Principal: iam.Principal{Type: iam.UserType, ARN: c.Principal, Account: customerAccount}}
	return c, err
}

func TestServices(t *testing.T) {
	seen := newObservations()
	url, _ := startServer(t, func(o *api.Options) {
		o.Services = []service.Service{newEcho("logs", 0), newEcho("firehose", 3<<20)}
		o.Observe, o.Keys = seen.observe, someUser{}
	})
	const large = 1<<20 + 100
	for name, c := range map[string]struct {
		request  request
		status   int
		code     string // of the exception
		message  string // a part of it
		observed string
	}{
		"an operation":      {request: request{target: "Echo.Say", body: `{"text":"hi"}`}, status: 200, observed: "logs:Say OK"},
		"content type 1.0":  {request: request{target: "Echo.Say", contentType: "application/x-amz-json-1.0; charset=utf-8"}, status: 200, observed: "logs:Say OK"},
		"no document":       {request: request{target: "Echo.Nothing"}, status: 200, observed: "logs:Nothing OK"},
		"a refusal":         {request: request{target: "Echo.Refuse"}, status: 404, code: "ResourceNotFoundException", message: "not there", observed: "logs:Refuse ResourceNotFoundException"},
		"a domain error":    {request: request{target: "Echo.Conflict"}, status: 400, code: "ThrottlingException", message: "Too many.", observed: "logs:Conflict ThrottlingException"},
		"a failure":         {request: request{target: "Echo.Fail"}, status: 500, code: "InternalFailure", message: "went wrong", observed: "logs:Fail InternalServerException"},
		"a panic":           {request: request{target: "Echo.Panic"}, status: 500, code: "InternalFailure", message: "went wrong", observed: "logs:Panic InternalServerException"},
		"unknown operation": {request: request{target: "Echo.Shout"}, status: 400, code: "UnknownOperationException", observed: "Unknown UnknownOperationException"},
		"other target":      {request: request{target: "PinpointSMSVoiceV2.DescribePools"}, status: 400, code: "UnknownOperationException", observed: "Unknown UnknownOperationException"},
		"other media type":  {request: request{target: "Echo.Say", contentType: "text/plain"}, status: 400, code: "UnknownOperationException", observed: "Unknown UnknownOperationException"},
		"not JSON":          {request: request{target: "Echo.Say", body: `{"text":`}, status: 400, code: "SerializationException", message: "not a JSON object", observed: "logs:Say SerializationException"},
		"another type":      {request: request{target: "Echo.Say", body: `{"text":7}`}, status: 400, code: "SerializationException", message: "member text", observed: "logs:Say SerializationException"},

		"unknown key":     {request: request{target: "Echo.Say", key: "AKIANOBODY"}, status: 400, code: "UnrecognizedClientException", observed: "Unknown UnrecognizedClientException"},
		"wrong secret":    {request: request{target: "Echo.Say", secret: "wrong"}, status: 400, code: "InvalidSignatureException", observed: "Unknown InvalidSignatureException"},
		"wrong region":    {request: request{target: "Echo.Say", region: "eu-west-9"}, status: 400, code: "InvalidSignatureException", message: "eu-west-9", observed: "Unknown InvalidSignatureException"},
		"too old":         {request: request{target: "Echo.Say", at: time.Now().Add(-time.Hour)}, status: 400, code: "InvalidSignatureException", message: "expired", observed: "Unknown InvalidSignatureException"},
		"not the root":    {request: request{target: "Echo.Say", key: "AKIAUSER"}, status: 400, code: "AccessDeniedException", message: "user/ann is not authorized to perform: logs:Say", observed: "logs:Say AccessDeniedException"},
		"not the root, ?": {request: request{target: "Echo.Shout", key: "AKIAUSER"}, status: 400, code: "AccessDeniedException", message: "logs:Unknown", observed: "Unknown AccessDeniedException"},
		"unknown service": {request: request{target: "Echo.Say", service: "ec2"}, status: 400, code: "InvalidSignatureException", message: "'ec2'", observed: "Unknown InvalidSignatureException"},
		"of sms-voice":    {request: request{target: "Echo.Say", service: "sms-voice"}, status: 400, code: "UnknownOperationException", observed: "Unknown UnknownOperationException"},
		"unsigned":        {request: request{target: "Echo.Say", unsigned: true}, status: 400, code: "MissingAuthenticationTokenException", observed: "Unknown MissingAuthenticationTokenException"},

		"too long":           {request: request{target: "Echo.Say", body: `{"text":"` + strings.Repeat("x", large) + `"}`}, status: 413, code: "SerializationException", message: "1 MiB", observed: "Unknown SerializationException"},
		"long, as it may be": {request: request{target: "Echo.Say", service: "firehose", body: `{"text":"` + strings.Repeat("x", large) + `"}`}, status: 200, observed: "firehose:Say OK"},
		"longer than it may": {request: request{target: "Echo.Say", service: "firehose", body: `{"text":"` + strings.Repeat("x", 3*large) + `"}`}, status: 413, code: "SerializationException", message: "3 MiB", observed: "Unknown SerializationException"},
	} {
		t.Run(name, func(t *testing.T) {
			r := c.request
			if r.service == "" {
				r.service = "logs"
			}
			if r.contentType == "" {
				r.contentType = "application/x-amz-json-1.1"
			}
			got := r.send(t, url)
			if got.Status != c.status || got.Exception != c.code {
				t.Errorf("answered %d %q (%v), not %d %q", got.Status, got.Exception, got.document, c.status, c.code)
			}
			message, _ := got.document["message"].(string)
			if !strings.Contains(message, c.message) && !strings.Contains(fmt.Sprint(got.document["Message"]), c.message) {
				t.Errorf("the message %v does not say %q", got.document, c.message)
			}
			if observed := seen.next(); observed != c.observed {
				t.Errorf("observed %q, not %q", observed, c.observed)
			}
			if got.header.Get("x-amzn-RequestId") == "" {
				t.Error("no request id")
			}
		})
	}
	said := request{target: "Echo.Say", service: "logs", contentType: "application/x-amz-json-1.1", body: `{"text":"hi"}`}.send(t, url)
	if said.document["text"] != "hi" || said.document["account"] != customerAccount || said.header.Get("Content-Type") != "application/x-amz-json-1.1" {
		t.Errorf("answered %v as %s", said.document, said.header.Get("Content-Type"))
	}
}

// TestSessionsWithoutOneTimePassword: what GetSessionToken has given without one opens no
// service of identities, a root's neither.
func TestSessionsWithoutOneTimePassword(t *testing.T) {
	var authority *identity.Authority
	p := newPoliced(t, func(o *api.Options) {
		o.Services = []service.Service{newEcho("iam", 0), newEcho("logs", 0)}
		authority = o.Authority
	})
	p.user(nil, allow("*", "*", ""))
	user := &iam.Principal{Type: iam.UserType, Account: customerAccount, ID: "AIDAAKIA000000000001", Name: "user1"}
	root := &iam.Principal{Type: iam.Root, Account: customerAccount}
	session := iam.Session{Issued: time.Now(), Expires: time.Now().Add(time.Hour)}
	given, signedIn := session, session
	given.MFA, signedIn.Console = time.Now(), true
	for name, c := range map[string]struct {
		who     *iam.Principal
		session iam.Session
		service string
		denied  bool
	}{
		"a user":                {user, session, "iam", true},
		"a root":                {root, session, "iam", true},
		"a user, elsewhere":     {user, session, "logs", false},
		"a root, elsewhere":     {root, session, "logs", false},
		"a user, with one":      {user, given, "iam", false},
		"a user, who signed in": {user, signedIn, "iam", false},
	} {
		made, err := authority.NewSession(c.who, c.session)
		if err != nil {
			t.Fatal(err)
		}
		got := request{target: "Echo.Say", service: c.service, contentType: "application/x-amz-json-1.1", key: made.AccessKeyID, secret: made.SecretAccessKey,
			token: made.SessionToken}.send(t, p.url)
		if c.denied && (got.Exception != "AccessDeniedException" || !strings.Contains(got.message(), "no session policy allows the iam:Say action")) || !c.denied && got.Status != 200 {
			t.Errorf("%s: answered %d, %v", name, got.Status, got.document)
		}
	}
}

func TestServicesWithoutSignature(t *testing.T) {
	seen := newObservations()
	url, _ := startServer(t, func(o *api.Options) {
		o.Services, o.Observe = []service.Service{newEcho("sns", 0)}, seen.observe
	})
	for _, c := range []struct {
		request  request
		status   int
		observed string
	}{
		{request{method: "GET", path: "/open?token=right", unsigned: true}, 202, "sns:Public OK"},
		{request{method: "GET", path: "/open?token=wrong", unsigned: true}, 403, "sns:Public AuthorizationError"},
		{request{method: "POST", path: "/open?token=right", unsigned: true}, 404, "Unknown UnknownOperationException"},
		{request{method: "GET", path: "/shut?token=right", unsigned: true}, 404, "Unknown UnknownOperationException"},
		{request{method: "GET", path: "/healthz", unsigned: true}, 200, "Health OK"},
	} {
		if got, observed := c.request.send(t, url), seen.next(); got.Status != c.status || observed != c.observed {
			t.Errorf("%s %s: answered %d, observed %q; not %d, %q", c.request.method, c.request.path, got.Status, observed, c.status, c.observed)
		}
	}
}

// sign takes POSTs without a signature, and decides by itself what callers may do.
type sign struct{ echo }

func (sign) UnsignedPost(r *service.Request) bool { return r.Path == "/sign" && len(r.Body) == 0 }
func (sign) AuthorizesItself()                    {}

func (sign) AnswerPublic(_ context.Context, r *service.Request) (service.Answer, error) {
	if len(r.Body) == 0 || r.ID == "" || r.Client == "" {
		return service.Answer{}, &service.Exception{Code: "Empty", Status: 400}
	}
	return service.Answer{Body: r.Body}, nil
}

func TestServicesPostWithoutSignature(t *testing.T) {
	seen := newObservations()
	url, _ := startServer(t, func(o *api.Options) {
		o.Services, o.Observe, o.Keys = []service.Service{sign{newEcho("sts", 0)}, newEcho("sns", 0)}, seen.observe, someUser{}
	})
	for _, c := range []struct {
		request  request
		status   int
		observed string
	}{
		{request{path: "/sign", body: `{"a":1}`, unsigned: true}, 200, "sts:Public OK"},
		{request{path: "/sign", body: `{"a":"` + strings.Repeat("x", 60<<10) + `"}`, unsigned: true}, 200, "sts:Public OK"},
		{request{path: "/sign", body: strings.Repeat("x", 64<<10+1), unsigned: true}, 413, "sts:Public SerializationException"},
		{request{path: "/sign/", body: `{"a":1}`, unsigned: true}, 404, "Unknown UnknownOperationException"},
		{request{path: "/sign", body: `{"a":1}`}, 404, "Unknown UnknownOperationException"},
		{request{method: "PUT", path: "/sign", body: `{"a":1}`, unsigned: true}, 404, "Unknown UnknownOperationException"},
		{request{target: "Echo.Say", service: "sts", contentType: "application/x-amz-json-1.1", key: "AKIAUSER"}, 200, "sts:Say OK"},
	} {
		if got, observed := c.request.send(t, url), seen.next(); got.Status != c.status || observed != c.observed {
			t.Errorf("%s %s: answered %d, observed %q; not %d, %q", c.request.method, c.request.path, got.Status, observed, c.status, c.observed)
		}
	}
}

// bucket is a service in the manner of S3.
type bucket struct{ *service.JSON }

func (bucket) Operation(*service.Request) (string, []string) { return "s3:GetObject", nil }

func (bucket) Answer(_ context.Context, _ *service.Caller, r *service.Request) (service.Answer, error) {
	return service.Answer{Header: http.Header{"Content-Type": {"text/csv"}, "Etag": {`"1"`}}, Body: []byte(r.Path)}, nil
}

func TestServiceS3(t *testing.T) {
	url, _ := startServer(t, func(o *api.Options) { o.Services = []service.Service{bucket{service.NewJSON("s3", "")}} })
	got := request{method: "GET", path: "/bucket/US/2026-01-02.csv", service: "s3"}.send(t, url)
	if got.Status != 200 || got.header.Get("x-amz-request-id") == "" || got.header.Get("x-amzn-RequestId") != "" || got.header.Get("Etag") == "" {
		t.Errorf("answered %d with %v", got.Status, got.header)
	}
	if got = (request{method: "HEAD", path: "/bucket/a", service: "s3"}).send(t, url); got.Status != 200 || got.header.Get("Content-Length") != "9" {
		t.Errorf("HEAD answered %d with %v", got.Status, got.header)
	}
}

func TestServiceRate(t *testing.T) {
	now := time.Now()
	url, _ := startServer(t, func(o *api.Options) {
		o.Services, o.Now = []service.Service{newEcho("logs", 0)}, func() time.Time { return now }
	})
	throttled := 0
	for range 510 {
		got := request{target: "Echo.Nothing", service: "logs", at: now}.send(t, url)
		if got.Exception == "ThrottlingException" {
			throttled++
		}
	}
	if throttled != 10 {
		t.Errorf("%d of 510 requests at once were throttled, not 10", throttled)
	}
}

// TestSlowBodies: connections that send long bodies slowly keep nobody's from being read,
// least of all those of keys that there are not.
func TestSlowBodies(t *testing.T) {
	url, _ := startServer(t, func(o *api.Options) { o.Services = []service.Service{newEcho("firehose", 4<<20)} })
	for key, connections := range map[string]int{"AKIANOBODY": 40, rootAccessKey: 4} {
		for range connections {
			conn, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			var head strings.Builder
			claims(key, "firehose").Write(&head)
			fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 900000\r\n%s\r\n%s", head.String(), strings.Repeat("x", 20_000))
		}
	}
	for range 5 {
		got := request{target: "Echo.Say", service: "firehose", contentType: "application/x-amz-json-1.1", body: `{"text":"` + strings.Repeat("x", 50_000) + `"}`}.send(t, url)
		if got.Status != http.StatusOK {
			t.Fatalf("answered %d %q", got.Status, got.Exception)
		}
	}
}

// TestServiceRateOfClients: whoever makes many requests without a signature is refused
// alone.
func TestServiceRateOfClients(t *testing.T) {
	now := time.Now()
	var handler http.Handler
	startServer(t, func(o *api.Options) {
		o.Services, o.Now = []service.Service{newEcho("sns", 0)}, func() time.Time { return now }
		handler = api.New(*o)
	})
	ask := func(from string) int {
		r := httptest.NewRequest(http.MethodGet, "/open?token=right", nil)
		r.RemoteAddr = from
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		return w.Code
	}
	refused := 0
	for i := range 510 {
		if ask(fmt.Sprintf("192.0.2.1:%d", 1024+i)) == http.StatusTooManyRequests {
			refused++
		}
	}
	if refused != 10 {
		t.Errorf("%d of 510 requests at once were refused, not 10", refused)
	}
	for _, from := range []string{"192.0.2.2:1024", "[2001:db8::1]:1024", "a socket"} {
		if code := ask(from); code != http.StatusAccepted {
			t.Errorf("%s: answered %d", from, code)
		}
	}
	for i := range 510 {
		ask(fmt.Sprintf("[2001:db8::%x]:1024", i))
	}
	if code := ask("[2001:db8::ffff]:1024"); code != http.StatusTooManyRequests {
		t.Errorf("another address of a network: answered %d", code)
	}
}

func TestServicesTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("two services of one name are taken")
		}
	}()
	api.New(api.Options{Services: []service.Service{newEcho("logs", 0), newEcho("logs", 0)}})
}
