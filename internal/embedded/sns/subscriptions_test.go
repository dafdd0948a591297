package sns

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/sms"
)

func TestPublishToPhoneNumber(t *testing.T) {
	r := newRig(t)
	entry := func(i int, name, value string) []string {
		at := fmt.Sprintf("MessageAttributes.entry.%d.", i)
		return []string{at + "Name", name, at + "Value.DataType", "String", at + "Value.StringValue", value}
	}
	parameters := []string{"PhoneNumber", "+12065550199", "Message", "A text."}
	for i, pair := range [][2]string{{smsSenderID, "NOTICE"}, {smsType, "Transactional"}, {smsMaxPrice, "0.50"}, {smsEntity, "e"}, {smsTemplate, "t"}} {
		parameters = append(parameters, entry(i+1, pair[0], pair[1])...)
	}
	if got := between(r.must("Publish", parameters...), "MessageId"); got != "message-id" {
		t.Error(got)
	}
	r.must("Publish", append(parameters, entry(6, smsOrigination, "+12025550100")...)...)
	want := TextMessage{Destination: "+12065550199", OriginationIdentity: "NOTICE", Body: "A text.", Type: sms.Transactional, MaxPrice: "0.50",
		CountryParameters: map[string]string{"IN_ENTITY_ID": "e", "IN_TEMPLATE_ID": "t"}}
	if got := r.sent(); len(got) != 2 || fmt.Sprint(got[0]) != fmt.Sprint(want) || got[1].OriginationIdentity != "+12025550100" {
		t.Errorf("%+v", got)
	}
	for _, c := range []struct {
		err    error
		code   string
		status int
	}{
		{sms.Invalid(sms.ReasonCannotParse, "DestinationPhoneNumber", "No number."), "InvalidParameter", 400},
		{sms.NotFound(sms.TypePhoneNumber, "phone-1"), "InvalidParameter", 400},
		{sms.Conflict(sms.ReasonDestinationOptedOut, sms.TypeOptOutList, "Default", "Opted out."), "ValidationException", 400},
		{sms.QuotaExceeded(sms.ReasonMonthlySpendLimitReachedForText, "No money."), "ValidationException", 400},
		{sms.Throttled("Too fast."), "Throttled", 429},
		{errors.New("the disk is on fire"), "InternalError", 500},
	} {
		r.refuse(c.err)
		body, status := r.ask("Publish", "PhoneNumber", "+12065550199", "Message", "x")
		if between(body, "Code") != c.code || status != c.status || strings.Contains(body, "fire") {
			t.Errorf("%v: %d %s", c.err, status, body)
		}
	}
}

// TestPages: long lists come in pages, in order and whole.
func TestPages(t *testing.T) {
	r := newRig(t)
	want := map[string]bool{}
	for i := range pageSize + 30 {
		name := fmt.Sprintf("topic-%d", i)
		r.must("CreateTopic", "Name", name)
		want[name] = true
	}
	token, last, pages := "", "", 0
	for {
		document := r.must("ListTopics", "NextToken", token)
		pages++
		for _, part := range strings.Split(document, "<TopicArn>")[1:] {
			arn, _, _ := strings.Cut(part, "<")
			name := arn[strings.LastIndexByte(arn, ':')+1:]
			if !want[name] || name <= last {
				t.Fatalf("%s after %s", name, last)
			}
			delete(want, name)
			last = name
		}
		if token = between(document, "NextToken"); token == "" {
			break
		}
	}
	if len(want) != 0 || pages != 2 {
		t.Errorf("%d are missing after %d pages", len(want), pages)
	}
}

