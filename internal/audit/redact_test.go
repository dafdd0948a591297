package audit

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"
)

type input struct {
	PoolId      *string
	MessageBody *string
	Tags        []struct{ Key, Value string }
	Parameters  map[string]string
	At          time.Time
	Deep        *struct{ Name string }
	hidden      int
}

func TestParameters(t *testing.T) {
	shape := ShapeOf(reflect.TypeFor[*input]())
	long := strings.Repeat("x", 2*maxValue)
	for _, c := range []struct {
		name, body string
		shape      *Shape
		want       string
	}{
		{"order and values are kept", `{"b": 1.50, "a": [true, null, {"c": "<d>"}], "e": {}}`, nil, `{"b":1.50,"a":[true,null,{"c":"<d>"}],"e":{}}`},
		{"secrets", `{"Password":"p","new_password":"p","SecretAccessKey":"s","a":{"MessageBody":["x"]},"ClientToken":"t","KeywordMessage":"k"}`, nil,
			`{"Password":"` + Hidden + `","new_password":"` + Hidden + `","SecretAccessKey":"` + Hidden + `","a":{"MessageBody":"` + Hidden + `"},"ClientToken":"t","KeywordMessage":"` + Hidden + `"}`},
		{"named values", `{"Attributes":[{"Key":"Password","Value":"p"},{"Key":"Policy","Value":"{}"}]}`, nil,
			`{"Attributes":[{"Key":"Password","Value":"` + Hidden + `"},{"Key":"Policy","Value":"{}"}]}`},
		{"values before their names", `{"a":[{"Value":"p","Key":"Password"},{"Value":{"b":"p"},"Name":"x","Key":"secret","More":1},{"Value":"v","Key":"k"}]}`, nil,
			`{"a":[{"Value":"` + Hidden + `","Key":"Password"},{"Value":"` + Hidden + `","Name":"x","Key":"secret","More":1},{"Value":"v","Key":"k"}]}`},
		{"addresses", `{"Url":"https://me:pw@example.com/hook?key=secret"}`, nil, `{"Url":"https://` + Hidden + `@example.com/hook?` + Hidden + `"}`},
		{"web hooks", `{"Endpoint":"https://me@example.com:8443/T0/B0/secret?key=secret","a":[{"endpoint":"http://example.com/"},{"Endpoint":"+12065550100"},{"Endpoint":{"b":1}}]}`, nil,
			`{"Endpoint":"https://` + Hidden + `@example.com:8443/` + Hidden + `?` + Hidden + `","a":[{"endpoint":"http://example.com/"},{"Endpoint":"+12065550100"},{"Endpoint":{"b":1}}]}`},
		{"unknown members", `{"PoolId":"p","poolid":"q","Other":{"a":["b"]},"hidden":1,"Tags":[{"Key":"k","Value":"v","More":1}],"Parameters":{"a":"b"}}`, shape,
			`{"PoolId":"p","Tags":[{"Key":"k","Value":"v"}],"Parameters":{"a":"b"}}`},
		{"wrong types", `{"PoolId":{"secret":1},"At":["x"],"Deep":[{"Name":"x"}],"Tags":{"a":"b"}}`, shape, `{"PoolId":null,"At":null,"Deep":[null],"Tags":{"a":"b"}}`},
		{"long texts", `{"a":"` + long + `"}`, nil, `{"a":"` + long[:maxValue-3] + `..."}`},
		{"long numbers", `{"a":` + strings.Repeat("1", 100) + `}`, nil, `{"a":null}`},
		{"too deep", strings.Repeat(`{"a":`, 40) + `1` + strings.Repeat(`}`, 40), nil, strings.Repeat(`{"a":`, maxDepth+1) + `null` + strings.Repeat(`}`, maxDepth+1)},
		{"no object", `["a"]`, nil, ""}, {"no JSON", `{"a"`, nil, ""}, {"nothing", ``, nil, ""}, {"more", `{} {}`, nil, ""}, {"null", `null`, nil, ""},
	} {
		if got := string(Parameters([]byte(c.body), c.shape)); got != c.want {
			t.Errorf("%s:\n got %.300s\nwant %.300s", c.name, got, c.want)
		}
	}
	many := Parameters([]byte(`{"a":["`+strings.Repeat(`xxxxxxxxxx","`, 20_000)+`"]}`), nil)
	if !json.Valid(many) || len(many) > 200 || !strings.Contains(string(many), `"omitted":true`) {
		t.Errorf("long parameters: %.300s", many)
	}
}

