package api

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/trace"
)

// session is one HTTP request being answered.
type session struct {
	api       *API
	w         http.ResponseWriter
	r         *http.Request
	began     time.Time
	operation string // for logs and metrics
	call      Call
	answered  bool
	status    int // of the answer
	trail     trail

	// Of another service's requests.
	front    *front
	unsigned bool // it answers this one without a signature
}

// serve answers an operation: the first step that refuses ends it.
func (s *session) serve() {
	body, err := s.api.bodies.read(s.r, s.known)
	defer body.free()
	if err != nil {
		s.fail(err)
		return
	}
	out := takeBuffer()
	defer out.free()
	out.b, err = s.answer(body.b, out.b[:0])
	if err == nil {
		err = s.record(nil, out.b)
	}
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
	s.call.trace = s.api.tracer.Request(s.r.Header, s.began)
	s.hear(e, body)
	in, err := e.in(body)
	if err != nil {
		return out, err
	}
	if err := s.authorize(e, in); err != nil {
		return out, s.denied(err)
	}
	c, err := s.acting(e, in)
	if err != nil {
		return out, s.denied(err)
	}
	if err := e.rate.take(c.AccountID, s.began); err != nil {
		return out, err
	}
	if err := s.recordable(); err != nil {
		return out, err
	}
	done, err := e.run(s.r.Context(), c, in, out)
	if err != nil {
		return out, s.denied(err)
	}
	return done, nil
}

func (s *session) verifier() *sigv4.Verifier {
	if s.front != nil {
		return s.front.verifier
	}
	return s.api.verifier
}

// known refuses a request that nobody signed whom the service knows, before its body is
// read.
func (s *session) known() error { return s.verifier().Claimed(s.r, s.began) }

// authenticate fills in whose call it is.
func (s *session) authenticate(body []byte) error {
	a, c := s.api, &s.call
	credential, err := s.verifier().Verify(s.r, body, s.began)
	if err != nil {
		return err
	}
	c.AccountID, c.Principal, c.Identity, c.Now = credential.Account, credential.Principal, credential.Identity, s.began
	c.Partition, c.Region, c.pageKey, c.session = a.partition, a.region, a.pageKey, s
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
	err = s.record(err, nil)
	if s.front != nil {
		s.failOther(err)
		return
	}
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
	s.answered, s.status = true, status
	s.w.WriteHeader(status)
	s.w.Write(body) // a client that is gone has no answer to give
}

// done counts, traces and logs the answer, once.
func (s *session) done(code string, err error) {
	now := s.api.now()
	took := now.Sub(s.began)
	s.api.observe(s.operation, code, took)
	s.call.trace.Done(trace.Answer{Operation: s.operation, RequestID: s.call.RequestID, Account: s.call.AccountID, Code: code, Status: s.status}, now)
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
