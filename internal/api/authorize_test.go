package api_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"heliograph/internal/api"
	"heliograph/internal/api/service"
	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

// is checks the exception of an answer, "" for success.
func (r reply) is(t *testing.T, what, exception string) {
	t.Helper()
	if r.Exception != exception {
		t.Errorf("%s: answered %q %s, not %q", what, r.Exception, r.message(), exception)
	}
}

const accessDenied = "AccessDeniedException"

func tagList(pairs ...string) []in {
	var list []in
	for i := 0; i < len(pairs); i += 2 {
		list = append(list, in{"Key": pairs[i], "Value": pairs[i+1]})
	}
	return list
}

// Teams use what has their tag (guide chapter 14, "ABAC").
func TestAuthorizeByTags(t *testing.T) {
	p := newPoliced(t, nil)
	all := []string{
		allow("sms-voice:*OptedOut*", "*", `{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}`),
		allow("sms-voice:CreateOptOutList", "*", `{"StringEquals":{"aws:RequestTag/team":"${aws:PrincipalTag/team}"},"ForAllValues:StringEquals":{"aws:TagKeys":["team","stage"]}}`),
		allow("sms-voice:TagResource", "*", ""), allow("sms-voice:UntagResource", "*", ""),
		`{"Effect":"Deny","Action":["sms-voice:TagResource","sms-voice:UntagResource"],"Resource":"*","Condition":{"ForAnyValue:StringEquals":{"aws:TagKeys":"team"}}}`,
	}
	red, blue := p.user(map[string]string{"team": "red"}, all...), p.user(map[string]string{"team": "blue"}, all...)
	create := func(name string, tags ...string) in {
		return in{"OptOutListName": name, "Tags": tagList(tags...)}
	}
	red.call("CreateOptOutList", create("R")).is(t, "no tag", accessDenied)
	red.call("CreateOptOutList", create("R", "team", "blue")).is(t, "another's tag", accessDenied)
	red.call("CreateOptOutList", create("R", "team", "red", "cost", "1")).is(t, "a tag too many", accessDenied)
	red.call("CreateOptOutList", create("R", "team", "red", "stage", "test")).is(t, "its tags", "")
	list := in{"OptOutListName": "R"}
	red.call("DescribeOptedOutNumbers", list).is(t, "its own", "")
	blue.call("DescribeOptedOutNumbers", list).is(t, "another's", accessDenied)
	red.call("DescribeOptedOutNumbers", in{"OptOutListName": p.arn(sms.TypeOptOutList, "R")}).is(t, "its own by ARN", "")
	blue.call("DescribeOptedOutNumbers", in{"OptOutListName": p.arn(sms.TypeOptOutList, "R")}).is(t, "another's by ARN", accessDenied)

	arn := in{"ResourceArn": p.arn(sms.TypeOptOutList, "R")}
	tag := func(tags ...string) in { return in{"ResourceArn": arn["ResourceArn"], "Tags": tagList(tags...)} }
	got := blue.call("TagResource", tag("team", "blue"))
	got.is(t, "a tag that is kept", accessDenied)
	if want := "with an explicit deny in an identity-based policy"; !strings.HasSuffix(got.message(), want) {
		t.Errorf("%s, want ... %s", got.message(), want)
	}
	blue.call("UntagResource", in{"ResourceArn": arn["ResourceArn"], "TagKeys": []string{"stage", "team"}}).is(t, "a tag that is kept is taken away", accessDenied)
	blue.call("TagResource", tag("stage", "live")).is(t, "another tag", "")
	blue.call("UntagResource", in{"ResourceArn": arn["ResourceArn"], "TagKeys": []string{"stage"}}).is(t, "another tag is taken away", "")
	// What there is not cannot be told from what there is.
	gone := blue.call("DescribeOptedOutNumbers", in{"OptOutListName": "Q"})
	there := blue.call("DescribeOptedOutNumbers", list)
	if strings.ReplaceAll(gone.message(), "/Q", "/R") != there.message() || gone.Exception != there.Exception {
		t.Errorf("%s\n%s", gone.message(), there.message())
	}
}

