package sns

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"regexp"
	"strings"

	"heliograph/internal/api/service"
)

// Place is where an account's topics are, for their ARNs:
// arn:PARTITION:sns:REGION:ACCOUNT:TOPIC and, of a subscription, :ID after it.
type Place struct{ Partition, Region string }

func (p Place) topicARN(account, topic string) string {
	return "arn:" + p.Partition + ":sns:" + p.Region + ":" + account + ":" + topic
}

func (p Place) subscriptionARN(account, topic, id string) string {
	return p.topicARN(account, topic) + ":" + id
}

var (
	topicForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,256}$`)
	idForm    = regexp.MustCompile(`^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$`)
)

// named is what an ARN names.
type named struct{ account, topic, subscription string }

// parse reads the ARN of a topic, or with subscription of a subscription of one.
func (p Place) parse(parameter, arn string, subscription bool) (named, error) {
	fields := strings.Split(arn, ":")
	want := 6
	if subscription {
		want = 7
	}
	if len(fields) != want || fields[0] != "arn" || fields[2] != "sns" || fields[1] != p.Partition || fields[3] != p.Region ||
		!topicForm.MatchString(fields[5]) {
		shape := p.topicARN("ACCOUNT", "TOPIC")
		if subscription {
			shape += ":ID"
		}
		return named{}, invalid(parameter, fmt.Sprintf("%s is not of the form %s", clip(arn), shape))
	}
	n := named{account: fields[4], topic: fields[5]}
	if subscription {
		if n.subscription = fields[6]; !idForm.MatchString(n.subscription) {
			return named{}, invalid(parameter, clip(arn)+" does not end in the id of a subscription")
		}
	}
	return n, nil
}

// own is parse for the caller's own: no other account has given him a right.
func (p Place) own(c *service.Caller, parameter, arn string, subscription bool) (named, error) {
	n, err := p.parse(parameter, arn, subscription)
	if err == nil && n.account != c.AccountID {
		err = denied("User: %s is not authorized to use %s, which is another account's", c.Principal, clip(arn))
	}
	return n, err
}

// topicName checks the name of a topic that is to be made.
func topicName(name string) error {
	if strings.HasSuffix(name, ".fifo") {
		return invalid("Topic Name", "FIFO topics are not supported: text messages and their events go to standard topics")
	}
	if !topicForm.MatchString(name) {
		return invalid("Topic Name", "1 to 256 letters, digits, hyphens and underscores are needed")
	}
	return nil
}

// newToken makes a secret of 256 bits, as hexadecimal digits.
func newToken() string {
	var b [32]byte
	rand.Read(b[:])
	return fmt.Sprintf("%x", b)
}

// newID makes a UUID version 4 (RFC 9562).
func newID() string {
	var u [16]byte
	rand.Read(u[:])
	return uuid(u, 4)
}

// uuid renders 128 bits as a UUID of a version.
func uuid(u [16]byte, version byte) string {
	u[6], u[8] = u[6]&0x0f|version<<4, u[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// pageSize is how many topics or subscriptions one answer lists.
const pageSize = 100

// paginate gives the page of names, which are in order, that comes after the token's,
// and the token of the next one.
func paginate[T any](all []T, name func(T) string, token string) (page []T, next string, err error) {
	if token != "" {
		after, err := base64.RawURLEncoding.DecodeString(token)
		if err != nil {
			return nil, "", invalid("NextToken", "it is not one that was given out")
		}
		from := 0
		for from < len(all) && name(all[from]) <= string(after) {
			from++
		}
		all = all[from:]
	}
	if len(all) > pageSize {
		all = all[:pageSize]
		next = base64.RawURLEncoding.EncodeToString([]byte(name(all[pageSize-1])))
	}
	return all, next, nil
}
