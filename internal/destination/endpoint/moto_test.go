//go:build python

package endpoint

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	awsfirehose "github.com/aws/aws-sdk-go-v2/service/firehose"
	"github.com/aws/aws-sdk-go-v2/service/firehose/types"
	"github.com/aws/aws-sdk-go-v2/service/sns"

	"heliograph/internal/destination"
	"heliograph/internal/sms"
)

// moto starts a moto_server and gives its URL and a configuration for clients.
func moto(t *testing.T) (string, aws.Config) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_, port, err := net.SplitHostPort(listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	var output bytes.Buffer
	command := exec.CommandContext(t.Context(), "moto_server", "-H", "127.0.0.1", "-p", port)
	command.Stdout, command.Stderr = &output, &output
	command.WaitDelay = 5 * time.Second
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- command.Wait() }()
	t.Cleanup(func() {
		_ = command.Process.Kill()
		<-ended
	})
	address := "http://127.0.0.1:" + port
	for deadline := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		response, err := http.Get(address + "/moto-api/data.json")
		if err == nil {
			_ = response.Body.Close()
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("moto_server ended: %v\n%s", err, output.String())
		default:
		}
		if time.Now().After(deadline) {
			t.Fatalf("moto_server does not answer: %v", err)
		}
	}
	config := options(address).AWS
	config.BaseEndpoint, config.Region = &address, "us-east-1"
	return address, config
}

// TestMoto publishes to a log group, a stream and a topic of services that were
// written elsewhere, and reads back what they have.
func TestMoto(t *testing.T) {
	address, config := moto(t)
	factory, err := New(options(address))
	if err != nil {
		t.Fatal(err)
	}
	var batch []destination.Item
	var want []string
	for i := range 612 {
		line := fmt.Sprintf(`{"n":%d,"text":"é & \"<😀"}`, i)
		want = append(want, line)
		batch = append(batch, destination.Item{JSON: []byte(line), At: time.Now().Add(time.Duration(i) * time.Millisecond)})
	}
	publish := func(t *testing.T, d sms.EventDestination) error {
		p, err := factory("111122223333", "cs", d)
		if err != nil {
			t.Fatal(err)
		}
		return p.Publish(t.Context(), batch)
	}

	t.Run("CloudWatch Logs", func(t *testing.T) {
		client := cloudwatchlogs.NewFromConfig(config)
		if err := publish(t, group); err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
			t.Errorf("without a log group: %v", err)
		}
		if _, err := client.CreateLogGroup(t.Context(), &cloudwatchlogs.CreateLogGroupInput{LogGroupName: aws.String("events")}); err != nil {
			t.Fatal(err)
		}
		if err := publish(t, group); err != nil {
			t.Fatal(err)
		}
		streams, err := client.DescribeLogStreams(t.Context(), &cloudwatchlogs.DescribeLogStreamsInput{LogGroupName: aws.String("events")})
		if err != nil || len(streams.LogStreams) != 1 {
			t.Fatalf("streams %+v, %v", streams, err)
		}
		out, err := client.GetLogEvents(t.Context(), &cloudwatchlogs.GetLogEventsInput{LogGroupName: aws.String("events"),
			LogStreamName: streams.LogStreams[0].LogStreamName, StartFromHead: aws.Bool(true)})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for i, e := range out.Events {
			got = append(got, aws.ToString(e.Message))
			if at := aws.ToInt64(e.Timestamp); at != batch[i].At.UnixMilli() {
				t.Fatalf("event %d is of %d", i, at)
			}
		}
		compare(t, got, want)
	})

	t.Run("Firehose", func(t *testing.T) {
		if err := publish(t, stream); err == nil || !strings.Contains(err.Error(), "ResourceNotFoundException") {
			t.Errorf("without a stream: %v", err)
		}
		west := config.Copy()
		west.Region = "us-west-2"
		call(t, address, "s3", http.MethodPut, "/collected", nil)
		if _, err := awsfirehose.NewFromConfig(west).CreateDeliveryStream(t.Context(), &awsfirehose.CreateDeliveryStreamInput{
			DeliveryStreamName: aws.String("events"),
			ExtendedS3DestinationConfiguration: &types.ExtendedS3DestinationConfiguration{
				BucketARN: aws.String("arn:aws:s3:::collected"), RoleARN: aws.String("arn:aws:iam::111122223333:role/events")},
		}); err != nil {
			t.Fatal(err)
		}
		if err := publish(t, stream); err != nil {
			t.Fatal(err)
		}
		var listing struct{ Contents []struct{ Key string } }
		if err := xml.Unmarshal(call(t, address, "s3", http.MethodGet, "/collected", nil), &listing); err != nil {
			t.Fatal(err)
		}
		var collected []string
		for _, object := range listing.Contents {
			text := string(call(t, address, "s3", http.MethodGet, "/collected/"+object.Key, nil))
			collected = append(collected, strings.Split(strings.TrimSuffix(text, "\n"), "\n")...)
		}
		compare(t, sorted(collected), sorted(want)) // objects made in one second list in any order
	})

	t.Run("SNS", func(t *testing.T) {
		if err := publish(t, topic); err == nil {
			t.Error("no error without a topic")
		}
		ireland := config.Copy()
		ireland.Region = "eu-west-1"
		client := sns.NewFromConfig(ireland)
		made, err := client.CreateTopic(t.Context(), &sns.CreateTopicInput{Name: aws.String("events")})
		if err != nil {
			t.Fatal(err)
		}
		var queue struct{ QueueUrl string }
		queues(t, address, "CreateQueue", map[string]any{"QueueName": "collected"}, &queue)
		if _, err := client.Subscribe(t.Context(), &sns.SubscribeInput{TopicArn: made.TopicArn, Protocol: aws.String("sqs"),
			Endpoint: aws.String("arn:aws:sqs:eu-west-1:123456789012:collected"), Attributes: map[string]string{"RawMessageDelivery": "true"}}); err != nil {
			t.Fatal(err)
		}
		d := topic
		d.SNS = &sms.SNSDestination{TopicARN: aws.ToString(made.TopicArn)}
		batch, want = batch[:112], want[:112] // its queues are slow
		if err := publish(t, d); err != nil {
			t.Fatal(err)
		}
		var got []string
		for {
			var out struct{ Messages []struct{ Body string } }
			queues(t, address, "ReceiveMessage", map[string]any{"QueueUrl": queue.QueueUrl, "MaxNumberOfMessages": 10}, &out)
			if len(out.Messages) == 0 {
				break
			}
			for _, m := range out.Messages {
				got = append(got, m.Body)
			}
		}
		compare(t, sorted(got), sorted(want))
	})
}

