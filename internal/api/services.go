package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/api/sigv4"
	"heliograph/internal/iam"
	"heliograph/internal/sms"
	"heliograph/internal/throttle"
)

const (
	// servicePerSecond and serviceBurst are the requests that an account may make to
	// each of the other services, at one node, and the address of a client that makes
	// requests without a signature.
	servicePerSecond = 500
	serviceBurst     = 500
	// serviceClients is how many such addresses are remembered at least.
	serviceClients = 5_000
	// maxPublicBody is the longest body of a request without a signature, in bytes.
	maxPublicBody = 64 << 10

	headerS3RequestID = "x-amz-request-id"
	signingNameS3     = "s3"
)

// front is another service behind the API's port.
type front struct {
	service  service.Service
	public   service.Public // nil where all requests have to be signed
	verifier *sigv4.Verifier
	bodies   *bodies
	accounts sync.Map        // *throttle.Limiter by account id
	clients  *throttle.Keyed // by address, of requests that are not signed
}

// serve takes services behind the port.
func (a *API) serve(services []service.Service, keys sigv4.Keys) {
	a.fronts = map[string]*front{}
	for _, s := range services {
		name := s.SigningName()
		if a.fronts[name] != nil || name == signingName {
			panic(fmt.Sprintf("api: service %s is there twice", name))
		}
		f := &front{service: s, bodies: a.bodies, verifier: sigv4.NewVerifier(keys, a.region, name)}
		switch name {
		case signingNameS3:
			f.verifier = sigv4.NewS3Verifier(keys, a.region)
		case "iam", "sts":
			f.verifier = sigv4.NewGlobalVerifier(keys, a.region, name)
		}
		if large, ok := s.(service.Large); ok && large.MaxBody() > maxBody {
			f.bodies = newBodies(large.MaxBody())
		}
		if public, ok := s.(service.Public); ok {
			f.public, f.clients = public, throttle.NewKeyed(servicePerSecond, serviceBurst, serviceClients)
			a.public = append(a.public, f)
		}
		a.fronts[name] = f
	}
}

// take counts one request of the account, or refuses it.
func (f *front) take(account string, now time.Time) error {
	of, ok := f.accounts.Load(account)
	if !ok {
		of, _ = f.accounts.LoadOrStore(account, throttle.NewLimiter(servicePerSecond, serviceBurst, now))
	}
	if _, ok := of.(*throttle.Limiter).Allow(now); !ok {
		return sms.Throttled("Rate exceeded: the account may make %d requests a second to this service.", servicePerSecond)
	}
	return nil
}

// other reports whether the request is for another service: by the service that it
// claims to be signed for, or, where it is not signed, because a service answers it
// all the same.
func (s *session) other() bool {
	a := s.api
	if len(a.fronts) == 0 {
		return false
	}
	if s.r.Header["Authorization"] != nil {
		s.front = a.fronts[sigv4.Service(s.r.Header)]
		return s.front != nil
	}
	for _, f := range a.public {
		if f.unsigned(s.request(nil)) {
			s.front, s.unsigned = f, true
			return true
		}
	}
	return false
}

// unsigned reports whether the service answers a request without a signature.
func (f *front) unsigned(r *service.Request) bool {
	switch r.Method {
	case http.MethodGet, http.MethodHead:
		return f.public.Unsigned(r)
	case http.MethodPost:
		posts, ok := f.service.(service.PublicPosts)
		return ok && posts.UnsignedPost(r)
	}
	return false
}

// circumstances are those of the request as policies see them. What is asked for, and
// on what, its operation knows.
func (s *session) circumstances() iam.Circumstances {
	c := iam.Circumstances{Now: s.began, Secure: s.r.TLS != nil, UserAgent: s.r.UserAgent(), Region: s.api.region}
	if from, err := netip.ParseAddrPort(s.r.RemoteAddr); err == nil {
		c.SourceIP = from.Addr().Unmap().WithZone("")
	}
	return c
}

// request is what the service sees of the request.
func (s *session) request(body []byte) *service.Request {
	r := s.r
	return &service.Request{Method: r.Method, Host: r.Host, Path: r.URL.Path, Query: r.URL.Query(), Header: r.Header, Body: body, Client: client(r), ID: s.call.RequestID}
}

// client is the address that a request came from: of IPv6 the network, which is the
// client's own.
func client(r *http.Request) string {
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	at := from.Addr().Unmap().WithZone("")
	if at.Is6() {
		network, _ := at.Prefix(64) // which any has
		return network.String()
	}
	return at.String()
}

// serveOther answers a request for another service.
func (s *session) serveOther() {
	if s.front.service.SigningName() == signingNameS3 {
		h := s.w.Header()
		delete(h, headerRequestID)
		h[http.CanonicalHeaderKey(headerS3RequestID)] = []string{s.call.RequestID}
	}
	var answer service.Answer
	var err error
	if s.unsigned {
		answer, err = s.askUnsigned(s.r.Context())
	} else {
		var body *buffer
		body, err = s.front.bodies.read(s.r, s.known)
		defer body.free()
		if err == nil {
			answer, err = s.ask(s.r.Context(), body.b)
		}
		if err == nil {
			err = s.record(nil, answer.Body)
		}
	}
	if err != nil {
		s.fail(err)
		return
	}
	s.give(answer)
	s.done("OK", nil)
}

