package service

import (
	"context"
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"heliograph/internal/sms"
)

type queryTag struct {
	Key   string `query:",required,max=8"`
	Value string
}

type queryPage struct {
	MaxItems *int `query:",min=1,max=10"`
}

type queryInput struct {
	Name  string `query:"UserName,required,max=10"`
	Path  string
	Tags  []queryTag `query:",max=2"`
	Names []string
	On    *bool
	queryPage
}

type queryOutput struct {
	Name string         `xml:"User>UserName"`
	Tags List[queryTag] `xml:"Tags"`
}

func newQuery() *Query {
	return NewQuery("iam", "2010-05-08", "https://iam.amazonaws.com/doc/2010-05-08/",
		HandleQuery("Make", func(_ context.Context, _ *Caller, in *queryInput) (*queryOutput, error) {
			return &queryOutput{Name: in.Name, Tags: List[queryTag]{in.Tags}}, nil
		}, func(c *Caller, in *queryInput) Act { return Act{Resources: []string{c.AccountID + ":" + in.Name}} }),
		HandleQuery("Nothing", func(context.Context, *Caller, *queryInput) (*queryOutput, error) { return nil, nil }, nil),
		HandleQuery("Fail", func(context.Context, *Caller, *struct{}) (*queryOutput, error) { return nil, errors.New("secret") }, nil),
		HandleQuery("Deny", func(context.Context, *Caller, *struct{}) (*queryOutput, error) {
			return nil, &sms.Error{Kind: sms.KindAccessDenied, Message: "no"}
		}, nil),
	)
}

func queryRequest(form string) *Request {
	return &Request{Method: http.MethodPost, Path: "/", Body: []byte(form)}
}

func TestQuery(t *testing.T) {
	q := newQuery()
	for _, c := range []struct{ form, answer string }{
		{"Action=Make&Version=2010-05-08&UserName=a%26b&Tags.member.1.Key=k&Tags.member.1.Value=v",
			`<MakeResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><MakeResult><User><UserName>a&amp;b</UserName></User>` +
				`<Tags><member><Key>k</Key><Value>v</Value></member></Tags></MakeResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></MakeResponse>` + "\n"},
		{"Action=Make&UserName=a&Tags=", `<MakeResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><MakeResult><User><UserName>a</UserName></User>` +
			`<Tags></Tags></MakeResult><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></MakeResponse>` + "\n"},
		{"Action=Nothing&UserName=a", `<NothingResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><ResponseMetadata><RequestId>id</RequestId></ResponseMetadata></NothingResponse>` + "\n"},
	} {
		a, err := q.Answer(t.Context(), &Caller{RequestID: "id"}, queryRequest(c.form))
		if err != nil || string(a.Body) != c.answer || a.Status != http.StatusOK || a.Header.Get("Content-Type") != "text/xml" {
			t.Errorf("%s: %d %s, %v", c.form, a.Status, a.Body, err)
		}
	}
}

