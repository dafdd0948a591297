package service

import (
	"bytes"
	"context"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"heliograph/internal/sms"
)

// Codes of the query protocol's own errors ("Common Errors" in the API references of
// IAM and STS).
const (
	ValidationError = "ValidationError"
	invalidAction   = "InvalidAction"
	malformedInput  = "MalformedInput"
)

// Query answers in the AWS query protocol: an operation is a form with an Action and its
// parameters, lists numbered from NAME.member.1, and its answer is XML. A Service of
// this protocol embeds it.
type Query struct {
	name, version, namespace string
	operations               map[string]QueryOperation
}

// QueryOperation is an operation of a Query service.
type QueryOperation struct {
	name   string
	read   func(*node) (any, error)
	handle func(ctx context.Context, c *Caller, in any) (any, error)
	acts   func(c *Caller, in any) Act
}

// Name is the name of the operation.
func (o QueryOperation) Name() string { return o.name }

// HandleQuery makes an operation of a function on its input and output. The input is a
// struct that Parameters describes; encoding/xml writes the output, whose lists are List,
// and a nil output is answered without a result. acts says what a request acts on; nil
// where it is nothing in particular.
func HandleQuery[I, O any](name string, f func(context.Context, *Caller, *I) (*O, error), acts func(*Caller, *I) Act) QueryOperation {
	o := QueryOperation{name: name,
		read: func(n *node) (any, error) {
			in := new(I)
			return in, n.into(in)
		},
		handle: func(ctx context.Context, c *Caller, in any) (any, error) {
			out, err := f(ctx, c, in.(*I))
			if out == nil || err != nil {
				return nil, err
			}
			return out, nil
		}}
	if acts != nil {
		o.acts = func(c *Caller, in any) Act { return acts(c, in.(*I)) }
	}
	return o
}

// NewQuery makes a Query service of a version ("2010-05-08") whose answers are in an XML
// namespace. Two operations of the same name are a mistake in the program.
func NewQuery(signingName, version, namespace string, operations ...QueryOperation) *Query {
	q := &Query{name: signingName, version: version, namespace: namespace, operations: map[string]QueryOperation{}}
	for _, o := range operations {
		if _, twice := q.operations[o.name]; twice {
			panic(fmt.Sprintf("service %s: operation %s is there twice", signingName, o.name))
		}
		q.operations[o.name] = o
	}
	return q
}

// SigningName is part of Service.
func (q *Query) SigningName() string { return q.name }

// Action is the name of the operation that a request asks for, "" where there is none.
func (q *Query) Action(r *Request) string {
	o, _, err := q.find(r)
	if err != nil {
		return ""
	}
	return o.name
}

// Operation is part of Service. What a request acts on is told by Acts.
func (q *Query) Operation(r *Request) (action string, resources []string) {
	if name := q.Action(r); name != "" {
		return q.name + ":" + name, nil
	}
	return "", nil
}

// Acts is part of Acting.
func (q *Query) Acts(c *Caller, r *Request) Act {
	o, form, err := q.find(r)
	if err != nil {
		return Act{}
	}
	act := Act{}
	if o.acts != nil {
		// What cannot be read acts on nothing, and is refused by Answer.
		if in, err := o.read(form); err == nil {
			act = o.acts(c, in)
		}
	}
	act.Action = q.name + ":" + o.name
	return act
}

// Answer is part of Service.
func (q *Query) Answer(ctx context.Context, c *Caller, r *Request) (Answer, error) {
	o, form, err := q.find(r)
	if err != nil {
		return Answer{}, err
	}
	in, err := o.read(form)
	if err != nil {
		return Answer{}, err
	}
	out, err := o.handle(ctx, c, in)
	if err != nil {
		return Answer{}, err
	}
	body, err := q.response(o.name, out, c.RequestID)
	if err != nil {
		return Answer{}, fmt.Errorf("encode the answer of %s: %w", o.name, err)
	}
	return xmlAnswer(http.StatusOK, body), nil
}

