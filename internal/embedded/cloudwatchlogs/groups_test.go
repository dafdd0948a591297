package cloudwatchlogs

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"heliograph/internal/resources"
)

func TestLogGroups(t *testing.T) {
	w := start(t)
	for _, name := range []string{"/sms/events", "/sms/alarms", "other"} {
		w.must("CreateLogGroup", `{"logGroupName":"`+name+`","tags":{"team":"a"}}`, nil)
	}
	names := func(request string) (names []string, token string) {
		t.Helper()
		var out describeLogGroupsOutput
		w.must("DescribeLogGroups", request, &out)
		for _, g := range out.Groups {
			names = append(names, g.Name)
		}
		return names, out.NextToken
	}
	for request, want := range map[string][]string{
		`{}`:                                                     {"/sms/alarms", "/sms/events", "other"},
		`{"logGroupNamePrefix":"/sms/"}`:                         {"/sms/alarms", "/sms/events"},
		`{"logGroupNamePrefix":"sms"}`:                           nil,
		`{"logGroupNamePattern":"event"}`:                        {"/sms/events"},
		`{"logGroupNamePattern":"Event"}`:                        nil,
		`{"logGroupClass":"STANDARD"}`:                           {"/sms/alarms", "/sms/events", "other"},
		`{"accountIdentifiers":["99"]}`:                          nil,
		`{"logGroupIdentifiers":["other"]}`:                      {"other"},
		`{"logGroupClass":"DELIVERY"}`:                           nil,
		`{"accountIdentifiers":["` + customer + `"],"limit":50}`: {"/sms/alarms", "/sms/events", "other"},
		`{"logGroupIdentifiers":["arn:aws:logs:us-east-1:` + customer + `:log-group:/sms/events:*","other"]}`: {"/sms/events", "other"},
	} {
		if got, token := names(request); !cmp.Equal(got, want) || token != "" {
			t.Errorf("%s gives %v, token %q", request, got, token)
		}
	}
	first, token := names(`{"limit":2}`)
	second, end := names(`{"limit":2,"nextToken":"` + token + `"}`)
	if !cmp.Equal(append(first, second...), []string{"/sms/alarms", "/sms/events", "other"}) || end != "" {
		t.Errorf("pages %v and %v, token %q", first, second, end)
	}

	var out describeLogGroupsOutput
	w.must("PutRetentionPolicy", `{"logGroupName":"other","retentionInDays":30}`, nil)
	w.must("DescribeLogGroups", `{"logGroupNamePrefix":"other"}`, &out)
	arn := "arn:aws:logs:us-east-1:" + customer + ":log-group:other"
	want := logGroup{Name: "other", Created: out.Groups[0].Created, RetentionDays: 30, ARN: arn + ":*", GroupARN: arn, Class: "STANDARD"}
	if out.Groups[0] != want || want.Created == 0 {
		t.Errorf("described as %+v", out.Groups[0])
	}
	w.must("DeleteRetentionPolicy", `{"logGroupName":"other"}`, nil)
	if got := w.directory.Account(customer).LogGroups.Get("other"); got.Value.RetentionDays != 0 || got.Tags["team"] != "a" {
		t.Errorf("the group is %+v", got)
	}

	w.publish("other", 0, 1, noon, "a line")
	lines := list(customer, w.directory.Account(customer).LogGroups.Get("other"))
	w.must("DeleteLogGroup", `{"logGroupName":"other"}`, nil)
	if d := w.directory.Inventory().Dropped.Get(fmt.Sprint(lines)); d == nil || d.Value != (resources.Dropped{List: lines, Log: true}) {
		t.Errorf("the lines to be deleted are %v", d)
	}
	// One of the same name has other lines.
	w.must("CreateLogGroup", `{"logGroupName":"other"}`, nil)
	var found filterLogEventsOutput
	w.must("FilterLogEvents", `{"logGroupName":"other"}`, &found)
	if len(found.Events) != 0 {
		t.Errorf("the new group has %v", found.Events)
	}
}

