package sns

import (
	"bytes"
	"encoding/json"
	"strings"
	"time"

	"heliograph/internal/embedded/sns/filter"
)

// Kinds of documents (x-amz-sns-message-type).
const (
	kindNotification = "Notification"
	kindConfirmation = "SubscriptionConfirmation"
)

// notice is the JSON document that an HTTP endpoint gets ("HTTP/HTTPS notification
// JSON format" of Amazon SNS's developer guide).
type notice struct {
	Type             string                      `json:"Type"`
	MessageID        string                      `json:"MessageId"`
	Token            string                      `json:"Token,omitempty"`
	TopicARN         string                      `json:"TopicArn"`
	Subject          string                      `json:"Subject,omitempty"`
	Message          string                      `json:"Message"`
	SubscribeURL     string                      `json:"SubscribeURL,omitempty"`
	Timestamp        string                      `json:"Timestamp"`
	SignatureVersion string                      `json:"SignatureVersion"`
	Signature        string                      `json:"Signature"`
	SigningCertURL   string                      `json:"SigningCertURL"`
	UnsubscribeURL   string                      `json:"UnsubscribeURL,omitempty"`
	Attributes       map[string]filter.Attribute `json:"MessageAttributes,omitempty"`
}

// timestamp renders a time as notices have it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05.000Z") }

// signed is the text that is signed: names and values that are there, each on a line of
// its own, in the order that their kind of document has.
func (n *notice) signed() string {
	pairs := []string{"Message", n.Message, "MessageId", n.MessageID, "Subject", n.Subject, "Timestamp", n.Timestamp,
		"TopicArn", n.TopicARN, "Type", n.Type}
	if n.Type == kindConfirmation {
		pairs = []string{"Message", n.Message, "MessageId", n.MessageID, "SubscribeURL", n.SubscribeURL, "Timestamp", n.Timestamp,
			"Token", n.Token, "TopicArn", n.TopicARN, "Type", n.Type}
	}
	var b strings.Builder
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i] == "Subject" && pairs[i+1] == "" {
			continue
		}
		b.WriteString(pairs[i] + "\n" + pairs[i+1] + "\n")
	}
	return b.String()
}

// finish signs a notice and renders it. base is the public URL of the API's port.
func (n *notice) finish(by *identity, version, base string) ([]byte, error) {
	n.SignatureVersion, n.SigningCertURL = version, base+by.path
	var err error
	if n.Signature, err = by.sign(n.signed(), version); err != nil {
		return nil, err
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(n); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}
