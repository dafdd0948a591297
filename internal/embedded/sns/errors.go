package sns

import (
	"encoding/xml"
	"errors"
	"fmt"
	"net/http"

	"heliograph/internal/api/service"
	"heliograph/internal/sms"
)

// exception is an error in Amazon SNS's words.
func exception(code string, status int, format string, args ...any) *service.Exception {
	return &service.Exception{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// invalid is an InvalidParameter about one parameter of a request.
func invalid(parameter, reason string) *service.Exception {
	return exception("InvalidParameter", http.StatusBadRequest, "Invalid parameter: %s Reason: %s", parameter, reason)
}

func notFound(what string) *service.Exception {
	return exception("NotFound", http.StatusNotFound, "%s does not exist", what)
}

func denied(format string, args ...any) *service.Exception {
	return exception("AuthorizationError", http.StatusForbidden, format, args...)
}

// translated is an error of the domain, such as accept's, in Amazon SNS's words.
func translated(err error) error {
	e, ok := sms.AsError(err)
	if !ok {
		return err
	}
	made := &service.Exception{Code: "InvalidParameter", Status: http.StatusBadRequest, Message: e.Message, Err: e.Err}
	switch e.Kind {
	case sms.KindValidation, sms.KindNotFound:
		if len(e.Fields) > 0 {
			made.Message = "Invalid parameter: " + e.Message
		}
	case sms.KindConflict, sms.KindQuotaExceeded:
		made.Code = "ValidationException"
	case sms.KindAccessDenied:
		made.Code, made.Status = "AuthorizationError", http.StatusForbidden
	case sms.KindThrottled:
		made.Code, made.Status = "Throttled", http.StatusTooManyRequests
	default:
		return err
	}
	return made
}

type errorResponse struct {
	XMLName   xml.Name    `xml:"http://sns.amazonaws.com/doc/2010-03-31/ ErrorResponse"`
	Error     errorDetail `xml:"Error"`
	RequestID string      `xml:"RequestId"`
}

type errorDetail struct {
	Type    string `xml:"Type"` // Sender or Receiver: whose fault it is
	Code    string `xml:"Code"`
	Message string `xml:"Message"`
}

// Fault renders an error. One that is not made for clients is an InternalError that
// gives nothing away but the request id.
func (s *Service) Fault(err error, requestID string) service.Answer {
	status, detail := http.StatusInternalServerError, errorDetail{"Receiver", "InternalError", "internal error"}
	if e := (*service.Exception)(nil); errors.As(err, &e) {
		status, detail = e.Status, errorDetail{"Sender", e.Code, e.Message}
		if e.Code == service.AccessDenied {
			status, detail.Code = http.StatusForbidden, "AuthorizationError"
		}
		if status == 0 {
			status = http.StatusBadRequest
		}
		if status >= http.StatusInternalServerError {
			detail.Type = "Receiver"
		}
	}
	return document(status, errorResponse{Error: detail, RequestID: requestID})
}

// document is an answer in XML. What is rendered has texts and lists of texts only,
// which always can be.
func document(status int, of any) service.Answer {
	body, _ := xml.Marshal(of)
	return service.Answer{Status: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: append(body, '\n')}
}