func TestTags(t *testing.T) {
	w := start(t)
	arn := "arn:aws:logs:us-east-1:" + customer + ":log-group:g"
	w.must("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	expect := func(want map[string]string) {
		t.Helper()
		var byARN, byName tagsOutput
		w.must("ListTagsForResource", `{"resourceArn":"`+arn+`"}`, &byARN)
		w.must("ListTagsLogGroup", `{"logGroupName":"g"}`, &byName)
		if !cmp.Equal(byARN.Tags, want) || !cmp.Equal(byName.Tags, want) {
			t.Errorf("tags %v and %v, not %v", byARN.Tags, byName.Tags, want)
		}
	}
	expect(map[string]string{})
	w.must("TagResource", `{"resourceArn":"`+arn+`","tags":{"a":"1","b":"2"}}`, nil)
	w.must("TagLogGroup", `{"logGroupName":"g","tags":{"b":"3","c":""}}`, nil)
	expect(map[string]string{"a": "1", "b": "3", "c": ""})
	w.must("UntagResource", `{"resourceArn":"`+arn+`:*","tagKeys":["a","x"]}`, nil)
	w.must("UntagLogGroup", `{"logGroupName":"g","tags":["c"]}`, nil)
	expect(map[string]string{"b": "3"})
}

func TestRefusals(t *testing.T) {
	w := start(t)
	w.must("CreateLogGroup", `{"logGroupName":"g"}`, nil)
	w.publish("g", 0, 1, noon, "a line")
	many := &strings.Builder{}
	for i := range 51 {
		fmt.Fprintf(many, `,"k%d":""`, i)
	}
	const missing, bad = notFound, invalidParameter
	for _, c := range []struct{ operation, body, code string }{
		{"CreateLogGroup", `{"logGroupName":"g"}`, alreadyExists},
		{"CreateLogGroup", `{}`, bad},
		{"CreateLogGroup", `{"logGroupName":"a b"}`, bad},
		{"CreateLogGroup", `{"logGroupName":"` + strings.Repeat("x", 513) + `"}`, bad},
		{"CreateLogGroup", `{"logGroupName":"h","kmsKeyId":"k"}`, bad},
		{"CreateLogGroup", `{"logGroupName":"h","logGroupClass":"DELIVERY"}`, bad},
		{"CreateLogGroup", `{"logGroupName":"h","deletionProtectionEnabled":true}`, bad},
		{"CreateLogGroup", `{"logGroupName":"h","tags":{"aws:x":"y"}}`, bad},
		{"CreateLogGroup", `{"logGroupName":"h","tags":{"":"y"}}`, bad},
		{"CreateLogGroup", `{"logGroupName":"h","tags":{` + many.String()[1:] + `}}`, bad},
		{"CreateLogGroup", `{"logGroupName":7}`, "SerializationException"},
		{"DeleteLogGroup", `{"logGroupName":"h"}`, missing},
		{"DeleteLogGroup", `{}`, bad},
		{"PutRetentionPolicy", `{"logGroupName":"g","retentionInDays":2}`, bad},
		{"PutRetentionPolicy", `{"logGroupName":"h","retentionInDays":1}`, missing},
		{"DeleteRetentionPolicy", `{"logGroupName":"h"}`, missing},
		{"DescribeLogGroups", `{"limit":51}`, bad},
		{"DescribeLogGroups", `{"limit":0}`, bad},
		{"DescribeLogGroups", `{"nextToken":"*"}`, bad},
		{"DescribeLogGroups", `{"logGroupNamePrefix":"a","logGroupNamePattern":"b"}`, bad},
		{"DescribeLogGroups", `{"logGroupIdentifiers":["arn:aws:logs:us-east-1:999999999999:log-group:g"]}`, bad},
		{"TagResource", `{"resourceArn":"arn:aws:logs:us-east-1:` + customer + `:log-group:h","tags":{"a":"b"}}`, missing},
		{"TagResource", `{"resourceArn":"g","tags":{}}`, bad},
		{"TagLogGroup", `{"logGroupName":"g","tags":{"a":"` + strings.Repeat("x", 257) + `"}}`, bad},
		{"ListTagsForResource", `{"resourceArn":"arn:aws:logs:eu-west-1:` + customer + `:log-group:g"}`, bad},
		{"ListTagsLogGroup", `{"logGroupName":"h"}`, missing},
		{"UntagLogGroup", `{"logGroupName":"h","tags":["a"]}`, missing},
		{"DescribeLogStreams", `{"logGroupName":"h"}`, missing},
		{"DescribeLogStreams", `{}`, bad},
		{"DescribeLogStreams", `{"logGroupName":"g","logGroupIdentifier":"g"}`, bad},
		{"DescribeLogStreams", `{"logGroupName":"g","orderBy":"Size"}`, bad},
		{"DescribeLogStreams", `{"logGroupName":"g","orderBy":"LastEventTime","logStreamNamePrefix":"h"}`, bad},
		{"DescribeLogStreams", `{"logGroupName":"g","nextToken":"x"}`, bad},
		{"GetLogEvents", `{"logGroupName":"h","logStreamName":"heliograph/2026-03-01/0"}`, missing},
		{"GetLogEvents", `{"logGroupName":"g","logStreamName":"heliograph/2026-03-01/00"}`, missing},
		{"GetLogEvents", `{"logGroupName":"g","logStreamName":"heliograph/2026-03-02/0"}`, missing},
		{"GetLogEvents", `{"logGroupName":"g"}`, missing},
		{"GetLogEvents", `{"logGroupName":"g","logStreamName":"heliograph/2026-03-01/-1"}`, missing},
		{"GetLogEvents", `{"logGroupName":"g","logStreamName":"heliograph/2026-03-01/0","limit":10001}`, bad},
		{"GetLogEvents", `{"logGroupName":"g","logStreamName":"heliograph/2026-03-01/0","startTime":-1}`, bad},
		{"GetLogEvents", `{"logGroupName":"g","logStreamName":"heliograph/2026-03-01/0","endTime":9999999999999999}`, bad},
		{"GetLogEvents", `{"logGroupName":"g","logStreamName":"heliograph/2026-03-01/0","nextToken":"x/1/2"}`, bad},
		{"FilterLogEvents", `{"logGroupName":"h"}`, missing},
		{"FilterLogEvents", `{"logGroupName":"g","limit":0}`, bad},
		{"FilterLogEvents", `{"logGroupName":"g","filterPattern":"{ $.a"}`, bad},
		{"FilterLogEvents", `{"logGroupName":"g","nextToken":"1-2"}`, bad},
		{"FilterLogEvents", `{"logGroupName":"g","startTime":-1}`, bad},
		{"FilterLogEvents", `{"logGroupName":"g","logStreamNames":["x"]}`, missing},
		{"FilterLogEvents", `{"logGroupName":"g","logStreamNames":["heliograph/2026-03-01/1"]}`, missing},
		{"FilterLogEvents", `{"logGroupName":"g","logStreamNames":["heliograph/2026-03-01/0"],"logStreamNamePrefix":"h"}`, bad},
	} {
		if code := w.call(c.operation, c.body, nil); code != c.code {
			t.Errorf("%s %.200s: %q, not %q", c.operation, c.body, code, c.code)
		}
	}
	if n := w.directory.Account(customer).LogGroups.Len(); n != 1 {
		t.Errorf("%d groups after refusals", n)
	}
}

func TestGroupLimit(t *testing.T) {
	w := start(t)
	err := w.directory.Change(t.Context(), customer, func(tx *resources.Tx) error {
		for i := range maxGroups {
			name := fmt.Sprintf("g%04d", i)
			tx.LogGroups.Put(name, logGroupValue(name))
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if code := w.call("CreateLogGroup", `{"logGroupName":"one-more"}`, nil); code != limitExceeded {
		t.Errorf("one group more: %q", code)
	}
}
