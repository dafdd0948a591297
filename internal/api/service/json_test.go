package service

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"testing"
)

type document struct {
	Text  string   `json:"text,omitempty"`
	Count int      `json:"count,omitempty"`
	List  []string `json:"list,omitempty"`
}

func newJSON() *JSON {
	return NewJSON("logs", "Logs",
		Handle("Echo", func(_ context.Context, _ *Caller, in *document) (*document, error) { return in, nil }),
		Handle("Nothing", func(context.Context, *Caller, *document) (*document, error) { return nil, nil }),
		Handle("Fail", func(context.Context, *Caller, *document) (*document, error) { return nil, errors.New("secret") }),
	)
}

func request(target, body string) *Request {
	return &Request{Method: http.MethodPost, Path: "/", Body: []byte(body),
		Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {target}}}
}

func TestJSON(t *testing.T) {
	j := newJSON()
	for _, c := range []struct{ target, body, action, answer, code string }{
		{"Logs.Echo", `{"text":"a","other":[{"b":null}]}`, "logs:Echo", `{"text":"a"}`, ""},
		{"Logs.Echo", "", "logs:Echo", "{}", ""},
		{"Logs.Echo", "null", "logs:Echo", "{}", ""},
		{"Logs.Nothing", "{}", "logs:Nothing", "", ""},
		{"Logs.Fail", "{}", "logs:Fail", "", "InternalFailure"},
		{"Logs.Echo", "[]", "logs:Echo", "", Serialization},
		{"Logs.Echo", `{"text":"a"} {}`, "logs:Echo", "", Serialization},
		{"Logs.Echo", `{"count":1e99}`, "logs:Echo", "", Serialization},
		{"Logs.Echo", strings.Repeat("[", 20_000), "logs:Echo", "", Serialization},
		{"Logs.echo", "{}", "", "", UnknownOperation},
		{"Logs.", "{}", "", "", UnknownOperation},
		{"Echo", "{}", "", "", UnknownOperation},
		{"Other.Echo", "{}", "", "", UnknownOperation},
		{"", "{}", "", "", UnknownOperation},
	} {
		r := request(c.target, c.body)
		if action, resources := j.Operation(r); action != c.action || resources != nil {
			t.Errorf("%s is the action %q on %v", c.target, action, resources)
		}
		a, err := j.Answer(t.Context(), &Caller{}, r)
		if c.code != "" {
			a = j.Fault(err, "")
			if err == nil || !strings.Contains(string(a.Body), `"__type":"`+c.code+`"`) || strings.Contains(string(a.Body), "secret") {
				t.Errorf("%s %.40s: %v, answered %s", c.target, c.body, err, a.Body)
			}
			continue
		}
		if err != nil || string(a.Body) != c.answer || a.Status != http.StatusOK {
			t.Errorf("%s %s: %d %s, %v", c.target, c.body, a.Status, a.Body, err)
		}
	}
	for _, change := range []func(*Request){
		func(r *Request) { r.Method = http.MethodGet },
		func(r *Request) { r.Path = "/x" },
		func(r *Request) { r.Header.Set("Content-Type", "application/json") },
		func(r *Request) { r.Header.Del("Content-Type") },
	} {
		r := request("Logs.Echo", "{}")
		change(r)
		if action, _ := j.Operation(r); action != "" {
			t.Errorf("%+v is the action %s", r, action)
		}
	}
}

func TestJSONOperationTwice(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("two operations of one name are taken")
		}
	}()
	o := Handle("A", func(context.Context, *Caller, *document) (*document, error) { return nil, nil })
	NewJSON("logs", "Logs", o, o)
}

func FuzzJSON(f *testing.F) {
	j := newJSON()
	f.Add("Logs.Echo", "application/x-amz-json-1.1; a=b", `{"text":"a","count":1,"list":["b"]}`)
	f.Add("Logs.Echo", "", `{"text":7}`)
	f.Fuzz(func(t *testing.T, target, media, body string) {
		r := request(target, body)
		r.Header.Set("Content-Type", media)
		action, _ := j.Operation(r)
		_, err := j.Answer(t.Context(), &Caller{}, r)
		if code := ExceptionOf(err).Code; err != nil && (action == "") != (code == UnknownOperation) {
			t.Errorf("the action %q is answered with %v", action, err)
		}
	})
}
