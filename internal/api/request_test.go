package api

import (
	"encoding/base64"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/api/wire"
	"heliograph/internal/sms"
)

var testCall = Call{Operation: "DescribePools", AccountID: "111122223333", Principal: "arn:aws:iam::111122223333:root",
	Partition: "aws", Region: "us-east-1", Now: time.Unix(1_700_000_000, 0), pageKey: []byte("0123456789abcdef")}

// reasonOf is the Reason of an error, or the kind of one that has none.
func reasonOf(err error) string {
	e, ok := sms.AsError(err)
	switch {
	case err == nil:
		return ""
	case !ok:
		return err.Error()
	case e.Reason == "":
		return exceptions[e.Kind]
	}
	return string(e.Reason)
}

func TestResolve(t *testing.T) {
	const (
		number = "phone-0123456789abcdef0123456789abcdef"
		own    = "arn:aws:sms-voice:us-east-1:111122223333:"
	)
	tests := []struct {
		kind        sms.ResourceType
		given, want string
		reason      string
	}{
		{sms.TypePhoneNumber, number, number, ""},
		{sms.TypePhoneNumber, own + "phone-number/" + number, number, ""},
		{sms.TypePhoneNumber, "anything-else", "anything-else", ""},
		{sms.TypePhoneNumber, "pool-0123456789abcdef0123456789abcdef", "", "INVALID_ARN"},
		{sms.TypePhoneNumber, own + "pool/pool-1", "", "INVALID_ARN"},
		{sms.TypePhoneNumber, "arn:aws:sms-voice:eu-west-1:111122223333:phone-number/" + number, "", "INVALID_ARN"},
		{sms.TypePhoneNumber, "arn:aws-cn:sms-voice:us-east-1:111122223333:phone-number/" + number, "", "INVALID_ARN"},
		{sms.TypePhoneNumber, "arn:aws:sns:us-east-1:111122223333:phone-number/" + number, "", "INVALID_ARN"},
		{sms.TypePhoneNumber, "arn:aws:sms-voice:us-east-1:999999999999:phone-number/" + number, "", "ResourceNotFoundException"},
		{sms.TypePhoneNumber, "arn:", "", "INVALID_ARN"},
		{sms.TypePhoneNumber, own + "phone-number", "", "INVALID_ARN"},
		{sms.TypePhoneNumber, own + "phone-number/", "", "INVALID_ARN"},
		{sms.TypePhoneNumber, "phone-number/" + number, "", "INVALID_ARN"},
		{sms.TypeOptOutList, "pool-is-a-good-name", "pool-is-a-good-name", ""},
		{sms.TypeOptOutList, own + "opt-out-list/Default", "Default", ""},
		{sms.TypeOptOutList, "a/b", "", "INVALID_ARN"},
		{sms.TypeOptOutList, own + "phone-number/" + number, "", "INVALID_ARN"},
	}
	for _, tt := range tests {
		got, err := resolve(&testCall, tt.kind, tt.given, "Member")
		if got != tt.want || reasonOf(err) != tt.reason {
			t.Errorf("%s %q: %q, %v; want %q, %q", tt.kind, tt.given, got, err, tt.want, tt.reason)
		}
		if e, ok := sms.AsError(err); ok && e.Kind == sms.KindValidation && (len(e.Fields) != 1 || e.Fields[0].Name != "Member") {
			t.Errorf("%q: fields %v", tt.given, e.Fields)
		}
	}
}

func TestResolveSenderID(t *testing.T) {
	const own = "arn:aws:sms-voice:us-east-1:111122223333:sender-id/"
	tests := []struct{ given, country, want, reason string }{
		{"HELIO", "GB", "HELIO/GB", ""},
		{own + "HELIO/GB", "GB", "HELIO/GB", ""},
		{own + "HELIO/GB", "DE", "", "COUNTRY_CODE_MISMATCH"},
		{own + "HELIO", "GB", "", "INVALID_ARN"},
		{"HELIO/GB", "GB", "", "INVALID_ARN"},
	}
	for _, tt := range tests {
		got, err := resolveSenderID(&testCall, tt.given, tt.country, "SenderId", "IsoCountryCode")
		if reasonOf(err) != tt.reason || err == nil && got != tt.want {
			t.Errorf("%q %s: %q, %v", tt.given, tt.country, got, err)
		}
	}
}

func TestPage(t *testing.T) {
	items := []string{"a", "b", "c", "d", "e"}
	self := func(s string) string { return s }
	scope := &wire.DescribePoolsRequest{Owner: new("SELF")}
	get := func(c Call, items []string, most int32, token *string, scope wire.Shape) ([]string, *string, string) {
		out, next, err := page(&c, items, self, &most, token, scope)
		return out, next, reasonOf(err)
	}

	first, token, reason := get(testCall, items, 2, nil, scope)
	if reason != "" || token == nil || !slices.Equal(first, []string{"a", "b"}) {
		t.Fatalf("%v %v %s", first, token, reason)
	}
	// c is deleted and bb comes before the rest, between the pages.
	second, token2, reason := get(testCall, []string{"a", "b", "bb", "d", "e"}, 2, token, scope)
	if reason != "" || token2 == nil || !slices.Equal(second, []string{"bb", "d"}) {
		t.Fatalf("%v %v %s", second, token2, reason)
	}
	last, end, reason := get(testCall, items, 2, token2, scope)
	if reason != "" || end != nil || !slices.Equal(last, []string{"e"}) {
		t.Fatalf("%v %v %s", last, end, reason)
	}
	if all, next, _ := get(testCall, items, 5, nil, scope); len(all) != 5 || next != nil {
		t.Errorf("exactly one page has the next %v", next)
	}

	other, later, second24 := testCall, testCall, testCall
	other.AccountID = "999999999999"
	later.Now = later.Now.Add(24*time.Hour + time.Second)
	second24.Operation = "DescribeSenderIds"
	raw, _ := base64.RawURLEncoding.DecodeString(*token)
	raw[len(raw)-1]++
	forged := base64.RawURLEncoding.EncodeToString(raw)
	for name, try := range map[string]struct {
		call  Call
		token string
		scope wire.Shape
	}{
		"another account":    {other, *token, scope},
		"a day later":        {later, *token, scope},
		"another operation":  {second24, *token, scope},
		"other parameters":   {testCall, *token, &wire.DescribePoolsRequest{}},
		"forged":             {testCall, forged, scope},
		"short":              {testCall, "abc", scope},
		"not base64":         {testCall, "***", scope},
		"something appended": {testCall, *token + "AAAA", scope},
	} {
		if _, _, reason := get(try.call, items, 2, &try.token, try.scope); reason != "INVALID_NEXT_TOKEN" {
			t.Errorf("%s: %s", name, reason)
		}
	}
}

