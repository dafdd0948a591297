package api

import (
	"regexp"
	"strings"

	"heliograph/internal/sms"
)

// The forms of the ARNs that events and incoming messages are sent to, as the
// services that own them document their names. Region and account may be others
// than the caller's: a topic's own policy may let another account publish to it.
var (
	roleARN   = regexp.MustCompile(`^arn:aws[a-z-]*:iam::[0-9]{12}:role/[\x21-\x7e]{1,512}$`)
	groupARN  = regexp.MustCompile(`^arn:aws[a-z-]*:logs:[a-z0-9-]+:[0-9]{12}:log-group:[A-Za-z0-9._/#-]{1,512}(:\*)?$`)
	streamARN = regexp.MustCompile(`^arn:aws[a-z-]*:firehose:[a-z0-9-]+:[0-9]{12}:deliverystream/[A-Za-z0-9._-]{1,64}$`)
	topicARN  = regexp.MustCompile(`^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}$`)
)

func checkRole(field, arn string) error {
	return checkARN(roleARN, field, arn, "an IAM role: arn:aws:iam::ACCOUNT:role/NAME")
}

// checkLogGroup allows the ":*" that CloudWatch Logs itself puts behind the ARN.
func checkLogGroup(field, arn string) error {
	return checkARN(groupARN, field, arn, "a log group: arn:aws:logs:REGION:ACCOUNT:log-group:NAME")
}

func checkDeliveryStream(field, arn string) error {
	return checkARN(streamARN, field, arn, "a delivery stream: arn:aws:firehose:REGION:ACCOUNT:deliverystream/NAME")
}

// checkTopic refuses FIFO topics by name (guide chapter 6).
func checkTopic(field, arn string) error {
	if strings.HasSuffix(arn, ".fifo") {
		return sms.Invalid(sms.ReasonInvalidARN, field, "%s is a FIFO topic; only standard topics are supported.", field)
	}
	return checkARN(topicARN, field, arn, "a standard SNS topic: arn:aws:sns:REGION:ACCOUNT:NAME")
}

func checkARN(form *regexp.Regexp, field, arn, wanted string) error {
	if !form.MatchString(arn) {
		return sms.Invalid(sms.ReasonInvalidARN, field, "%s is not the ARN of %s.", field, wanted)
	}
	return nil
}
