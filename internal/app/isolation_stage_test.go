package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"heliograph/internal/api"
	"heliograph/internal/credentials"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// The accounts of the test. An attacker's root knows the name of everything that the
// victim has. There are two of them who do the same, but that one asks about what is the
// victim's and the other about what never was, so that what they have themselves is the
// same at any moment.
const (
	victim = "111122223333"
	nobody = "999988887777" // there is no such account

	subscription = "0123abcd-0123-4abc-8abc-0123456789ab"
)

// stage is a service with all accounts.
type stage struct {
	t       *testing.T
	service *service
	url     string
	client  *http.Client
	victim  aws.Credentials
	// attackers are those who ask now, and mine is what they have.
	attackers [2]aws.Credentials
	mine      [2]map[string]string
	// secrets are what the victim has, by what it is called: ids, names, ARNs, tokens. Each
	// stands beside one of the same form that nothing ever had.
	secrets map[string][2]string
}

// newStage starts a service.
func newStage(t *testing.T) *stage {
	t.Helper()
	cfg := configured(t, t.TempDir(), "account: \""+victim+"\"\ntier: production\napi: {request_rates: unlimited}\nsimulated_inventory: true\n")
	ctx, cancel := context.WithCancel(context.Background())
	s := &service{cfg: cfg, log: slog.New(slog.DiscardHandler), metrics: newMetrics(), fatal: make(chan error, 1)}
	if err := s.open(ctx); err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan string, 1), make(chan error, 1)
	go func() { ended <- s.serve(ctx, func(url string) { ready <- url }) }()
	st := &stage{t: t, service: s, client: &http.Client{Transport: &http.Transport{}}, secrets: map[string][2]string{}}
	select {
	case st.url = <-ready:
	case err := <-ended:
		t.Fatalf("the service ended before it was ready: %v", err)
	}
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the service ended with %v", err)
		}
		st.client.CloseIdleConnections()
	})
	key, err := credentials.Read(cfg.DataDir)
	if err != nil {
		t.Fatal(err)
	}
	st.victim = aws.Credentials{AccessKeyID: key.AccessKeyID, SecretAccessKey: key.SecretAccessKey}
	return st
}

// enter makes the accounts of two attackers, of whom no quota stops one.
func (s *stage) enter(accounts [2]string) {
	s.t.Helper()
	for i, account := range accounts {
		id, secret := "AKIAATTACKER"+account[:8], strings.Repeat("s", 40)
		s.attackers[i] = aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
		if err := s.service.directory.EnsureAccount(s.t.Context(), account, resources.Production); err != nil {
			s.t.Fatal(err)
		}
		s.change(account, func(tx *resources.Tx) {
			tx.AccessKeys.Put(id, iam.AccessKey{ID: id, Secret: s.service.sealer.Seal(nil, []byte(secret), []byte(iam.AccessKeySecret(id)))})
			a := tx.Accounts.Get(account).Value
			a.Limits = map[string]int64{}
			for _, name := range api.LimitNames() {
				a.Limits[name] = 1_000_000
			}
			tx.Accounts.Put(account, a)
		})
		s.mine[i] = s.hold(s.attackers[i], account, "mine")
	}
}

func (s *stage) change(account string, fn func(*resources.Tx)) {
	s.t.Helper()
	if err := s.service.directory.Change(s.t.Context(), account, func(tx *resources.Tx) error { fn(tx); return nil }); err != nil {
		s.t.Fatal(err)
	}
}

// ask is a request to any of the services.
type ask struct {
	service, target, contentType, body string
	method, path                       string
	header                             map[string]string
	unsigned                           bool
}

