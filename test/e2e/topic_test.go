//go:build python

package e2e

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"
)

// sns runs the AWS CLI's commands of Amazon SNS.
func (s *server) sns(args ...string) (answer map[string]any, problem string) {
	s.t.Helper()
	c := exec.Command("aws", append([]string{"--endpoint-url", s.url, "--output", "json", "sns"}, args...)...)
	c.Dir = s.dir
	c.Env = append(s.env, "AWS_SHARED_CREDENTIALS_FILE="+s.credentials(), "AWS_DEFAULT_REGION="+region, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_PAGER=")
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	if err := c.Run(); err != nil {
		return nil, errOut.String()
	}
	if len(bytes.TrimSpace(out.Bytes())) > 0 {
		if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
			s.t.Fatalf("aws sns %s: %v in\n%s", strings.Join(args, " "), err, out.String())
		}
	}
	return answer, ""
}

func (s *server) mustSNS(args ...string) map[string]any {
	s.t.Helper()
	answer, problem := s.sns(args...)
	if problem != "" {
		s.t.Fatalf("aws sns %s: %s", strings.Join(args, " "), problem)
	}
	return answer
}

// TestTopicByCLI has a web hook get a message's events through a topic of the embedded
// SNS (guide chapter 10, "Amazon SNS event destinations"), by the AWS CLI. What happens
// while the hook is down, and while the server is, comes afterwards, once.
func TestTopicByCLI(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	topic := s.mustSNS("create-topic", "--name", "sms-events", "--attributes", "DisplayName=Events", "--tags", "Key=chapter,Value=10")["TopicArn"].(string)
	h := newHook(t)
	if got := s.mustSNS("subscribe", "--topic-arn", topic, "--protocol", "http", "--notification-endpoint", h.URL)["SubscriptionArn"]; got != "pending confirmation" {
		t.Errorf("the subscription is %v", got)
	}
	var subscription string
	eventually(t, "the confirmation", func() bool {
		all := s.mustSNS("list-subscriptions-by-topic", "--topic-arn", topic)["Subscriptions"].([]any)
		subscription = all[0].(map[string]any)["SubscriptionArn"].(string)
		return subscription != "PendingConfirmation"
	})
	s.awsCLI("create-configuration-set", "--configuration-set-name", "Events")
	s.awsCLI("create-event-destination", "--event-destination-name", "Topic", "--configuration-set-name", "Events",
		"--matching-event-types", "ALL", "--sns-destination", "TopicArn="+topic)
	number := s.awsCLI("request-phone-number", "--iso-country-code", "US", "--message-type", "TRANSACTIONAL",
		"--number-capabilities", "SMS", "--number-type", "SIMULATOR")
	var sent []string
	send := func() {
		sent = append(sent, s.awsCLI("send-text-message", "--destination-phone-number", successUS, "--origination-identity",
			number["PhoneNumberId"].(string), "--message-body", "A message with events.", "--configuration-set-name", "Events")["MessageId"].(string))
	}
	const each = 3 // events of a message
	send()
	h.await(each)
	h.setDown(true)
	send()
	send()
	eventually(t, "tries while the hook is down", func() bool { return s.metric("heliograph_sns_deliveries_total") >= each+3 })
	s.kill()
	s.launch()
	send()
	h.setDown(false)
	of := map[string]map[string]int{}
	for _, n := range h.await(each * len(sent)) {
		var e event
		if err := json.Unmarshal([]byte(n.Message), &e); err != nil || n.TopicArn != topic {
			t.Fatalf("%v in %+v", err, n)
		}
		if of[e.MessageID] == nil {
			of[e.MessageID] = map[string]int{}
		}
		of[e.MessageID][e.Type]++
	}
	for _, id := range sent {
		for _, kind := range []string{"TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED"} {
			if of[id][kind] != 1 {
				t.Errorf("%s of %s came %d times", kind, id, of[id][kind])
			}
		}
	}

	text := s.mustSNS("publish", "--phone-number", successUS, "--message", "From a topic's service.", "--message-attributes",
		`{"AWS.SNS.SMS.SMSType":{"DataType":"String","StringValue":"Transactional"},"AWS.MM.SMS.OriginationNumber":{"DataType":"String","StringValue":"`+
			number["PhoneNumber"].(string)+`"}}`)["MessageId"].(string)
	eventually(t, "the text message", func() bool { return strings.Contains(s.run("messages", "show", text), "DELIVERED") })

	s.mustSNS("set-subscription-attributes", "--subscription-arn", subscription, "--attribute-name", "RawMessageDelivery", "--attribute-value", "true")
	s.mustSNS("set-topic-attributes", "--topic-arn", topic, "--attribute-name", "DisplayName", "--attribute-value", "Other")
	if got := s.mustSNS("get-topic-attributes", "--topic-arn", topic)["Attributes"].(map[string]any); got["DisplayName"] != "Other" || got["SubscriptionsConfirmed"] != "1" {
		t.Errorf("the topic's attributes are %v", got)
	}
	if _, problem := s.sns("subscribe", "--topic-arn", topic, "--protocol", "email", "--notification-endpoint", "a@example.com"); !strings.Contains(problem, "InvalidParameter") {
		t.Errorf("an address is refused by %q", problem)
	}
	s.mustSNS("unsubscribe", "--subscription-arn", subscription)
	s.mustSNS("delete-topic", "--topic-arn", topic)
	if _, problem := s.sns("publish", "--topic-arn", topic, "--message", "x"); !strings.Contains(problem, "NotFound") {
		t.Errorf("a topic that is gone: %q", problem)
	}
}

// TestTopicByBoto3: boto3 as the client of topics, and signatures verified by another
// library.
func TestTopicByBoto3(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	accessKey, secret := s.keys()
	if got := python(t, []string{"AWS_ENDPOINT_URL=" + s.url, "AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_DEFAULT_REGION=" + region}, "topic.py", "events"); got != "3" {
		t.Errorf("the hook got %s", got)
	}
}
