package sns

import (
	"encoding/xml"
	"flag"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api/service"
)

var update = flag.Bool("update", false, "write the golden files")

var uuidForm = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)

// golden compares a document with a file, ids left out.
func golden(t *testing.T, name, document string) {
	t.Helper()
	got := strings.ReplaceAll(uuidForm.ReplaceAllStringFunc(document, func(id string) string {
		if strings.HasPrefix(id, "00000000") {
			return id
		}
		return "ID"
	}), "><", ">\n<")
	path := filepath.Join("testdata", name+".xml")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s is\n%s\nwant\n%s", name, got, want)
	}
}

// TestAnswers: the documents of every action.
func TestAnswers(t *testing.T) {
	r := newRig(t)
	golden(t, "CreateTopic", r.must("CreateTopic", "Name", "events", "Attributes.entry.1.key", "DisplayName", "Attributes.entry.1.value", "Events & more",
		"Tags.member.1.Key", "a", "Tags.member.1.Value", "<b>"))
	golden(t, "CreateTopic", r.must("CreateTopic", "Name", "events"))
	golden(t, "CreateTopic", r.must("CreateTopic", "Name", "events", "Tags.member.1.Key", "a", "Tags.member.1.Value", "<b>"))
	golden(t, "ListTopics", r.must("ListTopics"))
	golden(t, "SetTopicAttributes", r.must("SetTopicAttributes", "TopicArn", topicARN, "AttributeName", "TracingConfig", "AttributeValue", "Active"))
	phone := r.must("Subscribe", "TopicArn", topicARN, "Protocol", "sms", "Endpoint", "+12065550199")
	golden(t, "Subscribe", phone)
	arn := between(phone, "SubscriptionArn")
	golden(t, "SubscribePending", r.must("Subscribe", "TopicArn", topicARN, "Protocol", "https", "Endpoint", "https://me:secret@127.0.0.1:1/"))
	golden(t, "GetTopicAttributes", r.must("GetTopicAttributes", "TopicArn", topicARN))
	golden(t, "SetSubscriptionAttributes", r.must("SetSubscriptionAttributes", "SubscriptionArn", arn,
		"AttributeName", "FilterPolicy", "AttributeValue", `{"a":["b"]}`))
	golden(t, "GetSubscriptionAttributes", r.must("GetSubscriptionAttributes", "SubscriptionArn", arn))
	listed := r.must("ListSubscriptionsByTopic", "TopicArn", topicARN)
	if strings.Count(listed, "<member>") != 2 || strings.Count(listed, "<SubscriptionArn>PendingConfirmation<") != 1 ||
		!strings.Contains(listed, "<Endpoint>https://me:****@127.0.0.1:1/<") {
		t.Error(listed)
	}
	r.must("Unsubscribe", "SubscriptionArn", pending(r))
	golden(t, "ListSubscriptionsByTopic", r.must("ListSubscriptionsByTopic", "TopicArn", topicARN))
	golden(t, "ListSubscriptions", r.must("ListSubscriptions"))
	golden(t, "Publish", r.must("Publish", "TopicArn", topicARN, "Message", "x"))
	golden(t, "PublishBatch", r.must("PublishBatch", "TopicArn", topicARN, "PublishBatchRequestEntries.member.1.Id", "one",
		"PublishBatchRequestEntries.member.1.Message", "x", "PublishBatchRequestEntries.member.2.Id", "two"))
	golden(t, "TagResource", r.must("TagResource", "ResourceArn", topicARN, "Tags.member.1.Key", "c", "Tags.member.1.Value", "d"))
	golden(t, "ListTagsForResource", r.must("ListTagsForResource", "ResourceArn", topicARN))
	golden(t, "UntagResource", r.must("UntagResource", "ResourceArn", topicARN, "TagKeys.member.1", "a"))
	golden(t, "Unsubscribe", r.must("Unsubscribe", "SubscriptionArn", arn))
	golden(t, "DeleteTopic", r.must("DeleteTopic", "TopicArn", topicARN))
	r.must("DeleteTopic", "TopicArn", topicARN)
	r.must("Unsubscribe", "SubscriptionArn", arn)
	golden(t, "ListTopicsEmpty", r.must("ListTopics"))
	body, status := r.ask("GetTopicAttributes", "TopicArn", topicARN)
	if status != http.StatusNotFound {
		t.Errorf("status %d", status)
	}
	golden(t, "NotFound", body)
}

