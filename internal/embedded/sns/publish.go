package sns

import (
	"context"
	"fmt"
	"net/http"
	"regexp"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
)

// TopicSet begins the name of a topic's event set, before the topic's name.
const TopicSet = "topic:"

// publish publishes a message to a topic, or sends a text message to a phone number.
func (s *Service) publish(ctx context.Context, c *service.Caller, f form) ([]any, error) {
	target, number := f.get("TopicArn"), f.get("PhoneNumber")
	if target == "" {
		target = f.get("TargetArn")
	} else if f.has("TargetArn") {
		return nil, invalid("TopicArn", "TopicArn and TargetArn cannot be given together")
	}
	if (target == "") == (number == "") {
		return nil, invalid("TopicArn or PhoneNumber", "one of the two is needed")
	}
	entries, err := f.under("MessageAttributes.entry")
	if err != nil {
		return nil, err
	}
	m, err := parseMessage(f.get, entries)
	if err != nil {
		return nil, err
	}
	for _, fifo := range []string{"MessageGroupId", "MessageDeduplicationId"} {
		if f.get(fifo) != "" {
			return nil, invalid(fifo, "it is of FIFO topics, which are not supported")
		}
	}
	var id string
	if number != "" {
		id, err = s.sendText(ctx, c.Account, number, &m)
	} else {
		id, err = s.publishOne(c, target, &m)
	}
	if err != nil {
		return nil, err
	}
	return []any{element("MessageId", id)}, nil
}

func (s *Service) publishOne(c *service.Caller, arn string, m *message) (string, error) {
	owner, topic, err := s.topicOf(arn)
	if err != nil {
		return "", err
	}
	ids, err := s.append(owner, topic, []message{*m})
	if err != nil {
		return "", err
	}
	return ids[0], nil
}

// topicOf finds a topic that is published to, which may be another account's whose
// policy lets the caller: it was asked before.
func (s *Service) topicOf(arn string) (owner *resources.Snapshot, topic string, err error) {
	n, err := s.Place.parse("TopicArn", arn, false)
	if err != nil {
		return nil, "", err
	}
	owner = s.Directory.Account(n.account)
	if owner == nil || owner.Topics.Get(n.topic) == nil {
		return nil, "", notFound("Topic")
	}
	return owner, n.topic, nil
}

// append puts messages into the event log, from which they go to the topic's
// subscribers, and gives their MessageIds once they are durable. Where nobody has
// subscribed there is nothing to keep.
func (s *Service) append(owner *resources.Snapshot, topic string, messages []message) ([]string, error) {
	ids := make([]string, len(messages))
	if !subscribed(owner, topic) {
		for i := range ids {
			ids[i] = newID()
		}
		return ids, nil
	}
	at := s.Now().UTC().Truncate(time.Millisecond)
	change := &store.Change{Append: make([]store.Event, len(messages))}
	for i := range messages {
		change.Append[i] = store.Event{Account: owner.Account.ID, ConfigurationSet: TopicSet + topic, Status: store.StatusPublication, At: at,
			Detail: store.EventDetail{Content: messages[i].content()}}
	}
	if err := s.Committer.Commit(change); err != nil {
		return nil, fmt.Errorf("publish to topic %s: %w", topic, err)
	}
	if len(change.Events) != len(messages) {
		return nil, fmt.Errorf("publish to topic %s: %d events were written for %d messages", topic, len(change.Events), len(messages))
	}
	for i := range change.Events {
		e := &change.Events[i]
		ids[i] = s.IDs.Of(s.Place.topicARN(owner.Account.ID, topic), e.Slot, e.Seq, e.At)
	}
	return ids, nil
}

func subscribed(s *resources.Snapshot, topic string) bool {
	for _, item := range s.Subscriptions.All() {
		if item.Value.Topic == topic && item.Value.Confirmed {
			return true
		}
	}
	return false
}

// maxBatch is how many messages a PublishBatch may have.
const maxBatch = 10

var entryForm = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

