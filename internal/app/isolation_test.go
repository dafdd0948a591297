package app

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"heliograph/internal/api"
	"heliograph/internal/api/wire"
	"heliograph/internal/credentials"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
	"heliograph/internal/store"
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
	if err := v4.NewSigner().SignHTTP(s.t.Context(), by, r, digest, a.service, "us-east-1", time.Now()); err != nil {
		s.t.Fatal(err)
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

var hexadecimal = regexp.MustCompile(`[0-9a-f]{32}`)

// never is of the form of a value of the victim's, and nothing ever had it. Hexadecimal
// digits are others; names have another letter.
func (s *stage) never(as, value string) string {
	switch as {
	case "message", "repeated message":
		return s.service.ids.Format(sms.FirstID(time.Now().Add(-time.Hour)) + sms.ID(len(as)))
	case "next token":
		return value[:8] + strings.Map(func(r rune) rune {
			if r >= 'a' && r <= 'y' {
				return r + 1
			}
			return r
		}, value[8:])
	case "number E.164", "member E.164":
		return value[:len(value)-4] + fmt.Sprintf("%04d", len(as)+int(as[0]))
	}
	value = hexadecimal.ReplaceAllStringFunc(value, func(id string) string {
		return strings.Map(func(r rune) rune { return rune("123456789abcdef0"[strings.IndexRune("0123456789abcdef", r)]) }, id)
	})
	value = strings.ReplaceAll(value, "VICT", "VYCT")
	return strings.ReplaceAll(value, "victim", "vyctim")
}

// noise is what differs between two answers to the same request: ids, times and numbers
// that were drawn.
var noise = []*regexp.Regexp{
	regexp.MustCompile(`(AKIA|AIDA|AROA|AGPA|ANPA|ASIA)[A-Z0-9]{16,17}`),
	regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`),
	regexp.MustCompile(`[0-9a-f]{32}`),
	regexp.MustCompile(`"(NextToken|nextToken)":"[^"]*"`),
	regexp.MustCompile(`\+?[0-9]{10,}(\.[0-9]+)?(E[0-9]+)?`),
	regexp.MustCompile(`<SecretAccessKey>[^<]*`),
	regexp.MustCompile(`[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z`),
}

// seen is an answer without the value that was asked about and without noise.
func seen(status int, answer, value string) string {
	answer = strings.NewReplacer(value, "VALUE", strings.ToUpper(value), "VALUE", strings.ToLower(value), "VALUE", url.QueryEscape(value), "VALUE").Replace(answer)
	quoted, _ := json.Marshal(value)
	answer = strings.ReplaceAll(answer, strings.Trim(string(quoted), `"`), "VALUE")
	if kind, id, ok := strings.Cut(value, "/"); ok && strings.HasPrefix(kind, "arn:") {
		answer = strings.ReplaceAll(answer, id, "ID")
	}
	answer = strings.NewReplacer("vyctim", "victim", "VYCT", "VICT", "VYCTIM", "VICTIM").Replace(answer) // among what else the attackers have made
	for _, n := range noise {
		answer = n.ReplaceAllString(answer, "#")
	}
	return fmt.Sprintf("%d %s", status, answer)
}

// same has one attacker ask about a value of the victim's and the other one about one that
// never was, and compares the answers.
func (s *stage) same(what string, values [2]string, with func(value string, mine map[string]string) ask) {
	s.t.Helper()
	var answers [2]string
	for i, value := range values {
		status, answer := s.send(s.attackers[i], with(value, s.mine[i]))
		answers[i] = seen(status, answer, value)
	}
	if answers[0] != answers[1] {
		s.t.Errorf("%s:\n the victim's %q: %s\n never there %q: %s", what, values[0], answers[0], values[1], answers[1])
	}
}

