package wire

import (
	"encoding/json"
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

func TestDecode(t *testing.T) {
	const number = `"DestinationPhoneNumber":"+14255550123"`
	for name, c := range map[string]struct {
		body string
		want SendTextMessageRequest
	}{
		"nothing":             {"", SendTextMessageRequest{}},
		"white space":         {" \t\r\n", SendTextMessageRequest{}},
		"empty object":        {"{}", SendTextMessageRequest{}},
		"spaces everywhere":   {" { \"DryRun\" : true , \"TimeToLive\" :\n5 } ", SendTextMessageRequest{DryRun: true, TimeToLive: new(int32(5))}},
		"unknown members":     {`{"X":{"a":[1,-0.5e+3,"\u00e9",null,true,false,{}]},"y":[],` + number + `}`, SendTextMessageRequest{DestinationPhoneNumber: "+14255550123"}},
		"null is absent":      {`{"DestinationPhoneNumber":null,"MaxPrice":null,"DryRun":null,"TimeToLive":null,"Context":null}`, SendTextMessageRequest{}},
		"last one wins":       {`{"MaxPrice":"1.0","MaxPrice":"2.0","TimeToLive":7,"TimeToLive":null,"Context":{"a":"1"},"Context":{"b":"2"}}`, SendTextMessageRequest{MaxPrice: new("2.0"), Context: map[string]string{"b": "2"}}},
		"last key wins":       {`{"Context":{"a":"1","b":"2","a":"3","b":null}}`, SendTextMessageRequest{Context: map[string]string{"a": "3"}}},
		"empty is present":    {`{"MessageBody":"","Context":{}}`, SendTextMessageRequest{MessageBody: new(""), Context: map[string]string{}}},
		"false is present":    {`{"MessageFeedbackEnabled":false}`, SendTextMessageRequest{MessageFeedbackEnabled: new(false)}},
		"escapes":             {`{"MessageBody":"\"\\\/\b\f\n\r\t\u0041\u00df\u20AC\ud83d\ude00\u0000"}`, SendTextMessageRequest{MessageBody: new("\"\\/\b\f\n\r\tAß€😀\x00")}},
		"UTF-8 as it is":      {`{"MessageBody":"ß€😀` + "\u2028\x7f" + `"}`, SendTextMessageRequest{MessageBody: new("ß€😀\u2028\x7f")}},
		"escaped member name": {`{"\u004dessageBody":"x"}`, SendTextMessageRequest{MessageBody: new("x")}},
		"whole as a fraction": {`{"TimeToLive":60.0}`, SendTextMessageRequest{TimeToLive: new(int32(60))}},
		"whole with exponent": {`{"TimeToLive":6e1}`, SendTextMessageRequest{TimeToLive: new(int32(60))}},
		"negative zero":       {`{"TimeToLive":-0}`, SendTextMessageRequest{TimeToLive: new(int32(0))}},
		"names are exact":     {`{"messagebody":"x","MESSAGEBODY":"x"}`, SendTextMessageRequest{}},
		"deep enough":         {`{"x":` + strings.Repeat("[", MaxDepth-1) + strings.Repeat("]", MaxDepth-1) + `,"DryRun":true}`, SendTextMessageRequest{DryRun: true}},
	} {
		t.Run(name, func(t *testing.T) {
			var got SendTextMessageRequest
			if err := Decode([]byte(c.body), &got); err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("got %+v\nwant %+v", got, c.want)
			}
		})
	}
}

