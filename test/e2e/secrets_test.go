//go:build python

package e2e

import (
	"bytes"
	"encoding/json"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"
)

// service runs a command of the AWS CLI and gives its answer.
func (s *server) service(args ...string) (answer map[string]any) {
	s.t.Helper()
	c := exec.Command("aws", append([]string{"--endpoint-url", s.url, "--output", "json"}, args...)...)
	c.Dir = s.dir
	c.Env = append(s.env, "AWS_SHARED_CREDENTIALS_FILE="+s.credentials(), "AWS_DEFAULT_REGION="+region, "AWS_EC2_METADATA_DISABLED=true", "AWS_PAGER=")
	var errOut bytes.Buffer
	c.Stderr = &errOut
	out, err := c.Output()
	if err != nil {
		s.t.Fatalf("aws %s: %v\n%s", strings.Join(args[:2], " "), err, errOut.String())
	}
	if len(bytes.TrimSpace(out)) > 0 {
		if err := json.Unmarshal(out, &answer); err != nil {
			s.t.Fatalf("aws %s: %v", strings.Join(args[:2], " "), err)
		}
	}
	return answer
}

// TestNothingInClear: texts of messages, codes, passwords and keys are in no file of the
// data directory, in no log and not in the program, whatever they are encoded as.
func TestNothingInClear(t *testing.T) {
	t.Parallel()
	s := start(t, "recipient_interval: 0s\nlog: {level: debug}\ntier: production\n")
	c := s.client()
	var secrets []secret
	keep := func(name, text string) string {
		t.Helper()
		if len(text) < 8 {
			t.Fatalf("%s is only %q", name, text)
		}
		secrets = append(secrets, secret{name, text})
		return text
	}

	// Messages that go out, with events, and are seen to have ended.
	must(c.CreateConfigurationSet(t.Context(), &api.CreateConfigurationSetInput{ConfigurationSetName: aws.String("all")}))(t)
	must(c.CreateEventDestination(t.Context(), &api.CreateEventDestinationInput{ConfigurationSetName: aws.String("all"), EventDestinationName: aws.String("log"),
		MatchingEventTypes: []types.EventType{types.EventTypeAll}, CloudWatchLogsDestination: &types.CloudWatchLogsDestination{
			IamRoleArn: aws.String(eventsRole), LogGroupArn: aws.String(logGroup)}}))(t)
	number := lease(t, c, "GB", types.RequestableNumberTypeLongCode)
	id, to := aws.ToString(number.PhoneNumberId), aws.ToString(number.PhoneNumber)
	var sent []string
	send := func(body string, to int) {
		t.Helper()
		out := must(c.SendTextMessage(t.Context(), &api.SendTextMessageInput{DestinationPhoneNumber: aws.String(recipient(to)), OriginationIdentity: &id,
			MessageBody: &body, ConfigurationSetName: aws.String("all"), Context: map[string]string{"order": "7"}}))(t)
		sent = append(sent, aws.ToString(out.MessageId))
	}
	send(keep("a text", "Seventeen quiet lighthouses blink at dusk"), 0)
	send(keep("a text with other letters", "Grüße 你好, zwölf Füchse über dem Fluß"), 1)
	send(keep("a long text", strings.Repeat("The amber parcel waits behind door nine. ", 9)), 2)
	for _, id := range sent {
		eventually(t, "the end of a message", func() bool { return strings.Contains(s.run("messages", "show", id), "DELIVERED") })
	}

	// Messages that come in, and an answer to a keyword.
	must(c.UpdatePhoneNumber(t.Context(), &api.UpdatePhoneNumberInput{PhoneNumberId: &id, TwoWayEnabled: aws.Bool(true), TwoWayChannelArn: aws.String(topic)}))(t)
	inbound := keep("a message from a handset", "my umbrella is at platform seven")
	s.run("simulate", "inbound", "--from", recipient(3), "--to", to, "--body", inbound)
	s.run("simulate", "inbound", "--from", recipient(3), "--to", to, "--body", keep("another from a handset", "Äpfel und Birnen am Gleis 7, 你好"))
	eventually(t, "the message from the handset", func() bool { return strings.Contains(s.run("events", "--configuration-set", "two-way:"+id), inbound) })

	// A code.
	verified := aws.ToString(must(c.CreateVerifiedDestinationNumber(t.Context(), &api.CreateVerifiedDestinationNumberInput{
		DestinationPhoneNumber: aws.String(recipient(4))}))(t).VerifiedDestinationNumberId)
	coded := aws.ToString(must(c.SendDestinationNumberVerificationCode(t.Context(), &api.SendDestinationNumberVerificationCodeInput{
		VerifiedDestinationNumberId: &verified, VerificationChannel: types.VerificationChannelText, OriginationIdentity: &id}))(t).MessageId)
	text := regexp.MustCompile(`code is [0-9]{6}\.`).FindString(s.run("messages", "show", coded))
	keep("a verification code", text)
	code := strings.TrimSuffix(strings.TrimPrefix(text, "code is "), ".")
	must(c.VerifyDestinationNumber(t.Context(), &api.VerifyDestinationNumberInput{VerifiedDestinationNumberId: &verified, VerificationCode: &code}))(t)
	secrets = append(secrets, secret{"a verification code in JSON", `"` + code + `"`})

	// Publications.
	published := s.mustSNS("create-topic", "--name", "news")["TopicArn"].(string)
	hook := newHook(t)
	s.mustSNS("subscribe", "--topic-arn", published, "--protocol", "http", "--notification-endpoint", hook.URL)
	s.mustSNS("publish", "--topic-arn", published, "--message", keep("a publication", "the tide tables moved to Thursday"), "--subject", keep("a subject", "tidal subject line"))

	// Identities.
	password := keep("a password", "Plover-Basket-2931!q")
	s.service("iam", "create-user", "--user-name", "alice")
	made := s.service("iam", "create-access-key", "--user-name", "alice")["AccessKey"].(map[string]any)
	keep("an access key", made["SecretAccessKey"].(string))
	s.service("iam", "create-login-profile", "--user-name", "alice", "--password", password)
	session := s.service("sts", "get-session-token")["Credentials"].(map[string]any)
	keep("a session's key", session["SecretAccessKey"].(string))
	keep("a session's token", session["SessionToken"].(string))
	request, err := json.Marshal(map[string]string{"account": "111122223333", "user": "alice", "password": password})
	if err != nil {
		t.Fatal(err)
	}
	answer, err := http.Post(s.url+"/signin", "application/json", bytes.NewReader(request))
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	var signedIn struct{ SecretAccessKey, SessionToken string }
	if err := json.NewDecoder(answer.Body).Decode(&signedIn); err != nil || answer.StatusCode != http.StatusOK {
		t.Fatalf("sign-in: %s, %v", answer.Status, err)
	}
	keep("a sign-in's key", signedIn.SecretAccessKey)
	keep("a sign-in's token", signedIn.SessionToken)

	// The installation's own.
	_, root := s.keys()
	keep("the root key", root)
	for line := range strings.Lines(string(read(t, filepath.Join(s.dir, "data", "keys")))) {
		_, key, _ := strings.Cut(strings.TrimSpace(line), " = ")
		keep("an installation key", key)
	}

	s.run("keys", "rotate-data")
	// What is in memory only is on disk when the program has ended.
	s.stop()
	found := scanFiles(t, filepath.Join(s.dir, "data"), secrets, "/data/credentials", "/data/keys", ".ballast")
	found = append(found, scan(t, "standard error", read(t, filepath.Join(s.dir, "stderr.log")), secrets)...)
	found = append(found, scan(t, "the program", read(t, binary), secrets)...)
	for _, problem := range found {
		t.Error(problem)
	}

	// And it is all there again.
	s.launch()
	if shown := s.run("messages", "show", sent[0]); !strings.Contains(shown, "Seventeen quiet lighthouses") {
		t.Errorf("the message is shown as\n%s", shown)
	}
	if events := s.run("events", "--configuration-set", "two-way:"+id); !strings.Contains(events, inbound) {
		t.Errorf("the channel had\n%s", events)
	}
}

func read(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}