func TestFormParameters(t *testing.T) {
	for form, want := range map[string]string{
		"Action=CreateUser&Version=2010-05-08&UserName=a%20b&Tags.member.1.Key=team&Tags.member.1.Value=x&Tags.member.2.Key=n&Tags.member.2.Value=": `{"userName":"a b","tags":[{"key":"team","value":"x"},{"key":"n","value":""}]}`,
		"Action=CreateLoginProfile&UserName=a&Password=secret":          `{"userName":"a","password":"` + Hidden + `"}`,
		"Attributes.entry.1.key=Policy&Attributes.entry.1.value=%7B%7D": `{"attributes":[{"key":"Policy","value":"{}"}]}`,
		"Action=X": "", "": "", "%zz=1": "", "X-Amz-Signature=abc&A=%zz": "",
		"L.10=b&L.2=a": `{"l":["a","b"]}`,
	} {
		if got := string(FormParameters(form)); got != want {
			t.Errorf("%s:\n got %s\nwant %s", form, got, want)
		}
	}
}

// Whatever comes, what is kept is JSON, bounded, and has no secret.
func FuzzParameters(f *testing.F) {
	for _, body := range []string{`{"Password":"s3cr3t-value","a":[{"Key":"Password","Value":"s3cr3t-value"},{"Value":["s3cr3t-value"],"Name":"OTP","Value":{}}]}`, `{"A":{"messageBody":{"x":"s3cr3t-value"}}}`,
		`{"Endpoint":"http://u:s3cr3t-value@h/?s3cr3t-value"}`, "{\"\xff\":\"\\ud800\"}", `{"a":1e400,"b":[[[]]]}`, "Password=s3cr3t-value&a.member.1=b&a.b=c", `{"PoolId":[{}]}`} {
		f.Add([]byte(body))
	}
	shape := ShapeOf(reflect.TypeFor[input]())
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, kept := range []json.RawMessage{Parameters(body, nil), Parameters(body, shape), LowerParameters(body), FormParameters(string(body))} {
			if kept == nil {
				continue
			}
			if !json.Valid(kept) || len(kept) > maxParameters {
				t.Fatalf("%d bytes: %.200s", len(kept), kept)
			}
			var v map[string]any
			in := json.NewDecoder(bytes.NewReader(kept))
			in.UseNumber()
			if err := in.Decode(&v); err != nil {
				t.Fatal(err)
			}
			checkHidden(t, v)
			r := Record{RequestParameters: kept}
			if line, _ := (end{}).line(r.encode()); len(line) > maxLine {
				t.Fatalf("a line of %d bytes", len(line))
			} else if _, _, err := (end{}).follow(line); err != nil {
				t.Fatalf("%v: %.300s", err, line)
			}
		}
	})
}

func checkHidden(t *testing.T, v any) {
	switch v := v.(type) {
	case map[string]any:
		secret := false
		for name, of := range v {
			text, _ := of.(string)
			lower := strings.ToLower(name)
			secret = secret || (lower == "key" || lower == "name" || lower == "attributename") && isHidden(text)
		}
		for _, name := range []string{"Value", "value", "attributeValue"} {
			if of, there := v[name]; secret && there && of != Hidden {
				t.Fatalf("%s is %v", name, of)
			}
		}
		for name, of := range v {
			if isHidden(name) && of != Hidden {
				t.Fatalf("%s is %v", name, of)
			}
			checkHidden(t, of)
		}
	case []any:
		for _, of := range v {
			checkHidden(t, of)
		}
	}
}
