package api

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"heliograph/internal/api/sigv4"
	"heliograph/internal/api/wire"
	"heliograph/internal/sms"
)

// The exceptions that are not of the model: what is refused before an operation
// is known.
const (
	codeUnknownOperation = "UnknownOperationException"
	codeSerialization    = "SerializationException"
	codeInternal         = "InternalServerException"
)

// refusal is an error that the edge itself answers with.
type refusal struct {
	code    string
	status  int
	message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

func unknownOperation(format string, args ...any) error {
	return &refusal{code: codeUnknownOperation, status: http.StatusBadRequest, message: fmt.Sprintf(format, args...)}
}

// violation is a ValidationException for what breaks a constraint of the model.
func violation(v *wire.Violation) *sms.Error {
	e := &sms.Error{Kind: sms.KindValidation, Reason: sms.Reason(v.Reason), Message: v.Message(), Fields: make([]sms.Field, len(v.Fields))}
	for i, f := range v.Fields {
		e.Fields[i] = sms.Field{Name: f.Name, Message: f.Message}
	}
	return e
}

// exceptions are the model's names of the kinds of error.
var exceptions = map[sms.ErrorKind]string{
	sms.KindValidation:    "ValidationException",
	sms.KindNotFound:      "ResourceNotFoundException",
	sms.KindConflict:      "ConflictException",
	sms.KindQuotaExceeded: "ServiceQuotaExceededException",
	sms.KindAccessDenied:  "AccessDeniedException",
	sms.KindThrottled:     "ThrottlingException",
}

// answer is an error as a client sees it.
type answer struct {
	code   string // the exception
	status int    // HTTP
	body   []byte // JSON
}

// document is the body of an error, with the members of all the model's
// exceptions.
type document struct {
	Type         string  `json:"__type"`
	Message      string  `json:"Message"`
	Reason       string  `json:"Reason,omitempty"`
	ResourceType string  `json:"ResourceType,omitempty"`
	ResourceID   string  `json:"ResourceId,omitempty"`
	RequestID    string  `json:"RequestId,omitempty"`
	Fields       []field `json:"Fields,omitempty"`
}

type field struct {
	Name    string `json:"Name"`
	Message string `json:"Message"`
}

// render says how an error is answered. Every error that is not made for clients
// is an InternalServerException that gives nothing away but the request id, under
// which the error is in the log.
func render(err error, requestID string) answer {
	var (
		refused *refusal
		signed  *sigv4.Error
		decoded *wire.SerializationError
	)
	if e, ok := sms.AsError(err); ok && exceptions[e.Kind] != "" {
		return renderException(e)
	}
	switch {
	case errors.As(err, &refused):
		return encodeError(refused.status, document{Type: refused.code, Message: refused.message})
	case errors.As(err, &signed):
		return encodeError(http.StatusBadRequest, document{Type: signed.Code, Message: signed.Message})
	case errors.As(err, &decoded):
		return encodeError(http.StatusBadRequest, document{Type: codeSerialization, Message: decoded.Error()})
	}
	return encodeError(http.StatusInternalServerError, document{Type: codeInternal, Message: "internal error", RequestID: requestID})
}

func renderException(e *sms.Error) answer {
	code := exceptions[e.Kind]
	d := document{Type: code, Message: e.Message, Reason: string(e.Reason), ResourceType: string(e.ResourceType), ResourceID: e.ResourceID}
	for _, f := range e.Fields {
		d.Fields = append(d.Fields, field{Name: f.Name, Message: f.Message})
	}
	return encodeError(wire.ExceptionStatus(code), d)
}

func encodeError(status int, d document) answer {
	// Strings alone always encode.
	body, _ := json.Marshal(d)
	return answer{code: d.Type, status: status, body: body}
}