func TestQueryRefusals(t *testing.T) {
	q := newQuery()
	for _, c := range []struct {
		form, code string
		status     int
		says       string
	}{
		{"", "MissingAction", 400, "Action"},
		{"Action=Other", "InvalidAction", 400, "Other"},
		{"Action=Make&Version=2011-01-01", "NoSuchVersion", 400, "2010-05-08"},
		{"Action=Make&UserName=%zz", "MalformedInput", 400, "form"},
		{"Action=Make&UserName=%ff", "MalformedInput", 400, "UTF-8"},
		{"Action=Make&UserName=a&UserName=b", "MalformedInput", 400, "2 times"},
		{"Action=Make&" + strings.Repeat("a.", 20) + "=b", "MalformedInput", 400, "parts"},
		{"Action=Make", ValidationError, 400, "UserName is missing"},
		{"Action=Make&UserName=", ValidationError, 400, "UserName has 0"},
		{"Action=Make&UserName=12345678901", ValidationError, 400, "at most 10"},
		{"Action=Make&UserName.x=1", ValidationError, 400, "UserName is no value"},
		{"Action=Make&UserName=a&Tags.member.1.Value=v", ValidationError, 400, "Tags.member.1.Key is missing"},
		{"Action=Make&UserName=a&Tags.member.1.Key=123456789", ValidationError, 400, "Tags.member.1.Key has 9"},
		{"Action=Make&UserName=a&Tags.member.2.Key=v", ValidationError, 400, "Tags.member.1"},
		{"Action=Make&UserName=a&Tags.1.Key=v", ValidationError, 400, "no list"},
		{"Action=Make&UserName=a&Tags=x", ValidationError, 400, "no list"},
		{"Action=Make&UserName=a&Tags.member.1.Key=1&Tags.member.2.Key=2&Tags.member.3.Key=3", ValidationError, 400, "at most 2"},
		{"Action=Make&UserName=a&MaxItems=11", ValidationError, 400, "at most 10"},
		{"Action=Make&UserName=a&MaxItems=x", ValidationError, 400, "whole number"},
		{"Action=Make&UserName=a&On=yes", ValidationError, 400, "true and false"},
		{"Action=Fail", "ServiceFailure", 500, "wrong"},
		{"Action=Deny", "AccessDenied", 403, "no"},
	} {
		_, err := q.Answer(t.Context(), &Caller{}, queryRequest(c.form))
		a := q.Fault(err, "id")
		var answer struct {
			XMLName xml.Name `xml:"https://iam.amazonaws.com/doc/2010-05-08/ ErrorResponse"`
			Error   struct{ Type, Code, Message string }
			Request string `xml:"RequestId"`
		}
		if bad := xml.Unmarshal(a.Body, &answer); bad != nil || err == nil || answer.Error.Code != c.code || a.Status != c.status ||
			!strings.Contains(answer.Error.Message, c.says) || strings.Contains(string(a.Body), "secret") || answer.Request != "id" ||
			(answer.Error.Type == "Sender") != (c.status < 500) {
			t.Errorf("%s: %v, answered %d %s", c.form, err, a.Status, a.Body)
		}
	}
	// What the API itself refuses has the protocol's names.
	for code, want := range map[string]string{"AccessDeniedException": "<Code>AccessDenied</Code>", "InvalidSignatureException": "<Code>SignatureDoesNotMatch</Code>"} {
		if a := q.Fault(&Exception{Code: code, Status: 400}, ""); a.Status != http.StatusForbidden || !strings.Contains(string(a.Body), want) {
			t.Errorf("%s is answered %d %s", code, a.Status, a.Body)
		}
	}
}

func TestQueryActs(t *testing.T) {
	var _ Acting = newQuery()
	q := newQuery()
	for form, want := range map[string]Act{
		"Action=Make&UserName=a":    {Action: "iam:Make", Resources: []string{"1:a"}},
		"Action=Make":               {Action: "iam:Make"}, // which Answer refuses
		"Action=Nothing&UserName=a": {Action: "iam:Nothing"},
		"Action=Other":              {},
	} {
		if act := q.Acts(&Caller{AccountID: "1"}, queryRequest(form)); !reflect.DeepEqual(act, want) {
			t.Errorf("%s is %+v", form, act)
		}
		if action, _ := q.Operation(queryRequest(form)); action != want.Action {
			t.Errorf("%s is %s", form, action)
		}
	}
}

func FuzzQuery(f *testing.F) {
	q := newQuery()
	f.Add("Action=Make&UserName=a&Tags.member.1.Key=k&Names.member.1=a&On=true&MaxItems=3")
	f.Add("Action=Make&UserName=a&Tags=&Tags.member.1=x")
	f.Add("Action=Make&.=&..member.=1&UserName.=b")
	f.Fuzz(func(t *testing.T, form string) {
		a, err := q.Answer(t.Context(), &Caller{}, queryRequest(form))
		if err != nil {
			a = q.Fault(err, "id")
		}
		if bad := xml.Unmarshal(a.Body, new(struct{})); bad != nil {
			t.Errorf("%s: %v in %s", form, bad, a.Body)
		}
		if values, bad := url.ParseQuery(form); bad == nil && err == nil && len(values["UserName"]) > 1 {
			t.Errorf("%s is taken", form)
		}
	})
}
