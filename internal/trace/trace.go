// Package trace says where the time of a message went: from the API request over
// acceptance, the wait in the queue, each submission and each receipt to the
// publication of its events, as one trace of OpenTelemetry that is sent to a
// collector by OTLP over HTTP.
//
// A message lives for days, on several nodes and over restarts. That it is traced
// is in its ID (sms.ID.Traced), and the ids of the trace and of its root span
// follow from the ID and the installation's key. So each node knows them without
// asking, and nothing is kept for a trace. Most spans are made of what the
// committer has made durable (Tracer.Observe), with the times of then.
//
// The root span is named message. It lasts from acceptance to the final event and
// is sent when that is written: until then a collector has the other spans alone.
// A crash loses the spans that were not sent yet, and nothing else.
//
// A nil *Tracer, and a nil *Request, trace nothing.
package trace

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"heliograph/internal/sms"
)

// Options are what a Tracer is made of.
type Options struct {
	// Endpoint is the URL of a collector that takes OTLP over HTTP, for instance
	// http://127.0.0.1:4318; without a path, /v1/traces is meant. With an empty one
	// there is no Tracer.
	Endpoint string
	Headers  map[string]string // of each request to it
	// SampleRatio is the share of requests that are traced, of those whose client
	// says nothing about it: 0 to 1.
	SampleRatio float64

	Node    string // name of this node
	Slot    int    // that it has
	Version string // of the program
	// Key is the installation's, the same on every node. Ids of traces follow
	// from it.
	Key []byte
	// MessageID renders the MessageId of the API.
	MessageID func(sms.ID) string
	// Message, if set, is a message where it is at hand, nil elsewhere. It must
	// not wait.
	Message func(sms.ID) *sms.Message

	Registerer prometheus.Registerer // nil: none
	Log        *slog.Logger          // nil: slog.Default
	Now        func() time.Time      // nil: time.Now
}

// Tracer makes spans and sends them. Its methods never wait: spans for which
// there is no room are dropped and counted.
type Tracer struct {
	slot      int
	ratio     float64
	block     cipher.Block
	messageID func(sms.ID) string
	message   func(sms.ID) *sms.Message
	now       func() time.Time
	journeys  journeys // of the goroutine that calls Observe
	exporter  *exporter
}

// New starts a Tracer, or answers nil where o names no endpoint.
func New(o Options) (*Tracer, error) {
	if o.Endpoint == "" {
		return nil, nil
	}
	// The installation's key has other uses; what is published here tells nothing of
	// those.
	mac := hmac.New(sha256.New, o.Key)
	mac.Write([]byte("heliograph trace ids"))
	block, err := aes.NewCipher(mac.Sum(nil)[:16])
	if err != nil {
		return nil, fmt.Errorf("trace ids: %w", err)
	}
	t := &Tracer{slot: o.Slot, ratio: o.SampleRatio, block: block, messageID: o.MessageID, message: o.Message, now: o.Now}
	if t.message == nil {
		t.message = func(sms.ID) *sms.Message { return nil }
	}
	if t.now == nil {
		t.now = time.Now
	}
	if o.Log == nil {
		o.Log = slog.Default()
	}
	if t.exporter, err = newExporter(o); err != nil {
		return nil, err
	}
	return t, nil
}

// Close sends what waits, until ctx ends. Spans made from then on are dropped.
func (t *Tracer) Close(ctx context.Context) {
	if t != nil {
		t.exporter.close(ctx)
	}
}

// span names a span.
type span struct {
	trace [16]byte
	id    [8]byte
}

// root is the root span of a message's trace.
func (t *Tracer) root(id sms.ID) span {
	s := span{trace: t.derive(id, 0)}
	own := t.derive(id, 1)
	copy(s.id[:], own[:])
	return s
}

// derive gives 16 bytes that follow from id, others for each purpose.
func (t *Tracer) derive(id sms.ID, purpose byte) (out [16]byte) {
	binary.BigEndian.PutUint64(out[:], uint64(id))
	out[15] = purpose
	t.block.Encrypt(out[:], out[:])
	return out
}

// newSpanID draws the id of a span that nobody has to find again.
func newSpanID() (id [8]byte) {
	binary.BigEndian.PutUint64(id[:], rand.Uint64()|1) // zero is not allowed
	return id
}

func newTraceID() (id [16]byte) {
	binary.BigEndian.PutUint64(id[:8], rand.Uint64())
	binary.BigEndian.PutUint64(id[8:], rand.Uint64()|1)
	return id
}

// Flags of spans (opentelemetry/proto/trace/v1/trace.proto, SpanFlags): sampled,
// and whether the parent is known to be of another process.
const (
	sampledFlag      = 0x001
	parentKnownFlag  = 0x100
	parentRemoteFlag = 0x200
)

// child begins a span below another one of the same trace.
func child(of span, name string, kind tracepb.Span_SpanKind, began, ended time.Time) *tracepb.Span {
	id := newSpanID()
	s := spanOf(span{of.trace, id}, name, kind, began, ended)
	s.ParentSpanId = of.id[:]
	return s
}

func spanOf(at span, name string, kind tracepb.Span_SpanKind, began, ended time.Time) *tracepb.Span {
	if ended.Before(began) {
		ended = began
	}
	return &tracepb.Span{TraceId: at.trace[:], SpanId: at.id[:], Name: name, Kind: kind, Flags: sampledFlag | parentKnownFlag,
		StartTimeUnixNano: uint64(began.UnixNano()), EndTimeUnixNano: uint64(ended.UnixNano())}
}

func linkTo(s span) *tracepb.Span_Link {
	return &tracepb.Span_Link{TraceId: s.trace[:], SpanId: s.id[:], Flags: sampledFlag}
}

// failed marks a span as one that did not come to a good end.
func failed(s *tracepb.Span, why string) {
	s.Status = &tracepb.Status{Code: tracepb.Status_STATUS_CODE_ERROR, Message: why}
}
