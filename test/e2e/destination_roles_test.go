//go:build python

package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// The policies of the guide's chapters 6, 7, 10 and 14 that are about what the service
// itself may do, by the AWS CLI.

// trustOfTheService is the trust policy of roles that the service takes on.
func trustOfTheService(conditions string) string {
	return policy(`"Sid": "SMSVoice", "Effect": "Allow", "Principal": {"Service": "sms-voice.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": {` + conditions + `}`)
}

const (
	ownAccount = `"StringEquals": {"aws:SourceAccount": "111122223333"}`
	otherOne   = `"StringEquals": {"aws:SourceAccount": "999999999999"}`
	streamARN  = "arn:aws:firehose:us-east-1:111122223333:deliverystream/DeliveryStreamName"
	logsRole   = `"Effect": "Allow", "Action": ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"], "Resource": ["arn:aws:logs:us-east-1:111122223333:log-group:log-group-name:*"]`
)

func ofSet(name string) string {
	return ownAccount + `, "ArnLike": {"aws:SourceArn": "arn:aws:sms-voice:us-east-1:111122223333:configuration-set/` + name + `"}`
}

// TestDestinationRolesOfChapter10 gives event destinations the roles that the guide says,
// and others.
func TestDestinationRolesOfChapter10(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	root := s.asRoot()
	root.may(operation("create-configuration-set", "--configuration-set-name", "ConfigSetName")...)
	root.may(operation("create-configuration-set", "--configuration-set-name", "Other")...)
	root.may("logs", "create-log-group", "--log-group-name", "log-group-name")
	topic := member(root.may("sns", "create-topic", "--name", "MyTopic"), "TopicArn")

	logs := root.role("CWLSMSRole", trustOfTheService(ofSet("ConfigSetName")), policy(logsRole))
	stream := root.role("AKFSMSRole", trustOfTheService(ofSet("ConfigSetName")), policy(`"Effect": "Allow", "Action": "firehose:PutRecord", "Resource": "`+streamARN+`"`))
	deputy := root.role("OtherAccount", trustOfTheService(otherOne), policy(logsRole))
	powerless := root.role("Powerless", trustOfTheService(ofSet("ConfigSetName")), "")
	stranger := root.role("Stranger", policy(`"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"`), policy(logsRole))

	create := func(set, name, role string) []string {
		return operation("create-event-destination", "--configuration-set-name", set, "--event-destination-name", name, "--matching-event-types", "TEXT_ALL",
			"--cloud-watch-logs-destination", "IamRoleArn="+role+",LogGroupArn=arn:aws:logs:us-east-1:111122223333:log-group:log-group-name")
	}
	for name, role := range map[string]string{"another account's": deputy, "one without policies": powerless, "one that trusts another": stranger,
		"one that is not there": "arn:aws:iam::111122223333:role/Nobody"} {
		if _, complaint := root.tryAWS(create("ConfigSetName", "logs", role)...); complaint == "" || !strings.Contains(complaint, role) {
			t.Errorf("%s is taken for a role, or not named: %q", name, complaint)
		}
	}
	if _, complaint := root.tryAWS(create("Other", "logs", logs)...); complaint == "" {
		t.Error("a role is taken for a configuration set that it does not trust")
	}
	root.may(create("ConfigSetName", "logs", logs)...)
	root.may(operation("create-event-destination", "--configuration-set-name", "ConfigSetName", "--event-destination-name", "stream", "--matching-event-types", "TEXT_ALL",
		"--kinesis-firehose-destination", "IamRoleArn="+stream+",DeliveryStreamArn="+streamARN)...)

	// SNS has no role: the guide's statement is in the topic's policy.
	statement := func(set string) string {
		return policy(`"Effect": "Allow", "Principal": {"Service": "sms-voice.amazonaws.com"}, "Action": "SNS:Publish", "Resource": "` + topic + `", "Condition": {` + ofSet(set) + `}`)
	}
	root.may("sns", "set-topic-attributes", "--topic-arn", topic, "--attribute-name", "Policy", "--attribute-value", statement("ConfigSetName"))
	root.may(operation("create-event-destination", "--configuration-set-name", "ConfigSetName", "--event-destination-name", "topic", "--matching-event-types", "TEXT_ALL",
		"--sns-destination", "TopicArn="+topic)...)

	// Who gives a role has to be allowed to.
	mary := root.user("marymajor", policy(`"Effect": "Allow", "Action": "sms-voice:*", "Resource": "*"`))
	mary.mayNot([]string{"AccessDeniedException", "User: arn:aws:iam::111122223333:user/marymajor is not authorized to perform: iam:PassRole on resource: " + logs}, create("ConfigSetName", "more", logs)...)
	root.may("iam", "put-user-policy", "--user-name", "marymajor", "--policy-name", "pass", "--policy-document",
		policy(`"Effect": "Allow", "Action": "iam:PassRole", "Resource": "`+logs+`", "Condition": {"StringEquals": {"iam:PassedToService": "sms-voice.amazonaws.com"}}`))
	mary.may(create("ConfigSetName", "more", logs)...)
	mary.may(operation("delete-event-destination", "--configuration-set-name", "ConfigSetName", "--event-destination-name", "more")...)

	// The events come, as long as the role lets them.
	send := func() {
		t.Helper()
		root.may(operation("send-text-message", "--destination-phone-number", "+14254147755", "--message-body", "x", "--configuration-set-name", "ConfigSetName")...)
	}
	number := member(root.may(operation("request-phone-number", "--iso-country-code", "US", "--message-type", "TRANSACTIONAL", "--number-capabilities", "SMS", "--number-type", "SIMULATOR")...), "PhoneNumberId")
	if number == "" {
		t.Fatal("no simulator number")
	}
	send()
	lines := func() int {
		answer := root.may("logs", "filter-log-events", "--log-group-name", "log-group-name", "--filter-pattern", `{ $.eventType = "TEXT_DELIVERED" }`)
		return len(answer["events"].([]any))
	}
	eventually(t, "an event", func() bool { return lines() == 1 })
	root.may("iam", "put-role-policy", "--role-name", "CWLSMSRole", "--policy-name", "own", "--policy-document",
		`{"Version": "2012-10-17", "Statement": [{`+logsRole+`}, {"Effect": "Deny", "Action": "logs:PutLogEvents", "Resource": "*"}]}`)
	send()
	eventually(t, "the server to say that the role does not allow it", func() bool { return strings.Contains(s.log(), "logs:PutLogEvents") })
	if got := lines(); got != 1 {
		t.Errorf("%d events, though the role does not allow more", got)
	}
	root.may("iam", "put-role-policy", "--role-name", "CWLSMSRole", "--policy-name", "own", "--policy-document", policy(logsRole))
	eventually(t, "what waited for the role", func() bool { return lines() == 2 })
}

