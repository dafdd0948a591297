//go:build python

package e2e

import (
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// firehose runs commands of Amazon Data Firehose by version 2 of the AWS CLI, which takes
// data in base 64. Old ones hold that no interval is shorter than a minute, so that they
// are told to leave it to the service.
func (s *server) firehose(args ...string) (answer map[string]any) {
	s.t.Helper()
	c := exec.Command(cli2(s.t), append([]string{"--endpoint-url", s.url, "--output", "json", "firehose"}, args...)...)
	c.Dir = s.dir
	c.Env = append(s.env, "AWS_SHARED_CREDENTIALS_FILE="+s.credentials(), "AWS_DEFAULT_REGION="+region, "AWS_EC2_METADATA_DISABLED=true",
		"AWS_PAGER=", "AWS_CONFIG_FILE="+filepath.Join(s.dir, s.file("config", "[default]\nparameter_validation = false\n")))
	var out, errOut bytes.Buffer
	c.Stdout, c.Stderr = &out, &errOut
	if err := c.Run(); err != nil {
		s.t.Fatalf("aws firehose %s: %v\n%s", strings.Join(args, " "), err, errOut.String())
	}
	if len(bytes.TrimSpace(out.Bytes())) > 0 {
		if err := json.Unmarshal(out.Bytes(), &answer); err != nil {
			s.t.Fatalf("aws firehose %s: %v in\n%s", strings.Join(args, " "), err, out.String())
		}
	}
	return answer
}

// unzipped is the text of all gzip-compressed files below a directory.
func unzipped(t *testing.T, directory string) (text string) {
	t.Helper()
	err := filepath.WalkDir(directory, func(path string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || !strings.HasSuffix(path, ".gz") {
			return err
		}
		zipped, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		r, err := gzip.NewReader(bytes.NewReader(zipped))
		if err != nil {
			return fmt.Errorf("%s: %w", path, err)
		}
		content, err := io.ReadAll(r)
		text += string(content)
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	return text
}

// TestDeliveryStreamByCLI has events gathered by a stream of the embedded Amazon Data
// Firehose (guide chapter 10, "Amazon Data Firehose event destinations"), by the AWS
// CLI. What it has taken when the power goes is delivered once, but for events whose
// publication was not noted yet: into folders, and into a bucket of a service that was
// written elsewhere.
func TestDeliveryStreamByCLI(t *testing.T) {
	t.Parallel()
	t.Run("folder", func(t *testing.T) {
		t.Parallel()
		s := start(t, "")
		deliverEvents(t, s, func(account string) string {
			return unzipped(t, filepath.Join(s.dir, "data", "streams", account, "sms-events"))
		})
	})
	t.Run("bucket", func(t *testing.T) {
		t.Parallel()
		moto := startMoto(t)
		endpoint := []string{"AWS_ENDPOINT_URL=" + moto}
		python(t, endpoint, "bucket.py", "make", "sms-events")
		s := start(t, "aws: {s3_endpoint_url: \""+moto+"\"}\n", "AWS_EC2_METADATA_DISABLED=true",
			"AWS_SHARED_CREDENTIALS_FILE="+writeCredentials(t))
		deliverEvents(t, s, func(string) string { return python(t, endpoint, "bucket.py", "read", "sms-events") })
	})
}

// writeCredentials makes a file with the credentials that moto takes.
func writeCredentials(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte("[default]\naws_access_key_id = test\naws_secret_access_key = test\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func deliverEvents(t *testing.T, s *server, delivered func(account string) string) {
	const hints = `"BufferingHints":{"SizeInMBs":1,"IntervalInSeconds":`
	destination := func(interval string) string {
		return `{"RoleARN":"` + eventsRole + `","BucketARN":"arn:aws:s3:::sms-events","Prefix":"sms/","CompressionFormat":"GZIP",` + hints + interval + `}}`
	}
	arn := s.firehose("create-delivery-stream", "--delivery-stream-name", "Events", "--delivery-stream-type", "DirectPut",
		"--extended-s3-destination-configuration", destination("3"))["DeliveryStreamARN"].(string)
	account := strings.Split(arn, ":")[4]
	// What this one takes is on disk when the power goes, and not delivered.
	s.firehose("create-delivery-stream", "--delivery-stream-name", "Patient", "--extended-s3-destination-configuration", destination("900"))
	s.awsCLI("create-configuration-set", "--configuration-set-name", "Events")
	s.awsCLI("create-event-destination", "--event-destination-name", "Stream", "--configuration-set-name", "Events",
		"--matching-event-types", "ALL", "--kinesis-firehose-destination", "IamRoleArn="+eventsRole+",DeliveryStreamArn="+arn)
	number := s.awsCLI("request-phone-number", "--iso-country-code", "US", "--message-type", "TRANSACTIONAL",
		"--number-capabilities", "SMS", "--number-type", "SIMULATOR")["PhoneNumberId"].(string)
	send := func() string {
		return s.awsCLI("send-text-message", "--destination-phone-number", successUS, "--origination-identity", number,
			"--message-body", "An event is a record.", "--configuration-set-name", "Events")["MessageId"].(string)
	}
	put := func(stream, record string) {
		if id := s.firehose("put-record", "--delivery-stream-name", stream, "--record",
			"Data="+base64.StdEncoding.EncodeToString([]byte(record)))["RecordId"]; id == "" {
			t.Error("a record has no RecordId")
		}
	}
	sent := []string{send(), send()}
	put("Events", `{"messageId":"mine","eventType":"FIRST"}`)
	put("Patient", `{"messageId":"mine","eventType":"PATIENT"}`)
	eventually(t, "the first file", func() bool { return delivered(account) != "" })
	eventually(t, "the cursor", func() bool {
		// Six events, and the records of this test.
		return s.metric("heliograph_delivery_stream_records_total") >= 8 &&
			s.metric("heliograph_event_cursor_lag_events")+s.metric("heliograph_events_pending") == 0
	})
	// Its events are on their way when the power goes: they are published at least once.
	onItsWay := send()
	s.kill()
	s.launch()
	put("Events", `{"messageId":"mine","eventType":"SECOND"}`)
	sent = append(sent, send())
	// A deletion has delivered what is there.
	s.firehose("delete-delivery-stream", "--delivery-stream-name", "Patient")

	want := map[string]map[string]int{"mine": {"FIRST": 1, "SECOND": 1, "PATIENT": 1}}
	for _, id := range append(sent, onItsWay) {
		want[id] = toldOnce
	}
	var got map[string]map[string]int
	eventually(t, "every record once", func() bool {
		got = map[string]map[string]int{}
		for line := range strings.Lines(delivered(account)) {
			var e event
			if err := json.Unmarshal([]byte(line), &e); err != nil {
				t.Fatalf("%v in %q", err, line)
			}
			if got[e.MessageID] == nil {
				got[e.MessageID] = map[string]int{}
			}
			if e.MessageID == onItsWay {
				got[e.MessageID][e.Type] = 1
			} else {
				got[e.MessageID][e.Type]++
			}
		}
		for id, types := range got {
			for kind, n := range types {
				if n > 1 {
					t.Fatalf("%s of %s came %d times", kind, id, n)
				}
			}
		}
		return maps.EqualFunc(got, want, maps.Equal[map[string]int, map[string]int])
	})
	if got := s.metric("heliograph_delivery_stream_objects_total"); got < 2 {
		t.Errorf("%v objects since the start", got)
	}
	if got := s.firehose("describe-delivery-stream", "--delivery-stream-name", "Events")["DeliveryStreamDescription"].(map[string]any); got["DeliveryStreamStatus"] != "ACTIVE" {
		t.Errorf("the stream is %v", got)
	}
}
