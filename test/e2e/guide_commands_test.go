//go:build python

package e2e

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// guideCommand is a command as the guide prints it. {words} are names that the guide
// tells to replace, and are those that earlier commands saved. Three kinds of line are
// printed that no AWS CLI parses: tags written as tags={...}, booleans with a value and
// --matching-event types; they are corrected here.
type guideCommand struct {
	chapter string
	command string
	save    map[string]string // name: member of the answer
	says    []string          // that the answer has
	before  func(g *guide)
}

// guide follows the commands on a server.
type guide struct {
	*server
	names map[string]string
}

// shell runs a command line, in the way that a reader of the guide does.
func (g *guide) shell(line string) (out string, err error) {
	for name, value := range g.names {
		line = strings.ReplaceAll(line, "{"+name+"}", value)
	}
	if left := regexp.MustCompile(`\{[a-zA-Z]+\}`).FindString(line); left != "" {
		g.t.Fatalf("%s: nothing is known of %s", line, left)
	}
	c := exec.Command("sh", "-c", line)
	c.Dir = g.dir
	c.Env = append(g.env, "AWS_ENDPOINT_URL="+g.url, "AWS_SHARED_CREDENTIALS_FILE="+g.credentials(), "AWS_DEFAULT_REGION="+region,
		"AWS_DEFAULT_OUTPUT=json", "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	var stdout, stderr bytes.Buffer
	c.Stdout, c.Stderr = &stdout, &stderr
	if err = c.Run(); err != nil {
		g.t.Logf("%s\n%s", line, stderr.String())
	}
	return stdout.String(), err
}

func (g *guide) follow(c guideCommand) {
	g.t.Helper()
	if c.before != nil {
		c.before(g)
	}
	out, err := g.shell("aws " + c.command)
	if err != nil {
		g.t.Fatalf("chapter %s: %v", c.chapter, err)
	}
	var answer map[string]any
	if strings.TrimSpace(out) != "" {
		if err := json.Unmarshal([]byte(out), &answer); err != nil {
			g.t.Fatalf("chapter %s, %s: %v in %s", c.chapter, c.command, err, out)
		}
	}
	for name, member := range c.save {
		value, ok := answer[member].(string)
		if !ok {
			g.t.Fatalf("chapter %s, %s: no %s in %s", c.chapter, c.command, member, out)
		}
		g.names[name] = value
	}
	for _, want := range c.says {
		for name, value := range g.names {
			want = strings.ReplaceAll(want, "{"+name+"}", value)
		}
		if !strings.Contains(out, want) {
			g.t.Errorf("chapter %s, %s: no %s in %s", c.chapter, c.command, want, out)
		}
	}
}

const v2 = "pinpoint-sms-voice-v2 "

var guideCommands = []guideCommand{
	// Chapter 11, opt-out lists.
	{chapter: "11", command: v2 + "create-opt-out-list \\\n --opt-out-list-name {optOutListName}", says: []string{`opt-out-list/{optOutListName}"`}},
	{chapter: "11", command: v2 + "describe-opt-out-lists", says: []string{`"Default"`, `"{optOutListName}"`}},
	{chapter: "11", command: v2 + "describe-opt-out-lists \\\n --opt-out-list-names {optOutListName}", says: []string{`"{optOutListName}"`}},
	{chapter: "11", command: v2 + "put-opted-out-number \\\n --opt-out-list-name {optOutListName} \\\n --opted-out-number +12065550123", says: []string{`"EndUserOptedOut": false`}},
	{chapter: "11", command: v2 + "delete-opted-out-number \\\n --opt-out-list-name {optOutListName} \\\n --opted-out-number +12065550123", says: []string{`"+12065550123"`}},

	// Chapter 7, phone numbers. Registrations are not there, so a number is requested
	// that needs none.
	{chapter: "7", command: v2 + "request-phone-number \\\n --iso-country-code GB \\\n --message-type TRANSACTIONAL \\\n --number-capabilities SMS \\\n --number-type LONG_CODE \\\n --deletion-protection-enabled \\\n --opt-out-list-name {optOutListName}",
		save: map[string]string{"PhoneNumberId": "PhoneNumberId", "PhoneNumberArn": "PhoneNumberArn", "PhoneNumber": "PhoneNumber"}, says: []string{`"ACTIVE"`, `"DeletionProtectionEnabled": true`}},
	{chapter: "7", command: v2 + "update-phone-number \\\n --phone-number-id {PhoneNumberId} \\\n --deletion-protection-enabled \\\n --opt-out-list-name {optOutListName} \\\n --self-managed-opt-outs-enabled \\\n --two-way-enabled \\\n --two-way-channel-arn arn:aws:sns:us-east-1:111122223333:MyTopic",
		says: []string{`"TwoWayEnabled": true`, `"SelfManagedOptOutsEnabled": true`}},
	{chapter: "7", command: v2 + "describe-phone-numbers", says: []string{"{PhoneNumberId}"}},
	{chapter: "7", command: v2 + "describe-phone-numbers \\\n --phone-number-id {PhoneNumberId}", says: []string{"{PhoneNumberId}"}},
	{chapter: "7", command: v2 + "describe-phone-numbers \\\n --filters Name=number-capability,Values=SMS Name=iso-country-code,Values=GB", says: []string{"{PhoneNumberId}"}},
	{chapter: "7", command: v2 + "update-phone-number \\\n --phone-number-id {PhoneNumberId} \\\n --two-way-enabled \\\n --two-way-channel-arn {TwoWayARN} \\\n --two-way-channel-role {TwoChannelWayRole}", says: []string{"{TwoWayARN}"}},
	{chapter: "7", command: v2 + "put-keyword \\\n --origination-identity {PhoneNumberId} \\\n --keyword JOIN \\\n --keyword-message Welcome \\\n --keyword-action AUTOMATIC_RESPONSE", says: []string{`"JOIN"`}},
	{chapter: "7", command: v2 + "describe-keywords \\\n --origination-identity {PhoneNumberId}", says: []string{`"JOIN"`, `"HELP"`, `"STOP"`, `"UNSUBSCRIBE"`}},
	{chapter: "7", command: v2 + "delete-keyword \\\n --origination-identity {PhoneNumberId} \\\n --keyword JOIN", says: []string{`"JOIN"`}},
	{chapter: "7", command: v2 + "create-opt-out-list --opt-out-list-name Second", says: []string{`"Second"`}},
	{chapter: "7", command: v2 + "update-phone-number --phone-number-id {PhoneNumberId} --opt-out-list-name Second", says: []string{`"OptOutListName": "Second"`}},
	{chapter: "7", command: v2 + "update-phone-number --phone-number-id {PhoneNumberId} --deletion-protection-enabled", says: []string{`"DeletionProtectionEnabled": true`}},
	{chapter: "7", command: v2 + "tag-resource \\\n --resource-arn {PhoneNumberArn} \\\n --tags Key=key1,Value=value1 Key=key2,Value=value2"},
	{chapter: "7", command: v2 + "untag-resource \\\n --resource-arn {PhoneNumberArn} \\\n --tag-keys key1 key2"},

	// Chapter 6, pools.
	{chapter: "6", command: v2 + "create-pool \\\n --origination-identity {PhoneNumberId} \\\n --iso-country-code GB \\\n --message-type TRANSACTIONAL",
		save: map[string]string{"poolId": "PoolId", "poolArn": "PoolArn"}, says: []string{`"TwoWayEnabled": true`}},
	{chapter: "6", command: v2 + "describe-pools", says: []string{"{poolId}"}},
	{chapter: "6", command: v2 + "describe-pools \\\n --pool-id {poolId}", says: []string{"{poolId}"}},
	{chapter: "6", command: v2 + "describe-pools \\\n --filters Name=message-type,Values=TRANSACTIONAL Name=two-way-enabled,Values=true", says: []string{"{poolId}"}},
	{chapter: "6", command: v2 + "associate-origination-identity \\\n --pool-id {poolId} \\\n --origination-identity HELIO \\\n --iso-country-code GB", says: []string{`"HELIO"`},
		before: func(g *guide) {
			g.follow(guideCommand{chapter: "8", command: v2 + "request-sender-id --sender-id HELIO --iso-country-code GB --message-types TRANSACTIONAL",
				save: map[string]string{"SenderIdArn": "SenderIdArn"}})
		}},
	{chapter: "6", command: v2 + "list-pool-origination-identities \\\n --pool-id {poolId}", says: []string{"{PhoneNumberId}", "HELIO"}},
	{chapter: "6", command: v2 + "update-pool \\\n --pool-id {poolId} \\\n --two-way-channel-arn {TwoWayARN} \\\n --two-way-channel-role {TwoChannelWayRole}", says: []string{"{TwoWayARN}"}},
	{chapter: "6", command: v2 + "put-keyword \\\n --origination-identity {poolId} \\\n --keyword OFFERS \\\n --keyword-message 'You will hear of offers.' \\\n --keyword-action OPT_IN", says: []string{`"OPT_IN"`}},
	{chapter: "6", command: v2 + "describe-keywords \\\n --origination-identity {poolId}", says: []string{`"OFFERS"`}},
	{chapter: "6", command: v2 + "delete-keyword \\\n --origination-identity {poolId} \\\n --keyword OFFERS", says: []string{`"OFFERS"`}},
	{chapter: "6", command: v2 + "update-pool --pool-id {poolId} --opt-out-list-name {optOutListName}", says: []string{`"OptOutListName": "{optOutListName}"`}},
	{chapter: "6", command: v2 + "tag-resource \\\n --resource-arn {poolArn} \\\n --tags Key=key1,Value=value1 Key=key2,Value=value2"},
	{chapter: "6", command: v2 + "untag-resource \\\n --resource-arn {poolArn} \\\n --tag-keys key1 key2"},
	{chapter: "6", command: v2 + "delete-pool \\\n --pool-id {poolId}", says: []string{"{poolId}"}},

	// Chapter 8, sender ids.
	{chapter: "8", command: v2 + "tag-resource \\\n --resource-arn {SenderIdArn} \\\n --tags Key=key1,Value=value1 Key=key2,Value=value2"},
	{chapter: "8", command: v2 + "untag-resource \\\n --resource-arn {SenderIdArn} \\\n --tag-keys key1 key2"},

	// Chapter 10, configuration sets and event destinations.
	{chapter: "10", command: v2 + "create-configuration-set \\\n --configuration-set-name {configurationSet}", save: map[string]string{"setArn": "ConfigurationSetArn"}},
	{chapter: "10", command: v2 + "describe-configuration-sets", says: []string{`"{configurationSet}"`}},
	{chapter: "10", command: v2 + "describe-configuration-sets \\\n --configuration-set-names {configurationSet}", says: []string{`"{configurationSet}"`}},
	{chapter: "10", command: v2 + "tag-resource \\\n --resource-arn {setArn} \\\n --tags Key=key1,Value=value1 Key=key2,Value=value2"},
	{chapter: "10", command: v2 + "untag-resource \\\n --resource-arn {setArn} \\\n --tag-keys key1 key2"},
	{chapter: "10", command: v2 + "create-event-destination \\\n --event-destination-name logs \\\n --configuration-set-name {configurationSet} \\\n --matching-event-types ALL \\\n --cloud-watch-logs-destination IamRoleArn=arn:aws:iam::111122223333:role/CWLSMSRole,LogGroupArn=arn:aws:logs:us-east-1:111122223333:log-group:MyCWLLogGroup", says: []string{`"logs"`}},
	{chapter: "10", command: v2 + "update-event-destination \\\n --event-destination-name logs \\\n --configuration-set-name {configurationSet} \\\n --matching-event-types TEXT_ALL \\\n --cloud-watch-logs-destination IamRoleArn=arn:aws:iam::111122223333:role/CWLSMSRole,LogGroupArn=arn:aws:logs:us-east-1:111122223333:log-group:MyCWLLogGroup", says: []string{`"TEXT_ALL"`}},
	{chapter: "10", command: v2 + "delete-event-destination \\\n --event-destination-name logs \\\n --configuration-set-name {configurationSet}", says: []string{`"logs"`}},
	{chapter: "10", command: v2 + "create-event-destination \\\n --event-destination-name stream \\\n --configuration-set-name {configurationSet} \\\n --matching-event-types TEXT_ALL \\\n --kinesis-firehose-destination IamRoleArn=arn:aws:iam::111122223333:role/AKFSMSRole,DeliveryStreamArn=arn:aws:firehose:us-east-1:111122223333:deliverystream/MyDeliveryStream", says: []string{`"stream"`}},
	{chapter: "10", command: v2 + "delete-event-destination \\\n --event-destination-name stream \\\n --configuration-set-name {configurationSet}", says: []string{`"stream"`}},
	{chapter: "10", command: v2 + "create-event-destination \\\n --event-destination-name topic \\\n --configuration-set-name {configurationSet} \\\n --matching-event-types TEXT_DELIVERED \\\n --sns-destination TopicArn=arn:aws:sns:us-east-1:111122223333:snsTopic", says: []string{`"topic"`}},
	{chapter: "10", command: v2 + "update-event-destination \\\n --event-destination-name topic \\\n --configuration-set-name {configurationSet} \\\n --matching-event-types TEXT_ALL \\\n --sns-destination TopicArn=arn:aws:sns:us-east-1:111122223333:snsTopic", says: []string{`"TEXT_ALL"`}},
	{chapter: "10", command: v2 + "delete-event-destination \\\n --event-destination-name topic \\\n --configuration-set-name {configurationSet}", says: []string{`"topic"`}},
	{chapter: "10", command: v2 + "delete-configuration-set \\\n --configuration-set-name {configurationSet}"},

	// Chapter 3, verified destination numbers.
	{chapter: "3", command: v2 + "create-verified-destination-number --destination-phone-number +447700900123",
		save: map[string]string{"VerifiedId": "VerifiedDestinationNumberId"}, says: []string{`"PENDING"`}},
	{chapter: "3", command: v2 + "send-destination-number-verification-code --verified-destination-number-id {VerifiedId} --verification-channel TEXT",
		save: map[string]string{"codeMessage": "MessageId"}},
	{chapter: "3", command: v2 + "verify-destination-number --verified-destination-number-id {VerifiedId} --verification-code {Code}", says: []string{`"VERIFIED"`},
		before: func(g *guide) {
			out := g.run("messages", "show", g.names["codeMessage"])
			if g.names["Code"] = regexp.MustCompile(`\b[0-9]{6}\b`).FindString(out); g.names["Code"] == "" {
				g.t.Fatalf("no code in %s", out)
			}
		}},

	// The rest of chapters 7 and 11, which take away what the others needed.
	{chapter: "7", command: v2 + "release-phone-number \\\n --phone-number-id {PhoneNumberId}", says: []string{"{PhoneNumberId}"},
		before: func(g *guide) {
			g.follow(guideCommand{chapter: "7", command: v2 + "update-phone-number --phone-number-id {PhoneNumberId} --no-deletion-protection-enabled"})
		}},
	{chapter: "11", command: v2 + "tag-resource \\\n --resource-arn arn:aws:sms-voice:us-east-1:111122223333:opt-out-list/{optOutListName} \\\n --tags Key=key1,Value=value1 Key=key2,Value=value2"},
	{chapter: "11", command: v2 + "untag-resource \\\n --resource-arn arn:aws:sms-voice:us-east-1:111122223333:opt-out-list/{optOutListName} \\\n --tag-keys key1 key2"},
	{chapter: "11", command: v2 + "delete-opt-out-list \\\n --opt-out-list-name {optOutListName}", says: []string{`"{optOutListName}"`}},
}

// TestGuideCommands runs every AWS CLI command of the guide's chapters 3, 6, 7, 8, 10
// and 11, on a new server.
func TestGuideCommands(t *testing.T) {
	t.Parallel()
	g := &guide{server: start(t, ""), names: map[string]string{"optOutListName": "MyList", "configurationSet": "MySet",
		"TwoWayARN": "arn:aws:sns:us-east-1:111122223333:TwoWay", "TwoChannelWayRole": "arn:aws:iam::111122223333:role/TwoWayRole"}}
	g.role("CWLSMSRole", `"aws:SourceArn": "arn:aws:sms-voice:us-east-1:111122223333:configuration-set/MySet"`,
		`["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"]`, "arn:aws:logs:us-east-1:111122223333:log-group:MyCWLLogGroup:*")
	g.role("AKFSMSRole", `"aws:SourceArn": "arn:aws:sms-voice:us-east-1:111122223333:configuration-set/MySet"`,
		`"firehose:PutRecord"`, "arn:aws:firehose:us-east-1:111122223333:deliverystream/MyDeliveryStream")
	g.role("TwoWayRole", `"aws:SourceArn": "arn:aws:sms-voice:us-east-1:111122223333:*"`, `"sns:Publish"`, "arn:aws:sns:us-east-1:111122223333:TwoWay")
	for _, c := range guideCommands {
		g.follow(c)
	}
}

// role makes a role with the trust and permission policies of chapters 6, 7 and 10.
func (g *guide) role(name, source, actions, resource string) {
	g.t.Helper()
	trust := g.file(name+"-trust.json", `{"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Principal": {"Service": "sms-voice.amazonaws.com"},
		"Action": "sts:AssumeRole", "Condition": {"StringEquals": {"aws:SourceAccount": "111122223333"}, "ArnLike": {`+source+`}}}}`)
	allows := g.file(name+".json", `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": `+actions+`, "Resource": ["`+resource+`"]}]}`)
	g.follow(guideCommand{chapter: "10", command: "iam create-role --role-name " + name + " --assume-role-policy-document file://" + trust, says: []string{name}})
	g.follow(guideCommand{chapter: "10", command: "iam put-role-policy --role-name " + name + " --policy-name events --policy-document file://" + allows})
}

// TestDeactivationReports reads deactivation reports by the commands of the guide's
// chapter 4.
func TestDeactivationReports(t *testing.T) {
	t.Parallel()
	g := &guide{server: start(t, ""), names: map[string]string{}}
	today := time.Now().UTC().Format(time.DateOnly)
	yesterday := time.Now().UTC().AddDate(0, 0, -1).Format(time.DateOnly)
	g.run("deactivations", "import", g.file("old.csv", "+12065550100\n+12065550101\n"), "--day", yesterday)
	g.run("deactivations", "import", g.file("new.csv", "phone number\n+12065550102\n"), "--day", today)
	for key, want := range map[string]string{
		"us/latest-deact-report.csv":            "+12065550102\n",
		"US/" + yesterday + "-deact-report.csv": "+12065550100\n+12065550101\n",
	} {
		if _, err := g.shell("aws s3api get-object --bucket us-east-1-pinpoint-sms-voice --key sms-deact-reports/" + key + " OUTFILE.csv --request-payer requester"); err != nil {
			t.Fatalf("%s: %v", key, err)
		}
		if text, err := os.ReadFile(filepath.Join(g.dir, "OUTFILE.csv")); err != nil || string(text) != want {
			t.Errorf("%s: %q, %v", key, text, err)
		}
	}
	out, err := g.shell(`aws s3api list-objects-v2 --bucket us-east-1-pinpoint-sms-voice --prefix "sms-deact-reports/us/" --request-payer requester`)
	var list struct{ Contents []struct{ Key string } }
	if err != nil || json.Unmarshal([]byte(out), &list) != nil {
		t.Fatalf("list: %v, %s", err, out)
	}
	var keys []string
	for _, o := range list.Contents {
		keys = append(keys, strings.TrimPrefix(o.Key, "sms-deact-reports/us/"))
	}
	if want := []string{yesterday + "-deact-report.csv", today + "-deact-report.csv", "latest-deact-report.csv"}; !slices.Equal(keys, want) {
		t.Errorf("listed %q, want %q", keys, want)
	}
	if _, err := g.shell("aws s3api get-object --bucket us-east-1-pinpoint-sms-voice --key sms-deact-reports/us/2020-01-01-deact-report.csv OUTFILE.csv"); err == nil {
		t.Error("a report of long ago was answered")
	}
}