// TestDeliveryStreamRole gives a built-in delivery stream roles for its bucket.
func TestDeliveryStreamRole(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	root := s.asRoot()
	write := policy(`"Effect": "Allow", "Action": "s3:PutObject", "Resource": "arn:aws:s3:::sms-events/sms/*"`)
	trust := policy(`"Effect": "Allow", "Principal": {"Service": "firehose.amazonaws.com"}, "Action": "sts:AssumeRole", "Condition": {"StringEquals": {"sts:ExternalId": "111122223333"}}`)
	mine := root.role("Mine", trust, "")
	create := func(role string) []string {
		return []string{"firehose", "create-delivery-stream", "--delivery-stream-name", "Events", "--extended-s3-destination-configuration",
			`{"RoleARN": "` + role + `", "BucketARN": "arn:aws:s3:::sms-events", "Prefix": "sms/", "BufferingHints": {"SizeInMBs": 1, "IntervalInSeconds": 0}}`}
	}
	root.mayNot([]string{"does not trust firehose.amazonaws.com"}, create(root.role("Stranger", trustOfTheService(ownAccount), write))...)
	root.mayNot([]string{"InvalidArgumentException", "no such role"}, create("arn:aws:iam::111122223333:role/Nobody")...)
	root.may(create(mine)...)
	root.may("firehose", "put-record", "--delivery-stream-name", "Events", "--record", "Data=one")
	eventually(t, "the server to say that the role does not allow it", func() bool { return strings.Contains(s.log(), "s3:PutObject on arn:aws:s3:::sms-events/sms/") })
	root.may("iam", "put-role-policy", "--role-name", "Mine", "--policy-name", "own", "--policy-document", write)
	eventually(t, "what waited for the role", func() bool {
		return strings.Contains(unzipped(t, filepath.Join(s.dir, "data", "streams", "111122223333", "sms-events")), "one")
	})
}

