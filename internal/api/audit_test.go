package api_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"heliograph/internal/api"
	"heliograph/internal/api/service"
	"heliograph/internal/audit"
)

// openAudit opens an audit log in a directory.
func openAudit(t *testing.T, directory string) *audit.Log {
	t.Helper()
	log, err := audit.Open(audit.Options{Directory: directory, FileBytes: 1 << 20, Keep: time.Hour, Account: customerAccount, Region: customerRegion,
		Now: time.Now, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { log.Close() })
	return log
}

func records(t *testing.T, directory string) (all []audit.Record) {
	t.Helper()
	if err := audit.Read(directory, func(l audit.Line) error {
		var r audit.Record
		if err := json.Unmarshal(l.Record, &r); err != nil {
			return err
		}
		all = append(all, r)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return all
}

// issuer is a service that gives away credentials to who comes without a signature.
type issuer struct{ echo }

func (issuer) UnsignedPost(*service.Request) bool { return true }

func (issuer) AnswerPublic(_ context.Context, r *service.Request) (service.Answer, error) {
	if string(r.Body) == "" {
		return service.Answer{}, &service.Exception{Code: "AccessDenied", Status: 403, Message: "No."}
	}
	return service.Answer{Body: []byte(`<SubjectFromWebIdentityToken>ann</SubjectFromWebIdentityToken><Provider>https://issuer</Provider><AccessKeyId>ASIAEXAMPLE000000001</AccessKeyId><SessionToken>secret</SessionToken>`)}, nil
}

// Each call that is recorded is once in the log, with who asked, what for, and how it was
// answered.
func TestAudit(t *testing.T) {
	directory := t.TempDir()
	log := openAudit(t, directory)
	url, _ := startServer(t, func(o *api.Options) {
		o.Audit, o.Keys = log, someUser{}
		o.Services = []service.Service{newEcho("logs", 0), issuer{newEcho("sts", 0)}}
		o.ExtraOperations = []api.Operation{{Target: "HeliographAdmin.ListNumbers", Action: "heliograph:ListNumbers",
			Handle: func(context.Context, *api.Call, []byte) ([]byte, error) { return []byte("{}"), nil }}}
	})
	json11 := "application/x-amz-json-1.1"
	for _, c := range []struct {
		request request
		want    string // source, name, type of identity, error and parameters; empty: no record
	}{
		{request{target: prefix + "CreateConfigurationSet", body: `{"Unknown":"u","ConfigurationSetName":"set"}`},
			`sms-voice.amazonaws.com CreateConfigurationSet Root  {"ConfigurationSetName":"set"}`},
		{request{target: prefix + "DescribePools", body: `{}`}, `sms-voice.amazonaws.com DescribePools Root  {}`},
		{request{target: prefix + "DescribePools", body: `{"MaxResults":0}`}, `sms-voice.amazonaws.com DescribePools Root ValidationException {"MaxResults":0}`},
		{request{target: prefix + "CreatePool", body: `{"OriginationIdentity":`}, `sms-voice.amazonaws.com CreatePool Root SerializationException `},
		{request{target: prefix + "DeletePool", body: `{"PoolId":"pool-1"}`, key: "AKIAUSER"}, `sms-voice.amazonaws.com DeletePool IAMUser AccessDeniedException {"PoolId":"pool-1"}`},
		{request{target: prefix + "PutKeyword", body: `{"OriginationIdentity":"phone-1","Keyword":"K","KeywordMessage":"text"}`},
			`sms-voice.amazonaws.com PutKeyword Root ResourceNotFoundException {"OriginationIdentity":"phone-1","Keyword":"K","KeywordMessage":"HIDDEN_DUE_TO_SECURITY_REASONS"}`},
		{request{target: "HeliographAdmin.ListNumbers", body: `{"country":"US"}`}, `heliograph.admin ListNumbers Root  {"country":"US"}`},
		{request{target: "Echo.Say", service: "logs", contentType: json11, body: `{"text":"hi","password":"p"}`},
			`logs.amazonaws.com Say Root  {"text":"HIDDEN_DUE_TO_SECURITY_REASONS","password":"HIDDEN_DUE_TO_SECURITY_REASONS"}`},
		{request{target: "Echo.Refuse", service: "logs", contentType: json11}, `logs.amazonaws.com Refuse Root ResourceNotFoundException `},
		{request{target: "Echo.Panic", service: "logs", contentType: json11, body: `{}`}, `logs.amazonaws.com Panic Root InternalFailure {}`},
		{request{unsigned: true, contentType: "application/x-www-form-urlencoded",
			body: "Action=AssumeRoleWithWebIdentity&RoleArn=arn:aws:iam::" + customerAccount + ":role/Web&WebIdentityToken=token"},
			`sts.amazonaws.com AssumeRoleWithWebIdentity WebIdentityUser  {"roleArn":"arn:aws:iam::` + customerAccount + `:role/Web","webIdentityToken":"HIDDEN_DUE_TO_SECURITY_REASONS"}`},
		{request{unsigned: true, body: ""}, ""},
		{request{target: prefix + "SendTextMessage", body: `{"DestinationPhoneNumber":"+14254147755","MessageBody":"x"}`}, ""},
		{request{target: prefix + "DescribePools", body: `{}`, secret: "wrong"}, ""},
		{request{target: prefix + "Nothing", body: `{}`}, ""},
	} {
		before := len(records(t, directory))
		got := c.request.send(t, url)
		if err := log.Flush(); err != nil {
			t.Fatal(err)
		}
		all := records(t, directory)[before:]
		if len(all) > 1 || (len(all) == 1) != (c.want != "") {
			t.Errorf("%s: %d records", c.request.target, len(all))
			continue
		}
		for _, r := range all {
			if said := fmt.Sprintf("%s %s %s %s %s", r.EventSource, r.EventName, r.UserIdentity.Type, r.ErrorCode, trimNull(r.RequestParameters)); said != c.want {
				t.Errorf("recorded\n%s, not\n%s", said, c.want)
			}
			if r.RequestID != got.header.Get("x-amzn-RequestId") || r.RecipientAccountID != customerAccount || r.AWSRegion != customerRegion || r.SourceIPAddress != "127.0.0.1" ||
				(r.ErrorMessage == "") != (r.ErrorCode == "") {
				t.Errorf("%+v", r)
			}
			if response := trimNull(r.ResponseElements); r.EventSource == "sts.amazonaws.com" && response != `{"credentials":{"accessKeyId":"ASIAEXAMPLE000000001"}}` || r.EventSource != "sts.amazonaws.com" && response != "" {
				t.Errorf("%s answered %s", r.EventName, response)
			}
		}
	}
	if _, err := audit.Verify(directory); err != nil {
		t.Error(err)
	}
}

func trimNull(text json.RawMessage) string {
	if string(text) == "null" {
		return ""
	}
	return string(text)
}

// Of many calls that come too fast one a second is recorded.
func TestAuditOfThrottled(t *testing.T) {
	directory := t.TempDir()
	log := openAudit(t, directory)
	url, _ := startServer(t, func(o *api.Options) {
		o.Audit, o.Services = log, []service.Service{newEcho("logs", 0)}
	})
	for range 30 {
		request{target: "Echo.Conflict", service: "logs", contentType: "application/x-amz-json-1.1", body: `{}`}.send(t, url)
	}
	if n := len(records(t, directory)); n == 0 || n == 30 {
		t.Errorf("%d records", n)
	}
}

// What cannot be recorded is not done, where it changes something.
func TestAuditThatCannotBeWritten(t *testing.T) {
	directory := filepath.Join(t.TempDir(), "audit")
	log := openAudit(t, directory)
	url, accounts := startServer(t, func(o *api.Options) { o.Audit = log })
	create := func(name string) int {
		return request{target: prefix + "CreateConfigurationSet", body: `{"ConfigurationSetName":"` + name + `"}`}.send(t, url).Status
	}
	if status := create("first"); status != http.StatusOK {
		t.Fatal(status)
	}
	if err := os.RemoveAll(directory); err != nil {
		t.Fatal(err)
	}
	if err := log.Flush(); err == nil {
		t.Fatal("a log without a directory is brought to disk")
	}
	if status := create("second"); status != http.StatusInternalServerError {
		t.Errorf("answered %d", status)
	}
	if status := (request{target: prefix + "DescribePools", body: `{}`}).send(t, url).Status; status != http.StatusOK {
		t.Errorf("what changes nothing is answered %d", status)
	}
	var names []string
	for _, item := range accounts.Account(customerAccount).ConfigurationSets.All() {
		names = append(names, item.ID)
	}
	if !slices.Equal(names, []string{"first"}) {
		t.Errorf("there are %v", names)
	}
	if err := os.MkdirAll(directory, 0o700); err != nil {
		t.Fatal(err)
	}
	if status := create("third"); status != http.StatusOK {
		t.Errorf("answered %d again", status)
	}
}
