package trace

import (
	"time"

	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"heliograph/internal/sms"
)

// Publication is an attempt to publish an event of a message that is traced.
type Publication struct {
	Message      sms.ID
	Destination  string // account/configuration set/event destination
	EventType    string // for instance TEXT_DELIVERED
	Began, Ended time.Time
	Outcome      string // published, retry or refused
}

// Published tells of a publication.
func (t *Tracer) Published(p Publication) {
	if t == nil {
		return
	}
	s := child(t.root(p.Message), "publish", tracepb.Span_SPAN_KIND_PRODUCER, p.Began, p.Ended)
	set(s, text(attrDestination, p.Destination), text(attrEventType, p.EventType), text(attrOutcome, p.Outcome))
	if p.Outcome != "published" {
		failed(s, p.Outcome)
	}
	t.exporter.add(s)
}