// find gives the operation that a request asks for, and its parameters.
func (q *Query) find(r *Request) (QueryOperation, *node, error) {
	form, err := parseForm(r)
	if err != nil {
		return QueryOperation{}, nil, err
	}
	if v := form.text("Version"); v != "" && v != q.version {
		return QueryOperation{}, nil, &Exception{Code: "NoSuchVersion", Status: http.StatusBadRequest,
			Message: fmt.Sprintf("Version %s is not known; %s is.", clip(v), q.version)}
	}
	name := form.text("Action")
	if name == "" {
		return QueryOperation{}, nil, &Exception{Code: "MissingAction", Status: http.StatusBadRequest, Message: "The parameter Action is missing."}
	}
	o, known := q.operations[name]
	if !known {
		return QueryOperation{}, nil, &Exception{Code: invalidAction, Status: http.StatusBadRequest,
			Message: fmt.Sprintf("The action %s is not one of this service that is answered here.", clip(name))}
	}
	return o, form, nil
}

// List is a list in an answer; it is there where it is empty too.
type List[T any] struct {
	Member []T `xml:"member"`
}

// response is the document of an answer: ACTIONResponse around ACTIONResult.
func (q *Query) response(action string, out any, requestID string) ([]byte, error) {
	var b bytes.Buffer
	e := xml.NewEncoder(&b)
	start := xml.StartElement{Name: xml.Name{Local: action + "Response"}, Attr: []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: q.namespace}}}
	if err := e.EncodeToken(start); err != nil {
		return nil, err
	}
	if out != nil {
		if err := e.EncodeElement(out, xml.StartElement{Name: xml.Name{Local: action + "Result"}}); err != nil {
			return nil, err
		}
	}
	metadata := struct {
		RequestID string `xml:"RequestId"`
	}{requestID}
	if err := e.EncodeElement(metadata, xml.StartElement{Name: xml.Name{Local: "ResponseMetadata"}}); err != nil {
		return nil, err
	}
	if err := e.EncodeToken(start.End()); err != nil {
		return nil, err
	}
	if err := e.Close(); err != nil {
		return nil, err
	}
	return append(b.Bytes(), '\n'), nil
}

// queryCodes are the names and statuses that errors of the API's own have in this
// protocol.
var queryCodes = map[string]struct {
	code   string
	status int
}{
	"AccessDeniedException":               {"AccessDenied", http.StatusForbidden},
	"MissingAuthenticationTokenException": {"MissingAuthenticationToken", http.StatusForbidden},
	"IncompleteSignatureException":        {"IncompleteSignature", http.StatusBadRequest},
	"UnrecognizedClientException":         {"InvalidClientTokenId", http.StatusForbidden},
	"ExpiredTokenException":               {"ExpiredToken", http.StatusForbidden},
	"InvalidSignatureException":           {"SignatureDoesNotMatch", http.StatusForbidden},
	"ThrottlingException":                 {"Throttling", http.StatusBadRequest},
	"ValidationException":                 {ValidationError, http.StatusBadRequest},
	"ResourceNotFoundException":           {"NoSuchEntity", http.StatusNotFound},
}

// Fault is part of Service.
func (q *Query) Fault(err error, requestID string) Answer {
	shown := *ExceptionOf(queryError(err))
	if as, ok := queryCodes[shown.Code]; ok && !shown.Own {
		shown.Code, shown.Status = as.code, as.status
	}
	if shown.Status == 0 {
		shown.Status = http.StatusBadRequest
	}
	kind := "Sender"
	if shown.Status >= http.StatusInternalServerError {
		kind, shown.Code = "Receiver", "ServiceFailure"
	}
	// Strings alone always encode.
	body, _ := xml.Marshal(struct {
		XMLName xml.Name `xml:"ErrorResponse"`
		XMLNS   string   `xml:"xmlns,attr"`
		Type    string   `xml:"Error>Type"` // whose fault it is
		Code    string   `xml:"Error>Code"`
		Message string   `xml:"Error>Message"`
		Request string   `xml:"RequestId"`
	}{XMLNS: q.namespace, Type: kind, Code: shown.Code, Message: shown.Message, Request: requestID})
	return xmlAnswer(shown.Status, append(body, '\n'))
}

// queryError gives a denial, which is an error of the domain where a service decides it
// itself, its name.
func queryError(err error) error {
	if e, ok := sms.AsError(err); ok && e.Kind == sms.KindAccessDenied {
		return &Exception{Code: "AccessDenied", Status: http.StatusForbidden, Message: e.Message, Err: e.Err}
	}
	return err
}

func xmlAnswer(status int, body []byte) Answer {
	return Answer{Status: status, Header: http.Header{"Content-Type": {"text/xml"}}, Body: body}
}

// clip shortens what is repeated of a request in an error.
func clip(s string) string {
	const most = 100
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}
