package identity

import (
	"bytes"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"heliograph/internal/iam"
	"heliograph/internal/resources"
	"heliograph/internal/sms"
)

const (
	set     = "arn:aws:sms-voice:us-east-1:111122223333:configuration-set/set"
	number  = "arn:aws:sms-voice:us-east-1:111122223333:phone-number/phone-1"
	pool    = "arn:aws:sms-voice:us-east-1:111122223333:pool/pool-1"
	group   = "arn:aws:logs:us-east-1:111122223333:log-group:/sms/events"
	stream  = "arn:aws:firehose:us-east-1:111122223333:deliverystream/events"
	topic   = "arn:aws:sns:us-east-1:111122223333:events"
	foreign = "arn:aws:sns:us-east-1:444455556666:events"
	roleARN = "arn:aws:iam::111122223333:role/R"
)

// trusting is the trust policy of the guide's chapter 10, with conditions.
func trusting(service, conditions string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"Service":"` + service + `"},"Action":"sts:AssumeRole","Condition":{` + conditions + `}}}`
}

func allowing(actions, resource, more string) string {
	return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":` + actions + `,"Resource":"` + resource + `"` + more + `}]}`
}

const (
	ownAccount = `"StringEquals":{"aws:SourceAccount":"111122223333"}`
	ownSet     = ownAccount + `,"ArnLike":{"aws:SourceArn":"` + set + `"}`
	guideLogs  = `["logs:CreateLogStream","logs:DescribeLogStreams","logs:PutLogEvents"]`
)

func TestMayDeliver(t *testing.T) {
	logs := EventDelivery(first, set, &sms.EventDestination{CloudWatchLogs: &sms.CloudWatchLogsDestination{RoleARN: roleARN, LogGroupARN: group}})
	logsAll := EventDelivery(first, set, &sms.EventDestination{CloudWatchLogs: &sms.CloudWatchLogsDestination{RoleARN: roleARN, LogGroupARN: group + ":*"}})
	firehose := EventDelivery(first, set, &sms.EventDestination{Firehose: &sms.FirehoseDestination{RoleARN: roleARN, DeliveryStreamARN: stream}})
	inbound := ChannelDelivery(first, []string{number, pool}, sms.TwoWay{Enabled: true, ChannelARN: topic, ChannelRole: roleARN})
	chat := ChannelDelivery(first, []string{number}, sms.TwoWay{Enabled: true, ChannelARN: "connect.us-east-1.amazonaws.com", ChannelRole: roleARN})
	sms := iam.ServicePrincipal
	for _, c := range []struct {
		name          string
		d             *Delivery
		trust, policy string
		want          string // in the error; empty: it may
	}{
		{"the guide's for logs", logs, trusting(sms, ownSet), allowing(guideLogs, group+":*", ""), ""},
		{"an ARN with :*", logsAll, trusting(sms, ownAccount), allowing(guideLogs, group+":*", ""), ""},
		{"another account", logs, trusting(sms, `"StringEquals":{"aws:SourceAccount":"444455556666"}`), allowing(guideLogs, group+":*", ""), "conditions of the trust policy"},
		{"another configuration set", logs, trusting(sms, `"ArnLike":{"aws:SourceArn":"`+set+`-2"}`), allowing(guideLogs, group+":*", ""), "conditions of the trust policy"},
		{"another service", logs, trusting("lambda.amazonaws.com", ownAccount), allowing(guideLogs, group+":*", ""), "does not trust sms-voice.amazonaws.com"},
		{"a trust policy that is none", logs, "{", allowing(guideLogs, group+":*", ""), "cannot be read"},
		{"another group", logs, trusting(sms, ownAccount), allowing(guideLogs, group+"-2:*", ""), "does not allow logs:PutLogEvents"},
		{"half of it", logs, trusting(sms, ownAccount), allowing(`"logs:PutLogEvents"`, group+":*", ""), "does not allow logs:CreateLogStream"},
		{"nothing", logs, trusting(sms, ownAccount), allowing(`"sns:Publish"`, "*", ""), "does not allow logs:PutLogEvents"},
		{"a policy that is none", logs, trusting(sms, ownAccount), "[", "does not allow logs:PutLogEvents"},
		{"the guide's for streams", firehose, trusting(sms, ownSet), allowing(`"firehose:PutRecord"`, stream, ""), ""},
		{"batches alone", firehose, trusting(sms, ownSet), allowing(`"firehose:PutRecordBatch"`, stream, ""), ""},
		{"another stream", firehose, trusting(sms, ownSet), allowing(`"firehose:PutRecord"`, stream+"2", ""), "does not allow firehose:PutRecord"},
		{"the guide's for topics", inbound, trusting(sms, ownAccount), allowing(`"sns:Publish"`, topic, `,"Condition":{"StringEquals":{"aws:ResourceAccount":"111122223333"}}`), ""},
		{"of the number", inbound, trusting(sms, `"ArnEquals":{"aws:SourceArn":"`+number+`"}`), allowing(`"sns:Publish"`, topic, ""), ""},
		{"of the pool", inbound, trusting(sms, `"ArnEquals":{"aws:SourceArn":"`+pool+`"}`), allowing(`"sns:Publish"`, topic, ""), ""},
		{"of another number", inbound, trusting(sms, `"ArnEquals":{"aws:SourceArn":"`+number+`2"}`), allowing(`"sns:Publish"`, topic, ""), "conditions"},
		{"another topic", inbound, trusting(sms, ownAccount), allowing(`"sns:Publish"`, topic+"2", ""), "does not allow sns:Publish"},
		{"the guide's for Amazon Connect", chat, trusting(sms, ownAccount), allowing(`["connect:SendChatIntegrationEvent"]`, "*", ""), ""},
		{"not for Amazon Connect", chat, trusting(sms, ownAccount), allowing(`"sns:Publish"`, "*", ""), "does not allow connect:SendChatIntegrationEvent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.role(first, iam.Role{Name: "R", Path: "/", Trust: c.trust, Grants: iam.Grants{Inline: map[string]string{"p": c.policy}}}, nil)
			expect(t, r.MayDeliver(c.d), c.want)
			r.change(first, func(tx *resources.Tx) { tx.Roles.Delete("r") })
			expect(t, r.MayDeliver(c.d), "the role "+roleARN) // at once
		})
	}
}

