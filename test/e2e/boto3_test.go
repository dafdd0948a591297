//go:build python

package e2e

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	api "github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2"
	"github.com/aws/aws-sdk-go-v2/service/pinpointsmsvoicev2/types"

	"heliograph/test/rig"
)

// python runs a script of testdata and gives what it prints.
func python(t *testing.T, env []string, script string, args ...string) string {
	t.Helper()
	c := exec.Command("python3", append([]string{"testdata/" + script}, args...)...)
	c.Env = append(append(os.Environ(), "AWS_EC2_METADATA_DISABLED=true"), env...)
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	if err := c.Run(); err != nil {
		t.Fatalf("%s: %v\n%s", script, err, errOut.String())
	}
	return strings.TrimSpace(out.String())
}

// startMoto runs a moto_server and gives its URL.
func startMoto(t *testing.T) string {
	t.Helper()
	address, err := rig.FreeAddress()
	if err != nil {
		t.Fatal(err)
	}
	_, port, _ := net.SplitHostPort(address)
	c := exec.Command("python3", "-m", "moto.server", "-H", "127.0.0.1", "-p", port)
	var out bytes.Buffer
	c.Stdout, c.Stderr = &out, &out
	if err := c.Start(); err != nil {
		t.Fatalf("moto: %v", err)
	}
	t.Cleanup(func() {
		c.Process.Kill()
		c.Wait()
		if t.Failed() {
			text := out.String()
			t.Logf("moto:\n%s", text[max(0, len(text)-4000):])
		}
	})
	url := "http://" + address
	eventually(t, "moto", func() bool {
		response, err := http.Get(url + "/moto-api/data.json")
		if err != nil {
			return false
		}
		response.Body.Close()
		return response.StatusCode == http.StatusOK
	})
	return url
}

// step orders the events of a message that are of the same millisecond.
var step = map[string]int{"TEXT_QUEUED": 1, "TEXT_SUCCESSFUL": 2, "TEXT_DELIVERED": 3}

// TestSendByBoto3 sends the message of the guide's example (chapter 12) by boto3, in
// production, from a 10DLC number that the operator has assigned and activated. Its
// events reach a topic, a delivery stream and a log group of moto.
func TestSendByBoto3(t *testing.T) {
	t.Parallel()
	moto := startMoto(t)
	var arns struct{ SNS, Firehose, Logs string }
	if err := json.Unmarshal([]byte(python(t, []string{"AWS_ENDPOINT_URL=" + moto}, "moto.py", "make")), &arns); err != nil {
		t.Fatal(err)
	}
	s := start(t, "tier: production\naws: {endpoint_url: \""+moto+"\"}\n", "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_EC2_METADATA_DISABLED=true")
	s.run("numbers", "import", s.file("numbers.csv", "number,country,type,carrier\n+12065550183,US,TEN_DLC,sim\n"))
	s.run("numbers", "assign", "+12065550183", "--message-type", "TRANSACTIONAL")
	s.run("numbers", "activate", "+12065550183")
	if listed := s.run("numbers", "list", "--json"); !strings.Contains(listed, "+12065550183") || !strings.Contains(listed, "ACTIVE") {
		t.Errorf("the inventory is\n%s", listed)
	}
	c := s.client()
	set := aws.String("MyConfigurationSet")
	must(c.CreateConfigurationSet(t.Context(), &api.CreateConfigurationSetInput{ConfigurationSetName: set}))(t)
	for _, in := range []*api.CreateEventDestinationInput{
		{EventDestinationName: aws.String("Topic"), SnsDestination: &types.SnsDestination{TopicArn: &arns.SNS}},
		{EventDestinationName: aws.String("Stream"), KinesisFirehoseDestination: &types.KinesisFirehoseDestination{
			IamRoleArn: aws.String(eventsRole), DeliveryStreamArn: &arns.Firehose}},
		{EventDestinationName: aws.String("Logs"), CloudWatchLogsDestination: &types.CloudWatchLogsDestination{
			IamRoleArn: aws.String(eventsRole), LogGroupArn: &arns.Logs}},
	} {
		in.ConfigurationSetName, in.MatchingEventTypes = set, []types.EventType{types.EventTypeAll}
		must(c.CreateEventDestination(t.Context(), in))(t)
	}

	accessKey, secret := s.keys()
	id := python(t, []string{"AWS_ENDPOINT_URL=" + s.url, "AWS_ACCESS_KEY_ID=" + accessKey, "AWS_SECRET_ACCESS_KEY=" + secret,
		"AWS_DEFAULT_REGION=" + region}, "send.py")
	if id == "" {
		t.Fatal("no MessageId")
	}
	got := map[string][]event{}
	eventually(t, "all events at each destination", func() bool {
		var now map[string][]event
		if err := json.Unmarshal([]byte(python(t, []string{"AWS_ENDPOINT_URL=" + moto}, "moto.py", "read")), &now); err != nil {
			t.Fatal(err)
		}
		for sink, events := range now {
			if sink == "sns" { // what was read of the queue is gone from it
				got[sink] = append(got[sink], events...)
			} else {
				got[sink] = events
			}
		}
		complete := func(sink string) bool { return len(got[sink]) >= 3 && finals(got[sink]) > 0 }
		return complete("sns") && complete("firehose") && complete("logs")
	})
	for sink, events := range got {
		t.Run(sink, func(t *testing.T) {
			// Neither a queue nor a bucket keeps an order.
			slices.SortFunc(events, func(x, y event) int {
				return cmp.Or(cmp.Compare(x.At, y.At), cmp.Compare(step[x.Type], step[y.Type]))
			})
			theStory(t, events, "TEXT_QUEUED", "TEXT_SUCCESSFUL", "TEXT_DELIVERED")
			for _, e := range events {
				if e.MessageID != id || e.Origination != "+12065550183" || e.Destination != "+14255550168" || e.Country != "US" ||
					e.Context["key1"] != "value1" || e.MessageType != "TRANSACTIONAL" || e.Encoding != "GSM" || e.Parts != 1 || e.Price <= 0 {
					t.Errorf("event %+v", e)
				}
			}
		})
	}
}