// pending is the ARN of the subscription that waits.
func pending(r *rig) string {
	for _, item := range r.directory.Account(account).Subscriptions.All() {
		if !item.Value.Confirmed {
			return r.service.Place.subscriptionARN(account, item.Value.Topic, item.ID)
		}
	}
	r.t.Fatal("none waits")
	return ""
}

func TestRefusals(t *testing.T) {
	r := newRig(t)
	r.topic("Attributes.entry.1.key", "DisplayName", "Attributes.entry.1.value", "Events", "Tags.member.1.Key", "a", "Tags.member.1.Value", "b")
	arn := between(r.must("Subscribe", "TopicArn", topicARN, "Protocol", "sms", "Endpoint", "+12065550199"), "SubscriptionArn")
	none := strings.Replace(topicARN, "events", "none", 1)
	of := func(parameters ...string) []string { return parameters }
	set := func(name, value string) []string {
		return of("SetTopicAttributes", "TopicArn", topicARN, "AttributeName", name, "AttributeValue", value)
	}
	setSubscription := func(name, value string) []string {
		return of("SetSubscriptionAttributes", "SubscriptionArn", arn, "AttributeName", name, "AttributeValue", value)
	}
	withAttribute := func(name, kind, value string) []string {
		return of("Publish", "TopicArn", topicARN, "Message", "x", "MessageAttributes.entry.1.Name", name,
			"MessageAttributes.entry.1.Value.DataType", kind, "MessageAttributes.entry.1.Value.StringValue", value)
	}
	text := func(name, value string) []string {
		return of("Publish", "PhoneNumber", "+12065550199", "Message", "x", "MessageAttributes.entry.1.Name", name,
			"MessageAttributes.entry.1.Value.DataType", "String", "MessageAttributes.entry.1.Value.StringValue", value)
	}
	before := r.must("GetTopicAttributes", "TopicArn", topicARN) + r.must("ListSubscriptions") + r.must("ListTopics")
	for _, c := range []struct {
		ask        []string
		code, want string
	}{
		{of("Fly"), "InvalidAction", "Fly"},
		{of(""), "MissingAction", ""},
		{of("ListTopics", "Version", "2012-01-01"), "MalformedQueryString", "2 times"},
		{of("CreateTopic"), "InvalidParameter", "Topic Name"},
		{of("CreateTopic", "Name", "a b"), "InvalidParameter", "Topic Name"},
		{of("CreateTopic", "Name", strings.Repeat("x", 257)), "InvalidParameter", "Topic Name"},
		{of("CreateTopic", "Name", "a.fifo"), "InvalidParameter", "FIFO"},
		{of("CreateTopic", "Name", "a", "Attributes.entry.1.key", "FifoTopic", "Attributes.entry.1.value", "true"), "InvalidParameter", "FIFO"},
		{of("CreateTopic", "Name", "events", "Attributes.entry.1.key", "DisplayName", "Attributes.entry.1.value", "Other"), "InvalidParameter", "different attributes"},
		{of("CreateTopic", "Name", "events", "Tags.member.1.Key", "a", "Tags.member.1.Value", "c"), "InvalidParameter", "different tags"},
		{of("CreateTopic", "Name", "a", "Tags.member.1.Key", "aws:x", "Tags.member.1.Value", "c"), "InvalidParameter", "aws:"},
		{of("CreateTopic", "Name", "a", "Tags.member.2.Key", "x"), "InvalidParameter", "Tags.member.1 is missing"},
		{of("CreateTopic", "Name", "a", "Tags.member.x.Key", "x"), "InvalidParameter", "Tags.member.1 to"},
		{of("CreateTopic", "Name", "a", "DataProtectionPolicy", "{}"), "InvalidParameter", "not supported"},
		{of("ListTopics", "NextToken", "!"), "InvalidParameter", "NextToken"},
		{of("GetTopicAttributes"), "InvalidParameter", "TopicArn"},
		{of("GetTopicAttributes", "TopicArn", "events"), "InvalidParameter", "TopicArn"},
		{of("GetTopicAttributes", "TopicArn", strings.Replace(topicARN, "us-east-1", "eu-west-1", 1)), "InvalidParameter", "us-east-1"},
		{of("GetTopicAttributes", "TopicArn", strings.Replace(topicARN, account, other, 1)), "AuthorizationError", "another account"},
		{of("GetTopicAttributes", "TopicArn", none), "NotFound", "Topic does not exist"},
		{of("SetTopicAttributes", "TopicArn", none, "AttributeName", "DisplayName", "AttributeValue", "x"), "NotFound", "Topic"},
		{of("SetTopicAttributes", "TopicArn", topicARN), "InvalidParameter", "AttributeName"},
		{set("Colour", "red"), "InvalidParameter", `"Colour" is not one of`},
		{set("DisplayName", strings.Repeat("x", 101)), "InvalidParameter", "100 characters"},
		{set("SignatureVersion", "3"), "InvalidParameter", "neither 1 nor 2"},
		{set("TracingConfig", "On"), "InvalidParameter", "PassThrough"},
		{set("DeliveryPolicy", "[]"), "InvalidParameter", "JSON object"},
		{set("Policy", "x"), "InvalidParameter", "JSON object"},
		{set("Policy", "{}"), "InvalidParameter", "Statement"},
		{set("Policy", `{"Statement":[]}`), "InvalidParameter", "Statement is empty"},
		{set("Policy", `{"Statement":{"Effect":"May"}}`), "InvalidParameter", "Allow or Deny"},
		{set("Policy", `{"Statement":{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}}`), "InvalidParameter", "rincipal"},
		{set("Policy", `{"Statement":{"Effect":"Allow","Principal":"*"}}`), "InvalidParameter", "must contain actions"},
		{set("KmsMasterKeyId", "alias/key"), "InvalidParameter", "not encrypted"},
		{set("FifoTopic", "true"), "InvalidParameter", "FIFO"},
		{of("Subscribe", "TopicArn", none, "Protocol", "sms", "Endpoint", "+12065550199"), "NotFound", "Topic"},
		{of("Subscribe", "TopicArn", topicARN, "Protocol", "email", "Endpoint", "a@b"), "InvalidParameter", "email"},
		{of("Subscribe", "TopicArn", topicARN, "Protocol", "http", "Endpoint", "https://a"), "InvalidParameter", "http://"},
		{of("Subscribe", "TopicArn", topicARN, "Protocol", "https", "Endpoint", "https://"), "InvalidParameter", "https://"},
		{of("Subscribe", "TopicArn", topicARN, "Protocol", "http", "Endpoint", "http://:80/"), "InvalidParameter", "http://"},
		{of("Subscribe", "TopicArn", topicARN, "Protocol", "http", "Endpoint", "http://a/"+strings.Repeat("x", 2048)), "InvalidParameter", "2048"},
		{of("Subscribe", "TopicArn", topicARN, "Protocol", "sms", "Endpoint", "abc"), "InvalidParameter", "E.164"},
		{of("Subscribe", "TopicArn", topicARN, "Protocol", "sms", "Endpoint", "+12065550199", "Attributes.entry.1.key", "FilterPolicy",
			"Attributes.entry.1.value", `{"a":["b"]}`), "InvalidParameter", "already exists with different attributes"},
		{of("Subscribe", "TopicArn", topicARN, "Protocol", "sms", "Endpoint", "+12065550198", "Attributes.entry.1.key", "FilterPolicy",
			"Attributes.entry.1.value", `{"a":"b"}`), "InvalidParameter", "FilterPolicy"},
		{of("Subscribe", "TopicArn", topicARN, "Protocol", "sms", "Endpoint", "+12065550198", "Attributes.entry.1.key", "Colour"), "InvalidParameter", "Colour"},
		{of("ConfirmSubscription", "TopicArn", topicARN), "InvalidParameter", "Token"},
		{of("ConfirmSubscription", "TopicArn", topicARN, "Token", "x"), "InvalidParameter", "Invalid token"},
		{of("ConfirmSubscription", "TopicArn", none, "Token", "x"), "NotFound", "Topic"},
		{of("Unsubscribe", "SubscriptionArn", "PendingConfirmation"), "InvalidParameter", "SubscriptionArn"},
		{of("Unsubscribe", "SubscriptionArn", topicARN+":x"), "InvalidParameter", "id of a subscription"},
		{of("Unsubscribe", "SubscriptionArn", strings.Replace(arn, account, other, 1)), "AuthorizationError", "another account"},
		{of("GetSubscriptionAttributes", "SubscriptionArn", strings.Replace(arn, "events", "none", 1)), "NotFound", "Subscription"},
		{of("ListSubscriptionsByTopic", "TopicArn", none), "NotFound", "Topic"},
		{of("SetSubscriptionAttributes", "SubscriptionArn", topicARN+":"+newID(), "AttributeName", "FilterPolicy"), "NotFound", "Subscription"},
		{setSubscription("Colour", ""), "InvalidParameter", "Colour"},
		{setSubscription("RawMessageDelivery", "yes"), "InvalidParameter", "true nor false"},
		{setSubscription("RawMessageDelivery", "true"), "InvalidParameter", "[sms]"},
		{setSubscription("FilterPolicyScope", "Both"), "InvalidParameter", "Both"},
		{setSubscription("FilterPolicy", "x"), "InvalidParameter", "JSON object"},
		{setSubscription("RedrivePolicy", "{}"), "InvalidParameter", "queues"},
		{of("Publish", "Message", "x"), "InvalidParameter", "TopicArn or PhoneNumber"},
		{of("Publish", "Message", "x", "TopicArn", topicARN, "PhoneNumber", "+12065550199"), "InvalidParameter", "TopicArn or PhoneNumber"},
		{of("Publish", "Message", "x", "TopicArn", topicARN, "TargetArn", topicARN), "InvalidParameter", "TargetArn"},
		{of("Publish", "Message", "x", "TopicArn", none), "NotFound", "Topic"},
		{of("Publish", "TopicArn", topicARN), "InvalidParameter", "Empty message"},
		{of("Publish", "TopicArn", topicARN, "Message", strings.Repeat("x", maxMessage+1)), "InvalidParameter", "262145 bytes"},
		{of("Publish", "TopicArn", topicARN, "Message", "x", "Subject", "a\nb"), "InvalidParameter", "Subject"},
		{of("Publish", "TopicArn", topicARN, "Message", "x", "Subject", strings.Repeat("x", 100)), "InvalidParameter", "Subject"},
		{of("Publish", "TopicArn", topicARN, "Message", "x", "MessageGroupId", "g"), "InvalidParameter", "FIFO"},
		{of("Publish", "TopicArn", topicARN, "Message", "x", "MessageStructure", "xml"), "InvalidParameter", "MessageStructure"},
		{of("Publish", "TopicArn", topicARN, "Message", "x", "MessageStructure", "json"), "InvalidParameter", "failed to parse"},
		{of("Publish", "TopicArn", topicARN, "Message", `{"http":"x"}`, "MessageStructure", "json"), "InvalidParameter", "default"},
		{withAttribute("a..b", "String", "x"), "InvalidParameter", "no name"},
		{withAttribute("$structure", "String", "json"), "InvalidParameter", "no name"},
		{withAttribute("a", "", "x"), "InvalidParameter", "data type"},
		{withAttribute("a", "Text", "x"), "InvalidParameter", "Text"},
		{withAttribute("a", "String", ""), "InvalidParameter", "no value"},
		{withAttribute("a", "Number", "NaN"), "InvalidParameter", "no number"},
		{withAttribute("a", "String.Array", "x"), "InvalidParameter", "JSON list"},
		{withAttribute("a", "String.Array", "[[]]"), "InvalidParameter", "within its list"},
		{of("Publish", "TopicArn", topicARN, "Message", "x", "MessageAttributes.entry.1.Name", "a", "MessageAttributes.entry.1.Value.DataType", "Binary",
			"MessageAttributes.entry.1.Value.BinaryValue", "!"), "InvalidParameter", "base 64"},
		{text(smsType, "Urgent"), "InvalidParameter", "Transactional"},
		{of("PublishBatch", "TopicArn", topicARN), "EmptyBatchRequest", ""},
		{of("PublishBatch", "TopicArn", topicARN, "PublishBatchRequestEntries.member.1.Id", "a b"), "InvalidBatchEntryId", ""},
		{of("PublishBatch", "TopicArn", topicARN, "PublishBatchRequestEntries.member.1.Id", "a", "PublishBatchRequestEntries.member.2.Id", "a"),
			"BatchEntryIdsNotDistinct", ""},
		{of("PublishBatch", "TopicArn", topicARN, "PublishBatchRequestEntries.member.1.Id", "a", "PublishBatchRequestEntries.member.2.Id", "b",
			"PublishBatchRequestEntries.member.1.Message", strings.Repeat("x", maxMessage/2+1),
			"PublishBatchRequestEntries.member.2.Message", strings.Repeat("x", maxMessage/2)), "BatchRequestTooLong", ""},
		{of("TagResource", "ResourceArn", none, "Tags.member.1.Key", "a"), "ResourceNotFound", ""},
		{of("ListTagsForResource", "ResourceArn", none), "ResourceNotFound", ""},
		{of("TagResource", "ResourceArn", topicARN, "Tags.member.1.Key", strings.Repeat("k", 129)), "InvalidParameter", "128"},
	} {
		body, status := r.ask(c.ask[0], c.ask[1:]...)
		if got := between(body, "Code"); got != c.code || status < 400 || !strings.Contains(between(body, "Message"), xmlText(c.want)) ||
			between(body, "Type") != "Sender" || between(body, "RequestId") == "" {
			t.Errorf("%.200v: %d %.300s, want %s with %q", c.ask, status, body, c.code, c.want)
		}
	}
	if after := r.must("GetTopicAttributes", "TopicArn", topicARN) + r.must("ListSubscriptions") + r.must("ListTopics"); after != before {
		t.Errorf("what was refused changed something:\n%s\n%s", before, after)
	}
	entries := []string{"TopicArn", topicARN}
	for i := range 11 {
		entries = append(entries, fmt.Sprintf("PublishBatchRequestEntries.member.%d.Id", i+1), fmt.Sprint(i))
	}
	if body, _ := r.ask("PublishBatch", entries...); between(body, "Code") != "TooManyEntriesInBatchRequest" {
		t.Error(body)
	}
	if body, _ := r.request("%zz"); between(body, "Code") != "MalformedQueryString" {
		t.Error(body)
	}
	if body, _ := r.request("Action=ListTopics&Version=2012-01-01"); between(body, "Code") != "NoSuchVersion" {
		t.Error(body)
	}
	if body, _ := r.request("Action=%ff"); between(body, "Code") != "MalformedQueryString" {
		t.Error(body)
	}
}