// send answers the status and what a client sees of the answer. Where an account asks too
// fast, it asks again.
func (s *stage) send(by aws.Credentials, a ask) (status int, answer string) {
	s.t.Helper()
	for {
		if status, answer = s.once(by, a); !strings.Contains(answer, "Rate exceeded") {
			return status, answer
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func (s *stage) once(by aws.Credentials, a ask) (status int, answer string) {
	s.t.Helper()
	if a.method == "" {
		a.method, a.path = "POST", "/"
	}
	r, err := http.NewRequestWithContext(s.t.Context(), a.method, s.url+a.path, strings.NewReader(a.body))
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Content-Type", a.contentType)
	if a.target != "" {
		r.Header.Set("X-Amz-Target", a.target)
	}
	for name, value := range a.header {
		r.Header.Set(name, value)
	}
	sum := sha256.Sum256([]byte(a.body))
	digest := hex.EncodeToString(sum[:])
	if a.service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", digest)
	}
	if !a.unsigned {
		if err := v4.NewSigner().SignHTTP(s.t.Context(), by, r, digest, a.service, "us-east-1", time.Now()); err != nil {
			s.t.Fatal(err)
		}
	}
	response, err := s.client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, response.Header.Get("x-amzn-ErrorType") + " " + string(body)
}

// voice is a request to an operation of the API model.
func voice(operation string, in any) ask {
	body, _ := json.Marshal(in) // maps of texts, numbers and lists
	return ask{service: "sms-voice", target: "PinpointSMSVoiceV2." + operation, contentType: "application/x-amz-json-1.0", body: string(body)}
}

// must sends what has to succeed, and gives the members of the answer.
func (s *stage) must(by aws.Credentials, a ask) map[string]any {
	s.t.Helper()
	status, answer := s.send(by, a)
	if status != http.StatusOK {
		s.t.Fatalf("%s %s: %d %s", a.target, a.body, status, answer)
	}
	var members map[string]any
	json.Unmarshal([]byte(strings.TrimSpace(answer)), &members) // other protocols have none
	return members
}

type in = map[string]any

// hold gives an account one of everything, with names that begin with name, and answers
// what it got by what it is called.
func (s *stage) hold(by aws.Credentials, account, name string) map[string]string {
	has := map[string]string{}
	s.people(account, name, has)
	text := func(m map[string]any, member, as string) {
		s.t.Helper()
		value, ok := m[member].(string)
		if !ok {
			s.t.Fatalf("%s: there is no %s in %v", as, member, m)
		}
		has[as] = value
	}
	call := func(operation string, in any) map[string]any {
		s.t.Helper()
		return s.must(by, voice(operation, in))
	}
	has["list"], has["set"], has["destination"], has["token"], has["key"] = name+"-list", name+"-set", name+"-dest", name+"-token", name+"-idempotent"
	call("CreateOptOutList", in{"OptOutListName": has["list"], "ClientToken": has["token"], "Tags": []any{in{"Key": name + "-tag", "Value": "1"}}})
	call("PutOptedOutNumber", in{"OptOutListName": has["list"], "OptedOutNumber": "+447700900123"})
	for _, as := range []string{"number", "member"} {
		n := call("RequestPhoneNumber", in{"IsoCountryCode": "US", "MessageType": "TRANSACTIONAL", "NumberCapabilities": []string{"SMS"}, "NumberType": "TOLL_FREE", "ClientToken": name + as})
		text(n, "PhoneNumberId", as)
		text(n, "PhoneNumber", as+" E.164")
		s.change(account, func(tx *resources.Tx) {
			n := tx.PhoneNumbers.Get(has[as]).Value
			n.Status = sms.NumberActive
			tx.PhoneNumbers.Put(n.ID, n)
		})
	}
	call("PutKeyword", in{"OriginationIdentity": has["number"], "Keyword": "JOIN", "KeywordMessage": "hi"})
	has["sender"] = strings.ToUpper(name[:4]) + "ID"
	call("RequestSenderId", in{"SenderId": has["sender"], "IsoCountryCode": "GB", "MessageTypes": []string{"TRANSACTIONAL"}})
	pool := call("CreatePool", in{"OriginationIdentity": has["member"], "IsoCountryCode": "US", "MessageType": "TRANSACTIONAL", "ClientToken": name + "-pool"})
	text(pool, "PoolId", "pool")
	call("AssociateOriginationIdentity", in{"PoolId": has["pool"], "OriginationIdentity": has["sender"], "IsoCountryCode": "GB"})
	call("CreateConfigurationSet", in{"ConfigurationSetName": has["set"]})
	protect := call("CreateProtectConfiguration", in{"ClientToken": name + "-protect"})
	text(protect, "ProtectConfigurationId", "protect")
	call("PutProtectConfigurationRuleSetNumberOverride", in{"ProtectConfigurationId": has["protect"], "DestinationPhoneNumber": "+447700900124", "Action": "BLOCK"})
	verified := call("CreateVerifiedDestinationNumber", in{"DestinationPhoneNumber": "+447700900125"})
	text(verified, "VerifiedDestinationNumberId", "verified")
	has["group"], has["topic"] = "/"+name+"/group", name+"-topic"
	s.must(by, logs("CreateLogGroup", in{"logGroupName": has["group"]}))
	has["stream"] = name + "-stream"
	s.must(by, deliveries("CreateDeliveryStream", in{"DeliveryStreamName": has["stream"], "DeliveryStreamType": "DirectPut",
		"ExtendedS3DestinationConfiguration": in{"BucketARN": "arn:aws:s3:::" + name, "RoleARN": "arn:aws:iam::" + account + ":role/" + name + "-role"}}))
	s.must(by, query("sns", "CreateTopic", map[string]string{"Name": has["topic"]}))
	call("CreateEventDestination", in{"ConfigurationSetName": has["set"], "EventDestinationName": has["destination"], "MatchingEventTypes": []string{"TEXT_ALL"},
		"SnsDestination": in{"TopicArn": "arn:aws:sns:us-east-1:" + account + ":" + has["topic"]}})
	message := call("SendTextMessage", in{"DestinationPhoneNumber": success, "MessageBody": name + " text", "MessageFeedbackEnabled": true, "OriginationIdentity": has["number"], "ConfigurationSetName": has["set"]})
	text(message, "MessageId", "message")
	repeated := voice("SendTextMessage", in{"DestinationPhoneNumber": success, "MessageBody": name + " text", "OriginationIdentity": has["number"]})
	repeated.header = map[string]string{"Idempotency-Key": has["key"]}
	text(s.must(by, repeated), "MessageId", "repeated message")
	next := call("DescribePhoneNumbers", in{"MaxResults": 1})
	text(next, "NextToken", "next token")
	for as, kind := range map[string]string{"number": "phone-number", "pool": "pool", "list": "opt-out-list", "set": "configuration-set", "protect": "protect-configuration",
		"verified": "verified-destination-number"} {
		has[as+" ARN"] = "arn:aws:sms-voice:us-east-1:" + account + ":" + kind + "/" + has[as]
	}
	has["sender ARN"] = "arn:aws:sms-voice:us-east-1:" + account + ":sender-id/" + has["sender"] + "/GB"
	has["topic ARN"] = "arn:aws:sns:us-east-1:" + account + ":" + has["topic"]
	has["group ARN"] = "arn:aws:logs:us-east-1:" + account + ":log-group:" + has["group"]
	has["stream ARN"] = "arn:aws:firehose:us-east-1:" + account + ":deliverystream/" + has["stream"]
	has["subscription ARN"] = has["topic ARN"] + ":" + subscription
	s.change(account, func(tx *resources.Tx) {
		tx.Subscriptions.Put(subscription, sms.Subscription{ID: subscription, Topic: has["topic"], Protocol: "https", Endpoint: "https://" + name + ".example/", Confirmed: true})
	})
	call("PutResourcePolicy", in{"ResourceArn": has["pool ARN"], "Policy": `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + nobody + `"},"Action":"sms-voice:*"}]}`})
	return has
}
