package api

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"strings"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/api/wire"
	"heliograph/internal/audit"
	"heliograph/internal/iam"
	"heliograph/internal/sms"
	"heliograph/internal/throttle"
)

// trail is what the audit log is told of a request.
type trail struct {
	call *audit.Call // nil: nothing, or nothing more
}

// auditor is what an API has of the audit log.
type auditor struct {
	log       *audit.Log
	own       map[string]heard // by the IAM action, of what is recorded
	throttled *throttle.Keyed  // by account, of requests that came too fast
	failed    *throttle.Keyed  // by account, of requests that were refused otherwise
}

// heard is how an operation is recorded.
type heard struct {
	audit.Event
	shape *audit.Shape
}

const (
	// throttledPerSecond is how many requests a second of an account that are refused
	// because it makes too many are recorded.
	throttledPerSecond = 1
	// failedPerSecond and failedBurst are those that are refused for another reason than
	// permission, which changed nothing. What is denied is recorded whole: it has a rate of
	// its own.
	failedPerSecond = 25
	failedBurst     = 500
	auditedAccounts = 10_000
)

func newAuditor(log *audit.Log, table map[string]*endpoint) *auditor {
	if log == nil {
		return nil
	}
	a := &auditor{log: log, own: map[string]heard{}, throttled: throttle.NewKeyed(throttledPerSecond, throttledPerSecond, auditedAccounts),
		failed: throttle.NewKeyed(failedPerSecond, failedBurst, auditedAccounts)}
	for _, e := range table {
		event, ok := audit.EventOf(e.action)
		if !ok {
			continue
		}
		h := heard{Event: event}
		if o, ok := wire.Lookup(e.name); ok {
			h.shape = audit.ShapeOf(reflect.TypeOf(o.NewInput()))
		}
		a.own[e.action] = h
	}
	return a
}

// hear begins the record of a call of an operation of the API's own.
func (s *session) hear(e *endpoint, body []byte) {
	if s.api.auditor == nil {
		return
	}
	h, ok := s.api.auditor.own[e.action]
	if ok {
		s.begin(h.Event, audit.Parameters(body, h.shape))
	}
}

// hearOther begins the record of a call to another service.
func (s *session) hearOther(action string, r *service.Request) {
	if s.api.auditor == nil {
		return
	}
	event, ok := audit.EventOf(action)
	if !ok {
		return
	}
	s.begin(event, parametersOf(s.front.service.SigningName(), r))
}

// parametersOf are a request's to another service: JSON, a form, or of S3, whose bodies
// are objects and documents of their own, the path and the query.
func parametersOf(name string, r *service.Request) json.RawMessage {
	switch {
	case name == "s3":
		return audit.FormParameters("path=" + url.QueryEscape(r.Path) + "&" + r.Query.Encode())
	case r.Header.Get("X-Amz-Target") == "":
		return audit.FormParameters(strings.Trim(string(r.Body)+"&"+r.Query.Encode(), "&"))
	case strings.HasPrefix(r.Header.Get("X-Amz-Target"), "Firehose_"):
		return audit.LowerParameters(r.Body)
	}
	return audit.Parameters(r.Body, nil)
}

func (s *session) begin(e audit.Event, parameters json.RawMessage) {
	c := &s.call
	from, _, err := net.SplitHostPort(s.r.RemoteAddr)
	if err != nil {
		from = s.r.RemoteAddr
	}
	s.trail.call = &audit.Call{Identity: c.Identity, Account: c.AccountID, At: s.began, Source: e.Source, Name: e.Name, ReadOnly: e.ReadOnly, Issues: e.Issues,
		Region: s.api.region, SourceIP: from, UserAgent: s.r.UserAgent(), RequestID: c.RequestID, TLS: s.r.TLS, Host: s.r.Host, Parameters: parameters}
}

// used notes that the caller was allowed to use a resource, for the record of its owner.
func (s *session) used(owner, arn string) {
	if c := s.trail.call; c != nil && owner != "" && owner != c.Account {
		c.Shared = append(c.Shared, audit.ResourceOf(owner, arn))
	}
}

// recordable refuses a call that changes something while it could not be recorded.
func (s *session) recordable() error {
	if s.trail.call == nil || !s.trail.call.Durable() {
		return nil
	}
	return s.api.auditor.log.Ready()
}

