package service

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
)

// Codes of what every service answers alike.
const (
	UnknownOperation = "UnknownOperationException"
	Serialization    = "SerializationException"
	AccessDenied     = "AccessDeniedException" // as the API decides it
)

// contentType11 is the media type of AWS JSON 1.1.
const contentType11 = "application/x-amz-json-1.1"

// JSON answers in the protocol AWS JSON 1.1: operations are called by POST /, named by
// the X-Amz-Target header, and errors have their code in __type. A Service of this
// protocol embeds it.
type JSON struct {
	name, prefix string
	operations   map[string]Operation
}

// Operation is an operation of a JSON service.
type Operation struct {
	name   string
	handle func(ctx context.Context, c *Caller, body []byte) (any, error)
	acts   func(c *Caller, body []byte) Act // nil: on nothing in particular
}

// Handle makes an operation, by its name without the service's prefix, of a function
// on its input and output, which encoding/json reads and writes. A nil output is
// answered with no document, as operations without one are.
func Handle[I, O any](name string, f func(context.Context, *Caller, *I) (*O, error)) Operation {
	return Operation{name: name, handle: func(ctx context.Context, c *Caller, body []byte) (any, error) {
		in := new(I)
		if err := decode(body, in); err != nil {
			return nil, err
		}
		out, err := f(ctx, c, in)
		if out == nil || err != nil {
			return nil, err
		}
		return out, nil
	}}
}

// HandleOn is Handle for an operation that acts on resources, which acts tells from
// those members of the input that it needs.
func HandleOn[I, O, A any](name string, f func(context.Context, *Caller, *I) (*O, error), acts func(*Caller, *A) Act) Operation {
	o := Handle(name, f)
	o.acts = func(c *Caller, body []byte) Act {
		in := new(A)
		if decode(body, in) != nil {
			return Act{} // which Answer refuses
		}
		return acts(c, in)
	}
	return o
}

// NewJSON makes a JSON service with operations whose targets begin with prefix and a
// point ("Logs_20140328"). Two of the same name are a mistake in the program.
func NewJSON(signingName, prefix string, operations ...Operation) *JSON {
	j := &JSON{name: signingName, prefix: prefix + ".", operations: map[string]Operation{}}
	for _, o := range operations {
		if _, twice := j.operations[o.name]; twice {
			panic(fmt.Sprintf("service %s: operation %s is there twice", signingName, o.name))
		}
		j.operations[o.name] = o
	}
	return j
}

// SigningName is part of Service.
func (j *JSON) SigningName() string { return j.name }

// Operation is part of Service. What a request acts on is told by Acts.
func (j *JSON) Operation(r *Request) (action string, resources []string) {
	if o, ok := j.find(r); ok {
		return j.name + ":" + o.name, nil
	}
	return "", nil
}

// Acts is part of Acting.
func (j *JSON) Acts(c *Caller, r *Request) Act {
	o, ok := j.find(r)
	if !ok {
		return Act{}
	}
	act := Act{}
	if o.acts != nil {
		act = o.acts(c, r.Body)
	}
	act.Action = j.name + ":" + o.name
	return act
}

// Answer is part of Service.
func (j *JSON) Answer(ctx context.Context, c *Caller, r *Request) (Answer, error) {
	o, ok := j.find(r)
	if !ok {
		return Answer{}, &Exception{Code: UnknownOperation, Status: http.StatusBadRequest,
			Message: "Operations are called by POST / with the Content-Type " + contentType11 + " and an X-Amz-Target of this service that is answered here."}
	}
	out, err := o.handle(ctx, c, r.Body)
	if err != nil {
		return Answer{}, err
	}
	if out == nil {
		return jsonAnswer(http.StatusOK, nil), nil
	}
	body, err := json.Marshal(out)
	if err != nil {
		return Answer{}, fmt.Errorf("encode the answer of %s: %w", o.name, err)
	}
	return jsonAnswer(http.StatusOK, body), nil
}

// find gives the operation that a request asks for.
func (j *JSON) find(r *Request) (Operation, bool) {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != contentType11 && media != "application/x-amz-json-1.0" || r.Method != http.MethodPost || r.Path != "/" {
		return Operation{}, false
	}
	name, ok := strings.CutPrefix(r.Header.Get("X-Amz-Target"), j.prefix)
	if !ok {
		return Operation{}, false
	}
	o, ok := j.operations[name]
	return o, ok
}

// Fault is part of Service.
func (j *JSON) Fault(err error, _ string) Answer {
	shown := ExceptionOf(err)
	// Strings alone always encode.
	body, _ := json.Marshal(struct {
		Type    string `json:"__type"`
		Message string `json:"message"`
	}{shown.Code, shown.Message})
	answer := jsonAnswer(shown.Status, body)
	answer.Header["x-amzn-ErrorType"] = []string{shown.Code}
	return answer
}

func jsonAnswer(status int, body []byte) Answer {
	return Answer{Status: status, Header: http.Header{"Content-Type": {contentType11}}, Body: body}
}

// decode reads a document; none is an empty one. Members that are not known are left
// alone, as clients may be newer than what is answered here.
func decode(body []byte, in any) error {
	if len(body) == 0 {
		return nil
	}
	err := json.Unmarshal(body, in)
	if err == nil {
		return nil
	}
	message := "The body of the request is not a JSON object."
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok && wrong.Field != "" {
		message = fmt.Sprintf("The member %s of the request cannot be a JSON %s.", wrong.Field, wrong.Value)
	}
	return &Exception{Code: Serialization, Status: http.StatusBadRequest, Message: message, Err: err}
}
