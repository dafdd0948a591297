package sns

import (
	"context"
	"net/http"
	"net/url"
	"testing"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
)

// confirmation is the request that a SubscribeURL makes.
func confirmation(token, client string) *service.Request {
	return &service.Request{Method: http.MethodGet, Path: "/", Client: client,
		Query: url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {topicARN}, "Token": {token}}}
}

// TestWrongTokens: whoever guesses tokens is held up, confirms nothing and keeps nobody
// else's from being confirmed, nor a right one of his own.
func TestWrongTokens(t *testing.T) {
	r := newRig(t)
	r.idle.Store(true)
	r.setClock(r.now())
	r.topic()
	arn := between(r.must("Subscribe", "TopicArn", topicARN, "Protocol", "http", "Endpoint", "http://127.0.0.1:1/", "ReturnSubscriptionArn", "true"), "SubscriptionArn")
	token := r.directory.Account(account).Subscriptions.All()[0].Value.Token
	// Nothing is read again for one who asks in vain too often.
	for range failuresBurst {
		r.service.failures.Allow("192.0.2.1", r.now())
	}
	for range 100 {
		_, err := r.service.AnswerPublic(t.Context(), confirmation("wrong", "192.0.2.1"))
		if e := service.ExceptionOf(err); e.Status != http.StatusTooManyRequests {
			t.Fatalf("a wrong token: %v", err)
		}
	}
	_, err := r.service.AnswerPublic(t.Context(), &service.Request{Method: http.MethodGet, Path: "/", Client: "192.0.2.1",
		Query: url.Values{"Action": {"Unsubscribe"}, "SubscriptionArn": {topicARN + ":" + newID()}}})
	if e := service.ExceptionOf(err); e.Status != http.StatusTooManyRequests {
		t.Errorf("the end of a subscription that there is not: %v", err)
	}
	if _, err := r.service.AnswerPublic(t.Context(), confirmation("wrong", "192.0.2.2")); service.ExceptionOf(err).Status != http.StatusBadRequest {
		t.Errorf("another client's wrong token: %v", err)
	}
	if _, err := r.service.AnswerPublic(t.Context(), confirmation(token, "192.0.2.1")); err != nil {
		t.Errorf("the right token: %v", err)
	}
	if attribute(r.must("GetSubscriptionAttributes", "SubscriptionArn", arn), "PendingConfirmation") != "false" {
		t.Error("it is not confirmed")
	}
}

// TestConfirmationAtAnotherNode: a token confirms at once at a node that has not seen the
// subscription, and ends one there.
func TestConfirmationAtAnotherNode(t *testing.T) {
	r := newRig(t)
	r.idle.Store(true)
	r.topic()
	elsewhere, err := resources.Open(t.Context(), r.engine, r.committer, "aws", "us-east-1", r.now)
	if err != nil {
		t.Fatal(err)
	}
	o := r.service.Options
	o.Directory = elsewhere
	node := New(o)
	subscribed := func(endpoint string) (token, arn string) {
		arn = between(r.must("Subscribe", "TopicArn", topicARN, "Protocol", "http", "Endpoint", endpoint, "ReturnSubscriptionArn", "true"), "SubscriptionArn")
		for _, item := range r.directory.Account(account).Subscriptions.All() {
			if item.Value.Endpoint == endpoint {
				token = item.Value.Token
			}
		}
		return token, arn
	}
	confirmed := func(arn string) bool {
		if err := r.directory.Refresh(t.Context(), account); err != nil {
			t.Fatal(err)
		}
		return attribute(r.must("GetSubscriptionAttributes", "SubscriptionArn", arn), "PendingConfirmation") == "false"
	}
	token, arn := subscribed("http://127.0.0.1:1/")
	if _, err := node.AnswerPublic(t.Context(), confirmation(token, "192.0.2.1")); err != nil || !confirmed(arn) {
		t.Errorf("confirmed: %v", err)
	}
	token, arn = subscribed("http://127.0.0.1:2/")
	c := &service.Caller{AccountID: account, Account: elsewhere.Account(account), Now: r.now()}
	if _, err := node.Answer(t.Context(), c, &service.Request{Method: http.MethodPost, Path: "/",
		Body: []byte(url.Values{"Action": {"ConfirmSubscription"}, "TopicArn": {topicARN}, "Token": {token}}.Encode())}); err != nil || !confirmed(arn) {
		t.Errorf("confirmed with a signature: %v", err)
	}
	_, arn = subscribed("http://127.0.0.1:3/")
	if _, err := node.AnswerPublic(t.Context(), &service.Request{Method: http.MethodGet, Path: "/", Client: "192.0.2.1",
		Query: url.Values{"Action": {"Unsubscribe"}, "SubscriptionArn": {arn}}}); err != nil {
		t.Errorf("ended: %v", err)
	}
	if err := r.directory.Refresh(t.Context(), account); err != nil {
		t.Fatal(err)
	}
	if n := len(r.directory.Account(account).Subscriptions.All()); n != 2 {
		t.Errorf("there are %d subscriptions", n)
	}
	ended, stop := context.WithCancel(t.Context())
	stop()
	if _, err := node.AnswerPublic(ended, confirmation("wrong", "192.0.2.9")); err == nil {
		t.Error("a wrong token is right for a client that is gone")
	}
}
