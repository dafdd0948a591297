package api

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// signingName is the service that requests are signed for.
const signingName = "sms-voice"

// Options are what an API is made of. Directory, Keys, Partition, Region and
// NextTokenKey are needed; the others have defaults.
type Options struct {
	Directory *resources.Directory
	Keys      sigv4.Keys
	Partition string // of ARNs: "aws"
	Region    string // of ARNs and signatures

	Rates  Rates  // nil: the guide's
	Limits Limits // zero: DefaultLimits

	// SimulatedInventory offers phone numbers of every type and country that the
	// guide's tables allow, on the carrier named "sim", where the operator's
	// inventory has none.
	SimulatedInventory bool

	// NextTokenKey signs NextTokens: 16 bytes or more that stay the same as long
	// as the store, on every node.
	NextTokenKey []byte

	// Sender accepts text messages; without one there is no SendTextMessage.
	Sender Sender

	ExtraOperations []Operation

	// Healthy says whether the service can answer; GET /healthz asks it.
	Healthy func(context.Context) error
	// Observe is told of every answer: the operation ("Unknown" where the request
	// names none that there is), the exception ("OK" for none) and the time from
	// the request's headers to its answer.
	Observe func(operation, code string, took time.Duration)

	Log  *slog.Logger     // nil: slog.Default
	Now  func() time.Time // nil: time.Now
	Rand io.Reader        // of ids and simulated numbers; nil: crypto/rand
}

// API answers HTTP requests. It is an http.Handler.
type API struct {
	directory         *resources.Directory
	sender            Sender
	partition, region string
	limits            Limits
	simulated         bool
	pageKey           []byte
	verifier          *sigv4.Verifier
	table             map[string]*endpoint
	healthy           func(context.Context) error
	observe           func(operation, code string, took time.Duration)
	log               *slog.Logger
	now               func() time.Time
	rand              io.Reader
}

// New makes an API. It panics on operations that are there twice or not of the
// model.
func New(o Options) *API {
	a := &API{
		directory: o.Directory, sender: o.Sender, partition: o.Partition, region: o.Region, limits: o.Limits, simulated: o.SimulatedInventory,
		pageKey: o.NextTokenKey, verifier: sigv4.NewVerifier(o.Keys, o.Region, signingName),
		healthy: o.Healthy, observe: o.Observe, log: o.Log, now: o.Now, rand: o.Rand,
	}
	if a.limits == (Limits{}) {
		a.limits = DefaultLimits()
	}
	if a.healthy == nil {
		a.healthy = func(context.Context) error { return nil }
	}
	if a.observe == nil {
		a.observe = func(string, string, time.Duration) {}
	}
	if a.log == nil {
		a.log = slog.Default()
	}
	if a.now == nil {
		a.now = time.Now
	}
	if a.rand == nil {
		a.rand = rand.Reader
	}
	rates := o.Rates
	if rates == nil {
		rates = GuideRates()
	}
	a.table = a.endpoints(rates, o.ExtraOperations)
	return a
}

// Names of headers, as they are in an http.Header and on the wire.
const (
	headerRequestID = "x-amzn-RequestId"
	headerErrorType = "x-amzn-ErrorType"
	contentType10   = "application/x-amz-json-1.0"
	contentType11   = "application/x-amz-json-1.1"
)

var contentTypeHeader = []string{contentType10}

// ServeHTTP answers operations at POST / and the service's health at GET /healthz.
func (a *API) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := a.now()
	s := &session{api: a, w: w, r: r, began: began, operation: "Unknown"}
	s.call.RequestID = newRequestID()
	w.Header()[headerRequestID] = []string{s.call.RequestID}
	defer s.recover()
	switch {
	case r.URL.Path == "/healthz":
		s.health()
	case r.URL.Path != "/":
		s.fail(&refusal{codeUnknownOperation, http.StatusNotFound, "There is nothing at this path; operations are at POST /."})
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		s.fail(&refusal{codeUnknownOperation, http.StatusMethodNotAllowed, "Operations are called by POST."})
	default:
		s.serve()
	}
}

// newRequestID makes a UUID version 4.
func newRequestID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	var out [36]byte
	hex.Encode(out[0:8], u[0:4])
	hex.Encode(out[9:13], u[4:6])
	hex.Encode(out[14:18], u[6:8])
	hex.Encode(out[19:23], u[8:10])
	hex.Encode(out[24:36], u[10:16])
	out[8], out[13], out[18], out[23] = '-', '-', '-', '-'
	return string(out[:])
}

// newID makes an id of a resource: prefix and 32 hexadecimal digits.
func (a *API) newID(prefix string) (string, error) {
	var b [16]byte
	if _, err := io.ReadFull(a.rand, b[:]); err != nil {
		return "", fmt.Errorf("make an id: %w", err)
	}
	return prefix + hex.EncodeToString(b[:]), nil
}

// session is one HTTP request being answered.
type session struct {
	api       *API
	w         http.ResponseWriter
	r         *http.Request
	began     time.Time
	operation string // for logs and metrics
	call      Call
	answered  bool
}

