package audit

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"heliograph/internal/iam"
)

var update = flag.Bool("update", false, "write the goldens")

func user() *iam.Identity { return call(0, false).Identity }

func guide(name, requestID string, at time.Time, body string) *Call {
	return &Call{Identity: user(), Account: customer, At: at, Source: SourceService, Name: name, Region: "us-east-1", SourceIP: "192.0.0.1",
		UserAgent: "PostmanRuntime/7.3.0", RequestID: requestID, Parameters: Parameters([]byte(body), nil)}
}

// TestGuide holds the records of the guide's two examples (chapter 15) against goldens,
// which have its members in its order, and those of others against goldens of ours.
func TestGuide(t *testing.T) {
	created := guide("CreateConfigurationSet", "56dcc091-e20d-11e8-87d2-9994aexample", time.Date(2018, 11, 6, 21, 45, 55, 0, time.UTC),
		`{"ConfigurationSetName":"MyConfigurationSet"}`)
	destination := guide("CreateEventDestination", "81de1e73-e20d-11e8-b158-d5536example", time.Date(2018, 11, 6, 21, 47, 8, 0, time.UTC),
		`{"EventDestinationName":"CloudWatchEventDestination","ConfigurationSetName":"MyConfigurationSet","EventDestination":{"Enabled":true,
		"MatchingEventTypes":["INITIATED_CALL","INITIATED_CALL"],"CloudWatchLogsDestination":{"IamRoleArn":"arn:aws:iam::111122223333:role/iamrole-01",
		"LogGroupArn":"arn:aws:logs:us-east-1:111122223333:log-group:clientloggroup-01"}}}`)
	denied := guide("DeletePool", "r", noon, `{"PoolId":"pool-1"}`)
	denied.ErrorCode, denied.Error = "AccessDeniedException", "User: arn:aws:iam::111122223333:user/SampleUser is not authorized to perform: sms-voice:DeletePool"
	root := guide("DescribePools", "r", noon, `{}`)
	root.ReadOnly = true
	root.Identity = &iam.Identity{Principal: iam.Principal{Type: iam.Root, ARN: "arn:aws:iam::111122223333:root", Account: customer, ID: customer}, AccessKeyID: "AKIAROOT"}
	role := guide("CreatePool", "r", noon, `{"OriginationIdentity":"arn:aws:sms-voice:us-east-1:444455556666:phone-number/phone-1"}`)
	role.Shared = []Resource{ResourceOf("444455556666", "arn:aws:sms-voice:us-east-1:444455556666:phone-number/phone-1")}
	role.Identity = &iam.Identity{Principal: iam.Principal{Type: iam.AssumedRole, ARN: "arn:aws:sts::111122223333:assumed-role/Admin/me", Account: customer,
		ID: "AROAEXAMPLE:me", Role: "arn:aws:iam::111122223333:role/team/Admin"}, AccessKeyID: "ASIAEXAMPLE",
		Session: &iam.Session{Issued: noon.Add(-time.Hour), MFA: noon.Add(-time.Hour), RoleName: "Admin", RoleID: "AROAEXAMPLE", Name: "me"}}
	role.TLS, role.Host = &tls.ConnectionState{Version: tls.VersionTLS13, CipherSuite: tls.TLS_AES_128_GCM_SHA256}, "sms.example.com"
	assumed := guide("AssumeRole", "r", noon, `{"roleArn":"arn:aws:iam::444455556666:role/Theirs","roleSessionName":"me"}`)
	assumed.Shared = []Resource{ResourceOf("444455556666", "arn:aws:iam::444455556666:role/Theirs")}
	assumed.Source, assumed.ReadOnly, assumed.Issues = "sts.amazonaws.com", true, true
	assumed.Response = json.RawMessage(`{"credentials":{"accessKeyId":"ASIAEXAMPLE"}}`)
	n := 0
	ids := []string{"725843fc-8846-41f4-871a-7c52dexample", "fcafc21f-7c93-4a3f-9e72-fca2dexample", "e3", "e4", "e5", "e6", "e7", "e8", "e9", "e10"}
	var all struct{ Records []Record }
	for _, c := range []*Call{created, destination, denied, root, role, assumed} {
		all.Records = append(all.Records, c.records(func() string { n++; return ids[n-1] })...)
	}
	signIn := SignIn{Identity: user(), Account: customer, At: noon, Region: "us-east-1", SourceIP: "192.0.0.1", UserAgent: "curl", RequestID: "r", MFA: true}
	failed := signIn
	failed.Identity, failed.Failed, failed.MFA = nil, true, false
	for _, s := range []SignIn{signIn, failed} {
		r := s.record()
		r.EventID = "e"
		all.Records = append(all.Records, r)
	}
	var got bytes.Buffer
	e := json.NewEncoder(&got)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(all); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/records.json"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("%v; the records are\n%s", err, got.String())
	}
}

