package cloudwatchlogs

import (
	"net/http"
	"strings"
	"testing"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

func TestWhatRequestsActOn(t *testing.T) {
	w := start(t)
	err := w.directory.Change(t.Context(), customer, func(tx *resources.Tx) error {
		tx.LogGroups.Put("a", sms.LogGroup{Name: "a"})
		tx.LogGroups.SetTags("a", map[string]string{"team": "red"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const groups = "arn:aws:logs:us-east-1:111122223333:log-group:"
	c := &service.Caller{AccountID: customer, Account: w.directory.Account(customer)}
	for _, r := range []struct{ operation, body, on, team string }{
		{"CreateLogGroup", `{"logGroupName":"b","tags":{"team":"blue"}}`, groups + "b:log-stream:", ""},
		{"DescribeLogGroups", `{}`, "", ""},
		{"DeleteLogGroup", `{"logGroupName":"a"}`, groups + "a:log-stream:", "red"},
		{"GetLogEvents", `{"logGroupName":"a","logStreamName":"s"}`, groups + "a:log-stream:s", "red"},
		{"GetLogEvents", `{"logGroupIdentifier":"` + groups + `a:*","logStreamName":"s"}`, groups + "a:log-stream:s", "red"},
		{"FilterLogEvents", `{"logGroupIdentifier":"a"}`, groups + "a:log-stream:", "red"},
		{"TagResource", `{"resourceArn":"` + groups + `a:*","tags":{"team":"blue"}}`, groups + "a", "red"},
		{"ListTagsForResource", `{"resourceArn":"arn:aws:logs:us-east-1:444455556666:log-group:a"}`, "arn:aws:logs:us-east-1:444455556666:log-group:a", ""},
		{"UntagLogGroup", `{"logGroupName":"a","tags":["team"]}`, groups + "a:log-stream:", "red"},
		{"DeleteLogGroup", `[]`, "", ""},
	} {
		act := w.service.Acts(c, &service.Request{Method: http.MethodPost, Path: "/", Body: []byte(r.body),
			Header: http.Header{"Content-Type": {"application/x-amz-json-1.1"}, "X-Amz-Target": {"Logs_20140328." + r.operation}}})
		if act.Action != "logs:"+r.operation || strings.Join(act.Resources, " ") != r.on || act.ResourceTags["team"] != r.team {
			t.Errorf("%s %s: %+v", r.operation, r.body, act)
		}
		if blue := strings.Contains(r.body, "blue"); blue != (act.RequestTags["team"] == "blue") {
			t.Errorf("%s %s has the tags %v", r.operation, r.body, act.RequestTags)
		}
	}
}
