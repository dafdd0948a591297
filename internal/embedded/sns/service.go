package sns

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"heliograph/internal/api/service"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
	"heliograph/internal/throttle"
)

// Committer makes a change durable; store.Committer is the one there is.
type Committer interface {
	Commit(change *store.Change) error
}

// TextMessage is a text message that Publish to a phone number, or a subscription with
// the protocol sms, sends. Empty members are not given.
type TextMessage struct {
	Destination         string
	OriginationIdentity string
	Body                string
	Type                sms.MessageType
	MaxPrice            string // USD
	CountryParameters   map[string]string
	// IdempotencyKey is the same when a message to a subscription is delivered again;
	// empty for a message to a phone number.
	IdempotencyKey string
}

// Sender accepts text messages; its errors are those of accept.Service.Send.
type Sender interface {
	Send(ctx context.Context, account *resources.Snapshot, m TextMessage) (messageID string, err error)
}

// Options are what a Service is made of. All are needed.
type Options struct {
	Place     Place
	Directory *resources.Directory
	Committer Committer
	Sender    Sender
	Signer    *Signer
	IDs       *MessageIDs
	Handshake *Handshake
	Now       func() time.Time
}

// Service answers the requests of the query protocol.
type Service struct {
	Options
	actions  map[string]action
	failures *throttle.Keyed // of requests without a signature, by client
	rereads  sync.Map        // *reread by account
}

// action is an operation of the protocol. Its members are those of the answer; nil
// where it answers nothing.
type action struct {
	do func(context.Context, *service.Caller, form) (members []any, err error)
	on string // the parameter that has the ARN that it acts on
}

var _ service.Public = (*Service)(nil)

// New makes a Service.
func New(o Options) *Service {
	s := &Service{Options: o, failures: throttle.NewKeyed(failuresPerSecond, failuresBurst, failureClients)}
	s.actions = map[string]action{
		"CreateTopic":               {s.createTopic, ""},
		"DeleteTopic":               {s.deleteTopic, "TopicArn"},
		"ListTopics":                {s.listTopics, ""},
		"GetTopicAttributes":        {s.getTopicAttributes, "TopicArn"},
		"SetTopicAttributes":        {s.setTopicAttributes, "TopicArn"},
		"Subscribe":                 {s.subscribe, "TopicArn"},
		"ConfirmSubscription":       {s.confirmSubscription, "TopicArn"},
		"Unsubscribe":               {s.unsubscribe, "SubscriptionArn"},
		"ListSubscriptions":         {s.listSubscriptions, ""},
		"ListSubscriptionsByTopic":  {s.listSubscriptionsByTopic, "TopicArn"},
		"GetSubscriptionAttributes": {s.getSubscriptionAttributes, "SubscriptionArn"},
		"SetSubscriptionAttributes": {s.setSubscriptionAttributes, "SubscriptionArn"},
		"Publish":                   {s.publish, "TopicArn"},
		"PublishBatch":              {s.publishBatch, "TopicArn"},
		"TagResource":               {s.tagResource, "ResourceArn"},
		"UntagResource":             {s.untagResource, "ResourceArn"},
		"ListTagsForResource":       {s.listTagsForResource, "ResourceArn"},
	}
	return s
}

// SigningName is the service that requests are signed for.
func (s *Service) SigningName() string { return "sns" }

// Operation names the IAM action of a request and the ARN that it acts on.
func (s *Service) Operation(r *service.Request) (string, []string) {
	f, err := parseForm(r)
	if err != nil {
		return "", nil
	}
	name, err := f.action()
	if err != nil {
		return "", nil
	}
	a, known := s.actions[name]
	if !known {
		return "", nil
	}
	arn := f.get(a.on)
	if arn == "" && name == "Publish" {
		arn = f.get("TargetArn")
	}
	if a.on == "" || arn == "" {
		return "sns:" + name, nil
	}
	return "sns:" + name, []string{arn}
}

// Answer answers a signed request.
func (s *Service) Answer(ctx context.Context, c *service.Caller, r *service.Request) (service.Answer, error) {
	f, err := parseForm(r)
	if err != nil {
		return service.Answer{}, err
	}
	name, err := f.action()
	if err != nil {
		return service.Answer{}, err
	}
	a, known := s.actions[name]
	if !known {
		return service.Answer{}, exception("InvalidAction", http.StatusBadRequest, "The action %s is not known.", clip(name))
	}
	members, err := a.do(ctx, c, f)
	if err != nil {
		return service.Answer{}, err
	}
	return answer(name, c.RequestID, members), nil
}

// change runs fn against the newest resources of an account.
func (s *Service) change(ctx context.Context, account string, fn func(*resources.Tx) error) error {
	return s.Directory.Change(ctx, account, fn)
}

// PublicURL is the base of the URLs that subscribers get: what the configuration names,
// or else where the API's port listens. An address that stands for all of the machine
// becomes the one that only the machine itself can reach.
func PublicURL(configured, listens string) string {
	if configured != "" {
		return strings.TrimRight(configured, "/")
	}
	u, err := url.Parse(listens)
	if err != nil {
		return listens
	}
	if at, err := netip.ParseAddr(u.Hostname()); err == nil && at.IsUnspecified() {
		host := "127.0.0.1"
		if at.Is6() {
			host = "localhost" // which may be of either kind, as the listener is
		}
		u.Host = net.JoinHostPort(host, u.Port())
	}
	return u.String()
}

// publicURL is where a GET with these parameters, which need no escapes but for ARNs, is
// answered without a signature.
func publicURL(base, action string, parameters ...string) string {
	u := base + "/?Action=" + action
	for i := 0; i+1 < len(parameters); i += 2 {
		u += "&" + parameters[i] + "=" + strings.ReplaceAll(parameters[i+1], ":", "%3A")
	}
	return u
}
