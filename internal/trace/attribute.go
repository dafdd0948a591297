package trace

import (
	"slices"

	commonpb "go.opentelemetry.io/proto/slim/otlp/common/v1"
	tracepb "go.opentelemetry.io/proto/slim/otlp/trace/v1"

	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// Names of attributes. Those that are not the service's own are of OpenTelemetry's
// semantic conventions. None holds a text, a phone number or a sender ID.
const (
	attrService     = "service.name"
	attrVersion     = "service.version"
	attrInstance    = "service.instance.id"
	attrMessageID   = "messaging.message.id"
	attrRPCSystem   = "rpc.system"
	attrRPCMethod   = "rpc.method"
	attrRequestID   = "aws.request_id"
	attrErrorType   = "error.type"
	attrHTTPStatus  = "http.response.status_code"
	attrAccount     = "heliograph.account"
	attrCountry     = "heliograph.country"
	attrCarrier     = "heliograph.carrier"
	attrClass       = "heliograph.class"
	attrEncoding    = "heliograph.encoding"
	attrParts       = "heliograph.parts"
	attrPart        = "heliograph.part"
	attrAttempt     = "heliograph.attempt"
	attrResent      = "heliograph.resent"
	attrOutcome     = "heliograph.outcome"
	attrCode        = "heliograph.code"
	attrStatus      = "heliograph.status"
	attrDestination = "heliograph.event_destination"
	attrEventType   = "heliograph.event_type"
)

func text(key, value string) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_StringValue{StringValue: value}}}
}

func number(key string, value int) *commonpb.KeyValue {
	return &commonpb.KeyValue{Key: key, Value: &commonpb.AnyValue{Value: &commonpb.AnyValue_IntValue{IntValue: int64(value)}}}
}

// set adds attributes to a span.
func set(s *tracepb.Span, attributes ...*commonpb.KeyValue) {
	s.Attributes = append(s.Attributes, present(attributes...)...)
}

// present leaves out texts that are empty.
func present(attributes ...*commonpb.KeyValue) []*commonpb.KeyValue {
	return slices.DeleteFunc(attributes, func(a *commonpb.KeyValue) bool {
		v, ok := a.Value.Value.(*commonpb.AnyValue_StringValue)
		return ok && v.StringValue == ""
	})
}

// describe adds what is told of a message.
func (t *Tracer) describe(s *tracepb.Span, m *sms.Message) {
	set(s, text(attrAccount, m.Account), text(attrCountry, m.Country), text(attrCarrier, m.Route.Carrier),
		text(attrClass, className(store.ClassOf(m.Type))), text(attrEncoding, m.Encoding), number(attrParts, m.Parts))
}

func className(c store.Class) string {
	if c == store.ClassPromotional {
		return "promotional"
	}
	return "transactional"
}
