//go:build python

package e2e

import (
	"bufio"
	"bytes"
	"encoding/json"
	"maps"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"
)

// cli2 is the AWS CLI of version 2, which alone has "aws logs tail": aws itself, or
// Debian's.
func cli2(t *testing.T) string {
	t.Helper()
	for _, command := range []string{"aws", "/usr/bin/aws"} {
		out, err := exec.Command(command, "--version").CombinedOutput()
		if err == nil && strings.HasPrefix(string(out), "aws-cli/2") {
			return command
		}
	}
	t.Fatal("there is no AWS CLI of version 2 (Debian: awscli)")
	return ""
}

// logs is a command of the AWS CLI about CloudWatch Logs.
func (s *server) logs(cli string, args ...string) *exec.Cmd {
	c := exec.Command(cli, append([]string{"--endpoint-url", s.url, "--output", "json", "logs"}, args...)...)
	c.Dir = s.dir
	c.Env = append(s.env, "AWS_SHARED_CREDENTIALS_FILE="+s.credentials(), "AWS_DEFAULT_REGION="+region, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_PAGER=", "PYTHONUNBUFFERED=1")
	return c
}

// logsJSON runs one to its end and reads its answer.
func (s *server) logsJSON(answer any, args ...string) {
	s.t.Helper()
	c := s.logs("aws", args...)
	var errOut bytes.Buffer
	c.Stderr = &errOut
	out, err := c.Output()
	if err != nil {
		s.t.Fatalf("aws logs %s: %v\n%s", strings.Join(args, " "), err, errOut.String())
	}
	if answer == nil {
		return
	}
	if err := json.Unmarshal(out, answer); err != nil {
		s.t.Fatalf("aws logs %s: %v in\n%s", strings.Join(args, " "), err, out)
	}
}

// tailed counts the events that lines of "aws logs tail --format short" show, by
// message and type.
type tailed map[string]map[string]int

func (t tailed) add(test *testing.T, line string) {
	_, document, _ := strings.Cut(strings.TrimSpace(line), " ")
	var e struct {
		MessageID string `json:"messageId"`
		Type      string `json:"eventType"`
	}
	if err := json.Unmarshal([]byte(document), &e); err != nil {
		test.Errorf("tail shows %q: %v", line, err)
		return
	}
	if t[e.MessageID] == nil {
		t[e.MessageID] = map[string]int{}
	}
	t[e.MessageID][e.Type]++
}

var toldOnce = map[string]int{"TEXT_QUEUED": 1, "TEXT_SUCCESSFUL": 1, "TEXT_DELIVERED": 1}

// TestLogGroupByCLI follows events in a log group of the embedded CloudWatch Logs
// (guide chapter 10, "Amazon CloudWatch event destinations") with "aws logs tail", over
// a power cut, and reads them with the commands that there are for it.
func TestLogGroupByCLI(t *testing.T) {
	t.Parallel()
	cli := cli2(t)
	s := start(t, "")
	s.logsJSON(nil, "create-log-group", "--log-group-name", "/sms/events", "--tags", "chapter=10")
	s.logsJSON(nil, "put-retention-policy", "--log-group-name", "/sms/events", "--retention-in-days", "30")
	var groups struct {
		LogGroups []struct {
			ARN       string `json:"logGroupArn"`
			Retention int    `json:"retentionInDays"`
		}
	}
	s.logsJSON(&groups, "describe-log-groups", "--log-group-name-prefix", "/sms/")
	if len(groups.LogGroups) != 1 || groups.LogGroups[0].Retention != 30 {
		t.Fatalf("the log groups are %+v", groups)
	}
	s.awsCLI("create-configuration-set", "--configuration-set-name", "Events")
	s.awsCLI("create-event-destination", "--event-destination-name", "Logs", "--configuration-set-name", "Events",
		"--matching-event-types", "ALL", "--cloud-watch-logs-destination", "IamRoleArn="+eventsRole+",LogGroupArn="+groups.LogGroups[0].ARN)
	number := s.awsCLI("request-phone-number", "--iso-country-code", "US", "--message-type", "TRANSACTIONAL",
		"--number-capabilities", "SMS", "--number-type", "SIMULATOR")["PhoneNumberId"].(string)
	send := func() string {
		return s.awsCLI("send-text-message", "--destination-phone-number", successUS, "--origination-identity", number,
			"--message-body", "An event is a line.", "--configuration-set-name", "Events")["MessageId"].(string)
	}

	tail := s.logs(cli, "tail", "/sms/events", "--follow", "--since", "1h", "--format", "short")
	var errOut bytes.Buffer
	tail.Stderr = &errOut
	out, err := tail.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := tail.Start(); err != nil {
		t.Fatal(err)
	}
	overdue := time.AfterFunc(patience, func() { tail.Process.Kill() })
	first, second := send(), send()
	seen := tailed{}
	lines := bufio.NewScanner(out)
	for (!maps.Equal(seen[first], toldOnce) || !maps.Equal(seen[second], toldOnce)) && lines.Scan() {
		seen.add(t, lines.Text())
	}
	overdue.Stop()
	tail.Process.Kill()
	tail.Wait()
	if len(seen) != 2 || !maps.Equal(seen[first], toldOnce) || !maps.Equal(seen[second], toldOnce) {
		t.Fatalf("tail shows %v of %s and %s\n%s", seen, first, second, errOut.String())
	}

	third := send()
	s.kill()
	s.launch()
	for deadline := time.Now().Add(patience); ; time.Sleep(time.Second) {
		out, err := s.logs(cli, "tail", "/sms/events", "--since", "1h", "--format", "short").Output()
		if err != nil {
			t.Fatalf("tail: %v", err)
		}
		seen = tailed{}
		for line := range strings.Lines(string(out)) {
			seen.add(t, line)
		}
		if len(seen) == 3 && maps.Equal(seen[first], toldOnce) && maps.Equal(seen[second], toldOnce) && maps.Equal(seen[third], toldOnce) {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a power cut tail shows %v of %s, %s and %s", seen, first, second, third)
		}
	}

	var found struct {
		Events []struct {
			ID      string `json:"eventId"`
			Stream  string `json:"logStreamName"`
			Message string `json:"message"`
		}
	}
	s.logsJSON(&found, "filter-log-events", "--log-group-name", "/sms/events",
		"--filter-pattern", `{ $.eventType = "TEXT_DELIVERED" && $.isFinal IS TRUE }`)
	ids := map[string]bool{}
	for _, e := range found.Events {
		ids[e.ID] = true
		if !strings.Contains(e.Message, "TEXT_DELIVERED") {
			t.Errorf("found %+v", e)
		}
	}
	if len(ids) != 3 || len(found.Events) != 3 {
		t.Fatalf("found %+v", found)
	}
	var streams struct {
		LogStreams []struct {
			Name string `json:"logStreamName"`
		}
	}
	s.logsJSON(&streams, "describe-log-streams", "--log-group-name", "/sms/events", "--order-by", "LastEventTime", "--descending")
	read := 0
	var names []string
	for _, stream := range streams.LogStreams {
		names = append(names, stream.Name)
		var page struct{ Events []json.RawMessage }
		s.logsJSON(&page, "get-log-events", "--log-group-name", "/sms/events", "--log-stream-name", stream.Name, "--start-from-head")
		read += len(page.Events)
	}
	if read != 9 || !slices.Contains(names, found.Events[0].Stream) {
		t.Errorf("%d events in the streams %v", read, names)
	}
	s.logsJSON(nil, "delete-log-group", "--log-group-name", "/sms/events")
	s.logsJSON(&groups, "describe-log-groups")
	if len(groups.LogGroups) != 0 {
		t.Errorf("after its deletion there is %+v", groups)
	}
}