func sorted(all []string) []string {
	return slices.Sorted(slices.Values(all))
}

func compare(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.Equal(got, want) {
		t.Errorf("%d events of %d, the first is %q", len(got), len(want), append(got, "")[0])
	}
}

// call makes a request to a service that has no client here.
func call(t *testing.T, address, service, method, path string, body []byte) []byte {
	t.Helper()
	return do(t, address, service, "us-east-1", method, path, http.Header{}, body)
}

// queues calls Amazon SQS.
func queues(t *testing.T, address, operation string, in, out any) {
	t.Helper()
	body, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Content-Type": {"application/x-amz-json-1.0"}, "X-Amz-Target": {"AmazonSQS." + operation}}
	if err := json.Unmarshal(do(t, address, "sqs", "eu-west-1", http.MethodPost, "/", header, body), out); err != nil {
		t.Fatal(err)
	}
}

func do(t *testing.T, address, service, region, method, path string, header http.Header, body []byte) []byte {
	t.Helper()
	u, err := url.Parse(address + path)
	if err != nil {
		t.Fatal(err)
	}
	header.Set("Authorization", "AWS4-HMAC-SHA256 Credential=AKID/20260101/"+region+"/"+service+"/aws4_request, SignedHeaders=host, Signature=0")
	response, err := http.DefaultClient.Do((&http.Request{Method: method, URL: u, Header: header,
		Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}).WithContext(t.Context()))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode/100 != 2 {
		t.Fatalf("%s %s: %s %v\n%s", method, path, response.Status, err, text)
	}
	return text
}