// Conditions see how a request came.
func TestAuthorizeByCircumstances(t *testing.T) {
	p := newPoliced(t, nil)
	for condition, allowed := range map[string]bool{
		`{"IpAddress":{"aws:SourceIp":"127.0.0.0/8"}}`:                                      true,
		`{"IpAddress":{"aws:SourceIp":["192.0.2.0/24","198.51.100.7"]}}`:                    false,
		`{"NotIpAddress":{"aws:SourceIp":"127.0.0.0/8"}}`:                                   false,
		`{"Bool":{"aws:SecureTransport":"true"}}`:                                           false,
		`{"Bool":{"aws:SecureTransport":"false"}}`:                                          true,
		`{"StringLike":{"aws:UserAgent":"Go-http-client/*"}}`:                               true,
		`{"StringLike":{"aws:UserAgent":"aws-cli/*"}}`:                                      false,
		`{"StringEquals":{"aws:RequestedRegion":"us-east-1"}}`:                              true,
		`{"StringEquals":{"aws:RequestedRegion":"eu-west-1"}}`:                              false,
		`{"DateGreaterThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}`:                    true,
		`{"DateLessThan":{"aws:CurrentTime":"2020-01-01T00:00:00Z"}}`:                       false,
		`{"BoolIfExists":{"aws:MultiFactorAuthPresent":"true"}}`:                            true, // of a long-term key
		`{"Bool":{"aws:MultiFactorAuthPresent":"true"}}`:                                    false,
		`{"Bool":{"aws:ViaAWSService":"false"}}`:                                            true,
		`{"StringEquals":{"aws:PrincipalAccount":"111122223333"}}`:                          true,
		`{"ArnLike":{"aws:PrincipalArn":"arn:aws:iam::111122223333:user/user*"}}`:           true,
		`{"StringEquals":{"aws:SourceAccount":"111122223333"}}`:                             false, // which services alone have
		`{"ArnLike":{"aws:SourceArn":"arn:aws:sms-voice:us-east-1:111122223333:*"}}`:        false,
		`{"StringEquals":{"aws:ResourceAccount":"111122223333"}}`:                           true,
		`{"Null":{"aws:ResourceTag/team":"true"},"StringLike":{"aws:PrincipalArn":"arn*"}}`: true,
	} {
		exception := accessDenied
		if allowed {
			exception = ""
		}
		p.user(nil, allow("sms-voice:DescribePools", "*", condition)).call("DescribePools", in{}).is(t, condition, exception)
	}
}

// A request's address is its connection's, whatever its headers say; and over TLS it is
// secure.
func TestAuthorizeOverTLS(t *testing.T) {
	var handler http.Handler
	p := newPoliced(t, func(o *api.Options) { handler = api.New(*o) })
	server := httptest.NewTLSServer(handler)
	defer server.Close()
	for condition, status := range map[string]int{
		`{"Bool":{"aws:SecureTransport":"true"}}`:      200,
		`{"Bool":{"aws:SecureTransport":"false"}}`:     400,
		`{"IpAddress":{"aws:SourceIp":"203.0.113.9"}}`: 400,
	} {
		who := p.user(nil, allow("sms-voice:DescribePools", "*", condition))
		r, err := http.NewRequestWithContext(t.Context(), "POST", server.URL, strings.NewReader("{}"))
		if err != nil {
			t.Fatal(err)
		}
		r.Header = http.Header{"X-Amz-Target": {prefix + "DescribePools"}, "Content-Type": {"application/x-amz-json-1.0"},
			"X-Forwarded-For": {"203.0.113.9"}, "X-Real-Ip": {"203.0.113.9"}, "Forwarded": {"for=203.0.113.9"}}
		sum := sha256.Sum256([]byte("{}"))
		if err := v4.NewSigner().SignHTTP(t.Context(), aws.Credentials{AccessKeyID: who.key, SecretAccessKey: rootSecret}, r,
			hex.EncodeToString(sum[:]), "sms-voice", customerRegion, time.Now()); err != nil {
			t.Fatal(err)
		}
		answer, err := server.Client().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != status {
			t.Errorf("%s: answered %d, not %d", condition, answer.StatusCode, status)
		}
	}
}

