//go:build python

package e2e

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// awsCLI runs the AWS CLI as a user of the server does, and gives its answer.
func (s *server) awsCLI(args ...string) (answer map[string]any) {
	s.t.Helper()
	c := exec.Command("aws", append([]string{"--endpoint-url", s.url, "--output", "json", "pinpoint-sms-voice-v2"}, args...)...)
	c.Dir = s.dir
	c.Env = append(s.env, "AWS_SHARED_CREDENTIALS_FILE="+s.credentials(), "AWS_DEFAULT_REGION="+region, "AWS_EC2_METADATA_DISABLED=true")
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	if err := c.Run(); err != nil {
		s.t.Fatalf("aws %s: %v\n%s", strings.Join(args, " "), err, errOut.String())
	}
	if len(bytes.TrimSpace(out.Bytes())) == 0 {
		return nil
	}
	if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
		s.t.Fatalf("aws %s: %v in\n%s", strings.Join(args, " "), err, out.String())
	}
	return answer
}

// TestTutorialByCLI follows the guide's first tutorial (chapter 3), with the
// commands of chapters 6, 7, 10 and 12, by the AWS CLI and with the built-in
// configuration.
func TestTutorialByCLI(t *testing.T) {
	t.Parallel()
	// A person does not get to the guide's request rates, which are the default.
	s := start(t, "api: {request_rates: guide}\n")
	number := s.awsCLI("request-phone-number", "--iso-country-code", "US", "--message-type", "TRANSACTIONAL",
		"--number-capabilities", "SMS", "--number-type", "SIMULATOR")
	numberID := number["PhoneNumberId"].(string)
	if described := s.awsCLI("describe-phone-numbers", "--phone-number-ids", numberID)["PhoneNumbers"].([]any); len(described) != 1 ||
		described[0].(map[string]any)["Status"] != "ACTIVE" {
		t.Errorf("the number is described as %v", described)
	}
	pool := s.awsCLI("create-pool", "--origination-identity", numberID, "--iso-country-code", "US", "--message-type", "TRANSACTIONAL")
	poolID := pool["PoolId"].(string)
	if described := s.awsCLI("describe-pools", "--filters", "Name=message-type,Values=TRANSACTIONAL", "Name=two-way-enabled,Values=false")["Pools"].([]any); len(described) != 1 {
		t.Errorf("the pools are %v", described)
	}
	if members := s.awsCLI("list-pool-origination-identities", "--pool-id", poolID)["OriginationIdentities"].([]any); len(members) != 1 {
		t.Errorf("the members are %v", members)
	}
	set := s.awsCLI("create-configuration-set", "--configuration-set-name", "Tutorial")
	s.awsCLI("create-event-destination", "--event-destination-name", "AllEvents", "--configuration-set-name", "Tutorial",
		"--matching-event-types", "ALL", "--cloud-watch-logs-destination", "IamRoleArn="+eventsRole+",LogGroupArn="+logGroup)
	s.awsCLI("update-event-destination", "--event-destination-name", "AllEvents", "--configuration-set-name", "Tutorial",
		"--matching-event-types", "TEXT_ALL", "--cloud-watch-logs-destination", "IamRoleArn="+eventsRole+",LogGroupArn="+logGroup)
	s.awsCLI("tag-resource", "--resource-arn", set["ConfigurationSetArn"].(string), "--tags", "Key=chapter,Value=10", "Key=step,Value=2")
	s.awsCLI("untag-resource", "--resource-arn", set["ConfigurationSetArn"].(string), "--tag-keys", "step")
	if sets := s.awsCLI("describe-configuration-sets", "--configuration-set-names", "Tutorial")["ConfigurationSets"].([]any); len(sets) != 1 {
		t.Errorf("the configuration sets are %v", sets)
	}
	text := func(to, from string) string {
		return s.awsCLI("send-text-message", "--destination-phone-number", to, "--origination-identity", from,
			"--message-body", "A first message.", "--configuration-set-name", "Tutorial", "--context", "step=3")["MessageId"].(string)
	}
	delivered, failed := text(successUS, poolID), text(failureUS, numberID)

	of := byMessage(s.untilFinal(2, "--configuration-set", "Tutorial"))
	if len(of) != 2 {
		t.Errorf("events of %d messages", len(of))
	}
	theStory(t, of[delivered], "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED")
	theStory(t, of[failed], "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_UNREACHABLE")
	for id, events := range of {
		for _, e := range events {
			if e.Origination != number["PhoneNumber"] || e.Context["step"] != "3" || e.MessageID != id {
				t.Errorf("event %+v", e)
			}
		}
	}

	s.awsCLI("delete-event-destination", "--event-destination-name", "AllEvents", "--configuration-set-name", "Tutorial")
	s.awsCLI("delete-configuration-set", "--configuration-set-name", "Tutorial")
	s.awsCLI("delete-pool", "--pool-id", poolID)
	s.awsCLI("release-phone-number", "--phone-number-id", numberID)
}
