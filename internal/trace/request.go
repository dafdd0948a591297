package trace

import (
	"math/rand/v2"
	"net/http"
	"time"

	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"heliograph/internal/sms"
)

// Request is an API request that is traced.
type Request struct {
	tracer  *Tracer
	began   time.Time
	id      [8]byte // of its span
	parent  parent
	called  bool // from within a client's span: the parent
	message sms.ID
}

// Request decides whether a request is traced, and answers nil for one that is
// not: as the client's traceparent says, and without one by chance
// (W3C Trace Context; OpenTelemetry's ParentBased sampler). It is to be called for
// callers that have proved who they are, so that strangers cannot have themselves
// traced.
func (t *Tracer) Request(h http.Header, began time.Time) *Request {
	if t == nil {
		return nil
	}
	p, called := parentOf(h)
	if called && !p.sampled || !called && rand.Float64() >= t.ratio {
		return nil
	}
	return &Request{tracer: t, began: began, id: newSpanID(), parent: p, called: called}
}

// Accepted tells of the message that came of the request: when its checks began,
// when it was decided how it is sent, and when it was durable. The message's ID
// has to be one that is traced.
func (r *Request) Accepted(m *sms.Message, began, decided, durable time.Time) {
	if r == nil {
		return
	}
	t := r.tracer
	r.message = m.ID
	root := t.root(m.ID)
	within := root
	if !r.called {
		within.id = r.id
	}
	s := child(within, "accept", tracepb.Span_SPAN_KIND_INTERNAL, began, durable)
	set(s, text(attrMessageID, t.messageID(m.ID)))
	t.describe(s, m)
	if r.called {
		s.Links = append(s.Links, linkTo(span{r.parent.trace, r.id}))
	}
	commit := child(span{root.trace, [8]byte(s.SpanId)}, "commit", tracepb.Span_SPAN_KIND_INTERNAL, decided, durable)
	t.exporter.add(s)
	t.exporter.add(commit)
}

// Answer is what an API request was answered.
type Answer struct {
	Operation string
	RequestID string
	Account   string // of the caller
	Code      string // the exception, or OK
	Status    int    // of HTTP
}

// Done tells that the request was answered. Its span is in the client's trace
// where it has one, and linked with the message's; else it is in the message's.
func (r *Request) Done(a Answer, at time.Time) {
	if r == nil {
		return
	}
	t := r.tracer
	var s *tracepb.Span
	name, kind := a.Operation, tracepb.Span_SPAN_KIND_SERVER
	switch {
	case r.called:
		s = spanOf(span{r.parent.trace, r.id}, name, kind, r.began, at)
		s.ParentSpanId, s.TraceState = r.parent.span[:], r.parent.state
		s.Flags |= parentRemoteFlag
		if r.message != 0 {
			s.Links = append(s.Links, linkTo(t.root(r.message)))
		}
	case r.message != 0:
		root := t.root(r.message)
		s = spanOf(span{root.trace, r.id}, name, kind, r.began, at)
		s.ParentSpanId = root.id[:]
	default:
		s = spanOf(span{newTraceID(), r.id}, name, kind, r.began, at)
	}
	set(s, text(attrRPCSystem, "aws-api"), text(attrRPCMethod, a.Operation), text(attrRequestID, a.RequestID),
		text(attrAccount, a.Account), number(attrHTTPStatus, a.Status))
	if r.message != 0 {
		set(s, text(attrMessageID, t.messageID(r.message)))
	}
	if a.Code != "OK" {
		set(s, text(attrErrorType, a.Code))
		if a.Status >= http.StatusInternalServerError {
			failed(s, a.Code)
		}
	}
	t.exporter.add(s)
}