// A resource that has several names is one resource for policies.
func TestAuthorizeNames(t *testing.T) {
	p := newPoliced(t, nil)
	id := p.number()
	number := p.phoneNumber(id).Number
	p.senderID("HELIO", "GB")
	p.change(func(tx *resources.Tx) {
		s := sms.SenderID{SenderID: "600123", Country: "IN", MessageTypes: []sms.MessageType{sms.Promotional}}
		tx.SenderIDs.Put(s.Key(), s)
		tx.VerifiedNumbers.Put("verified-1", sms.VerifiedNumber{ID: "verified-1", Number: "+447700900123"})
	})
	one := p.user(nil, allow("sms-voice:*", p.arn(sms.TypePhoneNumber, id), ""), allow("sms-voice:*", p.arn(sms.TypeSenderID, "HELIO/GB"), ""), allow("sms-voice:*", p.arn(sms.TypeSenderID, "600123/IN"), ""))
	but := p.user(nil, allow("sms-voice:*", "*", ""), statement("Deny", "sms-voice:*", p.arn(sms.TypePhoneNumber, id), ""),
		statement("Deny", "sms-voice:*", p.arn(sms.TypeSenderID, "HELIO/GB"), ""), statement("Deny", "sms-voice:*", p.arn(sms.TypeSenderID, "600123/IN"), ""))
	bare := strings.TrimPrefix(number, "+")
	for _, r := range []asked{
		{operation: "SendTextMessage", input: in{"OriginationIdentity": id}}, {operation: "SendTextMessage", input: in{"OriginationIdentity": number}},
		{operation: "SendTextMessage", input: in{"OriginationIdentity": bare}}, {operation: "SendTextMessage", input: in{"OriginationIdentity": p.arn(sms.TypePhoneNumber, id)}},
		{operation: "SendTextMessage", input: in{"OriginationIdentity": "HELIO"}}, {operation: "SendTextMessage", input: in{"OriginationIdentity": p.arn(sms.TypeSenderID, "HELIO")}},
		{operation: "SendTextMessage", input: in{"OriginationIdentity": p.arn(sms.TypeSenderID, "HELIO/GB")}},
		{operation: "SendTextMessage", input: in{"OriginationIdentity": "600123", "DestinationPhoneNumber": "+919876543210"}},
		{operation: "SendDestinationNumberVerificationCode", input: in{"OriginationIdentity": "HELIO", "VerifiedDestinationNumberId": "verified-1", "VerificationChannel": "TEXT"}},
		{operation: "DescribeKeywords", input: in{"OriginationIdentity": bare}},
	} {
		if r.operation == "SendTextMessage" {
			r.input["MessageBody"] = "x"
			if r.input["DestinationPhoneNumber"] == nil {
				r.input["DestinationPhoneNumber"] = "+447700900123"
			}
		}
		what := fmt.Sprint(r.operation, r.input)
		if got := one.call(r.operation, r.input); got.Exception == accessDenied {
			t.Errorf("%s is denied: %s", what, got.message())
		}
		got := but.call(r.operation, r.input)
		got.is(t, what+" but for one", accessDenied)
		if strings.Contains(got.message(), id) && !strings.Contains(fmt.Sprint(r.input), id) {
			t.Errorf("%s tells the id: %s", what, got.message())
		}
	}
	for _, operation := range []string{"CreatePool", "AssociateOriginationIdentity"} {
		member := in{"OriginationIdentity": "HELIO", "MessageType": "TRANSACTIONAL", "PoolId": "pool-1"}
		but.call(operation, member).is(t, operation+" of a sender ID without its country", accessDenied)
		member["OriginationIdentity"] = bare
		but.call(operation, member).is(t, operation+" of a number", accessDenied)
	}
	// Another one's is not told from none.
	other := p.user(nil, allow("sms-voice:SendTextMessage", p.arn(sms.TypePhoneNumber, "phone-other"), ""))
	send := func(from string) string {
		got := other.call("SendTextMessage", in{"DestinationPhoneNumber": "+447700900123", "MessageBody": "x", "OriginationIdentity": from})
		got.is(t, from, accessDenied)
		return strings.ReplaceAll(got.message(), from, "FROM")
	}
	if a, b := send(number), send("+447946099999"); a != b {
		t.Errorf("%s\n%s", a, b)
	}
}