// TestSubscribeAgain: the same endpoint has one subscription, which is asked again while
// it waits.
func TestSubscribeAgain(t *testing.T) {
	r, h := newRig(t), newHook(t)
	r.topic()
	arn := r.confirmed("http", h.URL)
	if again := between(r.must("Subscribe", "TopicArn", topicARN, "Protocol", "http", "Endpoint", h.URL), "SubscriptionArn"); again != arn {
		t.Errorf("%s, want %s", again, arn)
	}
	if attribute(r.must("GetSubscriptionAttributes", "SubscriptionArn", arn), "ConfirmationWasAuthenticated") != "false" {
		t.Error("the confirmation was not signed")
	}
	// One that does not answer yet.
	if got := between(r.must("Subscribe", "TopicArn", topicARN, "Protocol", "http", "Endpoint", "http://127.0.0.1:1/"), "SubscriptionArn"); got != "pending confirmation" {
		t.Error(got)
	}
	first := pending(r)
	again := r.must("Subscribe", "TopicArn", topicARN, "Protocol", "http", "Endpoint", "http://127.0.0.1:1/", "ReturnSubscriptionArn", "true")
	if between(again, "SubscriptionArn") != first {
		t.Errorf("%s, want %s", again, first)
	}
	if n := attribute(r.must("GetTopicAttributes", "TopicArn", topicARN), "SubscriptionsPending"); n != "1" {
		t.Errorf("%s wait", n)
	}
	token := r.directory.Account(account).Subscriptions.Get(first[strings.LastIndexByte(first, ':')+1:]).Value.Token
	for range 2 {
		if got := between(r.must("ConfirmSubscription", "TopicArn", topicARN, "Token", token, "AuthenticateOnUnsubscribe", "true"), "SubscriptionArn"); got != first {
			t.Error(got)
		}
	}
	if attribute(r.must("GetSubscriptionAttributes", "SubscriptionArn", first), "ConfirmationWasAuthenticated") != "true" {
		t.Error("the confirmation was signed")
	}
	response, err := http.Get(publicURL(r.port.URL, "Unsubscribe", "SubscriptionArn", first))
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil || response.StatusCode != http.StatusForbidden || between(string(body), "Code") != "AuthorizationError" {
		t.Errorf("%s %s %v", response.Status, body, err)
	}
	r.must("Unsubscribe", "SubscriptionArn", first)
}

// TestTokenIsTooOld: a subscription that nobody confirms in time is deleted.
func TestTokenIsTooOld(t *testing.T) {
	r := newRig(t)
	r.topic()
	r.must("Subscribe", "TopicArn", topicARN, "Protocol", "http", "Endpoint", "http://127.0.0.1:1/")
	id := pending(r)
	id = id[strings.LastIndexByte(id, ':')+1:]
	r.setClock(time.Now().Add(tokenTime + time.Minute))
	r.handshake.Wake()
	r.eventually("its end", func() bool { return r.directory.Account(account).Subscriptions.Get(id) == nil })
}

func TestPublicRefusals(t *testing.T) {
	r := newRig(t)
	r.topic()
	for path, want := range map[string]int{
		"/": http.StatusForbidden, "/?Action=ListTopics": http.StatusForbidden, "/other?Action=Unsubscribe": http.StatusForbidden,
		"/?Action=Unsubscribe": http.StatusBadRequest, "/?Action=ConfirmSubscription&Token=x": http.StatusBadRequest,
		"/?Action=ConfirmSubscription&Token=x&TopicArn=" + url.QueryEscape(topicARN):                                                 http.StatusBadRequest,
		"/?Action=ConfirmSubscription&Token=x&TopicArn=" + url.QueryEscape(strings.Replace(topicARN, account, "999999999999", 1)):    http.StatusNotFound,
		"/?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(strings.Replace(topicARN, account, "999999999999", 1)+":"+newID()): http.StatusNotFound,
		"/?Action=Unsubscribe&SubscriptionArn=" + url.QueryEscape(topicARN+":"+newID()):                                              http.StatusOK,
		certificatePrefix + "x.pem": http.StatusNotFound,
	} {
		response, err := http.Get(r.port.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != want {
			t.Errorf("%s: %s, want %d", path, response.Status, want)
		}
	}
}

func TestOperation(t *testing.T) {
	r := newRig(t)
	for body, want := range map[string]string{
		"Action=Publish&TopicArn=arn":      "sns:Publish [arn]",
		"Action=Publish&PhoneNumber=%2B1":  "sns:Publish []",
		"Action=ListTopics":                "sns:ListTopics []",
		"Action=Unsubscribe&Version=1":     " []",
		"Action=Fly":                       " []",
		"%":                                " []",
		"Action=DeleteTopic&TopicArn=arn2": "sns:DeleteTopic [arn2]",
	} {
		action, resources := r.service.Operation(&service.Request{Body: []byte(body)})
		if got := fmt.Sprint(action, " ", resources); got != want {
			t.Errorf("%s: %q, want %q", body, got, want)
		}
	}
}