// Other accounts get a record of what they let be used alone: not of what a request says,
// not of what was refused, and never where the account can be none.
func TestShared(t *testing.T) {
	const theirs = "arn:aws:sms-voice:us-east-1:444455556666:pool/x"
	said := guide("CreateOptOutList", "r", noon, `{"OptOutListName":"a","Tags":[{"Key":"k","Value":"`+theirs+`"}]}`)
	refused := guide("DescribePools", "r", noon, `{"PoolIds":["`+theirs+`"]}`)
	refused.Shared, refused.ErrorCode = []Resource{ResourceOf("444455556666", theirs)}, "AccessDeniedException"
	strange := guide("DescribePools", "r", noon, `{}`)
	strange.Shared = []Resource{ResourceOf("../../../../", "arn:aws:sms-voice:us-east-1:../../../../:pool/x"), ResourceOf(customer, "own")}
	used := guide("DescribePools", "r", noon, `{}`)
	for range 1000 {
		used.Shared = append(used.Shared, ResourceOf("444455556666", theirs), ResourceOf("777788889999", theirs))
	}
	for c, want := range map[*Call]string{said: customer, refused: customer, strange: customer, used: customer + " 444455556666 777788889999"} {
		var accounts []string
		for _, r := range c.records(newEventID) {
			accounts = append(accounts, r.RecipientAccountID)
		}
		if got := strings.Join(accounts, " "); got != want {
			t.Errorf("%s %s is recorded for %s, not %s", c.Name, c.Parameters, got, want)
		}
	}
}

// Every text that a client chooses is bounded.
func TestRecordIsBounded(t *testing.T) {
	long := strings.Repeat("ä", 100_000)
	c := guide("CreatePool", "r", noon, `{"a":["`+long[:20_000]+`"]}`)
	c.UserAgent, c.Error, c.ErrorCode = long, long, "E"
	r := c.records(newEventID)[0]
	if line := r.encode(); len(line) > 30_000 || !json.Valid(line) {
		t.Errorf("%d bytes", len(line))
	}
	r.RequestParameters = json.RawMessage(`"` + long + long + `"`)
	if line := r.encode(); len(line) > maxRecord || !bytes.Contains(line, []byte(`"omitted":true`)) {
		t.Errorf("%d bytes", len(line))
	}
}

func TestEventOf(t *testing.T) {
	for action, want := range map[string]*Event{
		"sms-voice:SendTextMessage": nil, "sms-voice:SendVoiceMessage": nil, "sms-voice:SendMediaMessage": nil, "sns:Publish": nil,
		"logs:GetLogEvents": nil, "firehose:PutRecordBatch": nil, "": nil, "logs": nil,
		"sms-voice:CreatePool":       {Source: "sms-voice.amazonaws.com", Name: "CreatePool"},
		"sms-voice:DescribePools":    {Source: "sms-voice.amazonaws.com", Name: "DescribePools", ReadOnly: true},
		"sms-voice:PutKeyword":       {Source: "sms-voice.amazonaws.com", Name: "PutKeyword"},
		"iam:SimulateCustomPolicy":   {Source: "iam.amazonaws.com", Name: "SimulateCustomPolicy", ReadOnly: true},
		"sts:AssumeRole":             {Source: "sts.amazonaws.com", Name: "AssumeRole", ReadOnly: true, Issues: true},
		"heliograph:ImportNumbers":   {Source: "heliograph.admin", Name: "ImportNumbers"},
		"heliograph:SimulateInbound": {Source: "heliograph.admin", Name: "SimulateInbound"},
		"heliograph:ShowMessage":     {Source: "heliograph.admin", Name: "ShowMessage", ReadOnly: true},
	} {
		got, ok := EventOf(action)
		if ok != (want != nil) || ok && got != *want {
			t.Errorf("%q: %+v %v", action, got, ok)
		}
	}
}