func xmlText(s string) string {
	var b strings.Builder
	if err := xml.EscapeText(&b, []byte(s)); err != nil {
		panic(err)
	}
	return b.String()
}

// TestSignersShareTheirKey: every node of an installation has the same certificate; one
// with other keys makes its own.
func TestSignersShareTheirKey(t *testing.T) {
	r := newRig(t)
	made, err := r.signer.identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	second, err := NewSigner(r.engine, r.committer, []byte("0123456789abcdef"), time.Now, r.handshake.Log).identity(t.Context())
	if err != nil || second.path != made.path || string(second.pem) != string(made.pem) || !second.key.Equal(made.key) {
		t.Errorf("%v, %v", second, err)
	}
	// Two that are the first at once.
	late := NewSigner(r.engine, r.committer, []byte("0123456789abcdef"), time.Now, r.handshake.Log)
	if of, err := late.make(t.Context(), true); err != nil || of.path != made.path {
		t.Errorf("%v, %v", of, err)
	}
	if of, err := NewSigner(r.engine, r.committer, []byte("another secret"), time.Now, r.handshake.Log).identity(t.Context()); err != nil || of.path == made.path {
		t.Errorf("%v, %v", of, err)
	}
}

func TestMessageIDs(t *testing.T) {
	one, err := NewMessageIDs([]byte("one"))
	if err != nil {
		t.Fatal(err)
	}
	two, err := NewMessageIDs([]byte("two"))
	if err != nil {
		t.Fatal(err)
	}
	at := time.UnixMilli(1_700_000_000_123)
	seen := map[string]bool{}
	for _, id := range []string{one.Of("t", 1, 2, at), one.Of("t", 2, 1, at), one.Of("u", 1, 2, at), one.Of("t", 1, 2, at.Add(time.Millisecond)), two.Of("t", 1, 2, at)} {
		if seen[id] || !uuidForm.MatchString(id) || id[14] != '8' {
			t.Errorf("%s", id)
		}
		seen[id] = true
	}
	if one.Of("t", 1, 2, at) != one.Of("t", 1, 2, at.Add(time.Microsecond).UTC()) {
		t.Error("another id of the same event")
	}
}