func expect(t *testing.T, err error, want string) {
	t.Helper()
	if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
		t.Errorf("got %v, want %q", err, want)
	}
}

// TestOtherAccountsRole: a role of another account is of no use, whomever it trusts.
func TestOtherAccountsRole(t *testing.T) {
	r := newRig(t)
	r.role(second, iam.Role{Name: "R", Path: "/", Trust: trusting(iam.ServicePrincipal, ownAccount),
		Grants: iam.Grants{Inline: map[string]string{"p": allowing(`"*"`, "*", "")}}}, nil)
	d := EventDelivery(first, set, &sms.EventDestination{Firehose: &sms.FirehoseDestination{
		RoleARN: "arn:aws:iam::444455556666:role/R", DeliveryStreamARN: stream}})
	expect(t, r.MayDeliver(d), "is not of the account 111122223333")
}

func TestTopicsPolicy(t *testing.T) {
	events := EventDelivery(first, set, &sms.EventDestination{SNS: &sms.SNSDestination{TopicARN: topic}})
	inbound := ChannelDelivery(first, []string{number}, sms.TwoWay{Enabled: true, ChannelARN: topic})
	service := func(more string) string {
		return `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"sms-voice.amazonaws.com"},"Action":"SNS:Publish","Resource":"` + topic + `"` + more + `}]}`
	}
	ofSet := `,"Condition":{` + ownSet + `}`
	for _, c := range []struct {
		name, policy    string
		events, inbound string
	}{
		{"none of its own", "", "", ""},
		{"chapter 6", service(""), "", ""},
		{"chapter 10", service(ofSet), "", "does not let sms-voice.amazonaws.com publish for " + number},
		{"any of the account", service(`,"Condition":{"StringEquals":{"aws:SourceAccount":"111122223333"},"ArnLike":{"aws:SourceArn":"arn:aws:sms-voice:us-east-1:111122223333:*"}}`), "", ""},
		{"another account's", service(`,"Condition":{"StringEquals":{"aws:SourceAccount":"444455556666"}}`), "does not let", "does not let"},
		{"the owner alone", `{"Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sns:*","Resource":"*"}}`, "does not let", "does not let"},
		{"a denial", `{"Statement":[{"Effect":"Allow","Principal":"*","Action":"sns:*","Resource":"*"},{"Effect":"Deny","Principal":{"Service":"sms-voice.amazonaws.com"},"Action":"sns:Publish","Resource":"*"}]}`, "does not let", "does not let"},
		{"what cannot be read", `{"Statement":{}}`, "does not let", "does not let"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := newRig(t)
			r.change(first, func(tx *resources.Tx) {
				made := sms.Topic{Name: "events"}
				if c.policy != "" {
					made.Attributes = map[string]string{"Policy": c.policy}
				}
				tx.Topics.Put("events", made)
			})
			expect(t, r.MayDeliver(events), c.events)
			expect(t, r.MayDeliver(inbound), c.inbound)
		})
	}
	r := newRig(t)
	r.change(second, func(tx *resources.Tx) { tx.Topics.Put("events", sms.Topic{Name: "events"}) })
	other := EventDelivery(first, set, &sms.EventDestination{SNS: &sms.SNSDestination{TopicARN: foreign}})
	expect(t, r.MayDeliver(other), "has no policy that lets")
	expect(t, r.MayDeliver(events), "") // there is no such topic here
}

