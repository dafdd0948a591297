package endpoint

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"heliograph/internal/destination"
	"heliograph/internal/destination/local"
	"heliograph/internal/destination/sns"
	"heliograph/internal/sms"
)

var (
	group  = sms.EventDestination{Name: "logs", CloudWatchLogs: &sms.CloudWatchLogsDestination{LogGroupARN: "arn:aws:logs:us-east-1:111122223333:log-group:events"}}
	stream = sms.EventDestination{Name: "firehose", Firehose: &sms.FirehoseDestination{DeliveryStreamARN: "arn:aws:firehose:us-west-2:111122223333:deliverystream/events"}}
	topic  = sms.EventDestination{Name: "topic", SNS: &sms.SNSDestination{TopicARN: "arn:aws:sns:eu-west-1:111122223333:events"}}
	chat   = sms.EventDestination{Name: "two-way", Connect: &sms.ConnectDestination{Channel: "connect.eu-west-2.amazonaws.com",
		PhoneNumber: "arn:aws:sms-voice:us-east-1:111122223333:phone-number/phone-1"}}
)

func options(url string) Options {
	return Options{URL: url, AWS: aws.Config{Credentials: credentials.NewStaticCredentialsProvider("AKID", "secret", "")}}
}

func TestLocal(t *testing.T) {
	directory := t.TempDir()
	factory, err := New(Options{Local: local.New(directory, local.Options{})})
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []sms.EventDestination{group, stream, topic} {
		p, err := factory("111122223333", "cs", d)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Publish(t.Context(), []destination.Item{{JSON: []byte("{}"), At: time.Now()}}); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(filepath.Join(directory, "111122223333", "cs", d.Name+".jsonl")); err != nil {
			t.Error(err)
		}
	}
}

// TestConnectEndpoint: Amazon Connect has an endpoint of its own, beside the local log or
// another endpoint.
func TestConnectEndpoint(t *testing.T) {
	for _, others := range []string{"", "http://127.0.0.1:1"} {
		var paths []string
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			paths = append(paths, r.URL.Path)
			if _, err := w.Write([]byte("{}")); err != nil {
				t.Error(err)
			}
		}))
		o := options(others)
		o.ConnectURL, o.Local = server.URL, local.New(t.TempDir(), local.Options{})
		factory, err := New(o)
		if err != nil {
			t.Fatal(err)
		}
		p, err := factory("111122223333", "two-way:phone-1", chat)
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Publish(t.Context(), []destination.Item{{JSON: []byte(`{"originationNumber":"+14255550168","messageBody":"hi"}`)}}); err != nil {
			t.Error(err)
		}
		if p, err := factory("111122223333", "cs", topic); err != nil || (others == "") != isLocal(p) {
			t.Errorf("a topic has a %T, %v", p, err)
		}
		server.Close()
		if len(paths) != 1 || paths[0] != "/chat-integration-event" {
			t.Errorf("requests to %v", paths)
		}
	}
	for _, o := range []Options{{ConnectURL: "localhost", Local: &local.Log{}}, {ConnectURL: AWS, Local: &local.Log{}}} {
		if _, err := New(o); err == nil || !strings.Contains(err.Error(), "aws.connect_endpoint_url") {
			t.Errorf("got %v", err)
		}
	}
}

// isLocal reports whether a publisher is none of a client's.
func isLocal(p destination.Publisher) bool {
	_, remote := p.(*sns.Publisher)
	return !remote
}

// TestOtherEndpoint: all kinds go to the URL, signed for the region and the
// service of their ARN.
func TestOtherEndpoint(t *testing.T) {
	var mu sync.Mutex
	scopes := map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, scope, _ := strings.Cut(r.Header.Get("Authorization"), "Credential=AKID/")
		fields := strings.Split(scope, "/")
		mu.Lock()
		defer mu.Unlock()
		if len(fields) > 3 {
			scopes[fields[1]+" "+fields[2]]++
		}
		w.WriteHeader(http.StatusServiceUnavailable)
	}))
	defer server.Close()
	factory, err := New(options(server.URL))
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range []sms.EventDestination{group, stream, topic, chat} {
		p, err := factory("111122223333", "cs", d)
		if err != nil {
			t.Fatal(err)
		}
		// It gives up by itself, after the attempts that are counted below.
		if err := p.Publish(t.Context(), []destination.Item{{JSON: []byte(`{"originationNumber":"+14255550168","messageBody":"hi"}`), At: time.Now()}}); err == nil {
			t.Errorf("%s: no error", d.Name)
		}
	}
	for _, scope := range []string{"us-east-1 logs", "us-west-2 firehose", "eu-west-1 sns", "eu-west-2 connect"} {
		if scopes[scope] != attempts {
			t.Errorf("requests were %v, want %d of %s", scopes, attempts, scope)
		}
	}
}

func TestBadConfiguration(t *testing.T) {
	for _, url := range []string{"localhost:5000", "ftp://host", "http://", "AWS", "://"} {
		if _, err := New(options(url)); err == nil || !strings.Contains(err.Error(), "aws.endpoint_url") {
			t.Errorf("%q: got %v", url, err)
		}
	}
	if _, err := New(Options{URL: AWS}); err == nil || !strings.Contains(err.Error(), "credentials") {
		t.Errorf("got %v", err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("no local log is needed")
	}
	factory, err := New(options(AWS))
	if err != nil {
		t.Fatal(err)
	}
	bad := topic
	bad.SNS = &sms.SNSDestination{TopicARN: "arn:aws:sqs:us-east-1:111122223333:events"}
	for _, d := range []sms.EventDestination{{Name: "empty"}, bad} {
		if _, err := factory("111122223333", "cs", d); err == nil {
			t.Errorf("%+v was taken", d)
		}
	}
}
