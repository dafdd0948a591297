package audit

import (
	"bytes"
	"encoding/json"
	"io"
	"net/url"
	"reflect"
	"slices"
	"strings"
	"time"
)

// Hidden stands for what must not be in the log, as in CloudTrail's own records.
const Hidden = "HIDDEN_DUE_TO_SECURITY_REASONS"

const (
	// maxParameters is how long the parameters of a record may be, in bytes, maxValue
	// one text in them, and maxDepth how deep they may be.
	maxParameters = 100 << 10
	maxValue      = 16 << 10
	maxDepth      = 16
	maxNumber     = 64 // characters
)

// hidden are the members whose values are secrets or texts of messages, whatever the
// operation, in lower case and without hyphens and underscores.
var hidden = map[string]bool{
	// Credentials.
	"secretaccesskey": true, "sessiontoken": true, "securitytoken": true, "secret": true, "secretkey": true, "privatekey": true,
	"password": true, "oldpassword": true, "newpassword": true, "currentpassword": true, "passwordhash": true,
	"webidentitytoken": true, "samlassertion": true, "tokencode": true, "mfacode": true, "authenticationcode1": true, "authenticationcode2": true,
	"otp": true, "token": true, "accesstoken": true, "idtoken": true, "refreshtoken": true, "authorization": true, "credentials": true,
	"base32stringseed": true, "qrcodepng": true, "seed": true, "accesskey": true, "authenticateonunsubscribetoken": true,
	// Codes.
	"verificationcode": true, "code": true,
	// Texts of messages, and content.
	"messagebody": true, "keywordmessage": true, "body": true, "text": true, "message": true, "subject": true, "messageattributes": true,
	"attachmentbody": true, "content": true, "data": true, "payload": true, "mediaurls": true,
}

func isHidden(name string) bool {
	return hidden[strings.NewReplacer("-", "", "_", "").Replace(strings.ToLower(name))]
}

// Shape says which members parameters may have. A nil Shape lets all in, an empty one is
// a single value.
type Shape struct {
	members map[string]*Shape
	each    *Shape // of a list or dictionary
}

// ShapeOf is the shape of what a type holds, by the names of its fields.
func ShapeOf(t reflect.Type) *Shape { return shapeOf(t, 0) }

func shapeOf(t reflect.Type, depth int) *Shape {
	switch {
	case t.Kind() == reflect.Pointer:
		return shapeOf(t.Elem(), depth)
	case depth > maxDepth || t == reflect.TypeFor[time.Time]() || t == reflect.TypeFor[[]byte]():
	case t.Kind() == reflect.Slice || t.Kind() == reflect.Map:
		return &Shape{each: shapeOf(t.Elem(), depth+1)}
	case t.Kind() == reflect.Struct:
		s := &Shape{members: map[string]*Shape{}}
		for i := range t.NumField() {
			if f := t.Field(i); f.IsExported() {
				s.members[f.Name] = shapeOf(f.Type, depth+1)
			}
		}
		return s
	}
	return &Shape{}
}

// Parameters are a request's as the log keeps them: those of its JSON, in their order
// and by their names; but for secrets and texts of messages, which are hidden, members
// that shape does not have, which are left out, and what is too long, which is cut. What
// is no JSON object gives none.
func Parameters(body []byte, shape *Shape) json.RawMessage {
	return (&redactor{in: json.NewDecoder(bytes.NewReader(body))}).object(shape)
}

// LowerParameters are Parameters of services whose members begin with a capital letter,
// and in CloudTrail with a small one.
func LowerParameters(body []byte) json.RawMessage {
	return (&redactor{in: json.NewDecoder(bytes.NewReader(body)), lower: true}).object(nil)
}

// redactor copies a document.
type redactor struct {
	in    *json.Decoder
	out   []byte
	lower bool // the first letters of names
}

func (r *redactor) object(shape *Shape) json.RawMessage {
	r.in.UseNumber()
	if start, err := r.in.Token(); err != nil || start != json.Delim('{') {
		return nil
	}
	if r.members(shape, 0) != nil || r.in.More() {
		return nil
	}
	if _, err := r.in.Token(); err != io.EOF {
		return nil
	}
	if len(r.out) > maxParameters {
		return omitted(len(r.out))
	}
	return r.out
}