// TestFurnish: roles that destinations name from before are made once, with what they
// need, and HeliographEvents in every account.
func TestFurnish(t *testing.T) {
	r := newRig(t)
	var log bytes.Buffer
	named := func(name string) string { return "arn:aws:iam::111122223333:role/" + name }
	logs := func(name, role string) sms.EventDestination {
		return sms.EventDestination{Name: name, CloudWatchLogs: &sms.CloudWatchLogsDestination{RoleARN: role, LogGroupARN: group}}
	}
	destinations := []sms.EventDestination{logs("a", named("path/Old")), logs("b", named("There")), logs("c", "arn:aws:iam::999988887777:role/Foreign"),
		{Name: "d", Firehose: &sms.FirehoseDestination{RoleARN: named("path/Old"), DeliveryStreamARN: stream}}}
	twoWay := sms.TwoWay{Enabled: true, ChannelARN: topic, ChannelRole: named("Inbound")}
	r.role(first, iam.Role{Name: "There", Path: "/", Trust: trusting(iam.ServicePrincipal, ownAccount)}, nil)
	r.change(first, func(tx *resources.Tx) {
		tx.ConfigurationSets.Put("set", sms.ConfigurationSet{Name: "set", Destinations: destinations})
		tx.PhoneNumbers.Put("phone-1", sms.PhoneNumber{ID: "phone-1", TwoWay: twoWay})
		tx.DeliveryStreams.Put("events", sms.DeliveryStream{Name: "events", RoleARN: named("Bucket"), BucketARN: "arn:aws:s3:::events"})
	})
	furnish := EventRoles("aws", slog.New(slog.NewTextHandler(&log, nil)))
	if err := r.Directory.Furnish(t.Context(), furnish); err != nil {
		t.Fatal(err)
	}
	for i, want := range []string{"", "does not allow", "", ""} {
		if i != 2 {
			expect(t, r.MayDeliver(EventDelivery(first, set, &destinations[i])), want)
		}
	}
	if err := r.MayDeliver(EventDelivery(first, set, &destinations[2])); err == nil || !strings.Contains(log.String(), "Foreign") {
		t.Errorf("a role of another account: %v; logged:\n%s", err, &log)
	}
	expect(t, r.MayDeliver(ChannelDelivery(first, []string{number}, twoWay)), "")
	elsewhere := logs("x", named("path/Old"))
	elsewhere.CloudWatchLogs.LogGroupARN = group + "-2"
	expect(t, r.MayDeliver(EventDelivery(first, set, &elsewhere)), "does not allow") // no more than it needs
	if role := r.Directory.Account(first).Roles.Get("bucket"); role == nil || !strings.Contains(role.Value.Trust, "firehose.amazonaws.com") ||
		!strings.Contains(role.Value.Inline["Deliver"], "s3:PutObject") {
		t.Errorf("the role of the stream is %+v", role)
	}

	// HeliographEvents reaches what the account has, in every account, also a later one.
	if err := r.Directory.EnsureAccount(t.Context(), "777788889999", resources.Production); err != nil {
		t.Fatal(err)
	}
	for _, account := range []string{first, second, "777788889999"} {
		events := "arn:aws:iam::" + account + ":role/HeliographEvents"
		own := func(arn string) string { return strings.Replace(arn, first, account, 1) }
		for _, d := range []*Delivery{
			EventDelivery(account, own(set), &sms.EventDestination{CloudWatchLogs: &sms.CloudWatchLogsDestination{RoleARN: events, LogGroupARN: own(group)}}),
			EventDelivery(account, own(set), &sms.EventDestination{Firehose: &sms.FirehoseDestination{RoleARN: events, DeliveryStreamARN: own(stream)}}),
			ChannelDelivery(account, []string{own(number)}, sms.TwoWay{ChannelARN: own(topic), ChannelRole: events}),
			ChannelDelivery(account, []string{own(number)}, sms.TwoWay{ChannelARN: "connect.us-east-1.amazonaws.com", ChannelRole: events}),
		} {
			expect(t, r.MayDeliver(d), "")
		}
		notOwn := EventDelivery(account, own(set), &sms.EventDestination{CloudWatchLogs: &sms.CloudWatchLogsDestination{RoleARN: events,
			LogGroupARN: "arn:aws:logs:us-east-1:123456789012:log-group:g"}})
		expect(t, r.MayDeliver(notOwn), "does not allow")
	}

	stream := ServiceUse{Service: iam.FirehosePrincipal, Role: named("HeliographEvents"), Account: first, Source: stream, Action: "s3:PutObject", Resource: "arn:aws:s3:::events/key"}
	expect(t, r.Assumable(stream), "")

	// As it was made before roles of streams were asked, it comes to be as it is made now;
	// what somebody has changed stays.
	old := furnisher{partition: "aws", account: first}
	asMade := *r.Directory.Account(first).Roles.Get("heliographevents")
	before := asMade.Value
	before.Description, before.TrustPinned = "as it was", old.trust([]string{iam.ServicePrincipal})
	before.Trust, before.Inline = old.trust([]string{iam.ServicePrincipal}), map[string]string{"Deliver": old.eventsPolicy(false).String()}
	changed := before
	changed.Inline = map[string]string{"Deliver": allowing(`"sns:Publish"`, topic, "")}
	for _, c := range []struct{ from, to iam.Role }{{changed, changed}, {before, asMade.Value}} {
		r.change(first, func(tx *resources.Tx) { tx.Roles.Put("heliographevents", c.from) })
		expect(t, r.Assumable(stream), "does not trust firehose.amazonaws.com")
		if err := RenewEventRoles(t.Context(), r.Directory, "aws", slog.New(slog.DiscardHandler)); err != nil {
			t.Fatal(err)
		}
		if got := r.Directory.Account(first).Roles.Get("heliographevents").Value; !reflect.DeepEqual(got, c.to) {
			t.Errorf("renewed, the role is %+v", got)
		}
	}
	expect(t, r.Assumable(stream), "")

	// Once: what is deleted afterwards stays away.
	r.change(first, func(tx *resources.Tx) { tx.Roles.Delete("inbound"); tx.Roles.Delete("heliographevents") })
	if err := r.Directory.Furnish(t.Context(), furnish); err != nil {
		t.Fatal(err)
	}
	if err := r.Directory.EnsureAccount(t.Context(), first, resources.Sandbox); err != nil {
		t.Fatal(err)
	}
	if s := r.Directory.Account(first); s.Roles.Get("inbound") != nil || s.Roles.Get("heliographevents") != nil {
		t.Error("roles were made again")
	}
}