// record writes the record of a call, once, before it is answered with body or, where
// there is one, with an error. It gives back that error, or why the call must not be
// answered as it would be.
func (s *session) record(failed error, body []byte) error {
	c := s.trail.call
	if c == nil {
		return failed
	}
	s.trail.call = nil
	if failed != nil {
		if !s.api.auditor.notes(c.Account, failed, s.began) {
			return failed
		}
		c.ErrorCode, c.Error = s.shown(failed)
	} else if c.Issues || c.Name == "CreateAccessKey" {
		c.Response = issued(c, body)
		s.assumed(c, body)
	}
	if err := s.api.auditor.log.Record(c); err != nil && failed == nil {
		return fmt.Errorf("the call is not recorded in the audit log: %w", err)
	}
	return failed
}

// notes reports whether a request of the account that failed is recorded: so many a second
// are, that nobody fills the log with what is worth nothing.
func (a *auditor) notes(account string, failed error, now time.Time) bool {
	of := a.failed
	if e, ok := sms.AsError(failed); ok && e.Kind == sms.KindThrottled {
		of = a.throttled
	} else if isDenial(failed) {
		return true
	}
	_, ok := of.Allow(account, now)
	return ok
}

// shown is an error as it is answered.
func (s *session) shown(err error) (code, message string) {
	if s.front != nil {
		e := service.ExceptionOf(exception(err))
		return e.Code, e.Message
	}
	a := render(err, s.call.RequestID)
	var d document
	// It was made of a document.
	_ = json.Unmarshal(a.body, &d)
	return a.code, d.Message
}

var (
	issuedKey  = regexp.MustCompile(`<AccessKeyId>([A-Z0-9]{16,128})</AccessKeyId>`)
	issuedTo   = regexp.MustCompile(`<SubjectFromWebIdentityToken>([^<]{1,255})</SubjectFromWebIdentityToken>`)
	assumedOf  = regexp.MustCompile(`<Arn>arn:[a-z-]{1,20}:sts::([0-9]{12}):assumed-role/`)
	issuedFrom = regexp.MustCompile(`<Provider>([^<]{1,255})</Provider>`)
)

// assumed notes whose role a call took on, as it is answered.
func (s *session) assumed(c *audit.Call, body []byte) {
	to := assumedOf.FindSubmatch(body)
	if to == nil || s.api.directory.Account(string(to[1])) == nil {
		return
	}
	var in struct{ RoleARN string }
	if err := json.Unmarshal(c.Parameters, &in); err == nil {
		c.Shared = append(c.Shared, audit.ResourceOf(string(to[1]), in.RoleARN))
	}
}

// issued is what a record has of an answer that gives away credentials: which key they
// are known by, so that what is done with them can be followed.
func issued(c *audit.Call, body []byte) json.RawMessage {
	key := issuedKey.FindSubmatch(body)
	if key == nil {
		return nil
	}
	within := "credentials"
	if c.Name == "CreateAccessKey" {
		within = "accessKey"
	}
	// Texts alone always encode.
	text, _ := json.Marshal(map[string]map[string]string{within: {"accessKeyId": string(key[1])}})
	return text
}

// hearUnsigned records what a request without a signature was given, in the account of
// the role that it named. One that was refused is not recorded: anybody could fill the
// log of any account.
func (s *session) hearUnsigned(r *service.Request, body []byte) error {
	if s.api.auditor == nil || s.r.Method != http.MethodPost || s.front.service.SigningName() != "sts" {
		return nil
	}
	form, err := url.ParseQuery(string(r.Body))
	if err != nil {
		return nil
	}
	role := strings.SplitN(form.Get("RoleArn"), ":", 6)
	event, ok := audit.EventOf("sts:" + form.Get("Action"))
	if len(role) < 6 || !ok || s.api.directory.Account(role[4]) == nil {
		return nil
	}
	s.call.AccountID = role[4]
	who := &iam.Identity{Principal: iam.Principal{Type: iam.WebIdentity}}
	if to, from := issuedTo.FindSubmatch(body), issuedFrom.FindSubmatch(body); to != nil && from != nil {
		who.Name, who.Issuer = string(to[1]), string(from[1])
		who.ID = who.Issuer + ":" + who.Name
	}
	s.call.Identity = who
	s.begin(event, parametersOf("sts", r))
	return s.record(nil, body)
}