// publishBatch publishes up to ten messages, those that are right in one transaction.
func (s *Service) publishBatch(_ context.Context, c *service.Caller, f form) ([]any, error) {
	owner, topic, err := s.topicOf(f.get("TopicArn"))
	if err != nil {
		return nil, err
	}
	entries, err := f.under("PublishBatchRequestEntries.member")
	if err != nil {
		return nil, err
	}
	if err := checkBatch(entries); err != nil {
		return nil, err
	}
	var messages []message
	var accepted, failed []any
	var of []string // the Ids of messages
	size := 0
	for i, e := range entries {
		attributes, err := f.under(fmt.Sprintf("PublishBatchRequestEntries.member.%d.MessageAttributes.entry", i+1))
		if err != nil {
			return nil, err
		}
		m, err := parseMessage(func(name string) string { return e[name] }, attributes)
		if err != nil {
			failed = append(failed, failedEntry(e["Id"], err))
			continue
		}
		size += m.size()
		messages, of = append(messages, m), append(of, e["Id"])
	}
	if size > maxMessage {
		return nil, exception("BatchRequestTooLong", http.StatusBadRequest, "The messages have %d bytes together, %d are allowed.", size, maxMessage)
	}
	if len(messages) > 0 {
		ids, err := s.append(owner, topic, messages)
		if err != nil {
			return nil, err
		}
		for i, id := range ids {
			accepted = append(accepted, structure{Fields: []any{element("Id", of[i]), element("MessageId", id)}})
		}
	}
	return []any{list("Successful", accepted), list("Failed", failed)}, nil
}

func checkBatch(entries []map[string]string) error {
	switch {
	case len(entries) == 0:
		return exception("EmptyBatchRequest", http.StatusBadRequest, "The batch has no entries.")
	case len(entries) > maxBatch:
		return exception("TooManyEntriesInBatchRequest", http.StatusBadRequest, "The batch has %d entries, %d are allowed.", len(entries), maxBatch)
	}
	seen := map[string]bool{}
	for _, e := range entries {
		id := e["Id"]
		if !entryForm.MatchString(id) {
			return exception("InvalidBatchEntryId", http.StatusBadRequest, "An Id has to be 1 to 80 letters, digits, hyphens and underscores.")
		}
		if seen[id] {
			return exception("BatchEntryIdsNotDistinct", http.StatusBadRequest, "The Id %s is there twice.", id)
		}
		seen[id] = true
	}
	return nil
}

func failedEntry(id string, err error) structure {
	e, ok := err.(*service.Exception)
	if !ok {
		e = exception("InternalError", http.StatusInternalServerError, "internal error")
	}
	return structure{Fields: []any{element("Id", id), element("Code", e.Code), element("Message", e.Message), element("SenderFault", "true")}}
}

// Names of message attributes that say how a text message is sent, as Amazon SNS has
// them.
const (
	smsSenderID    = "AWS.SNS.SMS.SenderID"
	smsType        = "AWS.SNS.SMS.SMSType"
	smsMaxPrice    = "AWS.SNS.SMS.MaxPrice"
	smsOrigination = "AWS.MM.SMS.OriginationNumber"
	smsEntity      = "AWS.MM.SMS.EntityId"
	smsTemplate    = "AWS.MM.SMS.TemplateId"
)

// sendText sends a text message and answers its MessageId.
func (s *Service) sendText(ctx context.Context, account *resources.Snapshot, number string, m *message) (string, error) {
	t, err := textMessage(number, m)
	if err != nil {
		return "", err
	}
	id, err := s.Sender.Send(ctx, account, t)
	return id, translated(err)
}

// textMessage makes a text message of a message. An origination number goes before a
// sender ID; a message without a type has the one that its origination identity has.
func textMessage(number string, m *message) (TextMessage, error) {
	t := TextMessage{Destination: number, Body: m.textFor(protocolSMS)}
	t.OriginationIdentity = m.attributes[smsOrigination].Value
	if t.OriginationIdentity == "" {
		t.OriginationIdentity = m.attributes[smsSenderID].Value
	}
	switch kind := m.attributes[smsType].Value; kind {
	case "":
	case "Transactional":
		t.Type = sms.Transactional
	case "Promotional":
		t.Type = sms.Promotional
	default:
		return TextMessage{}, invalid(smsType, clip(kind)+" is neither Transactional nor Promotional")
	}
	t.MaxPrice = m.attributes[smsMaxPrice].Value
	for attribute, parameter := range map[string]string{smsEntity: "IN_ENTITY_ID", smsTemplate: "IN_TEMPLATE_ID"} {
		if value := m.attributes[attribute].Value; value != "" {
			if t.CountryParameters == nil {
				t.CountryParameters = map[string]string{}
			}
			t.CountryParameters[parameter] = value
		}
	}
	return t, nil
}