// What is not of the caller's account is denied, to roots too, whether it is there or
// not; and the shape of a request is looked at before its permission.
func TestAuthorizeOtherAccounts(t *testing.T) {
	const elsewhere = "444455556666"
	p := newPoliced(t, nil)
	p.userOf(elsewhere, nil)
	err := p.directory.Change(t.Context(), elsewhere, func(tx *resources.Tx) error {
		tx.OptOutLists.Put("There", sms.OptOutList{Name: "There"})
		tx.OptOutLists.SetTags("There", map[string]string{"team": "red"})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	everything := allow("*", "*", "")
	curious := statement("Deny", "*", "*", `{"StringEquals":{"aws:ResourceTag/team":"red"}}`)
	for name, who := range map[string]somebody{"root": p.root(), "a user": p.user(nil, everything), "a curious user": p.user(nil, everything, curious)} {
		var messages []string
		for _, list := range []string{"There", "Gone!"} {
			arn := "arn:aws:sms-voice:us-east-1:" + elsewhere + ":opt-out-list/" + list
			if list == "Gone!" {
				arn = "arn:aws:sms-voice:us-east-1:" + elsewhere + ":opt-out-list/Gone0"
			}
			got := who.call("DescribeOptedOutNumbers", in{"OptOutListName": arn})
			got.is(t, name+" "+list, accessDenied)
			messages = append(messages, strings.Replace(got.message(), "/Gone0", "/There", 1))
		}
		if want := "because no resource-based policy allows the sms-voice:DescribeOptedOutNumbers action"; messages[0] != messages[1] || !strings.HasSuffix(messages[0], want) {
			t.Errorf("%s: %s\n%s", name, messages[0], messages[1])
		}
		who.call("DescribeOptedOutNumbers", in{"OptOutListName": "arn:aws:sms-voice:eu-west-1:" + elsewhere + ":opt-out-list/x"}).is(t, "another region", "ValidationException")
		who.call("SendTextMessage", in{"DestinationPhoneNumber": "+447700900123", "MessageBody": "x",
			"OriginationIdentity": "arn:aws:sms-voice:us-east-1:" + elsewhere + ":pool/p"}).is(t, "another account's pool", accessDenied)
	}
	nobody := p.user(nil)
	nobody.call("DescribePools", in{"MaxResults": 0}).is(t, "the shape", "ValidationException")
	nobody.call("ReleasePhoneNumber", in{}).is(t, "the shape", "ValidationException")
}

// A policy that cannot be read allows nothing, and nothing else then allows.
func TestAuthorizeBrokenPolicy(t *testing.T) {
	p := newPoliced(t, nil)
	p.user(nil, allow("sms-voice:*", "*", "")).call("DescribePools", in{}).is(t, "a policy", "")
	p.user(nil, allow("sms-voice:*", "*", ""), `{"Effect":"Permit"}`).call("DescribePools", in{}).is(t, "beside a broken one", accessDenied)
	who := p.user(nil, allow("sms-voice:*", "*", ""))
	p.change(func(tx *resources.Tx) {
		u := tx.Users.Get(fmt.Sprintf("user%d", p.users)).Value
		u.Attached = []string{"arn:aws:iam::" + customerAccount + ":policy/Gone"}
		tx.Users.Put(resources.IAMKey(u.Name), u)
	})
	who.call("DescribePools", in{}).is(t, "one that is gone", accessDenied)
}

// The operator's operations are for the operator's account alone.
func TestAuthorizeOperator(t *testing.T) {
	p := newPoliced(t, func(o *api.Options) {
		o.Operator = customerAccount
		o.ExtraOperations = []api.Operation{{Target: "HeliographAdmin.Look", Action: "heliograph:Look",
			Handle: func(context.Context, *api.Call, []byte) ([]byte, error) { return []byte("{}"), nil }}}
	})
	const elsewhere = "444455556666"
	look := allow("heliograph:Look", "*", "")
	stranger := p.userOf(elsewhere, nil, look, allow("*", "*", ""))
	err := p.directory.Change(t.Context(), elsewhere, func(tx *resources.Tx) error {
		tx.AccessKeys.Put("AKIAOTHERROOT", iam.AccessKey{ID: "AKIAOTHERROOT", Secret: tied{}.Seal(nil, []byte(rootSecret), []byte(iam.AccessKeySecret("AKIAOTHERROOT")))})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ key, exception string }{
		"the root":             {rootAccessKey, ""},
		"another root":         {"AKIAOTHERROOT", accessDenied},
		"another's user":       {stranger.key, accessDenied},
		"a user who may":       {p.user(nil, look).key, ""},
		"a user of the module": {p.user(nil, allow("sms-voice:*", "*", "")).key, accessDenied},
		"nobody":               {p.user(nil).key, accessDenied},
	} {
		request{target: "HeliographAdmin.Look", body: "{}", key: c.key}.send(t, p.url).is(t, name, c.exception)
	}
}

// kept is a service whose resources have an owner, a policy and tags.
type kept struct {
	echo
	act service.Act
}

func (k kept) Acts(_ *service.Caller, r *service.Request) service.Act {
	act := k.act
	act.Action, _ = k.Operation(r)
	return act
}

// What other services are asked for is decided alike.
func TestAuthorizeServices(t *testing.T) {
	const arn = "arn:aws:sns:us-east-1:111122223333:alerts"
	say := func(p *policed, who somebody) reply {
		return request{target: "Echo.Say", contentType: "application/x-amz-json-1.1", service: "sns", key: who.key}.send(t, p.url)
	}
	shared := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:user/user1"},"Action":"sns:Say","Resource":"` + arn + `"},
		{"Effect":"Deny","Principal":"*","Action":"sns:Say","Resource":"` + arn + `","Condition":{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}}]}`
	allowed := allow("sns:Say", arn, "")
	for _, c := range []struct {
		name       string
		act        service.Act
		statements []string
		tags       map[string]string
		exception  string
		root       string
	}{
		{"nothing", service.Act{}, nil, nil, accessDenied, ""},
		{"all", service.Act{}, []string{allow("sns:*", "*", "")}, nil, "", ""},
		{"another ARN", service.Act{Resources: []string{arn + "s"}}, []string{allowed}, nil, accessDenied, ""},
		{"the ARN", service.Act{Resources: []string{arn}}, []string{allowed}, nil, "", ""},
		{"one of two", service.Act{Resources: []string{arn, arn + "s"}}, []string{allowed}, nil, accessDenied, ""},
		{"the resource's policy", service.Act{Resources: []string{arn}, Policy: shared}, nil, nil, "", ""},
		{"the resource's policy denies", service.Act{Resources: []string{arn}, Policy: shared, ResourceTags: map[string]string{"team": "red"}}, []string{allowed}, map[string]string{"team": "red"}, accessDenied, ""},
		{"a broken policy", service.Act{Resources: []string{arn}, Policy: "{"}, []string{allowed}, nil, accessDenied, ""},
		{"tags of the request", service.Act{RequestTags: map[string]string{"a": "b"}}, []string{allow("sns:Say", "*", `{"StringEquals":{"aws:RequestTag/a":"b"}}`)}, nil, "", ""},
		{"keys of the service", service.Act{Keys: map[string][]string{"sns:protocol": {"https"}}}, []string{allow("sns:Say", "*", `{"StringEquals":{"sns:Protocol":"https"}}`)}, nil, "", ""},
		{"for everybody", service.Act{Own: true}, nil, nil, "", ""},
		{"of another account", service.Act{Resources: []string{"arn:aws:sns:us-east-1:444455556666:x"}}, []string{allow("*", "*", "")}, nil, accessDenied, accessDenied},
		{"owned by another account", service.Act{Owner: "444455556666"}, []string{allow("*", "*", "")}, nil, accessDenied, accessDenied},
	} {
		p := newPoliced(t, func(o *api.Options) { o.Services = []service.Service{kept{newEcho("sns", 0), c.act}} })
		say(p, p.user(c.tags, c.statements...)).is(t, c.name, c.exception)
		say(p, p.root()).is(t, c.name+", root", c.root)
	}
}

// BenchmarkAuthorize answers SendTextMessage from a pool for a root, and for a user with
// ten policies: what they differ by is what the decision costs.
func BenchmarkAuthorize(b *testing.B) {
	var handler http.Handler
	_, directory := startServer(b, func(o *api.Options) {
		decided(o)
		handler = api.New(*o)
	})
	const pool = "pool-0123456789abcdef0123456789abcdef"
	key := "AKIA000000000001"
	err := directory.Change(b.Context(), customerAccount, func(tx *resources.Tx) error {
		u := iam.User{ID: "AIDA1", Name: "sender", Path: "/", Grants: iam.Grants{Inline: map[string]string{}}}
		for i := range 9 {
			u.Inline[fmt.Sprintf("p%d", i)] = `{"Version":"2012-10-17","Statement":[` + allow("sms-voice:Describe*", "*", `{"StringEquals":{"aws:ResourceTag/team":"${aws:PrincipalTag/team}"}}`) + "," +
				allow("sms-voice:SendTextMessage", fmt.Sprintf("arn:aws:sms-voice:us-east-1:*:pool/pool-%d*", i+1), `{"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}}`) + `]}`
		}
		u.Inline["last"] = `{"Version":"2012-10-17","Statement":[` + allow("sms-voice:SendTextMessage", "arn:aws:sms-voice:us-east-1:*:pool/"+pool, "") + `]}`
		tx.Users.Put("sender", u)
		tx.AccessKeys.Put(key, iam.AccessKey{ID: key, User: "sender", Secret: tied{}.Seal(nil, []byte(rootSecret), []byte(iam.AccessKeySecret(key)))})
		return nil
	})
	if err != nil {
		b.Fatal(err)
	}
	body := []byte(`{"DestinationPhoneNumber":"+447700900123","MessageBody":"hello","OriginationIdentity":"` + pool + `"}`)
	sum := sha256.Sum256(body)
	for name, key := range map[string]string{"root": rootAccessKey, "ten policies": key} {
		b.Run(name, func(b *testing.B) {
			r := httptest.NewRequest("POST", "/", bytes.NewReader(body))
			r.Header = http.Header{"X-Amz-Target": {prefix + "SendTextMessage"}, "Content-Type": {"application/x-amz-json-1.0"}}
			if err := v4.NewSigner().SignHTTP(b.Context(), aws.Credentials{AccessKeyID: key, SecretAccessKey: rootSecret}, r,
				hex.EncodeToString(sum[:]), "sms-voice", customerRegion, time.Now()); err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(bytes.NewReader(body))
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body.String())
				}
			}
		})
	}
}
