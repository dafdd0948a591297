package wire

import (
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"
)

// violation decodes body as the input of an operation and validates it.
func violation(t *testing.T, operation, body string) *Violation {
	t.Helper()
	op, ok := Lookup(operation)
	if !ok {
		t.Fatal("no operation " + operation)
	}
	in := op.NewInput()
	if err := Decode([]byte(body), in); err != nil {
		t.Fatal(err)
	}
	return in.Validate()
}

func TestValidate(t *testing.T) {
	const to = `"DestinationPhoneNumber":"+14255550123"`
	many := func(n int, s string) string { return strings.Repeat(","+s, n)[1:] }
	for name, c := range map[string]struct {
		operation, body string
		want            string // "" for nothing wrong
	}{
		"good":                    {"SendTextMessage", sendTextMessage, ""},
		"only what is required":   {"SendTextMessage", `{` + to + `}`, ""},
		"missing":                 {"SendTextMessage", `{}`, "MISSING DestinationPhoneNumber is required"},
		"null is missing":         {"SendTextMessage", `{"DestinationPhoneNumber":null}`, "MISSING DestinationPhoneNumber is required"},
		"empty is not missing":    {"SendTextMessage", `{"DestinationPhoneNumber":""}`, "INVALID DestinationPhoneNumber has length 0; 1 to 20 characters allowed"},
		"empty, then null":        {"SendTextMessage", `{"DestinationPhoneNumber":"","DestinationPhoneNumber":null}`, "MISSING DestinationPhoneNumber is required"},
		"optional and empty":      {"SendTextMessage", `{` + to + `,"MessageBody":""}`, "INVALID MessageBody has length 0; 1 to 1600 characters allowed"},
		"too long":                {"SendTextMessage", `{"DestinationPhoneNumber":"+12345678901234567890"}`, "INVALID DestinationPhoneNumber has length 21; 1 to 20 characters allowed"},
		"pattern":                 {"SendTextMessage", `{"DestinationPhoneNumber":"+1 425"}`, `INVALID DestinationPhoneNumber does not match the pattern \+?[1-9][0-9]{1,18}`},
		"pattern and newline":     {"SendTextMessage", `{"DestinationPhoneNumber":"+1425\n"}`, `INVALID DestinationPhoneNumber does not match the pattern \+?[1-9][0-9]{1,18}`},
		"enum":                    {"SendTextMessage", `{` + to + `,"MessageType":"transactional"}`, "INVALID MessageType is none of the values allowed: TRANSACTIONAL, PROMOTIONAL"},
		"below the range":         {"SendTextMessage", `{` + to + `,"TimeToLive":4}`, "INVALID TimeToLive is 4; 5 to 259200 allowed"},
		"above the range":         {"SendTextMessage", `{` + to + `,"TimeToLive":259201}`, "INVALID TimeToLive is 259201; 5 to 259200 allowed"},
		"characters, not bytes":   {"SendTextMessage", `{` + to + `,"MessageBody":"` + strings.Repeat("😀", 1600) + `"}`, ""},
		"one character more":      {"SendTextMessage", `{` + to + `,"MessageBody":"` + strings.Repeat("😀", 1601) + `"}`, "INVALID MessageBody has length 1601; 1 to 1600 characters allowed"},
		"blank body":              {"SendTextMessage", `{` + to + `,"MessageBody":" \n\u00a0\u3000"}`, `INVALID MessageBody does not match the pattern (?!\s*$)[\s\S]+`},
		"body of lines":           {"SendTextMessage", `{` + to + `,"MessageBody":"\n a\n"}`, ""},
		"map key":                 {"SendTextMessage", `{` + to + `,"Context":{"a b":"x","c":"y"}}`, `INVALID Context has a key that does not match the pattern \S+`},
		"map value":               {"SendTextMessage", `{` + to + `,"Context":{"campaign":"x ","b":"y"}}`, `INVALID Context.campaign does not match the pattern (?!\s)^[\s\S]+(?<!\s)`},
		"map key of an enum":      {"SendTextMessage", `{` + to + `,"DestinationCountryParameters":{"X":"y"}}`, "INVALID DestinationCountryParameters has a key that is none of the values allowed: IN_TEMPLATE_ID, IN_ENTITY_ID"},
		"entries":                 {"SendTextMessage", `{` + to + `,"Context":{"a":"1","b":"1","c":"1","d":"1","e":"1","f":"1"}}`, "INVALID Context has length more than 5; 0 to 5 entries allowed"},
		"several":                 {"SendTextMessage", `{"TimeToLive":1,"MaxPrice":"1"}`, `MISSING DestinationPhoneNumber is required; MaxPrice has length 1; 2 to 8 characters allowed; TimeToLive is 1; 5 to 259200 allowed`},
		"the first is not absent": {"RequestPhoneNumber", `{"IsoCountryCode":"usa"}`, "INVALID IsoCountryCode has length 3; exactly 2 characters allowed; MessageType is required; NumberCapabilities is required; NumberType is required"},
		"list item of an enum":    {"RequestPhoneNumber", `{"IsoCountryCode":"US","MessageType":"PROMOTIONAL","NumberType":"SIMULATOR","NumberCapabilities":["SMS","FAX"]}`, "INVALID NumberCapabilities[1] is none of the values allowed: SMS, VOICE, MMS, RCS"},
		"empty list":              {"RequestPhoneNumber", `{"IsoCountryCode":"US","MessageType":"PROMOTIONAL","NumberType":"SIMULATOR","NumberCapabilities":[]}`, "INVALID NumberCapabilities has length 0; 1 to 4 items allowed"},
		"items":                   {"TagResource", `{"ResourceArn":"arn:aws:sms-voice:us-east-1","Tags":[` + many(300, `{"Key":"k","Value":""}`) + `]}`, "INVALID Tags has length more than 200; 1 to 200 items allowed"},
		"nested and missing":      {"TagResource", `{"ResourceArn":"arn:aws:sms-voice:us-east-1","Tags":[{"Key":"k","Value":"v"},{"Value":""}]}`, "MISSING Tags[1].Key is required"},
		"nested and empty":        {"TagResource", `{"ResourceArn":"arn:aws:sms-voice:us-east-1","Tags":[{"Key":"","Value":""}]}`, "INVALID Tags[0].Key has length 0; 1 to 128 characters allowed"},
		"no value is missing":     {"TagResource", `{"ResourceArn":"arn:aws:sms-voice:us-east-1","Tags":[{"Key":"k"}]}`, "MISSING Tags[0].Value is required"},
		"item of an item":         {"DescribePools", `{"Filters":[{"Name":"status","Values":["ok","no good"]}]}`, `INVALID Filters[0].Values[1] does not match the pattern [/\.:A-Za-z0-9+_-]+`},
		"member of a structure":   {"CreateEventDestination", `{"ConfigurationSetName":"c","EventDestinationName":"e","MatchingEventTypes":["ALL"],"CloudWatchLogsDestination":{"IamRoleArn":"arn:aws:iam::111122223333:role/r","LogGroupArn":"x"}}`, "INVALID CloudWatchLogsDestination.LogGroupArn has length 1; 20 to 2048 characters allowed"},
		"structure without":       {"CreateEventDestination", `{"ConfigurationSetName":"c","EventDestinationName":"e","MatchingEventTypes":["ALL"],"SnsDestination":{}}`, "MISSING SnsDestination.TopicArn is required"},
		"map of structures":       {"UpdateProtectConfigurationCountryRuleSet", `{"ProtectConfigurationId":"p","NumberCapability":"SMS","CountryRuleSetUpdates":{"US":{"ProtectStatus":"NO"},"us":{}}}`, "INVALID CountryRuleSetUpdates has a key that does not match the pattern [A-Z]{2}; CountryRuleSetUpdates.US.ProtectStatus is none of the values allowed: ALLOW, BLOCK, MONITOR, FILTER"},
		"number in a list":        {"DescribeRegistrationVersions", `{"RegistrationId":"r","VersionNumbers":[1,0]}`, "INVALID VersionNumbers[1] is 0; 1 to 100000 allowed"},
		"required number of zero": {"SetTextMessageSpendLimitOverride", `{"MonthlyLimit":0}`, ""},
		"required number":         {"SetTextMessageSpendLimitOverride", `{}`, "MISSING MonthlyLimit is required"},
		"required boolean":        {"SetDefaultMessageFeedbackEnabled", `{"ConfigurationSetName":"c"}`, "MISSING MessageFeedbackEnabled is required"},
		"required false":          {"SetDefaultMessageFeedbackEnabled", `{"ConfigurationSetName":"c","MessageFeedbackEnabled":false}`, ""},
		"empty blob":              {"CreateRegistrationAttachment", `{"AttachmentBody":""}`, "INVALID AttachmentBody has length 0; 1 to 1572864 bytes allowed"},
		"empty where allowed":     {"AssociateOriginationIdentity", `{"PoolId":"","OriginationIdentity":"o","IsoCountryCode":"US"}`, ""},
		"nothing to check":        {"DeleteTextMessageSpendLimitOverride", `{}`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			got := ""
			if v := violation(t, c.operation, c.body); v != nil {
				got = strings.TrimSuffix(v.Reason, "_PARAMETER") + " " + v.Message()
			}
			if got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestValidateNamesFields(t *testing.T) {
	got := violation(t, "SendTextMessage", `{"MaxPrice":"x.y"}`)
	want := &Violation{Reason: ValidationExceptionReasonMissingParameter, Fields: []Field{
		{"DestinationPhoneNumber", "is required"},
		{"MaxPrice", `does not match the pattern [0-9]{0,2}\.[0-9]{1,5}`},
	}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestValidateIsBounded(t *testing.T) {
	var tags []string
	for i := range 100 {
		tags = append(tags, fmt.Sprintf(`{"Key":"","Value":"%d"}`, i))
	}
	v := violation(t, "TagResource", `{"Tags":[`+strings.Join(tags, ",")+`]}`)
	if len(v.Fields) != maxFields || v.Fields[0].Name != "ResourceArn" || v.Fields[maxFields-1].Name != "Tags[18].Key" {
		t.Errorf("got %+v", v.Fields)
	}
}

// TestValidateNeverRepeatsValues keeps message bodies and phone numbers out of
// what is answered and logged.
func TestValidateNeverRepeatsValues(t *testing.T) {
	const private = "do not repeat me"
	body := strings.ReplaceAll(`{"DestinationPhoneNumber":"V","OriginationIdentity":"V","MessageBody":"V ","MessageType":"V","Keyword":"V\n","ConfigurationSetName":"V","MaxPrice":"V","Context":{"V":"x","k":"V "},"DestinationCountryParameters":{"V":"x"},"ProtectConfigurationId":"V"}`, "V", private)
	v := violation(t, "SendTextMessage", body)
	if v == nil || len(v.Fields) < 9 {
		t.Fatalf("got %+v", v)
	}
	if strings.Contains(v.Message(), private) {
		t.Error(v.Message())
	}
}

// TestValidateOfLiterals shows what inputs made in Go mean: a required string
// that is "" is absent.
func TestValidateOfLiterals(t *testing.T) {
	if v := (&SendTextMessageRequest{DestinationPhoneNumber: "+14255550123"}).Validate(); v != nil {
		t.Error(v.Message())
	}
	if v := (&SendTextMessageRequest{}).Validate(); v == nil || v.Reason != ValidationExceptionReasonMissingParameter {
		t.Errorf("got %+v", v)
	}
}

func TestIntegerWithoutMaximum(t *testing.T) {
	var c checker
	c.integer("Version", 0, 1, math.MaxInt32)
	c.integer("Version", 1, 1, math.MaxInt32)
	if v := c.result(); v == nil || v.Message() != "Version is 0; at least 1 allowed" {
		t.Errorf("got %+v", v)
	}
}