// serve answers an operation: the first step that refuses ends it.
func (s *session) serve() {
	body, err := readBody(s.r)
	defer body.free()
	if err != nil {
		s.fail(err)
		return
	}
	out := takeBuffer()
	defer out.free()
	out.b, err = s.answer(body.b, out.b[:0])
	if err != nil {
		s.fail(err)
		return
	}
	s.write(http.StatusOK, out.b)
	s.done("OK", nil)
}

func (s *session) answer(body, out []byte) ([]byte, error) {
	if err := s.authenticate(body); err != nil {
		return out, err
	}
	e, err := s.endpoint()
	if err != nil {
		return out, err
	}
	s.operation, s.call.Operation = e.name, e.name
	in, resources, err := e.in(&s.call, body)
	if err != nil {
		return out, err
	}
	if err := authorize(&s.call, e.action, resources); err != nil {
		return out, err
	}
	if err := e.rate.take(s.call.AccountID, s.began); err != nil {
		return out, err
	}
	done, err := e.run(s.r.Context(), &s.call, in, out)
	if err != nil {
		return out, err
	}
	return done, nil
}

// authenticate fills in whose call it is.
func (s *session) authenticate(body []byte) error {
	a, c := s.api, &s.call
	credential, err := a.verifier.Verify(s.r, body, s.began)
	if err != nil {
		return err
	}
	c.AccountID, c.Principal, c.Now = credential.Account, credential.Principal, s.began
	c.Partition, c.Region, c.pageKey = a.partition, a.region, a.pageKey
	c.IdempotencyKey = s.r.Header.Get("Idempotency-Key")
	if c.Account = a.directory.Account(c.AccountID); c.Account == nil {
		return &sigv4.Error{Code: sigv4.UnrecognizedClient, Message: "the account of the access key does not exist"}
	}
	return nil
}

// endpoint finds the operation that the request names.
func (s *session) endpoint() (*endpoint, error) {
	if t := s.r.Header.Get("Content-Type"); t != contentType10 && t != contentType11 && !jsonType(t) {
		return nil, unknownOperation("The Content-Type has to be %s.", contentType10)
	}
	if e := s.api.table[s.r.Header.Get("X-Amz-Target")]; e != nil {
		return e, nil
	}
	return nil, unknownOperation("The X-Amz-Target header names no operation of this service.")
}

// authorize decides whether the caller may do what it asks for. Only the root of
// an account, who may do everything in it, holds keys.
func authorize(c *Call, action string, resources []string) error {
	if c.root() {
		return nil
	}
	on := "*"
	if len(resources) > 0 {
		on = resources[0]
	}
	return &sms.Error{Kind: sms.KindAccessDenied,
		Message: fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s", c.Principal, action, on)}
}

func (s *session) health() {
	if s.r.Method != http.MethodGet && s.r.Method != http.MethodHead {
		s.w.Header().Set("Allow", "GET, HEAD")
		s.fail(&refusal{codeUnknownOperation, http.StatusMethodNotAllowed, "The health of the service is read by GET."})
		return
	}
	s.operation = "Health"
	s.w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if err := s.api.healthy(s.r.Context()); err != nil {
		s.w.WriteHeader(http.StatusServiceUnavailable)
		io.WriteString(s.w, "unavailable\n")
		s.done("Unavailable", err)
		return
	}
	io.WriteString(s.w, "ok\n")
	s.done("OK", nil)
}

// fail answers an error.
func (s *session) fail(err error) {
	a := render(err, s.call.RequestID)
	s.w.Header()[headerErrorType] = []string{a.code}
	if a.status == http.StatusRequestEntityTooLarge {
		s.w.Header().Set("Connection", "close")
	}
	s.write(a.status, a.body)
	s.done(a.code, err)
}

func (s *session) write(status int, body []byte) {
	h := s.w.Header()
	h["Content-Type"] = contentTypeHeader
	h["Content-Length"] = []string{strconv.Itoa(len(body))}
	s.answered = true
	s.w.WriteHeader(status)
	s.w.Write(body) // a client that is gone has no answer to give
}

// done counts and logs the answer, once.
func (s *session) done(code string, err error) {
	took := s.api.now().Sub(s.began)
	s.api.observe(s.operation, code, took)
	level := slog.LevelDebug
	switch {
	case err == nil:
	case code == "Unavailable":
		level = slog.LevelWarn
	case code != codeInternal:
		level = slog.LevelInfo
	case !errors.Is(err, context.Canceled) || s.r.Context().Err() == nil:
		level = slog.LevelError
	}
	ctx := s.r.Context()
	if !s.api.log.Enabled(ctx, level) {
		return
	}
	attrs := []slog.Attr{slog.String("operation", s.operation), slog.String("code", code),
		slog.String("request_id", s.call.RequestID), slog.String("account", s.call.AccountID), slog.Duration("took", took)}
	if err != nil {
		attrs = append(attrs, slog.String("error", err.Error()))
	}
	s.api.log.LogAttrs(ctx, level, "request", attrs...)
}

// recover answers a panic as an internal error and logs where it came from.
func (s *session) recover() {
	p := recover()
	if p == nil {
		return
	}
	if p == http.ErrAbortHandler || s.answered {
		panic(p)
	}
	s.fail(fmt.Errorf("panic: %v\n%s", p, debug.Stack()))
}