// Whatever a client sends as a token, it gets its own back or a refusal.
func FuzzReadToken(f *testing.F) {
	scope := &wire.DescribePoolsRequest{}
	made := makeToken(&testCall, "key", scope)
	for _, seed := range []string{made, "", "AAAA", made[:len(made)-1], strings.Repeat("A", 1024)} {
		f.Add(seed)
	}
	want, _ := base64.RawURLEncoding.DecodeString(made)
	f.Fuzz(func(t *testing.T, token string) {
		key, err := readToken(&testCall, token, scope)
		if got, _ := base64.RawURLEncoding.DecodeString(token); err == nil && (key != "key" || string(got) != string(want)) {
			t.Errorf("%q was taken as %q", token, key)
		}
	})
}

func TestMatchFilters(t *testing.T) {
	type thing struct {
		name  string
		on    bool
		kinds []string
	}
	things := []thing{{"a", true, []string{"X", "Y"}}, {"b", false, []string{"Y"}}, {"c", true, []string{"Z"}}}
	known := attributes[thing]{
		"name": textAttribute(func(t thing) string { return t.name }),
		"on":   boolAttribute(func(t thing) bool { return t.on }),
		"kind": enumAttribute(func(t thing) []string { return t.kinds }, "X", "Y", "Z"),
	}
	tests := []struct {
		name    string
		filters []filter
		want    string
		reason  string
	}{
		{"none", nil, "abc", ""},
		{"one", []filter{{"name", []string{"b"}}}, "b", ""},
		{"either value", []filter{{"name", []string{"b", "c", "d"}}}, "bc", ""},
		{"both filters", []filter{{"on", []string{"true"}}, {"kind", []string{"Y", "Z"}}}, "ac", ""},
		{"the same filter twice", []filter{{"kind", []string{"X"}}, {"kind", []string{"Y"}}}, "a", ""},
		{"nothing", []filter{{"name", []string{"d"}}}, "", ""},
		{"a value that nothing has", []filter{{"on", []string{"true", "maybe"}}}, "", "INVALID_FILTER_VALUES"},
		{"a value of another case", []filter{{"kind", []string{"x"}}}, "", "INVALID_FILTER_VALUES"},
		{"an unknown name", []filter{{"size", []string{"1"}}}, "", "INVALID_PARAMETER"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			kept, err := matchFilters(things, tt.filters, known)
			got := ""
			for _, k := range kept {
				got += k.name
			}
			if got != tt.want || reasonOf(err) != tt.reason {
				t.Errorf("%q, %v", got, err)
			}
		})
	}
	_, err := matchFilters(things, []filter{{"name", []string{"a"}}, {"on", []string{"true", "maybe"}}}, known)
	if e, _ := sms.AsError(err); e.Fields[0].Name != "Filters[1].Values[1]" {
		t.Errorf("fields %v", e.Fields)
	}
}

func TestRender(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		want string
	}{
		"validation": {sms.Invalid(sms.ReasonInvalidARN, "PoolId", "wrong"),
			`{"__type":"ValidationException","Message":"wrong","Reason":"INVALID_ARN","Fields":[{"Name":"PoolId","Message":"wrong"}]}`},
		"conflict": {sms.Conflict(sms.ReasonResourceNotEmpty, sms.TypePool, "pool-1", "not %d", 0),
			`{"__type":"ConflictException","Message":"not 0","Reason":"RESOURCE_NOT_EMPTY","ResourceType":"pool","ResourceId":"pool-1"}`},
		"not found": {&sms.Error{Kind: sms.KindNotFound, ResourceType: "pool", ResourceID: "p", Message: "gone"},
			`{"__type":"ResourceNotFoundException","Message":"gone","ResourceType":"pool","ResourceId":"p"}`},
		"throttled": {sms.Throttled("slow"), `{"__type":"ThrottlingException","Message":"slow"}`},
		"quota":     {sms.QuotaExceeded(sms.ReasonPoolsPerAccount, "many"), `{"__type":"ServiceQuotaExceededException","Message":"many","Reason":"POOLS_PER_ACCOUNT"}`},
	} {
		got := render(tt.err, "id")
		if diff := cmp.Diff(tt.want, string(got.body)); diff != "" || got.status != 400 || !strings.Contains(tt.want, got.code) {
			t.Errorf("%s: %d %s", name, got.status, diff)
		}
	}
}