// FuzzForm: whatever a request has, it is read or refused, and its lists are whole.
func FuzzForm(f *testing.F) {
	f.Add("Action=Publish&Version=2010-03-31&MessageAttributes.entry.1.Name=a&MessageAttributes.entry.1.Value.DataType=String&MessageAttributes.entry.1.Value.StringValue=x")
	f.Add("Action=CreateTopic&Attributes.entry.1.key=a&Attributes.entry.1.value=b&Tags.member.1.Key=k")
	f.Add("TagKeys.member.1=a&TagKeys.member.2=b&Attributes.entry.01.key=x&Attributes.entry.101.key=%ff")
	f.Fuzz(func(t *testing.T, body string) {
		of, err := parseForm(&service.Request{Body: []byte(body)})
		if err != nil {
			return
		}
		if _, err := of.action(); err != nil && len(err.Error()) > 400 {
			t.Errorf("an error of %d bytes", len(err.Error()))
		}
		if all, err := of.list("TagKeys"); err == nil && len(all) > maxMembers {
			t.Errorf("%d members", len(all))
		}
		if all, err := of.dictionary("Attributes"); err == nil {
			for key := range all {
				if key == "" {
					t.Error("an empty key")
				}
			}
		}
		entries, err := of.under("MessageAttributes.entry")
		if err != nil {
			return
		}
		m, err := parseMessage(of.get, entries)
		if err != nil {
			return
		}
		again := published(m.content().Body, m.content())
		if again.text != m.text || again.subject != m.subject || again.structured != m.structured || fmt.Sprint(again.attributes) != fmt.Sprint(m.attributes) {
			t.Errorf("%+v came back as %+v", m, again)
		}
	})
}