// holdings are all that the store and the directory have of the victim.
func (s *stage) holdings() map[string]string {
	s.t.Helper()
	ctx, all := s.t.Context(), map[string]string{}
	rows, err := s.service.engine.Resources(ctx, victim)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, r := range rows {
		all["resource "+r.Kind+"/"+r.ID] = fmt.Sprintf("%d %v %s", r.Version, r.Tags, r.Doc)
	}
	used, err := s.service.lists.Usage(ctx, victim, time.Now().UTC().Format("2006-01"))
	if err != nil {
		s.t.Fatal(err)
	}
	all["usage"] = fmt.Sprint(used)
	messages, err := s.service.engine.MessagesOf(ctx, victim, 0, 1000)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, m := range messages {
		events, err := s.service.engine.MessageEvents(ctx, m.ID)
		if err != nil {
			s.t.Fatal(err)
		}
		all[fmt.Sprint("message ", m.ID)] = fmt.Sprintf("%+v %+v", *m, events)
	}
	account := s.service.directory.Account(victim)
	lists := map[string]int64{"idempotency": store.ListID("idempotency", victim)}
	for _, list := range account.OptOutLists.All() {
		lists["opt-outs "+list.ID] = optoutList(list)
	}
	for _, p := range account.Protect.All() {
		lists["overrides "+p.ID] = store.ListID(sms.OverrideList(victim, p.ID)...)
	}
	for name, list := range lists {
		entries, err := s.service.lists.EntriesAfter(ctx, store.EntryScan{List: list, After: -1 << 62, Limit: 1000})
		if err != nil {
			s.t.Fatal(err)
		}
		all[name] = fmt.Sprintf("%+v", entries)
	}
	return all
}

// members are the ways to the texts in an operation's input.
func members(t reflect.Type, at string) []string {
	var ways []string
	for t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	for i := range t.NumField() {
		f := t.Field(i)
		if !f.IsExported() {
			continue
		}
		kind, way := f.Type, at+f.Name
		for kind.Kind() == reflect.Pointer {
			kind = kind.Elem()
		}
		switch {
		case kind.Kind() == reflect.String:
			ways = append(ways, way)
		case kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.String:
			ways = append(ways, way+"[]")
		case kind.Kind() == reflect.Slice && kind.Elem().Kind() == reflect.Struct:
			ways = append(ways, members(kind.Elem(), way+"[].")...)
		case kind.Kind() == reflect.Struct && kind != reflect.TypeFor[time.Time]():
			ways = append(ways, members(kind, way+".")...)
		}
	}
	return ways
}

// put is a copy of an input with a text at a way of members.
func put(input in, way, value string) in {
	out := maps.Clone(input)
	if out == nil {
		out = in{}
	}
	name, rest, nested := strings.Cut(way, ".")
	list := strings.HasSuffix(name, "[]")
	name = strings.TrimSuffix(name, "[]")
	var set any = value
	if nested {
		inner, _ := out[name].(in)
		if all, ok := out[name].([]any); ok && len(all) > 0 {
			inner, _ = all[0].(in)
		}
		set = put(inner, rest, value)
	}
	if list {
		set = []any{set}
	}
	out[name] = set
	return out
}

// Whatever an account asks about what another one has, in any member of any operation, is
// answered as if it had never been there, and nothing of it changes.
func TestIsolation(t *testing.T) {
	s := newStage(t)
	theirs := s.hold(s.victim, victim, "victim")
	s.settle()
	before := s.holdings()
	s.enter([2]string{"444455556666", "555566667777"})
	for as, value := range theirs {
		s.secrets[as] = [2]string{value, s.never(as, value)}
	}
	s.walk()
	s.others()

	// An account that there is not is like one that there is.
	s.enter([2]string{"666677778888", "777788889999"})
	clear(s.secrets)
	for as, value := range theirs {
		if strings.HasSuffix(as, " ARN") {
			s.secrets[as] = [2]string{value, strings.Replace(value, victim, nobody, 1)}
		}
	}
	s.walk()

	s.settle()
	after := s.holdings()
	for _, what := range slices.Sorted(maps.Keys(after)) {
		if before[what] != after[what] {
			t.Errorf("%s was\n%s and is\n%s", what, before[what], after[what])
		}
	}
	for what := range before {
		if _, there := after[what]; !there {
			t.Errorf("%s is gone", what)
		}
	}
}

// walk asks about every secret in every text of every operation of the API model.
func (s *stage) walk() {
	s.t.Helper()
	for _, operation := range wire.Names() {
		o, _ := wire.Lookup(operation)
		if _, answer := s.send(s.victim, voice(operation, "no input")); strings.HasPrefix(answer, "UnknownOperationException") {
			continue
		}
		for _, way := range members(reflect.TypeOf(o.NewInput()), "") {
			for as, values := range s.secrets {
				s.same(operation+" "+way+" with the "+as, values, func(value string, mine map[string]string) ask {
					return voice(operation, put(inputs(mine)[operation], way, value))
				})
			}
		}
	}
	for _, as := range []string{"key", "token"} {
		if values, ok := s.secrets[as]; ok {
			s.same("Idempotency-Key", values, func(value string, _ map[string]string) ask {
				a := voice("SendTextMessage", in{"DestinationPhoneNumber": success, "MessageBody": "victim text"})
				a.header = map[string]string{"Idempotency-Key": value}
				return a
			})
		}
	}
}
