package cloudtrail

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/audit"
	"heliograph/internal/audit/trail"
	"heliograph/internal/iam"
	"heliograph/internal/store"
	"heliograph/internal/store/sqlite"
)

const (
	customer = "111122223333"
	other    = "444455556666"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// start gives the service over a store with the records of 120 calls of a customer, one
// a second, and of one of another account.
func start(t *testing.T) *Service {
	t.Helper()
	engine, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "heliograph.db"), sqlite.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { engine.Close() })
	fence, err := engine.Join(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	committer := store.NewCommitter(engine, fence, store.CommitterOptions{})
	t.Cleanup(committer.Close)
	now := noon.Add(time.Hour)
	log, err := audit.Open(audit.Options{Directory: t.TempDir(), FileBytes: 1 << 20, Keep: time.Hour, Account: customer, Region: "us-east-1",
		Now: func() time.Time { return now }, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	call := func(account, name, user string, at time.Time, parameters string) {
		id := &iam.Identity{Principal: iam.Principal{Type: iam.UserType, Account: account, ID: "AIDA", Name: user}, AccessKeyID: "AKIA" + strings.ToUpper(user)}
		if err := log.Record(&audit.Call{Identity: id, Account: account, At: at, Source: audit.SourceService, Name: name, ReadOnly: strings.HasPrefix(name, "Describe"),
			Parameters: json.RawMessage(parameters)}); err != nil {
			t.Fatal(err)
		}
	}
	for n := range 120 {
		name, user := "DescribePools", "ann"
		if n%10 == 0 {
			name, user = "DeletePool", "bob"
		}
		call(customer, name, user, noon.Add(time.Duration(n)*time.Second), fmt.Sprintf(`{"PoolId":"pool-%d"}`, n))
	}
	call(other, "CreatePool", "eve", noon, `{}`)
	if err := log.Flush(); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	go func() { defer close(done); log.CopyTo(ctx, committer, 24*time.Hour) }()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(time.Millisecond) {
		lines, err := engine.LogEvents(t.Context(), store.LogScan{Group: audit.List(other), Slot: store.AnySlot, Limit: 1})
		if err != nil || len(lines) > 0 {
			break
		}
	}
	cancel()
	<-done
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
	return New(Options{Lists: engine, Account: customer, Partition: "aws", Region: "us-east-1",
		Trail: trail.New(trail.Options{Log: log, Bucket: "bucket", Prefix: "p", Now: func() time.Time { return now }})})
}

func ask(t *testing.T, s *Service, account, operation, body string, answer any) (code string) {
	t.Helper()
	r := &service.Request{Method: http.MethodPost, Path: "/", Body: []byte(body), Header: http.Header{
		"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101." + operation}}}
	if action, _ := s.Operation(r); action != "cloudtrail:"+operation {
		t.Fatalf("%s is the action %q", operation, action)
	}
	a, err := s.Answer(t.Context(), &service.Caller{AccountID: account}, r)
	if err != nil {
		return service.ExceptionOf(err).Code
	}
	if err := json.Unmarshal(a.Body, answer); err != nil {
		t.Fatalf("%s answered %q: %v", operation, a.Body, err)
	}
	return ""
}

func TestLookupEvents(t *testing.T) {
	s := start(t)
	for _, c := range []struct {
		account, body string
		events        int
		first         string // its first resource
	}{
		{customer, `{}`, 50, "pool-119"},
		{customer, `{"MaxResults":1}`, 1, "pool-119"},
		{other, `{}`, 1, ""},
		{"777788889999", `{}`, 0, ""},
		{customer, `{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"DeletePool"}]}`, 12, "pool-110"},
		{customer, `{"LookupAttributes":[{"AttributeKey":"EventName","AttributeValue":"CreatePool"}]}`, 0, ""},
		{customer, `{"LookupAttributes":[{"AttributeKey":"Username","AttributeValue":"bob"}]}`, 12, "pool-110"},
		{customer, `{"LookupAttributes":[{"AttributeKey":"ReadOnly","AttributeValue":"false"}]}`, 12, "pool-110"},
		{customer, `{"LookupAttributes":[{"AttributeKey":"AccessKeyId","AttributeValue":"AKIABOB"}]}`, 12, "pool-110"},
		{customer, `{"LookupAttributes":[{"AttributeKey":"ResourceName","AttributeValue":"pool-7"}]}`, 1, "pool-7"},
		{customer, `{"LookupAttributes":[{"AttributeKey":"ResourceType","AttributeValue":"AWS::SMSVOICE::Pool"}]}`, 50, "pool-119"},
		{customer, `{"LookupAttributes":[{"AttributeKey":"EventSource","AttributeValue":"sns.amazonaws.com"}]}`, 0, ""},
		{customer, fmt.Sprintf(`{"StartTime":%d,"EndTime":%d.5}`, noon.Unix()+3, noon.Unix()+5), 3, "pool-5"},
		{customer, `{"EventCategory":"insight"}`, 0, ""},
	} {
		var out lookupEventsOutput
		if code := ask(t, s, c.account, "LookupEvents", c.body, &out); code != "" || len(out.Events) != c.events {
			t.Errorf("%s %s: %s, %d events", c.account, c.body, code, len(out.Events))
			continue
		}
		if c.first != "" && (len(out.Events[0].Resources) != 1 || out.Events[0].Resources[0].Name != c.first) {
			t.Errorf("%s: the first is of %v", c.body, out.Events[0].Resources)
		}
	}
	seen, token := map[string]bool{}, ""
	for pages := 0; ; pages++ {
		var out lookupEventsOutput
		if code := ask(t, s, customer, "LookupEvents", fmt.Sprintf(`{"MaxResults":7,"NextToken":%q}`, token), &out); code != "" || pages > 20 {
			t.Fatal(code, pages)
		}
		for _, e := range out.Events {
			seen[e.ID] = true
		}
		if token = out.NextToken; token == "" {
			break
		}
	}
	if len(seen) != 120 {
		t.Errorf("pages have %d events", len(seen))
	}
	var out lookupEventsOutput
	ask(t, s, customer, "LookupEvents", `{"MaxResults":1}`, &out)
	e := out.Events[0]
	want := event{ID: e.ID, Name: "DescribePools", ReadOnly: "true", AccessKeyID: "AKIAANN", Time: float64(noon.Unix() + 119), Source: audit.SourceService,
		Username: "ann", Resources: []resource{{"AWS::SMSVOICE::Pool", "pool-119"}}, Record: e.Record}
	if fmt.Sprint(e) != fmt.Sprint(want) || !json.Valid([]byte(e.Record)) || !strings.Contains(e.Record, e.ID) {
		t.Errorf("%+v", e)
	}
	for body, want := range map[string]string{
		`{"MaxResults":0}`: invalidMaxResults, `{"MaxResults":51}`: invalidMaxResults, `{"NextToken":"x"}`: invalidNextToken, `{"NextToken":"1-99999999-1"}`: invalidNextToken,
		`{"StartTime":2,"EndTime":1}`: invalidTimeRange, `{"StartTime":-1}`: invalidTimeRange, `{"EventCategory":"x"}`: invalidCategory,
		`{"LookupAttributes":[{"AttributeKey":"X","AttributeValue":"x"}]}`:                                                                  invalidAttributes,
		`{"LookupAttributes":[{"AttributeKey":"EventId","AttributeValue":""}]}`:                                                             invalidAttributes,
		`{"LookupAttributes":[{"AttributeKey":"EventId","AttributeValue":"a"},{"AttributeKey":"EventName","AttributeValue":"DeletePool"}]}`: invalidAttributes,
	} {
		if got := ask(t, s, customer, "LookupEvents", body, &out); got != want {
			t.Errorf("%s: %q, want %s", body, got, want)
		}
	}
}

func TestTrails(t *testing.T) {
	s := start(t)
	var trails describeTrailsOutput
	if ask(t, s, customer, "DescribeTrails", `{}`, &trails); len(trails.Trails) != 1 || trails.Trails[0].S3BucketName != "bucket" || trails.Trails[0].Name != Name {
		t.Errorf("%+v", trails)
	}
	if ask(t, s, other, "DescribeTrails", `{}`, &trails); len(trails.Trails) != 0 {
		t.Errorf("another account sees %+v", trails)
	}
	if ask(t, s, customer, "DescribeTrails", `{"trailNameList":["x"]}`, &trails); len(trails.Trails) != 0 {
		t.Errorf("%+v", trails)
	}
	var status getTrailStatusOutput
	if code := ask(t, s, customer, "GetTrailStatus", `{"Name":"heliograph"}`, &status); code != "" || !status.IsLogging {
		t.Errorf("%s %+v", code, status)
	}
	if code := ask(t, s, other, "GetTrailStatus", `{"Name":"heliograph"}`, &status); code != trailNotFound {
		t.Errorf("%s %+v", code, status)
	}
}

func FuzzToken(f *testing.F) {
	f.Add("1772366400000-0-16777216")
	f.Add("-1--")
	f.Fuzz(func(t *testing.T, text string) {
		if p, ok := parseToken(text); ok {
			if again, ok := parseToken(token(p)); !ok || again != p {
				t.Errorf("%q is %+v, and then %+v", text, p, again)
			}
		}
	})
}