func TestDecodeRefuses(t *testing.T) {
	for name, c := range map[string]struct{ body, want string }{
		"null":                  {`null`, "expected an object, found null at byte 0"},
		"a list":                {`[]`, "expected an object, found a list at byte 0"},
		"a word":                {`yes`, "found 'y' at byte 0"},
		"byte order mark":       {"\ufeff{}", "expected an object"},
		"cut after brace":       {`{`, "found the end of the document"},
		"cut in name":           {`{"Mess`, "a string does not end"},
		"cut after name":        {`{"MessageBody"`, "expected ':'"},
		"cut after colon":       {`{"MessageBody":`, "MessageBody: expected a string, found the end of the document"},
		"cut in string":         {`{"MessageBody":"x`, "MessageBody: a string does not end"},
		"cut in escape":         {`{"MessageBody":"\`, "an escape"},
		"cut in unknown":        {`{"x":`, "expected a value"},
		"trailing data":         {`{} {}`, "expected the end of the document, found an object at byte 3"},
		"trailing bracket":      {`{}]`, "expected the end of the document"},
		"comma before end":      {`{"DryRun":true,}`, "expected the name of a member"},
		"comma at the start":    {`{,"DryRun":true}`, "expected the name of a member"},
		"no comma":              {`{"DryRun":true "x":1}`, "expected ',' or '}', found a string at byte 15"},
		"bare name":             {`{DryRun:true}`, "expected the name of a member"},
		"comma in list":         {`{"x":[1,]}`, "expected a value"},
		"wrong bracket":         {`{"x":[1}}`, "expected ',' or ']'"},
		"string for object":     {`{"Context":"x"}`, "Context: expected an object, found a string at byte 11"},
		"list for object":       {`{"Context":[]}`, "Context: expected an object, found a list"},
		"number for string":     {`{"MessageBody":1}`, "MessageBody: expected a string, found a number"},
		"boolean for string":    {`{"MessageBody":true}`, "found a boolean"},
		"number in map":         {`{"Context":{"a":1}}`, "Context: expected a string, found a number at byte 16"},
		"string for boolean":    {`{"DryRun":"true"}`, "DryRun: expected a boolean, found a string"},
		"number for boolean":    {`{"DryRun":1}`, "DryRun: expected a boolean"},
		"word run on":           {`{"DryRun":trueish}`, "expected ',' or '}'"},
		"string for number":     {`{"TimeToLive":"5"}`, "TimeToLive: expected a number, found a string"},
		"fraction":              {`{"TimeToLive":5.5}`, "TimeToLive: expected a whole number"},
		"too large for 32 bits": {`{"TimeToLive":2147483648}`, "TimeToLive: the number is out of range: from -2147483648 to 2147483647 is allowed"},
		"too large for 64 bits": {`{"TimeToLive":9223372036854775808}`, "out of range"},
		"too large for a float": {`{"TimeToLive":1e999}`, "out of range"},
		"imprecise":             {`{"TimeToLive":1e17}`, "expected a whole number"},
		"leading zero":          {`{"TimeToLive":05}`, "a number is not well-formed"},
		"plus":                  {`{"TimeToLive":+5}`, "expected a number"},
		"only a minus":          {`{"TimeToLive":-}`, "a number is not well-formed"},
		"no digit after point":  {`{"TimeToLive":5.}`, "a number is not well-formed"},
		"no digit in exponent":  {`{"TimeToLive":5e+}`, "a number is not well-formed"},
		"NaN":                   {`{"TimeToLive":NaN}`, "expected a number"},
		"control character":     {"{\"MessageBody\":\"a\nb\"}", "control character"},
		"control after escape":  {"{\"MessageBody\":\"\\n\x01\"}", "control character"},
		"unknown escape":        {`{"MessageBody":"\x41"}`, "an escape"},
		"half a surrogate":      {`{"MessageBody":"\ud83d"}`, "surrogate"},
		"two first halves":      {`{"MessageBody":"\ud83d\ud83d"}`, "surrogate"},
		"second half first":     {`{"MessageBody":"\ude00\ud83d"}`, "surrogate"},
		"short escape":          {`{"MessageBody":"\u12"}`, "an escape"},
		"UTF-8 cut":             {"{\"MessageBody\":\"\xc3\"}", "not valid UTF-8 at byte 16"},
		"UTF-8 in unknown":      {"{\"x\":\"\xff\"}", "not valid UTF-8"},
		"surrogate in UTF-8":    {"{\"x\":\"\xed\xa0\x80\"}", "not valid UTF-8"},
		"too deep":              {`{"x":` + strings.Repeat("[", MaxDepth), "nested deeper than 64 levels"},
		"much too deep":         {strings.Repeat(`{"x":`, 1_000_000), "nested deeper than 64 levels"},
		"single quotes":         {`{'MessageBody':'x'}`, "expected the name of a member"},
		"comment":               {`{/**/}`, "expected the name of a member"},
	} {
		t.Run(name, func(t *testing.T) {
			err := Decode([]byte(c.body), new(SendTextMessageRequest))
			var e *SerializationError
			if !errors.As(err, &e) {
				t.Fatalf("got %v", err)
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %q, want %q in it", err, c.want)
			}
		})
	}
}

func TestDecodeNested(t *testing.T) {
	var pools DescribePoolsRequest
	if err := Decode([]byte(`{"PoolIds":["a","b"],"Filters":[{"Name":"status","Values":["ACTIVE"]},{"Values":null}],"MaxResults":3}`), &pools); err != nil {
		t.Fatal(err)
	}
	want := DescribePoolsRequest{
		PoolIds:    []string{"a", "b"},
		Filters:    []PoolFilter{{Name: PoolFilterNameStatus, Values: []string{"ACTIVE"}}, {}},
		MaxResults: new(int32(3)),
	}
	if !reflect.DeepEqual(pools, want) {
		t.Errorf("got %+v, want %+v", pools, want)
	}
	for body, problem := range map[string]string{
		`{"PoolIds":["a",null]}`:                      "PoolIds: expected a string, found null at byte 16",
		`{"PoolIds":"a"}`:                             "PoolIds: expected a list, found a string",
		`{"Filters":[{"Name":"x","Values":[]},null]}`: "Filters: expected an object, found null",
		`{"Filters":{}}`:                              "Filters: expected a list, found an object",
	} {
		if err := Decode([]byte(body), new(DescribePoolsRequest)); err == nil || !strings.Contains(err.Error(), problem) {
			t.Errorf("%s: got %v, want %q", body, err, problem)
		}
	}
}

func TestDecodeOtherKinds(t *testing.T) {
	var a CreateRegistrationAttachmentRequest
	if err := Decode([]byte(`{"AttachmentBody":"aGk="}`), &a); err != nil || string(a.AttachmentBody) != "hi" {
		t.Errorf("got %q, %v", a.AttachmentBody, err)
	}
	a = CreateRegistrationAttachmentRequest{}
	if err := Decode([]byte(`{"AttachmentBody":""}`), &a); err != nil || a.AttachmentBody == nil {
		t.Errorf("an empty blob: got %v, %v", a.AttachmentBody, err)
	}
	for _, body := range []string{`{"AttachmentBody":"aGk"}`, `{"AttachmentBody":"a-k="}`, `{"AttachmentBody":7}`, `{"AttachmentBody":"aGk=x"}`} {
		if err := Decode([]byte(body), new(CreateRegistrationAttachmentRequest)); err == nil {
			t.Errorf("%s was taken", body)
		}
	}

	for body, want := range map[string]time.Time{
		`1700000000`:      time.Unix(1700000000, 0),
		`1700000000.123`:  time.UnixMilli(1700000000123),
		`1.7e9`:           time.Unix(1700000000, 0),
		`-1.5`:            time.UnixMilli(-1500),
		`1700000000.9999`: time.UnixMilli(1700000001000),
	} {
		var p PutProtectConfigurationRuleSetNumberOverrideRequest
		if err := Decode([]byte(`{"ExpirationTimestamp":`+body+`}`), &p); err != nil || !p.ExpirationTimestamp.Equal(want) {
			t.Errorf("%s: got %v, %v", body, p.ExpirationTimestamp, err)
		}
	}
	for _, body := range []string{`"soon"`, `"1700000000"`, `1e300`, `-1e300`, `1e999`, `253402300800`, `true`, `{}`} {
		var p PutProtectConfigurationRuleSetNumberOverrideRequest
		if err := Decode([]byte(`{"ExpirationTimestamp":`+body+`}`), &p); err == nil {
			t.Errorf("%s was taken for %v", body, p.ExpirationTimestamp)
		}
	}

	var limit SetTextMessageSpendLimitOverrideRequest
	if err := Decode([]byte(`{"MonthlyLimit":0}`), &limit); err != nil || limit.MonthlyLimit == nil {
		t.Errorf("a limit of zero: got %v, %v", limit.MonthlyLimit, err)
	}
	var versions DescribeRegistrationVersionsRequest
	if err := Decode([]byte(`{"VersionNumbers":[1,2.0]}`), &versions); err != nil || !reflect.DeepEqual(versions.VersionNumbers, []int64{1, 2}) {
		t.Errorf("got %v, %v", versions.VersionNumbers, err)
	}
}

// TestDecodeBoundsMemory shows that elements far beyond a maximum are not kept,
// and are refused all the same.
func TestDecodeBoundsMemory(t *testing.T) {
	var tags TagResourceRequest
	if err := Decode([]byte(`{"Tags":[{}`+strings.Repeat(",{}", 10_000)+`]}`), &tags); err != nil || len(tags.Tags) != 201 {
		t.Errorf("%d tags kept, %v", len(tags.Tags), err)
	}
	var b strings.Builder
	for i := range 10_000 {
		b.WriteString(`,"k` + strings.Repeat("x", i%7) + string(rune('a'+i%26)) + string(rune('a'+i/26%26)) + `":"v"`)
	}
	var send SendTextMessageRequest
	if err := Decode([]byte(`{"Context":{`+b.String()[1:]+`}}`), &send); err != nil || len(send.Context) != 6 {
		t.Errorf("%d entries kept, %v", len(send.Context), err)
	}
	if v := send.Validate(); v == nil || !strings.Contains(v.Message(), "Context has length more than 5; 0 to 5 entries allowed") {
		t.Errorf("got %+v", v)
	}
}

// FuzzDecode feeds any bytes to any operation: what is taken is JSON, and what
// is written from it is taken again and means the same.
func FuzzDecode(f *testing.F) {
	names := Names()
	f.Add(0, []byte(`{}`))
	for i, name := range names {
		if name == "SendTextMessage" {
			f.Add(i, []byte(sendTextMessage))
			f.Add(i, []byte(`{"MessageBody":"\ud83d\ude00\n","Context":{"a":"b","a":null},"TimeToLive":5e0,"x":[[{}]]}`))
		}
		if name == "PutProtectConfigurationRuleSetNumberOverride" {
			f.Add(i, []byte(`{"ExpirationTimestamp":1700000000.123,"IsoCountryCode":null}`))
		}
		if name == "CreateRegistrationAttachment" {
			f.Add(i, []byte(`{"AttachmentBody":"aGk=","Tags":[{"Key":"","Value":"x"}]}`))
		}
	}
	f.Fuzz(func(t *testing.T, i int, body []byte) {
		op, _ := Lookup(names[uint(i)%uint(len(names))])
		in := op.NewInput()
		if err := Decode(body, in); err != nil {
			var e *SerializationError
			if !errors.As(err, &e) || e.Offset < 0 || e.Offset > len(body) {
				t.Fatalf("refused with %v", err)
			}
			return
		}
		if strings.Trim(string(body), " \t\r\n") != "" && (!json.Valid(body) || !utf8.Valid(body)) {
			t.Fatalf("took %q", body)
		}
		v := in.Validate()
		if v != nil && (len(v.Fields) == 0 || v.Reason == "" || v.Message() == "") {
			t.Fatalf("violation %+v", v)
		}
		out := in.AppendWire(nil)
		if !json.Valid(out) {
			t.Fatalf("wrote %q", out)
		}
		again := op.NewInput()
		if err := Decode(out, again); err != nil {
			t.Fatalf("%q became %q: %v", body, out, err)
		}
		if second := again.AppendWire(nil); string(second) != string(out) {
			t.Fatalf("%q became %q and then %q", body, out, second)
		}
		if v == nil && !reflect.DeepEqual(in, again) {
			t.Fatalf("%q became %q, which means something else", body, out)
		}
	})
}