// ask has the service answer a signed request.
func (s *session) ask(ctx context.Context, body []byte) (service.Answer, error) {
	if err := s.authenticate(body); err != nil {
		return service.Answer{}, err
	}
	f, c := s.front, &s.call
	r := s.request(body)
	caller := &service.Caller{AccountID: c.AccountID, Account: c.Account, Principal: c.Principal, Identity: c.Identity,
		RequestID: c.RequestID, Now: c.Now, Circumstances: s.circumstances(), Permit: c.Authorize}
	if action, _ := f.service.Operation(r); action != "" {
		s.operation, c.Operation = action, action
		s.hearOther(action, r)
	}
	if err := s.authorizeOther(caller, r); err != nil {
		return service.Answer{}, s.denied(err)
	}
	if err := f.take(c.AccountID, s.began); err != nil {
		return service.Answer{}, err
	}
	if err := s.recordable(); err != nil {
		return service.Answer{}, err
	}
	answer, err := f.service.Answer(ctx, caller, r)
	return answer, s.denied(err)
}

// askUnsigned has the service answer a request that needs no signature.
func (s *session) askUnsigned(ctx context.Context) (service.Answer, error) {
	s.operation = s.front.service.SigningName() + ":Public"
	r := s.request(nil)
	if _, ok := s.front.clients.Allow(r.Client, s.began); !ok {
		return service.Answer{}, &service.Exception{Code: exceptions[sms.KindThrottled], Status: http.StatusTooManyRequests,
			Message: fmt.Sprintf("Rate exceeded: a client may make %d requests a second without a signature.", servicePerSecond)}
	}
	r.Circumstances = s.circumstances()
	if r.Method == http.MethodPost {
		body, err := s.api.publicBodies.read(s.r, func() error { return nil })
		defer body.free()
		if err != nil {
			return service.Answer{}, err
		}
		r.Body = body.b
	}
	answer, err := s.front.public.AnswerPublic(ctx, r)
	if err == nil {
		err = s.hearUnsigned(r, answer.Body)
	}
	return answer, err
}

// failOther answers an error as the service does.
func (s *session) failOther(err error) {
	err = exception(err)
	code := codeInternal
	if e, ok := errors.AsType[*service.Exception](err); ok {
		code = e.Code
		if e.Status == http.StatusRequestEntityTooLarge {
			s.w.Header().Set("Connection", "close")
		}
	}
	s.give(s.front.service.Fault(err, s.call.RequestID))
	s.done(code, err)
}

// exception is an error of the API's own as services take it; others it gives back.
func exception(err error) error {
	if _, ok := errors.AsType[*service.Exception](err); ok {
		return err
	}
	if refused, ok := errors.AsType[*refusal](err); ok {
		return &service.Exception{Code: refused.code, Status: refused.status, Message: refused.message}
	}
	if signed, ok := errors.AsType[*sigv4.Error](err); ok {
		return &service.Exception{Code: signed.Code, Status: http.StatusBadRequest, Message: signed.Message}
	}
	if e, ok := sms.AsError(err); ok && exceptions[e.Kind] != "" {
		return &service.Exception{Code: exceptions[e.Kind], Status: http.StatusBadRequest, Message: e.Message, Err: e.Err}
	}
	return err
}

// give writes a service's answer.
func (s *session) give(answer service.Answer) {
	h := s.w.Header()
	maps.Copy(h, answer.Header)
	status := cmp.Or(answer.Status, http.StatusOK)
	if h["Content-Length"] == nil && status != http.StatusNoContent && status != http.StatusNotModified {
		h["Content-Length"] = []string{strconv.FormatInt(cmp.Or(answer.Length, int64(len(answer.Body))), 10)}
	}
	s.answered, s.status = true, status
	s.w.WriteHeader(status)
	if answer.Write == nil {
		s.w.Write(answer.Body) // a client that is gone has no answer to give
		return
	}
	if err := answer.Write(&paced{ResponseWriter: s.w, control: http.NewResponseController(s.w)}); err != nil {
		// It has begun: that it is not whole shows by the connection's end alone.
		s.api.log.Warn("an answer was cut off", "operation", s.operation, "request_id", s.call.RequestID, "error", err)
		panic(http.ErrAbortHandler)
	}
}

// paced gives a client the time of a whole answer for each piece of a long one.
type paced struct {
	http.ResponseWriter
	control *http.ResponseController
}

func (p *paced) Write(b []byte) (int, error) {
	// What cannot have another deadline keeps the one that it has.
	_ = p.control.SetWriteDeadline(time.Now().Add(writeTimeout))
	return p.ResponseWriter.Write(b)
}