// members copies what an object has, up to its end.
func (r *redactor) members(shape *Shape, depth int) error {
	r.out = append(r.out, '{')
	first, pair := true, pair{}
	for r.in.More() {
		token, err := r.in.Token()
		if err != nil {
			return err
		}
		name := token.(string) // as the decoder promises
		of, known := shape.member(name)
		lower := strings.ToLower(name)
		if !known || len(name) > maxText {
			if err := r.skip(); err != nil {
				return err
			}
			continue
		}
		if !first {
			r.out = append(r.out, ',')
		}
		first = false
		if r.lower {
			name = lowerFirst(name)
		}
		r.text(name)
		r.out = append(r.out, ':')
		if isHidden(name) {
			if err := r.skip(); err != nil {
				return err
			}
			r.text(Hidden)
			continue
		}
		before := len(r.out)
		if err := r.value(of, depth); err != nil {
			return err
		}
		switch lower {
		case "key", "name", "attributename":
			pair.named(r.out[before:])
		case "value", "attributevalue":
			pair.values = append(pair.values, span{before, len(r.out)})
		case "endpoint":
			r.hidePath(before)
		}
	}
	r.out = append(pair.without(r.out), '}')
	_, err := r.in.Token()
	return err
}

// pair is what an object tells of a name and the value that comes before or behind it.
type pair struct {
	secret bool // what the name says
	values []span
}

// span is where a value is in what is copied.
type span struct{ from, to int }

func (p *pair) named(copied []byte) {
	var name string
	_ = json.Unmarshal(copied, &name) // what is no text names nothing
	p.secret = p.secret || isHidden(name)
}

// without hides the values of a pair whose name is that of a secret.
func (p *pair) without(out []byte) []byte {
	if !p.secret {
		return out
	}
	for _, v := range slices.Backward(p.values) {
		out = slices.Replace(out, v.from, v.to, encodeLine(Hidden)...)
	}
	return out
}

func (s *Shape) member(name string) (of *Shape, known bool) {
	switch {
	case s == nil:
		return nil, true
	case s.each != nil:
		return s.each, true
	}
	of, known = s.members[name]
	return of, known
}

func (r *redactor) value(shape *Shape, depth int) error {
	token, err := r.in.Token()
	if err != nil {
		return err
	}
	switch v := token.(type) {
	case json.Delim:
		if single := shape != nil && shape.each == nil && shape.members == nil; single || depth >= maxDepth || len(r.out) > maxParameters {
			r.out = append(r.out, "null"...)
			return r.rest(1)
		}
		if v == '{' {
			return r.members(shape, depth+1)
		}
		return r.elements(shape, depth+1)
	case string:
		r.text(clip(withoutSecrets(v), maxValue))
	case json.Number:
		if len(v) > maxNumber {
			v = "null"
		}
		r.out = append(r.out, v...)
	case bool:
		if v {
			r.out = append(r.out, "true"...)
		} else {
			r.out = append(r.out, "false"...)
		}
	default:
		r.out = append(r.out, "null"...)
	}
	return nil
}

// elements copies what a list has, up to its end.
func (r *redactor) elements(shape *Shape, depth int) error {
	r.out = append(r.out, '[')
	of := shape
	if shape != nil {
		if of = shape.each; of == nil {
			of = &Shape{}
		}
	}
	for first := true; r.in.More(); first = false {
		if !first {
			r.out = append(r.out, ',')
		}
		if err := r.value(of, depth); err != nil {
			return err
		}
	}
	r.out = append(r.out, ']')
	_, err := r.in.Token()
	return err
}

// skip reads the next value and leaves it out.
func (r *redactor) skip() error {
	token, err := r.in.Token()
	if err != nil {
		return err
	}
	if _, deep := token.(json.Delim); deep {
		return r.rest(1)
	}
	return nil
}

// rest skips to the end of so many values that have begun.
func (r *redactor) rest(open int) error {
	for open > 0 {
		token, err := r.in.Token()
		if err != nil {
			return err
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			open++
		case json.Delim('}'), json.Delim(']'):
			open--
		}
	}
	return nil
}

func (r *redactor) text(s string) { r.out = append(r.out, encodeLine(s)...) }

// withoutSecrets hides what an address on the web holds of credentials: who it is for,
// and its query.
func withoutSecrets(s string) string {
	u := webAddress(s)
	if u == nil || u.User == nil && u.RawQuery == "" {
		return s
	}
	if u.User != nil {
		u.User = url.User(Hidden)
	}
	if u.RawQuery != "" {
		u.RawQuery = Hidden
	}
	return u.String()
}

// hidePath hides the path of the web hook that has been copied from so far on: hooks of many
// services have their credentials in it.
func (r *redactor) hidePath(from int) {
	var s string
	if json.Unmarshal(r.out[from:], &s) != nil {
		return
	}
	u := webAddress(s)
	if u == nil || u.Path == "" || u.Path == "/" {
		return
	}
	u.Path, u.RawPath = "/"+Hidden, ""
	r.out = r.out[:from]
	r.text(u.String())
}

func webAddress(s string) *url.URL {
	if !strings.HasPrefix(strings.ToLower(s), "http") {
		return nil
	}
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" {
		return nil
	}
	return u
}

func lowerFirst(name string) string {
	if name == "" || name[0] < 'A' || name[0] > 'Z' {
		return name
	}
	return string(name[0]|0x20) + name[1:]
}