// TestTwoWayChannelRoles gives two-way channels the roles and topic policies of the
// guide's chapters 6, 7 and 14.
func TestTwoWayChannelRoles(t *testing.T) {
	t.Parallel()
	s := start(t, "egress: {allow_networks: [127.0.0.0/8]}\n")
	root := s.asRoot()
	made := root.may(operation("request-phone-number", "--iso-country-code", "GB", "--message-type", "TRANSACTIONAL", "--number-capabilities", "SMS", "--number-type", "LONG_CODE")...)
	id, arn := member(made, "PhoneNumberId"), member(made, "PhoneNumberArn")
	topic := member(root.may("sns", "create-topic", "--name", "snsTopicArn"), "TopicArn")
	trust := trustOfTheService(ownAccount)
	role := root.role("TwoWay", trust, `{"Version": "2012-10-17", "Statement": [
		{"Sid": "SMSVoiceAllowSNSPublish", "Effect": "Allow", "Action": "sns:Publish", "Resource": "`+topic+`", "Condition": {"StringEquals": {"aws:ResourceAccount": "111122223333"}}},
		{"Sid": "SMSVoiceAllowEncryptedSNSTopics", "Effect": "Allow", "Action": ["kms:Decrypt", "kms:GenerateDataKey*"], "Resource": "*",
		 "Condition": {"StringEquals": {"kms:EncryptionContext:aws:sns:topicArn": "`+topic+`", "aws:CalledViaLast": "sns.amazonaws.com"}}}]}`)
	chat := root.role("Connect", trust, policy(`"Effect": "Allow", "Action": ["connect:SendChatIntegrationEvent"], "Resource": ["*"]`))
	update := func(channel, role string) []string {
		args := operation("update-phone-number", "--phone-number-id", id, "--two-way-enabled", "--two-way-channel-arn", channel)
		if role != "" {
			args = append(args, "--two-way-channel-role", role)
		}
		return args
	}
	root.mayNot([]string{chat, "sns:Publish"}, update(topic, chat)...)
	root.may(update(topic, role)...)
	root.may(update("connect.us-east-1.amazonaws.com", chat)...)
	root.mayNot([]string{role, "connect:SendChatIntegrationEvent"}, update("connect.us-east-1.amazonaws.com", role)...)

	// Without a role, the topic's policy; with the phone number's ARN as aws:SourceArn.
	set := func(document string) {
		t.Helper()
		root.may("sns", "set-topic-attributes", "--topic-arn", topic, "--attribute-name", "Policy", "--attribute-value", document)
	}
	publish := func(condition string) string {
		return policy(`"Sid": "ConfusedDeputyPreventionExamplePolicy", "Effect": "Allow", "Principal": {"Service": "sms-voice.amazonaws.com"}, "Action": "sns:Publish", "Resource": "` + topic + `"` + condition)
	}
	set(publish(""))
	root.may(update(topic, "")...)
	set(publish(`, "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}, "ArnLike": {"aws:SourceArn": "` + arn + `"}}`))
	root.may(update(topic, "")...)
	// Another number's: what handsets send waits, and comes when the policy is mended.
	set(publish(`, "Condition": {"ArnLike": {"aws:SourceArn": "arn:aws:sms-voice:us-east-1:111122223333:phone-number/phone-0"}}`))
	hook := newHook(t)
	root.may("sns", "subscribe", "--topic-arn", topic, "--protocol", "http", "--notification-endpoint", hook.URL)
	eventually(t, "the subscription's confirmation", func() bool {
		for _, one := range root.may("sns", "list-subscriptions-by-topic", "--topic-arn", topic)["Subscriptions"].([]any) {
			if strings.HasPrefix(member(one.(map[string]any), "SubscriptionArn"), "arn:") {
				return true
			}
		}
		return false
	})
	s.run("simulate", "inbound", "--from", "+447700900123", "--to", member(made, "PhoneNumber"), "--body", "JOIN now")
	eventually(t, "the server to say that the topic's policy does not allow it", func() bool { return strings.Contains(s.log(), "sns:Publish") })
	if n := len(hook.await(0)); n != 0 {
		t.Errorf("%d messages came though the policy does not allow it", n)
	}
	set(publish(`, "Condition": {"ArnLike": {"aws:SourceArn": "` + arn + `"}}`))
	if n := len(hook.await(1)); n != 1 {
		t.Errorf("%d messages came, not the one that waited", n)
	}
}

// TestEndpointPolicy holds everybody, the root too, to a policy like those of VPC
// endpoints in the guide's chapters 14 and 16.
func TestEndpointPolicy(t *testing.T) {
	t.Parallel()
	s := start(t, "")
	root := s.asRoot()
	root.may(operation("create-opt-out-list", "--opt-out-list-name", "Kept")...)
	s.stop()
	s.file("endpoint.json", `{"Statement": [{"Principal": "*", "Effect": "Allow", "Action": ["sms-voice:Describe*", "sms-voice:SendTextMessage", "sms-voice:RequestPhoneNumber"], "Resource": "*"}]}`)
	s.env = append(s.env, "HELIOGRAPH_API_ENDPOINT_POLICY=endpoint.json")
	s.launch()
	root.may(operation("describe-opt-out-lists")...)
	root.mayNot([]string{"AccessDeniedException", "because no VPC endpoint policy allows the sms-voice:DeleteOptOutList action"}, operation("delete-opt-out-list", "--opt-out-list-name", "Kept")...)
	root.user("nobody", "").mayNot([]string{"no identity-based policy allows"}, operation("describe-opt-out-lists")...)
}
